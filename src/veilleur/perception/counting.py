"""When a camera's people are counted in tiles, at what scale, and how many tiles at a time.

A sweep of tiles costs as much as many looks, so it is spread over several pictures and begins at
most once every `every_s`. Where the usual looks find about as many people it is made ever more
seldom: after each sweep in vain the pause is doubled, up to a minute. Meanwhile one tile is looked
at now and then, there where most moves. If it shows more people than the usual look found in it, or
the usual looks find many more than at the last sweep, a sweep is made at once. Where nothing has
moved nobody has come, and nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veilleur.cameras.frame import Activity
from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, View
from veilleur.perception.detector import Detector
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.overlap import between
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
LONGEST = 16
"""The pause grows to so many times `probe_s` while sweeps are in vain."""
EDGE = 1e-6  # seconds: times nearer than this are the same


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
        self._wanted = 1.0  # scale at which people would be TARGET_PX tall
        self._scale = affordable(view, detector, 1.0, settings.most)
        self._sweep: Sweep | None = None
        self._began: float | None = None
        self._probed: float | None = None
        self._needed = False
        self._vain = 1  # times probe_s
        self._usual = 0  # people the usual look found when the last sweep began
        self._moved = True  # since the last sweep

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
        probes = 0
        if self._sweep is None:
            people = _people(usual)
            self._moved = self._moved or activity.everywhere or len(activity.boxes) > 0
            if not self._due(len(people), time):
                if not self._wonders(activity, time):
                    return None, 0
                self._probed, probes = time, 1
                if not self._more_in_a_tile(picture, activity, people, time):
                    return None, probes
            self._began = self._probed = time
            self._usual, self._moved = len(people), False
            self._sweep = self._new(picture, activity, time)
        sweep = self._sweep
        tiles = min(self._settings.at_once, len(sweep.waiting))
        for _ in range(tiles):
            sweep.look()
        if sweep.waiting:
            return None, tiles + probes
        self._sweep = None
        return self._finish(sweep.count(), usual), tiles + probes

    def _new(self, picture: Picture, activity: Activity, time: float) -> Sweep:
        kept = Picture(picture.data.copy(), picture.full_range)  # the decoder uses its place again
        return self._sweep_over(self._tiles(), kept, activity, time)

    def _sweep_over(
        self, tiles: list[Box], picture: Picture, activity: Activity, time: float
    ) -> Sweep:
        view, detector = self._view, self._detector
        return Sweep(picture, activity, time, view, detector, self._scale, tiles)

    def _tiles(self) -> list[Box]:
        return tiled(self._view, self._detector, self._scale)

    def _due(self, people: int, time: float) -> bool:
        """Whether a sweep is to be made without having wondered first."""
        if self._needed:
            return passed(self._began, self._settings.every_s, time)
        if not self._moved:
            return False
        grown = people > ENOUGH * self._usual + EXTRA
        pause = self._settings.probe_s * (1 if grown else self._vain)
        return passed(self._began, pause, time)

    def _wonders(self, activity: Activity, time: float) -> bool:
        """Whether to look at one tile, to see if a sweep would find more."""
        moves = activity.everywhere or len(activity.boxes) > 0
        return not self._needed and moves and passed(self._probed, self._settings.probe_s, time)

    def _more_in_a_tile(
        self, picture: Picture, activity: Activity, people: Detections, time: float
    ) -> bool:
        """Whether the tile in which most moves shows more people than the usual look found there:
        if so, a sweep is worth its price."""
        tile = max(self._tiles(), key=lambda tile: _moving_in(tile, activity, self._view))
        probe = self._sweep_over([tile], picture, activity, time)
        probe.look()
        x, y = (people.boxes[:, :2] + people.boxes[:, 2:]).T / 2
        known = int(((x > tile.x1) & (x < tile.x2) & (y > tile.y1) & (y < tile.y2)).sum())
        return len(probe.count()) > ENOUGH * known + 1

    def _finish(self, count: Headcount, usual: Detections) -> Headcount | None:
        found = len(_people(usual))
        self._needed = len(count) > (ENOUGH_STILL if self._needed else ENOUGH) * found + EXTRA
        self._vain = 1 if self._needed else min(LONGEST, 2 * self._vain)
        sure = count.people[count.people.scores >= SURE]
        if len(sure) >= 3:
            height = float(np.median(sure.boxes[:, 3] - sure.boxes[:, 1]))
            scale = min(LARGEST, TARGET_PX / height)
            if not 1 / CHANGE < scale / self._wanted < CHANGE:
                self._wanted = scale
                self._scale = affordable(self._view, self._detector, scale, self._settings.most)
        return count if self._needed else None


def _people(usual: Detections) -> Detections:
    return usual[(usual.kinds == Kind.PERSON) & (usual.scores >= USUAL)]


def passed(since: float | None, pause: float, time: float) -> bool:
    """Whether the pause is over, nothing was before it, or the clock stepped back."""
    return since is None or not 0 <= time - since < pause - EDGE


def _moving_in(tile: Box, activity: Activity, view: View) -> float:
    """How much of a tile moves, pixels of the view."""
    if activity.everywhere:
        return 0.0
    moved = activity.boxes * np.array((view.width, view.height) * 2)
    place = np.array([[tile.x1, tile.y1, tile.x2, tile.y2]])
    return float(between(place, moved).shared.sum())
