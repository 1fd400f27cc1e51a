"""Make the clip of `veilleur demo`: vtest.avi of Debian's opencv-doc, as H.264 under 2 MB.

    python scripts/make_demo_clip.py VTEST_AVI OUT.mp4

x264, CRF 36, preset veryslow, key frame every two seconds, no B-frames, as a camera sends it.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av


def make(source: Path, target: Path, crf: int = 36) -> int:
    """Re-encode; returns the size in bytes."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        video = given.streams.video[0]
        options = {
            "crf": str(crf),
            "preset": "veryslow",
            "bf": "0",
            "g": "20",
            "x264-params": "threads=1:deterministic=1",
        }
        stream = made.add_stream("libx264", rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        for number, frame in enumerate(given.decode(video)):
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return target.stat().st_size


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])), "bytes")
