"""Pictures stay with their source: no part of one video is learnt from while another is judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

UNKNOWN = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A square BGR picture. truth: 1, 0 or UNKNOWN for each class. source: what it came from.
    kind: what it shows, for the confusion table ("flame", "vest", "street" ...)."""

    image: np.ndarray
    truth: tuple[float, ...]
    source: str
    kind: str


def sources(crops: Iterable[Crop]) -> list[str]:
    """Each once, in a fixed order."""
    return sorted({crop.source for crop in crops})


def folds(crops: Sequence[Crop], count: int) -> list[frozenset[str]]:
    """Sources to hold back, a set a fold: about as many crops in each, large sources first."""
    sizes = {name: 0 for name in sources(crops)}
    for crop in crops:
        sizes[crop.source] += 1
    held: list[set[str]] = [set() for _ in range(count)]
    filled = [0] * count
    for name in sorted(sizes, key=lambda one: (-sizes[one], one)):
        least = filled.index(min(filled))
        held[least].add(name)
        filled[least] += sizes[name]
    return [frozenset(names) for names in held]
