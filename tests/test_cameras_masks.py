"""What is masked exists nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon as Shape
from shapely.geometry import box

from veilleur.cameras.decoding import Decoded
from veilleur.cameras.frame import Activity
from veilleur.cameras.masks import Masks, covered
from veilleur.cameras.picture import Picture
from veilleur.cameras.sampling import Sampler
from veilleur.errors import ConfigurationError
from veilleur.geometry import ImageArray

HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
corner = st.tuples(st.floats(0, 1), st.floats(0, 1))


def bright(width: int, height: int, *, full_range: bool = False) -> Picture:
    return Picture(np.full((height * 3 // 2, width), 200, np.uint8), full_range)


@pytest.mark.parametrize(("full_range", "black"), [(False, 16), (True, 0)])
def test_every_plane_is_covered_and_nothing_beside_it(full_range: bool, black: int) -> None:
    picture = bright(64, 48, full_range=full_range)
    Masks([HALF]).burn(picture)
    assert (picture.luma[:, :32] == black).all()
    assert (picture.luma[:, 34:] == 200).all()
    assert (picture.chroma[:, :, :16] == 128).all()
    assert (picture.chroma[:, :, 17:] == 200).all()


def test_masks_stay_in_place_when_the_resolution_changes() -> None:
    masks = Masks([HALF])
    for width, height in ((64, 48), (1280, 720), (64, 48)):
        picture = bright(width, height)
        masks.burn(picture)
        assert (picture.luma[:, : width // 2] == 16).all()
        assert (picture.luma[:, width // 2 + 2 :] == 200).all()


@given(st.lists(corner, min_size=3, max_size=6))
def test_whatever_a_polygon_touches_is_covered(polygon: list[tuple[float, float]]) -> None:
    cells = covered([tuple(polygon)], 16, 12)
    shape = Shape(polygon)
    if not shape.is_valid:
        return
    for y, x in np.ndindex(12, 16):
        cell = box(x / 16, y / 12, (x + 1) / 16, (y + 1) / 12)
        # A tenth of a cell inside must be covered: slivers are drawn as lines.
        if shape.intersection(cell).area > 0.1 * cell.area:
            assert cells[y, x]


def test_a_sliver_covers_what_it_touches() -> None:
    cells = covered([((0.05, 0.52), (0.95, 0.5201), (0.95, 0.52))], 16, 12)
    assert cells[6, 1:15].all()


@pytest.mark.parametrize("polygon", [((0.1, 0.1), (0.9, 0.9)), ((0, 0), (1.5, 0), (1, 1))])
def test_a_mask_that_covers_nothing_or_lies_outside_is_a_mistake(
    polygon: tuple[tuple[float, float], ...],
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Masks([polygon])
    assert caught.value.setting == "masks"


class Watcher:
    """Stands for health and activity, and keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list[ImageArray] = []

    def step(self, thumbnail: ImageArray, time: float) -> Activity:
        self.seen.append(thumbnail)
        return Activity(0.25, everywhere=False)


def test_the_sampler_masks_before_anything_else_looks() -> None:
    watcher = Watcher()
    sampler = Sampler("gate", masks=Masks([HALF]), activity=watcher)
    frames = [sampler.step(Decoded(bright(320, 180), t, 9.0 + t, False)) for t in (0.0, 0.2)]
    assert [f.sequence for f in frames] == [0, 1]
    assert [f.time for f in frames] == [0.0, 0.2]
    assert frames[1].activity.moved == 0.25
    assert all((small[:, :79] == 16).all() for small in watcher.seen)
