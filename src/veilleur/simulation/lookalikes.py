"""What looks like a fire that starts and is none, drawn into moving pictures: lights, signs, cloth,
sun, steam, leaves, fog. Each paints a (h, w, 3) BGR picture of a given second; sizes go with the
picture's height."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from veilleur.geometry import FloatArray, ImageArray
from veilleur.simulation.burning import Fire

Paint = Callable[[ImageArray, float], ImageArray]
Colour = tuple[int, int, int]
WHITE, AMBER, RED, ORANGE = (245, 250, 255), (60, 190, 255), (30, 30, 255), (20, 110, 250)
NIGHT = 0.25  # of the day's light


def lit(image: ImageArray, light: FloatArray, dim: float = NIGHT, halo: float = 0.8) -> ImageArray:
    """The picture, darkened, with that light added and a halo around it."""
    blur = cv2.GaussianBlur(light, (0, 0), image.shape[0] / 40)
    return np.asarray(np.clip(image * dim + light + halo * blur, 0, 255), np.uint8)


def discs(
    image: ImageArray, places: list[tuple[float, float]], size: float, colour: Colour
) -> FloatArray:
    """Light of discs at places in parts of the picture; size in parts of its height."""
    height, width = image.shape[:2]
    light = np.zeros(image.shape, np.float32)
    for x, y in places:
        at = int(x * width), int(y * height)
        cv2.circle(light, at, max(1, int(size * height)), colour, -1, cv2.LINE_AA)
    return light


def headlights(image: ImageArray, time: float) -> ImageArray:
    """A car at night comes nearer, every six seconds."""
    near = (time % 6.0) / 6.0
    x, y, size = 0.3 + 0.5 * near, 0.35 + 0.45 * near, 0.008 + 0.03 * near
    return lit(image, discs(image, [(x, y), (x + 0.02 + 0.1 * near, y)], size, WHITE))


def brake_lights(image: ImageArray, time: float) -> ImageArray:
    """A car that stands: red lights, brighter when it brakes, an indicator that blinks."""
    strength = 1.0 if time % 4.0 > 2.0 else 0.45
    light = discs(image, [(0.55, 0.6), (0.66, 0.6)], 0.018, RED) * np.float32(strength)
    if time % 0.8 < 0.4:
        light = light + discs(image, [(0.68, 0.6)], 0.014, AMBER)
    return lit(image, light, 0.4)


def lamp(image: ImageArray, time: float) -> ImageArray:
    """A lamp is switched on after six seconds and stays on."""
    light = discs(image, [(0.4, 0.3)], 0.03, AMBER) * np.float32(time > 6.0)
    return lit(image, light, 0.5)


def sign(image: ImageArray, time: float) -> ImageArray:
    """Red letters that blink once a second."""
    letters = np.zeros(image.shape, np.uint8)
    scale = image.shape[0] / 250
    if time % 1.0 < 0.6:
        at = int(0.3 * image.shape[1]), int(0.4 * image.shape[0])
        cv2.putText(letters, "OPEN", at, cv2.FONT_HERSHEY_DUPLEX, scale, ORANGE, 4, cv2.LINE_AA)
    return lit(image, letters.astype(np.float32), 0.5)


def screen(image: ImageArray, time: float) -> ImageArray:
    """A screen on which warm pictures change."""
    height, width = image.shape[:2]
    random = np.random.default_rng(int(time * 2))
    tile = random.uniform(60, 255, (4, 6, 3)) * (0.4, 0.8, 1.0)
    x1, y1, x2, y2 = int(0.4 * width), int(0.3 * height), int(0.55 * width), int(0.45 * height)
    out = image.copy()
    out[y1:y2, x1:x2] = cv2.resize(tile, (x2 - x1, y2 - y1)).clip(0, 255).astype(np.uint8)
    return out


def vests(image: ImageArray, time: float) -> ImageArray:
    """Two people in orange vests walk about: cloth that sways."""
    height, width = image.shape[:2]
    out = image.copy()
    for number in (0, 1):
        x = int((0.3 + 0.25 * np.sin(0.25 * time + 2 * number)) * width)
        y, tall = int((0.45 + 0.2 * number) * height), int(0.06 * height)
        wide = int(tall * (0.45 + 0.08 * np.sin(5 * time + number)))
        part = out[y : y + tall, x - wide : x + wide].astype(np.float32)
        shade = 0.6 + 0.4 * part.mean(axis=2, keepdims=True) / 255
        part[:] = np.array(ORANGE) * shade
        part[int(tall * 0.55) : int(tall * 0.7)] = 210
        out[y : y + tall, x - wide : x + wide] = part.astype(np.uint8)
        cv2.circle(out, (x, y - tall // 4), tall // 4, (90, 120, 160), -1, cv2.LINE_AA)
        cv2.rectangle(out, (x - wide, y + tall), (x + wide, y + 2 * tall), (60, 45, 40), -1)
    return out


def sun(image: ImageArray, time: float) -> ImageArray:
    """A low sun comes out from behind a cloud, slowly, with a warm glare."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    far = np.hypot(rows - 0.15 * height, columns - 0.7 * width) / height
    strength = min(max(time - 4.0, 0.0) / 8.0, 1.0) * (0.9 + 0.1 * np.sin(0.7 * time))
    glare = (strength / (1 + (far / 0.12) ** 2))[..., None] * (140, 210, 255)
    return np.asarray(np.clip(image + glare, 0, 255), np.uint8)


def steam(image: ImageArray, time: float) -> ImageArray:
    """A drain lets off a puff that is gone after two seconds, every five."""
    height, width = image.shape[:2]
    age = time % 5.0
    if age > 2.0:
        return image
    puff = Fire(
        foot=(0.5 * width, 0.75 * height),
        width=0.04 * width,
        height=0.0,
        begins_s=time - age,
        grows_s=2.0,
        smoke=1.2 * float(np.sin(np.pi * age / 2.0)),
        grey=225,
        smoke_size=2.0,
        seed=11,
    )
    return puff.painted(image, time)


def leaves(image: ImageArray, time: float) -> ImageArray:
    """Orange leaves blow over the ground."""
    height, width = image.shape[:2]
    random = np.random.default_rng(3)
    out = image.copy()
    for _ in range(120):
        x, y, speed, phase = random.uniform(0, 1, 4)
        gone = time * (0.03 + 0.05 * speed)
        at = int((x + gone) % 1.0 * width), int((0.5 + 0.5 * y) * height)
        axes = max(1, int(0.008 * height)), max(1, int(0.004 * height))
        turned = 360 * phase + 90 * time
        cv2.ellipse(out, at, axes, turned, 0, 360, (20, 90 + 90 * speed, 220), -1, cv2.LINE_AA)
    return out


def fog(image: ImageArray, time: float) -> ImageArray:
    """It thickens over the whole picture within fifteen seconds."""
    cover = 0.6 * min(time / 15.0, 1.0)
    return np.asarray(image + cover * (200.0 - image), np.uint8)


def lighter(image: ImageArray, time: float) -> ImageArray:
    """Somebody lights a cigarette: a flame of a sixtieth of the picture's height, for 1.5 s."""
    height, width = image.shape[:2]
    if not 6.0 <= time <= 7.5:
        return image
    size = height / 60
    flame = Fire(
        foot=(0.45 * width, 0.5 * height), width=size / 2, height=size, begins_s=0.0, smoke=0.0
    )
    return flame.painted(image, time)


LOOKALIKES: dict[str, Paint] = {
    paint.__name__: paint
    for paint in (
        *(headlights, brake_lights, lamp, sign, screen, vests, sun, steam, leaves, fog, lighter),
    )
}
