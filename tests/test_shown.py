"""Weapons from boxes alone: whose they are, and how sure the looks of the last seconds were."""

from __future__ import annotations

import numpy as np
import pytest

from tests.made import scene, tracks
from veilleur.events.shown import Shown
from veilleur.perception.carrying import Carrying
from veilleur.perception.objects import Detections, Kind, Tracks

Foot = tuple[float, float]
HOLDS = (500.0, 450.0)  # the middle of a person's box whose foot is at (500, 500)


def weapons(*of: tuple[float, float, float], kind: Kind = Kind.WEAPON) -> Detections:
    """Middle and score of each, 20 by 10 pixels."""
    rows = [(x - 10, y - 5, x + 10, y + 5) for x, y, _ in of]
    return Detections(
        np.array(rows, np.float32).reshape(-1, 4),
        np.array([score for _, _, score in of], np.float32),
        np.full(len(of), kind, np.int8),
    )


def look(
    shown: Shown, time: float, *of: tuple[float, float, float], feet: tuple[Foot, ...] | None = None
) -> tuple[Carrying, ...]:
    people = tracks(dict(enumerate(((500.0, 500.0),) if feet is None else feet, start=1)))
    return shown.step(scene(time, people, detections=weapons(*of)))


def test_each_person_is_told_with_his_size_his_looks_and_their_mean() -> None:
    shown = Shown()
    look(shown, 0.0, (*HOLDS, 0.8))
    (one,) = look(shown, 0.5)
    assert (one.key, one.tall_px, one.looks) == (1, 100.0, 2)
    assert one.box == tracks({1: (500.0, 500.0)}).box(1)
    assert one.surety == pytest.approx(0.4)


def test_the_surest_of_several_weapons_of_one_person_counts() -> None:
    (one,) = look(Shown(), 0.0, (*HOLDS, 0.5), (*HOLDS, 0.75), (*HOLDS, 0.25))
    assert one.surety == 0.75


@pytest.mark.parametrize(
    ("x", "y", "his"),
    [
        (465.5, 450, True),  # fifteen pixels left of his box, which begins at 480
        (464.5, 450, False),
        (534.5, 450, True),
        (535.5, 450, False),
        (500, 385.5, True),
        (500, 384.5, False),
        (500, 499.5, True),
        (500, 500.5, False),
    ],
)
def test_what_is_within_an_arm_of_the_box_is_his(x: float, y: float, his: bool) -> None:
    (one,) = look(Shown(), 0.0, (x, y, 0.5))
    assert one.surety == (0.5 if his else 0.0)


def test_what_two_may_hold_is_whose_middle_is_nearer() -> None:
    feet = ((500.0, 500.0), (530.0, 500.0))
    for x, owner in [(514.0, 1), (516.0, 2)]:
        told = look(Shown(), 0.0, (x, 450.0, 0.5), feet=feet)
        assert [one.surety > 0 for one in told] == [owner == 1, owner == 2]
    for y, owner in [(440.0, 1), (480.0, 2)]:
        told = look(Shown(), 0.0, (500.0, y, 0.5), feet=((500.0, 500.0), (500.0, 530.0)))
        assert [one.surety > 0 for one in told] == [owner == 1, owner == 2]


def test_only_weapons_and_only_people_count() -> None:
    person = tracks({1: (500.0, 500.0)})
    bag = weapons((*HOLDS, 0.9), kind=Kind.BAG)
    (one,) = Shown().step(scene(0.0, person, detections=bag))
    assert one.surety == 0.0
    car = tracks({1: (500.0, 500.0)}, kind=Kind.VEHICLE)
    assert Shown().step(scene(0.0, car, detections=weapons((*HOLDS, 0.9)))) == ()


def test_the_looks_of_the_last_two_seconds_count() -> None:
    shown = Shown()
    look(shown, 0.0, (*HOLDS, 1.0))
    assert look(shown, 2.0)[0].looks == 2
    (one,) = look(shown, 2.1)
    assert (one.looks, one.surety) == (2, 0.0)


def test_who_is_gone_is_forgotten() -> None:
    shown = Shown()
    look(shown, 0.0, (*HOLDS, 1.0))
    assert look(shown, 0.2, feet=()) == ()
    assert look(shown, 0.4)[0].looks == 1


def test_a_picture_that_was_not_looked_at_changes_nothing() -> None:
    shown = Shown()
    (before,) = look(shown, 0.0, (*HOLDS, 0.5))
    person = tracks({1: (500.0, 500.0)})
    seen = scene(1.0, person, detections=weapons((*HOLDS, 0.9)), fresh=False)
    assert shown.step(seen) == (before,)
    newcomer = scene(1.0, tracks({2: (500.0, 500.0)}), fresh=False)
    (one,) = shown.step(newcomer)
    assert (one.key, one.looks, one.surety) == (2, 0, 0.0)


def test_a_clock_set_back_begins_anew_and_the_same_instant_does_not() -> None:
    shown = Shown()
    look(shown, 5.0, (*HOLDS, 1.0))
    assert look(shown, 5.0)[0].looks == 2
    assert look(shown, 4.0)[0].looks == 1
    assert look(shown, 4.5)[0].looks == 2
    shown.forget()
    assert shown.step(scene(1.0, Tracks.none())) == ()
    assert look(shown, 1.5)[0].looks == 1
