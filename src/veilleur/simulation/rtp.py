"""RTP: coded pictures as payloads, packet headers, sender reports.

Sources: RFC 3550 (RTP and RTCP), RFC 6184 (H.264: single NAL unit, STAP-A, FU-A), RFC 7798
(H.265: single NAL unit, AP, FU). Pure functions over bytes; no socket, no clock.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

CLOCK_HZ = 90_000
"""Both payload formats count time in 1/90000 s."""

PAYLOAD_TYPE = 96
MAX_PAYLOAD = 1400
"""Bytes. Under the 1500 of Ethernet with IP, UDP and RTP headers, as cameras have it."""

_NTP_EPOCH_S = 2_208_988_800
_STAP_A, _FU_A = 24, 28
_H265_AP, _H265_FU = 48, 49


class Codec(StrEnum):
    """What RTSP cameras send."""

    H264 = "h264"
    H265 = "h265"

    def nal_type(self, nal: bytes) -> int:
        """The type field of a NAL unit's header."""
        return nal[0] & 0x1F if self is Codec.H264 else (nal[0] >> 1) & 0x3F

    def is_parameter_set(self, nal: bytes) -> bool:
        """SPS or PPS; with H.265 also VPS."""
        return self.nal_type(nal) in ((7, 8) if self is Codec.H264 else (32, 33, 34))

    def is_random_access(self, nal: bytes) -> bool:
        """A picture that needs none before it: IDR; with H.265 also BLA and CRA."""
        kind = self.nal_type(nal)
        return kind == 5 if self is Codec.H264 else 16 <= kind <= 21

    def is_dispensable(self, nal: bytes) -> bool:
        """Delimiters, end marks and filler, which RTP does not need."""
        return self.nal_type(nal) in ((9, 10, 11, 12) if self is Codec.H264 else (35, 36, 37, 38))


@dataclass(frozen=True, slots=True)
class Timing:
    """Where a stream's numbers stand: what every packet's header is made from."""

    ssrc: int
    sequence: int
    timestamp: int


def nal_units(annex_b: bytes) -> Iterator[bytes]:
    """The NAL units between start codes (ITU-T H.264 annex B, H.265 annex B)."""
    start = annex_b.find(b"\0\0\1")
    while start >= 0:
        following = annex_b.find(b"\0\0\1", start + 3)
        nal = annex_b[start + 3 : following if following >= 0 else len(annex_b)].rstrip(b"\0")
        if nal:
            yield nal
        start = following


def aggregate(codec: Codec, nals: Sequence[bytes]) -> list[bytes]:
    """Small NAL units in one payload: STAP-A or AP. One unit, or too much for one: apart."""
    size = sum(len(nal) + 2 for nal in nals) + 2
    if len(nals) < 2 or size > MAX_PAYLOAD:
        return [piece for nal in nals for piece in fragment(codec, nal)]
    if codec is Codec.H264:
        header = bytes([max(nal[0] & 0x60 for nal in nals) | _STAP_A])
    else:
        header = bytes([_H265_AP << 1, 1])
    return [header + b"".join(struct.pack(">H", len(nal)) + nal for nal in nals)]


def fragment(codec: Codec, nal: bytes) -> list[bytes]:
    """A NAL unit as one payload, or in fragments (FU-A, FU) where it is too long."""
    if len(nal) <= MAX_PAYLOAD:
        return [nal]
    if codec is Codec.H264:
        indicator, kind, body = bytes([nal[0] & 0xE0 | _FU_A]), nal[0] & 0x1F, nal[1:]
    else:
        indicator = bytes([nal[0] & 0x81 | _H265_FU << 1, nal[1]])
        kind, body = (nal[0] >> 1) & 0x3F, nal[2:]
    room = MAX_PAYLOAD - len(indicator) - 1
    starts = range(0, len(body), room)
    return [
        indicator
        + bytes([kind | (0x80 if at == 0 else 0) | (0x40 if at == starts[-1] else 0)])
        + body[at : at + room]
        for at in starts
    ]


def packet(payload: bytes, timing: Timing, *, marker: bool) -> bytes:
    """One RTP packet. marker: the last one of a picture."""
    kind = PAYLOAD_TYPE | (0x80 if marker else 0)
    header = struct.pack(
        ">BBHII", 0x80, kind, timing.sequence & 0xFFFF, timing.timestamp & 0xFFFFFFFF, timing.ssrc
    )
    return header + payload


def interleaved(channel: int, data: bytes) -> bytes:
    """A packet inside the RTSP connection (RFC 2326, 10.12)."""
    return struct.pack(">cBH", b"$", channel, len(data)) + data


def timestamp(time_s: float) -> int:
    """Seconds to the 90 kHz count, 32 bits, wrapping."""
    return round(time_s * CLOCK_HZ) & 0xFFFFFFFF


def sender_report(ssrc: int, time_s: float, packets: int, octets: int) -> bytes:
    """SR: `time_s` (Unix seconds) as NTP and as RTP time, by which a viewer maps one to the other.

    Followed by an SDES with a canonical name, without which RFC 3550 has no compound packet.
    """
    ntp = time_s + _NTP_EPOCH_S
    report = struct.pack(
        ">BBHIIIIII",
        0x80,
        200,
        6,
        ssrc,
        int(ntp) & 0xFFFFFFFF,
        int((ntp % 1.0) * 2**32) & 0xFFFFFFFF,
        timestamp(time_s),
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    name = b"\x01\x08veilleur\0\0"
    return report + struct.pack(">BBHI", 0x81, 202, 1 + len(name) // 4, ssrc) + name


def goodbye(ssrc: int, time_s: float, packets: int, octets: int) -> bytes:
    """A last report and BYE: the source ends."""
    return sender_report(ssrc, time_s, packets, octets) + struct.pack(">BBHI", 0x81, 203, 1, ssrc)
