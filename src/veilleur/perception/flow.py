"""How does what is in the picture move, place by place? Dense optical flow, kept only as a field.

Two small pictures, one after the other, freed of their light (each pixel minus the mean around it,
so that a cloud's shadow or a lamp is no motion), are compared: pixels that changed against the
picture's own noise, and the displacement of each by dense inverse search (Kroeger et al., "Fast
optical flow using dense inverse search", ECCV 2016; OpenCV's DIS). What remains is a coarse field
of cells: how much of each changed, and with which velocity. A cell has a velocity only where its
pixels agree with each other and where the displacement explains the change, which rain, a flicker
and leaves do not. Nobody is in the field: no object, no identity, no picture.

Where the whole background goes as it does when a camera turns, shakes or zooms, the field says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from veilleur.cameras.middle import median
from veilleur.cameras.picture import area_mean
from veilleur.geometry import BoolArray, Box, FloatArray, ImageArray, View

BESIDE, ABOVE = 0.7, 0.8  # of a box's width and height: there it is asked whether more moves
PASSES, MORE = 0.2, 1.3  # share that must have changed there, and how many times that of the box:
# who stands before a train covers it, who runs has left no more behind than he fills
ALIKE = 0.7  # of its speed: so far apart may be what is under the box and what is beside it
MANY_TIMES = 6  # as wide: its mean is taken in steps, which rounds more than once, for a tenth
ENOUGH = 400  # pixels that tell whether the camera moved; of more, every so manieth is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSettings:
    """width: pixels of the small picture of the region. cell: its cells' side, pixels of it. grey,
    noise: a pixel has changed by at least so many grey levels, and so many standard deviations of
    the picture's noise. light: side of the square whose mean is taken for the light, pixels.
    gap_s: pictures further apart are not compared. least_px: a slower displacement is none.
    agree: length of a cell's mean displacement over its pixels' mean length from which it has a
    velocity. explained: share of the change that may be left after the displacement. texture:
    grey levels of slope from which a pixel shows whether the camera moved; shaken: share of them
    that must have changed, and gone as a camera that turns or zooms makes them go.
    """

    width: int = 200
    cell: int = 6
    grey: float = 7.0
    noise: float = 4.0
    light: int = 25
    gap_s: float = 0.6
    least_px: float = 0.35
    agree: float = 0.5
    explained: float = 0.75
    texture: float = 50.0
    shaken: float = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """The field of one instant.

    region: pixels of the view that were looked at, split evenly into cells. changed: (rows,
    columns) float32, share of each cell that changed, 0..1. velocities: (rows, columns, 2) float32,
    pixels of the view a second, of what changed; NaN where nobody can say. shaken: the background
    moved as a whole, so nothing here is about what is before it. since_s: seconds compared over.
    """

    region: Box
    changed: FloatArray
    velocities: FloatArray
    shaken: bool
    since_s: float

    def under(self, box: Box) -> tuple[float, FloatArray | None]:
        """Share of the box that changed, 0..1, and (2,) px/s of it; None where nobody can say.

        Outside the region nothing changed.
        """
        rows, columns = self._cells_of(box)
        changed, velocities = self.changed[rows, columns], self.velocities[rows, columns]
        if not changed.size:
            return 0.0, None
        return float(changed.mean()), _mean(changed, velocities)

    def outside(self, boxes: FloatArray) -> BoolArray:
        """(rows, columns): the cells that none of the (n, 4) boxes, pixels of the view, touches."""
        free = np.ones(self.changed.shape, np.bool_)
        for row in np.asarray(boxes, np.float64).reshape(-1, 4).tolist():
            free[self._cells_of(Box(*row))] = False
        return free

    def passes(self, box: Box, free: BoolArray) -> bool:
        """Whether what moves under a box moves above it or on both sides as well, and more than
        there: something larger, a train behind somebody who stands. free: the cells asked."""
        changed, under = self.under(box)
        if under is None:
            return False
        wide, tall = BESIDE * box.width, ABOVE * box.height
        above, left, right = (
            self._goes_along(part, free, max(PASSES, MORE * changed), under)
            for part in (
                Box(box.x1, box.y1 - tall, box.x2, box.y1),
                Box(box.x1 - wide, box.y1, box.x1, box.y2),
                Box(box.x2, box.y1, box.x2 + wide, box.y2),
            )
        )
        return above or (left and right)

    def _goes_along(self, part: Box, free: BoolArray, least: float, under: FloatArray) -> bool:
        """Whether of what is free of a part so much changed, and went as what is under the box."""
        cells = self._cells_of(part)
        asked = free[cells]
        changed = self.changed[cells][asked]
        beside = _mean(changed, self.velocities[cells][asked])
        if beside is None or float(changed.mean()) < least:
            return False
        apart, speed = float(np.hypot(*(beside - under))), float(np.hypot(*beside))
        return apart <= ALIKE * speed

    def _cells_of(self, box: Box) -> tuple[slice, slice]:
        """Rows and columns of the cells that a box touches."""
        rows, columns = self.changed.shape
        across, down = columns / self.region.width, rows / self.region.height
        x1 = max(math.floor((box.x1 - self.region.x1) * across), 0)
        y1 = max(math.floor((box.y1 - self.region.y1) * down), 0)
        x2 = min(math.ceil((box.x2 - self.region.x1) * across), columns)
        y2 = min(math.ceil((box.y2 - self.region.y1) * down), rows)
        return slice(y1, max(y1, y2)), slice(x1, max(x1, x2))


def _mean(changed: FloatArray, velocities: FloatArray) -> FloatArray | None:
    """(2,) mean velocity of cells, each weighing as much as it changed; None: nobody can say."""
    ways = velocities.reshape(-1, 2)
    known = np.isfinite(ways[:, 0])
    weights = changed.reshape(-1)[known]
    total = float(weights.sum())
    return np.asarray(weights @ ways[known] / total, np.float64) if total > 0.0 else None


class FlowMeter:
    """One camera's field of motion. Remembers one small picture without its light."""

    def __init__(self, view: View, region: Box, settings: FlowSettings | None = None) -> None:
        """region: pixels of the view in which motion is asked for."""
        self._set = settings or FlowSettings()
        self._view, self._region = view, region
        cell, width = self._set.cell, self._set.width
        columns = max(4, round(width / cell))
        rows = max(4, round(columns * region.height / max(region.width, 1.0)))
        self._grid = columns, rows
        self._size = columns * cell, rows * cell
        self._scale = np.array([region.width / self._size[0], region.height / self._size[1]])
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._search.setFinestScale(1)
        self._search.setGradientDescentIterations(12)
        self._search.setVariationalRefinementIterations(0)  # a quarter of the time, for cells' sake
        y, x = np.indices(self._size[::-1], np.float32)
        self._places = x, y
        self._before: ImageArray | None = None
        self._time = 0.0

    def __deepcopy__(self, memo: dict[int, object]) -> FlowMeter:
        """With a memory of its own, empty: OpenCV's search cannot be copied."""
        return FlowMeter(self._view, self._region, self._set)

    def forget(self) -> None:
        """Nothing is compared with what was seen before."""
        self._before = None

    def keep(self, luma: ImageArray, time: float) -> None:
        """Remember this picture without measuring: nothing is asked about it."""
        self._before, self._time = self._small(luma), time

    def measure(self, luma: ImageArray, time: float, people: FloatArray) -> Flow | None:
        """The field since the picture before; None: there is none near enough to compare with.

        luma: (h, w) uint8, the whole picture. people: (n, 4) boxes, pixels of the view, that say
        nothing about the camera's own motion.
        """
        since_s = time - self._time
        before = self._before
        if before is not None and since_s == 0.0:
            return None  # the same picture twice
        now = self._small(luma)
        self._before, self._time = now, time
        if before is None or not 0.0 < since_s <= self._set.gap_s:
            return None
        difference = np.asarray(cv2.absdiff(before, now), np.uint8)
        usual = median(difference[::2, ::2].astype(np.float32))
        least = max(self._set.grey, self._set.noise * 1.4826 * usual)
        changed = np.asarray(cv2.GaussianBlur(difference, (3, 3), 0) > least)
        if usual < self._set.grey and not changed.any():  # else half of all changed: no noise does
            return self._still(since_s)
        nothing = np.zeros((*now.shape, 2), np.float32)
        moved = np.asarray(self._search.calc(before, now, nothing), np.float32)
        sure = self._explained(before, now, moved, difference)
        weight = changed.astype(np.float32)
        velocities = self._velocities(moved, weight, sure) * self._scale / since_s
        return Flow(
            self._region,
            self._cells(weight),
            velocities.astype(np.float32),
            self._shaken(before, moved, difference, people),
            since_s,
        )

    def _small(self, luma: ImageArray) -> ImageArray:
        """The region, small, without its light: grey levels around 128."""
        height, width = luma.shape
        x, y = width / self._view.width, height / self._view.height
        x1, y1 = int(self._region.x1 * x), int(self._region.y1 * y)
        x2, y2 = int(np.ceil(self._region.x2 * x)), int(np.ceil(self._region.y2 * y))
        cut = luma[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        many = cut.shape[1] >= MANY_TIMES * self._size[0]
        grey = area_mean(cut, self._size) if many else _once(cut, self._size)
        small = grey.astype(np.int16)
        mean = cv2.blur(small, (self._set.light, self._set.light))
        return np.asarray(np.clip(small - mean + 128, 0, 255), np.uint8)

    def _still(self, since_s: float) -> Flow:
        columns, rows = self._grid
        nothing = np.full((rows, columns, 2), np.nan, np.float32)
        return Flow(self._region, np.zeros((rows, columns), np.float32), nothing, False, since_s)

    def _cells(self, pixels: FloatArray) -> FloatArray:
        """(rows, columns[, n]): the mean of each cell."""
        return np.asarray(cv2.resize(pixels, self._grid, interpolation=cv2.INTER_AREA), np.float32)

    def _explained(
        self, before: ImageArray, now: ImageArray, moved: FloatArray, difference: ImageArray
    ) -> BoolArray:
        """(rows, columns): whether the displacement takes most of the change away."""
        x, y = self._places
        back = cv2.remap(now, x + moved[..., 0], y + moved[..., 1], cv2.INTER_LINEAR)
        left = self._cells(cv2.absdiff(before, back).astype(np.float32))
        return np.asarray(left <= self._set.explained * self._cells(difference.astype(np.float32)))

    def _velocities(self, moved: FloatArray, weight: FloatArray, sure: BoolArray) -> FloatArray:
        """(rows, columns, 2) pixels of the small picture; NaN where a cell's pixels disagree."""
        x, y = moved[..., 0], moved[..., 1]
        length = np.sqrt(x * x + y * y)
        sums = self._cells(np.stack([x * weight, y * weight, length * weight, weight], axis=2))
        means = sums[..., :3] / np.maximum(sums[..., 3:], 1e-6)
        size, lengths = np.hypot(means[..., 0], means[..., 1]), means[..., 2]
        known = sure & (size >= self._set.agree * lengths) & (size >= self._set.least_px)
        return np.where(known[..., None], means[..., :2], np.nan)

    def _shaken(
        self, before: ImageArray, moved: FloatArray, difference: ImageArray, people: FloatArray
    ) -> bool:
        """Whether the background, where it shows anything, went the same way as a whole."""
        slope = np.abs(cv2.Sobel(before, cv2.CV_16S, 1, 0)) + np.abs(
            cv2.Sobel(before, cv2.CV_16S, 0, 1)
        )
        tells = slope > self._set.texture
        corner = np.array([self._region.x1, self._region.y1] * 2)
        boxes = (np.asarray(people, np.float64).reshape(-1, 4) - corner) / np.tile(self._scale, 2)
        for x1, y1, x2, y2 in boxes.astype(int).tolist():
            wide = max(0, (x2 - x1) // 2)  # where they were in the picture before
            tells[max(y1, 0) : max(y2 + 1, 0), max(x1 - wide, 0) : max(x2 + wide + 1, 0)] = False
        if not _all_over(tells, self._set.cell**2):
            return False
        rows, columns = np.nonzero(tells)
        every = len(rows) // ENOUGH + 1
        rows, columns = rows[::every], columns[::every]
        stirred = difference[rows, columns] > self._set.grey
        if float(stirred.mean()) < self._set.shaken:
            return False
        steps = moved[rows, columns].astype(np.float64)
        fitted = _shift_and_zoom(columns / tells.shape[1] - 0.5, rows / tells.shape[0] - 0.5, steps)
        sizes = np.hypot(*fitted.T)
        near = np.hypot(*(steps - fitted).T) <= 0.3 + 0.3 * sizes
        gone = near & (sizes >= self._set.least_px) & stirred
        return float(gone.mean()) >= self._set.shaken


def _once(cut: ImageArray, size: tuple[int, int]) -> ImageArray:
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)


def _shift_and_zoom(x: FloatArray, y: FloatArray, steps: FloatArray) -> FloatArray:
    """(n, 2) what a camera that turns and zooms a little would have moved these pixels by, fitted
    by least squares, once more to those that the first fit met. x, y: (n,) from the middle."""
    one, none = np.ones_like(x), np.zeros_like(x)
    across = np.stack([one, none, x], axis=1)
    down = np.stack([none, one, y], axis=1)
    fitted, met = steps.astype(np.float64), np.ones(len(x), np.bool_)
    for _ in range(2):
        equations = np.concatenate([across[met], down[met]])
        found = np.linalg.lstsq(equations, np.concatenate([*steps[met].T]), rcond=None)[0]
        fitted = np.asarray(np.stack([across @ found, down @ found], axis=1), np.float64)
        apart = np.hypot(*(steps - fitted).T)
        met = apart <= np.median(apart)
    return fitted


def _all_over(tells: BoolArray, least: int) -> bool:
    """Whether each quarter of the picture has so many pixels that tell something: a crowd without
    boxes is seldom in all of them."""
    rows, columns = tells.shape[0] // 2, tells.shape[1] // 2
    quarters = (
        tells[:rows, :columns],
        tells[:rows, columns:],
        tells[rows:, :columns],
        tells[rows:, columns:],
    )
    return all(int(quarter.sum()) >= least for quarter in quarters)
