"""Thumbnails of real clips, as the analysis gets them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import av
import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import ImageArray

FPS = 5.0
Timed = list[tuple[float, ImageArray]]
"""Seconds since the first picture, and (h, 160) uint8 luma."""


def clipped(picture: object) -> ImageArray:
    return np.asarray(np.clip(np.asarray(picture), 0, 255), np.uint8)


@cache
def thumbnails(path: Path) -> Timed:
    """About five a second."""
    return list(_thumbnails(path))


def _thumbnails(path: Path) -> Iterator[tuple[float, ImageArray]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        first, last = None, -1.0
        for frame in container.decode(stream):
            first = frame.time if first is None else first
            t = float((frame.time or 0.0) - (first or 0.0))
            if t - last >= 1 / FPS - 0.02:
                last = t
                yield t, Picture(clipped(frame.to_ndarray(format="yuv420p"))).thumbnail()
