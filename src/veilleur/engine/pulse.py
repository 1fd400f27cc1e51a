"""Proof that the node's threads still go round: each says when it last did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pulse:
    """Seconds since the last round of the collector and of each analyst. A thread with nothing to
    do goes round all the same, twice a second. One that hangs, or has died, only grows older."""

    collector_s: float
    analysts_s: tuple[float, ...]

    @property
    def slowest_s(self) -> float:
        """Of whichever thread stands still for longest: a node is no fresher than that."""
        return max(self.collector_s, *self.analysts_s)


class Rounds:
    """When each thread began its last round, host seconds. Each writes its own place."""

    def __init__(self, analysts: int, now: float) -> None:
        self._collector = now
        self._analysts = [now] * analysts

    def collector(self, now: float) -> None:
        self._collector = now

    def analyst(self, number: int, now: float) -> None:
        self._analysts[number] = now

    def pulse(self, now: float) -> Pulse:
        return Pulse(
            max(0.0, now - self._collector),
            tuple(max(0.0, now - last) for last in self._analysts),
        )
