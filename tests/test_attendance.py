"""Is somebody with it? Whoever stays near; nobody is followed for it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.made import VIEW, every, scene, tracks
from veilleur.events.attendance import SOMEBODY, Attendance, Lately, People, Reach
from veilleur.events.yardstick import Yardstick
from veilleur.geometry import Box
from veilleur.perception.objects import Kind, Tracks
from veilleur.perception.still import Stillness

PLACE = Box(500, 470, 530, 500)
REACH = Reach(2.0, in_metres=False, yardstick=Yardstick(VIEW))
Foot = tuple[float, float]
"""People are 100 pixels tall and 40 wide: beside it at x, they are (500 - x) / 100 away."""


def people(time: float, *feet: Foot, movers: tuple[Box, ...] = ()) -> People:
    seen = tracks(dict(enumerate(feet, start=1)))
    return People.of(scene(time, seen, still=Stillness(0.0, movers=movers)))


def away(distance: float) -> Foot:
    """A foot so many heights to the left of the thing, but for over it."""
    return (500 - 100 * distance, 500.0)


def attendance(placed: float = 0.0, stay_s: float = 3.0) -> Attendance:
    return Attendance(REACH, stay_s, placed)


def test_people_seen_and_what_moves_unexplained_are_told_apart() -> None:
    mover = Box(700, 400, 740, 500)
    told = people(3.0, (100.0, 500.0), movers=(mover,))
    assert told.time == 3.0
    assert told.ids == (1, SOMEBODY)
    assert told.sure.tolist() == [True, False]
    assert told.boxes.tolist() == [[80, 400, 120, 500], [700, 400, 740, 500]]


@pytest.mark.parametrize(("shift", "told"), [(20, 0), (21, 1)])
@pytest.mark.parametrize("kind", [Kind.PERSON, Kind.VEHICLE])
def test_what_moves_half_inside_somebody_known_is_his(shift: float, told: int, kind: Kind) -> None:
    mover = Box(80 + shift, 400, 120 + shift, 500)
    seen = tracks({1: (100.0, 500.0)}, kind=kind)
    both = People.of(scene(0.0, seen, still=Stillness(0.0, movers=(mover,))))
    assert len([i for i in both.ids if i == SOMEBODY]) == told


def test_a_bag_that_moves_explains_nothing_and_is_nobody() -> None:
    bag = tracks({1: (100.0, 500.0)}, kind=Kind.BAG)
    mover = Box(80, 400, 120, 500)
    told = People.of(scene(0.0, bag, still=Stillness(0.0, movers=(mover,))))
    assert told.ids == (SOMEBODY,)
    assert People.of(scene(0.0, bag)).ids == ()


def test_who_is_only_predicted_counts_where_nothing_was_looked_at_anew() -> None:
    one = tracks({1: (100.0, 500.0)})
    lost = Tracks(one.ids, one.boxes, one.kinds, one.scores, one.velocities, one.ages, ~one.seen)
    assert People.of(scene(0.0, lost)).ids == ()
    assert People.of(scene(0.0, lost, fresh=False)).ids == (1,)


@pytest.mark.parametrize(("tall", "somebody"), [(36.0, True), (35.9, False)])
def test_what_moves_and_is_hardly_larger_than_the_thing_is_nobody(
    tall: float, somebody: bool
) -> None:
    """A fifth more than its longer side, which is thirty."""
    mover = Box(400, 500 - tall, 440, 500)
    (distance,) = people(0.0, movers=(mover,)).distances(PLACE, REACH)
    assert np.isfinite(distance) == somebody
    small = tracks({1: away(1.0)}, height=20)
    assert np.isfinite(People.of(scene(0.0, small)).distances(PLACE, REACH)[0])
    wide = Box(500, 490, 530, 500)
    (distance,) = people(0.0, movers=(mover,)).distances(wide, REACH)
    assert np.isfinite(distance) == somebody


def test_lately_is_the_last_eight_seconds() -> None:
    lately = Lately()
    for time in (0.0, 4.0, 8.0):
        lately.see(people(time))
    assert [p.time for p in lately.since(0.0)] == [0.0, 4.0, 8.0]
    assert [p.time for p in lately.since(4.0)] == [4.0, 8.0]
    lately.see(people(8.1))
    assert [p.time for p in lately.since(-9.0)] == [4.0, 8.0, 8.1]
    lately.see(people(5.0))  # the clock was set back
    assert [p.time for p in lately.since(-9.0)][-1] == 5.0
    assert 4.0 in [p.time for p in lately.since(-9.0)]
    lately.clear()
    assert lately.since(-9.0) == []


def test_a_clock_set_back_beyond_all_that_is_known_leaves_the_new_time_alone() -> None:
    lately = Lately()
    for time in (4.0, 8.0, 1.0):
        lately.see(people(time))
    assert [p.time for p in lately.since(-9.0)] == [1.0]


def test_a_time_in_which_nothing_was_seen_makes_what_was_lately_no_older() -> None:
    lately = Lately()
    lately.see(people(4.0, away(1.0)))
    lately.resume(20.0)
    (seen,) = lately.since(0.0)
    assert (seen.time, seen.ids) == (24.0, (1,))


def test_in_its_first_seconds_whoever_is_near_attends_it() -> None:
    """Somebody else each time, so nobody stays."""
    known = attendance(placed=10.0)
    for n, time in enumerate(every(0.5, 13.0, since=10.0)):
        seen = tracks({n: away(2.0)})
        known.update(People.of(scene(time, seen)), PLACE)
        assert known.alone_since is None
    known.update(People.of(scene(13.5, tracks({99: away(2.0)}))), PLACE)
    assert known.alone_since is None  # a second may be missed
    known.update(People.of(scene(14.1, tracks({98: away(2.0)}))), PLACE)
    assert known.alone_since == 13.0
    assert known.near


@pytest.mark.parametrize(("distance", "near"), [(2.0, True), (2.01, False)])
def test_the_reach_is_where_near_ends(distance: float, near: bool) -> None:
    known = attendance()
    for time in every(0.5, 10.0):
        known.update(people(time, away(distance)), PLACE)
    assert known.near == near
    assert known.nearest == pytest.approx(distance - 0.2 + 0.2, abs=0.01)
    assert (known.alone_since is None) == near


def test_who_leaves_was_with_it_until_he_was_last_near() -> None:
    known = attendance()
    for time in every(0.5, 10.0):
        known.update(people(time, away(1.0 if time <= 5 else 4.0)), PLACE)
    assert known.alone_since == 5.0
    assert not known.near
    assert known.nearest == pytest.approx(4.0, abs=0.01)


def test_nobody_at_all_is_infinitely_far() -> None:
    known = attendance()
    known.update(people(0.5), PLACE)
    assert known.nearest == np.inf
    assert known.alone_since is None
    known.update(people(1.0), PLACE)
    assert known.alone_since is None
    known.update(people(1.1), PLACE)
    assert known.alone_since == 0.0


def test_who_comes_later_attends_it_when_he_has_stayed_for_the_time() -> None:
    known = attendance()
    for time in every(0.5, 12.0):
        near = time >= 8.0
        known.update(people(time, away(1.0 if near else 4.0)), PLACE)
        if 1.5 <= time < 11.0:
            assert known.alone_since == 0.0
    assert known.alone_since is None


def test_who_stays_may_be_missed_for_nearly_a_second() -> None:
    for gap, attended in [(0.9, True), (1.0, False)]:
        known = attendance()
        for time in every(0.1, 12.0):
            missed = 9.0 < time < 9.0 + gap + 0.05
            near = time >= 8.0 and not missed
            known.update(people(time, away(1.0 if near else 4.0)), PLACE)
            if time == 11.0:
                assert (known.alone_since is None) == attended


def test_who_goes_on_staying_attends_it() -> None:
    known = attendance()
    for time in every(0.5, 30.0):
        known.update(people(time, away(1.0)), PLACE)
    assert known.alone_since is None


def mover(distance: float) -> Box:
    x, y = away(distance)
    return Box(x - 20, y - 100, x + 20, y)


@pytest.mark.parametrize(("distance", "attends"), [(0.59, True), (0.61, False)])
def test_whom_the_detector_does_not_know_must_be_at_arm_s_length_to_attend_it(
    distance: float, attends: bool
) -> None:
    """Three tenths of the reach; a person may be anywhere within it."""
    known = attendance()
    for time in every(0.5, 10.0):
        known.update(people(time, movers=(mover(distance),)), PLACE)
    assert (known.alone_since is None) == attends
    assert known.near


@pytest.mark.parametrize(
    ("time", "distance", "brought"),
    [(3.0, 0.59, True), (3.0, 0.61, False), (3.1, 0.59, False), (1.0, 0.0, True)],
)
def test_it_was_brought_when_somebody_was_at_it_in_its_first_seconds(
    time: float, distance: float, brought: bool
) -> None:
    known = attendance()
    known.update(people(time, away(distance)), PLACE)
    assert known.brought == brought
    known.update(people(20.0, away(4.0)), PLACE)
    assert known.brought == brought
    known.update(people(21.0, away(0.0)), PLACE)
    assert known.brought == brought


def test_a_time_in_which_nothing_was_seen_counts_for_nothing() -> None:
    known = attendance()
    for time in every(0.5, 10.0):
        known.update(people(time, away(1.0 if time <= 5 else 4.0)), PLACE)
    known.resume(20.0)
    assert known.alone_since == 25.0
    early = attendance()
    early.resume(20.0)
    early.update(people(21.0), PLACE)
    assert early.alone_since is None
    early.update(people(22.9, away(0.5)), PLACE)
    assert early.brought
    assert early.alone_since is None


def test_who_stayed_before_has_to_be_seen_staying_again() -> None:
    known = attendance()
    for time in every(0.5, 10.0):
        known.update(people(time, away(1.0)), PLACE)
    known.resume(5.0)
    for time in every(0.5, 17.5, since=15.5):
        known.update(people(time, away(1.0)), PLACE)
    assert known.alone_since == 15.0
    for time in every(0.5, 18.5, since=18.0):
        known.update(people(time, away(1.0)), PLACE)
    assert known.alone_since is None
