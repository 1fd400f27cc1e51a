"""How stored pictures have to be turned to be seen as they were meant.

A phone held upright stores its pictures lying on their side, and a matrix with them: where a player
puts the picture's first row and column. Containers hold one for the whole stream, some streams one
in each picture (H.264 and H.265 as a message, JPEG in its Exif header). Zones, masks and
thumbnails, as all that is shown, belong to the turned picture.

Pixels need not be square (anamorphic video): that is not evened out. Pictures are analysed, and
shown in evidence, with the pixels they are stored in; zones fit, as they are relative to the
picture. Ground plane and detector see what is narrowed or widened as it is stored.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Self, cast

import cv2
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame

from veilleur.errors import CameraRefused
from veilleur.geometry import ImageArray

_MATRIX = struct.Struct("=9i")
_UNIT = 65536.0  # the matrix is in fixed point
_SLANT = math.sin(math.radians(1.5))
"""So far from a right angle is rounding: FFmpeg's own word is cut down to whole degrees."""


@dataclass(frozen=True, slots=True)
class Turn:
    """First rows and columns change places, if `swaps`; then the picture is mirrored, left to
    right and top to bottom."""

    swaps: bool = False
    across: bool = False
    down: bool = False

    def __bool__(self) -> bool:
        """Does it change anything?"""
        return self.swaps or self.across or self.down

    @classmethod
    def of(cls, code: int) -> Self:
        """The reverse of `code`. ValueError for what is none."""
        if not 0 <= code < 8:
            raise ValueError(f"turn {code}")
        return cls(bool(code & 1), bool(code & 2), bool(code & 4))

    @property
    def code(self) -> int:
        """A number from 0 (as it is) to 7."""
        return self.swaps | self.across << 1 | self.down << 2

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the turned picture.

        >>> Turn(swaps=True, across=True).size(1920, 1080)
        (1080, 1920)
        """
        return (height, width) if self.swaps else (width, height)

    def place(self, plane: ImageArray, target: ImageArray) -> None:
        """Write a plane, (h, w) uint8, turned into `target`, which has the turned plane's size."""
        if self.swaps:
            plane = cv2.transpose(plane).astype("uint8", copy=False)
        if self.across or self.down:
            how = -1 if self.across and self.down else int(self.across)
            cv2.flip(plane, how, dst=target)
        else:
            target[:] = plane


UPRIGHT = Turn()


@dataclass(slots=True)
class Turns:
    """How the pictures of one stream are turned. whole: all of them, by the container's word; None:
    as they say themselves. Is shown every decoded picture, in order."""

    whole: Turn | None
    _now: Turn = UPRIGHT
    _angle: int | None = None  # that of the last picture that was asked closely

    def of(self, frame: VideoFrame) -> Turn:
        """What a picture says is so until another one says otherwise, or until a key frame says
        nothing (H.264, D.2.27). CameraRefused ("turned") for an odd angle.

        Only a new angle is asked about closely: PyAV's side data and its picture hold each other,
        and megabytes of pictures would wait for Python's collector.
        """
        if self.whole is not None:
            return self.whole
        angle = frame.rotation
        if (angle or frame.key_frame) and angle != self._angle:
            self._angle = angle
            self._now = turn_of(frame) or UPRIGHT
        return self._now


def turn_of(frame: VideoFrame) -> Turn | None:
    """What the decoder says of its picture, None: nothing. CameraRefused ("turned") for an odd
    angle.

    Where PyAV doesn't know a kind of the picture's side data (Exif), only the angle is to be had,
    and a mirrored picture isn't recognised.
    """
    try:
        said = cast(SideDataContainer, frame.side_data)
    except ValueError:
        return _of_angle(frame.rotation)
    told = next((data for data in said if data.type is Type.DISPLAYMATRIX), None)
    if told is None:
        return None
    a, b, _, c, d, *_ = (n / _UNIT for n in _MATRIX.unpack(bytes(told)))
    return _of_matrix(a, b, c, d)


def _of_angle(degrees: int) -> Turn:
    """Counterclockwise, as FFmpeg counts."""
    angle = math.radians(degrees)
    sine, cosine = math.sin(angle), math.cos(angle)
    return _of_matrix(cosine, -sine, sine, cosine)


def _of_matrix(a: float, b: float, c: float, d: float) -> Turn:
    """A stored (x, y) is shown at (a x + c y, b x + d y); scales don't matter. A matrix without
    extent turns nothing, as in every player."""
    right, down = math.hypot(a, b), math.hypot(c, d)
    if not right or not down:
        return UPRIGHT
    a, b, c, d = a / right, b / right, c / down, d / down
    if abs(b) <= _SLANT and abs(c) <= _SLANT:
        return Turn(across=a < 0, down=d < 0)
    if abs(a) <= _SLANT and abs(d) <= _SLANT:
        return Turn(swaps=True, across=c < 0, down=b < 0)
    raise CameraRefused(
        f"its pictures are turned by {math.degrees(math.atan2(b, a)) % 360:.0f} degrees",
        remedy="set the camera to 0, 90, 180 or 270 degrees, or convert the file",
        cause="turned",
    )
