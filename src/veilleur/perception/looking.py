"""What the detector looks at: the whole picture, or nothing where nothing changed.

A detector run is the dearest step, so a quiet picture costs none. Tracks coast between two looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from veilleur.cameras.frame import Activity
from veilleur.cameras.picture import Picture
from veilleur.geometry import FloatArray, View
from veilleur.perception.detector import Detector
from veilleur.perception.objects import Detections

LOWEST_SCORE = 0.1

What = Literal["full", "regions", "tiles", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSettings:
    """How often a quiet picture is looked at all the same.

    refresh_s: seconds between two looks while somebody is followed. idle_refresh_s: the same
    while nobody is.
    """

    refresh_s: float = 1.0
    idle_refresh_s: float = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one picture gave.

    detections: pixels of the view, scores 0.1 or more. fresh: False where nothing was looked at
    anew (detections are empty then). inferences: detector runs. what: how it was looked at.
    """

    detections: Detections
    fresh: bool
    inferences: int
    what: What

    @classmethod
    def nothing(cls) -> Look:
        return cls(Detections.none(), fresh=False, inferences=0, what="nothing")


class Looker:
    """Decides for one camera, picture by picture, what the detector looks at."""

    def __init__(self, detector: Detector, view: View, settings: LookSettings) -> None:
        self._detector, self._view, self._settings = detector, view, settings
        self._looked: float | None = None

    def look(self, picture: Picture, activity: Activity, expected: FloatArray, time: float) -> Look:
        """Look at one picture.

        expected: (n, 4) predicted boxes of live tracks, pixels of the view. time: seconds on the
        stream's own clock.
        """
        if not self._due(activity, tracked=len(expected) > 0, time=time):
            return Look.nothing()
        self._looked = time
        return Look(whole(self._detector, picture, self._view), True, 1, "full")

    def _due(self, activity: Activity, *, tracked: bool, time: float) -> bool:
        if activity.everywhere or len(activity.boxes) or self._looked is None:
            return True
        pause = self._settings.refresh_s if tracked else self._settings.idle_refresh_s
        return not 0 <= time - self._looked < pause


def whole(detector: Detector, picture: Picture, view: View) -> Detections:
    """The whole picture in one detector run, in the shape of the view (square pixels)."""
    scale = min(detector.width / view.width, detector.height / view.height)
    width = min(detector.width, max(1, round(view.width * scale)))
    height = min(detector.height, max(1, round(view.height * scale)))
    found = detector.detect(picture.bgr(width, height))
    back = np.array((view.width / width, view.height / height) * 2, np.float32)
    boxes = np.asarray(found.boxes, np.float32) * back
    return Detections(boxes, found.scores, found.kinds)[found.scores >= LOWEST_SCORE]
