"""When a camera's people are counted in tiles, at what scale, and how many tiles at a time.

A sweep of tiles costs as much as many looks, so it is spread over several pictures, begins at most
once every `every_s`, and is left out, but for a probe now and then, where the usual looks find
about as many people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veilleur.cameras.frame import Activity
from veilleur.cameras.picture import Picture
from veilleur.geometry import View
from veilleur.perception.detector import Detector
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.tiles import (
    LARGEST,
    SURE,
    TARGET_PX,
    Headcount,
    Sweep,
    affordable,
    tiled,
)

USUAL = 0.5
"""Score from which a person found by the usual looks counts."""
ENOUGH, ENOUGH_STILL = 1.5, 1.25
"""Tiles are needed if they find more than so many times the people; and still needed."""
EXTRA = 2
CHANGE = 1.25
"""The scale follows the people's height when it is off by more than this."""
EDGE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSettings:
    """every_s: seconds from one sweep's beginning to the next. probe_s: the same while the usual
    looks are enough. most: tiles in a sweep. at_once: tiles in one picture."""

    every_s: float = 1.0
    probe_s: float = 4.0
    most: int = 16
    at_once: int = 4


class Counting:
    """One camera's count by tiles."""

    def __init__(self, detector: Detector, view: View, settings: CountSettings) -> None:
        self._detector, self._view, self._settings = detector, view, settings
        self._scale = 1.0
        self._sweep: Sweep | None = None
        self._began: float | None = None
        self._needed = False

    def under_way(self) -> bool:
        """Whether a sweep waits for its next tiles."""
        return self._sweep is not None

    def drop(self) -> None:
        """Nobody may count: the picture of a sweep under way is not kept."""
        self._sweep = None

    def step(
        self, picture: Picture, activity: Activity, usual: Detections, time: float
    ) -> tuple[Headcount | None, int]:
        """Some tiles, of this picture where a sweep begins, else of the one it began with.

        usual: what the usual look found in this picture.

        Returns the count when a sweep is complete and was needed, and the number of inferences.
        """
        if self._sweep is None:
            if not self._due(time):
                return None, 0
            self._began = time
            self._sweep = self._new(picture, activity, time)
        sweep = self._sweep
        tiles = min(self._settings.at_once, len(sweep.waiting))
        for _ in range(tiles):
            sweep.look()
        if sweep.waiting:
            return None, tiles
        self._sweep = None
        return self._finish(sweep.count(), usual), tiles

    def _new(self, picture: Picture, activity: Activity, time: float) -> Sweep:
        view, detector = self._view, self._detector
        scale = affordable(view, detector, self._scale, self._settings.most)
        kept = Picture(picture.data.copy(), picture.full_range)  # the decoder uses its place again
        waiting = tiled(view, detector, scale)
        return Sweep(kept, activity, time, view, detector, scale, waiting)

    def _due(self, time: float) -> bool:
        pause = self._settings.every_s if self._needed else self._settings.probe_s
        return self._began is None or not 0 <= time - self._began < pause - EDGE

    def _finish(self, count: Headcount, usual: Detections) -> Headcount | None:
        found = int(((usual.kinds == Kind.PERSON) & (usual.scores >= USUAL)).sum())
        self._needed = len(count) > (ENOUGH_STILL if self._needed else ENOUGH) * found + EXTRA
        sure = count.people[count.people.scores >= SURE]
        if len(sure) >= 3:
            height = float(np.median(sure.boxes[:, 3] - sure.boxes[:, 1]))
            scale = min(LARGEST, TARGET_PX / height)
            if not 1 / CHANGE < scale / self._scale < CHANGE:
                self._scale = scale
        return count if self._needed else None
