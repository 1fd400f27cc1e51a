"""What is usual at an hour: sums of speeds and directions, and which way the stream goes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from veilleur.events.usual import ENOUGH_S, Usual, UsualState, sectors, stream
from veilleur.geometry import FloatArray

NOON, EVENING = datetime(2026, 6, 15, 12, 30, tzinfo=UTC), datetime(2026, 6, 15, 20, tzinfo=UTC)


def ways(*of: tuple[float, float]) -> FloatArray:
    """Velocities of people: m/s, and degrees from the right, downwards."""
    angles = np.radians([degrees for _, degrees in of])
    speeds = np.array([speed for speed, _ in of])
    return np.stack([speeds * np.cos(angles), speeds * np.sin(angles)], axis=1)


def learnt(seconds: float, *of: tuple[float, float]) -> Usual:
    usual = Usual()
    usual.learn(ways(*of), seconds, NOON)
    return usual


def test_too_little_is_known_below_six_hundred_person_seconds() -> None:
    short, enough = learnt(599.0, (1.0, 0.0)), learnt(ENOUGH_S, (1.0, 0.0))
    assert (short.fast_m_s(NOON), short.directions(NOON)) == (0.0, None)
    assert enough.fast_m_s(NOON) == 1.25
    known = enough.directions(NOON)
    assert known is not None
    assert known.tolist() == [600.0] + [0.0] * 15


def test_each_hour_is_known_apart_and_so_is_time_without_a_clock() -> None:
    usual = learnt(600.0, (1.0, 0.0))
    assert usual.fast_m_s(EVENING) == usual.fast_m_s(None) == 0.0
    assert usual.directions(EVENING) is None
    usual.learn(ways((2.0, 90.0)), 600.0, None)
    assert (usual.fast_m_s(None), usual.fast_m_s(NOON)) == (2.25, 1.25)
    assert usual.state.speeds[24].sum() == usual.state.speeds[12].sum() == 600.0


def test_the_usual_speed_is_that_which_two_of_a_hundred_exceed() -> None:
    for quick_s, fast in [(12.0, 1.25), (13.0, 3.25)]:
        usual = learnt(600.0 - quick_s, (1.0, 0.0))
        usual.learn(ways((3.0, 0.0)), quick_s, NOON)
        assert usual.fast_m_s(NOON) == fast


def test_people_count_each_by_the_seconds_that_passed() -> None:
    usual = learnt(300.0, (1.0, 0.0), (1.1, 180.0))
    assert usual.fast_m_s(NOON) == 1.25
    usual.learn(ways((1.0, 0.0)), 100.0, NOON)
    assert usual.state.speeds[12, 4] == 700.0
    assert usual.state.directions[12].tolist() == [400.0] + [0.0] * 7 + [300.0] + [0.0] * 7


def test_speeds_go_by_quarter_metres_and_the_last_step_holds_all_beyond() -> None:
    for speed, step in [(0.0, 0), (0.2, 0), (0.25, 1), (5.74, 22), (5.75, 23), (40.0, 23)]:
        assert learnt(1.0, (speed, 0.0)).state.speeds[12].argmax() == step


def test_what_was_kept_of_an_earlier_run_is_added_to() -> None:
    kept = learnt(400.0, (1.0, 0.0)).state
    usual = Usual(kept)
    usual.learn(ways((1.0, 0.0)), 200.0, NOON)
    assert usual.fast_m_s(NOON) == 1.25
    assert usual.directions(NOON) is not None
    assert kept.speeds.sum() == kept.directions.sum() == 400.0
    assert isinstance(usual.state, UsualState)
    assert (usual.state.speeds.shape, usual.state.directions.shape) == ((25, 24), (25, 16))


def test_what_is_told_is_a_copy() -> None:
    usual = learnt(600.0, (1.0, 0.0))
    told = usual.directions(NOON)
    assert told is not None
    told += 1
    usual.state.speeds[:] = 0
    usual.state.directions[:] = 0
    assert usual.directions(NOON) is not None
    assert usual.fast_m_s(NOON) == 1.25


def test_who_is_slower_than_half_a_metre_a_second_goes_nowhere() -> None:
    assert sectors(ways((0.49, 0.0))).sum() == 0.0
    assert sectors(np.array([[0.5, 0.0], [0.3, 0.4]])).sum() == 2.0
    assert sectors(np.zeros((0, 2))).tolist() == [0.0] * 16


@pytest.mark.parametrize(
    ("degrees", "sector"),
    [(0.0, 0), (22.0, 0), (23.0, 1), (91.0, 4), (181.0, 8), (271.0, 12), (359.0, 15), (-1e-15, 0)],
)
def test_the_circle_has_sixteen_sectors_from_the_right_downwards(
    degrees: float, sector: int
) -> None:
    assert sectors(ways((1.0, degrees))).argmax() == sector


def test_the_stream_is_what_goes_within_sixty_degrees_of_one_heading() -> None:
    """Two sectors on either side of it: four apart are one stream, five are not."""
    directions = np.zeros(16)
    directions[[0, 8]] = 6.0, 2.0
    heading, share = stream(directions)
    assert share == 0.75
    assert heading == pytest.approx([np.cos(np.pi / 16), np.sin(np.pi / 16)])
    for sector, along in [(1, 1.0), (4, 1.0), (5, 0.75), (12, 1.0), (11, 0.75)]:
        beside = np.zeros(16)
        beside[[0, sector]] = 6.0, 2.0
        assert stream(beside)[1] == along


def test_the_heading_of_the_stream_is_the_mean_of_its_own() -> None:
    """Who goes against it does not turn it."""
    directions = np.zeros(16)
    directions[[0, 1, 8]] = 3.0, 3.0, 5.0
    heading, share = stream(directions)
    assert heading == pytest.approx([np.cos(np.pi / 8), np.sin(np.pi / 8)])
    assert share == pytest.approx(6 / 11)


def test_where_nobody_moves_there_is_no_stream() -> None:
    heading, share = stream(np.zeros(16))
    assert (heading.tolist(), share) == ([0.0, 0.0], 0.0)
    assert stream(np.full(16, 1e-12))[1] > 0.0


def test_a_heading_has_the_length_of_one_however_few_make_the_stream() -> None:
    directions = np.zeros(16)
    directions[4] = 0.1
    heading, share = stream(directions)
    assert (np.hypot(*heading), share) == (pytest.approx(1.0), 1.0)
