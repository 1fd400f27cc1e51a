"""Points, boxes, zones, lines and the ground plane.

Pixels are those of the camera's `View` (x to the right, y down); metres lie on the ground plane;
the two never share a name. Relative coordinates (0..1, as in site files and datasets) exist only at
the door: `View.pixels` turns them into pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32] | NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ImageArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the view: left, top, right, bottom."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    @property
    def foot(self) -> tuple[float, float]:
        """Where somebody in the box stands: the middle of the lower edge."""
        return (self.x1 + self.x2) / 2, self.y2


class GroundPlane(Protocol):
    """The ground seen by one camera: pixels of the view to metres and back.

    `error_m` is the root-mean-square error in metres on points that were held back from the fit,
    None where there were too few to hold any back.
    """

    error_m: float | None

    def to_metres(self, points: FloatArray) -> FloatArray:
        """(n, 2) pixels to (n, 2) metres; NaN above the horizon."""
        ...

    def to_pixels(self, points: FloatArray) -> FloatArray:
        """(n, 2) metres to (n, 2) pixels; NaN behind the camera."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """What a camera's analysis speaks in: picture size in pixels and, if calibrated, the ground.

    It stays the same when the stream changes its resolution: boxes are scaled to it.
    """

    width: int
    height: int
    ground: GroundPlane | None = None

    def pixels(self, relative: FloatArray | list[tuple[float, float]]) -> FloatArray:
        """(n, 2) relative points, 0..1, to pixels."""
        return np.asarray(relative, dtype=np.float64).reshape(-1, 2) * (self.width, self.height)
