"""What looks like fire and is none, drawn into a picture: lamps, headlights, sun, vests, leaves,
signs, screens, wet roads, haze. And how a camera may show the same thing otherwise."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

Image = np.ndarray
LAMPS = ((255, 255, 255), (180, 235, 255), (90, 190, 255), (40, 120, 255), (40, 40, 255))
CLOTHS = ((20, 110, 255), (40, 60, 230), (30, 200, 250), (30, 230, 200), (60, 130, 220))


def lamps(image: Image, random: Generator) -> Image:
    """One to four lights with a halo: street lamps, headlights in pairs, brake lights."""
    side, out = image.shape[0], image.astype(np.float32)
    light = np.zeros_like(out)
    colour = LAMPS[random.integers(len(LAMPS))]
    radius = int(side * random.uniform(0.02, 0.16)) + 1
    x, y = random.uniform(0.2, 0.8, 2) * side
    for number in range(random.integers(1, 5)):
        at = (int(x + number * radius * random.uniform(2, 5)) % side, int(y + random.normal(0, 2)))
        axes = (radius, max(1, int(radius * random.uniform(0.6, 1.1))))
        cv2.ellipse(light, at, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)
    halo = cv2.GaussianBlur(light, (0, 0), radius * random.uniform(0.8, 3))
    out *= random.uniform(0.3, 1.0)
    out += light * random.uniform(0.8, 1.6) + halo * random.uniform(0.3, 1.3)
    if random.random() < 0.4:
        out += _streak(light, random)
    return _clipped(out)


def _streak(light: Image, random: Generator) -> Image:
    """The same lights drawn out: on a wet road, or on a scratched dome."""
    length = int(light.shape[0] * random.uniform(0.2, 0.9)) | 1
    kernel = np.full((length, 1), 3.0 / length, np.float32)
    return cv2.filter2D(light, -1, kernel if random.random() < 0.7 else kernel.T)


def sun(image: Image, random: Generator) -> Image:
    """Low sun or its glare: a large bright spot, warm around it."""
    side = image.shape[0]
    x, y = random.uniform(0, 1, 2) * side
    rows, columns = np.mgrid[:side, :side]
    far = np.hypot(rows - y, columns - x) / side
    core = 1 / (1 + (far / random.uniform(0.05, 0.3)) ** random.uniform(1.5, 3))
    warm = np.array([random.uniform(0.3, 1.0), random.uniform(0.6, 1.0), 1.0])
    out = image * random.uniform(0.4, 1.0) + 300 * core[..., None] * warm
    return _clipped(out)


def cloth(image: Image, random: Generator) -> Image:
    """A coat, vest, cone, bag or car of a fiery colour, with the shades of what was there."""
    side = image.shape[0]
    mask = np.zeros((side, side), np.float32)
    x, y = random.uniform(0.25, 0.75, 2) * side
    wide, high = random.uniform(0.1, 0.35, 2) * side
    turned = random.uniform(-30, 30)
    if random.random() < 0.5:
        cv2.ellipse(mask, (int(x), int(y)), (int(wide), int(high)), turned, 0, 360, 1.0, -1)
    else:
        corners = cv2.boxPoints(((x, y), (2 * wide, 2 * high), turned))
        cv2.fillPoly(mask, [corners.astype(np.int32)], 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), side * random.uniform(0.005, 0.03))[..., None]
    shade = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None] / 255.0
    colour = np.array(CLOTHS[random.integers(len(CLOTHS))]) * random.uniform(0.6, 1.1)
    own = colour * (random.uniform(0.35, 0.7) + random.uniform(0.4, 0.8) * shade)
    out = image + mask * (own - image)
    if random.random() < 0.5:  # reflecting stripes
        for _ in range(random.integers(1, 3)):
            at = int(y + random.uniform(-0.5, 0.5) * high)
            half = slice(max(0, int(x - wide)), int(x + wide))
            out[max(at, 0) : max(at, 0) + max(1, side // 30), half] = random.uniform(150, 250)
    return _clipped(out)


def autumn(image: Image, random: Generator) -> Image:
    """Leaves and bricks: everything turned towards brown and orange, or many small specks."""
    if random.random() < 0.4:
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(np.float32)
        hsv[..., 0] = random.uniform(4, 22) + random.normal(0, 3, hsv.shape[:2])
        hsv[..., 1] = np.clip(hsv[..., 1] * random.uniform(1, 1.5) + random.uniform(20, 90), 0, 190)
        hsv[..., 2] = np.clip(hsv[..., 2] * random.uniform(0.6, 1.0), 0, 200)
        hsv[..., 0] %= 180
        return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR)
    out, side = image.copy(), image.shape[0]
    for _ in range(random.integers(40, 250)):
        colour = np.array((20, random.uniform(60, 190), random.uniform(150, 250)))
        at = tuple(int(v) for v in random.uniform(0, side, 2))
        axes = tuple(int(v) for v in random.uniform(1, side * 0.05, 2) + 1)
        shade = (colour * random.uniform(0.5, 1)).tolist()
        cv2.ellipse(out, at, axes, random.uniform(0, 180), 0, 360, shade, -1, cv2.LINE_AA)
    return out


def sign(image: Image, random: Generator) -> Image:
    """Illuminated letters."""
    side = image.shape[0]
    letters = np.zeros(image.shape, np.uint8)
    colour = LAMPS[random.integers(len(LAMPS))]
    for line in range(random.integers(1, 4)):
        word = "".join(chr(65 + n) for n in random.integers(0, 26, random.integers(2, 8)))
        at = (int(side * random.uniform(0, 0.3)), int(side * (0.3 + 0.22 * line)))
        scale = random.uniform(0.4, 1.2) * side / 96
        cv2.putText(letters, word, at, cv2.FONT_HERSHEY_DUPLEX, scale, colour, 2, cv2.LINE_AA)
    light = letters.astype(np.float32)
    halo = cv2.GaussianBlur(light, (0, 0), side * random.uniform(0.01, 0.06))
    return _clipped(image * random.uniform(0.2, 0.9) + light + halo * random.uniform(0.3, 1.2))


def screen(image: Image, random: Generator) -> Image:
    """A lit rectangle with soft warm or white patches: a screen, a shop window, a lit door."""
    side = image.shape[0]
    small = random.uniform(0, 1, (random.integers(2, 7), random.integers(2, 7), 3))
    tint = np.array([random.uniform(0.2, 1), random.uniform(0.4, 1), 1.0])
    shown = cv2.resize(small * tint * 255, (side, side), interpolation=cv2.INTER_CUBIC)
    x1, y1 = (random.uniform(0, 0.5, 2) * side).astype(int)
    x2, y2 = x1 + int(random.uniform(0.2, 0.6) * side), y1 + int(random.uniform(0.2, 0.6) * side)
    out = image * random.uniform(0.3, 1)
    out[y1:y2, x1:x2] = shown[y1:y2, x1:x2] * random.uniform(0.8, 1.4) + random.uniform(0, 60)
    return _clipped(out)


def haze(image: Image, random: Generator) -> Image:
    """Fog, a dirty or misted dome, glare: even all over, so no smoke."""
    grey = random.uniform(120, 240)
    cover = random.uniform(0.2, 0.75)
    ramp = np.linspace(0, random.uniform(-0.2, 0.2), image.shape[0])[:, None, None]
    return _clipped(image + np.clip(cover + ramp, 0, 0.9) * (grey - image))


NO_FIRE: dict[str, Callable[[Image, Generator], Image]] = {
    "lamps": lamps,
    "sun": sun,
    "cloth": cloth,
    "leaves": autumn,
    "sign": sign,
    "screen": screen,
    "haze": haze,
}


def camera(image: Image, random: Generator) -> Image:
    """The same as another camera might show it: light, colours, sharpness, noise, compression."""
    out = image[:, ::-1] if random.random() < 0.5 else image
    out = out.astype(np.float32) * random.uniform(0.6, 1.35) + random.uniform(-20, 20)
    out *= random.uniform(0.92, 1.08, 3)
    grey = out.mean(axis=2, keepdims=True)
    colourful = 0.0 if random.random() < 0.05 else random.uniform(0.5, 1.3)
    out = _clipped(grey + colourful * (out - grey))
    if random.random() < 0.5:
        out = _coarser(out, random)
    if random.random() < 0.5:
        out = _clipped(out + random.normal(0, random.uniform(1, 9), out.shape))
    if random.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 95))]
        out = cv2.imdecode(cv2.imencode(".jpg", out, quality)[1], cv2.IMREAD_COLOR)
    return out


def _coarser(image: Image, random: Generator) -> Image:
    """As if it had been enlarged from fewer pixels."""
    side = image.shape[0]
    fewer = int(side * random.uniform(0.3, 0.9))
    small = cv2.resize(image, (fewer, fewer), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)


def _clipped(values: Image) -> Image:
    return np.clip(values, 0, 255).astype(np.uint8)
