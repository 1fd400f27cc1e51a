"""Does all begin anew with this packet? Then no later picture needs what came before it.

A key frame alone doesn't promise that: pictures after an open group's key frame, or within an
intra refresh, still look back. An IDR picture promises it (H.264, 7.4.1.2.4; H.265, 3.67).
"""

from __future__ import annotations

from collections.abc import Iterator

_EACH_ALONE = ("mjpeg", "rawvideo")
_START = b"\0\0\1"


def begins_anew(codec: str, extradata: bytes | None, packet: bytes) -> bool:
    """packet: one key frame. extradata: the codec's, which says how a packet is divided.

    False also where it can't be told.
    """
    if codec in _EACH_ALONE:
        return True
    if codec == "h264":
        kinds = (unit & 31 for unit in _units(packet, _length_bytes(extradata, 4)))
        return next((kind == 5 for kind in kinds if 1 <= kind <= 5), False)
    if codec == "hevc":
        kinds = (unit >> 1 & 63 for unit in _units(packet, _length_bytes(extradata, 21)))
        return next((kind in (19, 20) for kind in kinds if kind < 32), False)
    return False


def _length_bytes(extradata: bytes | None, at: int) -> int:
    """Bytes of the length before each unit (avcC, hvcC); 0: start codes divide them."""
    if not extradata or extradata[0] != 1 or len(extradata) <= at:
        return 0
    return (extradata[at] & 3) + 1


def _units(packet: bytes, length_bytes: int) -> Iterator[int]:
    """The first byte of each unit of the packet."""
    at = 0
    while True:
        if not length_bytes:
            at = packet.find(_START, at) + len(_START)
            if at < len(_START):
                return
        begins = at + length_bytes
        if begins >= len(packet):
            return
        yield packet[begins]
        if length_bytes:
            at = begins + int.from_bytes(packet[at:begins])
