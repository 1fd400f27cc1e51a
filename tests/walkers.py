"""Made scenes of walkers with exact truth: what a detector would find, with its usual mistakes.

People of about 1.72 m walk, turn, stop, and go in pairs through the view of a camera 6 m up. Who is
hidden by others or by a post is found with a lower score or not at all; boxes jitter; some are
doubled; a few false ones appear. No picture, no real person.
"""

from __future__ import annotations

import numpy as np

from veilleur.evaluation.tracking import FrameBoxes
from veilleur.geometry import FloatArray, IntArray
from veilleur.perception.association import overlaps
from veilleur.perception.objects import Detections

WIDTH, HEIGHT, RATE = 768, 576, 10.0
FOCUS, CAMERA_M, TILT = 700.0, 6.0, 0.22
POST = (250.0, 262.0)  # its left and right edge; it ends at POST_FOOT
POST_FOOT = 430.0


class Walkers:
    """n people on the ground, metres and radians; who leaves the view comes back as another."""

    def __init__(self, n: int, random: np.random.Generator) -> None:
        self.random = random
        self.place = random.uniform((-9, 9), (9, 30), (n, 2))
        self.heading = random.uniform(0, 2 * np.pi, n)
        self.speed = np.abs(random.normal(1.3, 0.35, n))
        self.height = random.normal(1.72, 0.08, n)
        self.turn = np.zeros(n)
        self.ids: IntArray = np.arange(n)
        for k in range(0, n - 1, 4):  # every other couple of people is a couple
            self.place[k + 1] = self.place[k] + (0.7, 0.2)
            self.heading[k + 1], self.speed[k + 1] = self.heading[k], self.speed[k]

    def walk(self, elapsed_s: float) -> None:
        n = len(self.ids)
        noise = self.random.normal(0, 0.35, n) * np.sqrt(elapsed_s)
        self.turn += noise - self.turn * elapsed_s
        if self.random.random() < 0.02:
            k = self.random.integers(n)
            self.speed[k] = 0.05 if self.speed[k] > 0.3 else 1.3
        self.heading += self.turn * elapsed_s
        way = np.stack([np.cos(self.heading), np.sin(self.heading)], axis=1)
        self.place += way * self.speed[:, None] * elapsed_s
        boxes = self.boxes()
        gone = (boxes[:, 2] < 0) | (boxes[:, 0] > WIDTH) | (boxes[:, 3] > HEIGHT + 60)
        gone |= (self.place[:, 1] > 33) | (self.place[:, 1] < 7)
        for k in np.flatnonzero(gone):
            self._enter(int(k))

    def _enter(self, k: int) -> None:
        self.ids[k] = self.ids.max() + 1
        right = bool(self.random.integers(2))
        y = self.random.uniform(10, 30)
        depth = y * np.cos(TILT) + CAMERA_M * np.sin(TILT)
        self.place[k] = (1 if right else -1) * (WIDTH / 2 / FOCUS * depth + 0.1), y
        self.heading[k] = (np.pi if right else 0) + self.random.normal(0, 0.4)
        self.turn[k], self.speed[k] = 0, abs(self.random.normal(1.3, 0.3))

    def boxes(self) -> FloatArray:
        """(n, 4) uncut, pixels."""
        x, y = self.place.T

        def project(z: FloatArray | float) -> tuple[FloatArray, FloatArray]:
            depth = y * np.cos(TILT) - (z - CAMERA_M) * np.sin(TILT)
            up = (z - CAMERA_M) * np.cos(TILT) + y * np.sin(TILT)
            return WIDTH / 2 + FOCUS * x / depth, HEIGHT / 2 - FOCUS * up / depth

        u, foot = project(0.0)
        _, head = project(self.height)
        half = 0.19 * (foot - head)
        return np.stack([u - half, head, u + half, foot], axis=1)


def visible(boxes: FloatArray) -> FloatArray:
    """(n,) share of each box not hidden by nearer ones or the post."""
    gx, gy = np.meshgrid(np.linspace(0.1, 0.9, 5), np.linspace(0.05, 0.95, 8))
    shares = np.ones(len(boxes))
    for k, (x1, y1, x2, y2) in enumerate(boxes):
        px, py = x1 + gx * (x2 - x1), y1 + gy * (y2 - y1)
        hidden = (px > POST[0]) & (px < POST[1]) & (y2 < POST_FOOT)
        for a1, b1, a2, b2 in boxes[boxes[:, 3] > y2]:
            slim = 0.12 * (a2 - a1)
            hidden |= (px > a1 + slim) & (px < a2 - slim) & (py > b1) & (py < b2)
        shares[k] = 1 - hidden.mean()
    return shares


def found(boxes: FloatArray, drift: FloatArray, random: np.random.Generator) -> Detections:
    """What the detector makes of it."""
    n, seen, height = len(boxes), visible(boxes), (boxes[:, 3] - boxes[:, 1])[:, None]
    score = 0.1 + 0.6 * seen + 0.001 * height[:, 0] + random.normal(0, 0.07, n)
    ok = (seen > 0.25) & (random.random(n) < 0.97) & (boxes[:, 2] - boxes[:, 0] > 6)
    near = boxes + (drift + random.normal(0, 0.015, (n, 4))) * height
    twice = ok & (seen < 0.75) & (random.random(n) < 0.1)
    double = near[twice] + random.normal(0, 0.08, (int(twice.sum()), 4)) * height[twice]
    false = random.uniform((0, 0), (WIDTH, HEIGHT), (random.poisson(0.15), 2))
    false = false[:, [0, 1, 0, 1]] + np.array((-12, -30, 12, 30))
    every = np.concatenate([near[ok], double, false])
    scores = [score[ok], score[twice] * 0.8, random.uniform(0.2, 0.55, len(false))]
    sides = (every[:, 2:] - every[:, :2]).min(axis=1)
    return _suppressed(every[sides > 3], np.concatenate(scores)[sides > 3].clip(0, 0.95))


def _suppressed(boxes: FloatArray, scores: FloatArray) -> Detections:
    kept: list[int] = []
    for i in np.argsort(-scores):
        if not len(kept) or overlaps(boxes[[i]], boxes[kept]).max() < 0.6:
            kept.append(int(i))
    kinds = np.zeros(len(kept), np.int8)
    return Detections(boxes[kept].astype(np.float32), scores[kept].astype(np.float32), kinds)


def made_scene(
    seed: int, seconds: float = 30, people: int = 14
) -> tuple[list[FrameBoxes], list[Detections]]:
    """Truth and detections, ten pictures a second. The same seed gives the same scene."""
    random = np.random.default_rng(seed)
    walkers, drift = Walkers(people, random), np.zeros((people, 4))
    truth, detections = [], []
    for _ in range(int(seconds * RATE)):
        walkers.walk(1 / RATE)
        drift = 0.8 * drift + random.normal(0, 0.02, drift.shape)
        boxes = walkers.boxes().clip(0, (WIDTH, HEIGHT, WIDTH, HEIGHT))
        detections.append(found(boxes, drift, random))
        wide = boxes[:, 2] - boxes[:, 0] > 8
        truth.append(FrameBoxes(walkers.ids[wide], boxes[wide]))
    return truth, detections
