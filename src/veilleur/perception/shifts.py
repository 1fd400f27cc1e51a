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
        size = max(core.width, core.height)
        (x, y), (x_before, y_before) = now.centre, before.centre
        own = (x - x_before) * self._scale, (y - y_before) * self._scale
        reach = max(REACH * size, max(map(abs, own)) + NEAR * size)
        if min(core.width, core.height) < LEAST_PX or reach > FARTHEST * size:
            return None
        shrink = min(1.0, SIDE_PX / size)
        template = _cut(self._now, core, shrink)
        if template.std() < FLAT:
            return None
        wide = _whole(_grown(core, reach), self._now)
        fits = cv2.matchTemplate(_cut(self._before, wide, shrink), template, cv2.TM_CCOEFF_NORMED)
        origin = (core.x1 - wide.x1) * shrink, (core.y1 - wide.y1) * shrink
        expected = origin[0] - own[0] * shrink, origin[1] - own[1] * shrink
        place = _place(np.asarray(fits, np.float32), expected, NEAR * size * shrink)
        if place is None:
            return None
        return np.array(
            [(o - p) / shrink / self._scale for o, p in zip(origin, place, strict=True)]
        )


def _kept(luma: ImageArray) -> ImageArray:
    """A copy: the decoder uses its place again."""
    height, width = luma.shape
    if width <= LARGEST_PX:
        return luma.copy()
    half = width // 2, height // 2
    return np.asarray(cv2.resize(luma, half, interpolation=cv2.INTER_AREA), np.uint8)


def _core(box: Box, scale: float, picture: ImageArray) -> Box:
    """In whole pixels of the picture: the inner part of the box."""
    (x, y), half, tall = box.centre, box.width * CORE / 2, box.height * CORE / 2
    corners = x - half, y - tall, x + half, y + tall
    return _whole(Box(*(corner * scale for corner in corners)), picture)


def _grown(box: Box, margin: float) -> Box:
    return Box(box.x1 - margin, box.y1 - margin, box.x2 + margin, box.y2 + margin)


def _whole(box: Box, picture: ImageArray) -> Box:
    step = ROUND_PX if max(box.width, box.height) >= LARGE_PX else 1
    height, width = (side // step * step for side in picture.shape)
    limits = (box.x1, width), (box.y1, height), (box.x2, width), (box.y2, height)
    return Box(*(min(max(round(at / step) * step, 0), most) for at, most in limits))


def _cut(picture: ImageArray, part: Box, shrink: float) -> ImageArray:
    cut = picture[int(part.y1) : int(part.y2), int(part.x1) : int(part.x2)]
    return area_mean(cut, (max(1, round(part.width * shrink)), max(1, round(part.height * shrink))))


def _place(fits: FloatArray, own: tuple[float, float], near: float) -> tuple[float, float] | None:
    """Where it was, x and y in `fits`: at the track's own place unless another is clearly better;
    None where nothing is sure."""
    rows, columns = fits.shape
    y, x = divmod(int(fits.argmax()), columns)
    if not fits[y, x] >= SURE:
        return None
    left, right = _stretch(own[0], near, columns)
    top, bottom = _stretch(own[1], near, rows)
    part = fits[top:bottom, left:right]
    own_y, own_x = divmod(int(part.argmax()), right - left)
    if fits[y, x] - part[own_y, own_x] <= CLEAR:
        y, x = top + own_y, left + own_x
    return x + _vertex(fits[y], x), y + _vertex(fits[:, x], y)


def _stretch(middle: float, reach: float, length: int) -> tuple[int, int]:
    """First and last (not included) of the positions around the middle, at least one."""
    first = min(max(round(middle - reach), 0), length - 1)
    return first, min(max(round(middle + reach) + 1, first + 1), length)


def _vertex(line: FloatArray, i: int) -> float:
    """Where between its neighbours the peak at i lies, -0.5..0.5, by a parabola."""
    if not 0 < i < len(line) - 1:
        return 0.0
    left, middle, right = (float(line[j]) for j in (i - 1, i, i + 1))
    bend = left - 2 * middle + right
    return min(max(0.5 * (left - right) / bend, -0.5), 0.5) if bend < 0 else 0.0
