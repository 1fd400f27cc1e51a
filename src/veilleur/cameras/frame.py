"""One picture of a camera, on its way from the decoder to the detector."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import FloatArray


def no_boxes() -> FloatArray:
    """An empty (0, 4) array."""
    return np.zeros((0, 4), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What moved since the picture before.

    moved: share of the picture that changed, 0..1. boxes: (n, 4) relative x1 y1 x2 y2 (0..1) of
    the regions that changed. everywhere: the change covers most of the picture (a shaking camera,
    a light switched): only a full frame tells anything.
    """

    moved: float = 1.0
    boxes: FloatArray = field(default_factory=no_boxes)
    everywhere: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture with its time. Privacy masks are already burnt into `picture`.

    time: seconds on the stream's own clock, never goes back within one connection.
    arrived: seconds on the host's monotonic clock when its packet was read (latency only).
    blind: None, or the word for why nothing can be seen (see `cameras.health.Blind`).
    """

    camera: str
    sequence: int
    time: float
    picture: Picture
    arrived: float = 0.0
    key: bool = False
    activity: Activity = field(default_factory=Activity)
    blind: str | None = None
