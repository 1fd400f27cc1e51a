"""Objects of the library put into the hands of people who hold none: weapons, and look-alikes.

So the same people in the same places are seen with and without a weapon, which real pictures of
weapons (close, posed) and of ordinary people (far, from above) never show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from scripts.training.models3d import Model, draw
from scripts.training.squares import (
    NO_BOXES,
    SIDE,
    STRETCHED,
    Square,
    Window,
    changed,
    cut,
    figure,
    moved,
)

ADULT_M = 1.7
LONG_M = 0.4
WEAPONS = 0.55  # share
SEEN = 14  # grey levels by which a weapon must differ from what it covers
VISIBLE = 12  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class Unarmed:
    """box: the person. arms: (n, 2, 2) elbow and wrist of each arm that is seen; pixels."""

    image: np.ndarray
    box: np.ndarray
    arms: np.ndarray
    stretched: bool


@dataclass(frozen=True, slots=True)
class _Held:
    """x, y: the hand in the square. angle_deg: of the object. pixels: its length. hand: radius."""

    x: float
    y: float
    angle_deg: float
    pixels: float
    hand: float


def holding(people: Sequence[Unarmed], models: Sequence[Model], random: Generator) -> Square:
    """Somebody with something in a hand."""
    one = people[int(random.integers(len(people)))]
    return with_in_hand(one, _chosen(models, random), random)


def _chosen(models: Sequence[Model], random: Generator) -> Model:
    """Each kind as often as any other."""
    armed = random.random() < WEAPONS
    kinds = sorted({model.kind for model in models if model.weapon == armed})
    kind = kinds[int(random.integers(len(kinds)))]
    alike = [model for model in models if model.kind == kind]
    return alike[int(random.integers(len(alike)))]


def with_in_hand(one: Unarmed, model: Model, random: Generator) -> Square:
    """That person with this in a hand."""
    height = float(one.box[3] - one.box[1])
    stretch = random.uniform(*STRETCHED) if one.stretched else 1.0
    elbow, wrist = one.arms[int(random.integers(len(one.arms)))]
    forearm = wrist - elbow
    hand = wrist + 0.35 * forearm
    long = model.length_m > LONG_M
    if long and random.random() < 0.6:
        hand = (one.arms[:, 1].mean(axis=0) + hand) / 2
    length = model.length_m / ADULT_M * height * random.uniform(1.0, 1.6)
    window = _window(one, hand, stretch, random, length if long else 0.0)
    made, matrix = cut(one.image, window)
    scale = SIDE / window.side
    x, y = matrix @ np.array([*hand, 1.0])
    along = -math.degrees(math.atan2(forearm[1], forearm[0] * stretch))
    angle = along + random.normal(0, 25) if random.random() < 0.6 else random.uniform(-180, 180)
    held = _Held(x, y, angle, max(8.0, min(length * scale / 0.9, 400)), 0.028 * height * scale)
    return _with(made, held, model, random)


def _window(
    one: Unarmed, hand: np.ndarray, stretch: float, random: Generator, longest: float
) -> Window:
    height = float(one.box[3] - one.box[1])
    if random.random() < 0.4:
        side = max(height * random.uniform(0.3, 0.55), 0.8 * longest)
        x, y = hand + random.uniform(-0.15, 0.15, 2) * side
        return Window(x, y, side, stretch)
    whole = figure(one.box)
    placed = moved(Window(whole.x, whole.y, whole.side, stretch), random, (0.85, 1.2))
    return Window(placed.x, placed.y, max(placed.side, 0.8 * longest), stretch)


def _with(image: np.ndarray, held: _Held, model: Model, random: Generator) -> Square:
    """The object drawn over it, in its light, partly behind the hand."""
    size = int(max(held.pixels, 48))
    grey, cover = draw(model, random, size)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), held.angle_deg, held.pixels / size)
    reach = 0.15 if model.length_m > LONG_M else 0.3
    grip = random.uniform(-reach, reach) * held.pixels
    way = math.radians(held.angle_deg)
    turn[:, 2] += (
        held.x - size / 2 + grip * math.cos(way),
        held.y - size / 2 - grip * math.sin(way),
    )
    over = cv2.warpAffine(grey, turn, (SIDE, SIDE)).astype(np.float32)
    share = cv2.warpAffine(cover.astype(np.float32), turn, (SIDE, SIDE))
    if random.random() < 0.6:
        rows, columns = np.mgrid[:SIDE, :SIDE]
        far = ((columns - held.x) ** 2 + (rows - held.y) ** 2) / max(held.hand, 1.0) ** 2
        share = share * (1 - np.exp(-(far**2)))
    near = image[_around(held.y), _around(held.x)]
    light = random.uniform(0.6, 1.2) * (float(near.mean()) if near.size else 110.0) / 110.0
    soft = cv2.GaussianBlur(share, (0, 0), 0.5)
    blended = image * (1 - soft) + np.clip(over * light, 0, 255) * soft
    made = np.clip(blended, 0, 255).astype(np.uint8)
    boxes = _boxes(image, made, share) if model.weapon else NO_BOXES
    if random.random() < 0.5:
        made = np.ascontiguousarray(made[:, ::-1])
        boxes = boxes.copy()
        boxes[:, [0, 2]] = SIDE - boxes[:, [2, 0]]
    return Square(changed(made, random), boxes)


def _boxes(before: np.ndarray, after: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Where the weapon can be seen; nowhere if it can't."""
    rows, columns = np.nonzero(share > 0.5)
    if len(rows) < VISIBLE:
        return NO_BOXES
    differs = np.abs(after.astype(np.float32) - before)[rows, columns].mean()
    if differs < SEEN:
        return NO_BOXES
    ends = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 1.0)
    return np.array([ends], np.float64)


def _around(at: float) -> slice:
    return slice(max(0, int(at) - 20), max(0, int(at) + 20))
