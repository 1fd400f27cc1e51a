"""Crowd movement: a calm group that hurries, scatters, rushes together, or is walked against."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made import VIEW, every, rule, scene, tracks
from veilleur.catalogue import Event
from veilleur.engine.situations import Situations
from veilleur.errors import ConfigurationError
from veilleur.events.crowd_movement import CrowdMovement, Parameters
from veilleur.events.registry import parse_specification
from veilleur.events.rule import Rule, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.throng import Count, Hurry, Opposed
from veilleur.geometry import Box, FloatArray
from veilleur.perception.flow import Flow
from veilleur.perception.objects import Detections, Kind

ZONE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
HEIGHT = 40.0  # pixels
METRE = HEIGHT / 1.7
BEGINS = 8.0
Place = tuple[float, float]
Crowd = Callable[[float], dict[int, Place]]
STARTS = [(100.0 + 60 * (n % 4), 400.0 + 90 * (n // 4)) for n in range(8)]


def crowd_rule(**params: Any) -> CrowdMovement:
    made = rule("crowd_movement", zone=ZONE, params=params)
    assert isinstance(made, CrowdMovement)
    return made


def hurrying(
    count: int = 8, *, hurried: int | None = None, speed_m_s: float = 3.0, before_m_s: float = 0.0
) -> Crowd:
    """`count` people; from BEGINS on the first `hurried` of them go to the right."""
    last = count if hurried is None else hurried

    def places(time: float) -> dict[int, Place]:
        def way(n: int) -> float:
            after = max(time - BEGINS, 0.0) * speed_m_s if n < last else 0.0
            return (min(time, BEGINS) * before_m_s + after) * METRE

        return {n: (STARTS[n][0] + way(n), STARTS[n][1]) for n in range(count)}

    return places


def radial(sign: float, *, movers: int = 8, speed_m_s: float = 2.5) -> Crowd:
    """From BEGINS on people on a ring of 8 m go away from its centre (1), or to it (-1)."""

    def places(time: float) -> dict[int, Place]:
        out = {}
        for n in range(8):
            angle = 2 * np.pi * n / 8 + 0.2
            way = max(time - BEGINS, 0.0) * speed_m_s * sign if n < movers else 0.0
            radius = ((3.0 if sign > 0 else 9.0) + way) * METRE
            out[n] = (500 + radius * np.cos(angle), 500 + radius * np.sin(angle))
        return out

    return places


def stream(against: int, *, along: int = 8, begins_s: float = 36.0, stays: bool = True) -> Crowd:
    """People go to the right, round and round; from `begins_s` on some go to the left."""

    def places(time: float) -> dict[int, Place]:
        out = {}
        for n in range(along if stays or time < begins_s else 0):
            x = (100 * n + time * 1.3 * METRE) % 900
            out[1000 * int((100 * n + time * 1.3 * METRE) // 900) + n] = (50 + x, 300 + 40.0 * n)
        if time >= begins_s:
            for n in range(against):
                gone = 20 * n + (time - begins_s) * 1.3 * METRE
                out[500 + n + 1000 * int(gone // 900)] = (950 - gone % 900, 320 + 40.0 * n)
        return out

    return places


def watch(
    watched: Rule, crowd: Crowd, times: Iterable[float], **more: Any
) -> list[tuple[float, Verdict]]:
    return [
        (time, watched.step(scene(time, tracks(crowd(time), height=HEIGHT, width=16), **more)))
        for time in times
    ]


def signals(
    watched: Rule, crowd: Crowd, times: Iterable[float] | None = None, **more: Any
) -> list[Signal]:
    steps = watch(watched, crowd, every(0.2, 13.0) if times is None else times, **more)
    return [signal for _, verdict in steps for signal in verdict.signals]


def names(signal: Signal) -> list[str]:
    return [check.name for check in signal.checks]


def why_not(watched: Rule, crowd: Crowd, until: float = 10.0) -> str:
    """The first condition that fails two seconds after all began."""
    failed = watch(watched, crowd, every(0.2, until))[-1][1].candidates[0].failed
    assert failed is not None
    return failed.name


# ------------------------------------------------------------------ the four forms


def test_a_calm_group_that_begins_to_run_is_told_once_within_two_seconds() -> None:
    found = signals(crowd_rule(), hurrying())
    assert len(found) == 1
    assert BEGINS + 1.0 <= found[0].noticed <= BEGINS + 2.0
    assert found[0].began == pytest.approx(found[0].noticed - 1.0, abs=0.2)
    assert "hurried_share" in names(found[0])
    assert all(check.passed for check in found[0].checks)


@pytest.mark.parametrize(
    ("sign", "word"), [(1.0, "scattering_share"), (-1.0, "rushing_share")], ids=["away", "towards"]
)
def test_who_hurries_from_or_to_one_point_is_told_by_form(sign: float, word: str) -> None:
    found = signals(crowd_rule(), radial(sign))
    assert len(found) == 1
    assert word in names(found[0])
    assert found[0].noticed <= BEGINS + 2.0


def beside(crowd: Crowd, *, walkers: int = 0, standing: int = 0) -> Crowd:
    """The same, with people at the lower edge who walk, and turn back after 13 s, or stand."""

    def places(time: float) -> dict[int, Place]:
        way = METRE * (13 - abs(time - 13))
        walking = {100 + n: (100 + way + 40.0 * n, 900.0) for n in range(walkers)}
        still = {200 + n: (100 + 40.0 * n, 960.0) for n in range(standing)}
        return {**crowd(time), **walking, **still}

    return places


def test_from_one_point_fewer_are_enough_than_all_the_same_way() -> None:
    """Eight of twenty on the move, or four of ten: enough where they scatter."""
    scattering, one_way = radial(1.0), hurrying(speed_m_s=2.5)
    assert len(signals(crowd_rule(), beside(scattering, walkers=12))) == 1
    assert signals(crowd_rule(), beside(one_way, walkers=12), every(0.2, 12.0)) == []


def test_some_who_go_against_a_stream_that_goes_on_are_told() -> None:
    found = signals(crowd_rule(), stream(5), every(0.2, 41.0))
    assert len(found) == 1
    assert "against_stream" in names(found[0])
    assert 38.0 <= found[0].noticed <= 39.5


# ------------------------------------------------------------------ each condition


@pytest.mark.parametrize(
    ("crowd", "failed"),
    [
        pytest.param(hurrying(4), "group", id="four people are no crowd"),
        pytest.param(hurrying(hurried=1), "hurried", id="one runner"),
        pytest.param(hurrying(hurried=3), "hurried", id="three runners"),
        pytest.param(hurrying(speed_m_s=1.5), "hurried", id="a gate opens: everybody walks"),
        pytest.param(hurrying(before_m_s=1.9), "calm_before", id="they hurried before"),
        pytest.param(
            hurrying(before_m_s=1.5, speed_m_s=2.0), "faster", id="hardly faster than before"
        ),
    ],
)
def test_what_is_missing_is_named(crowd: Crowd, failed: str) -> None:
    assert signals(crowd_rule(), crowd, every(0.2, 10.0)) == []
    assert why_not(crowd_rule(), crowd) == failed


@pytest.mark.parametrize(
    ("crowd", "failed"),
    [
        pytest.param(beside(hurrying(), walkers=10), "hurried_share", id="most of them walk on"),
        pytest.param(beside(hurrying(hurried=5), standing=24), "of_all", id="most of them stand"),
    ],
)
def test_too_small_a_share_is_named(crowd: Crowd, failed: str) -> None:
    assert why_not(crowd_rule(), crowd) == failed
    assert len(signals(crowd_rule(share=0.2), crowd)) == 1


def test_a_group_that_thins_out_as_it_runs_was_a_group() -> None:
    """Half of those who run are lost: the four that are left are told of, for there were eight."""
    thinning = lambda t: {  # noqa: E731
        n: at for n, at in hurrying()(t).items() if t < BEGINS or n < 4
    }
    assert len(signals(crowd_rule(), thinning)) == 1


def test_who_runs_into_an_empty_place_is_no_crowd_that_begins_to_run() -> None:
    crowd = lambda t: hurrying()(t) if t >= BEGINS else {}  # noqa: E731
    assert why_not(crowd_rule(), crowd) == "group_before"


def test_a_hurry_must_last() -> None:
    """People start, and stand again after a second."""
    short = lambda t: hurrying()(min(t, BEGINS + 0.7))  # noqa: E731
    assert signals(crowd_rule(), short) == []
    assert len(signals(crowd_rule(persist_s=0.3), short)) == 1


@pytest.mark.parametrize(
    ("crowd", "failed"),
    [
        pytest.param(stream(2), "against_stream", id="two against the stream"),
        pytest.param(stream(5, stays=False), "goes_on", id="the stream has turned round"),
        pytest.param(stream(4, along=16), "against_share", id="hardly any, for so many"),
        pytest.param(stream(5, begins_s=8.0), "one_way", id="there are always some"),
        pytest.param(stream(4, along=0), "moving", id="four people alone"),
    ],
)
def test_what_is_missing_for_a_counter_flow_is_named(crowd: Crowd, failed: str) -> None:
    steps = watch(crowd_rule(), crowd, every(0.2, 39.0))
    assert [s for _, verdict in steps for s in verdict.signals] == []
    check = steps[-1][1].candidates[1].failed
    assert check is not None
    assert check.name == failed


def test_people_outside_the_zone_do_not_count() -> None:
    watched = rule("crowd_movement", zone=[[0, 0], [1, 0], [1, 0.3], [0, 0.3]])
    assert signals(watched, hurrying()) == []


def test_riders_and_drivers_are_not_on_foot() -> None:
    def look(time: float) -> Scene:
        people = tracks(hurrying()(time), height=HEIGHT, width=16)
        n = len(people)
        vehicles = Detections(
            people.boxes + np.array([-5, -5, 5, 5], np.float32),
            np.full(n, 0.6, np.float32),
            np.full(n, Kind.VEHICLE, np.int8),
        )
        return scene(time, people, detections=vehicles)

    watched = crowd_rule()
    assert [s for t in every(0.2, 13.0) for s in watched.step(look(t)).signals] == []


# ------------------------------------------------------------------ pixels


def field(velocity: Place | None, changed: float, *, shaken: bool = False) -> Flow:
    """The same everywhere. velocity: pixels a second; None: nobody can say."""
    grid: FloatArray = np.full((10, 10, 2), np.nan, np.float32)
    if velocity is not None:
        grid[:] = velocity
    share = np.full((10, 10), changed, np.float32)
    return Flow(Box(0, 0, VIEW.width, VIEW.height), share, grid, shaken, 0.2)


def test_boxes_that_sway_where_no_pixel_changes_do_not_run() -> None:
    assert signals(crowd_rule(), hurrying(), flow=field(None, 0.0)) == []
    assert len(signals(crowd_rule(), hurrying(), flow=field(None, 0.5))) == 1


def test_a_shaking_camera_raises_nothing() -> None:
    assert signals(crowd_rule(), hurrying(), flow=field(None, 0.5, shaken=True)) == []


def test_the_pixels_speak_for_people_that_nobody_can_follow() -> None:
    """Boxes without tracks, as in a throng: standing, then all pixels in them run."""

    def look(time: float) -> Scene:
        people = tracks(hurrying(speed_m_s=0.0)(time), height=HEIGHT, width=16)
        found = Detections(people.boxes, people.scores, people.kinds)
        flow = field((3.0 * METRE, 0.0), 0.5) if time > BEGINS else field(None, 0.0)
        return Scene("camera", time, VIEW, detections=found, flow=flow)

    watched = crowd_rule()
    found = [s for t in every(0.2, 13.0) for s in watched.step(look(t)).signals]
    assert len(found) == 1


# ------------------------------------------------------------------ what is usual


def test_where_people_always_run_a_run_is_nothing_special() -> None:
    """A camera on a running track learns its hour; another one still tells."""
    watched = crowd_rule()
    watched.usual.learn(np.tile([3.0, 0.0], (100, 1)), 10.0, None)
    assert signals(watched, hurrying()) == []
    assert len(signals(crowd_rule(), hurrying())) == 1


def test_where_both_ways_are_usual_there_is_no_counter_flow() -> None:
    watched = crowd_rule()
    both = np.array([[1.3, 0.0], [-1.3, 0.0]])
    watched.usual.learn(np.tile(both, (100, 1)), 10.0, None)
    assert signals(watched, stream(5), every(0.2, 41.0)) == []


# ------------------------------------------------------------------ situations and time


def test_one_movement_is_one_alert_whatever_it_turns_into() -> None:
    """They scatter, run on, and stop; the situation ends and is not told twice."""
    watched, situations, alerts = crowd_rule(), Situations(), 0
    for time, verdict in watch(watched, radial(1.0), every(0.2, 25.0)):
        alerts += len(situations.update(verdict, time))
    assert alerts == 1
    assert watched.step(scene(25.2, tracks({}))).holding == ()


def test_a_movement_goes_on_while_it_lasts_and_is_held() -> None:
    held = [v.holding for t, v in watch(crowd_rule(), hurrying(), every(0.2, 12.0)) if t > 10.5]
    assert all(len(boxes) == 1 for boxes in held)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([0.04, 0.1, 0.2, 0.4, 0.5]), st.integers(0, 2**20))
def test_the_rate_lost_and_doubled_pictures_do_not_matter(step: float, seed: int) -> None:
    """A hole of two seconds just as they begin to run would matter; it cannot come here."""
    random = np.random.default_rng(seed)
    every_third = every(step, 13.0)[::3]
    times = [t for t in every(step, 13.0) if t in every_third or random.uniform() < 0.78]
    doubled = sorted([*times, *times[::7]])
    found = signals(crowd_rule(), hurrying(speed_m_s=2.5), doubled)
    assert len(found) == 1
    assert found[0].noticed <= BEGINS + 2.6 + 2 * step


def test_a_blind_camera_and_a_clock_that_steps_forget_what_was_before() -> None:
    for broken in ({"blind": "dark"}, None):
        watched = crowd_rule()
        assert signals(watched, hurrying(), every(0.2, 7.8)) == []
        if broken is not None:
            watched.step(scene(7.9, tracks({}), **broken))
            again = signals(watched, hurrying(), every(0.2, 13.0, 8.0))
        else:
            again = signals(watched, lambda t: hurrying()(t + 100), every(0.2, 5.0))
        assert again == []


def test_a_quiet_scene_is_no_movement() -> None:
    """Nothing is looked at anew: the tracks are as they were."""
    watched = crowd_rule()
    watch(watched, hurrying(), every(0.2, 8.6))
    stale = scene(8.8, tracks(hurrying()(8.6), height=HEIGHT, width=16))
    for time in every(0.2, 12.0, 8.8):
        assert watched.step(replace(stale, time=time, fresh=False)).signals == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": None},
        {"zone": None, "line": [[0, 0], [1, 1]]},
        {"subject": "vehicle"},
        {"params": {"min_people": 1}},
        {"params": {"speed": 3}},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        rule("crowd_movement", **{"zone": ZONE, **wrong})


# ------------------------------------------------------------------ limits, each at its value

FAST = Count(people=8.0, hurried=4.0, share=0.5, of_all=0.25, pace=2.0, group_s=0.8)
CALM = Count(people=8.0, of_all=0.25, pace=2 / 1.5, group_s=3.0)
RUNS = Hurry(now=FAST, before=CALM, away=0.0, where=None)
AGAINST = Opposed(people=5.0, against=4.0, share=0.25, with_share=0.2, one_way=0.8, where=None)
Said = list[tuple[str, float, float, str, bool]]


def checks_of(about: Hurry | Opposed, watched: CrowdMovement | None = None) -> Said:
    """Of each check: name, measured, threshold, unit, passed."""
    by = watched or crowd_rule()
    if isinstance(about, Hurry):
        checks = by._hurry_checks(about, 100.0)
    else:
        checks = by._opposed_checks(about, 100.0)
    return [(c.name, round(c.measured, 6), round(c.threshold, 6), c.unit, c.passed) for c in checks]


def test_a_hurry_that_reaches_every_limit_is_one_and_says_its_numbers() -> None:
    assert checks_of(RUNS) == [
        ("group", 8.0, 5, "people", True),
        ("hurried", 4.0, 4.0, "people", True),
        ("hurried_share", 50.0, 50.0, "%", True),
        ("of_all", 25.0, 25.0, "%", True),
        ("group_before", 3.0, 3.0, "s", True),
        ("calm_before", 25.0, 25.0, "%", True),
        ("faster", 2.0, 2.0, "m/s", True),
    ]


@pytest.mark.parametrize(
    ("worse", "failed"),
    [
        (replace(RUNS, now=replace(FAST, hurried=3.9)), "hurried"),
        (replace(RUNS, now=replace(FAST, share=0.49)), "hurried_share"),
        (replace(RUNS, now=replace(FAST, of_all=0.24)), "of_all"),
        (replace(RUNS, before=replace(CALM, group_s=2.9)), "group_before"),
        (replace(RUNS, before=replace(CALM, of_all=0.26)), "calm_before"),
        (replace(RUNS, now=replace(FAST, pace=1.99)), "faster"),
    ],
)
def test_a_hurry_that_just_misses_one_limit_misses_only_that(worse: Hurry, failed: str) -> None:
    assert [name for name, _, _, _, passed in checks_of(worse) if not passed] == [failed]


def test_the_group_is_the_larger_of_now_and_before() -> None:
    for people, before, passed in [(5.0, 0.0, True), (0.0, 5.0, True), (4.9, 4.9, False)]:
        hurry = replace(RUNS, now=replace(FAST, people=people), before=replace(CALM, people=before))
        assert checks_of(hurry)[0] == ("group", max(people, before), 5, "people", passed)


@pytest.mark.parametrize(
    ("away", "form", "share"),
    [
        (0.59, "hurried_share", 50.0),
        (0.6, "scattering_share", 30.0),
        (-0.59, "hurried_share", 50.0),
        (-0.6, "rushing_share", 30.0),
    ],
)
def test_from_or_to_one_point_six_tenths_of_the_share_are_enough(
    away: float, form: str, share: float
) -> None:
    checks = checks_of(replace(RUNS, away=away))
    assert checks[2] == (form, 50.0, share, "%", True)
    assert checks[3][2] == share / 2


def test_what_has_begun_goes_on_with_half_of_the_limits_and_no_question_of_before() -> None:
    watched = crowd_rule()
    watched._last["hurry"] = watched._judged = 99.9
    assert checks_of(RUNS, watched) == [
        ("group", 8.0, 5, "people", True),
        ("hurried", 4.0, 2.0, "people", True),
        ("hurried_share", 50.0, 25.0, "%", True),
        ("of_all", 25.0, 12.5, "%", True),
    ]


def test_a_counter_flow_that_reaches_every_limit_is_one_and_says_its_numbers() -> None:
    assert checks_of(AGAINST) == [
        ("moving", 5.0, 5, "people", True),
        ("against_stream", 4.0, 4, "people", True),
        ("against_share", 25.0, 25.0, "%", True),
        ("one_way", 80.0, 80.0, "%", True),
        ("goes_on", 20.0, 20.0, "%", True),
    ]
    watched = crowd_rule()
    watched._last["opposed"] = watched._judged = 99.9
    assert [name for name, *_ in checks_of(AGAINST, watched)] == [
        "moving", "against_stream", "against_share"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("worse", "failed"),
    [
        ({"people": 4.9}, "moving"),
        ({"against": 3.9}, "against_stream"),
        ({"share": 0.24}, "against_share"),
        ({"one_way": 0.79}, "one_way"),
        ({"with_share": 0.19}, "goes_on"),
    ],
)
def test_a_counter_flow_that_just_misses_one_limit_misses_only_that(
    worse: dict[str, float], failed: str
) -> None:
    told = checks_of(replace(AGAINST, **worse))  # type: ignore[arg-type]
    assert [name for name, _, _, _, passed in told if not passed] == [failed]


@pytest.mark.parametrize(
    ("last", "judged", "told", "begun"),
    [
        pytest.param(99.5, 99.8, False, True, id="half a second without it is forgiven"),
        pytest.param(99.4, 99.8, False, False, id="more is not"),
        pytest.param(90.0, 90.0, False, True, id="a time without a picture is no gap"),
        pytest.param(95.0, 99.8, True, True, id="once told, five seconds are"),
        pytest.param(94.9, 99.8, True, False, id="and no more"),
    ],
)
def test_how_long_a_movement_goes_on_without_being_seen(
    last: float, judged: float, told: bool, begun: bool
) -> None:
    watched = crowd_rule()
    if told:
        watched._held["hurry"].update(["hurry"], 80.0)
        watched._held["hurry"].update(["hurry"], 82.0)
    watched._last["hurry"], watched._judged = last, judged
    assert (len(checks_of(RUNS, watched)) == 4) == begun
    assert len(checks_of(AGAINST, watched)) == 5


def test_a_signal_says_what_of_whom_where_and_since_when() -> None:
    (signal,) = signals(crowd_rule(), hurrying())
    assert (signal.event, signal.rule, signal.camera) == (Event.CROWD_MOVEMENT, "rule", "camera")
    persisted = signal.checks[-1]
    assert (persisted.name, persisted.threshold, persisted.unit) == ("persisted", 1.0, "s")
    assert persisted.measured == persisted.held_s == pytest.approx(signal.noticed - signal.began)
    assert signal.where.x1 > STARTS[0][0]
    assert signal.where.width < VIEW.width / 2
    (opposed,) = signals(crowd_rule(), stream(5), every(0.2, 41.0))
    assert (opposed.checks[-1].threshold, opposed.checks[-1].unit) == (2.0, "s")


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ({"zone": None}, "zone"),
        ({"line": [[0, 0], [1, 1]]}, "zone"),
        ({"subject": "both"}, "subject"),
    ],
)
def test_a_zone_and_people_are_asked_for_at_their_settings(
    more: dict[str, Any], setting: str
) -> None:
    spec = parse_specification({"id": "r", "event": "crowd_movement", "zone": ZONE, **more})
    with pytest.raises(ConfigurationError) as refused:
        CrowdMovement.build(spec, VIEW, Parameters(), clock=False)
    assert refused.value.setting == setting
    assert refused.value.remedy
