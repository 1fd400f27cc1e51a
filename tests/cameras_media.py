"""Made clips for the tests of cameras."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
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


def digest(frame: Frame) -> str:
    """The same for the same pixels; short, so that a test that fails can be read."""
    return f"{frame.sequence}: {hashlib.sha256(frame.picture.data.tobytes()).hexdigest()[:16]}"


def picture_number(frame: Frame) -> int:
    return round(float(frame.picture.luma.mean())) - 40


QUARTERS = {(-1, -1): 50, (1, -1): 100, (-1, 1): 150, (1, 1): 200}
"""Grey levels of a picture's quarters, by where they lie: left or right, above or below."""


def quarters(size: tuple[int, int]) -> av.VideoFrame:
    """Four plain quarters, both sides multiples of 4; U as luma, V the other way round."""
    width, height = size
    planes = np.empty((height * 3 // 2, width), np.uint8)
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    for (x, y), level in QUARTERS.items():
        for plane, value in (
            (planes[:height], level),
            (chroma[0], level),
            (chroma[1], 255 - level),
        ):
            rows, columns = (n // 2 for n in plane.shape)
            right, below = max(0, x) * columns, max(0, y) * rows
            plane[below : below + rows, right : right + columns] = value
    return av.VideoFrame.from_ndarray(planes, "yuv420p")


def make_turned(
    path: Path, matrix: Sequence[float], *, size: tuple[int, int] = (320, 180), seconds: float = 2.0
) -> Path:
    """A clip of `quarters` whose container says where a player shows a picture: matrix holds a, b,
    c, d, so that the pixel (x, y) is shown at (a x + c y, b x + d y)."""
    a, b, c, d = (round(n * 65536) for n in matrix)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "250", "bf": "0"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        for n in range(round(25 * seconds)):
            frame = quarters(size)
            frame.pts, frame.time_base = n, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def saying_so_itself(path: Path, clip: Path, degrees: int) -> Path:
    """The packets alone; a message in them says how far their pictures are turned clockwise."""
    with av.open(str(clip)) as container, path.open("wb") as file:
        stream = container.streams.video[0]
        orientation = f"h264_metadata=display_orientation=insert:rotate={-degrees}"
        turned = BitStreamFilterContext(f"h264_mp4toannexb,{orientation}", stream)
        for packet in container.demux(stream):
            for coded in turned.filter(packet if packet.size else None):
                file.write(bytes(coded))
    return path
