"""How far what is in a box has moved, by the pixels of two pictures."""

from __future__ import annotations

import numpy as np
import pytest

from veilleur.geometry import Box, ImageArray
from veilleur.perception.shifts import LARGEST_PX, PictureShifts

WIDE, HIGH = 320, 240


def road(*cars: tuple[float, float, int], size: int = 40, scale: int = 1) -> ImageArray:
    """Grey, with cars (left, top, number): each number has a face of its own."""
    picture = np.full((HIGH * scale, WIDE * scale), 90, np.uint8)
    for left, top, number in cars:
        face = np.random.default_rng(number).integers(0, 255, (8, 8), dtype=np.uint8)
        part = np.kron(face, np.ones((size * scale // 8,) * 2, np.uint8))
        x, y = round(left * scale), round(top * scale)
        picture[y : y + len(part), x : x + len(part)] = part
    return picture


def box(left: float, top: float, size: float = 40.0) -> Box:
    return Box(left, top, left + size, top + size)


def seen(before: ImageArray, now: ImageArray, width: int = WIDE) -> PictureShifts:
    shifts = PictureShifts()
    shifts.step(before, 1.0, width)
    shifts.step(now, 1.2, width)
    return shifts


@pytest.mark.parametrize("way", [(0, 0), (9, 0), (-30, 12), (3, -70)])
def test_it_is_as_far_as_the_car_moved(way: tuple[int, int]) -> None:
    shifts = seen(road((120, 100, 1)), road((120 + way[0], 100 + way[1], 1)))
    shift = shifts.of(box(120, 100), box(120 + way[0], 100 + way[1]))
    assert shift == pytest.approx(way, abs=1.0)
    assert shifts.since == 1.0


def test_a_box_that_slips_to_the_next_car_is_told_the_way_of_that_car() -> None:
    """Both cars go up by 10; the box goes down from the first to the second."""
    shifts = seen(road((120, 60, 1), (120, 120, 2)), road((120, 50, 1), (120, 110, 2)))
    assert shifts.of(box(120, 60), box(120, 110)) == pytest.approx((0, -10), abs=1.0)


def test_of_cars_that_look_alike_the_track_says_which() -> None:
    """A row of twins: each is where any other was, so the pixels alone could not say."""
    row = [(120.0, 20.0 + 50 * n, 7) for n in range(4)]
    shifts = seen(road(*row), road(*((x, y + 20, 7) for x, y, _ in row[:3])))
    assert shifts.of(box(120, 70), box(120, 90)) == pytest.approx((0, 20), abs=1.0)
    assert shifts.of(box(120, 120), box(120, 90)) == pytest.approx((0, -30), abs=1.0)


def test_nothing_is_said_where_nothing_fits() -> None:
    shifts = seen(road((120, 100, 1)), road((120, 100, 2)))
    assert shifts.of(box(120, 100), box(120, 100)) is None
    bare = seen(road(), road())
    assert bare.of(box(120, 100), box(120, 100)) is None
    assert shifts.of(box(240, 100), box(120, 100)) is None
    assert shifts.of(box(120, 100, 3.0), box(120, 100, 3.0)) is None


def test_boxes_at_and_beyond_the_edge_are_no_error() -> None:
    shifts = seen(road((280, 200, 1)), road((280, 190, 1)))
    assert shifts.of(box(280, 200), box(280, 190)) == pytest.approx((0, -10), abs=1.0)
    assert shifts.of(box(400, 300), box(500, 300)) is None


def test_there_must_be_a_picture_before_of_the_same_size_and_not_forgotten() -> None:
    shifts = PictureShifts()
    shifts.step(road((120, 100, 1)), 1.0, WIDE)
    assert shifts.since is None
    assert shifts.of(box(120, 100), box(120, 100)) is None
    shifts.step(road((120, 100, 1), scale=2), 1.2, WIDE)
    assert shifts.since is None
    shifts.step(road((125, 100, 1), scale=2), 1.4, WIDE)
    assert shifts.of(box(120, 100), box(125, 100)) == pytest.approx((5, 0), abs=1.0)
    shifts.forget()
    assert shifts.since is None
    assert shifts.of(box(120, 100), box(125, 100)) is None


def test_the_picture_is_copied_and_a_very_large_one_halved() -> None:
    scale = LARGEST_PX // WIDE + 2
    place = road((120, 100, 1), scale=scale)
    shifts = PictureShifts()
    shifts.step(place, 1.0, WIDE)
    place[:] = road((130, 100, 1), scale=scale)
    shifts.step(place, 1.2, WIDE)
    assert shifts.of(box(120, 100), box(130, 100)) == pytest.approx((10, 0), abs=1.0)
