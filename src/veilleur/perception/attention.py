"""Which parts of a picture deserve to be looked at closely, and at what scale.

Followed objects come first, each where it is expected; then what moved and nobody explains, what
has waited longest first, as long as it fits. The rest waits for the next picture, or for the next
look at the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import FloatArray, View
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.regions import SHRINKS, Layout, Region, laid_out, merged, region_of

TARGET_PX = 48.0
"""Height of a person on the detector's input at which small people are found well."""
LARGEST = 2.0
"""Enlarging beyond this adds no detail."""
MARGIN = 0.2
"""Added around an expected box on each side, in heights."""
EXPLAINED = 0.5
"""Motion of which this share lies in expected boxes is theirs."""
CLOSE = (1.0, 0.95, 0.9, 0.85)
"""What moved joins only while everybody stays about so large."""
CORE = 1 / 6
"""Share of an activity box's side that is margin, on each side."""
PATCH = (2.4, 2.0)
"""Height and width, in heights of a person, of the part looked at because nobody did for long."""
STALE_S, OLDEST_S = 1.0, 60.0
WORTH = 1.15
"""Regions are worth it if people get so many times larger than on the whole."""
REMEMBERED_S = 30.0
CELLS = (36, 48)
"""Rows and columns of the grid that remembers when each part was last looked at closely."""
MOST = 500


class Stature:
    """How tall people have lately appeared, and where: heights in pixels of the view."""

    def __init__(self) -> None:
        self._seen: FloatArray = np.zeros((0, 3))  # time, foot y, height

    def see(self, found: Detections, time: float) -> None:
        """Learn from sure persons."""
        sure = found.of(Kind.PERSON)
        sure = sure[sure.scores >= 0.4]
        heights = sure.boxes[:, 3] - sure.boxes[:, 1]
        rows = np.stack([np.full(len(sure), time), sure.boxes[:, 3], heights], axis=1)
        seen = np.concatenate([self._seen, rows])
        young = (seen[:, 0] <= time) & (seen[:, 0] > time - REMEMBERED_S)
        self._seen = seen[young][-MOST:]

    def typical(self) -> float | None:
        """Height below which a quarter of the people are; None: nobody was seen lately."""
        return float(np.quantile(self._seen[:, 2], 0.25)) if len(self._seen) else None

    def at(self, feet_y: float) -> float | None:
        """Median height of the people whose feet were nearest to that line of the picture."""
        if not len(self._seen):
            return None
        nearest = np.argsort(np.abs(self._seen[:, 1] - feet_y), kind="stable")[:25]
        return float(np.median(self._seen[nearest, 2]))


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is known when regions are chosen. expected, moving: (n, 4) boxes, pixels of the view."""

    picture: Picture
    expected: FloatArray
    moving: FloatArray
    stature: Stature
    time: float


class Attention:
    """Chooses regions for one camera. Remembers only when each part was last looked at."""

    def __init__(self, view: View, whole: float) -> None:
        """whole: scale at which the whole view is looked at; nothing is looked at smaller."""
        self._view, self._whole = view, whole
        self._looked = np.full(CELLS, -np.inf)

    def layout(self, asked: Asked, canvas: tuple[int, int], *, all_of_it: bool) -> Layout | None:
        """The regions on a canvas (width, height).

        None: they don't fit (with all_of_it: not everything that moved does), or nothing would be
        larger than on the whole: look at the whole.
        """
        followed = [r for b in asked.expected if (r := self._followed(b, asked.picture))]
        best = laid_out(merged(followed), *canvas, shrinks=CLOSE if all_of_it else SHRINKS)
        if best is None or (not all_of_it and self._is_smaller(best, asked.picture)):
            return None
        chosen = followed
        for region, optional in [
            *((r, not all_of_it) for r in self._unexplained(asked)),
            *((r, True) for r in self._stalest(asked)),
        ]:
            trial = laid_out(merged([*chosen, region]), *canvas, shrinks=CLOSE)
            if trial is not None:
                best, chosen = trial, [*chosen, region]
            elif not optional:
                return None
        return best if best.places else None

    def _is_smaller(self, layout: Layout, picture: Picture) -> bool:
        """Whether on average regions would be hardly larger than on the whole."""
        if not layout.places:
            return False
        scale = float(np.mean([p.region.scale for p in layout.places])) * layout.shrink
        return scale < WORTH * self._whole * self._view.height / picture.height

    def looked(self, layout: Layout, picture: Picture, time: float) -> None:
        """Remember that these regions were looked at."""
        for place in layout.places:
            r = place.region
            box = np.array((r.x1, r.y1, r.x2, r.y2)) / ((picture.width, picture.height) * 2)
            self._looked[self._cells(box)] = time

    def _followed(self, box: FloatArray, picture: Picture) -> Region | None:
        height = max(float(box[3] - box[1]), 4.0)
        return self._region(box, MARGIN * height, height, picture)

    def _unexplained(self, asked: Asked) -> Sequence[Region]:
        """What moved beside the expected boxes, what has waited longest first."""
        size = np.array((self._view.width, self._view.height) * 2)
        taken = np.zeros(CELLS, np.bool_)
        for box in asked.expected:
            taken[self._cells(_grown(box, MARGIN * (box[3] - box[1])) / size)] = True
        waiting: list[tuple[float, int, Region]] = []
        for part in self._moving_parts(asked):
            cells = self._cells(_core(part) / size)
            height = asked.stature.at(float(part[3])) or float(part[3] - part[1])
            region = self._region(part, 0.0, height, asked.picture)
            if region and taken[cells].mean() < EXPLAINED:
                waiting.append((float(self._looked[cells].min()), len(waiting), region))
        return [region for _, _, region in sorted(waiting, key=lambda w: w[:2])]

    def _moving_parts(self, asked: Asked) -> list[FloatArray]:
        out: list[FloatArray] = []
        for box in asked.moving:
            out += _parts(box, asked.stature.at(float(box[3])) or float(box[3] - box[1]))
        return out

    def _stalest(self, asked: Asked) -> Sequence[Region]:
        """The part, some people wide and high, that was not looked at closely for longest."""
        height = asked.stature.typical()
        if height is None:
            return []
        grid = np.array(CELLS)
        sides = np.ceil(height * np.array(PATCH) / (self._view.height, self._view.width) * grid)
        rows, columns = (int(v) for v in np.minimum(sides, grid))
        ages = np.clip(asked.time - self._looked, 0, OLDEST_S)
        sums = cv2.integral(ages)
        mean = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns]
        mean = (mean + sums[:-rows, :-columns]) / (rows * columns)
        top, left = np.unravel_index(int(np.argmax(mean)), mean.shape)
        if mean[top, left] < STALE_S:
            return []
        cell = np.array((self._view.width / CELLS[1], self._view.height / CELLS[0]) * 2)
        box = np.array((left, top, left + columns, top + rows)) * cell
        scale_of = asked.stature.at(float(box[3])) or height
        region = self._region(box, 0.0, scale_of, asked.picture)
        return [region] if region else []

    def _region(
        self, box: FloatArray, margin: float, height: float, picture: Picture
    ) -> Region | None:
        factor = np.array(
            (picture.width / self._view.width, picture.height / self._view.height) * 2
        )
        closer = min(LARGEST, TARGET_PX / (height * float(factor[1])))
        scale = max(closer, self._whole / float(factor[1]))
        return region_of(_grown(box, margin) * factor, scale, picture)

    def _cells(self, box: FloatArray) -> tuple[slice, slice]:
        """Cells that a box (4,) in relative coordinates touches, at least one."""
        rows, columns = CELLS
        x1, y1 = (
            int(np.clip(box[0] * columns, 0, columns - 1)),
            int(np.clip(box[1] * rows, 0, rows - 1)),
        )
        x2, y2 = (
            int(np.clip(np.ceil(box[2] * columns), x1 + 1, columns)),
            int(np.clip(np.ceil(box[3] * rows), y1 + 1, rows)),
        )
        return slice(y1, y2), slice(x1, x2)


def _parts(box: FloatArray, height: float) -> list[FloatArray]:
    """The box, or, where it is much larger than people, parts of it that overlap a little."""
    sides = box[2:] - box[:2]
    most = height * np.array((PATCH[1], PATCH[0]))
    step = np.array((0.7, 0.7)) * most
    counts = np.where(sides <= 1.3 * most, 1, np.ceil((sides - most) / step) + 1).astype(int)
    size = np.where(counts == 1, sides, most)
    xs, ys = (np.linspace(0, sides[i] - size[i], counts[i]) + box[i] for i in (0, 1))
    return [np.array((x, y, x + size[0], y + size[1])) for y in ys for x in xs]


def _core(box: FloatArray) -> FloatArray:
    """What moved, without the margin that the activity gate has put around it."""
    side = (box[2:] - box[:2]) * CORE
    core: FloatArray = np.concatenate([box[:2] + side, box[2:] - side])
    return core


def _grown(box: FloatArray, margin: float) -> FloatArray:
    grown: FloatArray = np.asarray(box, np.float64) + np.array((-1, -1, 1, 1)) * margin
    return grown
