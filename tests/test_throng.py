"""What the people of a zone did together: counts, shares and the stream, of nobody."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.made import every
from veilleur.events.movers import Movers
from veilleur.events.throng import Count, Throng, around
from veilleur.geometry import Box

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
UNKNOWN = (np.nan, np.nan)
Way = tuple[float, float]
RIGHT, LEFT, STILL, RUN = (1.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (3.0, 0.0)


def movers(time: float, *ways: Way) -> Movers:
    """People in a row, two metres apart, each with this velocity, m/s; boxes 100 pixels apart."""
    n = len(ways)
    places = np.array([(2.0 * i, 0.0) for i in range(n)], np.float64).reshape(-1, 2)
    boxes = np.array([(100 * i, 0, 100 * i + 40, 90) for i in range(n)], np.float64)
    return Movers(time, places, np.array(ways, np.float64).reshape(-1, 2), boxes.reshape(-1, 4))


def throng(*of: tuple[float, tuple[Way, ...]], min_people: int = 3, learn: bool = False) -> Throng:
    """Told these instants."""
    known = Throng(min_people, 2.0)
    for time, ways in of:
        known.take(movers(time, *ways), None, learn=learn)
    return known


def now(known: Throng, time: float) -> Count:
    return known.hurry(time, None).now


def test_the_last_instant_is_known_until_all_is_cleared() -> None:
    known = throng((1.0, (RIGHT,)), (2.0, ()))
    assert known.last == 2.0
    known.clear()
    assert known.last is None
    assert Throng(3, 2.0).last is None


def test_counts_are_means_over_the_instants_of_the_last_moment() -> None:
    """The speeds together: 0, 1, 3, 3, 3; three quarters of them are not above 3."""
    known = throng((0.0, (RUN,)), (10.0, (RUN, RIGHT)), (10.4, (RUN, RUN, STILL, UNKNOWN)))
    count = now(known, 10.4)
    assert (count.people, count.hurried) == (3.0, 1.5)
    assert count.share == pytest.approx(3 / 4)
    assert count.of_all == pytest.approx(3 / 5)
    assert count.pace == 3.0
    assert count.group_s == pytest.approx(0.4)


def test_the_pace_is_what_a_quarter_exceeds_between_two_people_by_its_share() -> None:
    ways = tuple((float(speed), 0.0) for speed in (4, 0, 1, 2))
    assert now(throng((1.0, ways)), 1.0).pace == pytest.approx(2.5)
    assert now(throng((1.0, ways[:1])), 1.0).pace == 4.0
    assert now(throng((1.0, ())), 1.0).pace == 0.0


@pytest.mark.parametrize(("speed", "hurried"), [(2.0, 1.0), (1.99, 0.0)])
def test_who_is_as_fast_as_the_limit_hurries(speed: float, hurried: float) -> None:
    assert now(throng((1.0, ((speed, 0.0),))), 1.0).hurried == hurried


@pytest.mark.parametrize(("speed", "share"), [(0.5, 0.5), (0.49, 1.0)])
def test_who_is_slower_than_half_a_metre_a_second_is_no_mover(speed: float, share: float) -> None:
    assert now(throng((1.0, (RUN, (0.0, speed)))), 1.0).share == share


def test_the_last_moment_is_eight_tenths_of_a_second() -> None:
    known = throng((1.0, (RUN,)), (1.8, (RIGHT,)))
    assert now(known, 1.8).people == 1.0
    assert now(known, 1.8).hurried == 0.5
    assert now(known, 1.81).hurried == 0.0
    assert now(known, 2.7) == Count()
    assert now(known, 1.5).hurried == 1.0  # what came later does not count


def test_the_calm_before_is_from_two_to_fourteen_seconds_ago() -> None:
    known = throng(*((t, (RUN,) if t == 3.0 else (RIGHT,)) for t in every(1.0, 17.0)))
    for time, hurried in [(17.0, 0.0), (16.9, 1 / 12)]:
        assert known.hurry(time, None).before.hurried == pytest.approx(hurried)
    known = throng((0.0, (RIGHT,)), (8.0, (RUN,)))
    assert [known.hurry(t, None).before.hurried for t in (9.99, 10.0)] == [0.0, 0.5]


def test_what_is_older_than_fourteen_seconds_is_let_go_of() -> None:
    known = throng((0.0, (RUN,)), (14.0, (RIGHT,)))
    assert len(known._moments) == 2
    known.take(movers(14.1, RIGHT), None, learn=False)
    assert [m.movers.time for m in known._moments] == [14.0, 14.1]


def test_a_group_was_there_for_the_time_that_its_instants_stand_for() -> None:
    trio = (RIGHT,) * 3
    known = throng((0.0, trio), (0.5, trio), (1.0, trio[:2]), (2.0, trio), (9.0, trio))
    before = known.hurry(11.0, None).before
    assert before.group_s == pytest.approx(0.5 + 0.8 + 0.8)  # no instant stands for more


def test_they_hurry_away_from_a_point_only_where_three_do() -> None:
    apart: tuple[Way, ...] = ((-3.0, 0.1), (0.1, 3.0), (3.0, -0.1))
    assert throng((1.0, apart)).hurry(1.0, None).away > 0.5
    inward: tuple[Way, ...] = ((3.0, 0.1), (0.1, 3.0), (-3.0, -0.1))
    assert throng((1.0, inward)).hurry(1.0, None).away < 0.0
    assert throng((1.0, apart[:2])).hurry(1.0, None).away == 0.0
    two_instants = throng((1.0, apart), (1.2, apart[:2]))
    assert two_instants.hurry(1.2, None).away == 0.0  # five in two instants are no three


def test_where_is_around_those_who_hurry_at_the_last_instant() -> None:
    known = throng((1.0, (RUN, RUN, RUN)), (1.2, (STILL, RUN, RUN, UNKNOWN)))
    assert known.hurry(1.2, None).where == Box(100, 0, 240, 90)
    assert known.hurry(9.0, None).where == Box(100, 0, 240, 90)  # a quiet scene since
    assert throng((1.0, (RIGHT,))).hurry(1.0, None).where is None


def test_at_an_hour_when_people_are_fast_only_faster_ones_hurry() -> None:
    known = Throng(3, 2.0)
    assert known.limit_m_s(None) == 2.0
    known.usual.learn(np.array([[2.0, 0.0]]), 600.0, None)
    assert known.limit_m_s(None) == pytest.approx(1.2 * 2.25)
    assert known.limit_m_s(NOON) == 2.0
    known.take(movers(1.0, (2.5, 0.0), (2.75, 0.0)), None, learn=False)
    hurry = known.hurry(1.0, None)
    assert hurry.now.hurried == 1.0
    assert hurry.where == Box(100, 0, 140, 90)


def test_who_hurries_is_counted_by_the_limit_of_that_hour() -> None:
    known = Throng(3, 2.0)
    known.usual.learn(np.array([[2.0, 0.0]]), 600.0, NOON)
    known.take(movers(1.0, (2.5, 0.0)), NOON, learn=False)
    told = known.hurry(1.0, NOON)
    assert (told.now.hurried, told.where) == (0.0, None)
    known.take(movers(1.2, (2.5, 0.0)), None, learn=False)
    assert known.hurry(1.2, None).now.hurried == 0.5


def test_in_a_quiet_scene_the_last_instant_stands_for_now() -> None:
    known = throng((0.0, (STILL,)), (1.0, (RUN,)), (2.0, (STILL, RUN)))
    assert known.hurry(9.0, None).where == Box(100, 0, 140, 90)


def test_whose_speed_is_not_known_is_neither_fast_nor_slow() -> None:
    for ways in ((UNKNOWN,), (UNKNOWN, STILL)):
        known = Throng(3, 0.9)
        known.take(movers(1.0, *ways), None, learn=False)
        told = known.hurry(1.0, None)
        assert (told.now.hurried, told.where) == (0.0, None)
        assert known.opposed(1.0, None).where is None


def test_one_of_one_is_all() -> None:
    count = now(throng((1.0, (RUN,))), 1.0)
    assert (count.share, count.of_all) == (1.0, 1.0)


def test_the_pace_of_many_is_that_of_a_sorted_list() -> None:
    random = np.random.default_rng(8)
    for n in (2, 5, 9, 40):
        speeds = random.uniform(0, 3, n)
        known = throng((1.0, tuple((float(speed), 0.0) for speed in speeds)))
        assert now(known, 1.0).pace == pytest.approx(float(np.percentile(speeds, 75)))


def flowing(seconds: float, *ways: Way, learn: bool = True) -> Throng:
    """Five instants a second."""
    return throng(*((t, ways) for t in every(0.2, seconds)), learn=learn)


def test_a_stream_has_a_way_after_half_a_minute_of_forty_person_seconds() -> None:
    """What is younger than two seconds is not learnt yet."""
    two = (RIGHT, RIGHT)
    assert flowing(31.6, *two).opposed(31.6, None).one_way == 0.0
    assert flowing(32.2, *two).opposed(32.2, None).one_way == 1.0
    assert flowing(40.0, RIGHT).opposed(40.0, None).one_way == 0.0  # one is no stream
    assert flowing(40.0, *two, learn=False).opposed(40.0, None).one_way == 0.0


def test_people_who_stand_make_no_stream_and_no_time_of_one() -> None:
    known = flowing(60.0, STILL, STILL)
    known_s = known._stream_s
    assert known_s == 0.0
    assert known.opposed(60.0, None).one_way == 0.0


def test_the_stream_fades_over_a_minute() -> None:
    known = throng((0.0, (RIGHT,)), (2.0, (STILL,)), (2.2, (STILL,)), learn=True)
    assert known._stream.sum() == pytest.approx(0.8 * np.exp(-0.2 / 60) + 0.2)


def test_two_ways_in_the_stream_are_told_as_a_share() -> None:
    known = flowing(40.0, RIGHT, RIGHT, RIGHT, LEFT)
    assert known.opposed(40.0, None).one_way == pytest.approx(0.75)
    known.clear()
    assert known.last is None
    known.take(movers(41.0, RIGHT), None, learn=False)
    assert known.opposed(41.0, None).one_way == 0.0
    assert known._stream_s == 0.0


def test_where_two_ways_are_usual_the_stream_is_no_more_one_way_than_that() -> None:
    known = flowing(40.0, RIGHT, RIGHT)
    known.usual.learn(np.array([[1.0, 0.0], [-1.0, 0.0]]), 600.0, NOON)
    assert known.opposed(40.0, NOON).one_way == pytest.approx(0.5)
    assert known.opposed(40.0, None).one_way == 1.0


def test_shares_are_of_those_who_move_in_the_last_moment() -> None:
    known = flowing(40.0, RIGHT, RIGHT)
    ways = (RIGHT, RIGHT, LEFT, (0.0, 1.0), STILL, UNKNOWN)
    known.take(movers(41.0, *ways), None, learn=False)
    told = known.opposed(41.0, None)
    assert (told.people, told.against) == (4.0, 1.0)
    assert (told.share, told.with_share) == (0.25, 0.5)
    assert told.where == Box(200, 0, 240, 90)


def test_how_fast_somebody_goes_against_does_not_matter() -> None:
    known = flowing(40.0, RIGHT, RIGHT)
    slow = (-0.51, 0.0), (0.51, 0.0), (-0.6, 2.0), (0.6, 2.0)
    known.take(movers(41.0, *slow), None, learn=False)
    told = known.opposed(41.0, None)
    assert (told.against, told.with_share) == (1.0, 0.25)


@pytest.mark.parametrize(
    ("degrees", "against", "with_"), [(50, 0, 1), (62, 0, 0), (118, 0, 0), (130, 1, 0), (180, 1, 0)]
)
def test_against_and_with_are_what_lies_within_sixty_degrees(
    degrees: float, against: float, with_: float
) -> None:
    """Of the stream's own heading, which is the middle of a sector: 11 degrees."""
    known = flowing(40.0, RIGHT, RIGHT)
    angle = np.radians(degrees + 11.25)
    known.take(movers(41.0, (float(np.cos(angle)), float(np.sin(angle)))), None, learn=False)
    told = known.opposed(41.0, None)
    assert (told.against, told.with_share) == (against, with_)
    assert (told.where is not None) == bool(against)


def test_means_are_over_the_instants_of_the_last_moment() -> None:
    known = flowing(40.0, RIGHT, RIGHT)
    known.take(movers(40.4, LEFT), None, learn=False)
    told = known.opposed(40.4, None)
    assert told.people == pytest.approx((3 * 2 + 1) / 4)
    assert told.against == pytest.approx(1 / 4)
    assert known.opposed(50.0, None).people == 0.0
    assert known.opposed(50.0, None).where is None


def test_who_drifts_against_the_stream_slower_than_anybody_walks_is_not_shown() -> None:
    known = flowing(40.0, RIGHT, RIGHT)
    known.take(movers(41.0, LEFT, (-0.4, 0.0), (-0.5, 0.0)), None, learn=False)
    assert known.opposed(41.0, None).where == Box(0, 0, 240, 90)
    known.take(movers(42.0, (-0.4, 0.0)), None, learn=False)
    assert known.opposed(42.0, None).where is None


def test_what_is_usual_is_learnt_of_what_is_settled_and_nothing_special() -> None:
    known = throng((0.0, (RIGHT,)), (1.9, (RUN,)), learn=True)
    assert known.usual.state.speeds.sum() == 0.0
    known.take(movers(2.0, RUN, RUN), NOON, learn=True)
    assert known.usual.state.speeds[12].sum() == pytest.approx(0.1)
    assert known.usual.state.speeds[12, 4] == pytest.approx(0.1)
    known.take(movers(9.0, RUN), NOON, learn=True)
    assert known.usual.state.speeds[12].sum() == pytest.approx(0.1 + 0.8 * 2)


def test_the_smallest_box_around_several() -> None:
    assert around(np.zeros((0, 4))) is None
    assert around(np.array([[5.0, 1, 9, 4], [2, 3, 6, 7]])) == Box(2, 1, 9, 7)
