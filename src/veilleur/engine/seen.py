"""What one camera shows: its newest picture, and everything in it that must not be recognised.

For redaction too much is better than too little. So doubtful detections count, what moved counts
whatever it is, and what the last looks found stays while nobody has looked there again: a picture
in which nothing moves is not looked at, and of a picture in regions only those are. Whom the
detector is sure of is followed, so where they were a moment ago is let go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from veilleur.cameras.frame import Frame, no_boxes
from veilleur.cameras.picture import Picture
from veilleur.engine.pipeline import Step
from veilleur.geometry import FloatArray, View
from veilleur.perception.looking import SURE
from veilleur.perception.objects import Detections, Kind

WHOLE_FOR_S = 6.0
"""For how long what a look at the whole found counts beside looks at regions: the next look at the
whole comes sooner."""


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Where people and vehicles are, or may be, in one picture: (n, 4) x1 y1 x2 y2, pixels of the
    view (not of the picture, whose resolution may be another).

    people, vehicles: followed, or detected with a score of 0.1 or more. moving: regions that
    changed since the picture before, whatever is in them. everywhere: most of the picture did (a
    shaking camera, a light), so `moving` says nothing. blind: why nothing can be seen, else None.
    """

    people: FloatArray
    vehicles: FloatArray
    moving: FloatArray
    everywhere: bool = False
    blind: str | None = None

    @classmethod
    def none(cls) -> Boxes:
        return cls(no_boxes(), no_boxes(), no_boxes())


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A camera's newest analysed picture, privacy masks in it; people in it are clear.

    picture: a copy, whoever has it may keep it. taken: UTC, when the picture came; age_s: seconds
    since.
    """

    camera: str
    picture: Picture
    view: View
    boxes: Boxes
    taken: datetime
    age_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """An analysed frame and its boxes. Holds the frame's slot: kept for the newest one only."""

    frame: Frame
    view: View
    boxes: Boxes


class Sight:
    """Makes the boxes of one camera's pictures, one after the other."""

    def __init__(self) -> None:
        self._look = self._whole = Detections.none()
        self._whole_at = 0.0
        self._closely = False

    def see(self, step: Step, frame: Frame) -> Seen:
        """The frame with the boxes of what it may show."""
        scene = step.scene
        if scene.fresh:
            self._look, self._closely = scene.detections, step.looked == "regions"
        if step.looked in ("full", "tiles"):
            self._whole, self._whole_at = _doubtful(scene.detections), scene.time
        elif not 0 <= scene.time - self._whole_at <= WHOLE_FOR_S:
            self._whole = Detections.none()
        activity = frame.activity
        size = np.array((scene.view.width, scene.view.height) * 2, np.float32)
        boxes = Boxes(
            self._of(Kind.PERSON, step),
            self._of(Kind.VEHICLE, step),
            np.asarray(activity.boxes * size, np.float32),
            activity.everywhere,
            scene.blind,
        )
        return Seen(frame, scene.view, boxes)

    def _of(self, kind: Kind, step: Step) -> FloatArray:
        looks = [self._look, self._whole] if self._closely else [self._look]
        if step.scene.headcount is not None:
            looks.append(step.scene.headcount.people)
        parts = [step.scene.tracks.of(kind).boxes, *(look.of(kind).boxes for look in looks)]
        return np.concatenate(parts).astype(np.float32)


def _doubtful(found: Detections) -> Detections:
    return found[found.scores < SURE]


def copied(picture: Picture) -> Picture:
    """The same pixels in memory of their own: a frame's belong to its camera's few slots."""
    return Picture(picture.data.copy(), picture.full_range)
