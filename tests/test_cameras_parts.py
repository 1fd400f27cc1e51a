"""Connected parts: the same as OpenCV's own statistics say, however few or many."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from veilleur.cameras.parts import FEW, Parts
from veilleur.geometry import ImageArray


def blots(share: float, seed: int) -> ImageArray:
    noise = np.random.default_rng(seed).random((60, 90))
    mask = np.asarray(noise < share, np.uint8)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.uint8)


def ring_with_an_island() -> ImageArray:
    mask = np.zeros((40, 40), np.uint8)
    mask[5:35, 5:35] = 1
    mask[10:30, 10:30] = 0
    mask[18:22, 18:22] = 255
    mask[0, 39] = 1
    return mask


@pytest.mark.parametrize(
    "mask",
    [
        *(blots(share, seed) for share in (0.0, 0.002, 0.01, 0.05, 0.3, 0.6) for seed in range(4)),
        ring_with_an_island(),
        np.ones((7, 5), np.uint8),
    ],
)
def test_numbers_boxes_and_areas_are_those_of_the_slow_way(mask: ImageArray) -> None:
    parts = Parts.of(mask)
    count, labels, table, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    assert np.array_equal(parts.labels, labels)
    rows = [[p.x, p.y, p.width, p.height, p.area] for p in parts.found]
    assert rows == np.asarray(table).tolist()[1:]
    assert [part.label for part in parts.found] == list(range(1, count))
    for part in parts.found:
        assert np.array_equal(parts.mask(part), labels[part.place] == part.label)


def test_both_ways_are_tried() -> None:
    counts = [len(Parts.of(blots(share, 0)).found) for share in (0.002, 0.05)]
    assert 0 < counts[0] < FEW < counts[1]
