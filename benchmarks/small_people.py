"""Small people: regions at the scale they need, against the whole picture, tracker in the loop.

    .venv/bin/python -m benchmarks.small_people ../shared/data

vtest.avi (PETS2009 S2.L1) at 5 pictures a second against the official boxes, which are not in the
repository. Two settings: the detector's input halved, so that people have half the scale at which
it finds them well; and vtest enlarged twice, input as usual. First each way of looking is played
with a tracker that tells it what to expect; then the same looks are timed, both ways in turn, CPU
time of one thread.

What a tracker expects depends on every look before, so a hair's breadth moves recall by a point.
The first setting is therefore played four times: every second picture and the others, as they are
and mirrored. Its figures are means.
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
from veilleur.perception.loader import LoadedDetector, load_detector
from veilleur.perception.looking import Detail, Looker, LookSettings
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.tracker import Tracker

FILMED = 10.0  # pictures a second of the file, and of the truth
STEP = 2  # five pictures a second are analysed
ROUNDS = 5
SURE = 0.5


@dataclass(frozen=True, slots=True)
class Variant:
    """first: of the pictures, of which every second is analysed."""

    first: int
    mirrored: bool


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


def moments(folder: Path, variant: Variant, enlarged: int) -> list[Moment]:
    truth = read_cvml(folder / "PETS2009-S2L1.xml")
    gate = ActivityGate()
    out = []
    for frame in replay(folder / "vtest.avi", camera="vtest", rate_hz=FILMED):
        number = round(frame.time * FILMED)
        if number % STEP != variant.first:
            continue
        picture, boxes = frame.picture, truth[number].boxes * enlarged
        if variant.mirrored:
            picture = _mirrored(picture)
            boxes[:, [0, 2]] = picture.width * enlarged - boxes[:, [2, 0]]
        picture = _enlarged(picture, enlarged)
        activity = gate.step(picture.thumbnail(), frame.time)
        true = FrameBoxes(truth[number].ids, boxes)
        out.append(Moment(picture, frame.time, activity, true))
    return out


def _mirrored(picture: Picture) -> Picture:
    out = Picture(np.empty_like(picture.data), picture.full_range)
    out.luma[:] = picture.luma[:, ::-1]
    out.chroma[:] = picture.chroma[:, :, ::-1]
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


def compare(
    folder: Path, name: str, variants: Sequence[Variant], enlarged: int, detector: LoadedDetector
) -> None:
    ways = {Detail.OFF: "whole", Detail.AUTO: "regions"}
    all_played: dict[Detail, list[Played]] = {way: [] for way in ways}
    for variant in reversed(variants):
        clip = moments(folder, variant, enlarged)
        view = View(clip[0].picture.width, clip[0].picture.height)
        for way in ways:
            all_played[way].append(play(clip, detector, view, way))
    ratios = []
    for _ in range(ROUNDS):
        times = {
            way: seconds(clip, all_played[way][-1], looker(detector, view, way)) for way in ways
        }
        ratios.append(times[Detail.AUTO] / times[Detail.OFF])
    size = f"{detector.width}x{detector.height}"
    print(f"{name} ({detector.name}, input {size}, {len(variants)} x {len(clip)} pictures)")
    for way, word in ways.items():
        print(f"  {word:8} {_said(all_played[way])}")
    print(
        f"  CPU, regions: {statistics.median(ratios):.2f} x whole "
        f"({min(ratios):.2f}-{max(ratios):.2f}, {ROUNDS} rounds)"
    )


def _said(played: Sequence[Played]) -> str:
    bare = [p.recall_of_detections for p in played]
    return (
        f"recall of tracks {statistics.mean(p.recall for p in played):.3f}, of detections at "
        f"{SURE} {statistics.mean(bare):.3f} ({min(bare):.3f}-{max(bare):.3f}), HOTA "
        f"{statistics.mean(p.hota for p in played):.1f}, "
        f"{statistics.mean(p.inferences for p in played):.2f} inferences"
    )


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.small_people FOLDER_OF_LABELLED_CLIPS")
    folder = Path(sys.argv[1]) / "tracking" / "vtest"
    choice = decide().choice
    four = [Variant(first, mirrored) for first in range(STEP) for mirrored in (False, True)]
    compare(folder, "half the detector's scale", four, 1, load_detector(choice, 160, 224))
    compare(folder, "vtest enlarged twice", four[:1], 2, load_detector(choice, 320, 416))


if __name__ == "__main__":
    main()
