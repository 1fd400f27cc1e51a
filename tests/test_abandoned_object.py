"""Abandoned object: states, attendance, explanations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made import VIEW, every, rule, scene, tracks
from veilleur.errors import ConfigurationError
from veilleur.events.rule import Rule, Signal, Verdict
from veilleur.events.wording import Language, sentence
from veilleur.geometry import Box
from veilleur.ground import GroundSpecification, ground_plane
from veilleur.perception.objects import Kind, Tracks
from veilleur.perception.still import Content, Nature, Stillness, StillObject

WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]
PLACE = Box(500, 470, 530, 500)  # people are 100 pixels tall in these scenes
AT, NEAR, FAR = (480.0, 500.0), (420.0, 500.0), (100.0, 500.0)


def watch(**params: Any) -> Rule:
    return rule("abandoned_object", zone=WHOLE, params={"unattended_s": 10.0, **params})


def still(since: float, box: Box = PLACE, **more: Any) -> Stillness:
    more.setdefault("content", Content.UNKNOWN)
    return Stillness(0.0, (StillObject(1, box, since, **more),))


EMPTY = Stillness(0.0)


class Story:
    """Somebody puts a thing down at second 10 and walks off at `leaves`."""

    def __init__(self, leaves: float = 15.0, thing_until: float = np.inf, **thing: Any) -> None:
        self.leaves, self.until, self.thing = leaves, thing_until, thing
        self.visits: list[tuple[float, float, tuple[float, float], int]] = []

    def visit(self, since: float, until: float, foot: tuple[float, float], id_: int) -> Story:
        self.visits.append((since, until, foot, id_))
        return self

    def people(self, time: float) -> Tracks:
        feet = {1: AT if 6 <= time < self.leaves else FAR}
        feet |= {i: foot for since, until, foot, i in self.visits if since <= time < until}
        return tracks(feet)

    def still(self, time: float) -> Stillness:
        there = 13 <= time < self.until
        return still(10.0, **self.thing) if there else EMPTY

    def told(self, watched: Rule, times: Iterable[float]) -> list[tuple[float, Verdict]]:
        return [(t, watched.step(scene(t, self.people(t), still=self.still(t)))) for t in times]


def signals(said: list[tuple[float, Verdict]]) -> list[Signal]:
    return [signal for _, verdict in said for signal in verdict.signals]


def notices(said: list[tuple[float, Verdict]]) -> list[tuple[float, str]]:
    return [(t, notice.level) for t, verdict in said for notice in verdict.notices]


def why_not(said: list[tuple[float, Verdict]]) -> str | None:
    (candidate,) = said[-1][1].candidates
    return candidate.failed.name if candidate.failed else None


@pytest.mark.parametrize("step", [0.1, 0.2, 0.5, 1.0])
def test_a_thing_left_behind_is_told_once_when_nobody_was_with_it_for_the_time(
    step: float,
) -> None:
    said = Story().told(watch(), every(step, 60))
    (signal,) = signals(said)
    assert signal.began == pytest.approx(15, abs=step + 1e-6)
    assert signal.noticed == pytest.approx(25, abs=step + 1e-6)
    assert said[-1][1].holding == (PLACE,)
    assert sentence(signal.checks).startswith("Signal")


def test_the_states_are_told_as_notices_with_their_checks() -> None:
    """Placed, unattended, abandoned, attended again, unattended again, removed."""
    story = Story(thing_until=60).visit(40, 50, NEAR, 2)
    said = story.told(watch(), every(0.5, 65))
    assert [level for _, level in notices(said)] == [
        "unattended", "attended", "unattended", "removed"
    ]  # fmt: skip
    assert [t for t, _ in notices(said)] == pytest.approx([16.5, 44, 51, 60], abs=1.0)
    assert [s.noticed for s in signals(said)] == pytest.approx([25.0, 59.5], abs=0.5)
    assert why_not(said) == "still_there"


def test_as_long_as_somebody_is_with_it_nothing_is_said() -> None:
    said = Story(leaves=100).told(watch(), every(0.5, 60))
    assert signals(said) == []
    assert notices(said) == []
    assert why_not(said) == "alone"


def test_anybody_who_stays_attends_it_whoever_it_is() -> None:
    said = Story().visit(14, 100, NEAR, 2).told(watch(), every(0.5, 60))
    assert signals(said) == []


def test_who_passes_by_does_not_attend_it() -> None:
    """Somebody else is within reach for two seconds in every four."""
    story = Story()
    for n in range(10):
        story.visit(16 + 4 * n, 18 + 4 * n, NEAR, 10 + n)
    (signal,) = signals(story.told(watch(), every(0.5, 60)))
    assert signal.began == pytest.approx(15, abs=0.5)
    assert 25 <= signal.noticed <= 29


def test_who_comes_for_it_at_the_last_moment_is_waited_for() -> None:
    story = Story(thing_until=27).visit(24, 27, AT, 2)
    assert signals(story.told(watch(), every(0.5, 40))) == []


@pytest.mark.parametrize(
    ("thing", "failed"),
    [
        ({"nature": Nature.TRACE}, "no_trace"),
        ({"nature": Nature.LIGHT}, "no_light"),
        ({"content": Content.PERSON}, "no_person"),
        ({"content": Content.VEHICLE}, "no_vehicle"),
        ({"content": Content.UNSEEN}, "examined"),
        ({"box": Box(500, 400, 640, 500)}, "small_enough"),
        ({"box": Box(500, 491, 509, 500)}, "large_enough"),
        ({"box": Box(0, 470, 30, 500)}, "brought"),
        ({"hidden": True}, "in_view"),
    ],
)
def test_what_is_no_thing_left_behind_says_what_it_is(thing: dict[str, Any], failed: str) -> None:
    said = Story(**thing).told(watch(), every(0.5, 60))
    assert signals(said) == []
    assert why_not(said) == failed


def test_a_thing_cut_by_the_edge_of_the_picture_is_not_judged() -> None:
    box = Box(0, 470, 30, 500)
    said = []
    watched = watch()
    for t in every(0.5, 60):
        people = tracks({1: (40.0, 500.0) if t < 15 else (600.0, 500.0)})
        word = still(10.0, box) if t >= 13 else EMPTY
        said.append((t, watched.step(scene(t, people, still=word))))
    assert signals(said) == []
    assert why_not(said) == "whole"


def test_the_detector_overrules_light_where_it_sees_a_bag() -> None:
    said = Story(nature=Nature.LIGHT, content=Content.BAG).told(watch(), every(0.5, 60))
    assert len(signals(said)) == 1


def test_what_nobody_put_down_is_not_told() -> None:
    """A sign that lights up, a tile that changes colour: nobody was at it."""
    watched = watch()
    said = [
        (t, watched.step(scene(t, tracks({1: FAR}), still=still(10.0) if t >= 13 else EMPTY)))
        for t in every(0.5, 60)
    ]
    assert signals(said) == []
    assert why_not(said) == "brought"


def test_somebody_whom_the_detector_does_not_know_may_put_it_down_and_attend_it() -> None:
    """What moves and is taller than the thing counts, where it is as near as an arm's length."""
    watched = watch()
    said = []
    for t in every(0.5, 60):
        x = max(470 - 80 * max(t - 14.5, 0), 100)
        mover = Box(x, 400, x + 30, 502)
        word = replace(still(10.0) if t >= 13 else EMPTY, movers=(mover,))
        said.append((t, watched.step(scene(t, tracks({9: FAR}), still=word))))
    (signal,) = signals(said)
    assert signal.began == pytest.approx(15, abs=1.0)


@pytest.mark.parametrize(
    ("leaves", "told"),
    [
        pytest.param(Box(490, 380, 540, 502), 0, id="comes and stands still himself"),
        pytest.param(Box(490, 380, 540, 455), 0, id="whose upper half moves"),
        pytest.param(Box(300, 380, 350, 502), 1, id="puts it down and goes"),
    ],
)
def test_who_stands_still_undetected_is_no_thing_for_nobody_has_gone(
    leaves: Box, told: int
) -> None:
    """He came, as large as people are; what rests then is the part of him that does."""
    watched, said = watch(), []
    for t in every(0.5, 60):
        x = 100 + 230 * max(min(t - 8, 2), 0)
        mover = Box(x, 380, x + 50, 502) if t < 10 else leaves
        movers = (mover,) if t < 12 else ()
        word = replace(still(10.0) if t >= 13 else EMPTY, movers=movers)
        said.append((t, watched.step(scene(t, tracks({9: (900.0, 500.0)}), still=word))))
    assert len(signals(said)) == told


def test_a_person_seen_in_it_now_and_then_is_a_person() -> None:
    """Somebody who sits, found in every third look, by a tracker that loses him."""
    watched = watch()
    said = []
    for n, t in enumerate(every(0.5, 60)):
        feet = {1: AT} if t < 15 else ({n: (515.0, 510.0)} if n % 3 == 0 else {})
        word = still(10.0) if t >= 13 else EMPTY
        said.append((t, watched.step(scene(t, tracks(feet), still=word))))
    assert signals(said) == []
    assert why_not(said) == "no_person"


def test_a_parked_bicycle_is_a_vehicle() -> None:
    watched = watch()
    said = []
    for t in every(0.5, 60):
        people = tracks({1: AT if t < 15 else FAR})
        bicycle = tracks({7: (515.0, 500.0)}, height=32, width=32, kind=Kind.VEHICLE)
        both = people if t < 12 else joined(people, bicycle)
        word = still(10.0) if t >= 13 else EMPTY
        said.append((t, watched.step(scene(t, both, still=word))))
    assert signals(said) == []
    assert why_not(said) == "no_vehicle"


def joined(one: Tracks, other: Tracks) -> Tracks:
    columns = ("ids", "boxes", "kinds", "scores", "velocities", "ages", "seen")
    return Tracks(*(np.concatenate([getattr(one, c), getattr(other, c)]) for c in columns))


def test_two_parts_of_one_thing_are_one_alert() -> None:
    watched = watch()
    said = []
    for t in every(0.5, 60):
        people = tracks({1: AT if t < 15 else FAR})
        late = (StillObject(2, Box(535, 470, 560, 500), 18.0, content=Content.UNKNOWN),)
        word = still(10.0) if t >= 13 else EMPTY
        word = replace(word, objects=word.objects + (late if t >= 21 else ()))
        said.append((t, watched.step(scene(t, people, still=word))))
    assert len(signals(said)) == 1


def bags(feet: dict[int, tuple[float, float]]) -> Tracks:
    return tracks(feet, height=30, width=30, kind=Kind.BAG)


def with_bag(watched: Rule, times: Iterable[float], **more: Any) -> list[tuple[float, Verdict]]:
    said = []
    for t in times:
        people = tracks({1: AT if t < 15 else FAR})
        there = joined(people, bags({5: (515.0, 500.0)})) if t >= 10 else people
        said.append((t, watched.step(scene(t, there, **more))))
    return said


def test_where_nobody_looks_at_pixels_a_bag_at_rest_is_enough() -> None:
    (signal,) = signals(with_bag(watch(), every(0.5, 40)))
    assert signal.began == pytest.approx(15, abs=0.5)


def test_a_bag_that_is_carried_is_nothing() -> None:
    watched = watch(unattended_s=2.0)
    said = [
        (t, watched.step(scene(t, joined(tracks({1: FAR}), bags({5: (300 + 40 * t, 500)})))))
        for t in every(0.5, 15)
    ]
    assert signals(said) == []
    assert all(v.candidates == () for _, v in said)


def test_a_bag_where_no_change_was_seen_must_be_recognised_again_and_again() -> None:
    """Something that looks like a bag in every third look has not been put there."""
    watched = watch()
    said = []
    for n, t in enumerate(every(0.5, 60)):
        people = tracks({1: AT if t < 15 else FAR})
        there = joined(people, bags({5: (515.0, 500.0)})) if t < 15 or n % 3 == 0 else people
        said.append((t, watched.step(scene(t, there, still=EMPTY))))
    assert signals(said) == []
    assert why_not(said) == "recognised"


def test_after_a_restart_the_countdown_begins_anew_and_says_so() -> None:
    """A bag that stood there before the first picture is told as at rest for at least so long."""
    watched = watch()
    said = [
        (t, watched.step(scene(t, joined(tracks({1: FAR}), bags({5: (515, 500)})), still=EMPTY)))
        for t in every(0.5, 20)
    ]
    (signal,) = signals(said)
    assert signal.noticed == pytest.approx(10, abs=0.5)
    assert signal.at_least
    assert "at least" in sentence(signal.checks)


def blinded(
    watched: Rule, times: Iterable[float], since: float, until: float, blind: str = "dark"
) -> list[tuple[float, Verdict]]:
    """The story with a camera that sees nothing for a while: nothing gets older by it."""
    story, said = Story(), []
    for t in times:
        if since <= t < until:
            said.append((t, watched.step(scene(t, story.people(t), blind=blind))))
            continue
        seen = story.still(t)
        if t >= until:
            seen = still(10.0 + until - since)
        said.append((t, watched.step(scene(t, story.people(t), still=seen))))
    return said


@pytest.mark.parametrize("step", [0.04, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("blind", ["dark", "covered", "light"])
def test_a_countdown_goes_on_where_it_stopped_when_the_camera_was_blind(
    step: float, blind: str
) -> None:
    said = blinded(watch(), every(step, 45), 20.0, 26.0, blind)
    (signal,) = signals(said)
    assert signal.noticed == pytest.approx(31, abs=2 * step)
    assert [level for _, level in notices(said)] == ["unattended"]


def test_what_was_told_before_the_camera_was_blind_is_not_told_again() -> None:
    said = blinded(watch(), every(0.5, 60), 30.0, 36.0)
    assert [s.noticed for s in signals(said)] == pytest.approx([25.0], abs=0.5)
    assert said[-1][1].holding == (PLACE,)


@pytest.mark.parametrize(("blind", "until"), [("moved", 31.0), ("dark", 91.0)])
def test_no_countdown_is_lost_without_a_word_and_nothing_told_twice_when_long_blind(
    blind: str, until: float
) -> None:
    """Turned to another place, or blind so long that nobody knows what became of the thing."""
    watched = watch()
    story = Story()
    before = story.told(watched, every(0.5, 30))
    assert watched.step(scene(30.5, story.people(30.5), blind=blind)) == Verdict()
    assert len(signals(before)) == 1
    silent = watched.step(scene(until, tracks({1: FAR}), still=EMPTY))
    (lost,) = silent.candidates
    assert [c.name for c in lost.checks] == ["uninterrupted"]
    assert lost.where == PLACE
    after = [
        (t, watched.step(scene(t, tracks({1: FAR}), still=still(until, content=Content.BAG))))
        for t in every(0.5, until + 30, since=until + 3)
    ]
    assert signals(after) == []
    assert why_not(after) is None


@pytest.mark.parametrize("jump", [-5.0, 3600.0])
def test_a_clock_that_is_set_begins_the_countdown_anew(jump: float) -> None:
    watched = watch()
    story = Story()
    story.told(watched, every(0.5, 20))
    said = [
        (t, watched.step(scene(t + jump, story.people(t), still=story.still(t))))
        for t in every(0.5, 26, since=20.5)
    ]
    assert signals(said) == []


def test_a_doubled_picture_changes_nothing() -> None:
    once = Story().told(watch(), every(0.5, 40))
    twice = Story().told(watch(), sorted(every(0.5, 40) * 2))
    assert [s.noticed for s in signals(once)] == [s.noticed for s in signals(twice)]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**20))
def test_lost_pictures_do_not_matter(seed: int) -> None:
    random = np.random.default_rng(seed)
    kept = every(0.2, 40)[::5]  # no hole is longer than a second
    times = [t for t in every(0.2, 40) if t in kept or random.uniform() < 0.5]
    (signal,) = signals(Story().told(watch(), times))
    assert signal.noticed == pytest.approx(25, abs=1.5)


def test_the_reach_is_in_metres_where_the_ground_is_known() -> None:
    """Ten pixels are ten centimetres: three metres are 300 pixels, whatever people's height."""
    spec = GroundSpecification(
        image=[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
        metres=[(0, 10), (10, 10), (10, 0), (0, 0)],
    )
    ground = ground_plane(spec, VIEW.width, VIEW.height, Path())
    outcomes = []
    for foot in ((250.0, 500.0), (150.0, 500.0)):
        watched = rule("abandoned_object", zone=WHOLE, params={"unattended_s": 10.0}, ground=ground)
        told = 0
        for t in every(0.5, 40):
            people = tracks({1: AT if t < 15 else foot})
            seen = replace(
                scene(t, people, still=still(10.0) if t >= 13 else EMPTY),
                view=replace(VIEW, ground=ground),
            )
            told += len(watched.step(seen).signals)
        outcomes.append(told)
    assert outcomes == [0, 1]


def test_a_thing_outside_the_zone_is_not_watched() -> None:
    zone = [[0, 0], [0.3, 0], [0.3, 1], [0, 1]]
    watched = rule("abandoned_object", zone=zone, params={"unattended_s": 10.0})
    assert all(v.candidates == () for _, v in Story().told(watched, every(0.5, 60)))


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"zone": None}, "needs a zone"),
        ({"params": {"radius_m": 2.0, "radius_heights": 1.0}}, "given twice"),
        ({"params": {"radius": 2.0}}, "radius"),
    ],
)
def test_a_wrong_rule_says_what_to_do(more: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        rule("abandoned_object", **{"zone": WHOLE, **more})


def test_every_sentence_begins_with_signal_exactly_when_all_has_passed() -> None:
    story = Story(thing_until=50).visit(30, 40, NEAR, 3)
    for _, verdict in story.told(watch(), every(0.5, 65)):
        for candidate in verdict.candidates:
            languages: tuple[Language, ...] = ("en", "fr")
            for language in languages:
                said = sentence(candidate.checks, language)
                assert said.startswith("Signal") == (candidate.failed is None)


def test_a_bag_taken_away_at_the_last_moment_is_not_told_as_left() -> None:
    """Where only the detector speaks, the alarm waits until the bag is found again."""
    watched = watch()
    said = with_bag(watched, every(0.5, 22.5))
    for t in every(0.5, 40, since=23):
        said.append((t, watched.step(scene(t, tracks({1: FAR})))))
    assert signals(said) == []
