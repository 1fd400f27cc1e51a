"""Looks at what people hold, where they are large enough to tell: a gun, or a large knife.

Each person tall enough is looked at about once a second, from head to knees, by a small network
(`spotting`). Only where that sees something like a weapon it looks again, nearer, and more often
while the looks agree; and only then the pose model says where the hands are. All of it is bounded:
so many looks a second on one camera; whoever gave cause is judged to the end first. Nothing runs
where nobody is. The last six looks of five seconds count, by track, in memory; and for ten seconds,
where a weapon seemed to be: what stays there while the person moves belongs to the place.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, FloatArray, View
from veilleur.perception.carrying import Carrying
from veilleur.perception.objects import Kind, Tracks
from veilleur.perception.pose import Point, Pose
from veilleur.perception.spotting import Spotter
from veilleur.perception.verifier import square

WINDOW_S, LOOKS = 5.0, 6  # looks that count: so old, and so many at most
EVERY_S, SOON_S = 1.0, 0.35  # between looks at somebody who gave no cause, and who did
SUSPECT = 0.2  # surety from which somebody is looked at again, nearer
CAUSE = 0.4  # mean from which more often, and where the hands are is read
TALL, WIDE, ABOVE = 0.8, 1.15, 0.05  # the figure: heights and widths of the box, and above it
NEAR = 0.45  # heights: the nearer square
HAND = 0.2  # score of a wrist or elbow that is seen
BEYOND = 0.35  # the hand lies so much further than the wrist, in forearms
POSE_S = 0.8  # between two readings of a pose
ELSEWHERE = 0.25  # heights on the person: a hand that was read for there says nothing of here
PLACES_S = 10.0  # for so long it is known where a weapon seemed to be
SAME = 0.11  # heights: the same place of the picture, one part of the nearer square beside
LEFT_S = 2.0  # for so long it counts that something was left behind
JUDGED, TURN_S = 4, 10.0  # looks that the rule asks for; then the others' turn
RATE, SAVED = 3.0, 24.0  # looks a second in the long run, and at most saved up
POSE_COST = 4.0  # looks that one reading of a pose is worth
EDGE = 1e-6
ARMS = ((Point.LEFT_ELBOW, Point.LEFT_WRIST), (Point.RIGHT_ELBOW, Point.RIGHT_WRIST))


class Joints(Protocol):
    """Reads a pose: `perception.pose.Poses`."""

    def of(self, picture: Picture, view: View, box: Box) -> Pose | None:
        """The one body in the box, pixels of the view."""
        ...


@dataclass(frozen=True, slots=True)
class _Look:
    time: float
    surety: float


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a weapon seemed to be, pixels of the view, and the box of who seemed to hold it.
    left: heights that he had moved since it was there before."""

    time: float
    at: tuple[float, float]
    box: Box
    left: float


@dataclass(slots=True)
class _Person:
    """Somebody who is followed. near: where what `hand` was measured to is, from the middle of the
    box, heights."""

    key: int
    box: Box
    looks: deque[_Look] = field(default_factory=lambda: deque(maxlen=LOOKS))
    places: deque[_Place] = field(default_factory=deque)
    looked: float = -math.inf
    posed: float = -math.inf
    judged: float = -math.inf
    hand: float | None = None
    near: tuple[float, float] = (0.0, 0.0)

    @property
    def surety(self) -> float:
        return sum(look.surety for look in self.looks) / max(len(self.looks), 1)

    @property
    def cause(self) -> bool:
        """To look again soon, and for the hands."""
        return self.surety >= CAUSE or (bool(self.looks) and self.looks[-1].surety >= CAUSE)

    @property
    def every_s(self) -> float:
        """Between looks."""
        return SOON_S if self.cause else EVERY_S

    def urgency(self, time: float) -> float:
        """Above 0 until there are looks enough to judge by, and the hands are read; then others
        have their turn."""
        if self.looked == -math.inf:
            return math.inf
        return len(self.looks) if self.cause and time - self.judged > TURN_S else 0.0

    @property
    def read(self) -> bool:
        """Whether where the hands are was read since there is cause."""
        return self.posed > -math.inf

    def age(self, time: float) -> None:
        """Forgets what is too old."""
        while self.looks and time - self.looks[0].time > WINDOW_S + EDGE:
            self.looks.popleft()
        while self.places and time - self.places[0].time > PLACES_S + EDGE:
            self.places.popleft()
        if not any(look.surety >= SUSPECT for look in self.looks):
            self.hand, self.posed = None, -math.inf

    def saw(self, time: float, at: tuple[float, float]) -> None:
        """Something like a weapon is there."""
        near = SAME * self.box.height
        moved = [
            _moved(one.box, self.box) / self.box.height
            for one in self.places
            if math.dist(one.at, at) <= near
        ]
        self.places.append(_Place(time, at, self.box, max(moved, default=0.0)))

    def carrying(self, time: float) -> Carrying:
        return Carrying(
            key=self.key,
            box=self.box,
            tall_px=self.box.height,
            looks=len(self.looks),
            surety=self.surety,
            hand_read=self.read,
            hand=self.hand,
            left=max((one.left for one in self.places if time - one.time <= LEFT_S), default=0.0),
        )


class Hands:
    """The people of one camera, as far as it matters what they hold."""

    def __init__(self, view: View, spotter: Spotter, joints: Joints, least_px: float) -> None:
        """least_px: smaller people, pixels of the view, are not looked at."""
        self._view, self._spotter, self._joints = view, spotter, joints
        self._least_px = least_px
        self._people: dict[int, _Person] = {}
        self._time: float | None = None
        self._saved = SAVED

    def forget(self) -> None:
        """Nobody is known any more."""
        self._people.clear()
        self._time = None

    @property
    def carrying(self) -> tuple[Carrying, ...]:
        """Everybody followed, as last looked at."""
        time = 0.0 if self._time is None else self._time
        return tuple(person.carrying(time) for person in self._people.values())

    def step(self, picture: Picture, tracks: Tracks, time: float) -> tuple[Carrying, ...]:
        """Told every picture that was looked at anew. time: seconds of the stream's own clock."""
        if self._time is not None and time < self._time:
            self.forget()
        passed = 0.0 if self._time is None else time - self._time
        self._saved = min(SAVED, self._saved + RATE * passed)
        self._time = time
        self._follow(tracks.of(Kind.PERSON), time)
        for person in self._due(tracks, time):
            if self._saved < 2.0 + (POSE_COST if person.cause and not person.read else 0.0):
                break
            self._look(person, picture, time)
        return self.carrying

    def _follow(self, persons: Tracks, time: float) -> None:
        boxes = dict(zip(persons.ids.tolist(), persons.boxes.tolist(), strict=True))
        self._people = {
            key: self._people.get(key, _Person(key, Box(*box))) for key, box in boxes.items()
        }
        for key, person in self._people.items():
            person.box = Box(*boxes[key])
            person.age(time)

    def _due(self, tracks: Tracks, time: float) -> list[_Person]:
        """Whom to look at: who never was first, then whoever there is cause to judge, one after the
        other to the end; then who has waited longest, measured by how soon it should be."""
        seen = set(tracks.ids[tracks.seen].tolist())
        waited = {
            person.key: (time - person.looked + EDGE) / person.every_s
            for person in self._people.values()
            if person.key in seen and person.box.height >= self._least_px
        }
        due = [self._people[key] for key, share in waited.items() if share >= 1.0]
        return sorted(due, key=lambda one: (-one.urgency(time), -waited[one.key]))

    def _look(self, person: _Person, picture: Picture, time: float) -> None:
        surety, place = self._spot(picture, _figure(person.box))
        if surety >= SUSPECT:
            nearer, place = self._spot(picture, _around(place, NEAR * person.box.height))
            surety = math.sqrt(surety * nearer)
        person.looked = time
        person.looks.append(_Look(time, surety))
        if surety >= SUSPECT:
            person.saw(time, place)
        if surety >= CAUSE:
            self._read(person, picture, place, time)
        if len(person.looks) >= JUDGED and person.read and person.urgency(time):
            person.judged = time

    def _read(
        self, person: _Person, picture: Picture, place: tuple[float, float], time: float
    ) -> None:
        """How far from there the hands are, unless it is known since a moment."""
        box = person.box
        near = (place[0] - box.centre[0]) / box.height, (place[1] - box.centre[1]) / box.height
        elsewhere = math.dist(near, person.near) > ELSEWHERE
        if not elsewhere and time - person.posed < POSE_S - EDGE:
            return
        if self._saved >= POSE_COST:
            person.posed, person.near = time, near
            self._saved -= POSE_COST
            pose = self._joints.of(picture, self._view, box)
            person.hand = None if pose is None else _reach(pose, place, box.height)
        elif elsewhere:
            person.posed, person.hand = -math.inf, None

    def _spot(self, picture: Picture, where: Box) -> tuple[float, tuple[float, float]]:
        """How sure a weapon is in the square, and where: pixels of the view."""
        self._saved -= 1.0
        x1, y1, x2, y2 = square(picture, self._view, where, 1.0)
        side = self._spotter.side
        spot = self._spotter.spot(picture.bgr(side, side, (x1, y1, x2, y2)))
        across, down = self._view.width / picture.width, self._view.height / picture.height
        return spot.surety, (
            (x1 + spot.x * (x2 - x1)) * across,
            (y1 + spot.y * (y2 - y1)) * down,
        )


def _figure(box: Box) -> Box:
    """From above the head to the knees, square: where hands are, and a long gun across."""
    tall = TALL * box.height
    side = max(tall, WIDE * box.width)
    x, top = box.centre[0], box.y1 - ABOVE * box.height - (side - tall) / 2
    return Box(x - side / 2, top, x + side / 2, top + side)


def _moved(one: Box, other: Box) -> float:
    """Pixels by which both edges of each axis went the same way: an arm stretched out is none."""
    across = _shared(other.x1 - one.x1, other.x2 - one.x2)
    return math.hypot(across, _shared(other.y1 - one.y1, other.y2 - one.y2))


def _shared(one: float, other: float) -> float:
    return min(abs(one), abs(other)) if one * other > 0 else 0.0


def _around(place: tuple[float, float], side: float) -> Box:
    x, y = place
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def _reach(pose: Pose, place: tuple[float, float], tall_px: float) -> float | None:
    """Person heights from there to the nearer forearm or hand; None: none is seen."""
    reaches = [
        _from_segment(np.array(place), pose.points[elbow], _hand(pose, elbow, wrist))
        for elbow, wrist in ARMS
        if min(pose.scores[elbow], pose.scores[wrist]) >= HAND
    ]
    return min(reaches) / tall_px if reaches else None


def _hand(pose: Pose, elbow: Point, wrist: Point) -> FloatArray:
    """(2,) the hand itself, which is no point of the pose."""
    forearm = pose.points[wrist] - pose.points[elbow]
    return np.asarray(pose.points[wrist] + BEYOND * forearm, np.float64)


def _from_segment(point: FloatArray, one: FloatArray, other: FloatArray) -> float:
    """Pixels from a point to the nearest point of a segment."""
    along = other - one
    share = float(np.dot(point - one, along)) / max(float(np.dot(along, along)), 1e-9)
    return float(np.hypot(*(one + min(max(share, 0.0), 1.0) * along - point)))
