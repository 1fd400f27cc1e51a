"""What comes to rest in a place, from made pictures; and what is no thing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.made import every
from tests.resting import BAG, VIEW, Draw, between, block, crowd, jpeg, light, place, watched
from veilleur.cameras.picture import Picture
from veilleur.engine.laboratory import LaboratoryClip, frames_of
from veilleur.geometry import FloatArray, View
from veilleur.perception.arrivals import Arrivals
from veilleur.perception.background import Background
from veilleur.perception.still import Nature, StillObject

Said = list[tuple[float, tuple[StillObject, ...]]]


def natures(said: Said) -> set[Nature]:
    return {one.nature for _, found in said for one in found}


@pytest.mark.parametrize("step", [0.5, 1.0])
def test_a_thing_put_down_is_found_where_and_since_when_it_is(step: float) -> None:
    said = watched([between(BAG, 10)], every(step, 20))
    assert all(found == () for time, found in said if time < 13)
    (bag,) = said[-1][1]
    assert bag.nature is Nature.THING
    assert bag.since == pytest.approx(10, abs=step)
    assert (bag.box.x1, bag.box.y1, bag.box.x2, bag.box.y2) == pytest.approx(
        (150, 140, 172, 168), abs=3
    )


def test_an_empty_place_has_nothing_at_rest() -> None:
    assert natures(watched([], every(0.5, 20))) == set()


def test_what_was_there_from_the_beginning_is_not_new_and_taken_away_leaves_a_trace() -> None:
    """A trace is told as one and becomes the place: it is never a thing."""
    said = watched([between(BAG, 0, 10)], every(0.5, 25))
    assert all(found == () for time, found in said if time < 10)
    assert natures(said) == {Nature.TRACE}
    assert said[-1][1] == ()


def test_who_was_only_passing_in_the_first_pictures_leaves_nothing_behind() -> None:
    """Where the place was hardly seen, what is seen from then on is the place."""
    assert natures(watched([between(BAG, 0, 1)], every(0.5, 20))) == set()


def test_a_thing_taken_away_is_gone_within_seconds_and_its_place_is_the_place_again() -> None:
    said = watched([between(BAG, 10, 30)], every(0.5, 40))
    assert natures(said) == {Nature.THING}
    assert all(found for time, found in said if 15 < time < 30)
    assert all(found == () for time, found in said if time > 34)


def test_a_shadow_that_stays_is_light_and_becomes_the_place() -> None:
    shadow = light(0.6, slice(130, 180), slice(140, 200))
    said = watched([between(shadow, 10)], every(0.5, 25))
    assert natures(said) == {Nature.LIGHT}
    assert said[-1][1] == ()


@pytest.mark.parametrize(
    "lamp",
    [
        pytest.param(light(1.5), id="everywhere"),
        pytest.param(light(0.6), id="everywhere, off"),
        pytest.param(light(1.6, slice(None), slice(0, 170)), id="in more than half"),
    ],
)
def test_a_light_switched_is_no_thing(lamp: Draw) -> None:
    assert Nature.THING not in natures(watched([between(lamp, 10)], every(0.5, 25)))


@pytest.mark.parametrize("lamp", [light(1.5), light(1.6, slice(None), slice(0, 200))])
def test_a_thing_is_the_same_when_the_light_has_been_switched(lamp: Draw) -> None:
    said = watched([between(BAG, 10), between(lamp, 20)], every(0.5, 30))
    before = next(found for time, found in said if time == 19)
    after = [one for one in said[-1][1] if one.nature is Nature.THING]
    assert [(one.id, one.since) for one in after] == [(one.id, one.since) for one in before]


def test_a_thing_is_the_same_after_people_have_walked_before_it_for_minutes() -> None:
    said = watched([between(BAG, 10), between(crowd, 20, 200)], every(0.5, 210))
    (before,) = next(found for time, found in said if time == 19)
    (after,) = said[-1][1]
    assert (after.id, after.since) == (before.id, before.since)
    assert any(one.hidden for _, found in said for one in found if one.id == before.id)
    assert not after.hidden


def test_somebody_who_stands_before_a_thing_and_goes_leaves_it_there() -> None:
    person = block(145, 60, 34, 110, (90.0, 130.0, 60.0))
    said = watched([between(BAG, 10), between(person, 30, 60)], every(0.5, 75))
    (last,) = said[-1][1]
    assert last.box.y1 == pytest.approx(140, abs=4)
    assert last.nature is Nature.THING


def test_a_change_that_began_before_a_blindness_is_waited_for_anew_after_it() -> None:
    """Something is before the lens when the camera goes blind, and for a second afterwards."""
    lens = block(0, 0, 200, 240, (20.0, 20.0, 20.0))
    background = Background()
    watched([between(BAG, 10)], every(0.5, 20), background)
    watched([BAG, lens], [20.5, 21.0], background)
    background.resume(10.0)
    watched([BAG, lens], [31.5, 32.0], background)
    assert background.waiting
    (bag,) = watched([BAG], every(0.5, 35, since=32.5), background)[-1][1]
    assert bag.since == pytest.approx(20.0, abs=0.5)


def test_what_moves_is_told_apart_from_what_rests() -> None:
    background, arrivals = Background(), Arrivals(VIEW)
    watched([between(BAG, 5)], every(0.5, 20), background)
    image = place()
    BAG(image, 20.5)
    image[60:200, 40:80] = 200
    bgr = np.clip(image, 0, 255).astype(np.uint8)
    background.step(Picture(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)), 20.5)
    arrivals.step(background, 20.5)
    (mover,) = arrivals.movers(background)
    assert (mover.x1, mover.x2) == pytest.approx((40, 80), abs=3)


def test_after_forgetting_the_place_is_learnt_anew() -> None:
    background = Background()
    watched([between(BAG, 10)], every(0.5, 20), background)
    background.forget()
    assert not background.ready
    assert watched([BAG], [30.0, 30.5, 40.0], background)[-1][1] == ()


def test_a_picture_of_another_size_begins_anew() -> None:
    background = Background()
    watched([between(BAG, 10)], every(0.5, 20), background)
    small = Picture(np.full((180, 160), 90, np.uint8))
    background.step(small, 21.0)
    assert background.started == 21.0


def test_a_thing_drawn_into_a_real_place_is_found_and_nothing_else(data: Path) -> None:
    """A bag drawn into vtest (PETS 2009) where people walk by; coded again as a camera would."""
    clip = LaboratoryClip(id="c", path=data / "tracking/vtest/vtest.avi", rules=(), rate_hz=2.0)
    background, found = Background(), []
    arrivals: Arrivals | None = None
    for frame in frames_of(clip):
        if frame.time > 40:
            break
        width, height = frame.picture.width, frame.picture.height
        arrivals = arrivals or Arrivals(View(width, height))
        image = frame.picture.bgr(width, height).copy()
        if frame.time > 15:
            cv2.rectangle(image, (400, 380), (424, 408), (30, 25, 60), -1)
            cv2.rectangle(image, (404, 388), (420, 392), (80, 90, 120), -1)
        coded = np.asarray(cv2.cvtColor(jpeg(image), cv2.COLOR_BGR2YUV_I420), np.uint8)
        background.step(Picture(coded, full_range=True), frame.time)
        found.append((frame.time, arrivals.step(background, frame.time)))
    things = [one for time, one in found if time > 25]
    near = [[t for t in some if abs(t.box.x1 - 400) < 12] for some in things]
    assert sum(map(bool, near)) >= 0.95 * len(near)
    assert {t.nature for some in near for t in some} == {Nature.THING}
    elsewhere = [t for some in things for t in some if abs(t.box.x1 - 400) >= 12]
    assert sum(not t.hidden for t in elsewhere) <= 0.3 * len(things), "people who stand for a while"


@pytest.mark.parametrize("sway", [1.0, 2.5])
def test_a_camera_that_sways_sees_nothing_move_and_the_bag_at_rest(sway: float) -> None:
    """By up to so many pixels of the working size to all sides, as on a mast in wind."""

    def swayed(image: FloatArray, time: float) -> None:
        way = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
        way[:, 2] = np.random.default_rng(round(time)).uniform(-sway, sway, 2)
        image[...] = cv2.warpAffine(image, way, (320, 240), borderMode=cv2.BORDER_REFLECT)

    background = Background()
    said = watched([between(BAG, 10), swayed], every(0.5, 30), background)
    (bag,) = said[-1][1]
    assert bag.since == pytest.approx(10, abs=1.0)
    assert abs(bag.box.x1 - 150) < 6
    assert float(background.moving.mean()) < 0.005
