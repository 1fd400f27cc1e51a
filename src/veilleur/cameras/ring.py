"""The last seconds of a stream as it came, encoded, in memory: what evidence is cut from later."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

_HEAD = struct.Struct("<IdB")


@dataclass(frozen=True, slots=True)
class StoredPacket:
    """One encoded packet. time: seconds, decoding order; key: a picture can begin here."""

    time: float
    key: bool
    data: bytes


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


def pack_packets(packets: tuple[StoredPacket, ...]) -> bytes:
    """All packets one after the other: length, time, key, data."""
    return b"".join(_HEAD.pack(len(p.data), p.time, p.key) + p.data for p in packets)


def unpack_packets(packed: bytes) -> Iterator[StoredPacket]:
    """The reverse, from memory that a worker wrote. ValueError where a length runs over the end."""
    at = 0
    while at < len(packed):
        if at + _HEAD.size > len(packed):
            raise ValueError("packets cut off within a head")
        length, time, key = _HEAD.unpack_from(packed, at)
        at += _HEAD.size
        if at + length > len(packed):
            raise ValueError("packets cut off within their data")
        yield StoredPacket(time, bool(key), packed[at : at + length])
        at += length
