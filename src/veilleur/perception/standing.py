"""Who stood a moment ago and does not any more?

Boxes only. A person's height when upright is learnt from the boxes that are clearly taller than
wide; it follows somebody who walks away, but not somebody who sinks: a box below `STANDS` of it is
not upright. Two things make a suspect: a box that has become low, and a track that was lost inside
the picture. Both mean nothing yet: people sit down, bend, and pass behind things.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from veilleur.geometry import Box, View
from veilleur.ground import person_height_px
from veilleur.perception.objects import Detections, Kind, Tracks
from veilleur.perception.overlap import box_iou

STANDS = 0.8  # of the height when upright: less is not upright
LOW = 0.65  # of the height when upright: a box so low makes a suspect
SLIM = 1.3  # height to width of somebody upright, sitting on a chair included
SLIM_DOUBTFUL = 1.5  # the same for detections too doubtful to begin a track
DOUBTFUL = 0.2  # their least score
BEFORE_S = 2.0  # so long before a track begins they may tell of its height
SHRINKS_S = 2.0  # time constant by which the height follows who walks away
WIDE_S = 1.0  # not slim for so long makes one too: seen from above, who lies is not low
LOST_S = 0.4  # unseen for longer: lost
EDGE = 0.02  # of the picture's width: whoever is lost nearer to its side has left
SOON_S = 0.6  # or would be there after so long
FORGET_S = 8.0  # a suspect nobody found is forgotten so long after he was upright
IDLE_S = 30.0  # without any picture for longer nothing is known
OVERLAP = 0.3
EPSILON = 1e-6  # seconds: times nearer than this are the same
LEAST, MOST = 0.8, 1.2  # of an adult's height, where the ground says how tall that is


@dataclass(frozen=True, slots=True)
class Suspect:
    """key: number of his track. box: as last seen. low: seen now, and low; False: lost.
    stood_px: height when upright; foot: where he stood, pixels of the view; upright_s: seen
    upright for so long, until upright_until."""

    key: int
    box: Box
    low: bool
    stood_px: float
    foot: tuple[float, float]
    upright_s: float
    upright_until: float
    down_since: float


@dataclass(slots=True)
class _Person:
    height: float
    foot: tuple[float, float]
    box: Box
    first: float
    upright_until: float
    last: float
    down_since: float | None = None
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class _Glimpse:
    time: float
    box: Box


@dataclass(slots=True)
class Standing:
    """The people of one camera, as far as it matters who stood."""

    view: View
    _people: dict[int, _Person] = field(default_factory=dict)
    _glimpses: list[_Glimpse] = field(default_factory=list)
    _time: float | None = None

    def forget(self) -> None:
        """Nothing is known any more."""
        self._people.clear()
        self._glimpses.clear()
        self._time = None

    def resume(self, missed_s: float) -> None:
        """So long nothing was seen: it makes nothing older."""
        for person in self._people.values():
            for name in ("first", "upright_until", "last"):
                setattr(person, name, getattr(person, name) + missed_s)
            if person.down_since is not None:
                person.down_since += missed_s
        self._glimpses.clear()
        self._time = self._time + missed_s if self._time is not None else None

    @property
    def anybody(self) -> bool:
        """Whether somebody is remembered."""
        return bool(self._people)

    def step(self, tracks: Tracks, detections: Detections, time: float) -> None:
        """Told every picture that was looked at. time: seconds of the stream's own clock."""
        if self._time is not None and not 0 <= time - self._time <= IDLE_S:
            self.forget()
        passed = time - self._time if self._time is not None else 0.0
        self._time = time
        persons = tracks.of(Kind.PERSON)
        for row in np.flatnonzero(persons.seen):
            key, box = int(persons.ids[row]), Box(*persons.boxes[row].tolist())
            known = self._people.get(key)
            if known is None:
                self._meet(key, box, time - float(persons.ages[row]), time)
            else:
                _follow(known, box, time, passed)
            person = self._people[key]
            leaves = self._leaves(box, persons.velocities[row].tolist())
            person.leaving = person.upright_until == time and leaves
        self._glimpse(detections, time)
        self._people = {
            key: person
            for key, person in self._people.items()
            if time - person.upright_until <= FORGET_S or person.last == time
        }

    def suspects(self) -> tuple[Suspect, ...]:
        """Those who may be on the ground, the latest first."""
        time = self._time if self._time is not None else math.inf
        found = []
        for key, person in self._people.items():
            low = person.last == time and _low(person, time)
            lost = time - person.last >= LOST_S - EPSILON and not person.leaving
            if not (low or lost) or time - person.upright_until > FORGET_S:
                continue
            found.append(
                Suspect(
                    key,
                    person.box,
                    low,
                    self._height(person),
                    person.foot,
                    max(person.upright_until - person.first, 0.0),
                    person.upright_until,
                    person.down_since if person.down_since is not None else person.last,
                )
            )
        return tuple(sorted(found, key=lambda one: -one.upright_until))

    def stands(self, key: int) -> bool:
        """Whether this one was seen upright just now."""
        person = self._people.get(key)
        return person is not None and person.upright_until == self._time

    def _meet(self, key: int, box: Box, first: float, time: float) -> None:
        """A new track: how tall he is may have been glimpsed before there was one."""
        alike = [g for g in self._glimpses if box_iou(g.box, box) >= OVERLAP]
        height = max([box.height, *(g.box.height for g in alike)])
        tall = [g.time for g in alike if g.box.height >= STANDS * height]
        upright = box.height >= SLIM * box.width and box.height >= STANDS * height
        self._people[key] = _Person(
            height=height,
            foot=box.foot,
            box=box,
            first=min([first, *tall]),
            upright_until=time if upright else max(tall, default=-math.inf),
            last=time,
            down_since=None if upright else time,
        )

    def _height(self, person: _Person) -> float:
        """As learnt; where the ground is known, within what an adult's height is there."""
        if self.view.ground is None:
            return person.height
        adult = person_height_px(self.view.ground, person.foot)
        if adult is None:
            return person.height
        return min(max(person.height, LEAST * adult), MOST * adult)

    def _glimpse(self, detections: Detections, time: float) -> None:
        persons = detections.of(Kind.PERSON)
        boxes = [Box(*row) for row in persons.boxes[persons.scores >= DOUBTFUL].tolist()]
        slim = [_Glimpse(time, b) for b in boxes if b.height >= SLIM_DOUBTFUL * b.width]
        young = [g for g in self._glimpses if time - g.time <= BEFORE_S]
        self._glimpses = young + slim

    def _leaves(self, box: Box, velocity: list[float]) -> bool:
        """Whether he is at the picture's left or right side, or about to be. Only whoever is
        upright leaves by it: who falls towards it does not."""
        border = EDGE * self.view.width
        soon = velocity[0] * SOON_S
        left, right = box.x1 + min(soon, 0), box.x2 + max(soon, 0)
        return left < border or right > self.view.width - border


def _low(person: _Person, time: float) -> bool:
    """Far less high than upright; or no longer slim for a time, however high."""
    if person.box.height <= LOW * person.height:
        return True
    since = person.down_since
    wide = person.box.height < SLIM * person.box.width
    return wide and since is not None and time - since >= WIDE_S - EPSILON


def _follow(person: _Person, box: Box, time: float, passed: float) -> None:
    slim = box.height >= SLIM * box.width
    if slim and box.height >= STANDS * person.height:
        share = 1 - math.exp(-passed / SHRINKS_S)
        shrunk = person.height + share * (box.height - person.height)
        if person.upright_until == -math.inf:
            person.first = time
        person.height = max(box.height, shrunk)
        person.foot, person.upright_until, person.down_since = box.foot, time, None
    elif person.down_since is None:
        person.down_since = time
    person.box, person.last = box, time
