"""What is bright, cut out of one picture and put into another: a flame is learnt, not its place.

Flames shine, so they are cut out by colour. The same is done to what is bright and no flame, or the
cutting itself would be learnt.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

LEAST, BORDER = 0.012, 0.25  # share of the picture that must be bright; of its border that may be


def pasted(bright: np.ndarray, ground: np.ndarray, random: Generator) -> np.ndarray | None:
    """What is bright in one (n, n, 3) picture, somewhere in the other. None: nothing is."""
    side = ground.shape[0]
    size = int(side * random.uniform(0.3, 1.0))
    part = cv2.resize(bright, (size, size), interpolation=cv2.INTER_AREA)
    part = np.ascontiguousarray(part[:, ::-1]) if random.random() < 0.5 else part
    cover = _cover(part)
    border = np.concatenate([cover[0], cover[-1], cover[:, 0], cover[:, -1]])
    if border.mean() > BORDER or cover.sum() < LEAST * side**2:
        return None
    cover = cv2.GaussianBlur(cover * _fading(size), (0, 0), 0.7)[..., None]
    x, y = random.integers(0, side - size + 1, 2)
    out = ground.astype(np.float32) * random.uniform(0.35, 1.05)
    under = out[y : y + size, x : x + size]
    under += cover * (part * random.uniform(0.85, 1.1) - under)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def _cover(image: np.ndarray) -> np.ndarray:
    """(h, w) 0..1: how much each pixel is fiery, or glares."""
    blue, green, red = (image[..., c].astype(np.float32) for c in range(3))
    fiery = _step((red - 150) / 15) * _step((red - blue - 45) / 12) * _step((red - green + 5) / 8)
    glaring = _step((np.minimum(np.minimum(blue, green), red) - 205) / 8)
    return np.asarray(np.maximum(fiery, glaring))


def _step(values: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -30, 30))))


def _fading(size: int) -> np.ndarray:
    """1 inside, 0 at the border: no edge is pasted."""
    rows, columns = np.mgrid[:size, :size]
    inside = np.minimum.reduce([columns, rows, size - 1 - columns, size - 1 - rows])
    return np.asarray(np.clip(inside / (0.08 * size), 0, 1), np.float32)
