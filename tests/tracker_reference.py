"""What scripts/make_tracker_reference.py stored: detections on vtest, and the package's tracks."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from veilleur.evaluation.tracking import FrameBoxes
from veilleur.perception.objects import Detections

REFERENCES = Path(__file__).parent / "references"


class Agreement(NamedTuple):
    """By the package's own evaluation, 0..1; switches a count."""

    hota: float
    detection: float
    association: float
    location: float
    idf1: float
    mota: float
    switches: int


class Scores(NamedTuple):
    """vtest: by pictures a second, against the official truth; made: by seed, then rate."""

    vtest: dict[int, Agreement]
    made: dict[int, dict[int, Agreement]]
    sort_against_bytetrack: Agreement


def _agreement(stored: dict[str, Any]) -> Agreement:
    return Agreement(**{name: stored[name] for name in Agreement._fields})


def _scores() -> Scores:
    stored = json.loads((REFERENCES / "tracker.json").read_text())

    def rates(by_rate: dict[str, Any]) -> dict[int, Agreement]:
        return {int(rate): _agreement(one) for rate, one in by_rate.items()}

    return Scores(
        rates(stored["vtest"]),
        {int(seed): rates(one) for seed, one in stored["made"].items()},
        _agreement(stored["sort against bytetrack"]),
    )


SCORES = _scores()


@cache
def _numbers() -> dict[str, Any]:
    return dict(np.load(REFERENCES / "tracker.npz"))


def vtest_detections() -> list[Detections]:
    """NanoDet's people, score 0.2 or more, one entry a picture, ten a second."""
    z = _numbers()
    boxes, scores = (z["boxes"] / 8).astype(np.float32), (z["scores"] / 255).astype(np.float32)
    pictures = [z["frames"] == n for n in range(int(z["pictures"]))]
    return [Detections(boxes[at], scores[at], np.zeros(int(at.sum()), np.int8)) for at in pictures]


def package_tracks(name: str) -> list[FrameBoxes]:
    """The package's tracks on all pictures: bytetrack_10 or sort_10."""
    z = _numbers()
    rows, ids = z[name].astype(np.int64).T
    at = z["frames"][rows]
    boxes = z["boxes"][rows] / 8
    return [FrameBoxes(ids[at == n], boxes[at == n]) for n in range(int(z["pictures"]))]
