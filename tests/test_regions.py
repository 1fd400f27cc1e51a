"""Packing parts of a picture into one input, and carrying boxes back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_looking import WhiteBlobs, picture
from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, View
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.regions import (
    GAP,
    GREY,
    Layout,
    Place,
    Region,
    laid_out,
    merged,
    once,
    packed,
    region_of,
    through,
    to_view,
)

SIZES = st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=12)


def persons(*rows: tuple[float, float, float, float], scores: list[float]) -> Detections:
    n = len(rows)
    return Detections(
        np.array(rows, np.float32).reshape(n, 4),
        np.array(scores, np.float32),
        np.full(n, Kind.PERSON, np.int8),
    )


@given(SIZES)
def test_packed_rectangles_lie_inside_and_apart(sizes: list[tuple[int, int]]) -> None:
    corners = packed(sizes, 416, 256)
    if corners is None:
        return
    low, high = np.array(corners), np.array(corners) + np.array(sizes)
    assert (low >= 0).all()
    assert (high <= (416, 256)).all()
    for i in range(len(sizes)):
        for j in range(i):
            apart = np.concatenate([low[i] - high[j], low[j] - high[i]])
            assert apart.max() >= GAP


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=12))
def test_few_small_rectangles_always_fit(sizes: list[tuple[int, int]]) -> None:
    assert packed(sizes, 416, 256) is not None


def test_room_below_short_rectangles_is_used() -> None:
    tall, short = [(100, 250)], [(140, 110)] * 4
    assert packed(tall + short, 416, 256) is not None
    assert packed([*tall, (100, 130), (100, 120), (100, 110), (100, 120)], 312, 256) is not None


@pytest.mark.parametrize("size", [(417, 10), (10, 257)])
def test_what_is_larger_than_the_canvas_does_not_fit(size: tuple[int, int]) -> None:
    assert packed([size], 416, 256) is None


@given(
    st.tuples(st.integers(0, 500), st.integers(0, 250)),
    st.tuples(st.integers(20, 120), st.integers(20, 100)),
    st.floats(0.2, 2.0),
    st.tuples(st.floats(0.1, 0.5), st.floats(0.1, 0.5), st.floats(0.55, 0.9), st.floats(0.55, 0.9)),
)
def test_a_box_on_the_canvas_comes_back_to_where_it_was(
    corner: tuple[int, int],
    size: tuple[int, int],
    scale: float,
    part: tuple[float, float, float, float],
) -> None:
    shown = picture()
    region = region_of(Box(*corner, corner[0] + size[0], corner[1] + size[1]), scale, shown)
    assert region is not None
    layout = laid_out([region], 416, 256)
    assert layout is not None
    place = layout.places[0]
    box = np.array(part)
    on_canvas = box * ((place.width, place.height) * 2) + ((place.left, place.top) * 2)
    origin, extent = (region.x1, region.y1) * 2, (region.x2 - region.x1, region.y2 - region.y1) * 2
    back, _ = layout.back(persons(tuple(on_canvas), scores=[0.9]), shown)
    np.testing.assert_allclose(back.boxes, [box * extent + origin], atol=0.01)


def test_what_the_picture_holds_is_found_on_the_canvas_and_carried_back() -> None:
    people = [(40, 30, 60, 80), (300, 200, 340, 300), (600, 310, 616, 350)]
    shown = picture(*people)
    regions = [
        Region(20, 10, 80, 100, 1.5),
        Region(270, 170, 370, 330, 0.6),
        Region(570, 290, 640, 360, 2.0),
    ]
    layout = laid_out(regions, 416, 256)
    assert layout is not None
    found, cut = through(WhiteBlobs(), shown, layout)
    assert not cut.any()
    np.testing.assert_allclose(found.boxes[np.argsort(found.boxes[:, 0])], people, atol=1.0)
    np.testing.assert_allclose(
        to_view(found, shown, View(1280, 720)).boxes, found.boxes * 2, atol=1e-3
    )


def test_between_regions_the_canvas_is_grey() -> None:
    layout = Layout((Place(Region(0, 0, 40, 40, 1.0), 0, 0, 40, 40),), 416, 256, 1.0)
    canvas = layout.canvas(picture((0, 0, 640, 360))).bgr(416, 256)
    assert canvas[:38, :38].min() > 240
    assert np.abs(canvas[44:, 44:].astype(int) - GREY).max() <= 3


def test_a_region_has_the_same_colours_as_the_whole_picture() -> None:
    noise = np.random.default_rng(1).integers(40, 200, (60, 80, 3), np.uint8)
    smooth = cv2.resize(noise, (640, 360), interpolation=cv2.INTER_CUBIC)
    shown = Picture(np.asarray(cv2.cvtColor(smooth, cv2.COLOR_BGR2YUV_I420), np.uint8))
    layout = Layout((Place(Region(64, 32, 164, 132, 1.0), 0, 0, 100, 100),), 416, 256, 1.0)
    part = layout.canvas(shown).bgr(416, 256)[2:98, 2:98].astype(int)
    assert np.abs(part - shown.bgr(640, 360)[34:130, 66:162]).mean() < 2


@pytest.mark.parametrize(
    ("box", "is_cut"),
    [
        pytest.param((10, 10, 30, 40), False, id="inside"),
        pytest.param((10, 10, 100, 40), True, id="at the region's right border"),
        pytest.param((0, 10, 30, 40), False, id="at the picture's own border"),
    ],
)
def test_only_a_border_inside_the_picture_cuts(
    box: tuple[float, float, float, float], is_cut: bool
) -> None:
    layout = Layout((Place(Region(0, 0, 100, 100, 1.0), 0, 0, 100, 100),), 416, 256, 1.0)
    _, cut = layout.back(persons(box, scores=[0.9]), picture())
    assert cut.tolist() == [is_cut]


def test_a_cut_person_gives_way_to_the_same_person_seen_whole() -> None:
    found = persons((100, 100, 140, 200), (100, 100, 118, 200), scores=[0.6, 0.9])
    assert once(found, np.array([False, True])).boxes.tolist() == [[100, 100, 140, 200]]


def test_a_cut_person_whom_nobody_else_sees_stays() -> None:
    found = persons((100, 100, 140, 200), (300, 100, 318, 200), scores=[0.6, 0.9])
    assert len(once(found, np.array([False, True]))) == 2


def test_of_two_boxes_of_one_object_the_surer_stays_and_other_kinds_stay() -> None:
    found = Detections(
        np.array([[0, 0, 40, 80], [2, 0, 42, 80], [1, 0, 41, 80]], np.float32),
        np.array([0.5, 0.7, 0.6], np.float32),
        np.array([Kind.PERSON, Kind.PERSON, Kind.VEHICLE], np.int8),
    )
    assert once(found, np.zeros(3, np.bool_)).scores.tolist() == pytest.approx([0.7, 0.6])


def test_regions_are_joined_only_where_that_wastes_little() -> None:
    near = [Region(0, 0, 50, 100, 1.0), Region(40, 0, 90, 100, 1.0)]
    far = Region(400, 0, 450, 100, 1.0)
    assert merged([*near, far]) == [Region(0, 0, 90, 100, 1.0), far]


def test_regions_are_shrunk_as_little_as_it_takes_to_fit() -> None:
    large = Region(0, 0, 500, 300, 1.0)
    layout = laid_out([large], 416, 256)
    assert layout is not None
    assert layout.shrink == 0.8
    assert laid_out([Region(0, 0, 2000, 300, 1.0)], 416, 256) is None


def test_a_box_outside_the_picture_makes_no_region() -> None:
    assert region_of(Box(700, 10, 800, 90), 1.0, picture()) is None
