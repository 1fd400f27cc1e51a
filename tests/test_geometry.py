"""Zones and lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilleur.errors import ConfigurationError
from veilleur.geometry import Line, View, Zone

VIEW = View(200, 100)
SQUARE = [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]
numbers = st.floats(0, 100, allow_nan=False)
points = st.tuples(numbers, numbers)


@pytest.mark.parametrize(
    ("corners", "word"),
    [
        pytest.param([(0.1, 0.1), (0.9, 0.9)], "polygon", id="two points"),
        pytest.param([(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)], "no area", id="on one line"),
        pytest.param([(0.5, 0.5)] * 4, "no area", id="on one spot"),
        pytest.param([(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)], "crosses itself", id="bow"),
        pytest.param([(0.1, 0.1), (1.2, 0.1), (0.5, 0.9)], "outside", id="outside the picture"),
        pytest.param([(0.1, float("nan")), (0.2, 0.1), (0.5, 0.9)], "numbers", id="no number"),
    ],
)
def test_a_zone_that_means_nothing_is_refused(
    corners: list[tuple[float, float]], word: str
) -> None:
    with pytest.raises(ConfigurationError, match=word) as caught:
        Zone.drawn(corners, VIEW, "zone")
    assert caught.value.setting == "zone"
    assert caught.value.remedy or word == "numbers"


def test_the_border_belongs_to_the_zone_and_nan_never_does() -> None:
    zone = Zone.drawn(SQUARE, VIEW)
    at = np.array([[100, 50], [50, 50], [49, 50], [100, 75], [100, 76], [np.nan, 50]])
    assert zone.contains(at).tolist() == [True, True, False, True, False, False]
    assert zone.area == 100 * 50


@given(points, st.lists(points, min_size=1, max_size=20))
def test_a_zone_holds_exactly_what_a_rectangle_holds(
    corner: tuple[float, float], at: list[tuple[float, float]]
) -> None:
    x, y = corner
    zone = Zone(np.array([[x, y], [x + 10, y], [x + 10, y + 20], [x, y + 20]]))
    tested = np.array(at)
    wanted = (tested >= (x, y)).all(axis=1) & (tested <= (x + 10, y + 20)).all(axis=1)
    assert zone.contains(tested).tolist() == wanted.tolist()


def test_the_edge_of_the_picture_is_no_border() -> None:
    """Nobody is half outside where the picture ends."""
    zone = Zone.drawn([(0, 0.5), (1, 0.5), (1, 1), (0, 1)], VIEW)
    distances = zone.border_distance(np.array([[100, 99], [1, 60]]), (200, 100))
    assert distances.tolist() == pytest.approx([49, 10], abs=1.1)
    whole = Zone.drawn([(0, 0), (1, 0), (1, 1), (0, 1)], VIEW)
    assert np.isinf(whole.border_distance(np.array([[1, 1]]), (200, 100))).all()


def test_left_and_right_are_those_of_a_walker_from_a_to_b() -> None:
    """Drawn from left to right, what is below (y down) lies on the right hand."""
    line = Line((0, 50), (100, 50))
    assert line.signed_distance(np.array([[50, 60], [50, 30]])).tolist() == [10, -20]
    down, up = np.array([[50, 40]]), np.array([[50, 60]])
    assert line.crossings(down, up).tolist() == [1]
    assert line.crossings(up, down).tolist() == [-1]
    back = Line((100, 50), (0, 50))
    assert back.crossings(down, up).tolist() == [-1]


def test_a_movement_past_the_end_of_the_line_does_not_cross_it() -> None:
    line = Line((0, 50), (100, 50))
    assert line.crossings(np.array([[120, 40]]), np.array([[120, 60]])).tolist() == [0]
    assert line.crossings(np.array([[90, 40]]), np.array([[130, 60]])).tolist() == [0]


@given(st.lists(points, min_size=2, max_size=30))
def test_whoever_crosses_ends_on_the_other_side(path: list[tuple[float, float]]) -> None:
    """A line across the whole picture: crossings add up to the change of sides, on or off it."""
    line = Line((-1e6, 50), (1e6, 50))
    at = np.array(path)
    sides = np.where(line.signed_distance(at) >= 0, 1, 0)
    assert line.crossings(at[:-1], at[1:]).sum() == sides[-1] - sides[0]


@given(points, points)
def test_turning_the_line_round_turns_the_direction_round(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    one, other = Line((50, -1e5), (50, 1e5)), Line((50, 1e5), (50, -1e5))
    if 50 in (start[0], end[0]):
        return  # on the line itself the two disagree about which side that is
    a, b = np.array([start]), np.array([end])
    assert one.crossings(a, b)[0] == -other.crossings(a, b)[0]


def test_a_line_without_length_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="same point"):
        Line.drawn([(0.5, 0.5), (0.5, 0.5)], VIEW)
    with pytest.raises(ConfigurationError, match="two ends"):
        Line.drawn([(0.5, 0.5), (0.6, 0.5), (0.7, 0.5)], VIEW)
