"""Made falls, and what is none, with exact truth: `python -m veilleur.simulation.falls OUT`.

Writes OUT/falls: a dataset.json and one `*.scenes.jsonl` a clip. A person is a block on the ground
whose size changes with his posture. No pixel: what it tests is the tracker and the rule's passage
from upright to the ground, as boxes show it; that boxes of people lying are found at all is made up
here (a real detector hardly finds them). The same seed gives the same bytes.

Ids begin with `fall`, or with `daily`: lying from the start, sitting, kneeling, bending,
exercising, sleeping on a bench, getting up, tying a shoe. Those stand apart: nobody may be told for
them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veilleur.events.recording import Observation, Recording
from veilleur.perception.objects import Detections, Kind
from veilleur.simulation.crowds import Camera
from veilleur.simulation.scenes import CAMERA, Made, Span, write_dataset

Doubles = NDArray[np.float64]
Block = tuple[float, float, float]  # metres: across, tall, deep

UPRIGHT: Block = (0.5, 1.7, 0.4)
SITTING: Block = (0.6, 1.25, 0.8)
KNEELING: Block = (0.6, 1.1, 0.7)
BENT: Block = (1.0, 1.05, 0.5)
LYING: Block = (1.7, 0.3, 0.5)
ON_BENCH: Block = (1.7, 0.75, 0.5)
PRESSED_UP: Block = (1.6, 0.75, 0.5)
LOW = Camera(focal=1000.0, tilt=0.12, height_m=2.6)
IMMOBILE_S, FALLS_S, JITTER, MISSES = 5.0, 1.0, 0.015, 0.05
WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]


@dataclass(frozen=True, slots=True)
class Pose:
    """At this second, in this shape, on this spot of the ground (metres)."""

    time: float
    block: Block
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Actor:
    """Goes from pose to pose, evenly."""

    poses: tuple[Pose, ...]

    def box(self, camera: Camera, time: float) -> Doubles | None:
        """(4,) pixels, cut to the picture; None: not there."""
        times = [pose.time for pose in self.poses]
        if not times[0] <= time <= times[-1]:
            return None
        rows = np.array([(*pose.block, pose.x, pose.y) for pose in self.poses])
        wide, tall, deep, x, y = (float(np.interp(time, times, column)) for column in rows.T)
        corners = [
            (x + wide * i / 2, y + deep * j / 2, up)
            for i in (-1, 1)
            for j in (-1, 1)
            for up in (0.0, tall)
        ]
        seen = camera.project(np.array(corners))
        low, high = seen.min(axis=0), seen.max(axis=0)
        limit = (camera.width, camera.height)
        return np.concatenate([np.clip(low, 0, limit), np.clip(high, 0, limit)])


@dataclass(frozen=True, slots=True)
class Played:
    """A clip with those who act in it."""

    made: Made
    actors: tuple[Actor, ...]


def goes(start: float, stop: float, x: float, y: float) -> list[Pose]:
    """Walks in from the left and is there at `stop`."""
    return [
        Pose(start, UPRIGHT, x - 1.2 * (stop - start), y),
        Pose(stop, UPRIGHT, x, y),
    ]


def then(poses: list[Pose], *more: tuple[float, Block]) -> Actor:
    """On the same spot; each shape is reached at its second, after FALLS_S at most."""
    made = list(poses)
    for time, block in more:
        last = made[-1]
        if time - last.time > FALLS_S:
            made.append(Pose(time - FALLS_S, last.block, last.x, last.y))
        made.append(Pose(time, block, last.x, last.y))
    return Actor(tuple(made))


def _played(
    id_: str,
    actors: Sequence[Actor],
    landed: Sequence[float] = (),
    *,
    camera: Camera = CAMERA,
    rate: float = 5.0,
    lost: float = 0.0,
) -> Played:
    """landed: seconds at which somebody is on the ground, to stay."""
    rule = {
        "id": "fall",
        "event": "person_on_ground",
        "zone": WHOLE,
        "params": {"immobile_s": IMMOBILE_S},
    }
    truth = [Span("fall", at, at + IMMOBILE_S, 30.0) for at in landed]
    made = Made(id=id_, walks=[], rules=[rule], truth=truth, camera=camera, rate=rate, lost=lost)
    return Played(made, tuple(actors))


def clips() -> list[Played]:
    """All of them, in the order in which they are written."""
    fall = then(goes(0, 5, 0, 12), (6.0, LYING), (30, LYING))
    passing = [
        Actor((Pose(at, UPRIGHT, -6, y), Pose(at + 10, UPRIGHT, 6, y)))
        for at, y in ((1, 15.0), (8, 10.0), (14, 16.0))
    ]
    near = then(goes(0, 4, 0.5, 6), (5.0, LYING), (30, LYING))
    slow = then(goes(0, 5, 1, 12), (7.0, KNEELING), (9.0, LYING), (30, LYING))
    other = then(goes(2, 9, 3, 14), (10.0, LYING), (30, LYING))
    lies = Actor((Pose(0, LYING, 0, 12), Pose(30, LYING, 0, 12)))
    exercise = then(
        goes(0, 4, 0, 12),
        *[(5.0 + n, LYING if n % 2 == 0 else PRESSED_UP) for n in range(25)],
    )
    slides = then(goes(0, 3, 0, 12), (4.0, SITTING), (8.0, LYING), (30, LYING))
    again = then(
        goes(0, 3, 0, 12),
        (4.0, LYING),
        (12.0, UPRIGHT),
        (15.0, UPRIGHT),
        (16.0, LYING),
        (30, LYING),
    )
    edge = then(goes(0, 4, 7.1, 12), (5.0, LYING), (30, LYING))
    shoe = then(goes(0, 4, 0, 12), (5.0, KNEELING), (14.0, UPRIGHT), (30, UPRIGHT))
    squats = then(
        goes(0, 4, 0, 12),
        *[(5.0 + n, SITTING if n % 2 == 0 else UPRIGHT) for n in range(25)],
    )
    sleeper = then(goes(0, 4, 0, 12), (5.0, SITTING), (15.0, ON_BENCH), (30, ON_BENCH))
    return [
        _played("fall_sideways", [fall], [6.0]),
        _played("fall_low_camera", [near], [5.0], camera=LOW),
        _played("fall_slowly", [slow], [9.0]),
        _played("fall_among_others", [fall, *passing], [6.0]),
        _played("fall_of_two", [fall, other], [6.0, 10.0]),
        _played("fall_at_two_pictures_a_second", [fall], [6.0], rate=2.0),
        _played("fall_two_pictures_in_five_lost", [fall], [6.0], lost=0.4),
        _played("daily_lies_from_the_start", [lies]),
        _played("daily_sits_down", [then(goes(0, 4, 0, 12), (5.0, SITTING), (30, SITTING))]),
        _played("daily_kneels", [then(goes(0, 4, 0, 12), (5.0, KNEELING), (30, KNEELING))]),
        _played("daily_bends_down", [then(goes(0, 4, 0, 12), (5.0, BENT), (30, BENT))]),
        _played("daily_exercises", [exercise]),
        _played("daily_sleeps_on_a_bench", [sleeper]),
        _played(
            "daily_falls_and_gets_up",
            [then(goes(0, 5, 0, 12), (6.0, LYING), (9.0, UPRIGHT), (30, UPRIGHT))],
        ),
        _played("fall_off_a_chair", [slides], [8.0]),
        _played("fall_twice", [again], [4.0, 16.0]),
        _played("fall_at_the_edge_of_the_picture", [edge], [5.0]),
        _played("daily_ties_a_shoe", [shoe]),
        _played("daily_squats", [squats]),
    ]


def observe(played: Played, seed: int) -> Recording:
    """What a made detector finds: jittered boxes, some missing, some pictures lost."""
    made, random = played.made, np.random.default_rng(seed)
    observations = []
    for n in range(int(made.duration_s * made.rate) + 1):
        time = round(n / made.rate, 3)
        rows, scores = [], []
        for actor in played.actors:
            box = actor.box(made.camera, time)
            if box is None or random.uniform() < MISSES:
                continue
            size = np.tile(box[2:] - box[:2], 2)
            if min(size) < 1:
                continue
            rows.append(box + random.normal(0, JITTER, 4) * size)
            scores.append(random.uniform(0.6, 0.9))
        if random.uniform() >= made.lost or n == 0:
            kinds = np.full(len(rows), Kind.PERSON, np.int8)
            boxes = np.array(rows, np.float32).reshape(-1, 4)
            found = Detections(boxes, np.array(scores, np.float32), kinds)
            observations.append(Observation(time, found))
    camera = made.camera
    return Recording(camera.width, camera.height, made.rate, tuple(observations))


def write(folder: Path, seed: int = 7) -> None:
    """Write the data set. Same seed, same bytes."""
    every = clips()
    recordings = [observe(played, seed + 100 * number) for number, played in enumerate(every)]
    write_dataset(folder, "falls", [played.made for played in every], recordings)


def main(arguments: Sequence[str]) -> int:
    usage = argparse.ArgumentParser("python -m veilleur.simulation.falls", description="made falls")
    usage.add_argument("out", type=Path, help="folder to write falls/ into")
    write(usage.parse_args(arguments).out / "falls")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
