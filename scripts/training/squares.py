"""Squares to learn weapons from: as the product shows them, and changed as cameras change them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

SIDE = 192  # pixels
NO_BOXES = np.zeros((0, 5))
LEAST_PX = 50  # height of a person
STRETCHED = 1.0, 1.7  # widths a picture may have had before it was made square


@dataclass(frozen=True, slots=True, eq=False)
class Square:
    """image: (SIDE, SIDE) uint8 grey. boxes: (n, 5) corners of weapons in it, and the share of each
    that is in it."""

    image: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture: its middle, its height, and how much narrower than high it is there."""

    x: float
    y: float
    side: float
    stretch: float = 1.0

    def matrix(self, *, turn_deg: float = 0.0, mirrored: bool = False) -> np.ndarray:
        """(2, 3) from pixels of the picture to those of the square."""
        scale = SIDE / self.side
        across = scale * self.stretch
        made = np.array(
            [[across, 0, SIDE / 2 - self.x * across], [0, scale, SIDE / 2 - self.y * scale]]
        )
        if turn_deg:
            made = _after(cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), turn_deg, 1), made)
        if mirrored:
            made = _after(np.array([[-1.0, 0, SIDE], [0, 1, 0]]), made)
        return made


def figure(box: np.ndarray) -> Window:
    """From above the head to the knees, as `perception.hands` does."""
    width, height = box[2] - box[0], box[3] - box[1]
    side = max(0.8 * height, 1.15 * width)
    return Window((box[0] + box[2]) / 2, box[1] + 0.35 * height, side)


def cut(image: np.ndarray, window: Window, **how: float) -> tuple[np.ndarray, np.ndarray]:
    """What is in the window, and the matrix by which it got there."""
    matrix = window.matrix(turn_deg=how.get("turn_deg", 0.0), mirrored=bool(how.get("mirrored")))
    scale = SIDE / window.side
    if scale < 0.6:
        image = cv2.GaussianBlur(image, (0, 0), 0.35 / scale)
    made = cv2.warpAffine(image, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)
    return made, matrix


def random_cut(image: np.ndarray, window: Window, weapons: np.ndarray, random: Generator) -> Square:
    """The window a little turned, perhaps mirrored, and changed as by another camera."""
    turn_deg = random.uniform(-8, 8) if random.random() < 0.5 else 0.0
    made, matrix = cut(image, window, turn_deg=turn_deg, mirrored=random.random() < 0.5)
    return Square(changed(made, random), boxes_in(weapons, matrix))


def boxes_in(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, 5) those that are at least partly in the square."""
    found = []
    for x1, y1, x2, y2 in boxes:
        corners = matrix @ np.array([[x1, x2, x1, x2], [y1, y1, y2, y2], [1, 1, 1, 1]])
        low, high = corners.min(axis=1), corners.max(axis=1)
        inside = np.clip(np.concatenate([low, high]), 0, SIDE)
        shared = max(0.0, inside[2] - inside[0]) * max(0.0, inside[3] - inside[1])
        whole = float(np.prod(high - low))
        if whole > 0 and shared > 0:
            found.append((*inside, shared / whole))
    return np.array(found, np.float64).reshape(-1, 5)


def changed(image: np.ndarray, random: Generator) -> np.ndarray:
    """Less resolution, other light, blur, noise, compression; some of it, by chance."""
    made = image.astype(np.float32)
    if random.random() < 0.5:
        small = max(24, int(SIDE * random.uniform(0.35, 1)))
        made = cv2.resize(made, (small, small), interpolation=cv2.INTER_AREA)
        made = cv2.resize(made, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    made = (made - 128) * random.uniform(0.6, 1.4) + 128 + random.uniform(-35, 35)
    if random.random() < 0.5:
        made = 255 * np.clip(made / 255, 0, 1) ** random.uniform(0.6, 1.6)
    if random.random() < 0.3:
        made = cv2.GaussianBlur(made, (0, 0), random.uniform(0.4, 1.6))
    if random.random() < 0.4:
        made = made + random.normal(0, random.uniform(2, 10), made.shape)
    plain = np.clip(made, 0, 255).astype(np.uint8)
    if random.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 80))]
        plain = cv2.imdecode(cv2.imencode(".jpg", plain, quality)[1], cv2.IMREAD_GRAYSCALE)
    return plain


def moved(window: Window, random: Generator, grown: tuple[float, float]) -> Window:
    """The window a little elsewhere, and of another size."""
    return Window(
        window.x + random.uniform(-0.1, 0.1) * window.side,
        window.y + random.uniform(-0.08, 0.08) * window.side,
        window.side * random.uniform(*grown),
        window.stretch,
    )


def around_weapon(box: np.ndarray, stretch: float, random: Generator) -> Window:
    """Near to far, the weapon anywhere in it."""
    width, height = box[2] - box[0], box[3] - box[1]
    grown = math.exp(random.uniform(math.log(0.9), math.log(4)))
    side = max(width * stretch, height, 14.0) * grown
    return Window(
        (box[0] + box[2]) / 2 + random.uniform(-0.18, 0.18) * (side - 0.6 * width),
        (box[1] + box[3]) / 2 + random.uniform(-0.18, 0.18) * (side - 0.6 * height),
        side,
        stretch,
    )


def near_body(box: np.ndarray, stretch: float, random: Generator) -> Window:
    """Any part of a person, as near as a hand is looked at."""
    height = box[3] - box[1]
    return Window(
        random.uniform(box[0] - 0.05 * height, box[2] + 0.05 * height),
        box[1] + height * random.uniform(0.15, 0.75),
        height * random.uniform(0.25, 0.6),
        stretch,
    )


def _after(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    return second @ np.vstack([first, [0, 0, 1]])
