"""The still of an incident: what was seen, nobody recognisable, where the rule looked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from veilleur.cameras.masks import Polygon
from veilleur.cameras.picture import Picture
from veilleur.errors import EvidenceFailed
from veilleur.evidence.redaction import Hidden, redacted
from veilleur.geometry import Box, FloatArray, ImageArray

WIDTH = 1280
QUALITY = 85
_AMBER, _WHITE, _BLACK = (0, 176, 255), (255, 255, 255), (0, 0, 0)  # BGR


@dataclass(frozen=True, slots=True)
class Drawn:
    """Lines on top of the picture, in shares of its width and height.

    zones: what the rule watches; a line has two corners. box: what it signals. mark: written over
    the picture's lower edge, in capitals without accents.
    """

    zones: tuple[Polygon, ...] = ()
    box: Box | None = None
    mark: str = ""


def still(
    picture: Picture, hidden: Hidden, *, drawn: Drawn | None = None, width: int = WIDTH
) -> bytes:
    """A JPEG file, at most `width` pixels wide, nobody recognisable, without any metadata.

    picture: privacy masks are in it already. hidden: all that must be coarse. EvidenceFailed where
    it can't be encoded.
    """
    try:
        return _encoded(picture, hidden, drawn or Drawn(), width)
    except cv2.error as error:
        raise _unencodable(error.func or "OpenCV") from error


def _unencodable(what: str) -> EvidenceFailed:
    return EvidenceFailed(f"the still can't be made: {what}", remedy="report it", cause="encoder")


def _encoded(picture: Picture, hidden: Hidden, drawn: Drawn, width: int) -> bytes:
    coarse = redacted(picture, hidden)
    wide = min(width, picture.width)
    image = coarse.bgr(wide, max(1, round(wide * picture.height / picture.width)))
    for points, closed, colour in _outlines(drawn, image):
        for shade, thick in ((_BLACK, 4), (colour, 2)):
            cv2.polylines(image, [points], closed, shade, thick, cv2.LINE_AA)
    if drawn.mark:
        _write(image, drawn.mark)
    written, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not written:
        raise _unencodable("JPEG")
    return jpeg.tobytes()


def _outlines(
    drawn: Drawn, image: ImageArray
) -> Iterator[tuple[NDArray[np.int32], bool, tuple[int, int, int]]]:
    size = np.array((image.shape[1], image.shape[0]), np.float64)
    for zone in drawn.zones:
        yield _rounded(zone, size), len(zone) > 2, _AMBER
    if box := drawn.box:
        corners = ((box.x1, box.y1), (box.x2, box.y1), (box.x2, box.y2), (box.x1, box.y2))
        yield _rounded(corners, size), True, _WHITE


def _rounded(points: Polygon, size: FloatArray) -> NDArray[np.int32]:
    rounded: NDArray[np.int32] = np.rint(np.array(points) * size).astype(np.int32)
    return rounded


def _write(image: ImageArray, mark: str) -> None:
    """So that a picture which left its page still says what it is."""
    height = image.shape[0]
    scale = max(0.4, height / 900)
    at = (round(12 * scale), height - round(14 * scale))
    for shade, thick in ((_BLACK, 4), (_AMBER, 2)):
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(image, mark, at, font, scale, shade, max(1, round(thick * scale)), cv2.LINE_AA)
