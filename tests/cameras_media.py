"""Made clips for the tests of cameras."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from veilleur.cameras.frame import Frame


def grey(luma: int, size: tuple[int, int]) -> av.VideoFrame:
    """A plain picture, its size rounded up to even numbers."""
    width, height = (n + n % 2 for n in size)
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = luma
    return av.VideoFrame.from_ndarray(planes, "yuv420p")


def make_clip(
    path: Path,
    *,
    codec: str = "libx264",
    rate: int = 25,
    seconds: float = 2.0,
    size: tuple[int, int] = (320, 180),
    layout: str = "yuv420p",
    start: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip whose grey level counts its pictures: picture n has luma 40 + n % 150."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, layout
        for n in range(round(rate * seconds)):
            frame = grey(40 + n % 150, size).reformat(*size, layout)
            frame.pts, frame.time_base = start + n, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def picture_number(frame: Frame) -> int:
    return round(float(frame.picture.luma.mean())) - 40
