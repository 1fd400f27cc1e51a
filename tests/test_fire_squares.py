"""What the fire verifier is taught: a source stays together, and nothing gives it away."""

from __future__ import annotations

import numpy as np
import pytest
from scripts.training.pasting import pasted
from scripts.training.sources import UNKNOWN, Crop, folds
from scripts.training.tinting import tinted

SIDE = 64


def grey(level: int = 90) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), level, np.uint8)


def flame() -> np.ndarray:
    image = grey(30)
    image[20:50, 24:40] = (20, 120, 250)
    return image


def test_every_source_is_held_back_once_and_as_a_whole() -> None:
    crops = [
        Crop(grey(), (0.0, UNKNOWN), f"source {number}", "ordinary")
        for number, many in enumerate((9, 5, 4, 2, 1))
        for _ in range(many)
    ]
    held = folds(crops, 2)
    assert not held[0] & held[1]
    assert held[0] | held[1] == {crop.source for crop in crops}
    sizes = [sum(crop.source in names for crop in crops) for names in held]
    assert max(sizes) - min(sizes) <= 3


def test_a_flame_is_put_into_another_picture_and_nothing_around_it() -> None:
    """On a darker grey than its own: only warm pixels are new."""
    for seed in range(20):
        made = pasted(flame(), grey(120), np.random.default_rng(seed))
        if made is None:
            continue
        warm = made[..., 2].astype(int) - made[..., 0] > 20
        assert 0.005 < warm.mean() < 0.3
        levels = made[~warm].astype(int)
        assert np.ptp(np.median(levels, axis=0)) <= 2
        assert np.percentile(np.ptp(levels, axis=1), 90) <= 20
        return
    pytest.fail("none of twenty was put anywhere")


def test_where_nothing_is_bright_nothing_is_put() -> None:
    assert pasted(grey(90), grey(120), np.random.default_rng(1)) is None


def test_grey_pictures_get_colours_and_keep_their_shapes() -> None:
    image = grey(60)
    image[16:48, 16:48] = 180
    spread = []
    for seed in range(12):
        made = tinted(image, np.random.default_rng(seed)).astype(int)
        spread.append(np.ptp(made, axis=2).mean())
        assert made[16:48, 16:48].mean() > made[:12].mean() + 20
    assert max(spread) > 30


def test_what_has_colours_keeps_them() -> None:
    image = flame()
    image[:20] = (200, 60, 30)
    assert tinted(image, np.random.default_rng(2)) is image
