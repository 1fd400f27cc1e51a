"""Pictures on which two ways to run the same model are compared, and how far they agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import av
import cv2
import numpy as np

from veilleur.geometry import ImageArray
from veilleur.perception.objects import Detections
from veilleur.perception.overlap import iou

DEMO_CLIP = Path(__file__).parents[1] / "demo" / "vtest.mp4"
COUNTED_SCORE = 0.5
SAME_OVERLAP = 0.5


def pictures(
    clip: Path = DEMO_CLIP, *, first: int = 0, every: int = 24, count: int = 24
) -> list[ImageArray]:
    """Pictures `first`, `first + every`, ... of a clip, at most `count`; (h, w, 3) uint8 BGR."""
    found: list[ImageArray] = []
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= first and (number - first) % every == 0:
                found.append(frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False))
            if len(found) == count:
                break
    return found


def fitted(picture: ImageArray, height: int, width: int) -> ImageArray:
    """The picture as large as it can be inside height x width, proportions kept."""
    rows, columns = picture.shape[:2]
    scale = min(height / rows, width / columns)
    size = (min(width, round(columns * scale)), min(height, round(rows * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def reference_pictures(height: int, width: int, count: int = 32) -> list[ImageArray]:
    """What the quality gate looks at: in turn a whole picture, the same scene at three quarters
    (small people), in dusk, and with a night camera's grain.

    None of these pictures served to calibrate the int8 weights.
    """
    return list(_views(pictures(first=6, every=12, count=count), height, width))


def _views(whole: Sequence[ImageArray], height: int, width: int) -> Iterator[ImageArray]:
    generator = np.random.default_rng(0)
    for picture, view in zip(whole, cycle(("whole", "small", "dusk", "grain")), strict=False):
        shrink = 0.75 if view == "small" else 1
        image = fitted(picture, round(height * shrink), round(width * shrink))
        if view == "dusk":
            image = (image * 0.25).astype(np.uint8)
        elif view == "grain":
            grain = generator.normal(0, 12, image.shape)
            image = np.clip(image + grain, 0, 255).astype(np.uint8)
        yield image


def matches(one: Detections, other: Detections) -> int:
    """Boxes of the same kind that overlap by SAME_OVERLAP or more, each used once, best first."""
    alike = one.kinds[:, np.newaxis] == other.kinds
    overlaps = np.where(alike, iou(one.boxes, other.boxes), 0)
    found = 0
    for row in overlaps:
        if row.max(initial=0) >= SAME_OVERLAP:
            overlaps[:, row.argmax()] = 0
            found += 1
    return found


def agreement(reference: Sequence[Detections], other: Sequence[Detections]) -> float:
    """F1 of the boxes that count (score COUNTED_SCORE or more), 0..1; 1 where neither has any."""
    pairs = [
        (a[a.scores >= COUNTED_SCORE], b[b.scores >= COUNTED_SCORE])
        for a, b in zip(reference, other, strict=True)
    ]
    total = sum(len(a) + len(b) for a, b in pairs)
    return 2 * sum(matches(a, b) for a, b in pairs) / total if total else 1.0
