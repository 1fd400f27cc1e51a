"""From signals to alerts: one situation owes one alert.

A signal that speaks of an object already told, or that comes with others in the same instant, is
the same situation. Objects are recognised by where they are and by nothing else, and forgotten
seconds after the rule has let go of them; so a track that breaks and is found again two steps
further does not alarm twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from veilleur.catalogue import Event
from veilleur.events.rule import Check, Signal, Verdict
from veilleur.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What an operator is asked to look at. Still never a decision.

    began, noticed: seconds, stream clock. where: pixels of the view. laboratory: nobody real.
    """

    event: Event
    rule: str
    camera: str
    began: float
    noticed: float
    where: Box
    checks: tuple[Check, ...]
    level: str
    laboratory: bool


@dataclass(frozen=True, slots=True)
class SituationSettings:
    """together_s: signals this close are one situation: the next vehicle of a dense row comes
    sooner, an operator has not yet looked. held_memory_s: how long an object is
    remembered after its situation ended; told_memory_s: the same for instant events (a crossing).
    reach_heights: how far, in box heights, an object may be found from where it was.
    """

    together_s: float = 1.8
    held_memory_s: float = 2.5
    told_memory_s: float = 1.0
    reach_heights: float = 1.0


@dataclass(frozen=True, slots=True)
class _Told:
    where: Box
    last: float
    memory_s: float


class Situations:
    """The situations of one rule. Told the time with each verdict."""

    def __init__(self, settings: SituationSettings | None = None) -> None:
        self._settings = settings or SituationSettings()
        self._told: list[_Told] = []
        self._last_alert = -math.inf

    def update(self, verdict: Verdict, time: float) -> list[Signal]:
        """The signals that open a situation; the others belong to one that is open."""
        self._told = [told for told in self._told if 0 <= time - told.last <= told.memory_s]
        opening = [signal for signal in verdict.signals if self._opens(signal, time)]
        for box in verdict.holding:
            self._follow(box, time)
        return opening

    def _opens(self, signal: Signal, time: float) -> bool:
        known = self._nearest(signal.where)
        self._remember(signal.where, known, time, self._settings.told_memory_s)
        if known is not None or time - self._last_alert < self._settings.together_s:
            return False
        self._last_alert = time
        return True

    def _follow(self, box: Box, time: float) -> None:
        known = self._nearest(box)
        if known is not None:
            self._remember(box, known, time, self._settings.held_memory_s)

    def _remember(self, box: Box, known: _Told | None, time: float, memory_s: float) -> None:
        if known is None:
            self._told.append(_Told(box, time, memory_s))
        else:
            moved = replace(known, where=box, last=time, memory_s=max(known.memory_s, memory_s))
            self._told[self._told.index(known)] = moved

    def _nearest(self, box: Box) -> _Told | None:
        reached = [t for t in self._told if _apart(t.where, box) <= self._settings.reach_heights]
        return min(reached, key=lambda t: _apart(t.where, box), default=None)


def _apart(one: Box, other: Box) -> float:
    """Distance of the feet in mean box heights."""
    scale = max((one.height + other.height) / 2, 1.0)
    return math.dist(one.foot, other.foot) / scale


def alert_of(signal: Signal, *, laboratory: bool) -> Alert:
    return Alert(
        event=signal.event,
        rule=signal.rule,
        camera=signal.camera,
        began=signal.began,
        noticed=signal.noticed,
        where=signal.where,
        checks=signal.checks,
        level=signal.level,
        laboratory=laboratory,
    )
