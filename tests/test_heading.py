"""Which way travel is allowed at a point: one arrow, or a drawn field of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.made import VIEW
from veilleur.errors import ConfigurationError
from veilleur.events.heading import Headings
from veilleur.events.registry import parse_specification
from veilleur.geometry import View, Zone
from veilleur.ground import ground_plane

ALL = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
ACROSS, UP = [1.0, 0.0], [0.0, -1.0]
STEEP = ground_plane(
    {
        "image": [[0, 1], [1, 1], [0.6, 0.5], [0.4, 0.5]],
        "metres": [[0, 0], [4, 0], [4, 40], [0, 40]],
    },
    1000, 1000, Path(),
)  # fmt: skip
"""Its horizon lies somewhat above the middle of the picture."""


def headings(view: View = VIEW, zone: list[list[float]] = ALL, **more: Any) -> Headings:
    spec = parse_specification({"id": "way", "event": "wrong_way", "zone": zone, **more})
    assert spec.zone is not None
    return Headings(spec, view, Zone.drawn(spec.zone, view))


def arrows(*of: tuple[float, float, list[float]]) -> list[dict[str, Any]]:
    return [{"at": [x, y], "heading": heading} for x, y, heading in of]


def at(known: Headings, x: float, y: float) -> list[float]:
    return [round(float(part), 4) for part in known.at(np.array([x, y]))]


@pytest.mark.parametrize("length", [0.0005, 0.5, 40.0])
def test_how_long_an_arrow_is_drawn_says_nothing(length: float) -> None:
    assert at(headings(allowed_heading=[length, 0]), 900, 100) == [1.0, 0.0]


def test_an_arrow_is_seen_in_pixels_of_the_picture() -> None:
    """Of a picture twice as wide as high, the diagonal leads two to the right for one down."""
    known = headings(View(2000, 1000), allowed_heading=[1.0, 1.0])
    assert at(known, 10, 10) == [round(2 / 5**0.5, 4), round(1 / 5**0.5, 4)]


def test_each_arrow_of_a_field_counts_alike_however_long() -> None:
    field = arrows((0.2, 0.5, [0.9, 0.0]), (0.8, 0.5, [0.0, -0.001]))
    assert at(headings(headings=field), 500, 500) == [0.7071, -0.7071]


def test_a_field_may_have_any_number_of_arrows() -> None:
    field = arrows((0.2, 0.5, [0.9, 0.0]), (0.8, 0.5, [0.0, -0.1]), (0.5, 0.9, [0.3, 0.3]))
    for view in (VIEW, View(1000, 1000, STEEP)):
        known = headings(view, headings=field)
        assert np.linalg.norm(known._arrows, axis=1) == pytest.approx([1.0, 1.0, 1.0])


def test_the_nearer_arrow_counts_by_the_square_of_the_distance() -> None:
    """Three times as near: nine times as much."""
    known = headings(headings=arrows((0.1, 0.5, ACROSS), (0.5, 0.5, UP)))
    right, down = at(known, 200, 500)
    assert right == pytest.approx(-9 * down, rel=1e-3)


def test_right_at_an_arrow_the_others_still_count_as_from_one_pixel() -> None:
    known = headings(headings=arrows((0.5, 0.5, ACROSS), (0.51, 0.5, UP)))
    right, down = at(known, 500, 500)
    assert right == pytest.approx(-100 * down, rel=1e-2)


def test_where_arrows_cancel_each_other_no_way_is_said() -> None:
    known = headings(headings=arrows((0.1, 0.5, ACROSS), (0.9, 0.5, [-1.0, 0.0])))
    assert at(known, 500, 500) == [0.0, 0.0]
    assert at(known, 460, 500) == [0.0, 0.0]  # 0.16 is left of it
    assert at(known, 440, 500) == [1.0, 0.0]  # 0.24 is


def test_on_a_ground_an_arrow_that_leads_away_leads_along_the_second_axis() -> None:
    along = headings(View(1000, 1000, STEEP), allowed_heading=[0, -1])
    assert at(along, 500, 900) == [0.0, 1.0]


def test_on_a_ground_each_arrow_of_a_field_is_a_unit_long() -> None:
    """Far off, a step in the picture is many metres: it must not outweigh the near one."""
    field = arrows((0.5, 0.9, [1.0, 0.0]), (0.5, 0.55, [0.0, -1.0]))
    known = headings(View(1000, 1000, STEEP), headings=field)
    assert at(known, 500, 725) == [0.7071, 0.7071]


def refused(**more: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as told:
        headings(**more)
    assert told.value.remedy
    assert "rule way" in told.value.message
    return told.value


def test_neither_or_both_kinds_of_heading_are_refused_at_the_setting() -> None:
    for more in ({}, {"allowed_heading": UP, "headings": arrows((0.5, 0.5, UP))}):
        told = refused(**more)
        assert told.setting == "allowed_heading"
        assert "exactly one" in told.message


def test_one_arrow_of_no_length_is_refused_at_its_own_setting() -> None:
    assert refused(allowed_heading=[0, 0]).setting == "allowed_heading"
    field = arrows((0.1, 0.5, UP), (0.9, 0.5, [0.0, 0.0]))
    assert refused(headings=field).setting == "headings"


def test_an_arrow_above_the_horizon_is_refused() -> None:
    told = refused(view=View(1000, 1000, STEEP), headings=arrows((0.5, 0.1, UP), (0.5, 0.9, UP)))
    assert told.setting == "headings"
    assert "horizon" in told.message
