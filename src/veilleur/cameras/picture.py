"""Pixels as the decoder leaves them: three planes, 4:2:0.

A colour picture at full size costs ten times as much as one at the detector's size, so colour is
made only at the size, and of the part, that somebody asks for. Scaling is libswscale's area mean:
measured against OpenCV (area of each plane, then colour) it is three times cheaper and closer to
the full-size conversion scaled down. A picture that is many times too large is halved first, by
OpenCV's mean of 2 x 2, which reads it in a third of the time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from veilleur.geometry import ImageArray

THUMBNAIL_WIDTH = 160
_SCALERS_KEPT = 16
_MANY_ROWS = 8
_MANY_TIMES = 4
_SHRINK = Interpolation.AREA | Interpolation.ACCURATE_RND
_ENLARGE = Interpolation.BILINEAR | Interpolation.ACCURATE_RND
_ONE = Fraction(1)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A 4:2:0 picture. data: (height * 3 / 2, width) uint8, I420: planes Y, U, V in a row.

    Width and height are even. full_range: luma uses 0..255 (JPEG) instead of 16..235.
    """

    data: ImageArray
    full_range: bool = False

    @property
    def width(self) -> int:
        return int(self.data.shape[1])

    @property
    def height(self) -> int:
        return int(self.data.shape[0]) * 2 // 3

    @property
    def luma(self) -> ImageArray:
        """(height, width) uint8, a view on the data."""
        return self.data[: self.height]

    @property
    def chroma(self) -> ImageArray:
        """(2, height / 2, width / 2) uint8, U and V, a view on the data."""
        return self.data[self.height :].reshape(2, self.height // 2, self.width // 2)

    def bgr(
        self, width: int, height: int, region: tuple[int, int, int, int] | None = None
    ) -> ImageArray:
        """(height, width, 3) uint8 of the region x1 y1 x2 y2 (pixels; None: all of it), scaled.

        A region's corners are moved outwards to even numbers and cut to the picture. ValueError
        for a region outside the picture.
        """
        data = self.data if region is None else self._cut(region)
        if _is_many_times(Picture(data), width, height):
            data = _halved(Picture(data)).data
        shrinks = width <= data.shape[1] and height * 3 <= data.shape[0] * 2
        frame = _scaled(
            data,
            "yuv420p",
            (width, height, "bgr24"),
            full_range=self.full_range,
            how=_SHRINK if shrinks else _ENLARGE,
        )
        rows = plane_rows(frame.planes[0])
        return np.ascontiguousarray(rows[:height, : width * 3]).reshape(height, width, 3)

    def thumbnail(self, width: int = THUMBNAIL_WIDTH) -> ImageArray:
        """Small luma, area mean: (h, width) uint8, h in proportion. For health and activity."""
        width = min(width, self.width)
        height = max(1, round(width * self.height / self.width))
        frame = _scaled(
            self._thinned(height),
            "gray8",
            (width, height, "gray8"),
            full_range=self.full_range,
            how=_SHRINK,
        )
        return np.ascontiguousarray(plane_rows(frame.planes[0])[:height, :width])

    def _thinned(self, height: int) -> ImageArray:
        """Luma with no more detail than a picture so high needs.

        Large pictures have rows enough: every second one gives the same mean at half the reading.
        What is left is halved by OpenCV's mean of 2 x 2, in a third of the time.
        """
        if self.height < _MANY_ROWS * height:
            return self.luma
        rows = self.luma[::2]
        if len(rows) % 2:
            return rows
        size = self.width // 2, len(rows) // 2
        return np.asarray(cv2.resize(rows, size, interpolation=cv2.INTER_AREA), np.uint8)

    def jpeg(self, width: int, quality: int = 85) -> bytes:
        """A still as a JPEG file, at most `width` pixels wide, without any metadata."""
        width = min(width, self.width) // 2 * 2
        height = max(2, round(width * self.height / self.width / 2) * 2)
        frame = _scaled(
            self.data,
            "yuv420p",
            (width, height, "yuvj420p"),
            full_range=self.full_range,
            how=_SHRINK,
        )
        return _encode_jpeg(frame, quality)

    def _cut(self, region: tuple[int, int, int, int]) -> ImageArray:
        """The region as an I420 picture of its own."""
        x1, y1 = max(0, region[0]) // 2, max(0, region[1]) // 2
        x2 = (min(self.width, region[2]) + 1) // 2
        y2 = (min(self.height, region[3]) + 1) // 2
        if x2 <= x1 or y2 <= y1:
            raise ValueError(f"region {region} is outside a {self.width}x{self.height} picture")
        wide, high = (x2 - x1) * 2, (y2 - y1) * 2
        part = np.empty((high * 3 // 2, wide), np.uint8)
        part[:high] = self.luma[y1 * 2 : y2 * 2, x1 * 2 : x2 * 2]
        part[high:].reshape(2, high // 2, wide // 2)[:] = self.chroma[:, y1:y2, x1:x2]
        return part


def _is_many_times(picture: Picture, width: int, height: int) -> bool:
    """So much larger that it may be halved first; and nothing is left over where it is."""
    large = picture.width >= _MANY_TIMES * width and picture.height >= _MANY_TIMES * height
    return large and picture.width % 4 == 0 and picture.height % 4 == 0


def _halved(picture: Picture) -> Picture:
    """Half as wide and high. Both must be multiples of 4."""
    width, height = picture.width // 2, picture.height // 2
    half = Picture(np.empty((height * 3 // 2, width), np.uint8))
    planes = zip((picture.luma, *picture.chroma), (half.luma, *half.chroma), strict=True)
    for plane, target in planes:
        cv2.resize(plane, target.shape[::-1], dst=target, interpolation=cv2.INTER_AREA)
    return half


def area_mean(plane: ImageArray, size: tuple[int, int]) -> ImageArray:
    """A plane (h, w) uint8 shrunk to a size (width, height), each pixel the mean of what it covers.

    Halved first while enough is left for a true mean: OpenCV's mean of 2 x 2 takes a tenth of the
    time of its mean over any other share.
    """
    height, width = plane.shape
    while width >= 3 * size[0] and height >= 3 * size[1] and width % 2 == height % 2 == 0:
        width, height = width // 2, height // 2
        plane = np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)


def plane_rows(plane: VideoPlane) -> ImageArray:
    """(rows, bytes a row) uint8: a view on a plane of libav's, padding included."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


@dataclass
class _Scalers(threading.local):
    """libswscale contexts of one thread, the last used kept: making one costs as much as using it.

    No slots: they would be shared by all threads, and a context used by two at once crashes.
    """

    kept: OrderedDict[tuple[object, ...], VideoReformatter] = field(default_factory=OrderedDict)

    def get(self, key: tuple[object, ...]) -> VideoReformatter:
        scaler = self.kept.pop(key, None) or VideoReformatter()
        self.kept[key] = scaler
        while len(self.kept) > _SCALERS_KEPT:
            self.kept.popitem(last=False)
        return scaler


_scalers = _Scalers()


def _scaled(
    data: ImageArray,
    layout: str,
    wanted: tuple[int, int, str],
    *,
    full_range: bool,
    how: Interpolation,
) -> av.VideoFrame:
    """The pixels at (width, height, layout) wanted. No copy is made on the way in."""
    width, height, made = wanted
    scaler = _scalers.get((data.shape, layout, wanted, full_range, how))
    source = ColorRange.JPEG if full_range else ColorRange.MPEG
    # Thumbnails keep the range they have; colour and stills use 0..255.
    target = source if made == "gray8" else ColorRange.JPEG
    frame = av.VideoFrame.from_numpy_buffer(data, layout)
    return scaler.reformat(
        frame,
        width,
        height,
        made,
        interpolation=how,
        src_color_range=source,
        dst_color_range=target,
        threads=1,
    )


def _encode_jpeg(frame: av.VideoFrame, quality: int) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base = _ONE
    encoder.qmin = encoder.qmax = max(2, round(31 - quality * 0.29))
    frame.pts = 0
    return b"".join(bytes(packet) for packet in encoder.encode(frame))
