"""A made world: people and vehicles on a flat ground, a camera without distortion, and boxes as a
detector would find them. No pixel and no real person in it; the truth is exact by construction.

What it tests is everything after the detector. What it cannot test is the detector: hidden people
disappear here by a rule (`Detector.hidden`), not by the looks of a picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from veilleur.perception.objects import Detections, Kind

Doubles = NDArray[np.float64]
# width, height and depth in metres of the block that stands for an object
BLOCK = {Kind.PERSON: (0.5, 1.7, 0.4), Kind.VEHICLE: (1.8, 1.5, 4.3), Kind.BAG: (0.4, 0.4, 0.3)}


@dataclass(frozen=True, slots=True)
class Camera:
    """Level horizon, square pixels, axis through the middle of the picture.

    focal: pixels. tilt: radians downwards. height: metres above the ground. It stands at the
    origin and looks along +y; x goes to the right.
    """

    width: int = 1280
    height: int = 720
    focal: float = 1100.0
    tilt: float = 0.45
    height_m: float = 6.0

    def project(self, points: Doubles) -> Doubles:
        """(n, 3) metres (right, away, up) to (n, 2) pixels; NaN behind the camera."""
        right, away, up = points[:, 0], points[:, 1], points[:, 2] - self.height_m
        sin, cos = math.sin(self.tilt), math.cos(self.tilt)
        depth = cos * away - sin * up
        down = -sin * away - cos * up
        depth = np.where(depth > 0.1, depth, np.nan)
        x = self.width / 2 + self.focal * right / depth
        y = self.height / 2 + self.focal * down / depth
        return np.stack([x, y], axis=1)

    def relative(self, ground: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        """Ground points in metres to relative picture points, cut to 0..1, to 4 digits."""
        at = np.array([(x, y, 0.0) for x, y in ground])
        shares = np.clip(self.project(at) / (self.width, self.height), 0.0, 1.0)
        return [(round(float(x), 4), round(float(y), 4)) for x, y in shares]

    def heading(self, at: tuple[float, float], way: tuple[float, float]) -> tuple[float, float]:
        """A direction on the ground, seen at a ground point: relative picture direction."""
        step = np.array(way) / np.hypot(*way) * 0.1
        ends = self.project(np.array([(*at, 0.0), (at[0] + step[0], at[1] + step[1], 0.0)]))
        seen = (ends[1] - ends[0]) / (self.width, self.height)
        seen = seen / np.hypot(*seen)
        return round(float(seen[0]), 4), round(float(seen[1]), 4)

    def box(self, kind: Kind, at: Doubles, facing: Doubles) -> Doubles | None:
        """(4,) box in pixels, cut to the picture, of a block at (2,) metres facing (2,).

        None when less than a third of it is in the picture.
        """
        wide, tall, deep = BLOCK[kind]
        length = float(np.hypot(*facing))
        ahead = facing / length if length > 0 else np.array([0.0, 1.0])
        side = np.array([ahead[1], -ahead[0]])
        corners = [
            (*(at + side * wide * i / 2 + ahead * deep * j / 2), up)
            for i in (-1, 1)
            for j in (-1, 1)
            for up in (0.0, tall)
        ]
        seen = self.project(np.array(corners))
        if not np.isfinite(seen).all():
            return None
        whole = np.array([*seen.min(axis=0), *seen.max(axis=0)])
        cut = np.clip(whole, 0, [self.width, self.height, self.width, self.height])
        area = (whole[2] - whole[0]) * (whole[3] - whole[1])
        left = (cut[2] - cut[0]) * (cut[3] - cut[1])
        return cut if left > area / 3 else None


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A path over the ground: at times (n,) s, rising, at points (n, 2) m; between them straight.

    Before its first and after its last time it is not there. faces: metres a vehicle's front
    points to while it moves backwards; None: where it moves to.
    """

    times: Doubles
    points: Doubles
    kind: Kind = Kind.PERSON
    faces: tuple[float, float] | None = None

    @classmethod
    def along(
        cls,
        *stops: tuple[float, float, float],
        kind: Kind = Kind.PERSON,
        faces: tuple[float, float] | None = None,
    ) -> Walk:
        """From (second, x, y) to (second, x, y) ..."""
        table = np.array(stops, dtype=np.float64)
        return cls(table[:, 0], table[:, 1:], kind, faces)

    def at(self, time: float) -> Doubles | None:
        """(2,) metres, None when it is not there."""
        if not self.times[0] <= time <= self.times[-1]:
            return None
        x = np.interp(time, self.times, self.points[:, 0])
        y = np.interp(time, self.times, self.points[:, 1])
        return np.array([x, y])

    def facing(self, time: float) -> Doubles:
        """(2,) direction it points to; zero length for somebody who stands."""
        if self.faces is not None:
            return np.array(self.faces)
        before, after = (
            self.at(max(time - 0.1, self.times[0])),
            self.at(min(time + 0.1, self.times[-1])),
        )
        assert before is not None
        assert after is not None
        return after - before


@dataclass(frozen=True, slots=True)
class Detector:
    """How imperfect the made detector is. Shares 0..1, jitter in shares of the box's size.

    hidden: share of a box covered by nearer ones from which it is no more found. misses: share of
    boxes that are not found for no reason. false_a_minute: boxes where nothing is.
    """

    jitter: float = 0.02
    misses: float = 0.04
    hidden: float = 0.6
    false_a_minute: float = 2.0


@dataclass(slots=True)
class World:
    """Walks before a camera, looked at by a made detector with a seed."""

    camera: Camera
    walks: list[Walk]
    seed: int
    detector: Detector = field(default_factory=Detector)
    _random: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)

    def look(self, time: float, since_s: float) -> Detections:
        """What the detector finds at this second; since_s: since the picture before."""
        boxes, kinds = self._true(time)
        noisy = self._noisy(boxes)
        found = self._found(boxes)
        scores = self._random.uniform(0.55, 0.9, len(boxes))
        false = self._false(since_s)
        return Detections(
            np.concatenate([noisy[found], false]).astype(np.float32),
            np.concatenate([scores[found], self._random.uniform(0.3, 0.55, len(false))]).astype(
                np.float32
            ),
            np.concatenate([kinds[found], np.full(len(false), Kind.PERSON, dtype=np.int8)]).astype(
                np.int8
            ),
        )

    def _true(self, time: float) -> tuple[Doubles, NDArray[np.int8]]:
        """(n, 4) boxes and (n,) kinds of everybody in the picture, nearest first."""
        there = []
        for walk in self.walks:
            at = walk.at(time)
            box = None if at is None else self.camera.box(walk.kind, at, walk.facing(time))
            if at is not None and box is not None:
                there.append((float(at[1]), box, walk.kind))
        there.sort(key=lambda one: one[0])
        boxes = np.array([box for _, box, _ in there], dtype=np.float64).reshape(-1, 4)
        return boxes, np.array([kind for _, _, kind in there], dtype=np.int8)

    def _noisy(self, boxes: Doubles) -> Doubles:
        sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        moved = boxes + self._random.normal(0, self.detector.jitter, boxes.shape) * sizes
        moved = np.clip(moved, 0, [self.camera.width, self.camera.height] * 2)
        moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
        return moved

    def _found(self, boxes: Doubles) -> NDArray[np.bool_]:
        """Not hidden by nearer boxes, and not missed by chance."""
        hidden = np.array([_covered(boxes[n], boxes[:n]) for n in range(len(boxes))])
        lucky = self._random.uniform(size=len(boxes)) >= self.detector.misses
        return lucky & (hidden.reshape(-1) < self.detector.hidden)

    def _false(self, since_s: float) -> Doubles:
        expected = self.detector.false_a_minute * since_s / 60
        count = int(self._random.uniform() < expected)
        corner = self._random.uniform(0, [self.camera.width - 80, self.camera.height - 160])
        return np.tile([*corner, corner[0] + 40, corner[1] + 110], (count, 1)).reshape(-1, 4)


def _covered(box: Doubles, nearer: Doubles) -> float:
    """Share of a box that nearer ones cover, on a grid of 8 x 16 points."""
    if len(nearer) == 0:
        return 0.0
    x = np.linspace(box[0], box[2], 18)[1:-1:2]
    y = np.linspace(box[1], box[3], 34)[1:-1:2]
    columns = (nearer[:, None, 0] <= x) & (x <= nearer[:, None, 2])
    rows = (nearer[:, None, 1] <= y) & (y <= nearer[:, None, 3])
    covered = (rows[:, :, None] & columns[:, None, :]).any(axis=0)
    return float(covered.mean())


def crowd(
    density: float,
    area: tuple[float, float, float, float],
    duration_s: float,
    seed: int,
    *,
    sway_m: float = 0.1,
) -> list[Walk]:
    """People standing at `density` per square metre in x1 y1 x2 y2 metres: exactly its product
    with the area, rounded. They keep as far apart as they can and sway on the spot."""
    x1, y1, x2, y2 = area
    count = round(density * (x2 - x1) * (y2 - y1))
    random = np.random.default_rng(seed)
    spots = _spread(count, area, random)
    times = np.arange(0.0, duration_s + 1.0, 1.0)
    margin = 0.02
    low, high = np.array([x1 + margin, y1 + margin]), np.array([x2 - margin, y2 - margin])
    walks = []
    for spot in spots:
        sway = random.normal(0, sway_m, (len(times), 2))
        walks.append(Walk(times, np.clip(spot + sway, low, high)))
    return walks


def _spread(
    count: int, area: tuple[float, float, float, float], random: np.random.Generator
) -> Doubles:
    """(count, 2) points by best candidate of twelve (Mitchell 1991): even, but no grid."""
    low, high = np.array(area[:2]), np.array(area[2:])
    spots = random.uniform(low, high, (1, 2))
    while len(spots) < count:
        tries = random.uniform(low, high, (12, 2))
        nearest = np.linalg.norm(tries[:, None] - spots[None], axis=2).min(axis=1)
        spots = np.concatenate([spots, tries[[int(nearest.argmax())]]])
    return spots[:count]
