"""Forbidden zone: presence and crossing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made import VIEW, every, rule, scene, steps, tracks, walk
from veilleur.errors import ConfigurationError
from veilleur.events.rule import Rule
from veilleur.perception.objects import Kind

ZONE = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]
INSIDE, OUTSIDE = (500.0, 500.0), (500.0, 700.0)


def zone(**more: Any) -> Rule:
    params = {"dwell_s": 2.0, "gap_s": 1.0, **more.pop("params", {})}
    return rule("forbidden_zone", zone=ZONE, params=params, **more)


@pytest.mark.parametrize(
    ("inside_at", "told"),
    [
        pytest.param([0, 1, 2, 3, 4], [(0, 2)], id="stays: told once, when the dwell is reached"),
        pytest.param([0, 2, 3, 4], [(0, 2)], id="a gap of a second is forgiven"),
        pytest.param([0, 3, 4], [], id="leaves for longer than the gap: starts again"),
        pytest.param([0, 1, 2, 5, 6, 7], [(0, 2), (5, 7)], id="comes back: a new situation"),
        pytest.param([0, 1], [], id="leaves before the dwell"),
    ],
)
def test_a_stay_is_signalled_once(inside_at: list[int], told: list[tuple[float, float]]) -> None:
    signals = walk(zone(), lambda t: INSIDE if t in inside_at else OUTSIDE, every(1, 8))
    assert [(s.began, s.noticed) for s in signals] == told


@given(st.sampled_from([0.1, 0.2, 0.5, 1.0, 2.0]), st.integers(0, 2**20))
def test_the_rate_of_pictures_and_lost_ones_do_not_matter(step: float, seed: int) -> None:
    """Somebody inside from 0 s to 10 s is told at the first picture after the dwell."""
    times = every(step, 10)
    kept = [t for t in times if np.random.default_rng([seed, round(t * 10)]).uniform() < 0.7]
    signals = walk(zone(), lambda t: INSIDE, kept)
    due = [t for t in kept if kept and t - kept[0] >= 2.0 - 1e-9]
    assert [s.noticed for s in signals] == due[:1]


def test_a_doubled_picture_and_a_clock_that_steps_back_tell_nothing_twice() -> None:
    """After a step back the time before it counts no more."""
    watched = zone()
    first = walk(watched, lambda t: INSIDE, [0, 1, 2, 2, 2, 3])
    again = walk(watched, lambda t: INSIDE, [1, 1.5, 2.5, 3.0])
    assert [s.noticed for s in first] == [2]
    assert [s.noticed for s in again] == [3.0]


def test_time_blind_is_not_held_and_conditions_start_again() -> None:
    watched = zone()
    person = tracks({1: INSIDE})
    for time, blind in [(0, None), (1, None), (1.9, "dark"), (2.5, None), (4.0, None)]:
        verdict = watched.step(scene(time, person, blind=blind))
        assert verdict.signals == ()
        assert (verdict.candidates == ()) == (blind is not None)
    assert len(watched.step(scene(4.5, person)).signals) == 1


def test_somebody_in_a_quiet_scene_goes_on_being_present() -> None:
    """Nothing is looked at anew, tracks are as they were: presence counts."""
    watched = zone()
    coasted = replace(tracks({1: INSIDE}), seen=np.array([False]))
    assert watched.step(scene(0, tracks({1: INSIDE}))).signals == ()
    assert watched.step(scene(1, coasted, fresh=False)).signals == ()
    assert len(watched.step(scene(2, coasted, fresh=False)).signals) == 1


def test_a_predicted_track_neither_raises_a_signal_nor_ends_a_stay() -> None:
    watched = zone(params={"gap_s": 0.0})
    hidden = replace(tracks({1: INSIDE}), seen=np.array([False]))
    assert watched.step(scene(0, tracks({1: INSIDE}))).signals == ()
    assert watched.step(scene(2.5, hidden)).signals == ()
    assert len(watched.step(scene(3, tracks({1: INSIDE}))).signals) == 1


@pytest.mark.parametrize(
    ("subject", "kind", "told"),
    [
        ("person", Kind.PERSON, 1),
        ("person", Kind.VEHICLE, 0),
        ("vehicle", Kind.VEHICLE, 1),
        ("both", Kind.VEHICLE, 1),
        ("both", Kind.BAG, 0),
    ],
)
def test_only_the_subject_counts(subject: str, kind: Kind, told: int) -> None:
    assert len(walk(zone(subject=subject), lambda t: INSIDE, every(1, 3), kind=kind)) == told


def test_whoever_is_cut_by_the_lower_edge_stands_in_a_zone_drawn_to_it() -> None:
    """The true foot is unknown; a box may even be predicted beyond the picture."""
    bottom = [[0.4, 0.8], [0.6, 0.8], [0.6, 1.0], [0.4, 1.0]]
    watched = rule("forbidden_zone", zone=bottom, params={"dwell_s": 0.0})
    assert len(walk(watched, lambda t: (500.0, 1030.0), [0.0])) == 1


def test_a_situation_holds_as_long_as_somebody_stays() -> None:
    watched = zone()
    held = [len(watched.step(scene(t, tracks({1: INSIDE}))).holding) for t in every(1, 4)]
    assert held == [0, 0, 1, 1, 1]
    assert watched.step(scene(5, tracks({1: OUTSIDE}))).holding == ()


def test_why_not_is_the_first_check_that_failed() -> None:
    watched = zone()
    watched.step(scene(0, tracks({1: INSIDE})))
    (candidate,) = watched.step(scene(1, tracks({1: INSIDE}))).candidates
    assert candidate.failed is not None
    assert (candidate.failed.name, candidate.failed.measured) == ("inside", 1.0)


# ------------------------------------------------------------------ crossing


def line(forbidden: str = "left_to_right", **params: float) -> Rule:
    """From left to right at half the picture's height: downwards is left to right."""
    ends = [[0.2, 0.5], [0.8, 0.5]]
    return rule("forbidden_zone", line=ends, forbidden=forbidden, params=params)


def down(t: float) -> tuple[float, float]:
    return (500.0, 450.0 + 20.0 * t)


def up(t: float) -> tuple[float, float]:
    return (500.0, 550.0 - 20.0 * t)


@pytest.mark.parametrize(
    ("forbidden", "way", "told"),
    [
        ("left_to_right", down, 1),
        ("left_to_right", up, 0),
        ("right_to_left", up, 1),
        ("right_to_left", down, 0),
        ("both", up, 1),
        ("both", down, 1),
    ],
)
def test_only_the_forbidden_way_is_an_event(forbidden: str, way: Any, told: int) -> None:
    signals = walk(line(forbidden), way, every(0.5, 5))
    assert len(signals) == told
    for signal in signals:
        assert signal.began == pytest.approx(2.5)


def test_a_box_that_wobbles_on_the_line_says_nothing() -> None:
    random = np.random.default_rng(3)
    jitter = {t: float(random.normal(0, 2.5)) for t in every(0.2, 60)}
    assert walk(line("both"), lambda t: (500.0, 500.0 + jitter[t]), every(0.2, 60)) == []


def test_a_crossing_with_wobble_is_told_once() -> None:
    random = np.random.default_rng(4)
    jitter = {t: float(random.normal(0, 3)) for t in every(0.2, 20)}
    where = {t: (500.0, 460.0 + 4.0 * t + jitter[t]) for t in every(0.2, 20)}
    assert len(walk(line("both"), lambda t: where[t], every(0.2, 20))) == 1


def test_crossing_back_and_forth_is_told_for_each_forbidden_crossing() -> None:
    def swing(t: float) -> tuple[float, float]:
        return (500.0, 500.0 + 40.0 * (-1 if int(t / 2) % 2 == 0 else 1))

    assert len(walk(line("left_to_right"), swing, every(0.2, 9))) == 2
    assert len(walk(line("both"), swing, every(0.2, 9))) == 4


def test_walking_around_the_end_of_the_line_is_no_crossing() -> None:
    path = {0: (500, 450), 1: (850, 470), 2: (850, 530), 3: (500, 560), 4: (500, 600)}
    assert walk(line("both"), lambda t: path[int(t)], every(1, 4)) == []


def test_legs_that_come_out_from_behind_something_do_not_cross() -> None:
    """The lower edge jumps over the line, the upper edge stays: the box grew, nobody walked."""
    watched = line("both")
    for time, height in enumerate([60.0, 60.0, 110.0, 110.0, 110.0]):
        person = tracks({1: (500.0, 430.0 + height)}, height=height)
        assert watched.step(scene(float(time), person)).signals == ()


def test_a_track_that_leaps_to_somebody_else_does_not_cross() -> None:
    watched = line("both")
    path = {0: (500, 300), 1: (500, 300), 2: (700, 900), 3: (700, 900)}
    assert walk(watched, lambda t: path[int(t * 10)], every(0.1, 0.3)) == []


def test_somebody_hidden_after_crossing_is_not_told_again() -> None:
    where = {t: None if 3.5 < t < 5 else (500.0, 450.0 + 20.0 * t) for t in every(0.5, 8)}
    assert len(walk(line(), lambda t: where[t], every(0.5, 8))) == 1


def test_a_line_with_a_dwell_waits_until_somebody_stays_across() -> None:
    signals = walk(line(dwell_s=1.0), down, every(0.5, 6))
    assert len(signals) == 1
    assert signals[0].noticed >= signals[0].began + 1.0


# ------------------------------------------------------------------ schedule

NIGHT = {"weekly": {"daily": ["22:00-06:00"]}}


def test_time_before_the_schedule_begins_is_not_held() -> None:
    watched = zone(params={"schedule": NIGHT}, clock=True)
    begins = datetime(2026, 6, 12, 21, 59, 55)  # noqa: DTZ001 (a wall clock without a zone)
    told = [
        time
        for time, signals in steps(
            watched, lambda t: INSIDE, every(1, 10), lambda t: begins + timedelta(seconds=t)
        )
        if signals
    ]
    assert told == [7]


def test_why_not_says_that_the_rule_is_not_in_force() -> None:
    watched = zone(params={"schedule": NIGHT}, clock=True)
    noon = datetime(2026, 6, 12, 12)  # noqa: DTZ001 (a wall clock without a zone)
    (candidate,) = watched.step(scene(0, tracks({1: INSIDE}), local=noon)).candidates
    assert candidate.failed is not None
    assert candidate.failed.name == "in_force"


def test_a_schedule_without_a_clock_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="local time") as caught:
        zone(params={"schedule": NIGHT}, clock=False)
    assert caught.value.setting == "params.schedule"


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="neither"),
        pytest.param({"zone": ZONE, "line": [[0, 0], [1, 1]]}, id="both"),
    ],
)
def test_a_zone_or_a_line_exactly_one(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="exactly one") as caught:
        rule("forbidden_zone", **more)
    assert VIEW.width == 1000
    assert caught.value.setting == "zone"


def test_by_default_a_zone_waits_a_second_and_a_line_not_at_all() -> None:
    watched = rule("forbidden_zone", zone=ZONE)
    assert [s.noticed for s in walk(watched, lambda t: INSIDE, every(0.1, 4))] == [1.0]
    line = rule("forbidden_zone", line=[[0.5, 0.2], [0.5, 0.8]])
    told = walk(line, lambda t: (450 + 50 * t, 500.0), every(0.2, 2))
    assert [s.noticed for s in told] == [1.2]  # a tenth of a height beyond it
    assert told[0].began == pytest.approx(1.0)
    assert told[0].checks[-1].threshold == 0.0


def test_whoever_is_cut_by_the_left_edge_stands_at_it() -> None:
    left = [[0.0, 0.4], [0.0005, 0.4], [0.0005, 0.6], [0.0, 0.6]]
    watched = rule("forbidden_zone", zone=left, params={"dwell_s": 0.0})
    assert len(walk(watched, lambda t: (-3.0, 500.0), [0.0])) == 1


def test_out_of_force_nobody_keeps_what_he_had_though_he_is_only_hidden() -> None:
    watched = zone(
        params={"gap_s": 0.0, "schedule": {"weekly": {"daily": ["08:00-09:00", "09:01-10:00"]}}},
        clock=True,
    )
    hidden = replace(tracks({1: INSIDE}), seen=np.array([False]))
    inside = tracks({1: INSIDE})
    for time, clock, seen in [(0.0, "08:59", inside), (1.0, "09:00", hidden)]:
        local = datetime.fromisoformat(f"2026-06-15T{clock}:30")
        assert watched.step(scene(time, seen, local=local)).signals == ()
    local = datetime.fromisoformat("2026-06-15T09:01:00")
    assert watched.step(scene(2.5, inside, local=local)).signals == ()
