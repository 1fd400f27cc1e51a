"""Vehicles that move may be trusted at a lower score.

Seen from above, from afar or in haze, a vehicle gets a score of 0.1 to 0.4 from a detector trained
on photographs, and so does a lot of street furniture. What tells them apart is that a fixed camera
sees the vehicle move: where the pixels inside a box changed and those around it did not, the box is
taken for what the detector half believes. Pixels that changed: against the last picture and the
one before it, both (the double difference of Kameda and Minoh, "A human motion estimation method
using 3-successive video frames", VSMM 1996), so that the place just left is not taken for an
object. Persons never gain by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from veilleur.cameras.middle import median
from veilleur.geometry import BoolArray, FloatArray, ImageArray, IntArray, View
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.overlap import between
from veilleur.perception.tracker import TrackerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementSettings:
    """width: pixels of the small picture. grey, noise: a pixel has changed by at least so many
    grey levels, and so many standard deviations of the picture's own noise. least: score from
    which a vehicle can gain. supported: the score it gains. moving: share of the box that must
    have changed. around: share of the frame around it, relative to the box, that may have.
    twin: overlap (of the smaller box) beyond which two boxes are one vehicle; person: overlap with
    a person beyond which a box is that person. person_score: from which a person is one.
    """

    width: int = 320
    grey: float = 8.0
    noise: float = 4.0
    least: float = 0.1
    supported: float = 0.55
    moving: float = 0.45
    around: float = 0.5
    margin: float = 0.4
    twin: float = 0.5
    person: float = 0.5
    person_score: float = 0.4


class Movement:
    """One camera's moving pixels, and the vehicles they speak for."""

    def __init__(self, view: View, settings: MovementSettings | None = None) -> None:
        self._view = view
        self._set = settings or MovementSettings()
        self._sure = TrackerSettings().sure
        self._last: list[NDArray[np.float32]] = []

    def support(self, found: Detections, luma: ImageArray) -> Detections:
        """The same detections; vehicles that move have at least the score `supported`.

        luma: (h, w) uint8, the whole picture, one after the other in time.
        """
        changed = self._changed(luma)
        if changed is None or not len(found):
            return found
        chosen = self._choose(found, changed)
        if not len(chosen):
            return found
        scores = found.scores.copy()
        scores[chosen] = self._set.supported
        return Detections(found.boxes, scores, found.kinds)

    def _changed(self, luma: ImageArray) -> FloatArray | None:
        """Integral image of the changed pixels; None for the first picture or another size."""
        height = max(1, round(luma.shape[0] * self._set.width / luma.shape[1]))
        small = cv2.resize(luma, (self._set.width, height), interpolation=cv2.INTER_AREA)
        now = np.asarray(cv2.GaussianBlur(small.astype(np.float32), (3, 3), 0), np.float32)
        before = [picture for picture in self._last if picture.shape == now.shape]
        self._last = [*before, now][-2:]
        if not before:
            return None
        steps = [cv2.absdiff(now, picture) for picture in before]
        noise = 1.4826 * median(np.asarray(steps[-1], np.float32)) + 1.0
        least = max(self._set.grey, self._set.noise * noise)
        mask = (np.minimum.reduce(steps) > least).astype(np.uint8)
        closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
        return np.asarray(cv2.integral(closed), np.float64)

    def _choose(self, found: Detections, changed: FloatArray) -> IntArray:
        """Rows of the vehicles that gain, each moving thing once."""
        boxes = found.boxes.astype(np.float64)
        vehicle = found.kinds == Kind.VEHICLE
        doubtful = vehicle & (found.scores >= self._set.least) & (found.scores < self._sure)
        rows = np.flatnonzero(doubtful)
        inside, area = self._share(boxes[rows], changed)
        outer, outer_area = self._share(_grown(boxes[rows], self._set.margin), changed)
        around = (outer * outer_area - inside * area) / np.maximum(outer_area - area, 1)
        moving = (inside >= self._set.moving) & (around <= self._set.around * inside)
        person = (found.kinds == Kind.PERSON) & (found.scores >= self._set.person_score)
        moving &= ~_covered(boxes[rows], boxes[person], self._set.person)
        rows, contrast = rows[moving], (inside - around)[moving]
        taken = boxes[vehicle & (found.scores >= self._sure)]
        chosen: list[int] = []
        for row in rows[np.argsort(-found.scores[rows] * contrast, kind="stable")]:
            if not _covered(boxes[[row]], taken, self._set.twin)[0]:
                taken = np.concatenate([taken, boxes[[row]]])
                chosen.append(int(row))
        return np.array(chosen, np.int64)

    def _share(self, boxes: FloatArray, changed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n,) share of each box that has changed, and (n,) its area, pixels of the small one."""
        height, width = changed.shape[0] - 1, changed.shape[1] - 1
        scale = np.array((width / self._view.width, height / self._view.height) * 2)
        x1, y1, x2, y2 = np.rint(boxes * scale).astype(np.int64).T
        x1, x2 = x1.clip(0, width - 1), x2.clip(1, width)
        y1, y2 = y1.clip(0, height - 1), y2.clip(1, height)
        x2, y2 = np.maximum(x2, x1 + 1), np.maximum(y2, y1 + 1)
        area = ((x2 - x1) * (y2 - y1)).astype(np.float64)
        total = changed[y2, x2] - changed[y1, x2] - changed[y2, x1] + changed[y1, x1]
        return total / area, area


def _grown(boxes: FloatArray, margin: float) -> FloatArray:
    by = (boxes[:, 2:] - boxes[:, :2]) * margin
    return np.concatenate([boxes[:, :2] - by, boxes[:, 2:] + by], axis=1)


def _covered(boxes: FloatArray, others: FloatArray, share: float) -> BoolArray:
    """(n,) whether a box and one of the others share so much of the smaller one's area."""
    if not len(others) or not len(boxes):
        return np.zeros(len(boxes), np.bool_)
    common = between(boxes, others)
    return np.asarray((common.shared > share * common.smaller).any(axis=1))
