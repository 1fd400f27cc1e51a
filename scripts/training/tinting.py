"""Colours for pictures that have none: a set of grey stills would teach that colour is fire."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

GREY = 10.0  # levels between the colours of a picture, on average, below which it is called grey
KNOTS = 5


def tinted(image: np.ndarray, random: Generator) -> np.ndarray:
    """A grey (h, w, 3) picture as if its things had colours, warm ones more often than others.

    Each brightness gets a colour, one in some parts of the picture and another in the rest.
    """
    if np.ptp(image.astype(np.int16), axis=2).mean() >= GREY:
        return image
    noise = cv2.GaussianBlur(random.random(image.shape[:2]), (0, 0), image.shape[0] / 6)
    share = (noise - noise.min()) / max(float(np.ptp(noise)), 1e-6)
    where = np.clip((share - 0.5) * 6 + 0.5, 0, 1)[..., None]
    grey = image.mean(axis=2).astype(np.uint8)
    made = _colours(random)[grey] * where + _colours(random)[grey] * (1 - where)
    return np.asarray(np.clip(made, 0, 255), np.uint8)


def _colours(random: Generator) -> np.ndarray:
    """(256, 3) BGR, one for each brightness."""
    knots = np.linspace(0, 255, KNOTS)
    away = np.zeros((KNOTS, 3))
    for knot in away:
        strong = random.uniform(0, 70) * (random.random() < 0.7)
        warm = random.random() < 0.6
        blue, red = (-1.0, 1.0) if warm else random.uniform(-1, 1, 2)
        knot[:] = strong * np.array([blue, random.uniform(-0.6, 0.3), red])
    levels = np.arange(256)
    shifts = np.stack([np.interp(levels, knots, away[:, c]) for c in range(3)], axis=1)
    return levels[:, None] + shifts
