"""What the rules say of the made scenes, written down line by line.

    python -m tests.verdicts      writes tests/references/verdicts anew

Each value of each check is in it: measured, threshold, unit, how long it held, whether it passed.
A line stands wherever what a rule says has changed in kind (a candidate, a check that now passes, a
signal), and once a second. Read the difference before you keep it: it is what operators are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from tests.test_scenes import DATASETS, view_of
from veilleur.evaluation.clip import Clip
from veilleur.evaluation.dataset import load
from veilleur.events.recording import Recording, read_recording
from veilleur.events.registry import build_rule
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.geometry import Box, View
from veilleur.perception.tracker import Tracker

REFERENCES = Path(__file__).parent / "references" / "verdicts"
EVERY_S = 1.0
CLIPS = (
    "zone_enters_and_stays",
    "zone_both_person_and_vehicle",
    "zone_stands_at_the_border",
    "schedule_begins_while_somebody_is_inside",
    "schedule_public_holiday",
    "line_crossed_one_by_one",
    "line_crossed_the_allowed_way",
    "line_turns_back_before_it",
    "line_vehicle_crosses",
    "way_one_against_two_pictures_a_second",
    "way_steps_aside_and_stands",
    "way_field_of_headings",
    "road_drives_against",
    "road_reverses_to_park",
    "count_group_at_two_pictures_a_second",
    "count_peak_too_short",
    "count_few_people",
    "left_and_owner_leaves",
    "left_owner_comes_back",
    "left_with_somebody_else",
)


def clips() -> dict[str, Clip]:
    """The made clips that are written down, by their names."""
    return {clip.id: clip for clip in load(DATASETS / "made").clips if clip.id in CLIPS}


def lines(clip: Clip) -> Iterator[str]:
    """What the clip's rules say, in order."""
    recording = read_recording(DATASETS / "made" / clip.file)
    view = view_of(clip, recording)
    known = clip.starts_at is not None
    rules = [build_rule(spec, view, local_time_known=known) for spec in clip.every_rule]
    last: dict[str, tuple[object, float]] = {}
    for scene in _scenes(clip, view, recording):
        for rule in rules:
            verdict = rule.step(scene)
            kind, told = _kind(verdict), last.get(rule.id)
            if told is None or told[0] != kind or scene.time - told[1] >= EVERY_S:
                last[rule.id] = kind, scene.time
                yield from _said(rule.id, scene.time, verdict)


def _scenes(clip: Clip, view: View, recording: Recording) -> Iterator[Scene]:
    follower = Tracker()
    for seen in recording.observations:
        tracks = follower.step(seen.detections, seen.time)
        yield Scene(
            clip.id,
            seen.time,
            view,
            tracks,
            seen.detections,
            local=clip.starts_at + timedelta(seconds=seen.time) if clip.starts_at else None,
        )


def _kind(verdict: Verdict) -> object:
    return (
        len(verdict.signals),
        len(verdict.notices),
        len(verdict.holding),
        verdict.unfit,
        tuple(tuple(check.passed for check in one.checks) for one in verdict.candidates),
    )


def _said(rule: str, time: float, verdict: Verdict) -> Iterator[str]:
    yield f"{time:.2f} {rule}: {len(verdict.candidates)} watched, unfit {verdict.unfit}"
    yield from (f"  watched {_candidate(one)}" for one in verdict.candidates)
    yield from (f"  SIGNAL {_signal(one)}" for one in verdict.signals)
    yield from (f"  NOTICE {_signal(one)}" for one in verdict.notices)
    yield from (f"  goes on at {_box(one)}" for one in verdict.holding)


def _candidate(one: Candidate) -> str:
    return f"at {_box(one.where)}: {'; '.join(map(_check, one.checks))}"


def _signal(one: Signal) -> str:
    watched = "unknown" if one.watched is None else f"{one.watched:.2f} s"
    return (
        f"{one.event} of {one.rule} on {one.camera}, {one.level}, began {one.began:.2f} s, noticed "
        f"{one.noticed:.2f} s, watched since {watched}, at {_box(one.where)}: "
        f"{'; '.join(map(_check, one.checks))}"
    )


def _check(one: Check) -> str:
    least = "at least " if one.at_least else ""
    return (
        f"{one.name} {least}{one.measured:.2f} of {one.threshold:.2f} {one.unit} "
        f"for {one.held_s:.2f} s {'yes' if one.passed else 'no'}"
    )


def _box(box: Box) -> str:
    return f"{box.x1:.1f} {box.y1:.1f} {box.x2:.1f} {box.y2:.1f}"


def main() -> None:
    REFERENCES.mkdir(exist_ok=True)
    for name, clip in clips().items():
        text = "\n".join(lines(clip)) + "\n"
        (REFERENCES / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
