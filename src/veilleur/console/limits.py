"""How often somebody may ask, and how often a password may be wrong. Told the time, in seconds."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

REMEMBERED = 10_000
"""Addresses and names kept at most; who has been silent for longest is forgotten first."""
MOST_TOLD = 10
"""Counts that one occasion tells of; others follow with the next."""


@dataclass(slots=True)
class _Level:
    tokens: float
    at: float


class Bucket:
    """A token bucket a key: `rate_hz` a second on average, `burst` at once."""

    def __init__(self, rate_hz: float, burst: int) -> None:
        self.rate_hz, self.burst = rate_hz, burst
        self._levels: OrderedDict[str, _Level] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        """Take one. Returns 0.0, or the seconds until there is one again (none is taken then)."""
        level = self._levels.pop(key, None) or _Level(float(self.burst), now)
        self._levels[key] = level
        if len(self._levels) > REMEMBERED:
            self._levels.popitem(last=False)
        gained = max(0.0, now - level.at) * self.rate_hz
        level.tokens, level.at = min(float(self.burst), level.tokens + gained), now
        if level.tokens < 1.0:
            return (1.0 - level.tokens) / self.rate_hz
        level.tokens -= 1.0
        return 0.0


class Failures:
    """Wrong passwords by key (an account's name, an address): `allowed` within `within_s` seconds,
    then none is looked at until the oldest of them is that old."""

    def __init__(self, allowed: int, within_s: float) -> None:
        self.allowed, self.within_s = allowed, within_s
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def locked_s(self, key: str, now: float) -> float:
        """Seconds until this key may try again, 0.0 where it may now."""
        failed = self._recent(key, now)
        return failed[0] + self.within_s - now if len(failed) >= self.allowed else 0.0

    def note(self, key: str, now: float) -> bool:
        """One more failed. Returns whether this is the one that locks."""
        failed = self._recent(key, now)
        failed.append(now)
        self._failed[key] = failed
        self._failed.move_to_end(key)
        if len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)
        return len(failed) == self.allowed

    def restore(self, key: str, at: float) -> None:
        """It failed then, before this process began. The oldest come first."""
        self._failed.setdefault(key, deque()).append(at)

    def forget(self, key: str) -> None:
        """It was right this time."""
        self._failed.pop(key, None)

    def _recent(self, key: str, now: float) -> deque[float]:
        failed = self._failed.get(key, deque())
        while failed and failed[0] + self.within_s <= now:
            failed.popleft()
        return failed


@dataclass(frozen=True, slots=True)
class Times:
    """What came from one key since it was last told of."""

    key: str
    times: int


@dataclass(slots=True)
class _Count:
    told: float
    since: int = 0


class Tally:
    """What may come in floods: each is counted, and told of at most every `every_s` for one key.

    The first is told of at once; those after it with whatever comes when their time is over. At
    most REMEMBERED keys are counted; of the oldest beyond them the count is told of early.
    """

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self._counts: OrderedDict[str, _Count] = OrderedDict()  # by when they were told of

    def note(self, key: str, now: float) -> list[Times]:
        """One more of this key. Returns what is to be told now, of other keys too."""
        known = self._counts.get(key)
        if known is not None:
            known.since += 1
        told = self._over(now)
        if key not in self._counts:
            self._counts[key] = _Count(now)
            told.append(Times(key, 1))
        return told

    def _over(self, now: float) -> list[Times]:
        told: list[Times] = []
        while len(told) < MOST_TOLD and self._due(now):
            too_many = len(self._counts) > REMEMBERED
            key, count = self._counts.popitem(last=False)
            if count.since:
                told.append(Times(key, count.since))
                if not too_many:
                    self._counts[key] = _Count(now)
        return told

    def _due(self, now: float) -> bool:
        oldest = next(iter(self._counts.values()), None)
        if oldest is None:
            return False
        return oldest.told + self.every_s <= now or len(self._counts) > REMEMBERED
