"""Footage for the tests of playback and evidence, as a camera's ring would give it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream

from veilleur.cameras.frame import no_boxes
from veilleur.cameras.masks import Polygon
from veilleur.cameras.ring import Coding, Footage, StoredPacket
from veilleur.geometry import FloatArray, ImageArray, View

CAME = 1000.0
"""Host seconds at which the first packet came."""


def footage_of(path: Path) -> Footage:
    """A file's packets, each come when it was to be decoded."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        base = float(stream.time_base or 1)
        read = [packet for packet in container.demux(stream) if packet.size]
        stamps = [p.dts if p.dts is not None else p.pts for p in read]
        first = next(stamp for stamp in stamps if stamp is not None)
        packets = tuple(
            StoredPacket(
                CAME + ((first if stamp is None else stamp) - first) * base,
                bool(packet.is_keyframe),
                bytes(packet),
                None if packet.pts is None else packet.pts * base,
                None if packet.dts is None else packet.dts * base,
            )
            for packet, stamp in zip(read, stamps, strict=True)
        )
        layout, extradata = context.pix_fmt or "", context.extradata or b""
        coding = Coding(context.name, context.width, context.height, layout, extradata)
    return Footage(coding, packets)


WALK_SIZE = (640, 360)
_WALKER = (40, 100)
SPEED = 120  # pixels a second


def walker_at(seconds: float) -> tuple[int, int, int, int]:
    """Where the walker is, pixels."""
    left = 20 + round(SPEED * seconds)
    return left, 200, left + _WALKER[0], 200 + _WALKER[1]


def make_walk(path: Path, seconds: float = 4.0, rate: int = 25, group: int = 25) -> Path:
    """Somebody in fine checks walks before a wall whose lower part has the same fine checks."""
    width, height = WALK_SIZE
    y, x = np.mgrid[:height, :width]
    checks = np.where((x // 2 + y // 2) % 2, 60, 190).astype(np.uint8)
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "crf": "18", "g": str(group), "bf": "0"}
        stream = container.add_stream("libx264", rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for n in range(round(rate * seconds)):
            planes = np.full((height * 3 // 2, width), 128, np.uint8)
            planes[320:height] = checks[320:]
            left, top, right, bottom = walker_at(n / rate)
            planes[top:bottom, left:right] = checks[top:bottom, : right - left] + 50
            frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def detail(luma: ImageArray, box: tuple[int, int, int, int]) -> float:
    """How much of the fine checks is left: mean step between neighbours two pixels apart."""
    part = luma[box[1] : box[3], box[0] : box[2]].astype(int)
    return float(np.abs(part[:, 2:] - part[:, :-2]).mean())


@dataclass(frozen=True)
class Recorded:
    """As the engine hands it over; its second 0 is the first of 2026."""

    footage: Footage
    camera: str = "gate"
    masks: tuple[Polygon, ...] = ()

    def utc(self, host_s: float) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=host_s)


@dataclass(frozen=True)
class Boxes:
    people: FloatArray
    vehicles: FloatArray = field(default_factory=no_boxes)
    moving: FloatArray = field(default_factory=no_boxes)
    everywhere: bool = False
    blind: str | None = None


@dataclass(frozen=True)
class Look:
    host_s: float
    boxes: Boxes
    view: View


def look_at(seconds: float, *, seen: bool = True, **more: Any) -> Look:
    """An analysed picture; the walker twice in it, as track and as detection, or not at all."""
    people = np.array([walker_at(seconds)] * 2 if seen else [], np.float32).reshape(-1, 4)
    return Look(CAME + seconds, Boxes(people, **more), View(*WALK_SIZE))
