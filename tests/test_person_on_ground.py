"""A person on the ground after a fall: the passage, and nothing but the passage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made import VIEW, every, rule, scene
from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.rule import Rule, Signal, Verdict
from veilleur.events.wording import sentence
from veilleur.geometry import Box
from veilleur.perception.body import Body
from veilleur.perception.objects import Kind, Tracks

WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
PLACE = Box(400, 560, 580, 600)
LYING = Body(
    key=1,
    box=PLACE,
    stood_px=180.0,
    upright_s=3.0,
    upright_until=4.0,
    down_since=4.2,
    still_since=5.0,
    lying=1.0,
    looks=3,
    lying_since=6.0,
)


def ground_rule(zone: list[list[float]] = WHOLE, **params: float) -> Rule:
    return rule("person_on_ground", zone=zone, params={"immobile_s": 5.0, **params})


def told(watched: Rule, body: Body, times: Iterable[float], **more: Any) -> list[Signal]:
    """Signals while this body lies there."""
    found: list[Signal] = []
    for time in times:
        found += watched.step(scene(time, Tracks.none(), bodies=(body,), **more)).signals
    return found


def test_who_fell_and_lies_still_is_told_once_when_the_time_is_over() -> None:
    watched = ground_rule()
    signals = told(watched, LYING, every(0.5, 40, since=6.5))
    assert [(s.began, s.noticed, s.where) for s in signals] == [(4.2, 10.0, PLACE)]
    assert all(check.passed for check in signals[0].checks)
    assert signals[0].watched == 1.0


def test_by_default_ten_seconds_are_waited() -> None:
    watched = rule("person_on_ground", zone=WHOLE)
    assert [s.noticed for s in told(watched, LYING, every(0.5, 40, since=6.5))] == [15.0]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        pytest.param({"upright_s": 0.1}, "stood", id="never seen upright: lay from the start"),
        pytest.param({"stood_px": 50.0}, "tall", id="too small to judge"),
        pytest.param({"lying_since": 12.5}, "passage", id="sat down long before"),
        pytest.param({"lying": 0.4}, "lying", id="sits, kneels or bends in most looks"),
        pytest.param({"looks": 1}, "lying", id="one look is not enough"),
        pytest.param({"lying_since": None, "lying": 0.0}, "lying", id="never found lying"),
        pytest.param({"hidden": True}, "in_sight", id="somebody stands before"),
        pytest.param({"still_since": 39.0}, "immobile", id="moves"),
    ],
)
def test_each_condition_alone_prevents_it_and_says_so(changes: dict[str, Any], name: str) -> None:
    watched = ground_rule()
    body = replace(LYING, **changes)
    assert told(watched, body, every(0.5, 40, since=13)) == []
    (candidate,) = watched.step(scene(40.2, Tracks.none(), bodies=(body,))).candidates
    assert candidate.failed is not None
    assert candidate.failed.name == name
    for language in ("fr", "en"):
        assert sentence(candidate.checks, language).startswith(("Pas de signal", "No signal"))


def said(body: Body, time: float = 10.0) -> dict[str, tuple[float, float, str, float, bool]]:
    """Of each check: measured, threshold, unit, for how long, passed."""
    (candidate,) = ground_rule().step(scene(time, Tracks.none(), bodies=(body,))).candidates
    assert candidate.where == body.box
    return {
        c.name: (c.measured, c.threshold, c.unit, round(c.held_s, 6), c.passed)
        for c in candidate.checks
    }


def test_every_check_says_what_was_measured_against_what_and_for_how_long() -> None:
    assert said(LYING) == {
        "stood": (3.0, 0.15, "s", 3.0, True),
        "tall": (180.0, 60.0, "px", 3.0, True),
        "lying": (100.0, 50.0, "%", 5.8, True),
        "passage": (2.0, 8.0, "s", 5.8, True),
        "in_sight": (1.0, 1.0, "yes", 5.8, True),
        "immobile": (5.0, 5.0, "s", 5.0, True),
    }
    hidden = said(replace(LYING, hidden=True, lying=0.25))
    assert (hidden["in_sight"][0], hidden["lying"][0]) == (0.0, 25.0)
    searched = said(replace(LYING, lying_since=None))
    assert searched["passage"] == (6.0, 8.0, "s", 5.8, True)


def test_no_time_is_less_than_none() -> None:
    """What is said to begin only later has gone on for no time yet."""
    later = replace(LYING, still_since=11.0, down_since=11.0, upright_until=9.0, lying_since=8.0)
    told = said(later)
    assert (told["immobile"][0], told["immobile"][3]) == (0.0, 0.0)
    assert (told["lying"][3], told["passage"][0]) == (0.0, 0.0)


def test_a_signal_says_what_of_whom_where_and_since_when() -> None:
    (signal,) = told(ground_rule(), LYING, [10.0])
    assert (signal.event, signal.rule, signal.camera) == (Event.PERSON_ON_GROUND, "rule", "camera")
    assert (signal.began, signal.noticed, signal.watched) == (4.2, 10.0, 1.0)
    assert [check.name for check in signal.checks][-1] == "immobile"


def test_every_limit_is_reached_at_its_value() -> None:
    """Half of the looks, two of them, 60 pixels, 0.15 s upright, 8 s of passage: all are enough."""
    edge = replace(
        LYING, lying=0.5, looks=2, stood_px=60.0, upright_s=0.15, upright_until=-2.0, down_since=0.0
    )
    assert [s.noticed for s in told(ground_rule(), edge, [9.9, 10.0])] == [10.0]


def test_a_body_outside_the_zone_is_not_watched() -> None:
    corner = [[0.0, 0.0], [0.3, 0.0], [0.3, 1.0], [0.0, 1.0]]
    watched = ground_rule(corner)
    verdict = watched.step(scene(30, Tracks.none(), bodies=(LYING,)))
    assert (verdict.signals, verdict.candidates, verdict.holding) == ((), (), ())


def test_while_he_lies_it_goes_on_and_when_he_is_up_it_ends() -> None:
    watched = ground_rule()
    told(watched, LYING, [10.0])
    assert watched.step(scene(11, Tracks.none(), bodies=(LYING,))).holding == (PLACE,)
    assert watched.step(scene(12, Tracks.none(), bodies=())).holding == ()
    again = replace(LYING, upright_until=20.0, down_since=20.2, lying_since=21.0, still_since=21.0)
    assert [s.noticed for s in told(watched, again, [25.0, 26.0, 27.0])] == [26.0]


def test_two_who_fall_are_two_candidates_with_their_own_checks() -> None:
    watched = ground_rule()
    other = replace(LYING, key=2, box=Box(100, 500, 250, 540), still_since=8.0)
    verdicts = [watched.step(scene(t, Tracks.none(), bodies=(LYING, other))) for t in (10, 13, 14)]
    assert [[s.where for s in v.signals] for v in verdicts] == [[PLACE], [other.box], []]
    assert len(verdicts[0].candidates) == 2


@pytest.mark.parametrize("step", [0.04, 0.1, 0.2, 0.5])
def test_a_countdown_goes_on_where_it_stopped_when_the_camera_was_blind(step: float) -> None:
    """Of a body that is found again time blind has made nothing older (`Body`)."""
    watched = ground_rule()
    said = told(watched, LYING, every(step, 8.0))
    for time in every(step, 11.9, since=8.1):
        assert watched.step(scene(time, Tracks.none(), bodies=(), blind="dark")) == Verdict()
    later = replace(LYING, still_since=LYING.still_since + 4.0)
    said += told(watched, later, every(step, 20, since=12))
    assert [s.noticed for s in said] == [pytest.approx(14.0, abs=step)]


def test_who_was_told_before_the_camera_was_blind_is_not_told_again() -> None:
    watched = ground_rule()
    assert len(told(watched, LYING, [9.0, 10.0])) == 1
    watched.step(scene(11, Tracks.none(), bodies=(), blind="dark"))
    assert told(watched, LYING, [14.0, 30.0]) == []


@pytest.mark.parametrize("then", [3.0, 60.0])
def test_a_clock_that_steps_and_a_long_silence_begin_the_countdown_anew(then: float) -> None:
    watched = ground_rule()
    assert told(watched, LYING, [9.0]) == []
    assert [s.noticed for s in told(watched, LYING, every(1, then + 9, since=then))] == [
        max(then, 5.0) + 5.0 if then < 5 else then + 5.0
    ]


def test_a_zone_is_needed_and_a_passage_longer_than_is_looked_for_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        rule("person_on_ground", line=[[0.1, 0.5], [0.9, 0.5]])
    assert refused.value.setting == "zone"
    with pytest.raises(ConfigurationError):
        ground_rule(passage_s=9.0)


# ------------------------------------------------- from boxes alone (made scenes, recordings)

Shape = Callable[[float], tuple[float, float]]


def box_of(shape: tuple[float, float], x: float = 500.0) -> tuple[float, float, float, float]:
    width, height = shape
    return (x - width / 2, 700.0 - height, x + width / 2, 700.0)


def people(shapes: dict[int, tuple[float, float]], time: float, x: float = 500.0) -> Tracks:
    boxes = [box_of(shape, x) for shape in shapes.values()]
    n = len(boxes)
    return Tracks(
        np.array(list(shapes), np.int64),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(n, Kind.PERSON, np.int8),
        np.full(n, 0.9, np.float32),
        np.zeros((n, 2), np.float32),
        np.full(n, time, np.float32),
        np.ones(n, np.bool_),
    )


def watch(watched: Rule, shape: Shape, times: Iterable[float]) -> list[Signal]:
    found: list[Signal] = []
    for time in times:
        found += watched.step(scene(time, people({1: shape(time)}, time))).signals
    return found


UPRIGHT, FLAT, SITTING, KNEELING = (70.0, 200.0), (190.0, 60.0), (90.0, 150.0), (90.0, 125.0)


def falls(time: float) -> tuple[float, float]:
    """Upright until 4 s, on the ground from 5 s on."""
    share = min(max(time - 4.0, 0.0), 1.0)
    return (
        UPRIGHT[0] + share * (FLAT[0] - UPRIGHT[0]),
        UPRIGHT[1] + share * (FLAT[1] - UPRIGHT[1]),
    )


@settings(deadline=None)
@given(st.sampled_from([0.04, 0.1, 0.2, 0.4, 0.5]), st.integers(0, 2**20))
def test_a_fall_is_told_at_any_rate_and_with_lost_pictures(step: float, seed: int) -> None:
    times = every(step, 14)
    kept = [t for t in times if np.random.default_rng([seed, round(t * 100)]).uniform() < 0.7]
    signals = watch(ground_rule(), falls, kept)
    on_ground = next(t for t in kept if t >= 5.0)
    latest = next((t for t in kept if t >= on_ground + 5.0), None)
    if latest is not None:
        assert len(signals) == 1
        assert 9.4 <= signals[0].noticed <= latest


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda t: FLAT, id="lies from the start"),
        pytest.param(lambda t: UPRIGHT if t < 4 else SITTING, id="sits down"),
        pytest.param(lambda t: UPRIGHT if t < 4 else KNEELING, id="kneels, ties a shoe"),
        pytest.param(lambda t: UPRIGHT if t < 4 else (150.0, 120.0), id="bends down"),
        pytest.param(
            lambda t: UPRIGHT if t < 4 else SITTING if t < 20 else FLAT,
            id="sits down, and lies down much later",
        ),
        pytest.param(lambda t: falls(t) if t < 8 else UPRIGHT, id="gets up again"),
        pytest.param(
            lambda t: UPRIGHT if t < 4 else FLAT if t % 2 < 1 else (190.0, 140.0),
            id="exercises on the ground",
        ),
    ],
)
def test_what_is_no_fall_is_not_told(shape: Shape) -> None:
    assert watch(ground_rule(), shape, every(0.2, 40)) == []


def test_who_walks_away_and_looks_smaller_has_not_become_low() -> None:
    watched = ground_rule()
    shapes = {t: (70.0 * 0.9**t, 200.0 * 0.9**t) for t in every(0.2, 15)}
    assert watch(watched, lambda t: shapes[t], shapes) == []


def test_in_a_quiet_scene_the_countdown_goes_on() -> None:
    watched = ground_rule()
    assert watch(watched, falls, every(0.2, 7)) == []
    last = people({1: FLAT}, 7)
    found: list[Signal] = []
    for time in every(1.0, 13, since=8):
        found += watched.step(scene(time, last, fresh=False)).signals
    assert [s.noticed for s in found] == [10.0]
    assert found[0].where.width > found[0].where.height


def test_a_picture_without_anybody_is_no_body() -> None:
    assert ground_rule().step(scene(1.0, Tracks.none())).candidates == ()
    assert VIEW.ground is None
