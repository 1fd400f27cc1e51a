"""The connected parts of a small mask.

OpenCV's own statistics of them visit every pixel once more in a slow loop: of few parts their
outlines give the same in a tenth of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from veilleur.geometry import BoolArray, ImageArray

FEW = 40


@dataclass(frozen=True, slots=True)
class Part:
    """One of them. label: its number, from 1 on, in the order of the first pixels by row. x, y,
    width, height: of the box around it, pixels; area: pixels."""

    label: int
    x: int
    y: int
    width: int
    height: int
    area: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of its box."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """labels: (h, w) int32, the number of each pixel's part, 0 outside. found: in their order."""

    labels: NDArray[np.int32]
    found: tuple[Part, ...]

    @classmethod
    def of(cls, mask: ImageArray) -> Parts:
        """mask: (h, w) uint8, not 0 where a part is; pixels that touch at a corner are one."""
        count, numbers = cv2.connectedComponents(mask, connectivity=8)
        labels = np.asarray(numbers, np.int32)
        if count == 1:
            return cls(labels, ())
        if count > FEW:
            _, _, table, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
            rows = np.asarray(table).tolist()[1:]
            return cls(labels, tuple(Part(n, *row) for n, row in enumerate(rows, 1)))
        outlines, nesting = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        outer = (o for o, (*_, parent) in zip(outlines, nesting[0], strict=True) if parent < 0)
        found = (_around(np.asarray(outline), labels) for outline in outer)
        return cls(labels, tuple(sorted(found, key=lambda part: part.label)))

    def mask(self, part: Part) -> BoolArray:
        """(height, width) of the part's box: where it is."""
        return np.asarray(self.labels[part.place] == part.label)


def _around(outline: NDArray[np.int32], labels: NDArray[np.int32]) -> Part:
    column, row = outline[0, 0]
    label = int(labels[row, column])
    x, y, width, height = cv2.boundingRect(outline)
    area = int(np.count_nonzero(labels[y : y + height, x : x + width] == label))
    return Part(label, x, y, width, height, area)
