"""How well can people be counted here? What pictures show of it, and when a camera is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veilleur.cameras.middle import median
from veilleur.events.scene import Scene
from veilleur.geometry import FloatArray, Zone
from veilleur.perception.objects import Kind
from veilleur.perception.overlap import between

LEAST_HEIGHT_PX = 24.0  # below, NanoDet finds few of them even by regions
MOST_HIDDEN = 0.15  # made crowds of 1 person/m2 seen at 26 degrees; PETS S2.L1 has 0.03
SURE, DOUBTFUL = 0.5, 0.3  # scores of a person
LEAST_SURE = 0.35  # PETS S2.L1 has 0.59; two overhead crowds of which 2 and 10 % are found 0.1, 0.2
MOST_SCREENED = 1 / 3  # a third of the zone unseen, a third of the people may be: no count is that
UNSEEN = 0.6  # of a person's box behind others: most detectors find nobody there
PLACES, PARTS = 12, 5  # so many a side of the zone, and of a person's box, are looked at
LEAST_FITTED = 3
LEAST_SEEN = 60  # boxes of people before a camera is judged
MEMORY = 1500  # scenes: five minutes at five a second


@dataclass(frozen=True, slots=True)
class CrowdStatistics:
    """What a camera's pictures showed so far. people: boxes of persons, all pictures together.

    height_px: their median height in pixels of the view. hidden: mean hidden share of the boxes
    (see `hidden_share`). sure: share of persons found at all (score `DOUBTFUL`) that are sure
    (score `SURE`). screened: mean share of the zone that they hide (see `screened_share`); 0
    without a zone.
    """

    people: int
    height_px: float
    hidden: float
    sure: float
    screened: float = 0.0


def fitness(seen: CrowdStatistics) -> str | None:
    """Why this camera cannot serve density, None where it can (or too few were seen to tell)."""
    if seen.people < LEAST_SEEN:
        return None
    if seen.height_px < LEAST_HEIGHT_PX:
        return f"people are {seen.height_px:.0f} px high, {LEAST_HEIGHT_PX:.0f} are needed to count"
    if seen.sure < LEAST_SURE:
        return f"only {seen.sure:.0%} of the people found are sure, {LEAST_SURE:.0%} are needed"
    if seen.hidden > MOST_HIDDEN:
        return (
            f"people hide {seen.hidden:.0%} of each other, up to {MOST_HIDDEN:.0%} can be counted"
        )
    if seen.screened > MOST_SCREENED:
        return (
            f"the people in front hide {seen.screened:.0%} of the zone, up to "
            f"{MOST_SCREENED:.0%} can be counted"
        )
    return None


class CrowdMeter:
    """Gathers the statistics of a camera, scene by scene; the latest `MEMORY` scenes count.

    zone: where people are counted; None: how much of it they hide is not asked.
    """

    def __init__(self, zone: Zone | None = None) -> None:
        self._places = standing_points(zone) if zone is not None else np.zeros((0, 2))
        self._found = _Latest(2)  # doubtful, sure
        self._shown = _Latest(3)  # height, hidden, screened

    def update(self, scene: Scene) -> None:
        """Only scenes that were looked at anew tell anything."""
        if scene.blind is not None or not scene.fresh:
            return
        persons = scene.detections.of(Kind.PERSON)
        scores = np.asarray(persons.scores, dtype=np.float64)
        sure = np.asarray(persons.boxes, dtype=np.float64)[scores >= SURE]
        doubtful = int((scores >= DOUBTFUL).sum())
        if doubtful == 0:
            return
        self._found.add(doubtful, len(sure))
        if len(sure):
            height_px = median(sure[:, 3] - sure[:, 1])
            self._shown.add(height_px, hidden_share(sure), screened_share(sure, self._places))

    @property
    def statistics(self) -> CrowdStatistics:
        people, sure = self._found.rows.sum(axis=0).tolist()
        if not sure:
            return CrowdStatistics(int(people), float("inf"), 0.0, 0.0)
        shown = self._shown.rows
        _, hidden, screened = shown.mean(axis=0).tolist()
        return CrowdStatistics(int(people), median(shown[:, 0]), hidden, sure / people, screened)


class _Latest:
    """The latest `MEMORY` rows of so many numbers, in no order."""

    def __init__(self, columns: int) -> None:
        self._rows = np.zeros((MEMORY, columns))
        self._added = 0

    def add(self, *row: float) -> None:
        self._rows[self._added % MEMORY] = row
        self._added += 1

    @property
    def rows(self) -> FloatArray:
        return self._rows[: self._added]


def hidden_share(boxes: FloatArray) -> float:
    """(n, 4) boxes: mean of the largest share that one nearer box (lower foot) covers, 0..1."""
    b = np.asarray(boxes, dtype=np.float64)
    if len(b) < 2:
        return 0.0
    found = between(b, b)
    nearer = b[None, :, 3] > b[:, None, 3]
    share = np.where(nearer, found.shared / np.maximum(found.areas, 1e-9), 0.0)
    return float(share.max(axis=1).mean())


def standing_points(zone: Zone) -> FloatArray:
    """(m, 2) pixels, spread over the zone: where somebody may stand."""
    low, high = zone.corners.min(axis=0), zone.corners.max(axis=0)
    steps = (np.arange(PLACES) + 0.5) / PLACES
    across, down = (low + steps[:, None] * (high - low)).T
    points = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
    return np.asarray(points[zone.contains(points)])


def screened_share(boxes: FloatArray, places: FloatArray) -> float:
    """Share of the places (m, 2), 0..1, where somebody would stand unseen behind these people.

    boxes: (n, 4) pixels, the people that are seen. Whoever stands at a place is as tall and broad
    as they are (as a line through their heights says), and unseen if nearer boxes (lower foot)
    together cover `UNSEEN` of the box.
    """
    b = np.asarray(boxes, dtype=np.float64)
    if not len(b) or not len(places):
        return 0.0
    tall = _heights_at(b, places[:, 1])
    broad = tall * median((b[:, 2] - b[:, 0]) / np.maximum(b[:, 3] - b[:, 1], 1e-9))
    part = (np.arange(PARTS) + 0.5) / PARTS
    x = (places[:, :1] + (part - 0.5) * broad[:, None])[..., None]
    y = (places[:, 1:] - part * tall[:, None])[..., None]
    left, top, right, foot = np.ascontiguousarray(b.T)
    nearer = foot > places[:, 1:]
    beside = (x > left) & (x < right)
    behind = (y > top) & (y < foot) & nearer[:, None]
    by_boxes = beside.astype(np.float32) @ behind.astype(np.float32).transpose(0, 2, 1)
    covered = np.count_nonzero(by_boxes, axis=(1, 2)) / PARTS**2
    return float((covered >= UNSEEN).mean())


def _heights_at(boxes: FloatArray, feet_y: FloatArray) -> FloatArray:
    """(m,) pixels: how tall people of these boxes would be whose feet are at these lines."""
    feet, heights = boxes[:, 3], boxes[:, 3] - boxes[:, 1]
    middle = median(heights)
    off = feet - feet.mean()
    spread = float((off * off).sum())
    if len(boxes) < LEAST_FITTED or float(feet.max() - feet.min()) < middle / 4:
        return np.full(len(feet_y), middle)
    slope = float((off * (heights - heights.mean())).sum()) / spread
    fitted = heights.mean() + slope * (feet_y - feet.mean())
    return np.asarray(np.clip(fitted, middle / 2, 2 * middle))
