"""What is new in the picture: compared with three small pictures of the last seconds."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from veilleur.cameras.middle import median
from veilleur.cameras.parts import Parts
from veilleur.cameras.picture import Picture
from veilleur.geometry import BoolArray, Box, FloatArray, ImageArray, View

WIDTH = 480
EVERY_S, KEPT = 1.5, 3
CHANGED = 18  # grey levels
JOINS = np.ones((5, 5), np.uint8)


class Usual:
    """How a place has looked in the last seconds: the middle of small pictures, pixel by pixel."""

    def __init__(self) -> None:
        self._kept: deque[ImageArray] = deque(maxlen=KEPT)
        self._last: float | None = None
        self._middle: ImageArray | None = None

    def forget(self) -> None:
        """Nothing is known any more."""
        self._kept.clear()
        self._last, self._middle = None, None

    def remember(self, picture: Picture, time: float) -> None:
        """Keep this picture, if the last one is old enough. time: seconds of the stream."""
        if self._last is not None and 0 <= time - self._last < EVERY_S:
            return
        small = picture.thumbnail(WIDTH)
        if self._kept and self._kept[0].shape != small.shape:
            self._kept.clear()
        self._kept.append(small)
        self._last, self._middle = time, None

    def now(self) -> ImageArray | None:
        """(h, w) luma, WIDTH wide; None: no picture was kept."""
        if self._middle is None and self._kept:
            self._middle = _middle(list(self._kept))
        return self._middle


def _middle(kept: list[ImageArray]) -> ImageArray:
    """Of three the one in the middle, pixel by pixel; of fewer the first."""
    if len(kept) < KEPT:
        return kept[0]
    one, other, third = kept
    low, high = np.minimum(one, other), np.maximum(one, other)
    return np.maximum(low, np.minimum(high, third))


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """new: (h, w), what differs from the usual; None: nobody knows. scale: its pixels to a pixel
    of the view."""

    new: BoolArray | None
    scale: float

    @classmethod
    def since(
        cls, usual: ImageArray | None, picture: Picture, view: View, others: FloatArray
    ) -> Novelty:
        """What differs now, the general light apart.

        others: (n, 4) boxes, pixels of the view, in which nothing counts as new.
        """
        now = picture.thumbnail(WIDTH)
        scale = now.shape[1] / view.width
        if usual is None or usual.shape != now.shape:
            return cls(None, scale)
        difference = now.astype(np.int16) - usual
        difference -= np.int16(median(difference[::4, ::4].astype(np.float32)))
        new = np.abs(difference) > CHANGED
        for x1, y1, x2, y2 in (others * scale).astype(int).tolist():
            new[max(y1, 0) : y2, max(x1, 0) : x2] = False
        return cls(new, scale)

    @property
    def everywhere(self) -> float:
        """Share of the picture that is new, 0..1; 0 where nobody knows."""
        return 0.0 if self.new is None else float(self.new.mean())

    def share(self, box: Box) -> float:
        """How much of a box is new, 0..1; 1 where nobody knows."""
        if self.new is None:
            return 1.0
        part = self.new[self._cells(self.new, box)]
        return float(part.mean()) if part.size else 0.0

    def largest(self, within: Box, least: float, body: float = math.inf) -> Box | None:
        """The box of the largest new thing; where it is larger than a body may be (a chair that was
        pushed away as well, a shadow), the part of it in which most is new.

        least: square pixels of the view that it must have. body: length of a body, pixels of the
        view.
        """
        if self.new is None:
            return None
        rows, columns = self._cells(self.new, within)
        part = self.new[rows, columns].astype(np.uint8)
        if not part.size:
            return None
        closed = cv2.morphologyEx(part, cv2.MORPH_CLOSE, JOINS)
        parts = Parts.of(np.asarray(closed, np.uint8))
        largest = max(parts.found, key=lambda found: found.area, default=None)
        if largest is None or largest.area < least * self.scale**2:
            return None
        x, y, width, height = largest.x, largest.y, largest.width, largest.height
        if max(width, height) > body * self.scale:
            thing = part * (parts.labels == largest.label).astype(np.uint8)
            x, y, width, height = _densest(thing, max(1, round(body * self.scale)))
        x, y = x + columns.start, y + rows.start
        corners = np.array((x, y, x + width, y + height)) / self.scale
        return Box(*corners.tolist())

    def _cells(self, new: BoolArray, box: Box) -> tuple[slice, slice]:
        height, width = new.shape
        x1, y1, x2, y2 = (int(v * self.scale) for v in (box.x1, box.y1, box.x2, box.y2))
        rows = slice(min(max(y1, 0), height), min(max(y2 + 1, 0), height))
        return rows, slice(min(max(x1, 0), width), min(max(x2 + 1, 0), width))


def _densest(new: ImageArray, side: int) -> tuple[int, int, int, int]:
    """x, y, width, height of what is new in the square of that side that holds most of it."""
    sums = cv2.integral(new)
    rows, columns = min(side, new.shape[0]), min(side, new.shape[1])
    held = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns]
    held = held + sums[:-rows, :-columns]
    y, x = divmod(int(np.argmax(held)), held.shape[1])
    inner = cv2.boundingRect(np.ascontiguousarray(new[y : y + rows, x : x + columns]))
    return x + inner[0], y + inner[1], inner[2], inner[3]
