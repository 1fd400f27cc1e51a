"""Things at rest, one a place, whichever of the two sources speaks of them.

Pixels know anything that is new (`StillObject`), the detector knows bags, new or not. Where both
speak of one place they are one thing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from veilleur.events.scene import Scene
from veilleur.geometry import Box, FloatArray
from veilleur.perception.objects import Kind
from veilleur.perception.overlap import box_iou
from veilleur.perception.still import Content, Nature, Stillness, StillObject

SETTLE_S = 3.0  # a bag is at rest when it has been found in one place so long
LOST_S = 5.0  # a bag that is not found for so long, with nobody before it, is gone
SEEN_S = 1.0  # not found for longer, a bag is hidden
SAME = 0.2  # overlap (IoU) from which two boxes are one place
LEAST_SCORE = 0.35
MEMORY_S = 10.0  # over which it is told how often a bag is recognised
COVERED = 0.5  # share of a thing in a person's or vehicle's box: it may be hidden
NEVER = -math.inf


@dataclass(slots=True, eq=False)
class Thing:
    """placed: second since when it is at rest. older: it may have stood there before. seen: when
    last. pixels: the source that knows what is new speaks of it; its word: nature, content, hidden.
    recognised: share of the looks, lately, in which the detector found a bag there.
    """

    box: Box
    placed: float
    seen: float
    older: bool = False
    pixels: int | None = None
    nature: Nature = Nature.THING
    content: Content = Content.UNSEEN
    hidden: bool = False
    recognised: float = 0.0
    bag_seen: float = NEVER

    @property
    def is_bag(self) -> bool:
        return self.content is Content.BAG or self.recognised >= 0.5

    @property
    def at_rest(self) -> bool:
        return self.pixels is not None or self.bag_seen - self.placed >= SETTLE_S


@dataclass(slots=True)
class Things:
    """All things of one camera's zone of view."""

    _things: list[Thing] = field(default_factory=list)
    _word: Stillness | None = None
    _looked: float | None = None

    def clear(self) -> None:
        self._things.clear()
        self._word = self._looked = None

    def resume(self, missed_s: float) -> None:
        """So long nothing was seen: it makes nothing older, and nothing is lost by it."""
        for thing in self._things:
            thing.placed += missed_s
            thing.seen += missed_s
            thing.bag_seen += missed_s
        self._looked = self._looked + missed_s if self._looked is not None else None

    def update(self, scene: Scene) -> tuple[list[Thing], list[Thing]]:
        """Those that are there, and those that have just gone."""
        before = list(self._things)
        if scene.still is not None and scene.still is not self._word:
            self._hear(scene.still, scene.time)
        if scene.fresh:
            self._recognise(scene)
        self._things = [thing for thing in self._things if self._there(thing, scene)]
        kept = set(map(id, self._things))
        return self._things, [thing for thing in before if id(thing) not in kept]

    def _hear(self, word: Stillness, time: float) -> None:
        """What the pixels say. Their own names first, then the place."""
        self._word = word
        left = {one.id: one for one in word.objects}
        for thing in self._things:
            known = left.pop(thing.pixels, None) if thing.pixels is not None else None
            if known is not None:
                _told(thing, known, time)
            else:
                thing.pixels, thing.hidden = None, False
        for one in left.values():
            near = self._at(one.box, without_pixels=True)
            if near is None:
                near = Thing(one.box, one.since, time)
                self._things.append(near)
            _told(near, one, time)

    def _at(self, box: Box, *, without_pixels: bool = False) -> Thing | None:
        free = [t for t in self._things if t.pixels is None or not without_pixels]
        best = max(free, key=lambda thing: box_iou(thing.box, box), default=None)
        return best if best is not None and box_iou(best.box, box) >= SAME else None

    def _recognise(self, scene: Scene) -> None:
        """What the detector says: bags seen now, and where none was found."""
        elapsed_s = 0.0 if self._looked is None else max(scene.time - self._looked, 0.0)
        self._looked = scene.time
        bags = scene.tracks.of(Kind.BAG)
        found = {id(self._bag(box, scene)) for box in _boxes(bags[bags.seen].boxes)}
        doubtful = scene.detections.of(Kind.BAG)
        for box in _boxes(doubtful[doubtful.scores >= LEAST_SCORE].boxes):
            known = self._at(box)
            if known is not None:
                found.add(id(known))
                known.bag_seen = scene.time
        share = 1 - math.exp(-elapsed_s / MEMORY_S)
        for thing in self._things:
            if id(thing) in found:
                thing.recognised += share * (1 - thing.recognised)
            elif not _covered(thing.box, scene):
                thing.recognised -= share * thing.recognised
            if thing.pixels is None:
                thing.hidden = scene.time - thing.bag_seen > SEEN_S

    def _bag(self, box: Box, scene: Scene) -> Thing:
        thing = self._at(box)
        if thing is None:
            since = scene.still.since if scene.still is not None else scene.time
            older = scene.still is None or scene.time - since < SETTLE_S
            thing = Thing(box, scene.time, scene.time, older=older, recognised=1.0)
            self._things.append(thing)
        thing.bag_seen = thing.seen = scene.time
        return thing

    def _there(self, thing: Thing, scene: Scene) -> bool:
        """Gone: no source has spoken of it for a time in which it was in view."""
        if thing.pixels is not None:
            return True
        if not scene.fresh or _covered(thing.box, scene):
            return True
        lost_s = LOST_S if thing.recognised >= 0.3 else 0.0
        return 0 <= scene.time - thing.bag_seen <= lost_s


def _told(thing: Thing, word: StillObject, time: float) -> None:
    thing.pixels, thing.box, thing.hidden = word.id, word.box, word.hidden
    thing.nature, thing.content = word.nature, word.content
    thing.placed = word.since
    if not word.hidden:
        thing.seen = time


def _boxes(boxes: FloatArray) -> Iterable[Box]:
    return [Box(*row) for row in np.asarray(boxes, np.float64).tolist()]


def _covered(box: Box, scene: Scene) -> bool:
    others = scene.tracks.of(Kind.PERSON, Kind.VEHICLE)
    return bool((shares(np.asarray(others.boxes, np.float64), box) >= COVERED).any())


def shares(boxes: FloatArray, box: Box) -> FloatArray:
    """(n,) share of the box inside each of the (n, 4) boxes."""
    width = np.minimum(boxes[:, 2], box.x2) - np.maximum(boxes[:, 0], box.x1)
    height = np.minimum(boxes[:, 3], box.y2) - np.maximum(boxes[:, 1], box.y1)
    area = max(box.width * box.height, 1.0)
    return np.asarray(np.maximum(width, 0) * np.maximum(height, 0) / area)
