"""Density: people in a zone, or per square metre."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.made import VIEW, every, rule, scene, tracks
from veilleur.errors import ConfigurationError
from veilleur.events.crowding import (
    CrowdStatistics,
    fitness,
    hidden_share,
    screened_share,
    standing_points,
)
from veilleur.events.density import Density, Parameters
from veilleur.events.registry import parse_specification
from veilleur.events.rule import Rule, Signal, Verdict
from veilleur.geometry import Zone
from veilleur.ground import ground_plane
from veilleur.perception.objects import Detections
from veilleur.perception.tiles import Headcount

ZONE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
GROUND = ground_plane(
    {"image": [[0, 1], [1, 1], [1, 0], [0, 0]], "metres": [[0, 0], [10, 0], [10, 10], [0, 10]]},
    VIEW.width, VIEW.height, Path(),
)  # fmt: skip


def people(count: int) -> Any:
    """That many in a row inside the zone, none hiding another."""
    return tracks({n: (150.0 + 50 * n, 500.0) for n in range(count)})


def crowd(ground: bool = False, **params: float) -> Rule:
    params = {"persist_s": 2.0, **params}
    return rule("density", zone=ZONE, params=params, ground=GROUND if ground else None)


def told(watched: Rule, counts: list[int]) -> list[float]:
    """One scene a second; the seconds of the alarms."""
    return [
        float(t) for t, n in enumerate(counts) if watched.step(scene(float(t), people(n))).signals
    ]


@pytest.mark.parametrize(
    ("counts", "alarms"),
    [
        pytest.param([4, 4, 4, 4], [2], id="more than the limit for the persistence"),
        pytest.param([3, 3, 3, 3], [], id="the limit itself is allowed"),
        pytest.param([4, 4, 3, 4, 4], [], id="a drop before the alarm starts again"),
        pytest.param([4, 4, 4, 3, 3, 4, 4, 4, 4], [2], id="a drop of two seconds ends nothing"),
        pytest.param([4, 4, 4, 3, 3, 3, 4, 4, 4], [2, 8], id="a longer one does"),
    ],
)
def test_an_alarm_is_raised_once_and_ends_later(counts: list[int], alarms: list[float]) -> None:
    assert told(crowd(max_people=3), counts) == alarms


def test_a_level_once_reached_can_be_made_to_end_lower() -> None:
    counts = [4, 4, 4, 3, 3, 3, 3, 4, 4, 4]
    assert told(crowd(max_people=3), counts) == [2, 9]
    assert told(crowd(max_people=3, release_share=0.9), counts) == [2]


def test_people_on_the_border_raise_no_alarm_but_keep_one() -> None:
    """A box wobbles by more than that."""
    watched = crowd(max_people=0.5)
    border, clear = tracks({1: (103.0, 500.0)}), tracks({1: (150.0, 500.0)})
    assert [len(watched.step(scene(t, border)).signals) for t in every(1, 4)] == [0] * 5
    assert [len(watched.step(scene(t, clear)).signals) for t in (5.0, 6.0, 7.0)] == [0, 0, 1]
    assert [len(watched.step(scene(t, border)).holding) for t in every(1, 14, 8)] == [1] * 7


def test_why_there_is_no_alarm_agrees_with_its_numbers() -> None:
    """Somebody on the border is counted and reaches no level: the words say so."""
    (candidate,) = crowd(max_people=0.5).step(scene(0, tracks({1: (103.0, 500.0)}))).candidates
    failed = candidate.failed
    assert failed is not None
    assert (failed.name, failed.measured, failed.threshold) == ("clearly_inside", 0.0, 0.5)
    assert all((c.measured > c.threshold) == c.passed for c in candidate.checks)


def test_per_square_metre_is_the_count_over_the_area_on_the_ground() -> None:
    """The zone has 64 square metres."""
    watched = crowd(True, max_per_m2=0.1)
    assert told(watched, [6] * 4) == []
    (signal,) = _all(watched, [7] * 4, since=10)
    check = signal.checks[0]
    assert check.unit == "people/m2"
    assert check.threshold == pytest.approx(0.1)
    assert check.measured == pytest.approx(7 / 64)


def test_without_a_limit_the_default_counts() -> None:
    """Four per square metre on a ground, fifty people without one."""
    for ground, unit in [(True, "people/m2"), (False, "people")]:
        watched = rule("density", zone=ZONE, ground=GROUND if ground else None)
        (candidate,) = watched.step(scene(0, people(5))).candidates
        assert candidate.checks[0].unit == unit
        assert candidate.checks[0].threshold == pytest.approx(4.0 if ground else 50.0)


def _all(watched: Rule, counts: list[int], since: float = 0) -> list[Signal]:
    verdicts = [watched.step(scene(since + t, people(n))) for t, n in enumerate(counts)]
    return [signal for verdict in verdicts for signal in verdict.signals]


def test_the_watch_level_is_a_notice_and_never_a_signal() -> None:
    watched = crowd(max_people=5)
    verdicts = [watched.step(scene(float(t), people(5))) for t in range(4)]
    assert [len(v.notices) for v in verdicts] == [0, 0, 1, 0]
    assert all(v.signals == () for v in verdicts)
    assert verdicts[2].notices[0].level == "watch"


def test_blindness_forgets_the_count() -> None:
    watched = crowd(max_people=3)
    assert told(watched, [4, 4]) == []
    assert watched.step(scene(1.5, people(4), blind="dark")) == Verdict()
    assert [bool(watched.step(scene(t, people(4))).signals) for t in (2, 3, 4)] == [
        False, False, True,
    ]  # fmt: skip


def test_a_quiet_scene_keeps_its_people() -> None:
    watched = crowd(max_people=3)
    seen = [bool(watched.step(scene(t, people(4), fresh=t == 0)).signals) for t in (0, 1, 2)]
    assert seen == [False, False, True]


def test_somebody_hidden_for_a_moment_still_counts() -> None:
    watched = crowd(max_people=3)
    hidden = replace(people(4), seen=np.array([True, True, False, True]))
    assert [bool(watched.step(scene(t, hidden)).signals) for t in (0, 1, 2)] == [
        False, False, True,
    ]  # fmt: skip


def test_where_boxes_hide_each_other_the_count_is_a_lower_bound() -> None:
    apart, packed = people(6), tracks({n: (300.0 + 12 * n, 500.0 + 9 * n) for n in range(6)})
    for crowded, at_least in [(apart, False), (packed, True)]:
        watched = crowd(max_people=3)
        signals = [s for t in range(3) for s in watched.step(scene(float(t), crowded)).signals]
        assert [s.at_least for s in signals] == [at_least]


def test_a_dense_crowd_is_a_lower_bound_too() -> None:
    watched = crowd(True, max_per_m2=0.05, trusted_per_m2=0.1)
    (signal,) = _all(watched, [8] * 3)
    assert signal.at_least


def test_hidden_share_is_what_nearer_boxes_cover() -> None:
    behind, before = [0, 0, 10, 20], [5, 10, 15, 40]
    assert hidden_share(np.array([behind, before], float)) == pytest.approx(0.25 / 2)
    assert hidden_share(np.array([behind], float)) == 0.0


def row_of_people(count: int) -> NDArray[np.float64]:
    """So many beside each other, 100 px broad and 300 px tall, their feet at 600; of 1000 px."""
    left = np.arange(count) * 100.0
    return np.stack([left, np.full(count, 300.0), left + 100, np.full(count, 600.0)], axis=1)


@pytest.mark.parametrize(
    ("count", "share"),
    [
        pytest.param(0, 0.0, id="nobody hides nothing"),
        pytest.param(10, 0.5, id="a closed row hides who stands up to 4 tenths of a height behind"),
        pytest.param(5, 0.25, id="half a row half of them"),
    ],
)
def test_what_people_in_front_hide_is_a_share_of_the_zone(count: int, share: float) -> None:
    zone = Zone(np.array([[0.0, 400], [1000, 400], [1000, 640], [0, 640]]))
    places = standing_points(zone)
    assert len(places) == 144
    found = screened_share(row_of_people(count), places)
    assert found == pytest.approx(share, abs=0.09)


def test_a_row_that_hides_the_zone_behind_it_refuses_the_camera_though_all_in_it_are_seen() -> None:
    """Two per square metre, seen at 26 degrees: of forty people eight are found, side by side."""
    watched = rule("density", zone=[[0.1, 0.3], [0.9, 0.3], [0.9, 0.6], [0.1, 0.6]], params={})
    x = np.linspace(120, 880, 9)
    tall = 0.55 * VIEW.height
    foot = np.full(9, 0.59 * VIEW.height)
    boxes = np.stack([x - 48, foot - tall, x + 48, foot], axis=1).astype(np.float32)
    found = Detections(boxes, np.full(9, 0.8, np.float32), np.zeros(9, np.int8))
    said = [watched.step(scene(t / 5, people(1), detections=found)) for t in range(20)]
    assert said[-1].unfit is not None
    assert "the people in front hide" in said[-1].unfit


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (CrowdStatistics(0, 0.0, 0.0, 0.0), None),
        (CrowdStatistics(20, 14.0, 0.05, 0.8), None),
        (CrowdStatistics(90, 80.0, 0.05, 0.8), None),
        (CrowdStatistics(90, 14.0, 0.05, 0.8), "14 px high"),
        (CrowdStatistics(90, 80.0, 0.5, 0.8), "hide"),
        (CrowdStatistics(90, 80.0, 0.05, 0.1), "sure"),
        (CrowdStatistics(90, 80.0, 0.05, 0.8, 0.3), None),
        (CrowdStatistics(90, 80.0, 0.05, 0.8, 0.4), "in front hide 40% of the zone"),
    ],
)
def test_a_camera_that_cannot_count_is_told_why(seen: CrowdStatistics, word: str | None) -> None:
    reason = fitness(seen)
    assert (reason is None) == (word is None)
    assert reason is None or (word is not None and word in reason)


@pytest.mark.parametrize(("score", "fit"), [(0.8, True), (0.4, False)])
def test_a_rule_learns_from_its_pictures_whether_it_can_count(score: float, fit: bool) -> None:
    watched = crowd(max_people=3)
    boxes = people(5).boxes
    found = Detections(boxes, np.full(5, score, np.float32), np.zeros(5, np.int8))
    said = [watched.step(scene(float(t), people(5), detections=found)) for t in range(20)]
    assert (said[-1].unfit is None) == fit


def test_people_counted_in_tiles_count_instead_of_tracks() -> None:
    watched = crowd(max_people=3)
    counted = Detections(people(5).boxes, np.full(5, 0.6, np.float32), np.zeros(5, np.int8))
    signals = [
        signal
        for t in range(6)
        for signal in watched.step(
            scene(float(t), people(1), headcount=Headcount(float(t), counted, 5, 60.0))
        ).signals
    ]
    assert [signal.checks[0].measured for signal in signals] == [5.0]


def test_a_count_in_tiles_that_cannot_be_trusted_refuses_the_camera() -> None:
    watched = crowd(max_people=3)
    counted = Detections(people(9).boxes, np.full(9, 0.3, np.float32), np.zeros(9, np.int8))
    said = [
        watched.step(scene(float(t), people(9), headcount=Headcount(float(t), counted, 0, 12.0)))
        for t in range(6)
    ]
    assert all(verdict.unfit and not verdict.signals for verdict in said)


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ({"params": {"max_people": 3, "max_per_m2": 1}}, "params.max_people"),
        ({"params": {"max_per_m2": 1}}, "params.max_per_m2"),
        ({"subject": "vehicle"}, "subject"),
        ({"zone": None}, "zone"),
        ({"params": {"max_people": 0}}, "params.max_people"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(more: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rule("density", **{"zone": ZONE, **more})
    assert caught.value.setting == setting


def test_vehicles_are_refused_by_the_rule_itself() -> None:
    spec = parse_specification({"id": "r", "event": "density", "zone": ZONE, "subject": "vehicle"})
    with pytest.raises(ConfigurationError, match="not vehicles") as caught:
        Density.build(spec, VIEW, Parameters(), clock=False)
    assert caught.value.setting == "subject"


def test_the_count_is_the_median_of_the_seconds_that_are_asked_for() -> None:
    """Late in the stream; the same picture twice counts twice."""
    for smooth_s, measured in [(0.0, 9.0), (1.0, 7.0), (2.0, 5.0), (1.9, 7.0)]:
        watched = crowd(max_people=3, smooth_s=smooth_s)
        for time, n in [(50.0, 1), (51.0, 5), (52.0, 9)]:
            verdict = watched.step(scene(time, people(n)))
        (candidate,) = verdict.candidates
        assert candidate.checks[0].measured == measured
    watched = crowd(max_people=3, smooth_s=2.0)
    for n in (1, 1, 9):
        verdict = watched.step(scene(50.0, people(n)))
    assert verdict.candidates[0].checks[0].measured == 1.0


def test_whoever_is_cut_by_an_edge_stands_at_it() -> None:
    """A foot predicted beyond the picture, in a zone drawn up to its edges and hardly wider."""
    edges = {
        (-3.0, 500.0): [[0, 0], [0.0005, 0], [0.0005, 1], [0, 1]],
        (500.0, 1030.0): [[0, 0.9995], [1, 0.9995], [1, 1], [0, 1]],
        (1003.0, 500.0): [[0.9995, 0], [1, 0], [1, 1], [0.9995, 1]],
    }
    for foot, zone in edges.items():
        watched = rule("density", zone=zone, params={"max_people": 3})
        (candidate,) = watched.step(scene(0.0, tracks({1: foot}))).candidates
        assert candidate.checks[0].measured == 1.0


def test_only_more_than_is_trusted_is_a_lower_bound() -> None:
    """Seven people on 64 square metres."""
    for trusted, at_least in [(0.10, True), (0.11, False), (0.2, False)]:
        watched = crowd(True, max_people=3, trusted_per_m2=trusted)
        (signal,) = _all(watched, [7] * 3)
        assert signal.at_least == at_least
    pair = tracks({1: (300.0, 500.0), 2: (300.0, 550.0)})  # a quarter hidden, in the mean
    for trusted, at_least in [(0.2, True), (0.25, False)]:
        (candidate,) = crowd(trusted_hidden=trusted).step(scene(0.0, pair)).candidates
        assert candidate.checks[0].at_least == at_least


def test_a_limit_of_people_on_a_known_ground_is_told_in_people() -> None:
    (candidate,) = crowd(True, max_people=3).step(scene(0.0, people(3))).candidates
    check = candidate.checks[0]
    assert (check.unit, check.measured, check.threshold) == ("people", 3.0, 3.0)
    assert not check.passed
