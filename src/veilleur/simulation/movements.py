"""Made crowds that move, with exact truth: `python -m veilleur.simulation.movements OUT`.

All four forms of crowd_movement after a calm, and what must not be taken for one. Truth is what the
people were told to do and when: an alert is owed two seconds after that. What this tests is the
rule and the tracker, not the eye: the detector is made (`crowds`), and no pixel exists, so the
optical flow takes no part.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from veilleur.perception.objects import Kind
from veilleur.simulation.crowds import Walk
from veilleur.simulation.scenes import CAMERA, PAIRS, STEEP, STEEP_PAIRS, Made, Span, write_clips
from veilleur.simulation.social_force import SPREAD_M_S, WALK_M_S, Agent, Aim, simulate

NAME = "movement"
AREA = (-5.0, 9.0, 5.0, 18.0)  # metres: left, near, right, far
WIDE_AREA = (-8.0, 8.5, 8.0, 26.0)
STEEP_AREA = (-3.5, 3.6, 3.5, 8.5)
CENTRE, WIDE_CENTRE = (0.0, 13.0), (0.0, 16.0)
CALM_S, LASTS_S, NOTICE_S = 15.0, 6.0, 2.0
AGAINST_S = 40.0
RUN_M_S = 3.2
RULE: dict[str, Any] = {
    "id": "crowd",
    "event": "crowd_movement",
    "zone": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]],
    "params": {},
}
Point = tuple[float, float]


class Cast:
    """People of one clip, drawn by one seed."""

    def __init__(self, seed: int, area: tuple[float, float, float, float] = AREA) -> None:
        self.random = np.random.default_rng(seed)
        self.area = area

    def spot(self) -> Point:
        x1, y1, x2, y2 = self.area
        return float(self.random.uniform(x1, x2)), float(self.random.uniform(y1, y2))

    def walking(self) -> float:
        """A free speed, m/s."""
        return float(np.clip(self.random.normal(WALK_M_S, SPREAD_M_S), 0.7, 1.75))

    def running(self) -> float:
        return float(self.random.normal(RUN_M_S, 0.3))

    def strolls(self, until_s: float) -> tuple[Aim, ...]:
        """From spot to spot, with pauses."""
        aims, at_s, speed = [], 0.0, self.walking()
        while at_s < until_s:
            pause = self.random.uniform() < 0.3
            aims.append(Aim(at_s, self.spot(), 0.0 if pause else speed))
            at_s += float(self.random.uniform(3.0, 7.0))
        return tuple(aims)

    def stands(self) -> tuple[Aim, ...]:
        return (Aim(0.0, (0.0, 0.0), 0.0),)

    def away_from(self, at: Point, start: Point, reach_m: float = 40.0) -> Point:
        way = np.array(start) - at
        way = way / max(float(np.hypot(*way)), 0.1)
        return float(at[0] + way[0] * reach_m), float(at[1] + way[1] * reach_m)


def _made(
    id_: str, agents: Sequence[Agent], truth: bool, duration_s: float = 27.0, **more: Any
) -> Made:
    """truth: what is asked for begins at CALM_S."""
    spans = [Span("crowd", CALM_S, CALM_S + NOTICE_S, CALM_S + LASTS_S)] if truth else []
    return _clip(id_, simulate(agents, duration_s), spans, duration_s, **more)


def _clip(id_: str, walks: list[Walk], truth: list[Span], duration_s: float, **more: Any) -> Made:
    return Made(id=id_, walks=walks, rules=[RULE], truth=truth, duration_s=duration_s, **more)


# ------------------------------------------------------------------ the four forms


def accelerations(seed: int) -> list[Made]:
    """Strolling people begin to run, all to one side."""

    def people(count: int, offset: int, goal: Point = (60.0, 13.0)) -> list[Agent]:
        cast = Cast(seed + offset)
        return [
            Agent(cast.spot(), (*cast.strolls(CALM_S), Aim(CALM_S, goal, cast.running())))
            for _ in range(count)
        ]

    return [
        _made("acceleration_on_the_ground", people(14, 1), True, pairs=PAIRS),
        _made("acceleration_without_a_ground", people(12, 2), True),
        _made("acceleration_two_pictures_a_second", people(12, 3), True, rate=2.0, pairs=PAIRS),
        _made("acceleration_dense", people(40, 4), True, pairs=PAIRS),
        _made("acceleration_towards_the_camera", people(14, 5, (0.0, -60.0)), True, pairs=PAIRS),
    ]


def dispersals(seed: int) -> list[Made]:
    """People who stand or stroll flee from one point."""

    def people(count: int, offset: int, *, stand: bool) -> list[Agent]:
        cast = Cast(seed + offset)
        agents = []
        for _ in range(count):
            start = cast.spot()
            before = cast.stands() if stand else cast.strolls(CALM_S)
            flight = Aim(CALM_S, cast.away_from(CENTRE, start), cast.running())
            agents.append(Agent(start, (*before, flight)))
        return agents

    return [
        _made("dispersal_of_standing_people", people(16, 11, stand=True), True, pairs=PAIRS),
        _made("dispersal_without_a_ground", people(16, 12, stand=True), True),
        _made("dispersal_of_strollers", people(18, 13, stand=False), True, pairs=PAIRS),
        _made("dispersal_two_pictures_a_second", people(16, 14, stand=True), True, rate=2.0,
              pairs=PAIRS),
    ]  # fmt: skip


def surges(seed: int) -> list[Made]:
    """People rush to one point; some stay where they are."""

    def people(count: int, offset: int, stay: int) -> list[Agent]:
        cast = Cast(seed + offset, WIDE_AREA)
        agents = []
        for n in range(count):
            rush = (Aim(CALM_S, WIDE_CENTRE, cast.running()),) if n >= stay else ()
            agents.append(Agent(cast.spot(), (*cast.stands(), *rush)))
        return agents

    return [
        _made("surge_to_one_point", people(24, 21, 0), True, pairs=PAIRS),
        _made("surge_without_a_ground", people(24, 22, 0), True),
        _made("surge_of_a_half", people(28, 23, 12), True, pairs=PAIRS),
    ]


def streams(seed: int) -> list[Made]:
    """A stream to the right; then some come against it while it goes on."""

    def people(offset: int, against: int) -> list[Agent]:
        cast = Cast(seed + offset)
        agents = []
        for n in range(36 + against):
            y, speed = float(cast.random.uniform(9.5, 16.5)), cast.walking()
            if n < 36:
                agents.append(Agent((-7.0 - 1.6 * n, y), (Aim(0.0, (80.0, y), speed),)))
            else:
                start = 11.0 + 0.3 * (n - 36), y
                agents.append(Agent(start, (Aim(AGAINST_S, (-80.0, y), speed),)))
        return agents

    duration_s = 58.0
    made = []
    for id_, offset, pairs in (("on_the_ground", 31, PAIRS), ("without_a_ground", 32, ())):
        agents = people(offset, 12)
        walks = simulate(agents, duration_s)
        begins = _seen(walks[36:], 4, duration_s)
        spans = [Span("crowd", begins, begins + NOTICE_S, begins + LASTS_S)]
        made.append(_clip("counter_flow_" + id_, walks, spans, duration_s, pairs=pairs))
    two = simulate(people(33, 2), duration_s)
    return [*made, _clip("not_two_against_the_stream", two, [], duration_s, pairs=PAIRS)]


def _seen(walks: Sequence[Walk], count: int, until_s: float) -> float:
    """The first second at which so many of them are in the picture."""
    for time in np.arange(0.0, until_s, 0.1):
        places = [(walk.at(float(time)), walk.facing(float(time))) for walk in walks]
        boxes = [CAMERA.box(Kind.PERSON, at, way) for at, way in places if at is not None]
        if sum(box is not None for box in boxes) >= count:
            return round(float(time), 1)
    raise ValueError(f"never {count} of {len(walks)} walks in the picture")


# ------------------------------------------------------------------ what is none


def calm(seed: int) -> list[Made]:
    """Strollers; a street with two directions; runners among people who are not running."""
    cast = Cast(seed + 41)
    strollers = [Agent(cast.spot(), cast.strolls(40.0)) for _ in range(16)]
    street = []
    for n in range(24):
        way = 1 if n % 2 else -1
        y = float(cast.random.uniform(9.5, 16.5))
        start = -way * (5.0 + 1.2 * n)
        street.append(Agent((start, y), (Aim(0.0, (way * 80.0, y), cast.walking()),)))
    runner = Agent((-8.0, 12.0), (Aim(8.0, (60.0, 12.5), 3.5),))
    joggers = [Agent((-8.0 - n, 11.0 + n), (Aim(8.0, (60.0, 11.0 + n), 3.0),)) for n in range(3)]
    pack = [Agent((-8.0 - n, 11.0 + n % 4), (Aim(8.0, (60.0, 11.0 + n % 4), 3.0),))
            for n in range(8)]  # fmt: skip
    return [
        _made("not_strollers", strollers, False, pairs=PAIRS, duration_s=40.0),
        _made("not_strollers_without_a_ground", strollers, False, duration_s=40.0),
        _made("not_a_street_of_two_ways", street, False, pairs=PAIRS, duration_s=40.0),
        _made("not_one_runner", [*strollers, runner], False, pairs=PAIRS),
        _made("not_three_joggers", [*strollers, *joggers], False, pairs=PAIRS),
        _made("not_joggers_on_an_empty_square", pack, False, pairs=PAIRS),
    ]


def gates(seed: int) -> list[Made]:
    """A gate opens, a train comes, a concert ends, a stream turns: everybody walks, nobody runs."""
    cast = Cast(seed + 51)
    queue = [Agent(cast.spot(), (*cast.stands(), Aim(CALM_S, (70.0, 13.0), cast.walking())))
             for _ in range(20)]  # fmt: skip
    doors = [(-3.0, 19.0), (3.0, 19.0)]
    train = [Agent(cast.spot(), (*cast.stands(), Aim(CALM_S, doors[n % 2], cast.walking())))
             for n in range(20)]  # fmt: skip
    concert = []
    for _ in range(20):
        start = cast.spot()
        goal = cast.away_from(CENTRE, start)
        concert.append(Agent(start, (*cast.stands(), Aim(CALM_S, goal, cast.walking()))))
    turned = []
    for n in range(48):
        way = 1 if n < 30 else -1
        y = float(cast.random.uniform(9.5, 16.5))
        start = (-way * (7.0 + 1.6 * (n % 30)), y)
        turned.append(Agent(start, (Aim(0.0 if way > 0 else 48.0, (way * 80.0, y), WALK_M_S),)))
    return [
        _made("not_a_gate_that_opens", queue, False, pairs=PAIRS),
        _made("not_a_gate_that_opens_without_a_ground", queue, False),
        _made("not_people_going_to_a_train", train, False, pairs=PAIRS),
        _made("not_the_end_of_a_concert", concert, False, pairs=PAIRS),
        _made("not_a_stream_that_turns", turned, False, pairs=PAIRS, duration_s=70.0),
    ]


def steep(seed: int) -> list[Made]:
    """Seen from a steep camera: fewer people hide each other."""
    cast = Cast(seed + 61, STEEP_AREA)
    running = [
        Agent(cast.spot(), (*cast.strolls(CALM_S), Aim(CALM_S, (60.0, 6.0), cast.running())))
        for _ in range(14)
    ]
    strolling = [Agent(cast.spot(), cast.strolls(40.0)) for _ in range(14)]
    more: dict[str, Any] = {"camera": STEEP, "pairs": STEEP_PAIRS}
    return [
        _made("acceleration_seen_steeply", running, True, **more),
        _made("not_strollers_seen_steeply", strolling, False, duration_s=40.0, **more),
    ]


FAMILIES: tuple[Callable[[int], list[Made]], ...] = (
    accelerations, dispersals, surges, streams, calm, gates, steep,
)  # fmt: skip


def movements(seed: int = 0) -> list[Made]:
    """Every made clip, in the order in which it is written."""
    return [made for family in FAMILIES for made in family(seed)]


def main(arguments: Sequence[str]) -> int:
    usage = argparse.ArgumentParser(
        "python -m veilleur.simulation.movements", description="made crowds that move"
    )
    usage.add_argument("out", type=Path, help="folder to write into")
    usage.add_argument("--seed", type=int, default=0, help="another seed makes other people")
    given = usage.parse_args(arguments)
    write_clips(given.out, NAME, movements(given.seed), seed=7 + given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
