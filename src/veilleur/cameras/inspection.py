"""What a camera is: its stream, read for a few seconds, and what its pictures are like.

The stream is described from packets alone. Only one picture goes through the decoder, to learn how
it is turned: nobody looks at it. The picture's statistics need pictures, and whoever hands them in
has a permit for that.
"""

from __future__ import annotations

import math
import re
import time as host
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream

from veilleur.cameras.source import Feed, Source, turn_in
from veilleur.cameras.turn import UPRIGHT, Turn
from veilleur.errors import StreamLost
from veilleur.geometry import FloatArray, ImageArray

_STEP_S = 2.0  # a gap between two packets, longer than this and than ten intervals, is a step
_SUB_STREAMS = (
    (r"(/Streaming/[Cc]hannels/\d+)01\b", r"\g<1>02"),
    (r"([?&]subtype=)0\b", r"\g<1>1"),
    (r"([?&]stream=)0\b", r"\g<1>1"),
    (r"\b(profile)1\b", r"\g<1>2"),
    (r"\b(stream)1\b", r"\g<1>2"),
    (r"(/h26[45]Preview_\d+_)main\b", r"\g<1>sub"),
    (r"(/(?:live/)?)main\b", r"\g<1>sub"),
)
"""How makers write the address of the second, smaller stream: a guess to try, not a fact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDescription:
    """One stream, as it declares itself and as it came. None: not known.

    width, height: as it is shown, turned if need be. declared_hz, measured_hz: pictures a second.
    key_interval_s: longest time from one key frame to the next (at least `seconds`, where
    `key_seen` is False). bit_rate: bits a second, measured. steps: how often the time stamps
    stepped back or jumped. clock_offset_s: the camera's clock minus this machine's, from the sender
    reports; transport delay makes it up to some tenths of a second too low. sub_stream: an address
    to try. seconds: how long it was read.
    """

    address: str
    live: bool
    codec: str
    profile: str | None
    width: int
    height: int
    pixel_format: str | None
    declared_hz: float | None
    measured_hz: float | None
    key_interval_s: float | None
    key_seen: bool
    bit_rate: float | None
    b_frames: bool
    steps: int
    sub_stream: str | None
    clock_offset_s: float | None
    seconds: float


@dataclass(slots=True)
class PacketMeter:
    """Notes each packet, and keeps four numbers of it. Told when it arrived (host's clock)."""

    base_s: float
    bytes: int = 0
    stamps: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    reordered: bool = False

    def note(self, packet: Packet[VideoStream]) -> None:
        stamp = packet.dts if packet.dts is not None else packet.pts
        self.bytes += packet.size
        if stamp is None:
            return
        if packet.pts is not None and packet.dts is not None and packet.pts != packet.dts:
            self.reordered = True
        self.stamps.append(stamp * self.base_s)
        if packet.is_keyframe:
            self.keys.append(stamp * self.base_s)

    @property
    def seconds(self) -> float:
        """Stream time that has passed, steps left out."""
        intervals = self._intervals()
        return float(intervals[self._regular(intervals)].sum())

    @property
    def rate_hz(self) -> float | None:
        """Pictures a second, from the middle interval: bursts and gaps don't count."""
        intervals = self._intervals()
        if len(intervals) < 4:
            return None
        mean = float(intervals[self._regular(intervals)].mean())
        return 1.0 / mean if mean > 0 else None

    @property
    def steps(self) -> int:
        intervals = self._intervals()
        return int(np.count_nonzero(~self._regular(intervals)))

    @property
    def key_interval_s(self) -> float | None:
        """Longest regular time between two key frames, None where fewer than two came."""
        between = np.diff(np.asarray(self.keys, np.float64))
        between = between[between > 0]
        return float(between.max()) if len(between) else None

    def _intervals(self) -> FloatArray:
        return np.diff(np.asarray(self.stamps, np.float64))

    def _regular(self, intervals: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        middle = len(intervals) // 2  # np.median would import a module, which a sandbox refuses
        typical = float(np.sort(intervals)[middle]) if len(intervals) else 0.0
        return (intervals >= 0) & (intervals <= max(_STEP_S, 10 * typical))


def describe(
    feed: Feed,
    *,
    seconds: float = 5.0,
    monotonic: Callable[[], float] = host.monotonic,
    wall: Callable[[], float] = host.time,
) -> StreamDescription:
    """Read `seconds` of the stream's time (and no longer than twice that on the host's clock).

    The feed is left open, read so far. A stream that ends earlier is described by what came;
    StreamLost where nothing did.
    """
    meter, began, last = PacketMeter(feed.facts.time_base_s), monotonic(), wall()
    turn = None if feed.facts.live else UPRIGHT  # a file was asked when it was opened
    try:
        for packet in feed.packets():
            meter.note(packet)
            turn = _turn_at(feed, packet) if turn is None else turn
            last = wall()
            if meter.seconds >= seconds or monotonic() - began > 2 * seconds:
                break
    except StreamLost:
        if not meter.stamps:
            raise
    if not meter.stamps:
        raise StreamLost(
            f"{feed.source.address} sent no picture",
            remedy="play it elsewhere to see whether it is whole",
            cause="empty",
        )
    return described(feed, meter, last, turn or UPRIGHT)


def _turn_at(feed: Feed, packet: Packet[VideoStream]) -> Turn | None:
    """Of a key frame's picture, None where it is none or can't be decoded."""
    if not packet.is_keyframe:
        return None
    turn = turn_in(feed.stream, packet)
    if turn is None:
        turn = turn_in(feed.stream, None)  # it waits for pictures that never follow
    feed.stream.codec_context.flush_buffers()
    return turn


def described(
    feed: Feed, meter: PacketMeter, read_at: float, turn: Turn = UPRIGHT
) -> StreamDescription:
    """What the packets noted so far say. read_at: wall clock of the last one, Unix seconds. turn:
    of a live stream's pictures, which the feed doesn't know."""
    context, facts, interval = feed.stream.codec_context, feed.facts, meter.key_interval_s
    width, height = turn.size(facts.width, facts.height)
    seconds = meter.seconds
    return StreamDescription(
        address=feed.source.address,
        live=facts.live,
        codec=facts.codec,
        profile=context.profile,
        width=width,
        height=height,
        pixel_format=context.pix_fmt,
        declared_hz=facts.rate,
        measured_hz=meter.rate_hz,
        key_interval_s=interval if interval is not None else (seconds or None),
        key_seen=interval is not None,
        bit_rate=meter.bytes * 8 / seconds if seconds > 0 else None,
        b_frames=meter.reordered or bool(context.has_b_frames),
        steps=meter.steps,
        sub_stream=sub_stream_of(feed.source),
        clock_offset_s=_clock_offset(feed, meter, read_at),
        seconds=seconds,
    )


def sub_stream_of(source: Source) -> str | None:
    """The address that the smaller stream probably has, None where it can't be guessed."""
    if not source.host:
        return None
    for pattern, replacement in _SUB_STREAMS:
        guess, found = re.subn(pattern, replacement, source.address)
        if found:
            return guess
    return None


def _clock_offset(feed: Feed, meter: PacketMeter, read_at: float) -> float | None:
    """FFmpeg gives the wall clock of stream second 0 once a sender report has come (RFC 3550)."""
    container = feed.stream.container
    started = getattr(container, "start_time_realtime", None)
    # Without a report FFmpeg leaves its "no value", a huge negative number, or 0.
    if not feed.source.host or not started or started < 0 or not meter.stamps:
        return None
    return float(started) / 1e6 + meter.stamps[-1] - read_at


@dataclass(frozen=True, slots=True, eq=False)
class SceneStatistics:
    """What the pictures are like.

    pictures: how many were looked at. level: mean luma, 0..255. contrast: its standard deviation.
    noise: standard deviation of the sensor's noise, grey levels. blind: share of pictures in which
    nothing could be seen, and by what most of them. people: (n, 4) boxes x1 y1 x2 y2 in pixels of
    the view, from all pictures; None: nobody was looked for.
    """

    pictures: int
    level: float
    contrast: float
    noise: float
    blind: float = 0.0
    blind_by: str | None = None
    people: FloatArray | None = None


class SceneMeter:
    """Gathers the statistics, picture by picture."""

    def __init__(self) -> None:
        self._levels: list[tuple[float, float, float]] = []
        self._blind: list[str] = []
        self._people: list[FloatArray] = []
        self._looked = False

    def note(self, luma: ImageArray, blind: str | None, people: FloatArray | None) -> None:
        """luma: (h, w) uint8. blind: see Frame. people: (n, 4) boxes, None: not looked for."""
        small = cv2.resize(luma, (160, 90), interpolation=cv2.INTER_AREA)
        self._levels.append((float(small.mean()), float(small.std()), noise_of(luma)))
        if blind is not None:
            self._blind.append(blind)
        if people is not None:
            self._looked = True
            self._people.append(np.asarray(people, np.float64).reshape(-1, 4))

    def statistics(self) -> SceneStatistics | None:
        """None where there was no picture."""
        if not self._levels:
            return None
        level, contrast, noise = np.median(np.asarray(self._levels), axis=0).tolist()
        return SceneStatistics(
            pictures=len(self._levels),
            level=level,
            contrast=contrast,
            noise=noise,
            blind=len(self._blind) / len(self._levels),
            blind_by=max(set(self._blind), key=self._blind.count) if self._blind else None,
            people=np.concatenate(self._people).astype(np.float64) if self._looked else None,
        )


def noise_of(luma: ImageArray) -> float:
    """Standard deviation of the noise, grey levels, measured where the picture is flattest.

    J. Immerkaer, "Fast noise variance estimation", 1996, over blocks of 16 x 16 pixels, and of
    these the quietest tenth: texture and edges don't count as noise.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    height, width = luma.shape
    response = np.abs(cv2.filter2D(luma.astype(np.float32), cv2.CV_32F, kernel))
    blocks = cv2.resize(
        response, (max(1, width // 16), max(1, height // 16)), interpolation=cv2.INTER_AREA
    )
    return float(np.quantile(blocks, 0.1)) * math.sqrt(math.pi / 2) / 6
