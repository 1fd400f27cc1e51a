"""Pictures of people with and without weapons, and what each was taken from.

The set names its pictures after where somebody once found them. A camera's own series is one
source; so is everything that looks alike as a small picture (a set holds many pictures twice, and
turned). Pictures of the web that look like no other are a source each.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

SIDE = 416  # pixels, as the set has them
ALIKE = 0.9  # correlation of 32 x 32 pictures, mirrored or not
SERIES = {
    r"point\d+_": "offices",
    r"(\d{1,3}_jpg|DSC_|20\d\d-\d\d-\d\d)": "man in an office",
    r"-R[A-Z0-9]{6}_png|\d+_png": "robberies in shops",
    r"-12_14_2022": "robbery in a bar",
    r".*BDGK_C": "shop",
    r"KravMagaKnife": "gymnasium",
    r"KravMagaTraining": "outdoors",
    r"DefenseKnife": "mats",
    r"Ruso": "lesson",
    r"(frames?\d*_|1frame)": "street",
    r"frame\d+": "man in a room",
}
ORDERED = {r"Shoplifting(\d+)": "shoplifting{}", r"Normal_shopping_(\d+)": "shopping{}"}
LEARNT = {"offices", "man in an office", "man in a room", "street"}
HELD = {"robberies in shops", "robbery in a bar"}
LARGE = 5  # pictures from which a source of no known name is called a series


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """image: (h, w) grey. people, weapons: (n, 4) boxes, pixels. stretched: its shape was lost."""

    name: str
    source: str
    image: np.ndarray
    people: np.ndarray
    weapons: np.ndarray
    stretched: bool = True


def held_back(source: str) -> bool:
    """Whether nothing of it is learnt from: two series, and about a third of all else."""
    if source in LEARNT | HELD:
        return source in HELD
    return zlib.crc32(source.encode()) % 3 == 1


def read(folder: Path) -> list[Still]:
    """Everything of weapon/cctv_v3."""
    parts = ("train", "valid", "test")
    files = [file for part in parts for file in sorted((folder / part / "images").iterdir())]
    images = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    names = [file.stem for file in files]
    found = _sources(names, images)
    return [
        Still(name, source, image, *_boxes(file))
        for name, source, image, file in zip(names, found, images, files, strict=True)
    ]


def _boxes(image: Path) -> tuple[np.ndarray, np.ndarray]:
    """People, weapons."""
    text = (image.parents[1] / "labels" / f"{image.stem}.txt").read_text(encoding="ascii")
    rows = np.array([[float(v) for v in line.split()[:5]] for line in text.splitlines() if line])
    rows = rows.reshape(-1, 5)
    middle, half = rows[:, 1:3] * SIDE, rows[:, 3:5] * SIDE / 2
    corners = np.concatenate([middle - half, middle + half], axis=1)
    return corners[rows[:, 0] == 0], corners[rows[:, 0] == 1]


def _sources(names: list[str], images: list[np.ndarray]) -> list[str]:
    """What each picture was taken from: joined by name, and by likeness."""
    parents = list(range(len(names)))

    def root(one: int) -> int:
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        return one

    for one, other in _alike(images):
        parents[root(one)] = root(other)
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        for key in filter(None, (_series(name), f"name {name.partition('.rf.')[0]}")):
            parents[root(index)] = root(first.setdefault(key, index))
    groups: dict[int, list[int]] = {}
    for index in range(len(names)):
        groups.setdefault(root(index), []).append(index)
    called = [""] * len(names)
    ordered = sorted(groups.values(), key=len, reverse=True)
    for number, group in enumerate(ordered):
        for index in group:
            called[index] = _called(number, [names[one] for one in group], names[index])
    return called


def _called(number: int, group: list[str], name: str) -> str:
    """The commonest known name of a group; a shop's is its own."""
    if name.startswith("Shoplifting"):
        return _series(name) or ""
    known = Counter(filter(None, (_series(one) for one in group))).most_common(1)
    if known and known[0][0] in LEARNT | HELD:
        return known[0][0]
    return f"series{number}" if len(group) >= LARGE else f"web{number}"


def _series(name: str) -> str | None:
    for pattern, series in SERIES.items():
        if re.match(pattern, name):
            return series
    for pattern, template in ORDERED.items():
        if match := re.match(pattern, name):
            return template.format(match[1])
    return None


def _alike(images: Iterable[np.ndarray]) -> list[tuple[int, int]]:
    rows = []
    for image in images:
        small = cv2.resize(cv2.medianBlur(image, 3), (32, 32), interpolation=cv2.INTER_AREA)
        both = np.stack([small, small[:, ::-1]]).astype(np.float64).reshape(2, -1)
        rows.append(
            (both - both.mean(axis=1, keepdims=True)) / (both.std(axis=1, keepdims=True) + 1e-6)
        )
    made = np.stack(rows) / 32
    likeness = np.maximum(made[:, 0] @ made[:, 0].T, made[:, 0] @ made[:, 1].T)
    return list(zip(*(axis.tolist() for axis in np.nonzero(likeness > ALIKE)), strict=True))
