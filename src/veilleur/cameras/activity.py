"""What moved: cheap enough for every picture, careful enough to lose nobody.

The picture is compared with a background that follows it slowly: far differences at most
`follow` grey levels a second, so that somebody who walks by leaves no trail and somebody who stops
stays visible for seconds, and light that drifts is followed. What has stood still for `stay_s`
(somebody who sat down, or the place somebody left) becomes background. A difference counts where
it stands out of the noise, which is measured on the picture itself: over the whole of it, and
where it is steady (leaves, a coder's breathing at key frames), pixel by pixel.

The background follows by a clipped difference (Manzanera and Richefeu, "A new motion detection
algorithm based on sigma-delta background estimation", 2007), counted in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from veilleur.cameras.frame import Activity, no_boxes
from veilleur.cameras.middle import median
from veilleur.geometry import BoolArray, FloatArray, ImageArray, IntArray

_SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySettings:
    """Grey levels are those of luma, 0..255; lengths are pixels of the thumbnail (160 wide).

    contrast: smallest difference from the background that counts, grey levels. sigmas: how far out
    of the measured noise it must stand. peak: a region must hold one pixel that is this many times
    over its threshold. speck: regions of fewer pixels don't count. follow: grey levels a second by
    which the background follows a difference. settle_s: time constant of small differences, and of
    the noise, seconds. pad: share of a region's size added on each side, at least pad_px. most: at
    most so many boxes. everywhere: share of the picture's changed cells from which only the whole
    picture tells anything. jump: change of the picture's median level that is a change of light.
    gap_s: after so long without a picture, all begins anew.
    """

    contrast: float = 5.0
    sigmas: float = 4.0
    peak: float = 1.4
    speck: int = 2
    follow: float = 8.0
    settle_s: float = 2.0
    stay_s: float = 3.0
    stir: float = 0.05
    noise_s: float = 8.0
    noise_cap: float = 4.0
    pad: float = 0.25
    pad_px: int = 2
    most: int = 16
    everywhere: float = 0.6
    jump: float = 8.0
    gap_s: float = 15.0


class ActivityGate:
    """Which parts of one camera's picture changed. Remembers a background, never a picture."""

    def __init__(self, settings: ActivitySettings | None = None) -> None:
        self._settings = settings or ActivitySettings()
        self._background: FloatArray = np.zeros((0, 0), np.float32)
        self._noise: FloatArray = np.zeros((0, 0), np.float32)
        self._anchor: FloatArray = self._background
        self._still_s: FloatArray = self._noise
        self._time = -math.inf

    def step(self, thumbnail: ImageArray, time: float) -> Activity:
        """What moved in this picture. thumbnail: (h, w) uint8 luma; time: seconds, stream clock.

        The first picture, one of another size, one after a long gap and one from the past (the
        stream's clock stepped) say `everywhere`: nothing is known about what came before.
        """
        passed = time - self._time
        self._time = time
        if thumbnail.shape != self._background.shape or not 0 <= passed <= self._settings.gap_s:
            return self._begin(thumbnail)
        picture = cv2.blur(thumbnail, (3, 3)).astype(np.float32)
        difference = picture - self._background
        light = median(difference[::3, ::3])
        if abs(light) > self._settings.jump:
            return self._begin(thumbnail)
        difference -= light
        size = np.abs(difference)
        excess = size / self._threshold(size)
        self._settle(picture, light, passed)
        activity = self._activity(picture, excess)
        if activity.everywhere:
            return self._begin(thumbnail)
        self._follow(difference, size, light, passed)
        return activity

    def _begin(self, thumbnail: ImageArray) -> Activity:
        self._background = cv2.blur(thumbnail, (3, 3)).astype(np.float32)
        self._anchor = self._background.copy()
        self._still_s = np.zeros(thumbnail.shape, np.float32)
        if self._noise.shape != thumbnail.shape:
            self._noise = np.zeros(thumbnail.shape, np.float32)
        return Activity()

    def _threshold(self, size: FloatArray) -> FloatArray:
        """(h, w) grey levels from which a difference counts."""
        sigma = min(1.4826 * median(size[::3, ::3]), self._settings.noise_cap)
        floor = max(self._settings.contrast, self._settings.sigmas * sigma)
        return np.maximum(np.float32(floor), self._noise * np.float32(self._settings.sigmas))

    def _activity(self, picture: FloatArray, excess: FloatArray) -> Activity:
        changed = excess > 1.0
        mask = changed.view(np.uint8)
        count = cv2.countNonZero(mask)
        if not count:
            return Activity(0.0, no_boxes(), everywhere=False)
        if _spread(mask) > self._settings.everywhere:
            return Activity(count / mask.size)
        boxes = self._regions(changed, excess, picture)
        if not len(boxes):
            return Activity(0.0, no_boxes(), everywhere=False)
        height, width = mask.shape
        boxes = merged(self._padded(boxes, width, height), self._settings.most)
        relative = (boxes / (width, height, width, height)).astype(np.float32)
        return Activity(count / mask.size, relative, everywhere=False)

    def _regions(self, changed: BoolArray, excess: FloatArray, picture: FloatArray) -> IntArray:
        """(n, 4) x1 y1 x2 y2 of the regions that are more than specks and more than left behind.

        A region in which next to nothing has changed for `stay_s` becomes background.
        """
        grown = cv2.dilate(changed.view(np.uint8), _SQUARE)[::2, ::2]
        n, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
        y, x = np.nonzero(changed)
        label = labels[y >> 1, x >> 1]
        area = np.bincount(label, minlength=n)
        peaks = np.bincount(label[excess[y, x] > self._settings.peak], minlength=n)
        fresh = np.bincount(label[self._still_s[y, x] < self._settings.stay_s], minlength=n)
        stays = fresh <= self._settings.stir * area
        left = stays[label]
        self._background[y[left], x[left]] = picture[y[left], x[left]]
        kept = (peaks > 0) & (area >= self._settings.speck) & ~stays
        kept[0] = False
        corners: IntArray = 2 * stats[kept, :4].astype(np.int64)
        corners[:, 2:] += corners[:, :2]
        return corners

    def _padded(self, boxes: IntArray, width: int, height: int) -> IntArray:
        size = boxes[:, 2:] - boxes[:, :2]
        pad = np.maximum((size * self._settings.pad).astype(np.int64), self._settings.pad_px)
        out: IntArray = np.concatenate([boxes[:, :2] - pad, boxes[:, 2:] + pad], axis=1)
        return np.minimum(np.maximum(out, 0), np.array((width, height, width, height), np.int64))

    def _follow(
        self, difference: FloatArray, size: FloatArray, light: float, passed: float
    ) -> None:
        reach = np.float32(self._settings.follow * passed)
        step = difference * np.float32(1.0 - math.exp(-passed / self._settings.settle_s))
        np.minimum(np.maximum(step, -reach, out=step), reach, out=step)
        self._background += step + np.float32(light)
        share = np.float32(1.0 - math.exp(-passed / self._settings.noise_s))
        # The mean of what is seen of a normal distribution is 0.8 of its deviation.
        seen = np.minimum(size * np.float32(1.2533), np.float32(self._settings.noise_cap))
        self._noise += (seen - self._noise) * share

    def _settle(self, picture: FloatArray, light: float, passed: float) -> None:
        """Count for how long each pixel has stayed as it was."""
        self._anchor += np.float32(light)
        moved = cv2.absdiff(picture, self._anchor) > self._settings.contrast
        np.copyto(self._anchor, picture, where=moved)
        self._still_s += np.float32(passed)
        self._still_s[moved] = 0.0


def _spread(mask: ImageArray) -> float:
    """Share of the picture's cells, 8 pixels wide, of which a tenth or more changed."""
    height, width = mask.shape
    size = (max(1, width // 8), max(1, height // 8))
    cells = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    return float(np.count_nonzero(cells > 25)) / cells.size


def merged(boxes: IntArray, most: int) -> IntArray:
    """Boxes (n, 4) as at most `most`: those that touch become one, then the cheapest pairs."""
    out = boxes
    while len(out) > 1:
        cost = _growth(out)
        i, j = np.unravel_index(int(np.argmin(cost)), cost.shape)
        if cost[i, j] > 0 and len(out) <= most:
            break
        rest = np.ones(len(out), np.bool_)
        rest[i] = rest[j] = False
        both = np.concatenate([np.minimum(out[i], out[j])[:2], np.maximum(out[i], out[j])[2:]])
        out = np.concatenate([out[rest], both[None]])
    return out


def _growth(boxes: IntArray) -> FloatArray:
    """(n, n) area gained by joining each pair; <= 0 where joining costs nothing; inf on itself."""
    low = np.minimum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.maximum(boxes[:, None, 2:], boxes[None, :, 2:])
    sides, size = high - low, boxes[:, 2:] - boxes[:, :2]
    area = size[:, 0] * size[:, 1]
    cost: FloatArray = (sides[..., 0] * sides[..., 1]).astype(np.float64)
    cost -= area[:, None] + area[None, :]
    np.fill_diagonal(cost, math.inf)
    return cost
