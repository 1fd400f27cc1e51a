"""Made pictures of a place in which something comes to rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import FloatArray, ImageArray, View
from veilleur.perception.arrivals import Arrivals
from veilleur.perception.background import Background
from veilleur.perception.still import StillObject

VIEW = View(320, 240)
Draw = Callable[[FloatArray, float], None]


def place() -> FloatArray:
    """(240, 320, 3) BGR: a floor with tiles and stains, a wall."""
    random = np.random.default_rng(5)
    ground = cv2.GaussianBlur(random.normal(120, 60, (240, 320)), (0, 0), 6)
    ground = 120 + (ground - ground.mean()) * 2.0
    ground[::24] -= 25
    ground[:, ::24] -= 25
    ground[:60] += 50
    return np.asarray(np.stack([ground * 0.95, ground, ground * 1.05], axis=2))


def picture(image: FloatArray, time: float) -> Picture:
    """With the noise of a camera."""
    noise = np.random.default_rng(round(time * 1000)).normal(0, 2.0, image.shape)
    seen = np.clip(image + noise, 0, 255).astype(np.uint8)
    return Picture(np.asarray(cv2.cvtColor(seen, cv2.COLOR_BGR2YUV_I420), np.uint8))


def block(x: int, y: int, w: int, h: int, colour: tuple[float, float, float]) -> Draw:
    def draw(image: FloatArray, _: float) -> None:
        image[y : y + h, x : x + w] = colour
        image[y + h // 2 : y + h // 2 + 2, x + 2 : x + w - 2] += 60

    return draw


BAG = block(150, 140, 22, 28, (40.0, 30.0, 25.0))


def between(draw: Draw, since: float, until: float = np.inf) -> Draw:
    def drawn(image: FloatArray, time: float) -> None:
        if since <= time < until:
            draw(image, time)

    return drawn


def light(factor: float, rows: slice = slice(None), columns: slice = slice(None)) -> Draw:
    def draw(image: FloatArray, _: float) -> None:
        image[rows, columns] *= factor

    return draw


def crowd(image: FloatArray, time: float) -> None:
    """Somebody else before the bag at each instant, never twice the same."""
    random = np.random.default_rng(round(time * 100))
    if random.uniform() < 0.7:
        x = int(random.uniform(120, 175))
        image[60:200, x : x + 40] = random.uniform(20, 230, 3)
        image[60:200:9, x : x + 40] = random.uniform(20, 230, 3)


def watched(
    draws: Iterable[Draw], times: Iterable[float], background: Background | None = None
) -> list[tuple[float, tuple[StillObject, ...]]]:
    """What is at rest at each second."""
    known, arrivals = background or Background(), Arrivals(VIEW)
    said = []
    for time in times:
        image = place()
        for draw in draws:
            draw(image, time)
        known.step(picture(image, time), time)
        said.append((time, arrivals.step(known, time)))
    return said


def jpeg(image: ImageArray) -> ImageArray:
    """As coded by a camera."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 70])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
