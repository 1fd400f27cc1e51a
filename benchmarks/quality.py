"""How good is what really runs? HOTA and recall on vtest, against float32 at full input.

    python -m benchmarks.quality [FOLDER_OF_LABELLED_CLIPS]

vtest.avi (PETS2009 S2.L1) and its official boxes are not in the repository: VEILLEUR_DATA, or
../shared/data, names their folder. Both sides analyse the same five pictures a second. As it runs:
the back end chosen on this machine, behind the activity gate, with regions where they pay. Against
it: float32 on the whole of every picture. The same tracker; each is deterministic, so one round.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import rig
from benchmarks.machine import Wanted, description, figure
from veilleur.cameras.frame import Activity
from veilleur.cameras.replay import replay
from veilleur.engine.assembly import Detectors
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.evaluation.tracking import FrameBoxes, TrackingScore, read_cvml, score_tracks
from veilleur.geometry import View
from veilleur.perception.backends import Precision
from veilleur.perception.choice import decide
from veilleur.perception.detector import Detector
from veilleur.perception.looking import Detail, Looker, LookSettings
from veilleur.perception.objects import Kind, Tracks
from veilleur.perception.tracker import Tracker

RATE_HZ = 5.0
FILMED = 10.0  # pictures a second of the file, and of the truth
NEAR = Wanted(least=-2.0)
WHOLE = Activity()  # everything moved: look at all of it


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One analysed picture. looked: how (full, regions, nothing ...)."""

    time: float
    people: FrameBoxes
    inferences: int
    looked: str


def as_it_runs(clip: Path, detectors: Detectors) -> list[Seen]:
    """The engine's own pipeline, as live."""
    laboratory = LaboratoryClip(id="vtest", path=clip, rules=rig.RULES, rate_hz=RATE_HZ)
    return [
        Seen(step.time, _people(step.scene.tracks), step.inferences, step.looked)
        for step in analyse(laboratory, detectors)
    ]


def in_full(clip: Path, detectors: Detectors) -> list[Seen]:
    """The whole of every picture, nothing passed over."""
    seen: list[Seen] = []
    looker: Looker | None = None
    tracker = Tracker()
    for frame in replay(clip, camera="vtest", rate_hz=RATE_HZ):
        if looker is None:
            view = View(frame.picture.width, frame.picture.height)
            detector: Detector = detectors.fitting(view)
            looker = Looker(detector, view, LookSettings(detail=Detail.OFF))
            tracker = Tracker(view=view)
        look = looker.look(frame.picture, WHOLE, tracker.expected(frame.time), frame.time)
        tracks = tracker.step(look.detections, frame.time)
        seen.append(Seen(frame.time, _people(tracks), look.inferences, look.what))
    return seen


def _people(tracks: Tracks) -> FrameBoxes:
    people = tracks.of(Kind.PERSON)
    return FrameBoxes(people.ids, people.boxes)


def score(seen: Iterable[Seen], truth: Sequence[FrameBoxes]) -> TrackingScore:
    pictures = list(seen)
    expected = [truth[round(picture.time * FILMED)] for picture in pictures]
    return score_tracks(expected, [picture.people for picture in pictures])


def _lines(name: str, seen: Sequence[Seen], result: TrackingScore) -> list[str]:
    recall = result.found / (result.found + result.lost)
    ways = ", ".join(f"{way} {n}" for way, n in Counter(p.looked for p in seen).most_common())
    runs = sum(picture.inferences for picture in seen) / len(seen)
    return [
        figure(f"{name}, HOTA", [100 * result.hota], "points"),
        figure(f"{name}, recall at IoU 0.5", [recall], "of the people"),
        figure(f"{name}, detector runs", [runs], f"a picture ({ways})"),
    ]


def measure(folder: Path) -> list[str]:
    """folder: that of vtest.avi and its truth."""
    choice = decide().choice
    truth = read_cvml(folder / "PETS2009-S2L1.xml")
    exact = replace(choice, precision=Precision.FP32)
    full = in_full(folder / "vtest.avi", Detectors(exact))
    real = as_it_runs(folder / "vtest.avi", Detectors(choice))
    whole, ran = score(full, truth), score(real, truth)
    return [
        *_lines(f"vtest, whole of every picture ({exact})", full, whole),
        *_lines(f"vtest, as it runs ({choice})", real, ran),
        figure("vtest, HOTA as it runs - whole", [100 * (ran.hota - whole.hota)], "points", NEAR),
    ]


def labelled_clips() -> Path:
    """Where the labelled clips are, or should be."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("VEILLEUR_DATA", beside))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?", default=labelled_clips())
    folder = parser.parse_args().folder / "tracking" / "vtest"
    if not (folder / "vtest.avi").is_file():
        print(f"skipped: labelled clips are absent ({folder}): set VEILLEUR_DATA to their folder")
        return
    print("\n".join([*description(), *measure(folder)]))


if __name__ == "__main__":
    main()
