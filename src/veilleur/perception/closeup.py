"""One look at a thing alone, enlarged, upright and lying on either side.

The detector hardly finds people who lie (recall about 0, and 0.89 on copies turned by 90 degrees),
so what might be somebody lying or sitting is looked at in all three ways before it is called a
thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, FloatArray, ImageArray, View
from veilleur.perception.detector import Detector
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.still import Content

CONTEXT, TIGHT = 3.0, 1.8  # sizes of the thing that are looked at
LEAST_PX = 48  # of the picture
UPRIGHT, TURNED, VEHICLE, BAG = 0.4, 0.45, 0.5, 0.3
"""Scores. Of seven things and people in the clips PETS 2006 and ABODA 1 and 6, bags were called a
person by at most 0.33 upright and 0.42 turned, people who stand still by 0.36 to 0.6 upright."""
COVERS = 0.6  # share of the thing inside a box that explains it
FILLS = 0.2  # share of that box which the thing takes
OVERLAP = 0.25  # of the thing and a bag (IoU)


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """A square of the picture, and the thing's box (4,) in its pixels."""

    image: ImageArray
    thing: FloatArray


@dataclass(frozen=True, slots=True)
class Closeup:
    """detector: any; its input holds a square of its shorter side."""

    detector: Detector
    view: View

    def look(self, picture: Picture, box: Box) -> Content:
        """What is in the box (pixels of the view). Up to four detector runs."""
        near = self._view_of(picture, box, TIGHT)
        wide = self._view_of(picture, box, CONTEXT)
        upright = self.detector.detect(wide.image)
        if _explains(upright, Kind.PERSON, UPRIGHT, wide.thing) or any(
            _explains(found, Kind.PERSON, score, cut.thing)
            for found, score, cut in self._more(near, wide)
        ):
            return Content.PERSON
        if _explains(upright, Kind.VEHICLE, VEHICLE, wide.thing):
            return Content.VEHICLE
        return Content.BAG if _is_bag(upright, wide.thing) else Content.UNKNOWN

    def _more(self, near: _Cut, wide: _Cut) -> Iterator[tuple[Detections, float, _Cut]]:
        """Nearer, and lying on either side; each with the score that counts."""
        yield self.detector.detect(near.image), UPRIGHT, near
        for way in (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE):
            found = self.detector.detect(np.ascontiguousarray(cv2.rotate(wide.image, way)))
            yield turned_back(found, way, wide.image.shape[0]), TURNED, wide

    def _view_of(self, picture: Picture, box: Box, context: float) -> _Cut:
        square, scale = self._square(picture, box, context)
        side = min(self.detector.height, self.detector.width)
        thing = np.array([box.x1, box.y1, box.x2, box.y2]) * scale - np.array(square[:2] * 2)
        return _Cut(picture.bgr(side, side, square), thing * side / (square[2] - square[0]))

    def _square(
        self, picture: Picture, box: Box, context: float
    ) -> tuple[tuple[int, int, int, int], FloatArray]:
        """Even corners of a square in the picture's pixels, and the picture's scale (4,)."""
        scale = np.array([picture.width / self.view.width, picture.height / self.view.height] * 2)
        middle = np.array(box.centre) * scale[:2]
        size = max(box.width * scale[0], box.height * scale[1])
        most = min(picture.width, picture.height)
        side = int(min(max(context * size, LEAST_PX), most)) // 2 * 2
        x, y = (
            int(min(max(0.0, at - side / 2), limit - side)) // 2 * 2
            for at, limit in zip(middle, (picture.width, picture.height), strict=True)
        )
        return (x, y, x + side, y + side), scale


def turned_back(found: Detections, way: int, side: int) -> Detections:
    """Boxes found in a turned copy, in the square as it was."""
    x1, y1, x2, y2 = np.asarray(found.boxes).T
    if way == cv2.ROTATE_90_CLOCKWISE:
        back = np.stack([y1, side - x2, y2, side - x1], axis=1)
    else:
        back = np.stack([side - y2, x1, side - y1, x2], axis=1)
    return Detections(back.astype(np.float32), found.scores, found.kinds)


def _shared(boxes: FloatArray, thing: FloatArray) -> FloatArray:
    """(n,) square pixels of each box inside the thing."""
    width = np.minimum(boxes[:, 2], thing[2]) - np.maximum(boxes[:, 0], thing[0])
    height = np.minimum(boxes[:, 3], thing[3]) - np.maximum(boxes[:, 1], thing[1])
    return np.asarray(np.maximum(width, 0) * np.maximum(height, 0))


def _area(boxes: FloatArray) -> FloatArray:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))


def _explains(found: Detections, kind: Kind, score: float, thing: FloatArray) -> bool:
    boxes = found[found.scores >= score].of(kind).boxes
    shared = _shared(boxes, thing)
    covers = shared >= COVERS * float(_area(thing))
    return bool((covers & (shared >= FILLS * _area(boxes))).any())


def _is_bag(found: Detections, thing: FloatArray) -> bool:
    boxes = found[found.scores >= BAG].of(Kind.BAG).boxes
    shared = _shared(boxes, thing)
    return bool((shared >= OVERLAP * (_area(boxes) + float(_area(thing)) - shared)).any())
