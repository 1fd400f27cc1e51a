"""The detector as everybody else sees it."""

from __future__ import annotations

from typing import Protocol

from veilleur.geometry import ImageArray
from veilleur.perception.objects import Detections


class Detector(Protocol):
    """Finds objects in one colour picture.

    name: model, back end and precision in words. height, width: the input in pixels; a picture
    handed to `detect` is at most that large, and is padded to it on the right and below.
    """

    name: str
    height: int
    width: int

    def detect(self, image: ImageArray) -> Detections:
        """image: (h, w, 3) uint8 BGR, h <= height, w <= width. Boxes in pixels of that image."""
        ...
