"""Parts of a picture, each at the scale its people need, packed into one detector input.

A region is cut out of the picture, scaled, and laid on a grey canvas with a gap around it; what the
detector finds there is carried back. Somebody cut by a region's border is dropped where another
region shows more of them.

Packing is tallest first, each as far up, then left, as there is room below the skyline of those
before (Baker, Coffman and Rivest, "Orthogonal packings in two dimensions", 1980). It fits three
quarters of vtest's layouts without shrinking anybody, where shelves fitted two thirds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import BoolArray, Box, ImageArray, View
from veilleur.perception.detector import Detector
from veilleur.perception.objects import Detections
from veilleur.perception.overlap import between

GREY = 114
NO_COLOUR = 128
GAP = 6  # even
AT_BORDER = 2.0  # pixels of the canvas
SHRINKS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)
WASTE = 1.1
"""Regions are joined if that takes at most so many times the canvas that they take apart."""
SAME = 0.6
"""Overlap (IoU) from which two boxes of one kind are one object."""
WITHIN = 0.6
"""Share of a cut box inside another box from which it shows a part of the same object."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the picture, x1 y1 x2 y2 in its pixels, and how much it is to be enlarged."""

    x1: int
    y1: int
    x2: int
    y2: int
    scale: float

    @property
    def area(self) -> int:
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def joined(self, other: Region) -> Region:
        return Region(
            min(self.x1, other.x1),
            min(self.y1, other.y1),
            max(self.x2, other.x2),
            max(self.y2, other.y2),
            max(self.scale, other.scale),
        )

    def size(self, shrink: float) -> tuple[int, int]:
        """Width and height on the canvas, even."""
        half = self.scale * shrink / 2
        width, height = (self.x2 - self.x1) * half, (self.y2 - self.y1) * half
        return 2 * max(1, round(width)), 2 * max(1, round(height))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a region lies on the canvas, pixels of the canvas."""

    region: Region
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Regions with their places on one canvas. `shrink`: all scales were reduced by this."""

    places: tuple[Place, ...]
    width: int
    height: int
    shrink: float

    def canvas(self, picture: Picture) -> Picture:
        """The regions on grey. Still 4:2:0, so that colour is made once, at one size."""
        data = np.full((self.height * 3 // 2, self.width), GREY, np.uint8)
        data[self.height :] = NO_COLOUR
        out = Picture(data, picture.full_range)
        for p in self.places:
            r = p.region
            _paste(picture.luma, (r.x1, r.y1, r.x2, r.y2), out.luma, p, 1)
            for plane in (0, 1):
                _paste(picture.chroma[plane], (r.x1, r.y1, r.x2, r.y2), out.chroma[plane], p, 2)
        return out

    def back(self, found: Detections, picture: Picture) -> tuple[Detections, BoolArray]:
        """Boxes on the canvas to pixels of the picture; (n,) True where a region's border cuts.

        What has its middle in no region is left out.
        """
        middle = (found.boxes[:, None, :2] + found.boxes[:, None, 2:]) / 2
        low = np.array([(p.left, p.top) for p in self.places], np.float32)
        size = np.array([(p.width, p.height) for p in self.places], np.float32)
        inside = ((middle >= low) & (middle < low + size)).all(axis=2)
        rows, place = np.nonzero(inside)  # a middle lies in one region at most: they lie apart
        mine = found[rows]
        low, size = np.tile(low[place], 2), np.tile(size[place], 2)
        cut_out = [(p.region.x1, p.region.y1, p.region.x2, p.region.y2) for p in self.places]
        source = np.array(cut_out, np.float32)[place]
        boxes = np.clip(mine.boxes - low, 0, size)
        outer = source == (0, 0, picture.width, picture.height)
        near = np.concatenate([boxes[:, :2] < AT_BORDER, boxes[:, 2:] > size[:, 2:] - AT_BORDER], 1)
        grown = np.tile(source[:, 2:] - source[:, :2], 2) / size
        boxes = boxes * grown + np.tile(source[:, :2], 2)
        return Detections(boxes, mine.scores, mine.kinds), (near & ~outer).any(axis=1)


def _paste(
    plane: ImageArray, cut: tuple[int, int, int, int], canvas: ImageArray, p: Place, halved: int
) -> None:
    """Scale the cut out of one plane into its place on the canvas' plane (chroma is halved)."""
    x1, y1, x2, y2 = (v // halved for v in cut)
    left, top, width, height = (v // halved for v in (p.left, p.top, p.width, p.height))
    part = plane[y1:y2, x1:x2]
    while 4 * width <= part.shape[1] and 4 * height <= part.shape[0]:
        part = _halved(part)
    how = cv2.INTER_AREA if 2 * width < part.shape[1] else cv2.INTER_LINEAR
    target = canvas[top : top + height, left : left + width]
    cv2.resize(part, (width, height), dst=target, interpolation=how)


def _halved(part: ImageArray) -> ImageArray:
    """Means of 2 x 2: an area mean of OpenCV's takes four times as long where the factor is odd."""
    height, width = part.shape[0] // 2, part.shape[1] // 2
    whole = part[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def joined(parts: Sequence[Detections]) -> Detections:
    """Detections of several looks, one after another."""
    if not parts:
        return Detections.none()
    return Detections(
        np.concatenate([part.boxes for part in parts]).astype(np.float32),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.kinds for part in parts]),
    )


def region_of(box: Box, scale: float, picture: Picture) -> Region | None:
    """The region around a box in pixels of the picture, on even pixels; None: no pixel."""
    x1, y1 = max(0, math.floor(box.x1 / 2) * 2), max(0, math.floor(box.y1 / 2) * 2)
    x2 = min(picture.width, math.ceil(box.x2 / 2) * 2)
    y2 = min(picture.height, math.ceil(box.y2 / 2) * 2)
    return Region(x1, y1, x2, y2, scale) if x2 > x1 and y2 > y1 else None


def merged(regions: Sequence[Region]) -> list[Region]:
    """Regions joined where that costs hardly more canvas than they take apart."""
    out: list[Region] = []
    for region in regions:
        out = absorbed(region, out)
    return out


def absorbed(region: Region, regions: Sequence[Region]) -> list[Region]:
    """One more region, joined to those where that costs hardly more canvas."""
    rest = list(regions)
    while rest:
        costs = [_waste(region, other) for other in rest]
        cheapest = min(range(len(rest)), key=costs.__getitem__)
        if costs[cheapest] > WASTE:
            break
        region = region.joined(rest.pop(cheapest))
    return [*rest, region]


def _waste(a: Region, b: Region) -> float:
    """Canvas taken by two regions joined, to that taken by both alone."""
    width, height = max(a.x2, b.x2) - min(a.x1, b.x1), max(a.y2, b.y2) - min(a.y1, b.y1)
    both = width * height * max(a.scale, b.scale) ** 2
    return both / (a.area * a.scale**2 + b.area * b.scale**2)


def laid_out(
    regions: Sequence[Region], width: int, height: int, shrinks: Sequence[float] = SHRINKS
) -> Layout | None:
    """The regions on a canvas of that size, shrunk as little as it takes; None: they don't fit."""
    for shrink in shrinks:
        sizes = [region.size(shrink) for region in regions]
        corners = packed(sizes, width, height)
        if corners is not None:
            placed = zip(regions, corners, sizes, strict=True)
            places = tuple(Place(region, *corner, *size) for region, corner, size in placed)
            return Layout(places, width, height, shrink)
    return None


def packed(
    sizes: Sequence[tuple[int, int]], width: int, height: int, gap: int = GAP
) -> list[tuple[int, int]] | None:
    """Left upper corners of rectangles (width, height); None: they don't fit.

    They don't overlap, lie `gap` pixels or more from each other, and inside width x height.
    """
    rows = [(w + gap, h + gap) for w, h in sizes]
    if sum(w * h for w, h in rows) > (width + gap) * (height + gap):
        return None
    corners = [(0, 0)] * len(rows)
    skyline = [(0, 0), (width + gap, height + gap)]
    for i in sorted(range(len(rows)), key=lambda k: (-rows[k][1], -rows[k][0], k)):
        w, h = rows[i]
        spot = _highest(skyline, w)
        if spot is None or spot[0] + h > height + gap:
            return None
        top, left = spot
        corners[i] = left, top
        skyline = _covered(skyline, left, left + w, top + h)
    return corners


def _highest(skyline: Sequence[tuple[int, int]], width: int) -> tuple[int, int] | None:
    """Top and left of the free place of that width nearest to the upper edge. None: too wide.

    skyline: steps from left to right: where one begins, and how far down is taken from there on.
    The last is the canvas' right edge.
    """
    best: tuple[int, int] | None = None
    for first, (left, top) in enumerate(skyline):
        right = left + width
        if right > skyline[-1][0]:
            break
        for begins, taken in skyline[first + 1 :]:
            if begins >= right:
                break
            top = max(top, taken)
        if best is None or top < best[0]:
            best = top, left
    return best


def _covered(
    skyline: Sequence[tuple[int, int]], left: int, right: int, bottom: int
) -> list[tuple[int, int]]:
    """The skyline once everything from left to right is taken down to `bottom`."""
    before = [step for step in skyline if step[0] < left]
    resumed = [step[1] for step in skyline if step[0] <= right][-1]
    after = [step for step in skyline if step[0] > right]
    return [*before, (left, bottom), (right, resumed), *after]


def once(found: Detections, cut: BoolArray) -> Detections:
    """Each object once: the best box of those that overlap, whole ones before cut ones."""
    order = np.lexsort((-found.scores, cut))
    boxes, kinds = found.boxes[order].astype(np.float64), found.kinds[order]
    common = between(boxes, boxes)
    same = common.shared > SAME * common.union
    part = cut[order][:, None] & (common.shared > WITHIN * common.areas)
    covers = (same | part) & (kinds[:, None] == kinds[None, :])
    kept: list[int] = []
    for i in range(len(order)):
        if not covers[i, kept].any():
            kept.append(i)
    return found[np.sort(order[np.array(kept, np.int64)])]


def through(detector: Detector, picture: Picture, layout: Layout) -> tuple[Detections, BoolArray]:
    """One detector run over the regions: boxes in pixels of the picture, and which are cut."""
    canvas = layout.canvas(picture).bgr(layout.width, layout.height)
    return layout.back(detector.detect(canvas), picture)


def to_view(found: Detections, picture: Picture, view: View) -> Detections:
    """Boxes in pixels of the picture to pixels of the view."""
    factor = np.array((view.width / picture.width, view.height / picture.height) * 2, np.float32)
    return replace(found, boxes=np.asarray(found.boxes, np.float32) * factor)
