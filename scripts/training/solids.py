"""Things that are no weapon and look like one at times, built of boxes and rods: no model of them
was at hand. Wallets, cameras, drills, sticks, umbrellas; several of each, of other proportions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scripts.training.models3d import Model, shaped

SIDES = 10  # of a rod
LEARNT, HELD = 4, 2  # of each kind
CORNERS = [[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
FACES = [
    [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
    [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """vertices (n, 3), metres; triangles (m, 3); grey 0..1."""

    vertices: np.ndarray
    triangles: np.ndarray
    grey: float


def solids(seed: int = 3) -> tuple[list[Model], list[Model]]:
    """What is learnt from, and as many others to judge with. The same seed gives the same."""
    random = np.random.default_rng(seed)
    learnt, held = [], []
    for kind, build in BUILT.items():
        for number in range(LEARNT + HELD):
            model = _model(f"{kind} {number}", build(random))
            (learnt if number < LEARNT else held).append(model)
    return learnt, held


def _model(name: str, parts: Sequence[Part]) -> Model:
    kind = name.partition(" ")[0]
    vertices = np.concatenate([part.vertices for part in parts])
    length_m = float(np.ptp(vertices, axis=0).max())
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    triangles = np.concatenate(
        [part.triangles + offset for part, offset in zip(parts, offsets, strict=False)]
    )
    grey = np.concatenate([np.full(len(part.triangles), part.grey) for part in parts])
    return Model(name, kind, False, length_m, shaped(vertices), triangles, grey)


def box(size: Sequence[float], at: Sequence[float], grey: float) -> Part:
    """Its middle is at `at`; metres."""
    return Part(np.array(CORNERS) * np.array(size) + np.array(at), np.array(FACES), grey)


def rod(start: Sequence[float], end: Sequence[float], radii: Sequence[float], grey: float) -> Part:
    """A cylinder, or part of a cone. radii: at its start and its end, metres."""
    one, other = np.array(start, np.float64), np.array(end, np.float64)
    along = (other - one) / np.linalg.norm(other - one)
    aside = np.cross(along, [0.0, 0.0, 1.0] if abs(along[2]) < 0.9 else [1.0, 0.0, 0.0])
    aside /= np.linalg.norm(aside)
    angles = np.linspace(0, 2 * np.pi, SIDES, endpoint=False)[:, None]
    ring = np.cos(angles) * aside + np.sin(angles) * np.cross(along, aside)
    vertices = np.concatenate([one + radii[0] * ring, other + radii[1] * ring, [one], [other]])
    triangles = []
    for this in range(SIDES):
        after = (this + 1) % SIDES
        triangles += [
            [this, after, SIDES + this],
            [after, SIDES + after, SIDES + this],
            [2 * SIDES, after, this],
            [2 * SIDES + 1, SIDES + this, SIDES + after],
        ]
    return Part(vertices, np.array(triangles), grey)


def _wallet(random: Generator) -> list[Part]:
    wide, high = random.uniform(0.09, 0.19), random.uniform(0.08, 0.1)
    grey = random.uniform(0.05, 0.5)
    return [box((wide, high, random.uniform(0.01, 0.03)), (0, 0, 0), grey)]


def _camera(random: Generator) -> list[Part]:
    wide, high, deep = random.uniform(0.1, 0.15), random.uniform(0.06, 0.1), 0.05
    grey, reach = random.uniform(0.03, 0.4), random.uniform(0.03, 0.14)
    radius = high * random.uniform(0.3, 0.45)
    return [
        box((wide, high, deep), (0, 0, 0), grey),
        box((0.04, 0.02, 0.04), (0, -high / 2 - 0.01, 0), grey),
        rod((0, 0, deep / 2), (0, 0, deep / 2 + reach), (radius, radius), grey * 0.7),
    ]


def _drill(random: Generator) -> list[Part]:
    body, grip = random.uniform(0.15, 0.2), random.uniform(0.1, 0.14)
    colour, dark = random.uniform(0.2, 0.8), random.uniform(0.03, 0.2)
    radius = random.uniform(0.025, 0.035)
    return [
        rod((-body / 2, 0, 0), (body / 2, 0, 0), (radius, radius), colour),
        rod((body / 2, 0, 0), (body / 2 + 0.04, 0, 0), (radius * 0.8, radius * 0.4), dark),
        rod((body / 2 + 0.04, 0, 0), (body / 2 + random.uniform(0.07, 0.14), 0, 0),
            (0.004, 0.004), 0.6),
        box((0.04, grip, 0.035), (-body * 0.25, grip / 2, 0), dark),
        box((0.1, 0.05, 0.06), (-body * 0.2, grip + 0.02, 0), colour * 0.6),
    ]  # fmt: skip


def _stick(random: Generator) -> list[Part]:
    long, radius = random.uniform(0.45, 1.0), random.uniform(0.008, 0.02)
    grey = random.uniform(0.1, 0.8)
    parts = [rod((0, 0, 0), (long, 0, 0), (radius, radius * random.uniform(0.6, 1)), grey)]
    if random.random() < 0.5:
        parts.append(rod((0, -0.03, 0), (0, 0.1, 0), (radius, radius), grey * 0.8))
    return parts


def _umbrella(random: Generator) -> list[Part]:
    long = random.uniform(0.22, 0.32) if random.random() < 0.4 else random.uniform(0.75, 0.95)
    cloth, thick = random.uniform(0.03, 0.6), random.uniform(0.02, 0.035)
    handle = min(0.12, 0.3 * long)
    return [
        rod((0, 0, 0), (0.7 * long, 0, 0), (0.008, thick), cloth),
        rod((0.7 * long, 0, 0), (0.72 * long, 0, 0), (thick, 0.01), cloth),
        rod((0.72 * long, 0, 0), (long, 0, 0), (0.008, 0.012), 0.4),
        rod((long, -0.01, 0), (long, handle, 0), (0.012, 0.012), random.uniform(0.1, 0.5)),
    ]


BUILT: dict[str, Callable[[Generator], list[Part]]] = {
    "Wallet": _wallet,
    "Camera": _camera,
    "Drill": _drill,
    "Stick": _stick,
    "Umbrella": _umbrella,
}
