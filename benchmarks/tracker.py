"""Our tracker against ByteTrack of the `trackers` package: time, same detections, interleaved.

    make .venv first, then
    python3 -m venv .benchmark-venv
    .benchmark-venv/bin/pip install -r benchmarks/requirements.txt
    .venv/bin/python -m benchmarks.tracker

The peer brings a second OpenCV, so it has an environment of its own; the tracker needs nothing that
isn't in there, so both run in it, in one process. CPU time, not wall time: other work on the
machine disturbs it less.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / ".benchmark-venv" / "bin" / "python"
WIDTH, HEIGHT = 1920, 1080
RATE = 5.0  # analysed pictures a second
PICTURES = 50
ROUNDS = 9


def crowd(objects: int, pictures: int, seed: int) -> list[np.ndarray]:
    """Walkers of 40 to 120 pixels, each picture (m, 5): x1 y1 x2 y2 score.

    They walk 0.8 of their height a second and are found to 4 % of it; one in ten is missed,
    one in ten doubtful.
    """
    random = np.random.default_rng(seed)
    height = random.uniform(40, 120, objects)
    place = random.uniform((0, 0), (WIDTH, HEIGHT), (objects, 2))
    angle = random.uniform(0, 2 * np.pi, objects)
    speed = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (0.8 * height)[:, None]
    frames = []
    for _ in range(pictures):
        place = (place + speed / RATE) % (WIDTH, HEIGHT)
        centre = place + random.normal(0, 0.04, (objects, 2)) * height[:, None]
        half = np.stack([0.2 * height, 0.5 * height], axis=1)
        chance = random.random(objects)
        score = np.where(chance < 0.1, random.uniform(0.2, 0.45, objects), 0.8)
        boxes = np.concatenate([centre - half, centre + half, score[:, None]], axis=1)
        frames.append(boxes[chance < 0.9])
    return frames


def ours(frames: list[np.ndarray]) -> Callable[[], None]:
    from veilleur.geometry import View
    from veilleur.perception.objects import Detections
    from veilleur.perception.tracker import Tracker

    found = [
        Detections(f[:, :4].astype(np.float32), f[:, 4].astype(np.float32), np.zeros(len(f), "i1"))
        for f in frames
    ]

    def play() -> None:
        tracker = Tracker(view=View(WIDTH, HEIGHT))
        for n, detections in enumerate(found):
            tracker.step(detections, n / RATE)

    return play


def theirs(frames: list[np.ndarray]) -> Callable[[], None]:
    import supervision
    from trackers import ByteTrackTracker

    found = [
        supervision.Detections(
            xyxy=f[:, :4], confidence=f[:, 4], class_id=np.zeros(len(f), np.int64)
        )
        for f in frames
    ]

    def play() -> None:
        tracker = ByteTrackTracker(
            frame_rate=RATE, track_activation_threshold=0.5, high_conf_det_threshold=0.5
        )
        for detections in found:
            tracker.update(detections)

    return play


def seconds(play: Callable[[], None]) -> float:
    """CPU time of this process."""
    began = time.process_time()
    play()
    return time.process_time() - began


def compare(objects: int) -> str:
    frames = crowd(objects, PICTURES, seed=1)
    mine, peer = ours(frames), theirs(frames)
    mine(), peer()  # warm
    ratios, own = [], []
    for _ in range(ROUNDS):
        a, b = seconds(mine), seconds(peer)
        ratios.append(a / b)
        own.append(a / PICTURES * 1e3)
    middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
    return (
        f"tracker, {objects} objects: {middle:.2f} x trackers "
        f"({low:.2f}-{high:.2f}, {ROUNDS} rounds, {os.cpu_count()} cores); "
        f"{statistics.median(own):.2f} ms CPU a picture"
    )


def main() -> int:
    if importlib.util.find_spec("trackers") is None:
        if not PEER.exists():
            print(f"{PEER} is missing; how to make it:{__doc__}", file=sys.stderr)
            return 2
        path = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [str(PEER), "-m", "benchmarks.tracker"]
        return subprocess.run(command, cwd=ROOT, env=os.environ | path | one).returncode
    for objects in (10, 50, 200):
        print(compare(objects), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
