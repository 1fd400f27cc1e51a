"""Trains src/veilleur/perception/weights/fire.onnx, the network that verifies flame and smoke.

    python -m scripts.train_fire DATA WORK [--check] [--write]

DATA holds what `STILLS` and `PLACES` name, under the licences that its manifest gives: CC BY 4.0,
Apache-2.0, MIT. Nothing else is learnt from. WORK: crops and checkpoints. --check:
every source is judged by a network that did not learn from it, and the confusion table printed.
--write: the network learnt from all of it becomes the file that is shipped; its hash is printed.

Pictures are cut into squares as the product will show them. The pictures of the first set come
from about a dozen videos, under names that repeat; `source_of` says which belong together, found
by likeness of small pictures and then by eye.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from scripts.training.confusion import table
from scripts.training.drawing import NO_FIRE, camera
from scripts.training.export import export, restore
from scripts.training.fitting import Settings, fit, judged
from scripts.training.network import Verifier
from scripts.training.sources import UNKNOWN, Crop, folds

from veilleur.perception.models import NANODET, WEIGHTS
from veilleur.simulation.burning import Fire

CLASSES = ("flame", "smoke")
SIDE, KEPT = 96, 112  # pixels: shown to the network; kept, for it to move about in
A_SOURCE = 500  # crops at most of one source and kind
GLARING = {"night street": 200, "market stall": 250}  # of these: their flames are white spots
FLAT, FAINT = 13.0, 5.0  # grey levels: less structure, and smoke that changes less, tell nothing
FOLDS = 2
DRAWN = 2600  # of each: drawn fires, drawn look-alikes
PICTURES, A_PICTURE = 40, 9  # of a clip of PLACES; crops of each
PLACES = {  # clips without fire, and the group of the data set that is then not held back
    "tracking/vtest/vtest.avi": "pets2009-s2l1",
    "wrong_way/autostrade_a4_dusk.mp4": "autostrade-a4-128",
    "wrong_way/autostrade_a4_day.mp4": "autostrade-a4-128",
    "wrong_way/autostrade_a4_cavenago_glare.mp4": "autostrade-a4-cavenago",
    "wrong_way/autostrade_a14_pescara_haze.mp4": "autostrade-a14-pescara",
    "forbidden_zone/intel_one_by_one.mp4": "intel-room",
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
            yield Crop(image, truth, one.source, kind)
    for _ in range(each):
        side = min(one.image.shape[:2]) * random.uniform(0.1, 0.8)
        image, corners = square(one.image, *_somewhere(one.image, random), side)
        if not len(burning):
            yield Crop(image, (0.0, 0.0), one.source, "ordinary")
        elif not (_shared(burning[:, 1:], corners) > 0.02).any():
            yield Crop(image, (0.0, UNKNOWN), one.source, "beside fire")


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
        video = cv2.VideoCapture(str(data / name))
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        for number in np.linspace(0, count - 5, PICTURES).astype(int):
            video.set(cv2.CAP_PROP_POS_FRAMES, int(number))
            image = video.read()[1]
            for _ in range(A_PICTURE):
                side = min(image.shape[:2]) * random.uniform(0.08, 0.7)
                part, _ = square(image, *_somewhere(image, random), side)
                made.append(Crop(part, (0.0, 0.0), source, "ordinary"))
    for file in sorted((data / "weapon/cctv_v3").glob("*/images/*.jpg")):
        image = cv2.imread(str(file))
        bucket = sum(file.name[:6].encode()) % 4
        side = min(image.shape[:2]) * random.uniform(0.15, 0.9)
        part, _ = square(image, *_somewhere(image, random), side)
        made.append(Crop(part, (0.0, 0.0), f"cctv_v3, part {bucket}", "ordinary"))
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
    parser.add_argument("--rounds", type=int, default=Settings().rounds)
    parser.add_argument("--start", type=Path, help="learn on from this file, more slowly")
    parser.add_argument("--share", type=float, default=1.0, help="of the crops, by chance")
    given = parser.parse_args()
    random = np.random.default_rng(8)
    crops = real(given.data, random) + ordinary(given.data, random)
    crops = [crop for crop in crops if random.random() < given.share]
    grounds = [crop for crop in crops if crop.kind == "ordinary"]
    crops += drawn(grounds, random, round(DRAWN * given.share))
    print(f"{len(crops)} crops of {len({crop.source for crop in crops})} sources", flush=True)
    settings = Settings(rounds=given.rounds)
    if given.start:
        settings = Settings(rounds=given.rounds, frozen=0, rate=5e-4, slow=1.5e-4)
    if given.check:
        print(_checked(crops, settings))
        return
    network = Verifier(NANODET.file, len(CLASSES))
    if given.start:
        restore(network, given.start)
    fit(network, crops, seen, settings)
    target = WEIGHTS / "fire.onnx" if given.write else given.work / "fire.onnx"
    print(target, export(network, SIDE, len(CLASSES), target))


def _checked(crops: Sequence[Crop], settings: Settings) -> str:
    judged_crops, scores = [], []
    for held in folds(crops, FOLDS):
        network = Verifier(NANODET.file, len(CLASSES))
        fit(network, [crop for crop in crops if crop.source not in held], seen, settings)
        back = [plain(crop) for crop in crops if crop.source in held]
        judged_crops += back
        scores.append(judged(network, back))
    return table(judged_crops, np.concatenate(scores), CLASSES)


if __name__ == "__main__":
    main()
