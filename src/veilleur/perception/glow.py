"""Where might something burn? What is warm or glaring in colour and changes, and what clouds over.

Flame: colour rules in the manner of Celik and Demirel ("Fire detection in video sequences using a
generic color model", Fire Safety Journal 2009) and of Chen and others ("An early fire-detection
method based on image processing", ICIP 2004), kept wide, for cameras show flames orange, pink or
white; and only where brightness went up and down just now (Toreyin and others, "Computer vision
based method for real-time fire and flame detection", 2006). Smoke: grey parts of the picture whose
mean drifts away from what it was seconds ago while its edges grow no sharper, as smoke softens what
is behind it (Toreyin and others, "Wavelet based real-time smoke detection in video", EUSIPCO 2005).
Both find far too much; a verifier looks at each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from veilleur.cameras.middle import median
from veilleur.cameras.parts import Parts
from veilleur.cameras.picture import Picture
from veilleur.geometry import BoolArray, Box, FloatArray, ImageArray, View

_CROSS = np.ones((3, 3), np.uint8)
_WIDE = np.ones((5, 5), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlowSettings:
    """width: pixels of the small picture. cell: side of the squares whose mean is taken for smoke,
    pixels of it. red: least red of what is warm, blue: by how much it exceeds blue; glaring: least
    brightness of what a camera shows white. stir: grey levels by which a pixel changes. fresh_s:
    so long ago it may have been. drift: grey levels of a cell's mean. usual_s: time constant of
    what is usual. sharper: times its usual slopes a cell may have, that smoke drifts over; slope:
    grey levels of them that mean nothing. colourful: grey levels between a cell's colours, from
    which it is no smoke. least: pixels of a flame; most: candidates of a sort. swept: share of the
    picture that changes when the camera itself moves. gap_s: pictures further apart are not
    compared. always_s: time constant of what is warm at a place; always: from which it is so all
    the time; known: share of such a place in a candidate, from which it is a thing of that colour.
    """

    width: int = 240
    cell: int = 8
    red: int = 105
    blue: int = 30
    glaring: int = 215
    stir: float = 12.0
    fresh_s: float = 0.7
    drift: float = 4.0
    usual_s: float = 4.0
    sharper: float = 1.15
    slope: float = 1.5
    colourful: float = 60.0
    least: int = 5
    most: int = 5
    swept: float = 0.45
    gap_s: float = 5.0
    always_s: float = 20.0
    always: float = 0.85
    known: float = 0.5


@dataclass(frozen=True, slots=True)
class Spot:
    """A candidate. box: pixels of the view. area: square pixels of the view that are like it.
    stirred: share of these that changed just now, 0..1. warm: share that is of a fiery colour.
    """

    box: Box
    area: float
    stirred: float = 1.0
    warm: float = 0.0


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The candidates of one picture, the largest first. swept: the camera itself moves."""

    flames: tuple[Spot, ...] = ()
    clouds: tuple[Spot, ...] = ()
    swept: bool = False


class Glow:
    """One camera's. Remembers one small picture and how it changed."""

    def __init__(self, view: View, settings: GlowSettings | None = None) -> None:
        self._set = settings or GlowSettings()
        self._view = view
        height = round(self._set.width * view.height / view.width)
        cell = self._set.cell
        self._size = self._set.width, max(cell, height // cell * cell)
        self._cells = self._size[0] // cell, self._size[1] // cell
        self._before: ImageArray | None = None
        self._changed: FloatArray = np.zeros(0, np.float64)
        self._warm: FloatArray = np.zeros(0, np.float32)
        self._usual: FloatArray = np.zeros(0, np.float32)
        self._usual_slopes: FloatArray = np.zeros(0, np.float32)
        self._time = 0.0

    def forget(self) -> None:
        """Nothing is compared with what was seen before."""
        self._before = None

    def step(self, picture: Picture, time: float, others: FloatArray) -> Glimpse:
        """The candidates since the picture before. time: seconds of the stream's own clock.

        others: (n, 4) boxes, pixels of the view, in which nothing is smoke.
        """
        colours = picture.bgr(*self._size)
        grey = np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY), np.uint8)
        means, slopes = self._means(grey), self._means(_slopes(grey))
        passed = time - self._time
        self._time = time
        if self._before is None or not 0 < passed <= self._set.gap_s:
            self._before, self._usual, self._usual_slopes = grey, means, slopes
            self._changed = np.full(grey.shape, -math.inf)
            self._warm = np.full(grey.shape, 0.5, np.float32)
            return Glimpse()
        change = np.asarray(cv2.absdiff(grey, self._before)) > self._set.stir
        self._before = grey
        self._changed[change] = time
        stirred = np.asarray(self._changed >= time - max(self._set.fresh_s, passed))
        swept = float(change.mean()) > self._set.swept
        drifting = self._drifting(means, slopes, passed) & ~self._colourful(colours)
        self._blank(drifting, others)
        clouds = () if swept else self._clouds(drifting)
        return Glimpse(self._flames(colours, grey, stirred, passed), clouds, swept)

    def _means(self, grey: ImageArray) -> FloatArray:
        small = cv2.resize(grey.astype(np.float32), self._cells, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32)

    def _drifting(self, means: FloatArray, slopes: FloatArray, passed: float) -> BoolArray:
        """Cells that are no more as usual, the general light apart, and no sharper than usual."""
        difference = means - self._usual
        share = np.float32(1 - math.exp(-passed / self._set.usual_s))
        sharper = slopes > self._set.sharper * self._usual_slopes + self._set.slope
        self._usual += difference * share
        self._usual_slopes += (slopes - self._usual_slopes) * share
        drifts = np.abs(difference - median(difference)) > self._set.drift
        return np.asarray(drifts & ~sharper)

    def _blank(self, drifting: BoolArray, others: FloatArray) -> None:
        """No cell that a box touches drifts."""
        rows, columns = drifting.shape
        scale = (columns / self._view.width, rows / self._view.height) * 2
        for x1, y1, x2, y2 in (others * scale).tolist():
            drifting[max(int(y1), 0) : int(y2) + 1, max(int(x1), 0) : int(x2) + 1] = False

    def _colourful(self, colours: ImageArray) -> BoolArray:
        cells = np.asarray(cv2.resize(colours, self._cells, interpolation=cv2.INTER_AREA), np.uint8)
        return np.asarray(np.ptp(cells.astype(np.int16), axis=2) > self._set.colourful)

    def _flames(
        self, colours: ImageArray, grey: ImageArray, stirred: BoolArray, passed: float
    ) -> tuple[Spot, ...]:
        blue, green, red = cv2.split(colours)
        redder = np.asarray(cv2.subtract(red, blue)) >= self._set.blue
        warm = np.asarray((red >= self._set.red) & redder & (red >= green))
        like = warm | (grey >= self._set.glaring)
        always = self._warm > self._set.always
        self._warm += (like - self._warm) * np.float32(1 - math.exp(-passed / self._set.always_s))
        near = cv2.dilate(stirred.view(np.uint8), _WIDE)
        mask = cv2.bitwise_and(like.view(np.uint8), near)
        joined = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _CROSS), np.uint8)
        return self._spots(joined, self._set.least, 1, (stirred, warm, always))

    def _clouds(self, drifting: BoolArray) -> tuple[Spot, ...]:
        return self._spots(drifting.view(np.uint8), 2, self._set.cell, ())

    def _spots(
        self, mask: ImageArray, least: int, side: int, told: tuple[BoolArray, ...]
    ) -> tuple[Spot, ...]:
        """The largest connected parts; side: of the mask's pixels, in pixels of the small one.
        told: which of these changed, which are warm, and which always are; or nothing."""
        parts = Parts.of(mask)
        largest = sorted(parts.found, key=lambda part: -part.area)[: self._set.most]
        across = self._view.width / self._size[0] * side
        down = self._view.height / self._size[1] * side
        found = []
        for part in largest:
            if part.area < least:
                break
            right, bottom = part.x + part.width, part.y + part.height
            box = Box(part.x * across, part.y * down, right * across, bottom * down)
            mine = parts.mask(part)
            counts = [int(np.count_nonzero(kind[part.place] & mine)) for kind in told]
            stirs, warm, known = (n / part.area for n in counts) if told else (1.0, 0.0, 0.0)
            if known < self._set.known:
                found.append(Spot(box, part.area * across * down, stirs, warm))
        return tuple(found)


def _slopes(grey: ImageArray) -> ImageArray:
    """(h, w) uint8: how much each pixel differs from those beside and below it."""
    across = cv2.absdiff(grey[:, 1:], grey[:, :-1])
    down = cv2.absdiff(grey[1:], grey[:-1])
    out = np.zeros_like(grey)
    out[:, 1:] = across
    out[1:] = cv2.add(out[1:], down)
    return out
