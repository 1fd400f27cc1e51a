"""Flame and smoke, drawn: for training where real pictures are few, and for clips with exact truth.

What is drawn is no combustion: a field of noise climbs through a shape that narrows upwards, and
its height is a colour (dark red, orange, yellow, white), as flames have been drawn since Perlin,
"An image synthesizer" (SIGGRAPH 1985). Smoke is the same noise in a plume that widens, between grey
and the place behind it. Reported apart from real fire, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from veilleur.geometry import FloatArray, ImageArray

TEXTURE = 256  # pixels of the tile of noise
HEATS = np.array([0.0, 0.12, 0.35, 0.65, 1.0])
COLOURS = np.array(  # BGR at those heats
    [(0, 0, 40), (10, 30, 150), (15, 110, 255), (90, 215, 255), (235, 250, 255)], np.float64
)
COVERS = np.array([0.0, 0.35, 0.9, 1.0, 1.0])  # share of the place behind that a heat hides
GLOW = 0.25
SLICES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """One fire in one picture. Pixels and seconds.

    foot: middle of its base. width, height: of the flame at its full size; 0: smoke alone.
    begins_s: of the first flame; grows_s: from then to full size. smoke: opacity, 0 to about 2.
    grey: of the smoke, 0..255. smoke_size: its height and width, in heights and widths of the
    flame (of `width`, where there is none). seed: another one looks different. gain: brightness of
    the flame; over 1 a camera sees white.
    """

    foot: tuple[float, float]
    width: float
    height: float
    begins_s: float = 0.0
    grows_s: float = 4.0
    smoke: float = 0.6
    grey: float = 90.0
    smoke_size: float = 3.0
    seed: int = 0
    gain: float = 1.0
    heat: float = 1.0
    ragged: float = 0.0

    def size_at(self, time: float) -> float:
        """Share of the full size, 0..1: a fire's size goes about with the square of time (the
        t-squared fires of NFPA 204), its height with less; here it is linear from a third on."""
        age = time - self.begins_s
        if age < 0:
            return 0.0
        return 0.3 + 0.7 * min(age / self.grows_s, 1.0) if self.grows_s > 0 else 1.0

    def painted(self, image: ImageArray, time: float) -> ImageArray:
        """The (h, w, 3) BGR picture with this fire in it at that second."""
        share = self.size_at(time)
        if share == 0.0:
            return image
        out = image.astype(np.float32)
        if self.smoke > 0:
            self._smoke(out, time, share)
        if self.height > 0:
            self._flame(out, time, share)
        return np.clip(out, 0, 255).astype(np.uint8)

    def _smoke(self, out: FloatArray, time: float, share: float) -> None:
        wide = self.width * self.smoke_size * share
        high = max(self.height, self.width) * self.smoke_size * share
        base = self.foot[1] - 0.5 * self.height * share
        spot = _Spot.of(out, self.foot[0] - wide, base - high, 2 * wide, high)
        if spot is None:
            return
        cover, shade = smoke(spot.rows, spot.columns, time, self.seed)
        cover = 1 - np.exp(-self.smoke * cover)
        tone = np.clip(self.grey * (0.7 + 0.6 * shade), 0, 255)
        part = spot.part(out)
        part[:] = part + cover[..., None] * (tone[..., None] - part)

    def _flame(self, out: FloatArray, time: float, share: float) -> None:
        wide, high = self.width * share, self.height * share
        spot = _Spot.of(out, self.foot[0] - wide, self.foot[1] - 1.3 * high, 2 * wide, 1.45 * high)
        if spot is None:
            return
        heat = self.heat * flame(spot.rows, spot.columns, time, self.seed, self.ragged)
        cover = np.interp(heat, HEATS, COVERS)[..., None]
        colour = np.stack([np.interp(heat, HEATS, COLOURS[:, c]) for c in range(3)], axis=-1)
        part = spot.part(out)
        light = colour * self.gain * cover
        part[:] = part + light - cover * part
        blurred = cv2.GaussianBlur(light.astype(np.float32), (0, 0), max(1.0, 0.25 * wide))
        part[:] = part + GLOW * blurred.reshape(part.shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Spot:
    """Where in a picture something is drawn. rows, columns: (h, w) places in it, 0..1, y down."""

    x: slice
    y: slice
    rows: FloatArray
    columns: FloatArray

    @classmethod
    def of(
        cls, image: FloatArray, left: float, top: float, wide: float, high: float
    ) -> _Spot | None:
        x1, x2 = max(0, int(left)), min(image.shape[1], int(left + wide) + 1)
        y1, y2 = max(0, int(top)), min(image.shape[0], int(top + high) + 1)
        if x2 <= x1 or y2 <= y1 or wide < 2 or high < 2:
            return None
        columns, rows = np.meshgrid(
            (np.arange(x1, x2) + 0.5 - left) / wide, (np.arange(y1, y2) + 0.5 - top) / high
        )
        return cls(slice(x1, x2), slice(y1, y2), rows, columns)

    def part(self, image: FloatArray) -> FloatArray:
        return image[self.y, self.x]


def flame(
    rows: FloatArray, columns: FloatArray, time: float, seed: int, ragged: float = 0.0
) -> FloatArray:
    """Heat, 0..1, at places 0..1 of a box (y down)."""
    up = np.clip(1.0 - rows - 0.08, 0.0, 1.0)
    bend = _noise(0.35 + 0 * up, 0.5 * up - 0.55 * time, seed) - 0.5
    side = 4.0 * (columns - 0.5) + 2.2 * bend * up
    tongues = _noise(columns * 0.45, 0.5 * up - 0.9 * time, seed + 1) - 0.5
    fine = _noise(columns * 1.1, 1.1 * up - 1.6 * time, seed + 2) - 0.5
    beat = 0.14 * np.sin(2 * np.pi * (1.7 * time + 0.13 * seed)) + 0.10 * np.sin(17 * time + seed)
    body = 1.15 - side**2 / np.maximum(1.0 - 0.75 * up, 0.2) - (1.05 - beat) * up
    heat = body + (1.6 * tongues + 0.9 * fine) * (0.35 + up)
    if ragged > 0:
        gaps = _noise(1.7 * columns, 1.7 * up - 1.8 * time, seed + 3)
        heat = np.minimum(heat, 1.1) - ragged * np.clip(1.6 * gaps - 0.3, 0.0, 1.2)
    return np.asarray(np.clip(heat - 1.5 * (1 - _fading(rows, columns, 0.15)), 0, 1))


def smoke(
    rows: FloatArray, columns: FloatArray, time: float, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Thickness (0 to about 2) and shade (0..1) at places 0..1 of a box (y down)."""
    up = np.clip(1.0 - rows, 0.0, 1.0)
    bend = _noise(0.1 + 0 * up, 0.3 * up - 0.10 * time, seed + 5) - 0.5
    side = (columns - 0.5 - 0.5 * bend * up) / (0.06 + 0.22 * up)
    plume = np.exp(-0.5 * side**2) * np.clip(1.25 - up, 0, 1)
    curls = _noise(columns * 0.6, 0.6 * up - 0.22 * time, seed + 6)
    fine = _noise(columns * 1.5, 1.5 * up - 0.35 * time, seed + 7)
    thick = plume * np.clip(2.6 * curls + 0.9 * fine - 0.9, 0.0, 2.0) * _fading(rows, columns, 0.2)
    return np.asarray(thick), np.asarray(np.clip(0.65 * fine + 0.35 * curls, 0, 1))


def _fading(rows: FloatArray, columns: FloatArray, border: float) -> FloatArray:
    """1 within a box, down to 0 over its border: nothing is cut off."""
    inside = np.minimum(np.minimum(rows, 1 - rows), np.minimum(columns, 1 - columns))
    return np.asarray(np.clip(inside / border, 0.0, 1.0))


@cache
def _tile(seed: int) -> FloatArray:
    """(TEXTURE, TEXTURE) float32, noise of several sizes, 0..1; its edges fit together."""
    random = np.random.default_rng(seed)
    total = np.zeros((TEXTURE, TEXTURE), np.float32)
    for octave in range(2, SLICES + 2):
        cells = 2**octave
        grid = np.pad(random.random((cells, cells), np.float32), 2, mode="wrap")
        step = TEXTURE // cells
        large = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        within = slice(2 * step, 2 * step + TEXTURE)
        total += np.asarray(large, np.float32)[within, within] / np.float32(2 ** (0.9 * octave))
    low, high = np.quantile(total, (0.02, 0.98))
    return np.asarray(np.clip((total - low) / (high - low), 0, 1), np.float32)


def _noise(x: FloatArray, y: FloatArray, seed: int) -> FloatArray:
    """The tile's noise at places in tiles, round and round."""
    tile = _tile(seed % 64)
    across = np.asarray((x % 1.0) * TEXTURE, np.float32)
    down = np.asarray((y % 1.0) * TEXTURE, np.float32)
    found = cv2.remap(tile, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(found, np.float32)
