"""Drawn fire over a real place, through candidates, verifier and rule; and what only looks so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice

import cv2
import numpy as np
import pytest

from tests.made import every
from veilleur.cameras.activity import ActivityGate
from veilleur.cameras.frame import Activity, Frame
from veilleur.cameras.picture import Picture
from veilleur.engine.burning import BurningSense
from veilleur.events.fire import FireStart, Parameters
from veilleur.events.rule import Verdict
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import Box, FloatArray, ImageArray, View
from veilleur.perception.blaze import Sort
from veilleur.perception.fire import FIRE, NONE, FireWatch
from veilleur.perception.glow import Glow
from veilleur.perception.loader import Choice
from veilleur.perception.reference import DEMO_CLIP
from veilleur.perception.verifier import Verifier, VerifierModel, load_verifier
from veilleur.simulation.burning import Fire
from veilleur.simulation.fires import pictures, stories

SIZE = 384, 288
RATE = 5.0
VIEW = View(*SIZE)


@cache
def place() -> tuple[ImageArray, ...]:
    """Twelve seconds of the demonstration clip, small."""
    images = islice(pictures(DEMO_CLIP, 20.0, RATE), int(12 * RATE))
    return tuple(np.asarray(cv2.resize(i, SIZE, interpolation=cv2.INTER_AREA)) for i in images)


@cache
def verifier() -> Verifier:
    return load_verifier(FIRE, Choice(streams=1))


def picture_of(image: ImageArray) -> Picture:
    return Picture(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8))


def frames(images: Iterator[ImageArray], rate: float = RATE) -> Iterator[Frame]:
    gate = ActivityGate()
    for number, image in enumerate(images):
        picture, time = picture_of(image), number / rate
        activity = gate.step(picture.thumbnail(), time)
        yield Frame("camera", number, time, picture, activity=activity)


def told(name: str) -> list[float]:
    """Seconds at which the rule tells, in the story of that name over the demo clip."""
    story = next(story for story in stories(*SIZE) if story.id == name)
    shown = (story.picture(image, n / RATE) for n, image in enumerate(place()))
    sense, found = BurningSense(FireWatch(VIEW, verifier())), []
    rule = fire_rule()
    for frame in frames(shown):
        scene = sense.look(Scene("camera", frame.time, VIEW), frame)
        found += [signal.noticed for signal in rule.step(scene).signals]
    return found


def fire_rule() -> FireStart:
    zone = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    spec = RuleSpecification.model_validate({"id": "fire", "event": "fire", "zone": zone})
    return FireStart(spec, VIEW, Parameters())


@pytest.mark.parametrize("name", ["fire_large", "fire_at_night"])
def test_a_drawn_flame_that_starts_after_a_calm_is_told_within_two_seconds(name: str) -> None:
    found = told(name)
    assert len(found) == 1
    assert 8.0 - 0.5 <= found[0] <= 8.0 + 2.0


def test_a_drawn_flame_that_burned_before_is_told_too() -> None:
    found = told("fire_before_anybody_looked")
    assert len(found) == 1
    assert found[0] <= 4.0


@pytest.mark.parametrize("name", ["none_headlights", "none_vests", "none_lamp", "none_lighter"])
def test_what_only_looks_so_is_not_told(name: str) -> None:
    assert not told(name)


# ------------------------------------------------------------- the steps, with a made verifier


class _Says(Verifier):
    """Says what it is told to; counts how often it was asked."""

    def __init__(self, flame: float, smoke: float = 0.0) -> None:
        self.model, self.answer, self.asked = FIRE, np.array([flame, smoke]), 0

    def scores(self, picture: Picture, view: View, box: Box) -> FloatArray:
        self.asked += 1
        return self.answer


def flickering(flames: int = 1) -> Iterator[ImageArray]:
    """Grey, with orange spots at fixed places that change their size all the time."""
    for number in range(100):
        image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        for flame in range(flames):
            tall = 30 + 5 * ((2 * number + flame) % 7)
            cv2.rectangle(
                image, (40 * flame, 200 - tall), (40 * flame + 20, 200), (20, 120, 250), -1
            )
        yield image


def test_nothing_is_asked_while_nothing_changes() -> None:
    says = _Says(0.9)
    watch = FireWatch(VIEW, says)
    still = next(flickering())
    for number in range(20):
        watch.step(picture_of(still), number / RATE, moved=False)
    assert says.asked == 0


def test_at_most_three_looks_a_step_however_much_burns() -> None:
    says = _Says(0.9)
    watch = FireWatch(VIEW, says)
    for number, image in enumerate(islice(flickering(8), 20)):
        before = says.asked
        watch.step(picture_of(image), number / RATE, moved=True)
        assert says.asked - before <= 3
    assert says.asked > 20


def test_what_the_verifier_sees_nothing_in_is_asked_less_often() -> None:
    asked = []
    for score in (0.9, 0.1):
        says = _Says(score)
        watch = FireWatch(VIEW, says)
        for number, image in enumerate(islice(flickering(), 25)):
            watch.step(picture_of(image), number / RATE, moved=True)
        asked.append(says.asked)
    assert asked[1] < 0.5 * asked[0]


def test_a_flicker_is_one_place_from_first_to_last() -> None:
    watch = FireWatch(VIEW, _Says(0.9))
    seen = [
        watch.step(picture_of(image), number / RATE, moved=True)
        for number, image in enumerate(islice(flickering(), 25))
    ]
    flames = [[b for b in blazes if b.sort is Sort.FLAME] for blazes in seen[3:]]
    assert {b.id for blazes in flames for b in blazes} == {flames[0][0].id}
    last = flames[-1][0]
    assert last.at_start
    assert last.burns_since is not None
    assert last.burns_since <= 0.6
    assert last.sure == 1.0
    assert last.moved < 0.6


def noticed(times: Iterable[float], score: float = 0.9, blind: Iterable[float] = ()) -> list[float]:
    """When the rule tells, of a flicker seen at these seconds, of which some are blind."""
    sense, rule, found = BurningSense(FireWatch(VIEW, _Says(score))), fire_rule(), []
    dark = set(blind)
    for number, (image, time) in enumerate(zip(flickering(), times, strict=False)):
        scene = Scene("camera", time, VIEW, blind="dark" if time in dark else None)
        if time in dark:
            sense.pause("dark")
        else:
            activity = Activity(moved=0.1)
            frame = Frame("camera", number, time, picture_of(image), activity=activity)
            scene = sense.look(scene, frame)
        verdict: Verdict = rule.step(scene)
        found += [signal.noticed for signal in verdict.signals]
    return found


@pytest.mark.parametrize("rate", [2.0, 5.0, 10.0, 25.0])
def test_the_rate_of_the_pictures_changes_little(rate: float) -> None:
    """It burns from the first picture: two seconds are asked."""
    found = noticed([n / rate for n in range(int(8 * rate))])
    assert len(found) == 1
    assert 2.0 <= found[0] <= 4.0


@pytest.mark.parametrize("rate", [2.0, 5.0, 10.0, 25.0])
def test_at_no_rate_is_told_what_the_verifier_does_not_see(rate: float) -> None:
    assert not noticed([n / rate for n in range(int(8 * rate))], score=0.4)


@pytest.mark.parametrize("seed", range(4))
def test_lost_and_doubled_pictures_neither_tell_early_nor_twice(seed: int) -> None:
    random = np.random.default_rng(seed)
    steps = random.choice([0.0, 0.04, 0.2, 0.4, 0.9], 60)
    found = noticed(np.cumsum(steps).tolist())
    assert len(found) == 1
    assert 2.0 <= found[0] <= 8.0


@pytest.mark.parametrize("back_s", [0.5, 3.0, 100.0])
def test_a_clock_that_steps_back_begins_anew_and_does_not_tell_early(back_s: float) -> None:
    """Two seconds before the step, which are not enough, and what comes after it."""
    before = every(0.2, 202.0, since=200.0)
    first = before[-1] - back_s
    after = every(0.2, first + 6.0, since=first)
    found = noticed([*before, *after])
    assert len(found) == 1
    assert 2.0 <= found[0] - after[0] <= 5.0


def test_a_clock_that_steps_forward_counts_no_time_that_was_not_seen() -> None:
    before, after = every(0.2, 2.0), every(0.2, 46.0, since=40.0)
    found = noticed([*before, *after])
    assert len(found) == 1
    assert 2.0 <= found[0] - after[0] <= 5.0


def test_a_camera_that_was_blind_begins_anew() -> None:
    times = every(0.2, 10.0)
    found = noticed(times, blind=[time for time in times if 2.0 <= time <= 4.0])
    assert len(found) == 1
    assert 2.0 <= found[0] - 4.2 <= 5.0


def test_after_it_forgot_nothing_is_known() -> None:
    watch = FireWatch(VIEW, _Says(0.9))
    for number, image in enumerate(islice(flickering(), 10)):
        watch.step(picture_of(image), number / RATE, moved=True)
    watch.forget()
    assert watch.step(picture_of(next(flickering())), 100.0, moved=True) == ()


def test_drifting_grey_is_a_candidate_and_a_sharp_thing_is_none() -> None:
    ground, checks = place()[0], np.indices((64, 64)).sum(axis=0) // 6 % 2
    smoke = Fire(foot=(190, 220), width=40, height=0, smoke=1.8, grey=200.0, grows_s=2.0)
    thing = ground.copy()
    thing[150:214, 150:214] = 220 * checks[..., None]
    clouds, things = Glow(VIEW), Glow(VIEW)
    drifted, stood = 0, 0
    for number in range(15):
        time = number / RATE
        drifts, stands = smoke.painted(ground, time), thing if number > 3 else ground
        drifted += len(clouds.step(picture_of(drifts), time, NONE).clouds)
        stood += len(things.step(picture_of(stands), time, NONE).clouds)
    assert drifted >= 10
    assert stood <= 2


def test_the_shipped_network_is_the_one_that_is_meant() -> None:
    assert verifier().model is FIRE
    assert isinstance(FIRE, VerifierModel)
    assert FIRE.classes == tuple(Sort)


def test_no_activity_is_no_reason_to_forget_a_fire() -> None:
    """A fire that pauses for a picture goes on."""
    watch = FireWatch(VIEW, _Says(0.9))
    sense = BurningSense(watch)
    times: list[float] = []
    for number, image in enumerate(islice(flickering(), 20)):
        activity = Activity(moved=0.0 if number == 12 else 0.1)
        frame = Frame("camera", number, number / RATE, picture_of(image), activity=activity)
        scene = sense.look(Scene("camera", frame.time, VIEW), frame)
        times += [frame.time for blaze in scene.blazes or () if blaze.burns_since is not None]
    assert times[-1] == pytest.approx(19 / RATE)
