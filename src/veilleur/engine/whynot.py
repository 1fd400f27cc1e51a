"""Why a rule did not signal, in the last ten minutes: an operator, or whoever tunes a site, asks.

Kept is each candidate (somebody a rule watched, or its zone) when it first appears and whenever the
first check that it fails becomes another one. No picture and no identity: who is who from one
instant to the next is told by place alone, and forgotten with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from veilleur.engine.pipeline import RuleVerdict
from veilleur.events.rule import Candidate, Check
from veilleur.geometry import FloatArray

KEPT_S = 600.0
MOST = 500
REACH_HEIGHTS = 0.8
"""So far, in box heights, may feet be from where they were to be the same candidate's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """A candidate whose answer to "why not" had just changed.

    at: UTC, as the clock is set now; host_s: the same instant on the host's clock that never goes
    back. unfit: why the camera can't serve the rule, where it can't.
    """

    at: datetime
    host_s: float
    rule: str
    candidate: Candidate
    unfit: str | None

    @property
    def failed(self) -> Check | None:
        """The first check that had not passed; None: all had."""
        return self.candidate.failed


@dataclass(frozen=True, slots=True)
class Changed:
    host_s: float
    rule: str
    candidate: Candidate
    unfit: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Last:
    """Candidates of one verdict: (n, 2) feet, (n,) heights, and what each failed, "": nothing."""

    feet: FloatArray
    heights: FloatArray
    failed: tuple[str, ...]

    @classmethod
    def of(cls, candidates: Sequence[Candidate]) -> _Last:
        boxes = [candidate.where for candidate in candidates]
        return cls(
            np.array([box.foot for box in boxes], np.float64).reshape(-1, 2),
            np.array([box.height for box in boxes], np.float64),
            tuple(candidate.failed.name if candidate.failed else "" for candidate in candidates),
        )

    def failed_near(self, now: _Last) -> list[str | None]:
        """What whoever stands nearest to each of these had failed before; None: nobody near."""
        if not self.failed or not now.failed:
            return [None] * len(now.failed)
        apart = np.linalg.norm(now.feet[:, None] - self.feet[None], axis=2)
        apart /= np.maximum((now.heights[:, None] + self.heights[None]) / 2, 1.0)
        nearest = apart.argmin(axis=1)
        near = apart.min(axis=1) <= REACH_HEIGHTS
        return [self.failed[n] if ok else None for n, ok in zip(nearest, near, strict=True)]


class WhyNotHistory:
    """Of one camera. One thread at a time adds, any reads."""

    def __init__(self) -> None:
        self._kept: deque[Changed] = deque(maxlen=MOST)
        self._last: dict[str, _Last] = {}

    def add(self, host_s: float, verdicts: Sequence[RuleVerdict]) -> None:
        """What the rules said of one picture."""
        for said in verdicts:
            candidates, unfit = said.verdict.candidates, said.verdict.unfit
            now = _Last.of(candidates)
            earlier = self._last.get(said.rule, _Last.of(())).failed_near(now)
            for candidate, failed, before in zip(candidates, now.failed, earlier, strict=True):
                if failed != before:
                    self._kept.append(Changed(host_s, said.rule, candidate, unfit))
            self._last[said.rule] = now
        while self._kept and host_s - self._kept[0].host_s > KEPT_S:
            self._kept.popleft()

    def between(self, since: float, until: float) -> list[Changed]:
        """Host seconds, both included."""
        return [one for one in tuple(self._kept) if since <= one.host_s <= until]
