"""Made media for the benchmarks: the demo clip as a camera would send it.

Busy: the embedded clip as it plays (10 pictures a second: 1.4 times its true speed), blended to 25
pictures a second with sensor noise, H.264 without B-frames, a key frame every two seconds, at
2 bits a second and pixel as cameras are usually set (4.1 Mbit/s at 1080p, 0.46 at 360p). Quiet: its
median picture with sensor noise only, at the quality of the busy one. Made once, kept in the
temporary folder.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path

import av
import cv2
import numpy as np

from veilleur.geometry import ImageArray

RATE = 25
SECONDS = 60
KEY_EVERY_S = 2
BITS_PER_PIXEL = 2  # and second, of a busy camera
QUALITY = 21  # CRF of a quiet one
FILMED = 10  # pictures a second of the embedded clip


@dataclass(frozen=True, slots=True)
class Size:
    """A camera's picture."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Coding:
    """bits_per_second: None, constant quality."""

    b_frames: int = 0
    bits_per_second: int | None = None


SIZES = {size.name: size for size in (Size("1080p25", 1920, 1080), Size("360p25", 640, 360))}


def folder() -> Path:
    """Where made media are kept."""
    made = Path(tempfile.gettempdir()) / "veilleur-benchmark-media"
    made.mkdir(exist_ok=True)
    return made


def demo_pictures() -> Iterator[ImageArray]:
    """All pictures of the demo clip, (576, 768, 3) BGR."""
    with as_file(files("veilleur") / "demo" / "vtest.mp4") as path, av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def busy(size: Size, *, b_frames: int = 0) -> Path:
    """A busy camera of this size."""
    path = folder() / f"busy-{size.name}-{SECONDS}s-b{b_frames}.mp4"
    if not path.exists():
        settings = Coding(b_frames, bits_per_second=BITS_PER_PIXEL * size.width * size.height)
        _encode(path, _blended(size), size, settings)
    return path


def quiet(size: Size) -> Path:
    """The same place without anybody."""
    path = folder() / f"quiet-{size.name}-{SECONDS}s.mp4"
    if not path.exists():
        some = np.stack(list(itertools.islice(demo_pictures(), 0, None, 25)))
        still = _fit(np.median(some, axis=0).astype(np.uint8), size)
        _encode(path, itertools.repeat(still, SECONDS * RATE), size, Coding())
    return path


def begun_later(clip: Path, share: float) -> Path:
    """The same film, begun at another of its key frames: what came before follows at the end.

    share: 0..1 of the film. Packets are copied, none is encoded anew.
    """
    path = clip.with_name(f"{clip.stem}-from-{share:.2f}.mp4")
    if path.exists():
        return path
    partial = path.with_suffix(".partial.mp4")
    with av.open(str(clip)) as film, av.open(str(partial), "w") as made:
        source = film.streams.video[0]
        stream = made.add_stream_from_template(source)
        packets = [packet for packet in film.demux(source) if packet.pts is not None]
        keys = [n for n, packet in enumerate(packets) if packet.is_keyframe]
        first = keys[int(share * len(keys)) % len(keys)]
        for number, packet in enumerate(packets[first:] + packets[:first]):
            packet.stream = stream
            packet.time_base = Fraction(1, RATE)
            packet.pts = packet.dts = number
            packet.duration = 1
            made.mux(packet)
    return partial.replace(path)


def _blended(size: Size) -> Iterator[ImageArray]:
    fitted = (_fit(picture, size) for picture in demo_pictures())
    low, high, at = next(fitted), next(fitted), 0
    for number in range(SECONDS * RATE):
        place = number * FILMED / RATE
        while int(place) > at:
            low, high, at = high, next(fitted), at + 1
        share = place - at
        yield np.asarray(cv2.addWeighted(low, 1 - share, high, share, 0), np.uint8)


def _fit(picture: ImageArray, size: Size) -> ImageArray:
    """Enlarged to the width, cut to the height in the middle."""
    tall = round(picture.shape[0] * size.width / picture.shape[1])
    scaled = cv2.resize(picture, (size.width, tall), interpolation=cv2.INTER_CUBIC)
    top = max(0, (tall - size.height) // 2)
    return np.ascontiguousarray(scaled[top : top + size.height])


def _encode(path: Path, pictures: Iterable[ImageArray], size: Size, coding: Coding) -> None:
    random = np.random.default_rng(1)
    shape = (size.height, size.width, 1)
    noise = [random.normal(0, 2.0, shape).astype(np.int16) for _ in range(8)]
    partial = path.with_suffix(".partial.mp4")
    options = {"preset": "veryfast", "bf": str(coding.b_frames), "g": str(KEY_EVERY_S * RATE)}
    if coding.bits_per_second is None:
        options["crf"] = str(QUALITY)
    with av.open(str(partial), "w") as made:
        stream = made.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        if coding.bits_per_second is not None:
            stream.bit_rate = coding.bits_per_second
        for number, picture in enumerate(pictures):
            grainy = np.clip(picture + noise[number % 8], 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(grainy, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    partial.replace(path)
