"""Things that have come to rest in a place, out of the pixels that have; and what is no thing.

A trace of something taken away: across the border of the changed region the place as it was known
shows a step, and what is seen now does not. The reverse is true of a thing put down (after
Spagnolo et al., "An abandoned/removed objects detection algorithm and its evaluation on PETS
datasets", AVSS 2006, which compares edges).

Light and shadow: the ground is seen as before, in the same colour and the same factor brighter or
darker everywhere, or with its own texture. A flat thing of the colour of its ground looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from veilleur.cameras.parts import Parts
from veilleur.geometry import BoolArray, Box, FloatArray, IntArray, View
from veilleur.perception.background import Background
from veilleur.perception.still import Nature, StillObject

LEAST_AREA = 24  # pixels of the working size: five by five
MOST_SHARE = 0.25  # of the picture: larger is no object
HIDDEN = 0.5  # share of its pixels that something else covers
SURE_S = 3.0  # light and traces become the place after so long
ABSORB_S = 3600.0  # and everything after so long
REACH = 2  # pixels to both sides of a border that are compared
STEP, LEAST_STEP = 1.25, 6.0  # times, and grey levels: the known place's step is the greater one
COLOUR = 4.0  # grey levels of chroma: the same colour
RATIO = (0.3, 3.0)  # of luma, that light can explain
EVEN = 0.10  # spread of the logarithm of the ratio (interquartile): the same factor everywhere
UNEVEN = 0.35  # the same where the ground's texture is seen
ALIKE, TEXTURE = 0.8, 4.0  # correlation, and grey levels: the ground's own texture is seen
BLACK, WHITE = 8.0, 215.0  # grey levels between which a ratio means anything


@dataclass(frozen=True, slots=True, eq=False)
class _Region:
    """mask: (h, w) of the part x, y, w, h of the working picture."""

    corner: tuple[int, int]
    mask: BoolArray

    @property
    def part(self) -> tuple[slice, slice]:
        x, y = self.corner
        height, width = self.mask.shape
        return slice(y, y + height), slice(x, x + width)


@dataclass(slots=True)
class Arrivals:
    """Follows the regions of one camera by place, and says what each is."""

    view: View
    _labels: IntArray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    _last_id: int = 0
    _nature: dict[int, tuple[Nature, float]] = field(default_factory=dict)

    def forget(self) -> None:
        self._labels = np.zeros((0, 0), np.int64)
        self._nature.clear()

    def resume(self, missed_s: float) -> None:
        """So long nothing was seen: it makes nothing older."""
        self._nature = {id_: (what, at + missed_s) for id_, (what, at) in self._nature.items()}

    def step(self, background: Background, time: float) -> tuple[StillObject, ...]:
        """What is at rest after the background's step. Light and traces are handed back to it."""
        if background.now.luma.shape != self._labels.shape:
            self._labels = np.zeros(background.now.luma.shape, np.int64)
        regions = self._regions(background.at_rest)
        ids = self._named(regions)
        self._labels = np.zeros_like(self._labels)
        found = []
        for id_, region in zip(ids, regions, strict=True):
            self._labels[region.part][region.mask] = id_
            found.append(self._object(id_, region, background, time))
        self._nature = {id_: self._nature[id_] for id_ in ids}
        return tuple(found)

    def movers(self, background: Background) -> tuple[Box, ...]:
        """Where something moves, after a step."""
        return tuple(self._box(region) for region in self._regions(background.moving))

    def _regions(self, where: BoolArray) -> list[_Region]:
        if not where.any():
            return []
        mask = cv2.morphologyEx(where.view(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3)))
        parts = Parts.of(np.asarray(mask, np.uint8))
        return [
            _Region((part.x, part.y), parts.mask(part))
            for part in parts.found
            if LEAST_AREA <= part.area <= MOST_SHARE * mask.size
        ]

    def _named(self, regions: list[_Region]) -> list[int]:
        """Each region the id that most of it had, each id once; else a new one."""
        wishes = []
        for n, region in enumerate(regions):
            under = self._labels[region.part][region.mask]
            known, counts = np.unique(under[under > 0], return_counts=True)
            wishes += [(-int(c), int(k), n) for k, c in zip(known, counts, strict=True)]
        ids: dict[int, int] = {}
        for _, id_, n in sorted(wishes):
            if n not in ids and id_ not in ids.values():
                ids[n] = id_
        for n in range(len(regions)):
            if n not in ids:
                self._last_id += 1
                ids[n] = self._last_id
        return [ids[n] for n in range(len(regions))]

    def _object(self, id_: int, region: _Region, back: Background, time: float) -> StillObject:
        began = back.began[region.part][region.mask]
        began = began[np.isfinite(began)]
        since = float(np.median(began)) if len(began) else time
        seen = back.seen[region.part][region.mask]
        found = StillObject(
            id_, self._box(region), since, hidden=float((seen < time).mean()) > HIDDEN
        )
        nature = nature_of(back, region.part, region.mask)
        before, began_s = self._nature.get(id_, (nature, time))
        if before is not nature or time < began_s:
            began_s = time
        self._nature[id_] = nature, began_s
        no_thing = nature is not Nature.THING and time - began_s >= SURE_S
        if (no_thing and not found.hidden) or time - since >= ABSORB_S:
            where = np.zeros(self._labels.shape, np.bool_)
            where[region.part] = region.mask
            back.absorb(where)
        return replace(found, nature=nature)

    def _box(self, region: _Region) -> Box:
        rows, columns = self._labels.shape
        x_scale, y_scale = self.view.width / columns, self.view.height / rows
        (x, y), (h, w) = region.corner, region.mask.shape
        return Box(x * x_scale, y * y_scale, (x + w) * x_scale, (y + h) * y_scale)


def nature_of(back: Background, part: tuple[slice, slice], mask: BoolArray) -> Nature:
    """What the region of the working picture under the mask is. Only its layers are looked at."""
    step_known, step_now = _steps(back, part, mask)
    if step_known > LEAST_STEP and step_known > STEP * step_now:
        return Nature.TRACE
    return Nature.LIGHT if _is_light(back, part, mask) else Nature.THING


def _steps(back: Background, part: tuple[slice, slice], mask: BoolArray) -> tuple[float, float]:
    """Mean step across the border, grey levels: of the place as known, and as it is now."""
    rows, columns = _wider(part, back.known.luma.shape, 2 * REACH)
    inside = np.zeros(back.known.luma.shape, np.uint8)
    inside[part] = mask
    inside = inside[rows, columns]
    side = 2 * REACH + 1
    kernel = np.ones((3, 3), np.uint8)
    border = (inside - cv2.erode(inside, kernel, borderValue=0)) > 0
    outside = 1 - cv2.dilate(inside, kernel)
    resting = back.at_rest[rows, columns]
    outside_now = np.asarray(outside * ~resting, np.float32)
    within = np.asarray(inside, np.float32)
    known, now = back.known.luma[rows, columns], back.lately.luma[rows, columns]
    around = _mean(known, outside_now, side)
    enough = border & (cv2.blur(outside_now, (side, side)) > 1 / side**2)
    if not enough.any():
        return 0.0, 1.0
    return (
        float(np.abs(_mean(known, within, side) - around)[enough].mean()),
        float(np.abs(_mean(now, within, side) - around)[enough].mean()),
    )


def _mean(values: FloatArray, weight: FloatArray, side: int) -> FloatArray:
    total = cv2.blur(values * weight, (side, side))
    return np.asarray(total / np.maximum(cv2.blur(weight, (side, side)), 1e-6))


def _wider(part: tuple[slice, slice], shape: tuple[int, ...], margin: int) -> tuple[slice, slice]:
    rows, columns = (
        slice(max(0, cut.start - margin), min(size, cut.stop + margin))
        for cut, size in zip(part, shape, strict=True)
    )
    return rows, columns


def _is_light(back: Background, part: tuple[slice, slice], mask: BoolArray) -> bool:
    known, now = back.known.luma[part][mask], back.lately.luma[part][mask]
    usable = (known > BLACK) & (known < WHITE) & (now > BLACK) & (now < WHITE)
    if usable.mean() < 0.5 or not _same_colour(back, part, mask):
        return False
    known, now = known[usable], now[usable]
    ratio = np.log(now / known)
    low, middle, high = np.quantile(ratio, (0.25, 0.5, 0.75))
    if not np.log(RATIO[0]) < middle < np.log(RATIO[1]):
        return False
    if high - low < EVEN:
        return True
    seen_through = known.std() > TEXTURE and np.corrcoef(known, now)[0, 1] > ALIKE
    return bool(seen_through and high - low < UNEVEN)


def _same_colour(back: Background, part: tuple[slice, slice], mask: BoolArray) -> bool:
    half = tuple(slice(cut.start // 2, (cut.stop + 1) // 2) for cut in part)
    rows, columns = half
    change = back.lately.chroma[:, rows, columns] - back.known.chroma[:, rows, columns]
    height, width = change.shape[1:]
    if not height or not width:
        return True
    small = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    if not small.any():
        return True
    return bool(np.abs(np.median(change[:, small > 0], axis=1)).max() < COLOUR)
