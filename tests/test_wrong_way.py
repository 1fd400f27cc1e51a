"""Wrong way: sustained motion against the allowed heading."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.made import every, rule, scene, tracks, walk
from veilleur.errors import ConfigurationError
from veilleur.events.rule import Rule
from veilleur.geometry import Box, FloatArray
from veilleur.ground import ground_plane
from veilleur.perception.objects import Kind

ALL = [[0, 0], [1, 0], [1, 1], [0, 1]]
LEFT = [-1.0, 0.0]
RIGHT = (1.0, 0.0)
GROUND = ground_plane(
    {"image": [[0, 1], [1, 1], [1, 0], [0, 0]], "metres": [[0, 0], [20, 0], [20, 20], [0, 20]]},
    1000, 1000, Path(),
)  # fmt: skip


def way(ground: bool = False, **more: Any) -> Rule:
    more = {"zone": ALL, "allowed_heading": LEFT, **more}
    return rule("wrong_way", ground=GROUND if ground else None, **more)


def going(direction: tuple[float, float], speed: float = 70.0) -> Any:
    """From the middle, pixels a second; on GROUND 50 px are a metre."""
    dx, dy = direction
    length = math.hypot(dx, dy)
    return lambda t: (500 + dx / length * speed * t, 500 + dy / length * speed * t)


@pytest.mark.parametrize(
    ("params", "ground", "due"),
    [
        pytest.param({"persist_s": 1.5}, False, 1.5, id="time alone"),
        pytest.param({"persist_s": 1.5}, True, 1.5, id="time alone, with a ground"),
        pytest.param({"distance_m": 2.8}, True, 2.0, id="metres alone"),
        pytest.param({"distance_m": 2.8, "persist_s": 3.0}, True, 3.0, id="both: the later"),
        pytest.param({"distance_heights": 1.4}, False, 2.0, id="heights alone"),
        pytest.param({"distance_m": 2.38}, False, 2.0, id="metres without a ground: in heights"),
        pytest.param({}, True, 1.5, id="neither: two metres and a second"),
    ],
)
def test_the_motion_must_reach_what_is_asked_for(
    params: dict[str, float], ground: bool, due: float
) -> None:
    (signal,) = walk(way(ground, params=params), going(RIGHT), every(0.1, 5))
    assert signal.noticed == pytest.approx(due, abs=0.15)
    assert signal.began == 0.0
    if "distance_m" in params:
        unit = next(c.unit for c in signal.checks if c.name == "distance")
        assert unit == ("m" if ground else "heights")


@pytest.mark.parametrize(
    ("degrees", "told"),
    [(0, 1), (50, 1), (-50, 1), (75, 0), (-75, 0), (90, 0), (180, 0)],
)
def test_only_what_is_nearly_opposite_counts(degrees: float, told: int) -> None:
    angle = math.radians(degrees)
    direction = (math.cos(angle), math.sin(angle))
    assert len(walk(way(params={"persist_s": 1.0}), going(direction), every(0.2, 4))) == told


def path(*stops: tuple[float, float, float]) -> Any:
    t, x, y = np.array(stops, dtype=float).T
    return lambda now: (float(np.interp(now, t, x)), float(np.interp(now, t, y)))


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(path((0, 500, 500), (30, 500, 500)), id="stands"),
        pytest.param(path((0, 800, 500), (4, 600, 500), (5, 640, 520), (9, 400, 500)), id="aside"),
        pytest.param(path((0, 500, 500), (20, 560, 500)), id="drifts slower than anybody walks"),
        pytest.param(path((0, 500, 500), (1, 560, 500), (9, 560, 500)), id="one step, then stands"),
    ],
)
def test_stepping_aside_and_standing_raise_nothing(where: Any) -> None:
    assert walk(way(True), where, every(0.2, 20)) == []


def test_a_pause_in_the_motion_is_forgiven_and_a_long_one_starts_again() -> None:
    short = path((0, 300, 500), (1, 370, 500), (1.3, 370, 500), (3, 490, 500))
    long = path((0, 300, 500), (1, 370, 500), (4, 370, 500), (5, 440, 500), (9, 440, 500))
    rule_ = {"params": {"distance_m": 2.5}}
    assert len(walk(way(True, **rule_), short, every(0.1, 3))) == 1
    assert walk(way(True, **rule_), long, every(0.1, 9)) == []


def test_reversing_into_a_parking_space_raises_nothing() -> None:
    """Drives past, reverses five metres, stops: with the defaults for vehicles."""
    parks = path((0, 900, 500), (3, 500, 500), (5, 500, 500), (8, 700, 560), (30, 700, 560))
    watched = way(True, subject="vehicle")
    assert walk(watched, parks, every(0.2, 20), width=80, height=60, kind=Kind.VEHICLE) == []


def test_a_box_that_only_grows_does_not_travel() -> None:
    """Its lower edge moves down by 60 px a second, its upper edge stays."""
    watched = rule("wrong_way", zone=ALL, allowed_heading=[0, -1], params={"persist_s": 1.0})
    for time in every(0.2, 6):
        person = tracks({1: (500.0, 400 + 60 * time)}, height=100 + 60 * time)
        assert watched.step(scene(time, person)).signals == ()


def test_a_vehicle_cut_by_the_edge_of_the_picture_still_drives() -> None:
    """Its foot stays at the lower edge while its roof moves on; the same at the upper edge."""
    for begin, end in [((0.0, 300.0), (0.0, 500.0)), ((600.0, 1000.0), (800.0, 1000.0))]:
        watched = rule(
            "wrong_way", subject="vehicle", zone=ALL, allowed_heading=[0, -1],
            params={"persist_s": 1.0},
        )  # fmt: skip
        told = 0
        for time in every(0.2, 2):
            top, foot = (b + (e - b) * time / 2 for b, e in zip(begin, end, strict=True))
            car = tracks({1: (500.0, foot)}, height=foot - top, width=200, kind=Kind.VEHICLE)
            told += len(watched.step(scene(time, car)).signals)
        assert told == 1


def test_the_reason_agrees_with_the_numbers() -> None:
    """Whenever a signal is raised, it goes against now, by the angle that it states."""
    (signal,) = walk(way(params={"persist_s": 1.0}), going((1.0, 0.8)), every(0.2, 4))
    for check in signal.checks:
        below = check.name == "against"
        assert check.passed
        assert (check.measured <= check.threshold) == below or check.measured == check.threshold


def test_a_track_that_jumps_between_two_vehicles_does_not_drive() -> None:
    """Cars follow each other to the left; a track that slips to the car behind goes right."""
    jumps = {t: 500.0 + 100.0 * math.ceil(t / 0.4) - 20 * (t % 0.4) for t in every(0.2, 2)}
    watched = way(subject="vehicle", params={"persist_s": 0.5})
    where = {t: (x, 500.0) for t, x in jumps.items()}
    shape = {"width": 60.0, "height": 40.0, "kind": Kind.VEHICLE}
    assert walk(watched, lambda t: where[t], every(0.2, 2), **shape) == []


def test_small_vehicles_are_not_judged() -> None:
    shape = {"height": 12.0, "kind": Kind.VEHICLE}
    watched = way(subject="vehicle", params={"persist_s": 0.5})
    assert walk(watched, going(RIGHT), every(0.2, 4), width=15.0, **shape) == []
    watched = way(subject="vehicle", params={"persist_s": 0.5})
    assert len(walk(watched, going(RIGHT), every(0.2, 4), width=25.0, **shape)) == 1


CAR: dict[str, Any] = {"width": 60.0, "height": 40.0, "kind": Kind.VEHICLE}


def test_with_the_defaults_a_runner_must_go_on_for_a_second() -> None:
    """Two metres are made in half a second."""
    (signal,) = walk(way(True), going(RIGHT, speed=200.0), every(0.1, 2))
    assert signal.noticed == pytest.approx(1.0)


def test_no_vehicle_turns_round_within_a_second() -> None:
    """A track that goes the other way at once has changed vehicles; one that goes on has not."""
    for until, told in [(2.0, 0), (4.0, 1)]:
        turns = path((0, 700, 500), (1, 500, 500), (until, 500 + 200 * (until - 1), 500))
        watched = way(subject="vehicle", params={"persist_s": 0.5})
        assert len(walk(watched, turns, every(0.1, until - 0.1), **CAR)) == told


def test_time_counts_from_when_a_vehicle_is_large_enough() -> None:
    """It comes nearer for two seconds and is 20 px wide after one."""
    watched = way(subject="vehicle", params={"persist_s": 0.5})
    told = []
    for time in every(0.1, 2):
        wide = 10 + 10 * time
        car = tracks({1: going(RIGHT)(time)}, width=wide, height=wide, kind=Kind.VEHICLE)
        told += [time] * len(watched.step(scene(time, car)).signals)
    assert told == pytest.approx([1.5], abs=0.11)


def test_jitter_of_a_standing_box_is_no_motion() -> None:
    random = np.random.default_rng(5)
    where = {t: tuple(500 + random.normal(0, 3, 2)) for t in every(0.2, 120)}
    assert walk(way(params={"persist_s": 0.5}), lambda t: where[t], every(0.2, 120)) == []


@pytest.mark.parametrize("step", [0.1, 0.2, 0.5, 1.0])
def test_the_rate_of_pictures_only_delays_by_a_picture(step: float) -> None:
    signals = walk(way(params={"persist_s": 1.5}), going(RIGHT), every(step, 6))
    assert len(signals) == 1
    assert signals[0].noticed <= 1.5 + 2 * step


def test_blindness_ends_the_motion() -> None:
    watched = way(params={"persist_s": 1.5})
    at = going(RIGHT)
    for time in every(0.2, 2.6):
        blind = "covered" if time == 1.4 else None
        assert watched.step(scene(time, tracks({1: at(time)}), blind=blind)).signals == ()


class Pixels:
    """Says that everything has moved by `pace` pixels a second, or that it cannot say."""

    def __init__(self, pace: tuple[float, float] | None) -> None:
        self.pace, self.since, self._now = pace, None, None
        self.asked = 0

    since: float | None
    _now: float | None

    def at(self, time: float) -> Pixels:
        self.since, self._now = self._now, time
        return self

    def of(self, before: Box, now: Box) -> FloatArray | None:
        self.asked += 1
        if self.pace is None or self.since is None or self._now is None:
            return None
        return np.array(self.pace) * (self._now - self.since)


def drive(pixels: Pixels, speed: float, ground: bool = False, **more: Any) -> list[float]:
    """When a signal is raised about a car whose box goes against at `speed`, pixels a second."""
    watched = way(ground, subject="vehicle", params={"persist_s": 0.5}, **more)
    told = []
    for time in every(0.2, 4):
        car = tracks({1: going(RIGHT, speed)(time)}, **CAR)
        told += [time] * len(watched.step(scene(time, car, shifts=pixels.at(time))).signals)
    return told


@pytest.mark.parametrize("ground", [False, True])
def test_a_box_that_slips_over_vehicles_is_refuted_by_its_pixels(ground: bool) -> None:
    """The box goes right, what is in it goes left: it slides from one car to the next."""
    assert drive(Pixels((-30.0, 0.0)), 70.0, ground) == []
    assert len(drive(Pixels((70.0, 0.0)), 70.0, ground)) == 1
    assert len(drive(Pixels(None), 70.0, ground)) == 1


def test_slow_motion_is_told_sooner_where_pixels_measure_it() -> None:
    """A box of 40 px sways by half of that; a measured quarter is enough."""
    (measured,), (unsure,) = drive(Pixels((16.0, 0.0)), 16.0), drive(Pixels(None), 16.0)
    assert measured == pytest.approx(10 / 16, abs=0.2)
    assert unsure == pytest.approx(24 / 16, abs=0.2)


def test_pixels_are_not_asked_about_traffic_that_keeps_to_its_way() -> None:
    pixels = Pixels(None)
    assert drive(pixels, -70.0) == []
    assert pixels.asked == 0


def column(gap_s: float, leaves_s: float) -> list[float]:
    """Two cars go against, the second `gap_s` later; the first is gone after `leaves_s`."""
    watched = way(subject="vehicle", params={"persist_s": 0.5})
    told = []
    for time in every(0.2, 6):
        cars = {1: (100 + 70 * time, 300.0)} if time < leaves_s else {}
        cars |= {2: (100 + 70 * (time - gap_s), 600.0)} if time >= gap_s else {}
        told += [time] * len(watched.step(scene(time, tracks(cars, **CAR))).signals)
    return told


def test_a_vehicle_behind_one_that_was_told_is_the_same_situation_while_that_is_seen() -> None:
    assert len(column(gap_s=2.0, leaves_s=9.0)) == 1
    assert len(column(gap_s=2.0, leaves_s=2.0)) == 2
    assert len(column(gap_s=3.0, leaves_s=9.0)) == 2


def test_a_signal_says_since_when_its_object_was_watched() -> None:
    """It stands for two seconds, then goes against."""
    waits = path((0, 300, 500), (2, 300, 500), (6, 700, 500))
    (signal,) = walk(way(params={"persist_s": 1.0}), waits, every(0.2, 5))
    assert signal.watched == 0.0
    assert signal.began > 1.0


def test_a_field_of_headings_bends() -> None:
    """Up on the left, down on the right: going up is wrong only on the right."""
    field = [{"at": [0.1, 0.5], "heading": [0, -1]}, {"at": [0.9, 0.5], "heading": [0, 1]}]
    for x, told in [(100.0, 0), (900.0, 1)]:
        watched = rule("wrong_way", zone=ALL, headings=field, params={"persist_s": 1.0})
        assert len(walk(watched, path((0, x, 800), (8, x, 300)), every(0.2, 8))) == told


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"zone": None}, "needs a zone"),
        ({"allowed_heading": None}, "exactly one"),
        ({"allowed_heading": [0, 0]}, "no length"),
        ({"headings": [{"at": [0.5, 0.5], "heading": [1, 0]}]}, "exactly one"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(more: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        way(**more)


@pytest.mark.parametrize("more", [{"zone": None}, {"line": [[0, 0], [1, 1]]}])
def test_a_zone_is_asked_for_at_its_setting(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        way(**more)
    assert refused.value.setting == "zone"


def test_a_box_hardly_higher_than_a_pixel_goes_so_many_of_its_heights() -> None:
    """A pixel and a half high: seven and a half pixels are five heights."""
    watched = way(params={"distance_heights": 5.0, "min_width_px": 1.0})
    shape = {"height": 1.5, "width": 20.0}
    (signal,) = walk(watched, going(RIGHT, speed=10.0), every(0.1, 3), **shape)
    distance = next(check for check in signal.checks if check.name == "distance")
    assert distance.measured == pytest.approx((signal.noticed - signal.began) * 10 / 1.5, rel=0.05)
