"""What rules watch that takes its time: countdowns that run now, and what became of what was
signalled.

Both are read out of the engine's "why not" (ten minutes, no picture, no identity): an entry is made
whenever the first condition that fails becomes another one, so the last one of a place says how it
stands there, and since when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from veilleur.catalogue import Event
from veilleur.desk.desk import Desk
from veilleur.engine.whynot import KEPT_S, WhyNot
from veilleur.events.rule import Check
from veilleur.events.wording import ENGLISH, Language, sentence
from veilleur.geometry import Box
from veilleur.incidents.incident import Incident
from veilleur.perception.overlap import box_iou

SAME_PLACE = 0.3
LATE_S = 3.0
"""A countdown that is over for so long and led to nothing is none."""
COUNTS = frozenset({"unattended", "immobile"})
"""The conditions that are a matter of time alone, and of enough of it to be told."""
TURNS = frozenset({"alone", "still_there", "immobile", "lying"})
"""The conditions whose failing means that what was signalled is not so any more; another one may
fail because the camera looks anew."""
LASTING = frozenset({Event.ABANDONED_OBJECT, Event.PERSON_ON_GROUND})
"""Events of which it matters how it goes on."""
DECISIVE: Mapping[Event, tuple[str, ...]] = {
    Event.ABANDONED_OBJECT: ("unattended", "alone", "small_enough", "small_in_picture"),
    Event.PERSON_ON_GROUND: ("stood", "passage", "lying", "immobile"),
    Event.CROWD_MOVEMENT: (
        *("group", "moving", "hurried", "hurried_share", "scattering_share", "rushing_share"),
        *("against_stream", "against_share", "faster", "persisted"),
    ),
    Event.FIRE: ("flame_seen", "smoke_seen", "grown", "since_start", "persisted"),
    Event.WEAPON: ("weapon_seen", "at_hand", "persisted"),
}
"""What a signal of many conditions is told by; all of them stand in the table below it."""


@dataclass(frozen=True, slots=True)
class Counting:
    """A countdown that runs. due: when there is a signal, if nothing changes. share: how much of it
    is over, 0 to 1."""

    camera: str
    rule: str
    event: Event
    due: datetime
    asked_s: float
    share: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What was signalled stands otherwise since `at`. name, words: of the condition that fails
    now."""

    at: datetime
    name: str
    words: str


def headline(event: Event, checks: Sequence[Check], language: Language) -> str:
    """Why, in one sentence that is not too long to be read in a hurry.

    Of a signal all conditions hold, so that a part of them says "signal" as well.
    """
    wanted = DECISIVE.get(event, ())
    told = [check for name in wanted for check in checks if check.name == name]
    return sentence(told if told and all(check.passed for check in checks) else checks, language)


def clause(check: Check, language: Language) -> str:
    """One condition in words, with its values; "" where it was not asked for (0 of 0 passed)."""
    if check.passed and check.measured == check.threshold == 0 and ENGLISH[check.name].bare == "":
        return ""
    return sentence([check], language).partition(": ")[2].removesuffix(".")


def counting(desk: Desk, cameras: Iterable[str]) -> list[Counting]:
    """Every countdown at these cameras, the next to end first."""
    now = datetime.now(UTC)
    reports = {report.camera: report for report in desk.cameras()}
    found = []
    for id_ in cameras:
        camera = desk.camera(id_)
        if camera is None or id_ not in reports or not reports[id_].condition.analysing:
            continue
        events = {rule.id: rule.event for rule in camera.rules}
        for last in _places(_entries(desk, id_, now)):
            if last.rule in events and (one := _counting(id_, last, events[last.rule], now)):
                found.append(one)
    return sorted(found, key=lambda one: one.due)


def _counting(camera: str, last: WhyNot, event: Event, now: datetime) -> Counting | None:
    failed = last.failed
    if failed is None or failed.name not in COUNTS or failed.unit != "s":
        return None
    due = last.at + timedelta(seconds=failed.threshold - failed.measured)
    left_s = (due - now).total_seconds()
    if left_s < -LATE_S:
        return None
    share = 1.0 - max(0.0, left_s) / max(failed.threshold, 0.1)
    return Counting(camera, last.rule, event, due, failed.threshold, share)


def turn(desk: Desk, incident: Incident, language: Language) -> Turn | None:
    """How it goes on where this was signalled, as far as it is still known; None: as it was."""
    first = incident.first
    snapshot = desk.watch.snapshot(first.camera)
    if first.event not in LASTING or snapshot is None:
        return None
    wide, high = snapshot.view.width, snapshot.view.height
    box = Box(
        first.where.x1 * wide, first.where.y1 * high, first.where.x2 * wide, first.where.y2 * high
    )
    last = None
    for entry in _entries(desk, first.camera, datetime.now(UTC)):
        same = entry.rule == first.rule and box_iou(entry.candidate.where, box) >= SAME_PLACE
        told = entry.failed is None or entry.failed.name in TURNS
        if same and told and entry.at > first.noticed:
            last = entry
    if last is None or last.failed is None:
        return None
    return Turn(last.at, last.failed.name, clause(last.failed, language))


def _entries(desk: Desk, camera: str, now: datetime) -> tuple[WhyNot, ...]:
    found = desk.watch.node.why_not(camera, now - timedelta(seconds=KEPT_S), now)
    return tuple(sorted(found, key=lambda one: one.host_s))


def _places(entries: Iterable[WhyNot]) -> list[WhyNot]:
    """The last entry of each rule and place."""
    last: list[WhyNot] = []
    for entry in entries:
        last = [one for one in last if not _same(one, entry)]
        last.append(entry)
    return last


def _same(one: WhyNot, other: WhyNot) -> bool:
    if one.rule != other.rule:
        return False
    return box_iou(one.candidate.where, other.candidate.where) >= SAME_PLACE
