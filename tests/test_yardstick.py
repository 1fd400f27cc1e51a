"""How large a thing is, measured in people: what is learnt of them, and how far they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.made import VIEW, scene, tracks
from veilleur.events.yardstick import Yardstick
from veilleur.geometry import Box, View
from veilleur.ground import ground_plane, person_height_px
from veilleur.perception.objects import Kind, Tracks

THING = Box(500, 470, 530, 500)
STEEP = ground_plane(
    {
        "image": [[0, 1], [1, 1], [0.6, 0.5], [0.4, 0.5]],
        "metres": [[0, 0], [4, 0], [4, 40], [0, 40]],
    },
    1000, 1000, Path(),
)  # fmt: skip
"""Its horizon lies somewhat above the middle of the picture."""


def people(n: int, height: float, foot: float) -> Tracks:
    """So many of this height, whose feet are on this line of the picture."""
    return tracks({k: (500.0, foot) for k in range(n)}, height=height)


def learnt(*of: tuple[float, Tracks], view: View = VIEW) -> Yardstick:
    known = Yardstick(view)
    for time, seen in of:
        known.learn(scene(time, seen))
    return known


def at(known: Yardstick, line: float) -> float | None:
    return known.person_px((500.0, line))


def test_nobody_seen_is_no_measure() -> None:
    known = learnt((0.0, Tracks.none()))
    assert at(known, 500) is None
    assert known.heights(THING) is None


def test_people_are_as_tall_as_those_seen_nearest_to_that_line() -> None:
    known = learnt((0.0, people(25, 50, 300)), (5.0, people(25, 200, 900)))
    assert [at(known, line) for line in (-40, 300, 580, 620, 900, 4000)] == [
        50, 50, 50, 200, 200, 200
    ]  # fmt: skip


def test_of_those_at_one_line_the_middle_height_counts() -> None:
    known = learnt(
        (0.0, people(1, 100, 500)), (5.0, people(1, 300, 500)), (10.0, people(1, 120, 500))
    )
    assert at(known, 500) == 120


@pytest.mark.parametrize(
    ("line", "near", "far"),
    [
        pytest.param(500, (50, 500), (200, 522), id="the line's band has its middle ten below"),
        pytest.param(499, (50, 499), (200, 478), id="and ten above"),
    ],
)
def test_lines_are_taken_together_by_their_middle(
    line: float, near: tuple[float, float], far: tuple[float, float]
) -> None:
    known = learnt((0.0, people(25, *near)), (5.0, people(25, *far)))
    assert at(known, line) == 50


def test_the_first_and_the_last_lines_have_people_of_their_own() -> None:
    heights = {10: 10.0, 31: 31.0, 969: 200.0, 990: 400.0}
    known = Yardstick(VIEW)
    for n, (line, height) in enumerate(heights.items()):
        feet = {k: (500.0, float(line)) for k in range(25)}
        seen = tracks(feet, height=min(height, line - 2))
        known.learn(scene(5.0 * n, seen))
    assert [at(known, line) for line in (0, 30, 970, 999)] == [8, 29, 200, 400]


def test_only_the_nearest_twenty_five_count() -> None:
    known = learnt((0.0, people(24, 50, 500)), (5.0, people(40, 200, 560)))
    assert at(known, 500) == 50
    known = learnt((0.0, people(12, 50, 500)), (5.0, people(40, 200, 560)))
    assert at(known, 500) == 200


def test_the_oldest_are_forgotten_after_four_hundred() -> None:
    known = learnt((0.0, people(400, 50, 500)), (5.0, people(399, 200, 900)))
    assert at(known, 500) == 200
    known = learnt((0.0, people(30, 50, 500)), (5.0, people(370, 200, 900)))
    assert at(known, 500) == 50


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(0.0, 150, id="the same picture: not looked at"),
        pytest.param(0.4, 150, id="too soon: not looked at"),
        pytest.param(0.5, 200, id="half a second later"),
        pytest.param(-1.0, 200, id="a clock set back"),
    ],
)
def test_people_are_looked_at_twice_a_second(second: float, expected: float) -> None:
    """The measure is taken again after five seconds; what counted until then is in it."""
    known = learnt((90.0, people(1, 100, 500)), (90.0 + second, people(1, 300, 500)))
    known.learn(scene(95.0 + second, people(1, 200, 500)))
    assert at(known, 500) == expected


@pytest.mark.parametrize(("second", "expected"), [(0.6, 100), (4.9, 100), (5.0, 150), (-1.0, 150)])
def test_the_measure_is_kept_for_five_seconds(second: float, expected: float) -> None:
    known = learnt((90.0, people(1, 100, 500)), (90.0 + second, people(1, 200, 500)))
    assert at(known, 500) == expected


def test_who_is_cut_by_the_picture_unseen_doubtful_or_no_person_is_no_measure() -> None:
    whole = people(1, 100, 500)
    unseen = replace(whole, seen=np.zeros(1, np.bool_))
    doubtful = replace(whole, scores=np.full(1, 0.49, np.float32))
    car = tracks({1: (500.0, 500.0)}, kind=Kind.VEHICLE)
    for nobody in (unseen, doubtful, car, people(1, 499, 500), people(1, 100, 999)):
        assert at(learnt((0.0, nobody)), 500) is None
    sure = replace(whole, scores=np.full(1, 0.5, np.float32))
    for somebody in (sure, people(1, 498.5, 500), people(1, 100, 998.5)):
        assert at(learnt((0.0, somebody)), 500) is not None


def test_who_cannot_be_measured_does_not_stop_the_others() -> None:
    """Nobody whole in this picture: the next one is looked at however soon."""
    known = learnt((0.0, people(1, 100, 999)), (0.1, people(1, 100, 500)))
    assert at(known, 500) == 100


def test_where_the_ground_is_known_it_says_how_tall_people_are() -> None:
    known = learnt((0.0, people(1, 100, 900)), view=View(1000, 1000, STEEP))
    assert at(known, 900) == person_height_px(STEEP, (500.0, 900.0))
    assert at(known, 100) == 100  # above the horizon, the people that were seen


def test_a_thing_is_as_large_as_its_longer_side() -> None:
    known = learnt((0.0, people(1, 100, 500)))
    assert known.heights(Box(500, 470, 560, 500)) == pytest.approx(0.6)
    assert known.heights(Box(500, 420, 560, 500)) == pytest.approx(0.8)


def apart(known: Yardstick, foot: tuple[float, float], height: float = 100.0) -> float:
    boxes = np.asarray(tracks({1: foot}, height=height).boxes, np.float64)
    return round(float(known.apart(boxes, THING, in_metres=False)[0]), 4)


@pytest.mark.parametrize(
    ("foot", "expected"),
    [
        pytest.param((480.0, 500.0), 0.2, id="left of it, touching it with the box's side"),
        pytest.param((550.0, 500.0), 0.2, id="right of it"),
        pytest.param((470.0, 540.0), 0.5, id="beside and nearer: three and four are five"),
        pytest.param((470.0, 460.0), 0.5, id="beside and further away"),
        pytest.param((515.0, 500.0), 0.0, id="over it"),
        pytest.param((515.0, 549.0), 0.0, id="before it, feet near"),
        pytest.param((515.0, 550.0), 0.5, id="before it, feet half a height away"),
        pytest.param((515.0, 610.0), 1.1, id="well before it"),
        pytest.param((481.0, 540.0), 0.0, id="covers its left edge"),
        pytest.param((549.0, 540.0), 0.0, id="covers its right edge"),
        pytest.param((515.0, 470.0), 0.3, id="ends where it begins"),
        pytest.param((515.0, 471.0), 0.0, id="covers its upper edge"),
    ],
)
def test_people_are_so_many_of_their_heights_away(
    foot: tuple[float, float], expected: float
) -> None:
    assert apart(Yardstick(VIEW), foot) == expected


def test_how_far_they_are_in_depth_follows_from_how_small_people_are_there() -> None:
    """A thousand pixels wide: 1000 / 50 - 1000 / 100 heights of a person."""
    known = learnt((0.0, people(25, 50, 300)), (5.0, people(25, 100, 500)))
    assert apart(known, (480.0, 300.0), height=50) == pytest.approx(np.hypot(0.4, 10), abs=1e-3)
    assert apart(known, (480.0, 500.0)) == 0.2


def test_a_box_of_no_height_is_a_pixel_high() -> None:
    assert apart(Yardstick(VIEW), (470.0, 500.0), height=0.0) == 30.0


def test_metres_are_those_of_the_ground_and_none_above_the_horizon() -> None:
    known = Yardstick(View(1000, 1000, STEEP))
    thing = Box(500, 950, 550, 1000)
    boxes = np.array([[230.0, 900.0, 270.0, 1000.0], [480.0, 50.0, 520.0, 150.0]])
    metres = known.apart(boxes, thing, in_metres=True)
    assert metres[0] == pytest.approx(1.0)  # 250 of 1000 pixels, four metres wide
    assert metres[1] == np.inf
    assert known.apart(boxes, thing, in_metres=False)[0] == pytest.approx(2.5)
