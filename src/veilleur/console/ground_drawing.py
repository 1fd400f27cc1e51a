"""What a person looks at to believe a ground plane: the grid, the errors, how tall people are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from veilleur.geometry import FloatArray
from veilleur.ground import PERSON_M, GroundSpecification, ground_plane, held_back

STEPS_M = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
MOST_LINES = 14
SAMPLES = 24
BEYOND = 0.15
"""Share of the points' extent by which the grid goes on around them."""
GOOD, USABLE = 0.02, 0.06
"""Error as a share of the extent of the points: metres alone say nothing about a square."""
GOOD_M, USABLE_M = 0.3, 1.0
"""Whatever the extent: half a step is good, what a person walks in a second isn't."""
Level = Literal["good", "usable", "poor", "unknown"]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """error_m: as all others tell it, None where they can't. seen: where they would put it."""

    error_m: float | None
    seen: Pair | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Everything in shares of the picture's width and height.

    error_m: root mean square of the points held back; None under five. level: what to make of it.
    points: one for each point or length. grid: lines on the ground, step_m apart. people: foot and
    head of somebody of 1.7 m at some points.
    """

    error_m: float | None
    level: Level
    step_m: float
    points: tuple[Point, ...] = ()
    grid: tuple[tuple[Pair, ...], ...] = ()
    people: tuple[tuple[Pair, Pair], ...] = field(default=())


def drawing(spec: GroundSpecification, width: int, height: int, folder: Path) -> Drawing:
    """Of a view of this size in pixels. Errors: ConfigurationError as `ground_plane`."""
    plane = ground_plane(spec, width, height, folder)
    size = np.array((width, height), np.float64)
    points = tuple(
        Point(error_m=one.error_m, seen=_share(one.seen, size))
        if one is not None and math.isfinite(one.error_m)
        else Point(error_m=None, seen=None)
        for one in held_back(spec, width, height)
    )
    feet = _feet(spec) * size
    metres = plane.to_metres(feet)
    metres = metres[np.isfinite(metres).all(axis=1)]
    if not len(metres):
        return Drawing(error_m=plane.error_m, level="unknown", step_m=0.0, points=points)
    low, high = metres.min(axis=0), metres.max(axis=0)
    extent = float(np.linalg.norm(high - low))
    low, high = low - BEYOND * (high - low), high + BEYOND * (high - low)
    step = _step(float((high - low).max()))
    heads = plane.above(feet, PERSON_M)
    return Drawing(
        error_m=plane.error_m,
        level=_level(plane.error_m, extent),
        step_m=step,
        points=points,
        grid=tuple(
            piece
            for line in _lines(low, high, step)
            for piece in _visible(plane.to_pixels(line) / size)
        ),
        people=tuple(
            (_pair(foot / size), _pair(head / size))
            for foot, head in zip(feet, heads, strict=True)
            if np.isfinite(head).all()
        ),
    )


def _feet(spec: GroundSpecification) -> FloatArray:
    """Where people are drawn, and what the grid covers: (n, 2) shares."""
    if spec.image:
        return np.array(spec.image, np.float64)
    if spec.lengths:
        return np.array([point for one in spec.lengths for point in (one.a, one.b)], np.float64)
    across, down = np.meshgrid(np.linspace(0.15, 0.85, 4), np.linspace(0.5, 0.95, 3))
    return np.stack([across.ravel(), down.ravel()], axis=1)


def _level(error_m: float | None, extent_m: float) -> Level:
    if error_m is None:
        return "unknown"
    if error_m <= max(GOOD * extent_m, GOOD_M):
        return "good"
    return "usable" if error_m <= max(USABLE * extent_m, USABLE_M) else "poor"


def _step(widest_m: float) -> float:
    return next((step for step in STEPS_M if widest_m / step <= MOST_LINES), STEPS_M[-1])


def _lines(low: FloatArray, high: FloatArray, step: float) -> Iterator[FloatArray]:
    """(SAMPLES, 2) metres each, both ways."""
    for axis in (0, 1):
        other = np.linspace(low[1 - axis], high[1 - axis], SAMPLES)
        first, last = math.ceil(low[axis] / step), math.floor(high[axis] / step)
        for number in range(first, min(last, first + 2 * MOST_LINES) + 1):
            line = np.empty((SAMPLES, 2))
            line[:, axis], line[:, 1 - axis] = number * step, other
            yield line


def _visible(line: FloatArray) -> Iterator[tuple[Pair, ...]]:
    """The pieces of a line (shares) in and around the picture."""
    near = np.isfinite(line) & (np.abs(line - 0.5) < 1.0)
    inside = np.asarray(near.all(axis=1))
    piece: list[Pair] = []
    for point, seen in zip(line, inside.tolist(), strict=True):
        if seen:
            piece.append(_pair(point))
        else:
            if len(piece) > 1:
                yield tuple(piece)
            piece = []
    if len(piece) > 1:
        yield tuple(piece)


def _share(seen: Pair | None, size: FloatArray) -> Pair | None:
    if seen is None or not np.isfinite(seen).all():
        return None
    return _pair(np.array(seen) / size)


def _pair(point: FloatArray) -> Pair:
    return round(float(point[0]), 4), round(float(point[1]), 4)
