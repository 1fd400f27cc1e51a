"""Made clips for the three events, with exact truth: `python -m veilleur.simulation.scenes OUT`.

Writes OUT/made and OUT/crowds: a dataset.json, one `*.scenes.jsonl` a clip, and for crowds exact
head counts, `*.counts.csv`. The same seed gives the same bytes.

Hard negatives are half of it: who steps aside, reverses to park, walks along the
line, stands at the border. Truth comes from the walks themselves, never from boxes. Crowds stand
apart: boxes hide each other there, and a count from boxes is a lower bound by nature.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from veilleur.events.recording import SUFFIX, Observation, Recording, write_recording
from veilleur.perception.objects import Kind
from veilleur.simulation.crowds import Camera, Detector, Walk, World, crowd

CAMERA = Camera()
ROAD = Camera(focal=1300.0, tilt=0.30, height_m=8.0)
STEEP = Camera(focal=1000.0, tilt=1.05, height_m=9.0)
PAIRS = ((-4.0, 9.0), (4.0, 9.0), (6.0, 16.0), (-6.0, 16.0), (0.0, 12.0), (3.0, 20.0))
STEEP_PAIRS = ((-3.0, 3.5), (3.0, 3.5), (3.0, 7.5), (-3.0, 7.5), (0.0, 5.0), (1.5, 6.0))
SQUARE = ((-3.0, 10.0), (3.0, 10.0), (3.0, 15.0), (-3.0, 15.0))
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Span:
    """When a situation is true, seconds, and from when an alert is owed."""

    rule: str
    start_s: float
    due_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One clip. rules: as in a dataset. lost: share of pictures that never come.

    starts_at: local time of its beginning. pairs: points of the ground that the clip states.
    counted: the zone in metres in which rule "count" counts; people are written down for it.
    """

    id: str
    walks: list[Walk]
    rules: list[dict[str, Any]]
    truth: list[Span] = field(default_factory=list)
    duration_s: float = 30.0
    rate: float = 5.0
    camera: Camera = CAMERA
    detector: Detector = field(default_factory=Detector)
    pairs: Points = ()
    starts_at: str | None = None
    lost: float = 0.0
    people: int | None = None
    per_m2: int | None = None
    counted: Points = ()


# ------------------------------------------------------------------ truth


def inside(walk: Walk, zone: Points) -> list[tuple[float, float]]:
    """Spans of seconds in which somebody is inside a polygon on the ground, to 0.05 s."""
    shape = shapely.Polygon(zone)
    times = np.arange(walk.times[0], walk.times[-1] + 1e-9, 0.05)
    x = np.interp(times, walk.times, walk.points[:, 0])
    y = np.interp(times, walk.times, walk.points[:, 1])
    return _spans(times, shapely.contains_xy(shape, x, y))


def _spans(times: Any, true: Any) -> list[tuple[float, float]]:
    edges = np.diff(np.concatenate([[0], np.asarray(true, dtype=np.int8), [0]]))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return [
        (round(float(times[b]), 2), round(float(times[e]), 2))
        for b, e in zip(begins, ends, strict=True)
    ]


def stays(rule: str, walks: Sequence[Walk], zone: Points, dwell_s: float) -> list[Span]:
    """One truth for each stay of at least the dwell."""
    found = [span for walk in walks for span in inside(walk, zone)]
    return [Span(rule, a, a + dwell_s, b) for a, b in sorted(found) if b - a >= dwell_s]


def heads(walks: Sequence[Walk], zone: Points, time: float) -> int:
    """How many stand inside a polygon on the ground, at this second."""
    there = [at for walk in walks if (at := walk.at(time)) is not None]
    if not there:
        return 0
    x, y = np.array(there).T
    return int(shapely.contains_xy(shapely.Polygon(zone), x, y).sum())


def crowded(
    rule: str, walks: Sequence[Walk], zone: Points, over: int, persist_s: float
) -> list[Span]:
    """More than `over` people in the zone for the persistence."""
    times = np.arange(0.0, max(walk.times[-1] for walk in walks), 0.05)
    count = np.zeros(len(times))
    for walk in walks:
        for a, b in inside(walk, zone):
            count += (times >= a) & (times <= b)
    spans = _spans(times, count > over)
    return [Span(rule, a, a + persist_s, b) for a, b in spans if b - a >= persist_s]


# ------------------------------------------------------------------ rules


def zone_rule(zone: Points, camera: Camera = CAMERA, **more: Any) -> dict[str, Any]:
    params = {name: more.pop(name) for name in ("dwell_s", "schedule") if name in more}
    return {
        "id": "zone",
        "event": "forbidden_zone",
        "zone": camera.relative(zone),
        "params": params,
        **more,
    }


def line_rule(forbidden: str, camera: Camera = CAMERA, **more: Any) -> dict[str, Any]:
    """A line from left to right across the picture, 12 m away."""
    line = camera.relative(((-3.0, 12.0), (3.0, 12.0)))
    return {"id": "line", "event": "forbidden_zone", "line": line, "forbidden": forbidden, **more}


def way_rule(camera: Camera, zone: Points, **more: Any) -> dict[str, Any]:
    """Travel away from the camera is allowed, unless headings are given."""
    if "headings" not in more:
        middle = np.mean(zone, axis=0)
        more["allowed_heading"] = camera.heading((middle[0], middle[1]), (0.0, 1.0))
    return {"id": "way", "event": "wrong_way", "zone": camera.relative(zone), **more}


def count_rule(zone: Points, camera: Camera = CAMERA, **params: float) -> dict[str, Any]:
    return {
        "id": "count",
        "event": "density",
        "zone": camera.relative(zone),
        "params": {"persist_s": 2.0, **params},
    }


# ------------------------------------------------------------------ forbidden zone


def visit(at_s: float, until_s: float) -> Walk:
    """Comes from the left, stands in the square, leaves to the left."""
    return Walk.along(
        (at_s - 4, -8.5, 12), (at_s + 2, 0, 12.5), (until_s - 2, 0.3, 12.5), (until_s + 4, -8.5, 12)
    )


def zones() -> list[Made]:
    guest, dwell = visit(6, 18), 2.0
    truth = stays("zone", [guest], SQUARE, dwell)
    rule = zone_rule(SQUARE, dwell_s=dwell)
    queue = [Walk.along((0, -4.2 - 0.8 * n, 11.0), (30, -4.2 - 0.8 * n, 11.0)) for n in range(5)]
    group = [Walk.along((2, -9, 8.0 + 0.5 * n), (18, 9, 8.0 + 0.3 * n)) for n in range(5)]
    car = Walk.along((3, -14, 17), (8, 0, 12.5), (16, 0, 12.5), (22, 14, 9), kind=Kind.VEHICLE)
    return [
        Made(id="zone_enters_and_stays", walks=[guest], rules=[rule], truth=truth),
        Made(id="zone_at_one_picture_a_second", walks=[guest], rules=[rule], truth=truth, rate=1.0),
        Made(
            id="zone_two_pictures_in_five_lost", walks=[guest], rules=[rule], truth=truth, lost=0.4
        ),
        Made(id="zone_queue_beside_one_enters", walks=[*queue, guest], rules=[rule], truth=truth),
        Made(
            id="zone_crosses_a_corner",
            walks=[Walk.along((2, -8, 14.0), (12, 6, 15.6))],
            rules=[zone_rule(SQUARE, dwell_s=6.0)],
        ),
        Made(
            id="zone_stands_at_the_border",
            walks=[Walk.along((1, -8, 11), (5, -3.6, 12), (24, -3.6, 12.4), (29, -9, 11))],
            rules=[rule],
        ),
        Made(
            id="zone_walks_along_the_border",
            walks=[Walk.along((1, -3.7, 8), (9, -3.7, 17)), Walk.along((9, 7, 9.2), (20, -7, 9.2))],
            rules=[zone_rule(SQUARE, dwell_s=1.0)],
        ),
        Made(id="zone_group_passes_in_front", walks=group, rules=[rule]),
        Made(
            id="zone_vehicle_stops_inside",
            walks=[car],
            rules=[zone_rule(SQUARE, dwell_s=3.0, subject="vehicle")],
            truth=stays("zone", [car], SQUARE, 3.0),
        ),
        Made(
            id="zone_person_where_vehicles_are_watched",
            walks=[guest],
            rules=[zone_rule(SQUARE, dwell_s=2.0, subject="vehicle")],
        ),
        Made(
            id="zone_both_person_and_vehicle",
            walks=[car, visit(24, 30)],
            rules=[zone_rule(SQUARE, dwell_s=2.0, subject="both")],
            truth=stays("zone", [car, visit(24, 30)], SQUARE, 2.0),
            duration_s=36.0,
        ),
        *schedules(visit(4, 20)),
    ]


def schedules(guest: Walk) -> list[Made]:
    """A Friday evening before ten, the same on a Saturday, and a public holiday."""
    nights = {"time_zone": "Europe/Paris", "weekly": {"mon-fri": ["22:00-06:00"]}}
    feast = {**nights, "holidays": {"country": "FR", "days": ["00:00-24:00"]}}
    entered, left = inside(guest, SQUARE)[0]
    night = zone_rule(SQUARE, dwell_s=2.0, schedule=nights)
    return [
        Made(
            id="schedule_begins_while_somebody_is_inside",
            walks=[guest],
            rules=[night],
            truth=[Span("zone", 10.0, 12.0, left)],
            starts_at="2026-06-12T21:59:50",
        ),
        Made(
            id="schedule_not_in_force",
            walks=[guest],
            rules=[night],
            starts_at="2026-06-13T22:30:00",
        ),
        Made(
            id="schedule_public_holiday",
            walks=[guest],
            rules=[zone_rule(SQUARE, dwell_s=2.0, schedule=feast)],
            truth=[Span("zone", entered, entered + 2, left)],
            starts_at="2026-07-14T12:00:00",
        ),
    ]


# ------------------------------------------------------------------ lines


def lines() -> list[Made]:
    """Walking from the left end to the right end, the camera is on the right hand."""
    towards = [Walk.along((2 + 4 * n, n - 2, 16), (8 + 4 * n, n - 2, 8)) for n in range(4)]
    away = [Walk.along((2, 1.5, 8), (8, 1.5, 16))]
    crossed = [Span("line", 4.5 + 4 * n, 5.0 + 4 * n, 5.5 + 4 * n) for n in range(4)]
    rule = line_rule("left_to_right")
    car = Walk.along((1, -1, 30), (7, -1, 6), kind=Kind.VEHICLE)
    at_s = float(np.interp(12.0, [6.0, 30.0], [7.0, 1.0]))
    return [
        Made(id="line_crossed_one_by_one", walks=[*towards, *away], rules=[rule], truth=crossed),
        Made(id="line_crossed_the_allowed_way", walks=away, rules=[rule]),
        Made(
            id="line_walks_along_it",
            walks=[Walk.along((1, -8, 11.2), (14, 8, 11.2)), Walk.along((8, 8, 13), (22, -8, 13))],
            rules=[line_rule("both")],
        ),
        Made(
            id="line_stands_on_it",
            walks=[Walk.along((3, 0.5, 12.15), (25, 0.5, 12.2))],
            rules=[line_rule("both")],
        ),
        Made(
            id="line_walked_around",
            walks=[Walk.along((1, 4.3, 16), (7, 4.4, 8)), Walk.along((8, -4.2, 8), (14, -4.4, 16))],
            rules=[line_rule("both")],
        ),
        Made(
            id="line_turns_back_before_it",
            walks=[Walk.along((1, 0, 17), (6, 0, 12.9), (9, 0, 12.9), (14, 0, 17))],
            rules=[rule],
        ),
        Made(
            id="line_vehicle_crosses",
            walks=[car],
            rules=[line_rule("left_to_right", subject="vehicle")],
            truth=[Span("line", at_s - 0.5, at_s, at_s + 0.5)],
        ),
    ]


# ------------------------------------------------------------------ wrong way

CORRIDOR = ((-2.5, 8.5), (2.5, 8.5), (2.5, 20.0), (-2.5, 20.0))
LANE = ((-2.5, 14.0), (2.5, 14.0), (2.5, 60.0), (-2.5, 60.0))


def flow(seed: int, count: int = 10) -> list[Walk]:
    """People going away from the camera through the corridor, one every 2.5 s."""
    random = np.random.default_rng(seed)
    walks = []
    for n in range(count):
        x, speed, at_s = random.uniform(-1.8, 1.8), random.uniform(1.0, 1.6), 2.5 * n
        walks.append(Walk.along((at_s, x, 6), (at_s + 17 / speed, x + random.normal(0, 0.2), 23)))
    return walks


def ways() -> list[Made]:
    against = Walk.along((8, -0.3, 21), (20, 0.4, 7))
    entered, left = inside(against, CORRIDOR)[0]
    metres = way_rule(CAMERA, CORRIDOR, params={"distance_m": 2.0})
    seconds = way_rule(CAMERA, CORRIDOR, params={"persist_s": 1.5})
    speed = float(np.hypot(0.7, 14) / 12)
    over = [Span("way", entered, entered + 2.0 / speed, left)]
    during = [Span("way", entered, entered + 1.5, left)]
    aside = [
        Walk.along((2, 0, 7), (6, 0, 12), (7, 0.9, 11.4), (10, 0.9, 11.4), (14, 0, 17)),
        Walk.along((0, -1.5, 14), (30, -1.5, 14)),
        Walk.along((5, 1.8, 10), (6, 2.0, 9.7), (25, 2.0, 9.7)),
    ]
    return [
        Made(id="way_one_against_the_flow", walks=[*flow(1), against], rules=[metres], truth=over,
             pairs=PAIRS),
        Made(id="way_one_against_without_ground", walks=[*flow(2), against], rules=[seconds],
             truth=during),
        Made(id="way_one_against_two_pictures_a_second", walks=[against], rules=[seconds],
             truth=during, rate=2.0),
        Made(id="way_flow_alone", walks=flow(3), rules=[metres], pairs=PAIRS),
        Made(id="way_flow_alone_without_ground", walks=flow(4), rules=[seconds]),
        Made(id="way_steps_aside_and_stands", walks=aside, rules=[metres], pairs=PAIRS),
        *roads(),
        around(),
    ]  # fmt: skip


def roads() -> list[Made]:
    """Vehicles: travel away from the camera is allowed."""
    legal = [Walk.along((3 * n, 0, 8), (3 * n + 4.5, 0, 80), kind=Kind.VEHICLE) for n in range(8)]
    wrong = Walk.along((6, 0.5, 75), (12, 0.5, 8), kind=Kind.VEHICLE)
    entered, left = inside(wrong, LANE)[0]
    parks = Walk.along(
        (1, 0, 14), (6, 0.0, 34), (8, 0, 34), (10.5, 1.2, 30), (12, 2.2, 29), (30, 2.2, 29),
        kind=Kind.VEHICLE, faces=(0.0, 1.0),
    )  # fmt: skip
    quick = way_rule(ROAD, LANE, subject="vehicle", params={"persist_s": 0.5})
    usual = way_rule(ROAD, LANE, subject="vehicle")
    truth = [Span("way", entered, entered + 0.5, left)]
    pairs = ((-4.0, 14.0), (4.0, 14.0), (6.0, 40.0), (-6.0, 40.0), (0.0, 25.0), (3.0, 60.0))
    return [
        Made(id="road_legal_traffic", walks=legal, rules=[quick], camera=ROAD),
        Made(id="road_drives_against", walks=[wrong], rules=[quick], truth=truth, camera=ROAD),
        Made(id="road_reverses_to_park", walks=[parks], rules=[usual], camera=ROAD, pairs=pairs),
    ]


def around() -> Made:
    """People go round a fountain, counter-clockwise; one goes the other way."""
    centre, radius = np.array([0.0, 13.0]), 3.5

    def circle(begin: float, way: int, turn_s: float) -> Walk:
        times = np.arange(begin, begin + turn_s, 0.25)
        angle = way * 2 * np.pi * (times - begin) / turn_s
        spots = centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return Walk(times, spots)

    ring = ((-5.5, 8.0), (5.5, 8.0), (5.5, 18.0), (-5.5, 18.0))
    arrows = []
    for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        spot = centre + radius * np.array([np.cos(angle), np.sin(angle)])
        way = (-float(np.sin(angle)), float(np.cos(angle)))
        at = (float(spot[0]), float(spot[1]))
        arrows.append({"at": CAMERA.relative([at])[0], "heading": CAMERA.heading(at, way)})
    return Made(
        id="way_field_of_headings",
        walks=[circle(0.0, 1, 18.0), circle(4.0, 1, 20.0), circle(9.0, -1, 18.0)],
        rules=[way_rule(CAMERA, ring, headings=arrows, params={"persist_s": 2.0})],
        truth=[Span("way", 9.0, 11.0, 26.75)],
        pairs=PAIRS,
    )


# ------------------------------------------------------------------ density


def gatherings() -> list[Made]:
    """People come one by one and leave again, around a limit of five."""
    people = [
        Walk.along(
            (2.0 + n, -9, 12), (7.0 + n, -2 + 0.7 * n, 11 + 0.9 * (n % 4)),
            (22.0 + 0.7 * n, -2 + 0.7 * n, 11 + 0.9 * (n % 4)), (28.0 + n, 9, 14),
        )
        for n in range(8)
    ]  # fmt: skip
    few = [Walk.along((1.0 + n, -9, 11), (30.0, 2.5 - n, 11 + 0.8 * n)) for n in range(4)]
    return [
        *groups(),
        Made(id="count_gathers_and_leaves", walks=people, duration_s=40.0,
             rules=[count_rule(SQUARE, max_people=5)],
             truth=crowded("count", people, SQUARE, 5, 2.0)),
        Made(id="count_few_people", walks=few, rules=[count_rule(SQUARE, max_people=5)]),
    ]  # fmt: skip


def standing(n: int, comes_s: float, goes_s: float) -> Walk:
    """The nth of up to eight comes to a spot of its own, stands there and goes."""
    x, y = -2.1 + 1.4 * (n % 4), 14.0 - 2.6 * (n // 4)
    way = 4.0 + 0.5 * (n % 4)
    return Walk.along(
        (comes_s - way, -9, y), (comes_s, x, y), (goes_s, x, y), (goes_s + way, 9, y)
    )  # fmt: skip


def groups() -> list[Made]:
    """Seven people against a limit of four and a half, in time and out of it."""
    long = [standing(n, 8, 22) for n in range(7)]
    twice = [standing(n, begin, begin + 8) for begin in (8, 34) for n in range(7)]
    brief = [standing(n, 8, 20 if n < 4 else 9) for n in range(7)]
    area = 30.0
    crowd_rule = count_rule(SQUARE, max_people=4.5)
    per_m2 = count_rule(SQUARE, max_per_m2=round(4.5 / area, 3))
    slow = count_rule(SQUARE, max_people=4.5, persist_s=8.0)
    return [
        Made(id="count_group_per_square_metre", walks=long, rules=[per_m2], pairs=PAIRS,
             truth=crowded("count", long, SQUARE, 4, 2.0)),
        Made(id="count_group_at_two_pictures_a_second", walks=long, rules=[crowd_rule], rate=2.0,
             truth=crowded("count", long, SQUARE, 4, 2.0)),
        Made(id="count_two_groups_one_after_the_other", walks=twice, rules=[crowd_rule],
             truth=crowded("count", twice, SQUARE, 4, 2.0), duration_s=55.0),
        Made(id="count_peak_too_short", walks=brief, rules=[slow]),
        Made(id="count_group_per_square_metre_allowed", walks=long, pairs=PAIRS,
             rules=[count_rule(SQUARE, max_per_m2=round(7.5 / area, 3))]),
    ]  # fmt: skip


def crowds() -> list[Made]:
    """Exact crowds, seen from a usual and from a steep camera; the limit is at three quarters."""
    made = []
    for density in (1, 2, 4, 6):
        for name, camera, area, pairs in (
            ("oblique", CAMERA, (-2.0, 10.0, 2.0, 15.0), PAIRS),
            ("steep", STEEP, (-2.0, 3.5, 2.0, 7.5), STEEP_PAIRS),
        ):
            people = crowd(density, area, 12.0, seed=density)
            x1, y1, x2, y2 = area
            zone = ((x1, y1 - 0.5), (x2, y1 - 0.5), (x2, y2), (x1, y2))
            size = (x2 - x1) * (y2 - y1 + 0.5)
            limit = round(0.75 * len(people) / size, 3)
            made.append(
                Made(
                    id=f"crowd_{density}_per_m2_{name}",
                    walks=people,
                    rules=[count_rule(zone, camera, max_per_m2=limit)],
                    truth=[Span("count", 0.0, 2.0, 12.0)],
                    duration_s=12.0,
                    camera=camera,
                    pairs=pairs,
                    people=len(people),
                    per_m2=density,
                    counted=zone,
                )
            )
    return made


# ------------------------------------------------------------------ abandoned object

SPOT = (0.5, 12.5)
REACH_M = 3.0


def left_rule(**params: float) -> dict[str, Any]:
    floor = ((-6.0, 8.5), (6.0, 8.5), (6.0, 18.0), (-6.0, 18.0))
    return {
        "id": "left",
        "event": "abandoned_object",
        "zone": CAMERA.relative(floor),
        "params": {"unattended_s": 10.0, **params},
    }


def lying(since: float, until: float) -> Walk:
    """A bag on the spot."""
    return Walk.along((since, *SPOT), (until, *SPOT), kind=Kind.BAG)


def placing(at_s: float, leaves_s: float) -> Walk:
    """Somebody comes to the spot, stays and goes."""
    x, y = SPOT[0] - 0.5, SPOT[1]
    return Walk.along(
        (at_s - 6, -8.5, 12), (at_s, x, y), (leaves_s, x, y), (leaves_s + 6, -8.5, 12)
    )


def alone(walks: Sequence[Walk], since: float, until: float, after_s: float) -> list[Span]:
    """From when on nobody of these is within 3 m of the spot; one truth if it lasts so long."""
    times = np.arange(since, until + 1e-9, 0.05)
    near = np.zeros(len(times), np.bool_)
    for walk in walks:
        x = np.interp(times, walk.times, walk.points[:, 0])
        y = np.interp(times, walk.times, walk.points[:, 1])
        there = (times >= walk.times[0]) & (times <= walk.times[-1])
        near |= there & (np.hypot(x - SPOT[0], y - SPOT[1]) <= REACH_M)
    return [Span("left", a, a + after_s, b) for a, b in _spans(times, ~near) if b - a >= after_s]


def belongings() -> list[Made]:
    """A bag that is left, and bags that are not. Who passes within reach leaves it again in 4 s."""
    owner, bag = placing(8, 12), lying(8, 45)
    truth = alone([owner], 8, 45, 10.0)
    passing = [
        Walk.along((14 + 3 * n, -9, 11 + n % 2), (22 + 3 * n, 9, 11 + n % 2)) for n in range(8)
    ]
    again = Walk.along((16, -8.5, 12), (20, 0, 12.5), (40, 0, 12.5), (45, -8.5, 12))
    other = Walk.along((9, 8.5, 14), (13, 1.5, 13), (45, 1.5, 13))
    metres, heights = left_rule(), left_rule(radius_heights=1.75)
    carried = Walk.along((2, -8, 12), (14, 8, 12), kind=Kind.BAG)
    carrier = Walk.along((2, -8.4, 12), (14, 7.6, 12))
    return [
        Made(id="left_and_owner_leaves", walks=[owner, bag], rules=[metres], truth=truth,
             pairs=PAIRS, duration_s=45.0),
        Made(id="left_without_ground", walks=[owner, bag], rules=[heights], truth=truth,
             duration_s=45.0),
        Made(id="left_at_one_picture_a_second", walks=[owner, bag], rules=[metres], truth=truth,
             pairs=PAIRS, duration_s=45.0, rate=1.0),
        Made(id="left_two_pictures_in_five_lost", walks=[owner, bag], rules=[metres], truth=truth,
             pairs=PAIRS, duration_s=45.0, lost=0.4),
        Made(id="left_while_people_pass", walks=[owner, bag, *passing], rules=[metres],
             truth=truth, pairs=PAIRS, duration_s=45.0),
        Made(id="left_owner_stays", walks=[placing(8, 50), bag], rules=[metres], pairs=PAIRS,
             duration_s=45.0),
        Made(id="left_owner_comes_back", walks=[owner, again, lying(8, 40)], rules=[metres],
             pairs=PAIRS, duration_s=45.0),
        Made(id="left_with_somebody_else", walks=[owner, other, bag], rules=[metres], pairs=PAIRS,
             duration_s=45.0),
        Made(id="left_and_taken_away", walks=[owner, placing(18, 20), lying(8, 20)],
             rules=[metres], pairs=PAIRS,
             duration_s=45.0),
        Made(id="left_never_but_carried", walks=[carrier, carried], rules=[metres], pairs=PAIRS),
    ]  # fmt: skip


# ------------------------------------------------------------------ writing

GROUPS: dict[str, tuple[Callable[[], list[Made]], ...]] = {
    "made": (zones, lines, ways, gatherings, belongings),
    "crowds": (crowds,),
}


def scenes(name: str = "made") -> list[Made]:
    """Every made clip of a data set, in the order in which it is written."""
    return [made for group in GROUPS[name] for made in group()]


def observe(made: Made, seed: int) -> Recording:
    """What the made detector finds in this clip."""
    world = World(made.camera, made.walks, seed, made.detector)
    random = np.random.default_rng(seed + 1)
    step = 1 / made.rate
    observations = []
    for n in range(int(made.duration_s * made.rate) + 1):
        if random.uniform() >= made.lost or n == 0:
            observations.append(Observation(round(n * step, 3), world.look(n * step, step)))
    camera = made.camera
    return Recording(camera.width, camera.height, made.rate, tuple(observations))


def entry(made: Made) -> dict[str, Any]:
    """The clip as it stands in dataset.json."""
    tags = {"footage": "made", "kind": made.id.split("_")[0]}
    if made.people is not None:
        tags["people"] = str(made.people)
    if made.per_m2 is not None:
        tags["per_m2"] = str(made.per_m2)
    out: dict[str, Any] = {"id": made.id, "file": made.id + SUFFIX, "group": made.id, "tags": tags}
    if made.pairs:
        image = made.camera.relative(made.pairs)
        out["ground"] = {"image": image, "metres": [list(pair) for pair in made.pairs]}
    if made.starts_at is not None:
        out["starts_at"] = made.starts_at
    out["rules"] = made.rules
    out["truth"] = [
        {"rule": span.rule, "start_s": round(span.start_s, 2), "due_s": round(span.due_s, 2),
         "end_s": round(span.end_s, 2)}
        for span in made.truth
    ]  # fmt: skip
    return out


def counts(made: Made, times: Sequence[float]) -> str:
    """True head counts at these seconds, as `evaluation.sidecars` reads them."""
    rows = [f"{t:g},count,{heads(made.walks, made.counted, t)}" for t in times]
    return "\n".join(["t_s,rule,count", *rows]) + "\n"


def write(folder: Path, name: str = "made", seed: int = 7) -> None:
    """Write one data set. Same seed, same bytes."""
    write_clips(folder, name, scenes(name), seed)


def write_clips(folder: Path, name: str, every: Sequence[Made], seed: int) -> None:
    """Write these clips as a data set of this name. Same clips and seed, same bytes."""
    recordings = [observe(made, seed + 100 * number) for number, made in enumerate(every)]
    write_dataset(folder, name, every, recordings)
    for made, recording in zip(every, recordings, strict=True):
        if made.counted:
            times = [seen.time for seen in recording.observations]
            (folder / f"{made.id}.counts.csv").write_text(counts(made, times), encoding="utf-8")


def write_dataset(
    folder: Path, name: str, every: Sequence[Made], recordings: Sequence[Recording]
) -> None:
    """Write a recording of each clip, and the index of a data set of this name."""
    folder.mkdir(parents=True, exist_ok=True)
    for made, recording in zip(every, recordings, strict=True):
        write_recording(folder / (made.id + SUFFIX), recording)
    document = {"schema": 1, "name": name, "clips": [entry(made) for made in every]}
    text = json.dumps(document, indent=1) + "\n"
    (folder / "dataset.json").write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    usage = argparse.ArgumentParser(
        "python -m veilleur.simulation.scenes", description="made clips"
    )
    usage.add_argument("out", type=Path, help="folder to write made/ and crowds/ into")
    out: Path = usage.parse_args(arguments).out
    for name in GROUPS:
        write(out / name, name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
