"""How tall people appear in one camera's view, and where."""

from __future__ import annotations

import numpy as np

from veilleur.geometry import FloatArray
from veilleur.perception.objects import Detections, Kind

LEAST_SCORE = 0.4
REMEMBERED_S = 30.0
MOST, NEAREST = 300, 25
"""So many people are remembered; so many nearest ones say how tall people are at a place."""


class Stature:
    """How tall people have lately appeared, and where: heights in pixels of the view."""

    def __init__(self) -> None:
        self._seen: FloatArray = np.zeros((0, 3))  # time, foot y, height; oldest first
        self._by_foot: FloatArray = self._seen

    def see(self, found: Detections, time: float) -> None:
        """Learn from sure persons."""
        sure = found.of(Kind.PERSON)
        sure = sure[sure.scores >= LEAST_SCORE]
        heights = sure.boxes[:, 3] - sure.boxes[:, 1]
        rows = np.stack([np.full(len(sure), time), sure.boxes[:, 3], heights], axis=1)
        seen = np.concatenate([self._seen, rows])
        young = (seen[:, 0] <= time) & (seen[:, 0] > time - REMEMBERED_S)
        self._seen = seen[young][-MOST:]
        self._by_foot = self._seen[np.argsort(self._seen[:, 1], kind="stable")]

    def typical(self) -> float | None:
        """Height below which a quarter of the people are; None: nobody was seen lately."""
        if not len(self._seen):
            return None
        return float(np.sort(self._seen[:, 2])[len(self._seen) // 4])

    def at(self, feet_y: float) -> float | None:
        """Median height of the people whose feet were about at that line of the picture."""
        if not len(self._seen):
            return None
        middle = int(np.searchsorted(self._by_foot[:, 1], feet_y))
        first = max(0, min(middle - NEAREST // 2, len(self._by_foot) - NEAREST))
        heights = np.sort(self._by_foot[first : first + NEAREST, 2])
        return float(heights[len(heights) // 2])
