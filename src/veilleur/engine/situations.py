"""From signals to alerts: one situation owes one alert.

A signal that speaks of an object already told, or that comes with others in the same instant, is
the same situation. Objects are recognised by where they are and by nothing else, and forgotten
seconds after the rule has let go of them; so a track that breaks and is found again two steps
further does not alarm twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from veilleur.catalogue import Event
from veilleur.events.rule import Check, Signal, Verdict
from veilleur.geometry import Box

EDGE = 1e-6  # seconds: times nearer than this are the same


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SituationSettings:
    """together_s: signals this close are one situation: the next vehicle of a dense row comes
    sooner, an operator has not yet looked. sequel_s: what begins so soon after a told object was
    lost may be that object, found again. reach_heights: if it is no further away, in box heights.
    memory_s: how long a lost object is remembered; longer than any dwell after which its sequel
    would be told. beside_s: who was watched so long while a told object was still seen is somebody
    else; less may be two tracks on one object, as one of them ends.
    """

    together_s: float = 1.8
    sequel_s: float = 1.5
    reach_heights: float = 0.8
    memory_s: float = 10.0
    beside_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Followed:
    """Somebody who was told and still is seen. first: the box of the signal that opened their
    situation; where: the newest one. Pixels of the view."""

    first: Box
    where: Box


@dataclass(frozen=True, slots=True)
class _Told:
    first: Box
    where: Box
    last: float


class Situations:
    """The situations of one rule. Told the time with each verdict."""

    def __init__(self, settings: SituationSettings | None = None) -> None:
        self._settings = settings or SituationSettings()
        self._told: list[_Told] = []
        self._last_alert = -math.inf
        self._last_place: Box | None = None

    def going_on(self, time: float) -> tuple[Followed, ...]:
        """Who is in it still, as far as a track's short break lets one say. time: of the last
        update."""
        return tuple(
            Followed(told.first, told.where)
            for told in self._told
            if time - told.last <= self._settings.sequel_s
        )

    def update(self, verdict: Verdict, time: float) -> list[Signal]:
        """The signals that open a situation; the others belong to one that is open.

        An object that is being followed cannot be told again as another one, so a signal can only
        be the sequel of somebody who was told and is not followed any more.
        """
        memory_s = self._settings.memory_s
        self._told = [told for told in self._told if 0 <= time - told.last <= memory_s]
        new = {signal.where for signal in verdict.signals}
        lost = self._follow([box for box in verdict.holding if box not in new], time)
        return [signal for signal in verdict.signals if self._opens(signal, time, lost)]

    def _opens(self, signal: Signal, time: float, lost: list[_Told]) -> bool:
        near = [
            told
            for told in lost
            if signal.began - told.last <= self._settings.sequel_s
            and self._reaches(told, signal.where)
            and not self._beside(told, signal)
        ]
        if near:
            known = min(near, key=lambda told: _apart(told.where, signal.where))
            lost.remove(known)
            self._told.remove(known)
            self._told.append(_Told(known.first, signal.where, time))
            return False
        together = time - self._last_alert < self._settings.together_s - EDGE
        if not together:
            self._last_alert, self._last_place = time, signal.where
        self._told.append(_Told(self._last_place or signal.where, signal.where, time))
        return not together

    def _follow(self, boxes: list[Box], time: float) -> list[_Told]:
        """Each told object to the nearest box that goes on; returns the objects without one."""
        pairs = sorted(
            (_apart(told.where, box), index, number)
            for index, told in enumerate(self._told)
            for number, box in enumerate(boxes)
            if self._reaches(told, box)
        )
        taken: dict[int, int] = {}
        for _, index, number in pairs:
            if index not in taken and number not in taken.values():
                taken[index] = number
        lost = [told for index, told in enumerate(self._told) if index not in taken]
        followed = [
            _Told(self._told[index].first, boxes[number], time) for index, number in taken.items()
        ]
        self._told = [*lost, *followed]
        return lost[:]

    def _beside(self, told: _Told, signal: Signal) -> bool:
        """Whether both were seen at once: then they are two."""
        seen_both_s = -math.inf if signal.watched is None else told.last - signal.watched
        return seen_both_s > self._settings.beside_s

    def _reaches(self, told: _Told, box: Box) -> bool:
        return _apart(told.where, box) <= self._settings.reach_heights


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
