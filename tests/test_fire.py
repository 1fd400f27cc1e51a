"""Fire start: what changes as fire does, and goes on; not lights, not lighters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
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
    assert [signal.noticed for signal in found] == [pytest.approx(BEGINS + 3.0)]
    assert "smoke_seen" in [check.name for check in found[0].checks]


def test_what_burned_when_analysis_began_is_told_as_such() -> None:
    found = signals(fire_rule(), burning(at_start=True, grown=1.0))
    assert [signal.noticed for signal in found] == [pytest.approx(BEGINS + 2.0)]
    assert "present since analysis began" in sentence(found[0].checks)
    assert "présent depuis le début de l’analyse" in sentence(found[0].checks, "fr")


@pytest.mark.parametrize(
    ("other", "failed"),
    [
        ({"looks": 2}, "verified"),
        ({"sort": Sort.SMOKE, "looks": 3}, "verified"),
        ({"sure": 0.79}, "flame_seen"),
        ({"sort": Sort.SMOKE, "sure": 0.89}, "smoke_seen"),
        ({"box": Box(200, 576, 215, 600)}, "fire_size"),
        ({"stirs": 0.34}, "stirring"),
        ({"moved": 0.81}, "stays"),
        ({"grown": 1.19}, "grown"),
        ({"sort": Sort.SMOKE, "grown": 1.49}, "grown"),
        ({"burns_since": None}, "persisted"),
        ({"at_start": True, "moved": 0.41}, "stays"),
        ({"sort": Sort.SMOKE, "at_start": True, "grown": 1.4}, "grown"),
        ({"sort": Sort.SMOKE, "stirs": 0.59}, "stirring"),
        ({"sort": Sort.SMOKE, "box": Box(200, 501, 230, 600)}, "fire_size"),
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
        {"moved": 5.0, "swept": True, "at_start": True},
        {"moved": 0.4, "at_start": True},
        {"sort": Sort.SMOKE, "stirs": 0.6},
        {"sort": Sort.SMOKE, "looks": 4},
        {"sort": Sort.SMOKE, "moved": 0.8, "at_start": True},
        {"sort": Sort.SMOKE, "box": Box(200, 520, 300, 540)},
    ],
)
def test_what_just_fulfils_a_condition_is_told(other: dict[str, Any]) -> None:
    assert len(signals(fire_rule(), burning(**other))) == 1


def test_a_flame_in_somebodys_box_must_be_larger_than_a_lighter() -> None:
    """A person 300 pixels tall: 15 % of it are 45."""
    person = tracks({7: (230.0, 640.0)}, height=300, width=120)
    small, larger = Box(270, 556, 304, 600), Box(270, 554, 304, 600)
    assert not signals(fire_rule(), burning(box=small), people=person)
    assert len(signals(fire_rule(), burning(box=larger), people=person)) == 1
    assert len(signals(fire_rule(), burning(box=small))) == 1
    assert len(signals(fire_rule(), burning(box=small, sort=Sort.SMOKE, looks=5))) == 0


@pytest.mark.parametrize(("x", "y"), [(189, 560), (271, 560), (230, 359), (230, 641)])
def test_a_small_flame_beside_somebody_is_no_lighter(x: float, y: float) -> None:
    """His box goes from 190 to 270 across and from 360 to 640 down; the flame's middle is out."""
    person = tracks({7: (230.0, 640.0)}, height=280, width=80)
    beside = Box(x - 15, y - 15, x + 15, y + 15)
    assert len(signals(fire_rule(), burning(box=beside), people=person)) == 1


@pytest.mark.parametrize(("x", "y"), [(190, 560), (270, 560), (230, 360), (230, 640)])
def test_a_small_flame_at_the_border_of_somebodys_box_is_a_lighter(x: float, y: float) -> None:
    person = tracks({7: (230.0, 640.0)}, height=280, width=80)
    at_border = Box(x - 15, y - 15, x + 15, y + 15)
    steps = watch(fire_rule(), burning(box=at_border), every(0.2, 15.0), people=person)
    assert not [signal for _, verdict in steps for signal in verdict.signals]
    why = steps[-1][1].candidates[0].failed
    assert why is not None
    assert why.name == "no_lighter"
    assert why.threshold == pytest.approx(15.0)
    assert why.measured == pytest.approx(100 * 30 / 280)


def test_a_lighter_is_measured_by_the_smallest_of_those_who_may_hold_it() -> None:
    """A child of 100 pixels before an adult of 400."""
    adult = tracks({7: (238.0, 640.0)}, height=400, width=50)
    both = tracks({7: (230.0, 640.0), 8: (230.0, 640.0)}, height=400, width=120)
    both = replace(both, boxes=np.array([[213, 240, 263, 640], [200, 540, 260, 640]], np.float32))
    flame = burning(box=Box(245, 575, 275, 605))
    assert len(signals(fire_rule(), flame, people=both)) == 1
    assert not signals(fire_rule(), flame, people=adult)


@pytest.mark.parametrize(("sort", "most"), [(Sort.FLAME, 0.7), (Sort.SMOKE, 0.4)])
def test_what_lies_where_people_are_is_these(sort: Sort, most: float) -> None:
    """Somebody 400 pixels tall, whose box begins at x = 200; what burns reaches out to the left."""
    person = tracks({7: (250.0, 700.0)}, height=400, width=100)
    for share, told in ((most + 0.1, 0), (most + 0.03, 0), (most - 0.1, 1)):
        box = Box(200 - 100 * (1 - share), 400, 200 + 100 * share, 500)
        fire = burning(sort=sort, box=box, looks=5)
        assert len(signals(fire_rule(), fire, people=person)) == told


def test_a_place_that_two_cover_counts_once() -> None:
    """Both cover the right half of it."""
    two = tracks({7: (250.0, 700.0), 8: (250.0, 700.0)}, height=400, width=100)
    half = burning(box=Box(150, 400, 250, 500))
    steps = watch(fire_rule(), half, every(0.2, 15.0), people=two)
    assert [signal for _, verdict in steps for signal in verdict.signals]
    covered = next(c for c in steps[-1][1].candidates[0].checks if c.name == "no_object")
    assert covered.measured == pytest.approx(50.0)
    assert covered.threshold == pytest.approx(70.0)


def test_people_above_below_and_beside_it_cover_nothing() -> None:
    around = ((230.0, 490.0), (230.0, 1001.0), (130.0, 700.0), (330.0, 700.0))
    for foot in around:
        person = tracks({7: foot}, height=400, width=100)
        steps = watch(fire_rule(), burning(), every(0.2, 15.0), people=person)
        checks = {check.name: check for check in steps[-1][1].candidates[0].checks}
        assert (checks["no_object"].measured, checks["no_object"].threshold) == (0.0, 0.0)
        assert (checks["no_lighter"].measured, checks["no_lighter"].threshold) == (0.0, 0.0)


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


@pytest.mark.parametrize(("pause_s", "told"), [(9.9, 1), (10.1, 2)])
def test_a_fire_that_pauses_is_the_same_until_the_end_has_passed(pause_s: float, told: int) -> None:
    until = 10.0

    def pausing(time: float) -> tuple[Blaze, ...]:
        return burning()(time) if time <= until or time >= until + pause_s else ()

    assert len(signals(fire_rule(), pausing, every(0.1, 25.0))) == told


def test_the_situation_goes_on_where_it_last_burned_until_its_end() -> None:
    def moves(time: float) -> tuple[Blaze, ...]:
        box = Box(300, 500, 360, 600) if time >= 8.0 else BOX
        return tuple(replace(one, box=box) for one in burning()(time)) if time <= 9.0 else ()

    held = {round(t, 1): v.holding for t, v in watch(fire_rule(end_s=3.0), moves, every(0.2, 15.0))}
    assert held[6.8] == ()
    assert held[7.0] == (BOX,)
    assert held[9.0] == held[11.0] == held[12.0] == (Box(300, 500, 360, 600),)
    assert held[12.2] == ()


def test_of_several_the_one_seen_first_is_told_where_it_is() -> None:
    later, first = Box(300, 500, 380, 620), Box(100, 500, 180, 620)

    def two(time: float) -> tuple[Blaze, ...]:
        if time < BEGINS:
            return ()
        return blaze(time, id=5, box=later), blaze(time, id=2, box=first)

    found = signals(fire_rule(), two)
    assert [signal.where for signal in found] == [first]


def test_smoke_whose_middle_or_whose_foot_is_in_the_zone_counts() -> None:
    """The zone is the left half; boxes that begin in it, and reach far out of it, do not count."""
    watched = fire_rule()
    inside = watched.step(scene(6.0, NOBODY, blazes=(blaze(6.0, box=Box(440, 500, 560, 600)),)))
    outside = watched.step(scene(6.2, NOBODY, blazes=(blaze(6.2, box=Box(445, 500, 565, 600)),)))
    assert (len(inside.candidates), len(outside.candidates)) == (1, 0)


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


def test_after_a_blind_moment_it_is_told_anew() -> None:
    watched = fire_rule()
    assert len(signals(watched, burning(), every(0.2, 10.0))) == 1
    dark = watched.step(scene(10.2, NOBODY, blazes=burning()(10.2), blind="dark"))
    assert dark == Verdict()
    again = watched.step(scene(10.4, NOBODY, blazes=burning()(10.4)))
    assert len(again.signals) == 1


@pytest.mark.parametrize(("gap_s", "told"), [(30.0, 0), (30.1, 1)])
def test_after_a_long_gap_without_pictures_it_is_told_anew(gap_s: float, told: int) -> None:
    watched = fire_rule(end_s=60.0)
    assert len(signals(watched, burning(), every(0.5, 10.0))) == 1
    time = 10.0 + gap_s
    assert len(watched.step(scene(time, NOBODY, blazes=burning()(time))).signals) == told


@pytest.mark.parametrize("sort", list(Sort))
def test_the_checks_say_how_long_and_in_which_unit(sort: Sort) -> None:
    """At 10 s, of something first seen at 5 s that burns since 6 s."""
    watched = fire_rule()
    fire = blaze(10.0, sort=sort, burns_since=6.0, sure=0.95, looks=9, stirs=0.7, moved=0.2)
    checks = watched.step(scene(10.0, NOBODY, blazes=(fire,))).candidates[0].checks
    flame = sort is Sort.FLAME
    told = [(c.name, round(c.measured, 2), round(c.threshold, 2), c.unit, c.held_s) for c in checks]
    assert told == [
        ("verified", 9.0, 3.0 if flame else 4.0, "looks", 5.0),
        ("flame_seen" if flame else "smoke_seen", 95.0, 80.0 if flame else 90.0, "%", 4.0),
        ("fire_size", 10.0, 2.5 if flame else 10.0, "%", 5.0),
        ("no_lighter", 0.0, 0.0, "%", 5.0),
        ("stirring", 70.0, 35.0 if flame else 60.0, "%", 5.0),
        ("stays", 20.0, 80.0, "%", 5.0),
        ("grown", 600.0, 120.0 if flame else 150.0, "%", 5.0),
        ("no_object", 0.0, 0.0, "%", 5.0),
        ("persisted", 4.0, 2.0 if flame else 3.0, "s", 4.0),
    ]


def test_what_was_there_from_the_start_says_so_in_its_checks() -> None:
    fire = blaze(9.0, at_start=True)
    checks = fire_rule().step(scene(9.0, NOBODY, blazes=(fire,))).candidates[0].checks
    since = next(check for check in checks if check.name == "since_start")
    assert (since.measured, since.threshold, since.unit, since.held_s) == (4.0, 0.0, "s", 4.0)
    assert since.passed
    assert since.at_least


def test_the_word_and_the_decision_agree() -> None:
    for _, verdict in watch(fire_rule(), burning(), every(0.2, 12.0)):
        for candidate in verdict.candidates:
            told = sentence(candidate.checks).startswith("Signal")
            assert told == all(check.passed for check in candidate.checks)


def test_a_rule_without_a_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs a zone") as refused:
        rule("fire")
    assert refused.value.setting == "zone"


def test_nothing_is_told_where_nobody_looked() -> None:
    assert fire_rule().step(scene(1.0, NOBODY)) == Verdict()
