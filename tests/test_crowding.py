"""How well people can be counted: what pictures show of it, and when a camera is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.made import scene
from veilleur.events.crowding import (
    MEMORY,
    CrowdMeter,
    CrowdStatistics,
    _heights_at,
    fitness,
    hidden_share,
    screened_share,
    standing_points,
)
from veilleur.geometry import FloatArray, Zone
from veilleur.perception.objects import Detections, Kind, Tracks

GOOD = CrowdStatistics(people=60, height_px=24.0, hidden=0.15, sure=0.35, screened=1 / 3)


def zone(x1: float = 0, y1: float = 0, x2: float = 1000, y2: float = 1000) -> Zone:
    return Zone(np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64))


def boxes(*of: tuple[float, float, float, float]) -> FloatArray:
    return np.array(of, np.float64).reshape(-1, 4)


def found(*scores: float, height: float = 100, kind: Kind = Kind.PERSON) -> Detections:
    """People beside each other, none hiding another."""
    rows = [(50 * n, 900 - height, 50 * n + 40, 900) for n in range(len(scores))]
    return Detections(
        np.array(rows, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.full(len(scores), kind, np.int8),
    )


def told(*seen: Detections, **more: Any) -> CrowdStatistics:
    meter = CrowdMeter()
    for time, detections in enumerate(seen):
        meter.update(scene(float(time), Tracks.none(), detections=detections, **more))
    return meter.statistics


def test_what_is_just_good_enough_is_not_refused() -> None:
    assert fitness(GOOD) is None


@pytest.mark.parametrize(
    ("worse", "words"),
    [
        ({"height_px": 23.4}, "people are 23 px high, 24 are needed to count"),
        ({"sure": 0.34}, "only 34% of the people found are sure, 35% are needed"),
        ({"hidden": 0.16}, "people hide 16% of each other, up to 15% can be counted"),
        ({"screened": 0.34}, "the people in front hide 34% of the zone, up to 33% can be counted"),
    ],
)
def test_what_is_a_little_worse_is_refused_with_its_number(
    worse: dict[str, float], words: str
) -> None:
    seen = replace(GOOD, **worse)  # type: ignore[arg-type]
    assert fitness(seen) == words
    assert fitness(replace(seen, people=59)) is None


def test_people_are_counted_from_three_tenths_and_are_sure_from_a_half() -> None:
    seen = told(found(0.31, 0.29, 0.5, 0.49, 0.9))
    assert (seen.people, seen.sure) == (4, 0.5)
    assert (seen.height_px, seen.hidden, seen.screened) == (100.0, 0.0, 0.0)


def test_pictures_add_up_and_the_height_is_the_middle_one() -> None:
    seen = told(found(0.9), found(0.9, 0.4, height=50), found(0.9, height=60))
    assert (seen.people, seen.sure) == (4, 0.75)
    assert seen.height_px == 60.0


def test_a_picture_without_a_sure_person_shows_no_height() -> None:
    seen = told(found(0.4), found(0.9, height=50))
    assert (seen.people, seen.sure, seen.height_px) == (2, 0.5, 50.0)
    seen = told(found(0.4))
    assert (seen.people, seen.sure, seen.height_px, seen.hidden) == (1, 0.0, np.inf, 0.0)
    assert told() == CrowdStatistics(0, np.inf, 0.0, 0.0)


def test_pictures_without_people_say_nothing() -> None:
    empty, cars = found(), found(0.9, kind=Kind.VEHICLE)
    assert told(empty, found(0.2), cars, found(0.9)) == told(found(0.9))
    assert told(found(0.9), blind="dark").people == 0
    assert told(found(0.9), fresh=False).people == 0


def test_the_latest_pictures_count() -> None:
    meter = CrowdMeter()
    for n in range(MEMORY + 1):
        height = 10 if n == 0 else 100
        seen = found(*[0.9] * (2 if n == 0 else 1), height=height)
        meter.update(scene(float(n), Tracks.none(), detections=seen))
    assert meter.statistics.people == MEMORY
    assert meter.statistics.height_px == 100.0


def test_a_meter_with_a_zone_tells_how_much_of_it_people_hide() -> None:
    """A closed row: whose feet are up to half a height behind theirs, in seven rows of twelve."""
    rows = [(100 * n, 300, 100 * n + 100, 600) for n in range(10)]
    row = Detections(np.array(rows, np.float32), np.ones(10, np.float32), np.zeros(10, np.int8))
    meter = CrowdMeter(zone(y1=400, y2=640))
    meter.update(scene(0.0, Tracks.none(), detections=row))
    assert meter.statistics.screened == pytest.approx(7 / 12)


def test_only_what_is_nearer_hides() -> None:
    behind, before, level = (0, 0, 10, 20), (5, 10, 15, 40), (5, 0, 15, 20)
    assert hidden_share(boxes(behind, before)) == pytest.approx(0.125)
    assert hidden_share(boxes(behind, level)) == 0.0
    assert hidden_share(boxes(behind)) == 0.0
    assert hidden_share(boxes()) == 0.0


def test_of_several_nearer_ones_the_one_that_hides_most_counts() -> None:
    behind = (0, 0, 10, 20)
    half, quarter = (0, 10, 10, 40), (0, 15, 10, 41)
    assert hidden_share(boxes(behind, half)) == pytest.approx(0.25)
    both = hidden_share(boxes(behind, half, quarter))
    assert both == pytest.approx((0.5 + 25 / 30) / 3)


def test_places_to_stand_are_spread_over_the_zone() -> None:
    places = standing_points(zone(x1=100, y1=500, x2=220, y2=740))
    assert len(places) == 144
    assert places[0].tolist() == [105.0, 510.0]
    assert places[-1].tolist() == [215.0, 730.0]
    triangle = Zone(np.array([[0.0, 0], [120, 0], [0, 120]]))
    assert 60 <= len(standing_points(triangle)) <= 78


def hidden_at(x: float, y: float, *people: tuple[float, float, float, float]) -> float:
    return screened_share(boxes(*people), np.array([[x, y]]))


def test_somebody_is_hidden_behind_who_covers_six_tenths_of_him() -> None:
    """He would be as tall and broad as they: 100 by 300. Looked at are 25 parts of his box."""
    wall = (0.0, 300.0, 100.0, 600.0)
    assert hidden_at(50, 590, wall) == 1.0
    assert hidden_at(50, 490, wall) == 1.0  # his lower three parts of five
    assert hidden_at(50, 430, wall) == 0.0
    assert hidden_at(50, 600, wall) == 0.0  # as near as they
    assert hidden_at(50, 610, wall) == 0.0
    assert [hidden_at(x, 590, wall) for x in (-1, 1, 99, 101)] == [0.0, 1.0, 1.0, 0.0]


def test_several_together_hide_somebody() -> None:
    left, right = (0.0, 300.0, 100.0, 600.0), (100.0, 300.0, 200.0, 600.0)
    assert hidden_at(100, 590, left, right) == 1.0
    assert hidden_at(100, 590, left) == 0.0
    twice = hidden_at(110, 590, left, left)
    assert twice == 0.0  # the same part covered twice is covered once


def test_nobody_hides_nothing_and_where_nobody_can_stand_nothing_is_hidden() -> None:
    assert hidden_at(50, 590) == 0.0
    assert screened_share(boxes((0, 300, 100, 600)), np.zeros((0, 2))) == 0.0
    two = np.array([[50.0, 590.0], [500.0, 590.0]])
    assert screened_share(boxes((0, 300, 100, 600)), two) == 0.5


def tall_at(line: float, *people: tuple[float, float]) -> float:
    """How tall somebody would be whose feet are there: people are told by foot and height."""
    rows = boxes(*((0.0, foot - height, 30.0, foot) for foot, height in people))
    return float(_heights_at(rows, np.array([line]))[0])


@pytest.mark.parametrize(
    ("line", "height"), [(300, 150), (500, 250), (600, 300), (100, 112.5), (1200, 450)]
)
def test_how_tall_he_would_be_follows_the_line_through_their_heights(
    line: float, height: float
) -> None:
    """But no less than half of the middle one, nor more than twice."""
    people = (300.0, 150.0), (450.0, 225.0), (600.0, 300.0)
    assert tall_at(line, *people) == pytest.approx(height)


def test_two_or_all_at_about_one_line_are_no_line() -> None:
    assert tall_at(300, (300, 150), (600, 300)) == 225.0
    assert tall_at(500, (500, 100), (520, 200), (549, 300)) == 200.0
    assert tall_at(500, (500, 100), (525, 200), (550, 300)) == pytest.approx(100.0)
