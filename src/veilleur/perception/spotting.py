"""Is there a weapon in this square of a picture, and where in it?

Two answer alike: the vendored verifier, which says how sure it is for each of 36 parts of the
square, and any detector of the user's whose classes are named as weapons.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from veilleur.geometry import ImageArray
from veilleur.perception.backends import BACKENDS, Backend
from veilleur.perception.detector import Detector
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.objects import Kind
from veilleur.perception.verifier import Verifier, VerifierModel, load_verifier

GRID = 6
WEAPON = VerifierModel(
    name="weapon verifier",
    file="weapon.onnx",
    sha256="b6c746b147f2affeab5db2463c924d97ec8a9256946fbb4831fedd1e92f36b1d",
    side=192,
    classes=tuple(f"weapon {row}.{column}" for row in range(GRID) for column in range(GRID)),
    margin=1.0,
)
"""Handgun, long gun or large knife, for each part of the square, row by row: see WEAPON.md."""
SQUARE = 320  # input of a user's detector that takes any size, pixels


@dataclass(frozen=True, slots=True)
class Spot:
    """surety: 0..1 that a weapon is in the square. x, y: where, in sides of it, 0..1."""

    surety: float
    x: float = 0.5
    y: float = 0.5


class Spotter(Protocol):
    """Looks at one square. side: its pixels. Several threads may ask at once."""

    @property
    def side(self) -> int: ...

    def spot(self, square: ImageArray) -> Spot:
        """square: (side, side, 3) uint8 BGR."""
        ...


@dataclass(frozen=True, slots=True)
class PartSpotter:
    """By a verifier whose classes are equal parts of the square, row by row."""

    verifier: Verifier

    @property
    def side(self) -> int:
        return self.verifier.model.side

    def spot(self, square: ImageArray) -> Spot:
        parts = self.verifier.of(square)
        grid = math.isqrt(len(parts))
        row, column = divmod(int(np.argmax(parts)), grid)
        return Spot(float(parts.max()), (column + 0.5) / grid, (row + 0.5) / grid)


@dataclass(frozen=True, slots=True)
class DetectorSpotter:
    """By a detector: its surest weapon."""

    detector: Detector

    @property
    def side(self) -> int:
        return min(self.detector.height, self.detector.width)

    def spot(self, square: ImageArray) -> Spot:
        found = self.detector.detect(square).of(Kind.WEAPON)
        if not len(found):
            return Spot(0.0)
        best = int(np.argmax(found.scores))
        x1, y1, x2, y2 = (float(v) / self.side for v in found.boxes[best])
        return Spot(float(found.scores[best]), (x1 + x2) / 2, (y1 + y2) / 2)


def load_spotter(choice: Choice, *, backends: Sequence[Backend] = BACKENDS) -> Spotter:
    """The user's detector where the choice names one, else the vendored one.

    Raises ModelUnusable.
    """
    if choice.weapon is None:
        return PartSpotter(load_verifier(WEAPON, choice, backends=backends))
    own = Choice(choice.backend, choice.precision, choice.streams, choice.threads, choice.weapon)
    size = choice.weapon.height or SQUARE, choice.weapon.width or SQUARE
    detector = load_detector(own, *size, backends=backends)
    detector.detect(np.zeros((min(size), min(size), 3), np.uint8))
    return DetectorSpotter(detector)
