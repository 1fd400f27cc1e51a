"""Points, boxes, zones, lines and the ground plane.

Pixels are those of the camera's `View` (x to the right, y down); metres lie on the ground plane;
the two never share a name. Relative coordinates (0..1, as in site files and datasets) exist only at
the door: `View.pixels` turns them into pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from veilleur.errors import ConfigurationError

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

    @property
    def error_m(self) -> float | None: ...

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


def _inside_the_picture(relative: Sequence[tuple[float, float]], setting: str) -> None:
    points = np.asarray(relative, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ConfigurationError(
            f"{setting}: points are pairs of numbers",
            remedy="write each as [x, y], 0..1",
            setting=setting,
        )
    for x, y in points[(points < 0).any(axis=1) | (points > 1).any(axis=1)]:
        raise ConfigurationError(
            f"{setting}: the point ({x:g}, {y:g}) lies outside the picture",
            remedy="coordinates are relative to the picture, 0..1, x to the right and y down",
            setting=setting,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A part of the picture: a polygon that does not cross itself.

    corners: (n, 2) pixels of the view, n >= 3. Its border belongs to it, so that a zone drawn to
    the edge of the picture holds whoever stands at that edge.
    """

    corners: FloatArray
    setting: str = "zone"
    shape: shapely.Polygon = field(init=False, repr=False)
    _borders: dict[tuple[int, int], BaseGeometry] = field(
        init=False, repr=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Raises ConfigurationError: fewer than three points, no area, crosses itself."""
        corners = np.asarray(self.corners, dtype=np.float64)
        if corners.ndim != 2 or len(corners) < 3:
            raise ConfigurationError(
                f"{self.setting}: {len(corners)} points make no polygon",
                remedy="give three or more",
                setting=self.setting,
            )
        shape = shapely.Polygon(corners)
        self._refuse(corners, shape)
        shapely.prepare(shape)
        object.__setattr__(self, "corners", corners)
        object.__setattr__(self, "shape", shape)

    def _refuse(self, corners: FloatArray, shape: shapely.Polygon) -> None:
        hull = shapely.MultiPoint(corners).convex_hull
        if hull.area < 1.0:
            raise ConfigurationError(
                f"{self.setting}: the polygon has no area",
                remedy="its points lie on one line or on one spot: draw it again",
                setting=self.setting,
            )
        if not shape.is_valid:
            raise ConfigurationError(
                f"{self.setting}: the polygon crosses itself",
                remedy="give its corners in the order in which one walks around it",
                setting=self.setting,
            )

    @classmethod
    def drawn(
        cls, relative: Sequence[tuple[float, float]], view: View, setting: str = "zone"
    ) -> Self:
        """From relative points, 0..1. Raises ConfigurationError as above, or outside 0..1."""
        if len(relative) > 0:
            _inside_the_picture(relative, setting)
        return cls(view.pixels(list(relative)), setting)

    @property
    def area(self) -> float:
        """Square pixels."""
        return float(self.shape.area)

    @property
    def box(self) -> Box:
        """The smallest upright rectangle around it."""
        return Box(*self.shape.bounds)

    @property
    def centroid(self) -> FloatArray:
        """(2,) pixels."""
        return np.array([self.shape.centroid.x, self.shape.centroid.y])

    def contains(self, points: FloatArray) -> BoolArray:
        """(n, 2) pixels to (n,): inside or on the border. NaN is never inside."""
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        inside = shapely.intersects_xy(self.shape, points[:, 0], points[:, 1])
        return np.asarray(inside, dtype=np.bool_) & np.isfinite(points).all(axis=1)

    def border_distance(self, points: FloatArray, picture: tuple[int, int]) -> FloatArray:
        """(n, 2) pixels to (n,): pixels to the border, without what runs along the picture's edge.

        picture: width and height in pixels; nobody can stand beyond its edge and be seen.
        """
        if picture not in self._borders:
            edge = shapely.box(0, 0, *picture).exterior.buffer(1.0)
            self._borders[picture] = self.shape.exterior.difference(edge)
        border = self._borders[picture]
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        if border.is_empty:
            return np.full(len(points), np.inf)
        return np.asarray(shapely.distance(border, shapely.points(points)), dtype=np.float64)

    def outline(self, step: float) -> FloatArray:
        """(n, 2) pixels around the border, neighbours at most `step` pixels apart, closed."""
        ring = shapely.segmentize(self.shape.exterior, step)
        return np.asarray(shapely.get_coordinates(ring), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Line:
    """A segment from a to b, in pixels of the view, with two sides.

    Walk from a to b and look ahead. As y points down, what is below a line drawn from left to
    right lies on the right hand::

              left                          b
        a ------------> b                   ^
              right                  left   |   right
                                            a

    left_to_right is a movement across the segment from the left hand to the right hand.
    """

    a: tuple[float, float]
    b: tuple[float, float]
    setting: str = "line"

    def __post_init__(self) -> None:
        """Raises ConfigurationError: the two ends are (nearly) one point."""
        if self.length < 1.0:
            raise ConfigurationError(
                f"{self.setting}: both ends are the same point",
                remedy="draw the line from one point to another",
                setting=self.setting,
            )

    @classmethod
    def drawn(
        cls, relative: Sequence[tuple[float, float]], view: View, setting: str = "line"
    ) -> Self:
        """From two relative points, 0..1. Raises ConfigurationError."""
        _inside_the_picture(relative, setting)
        if len(relative) != 2:
            raise ConfigurationError(
                f"{setting}: a line has two ends, not {len(relative)}", setting=setting
            )
        a, b = view.pixels(list(relative)).tolist()
        return cls((a[0], a[1]), (b[0], b[1]), setting)

    @property
    def length(self) -> float:
        """Pixels."""
        return float(np.hypot(self.b[0] - self.a[0], self.b[1] - self.a[1]))

    def signed_distance(self, points: FloatArray) -> FloatArray:
        """(n, 2) pixels to (n,): pixels from the endless line; positive on the right hand."""
        x, y = (np.asarray(points, dtype=np.float64).reshape(-1, 2) - self.a).T
        dx, dy = self.b[0] - self.a[0], self.b[1] - self.a[1]
        return np.asarray((dx * y - dy * x) / self.length, dtype=np.float64)

    def along(self, points: FloatArray) -> FloatArray:
        """(n, 2) pixels to (n,): where their foot on the line lies; 0 at a, 1 at b."""
        x, y = (np.asarray(points, dtype=np.float64).reshape(-1, 2) - self.a).T
        dx, dy = self.b[0] - self.a[0], self.b[1] - self.a[1]
        return np.asarray((dx * x + dy * y) / self.length**2, dtype=np.float64)

    def crossings(self, start: FloatArray, end: FloatArray) -> IntArray:
        """Movements (n, 2) to (n, 2), pixels, to (n,): 1 left_to_right, -1 right_to_left, 0 none.

        A point exactly on the line counts as right, so a path over it crosses once, not twice.
        """
        before, after = self.signed_distance(start), self.signed_distance(end)
        sides = np.where(after >= 0, 1, 0) - np.where(before >= 0, 1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = before / (before - after)
            at = self.along(start) + share * (self.along(end) - self.along(start))
        through = (at >= 0) & (at <= 1)
        return np.where((sides != 0) & through, sides, 0).astype(np.int64)
