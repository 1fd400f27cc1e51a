"""What the detector finds and the tracker follows: columns, validated once, indexed like arrays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from veilleur.catalogue import Subject
from veilleur.geometry import BoolArray, Box, FloatArray, IntArray

KindArray = NDArray[np.int8]


class Kind(IntEnum):
    """The only things the engine tells apart. No attribute of a person exists here or anywhere."""

    PERSON = 0
    VEHICLE = 1
    BAG = 2
    WEAPON = 3


KINDS_OF: dict[Subject, tuple[Kind, ...]] = {
    Subject.PERSON: (Kind.PERSON,),
    Subject.VEHICLE: (Kind.VEHICLE,),
    Subject.BOTH: (Kind.PERSON, Kind.VEHICLE),
}


def _among(column: KindArray, kinds: tuple[Kind, ...]) -> BoolArray:
    """(n,) True where the kind is one of these. For so few kinds much faster than np.isin."""
    rows = np.zeros(len(column), np.bool_)
    for kind in kinds:
        rows |= column == int(kind)
    return rows


def _feet(boxes: FloatArray) -> FloatArray:
    return np.asarray(np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1))


class ShapeError(ValueError):
    """Columns of different length, or boxes that are not (n, 4)."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """n objects found in one picture.

    boxes (n, 4) float32, x1 y1 x2 y2 in pixels of the view; scores (n,) float32, 0..1;
    kinds (n,) int8, see Kind.
    """

    boxes: FloatArray
    scores: FloatArray
    kinds: KindArray

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.boxes.shape != (n, 4) or self.kinds.shape != (n,):
            raise ShapeError(f"boxes {self.boxes.shape}, kinds {self.kinds.shape}, scores {n}")

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: IntArray | BoolArray | slice) -> Self:
        return type(self)(self.boxes[rows], self.scores[rows], self.kinds[rows])

    def of(self, *kinds: Kind) -> Self:
        """Only the objects of these kinds; itself, if all are."""
        rows = _among(self.kinds, kinds)
        return self if rows.all() else self[rows]

    @property
    def feet(self) -> FloatArray:
        """(n, 2) middle of the lower edges, pixels."""
        return _feet(self.boxes)

    @classmethod
    def none(cls) -> Self:
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int8))


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """n objects followed, at one instant. In memory, per camera, for seconds.

    ids (n,) int64; boxes (n, 4) float32 x1 y1 x2 y2 pixels; kinds (n,) int8; scores (n,) float32;
    velocities (n, 2) float32, pixels a second, of the box's centre; ages (n,) float32, seconds
    since first seen; seen (n,) bool: matched by a detection now (False: predicted through a gap).
    """

    ids: IntArray
    boxes: FloatArray
    kinds: KindArray
    scores: FloatArray
    velocities: FloatArray
    ages: FloatArray
    seen: BoolArray

    def __post_init__(self) -> None:
        n = len(self.ids)
        shapes = (self.kinds.shape, self.scores.shape, self.ages.shape, self.seen.shape)
        if self.boxes.shape != (n, 4) or self.velocities.shape != (n, 2) or set(shapes) != {(n,)}:
            raise ShapeError(f"{n} ids, boxes {self.boxes.shape}, columns {shapes}")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: IntArray | BoolArray | slice) -> Self:
        return type(self)(
            self.ids[rows],
            self.boxes[rows],
            self.kinds[rows],
            self.scores[rows],
            self.velocities[rows],
            self.ages[rows],
            self.seen[rows],
        )

    def of(self, *kinds: Kind) -> Self:
        """Only the objects of these kinds; itself, if all are."""
        rows = _among(self.kinds, kinds)
        return self if rows.all() else self[rows]

    def box(self, id_: int) -> Box:
        return Box(*self.boxes[self.ids == id_][0].tolist())

    @property
    def feet(self) -> FloatArray:
        """(n, 2) middle of the lower edges, pixels."""
        return _feet(self.boxes)

    @property
    def heights(self) -> FloatArray:
        """(n,) pixels."""
        return self.boxes[:, 3] - self.boxes[:, 1]

    @classmethod
    def none(cls) -> Self:
        return cls(
            np.zeros(0, np.int64),
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.int8),
            np.zeros(0, np.float32),
            np.zeros((0, 2), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.bool_),
        )
