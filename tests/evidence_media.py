"""Footage for the tests of playback and evidence, as a camera's ring would give it."""

from __future__ import annotations

from pathlib import Path

import av

from veilleur.cameras.ring import Coding, Footage, StoredPacket

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
