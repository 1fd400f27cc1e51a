"""Things at rest, one a place: what the pixels say, what the detector says, and who is gone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.made import every, scene, tracks
from veilleur.events.things import Thing, Things, shares
from veilleur.geometry import Box
from veilleur.perception.objects import Detections, Kind, Tracks
from veilleur.perception.still import Content, Nature, Stillness, StillObject

PLACE, ASIDE = Box(500, 470, 530, 500), Box(600, 470, 630, 500)
BAG = tracks({5: (515.0, 500.0)}, height=30, width=30, kind=Kind.BAG)


def word(*objects: StillObject, since: float = 0.0) -> Stillness:
    return Stillness(since, objects)


def only(things: Things) -> Thing:
    (thing,) = things._things
    return thing


def doubtful(score: float) -> Detections:
    return Detections(
        np.asarray(BAG.boxes, np.float32),
        np.full(1, score, np.float32),
        np.full(1, Kind.BAG, np.int8),
    )


def found(*times: float, since: float | None = None, **more: float) -> Things:
    """A bag that the detector has found at these seconds; since: the place is known from then."""
    known = Things()
    for time in times:
        still = None if since is None else word(since=since)
        known.update(scene(time, BAG, still=still, **more))
    return known


def test_what_the_pixels_tell_of_a_thing_is_kept() -> None:
    known = Things()
    told = StillObject(7, PLACE, 3.0, nature=Nature.LIGHT, content=Content.BAG)
    (here,), gone = known.update(scene(8.0, Tracks.none(), still=word(told)))
    assert gone == []
    assert (here.box, here.placed, here.seen, here.pixels) == (PLACE, 3.0, 8.0, 7)
    assert (here.nature, here.content, here.hidden, here.older) == (
        Nature.LIGHT, Content.BAG, False, False
    )  # fmt: skip
    assert here.is_bag
    assert here.at_rest


def test_a_thing_that_is_hidden_was_seen_when_it_was_last_in_view() -> None:
    known = Things()
    known.update(scene(8.0, Tracks.none(), still=word(StillObject(7, PLACE, 3.0))))
    hidden = word(StillObject(7, PLACE, 3.0, hidden=True))
    (here,), _ = known.update(scene(9.0, Tracks.none(), still=hidden))
    assert (here.seen, here.hidden) == (8.0, True)


def test_a_thing_is_followed_by_its_name_though_it_moves() -> None:
    known = Things()
    (first,), _ = known.update(scene(8.0, Tracks.none(), still=word(StillObject(7, PLACE, 3.0))))
    (same,), _ = known.update(scene(9.0, Tracks.none(), still=word(StillObject(7, ASIDE, 3.0))))
    assert same is first
    assert same.box == ASIDE


def test_two_names_are_two_things_though_they_overlap() -> None:
    known = Things()
    two = word(StillObject(1, PLACE, 3.0), StillObject(2, PLACE, 4.0))
    here, _ = known.update(scene(8.0, Tracks.none(), still=two))
    assert sorted(thing.placed for thing in here) == [3.0, 4.0]


def test_what_the_pixels_no_longer_tell_of_is_gone_at_once() -> None:
    known = Things()
    (first,), _ = known.update(scene(8.0, Tracks.none(), still=word(StillObject(7, PLACE, 3.0))))
    assert known.update(scene(9.0, Tracks.none(), still=word())) == ([], [first])


def test_where_the_pixels_fall_silent_a_bag_stays_as_the_detector_sees_it() -> None:
    """Hidden, they said; the detector has it in view."""
    known = Things()
    hidden = word(StillObject(7, PLACE, 3.0, hidden=True))
    known.update(scene(8.0, BAG, still=hidden))
    (here,), _ = known.update(scene(8.2, BAG, still=word(), fresh=False))
    assert (here.pixels, here.hidden) == (None, False)
    here_and_new, _ = known.update(
        scene(8.4, BAG, still=word(StillObject(7, ASIDE, 3.0)), fresh=False)
    )
    assert [thing.pixels for thing in here_and_new] == [None, 7]


def test_a_thing_that_is_hidden_from_the_first_was_seen_when_it_was_told() -> None:
    known = Things()
    hidden = word(StillObject(7, PLACE, 3.0, hidden=True))
    (here,), _ = known.update(scene(8.0, Tracks.none(), still=hidden))
    assert (here.seen, here.placed, here.box) == (8.0, 3.0, PLACE)


def test_what_comes_back_into_view_is_seen_then() -> None:
    known = Things()
    for time, behind in [(8.0, True), (9.0, False)]:
        told = word(StillObject(7, PLACE, 3.0, hidden=behind))
        (here,), _ = known.update(scene(time, Tracks.none(), still=told))
    assert here.seen == 9.0


def test_of_several_things_only_the_one_that_is_gone_is_told_as_gone() -> None:
    known = Things()
    one, other = StillObject(1, PLACE, 3.0), StillObject(2, ASIDE, 3.0)
    known.update(scene(8.0, Tracks.none(), still=word(one, other)))
    here, gone = known.update(scene(9.0, Tracks.none(), still=word(other)))
    assert ([t.pixels for t in here], [t.box for t in gone]) == ([2], [PLACE])


def test_a_doubtful_find_is_a_look_in_which_it_was_recognised() -> None:
    known = found(*every(0.5, 10.0))
    thing = only(known)
    known.update(scene(11.0, Tracks.none(), detections=doubtful(0.9)))
    assert thing.recognised == 1.0


def test_a_word_that_was_heard_already_is_not_heard_again() -> None:
    known = Things()
    said = word(StillObject(7, PLACE, 3.0))
    known.update(scene(8.0, Tracks.none(), still=said))
    (here,), _ = known.update(scene(9.0, Tracks.none(), still=said))
    assert here.seen == 8.0


def test_a_bag_and_what_is_new_at_its_place_are_one_thing() -> None:
    known = found(10.0, since=0.0)
    bag = only(known)
    late = word(StillObject(7, PLACE, 9.0))
    (here,), _ = known.update(scene(11.0, BAG, still=late))
    assert here is bag
    assert (here.placed, here.pixels) == (9.0, 7)


def test_what_overlaps_by_a_fifth_is_one_place_and_less_is_another() -> None:
    """Of 30 pixels, 20 shared in a row of two boxes are a half of what both cover."""
    for shift, n in [(20, 1), (21, 2)]:  # 10 of 50 shared; 9 of 51
        known = found(10.0, since=0.0)
        there = Box(500 + shift, 470, 530 + shift, 500)
        here, _ = known.update(scene(10.5, BAG, still=word(StillObject(7, there, 9.0))))
        assert len(here) == n


@pytest.mark.parametrize(
    ("since", "older"),
    [
        pytest.param(None, True, id="nobody looks for what is new"),
        pytest.param(8.0, True, id="the place is known for too short a time"),
        pytest.param(7.0, False, id="the place has been known for three seconds"),
    ],
)
def test_a_bag_may_have_stood_there_before_the_place_was_known(
    since: float | None, older: bool
) -> None:
    thing = only(found(10.0, since=since))
    assert thing.older == older
    assert (thing.placed, thing.seen, thing.bag_seen, thing.recognised) == (10.0, 10.0, 10.0, 1.0)
    assert thing.box == PLACE


def test_a_bag_is_at_rest_when_found_in_one_place_for_three_seconds() -> None:
    assert not only(found(*every(0.5, 2.5))).at_rest
    assert only(found(*every(0.5, 3.0))).at_rest


def test_only_a_bag_that_is_seen_now_makes_a_thing() -> None:
    known = Things()
    predicted = Tracks(
        BAG.ids, BAG.boxes, BAG.kinds, BAG.scores, BAG.velocities, BAG.ages, ~BAG.seen
    )
    for seen in (predicted, tracks({1: (515.0, 500.0)}), Tracks.none()):
        assert known.update(scene(1.0, seen, detections=doubtful(0.9))) == ([], [])


@pytest.mark.parametrize(("score", "kept"), [(0.36, True), (0.34, False)])
def test_a_doubtful_find_keeps_a_bag_that_is_known(score: float, kept: bool) -> None:
    known = found(*every(0.5, 10.0))
    thing = only(known)
    for time in every(0.5, 16.0, since=10.5):
        known.update(scene(time, Tracks.none(), detections=doubtful(score)))
    assert bool(known._things) == kept
    assert thing.bag_seen == (16.0 if kept else 10.0)
    assert thing.seen == 10.0


def test_how_often_a_bag_is_recognised_fades_over_ten_seconds() -> None:
    known = found(*every(0.5, 10.0))
    thing = only(known)
    known.update(scene(12.0, Tracks.none()))
    assert thing.recognised == pytest.approx(math.exp(-0.2))
    known.update(scene(13.0, BAG))
    back = 1 - (1 - math.exp(-0.2)) * math.exp(-0.1)
    assert thing.recognised == pytest.approx(back)


@pytest.mark.parametrize(("recognised", "is_bag"), [(0.5, True), (0.49, False)])
def test_what_is_recognised_in_half_the_looks_is_a_bag(recognised: float, is_bag: bool) -> None:
    assert Thing(PLACE, 0.0, 0.0, recognised=recognised).is_bag == is_bag


@pytest.mark.parametrize(
    ("width", "fades"),
    [
        pytest.param(30, False, id="half of it behind somebody"),
        pytest.param(28, True, id="less than half"),
    ],
)
@pytest.mark.parametrize("kind", [Kind.PERSON, Kind.VEHICLE])
def test_nothing_is_said_against_a_bag_that_somebody_hides(
    width: float, fades: bool, kind: Kind
) -> None:
    known = found(*every(0.5, 10.0))
    thing = only(known)
    before = tracks({1: (500.0, 500.0)}, width=width, kind=kind)
    here, _ = known.update(scene(20.0, before))
    assert (thing.recognised < 1.0) == fades
    assert (here == []) == fades


def test_a_bag_not_found_for_more_than_a_second_is_hidden() -> None:
    known = found(*every(0.5, 10.0))
    for time, hidden in [(11.0, False), (11.1, True)]:
        ((here,), _) = known.update(scene(time, Tracks.none()))
        assert here.hidden == hidden


def test_a_bag_not_found_for_more_than_five_seconds_is_gone() -> None:
    known = found(*every(0.5, 10.0))
    assert len(known.update(scene(15.0, Tracks.none()))[0]) == 1
    here, (gone,) = known.update(scene(15.1, Tracks.none()))
    assert here == []
    assert gone.bag_seen == 10.0


@pytest.mark.parametrize(("recognised", "stays"), [(0.3, True), (0.29, False)])
def test_a_bag_hardly_ever_recognised_is_gone_when_not_found(
    recognised: float, stays: bool
) -> None:
    known = found(10.0)
    only(known).recognised = recognised
    here, _ = known.update(scene(10.0, Tracks.none()))
    assert len(here) == 1  # the same instant
    here, _ = known.update(scene(10.0001, Tracks.none()))
    assert bool(here) == (recognised * math.exp(-0.0001 / 10) >= 0.3)
    only_again = found(10.0)
    only(only_again).recognised = recognised + 0.01
    here, _ = only_again.update(scene(10.1, Tracks.none()))
    assert bool(here) == stays


def test_a_clock_set_back_takes_a_bag_that_is_not_found() -> None:
    known = found(*every(0.5, 10.0))
    assert known.update(scene(9.0, Tracks.none()))[0] == []


def test_in_a_picture_that_was_not_looked_at_nothing_is_found_or_lost() -> None:
    known = found(*every(0.5, 10.0))
    thing = only(known)
    here, _ = known.update(scene(60.0, Tracks.none(), fresh=False))
    assert here == [thing]
    assert (thing.recognised, thing.hidden) == (1.0, False)


def test_a_time_in_which_nothing_was_seen_makes_no_thing_older() -> None:
    known = found(*every(0.5, 10.0))
    thing = only(known)
    thing.placed = 2.0
    known.resume(20.0)
    assert (thing.placed, thing.seen, thing.bag_seen) == (22.0, 30.0, 30.0)
    known.update(scene(31.0, Tracks.none()))
    assert thing.recognised == pytest.approx(math.exp(-0.1))
    Things().resume(5.0)


def test_after_clearing_no_thing_and_no_word_is_known() -> None:
    known = Things()
    said = word(StillObject(7, PLACE, 3.0))
    known.update(scene(8.0, Tracks.none(), still=said))
    known.clear()
    assert known._things == []
    assert len(known.update(scene(9.0, Tracks.none(), still=said))[0]) == 1
    again = found(*every(0.5, 10.0))
    again.clear()
    again.update(scene(20.0, BAG))
    assert only(again).recognised == 1.0


@pytest.mark.parametrize(
    ("other", "share"),
    [
        ((500, 470, 515, 500), 0.5),
        ((490, 460, 540, 510), 1.0),
        ((515, 485, 600, 600), 0.25),
        ((530, 470, 560, 500), 0.0),
        ((540, 510, 560, 520), 0.0),
    ],
)
def test_the_share_of_a_box_inside_another(other: tuple[float, ...], share: float) -> None:
    assert shares(np.array([other], np.float64), PLACE).tolist() == [share]


def test_a_box_smaller_than_a_pixel_is_taken_as_one() -> None:
    dot = Box(500, 500, 500.5, 500.5)
    assert shares(np.array([[400.0, 400.0, 600.0, 600.0]]), dot).tolist() == [0.25]
