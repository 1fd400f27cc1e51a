"""How far and for how long an object goes against the allowed way, which is to the left here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.made import VIEW, every
from veilleur.events.course import Course, Motion, Sample
from veilleur.events.heading import Headings
from veilleur.events.registry import parse_specification
from veilleur.geometry import Box, Zone
from veilleur.perception.objects import Kind

ALL = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
SPEC = parse_specification(
    {"id": "way", "event": "wrong_way", "zone": ALL, "allowed_heading": [-1, 0]}
)
HEIGHT, WIDTH = 100.0, 40.0


def motion(*, metric: bool = False, gap_s: float = 0.5, least: float = 0.3) -> Motion:
    headings = Headings(SPEC, VIEW, Zone.drawn(ALL, VIEW))
    return Motion(headings, metric=metric, angle_deg=60.0, gap_s=gap_s, min_speed_m_s=least)


def sample(time: float, x: float, y: float = 500.0, **more: Any) -> Sample:
    """Seen with its foot there; places are pixels."""
    return Sample(
        time=time,
        box=Box(x - WIDTH / 2, y - HEIGHT, x + WIDTH / 2, y),
        **{
            "place": np.array([x, y]),
            "foot": np.array([x, y]),
            "top": np.array([x, y - HEIGHT]),
            "height": HEIGHT,
            "width": WIDTH,
            **more,
        },
    )


def follow(
    samples: Iterable[Sample],
    *,
    by: Motion | None = None,
    kind: Kind = Kind.PERSON,
    least_px: float = 8.0,
    course: Course | None = None,
) -> Course:
    by, course = by or motion(), course or Course()
    for one in samples:
        by.follow(course, one, kind, least_px)
    return course


def going(times: Iterable[float], pace: float = 100.0, **more: Any) -> list[Sample]:
    """To the right, pixels a second."""
    return [sample(time, 300 + pace * time, **more) for time in times]


def towards(degrees: float, pace: float = 100.0) -> list[Sample]:
    """Straight for a second, so many degrees off the way right against."""
    dx, dy = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [sample(t, 400 + dx * pace * t, 500 + dy * pace * t) for t in every(0.2, 1.0)]


def test_what_goes_against_has_gone_so_far_since_it_began() -> None:
    course = follow(going(every(0.2, 1.0)))
    assert (course.began, course.last_against) == (0.0, 1.0)
    assert course.gone == pytest.approx(1.0)  # heights
    assert course.angle == pytest.approx(0.0, abs=1e-5)
    assert not course.told


def test_on_a_ground_distances_are_its_metres() -> None:
    metres = [
        replace(one, place=np.array([one.place[0] / 50, 0.0])) for one in going(every(0.2, 1.0))
    ]
    assert follow(metres, by=motion(metric=True)).gone == pytest.approx(2.0)


def test_three_sights_over_a_quarter_of_a_second_are_needed() -> None:
    assert follow(going([0.0, 0.5])).began is None
    assert follow(going([0.0, 0.12, 0.24])).began is None
    assert follow(going([0.0, 0.12, 0.25])).began == 0.0


def test_a_motion_begins_with_the_window_in_which_it_was_seen() -> None:
    """It stood for two seconds; the window is the last six tenths."""
    stood = [sample(t, 300.0) for t in every(0.1, 2.0)]
    went = [sample(t, 300 + 200 * (t - 2.0)) for t in every(0.1, 3.0, since=2.1)]
    course = follow([*stood, *went])
    assert course.began == pytest.approx(1.5)  # at 2.1 s it was seen to move
    assert course.gone == pytest.approx(2.0)


def test_of_rare_pictures_the_last_three_are_kept() -> None:
    course = follow(going([0.0, 1.0, 2.0, 3.0, 4.0]))
    assert [s.time for s in course.samples] == [2.0, 3.0, 4.0]
    assert course.gone == pytest.approx(4.0)
    course = follow(going(every(0.1, 2.0)))
    assert [s.time for s in course.samples] == pytest.approx(every(0.1, 2.0, since=1.4))


def test_the_same_picture_again_and_an_older_one_say_nothing() -> None:
    course = follow([*going(every(0.2, 1.0)), sample(1.0, 900.0), sample(0.9, 900.0)])
    assert course.gone == pytest.approx(1.0)
    assert len(course.samples) == 4


@pytest.mark.parametrize(("degrees", "against"), [(59, True), (61, False), (-59, True)])
def test_a_motion_begins_within_sixty_degrees_of_right_against(
    degrees: float, against: bool
) -> None:
    course = follow(towards(degrees))
    assert (course.began is not None) == against
    assert course.angle == pytest.approx(abs(degrees))


@pytest.mark.parametrize(("degrees", "goes_on"), [(74, True), (76, False)])
def test_a_motion_that_has_begun_may_turn_by_fifteen_degrees_more(
    degrees: float, goes_on: bool
) -> None:
    by = motion(gap_s=0.5)
    course = follow(towards(0), by=by)
    assert by.limit_deg(course) == 75.0
    assert by.limit_deg(Course()) == 60.0
    dx, dy = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = [
        sample(t, 500 + dx * 100 * (t - 1), 500 + dy * 100 * (t - 1))
        for t in every(0.2, 3.0, since=1.2)
    ]
    follow(turned, by=by, course=course)
    assert (course.began is not None) == goes_on


def test_a_pause_of_so_long_is_forgiven_and_ends_what_was_gone_when_longer() -> None:
    by = motion(gap_s=1.0)
    course = follow(going(every(0.2, 1.0)), by=by)
    for time in every(0.2, 4.0, since=1.2):
        follow([sample(time, 400.0)], by=by, course=course)
        if time <= course.last_against + 1.0:
            assert course.began == 0.0
        else:
            assert (course.began, course.gone) == (None, 0.0)


def test_who_was_told_of_is_watched_anew_when_his_motion_ends() -> None:
    course = follow(going(every(0.2, 1.0)))
    course.told = True
    follow([sample(t, 400.0) for t in every(0.2, 4.0, since=1.2)], course=course)
    assert not course.told
    assert course.watched == pytest.approx(course.last_against + 0.6, abs=0.11)
    untold = follow([sample(t, 400.0) for t in every(0.2, 4.0)])
    assert untold.watched == 0.0


def test_who_is_slower_than_anybody_walks_stands() -> None:
    """Three tenths of a metre are 0.176 heights."""
    for pace, angle in [(17.6, 180.0), (17.7, 0.0)]:
        assert follow(going(every(0.2, 1.0), pace)).angle == pytest.approx(angle, abs=1e-4)
    for pace, angle in [(0.29, 180.0), (0.31, 0.0)]:
        metres = [
            replace(one, place=np.array([pace * one.time, 0.0])) for one in going(every(0.2, 1.0))
        ]
        by = motion(metric=True)
        assert follow(metres, by=by).angle == pytest.approx(angle, abs=1e-4)


def test_a_place_that_is_not_known_is_no_motion() -> None:
    lost = [replace(one, place=np.array([np.nan, 0.0])) for one in going(every(0.2, 1.0))]
    assert follow(lost, by=motion(metric=True)).angle == 180.0


def test_a_narrow_object_is_not_judged_and_begins_anew() -> None:
    assert follow(going(every(0.2, 1.0), width=19.9), least_px=20.0).began is None
    assert follow(going(every(0.2, 1.0), width=20.0), least_px=20.0).began == 0.0


def test_an_object_once_wide_enough_may_shrink_by_a_fifth() -> None:
    for width, kept in [(16.0, 7), (15.9, 0)]:
        course = follow(going(every(0.1, 0.5), width=20.0), least_px=20.0)
        assert course.share == 0.8
        follow(going([0.6], width=width), least_px=20.0, course=course)
        assert len(course.samples) == (kept or 1)
    assert Course().share == 1.0


def jumping(stray: float) -> list[Sample]:
    """To the right, every other time so many pixels off its line to either side."""
    signs = [1, -1, 1, -1, 1, -1]
    return [
        sample(t, 300 + 100 * t, 500 + stray * sign)
        for t, sign in zip(every(0.2, 1.0), signs, strict=True)
    ]


def test_a_track_that_strays_from_its_line_is_no_motion() -> None:
    """More than 0.15 of the box's size, which is the root of 40 by 100."""
    assert follow(jumping(9.0)).began is not None
    assert follow(jumping(13.0)).began is None


def test_a_box_that_grows_does_not_travel() -> None:
    """Its upper edge must make a fifth of what its foot makes."""
    for share, against in [(0.19, False), (0.21, True)]:
        samples = [
            replace(one, top=np.array([300 + 100 * share * one.time, 400.0]))
            for one in going(every(0.2, 1.0))
        ]
        assert (follow(samples).began is not None) == against
        for cut in ("foot_cut", "top_cut"):
            there = [replace(one, **{cut: True}) for one in samples]  # type: ignore[arg-type]
            assert follow(there).began is not None or cut == "foot_cut"


def test_where_the_picture_cuts_off_the_foot_the_upper_edge_travels() -> None:
    at = [
        sample(t, 300.0, top=np.array([300 + 100 * t, 400.0]), foot_cut=n == 0)
        for n, t in enumerate(every(0.2, 0.6))
    ]
    assert follow(at).gone == pytest.approx(0.6)
    whole = [replace(one, foot_cut=False) for one in at]
    assert follow(whole).began is None
    metric = follow(at, by=motion(metric=True))
    assert metric.began is None  # on a ground only the foot has a place


def test_the_pixels_step_counts_where_it_is_known() -> None:
    """The box goes right, the pixels in it left, or the box stands and they go right."""
    left, right = np.array([-20.0, 0.0]), np.array([20.0, 0.0])
    course = follow(going(every(0.2, 1.0), step=left))
    assert (course.began, course.measured) == (None, True)
    assert course.angle == pytest.approx(180.0, abs=1e-4)
    stands = [sample(t, 300.0, step=right) for t in every(0.2, 1.0)]
    assert follow(stands).gone == pytest.approx(1.0)


def test_motion_is_measured_where_pixels_know_all_through_the_window() -> None:
    right = np.array([20.0, 0.0])
    steps = [None, right, right, right]
    known = [replace(s, step=d) for s, d in zip(going(every(0.2, 0.6)), steps, strict=True)]
    assert follow(known).measured
    assert not follow([*known[:2], replace(known[2], step=None), known[3]]).measured
    assert not follow(known[:1]).measured
    assert not Course().measured


def test_who_is_measured_may_stray_and_grow() -> None:
    """Pixels do not leap: the box's unrest says nothing against them."""
    right = np.array([20.0, 0.0])
    assert follow(replace(one, step=right) for one in jumping(13.0)).began is not None


@pytest.mark.parametrize(("until", "against"), [(1.9, False), (2.9, True)])
def test_a_vehicle_that_went_with_the_traffic_a_moment_ago_has_not_turned(
    until: float, against: bool
) -> None:
    by = motion()
    with_it = [sample(t, 700 - 200 * t) for t in every(0.1, 1.0)]
    course = follow(with_it, by=by, kind=Kind.VEHICLE)
    assert course.with_traffic == 1.0
    turned = [sample(t, 500 + 200 * (t - 1)) for t in every(0.1, until, since=1.1)]
    follow(turned, by=by, kind=Kind.VEHICLE, course=course)
    assert (course.began is not None) == against
    person = follow([*with_it, *turned], kind=Kind.PERSON)
    assert person.began is not None
    assert person.with_traffic == -math.inf


@pytest.mark.parametrize(("degrees", "with_traffic"), [(104, False), (106, True), (180, True)])
def test_with_the_traffic_is_what_is_as_near_to_it_as_against_is_to_the_opposite(
    degrees: float, with_traffic: bool
) -> None:
    course = follow(towards(degrees), kind=Kind.VEHICLE)
    assert (course.with_traffic == 1.0) == with_traffic
    stands = follow([sample(t, 300.0) for t in every(0.2, 1.0)], kind=Kind.VEHICLE)
    assert stands.with_traffic == -math.inf


@pytest.mark.parametrize(("pixels", "asked"), [(-4.9, True), (-5.1, False), (30.0, True)])
def test_pixels_are_asked_unless_the_box_clearly_goes_with_the_traffic(
    pixels: float, asked: bool
) -> None:
    """A twentieth of a height in one step."""
    before, now = sample(0.0, 500.0), sample(0.2, 500.0 + pixels)
    assert motion().may_be_against(before, now) == asked
    far = replace(now, place=np.array([500.0 + pixels / 100, 500.0]))
    near = replace(before, place=np.array([500.0, 500.0]))
    assert motion(metric=True).may_be_against(near, far) == asked
