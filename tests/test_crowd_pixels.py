"""Crowd movement from pixels to signal: what else moves in the picture is no crowd that does.

The people are drawn, and so is what passes behind or before them; boxes are those of a made
detector that misses some of them and is unsure of others, so that the pixels are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from veilleur.cameras.frame import Activity, Frame
from veilleur.cameras.picture import Picture
from veilleur.engine.currents import CurrentsSense
from veilleur.events.registry import build_rule
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import FloatArray, View
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.tracker import Tracker

VIEW = View(640, 360)
RULE = RuleSpecification(
    id="r", event="crowd_movement", zone=((0, 0), (1, 0), (1, 1), (0, 1)), params={}
)
TALL, WIDE = 80, 30
METRE = TALL / 1.7
ENDS_S, COMES_S = 30.0, 12.0
SPOTS = np.array([(40.0 + 38 * n, 262.0 + 26 * (n % 3)) for n in range(15)])
Feet = Callable[[float], FloatArray]
Draw = Callable[[FloatArray, float], None]


def texture(height: int, width: int, seed: int, contrast: float) -> FloatArray:
    noise = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3.0)
    return np.asarray(120 + contrast * smooth / smooth.std(), np.float32)


GROUND = texture(360, 640, 1, 25.0)
PEOPLE = [texture(TALL, WIDE, 10 + n, 45.0) for n in range(len(SPOTS))]
SHAPE = np.zeros((TALL, WIDE), np.uint8)  # fills two thirds of its box
cv2.ellipse(SHAPE, (WIDE // 2, 8), (6, 8), 0, 0, 360, 1, -1)
cv2.ellipse(SHAPE, (WIDE // 2, 46), (12, 34), 0, 0, 360, 1, -1)
FIGURE = SHAPE > 0
TRAIN = texture(170, 4000, 3, 30.0)
TRAIN[40:90, np.arange(4000) % 60 < 40] = 40.0  # windows
TRAIN[:, np.arange(4000) % 300 < 6] = 220.0  # doors


@dataclass
class Sees:
    """Boxes as a detector gives them: a tenth is missed, and most people are always unsure."""

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(4)

    def at(self, feet: FloatArray) -> Detections:
        boxes = np.stack(
            [feet[:, 0] - WIDE / 2, feet[:, 1] - TALL, feet[:, 0] + WIDE / 2, feet[:, 1]], axis=1
        )
        noisy = boxes + self.random.normal(0, 0.02, boxes.shape) * TALL
        scores = np.where(np.arange(len(feet)) % 5 > 0, 0.4, 0.8)
        found = self.random.uniform(size=len(feet)) > 0.1
        found &= (feet[:, 0] > 0) & (feet[:, 0] < VIEW.width)
        kinds = np.full(len(feet), Kind.PERSON, np.int8)
        return Detections(noisy.astype(np.float32), scores.astype(np.float32), kinds)[found]


def drawn(feet: FloatArray, behind: Draw, before: Draw, time: float) -> Picture:
    image = GROUND.copy()
    behind(image, time)
    for (x, y), person in zip(feet, PEOPLE, strict=True):
        left, top = round(x - WIDE / 2), round(y - TALL)
        seen = slice(max(0, -left), max(0, VIEW.width - left))
        cut = person[:, seen]
        place = image[top : top + TALL, max(0, left) : max(0, left) + cut.shape[1]]
        place[...] = np.where(FIGURE[:, seen], cut, place)
    before(image, time)
    noise = np.random.default_rng(round(time * 100)).normal(0, 2.0, image.shape)
    luma = np.clip(image + noise, 0, 255).astype(np.uint8)
    return Picture(np.concatenate([luma, np.full((180, 640), 128, np.uint8)]))


def nothing(image: FloatArray, time: float) -> None:
    pass


def signalled(feet: Feet, behind: Draw = nothing, before: Draw = nothing) -> list[float]:
    """Seconds of the signals, at five pictures a second."""
    sees, tracker, told = Sees(), Tracker(view=VIEW), []
    sense, rule = CurrentsSense.of([RULE], VIEW), build_rule(RULE, VIEW, local_time_known=False)
    for n in range(round(ENDS_S * 5)):
        time = n / 5
        places = feet(time)
        found = sees.at(places)
        scene = Scene("c", time, VIEW, tracker.step(found, time), found)
        picture = drawn(places, behind, before, time)
        frame = Frame("c", n, time, picture, activity=Activity(0.1, everywhere=False))
        told += [s.noticed for s in rule.step(sense.look(scene, frame)).signals]
    return told


def wait(time: float) -> FloatArray:
    """They stand, and shift their weight."""
    sway = np.sin(time + np.arange(len(SPOTS)))[:, np.newaxis]
    return np.asarray(SPOTS + 2.0 * sway * np.array((1.0, 0.0)), np.float64)


def board(time: float) -> FloatArray:
    """They stand until the train does, then walk to its nearest door."""
    doors = np.round(SPOTS[:, 0] / 150) * 150
    ways = np.stack([doors - SPOTS[:, 0], 235 - SPOTS[:, 1]], axis=1)
    walked = max(time - COMES_S - 13.0, 0.0) * 1.3 * METRE
    lengths = np.maximum(np.hypot(*ways.T), 1.0)
    return np.asarray(
        wait(time) + ways * np.minimum(walked / lengths, 1.0)[:, np.newaxis], np.float64
    )


def run(time: float) -> FloatArray:
    """Towards the middle, and past each other."""
    way = np.where(np.arange(len(SPOTS)) < 8, 1.0, -1.0)
    run_px = max(time - COMES_S, 0.0) * 2.5 * METRE * way
    return np.asarray(wait(time) + np.stack([run_px, np.zeros(len(SPOTS))], axis=1), np.float64)


def train(image: FloatArray, time: float) -> None:
    """Behind the people: it comes in at five metres a second and stops within twelve."""
    since_s = min(max(time - COMES_S, 0.0), 12.0)
    front = round((5.0 * since_s - 5.0 / 24 * since_s**2) * METRE)
    if front > 0:
        shown = min(front, VIEW.width)
        image[60:230, :shown] = TRAIN[:, 3990 - front : 3990 - front + shown]


def birds(image: FloatArray, time: float) -> None:
    """Forty of them before everything, as large as a head, beating their wings."""
    random = np.random.default_rng(8)
    starts = random.uniform((-300, 20), (-20, 340), (40, 2))
    speeds = random.uniform((160, -25), (320, 25), (40, 2))
    for at in starts + speeds * max(time - COMES_S, 0.0):
        x, y = np.round(at).astype(int)
        wing = 3 + 5 * abs(np.sin(9 * time + x))
        cv2.ellipse(image, (int(x), int(y)), (9, int(wing)), 0, 0, 360, 30.0, -1)


def test_people_who_begin_to_run_apart_are_told() -> None:
    (told,) = signalled(run)
    assert COMES_S < told < COMES_S + 3.0


@pytest.mark.parametrize(
    ("feet", "behind", "before"),
    [
        pytest.param(board, train, nothing, id="a train arrives and they board it"),
        pytest.param(wait, train, nothing, id="a train arrives and nobody boards it"),
        pytest.param(wait, nothing, birds, id="a flock of birds flies past"),
    ],
)
def test_nobody_is_told_when(feet: Feet, behind: Draw, before: Draw) -> None:
    assert signalled(feet, behind, before) == []
