"""How far has what is in a box moved since the picture before? The pixels' own word.

A track can slip from one vehicle to the next, and a box can sway on a vehicle that stands: then the
box moves and the pixels in it do not, or the other way. What is inside now is looked for in the
picture before by normalised cross-correlation (Lewis, "Fast normalized cross-correlation", Vision
Interface 1995), the peak refined by a parabola. Only asked for the few boxes for which it matters:
a tenth of a millisecond each.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from veilleur.cameras.picture import area_mean
from veilleur.geometry import Box, FloatArray, ImageArray

SIDE_PX = 24.0  # longer side of a template: its peak is then good to about a fiftieth of the box
CORE = 0.8  # of the box: its border shows what is behind
REACH = 1.5  # sizes of the box within which it is looked for, in every direction
FARTHEST = 3.0  # the same where the track says that it came from further away
NEAR = 0.25  # of the template: so far from where the track was, it is still what the track says
SURE = 0.8  # correlation from which two cuts show the same thing
CLEAR = 0.1  # by so much another place must fit better than the track's own: rows look alike
LEAST_PX = 4  # a template with a shorter side shows nothing
FLAT = 3.0  # grey levels, deviation: a template with less shows nothing but noise
LARGE_PX = 4 * SIDE_PX  # such boxes are cut at whole multiples of ROUND_PX, to be shrunk cheaply
ROUND_PX = 4
LARGEST_PX = 1920  # pictures wider than this are kept at half their size


class Shifts(Protocol):
    """What a rule may ask about the pictures, without seeing one."""

    @property
    def since(self) -> float | None:
        """Second of the picture before; None: there is none to compare with."""
        ...

    def of(self, before: Box, now: Box) -> FloatArray | None:
        """(2,) pixels of the view by which what is in `now` has moved since the picture before.

        before: where the track was then. None: the pixels don't say.
        """
        ...


class PictureShifts:
    """One camera's last two pictures. They leave memory with the next two."""

    def __init__(self) -> None:
        self._before: ImageArray | None = None
        self._now: ImageArray | None = None
        self._times: tuple[float | None, float | None] = (None, None)
        self._scale = 1.0

    @property
    def since(self) -> float | None:
        return self._times[0]

    def step(self, luma: ImageArray, time: float, width: float) -> None:
        """Take the next picture. luma: (h, w) uint8, copied. width: of the view, pixels."""
        kept = _kept(luma)
        if self._now is not None and self._now.shape != kept.shape:
            self.forget()
        self._before, self._now = self._now, kept
        self._times = self._times[1], time
        self._scale = kept.shape[1] / width

    def forget(self) -> None:
        """Nothing is known any more: the camera was blind."""
        self._before = self._now = None
        self._times = None, None

    def of(self, before: Box, now: Box) -> FloatArray | None:
        if self._before is None or self._now is None:
            return None
        core = _core(now, self._scale, self._now)
        size = max(core[2] - core[0], core[3] - core[1])
        own = (np.array(now.centre) - before.centre) * self._scale
        reach = max(REACH * size, np.abs(own).max() + NEAR * size)
        if min(core[2] - core[0], core[3] - core[1]) < LEAST_PX or reach > FARTHEST * size:
            return None
        shrink = min(1.0, SIDE_PX / size)
        template = _cut(self._now, core, shrink)
        if template.std() < FLAT:
            return None
        wide = _around(core, reach, self._now)
        fits = cv2.matchTemplate(_cut(self._before, wide, shrink), template, cv2.TM_CCOEFF_NORMED)
        origin = (core[:2] - wide[:2]) * shrink
        place = _place(np.asarray(fits, np.float32), origin - own * shrink, NEAR * size * shrink)
        return None if place is None else (origin - place) / shrink / self._scale


def _kept(luma: ImageArray) -> ImageArray:
    """A copy: the decoder uses its place again."""
    height, width = luma.shape
    if width <= LARGEST_PX:
        return luma.copy()
    half = width // 2, height // 2
    return np.asarray(cv2.resize(luma, half, interpolation=cv2.INTER_AREA), np.uint8)


def _core(box: Box, scale: float, picture: ImageArray) -> FloatArray:
    """(4,) whole pixels of the picture: the inner part of the box."""
    centre, half = np.array(box.centre), np.array([box.width, box.height]) * CORE / 2
    return _whole(np.concatenate([centre - half, centre + half]) * scale, picture)


def _around(core: FloatArray, margin: float, picture: ImageArray) -> FloatArray:
    return _whole(core + np.array([-margin, -margin, margin, margin]), picture)


def _whole(corners: FloatArray, picture: ImageArray) -> FloatArray:
    step = ROUND_PX if (corners[2:] - corners[:2]).max() >= LARGE_PX else 1
    limits = np.array(picture.shape[::-1] * 2) // step * step
    return np.asarray(np.clip(np.rint(corners / step) * step, 0, limits))


def _cut(picture: ImageArray, corners: FloatArray, shrink: float) -> ImageArray:
    x1, y1, x2, y2 = corners.astype(int)
    cut = picture[y1:y2, x1:x2]
    size = max(1, round((x2 - x1) * shrink)), max(1, round((y2 - y1) * shrink))
    return area_mean(cut, size)


def _place(fits: FloatArray, own: FloatArray, near: float) -> FloatArray | None:
    """(2,) where it was, x and y in `fits`: at the track's own place unless another is clearly
    better; None where nothing is sure."""
    y, x = np.unravel_index(int(fits.argmax()), fits.shape)
    if not fits[y, x] >= SURE:
        return None
    low = np.clip(np.rint(own - near), 0, np.array(fits.shape[::-1]) - 1).astype(int)
    high = np.clip(np.rint(own + near) + 1, low + 1, fits.shape[::-1]).astype(int)
    part = fits[low[1] : high[1], low[0] : high[0]]
    own_y, own_x = np.unravel_index(int(part.argmax()), part.shape)
    if fits[y, x] - part[own_y, own_x] <= CLEAR:
        y, x = low[1] + own_y, low[0] + own_x
    return np.array([x + _vertex(fits[y], int(x)), y + _vertex(fits[:, x], int(y))])


def _vertex(line: FloatArray, i: int) -> float:
    """Where between its neighbours the peak at i lies, -0.5..0.5, by a parabola."""
    if not 0 < i < len(line) - 1:
        return 0.0
    left, middle, right = (float(line[j]) for j in (i - 1, i, i + 1))
    bend = left - 2 * middle + right
    return min(max(0.5 * (left - right) / bend, -0.5), 0.5) if bend < 0 else 0.0
