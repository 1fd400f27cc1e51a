"""What this machine carries: decoding and inference measured on the spot, and the sum.

A camera costs, in processor seconds per second of video,

    (rate x decode + 5 x (scale + inference)) x REST

where rate is 25 pictures a second, decode, scale and inference are measured here, and REST stands
for everything else (reading, motion, tracking, rules: the engine's own target is at most 1.25 times
the floor). A machine holds

    floor(cores x (1 - RESERVE) / cost)

such cameras, all of them busy; quiet scenes cost much less. Processor time is measured, not time on
the wall, so other work on the machine disturbs little.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
from av.video.stream import VideoStream

from veilleur.cameras.decoding import Decoded, Decoder
from veilleur.cameras.source import open_feed, parse_source
from veilleur.errors import VeilleurError
from veilleur.geometry import ImageArray
from veilleur.perception.backends import CGROUP, cores, quota_cores
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.models import input_size
from veilleur.perception.reference import pictures

RATE_HZ = 25
ANALYSED_HZ = 5
REST = 1.25
RESERVE = 0.2
CLIP_PICTURES = 50
BITS_PER_PIXEL = 2
"""A second: 4 Mbit/s at 1080p, 0.5 at 360p, as cameras are usually set."""
SIZES = ((1920, 1080), (640, 360))


@dataclass(frozen=True, slots=True)
class CameraCost:
    """Of a busy H.264 camera of this size: processor milliseconds for each step of a picture."""

    width: int
    height: int
    decode_ms: float
    scale_ms: float
    inference_ms: float

    @property
    def seconds_per_second(self) -> float:
        """Processor seconds per second of video."""
        analysis_ms = self.scale_ms + self.inference_ms
        return REST * (RATE_HZ * self.decode_ms + ANALYSED_HZ * analysis_ms) / 1000


@dataclass(frozen=True, slots=True)
class Budget:
    """cores: those this process may use, a container's share included; costs: one a size."""

    cores: float
    costs: tuple[CameraCost, ...]

    def cameras(self, cost: CameraCost) -> int:
        """How many such cameras fit, RESERVE kept free."""
        return math.floor(self.cores * (1 - RESERVE) / cost.seconds_per_second)


def available_cores(folder: Path = CGROUP) -> float:
    """Cores this process may use: its affinity, and a container's quota where there is one."""
    quota = quota_cores(folder)
    return float(cores(folder)) if quota is None else min(cores(folder), quota)


def measure_budget(choice: Choice, sizes: Sequence[tuple[int, int]] = SIZES) -> Budget:
    """Measure it, in some seconds. Errors: ModelUnusable; VeilleurError without an encoder."""
    shown = pictures(count=10, every=4)
    return Budget(available_cores(), tuple(camera_cost(choice, shown, size) for size in sizes))


def camera_cost(choice: Choice, shown: Sequence[ImageArray], size: tuple[int, int]) -> CameraCost:
    """Cost of a camera (width, height) that shows these pictures over and over."""
    width, height = size
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "budget.mp4", shown, size)
        began = time.process_time()
        decoded = decode(clip)
        decode_ms = 1000 * (time.process_time() - began) / CLIP_PICTURES
    detector = load_detector(choice, *input_size(width, height))
    scale = min(detector.width / width, detector.height / height)
    inner = (round(width * scale), round(height * scale))
    images = [found.picture.bgr(*inner) for found in decoded]
    return CameraCost(
        width,
        height,
        decode_ms,
        scale_ms=_median_ms([partial(found.picture.bgr, *inner) for found in decoded]),
        inference_ms=_median_ms([partial(detector.detect, image) for image in images]),
    )


def decode(clip: Path) -> list[Decoded]:
    """What the engine's own decoder makes of a file at ANALYSED_HZ."""
    feed = open_feed(parse_source(str(clip)))
    try:
        decoder = Decoder(feed.stream, feed.facts, rate_hz=ANALYSED_HZ)
        found = [decoded for packet in feed.packets() for decoded in decoder.step(packet)]
        return [*found, *decoder.flush()]
    finally:
        feed.close()


def make_clip(path: Path, shown: Sequence[ImageArray], size: tuple[int, int]) -> Path:
    """CLIP_PICTURES pictures as H.264 without B-frames, as cameras send it."""
    if "libx264" not in av.codecs_available:
        raise VeilleurError(
            "this FFmpeg has no H.264 encoder, so decoding can't be measured",
            remedy="install PyAV from its wheel",
        )
    width, height = size
    scaled = [
        av.VideoFrame.from_ndarray(picture, "bgr24").reformat(width, height, "yuv420p")
        for picture in shown
    ]
    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast", "bf": "0"}
        stream = container.add_stream("libx264", rate=RATE_HZ, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = BITS_PER_PIXEL * width * height
        for number in range(CLIP_PICTURES):
            frame = scaled[number % len(scaled)]
            frame.pts, frame.time_base = number, Fraction(1, RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _median_ms(works: Sequence[Callable[[], object]]) -> float:
    """Median processor time of these pieces of work, the first one repeated to warm up."""
    works[0]()
    times = []
    for work in works:
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return 1000 * statistics.median(times)
