"""Made weapons, and what is none, with exact truth: `python -m veilleur.simulation.arms OUT`.

Writes OUT/weapons: a dataset.json and one `*.scenes.jsonl` a clip. People are blocks that walk, and
things are boxes at their hands. No pixel: what it tests is the rule alone, over time, with boxes
that jitter, fail and flicker; that a weapon is recognised at all is made up here. The same seed
gives the same bytes.

Ids begin with `weapon`, or with `other`: a phone taken for one now and then, a thing on the ground,
one that passes behind somebody, a weapon too far away to judge, one outside the zone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from veilleur.events.recording import Observation, Recording
from veilleur.perception.objects import Detections, Kind
from veilleur.simulation.crowds import Camera
from veilleur.simulation.falls import JITTER, LOW, MISSES, UPRIGHT, WHOLE, Actor, Pose
from veilleur.simulation.scenes import Made, Span, write_dataset

Doubles = NDArray[np.float64]

DUE_S, DURATION_S = 1.8, 14.0  # after it is shown: two seconds of looks, three of five of them sure
LEFT = [[0.0, 0.0], [0.35, 0.0], [0.35, 1.0], [0.0, 1.0]]
HANDGUN, LONG, KNIFE = (0.12, 0.06), (0.5, 0.12), (0.05, 0.14)  # heights: wide, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something at somebody. holder: number of the actor. beside, below: of his height, from the
    middle of his box and from its top. since, until: seconds. sure: lowest and highest score;
    found: share of the pictures."""

    holder: int
    size: tuple[float, float]
    since: float = 0.0
    until: float = DURATION_S
    beside: float = 0.12
    below: float = 0.45
    sure: tuple[float, float] = (0.7, 0.95)
    found: float = 0.9

    def box(self, person: Doubles) -> Doubles:
        """(4,) pixels, for the box of whoever has it."""
        tall = float(person[3] - person[1])
        x = float(person[0] + person[2]) / 2 + self.beside * tall
        y = float(person[1]) + self.below * tall
        wide, high = self.size[0] * tall / 2, self.size[1] * tall / 2
        return np.array([x - wide, y - high, x + wide, y + high])


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip with those who act in it and what they have."""

    made: Made
    actors: tuple[Actor, ...]
    items: tuple[Item, ...]


def walks(y: float, since: float = 0.0, *, left: float = -3.0, right: float = 3.0) -> Actor:
    """From the left to the right, at a depth of y metres."""
    return Actor((Pose(since, UPRIGHT, left, y), Pose(since + DURATION_S, UPRIGHT, right, y)))


def _scene(
    id_: str,
    actors: Sequence[Actor],
    items: Sequence[Item],
    *,
    zone: Sequence[Sequence[float]] = WHOLE,
    rate: float = 5.0,
    lost: float = 0.0,
) -> Scene:
    rule = {"id": "weapon", "event": "weapon", "zone": zone}
    shown = [item.since for item in items] if id_.startswith("weapon") else []
    truth = [Span("weapon", at, at + DUE_S, DURATION_S) for at in sorted(shown)]
    made = Made(
        id=id_,
        walks=[],
        rules=[rule],
        truth=truth,
        duration_s=DURATION_S,
        camera=LOW,
        rate=rate,
        lost=lost,
    )
    return Scene(made, tuple(actors), tuple(items))


def clips() -> list[Scene]:
    """All of them, in the order in which they are written."""
    one, behind, far = walks(6), walks(7, right=1.0), walks(30)
    drawn = Item(holder=0, size=HANDGUN, since=5.0)
    rifle = Item(holder=0, size=LONG, since=2.0, beside=0.0, below=0.35)
    return [
        _scene("weapon_handgun_is_drawn", [one], [drawn]),
        _scene("weapon_long_gun", [one], [rifle]),
        _scene("weapon_knife_at_two_a_second", [one], [Item(holder=0, size=KNIFE, since=4.0)],
               rate=2.0),
        _scene("weapon_two_pictures_in_five_lost", [one], [drawn], lost=0.4),
        _scene("weapon_of_one_among_others", [one, behind, far], [drawn]),
        _scene("other_phone_taken_for_one_at_times", [one],
               [Item(holder=0, size=KNIFE, sure=(0.3, 0.9), found=0.35)]),
        _scene("other_phone_never_sure", [one],
               [Item(holder=0, size=HANDGUN, sure=(0.2, 0.55))]),
        _scene("other_thing_on_the_ground", [one],
               [Item(holder=0, size=HANDGUN, beside=0.3, below=1.08)]),
        _scene("other_shown_for_a_moment", [one],
               [Item(holder=0, size=HANDGUN, since=5.0, until=5.6)]),
        _scene("other_too_far_to_judge", [far], [Item(holder=0, size=LONG)]),
        _scene("other_outside_the_zone", [walks(6, left=0.5)], [drawn], zone=LEFT),
        _scene("other_nobody_has_anything", [one, behind, far], []),
    ]  # fmt: skip


def observe(scene: Scene, seed: int) -> Recording:
    """What a made detector finds: jittered boxes, some missing, some pictures lost."""
    made, random = scene.made, np.random.default_rng(seed)
    observations = []
    for n in range(int(made.duration_s * made.rate) + 1):
        time = round(n / made.rate, 3)
        found = _found(scene, made.camera, time, random)
        if random.uniform() >= made.lost or n == 0:
            observations.append(Observation(time, found))
    camera = made.camera
    return Recording(camera.width, camera.height, made.rate, tuple(observations))


def _found(scene: Scene, camera: Camera, time: float, random: Generator) -> Detections:
    rows: list[tuple[Doubles, float, Kind]] = []
    for number, actor in enumerate(scene.actors):
        box = actor.box(camera, time)
        if box is None or min(box[2:] - box[:2]) < 1:
            continue
        if random.uniform() >= MISSES:
            size = np.tile(box[2:] - box[:2], 2)
            jittered = box + random.normal(0, JITTER, 4) * size
            rows.append((jittered, random.uniform(0.6, 0.9), Kind.PERSON))
        for item in scene.items:
            shown = item.holder == number and item.since <= time <= item.until
            if shown and random.uniform() < item.found:
                rows.append((item.box(box), random.uniform(*item.sure), Kind.WEAPON))
    return Detections(
        np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([kind for _, _, kind in rows], np.int8),
    )


def write(folder: Path, seed: int = 7) -> None:
    """Write the data set. Same seed, same bytes."""
    every = clips()
    recordings = [observe(scene, seed + 100 * number) for number, scene in enumerate(every)]
    write_dataset(folder, "weapons", [scene.made for scene in every], recordings)


def main(arguments: Sequence[str]) -> int:
    usage = argparse.ArgumentParser("python -m veilleur.simulation.arms", description="made arms")
    usage.add_argument("out", type=Path, help="folder to write weapons/ into")
    write(usage.parse_args(arguments).out / "weapons")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
