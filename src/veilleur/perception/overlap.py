"""How much boxes share: of each other, of both together, of the smaller one.

Boxes are x1 y1 x2 y2, in one unit, of any float type; boxes that only touch share nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veilleur.geometry import Box, FloatArray

NOTHING = 1e-9
"""Least area two boxes are taken to cover together: two without any overlap by 0, not by 0/0."""


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """Areas of boxes and of what they share, in square units of the boxes.

    shared (n, m); areas (n, 1) of the one side, other_areas (1, m) of the other, so that they
    compare with `shared` as they are. Of `paired` boxes all three have the pairs' own shape.
    """

    shared: FloatArray
    areas: FloatArray
    other_areas: FloatArray

    @property
    def union(self) -> FloatArray:
        """What both cover together; shape of `shared`."""
        return np.asarray(self.areas + self.other_areas - self.shared)

    @property
    def smaller(self) -> FloatArray:
        """The area of the smaller of both; shape of `shared`."""
        return np.minimum(self.areas, self.other_areas)

    @property
    def iou(self) -> FloatArray:
        """Intersection over union, 0..1; shape of `shared`."""
        union = self.union
        return np.asarray(self.shared / np.maximum(union, NOTHING, out=union))


def between(one: FloatArray, other: FloatArray) -> Overlap:
    """Each of the boxes (n, 4) with each of the boxes (m, 4)."""
    return paired(one[:, np.newaxis], other[np.newaxis])


def paired(one: FloatArray, other: FloatArray) -> Overlap:
    """Boxes (..., 4) with boxes (..., 4) one by one, broadcast where one side has fewer."""
    left, top, right, bottom = _columns(one)
    other_left, other_top, other_right, other_bottom = _columns(other)
    shared = np.minimum(right, other_right) - np.maximum(left, other_left)
    height = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    shared = np.maximum(shared, 0, out=shared) * np.maximum(height, 0, out=height)
    areas = (right - left) * (bottom - top)
    other_areas = (other_right - other_left) * (other_bottom - other_top)
    return Overlap(shared, areas, other_areas)


def iou(one: FloatArray, other: FloatArray) -> FloatArray:
    """(n, m) intersection over union of each of the boxes (n, 4) with each of (m, 4).

    >>> iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3)
    array([[0.333, 0.   ]])
    """
    return between(one, other).iou


def paired_iou(one: FloatArray, other: FloatArray) -> FloatArray:
    """(...) intersection over union of boxes (..., 4) and (..., 4), one by one."""
    return paired(one, other).iou


def box_iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0..1: for one pair many times as quick as by arrays."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.width * one.height + other.width * other.height - shared)


def areas(boxes: FloatArray) -> FloatArray:
    """(...) areas of boxes (..., 4)."""
    left, top, right, bottom = _columns(boxes)
    return np.asarray((right - left) * (bottom - top))


def _columns(boxes: FloatArray) -> FloatArray:
    """(4, ...) the four sides, each lying together in memory: twice as quick for many boxes."""
    sides: FloatArray = np.moveaxis(boxes, -1, 0)
    return np.asarray(np.ascontiguousarray(sides))
