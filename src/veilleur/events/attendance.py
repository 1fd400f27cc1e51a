"""Is somebody with it? Anybody near enough counts, whoever it is; nobody is followed for it.

Positions are remembered for seconds, to say since when nobody was near a thing that is known only
once it has stood for a moment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from veilleur.events.held import Held
from veilleur.events.scene import Scene
from veilleur.events.things import shares
from veilleur.events.yardstick import Yardstick
from veilleur.geometry import BoolArray, Box, FloatArray
from veilleur.perception.objects import Kind

REMEMBERED_S = 8.0
GAP_S = 1.0  # without anybody near: so long may the detector miss somebody
STAY_GAP_S = 0.9  # and so long somebody who stays: no missed look at one picture a second
TOUCHES = 0.3  # of the reach, an arm's length: who puts something down or takes it is as near
LARGER = 1.2  # times the thing: a person is taller than what is carried
EXPLAINED = 0.5  # share of what moves inside the box of somebody known
LEAVES = 2.0  # reaches: so near somebody else is seen at first, who may have put it down
CLEAR = (
    0.2,
    0.6,
)  # sizes of the thing, beside and above: what moves nearer to it may be a part of it
SOMEBODY = -1  # an id for all whom the tracker does not know


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """People, and what moves and is explained by nothing the detector found: it may be somebody
    whom the detector does not see (dark, far, from above).

    ids (n,), boxes (n, 4) pixels, sure (n,): found as a person.
    """

    time: float
    ids: tuple[int, ...]
    boxes: FloatArray
    sure: BoolArray

    @classmethod
    def of(cls, scene: Scene) -> People:
        people = scene.tracks.of(Kind.PERSON)
        people = people[people.seen] if scene.fresh else people
        movers = _unexplained(scene)
        boxes = np.concatenate([np.asarray(people.boxes, np.float64), movers])
        ids = (*people.ids.tolist(), *(SOMEBODY for _ in movers))
        return cls(scene.time, ids, boxes, np.arange(len(boxes)) < len(people))

    def distances(self, box: Box, reach: Reach) -> FloatArray:
        """(n,) from each to the thing, in the unit of the reach.

        What moves and is not clearly larger than the thing is nobody: infinitely far.
        """
        tall = self.boxes[:, 3] - self.boxes[:, 1]
        nobody = ~self.sure & (tall < LARGER * max(box.width, box.height))
        apart = reach.yardstick.apart(self.boxes, box, in_metres=reach.in_metres)
        return np.asarray(np.where(nobody, np.inf, apart))


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """far: metres, or person heights."""

    far: float
    in_metres: bool
    yardstick: Yardstick


def _unexplained(scene: Scene) -> FloatArray:
    """(n, 4) boxes of what moves outside every box of a person or vehicle."""
    if scene.still is None:
        return np.zeros((0, 4))
    known = np.asarray(scene.tracks.of(Kind.PERSON, Kind.VEHICLE).boxes, np.float64)
    boxes = [box for box in scene.still.movers if not (shares(known, box) >= EXPLAINED).any()]
    return np.array([(b.x1, b.y1, b.x2, b.y2) for b in boxes], np.float64).reshape(-1, 4)


class Lately:
    """Where people were in the last seconds, with the tracker's ids of the moment."""

    def __init__(self) -> None:
        self._seen: deque[People] = deque()

    def clear(self) -> None:
        self._seen.clear()

    def see(self, people: People) -> None:
        self._seen.append(people)
        while not 0 <= people.time - self._seen[0].time <= REMEMBERED_S:
            self._seen.popleft()

    def resume(self, missed_s: float) -> None:
        """So long nothing was seen: it makes nothing older."""
        self._seen = deque(replace(seen, time=seen.time + missed_s) for seen in self._seen)

    def since(self, time: float) -> list[People]:
        return [seen for seen in self._seen if seen.time >= time]


class Attendance:
    """Whether one thing is attended: by whoever stays within reach for `stay_s`; others pass by.

    In its first `stay_s` whoever is near attends it.
    """

    def __init__(self, reach: Reach, stay_s: float, placed: float) -> None:
        """placed: when it came to rest."""
        self._reach = reach
        self._new_until = placed + stay_s
        self._last = placed
        self._stays: Held[int] = Held(stay_s, STAY_GAP_S)
        self.alone_since: float | None = None
        self.nearest = np.inf
        self.near = False
        self._placed, self._stay_s = placed, stay_s
        self._touched = self._left = False
        self.known = False  # it was told before, by the same rule

    @property
    def brought(self) -> bool:
        """Somebody was at it when it came to rest, and is seen beside it since: who stands still
        himself, undetected, comes to rest like a thing, but nobody has gone from there."""
        return self.known or (self._touched and self._left)

    def resume(self, missed_s: float) -> None:
        """So long nothing was seen: it counts for nothing. Who stays has to be seen staying."""
        self._placed += missed_s
        self._new_until += missed_s
        self._last += missed_s
        if self.alone_since is not None:
            self.alone_since += missed_s
        self._stays.clear()

    def update(self, people: People, box: Box) -> None:
        """alone_since afterwards: since when nobody attends it; None: somebody does."""
        distances = people.distances(box, self._reach)
        self.nearest = float(distances.min(initial=np.inf))
        self.near = bool((distances <= self._reach.far).any())
        touching = distances <= TOUCHES * self._reach.far
        self._touched |= bool(touching.any()) and people.time <= self._new_until
        self._left |= self._leaves(people, box, distances)
        staying = np.where(people.sure, distances <= self._reach.far, touching)
        ids = [id_ for id_, stays in zip(people.ids, staying, strict=True) if stays]
        stays = self._stays.update(ids, people.time).values()
        stays_on = any(stay.due or stay.told for stay in stays)
        if stays_on or (self.near and people.time <= self._new_until):
            self._last, self.alone_since = people.time, None
        elif self.alone_since is None and people.time - self._last > GAP_S:
            self.alone_since = self._last

    def _leaves(self, people: People, box: Box, distances: FloatArray) -> bool:
        """Whether somebody is beside it since it came to rest, while it is new or attended. What
        moves close to it may be a part of it."""
        until = max(self._new_until, self._last + self._stay_s)
        if not self._placed <= people.time <= until:
            return False
        beside = people.sure | _clear(people.boxes, box)
        return bool((beside & (distances <= LEAVES * self._reach.far)).any())


def _clear(boxes: FloatArray, box: Box) -> BoolArray:
    """(n,) whether each of the boxes (n, 4) is wholly beside a thing, and not close to it."""
    x1, y1, x2, y2 = boxes.T
    across = np.maximum(x1 - box.x2, box.x1 - x2)
    down = np.maximum(y1 - box.y2, box.y1 - y2)
    beside, above = np.multiply(CLEAR, max(box.width, box.height))
    return np.asarray((across > beside) | (down > above))
