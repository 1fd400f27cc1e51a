"""How the people in a zone move at one instant: places and velocities, of nobody in particular.

Two sources. Who can be told apart has a path, its track's foot over the last second. Who has none
yet, or was lost in the throng, has the optical flow under the box. Where the pixels under a box
did not change at all, its track's motion is the box's own unrest and counts as none.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from veilleur.events.scene import Scene
from veilleur.geometry import BoolArray, Box, FloatArray, View, Zone
from veilleur.ground import PERSON_M
from veilleur.perception.flow import Flow
from veilleur.perception.objects import Detections, Kind, Tracks
from veilleur.perception.overlap import between
from veilleur.perception.stature import Stature

PATH_S = 0.6  # over which a path is measured
LEAST_S = 0.35  # shorter paths say nothing
LOST_S = 1.6  # without a sight, a path begins anew
STRAIGHT = 0.7  # net way over the whole way: less is a box that leaps, or sways
LEAST_SCORE = 0.3  # of a person without a track
SAME = 0.3  # overlap (of the smaller box) with a track from which a box is that track
RIDES = 0.5  # of a person's box inside a vehicle's: a rider, a driver
STILL = 0.04  # of a box's pixels: fewer changed, and nobody moved
FASTEST_M_S = 9.0  # no crowd is faster: the track leapt
EDGE_PX = 2.0
ONE_WAY = 0.85  # length of the mean direction from which all go the same way
ILL = 50.0  # condition of the equations from which two opposite directions make no point


@dataclass(frozen=True, eq=False)
class Movers:
    """n people in the zone at one instant.

    places: (n, 2) metres on the ground, or pixels without one. velocities: (n, 2) m/s, in the same
    directions; NaN where not known. Without a ground a metre is the 1.7th part of the height that
    people have there, so speeds towards the camera and away from it look smaller than they are.
    boxes: (n, 4) pixels.
    """

    time: float
    places: FloatArray
    velocities: FloatArray
    boxes: FloatArray

    @property
    def people(self) -> int:
        return len(self.places)

    @cached_property
    def known(self) -> BoolArray:
        return np.asarray(np.isfinite(self.velocities[:, 0]))

    @cached_property
    def speeds(self) -> FloatArray:
        """(n,) m/s; NaN where not known."""
        return np.asarray(np.hypot(self.velocities[:, 0], self.velocities[:, 1]))


@dataclass(frozen=True, slots=True, eq=False)
class _Under:
    """How the pixels move. free: (rows, columns), the cells of its field that nobody covers."""

    flow: Flow
    free: BoolArray

    @classmethod
    def of(cls, flow: Flow | None, boxes: FloatArray) -> _Under | None:
        """boxes: (n, 4) of the people. None: nobody looked, or the camera itself moved."""
        return None if flow is None or flow.shaken else cls(flow, flow.outside(boxes))


class Paths:
    """Where the people of one camera went in the last second, for as long as that."""

    def __init__(self, view: View, zone: Zone) -> None:
        self._view, self._zone = view, zone
        self._stature = Stature()
        self._paths: dict[int, deque[tuple[float, FloatArray]]] = {}

    def clear(self) -> None:
        """Nothing is known any more: the camera was blind, or the clock stepped."""
        self._paths.clear()

    def step(self, scene: Scene) -> Movers:
        """The people in the zone now. `scene.fresh` must be true, and time must rise."""
        self._stature.see(scene.detections, scene.time)
        tracks = scene.tracks.of(Kind.PERSON)
        tracks = tracks[tracks.seen]
        vehicles = _sure(scene.detections, Kind.VEHICLE).boxes
        tracks = tracks[self._judged(tracks, vehicles)]
        others = _sure(scene.detections, Kind.PERSON)
        others = others[self._judged(others, vehicles) & ~_among(others.boxes, tracks.boxes, SAME)]
        self._remember(tracks, scene.time)
        boxes = np.concatenate([tracks.boxes, others.boxes]).astype(np.float64)
        under = _Under.of(scene.flow, boxes)
        rows = [self._tracked(int(i), box, under) for i, box in _rows(tracks)]
        rows += [self._flowing(box, under) for box in _boxes(others)]
        places = self._places(_feet(boxes))
        velocities = np.array(rows, np.float64).reshape(-1, 2)
        velocities[np.hypot(*velocities.T) > FASTEST_M_S] = np.nan
        return Movers(scene.time, places, velocities, boxes)

    def _judged(self, people: Tracks | Detections, vehicles: FloatArray) -> BoolArray:
        """(n,) in the zone, not cut off by the edge of the picture, and on foot."""
        feet = np.asarray(people.feet, np.float64)
        whole = feet[:, 1] < self._view.height - EDGE_PX
        return self._zone.contains(feet) & whole & ~_among(people.boxes, vehicles, RIDES)

    def _places(self, feet: FloatArray) -> FloatArray:
        ground = self._view.ground
        return np.asarray(feet if ground is None else ground.to_metres(feet), np.float64)

    def _remember(self, tracks: Tracks, time: float) -> None:
        self._paths = {i: p for i, p in self._paths.items() if time - p[-1][0] <= LOST_S}
        places = self._places(np.asarray(tracks.feet, np.float64))
        for id_, place in zip(tracks.ids.tolist(), places, strict=True):
            path = self._paths.setdefault(id_, deque())
            path.append((time, place))
            while len(path) > 2 and path[0][0] < time - PATH_S - 1e-6:
                path.popleft()

    def _metre(self, box: Box) -> float:
        """Units of places in one metre: 1 on the ground, else pixels at this foot."""
        if self._view.ground is not None:
            return 1.0
        usual = self._stature.at(box.y2) or 0.0
        return max(box.height, usual, 1.0) / PERSON_M

    def _tracked(self, id_: int, box: Box, under: _Under | None) -> FloatArray:
        path = self._paths[id_]
        passed_s = path[-1][0] - path[0][0]
        if passed_s < LEAST_S:
            return self._flowing(box, under)
        way = sum(math.dist(before, after) for (_, before), (_, after) in pairwise(path))
        net = path[-1][1] - path[0][1]
        if math.hypot(*net) < STRAIGHT * way or _still(under, box):
            return np.zeros(2)
        return np.asarray(net / passed_s / self._metre(box))

    def _flowing(self, box: Box, under: _Under | None) -> FloatArray:
        """By the pixels under the box alone; where these are of something larger, nobody knows."""
        unknown = np.full(2, np.nan)
        if under is None:
            return unknown
        changed, velocity = under.flow.under(box)
        if changed < STILL:
            return np.zeros(2)
        if velocity is None or under.flow.passes(box, under.free):
            return unknown
        if self._view.ground is None:
            return np.asarray(velocity / self._metre(box))
        step_s = 0.1
        foot = np.array(box.foot)
        ends = self._view.ground.to_metres(np.stack([foot, foot + velocity * step_s]))
        return np.asarray((ends[1] - ends[0]) / step_s, np.float64)


def _still(under: _Under | None, box: Box) -> bool:
    return under is not None and under.flow.under(box)[0] < STILL


def _sure(found: Detections, kind: Kind) -> Detections:
    of = found.of(kind)
    return of[of.scores >= LEAST_SCORE]


def _among(boxes: FloatArray, others: FloatArray, share: float) -> BoolArray:
    """(n,) whether so much of the smaller one is shared with one of the others."""
    if not len(boxes) or not len(others):
        return np.zeros(len(boxes), np.bool_)
    common = between(boxes.astype(np.float64), others.astype(np.float64))
    return np.asarray((common.shared > share * common.smaller).any(axis=1))


def _rows(tracks: Tracks) -> list[tuple[int, Box]]:
    return list(zip(tracks.ids.tolist(), _boxes(tracks), strict=True))


def _boxes(people: Tracks | Detections) -> list[Box]:
    return [Box(*row) for row in people.boxes.tolist()]


def _feet(boxes: FloatArray) -> FloatArray:
    return np.asarray(np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1))


def meeting(places: FloatArray, velocities: FloatArray) -> float:
    """How far n people go away from the point that their ways have in common: the mean cosine, 1
    all away from it, -1 all to it, 0 neither, or all the same way.

    The common point is that of the least squared distance to n lines of motion, each weighing the
    same. places: (n, 2), velocities: (n, 2), in the same directions.
    """
    units = velocities / np.maximum(np.hypot(*velocities.T), 1e-9)[:, None]
    across = np.eye(2) - units[:, :, None] * units[:, None, :]
    total = across.sum(axis=0)
    if float(np.hypot(*units.mean(axis=0))) > ONE_WAY or np.linalg.cond(total) > ILL:
        return 0.0
    centre = np.linalg.solve(total, np.einsum("nij,nj->i", across, places))
    radial = places - centre
    lengths = np.maximum(np.hypot(*radial.T), 1e-9)
    return float(((radial * units).sum(axis=1) / lengths).mean())
