"""Fire start: what changes as fire does, and goes on; not lights, not lighters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made import every, rule, scene, tracks
from veilleur.engine.situations import Situations
from veilleur.errors import ConfigurationError
from veilleur.events.fire import FireStart
from veilleur.events.rule import Signal, Verdict
from veilleur.events.wording import sentence
from veilleur.geometry import Box
from veilleur.perception.blaze import Blaze, Sort
from veilleur.perception.objects import Kind, Tracks

ZONE = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
BEGINS = 5.0
BOX = Box(200, 500, 260, 600)
NOBODY = Tracks.none()
Burning = Callable[[float], tuple[Blaze, ...]]


def fire_rule(**params: Any) -> FireStart:
    made = rule("fire", zone=ZONE, params=params)
    assert isinstance(made, FireStart)
    return made


def blaze(time: float, **other: Any) -> Blaze:
    """A flame that has burned since BEGINS and grows."""
    age_s = time - BEGINS
    made = Blaze(
        id=1,
        sort=Sort.FLAME,
        box=BOX,
        since=BEGINS,
        until=time,
        burns_since=BEGINS,
        sure=1.0,
        looks=min(int(age_s * 5) + 1, 10),
        stirs=1.0,
        grown=1.0 + age_s,
        moved=0.1,
    )
    return replace(made, **other)


def burning(**other: Any) -> Burning:
    return lambda time: (blaze(time, **other),) if time >= BEGINS else ()


def watch(
    watched: FireStart, fire: Burning, times: Iterable[float], people: Tracks = NOBODY, **more: Any
) -> list[tuple[float, Verdict]]:
    return [(t, watched.step(scene(t, people, blazes=fire(t), **more))) for t in times]


def signals(
    watched: FireStart, fire: Burning, times: Iterable[float] | None = None, **more: Any
) -> list[Signal]:
    steps = watch(watched, fire, every(0.2, 15.0) if times is None else times, **more)
    return [signal for _, verdict in steps for signal in verdict.signals]


def test_a_flame_that_appears_and_grows_is_told_once_after_it_has_lasted() -> None:
    found = signals(fire_rule(persist_s=2.0), burning())
    assert [signal.noticed for signal in found] == [pytest.approx(BEGINS + 2.0)]
    assert found[0].began == BEGINS
    assert found[0].where == BOX


def test_smoke_that_spreads_is_told_too() -> None:
    found = signals(fire_rule(), burning(sort=Sort.SMOKE))
    assert len(found) == 1
    assert "smoke_seen" in [check.name for check in found[0].checks]


def test_what_burned_when_analysis_began_is_told_as_such() -> None:
    found = signals(fire_rule(), burning(at_start=True, grown=1.0))
    assert len(found) == 1
    assert "present since analysis began" in sentence(found[0].checks)
    assert "présent depuis le début de l’analyse" in sentence(found[0].checks, "fr")


@pytest.mark.parametrize(
    ("other", "failed"),
    [
        ({"looks": 2}, "verified"),
        ({"sort": Sort.SMOKE, "looks": 3}, "verified"),
        ({"sure": 0.75}, "flame_seen"),
        ({"sort": Sort.SMOKE, "sure": 0.85}, "smoke_seen"),
        ({"box": Box(200, 580, 215, 600)}, "fire_size"),
        ({"stirs": 0.34}, "stirring"),
        ({"moved": 0.9}, "stays"),
        ({"grown": 1.1}, "grown"),
        ({"sort": Sort.SMOKE, "grown": 1.4}, "grown"),
        ({"burns_since": None}, "persisted"),
    ],
)
def test_each_condition_alone_keeps_it_quiet_and_says_so(
    other: dict[str, Any], failed: str
) -> None:
    watched = fire_rule()
    steps = watch(watched, burning(**other), every(0.2, 15.0))
    assert not [signal for _, verdict in steps for signal in verdict.signals]
    why = steps[-1][1].candidates[0].failed
    assert why is not None
    assert why.name == failed


@pytest.mark.parametrize(
    "other",
    [
        {"looks": 3},
        {"sure": 0.8},
        {"sort": Sort.SMOKE, "sure": 0.9, "grown": 1.5},
        {"box": Box(200, 575, 215, 600)},
        {"stirs": 0.35},
        {"moved": 0.8},
        {"grown": 1.2},
        {"moved": 5.0, "swept": True},
    ],
)
def test_what_just_fulfils_a_condition_is_told(other: dict[str, Any]) -> None:
    assert len(signals(fire_rule(), burning(**other))) == 1


def test_a_flame_in_somebodys_box_must_be_larger_than_a_lighter() -> None:
    """A person 300 pixels tall: 15 % of it are 45."""
    person = tracks({7: (230.0, 640.0)}, height=300, width=120)
    small, larger = Box(279, 560, 299, 600), Box(270, 552, 308, 600)
    assert not signals(fire_rule(), burning(box=small), people=person)
    assert len(signals(fire_rule(), burning(box=larger), people=person)) == 1
    assert len(signals(fire_rule(), burning(box=small))) == 1


@pytest.mark.parametrize(("sort", "most"), [(Sort.FLAME, 0.7), (Sort.SMOKE, 0.4)])
def test_what_lies_where_people_are_is_these(sort: Sort, most: float) -> None:
    """Somebody 400 pixels tall, whose box begins at x = 200; what burns reaches out to the left."""
    person = tracks({7: (250.0, 700.0)}, height=400, width=100)
    for share, told in ((most + 0.1, 0), (most - 0.1, 1)):
        box = Box(200 - 100 * (1 - share), 400, 200 + 100 * share, 500)
        fire = burning(sort=sort, box=box, looks=5)
        assert len(signals(fire_rule(), fire, people=person)) == told


def test_a_flame_before_a_vehicle_is_told() -> None:
    car = tracks({7: (230.0, 700.0)}, height=400, width=300, kind=Kind.VEHICLE)
    assert len(signals(fire_rule(), burning(), people=car)) == 1
    assert not signals(fire_rule(), burning(sort=Sort.SMOKE, looks=5), people=car)


def test_what_burns_outside_the_zone_is_nobodys_business() -> None:
    outside = burning(box=Box(700, 500, 760, 600))
    steps = watch(fire_rule(), outside, every(0.2, 15.0))
    assert not any(verdict.signals or verdict.candidates for _, verdict in steps)


def test_a_second_flame_of_the_same_fire_is_not_told_again() -> None:
    def two(time: float) -> tuple[Blaze, ...]:
        first = burning()(time)
        later = blaze(time, id=2, box=Box(300, 500, 380, 620), since=8.0, burns_since=8.0)
        return (*first, later) if time >= 8.0 else first

    watched, situations, alerts = fire_rule(), Situations(), 0
    for time, verdict in watch(watched, two, every(0.2, 30.0)):
        alerts += len(situations.update(verdict, time))
    assert alerts == 1


def test_a_fire_that_was_out_for_long_is_told_again() -> None:
    def twice(time: float) -> tuple[Blaze, ...]:
        if time >= 40.0:
            return (blaze(time, id=9, since=40.0, burns_since=40.0, looks=9),)
        return burning()(time) if time < 15.0 else ()

    noticed = [signal.noticed for signal in signals(fire_rule(), twice, every(0.2, 50.0))]
    assert noticed == [pytest.approx(BEGINS + 2.0), pytest.approx(42.0)]


@pytest.mark.parametrize("rate", [2.0, 5.0, 12.5, 25.0])
def test_the_rate_of_the_pictures_changes_nothing(rate: float) -> None:
    found = signals(fire_rule(), burning(), every(1 / rate, 12.0))
    assert len(found) == 1
    assert BEGINS + 2.0 - 1e-6 <= found[0].noticed <= BEGINS + 2.0 + 1 / rate


@given(st.lists(st.sampled_from([0.0, 0.04, 0.2, 0.5, 0.9]), min_size=30, max_size=60))
@settings(max_examples=25, deadline=None)
def test_dropped_and_doubled_pictures_neither_tell_early_nor_twice(steps: list[float]) -> None:
    times, now = [], 0.0
    for step in [0.5] * 10 + steps + [0.5] * 20:
        now += step
        times.append(now)
    found = signals(fire_rule(), burning(), times)
    assert len(found) == 1
    assert found[0].noticed >= BEGINS + 2.0 - 1e-6


def test_a_blind_camera_tells_nothing_and_begins_anew() -> None:
    watched = fire_rule()
    assert not signals(watched, burning(), every(0.2, 12.0), blind="dark")
    assert len(signals(watched, burning(), [12.2, 12.4])) == 1


def test_a_clock_that_steps_back_begins_anew() -> None:
    watched = fire_rule()
    assert len(signals(watched, burning(), every(0.2, 10.0))) == 1
    assert len(signals(watched, burning(), every(0.2, 10.0))) == 1


def test_the_word_and_the_decision_agree() -> None:
    for _, verdict in watch(fire_rule(), burning(), every(0.2, 12.0)):
        for candidate in verdict.candidates:
            told = sentence(candidate.checks).startswith("Signal")
            assert told == all(check.passed for check in candidate.checks)


def test_a_rule_without_a_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs a zone"):
        rule("fire")


def test_nothing_is_told_where_nobody_looked() -> None:
    assert fire_rule().step(scene(1.0, NOBODY)) == Verdict()
