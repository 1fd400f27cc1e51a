"""Small people: regions at the scale they need, against the whole picture, tracker in the loop.

    .venv/bin/python -m benchmarks.small_people ../shared/data

vtest.avi (PETS2009 S2.L1) at 5 pictures a second against the official boxes, which are not in the
repository. Two settings: the detector's input halved, so that people have half the scale at which
it finds them well; and vtest enlarged twice, input as usual. First each way of looking is played
once with a tracker that tells it what to expect; then the same looks are timed, both ways in turn,
CPU time of one thread.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from veilleur.cameras.activity import ActivityGate
from veilleur.cameras.frame import Activity
from veilleur.cameras.picture import Picture
from veilleur.cameras.replay import replay
from veilleur.evaluation.tracking import FrameBoxes, read_cvml, score_tracks
from veilleur.geometry import FloatArray, View
from veilleur.perception.choice import decide
from veilleur.perception.detector import Detector
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.looking import Detail, Looker, LookSettings
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.tracker import Tracker

RATE = 5.0
FILMED = 10.0  # pictures a second of the file, and of the truth
ROUNDS = 5
SURE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A picture with what moved in it, and the people who truly are there."""

    picture: Picture
    time: float
    activity: Activity
    truth: FrameBoxes


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """One way of looking, played once. expected: what the tracker told it, picture by picture."""

    expected: Sequence[FloatArray]
    recall: float
    recall_of_detections: float
    hota: float
    inferences: float


def moments(folder: Path, enlarged: int) -> list[Moment]:
    truth = read_cvml(folder / "PETS2009-S2L1.xml")
    gate = ActivityGate()
    out = []
    for frame in replay(folder / "vtest.avi", camera="vtest", rate_hz=RATE):
        boxes = truth[round(frame.time * FILMED)]
        picture = _enlarged(frame.picture, enlarged)
        activity = gate.step(picture.thumbnail(), frame.time)
        true = FrameBoxes(boxes.ids, boxes.boxes * enlarged)
        out.append(Moment(picture, frame.time, activity, true))
    return out


def _enlarged(picture: Picture, times: int) -> Picture:
    if times == 1:
        return picture
    size = picture.width * times, picture.height * times
    bgr = cv2.resize(
        picture.bgr(picture.width, picture.height), size, interpolation=cv2.INTER_CUBIC
    )
    return Picture(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8))


def looker(detector: Detector, view: View, detail: Detail) -> Looker:
    return Looker(detector, view, LookSettings(detail=detail))


def play(clip: Sequence[Moment], detector: Detector, view: View, detail: Detail) -> Played:
    looking, tracker = looker(detector, view, detail), Tracker(view=view)
    expected, tracked, found, inferences = [], [], [], 0
    for moment in clip:
        expected.append(tracker.expected(moment.time))
        look = looking.look(moment.picture, moment.activity, expected[-1], moment.time)
        inferences += look.inferences
        if look.fresh:
            tracks = tracker.step(look.detections, moment.time).of(Kind.PERSON)
        else:
            tracks = tracker.coast(moment.time).of(Kind.PERSON)
        tracked.append(FrameBoxes(tracks.ids, tracks.boxes))
        found.append(_sure(look.detections))
    truth = [moment.truth for moment in clip]
    score, bare = score_tracks(truth, tracked), score_tracks(truth, found)
    return Played(
        expected=expected,
        recall=score.found / (score.found + score.lost),
        recall_of_detections=bare.found / (bare.found + bare.lost),
        hota=100 * score.hota,
        inferences=inferences / len(clip),
    )


def _sure(found: Detections) -> FrameBoxes:
    boxes = found.of(Kind.PERSON)
    boxes = boxes[boxes.scores >= SURE]
    return FrameBoxes(np.arange(len(boxes), dtype=np.int64), boxes.boxes)


def seconds(clip: Sequence[Moment], played: Played, looking: Looker) -> float:
    """CPU time of all looks, told what they were told when played."""
    began = time.process_time()
    for moment, expected in zip(clip, played.expected, strict=True):
        looking.look(moment.picture, moment.activity, expected, moment.time)
    return time.process_time() - began


def compare(folder: Path, name: str, enlarged: int, size: tuple[int, int], choice: Choice) -> None:
    clip = moments(folder, enlarged)
    detector = load_detector(choice, *size)
    view = View(clip[0].picture.width, clip[0].picture.height)
    ways = {Detail.OFF: "whole", Detail.AUTO: "regions"}
    played = {way: play(clip, detector, view, way) for way in ways}
    ratios = []
    for _ in range(ROUNDS):
        times = {way: seconds(clip, played[way], looker(detector, view, way)) for way in ways}
        ratios.append(times[Detail.AUTO] / times[Detail.OFF])
    print(f"{name} ({choice}, input {size[1]}x{size[0]}, {len(clip)} pictures)")
    for way, word in ways.items():
        p = played[way]
        print(
            f"  {word:8} recall of tracks {p.recall:.3f}, of detections at {SURE} "
            f"{p.recall_of_detections:.3f}, HOTA {p.hota:.1f}, {p.inferences:.2f} inferences"
        )
    print(
        f"  CPU, regions: {statistics.median(ratios):.2f} x whole "
        f"({min(ratios):.2f}-{max(ratios):.2f}, {ROUNDS} rounds)"
    )


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.small_people FOLDER_OF_LABELLED_CLIPS")
    folder = Path(sys.argv[1]) / "tracking" / "vtest"
    choice = decide().choice
    compare(folder, "half the detector's scale", 1, (160, 224), choice)
    compare(folder, "vtest enlarged twice", 2, (320, 416), choice)


if __name__ == "__main__":
    main()
