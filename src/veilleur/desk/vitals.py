"""Proof of life: every stage from the camera to the screen says when it last did something.

A stage that has been silent for too long is named, and the console turns red (demands D02). The
canary goes the whole way, so it finds what no stage notices of itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Stage(StrEnum):
    """In the order of the way of a signal."""

    COLLECTING = "collecting"  # frames from the decoding processes
    ANALYSIS = "analysis"  # inference and rules
    STORING = "storing"  # signals reach the database
    PICTURES = "pictures"  # stills are made
    TELLING = "telling"  # the outbox reaches the screens
    CLOCKWORK = "clockwork"  # escalation, technical alarms
    AUTHORITY = "authority"  # orders reach the gate
    CANARY = "canary"  # the whole way


@dataclass(frozen=True, slots=True, kw_only=True)
class Vital:
    """age_s: since it last showed life; limit_s: how old that may be. words: its trouble."""

    stage: Stage
    age_s: float
    limit_s: float
    words: str = ""

    @property
    def well(self) -> bool:
        return not self.words and self.age_s <= self.limit_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    at: datetime
    stages: tuple[Vital, ...]

    @property
    def well(self) -> bool:
        return all(stage.well for stage in self.stages)


class Beats:
    """When each stage last did something; told from any thread.

    A stage may have several parts, each of which has to show life: it is as old as the oldest.
    now: host seconds that never go back.
    """

    def __init__(
        self,
        limits: dict[Stage, float],
        now: Callable[[], float],
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now, self._utc, self._limits = now, utc, limits
        self._lock = threading.Lock()
        began = now()
        self._last: dict[Stage, dict[str, float]] = {stage: {"": began} for stage in limits}
        self._words: dict[tuple[Stage, str], str] = {}

    def expect(self, stage: Stage, part: str) -> None:
        """From now on this part has to show life."""
        with self._lock:
            self._last[stage].pop("", None)
            self._last[stage][part] = self._now()

    def beat(self, stage: Stage, at: float | None = None, part: str = "") -> None:
        """It did what it is there for, at host second `at` (None: now)."""
        with self._lock:
            self._last[stage][part] = self._now() if at is None else at
            self._words.pop((stage, part), None)

    def ails(self, stage: Stage, words: str, part: str = "") -> None:
        """It says itself what is wrong."""
        with self._lock:
            self._words[stage, part] = words

    def vitals(self) -> Vitals:
        now = self._now()
        with self._lock:
            stages = tuple(
                Vital(
                    stage=stage,
                    age_s=max(0.0, now - min(self._last[stage].values())),
                    limit_s=limit,
                    words="; ".join(self._said(stage)),
                )
                for stage, limit in self._limits.items()
            )
        return Vitals(at=self._utc(), stages=stages)

    def _said(self, stage: Stage) -> list[str]:
        return [words for (of, _), words in self._words.items() if of is stage]
