"""Who stood and does not any more: suspects, from boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.made import every
from veilleur.geometry import Box, View
from veilleur.ground import view_on
from veilleur.perception.objects import Detections, Kind, Tracks
from veilleur.perception.standing import Standing, Suspect

VIEW = View(1000, 1000)
UPRIGHT = Box(465, 500, 535, 700)
FLAT = Box(410, 640, 600, 700)
SITTING = Box(455, 550, 545, 700)


def tracks(
    boxes: dict[int, Box], age: float, *, kind: Kind = Kind.PERSON, speed: float = 0.0
) -> Tracks:
    n = len(boxes)
    rows = [(b.x1, b.y1, b.x2, b.y2) for b in boxes.values()]
    return Tracks(
        np.array(list(boxes), np.int64),
        np.array(rows, np.float32).reshape(-1, 4),
        np.full(n, kind, np.int8),
        np.full(n, 0.9, np.float32),
        np.full((n, 2), (speed, 0.0), np.float32),
        np.full(n, age, np.float32),
        np.ones(n, np.bool_),
    )


def stood(
    standing: Standing, box: Box = UPRIGHT, until: float = 2.0, *, speed: float = 0.0
) -> None:
    for time in every(0.2, until):
        standing.step(tracks({1: box}, time, speed=speed), Detections.none(), time)


def after(standing: Standing, box: Box | None, time: float, key: int = 1) -> tuple[Suspect, ...]:
    seen = tracks({} if box is None else {key: box}, time)
    standing.step(seen, Detections.none(), time)
    return standing.suspects()


def test_a_box_that_has_become_low_makes_a_suspect() -> None:
    standing = Standing(VIEW)
    stood(standing)
    assert standing.suspects() == ()
    assert standing.stands(1)
    (suspect,) = after(standing, FLAT, 2.2)
    assert (suspect.key, suspect.low, suspect.box) == (1, True, FLAT)
    assert suspect.stood_px == pytest.approx(200, rel=0.01)
    assert suspect.foot == UPRIGHT.foot
    assert suspect.upright_s == pytest.approx(2.0)
    assert suspect.upright_until == 2.0
    assert suspect.down_since == 2.2
    assert not standing.stands(1)


def test_a_track_lost_inside_the_picture_makes_a_suspect_after_a_moment() -> None:
    standing = Standing(VIEW)
    stood(standing)
    assert after(standing, None, 2.2) == ()
    (suspect,) = after(standing, None, 2.4)
    assert (suspect.low, suspect.box, suspect.down_since) == (False, UPRIGHT, 2.0)


@pytest.mark.parametrize(
    ("box", "speed"),
    [
        pytest.param(Box(5, 500, 75, 700), 0.0, id="at the left side"),
        pytest.param(Box(920, 500, 990, 700), 0.0, id="at the right side"),
        pytest.param(Box(80, 500, 150, 700), -200.0, id="on his way out"),
    ],
)
def test_who_leaves_by_a_side_is_no_suspect(box: Box, speed: float) -> None:
    standing = Standing(VIEW)
    stood(standing, box, speed=speed)
    assert after(standing, None, 3.0) == ()


def test_who_falls_towards_a_side_has_not_left() -> None:
    standing = Standing(VIEW)
    stood(standing, Box(200, 500, 270, 700))
    low = Box(60, 600, 240, 700)
    standing.step(tracks({1: low}, 2.2, speed=-300.0), Detections.none(), 2.2)
    (suspect,) = after(standing, None, 3.0)
    assert suspect.box == low


def test_who_sits_is_no_suspect_and_his_height_is_not_forgotten() -> None:
    standing = Standing(VIEW)
    stood(standing)
    for time in every(0.2, 6.0, since=2.2):
        assert after(standing, SITTING, time) == ()
    (suspect,) = after(standing, FLAT, 6.2)
    assert suspect.stood_px == pytest.approx(200, rel=0.01)
    assert suspect.upright_until == 2.0


def test_who_fell_long_after_standing_is_no_suspect() -> None:
    standing = Standing(VIEW)
    stood(standing)
    for time in every(0.2, 12.0, since=2.2):
        after(standing, SITTING, time)
    assert after(standing, FLAT, 12.2) == ()


def test_who_is_no_longer_slim_for_a_second_is_one_however_high() -> None:
    """Seen from above, whoever lies is hardly less high than upright."""
    standing = Standing(VIEW)
    stood(standing)
    wide = Box(400, 520, 580, 700)
    found = {time: len(after(standing, wide, time)) for time in every(0.2, 4.0, since=2.2)}
    assert next(time for time, many in found.items() if many) == 3.2


def test_who_lies_from_the_start_was_never_upright() -> None:
    standing = Standing(VIEW)
    stood(standing, FLAT)
    assert all(one.upright_s == 0 for one in after(standing, FLAT, 2.2))
    assert not standing.stands(1)


def test_whoever_walks_away_grows_smaller_and_stays_upright() -> None:
    standing = Standing(VIEW)
    for n, time in enumerate(every(0.2, 10.0)):
        height = 200 * 0.985**n
        box = Box(500 - height / 6, 700 - height, 500 + height / 6, 700)
        standing.step(tracks({1: box}, time), Detections.none(), time)
        assert standing.stands(1)


def test_a_track_that_begins_in_the_fall_is_as_tall_as_it_was_glimpsed() -> None:
    """A doubtful box of a moment before: too doubtful to begin a track, enough for a height."""
    standing = Standing(VIEW)
    glimpse = Detections(
        np.array([[465, 500, 535, 700]], np.float32),
        np.array([0.25], np.float32),
        np.array([Kind.PERSON], np.int8),
    )
    standing.step(Tracks.none(), glimpse, 0.0)
    standing.step(Tracks.none(), glimpse, 0.2)
    (suspect,) = after(standing, Box(440, 590, 540, 700), 0.4)
    assert suspect.stood_px == 200
    assert suspect.upright_until == 0.2


def test_only_people_are_watched() -> None:
    standing = Standing(VIEW)
    standing.step(tracks({1: UPRIGHT}, 0.0, kind=Kind.VEHICLE), Detections.none(), 0.0)
    assert not standing.anybody


@pytest.mark.parametrize("then", [1.0, 40.0])
def test_a_clock_that_steps_back_and_a_long_silence_forget_everybody(then: float) -> None:
    standing = Standing(VIEW)
    stood(standing)
    assert after(standing, None, then) == ()
    assert not standing.anybody


def test_where_the_ground_is_known_nobody_is_taller_than_a_tall_adult() -> None:
    """Two people one behind the other, in one box, are no giant."""
    lengths = [
        {"a": [0.2, 0.9], "b": [0.8, 0.9], "metres": 3.0},
        {"a": [0.35, 0.6], "b": [0.65, 0.6], "metres": 3.0},
        {"a": [0.2, 0.9], "b": [0.35, 0.6], "metres": 6.0},
        {"a": [0.8, 0.9], "b": [0.65, 0.6], "metres": 6.0},
    ]
    view = view_on({"lengths": lengths}, 1000, 1000, Path())
    plain, known = Standing(VIEW), Standing(view)
    giant = Box(400, 50, 600, 900)
    for standing in (plain, known):
        stood(standing, giant)
    (free,), (bound,) = (after(one, None, 3.0) for one in (plain, known))
    assert free.stood_px == pytest.approx(850, rel=0.01)
    assert bound.stood_px < 0.8 * free.stood_px
