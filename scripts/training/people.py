"""People without weapons to learn from: `python -m scripts.training.people DATA WORK`.

Needs Veilleur, not torch. Looks at the clips below (each under a licence that allows it; whoever is
in them holds no weapon) and at the pictures of weapon/cctv_v3, and writes into WORK

- squares/*.png and squares.json: people as `perception.hands` shows them, every 0.4 s;
- unarmed.json (with frames/*.png): people whose forearms are seen, to put things into their hands;
  of sources that are held back too, to judge with.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from scripts.training.squares import LEAST_PX, cut, figure
from scripts.training.stills import Still, read

from veilleur.cameras.picture import Picture
from veilleur.engine.laboratory import LaboratoryClip, frames_of
from veilleur.geometry import Box, View
from veilleur.perception.detector import Detector
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.models import input_size
from veilleur.perception.objects import Kind
from veilleur.perception.pose import Point, Poses, load_poses

CLIPS = {  # Apache-2.0, MIT, MIT-0 and CC BY 4.0, as the manifest says
    "tracking/vtest/vtest.avi": "courtyard",
    "forbidden_zone/intel_one_by_one.mp4": "room with a door",
    "forbidden_zone/intel_preview_worker-zone-detection.gif": "workshop",
    "forbidden_zone/warehouse_overhead_walkers.mp4": "warehouse",
    "negative/brick_yard_pedestrians.mp4": "brick yard",
    "negative/road_overlook_pedestrians.mov": "road",
    **{f"fall/gmdcsa24/Subject1_Fall_{n}.mp4": "room 1" for n in (13, 14, 15)},
    **{f"negative/gmdcsa24/Subject1_ADL_{n}.mp4": "room 1" for n in (10, 16)},
}
EVERY_S, FRAME_S = 0.4, 1.2  # between squares, and between whole pictures
SURE, TALL_PX, MOST_PX = 0.5, 80, 480
ARM = 0.2  # score of an elbow or wrist that is seen
A_SOURCE = 60  # people at most whose hands are filled
ARMS = ((Point.LEFT_ELBOW, Point.LEFT_WRIST), (Point.RIGHT_ELBOW, Point.RIGHT_WRIST))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    given = parser.parse_args()
    for name in ("squares", "frames"):
        (given.work / name).mkdir(parents=True, exist_ok=True)
    poses = load_poses(Choice(streams=1))
    squares: list[dict[str, object]] = []
    unarmed: list[dict[str, object]] = []
    for file, source in CLIPS.items():
        seen = _clip(given.data / file, source, given.work, poses, squares)
        unarmed += seen
        print(file, len(squares), len(unarmed), flush=True)
    unarmed += _stills(read(given.data / "weapon/cctv_v3"), poses)
    (given.work / "squares.json").write_text(json.dumps(squares))
    (given.work / "unarmed.json").write_text(json.dumps(unarmed))
    print(len(squares), len(unarmed))


def _clip(
    file: Path, source: str, work: Path, poses: Poses, squares: list[dict[str, object]]
) -> list[dict[str, object]]:
    """Adds squares; gives the people with forearms."""
    unarmed: list[dict[str, object]] = []
    due = whole_due = 0.0
    detector: Detector | None = None
    for frame in frames_of(LaboratoryClip(id=file.stem, path=file, rules=())):
        if frame.time < due:
            continue
        due = frame.time + EVERY_S
        picture = frame.picture
        if detector is None:
            size = input_size(picture.width, picture.height)
            detector = load_detector(Choice(streams=1), *size)
        boxes = _people(picture, detector)
        image = cv2.cvtColor(picture.bgr(picture.width, picture.height), cv2.COLOR_BGR2GRAY)
        for box in boxes:
            name = f"squares/{len(squares)}.png"
            share = _write_square(image, box, work / name)
            squares.append({"file": name, "source": source, "share": share})
        if boxes and frame.time >= whole_due:
            whole_due = frame.time + FRAME_S
            name = f"frames/{file.stem}_{int(frame.time * 10)}.png"
            cv2.imwrite(str(work / name), image)
            view = View(picture.width, picture.height)
            for box in boxes:
                arms = _arms(picture, view, box, poses)
                if arms:
                    one = {"file": name, "source": source, "box": box.tolist(), "arms": arms}
                    unarmed.append(one)
    return unarmed


def _people(picture: Picture, detector: Detector) -> list[np.ndarray]:
    scale = min(detector.width / picture.width, detector.height / picture.height, 1.0)
    found = detector.detect(
        picture.bgr(int(picture.width * scale), int(picture.height * scale))
    ).of(Kind.PERSON)
    boxes = found.boxes[found.scores >= SURE] / scale
    return [box for box in boxes if box[3] - box[1] >= TALL_PX]


def _write_square(image: np.ndarray, box: np.ndarray, file: Path) -> float:
    """Gives the person's height in sides of the square."""
    window = figure(box)
    height, width = image.shape
    side = int(min(window.side, height, width))
    x = int(min(max(0, window.x - side / 2), width - side))
    y = int(min(max(0, window.y - side / 2), height - side))
    part = image[y : y + side, x : x + side]
    if side > MOST_PX:
        part = cv2.resize(part, (MOST_PX, MOST_PX), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(file), part)
    return float(box[3] - box[1]) / side


def _arms(picture: Picture, view: View, box: np.ndarray, poses: Poses) -> list[list[list[float]]]:
    pose = poses.of(picture, view, Box(*box.tolist()))
    if pose is None:
        return []
    return [
        [pose.points[elbow].tolist(), pose.points[wrist].tolist()]
        for elbow, wrist in ARMS
        if min(pose.scores[elbow], pose.scores[wrist]) >= ARM
    ]


def _stills(stills: list[Still], poses: Poses) -> Iterator[dict[str, object]]:
    """People of the labelled pictures."""
    count: Counter[str] = Counter()
    for still in stills:
        colour = cv2.cvtColor(still.image, cv2.COLOR_GRAY2BGR)
        picture = Picture(cv2.cvtColor(colour, cv2.COLOR_BGR2YUV_I420))
        view = View(picture.width, picture.height)
        for box in still.people:
            tall = box[3] - box[1] >= LEAST_PX + 20
            if not tall or count[still.source] >= A_SOURCE or _armed(still, box):
                continue
            count[still.source] += 1
            arms = _arms(picture, view, box, poses)
            if arms:
                yield {
                    "file": still.name,
                    "source": still.source,
                    "box": box.tolist(),
                    "arms": arms,
                }


def _armed(still: Still, box: np.ndarray) -> bool:
    """Whether any weapon is near."""
    _, matrix = cut(still.image, figure(box))
    corners = still.weapons.reshape(-1, 2, 2) @ matrix[:, :2].T + matrix[:, 2]
    return bool(((corners[:, 1] > 0) & (corners[:, 0] < 192)).all(axis=1).any())


if __name__ == "__main__":
    main()
