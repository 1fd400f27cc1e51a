"""Which parts of a picture deserve to be looked at closely, and at what scale.

Followed objects come first, each where it is expected; then what moved and nobody explains, what
has waited longest first, as long as it fits. The rest waits for the next picture, or for the next
look at the whole. Where all of that fits and there is room left, the part that nobody looked at
for longest joins. Not where people are small, and enlarged for it: there such parts gave posts and
shadows, which then were followed and took the room of people (vtest at half its scale, every
second picture and the others, mirrored or not: recall 0.87 with such parts, 0.89 without; of
people who stand still 0.75 and 0.76).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, FloatArray, View
from veilleur.perception.regions import (
    SHRINKS,
    Layout,
    Region,
    absorbed,
    laid_out,
    merged,
    region_of,
)
from veilleur.perception.stature import Stature

TARGET_PX = 48.0
"""Height of a person on the detector's input at which small people are found well."""
LARGEST = 2.0
"""Enlarging beyond this adds no detail."""
MARGIN = 0.2
"""Added around an expected box on each side, in heights."""
EXPLAINED = 0.5
"""Motion of which this share lies in expected boxes is theirs."""
CLOSE = tuple(shrink for shrink in SHRINKS if shrink >= 0.85)
"""What moved joins only while everybody stays about so large."""
CORE = 1 / 6
"""Share of an activity box's side that is margin, on each side."""
PATCH = (2.4, 2.0)
"""Height and width, in heights of a person, of the largest part that is looked at for no more
reason than that something moved in it, or nobody looked at it for long."""
STALE_S, OLDEST_S = 1.0, 60.0
WORTH = 1.15
"""Regions are worth it if people get so many times larger than on the whole."""
CELLS = (36, 48)
"""Rows and columns of the grid that remembers when each part was last looked at closely."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is known when regions are chosen. expected, moving: (n, 4) boxes, pixels of the view.
    target_px: height that people are to have on the detector's input."""

    picture: Picture
    expected: FloatArray
    moving: FloatArray
    stature: Stature
    time: float
    target_px: float = TARGET_PX


class Attention:
    """Chooses regions for one camera. Remembers only when each part was last looked at."""

    def __init__(
        self,
        view: View,
        whole: float,
        target_px: float = TARGET_PX,
        unknown_px: float | None = None,
    ) -> None:
        """whole: scale at which the whole view is looked at; nothing is looked at smaller.

        target_px: height that people are enlarged to, TARGET_PX or more. unknown_px: height, pixels
        of the view, that people are taken to have where nobody has been seen yet; None: that of
        what moved.
        """
        self._view, self._whole = view, whole
        self._finest_px, self._unknown_px = target_px, unknown_px
        self._looked = np.full(CELLS, -np.inf)

    def layout(self, asked: Asked, canvas: tuple[int, int], *, all_of_it: bool) -> Layout | None:
        """The regions on a canvas (width, height).

        None: they don't fit (with all_of_it: not everything that moved does), or nothing would be
        larger than on the whole: look at the whole. Where all of it does not fit as large as was
        asked for, it is tried at TARGET_PX.
        """
        for target_px in sorted({self._finest_px, TARGET_PX}, reverse=True):
            best = self._laid_out(replace(asked, target_px=target_px), canvas, all_of_it=all_of_it)
            if best is not None or not all_of_it:
                return best
        return None

    def _laid_out(self, asked: Asked, canvas: tuple[int, int], *, all_of_it: bool) -> Layout | None:
        expected = [Box(*row) for row in asked.expected.tolist()]
        chosen = merged([r for box in expected if (r := self._followed(box, asked))])
        best = laid_out(chosen, *canvas, shrinks=CLOSE if all_of_it else SHRINKS)
        if best is None or (not all_of_it and self._is_smaller(best, asked.picture)):
            return None
        for region in self._unexplained(expected, asked):
            more = absorbed(region, chosen)
            trial = laid_out(more, *canvas, shrinks=[s for s in CLOSE if s <= best.shrink])
            if trial is not None:
                best, chosen = trial, more
            elif all_of_it:
                return None
        for region in self._stalest(asked) if all_of_it else ():
            # where there is room: nobody gets smaller for it
            more = absorbed(region, chosen)
            best = laid_out(more, *canvas, shrinks=[best.shrink]) or best
        return best if best.places else None

    def looked(self, layout: Layout, picture: Picture, time: float) -> None:
        """Remember that these regions were looked at."""
        across, down = self._view.width / picture.width, self._view.height / picture.height
        for place in layout.places:
            r = place.region
            box = Box(r.x1 * across, r.y1 * down, r.x2 * across, r.y2 * down)
            self._looked[self._cells(box)] = time

    def _is_smaller(self, layout: Layout, picture: Picture) -> bool:
        """Whether on average regions would be hardly larger than on the whole."""
        if not layout.places:
            return False
        scale = sum(p.region.scale for p in layout.places) / len(layout.places) * layout.shrink
        return scale < WORTH * self._whole * self._view.height / picture.height

    def _followed(self, box: Box, asked: Asked) -> Region | None:
        height = max(box.height, 4.0)
        return self._region(_grown(box, MARGIN * height), height, asked)

    def _unexplained(self, expected: Sequence[Box], asked: Asked) -> Sequence[Region]:
        """What moved beside the expected boxes, what has waited longest first."""
        taken = np.zeros(CELLS, np.bool_)
        for box in expected:
            taken[self._cells(_grown(box, MARGIN * box.height))] = True
        waiting: list[tuple[float, int, Region]] = []
        for part in self._moving_parts(asked):
            cells = self._cells(_core(part))
            here = taken[cells]
            if np.count_nonzero(here) >= EXPLAINED * here.size:
                continue
            region = self._region(part, self._height(part, asked), asked)
            if region:
                waiting.append((float(self._looked[cells].min()), len(waiting), region))
        return [region for _, _, region in sorted(waiting, key=lambda w: w[:2])]

    def _moving_parts(self, asked: Asked) -> list[Box]:
        out: list[Box] = []
        for row in asked.moving.tolist():
            box = Box(*row)
            out += _parts(box, self._height(box, asked))
        return out

    def _height(self, part: Box, asked: Asked) -> float:
        """Of people there, as far as it is known."""
        unknown = min(part.height, self._unknown_px or math.inf)
        return asked.stature.at(part.y2) or unknown

    def _stalest(self, asked: Asked) -> Sequence[Region]:
        """The part, some people wide and high, that was not looked at closely for longest."""
        height = asked.stature.typical()
        if height is None:
            return []
        down, across = self._view.height / CELLS[0], self._view.width / CELLS[1]
        rows = min(CELLS[0], math.ceil(PATCH[0] * height / down))
        columns = min(CELLS[1], math.ceil(PATCH[1] * height / across))
        ages = np.clip(asked.time - self._looked, 0, OLDEST_S)
        sums = cv2.integral(ages)
        total = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns]
        total = total + sums[:-rows, :-columns]
        top, left = divmod(int(np.argmax(total)), total.shape[1])
        if total[top, left] < STALE_S * rows * columns:
            return []
        corner = left * across, top * down
        box = Box(*corner, corner[0] + columns * across, corner[1] + rows * down)
        region = self._region(box, asked.stature.at(box.y2) or height, asked)
        return [region] if region else []

    def _region(self, box: Box, height: float, asked: Asked) -> Region | None:
        """The region of a box in the view, at the scale that people of this height need."""
        picture = asked.picture
        across, down = picture.width / self._view.width, picture.height / self._view.height
        closer = min(LARGEST, asked.target_px / (height * down))
        scale = max(closer, self._whole / down)
        shown = Box(box.x1 * across, box.y1 * down, box.x2 * across, box.y2 * down)
        return region_of(shown, scale, picture)

    def _cells(self, box: Box) -> tuple[slice, slice]:
        """Cells that a box touches, at least one."""
        rows, columns = CELLS
        across, down = columns / self._view.width, rows / self._view.height
        left, top = _within(box.x1 * across, columns - 1), _within(box.y1 * down, rows - 1)
        right = _within(math.ceil(box.x2 * across), columns)
        bottom = _within(math.ceil(box.y2 * down), rows)
        return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _within(value: float, most: int) -> int:
    return min(max(int(value), 0), most)


def _parts(box: Box, height: float) -> list[Box]:
    """The box, or, where it is much larger than people, parts of it that overlap a little."""
    rows = _pieces(box.y1, box.y2, PATCH[0] * height)
    columns = _pieces(box.x1, box.x2, PATCH[1] * height)
    return [Box(x1, y1, x2, y2) for y1, y2 in rows for x1, x2 in columns]


def _pieces(low: float, high: float, most: float) -> list[tuple[float, float]]:
    """A stretch in pieces of length `most` that overlap by three tenths or more."""
    length = high - low
    if length <= 1.3 * most:
        return [(low, high)]
    steps = math.ceil((length - most) / (0.7 * most))
    step = (length - most) / steps
    return [(low + i * step, low + i * step + most) for i in range(steps + 1)]


def _core(box: Box) -> Box:
    """What moved, without the margin that the activity gate has put around it."""
    across, down = box.width * CORE, box.height * CORE
    return Box(box.x1 + across, box.y1 + down, box.x2 - across, box.y2 - down)


def _grown(box: Box, margin: float) -> Box:
    return Box(box.x1 - margin, box.y1 - margin, box.x2 + margin, box.y2 + margin)
