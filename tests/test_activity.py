"""The activity gate: small people are never lost, quiet pictures stay silent."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from veilleur.cameras.activity import ActivityGate, merged
from veilleur.cameras.frame import Activity
from veilleur.geometry import ImageArray

WIDTH, HEIGHT = 160, 90
FPS = 5.0


def street(seed: int = 0) -> ImageArray:
    """A made scene with structure: smooth light, edges, texture. (90, 160) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 200, (9, 16), dtype=np.uint8)
    fine = rng.normal(0, 12, (HEIGHT, WIDTH))
    scene = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(scene + fine, 0, 255).astype(np.uint8)


def noisy(picture: ImageArray, sigma: float, rng: np.random.Generator) -> ImageArray:
    return np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


def with_person(picture: ImageArray, x: float, y: int, contrast: int = 25) -> ImageArray:
    """Somebody of 4 x 10 pixels, as in a 1080p picture seen from afar."""
    out = picture.astype(np.int64)
    left = round(x)
    out[y : y + 10, left : left + 4] += contrast
    return np.clip(out, 0, 255).astype(np.uint8)


def covers(activity: Activity, x: float, y: float) -> bool:
    return any(
        x1 <= x / WIDTH <= x2 and y1 <= y / HEIGHT <= y2 for x1, y1, x2, y2 in activity.boxes
    )


def test_the_first_picture_says_everywhere() -> None:
    """Nothing is known about what came before."""
    assert ActivityGate().step(street(), 0.0).everywhere


@pytest.mark.parametrize("fps", [5.0, 1.0, 0.5])
@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_noise_alone_stays_silent(fps: float, sigma: float) -> None:
    """A scene where nothing moves gives no box, however noisy the sensor, at any rate."""
    gate, rng, scene = ActivityGate(), np.random.default_rng(1), street()
    activities = [gate.step(noisy(scene, sigma, rng), n / fps) for n in range(60)]
    assert all(len(a.boxes) == 0 and not a.everywhere for a in activities[1:])


@pytest.mark.parametrize("fps", [5.0, 1.0, 0.5])
def test_a_small_walker_is_in_a_box_in_every_picture(fps: float) -> None:
    """4 x 10 pixels, 25 grey levels of contrast, one pixel of sensor noise, 2 pixels a second."""
    gate, rng, scene = ActivityGate(), np.random.default_rng(2), street()
    for n in range(10):
        gate.step(noisy(scene, 1.0, rng), n / fps)
    for n in range(10, 10 + min(50, int(70 * fps))):
        x = 10.0 + 2.0 * (n - 10) / fps
        activity = gate.step(with_person(noisy(scene, 1.0, rng), x, 40), n / fps)
        assert covers(activity, x + 2, 45)
        assert not activity.everywhere
        assert activity.moved < 0.05


def test_light_that_drifts_is_not_activity() -> None:
    """A cloud: 20 grey levels in 20 seconds, unevenly over the picture."""
    gate, rng, scene = ActivityGate(), np.random.default_rng(3), street().astype(np.float64)
    shade = np.linspace(0.3, 1.0, WIDTH)[None, :]
    for n in range(100):
        picture = np.clip(scene - shade * n * 0.2, 0, 255).astype(np.uint8)
        activity = gate.step(noisy(picture, 1.0, rng), n / FPS)
        assert n == 0 or len(activity.boxes) == 0


def test_a_light_switch_says_everywhere_once() -> None:
    """And what the new light shows is the background at once."""
    gate, rng, scene = ActivityGate(), np.random.default_rng(4), street()
    bright = np.clip(scene.astype(np.int64) + 40, 0, 255).astype(np.uint8)
    pictures = [noisy(scene if n < 20 else bright, 1.0, rng) for n in range(40)]
    said = [n for n, p in enumerate(pictures) if gate.step(p, n / FPS).everywhere]
    assert said == [0, 20]


def test_a_shaking_camera_says_everywhere() -> None:
    gate, scene = ActivityGate(), np.pad(street(), 10, mode="reflect")
    shifts = np.random.default_rng(5).integers(0, 20, (30, 2))
    activities = [
        gate.step(scene[y : y + HEIGHT, x : x + WIDTH], n / FPS) for n, (x, y) in enumerate(shifts)
    ]
    assert sum(a.everywhere for a in activities) >= 25


def test_somebody_who_stops_becomes_background_and_leaves_no_ghost() -> None:
    """After some seconds of standing, and again after leaving, the picture is silent."""
    gate, rng, scene = ActivityGate(), np.random.default_rng(6), street()
    silent = []
    for n in range(150):
        picture = noisy(scene, 1.0, rng)
        if 25 <= n < 75:
            picture = with_person(picture, 80, 40, contrast=60)
        silent.append(len(gate.step(picture, n / FPS).boxes) == 0)
    assert not any(silent[25:35])
    assert all(silent[50:75])
    assert not any(silent[75:80])
    assert all(silent[100:])


def test_a_clock_that_steps_back_begins_anew() -> None:
    gate, scene = ActivityGate(), street()
    gate.step(scene, 100.0)
    assert gate.step(scene, 5.0).everywhere
    assert not gate.step(scene, 5.2).everywhere


def test_another_size_begins_anew() -> None:
    gate = ActivityGate()
    gate.step(street(), 0.0)
    assert gate.step(np.zeros((120, 160), np.uint8), 0.2).everywhere


def test_boxes_are_merged_until_few() -> None:
    """Those that touch become one, then the cheapest pairs; nothing is lost."""
    rng = np.random.default_rng(7)
    corners = rng.integers(0, 150, (60, 2))
    boxes = np.concatenate([corners, corners + 6], axis=1)
    few = merged(boxes, 16)
    assert len(few) <= 16
    for x1, y1, x2, y2 in boxes:
        assert any(a <= x1 and b <= y1 and x2 <= c and y2 <= d for a, b, c, d in few)
