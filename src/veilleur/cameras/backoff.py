"""When to try again. Told the time; waits longer each time, and not in step with others.

The chance in it spreads attempts; it guards nothing.
"""

from __future__ import annotations

from random import Random

FIRST_S = 1.0
MOST_S = 60.0
_JITTER = 0.2
_PROVEN_S = 10.0


class Backoff:
    """1 s, 2 s, 4 s ... up to 60 s, each a fifth longer or shorter by chance.

    A stream that ran for ten seconds has proven itself: the next wait is short again.
    """

    def __init__(self, random: Random | None = None) -> None:
        self._random = random or Random()  # noqa: S311
        self._failures = 0
        self._since: float | None = None

    def worked(self, now: float) -> None:
        """A frame came."""
        if self._since is None:
            self._since = now
        if now - self._since >= _PROVEN_S:
            self._failures = 0

    def failed(self, now: float) -> float:
        """It failed: the time of the next attempt."""
        self._since = None
        wait = min(MOST_S, FIRST_S * 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        spread: float = self._random.uniform(1 - _JITTER, 1 + _JITTER)
        return now + min(MOST_S, wait * spread)
