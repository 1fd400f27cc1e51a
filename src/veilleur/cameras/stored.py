"""Packets that were kept, on their way to a decoder once more. Only ever within a worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import cast

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from veilleur.cameras.ring import Coding, Footage
from veilleur.cameras.source import DECODERS, StreamFacts
from veilleur.cameras.turn import UPRIGHT
from veilleur.errors import CameraRefused

_TICKS = 90_000  # a second, as RTP counts
_BASE = Fraction(1, _TICKS)


@dataclass(frozen=True, slots=True)
class StoredStream:
    """A decoder without a container."""

    codec_context: VideoCodecContext


class StoredFeed:
    """A `Feed` of kept packets. arrived: when the packet just given came, host's seconds.

    CameraRefused for a codec that is not decoded here.
    """

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        coding = footage.coding
        self.stream = StoredStream(_context(coding))
        self.arrived = 0.0
        width, height = (coding.turn or UPRIGHT).size(coding.width, coding.height)
        self.facts = StreamFacts(
            codec=coding.codec,
            width=width,
            height=height,
            rate=_rate(footage),
            live=False,
            time_base_s=1 / _TICKS,
            turn=coding.turn,
        )

    def packets(self) -> Iterator[Packet[VideoStream]]:
        for stored in self._footage.packets:
            packet = cast("Packet[VideoStream]", Packet(stored.data))
            packet.time_base = _BASE
            packet.is_keyframe = stored.key
            packet.pts, packet.dts = _ticks(stored.shown), _ticks(stored.decoded)
            self.arrived = stored.time
            yield packet

    def close(self) -> None:
        """Nothing is open."""


def _ticks(stamp: float | None) -> int | None:
    return None if stamp is None else round(stamp * _TICKS)


def _context(coding: Coding) -> VideoCodecContext:
    if coding.codec not in DECODERS:
        raise CameraRefused(
            f"packets of {coding.codec or 'no'} codec are not decoded here",
            remedy="set the camera to H.264 or H.265",
            cause="codec",
        )
    context = cast(VideoCodecContext, av.CodecContext.create(coding.codec, "r"))
    context.thread_count = 1
    context.thread_type = "NONE"
    if coding.width and coding.height:
        context.width, context.height = coding.width, coding.height
    if coding.codec == "rawvideo" and coding.layout:
        context.pix_fmt = coding.layout
    if coding.extradata:
        context.extradata = coding.extradata
    return context


def _rate(footage: Footage) -> float | None:
    """Pictures a second, from the packets themselves; None where they don't tell."""
    shown = sorted(packet.shown for packet in footage.packets if packet.shown is not None)
    steps = [later - earlier for earlier, later in pairwise(shown) if later > earlier]
    return 1.0 / median(steps) if steps else None
