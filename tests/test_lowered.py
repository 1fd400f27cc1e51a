"""Bodies from boxes alone: who is taken for lying, who for moving, and who is forgotten."""

from __future__ import annotations

import pytest

from tests.made import VIEW, every, scene, tracks
from veilleur.events.lowered import Lowered
from veilleur.perception.body import Body
from veilleur.perception.objects import Kind, Tracks

FALLS = 2.2
"""Upright until two seconds, and low from then on: 40 x 100 pixels, then what the test says."""


def lowered() -> Lowered:
    """Somebody who was a second old has stood for two more."""
    known = Lowered(VIEW)
    for time in every(0.2, 2.0):
        assert known.step(scene(time, tracks({1: (500.0, 500.0)}))) == ()
    return known


def low(
    known: Lowered, time: float, *, width: float = 100, height: float = 40, x: float = 500
) -> tuple[Body, ...]:
    return known.step(scene(time, tracks({1: (x, 500.0)}, width=width, height=height)))


def test_who_sinks_from_upright_to_a_low_wide_box_lies_there() -> None:
    known = lowered()
    for time in every(0.2, 4.0, since=FALLS):
        (body,) = low(known, time)
    assert body.key == 1
    assert body.box == tracks({1: (500.0, 500.0)}, width=100, height=40).box(1)
    assert (body.stood_px, body.upright_s, body.upright_until) == (
        100.0,
        3.0,
        2.0,
    )
    assert (body.down_since, body.still_since, body.lying_since) == (FALLS, FALLS, FALLS)
    assert body.lying == 1.0
    assert body.looks > 1


@pytest.mark.parametrize(
    ("width", "height", "lies"),
    [
        pytest.param(100, 45, True, id="just low enough"),
        pytest.param(100, 46, False, id="too high: sits, kneels"),
        pytest.param(45, 45, False, id="as high as wide: crouches"),
        pytest.param(46, 45, True, id="somewhat wider than high"),
    ],
)
def test_low_and_wider_than_high_is_lying(width: float, height: float, lies: bool) -> None:
    (body,) = low(lowered(), FALLS, width=width, height=height)
    assert body.lying == (1.0 if lies else 0.0)
    assert body.lying_since == (FALLS if lies else None)


def test_who_sits_up_from_lying_does_not_lie() -> None:
    known = lowered()
    low(known, FALLS)
    (body,) = low(known, 2.4, height=60)
    assert (body.lying, body.lying_since) == (0.0, None)


@pytest.mark.parametrize(("shift", "still_since"), [(15, FALLS), (16, 2.4)])
def test_a_side_that_shifts_by_more_than_a_seventh_of_the_height_has_moved(
    shift: float, still_since: float
) -> None:
    known = lowered()
    low(known, FALLS)
    (body,) = low(known, 2.4, x=500 + shift)
    assert body.still_since == still_since
    assert body.lying_since == FALLS


def test_the_reach_of_a_movement_grows_with_the_person() -> None:
    """Of somebody twice as tall, 16 pixels are unrest of the box."""
    known = Lowered(VIEW)
    for time in every(0.2, 2.0):
        known.step(scene(time, tracks({1: (500.0, 500.0)}, height=200, width=80)))
    low(known, FALLS, width=180, height=80)
    (body,) = low(known, 2.4, width=180, height=80, x=516)
    assert body.still_since == FALLS


def test_who_creeps_is_compared_with_where_he_rested() -> None:
    """Ten pixels twice are twenty."""
    known = lowered()
    low(known, FALLS)
    low(known, 2.4, x=510)
    (body,) = low(known, 2.6, x=520)
    assert body.still_since == 2.6


def test_who_stands_again_is_nobody_to_look_for() -> None:
    known = lowered()
    low(known, FALLS)
    assert known.step(scene(2.4, tracks({1: (500.0, 500.0)}))) == ()


def test_who_half_rises_is_followed_where_he_is() -> None:
    """Neither upright nor low: his box is the new one."""
    known = lowered()
    low(known, FALLS)
    half = tracks({1: (530.0, 500.0)}, width=60, height=72)
    (body,) = known.step(scene(2.4, half))
    assert body.box == half.box(1)
    assert body.still_since == 2.4


def test_who_was_seen_lying_is_kept_when_his_track_is_lost() -> None:
    known = lowered()
    low(known, FALLS)
    (body,) = known.step(scene(2.4, Tracks.none()))
    assert body.lying_since == FALLS
    (body,) = known.step(scene(60.0, Tracks.none()))
    assert body.still_since == FALLS


def test_who_only_sat_is_forgotten_when_his_track_is_lost() -> None:
    known = lowered()
    assert len(low(known, FALLS, height=60)) == 1
    assert known.step(scene(2.4, Tracks.none())) == ()


def test_a_vehicle_never_lies_there() -> None:
    known = Lowered(VIEW)
    for time in every(0.2, 2.0):
        known.step(scene(time, tracks({1: (500.0, 500.0)}, kind=Kind.VEHICLE)))
    low_box = tracks({1: (500.0, 500.0)}, width=100, height=40, kind=Kind.VEHICLE)
    assert known.step(scene(FALLS, low_box)) == ()


def test_a_picture_that_was_not_looked_at_changes_nothing() -> None:
    known = lowered()
    (body,) = low(known, FALLS)
    upright = tracks({1: (500.0, 500.0)})
    assert known.step(scene(2.4, upright, fresh=False)) == (body,)


def test_after_forgetting_nobody_is_known() -> None:
    known = lowered()
    low(known, FALLS)
    known.forget()
    assert known.step(scene(2.4, Tracks.none())) == ()
    assert low(known, 2.6) == ()
