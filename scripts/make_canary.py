"""Cut the first seconds of the embedded clip, without re-encoding, for the desk's proof of life.

python scripts/make_canary.py src/veilleur/demo/vtest.mp4 src/veilleur/desk/canary.mp4
"""

from __future__ import annotations

import sys
from pathlib import Path

import av

SECONDS = 3.0


def cut(source: Path, target: Path) -> None:
    """The packets of the first seconds, copied. They begin with a key frame."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = read.streams.video[0]
        copy = written.add_stream_from_template(stream)
        for packet in read.demux(stream):
            if packet.dts is None or float(packet.dts * stream.time_base) > SECONDS:
                break
            packet.stream = copy
            written.mux(packet)


if __name__ == "__main__":
    cut(Path(sys.argv[1]), Path(sys.argv[2]))
