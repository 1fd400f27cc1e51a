"""Privacy masks: parts of the picture that nobody and nothing may see.

They are burnt into the planes right after decoding, before anything else reads the picture, so
that what is masked exists nowhere: not in the detector's input, not in a still, not in evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.errors import ConfigurationError
from veilleur.geometry import BoolArray, FloatArray, ImageArray

Polygon = tuple[tuple[float, float], ...]
_BLACK_LIMITED, _BLACK_FULL, _GREY = 16, 0, 128


class Masks:
    """Polygons in relative coordinates (0..1), burnt in black, whole 2x2 blocks, border included.

    What a polygon touches is covered: rather a pixel too much than one too few. Rows of spans are
    prepared once for each picture size, so a stream that changes its resolution stays masked.
    ConfigurationError for a polygon with fewer than three corners or outside the picture.
    """

    def __init__(self, polygons: Sequence[Polygon] = ()) -> None:
        for polygon in polygons:
            _require_usable(polygon)
        self._polygons = tuple(polygons)
        self._prepared: dict[tuple[int, int], BoolArray] = {}

    def __bool__(self) -> bool:
        return bool(self._polygons)

    def burn(self, picture: Picture) -> None:
        """Blacken the masked parts, in place."""
        if not self._polygons:
            return
        size = picture.width, picture.height
        hidden = self._prepared.get(size)
        if hidden is None:
            self._prepared = {size: covered(self._polygons, size[0] // 2, size[1] // 2)}
            hidden = self._prepared[size]
        black = _BLACK_FULL if picture.full_range else _BLACK_LIMITED
        blocks = picture.luma.reshape(size[1] // 2, 2, size[0] // 2, 2)
        blocks.transpose(0, 2, 1, 3)[hidden] = black
        planes: ImageArray = picture.chroma
        for plane in planes:
            plane[hidden] = _GREY


def covered(polygons: Sequence[Polygon], width: int, height: int) -> BoolArray:
    """(height, width) bool: the cells that the polygons touch, on a grid over the picture."""
    cells = np.zeros((height, width), np.bool_)
    for polygon in polygons:
        corners = np.asarray(polygon, np.float64) * (width, height)
        # Eight scan lines a row see everything but slivers; the outline is drawn besides.
        for row in range(height):
            for y in row + (np.arange(8) + 0.5) / 8:
                for left, right in _spans(corners, float(y)):
                    cells[row, max(0, int(left)) : max(0, int(np.ceil(right)))] = True
        _draw_outline(cells, corners)
    return cells


def _spans(corners: FloatArray, y: float) -> list[tuple[float, float]]:
    """Where the line at height y runs inside the polygon (even-odd rule)."""
    one, two = corners, np.roll(corners, -1, axis=0)
    cut = (one[:, 1] <= y) != (two[:, 1] <= y)
    a, b = one[cut], two[cut]
    xs = np.sort(a[:, 0] + (y - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])).tolist()
    return list(zip(xs[::2], xs[1::2], strict=True))


def _draw_outline(cells: BoolArray, corners: FloatArray) -> None:
    height, width = cells.shape
    for one, two in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        points = np.linspace(one, two, 2 + 4 * int(np.abs(two - one).max()))
        x = np.clip(points[:, 0].astype(int), 0, width - 1)
        y = np.clip(points[:, 1].astype(int), 0, height - 1)
        cells[y, x] = True


def _require_usable(polygon: Polygon) -> None:
    if len(polygon) < 3:
        raise ConfigurationError(
            f"a privacy mask with {len(polygon)} corners covers nothing",
            remedy="give at least three corners",
            setting="masks",
        )
    if not all(0.0 <= value <= 1.0 for corner in polygon for value in corner):
        raise ConfigurationError(
            f"a privacy mask reaches outside the picture: {polygon}",
            remedy="corners are relative to the picture, from 0 to 1",
            setting="masks",
        )
