"""How well can people be counted here? What pictures show of it, and when a camera is refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from veilleur.events.scene import Scene
from veilleur.geometry import FloatArray
from veilleur.perception.objects import Kind

LEAST_HEIGHT_PX = 24.0  # below, NanoDet finds few of them even by regions
MOST_HIDDEN = 0.15  # made crowds of 1 person/m2 seen at 26 degrees; PETS S2.L1 has 0.03
SURE, DOUBTFUL = 0.5, 0.3  # scores of a person
LEAST_SURE = 0.35  # PETS S2.L1 has 0.59; two overhead crowds of which 2 and 10 % are found 0.1, 0.2
LEAST_SEEN = 60  # boxes of people before a camera is judged
MEMORY = 1500  # scenes: five minutes at five a second


@dataclass(frozen=True, slots=True)
class CrowdStatistics:
    """What a camera's pictures showed so far. people: boxes of persons, all pictures together.

    height_px: their median height in pixels of the view. hidden: mean hidden share of the boxes
    (see `hidden_share`). sure: share of persons found at all (score `DOUBTFUL`) that are sure
    (score `SURE`).
    """

    people: int
    height_px: float
    hidden: float
    sure: float


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
    return None


class CrowdMeter:
    """Gathers the statistics of a camera, scene by scene; the latest `MEMORY` scenes count."""

    def __init__(self) -> None:
        self._heights: deque[float] = deque(maxlen=MEMORY)
        self._hidden: deque[float] = deque(maxlen=MEMORY)
        self._found: deque[tuple[int, int]] = deque(maxlen=MEMORY)

    def update(self, scene: Scene) -> None:
        """Only scenes that were looked at anew tell anything."""
        persons = scene.detections.of(Kind.PERSON)
        scores = np.asarray(persons.scores, dtype=np.float64)
        sure = np.asarray(persons.boxes, dtype=np.float64)[scores >= SURE]
        doubtful = int((scores >= DOUBTFUL).sum())
        if scene.blind is not None or not scene.fresh or doubtful == 0:
            return
        self._found.append((doubtful, len(sure)))
        if len(sure):
            self._heights.append(float(np.median(sure[:, 3] - sure[:, 1])))
            self._hidden.append(hidden_share(sure))

    @property
    def statistics(self) -> CrowdStatistics:
        people = sum(doubtful for doubtful, _ in self._found)
        sure = sum(sure for _, sure in self._found)
        if not sure:
            return CrowdStatistics(people, float("inf"), 0.0, 0.0)
        height_px, hidden = float(np.median(self._heights)), float(np.mean(self._hidden))
        return CrowdStatistics(people, height_px, hidden, sure / people)


def hidden_share(boxes: FloatArray) -> float:
    """(n, 4) boxes: mean of the largest share that one nearer box (lower foot) covers, 0..1."""
    b = np.asarray(boxes, dtype=np.float64)
    if len(b) < 2:
        return 0.0
    left, upper = np.maximum(b[:, None, :2], b[None, :, :2]).transpose(2, 0, 1)
    right, lower = np.minimum(b[:, None, 2:], b[None, :, 2:]).transpose(2, 0, 1)
    common = np.maximum(right - left, 0) * np.maximum(lower - upper, 0)
    share = common / np.maximum((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]), 1e-9)[:, None]
    nearer = b[None, :, 3] > b[:, None, 3]
    return float(np.where(nearer, share, 0.0).max(axis=1).mean())
