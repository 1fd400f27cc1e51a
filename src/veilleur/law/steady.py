"""The instant, by the wall clock and by the time that has passed since the first one was told.

An act ends on its true hour. Where the machine's clock is set, forward or back, there are two
opinions of what time it is, and an act has to cover both until somebody says which is right.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from veilleur.law.authorisation import instant

STEP_S = 2.0
"""Wall clock and passed time differ by no more while nobody sets the clock (a leap second: 1 s)."""


class Steady:
    """passed: seconds that no setting of the clock moves. Safe from any thread."""

    def __init__(self, passed: Callable[[], float]) -> None:
        self._passed = passed
        self._lock = threading.Lock()
        self._first: tuple[datetime, float] | None = None

    def instants(self, at: datetime) -> tuple[datetime, ...]:
        """at: an aware instant by the wall clock. That alone, or with it the other opinion."""
        stepped_s = self.stepped_s(at)
        if abs(stepped_s) <= STEP_S:
            return (at,)
        return at, at - timedelta(seconds=stepped_s)

    def unmoved(self, at: datetime) -> datetime:
        """at: now, by the wall clock. The instant it would be had nobody set that: what is measured
        with it lasts as long as it lasts."""
        return instant(at) - timedelta(seconds=self.stepped_s(at))

    def stepped_s(self, at: datetime) -> float:
        """By how much the wall clock was set forward (back: negative) since it was settled."""
        now = self._passed()
        with self._lock:
            if self._first is None:
                self._first = instant(at), now
            first, then = self._first
        return (instant(at) - first).total_seconds() - (now - then)

    def settle(self, at: datetime) -> None:
        """The wall clock is right: somebody, or a time server, has checked it."""
        now = self._passed()
        with self._lock:
            self._first = instant(at), now
