"""A made clip and a plain viewer for the tests of simulated cameras."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

RATE = 25
SIZE = (160, 120)
COUNT = 60
DARKEST, STEP = 40, 3
"""Picture n of the clip has mean luma 40 + 3 n, and noise that codes to real packet sizes."""


def make_clip(path: Path, codec: str = "libx264", b_frames: int = 0) -> Path:
    """2.4 seconds with a key frame every 12 pictures."""
    noise = np.random.default_rng(1).integers(-30, 31, SIZE[::-1])
    noise -= round(float(noise.mean()))
    options = {
        "preset": "ultrafast",
        "crf": "20",
        "x265-params": "log-level=none:keyint=12:pools=none",
    }
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.bit_rate = 4_000_000 if codec == "mpeg4" else 0
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 12, b_frames
        for n in range(COUNT):
            planes = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
            planes[: SIZE[1]] = DARKEST + STEP * n + np.roll(noise, 3 * n, axis=1)
            frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def luma(frame: av.VideoFrame) -> float:
    """Mean luma."""
    return float(frame.to_ndarray(format="yuv420p")[: frame.height].mean())


def number(frame: av.VideoFrame) -> int:
    """Which picture of the clip this is, by its brightness."""
    return round((luma(frame) - DARKEST) / STEP)


@contextmanager
def viewer(url: str, transport: str = "tcp", timeout_s: float = 2.0) -> Iterator[InputContainer]:
    """Opened as an engine opens a camera, with little probing."""
    options = {
        "rtsp_transport": transport,
        "timeout": str(round(timeout_s * 1e6)),
        "analyzeduration": "200000",
        "probesize": "4096",
    }
    with av.open(url, options=options, timeout=timeout_s * 5) as container:
        yield container


def pictures(container: InputContainer) -> Iterator[av.VideoFrame]:
    """Decoded pictures, one thread, what cannot be decoded left out; ends when the stream ends."""
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    for packet in packets(container):
        try:
            yield from stream.codec_context.decode(packet)
        except av.InvalidDataError:
            continue


def packets(container: InputContainer) -> Iterator[av.Packet[VideoStream]]:
    """Packets until the stream ends, in whatever way."""
    try:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                yield packet
    except (av.FFmpegError, OSError):
        return
