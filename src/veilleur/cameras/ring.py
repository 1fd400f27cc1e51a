"""The last seconds of a stream as it came, encoded, in memory: what evidence is cut from later.

`Footage` is what leaves a worker: the packets, and what a decoder must be told before the first of
them. Nobody but a worker looks into the packets (`cameras.playback`).
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from veilleur.cameras.turn import Turn

MOST_EXTRADATA = 1 << 16  # bytes
_HEAD = struct.Struct("<IdddB")
_CODING = struct.Struct("<24s24sHHIb")
_OWN_TURN = -1
_LONGEST_WORD = 24


@dataclass(frozen=True, slots=True)
class StoredPacket:
    """One encoded packet. time: host's monotonic seconds when it came, in decoding order (the same
    as `Frame.arrived` of its picture); key: a picture can begin here; shown, decoded: seconds on a
    clock of the stream's own at which its picture is shown, and at which the packet is to be
    decoded, None where the stream doesn't say.
    """

    time: float
    key: bool
    data: bytes
    shown: float | None = None
    decoded: float | None = None


@dataclass(frozen=True, slots=True)
class Coding:
    """What a decoder must be told before the first packet.

    codec, layout: FFmpeg's names of decoder and pixel layout. extradata: parameter sets that came
    outside the packets (an RTSP description, a file's head). width, height: as it is coded. turn:
    of all pictures, None where each says its own.
    """

    codec: str
    width: int = 0
    height: int = 0
    layout: str = ""
    extradata: bytes = b""
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class Footage:
    """Packets in decoding order, of one connection. Empty: there was nothing to be had."""

    coding: Coding
    packets: tuple[StoredPacket, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the packets."""
        return sum(len(packet.data) for packet in self.packets)

    def between(self, since: float, until: float) -> Footage:
        """Enough to decode what came from `since` to `until`, seconds of the packets' time: from
        the last key frame at or before `since`, or else the first one."""
        keys = [n for n, packet in enumerate(self.packets) if packet.key]
        if not keys:
            return replace(self, packets=())
        before = [n for n in keys if self.packets[n].time <= since]
        last = bisect_right(self.packets, until, key=lambda packet: packet.time)
        return replace(self, packets=self.packets[(before or keys[:1])[-1] : last])

    def joined(self, later: Footage) -> Footage:
        """This and what came after it, each packet once. The later alone, where another decoder is
        needed. A gap between them stays one: every footage begins with a key frame."""
        if not self.packets or not later.packets:
            return later if later.packets else self
        if later.coding != self.coding:
            return later
        end = self.packets[-1].time
        more = tuple(packet for packet in later.packets if packet.time > end)
        return replace(self, packets=self.packets + more)


class PacketRing:
    """At most `seconds` and `size` bytes, beginning at a key frame. What is too much leaves first.

    A group of pictures larger than `size` cannot be kept: nothing is, until the next key frame.
    """

    def __init__(self, seconds: float, size: int) -> None:
        self._seconds, self._most = seconds, size
        self._packets: deque[StoredPacket] = deque()
        self._keys: deque[float] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._bytes

    def add(self, packet: StoredPacket) -> None:
        if not self._packets and not packet.key:
            return
        self._packets.append(packet)
        self._bytes += len(packet.data)
        if packet.key:
            self._keys.append(packet.time)
        while self._bytes > self._most or self._second_group_is_enough(packet.time):
            self._drop_group()

    def packets(self) -> tuple[StoredPacket, ...]:
        return tuple(self._packets)

    def _second_group_is_enough(self, now: float) -> bool:
        """Do the packets from the second key frame on already reach back far enough?"""
        return len(self._keys) > 1 and now - self._keys[1] >= self._seconds

    def _drop_group(self) -> None:
        """The oldest group of pictures leaves."""
        self._keys.popleft()
        while self._packets:
            self._bytes -= len(self._packets.popleft().data)
            if self._packets and self._packets[0].key:
                return


def pack_footage(footage: Footage) -> bytes:
    """The coding, then all packets one after the other: length, times, key, data."""
    coding = footage.coding
    words = (word.encode()[:_LONGEST_WORD] for word in (coding.codec, coding.layout))
    extradata = coding.extradata[:MOST_EXTRADATA]
    turn = _OWN_TURN if coding.turn is None else coding.turn.code
    head = _CODING.pack(*words, coding.width, coding.height, len(extradata), turn)
    return b"".join([head, extradata, *map(_packed, footage.packets)])


def _packed(packet: StoredPacket) -> bytes:
    stamps = (math.nan if s is None else s for s in (packet.shown, packet.decoded))
    return _HEAD.pack(len(packet.data), packet.time, *stamps, packet.key) + packet.data


def unpack_footage(packed: bytes) -> Footage:
    """The reverse, from memory that a worker wrote. ValueError for what no worker writes."""
    if len(packed) < _CODING.size:
        raise ValueError("footage cut off within its head")
    codec, layout, width, height, extra, code = _CODING.unpack_from(packed)
    begins = _CODING.size + extra
    if extra > MOST_EXTRADATA or begins > len(packed):
        raise ValueError("extradata longer than there is")
    extradata = packed[_CODING.size : begins]
    turn = None if code == _OWN_TURN else Turn.of(code)
    coding = Coding(_word(codec), width, height, _word(layout), extradata, turn)
    return Footage(coding, tuple(_packets(packed, begins)))


def _packets(packed: bytes, at: int) -> Iterator[StoredPacket]:
    last = -math.inf
    while at < len(packed):
        if at + _HEAD.size > len(packed):
            raise ValueError("packets cut off within a head")
        length, time, shown, decoded, key = _HEAD.unpack_from(packed, at)
        at += _HEAD.size
        if at + length > len(packed):
            raise ValueError("packets cut off within their data")
        if not last <= time < math.inf:
            raise ValueError("packets that go back in time")
        last = time
        stamps = (stamp if math.isfinite(stamp) else None for stamp in (shown, decoded))
        yield StoredPacket(time, bool(key), packed[at : at + length], *stamps)
        at += length


def _word(text: bytes) -> str:
    word = text.rstrip(b"\0").decode("ascii")
    if not all(c.isalnum() or c in "_-." for c in word):
        raise ValueError("a name that is none")
    return word
