"""Made media for the benchmarks: the demo clip as a camera would send it.

Busy: the embedded clip at its true speed (filmed at about 7 pictures a second, played at 10),
blended to 25 pictures a second with sensor noise, H.264 without B-frames, a key frame every two
seconds, about 4 Mbit/s at 1080p. Quiet: its mean picture with sensor noise only.
"""

from __future__ import annotations

from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path

import av
import cv2
import numpy as np

from veilleur.geometry import ImageArray

RATE = 25
SECONDS = 30


def demo_pictures() -> list[ImageArray]:
    """All pictures of the demo clip, (576, 768, 3) BGR."""
    with as_file(files("veilleur") / "demo" / "vtest.mp4") as path, av.open(str(path)) as clip:
        return [frame.to_ndarray(format="bgr24") for frame in clip.decode(video=0)]


def busy(path: Path, width: int, height: int, *, crf: int = 21) -> Path:
    """A busy camera of this size; made once, kept at `path`."""
    if path.exists():
        return path
    pictures = demo_pictures()[: SECONDS * 10 + 1]
    return _encode(path, _blended(pictures, width, height), width, height, crf)


def quiet(path: Path, width: int, height: int, *, crf: int = 21) -> Path:
    """The same place without anybody."""
    if path.exists():
        return path
    still = np.median(np.stack(demo_pictures()[::25]), axis=0).astype(np.uint8)
    return _encode(path, [_fit(still, width, height)] * (SECONDS * RATE), width, height, crf)


def _blended(pictures: list[ImageArray], width: int, height: int) -> list[ImageArray]:
    fitted = [_fit(picture, width, height) for picture in pictures]
    out = []
    for number in range(SECONDS * RATE):
        at = number * 10 / RATE
        low = int(at)
        share = at - low
        out.append(cv2.addWeighted(fitted[low], 1 - share, fitted[low + 1], share, 0))
    return out


def _fit(picture: ImageArray, width: int, height: int) -> ImageArray:
    """Enlarged to the width, cut to the height in the middle."""
    tall = round(picture.shape[0] * width / picture.shape[1])
    scaled = cv2.resize(picture, (width, tall), interpolation=cv2.INTER_CUBIC)
    top = max(0, (tall - height) // 2)
    return np.ascontiguousarray(scaled[top : top + height])


def _encode(path: Path, pictures: list[ImageArray], width: int, height: int, crf: int) -> Path:
    random = np.random.default_rng(1)
    noise = [random.normal(0, 2.0, (height, width, 1)).astype(np.int16) for _ in range(8)]
    partial = path.with_suffix(".partial.mp4")
    with av.open(str(partial), "w") as made:
        options = {"crf": str(crf), "preset": "veryfast", "bf": "0", "g": str(2 * RATE)}
        stream = made.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, picture in enumerate(pictures):
            grainy = np.clip(picture + noise[number % 8], 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(grainy, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return partial.replace(path)
