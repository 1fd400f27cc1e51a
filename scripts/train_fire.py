"""Trains src/veilleur/perception/weights/fire.onnx, the network that verifies flame and smoke.

    python -m scripts.train_fire DATA WORK [--check] [--write]

DATA holds the sets fire8 and cctv_v3 and what `PLACES` names, under the licences that its manifest
gives: CC BY 4.0, Apache-2.0, MIT. Nothing else is learnt from. WORK: a folder for the network.
--check: every source is judged by a network that did not learn from it, and the confusion table
printed. --write: the network learnt from all of it becomes the file that is shipped. Its hash is
printed. Seeds are fixed, and one thread is used.

Pictures are cut into squares as the product will show them. The pictures of the first set come
from about a dozen videos, under names that repeat; `source_of` says which belong together, found
by likeness of small pictures and then by eye. Their boxes of flames hold more than the flame: only
squares with its colours are learnt as one. What is no fire is chosen in the same way as what may
be, grey stills are given colours (`tinting`), flames are put elsewhere (`pasting`), and of the
ordinary squares those are learnt that a network of one round mistakes most (`hardest`).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from scripts.training.confusion import table
from scripts.training.drawing import NO_FIRE, camera
from scripts.training.export import export
from scripts.training.fitting import Settings, fit, judged
from scripts.training.network import Verifier
from scripts.training.pasting import pasted
from scripts.training.sources import UNKNOWN, Crop, folds
from scripts.training.tinting import tinted

from veilleur.perception.glow import GlowSettings
from veilleur.perception.models import NANODET, WEIGHTS
from veilleur.simulation.burning import Fire

CLASSES = ("flame", "smoke")
SIDE, KEPT = 96, 112  # pixels: shown to the network; kept, for it to move about in
A_SOURCE = 300  # crops at most of one source and kind
GLARING = {"night street": 200, "market stall": 200}  # of these: their flames are white spots
FLAT, FAINT = 13.0, 5.0  # grey levels: less structure, and smoke that changes less, tell nothing
FIERY, GLARE = 0.006, 0.15  # share of a square that must look so, or its box holds no flame there
WHITE = {  # sources whose flames are white in parts
    "car park",
    "market stall",
    "night street",
    "staircase, kitchen, office",
    "station and office",
}
FOLDS = 2
ROUNDS, FROZEN = 4, 1  # over all squares; of these, the backbone stays as it is
SLOW = 2e-4  # it learns so fast afterwards
DRAWN = 1200  # of each: drawn fires, drawn look-alikes
PASTED = 800  # of each: real flames, and what else is bright, cut out and put elsewhere
PICTURES, A_PICTURE, A_STILL = 60, 8, 4  # of a clip of PLACES; squares of each, and of a still
USUAL, HARD = 2000, 2000  # squares without fire that are learnt: by chance, and the hardest
PLACES = {  # clips without fire, and the group of the data set that is then not held back
    "tracking/vtest/vtest.avi": "pets2009-s2l1",
    "wrong_way/autostrade_a4_dusk.mp4": "autostrade-a4-128",
    "wrong_way/autostrade_a4_day.mp4": "autostrade-a4-128",
    "wrong_way/autostrade_a4_cavenago_glare.mp4": "autostrade-a4-cavenago",
    "wrong_way/autostrade_a14_pescara_haze.mp4": "autostrade-a14-pescara",
    "wrong_way/intel_car_detection.mp4": "intel-carpark",
    "forbidden_zone/intel_one_by_one.mp4": "intel-room",
    "forbidden_zone/warehouse_overhead_walkers.mp4": "warehouse_floor",
    "negative/intel_bottle.mp4": "intel-bottle",
    "fall/gmdcsa24/Subject1_Fall_13.mp4": "gmdcsa24-room1",
}
FLAME, DEFAULT, SMOKE = 0, 1, 2
RANGES = (  # numbers of img_*: which source they belong to
    (1, 29, "window and garden"),
    (50, 97, "staircase, kitchen, office"),
    (100, 102, "window and garden"),
    (103, 118, "firemen in a house"),
    (200, 206, "staircase, kitchen, office"),
    (300, 399, "car park"),
    (600, 669, "motorway"),
    (700, 790, "market stall"),
    (800, 828, "large smoke"),
    (900, 3000, "shops, fog"),
)
VIDEOS = {
    "fire1_mp4": "staircase, kitchen, office",
    "smoke2_mp4": "staircase, kitchen, office",
    "fire2_mp4": "car park",
    "newsmoke1_mp4": "shops, fog",
    "newsmoke2_mp4": "shops, fog",
    "smoke1_mp4": "window and garden",
    "smoke5_mp4": "large smoke",
    "pexels-alan-w-8365989_mp4": "from above",
    "pexels-alan-w-8365993_mp4": "from above",
    "test1_mp4": "night street",
    "test2_mp4": "station and office",
    "test3_mp4": "robbery",
}


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One picture. boxes: (n, 5) class, x1, y1, x2, y2 in pixels."""

    image: np.ndarray
    boxes: np.ndarray
    source: str


def source_of(name: str, image: np.ndarray) -> str:
    """Which video a picture of fire8 is from. name: before ".rf."."""
    prefix = re.sub(r"[-_]\d+_jpg$", "", name)
    if prefix in VIDEOS:
        return VIDEOS[prefix]
    number = int(re.findall(r"\d+", name)[0])
    for first, last, source in RANGES:
        if first <= number <= last:
            return source
    warm = float(image[..., 2].mean() - image[..., 0].mean()) > 25
    if warm:  # 400 to 549: a street that burns at night, in between other series
        return "burning street"
    return "staircase, kitchen, office" if 501 <= number <= 503 else "car park"


def pictures(data: Path) -> Iterator[Labelled]:
    """The set fire8, black bars at the sides cut off."""
    for file in sorted((data / "fire/roboflow_fire8").glob("*/images/*.jpg")):
        image = cv2.imread(str(file))
        source = source_of(file.name.partition(".rf.")[0], image)
        height, width = image.shape[:2]
        text = (file.parents[1] / "labels" / f"{file.stem}.txt").read_text(encoding="ascii")
        rows = [[float(v) for v in line.split()[:5]] for line in text.splitlines() if line]
        boxes = np.array(rows, np.float64).reshape(-1, 5)
        x, y, w, h = (
            boxes[:, i] * side for i, side in ((1, width), (2, height), (3, width), (4, height))
        )
        corners = np.stack([boxes[:, 0], x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
        yield _without_bars(Labelled(image, corners, source))


def _without_bars(one: Labelled) -> Labelled:
    lit = np.flatnonzero(one.image.max(axis=2).mean(axis=0) > 6)
    if not len(lit) or len(lit) == one.image.shape[1]:
        return one
    left, right = int(lit[0]), int(lit[-1]) + 1
    boxes = one.boxes.copy()
    boxes[:, (1, 3)] = np.clip(boxes[:, (1, 3)] - left, 0, right - left)
    return Labelled(np.ascontiguousarray(one.image[:, left:right]), boxes, one.source)


def square(image: np.ndarray, x: float, y: float, side: float) -> tuple[np.ndarray, np.ndarray]:
    """The (KEPT, KEPT, 3) square around x, y, moved inside the picture, and its corners."""
    most = min(image.shape[:2])
    side = int(min(max(side, 24), most))
    left = int(min(max(0, x - side / 2), image.shape[1] - side))
    top = int(min(max(0, y - side / 2), image.shape[0] - side))
    part = image[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > KEPT else cv2.INTER_LINEAR
    return cv2.resize(part, (KEPT, KEPT), interpolation=how), np.array(
        (left, top, left + side, top + side)
    )


def cut(one: Labelled, random: Generator, each: int) -> Iterator[Crop]:
    """Squares of one picture: around what burns, parts of it, and what does not."""
    burning = one.boxes[one.boxes[:, 0] != DEFAULT]
    for row in burning:
        kind = "flame" if row[0] == FLAME else "smoke"
        for _ in range(each):
            image, corners = square(one.image, *_around(row[1:], random))
            truth = _truth(burning, row, corners)
            if kind == "smoke" and _flat(image):  # fog all over: nothing tells it from a wall
                truth = (truth[0], UNKNOWN)
            if kind == "smoke" or _burns(image, one.source):  # a box holds more than the flame
                yield Crop(image, truth, one.source, kind)
    yield from _lit_parts(one, burning, random, each)
    for _ in range(each):
        side = min(one.image.shape[:2]) * random.uniform(0.1, 0.8)
        image, corners = square(one.image, *_somewhere(one.image, random), side)
        yield from _without(one, burning, image, corners)


def _lit_parts(one: Labelled, burning: np.ndarray, random: Generator, each: int) -> Iterator[Crop]:
    """Squares as the product would show them: around what is warm or glaring."""
    flames = burning[burning[:, 0] == FLAME]
    for box in spots(one.image, random)[:each]:
        image, corners = square(one.image, *_shown(box, random))
        middle = (box[:2] + box[2:]) / 2
        within = (middle >= flames[:, 1:3]).all(axis=1) & (middle <= flames[:, 3:5]).all(axis=1)
        if not within.any():
            yield from _without(one, burning, image, corners)
        elif _burns(image, one.source):
            yield Crop(image, _truth(burning, flames[within][0], corners), one.source, "flame")


def _without(
    one: Labelled, burning: np.ndarray, image: np.ndarray, corners: np.ndarray
) -> Iterator[Crop]:
    """The square, if nothing burns in it."""
    if not len(burning):
        yield Crop(image, (0.0, 0.0), one.source, "ordinary")
    elif not (_shared(burning[:, 1:], corners) > 0.02).any():
        yield Crop(image, (0.0, UNKNOWN), one.source, "beside fire")


def spots(image: np.ndarray, random: Generator) -> np.ndarray:
    """(n, 4) boxes of what the product takes for candidates, as if some of it had changed."""
    how = GlowSettings()
    across = image.shape[1] / how.width
    size = how.width, max(1, round(image.shape[0] / across))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.int16)
    blue, green, red = (small[..., c] for c in range(3))
    warm = (red >= how.red) & (red - blue >= how.blue) & (red >= green)
    lit = warm | (small.mean(axis=2) >= how.glaring)
    noise = cv2.GaussianBlur(random.random(lit.shape), (0, 0), random.uniform(2, 12))
    lit &= noise > np.quantile(noise, random.uniform(0.0, 0.8))
    joined = cv2.morphologyEx(lit.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = stats[1:][stats[1:, 4] >= how.least]
    found = found[np.argsort(-found[:, 4] * random.uniform(0.3, 1.0, len(found)), kind="stable")]
    corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:4]], axis=1)
    return corners.astype(np.float64) * across


def _shown(box: np.ndarray, random: Generator) -> tuple[float, float, float]:
    """Middle and side of the square that is shown for a candidate, a little beside and larger."""
    size = box[2:] - box[:2]
    x, y = (box[:2] + box[2:]) / 2 + random.normal(0, 0.08, 2) * size
    return x, y, max(size) * random.uniform(1.5, 2.2)


def _burns(image: np.ndarray, source: str) -> bool:
    """Whether anything in it has the colours of a flame, or glares where a camera shows them so."""
    blue, green, red = (image[..., c].astype(np.int16) for c in range(3))
    fiery = (red >= 140) & (red - blue >= 60) & (red - green >= 20)
    glaring = (image.min(axis=2) >= 225).mean()
    return bool(fiery.mean() >= FIERY or (source in WHITE and GLARE <= glaring <= 1 - GLARE))


def _flat(image: np.ndarray) -> bool:
    """Whether it shows next to no structure, large or small."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return float(cv2.GaussianBlur(grey, (0, 0), 3).std()) < FLAT


def _around(box: np.ndarray, random: Generator) -> tuple[float, float, float]:
    """Middle and side of a square: as a candidate would be shown, or a part of something large."""
    size = box[2:] - box[:2]
    if size.max() > 150 and random.random() < 0.6:
        x, y = random.uniform(box[:2] + 0.2 * size, box[2:] - 0.2 * size)
        return x, y, random.uniform(0.3, 0.9) * size.max()
    x, y = (box[:2] + box[2:]) / 2 + random.normal(0, 0.15, 2) * size
    return x, y, random.uniform(1.0, 2.2) * size.max()


def _somewhere(image: np.ndarray, random: Generator) -> tuple[float, float]:
    """Any place; more often one that is bright and warm."""
    height, width = image.shape[:2]
    places = random.uniform(0, 1, (12, 2)) * (width, height)
    if random.random() < 0.5:
        x, y = places[0]
        return x, y
    small = cv2.blur(image, (25, 25)).astype(float)
    warm = small[..., 2] - small[..., 0] + 0.5 * small[..., 2]
    worth = [warm[min(int(y), height - 1), min(int(x), width - 1)] for x, y in places]
    x, y = places[int(np.argmax(worth))]
    return x, y


def _truth(burning: np.ndarray, row: np.ndarray, corners: np.ndarray) -> tuple[float, float]:
    """What the square shows. Smoke in a square around a flame is not labelled everywhere."""
    found = {FLAME: 0.0, SMOKE: 0.0}
    for kind in (FLAME, SMOKE):
        mine = burning[burning[:, 0] == kind]
        share = float(_shared(mine[:, 1:], corners).sum())
        found[kind] = 1.0 if share > 0.12 else 0.0 if share == 0 else UNKNOWN
    found[int(row[0])] = 1.0
    if row[0] == FLAME and found[SMOKE] == 0.0:
        found[SMOKE] = UNKNOWN
    return found[FLAME], found[SMOKE]


def _shared(boxes: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(n,) share of the square that each box covers."""
    wide = np.minimum(boxes[:, 2], corners[2]) - np.maximum(boxes[:, 0], corners[0])
    high = np.minimum(boxes[:, 3], corners[3]) - np.maximum(boxes[:, 1], corners[1])
    return np.clip(wide, 0, None) * np.clip(high, 0, None) / (corners[2] - corners[0]) ** 2


def real(data: Path, random: Generator) -> list[Crop]:
    """Crops of fire8: as many of a small source's pictures as make it count."""
    labelled = list(pictures(data))
    sizes: dict[str, int] = {}
    for one in labelled:
        sizes[one.source] = sizes.get(one.source, 0) + 1
    made = [
        crop
        for one in labelled
        for crop in cut(one, random, int(np.clip(A_SOURCE / sizes[one.source], 4, 20)))
    ]
    return _limited(made, random)


def _limited(crops: Sequence[Crop], random: Generator) -> list[Crop]:
    """At most A_SOURCE, or as GLARING says, of each source and kind."""
    kept, count = [], dict[tuple[str, str], int]()
    for index in random.permutation(len(crops)):
        crop = crops[index]
        name = crop.source, crop.kind
        count[name] = count.get(name, 0) + 1
        if count[name] <= GLARING.get(crop.source, A_SOURCE):
            kept.append(crop)
    return kept


def ordinary(data: Path, random: Generator) -> list[Crop]:
    """People, streets, rooms without fire: some clips, and stills of cctv_v3 by name."""
    made = []
    for name, source in PLACES.items():
        for image in _some_of(data / name):
            made += _calm(image, source, random, A_PICTURE)
    for file in sorted((data / "weapon/cctv_v3").glob("*/images/*.jpg")):
        bucket = sum(file.name[:6].encode()) % 4
        made += _calm(cv2.imread(str(file)), f"cctv_v3, part {bucket}", random, A_STILL)
    return made


def _some_of(clip: Path) -> Iterator[np.ndarray]:
    """PICTURES of a clip, evenly."""
    video = cv2.VideoCapture(str(clip))
    every = max(1, int(video.get(cv2.CAP_PROP_FRAME_COUNT)) // PICTURES)
    for number in range(every * PICTURES):
        if not video.grab():
            return
        if number % every == 0:
            yield video.retrieve()[1]


def _calm(image: np.ndarray, source: str, random: Generator, count: int) -> list[Crop]:
    """So many squares of a picture without fire: around what is warm or glares, and elsewhere."""
    places = [_shown(box, random) for box in spots(image, random)[: count // 2]]
    while len(places) < count:
        side = min(image.shape[:2]) * random.uniform(0.08, 0.9)
        places.append((*_somewhere(image, random), side))
    parts = [tinted(square(image, *place)[0], random) for place in places]
    return [Crop(part, (0.0, 0.0), source, "ordinary") for part in parts]


def hardest(crops: Sequence[Crop], learnt: Sequence[Crop], settings: Settings) -> list[Crop]:
    """Of the ordinary ones, those that a network taught in one round takes for fire most."""
    network = Verifier(NANODET.file, len(CLASSES))
    fit(network, learnt, seen, replace(settings, rounds=1, frozen=1))
    scores = judged(network, [plain(crop) for crop in crops]).max(axis=1)
    return [crops[index] for index in np.argsort(-scores, kind="stable")[:HARD]]


def together(crops: Sequence[Crop], random: Generator, settings: Settings) -> list[Crop]:
    """What is learnt from these: they, what is drawn and pasted into them, the hard ones of them.

    Nothing comes from a source that is not in them.
    """
    calm = [crop for crop in crops if crop.kind == "ordinary"]
    calm = [calm[index] for index in random.permutation(len(calm))]
    few = [crop for crop in crops if crop.kind != "ordinary"] + calm[:USUAL]
    few += drawn(calm, random, DRAWN) + pastings(crops, calm, random, PASTED)
    return few + hardest(calm[USUAL:], few, settings)


def pastings(
    crops: Sequence[Crop], grounds: Sequence[Crop], random: Generator, count: int
) -> list[Crop]:
    """Real flames, and what else is bright, put elsewhere: so many of each."""
    made: list[Crop] = []
    flames = [crop for crop in crops if crop.kind == "flame"]
    for bright, truth, kind in (
        (flames, (1.0, UNKNOWN), "pasted flame"),
        (grounds, (0.0, 0.0), "pasted other"),
    ):
        found: list[Crop] = []
        while len(found) < count:
            one, ground = (of[random.integers(len(of))] for of in (bright, grounds))
            image = pasted(one.image, ground.image, random)
            if image is not None:
                found.append(Crop(image, truth, one.source, kind))
        made += found
    return made


def drawn(grounds: Sequence[Crop], random: Generator, count: int) -> list[Crop]:
    """Fires and look-alikes drawn into ordinary crops; they stay with the source of the ground."""
    made, kinds = [], sorted(NO_FIRE)
    for number in range(count):
        ground = grounds[random.integers(len(grounds))]
        kind = kinds[number % len(kinds)]
        image = NO_FIRE[kind](ground.image, random)
        made.append(Crop(image, (0.0, 0.0), ground.source, f"drawn {kind}"))
        ground = grounds[random.integers(len(grounds))]
        made.append(_burning(ground, random))
    return made


def _burning(ground: Crop, random: Generator) -> Crop:
    """One to five flames side by side, or smoke alone, by day or by night, far away or close."""
    alone = random.random() < 0.35  # smoke without a flame
    image = (ground.image * random.uniform(0.15 if random.random() < 0.4 else 0.7, 1.0)).astype(
        np.uint8
    )
    place = image
    thick = random.uniform(0.8, 2.5) if alone or random.random() < 0.4 else 0.0
    close = 2.0 if random.random() < 0.4 else 1.0
    wide, high = KEPT * close * random.uniform(0.1, 0.7), KEPT * close * random.uniform(0.12, 0.75)
    for _ in range(1 if alone else random.integers(1, 6)):
        fire = Fire(
            foot=(KEPT * random.uniform(0.2, 0.8), KEPT * random.uniform(0.55, 0.7 + 0.3 * close)),
            width=wide * random.uniform(0.5, 1.2),
            height=0.0 if alone else high * random.uniform(0.5, 1.2),
            begins_s=-10.0,
            smoke=thick,
            grey=random.uniform(20, 235),
            smoke_size=random.uniform(1.2, 3.0) if alone else random.uniform(1.5, 4.0),
            seed=int(random.integers(64)),
            gain=random.uniform(0.6, 2.0),
            heat=random.uniform(0.55, 1.1),
            ragged=random.uniform(0.0, 1.0) if random.random() < 0.6 else 0.0,
        )
        image = fire.painted(image, random.uniform(0, 100))
    if random.random() < 0.15:  # a camera that sees infra-red: white and pink
        grey = image.mean(axis=2, keepdims=True)
        image = np.clip(grey + 0.4 * (image - grey), 0, 255).astype(np.uint8)
    seen_smoke = float(np.abs(image.astype(float) - place).mean()) > FAINT
    smoke = (1.0 if seen_smoke else UNKNOWN) if alone else UNKNOWN if thick else 0.0
    truth = (0.0 if alone else 1.0, smoke)
    return Crop(image, truth, ground.source, "drawn smoke" if alone else "drawn flame")


def seen(image: np.ndarray, random: Generator) -> np.ndarray:
    """A crop as it is learnt: moved about, and through another camera."""
    x, y = random.integers(0, KEPT - SIDE + 1, 2)
    return camera(np.ascontiguousarray(image[y : y + SIDE, x : x + SIDE]), random)


def plain(crop: Crop) -> Crop:
    """A crop as it is judged: its middle."""
    edge = (KEPT - SIDE) // 2
    image = np.ascontiguousarray(crop.image[edge : edge + SIDE, edge : edge + SIDE])
    return Crop(image, crop.truth, crop.source, crop.kind)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    settings = Settings(rounds=given.rounds, frozen=FROZEN, slow=SLOW)
    random = np.random.default_rng(8)
    crops = real(given.data, random) + ordinary(given.data, random)
    print(f"{len(crops)} crops of {len({crop.source for crop in crops})} sources", flush=True)
    if given.check:
        print(_checked(crops, random, settings))
        return
    network = taught(crops, random, settings)
    target = WEIGHTS / "fire.onnx" if given.write else given.work / "fire.onnx"
    print(target, export(network, SIDE, len(CLASSES), target))


def taught(crops: Sequence[Crop], random: Generator, settings: Settings) -> Verifier:
    """The network that learnt from these."""
    learnt = together(crops, random, settings)
    print(f"{len(learnt)} are learnt", flush=True)
    network = Verifier(NANODET.file, len(CLASSES))
    fit(network, learnt, seen, settings)
    return network


def _checked(crops: Sequence[Crop], random: Generator, settings: Settings) -> str:
    """The table of all sources, each judged by a network that did not learn from it."""
    judged_crops, scores = [], []
    for held in folds(crops, FOLDS):
        network = taught([crop for crop in crops if crop.source not in held], random, settings)
        back = [plain(crop) for crop in _judged([c for c in crops if c.source in held], random)]
        judged_crops += back
        scores.append(judged(network, back))
    return table(judged_crops, np.concatenate(scores), CLASSES)


def _judged(crops: Sequence[Crop], random: Generator) -> list[Crop]:
    """What a network is judged on: all of the sources with fire, some of the rest, drawings."""
    calm = [crop for crop in crops if crop.kind == "ordinary"]
    some = [calm[index] for index in random.permutation(len(calm))[:USUAL]]
    return [c for c in crops if c.kind != "ordinary"] + some + drawn(calm, random, DRAWN // 4)


if __name__ == "__main__":
    main()
