"""Packets to the pictures that are wanted, and no more work than that.

The analysis wants `rate_hz` pictures a second of the stream's time. Time is cut into slots of that
length, and the first picture of each slot is chosen; only chosen pictures are copied out. Packets
whose picture is neither chosen nor needed by others are not decoded: those that nothing refers to,
and, since packets wait until a picture is wanted, those between the last wanted one and a picture
with which all begins anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import av
import av.error
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation
from av.video.stream import VideoStream

from veilleur.cameras.clock import Mark, StreamClock
from veilleur.cameras.picture import Picture, plane_rows
from veilleur.cameras.refresh import begins_anew
from veilleur.cameras.source import StreamFacts
from veilleur.cameras.turn import Turn, Turns
from veilleur.errors import StreamLost
from veilleur.geometry import ImageArray

LONGEST_SIDE = 1920
FILE_BOUND_S = 10.0  # a recording by motion has gaps
LIVE_BOUND_S = 2.0
NO_KEY_FRAME_S = 10.0
LONGEST_KEY_INTERVAL_S = 30.0  # until the stream has shown its own
MOST_WAITING = 12  # packets: decoding them takes a moment when a picture is wanted
_PLANAR = ("yuv420p", "yuvj420p")
Buffer = Callable[[int, int], ImageArray | None]
"""Where a picture of (width, height) goes: (height * 3 / 2, width) uint8, or None: nowhere."""


class Coded(Protocol):
    """What is decoded: a container's stream, or packets that were kept."""

    @property
    def codec_context(self) -> VideoCodecContext: ...


class Mode(StrEnum):
    FULL = "full"
    KEYFRAMES = "keyframes"  # only key frames: a quiet scene
    NOTHING = "nothing"  # nobody looks; one key frame at the beginning shows that it works


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A chosen picture. time: seconds since the first; arrived: its packet, host's clock."""

    picture: Picture
    time: float
    arrived: float
    key: bool


@dataclass(slots=True)
class Counts:
    """What happened to packets and pictures so far."""

    packets: int = 0
    decoded: int = 0
    chosen: int = 0
    skipped: int = 0  # not decoded, as nobody needs them
    corrupt: int = 0  # packets that broke, pictures with damage: never analysed
    unplaced: int = 0  # chosen, but there was nowhere to put them
    jumps: int = 0
    unasked: int = 0  # not decoded, though they would have been chosen: nobody looks


def new_buffer(width: int, height: int) -> ImageArray:
    """A fresh array for each picture: whoever gets it may keep it."""
    return np.empty((height * 3 // 2, width), np.uint8)


class Decoder:
    """One stream's decoder, on the caller's thread. `step` it packet by packet, then `flush`."""

    def __init__(
        self,
        stream: Coded,
        facts: StreamFacts,
        *,
        rate_hz: float = 5.0,
        longest: int = LONGEST_SIDE,
        buffer: Buffer = new_buffer,
    ) -> None:
        self.counts = Counts()
        self.mode = Mode.FULL
        self._context = stream.codec_context
        self._context.copy_opaque = True
        self._base_s = facts.time_base_s
        self._clock = StreamClock(
            facts.rate, bound_s=LIVE_BOUND_S if facts.live else FILE_BOUND_S, live=facts.live
        )
        self._rate_hz = rate_hz
        self._turns = Turns(facts.turn)
        self._longest = longest
        self._buffer = buffer
        self._slot = -1
        self._live = facts.live
        self._key: float | None = None
        self._key_interval_s = 0.0
        self._passed_s: float | None = None  # of pictures nobody looked at
        self._awaits_key = False
        self._waiting: list[Packet[VideoStream]] = []

    @property
    def last_s(self) -> float | None:
        """The time of the last picture, decoded or left out unasked; None before the first."""
        if self._passed_s is None:
            return self._clock.last_s
        return max(self._passed_s, self._clock.last_s or 0.0)

    def choose_at(self, rate_hz: float) -> None:
        """So many pictures a second from here on."""
        if rate_hz != self._rate_hz:
            self._slot = math.floor(self._slot * rate_hz / self._rate_hz)
            self._rate_hz = rate_hz

    def wants(self, packet: Packet[VideoStream]) -> bool:
        """Is this packet, the next one, decoded when it comes? Else it waits, or is left out."""
        if self.mode is not Mode.FULL or self._awaits_key:
            return packet.is_keyframe
        return not self._may_wait or self._due(packet, self._clock.correction_s)

    def step(self, packet: Packet[VideoStream], arrived: float = 0.0) -> Iterator[Decoded]:
        """The chosen pictures that this packet, read at `arrived`, brings out.

        StreamLost("keyframe") where a live stream's packets come without key frames, CameraRefused
        ("turned") where its pictures are turned by an odd angle.
        """
        self.counts.packets += 1
        stamp = packet.dts if packet.dts is not None else packet.pts
        correction = self._clock.note(self._seconds(stamp), arrived)
        self._require_key_frames(arrived, key=packet.is_keyframe)
        if self._passes_over(packet):
            self.counts.skipped += 1
            if self.mode is Mode.NOTHING:
                self._count_unasked(packet, correction)
            return
        if self._waiting and packet.is_keyframe and self._begins_anew(packet):
            self.counts.skipped += len(self._waiting)
            self._waiting.clear()
        packet.opaque = Mark(correction, arrived, packet.is_keyframe)
        if not self._due(packet, correction):
            self._waiting.append(packet)
            if not self._may_wait:
                yield from self._catch_up()
            return
        yield from self._catch_up()
        self._context.skip_frame = "DEFAULT"
        yield from self._chosen(self._decode(packet))
        if self.mode is not Mode.FULL:
            # Without this a key frame waits in the decoder for pictures that never follow.
            yield from self.flush()
            self._context.flush_buffers()

    def flush(self) -> Iterator[Decoded]:
        """What the decoder still holds."""
        yield from self._catch_up()
        self._context.skip_frame = "DEFAULT"
        yield from self._chosen(self._decode(None))

    @property
    def _may_wait(self) -> bool:
        """Not where pictures are reordered: a wanted one comes out with the packets after it."""
        return not self._context.has_b_frames and len(self._waiting) < MOST_WAITING

    def _catch_up(self) -> Iterator[Decoded]:
        """Decode what has waited: a picture that may refer to it is wanted now."""
        waiting, self._waiting = self._waiting, []
        for packet in waiting:
            self._context.skip_frame = "NONREF"
            yield from self._chosen(self._decode(packet))

    def _begins_anew(self, packet: Packet[VideoStream]) -> bool:
        return begins_anew(self._context.name, self._context.extradata, bytes(packet))

    def _seconds(self, stamp: int | None) -> float | None:
        return None if stamp is None else stamp * self._base_s

    def _passes_over(self, packet: Packet[VideoStream]) -> bool:
        """Only key frames in a quiet scene; afterwards nothing until the next one."""
        if self.mode is Mode.NOTHING and self._clock.last_s is not None:
            self._awaits_key = True
            return True
        if packet.is_keyframe:
            self._awaits_key = self.mode is not Mode.FULL
            return False
        if self.mode is not Mode.FULL:
            self._awaits_key = True
        return self._awaits_key

    def _count_unasked(self, packet: Packet[VideoStream], correction: float) -> None:
        """A picture would have been chosen of each slot."""
        seconds = self._clock.expect(self._seconds(packet.pts), correction)
        if seconds is None:
            return
        self._passed_s = max(seconds, self._passed_s or 0.0)
        slot = self._slot_of(seconds)
        if slot > self._slot:
            self._slot = slot
            self.counts.unasked += 1

    def _require_key_frames(self, arrived: float, *, key: bool) -> None:
        """A live stream whose key frames stay away shows less and less of what is there."""
        if self._key is None or key:
            if self._key is not None:
                self._key_interval_s = max(self._key_interval_s, arrived - self._key)
            self._key = arrived
        patience = NO_KEY_FRAME_S
        if self.counts.decoded:
            usual = 2.5 * self._key_interval_s
            patience = max(NO_KEY_FRAME_S, usual or LONGEST_KEY_INTERVAL_S)
        if self._live and arrived - self._key > patience:
            raise StreamLost(
                f"no key frame came for {patience:.0f} s",
                remedy="set the camera's key-frame interval to 1-4 s",
                cause="keyframe",
            )

    def _decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._context.decode(packet)
        except av.error.EOFError:
            return []
        except av.error.FFmpegError:
            self.counts.corrupt += 1
            return []

    def _slot_of(self, seconds: float) -> int:
        return math.floor((seconds + self._clock.interval_s / 2) * self._rate_hz)

    @property
    def _takes_all(self) -> bool:
        return self._clock.interval_s * self._rate_hz >= 0.95

    def _due(self, packet: Packet[VideoStream], correction: float) -> bool:
        """Could this packet's picture be the first of a slot?"""
        seconds = self._clock.expect(self._seconds(packet.pts), correction)
        if seconds is None or self._takes_all:
            return True
        before = seconds - 1.5 * self._clock.interval_s
        return self._slot_of(before) < self._slot_of(seconds)

    def _chosen(self, frames: list[VideoFrame]) -> Iterator[Decoded]:
        for frame in frames:
            self.counts.decoded += 1
            turn = self._turns.of(frame)
            mark = frame.opaque
            if not isinstance(mark, Mark):
                mark = Mark(0.0, 0.0, False)
            seconds = self._clock.time(self._seconds(frame.pts), mark.correction_s)
            self.counts.jumps = self._clock.jumps
            if frame.is_corrupt:
                self.counts.corrupt += 1
                continue
            if not self._wants(seconds, key=mark.key):
                continue
            picture = self._picture(frame, turn)
            if picture is None:
                self.counts.unplaced += 1
                continue
            self.counts.chosen += 1
            yield Decoded(picture, seconds, mark.arrived, mark.key or bool(frame.key_frame))

    def _wants(self, seconds: float, *, key: bool) -> bool:
        """Is this picture chosen?"""
        slot = self._slot_of(seconds)
        first = slot > self._slot
        self._slot = max(slot, self._slot)
        if self.mode is not Mode.FULL:
            return key
        return first or self._takes_all

    def _picture(self, frame: VideoFrame, turn: Turn) -> Picture | None:
        """The frame's pixels copied out as I420, turned as they are to be seen, no side longer than
        `longest`."""
        full_range = frame.format.name == "yuvj420p" or frame.color_range == ColorRange.JPEG
        frame = self._planar(frame, full_range)
        data = self._buffer(*turn.size(frame.width, frame.height))
        if data is None:
            return None
        picture = Picture(data, full_range)
        planes = (picture.luma, picture.chroma[0], picture.chroma[1])
        for plane, target in zip(frame.planes, planes, strict=True):
            columns, rows = turn.size(*target.shape[::-1])
            turn.place(plane_rows(plane)[:rows, :columns], target)
        return picture

    def _planar(self, frame: VideoFrame, full_range: bool) -> VideoFrame:
        """4:2:0 planes of even size; the frame itself where it is that already."""
        shrink = min(1.0, self._longest / max(frame.width, frame.height))
        width, height = (max(2, int(n * shrink) // 2 * 2) for n in (frame.width, frame.height))
        if (width, height) == (frame.width, frame.height) and frame.format.name in _PLANAR:
            return frame
        kept = ColorRange.JPEG if full_range else ColorRange.MPEG
        return frame.reformat(
            width,
            height,
            "yuvj420p" if full_range else "yuv420p",
            interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND,
            src_color_range=kept if frame.format.name.startswith("yuv") else None,
            dst_color_range=kept,
            threads=1,
        )
