"""Pixels as the decoder leaves them: three planes, 4:2:0.

A colour picture at full size costs ten times as much as one at the detector's size, so colour is
made only at the size, and of the part, that somebody asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

from veilleur.geometry import ImageArray


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A 4:2:0 picture. data: (height * 3 / 2, width) uint8, I420: planes Y, U, V in a row.

    Width and height are even. full_range: luma uses 0..255 (JPEG) instead of 16..235.
    """

    data: ImageArray
    full_range: bool = False

    @property
    def width(self) -> int:
        return int(self.data.shape[1])

    @property
    def height(self) -> int:
        return int(self.data.shape[0]) * 2 // 3

    @property
    def luma(self) -> ImageArray:
        """(height, width) uint8, a view on the data."""
        return self.data[: self.height]

    def bgr(
        self, width: int, height: int, region: tuple[int, int, int, int] | None = None
    ) -> ImageArray:
        """(height, width, 3) uint8 of the region x1 y1 x2 y2 (pixels; None: all of it), scaled."""
        raise NotImplementedError
