"""Where a body's joints are, in a part of one picture.

MoveNet Thunder ("Next-Generation Pose Detection with MoveNet and TensorFlow.js", Google, 2021): one
person, 17 points. It was trained on upright people, so whoever may lie is shown to it turned by
quarters, and the turn in which it is surest counts. Points serve to tell postures apart, and are
forgotten with the picture: nothing of a person's build or gait is measured or kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, FloatArray, ImageArray, View
from veilleur.perception.backends import (
    BACKENDS,
    Backend,
    Session,
    backend,
)
from veilleur.perception.loader import Choice
from veilleur.perception.models import WEIGHTS, ModelConfiguration

SIDE = 256
MOVENET = ModelConfiguration(
    name="MoveNet Thunder",
    file=WEIGHTS / "movenet.onnx",
    sha256="b1aea60848da6babae918e8ad0c067f8e44b3038640a7dae6603fbe7d820b9b0",
    adapter="points",
    height=SIDE,
    width=SIDE,
    layout="picture",
    colours="rgb",
)
MARGIN = 1.3
"""The part that is shown, in sides of the box."""
ALL_TURNS = (0, 1, 2, 3)


class Point(IntEnum):
    """The 17 points. No face is told apart by its five."""

    NOSE = 0
    LEFT_EYE = 1
    RIGHT_EYE = 2
    LEFT_EAR = 3
    RIGHT_EAR = 4
    LEFT_SHOULDER = 5
    RIGHT_SHOULDER = 6
    LEFT_ELBOW = 7
    RIGHT_ELBOW = 8
    LEFT_WRIST = 9
    RIGHT_WRIST = 10
    LEFT_HIP = 11
    RIGHT_HIP = 12
    LEFT_KNEE = 13
    RIGHT_KNEE = 14
    LEFT_ANKLE = 15
    RIGHT_ANKLE = 16


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """points: (17, 2) pixels of the view, see Point. scores: (17,) 0..1, how sure each is.

    turn: quarter turns, against the clock, in which the body was shown. looks: inferences made.
    """

    points: FloatArray
    scores: FloatArray
    turn: int
    looks: int = 1

    def middle(self, *points: Point) -> FloatArray:
        """(2,) mean place of some points, pixels of the view."""
        return np.asarray(self.points[list(points)].mean(axis=0), np.float64)

    def surety(self, *points: Point) -> float:
        """Mean score of some points."""
        return float(self.scores[list(points)].mean())


BODY = (Point.LEFT_SHOULDER, Point.RIGHT_SHOULDER, *(p for p in Point if p >= Point.LEFT_HIP))
"""Shoulders, hips, knees, ankles."""


class Poses:
    """Reads poses. Several threads may ask at once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(
        self,
        picture: Picture,
        view: View,
        box: Box,
        turns: Sequence[int] = (0,),
        enough: float | None = None,
    ) -> Pose | None:
        """The one body in the box (pixels of the view), as the surest of the turns shows it.

        turns: quarter turns to try, one inference each, until one is as sure as `enough`.
        None: the box is not in the picture.
        """
        side = MARGIN * max(box.width, box.height, 1.0)
        x, y = box.centre
        shown = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
        square = _square(picture, view, shown)
        if square is None:
            return None
        best: _Read | None = None
        looks = 0
        for turn in turns:
            looks += 1
            read = _Read(turn, self._read(np.rot90(square, turn)))
            best = read if best is None or read.sure > best.sure else best
            if enough is not None and read.sure >= enough:
                break
        if best is None:
            return None
        points = best.places * side + np.array((shown.x1, shown.y1))
        return Pose(points, best.scores, best.turn, looks)

    def _read(self, image: ImageArray) -> FloatArray:
        """(17, 3) y, x, score of the picture as it is shown, 0..1."""
        outputs = self._session.run(np.ascontiguousarray(image[None]))
        return np.array(outputs["points"], np.float64).reshape(len(Point), 3)


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    turn: int
    raw: FloatArray

    @property
    def sure(self) -> float:
        return float(self.raw[list(BODY), 2].mean())

    @property
    def scores(self) -> FloatArray:
        return np.asarray(self.raw[:, 2], np.float64)

    @property
    def places(self) -> FloatArray:
        """(17, 2) x, y in the picture before it was turned, 0..1."""
        x, y = self.raw[:, 1], self.raw[:, 0]
        unturned = ((x, y), (1 - y, x), (1 - x, 1 - y), (y, 1 - x))[self.turn % 4]
        return np.asarray(np.stack(unturned, axis=1), np.float64)


def _square(picture: Picture, view: View, shown: Box) -> ImageArray | None:
    """(256, 256, 3) RGB of a square of the view; black where it leaves the picture."""
    across, down = picture.width / view.width, picture.height / view.height
    x1, y1 = max(shown.x1, 0.0), max(shown.y1, 0.0)
    x2, y2 = min(shown.x2, float(view.width)), min(shown.y2, float(view.height))
    scale = SIDE / shown.width
    width, height = round((x2 - x1) * scale), round((y2 - y1) * scale)
    if width < 2 or height < 2:
        return None
    region = (int(x1 * across), int(y1 * down), int(x2 * across + 1), int(y2 * down + 1))
    part = picture.bgr(min(width, SIDE), min(height, SIDE), region)[:, :, ::-1]
    left, top = round((x1 - shown.x1) * scale), round((y1 - shown.y1) * scale)
    left, top = min(left, SIDE - part.shape[1]), min(top, SIDE - part.shape[0])
    square = np.zeros((SIDE, SIDE, 3), np.uint8)
    square[top : top + part.shape[0], left : left + part.shape[1]] = part
    return square


def load_poses(choice: Choice, *, backends: Sequence[Backend] = BACKENDS) -> Poses:
    """With the back end that runs the detector, never in int8. Raises ModelUnusable."""
    session = backend(choice.backend, backends).load(choice.small(MOVENET, SIDE))
    session.run(np.zeros((1, SIDE, SIDE, 3), np.uint8))
    return Poses(session)
