"""Makes tests/references/tracker.npz and tracker.json: what the `trackers` package does.

    .venv/bin/python scripts/make_tracker_reference.py detect vtest.avi
    PYTHONPATH=src:. .benchmark-venv/bin/python scripts/make_tracker_reference.py track TRUTH.xml

detect: NanoDet (fp32) on each picture of OpenCV's vtest.avi; people only, numbers only.
track: ByteTrack and SORT of the package on those, and ByteTrack on made scenes; each ByteTrack with
the best (by HOTA against the truth) of a grid of its settings. What is stored of the truth
(PETS2009 S2.L1, whose terms are unclear) is how well the package agrees with it: three numbers.
"""

from __future__ import annotations

import argparse
import itertools
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

REFERENCES = Path(__file__).resolve().parents[1] / "tests" / "references"
NUMBERS = REFERENCES / "tracker.npz"
SCORES = REFERENCES / "tracker.json"
EIGHTHS = 8  # boxes are stored in eighths of a pixel, scores in 255ths
LOWEST = 0.2
STEPS = {"10": 1, "5": 2}  # pictures a second: every n-th picture
SEEDS = (11, 12, 13)
GRID = {
    "track_activation_threshold": (0.5, 0.6, 0.7),
    "high_conf_det_threshold": (0.45, 0.5, 0.6),
    "lost_track_buffer": (30, 60),
}


def detect(clip: Path) -> None:
    import av

    from veilleur.perception.loader import Choice, load_detector
    from veilleur.perception.models import input_size
    from veilleur.perception.objects import Kind

    frames, boxes, scores = [], [], []
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        scale = 416 / max(stream.width, stream.height)
        width, height = round(stream.width * scale), round(stream.height * scale)
        detector = load_detector(
            Choice(), *input_size(stream.width, stream.height), threshold=LOWEST
        )
        for n, frame in enumerate(container.decode(stream)):
            picture = frame.reformat(width, height, "bgr24", interpolation="AREA").to_ndarray()
            people = detector.detect(picture).of(Kind.PERSON)
            frames += [n] * len(people)
            boxes.append(people.boxes / scale)
            scores.append(people.scores)
    NUMBERS.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        NUMBERS,
        frames=np.array(frames, np.int16),
        boxes=np.round(np.concatenate(boxes) * EIGHTHS).astype(np.int16),
        scores=np.round(np.concatenate(scores) * 255).astype(np.uint8),
        pictures=np.int16(n + 1),
    )


def follow(tracker: Any, pictures: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> np.ndarray:
    """(k, 2): row of a detection, id the package gave it. pictures: boxes, scores, rows of each."""
    import supervision

    pairs = [np.zeros((0, 2), np.int64)]
    for boxes, scores, rows in pictures:
        found = supervision.Detections(xyxy=boxes, confidence=scores, class_id=rows)
        out = tracker.update(found)
        known = out.tracker_id >= 0
        pairs.append(np.stack([out.class_id[known], out.tracker_id[known]], axis=1))
    return np.concatenate(pairs)


def measure(truth: list[Any], found: list[Any]) -> dict[str, float]:
    """By the package's own evaluation. Both: FrameBoxes a picture."""
    from trackers.eval.box import box_iou
    from trackers.eval.clear import compute_clear_metrics
    from trackers.eval.hota import compute_hota_metrics
    from trackers.eval.identity import compute_identity_metrics

    ids = [f.ids for f in truth], [f.ids for f in found]
    overlap = [
        box_iou(a.boxes, b.boxes) if len(a.ids) and len(b.ids)
        else np.zeros((len(a.ids), len(b.ids)))
        for a, b in zip(truth, found, strict=True)
    ]  # fmt: skip
    higher, clear = compute_hota_metrics(*ids, overlap), compute_clear_metrics(*ids, overlap)
    return {
        "hota": higher["HOTA"],
        "detection": higher["DetA"],
        "association": higher["AssA"],
        "location": higher["LocA"],
        "idf1": compute_identity_metrics(*ids, overlap)["IDF1"],
        "mota": clear["MOTA"],
        "switches": clear["IDSW"],
    }


def framed(
    pictures: list[tuple[np.ndarray, np.ndarray, np.ndarray]], pairs: np.ndarray
) -> list[Any]:
    from veilleur.evaluation.tracking import FrameBoxes

    ids = dict(pairs.tolist())
    frames = []
    for boxes, _, rows in pictures:
        known = np.array([int(row) in ids for row in rows], np.bool_)
        names = np.array([ids[int(row)] for row in rows[known]], np.int64)
        frames.append(FrameBoxes(names, boxes[known]))
    return frames


def best(
    pictures: list[tuple[np.ndarray, np.ndarray, np.ndarray]], truth: list[Any], rate: float
) -> tuple[dict[str, Any], np.ndarray]:
    from trackers import ByteTrackTracker

    tried = []
    for values in itertools.product(*GRID.values()):
        settings = dict(zip(GRID, values, strict=True))
        pairs = follow(ByteTrackTracker(frame_rate=rate, **settings), pictures)
        tried.append((measure(truth, framed(pictures, pairs)), settings, pairs))
    score, settings, pairs = max(tried, key=lambda one: one[0]["hota"])
    return {"settings": settings, **score}, pairs


def track(truth_file: Path) -> None:
    from tests.walkers import made_scene
    from trackers import SORTTracker

    from veilleur.evaluation.tracking import read_cvml

    stored = dict(np.load(NUMBERS))
    rows = np.arange(len(stored["frames"]))
    boxes, scores = stored["boxes"] / EIGHTHS, stored["scores"] / 255
    every = [
        (boxes[at], scores[at], rows[at])
        for n in range(int(stored["pictures"]))
        for at in [stored["frames"] == n]
    ]
    truth = read_cvml(truth_file)[: len(every)]
    scored: dict[str, Any] = {"trackers": version("trackers"), "vtest": {}, "made": {}}
    for rate, step in STEPS.items():
        scored["vtest"][rate], pairs = best(every[::step], truth[::step], float(rate))
        stored[f"bytetrack_{rate}"] = pairs.astype(np.int32)
    sort = follow(SORTTracker(frame_rate=10.0), every)
    stored["sort_10"] = sort.astype(np.int32)
    scored["sort against bytetrack"] = measure(
        framed(every, stored["bytetrack_10"]), framed(every, sort)
    )
    for seed in SEEDS:
        made_truth, found = made_scene(seed)
        made = [
            (f.boxes.astype(np.float64), f.scores.astype(np.float64), np.arange(len(f)) + 1000 * n)
            for n, f in enumerate(found)
        ]
        scored["made"][str(seed)] = {
            rate: best(made[::step], made_truth[::step], float(rate))[0]
            for rate, step in STEPS.items()
        }
    np.savez_compressed(NUMBERS, **stored)
    SCORES.write_text(json.dumps(scored, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["detect", "track"])
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    {"detect": detect, "track": track}[options.what](options.file)


if __name__ == "__main__":
    main()
