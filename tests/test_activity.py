"""The activity gate: small people are never lost, quiet pictures stay silent."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cameras_thumbnails import Timed, thumbnails
from veilleur.cameras.activity import ActivityGate, merged
from veilleur.cameras.frame import Activity
from veilleur.geometry import FloatArray, ImageArray

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
@pytest.mark.parametrize("sigma", [0.5, 2.0, 5.0])
def test_noise_alone_stays_silent(fps: float, sigma: float) -> None:
    """A scene where nothing moves gives no box at any rate; one in 59 at a very noisy sensor."""
    gate, rng, scene = ActivityGate(), np.random.default_rng(1), street()
    activities = [gate.step(noisy(scene, sigma, rng), n / fps) for n in range(60)]
    assert sum(len(a.boxes) > 0 or a.everywhere for a in activities[1:]) <= (sigma > 4.0)


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


def test_leaves_that_always_tremble_are_learned() -> None:
    """A corner whose noise is ten times that of the rest is silent after some seconds."""
    gate, rng, scene = ActivityGate(), np.random.default_rng(9), street()
    activities = []
    for n in range(150):
        picture = noisy(scene, 1.0, rng)
        picture[:20, :30] = noisy(scene[:20, :30], 9.0, rng)
        activities.append(gate.step(picture, n / FPS))
    assert sum(len(a.boxes) > 0 for a in activities[75:]) <= 4


def test_a_little_more_light_is_not_activity() -> None:
    """Six grey levels everywhere, from one picture to the next; who appears in it is still seen."""
    gate, rng, scene = ActivityGate(), np.random.default_rng(10), street()
    brighter = np.clip(scene.astype(np.int64) + 6, 0, 255).astype(np.uint8)
    for n in range(40):
        activity = gate.step(noisy(scene if n < 20 else brighter, 1.0, rng), n / FPS)
        assert n == 0 or (len(activity.boxes) == 0 and not activity.everywhere)
    gate.step(noisy(scene, 1.0, rng), 40 / FPS)
    activity = gate.step(with_person(noisy(brighter, 1.0, rng), 80, 40, contrast=14), 41 / FPS)
    assert covers(activity, 82, 45)


def test_light_that_drifts_is_not_activity() -> None:
    """A cloud: 40 grey levels in 20 seconds at one side, none at the other."""
    gate, rng, scene = ActivityGate(), np.random.default_rng(3), street().astype(np.float64)
    shade = np.linspace(0.0, 1.0, WIDTH)[None, :]
    for n in range(100):
        picture = np.clip(scene - shade * n * 0.4, 0, 255).astype(np.uint8)
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
            picture[40:50, 80:84] = 250
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


VTEST_HZ = 10.0
MOVES = 0.15
"""Heights a second: whoever moves by less is standing."""


def labelled(data: Path) -> list[dict[int, FloatArray]]:
    """For each picture of vtest, the boxes of people by id: relative x1 y1 x2 y2."""
    root = ElementTree.parse(data / "tracking/vtest/PETS2009-S2L1.xml").getroot()
    return [
        {int(o.attrib["id"]): _relative(box) for o in frame.iter("object") for box in o.iter("box")}
        for frame in root
    ]


def _relative(box: ElementTree.Element) -> FloatArray:
    x, y, w, h = (float(box.attrib[name]) for name in ("xc", "yc", "w", "h"))
    corners = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return np.clip(corners / (768, 576, 768, 576), 0, 1)


def inside(box: FloatArray, regions: FloatArray) -> float:
    """The largest share of a box that lies in one of the regions."""
    low = np.maximum(box[:2], regions[:, :2])
    high = np.minimum(box[2:], regions[:, 2:])
    shares = np.prod(np.maximum(high - low, 0), axis=1) / max(
        float(np.prod(box[2:] - box[:2])), 1e-9
    )
    return float(shares.max(initial=0.0))


def halved(picture: ImageArray) -> ImageArray:
    """The same four times at half the size: people of 3 x 7 pixels."""
    size = (picture.shape[1] // 2, picture.shape[0] // 2)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(np.tile(small, (2, 2)), np.uint8)


def shares_inside(clip: Timed, truth: list[dict[int, FloatArray]], scale: float) -> list[float]:
    """For each labelled person that moves, how much of them one activity box holds."""
    gate, before, shares = ActivityGate(), None, []
    for t, picture in clip:
        activity = gate.step(picture, t)
        now = truth[round(t * VTEST_HZ)]
        if before is not None:
            assert not activity.everywhere
            moved = [
                b
                for i, b in now.items()
                if i in before[1] and _moves(b, before[1][i], t - before[0])
            ]
            shares += [inside(box * scale, np.asarray(activity.boxes, np.float64)) for box in moved]
        before = (t, now)
    return shares


def _moves(box: FloatArray, earlier: FloatArray, passed: float) -> bool:
    shift = (box[:2] + box[2:] - earlier[:2] - earlier[2:]) / 2 * (768, 576)
    return bool(np.hypot(*shift) / passed > MOVES * (box[3] - box[1]) * 576)


@pytest.mark.data
@pytest.mark.parametrize("every", [1, 5], ids=["5 a second", "1 a second"])
@pytest.mark.parametrize("scale", [1.0, 0.5], ids=["full", "half"])
def test_real_people_who_move_lie_in_a_box(data: Path, every: int, scale: float) -> None:
    """vtest: nine tenths of a labelled box in one activity box, in 98 % of cases; nobody lost."""
    clip = thumbnails(data / "tracking/vtest/vtest.avi")[::every]
    if scale < 1:
        clip = [(t, halved(picture)) for t, picture in clip]
    shares = np.array(shares_inside(clip, labelled(data), scale))
    assert len(shares) > 350
    assert (shares >= 0.9).mean() >= 0.98
    assert (shares >= 0.4).all()


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "start", "end"),
    [
        ("forbidden_zone/intel_one_by_one.mp4", 0.5, 5.7),
        ("forbidden_zone/intel_one_by_one.mp4", 48.4, 49.6),
        ("abandoned_object/aboda_06_1fps.mp4", 80.0, 105.0),
        ("person_on_ground/kuleuven_fall30_cam3.mp4", 1.0, 5.0),
    ],
)
def test_real_quiet_stretches_stay_silent(data: Path, file: str, start: float, end: float) -> None:
    """Nobody is in the picture, and some seconds have passed since somebody was."""
    gate = ActivityGate()
    said = [(t, gate.step(picture, t)) for t, picture in thumbnails(data / file)]
    quiet = [len(a.boxes) == 0 and not a.everywhere for t, a in said if start <= t <= end]
    assert len(quiet) >= 5
    assert np.mean(quiet) >= 0.95
