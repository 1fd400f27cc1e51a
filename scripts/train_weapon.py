"""Trains src/veilleur/perception/weights/weapon.onnx, the network that verifies weapons.

    python -m scripts.training.people DATA WORK                      (with Veilleur)
    python -m scripts.train_weapon DATA WORK --steps N --tune
    python -m scripts.train_weapon DATA WORK --steps N [--stop N] [--judge] [--write]
    python -m scripts.train_weapon DATA WORK --begin WORK/weapon.pt [--judge] [--write]

DATA holds weapon/cctv_v3 (CC BY 4.0), weapon/models_cc0 (CC0) and the clips that `people` names;
nothing else is learnt from, but things built by `solids`. WORK: what `people` found, and
checkpoints. --steps: learns for so long, from the embedded detector's backbone or from --begin;
--stop: ends it before. --tune: leaves more sources out, and tells from time to time how well they
are judged, to choose --stop by; what is held back has no part in it. --judge: over the sources
that were held back (`stills.held_back`), who is said to be armed, and what is taken for a weapon
in the hands of people who hold none. --write: makes the file shipped.

Everything is learnt in grey, for the set is grey. One core, bfloat16 where the processor has it.
Seeded; the last network is taken as it is, never one that does best on what is held back.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from scripts.training.confusion import table
from scripts.training.holding import Unarmed, holding, with_in_hand
from scripts.training.models3d import JUDGED, Model, library
from scripts.training.solids import solids
from scripts.training.sources import Crop
from scripts.training.squares import (
    LEAST_PX,
    NO_BOXES,
    SIDE,
    STRETCHED,
    Square,
    Window,
    around_weapon,
    cut,
    figure,
    moved,
    near_body,
    random_cut,
)
from scripts.training.stills import Still, held_back, read
from scripts.training.weapons import WeaponNet, export, loss

from veilleur.perception.models import NANODET, WEIGHTS

BATCH, WARM_UP, KEPT_EVERY, SEED = 32, 40, 100, 1
RATE, SLOW, DECAY = 1e-3, 2.5e-4, 1e-3  # of the head, of the backbone
STEM = ("conv0_", "conv1_", "conv2_", "conv3_", "conv4_")  # stays as it is
JUDGED_STRETCH, TRIED = 1.3, 40  # squares of each model in the hands of people held back
SHARES = {  # of a batch
    "armed": 0.22,  # people with a weapon
    "unarmed": 0.11,
    "weapon": 0.11,  # near
    "body": 0.09,  # parts of people without
    "nobody": 0.05,
    "held": 0.20,  # drawn into hands
    "ordinary": 0.22,  # people of the clips
}


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person of a still, or one weapon of it (box)."""

    still: Still
    box: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Ordinary:
    """A square of a clip, and the person's height in sides of it."""

    image: np.ndarray
    share: float
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Everything to learn from."""

    stills: list[Still]
    ordinary: list[Ordinary]
    unarmed: list[Unarmed]
    models: list[Model]


def main() -> None:
    given = _arguments()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    cv2.setNumThreads(1)
    stills = read(given.data / "weapon/cctv_v3")
    network = WeaponNet(NANODET.file)
    if given.begin is not None:
        network.load_state_dict(torch.load(given.begin))
    kept = given.work / "weapon.pt"
    learnt = [still for still in stills if not held_back(still.source)]
    if given.steps and given.tune:
        material, others = _parted(_material(given.data, given.work, learnt))
        learn(network, material, Course(given.steps, given.stop), lambda *now: _tell(others, *now))
        return
    if given.steps:
        material, course = (
            _material(given.data, given.work, learnt),
            Course(given.steps, given.stop),
        )
        network = learn(
            network, material, course, lambda _, now: torch.save(now.state_dict(), kept)
        )
    if given.judge:
        crops = [crop for crop in judged(stills) if held_back(crop.source)]
        for threshold in (0.5, 0.7, 0.9):
            print(f"\n{threshold}\n")
            print(table(_grouped(crops), _sureties(network, crops), ("weapon",), threshold))
        print(_held(network, given.data, given.work, stills))
    if given.write:
        target = WEIGHTS / "weapon.onnx"
        export(network, target)
        print(target, hashlib.sha256(target.read_bytes()).hexdigest())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--stop", type=int)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--begin", type=Path)
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def _material(data: Path, work: Path, stills: list[Still]) -> Material:
    ordinary = [
        Ordinary(_grey(work / one["file"]), one["share"], one["source"])
        for one in json.loads((work / "squares.json").read_text())
    ]
    models = [one for one in library(data / "weapon/models_cc0") if one.name not in JUDGED]
    return Material(stills, ordinary, _unarmed(work, stills), models + solids()[0])


def _unarmed(work: Path, stills: Sequence[Still]) -> list[Unarmed]:
    """Those of the clips, and of these stills."""
    known, found = {still.name: still.image for still in stills}, []
    for one in json.loads((work / "unarmed.json").read_text()):
        stretched = not one["file"].startswith("frames/")
        if stretched and one["file"] not in known:
            continue
        image = known[one["file"]] if stretched else _grey(work / one["file"])
        found.append(Unarmed(image, np.array(one["box"]), np.array(one["arms"]), stretched))
    return found


def _grey(file: Path) -> np.ndarray:
    return cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)


# ---------------------------------------------------------------------- learning
@dataclass(frozen=True, slots=True)
class Course:
    """steps: over which it learns ever less. stop: after so many; None: all."""

    steps: int
    stop: int | None = None


def learn(
    network: WeaponNet, material: Material, course: Course, told: Callable[[int, WeaponNet], None]
) -> WeaponNet:
    """The mean of the last networks (an exponential one). told: now and then, and at the end."""
    steps, stop = course.steps, course.stop or course.steps
    random = np.random.default_rng(SEED)
    draw = drawn(material, random)
    for name, parameter in network.backbone.named_parameters():
        parameter.requires_grad_(not name.startswith(STEM))
    network.to(memory_format=torch.channels_last)
    own = [p for p in network.backbone.parameters() if p.requires_grad]
    head = [*network.near.parameters(), *network.last.parameters()]
    groups = [{"params": own, "lr": SLOW}, {"params": head, "lr": RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min(1, step / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * step / steps)),
    )
    mean, total = copy.deepcopy(network), 0.0
    for step in range(stop):
        total += _step(network, [draw() for _ in range(BATCH)], optimiser)
        schedule.step()
        _towards(mean, network, min(0.995, (step + 1) / (step + 20)))
        if step % KEPT_EVERY == KEPT_EVERY - 1 or step == stop - 1:
            print(f"{step + 1}: loss {total / KEPT_EVERY:.3f}", flush=True)
            told(step + 1, mean)
            total = 0.0
    return mean


def _step(network: WeaponNet, squares: Sequence[Square], optimiser: torch.optim.Optimizer) -> float:
    network.train()
    images = torch.from_numpy(np.stack([square.image for square in squares])).float()
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images)
    lost = loss(logits.float(), [square.boxes for square in squares])
    optimiser.zero_grad()
    lost.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(lost.detach())


@torch.no_grad()
def _towards(mean: WeaponNet, network: WeaponNet, kept: float) -> None:
    for slow, quick in zip(mean.parameters(), network.parameters(), strict=True):
        slow.mul_(kept).add_(quick, alpha=1 - kept)


# ---------------------------------------------------------------------- what is shown
def drawn(material: Material, random: Generator) -> Callable[[], Square]:
    """Makes one square after another. Sources weigh by the root of how many pictures they have."""
    pools: dict[str, list[Person] | list[Ordinary]] = {
        **_sorted(material.stills),
        "ordinary": material.ordinary,
    }
    weights = {name: _weights([_source(one) for one in pool]) for name, pool in pools.items()}
    kinds, shares = list(SHARES), np.array(list(SHARES.values()))

    def one() -> Square:
        kind = kinds[int(random.choice(len(kinds), p=shares / shares.sum()))]
        if kind == "held":
            return holding(material.unarmed, material.models, random)
        chosen = pools[kind][int(np.searchsorted(weights[kind], random.random()))]
        if isinstance(chosen, Ordinary):
            return _ordinary(chosen, random)
        return _shown(kind, chosen, random)

    return one


def _source(one: Person | Ordinary) -> str:
    return one.source if isinstance(one, Ordinary) else one.still.source


def _weights(sources: list[str]) -> np.ndarray:
    names, index, counts = np.unique(sources, return_inverse=True, return_counts=True)
    assert len(names)
    heavy = np.cumsum(1 / np.sqrt(counts)[index])
    return heavy / heavy[-1]


def _sorted(stills: Sequence[Still]) -> dict[str, list[Person]]:
    pools: dict[str, list[Person]] = {
        name: [] for name in ("armed", "unarmed", "weapon", "body", "nobody")
    }
    for still in stills:
        pools["weapon"] += [Person(still, box) for box in still.weapons]
        if not len(still.weapons):
            pools["nobody"].append(Person(still, np.zeros(4)))
        for box in still.people[still.people[:, 3] - still.people[:, 1] >= LEAST_PX]:
            armed = is_armed(still, box)
            if armed:
                pools["armed"].append(Person(still, box))
            elif armed is not None:
                pools["unarmed"].append(Person(still, box))
                pools["body"].append(Person(still, box))
    return pools


def is_armed(still: Still, box: np.ndarray) -> bool | None:
    """Whether a weapon is before or at somebody; None: at the border of what is looked at."""
    whole = figure(box)
    left, top = whole.x - whole.side / 2, whole.y - whole.side / 2
    corners = still.weapons - np.array([left, top, left, top])
    near = corners[
        (corners[:, 2] > 0) & (corners[:, 3] > 0) & (corners[:, :2].max(axis=1) < whole.side)
    ]
    if not len(near):
        return False
    middle = (near[:, :2] + near[:, 2:]) / 2
    inside = ((middle > 0) & (middle < whole.side)).all(axis=1)
    large = (near[:, 2:] - near[:, :2]).max(axis=1) > 0.06 * whole.side
    return True if (inside & large).any() else None


def _shown(kind: str, one: Person, random: Generator) -> Square:
    image, stretch = one.still.image, random.uniform(*STRETCHED) * random.uniform(0.92, 1.08)
    if kind == "weapon":
        window = around_weapon(one.box, stretch, random)
    elif kind == "body":
        window = near_body(one.box, stretch, random)
    elif kind == "nobody":
        height, width = image.shape
        side = min(height, width) * random.uniform(0.15, 0.9)
        window = Window(random.uniform(0, width), random.uniform(0, height), side, stretch)
    else:
        whole = figure(one.box)
        grown = (0.9, 1.25) if kind == "armed" else (0.8, 1.25)
        window = moved(Window(whole.x, whole.y, whole.side, stretch), random, grown)
    return random_cut(image, window, one.still.weapons, random)


def _ordinary(one: Ordinary, random: Generator) -> Square:
    side = one.image.shape[0]
    stretch = random.uniform(0.9, 1.12)
    if random.random() < 0.5:
        middle = Window(side / 2, side / 2, side, stretch)
        window = moved(middle, random, (0.8, 1.1))
    else:
        near = side * one.share * random.uniform(0.28, 0.6)
        x, y = random.uniform(0.15, 0.85, 2) * side
        window = Window(x, y, near, stretch)
    return random_cut(one.image, window, NO_BOXES[:, :4], random)


# ---------------------------------------------------------------------- how long
def _parted(material: Material) -> tuple[Material, Material]:
    """Without some sources, and these alone. Nobody of them is given anything in hand."""
    stills = [[s for s in material.stills if _apart(s.source) == aside] for aside in (False, True)]
    people = [[o for o in material.ordinary if _apart(o.source) == one] for one in (False, True)]
    names = {id(still.image) for still in stills[1]}
    unarmed = [one for one in material.unarmed if id(one.image) not in names]
    return (
        Material(stills[0], people[0], unarmed, material.models),
        Material(stills[1], people[1], [], []),
    )


def _apart(source: str) -> bool:
    known = {"brick yard": True, "room 1": True, "offices": False, "street": True}
    return known.get(source, zlib.crc32(source.encode()) % 3 == 2)


def _tell(others: Material, step: int, network: WeaponNet) -> None:
    """How often somebody armed seems armed more surely than somebody who is not."""
    crops = judged(others.stills)
    armed = np.array([bool(crop.truth[0]) for crop in crops])
    sure = _sureties(network, crops)[:, 0]
    ordinary = np.stack([cv2.resize(one.image, (SIDE, SIDE)) for one in others.ordinary])
    rest = network.surety(ordinary).reshape(len(ordinary), -1).max(axis=1)
    parts = {"stills": sure[~armed], "clips": rest}
    told = ", ".join(f"{name} {(sure[armed][:, None] > v).mean():.3f}" for name, v in parts.items())
    limits = np.quantile(np.concatenate([sure[~armed], rest]), (0.99, 0.95))
    seen = ", ".join(f"{(sure[armed] > limit).mean():.2f}" for limit in limits)
    counts = f"{armed.sum()} armed, {(~armed).sum()} + {len(rest)} not"
    print(f"  {step}: {counts}; {told}; found at 0.01 and 0.05 in vain: {seen}", flush=True)


# ---------------------------------------------------------------------- judging
def judged(stills: Sequence[Still]) -> list[Crop]:
    """Every person tall enough, as the product would show him, with truth and source."""
    crops = []
    for still in stills:
        for box in still.people[still.people[:, 3] - still.people[:, 1] >= LEAST_PX]:
            armed = is_armed(still, box)
            if armed is None:
                continue
            image, _ = cut(still.image, _whole(box))
            kind = "with a weapon" if armed else "without"
            crops.append(Crop(image, (float(armed),), still.source, kind))
    return crops


def _sureties(network: WeaponNet, crops: Sequence[Crop]) -> np.ndarray:
    """(n, 1) of the whole figure alone."""
    parts = network.surety(np.stack([crop.image for crop in crops]))
    return parts.reshape(len(crops), -1).max(axis=1, keepdims=True)


def _held(network: WeaponNet, data: Path, work: Path, stills: Sequence[Still]) -> str:
    """A Markdown table: what is taken for a weapon in the hands of people held back."""
    people = [one for one in _unarmed(work, [s for s in stills if held_back(s.source)])
              if one.stretched]  # fmt: skip
    random = np.random.default_rng(2)
    rows = [f"| in {len(people)} people's hands | learnt | squares | 0.5 | 0.7 | 0.9 |"]
    rows.append("|---|---|---|---|---|---|")
    empty = np.stack([cut(one.image, _whole(one.box))[0] for one in people])
    sure = network.surety(empty).reshape(len(empty), -1).max(axis=1)
    rows.append(f"| nothing | | {len(empty)} | {_shares(sure)} |")
    every = [*library(data / "weapon/models_cc0"), *solids()[0], *solids()[1]]
    unlike = JUDGED | {model.name for model in solids()[1]}
    for kind, judged in sorted({(model.kind, model.name in unlike) for model in every}):
        squares = [
            square.image
            for model in every
            if model.kind == kind and (model.name in unlike) == judged
            for square in _tried(people, model, random)
        ]
        sure = network.surety(np.stack(squares)).reshape(len(squares), -1).max(axis=1)
        seen = "no" if judged else "yes"
        rows.append(f"| {kind} | {seen} | {len(squares)} | {_shares(sure)} |")
    return "\n".join(rows)


def _shares(sure: np.ndarray) -> str:
    return " | ".join(f"{float((sure >= at).mean()):.2f}" for at in (0.5, 0.7, 0.9))


def _whole(box: np.ndarray) -> Window:
    whole = figure(box)
    return Window(whole.x, whole.y, whole.side, JUDGED_STRETCH)


def _tried(people: Sequence[Unarmed], model: Model, random: Generator) -> list[Square]:
    """Squares in which it can be seen, if it is a weapon."""
    squares: list[Square] = []
    while len(squares) < TRIED:
        square = with_in_hand(people[int(random.integers(len(people)))], model, random)
        if len(square.boxes) or not model.weapon:
            squares.append(square)
    return squares


def _grouped(crops: Sequence[Crop]) -> list[Crop]:
    """Single pictures of the web together."""
    return [
        Crop(c.image, c.truth, "web" if c.source.startswith("web") else c.source, c.kind)
        for c in crops
    ]


if __name__ == "__main__":
    main()
