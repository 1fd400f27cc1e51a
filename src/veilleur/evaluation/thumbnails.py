"""Small pictures for the report: what a rule saw, with its zone and the box. Laboratory only.

The heads of detected people are pixelated: whoever reads a report has to see what happened, not
who it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import Box, ImageArray
from veilleur.perception.objects import Kind

WIDTH = 288
_QUALITY = 68
_HEAD_SHARE = 0.28  # of a standing person's box
_SURE_ENOUGH = 0.25  # below it boxes are guesses, and may cover the whole picture
_BLOCKS = 3  # a head is left with so many blocks across
_ZONE, _BOX, _SHADOW = (0, 196, 255), (60, 60, 235), (20, 20, 20)  # BGR


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A JPEG of one instant. truth: index of the truth it shows, alert: index of the alert."""

    jpeg: bytes
    time: float
    truth: int | None = None
    alert: int | None = None


def draw(picture: Picture, scene: Scene, rule: RuleSpecification, where: Box | None) -> bytes:
    """JPEG of the picture, WIDTH pixels wide, zone or line and box drawn, heads pixelated."""
    width = WIDTH
    height = max(2, round(width * scene.view.height / scene.view.width))
    image = np.ascontiguousarray(picture.bgr(width, height))
    scale = np.array([width / scene.view.width, height / scene.view.height] * 2)
    people = scene.detections.of(Kind.PERSON)
    for box in people[people.scores >= _SURE_ENOUGH].boxes:
        _pixelate_head(image, box * scale)
    _outline(image, rule)
    if where is not None:
        x1, y1, x2, y2 = (np.array([where.x1, where.y1, where.x2, where.y2]) * scale).round()
        _framed(image, (int(x1), int(y1)), (int(x2), int(y2)))
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    return bytes(data)


def _outline(image: ImageArray, rule: RuleSpecification) -> None:
    points = rule.zone or rule.line
    if points is None:
        return
    height, width = image.shape[:2]
    corners = (np.array(points) * (width - 1, height - 1)).round().astype(np.int32)
    for colour, thickness in ((_SHADOW, 3), (_ZONE, 1)):
        cv2.polylines(image, [corners], rule.zone is not None, colour, thickness, cv2.LINE_AA)


def _framed(image: ImageArray, corner: tuple[int, int], opposite: tuple[int, int]) -> None:
    cv2.rectangle(image, corner, opposite, _SHADOW, 3)
    cv2.rectangle(image, corner, opposite, _BOX, 2)


def _pixelate_head(image: ImageArray, box: np.ndarray) -> None:
    height, width = image.shape[:2]
    x1, x2 = int(max(0, np.floor(box[0]))), int(min(width, np.ceil(box[2])))
    y1 = int(max(0, np.floor(box[1])))
    y2 = int(min(height, np.ceil(box[1] + _HEAD_SHARE * (box[3] - box[1]))))
    if x2 - x1 < 2 or y2 - y1 < 2:
        return
    head = image[y1:y2, x1:x2]
    small = cv2.resize(head, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
    image[y1:y2, x1:x2] = cv2.resize(small, (x2 - x1, y2 - y1), interpolation=cv2.INTER_NEAREST)
