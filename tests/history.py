"""What happened, and one judge of it: the invariants that hold whatever fails.

A history is written outside the system under test, by the harness and by the hooks of a wrapper
(`tests/serve_victim.py`): one event a line, each line whole. `violations` compares it with what is
kept at the end. Times are seconds of CLOCK_BOOTTIME, the same in all processes of a machine.

I1 none lost. I2 none doubled. I3 no frame without authorisation. I4 an intact record that tells
each step of the clock. I5 blindness is shown within 10 s. I6 no signal of what does not happen.
I7 analysing again within 10 s of a fault's end.
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import select

from veilleur.geometry import Box
from veilleur.incidents.incident import Incident, State
from veilleur.law.deed import Deed
from veilleur.store import chain, incidents, outbox, record, signals
from veilleur.store.transaction import Reading

WITHIN_S = 10.0
"""I5 and I7."""


@dataclass(frozen=True, slots=True)
class Fed:
    """A frame reached the detector, or whatever looks at pictures."""

    camera: str
    at: float


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The store said: this signal is kept."""

    signal: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The store said: this incident has its verdict."""

    incident: str


@dataclass(frozen=True, slots=True)
class Received:
    """A consumer got message `number`."""

    consumer: str
    number: int
    incident: str
    revision: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What a screen reads of a camera; a screen without news for seconds reads "not analysing"."""

    camera: str
    at: float
    analysing: bool
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """No frame of this camera may be looked at from `since` on, `grace_s` later at the latest."""

    camera: str
    since: float
    until: float
    grace_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Blind:
    """A fault that keeps the camera from being analysed. starved_s: for so long the service waited
    afterwards for a processor that others had; that is added to its limits."""

    camera: str
    since: float
    until: float
    starved_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Stepped:
    """The machine's clock was set forward (back: negative) so far."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Happens:
    """The made film of this camera shows what this rule is for; nothing else does."""

    camera: str
    rule: str


Event = Fed | Acknowledged | Decided | Received | Shown | Forbidden | Blind | Stepped | Happens
_KINDS = {
    kind.__name__: kind
    for kind in (Fed, Acknowledged, Decided, Received, Shown, Forbidden, Blind, Stepped, Happens)
}


class Pen:
    """Appends to a history that several processes write."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, event: Event) -> None:
        line = json.dumps([type(event).__name__, asdict(event)]) + "\n"
        os.write(self._file, line.encode())

    def close(self) -> None:
        os.close(self._file)


def read(file: Path) -> list[Event]:
    """Everything so far; a last line that was cut off by a kill is none."""
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    found = [json.loads(line) for line in lines]
    return [_KINDS[kind](**values) for kind, values in found]


# ---------------------------------------------------------------------- what is kept
@dataclass(slots=True)
class Kept:
    """What is in the store when all is over.

    signals: id to incident. recorded: ids of signals in the audit record. messages: number,
    incident, revision. calling: (camera, rule, canary) and place of each incident that is open and
    that nobody ever took. firsts: (camera, rule, onset, place) of each incident. counts: incident
    to how many signals it says it has. rules: (camera, rule) that have signalled. decided:
    incidents with a verdict. broken: what is wrong with the record. steps: seconds by which the
    clock was set, as it is told there.
    """

    signals: dict[str, str] = field(default_factory=dict)
    recorded: Counter[str] = field(default_factory=Counter)
    messages: list[tuple[int, str, int]] = field(default_factory=list)
    calling: list[tuple[tuple[str, str, bool], Box]] = field(default_factory=list)
    firsts: list[tuple[str, str, str, Box]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    rules: set[tuple[str, str]] = field(default_factory=set)
    decided: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)


def kept(r: Reading) -> Kept:
    """Out of a real store. Of the canary, a proof of life on no record, the messages alone."""
    rows = r.connection.execute(select(signals.signals).where(~signals.signals.c.canary)).all()
    everything = incidents.recent(r, None, limit=1_000_000)
    lines = r.connection.execute(
        select(record.audit.c.deed, record.audit.c.details).where(
            record.audit.c.deed.in_([Deed.SIGNAL.value, Deed.CLOCK_STEPPED.value])
        )
    ).all()
    told = [(line.deed, json.loads(line.details)) for line in lines]
    return Kept(
        signals={str(row.id): str(row.incident) for row in rows},
        recorded=Counter(said["signal"] for deed, said in told if deed == Deed.SIGNAL),
        messages=[
            (row.id, str(row.incident), row.revision) for row in outbox.after(r, 0, 1_000_000, None)
        ],
        calling=calling(everything),
        firsts=firsts(everything),
        counts={str(one.id): one.signals for one in everything},
        rules={(row.camera, row.rule) for row in rows},
        decided={str(one.id) for one in everything if one.verdict is not None},
        broken=[finding.message for finding in chain.verify(r).findings],
        steps=[float(said["seconds"]) for deed, said in told if deed == Deed.CLOCK_STEPPED],
    )


def calling(everything: Sequence[Incident]) -> list[tuple[tuple[str, str, bool], Box]]:
    return [
        ((one.first.camera, one.first.rule, one.first.canary), one.first.where)
        for one in everything
        if one.state is State.OPEN and one.queued == one.opened
    ]


def firsts(everything: Sequence[Incident]) -> list[tuple[str, str, str, Box]]:
    return [
        (one.first.camera, one.first.rule, one.first.onset.isoformat(), one.first.where)
        for one in everything
    ]


# ---------------------------------------------------------------------- the judge
def violations(events: Sequence[Event], end: Kept) -> list[str]:
    """Every breach of an invariant, by its name. Empty: none."""
    found: list[str] = []
    found += _lost(events, end)
    found += _doubled(events, end)
    found += _unauthorised(events)
    found += _record(events, end)
    found += _unseen(events)
    found += _invented(events, end)
    return found


def _lost(events: Sequence[Event], end: Kept) -> Iterator[str]:
    for event in events:
        if isinstance(event, Acknowledged) and event.signal not in end.signals:
            yield f"I1: signal {event.signal} was acknowledged and is not in the store"
        if isinstance(event, Decided) and event.incident not in end.decided:
            yield f"I1: the verdict on {event.incident} was acknowledged and is not in the store"
    heard = {event.number for event in events if isinstance(event, Received)}
    for number, incident, revision in end.messages:
        if number not in heard:
            yield f"I1: message {number} ({incident}, {revision}) reached nobody"
    yield from _half(end)


def _half(end: Kept) -> Iterator[str]:
    """A signal without what belongs to it."""
    told = {incident for _, incident, _ in end.messages}
    for signal, incident in end.signals.items():
        if not end.recorded[signal]:
            yield f"I1: signal {signal} is not on the record"
        if incident not in told:
            yield f"I1: incident {incident} has no message"
    counted = Counter(end.signals.values())
    for incident, count in end.counts.items():
        if counted[incident] != count:
            yield f"I1: {incident} says it has {count} signals and has {counted[incident]}"


def _doubled(events: Sequence[Event], end: Kept) -> Iterator[str]:
    for (what, place), (other, beside) in itertools.combinations(end.calling, 2):
        (x1, y1), (x2, y2) = place.foot, beside.foot
        if what == other and abs(x1 - x2) + abs(y1 - y2) < min(place.height, beside.height) / 2:
            yield f"I2: two incidents of {what} at one place call at once"
    for first, times in Counter(end.firsts).items():
        if times > 1:
            yield f"I2: {times} incidents of one situation, {first}"
    for signal, times in end.recorded.items():
        if times > 1:
            yield f"I2: signal {signal} is on the record {times} times"
    for change, times in Counter(message[1:] for message in end.messages).items():
        if times > 1:
            yield f"I2: {change} was told {times} times"
    yield from _out_of_order(events, end)


def _out_of_order(events: Sequence[Event], end: Kept) -> Iterator[str]:
    """What a consumer sees that knows each incident and revision once."""
    known = {number: (incident, revision) for number, incident, revision in end.messages}
    newest: dict[tuple[str, str], int] = {}
    seen: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
    for event in events:
        if not isinstance(event, Received):
            continue
        change = event.incident, event.revision
        if known.get(event.number) != change:
            yield f"I2: {event.consumer} heard of {change}, which was never told"
        if change in seen[event.consumer]:
            continue
        seen[event.consumer].add(change)
        of = event.consumer, event.incident
        if event.revision <= newest.get(of, 0):
            yield f"I2: {event.consumer} heard of {change} after a later one"
        newest[of] = event.revision


def _unauthorised(events: Sequence[Event]) -> Iterator[str]:
    closed = [event for event in events if isinstance(event, Forbidden)]
    if not closed:
        return
    for event in events:
        if not isinstance(event, Fed):
            continue
        for one in closed:
            if one.camera == event.camera and one.since + one.grace_s < event.at < one.until:
                late_s = event.at - one.since
                yield f"I3: a frame of {event.camera} was looked at {late_s:.2f} s after its end"


def _record(events: Sequence[Event], end: Kept) -> Iterator[str]:
    for what in end.broken:
        yield f"I4: {what}"
    steps = list(end.steps)
    for event in events:
        if isinstance(event, Stepped):
            near = [one for one in steps if abs(one - event.seconds) < 1.5]
            if not near:
                yield f"I4: no word of the clock's step by {event.seconds:+.0f} s"
                continue
            steps.remove(near[0])


def _unseen(events: Sequence[Event]) -> Iterator[str]:
    shown: defaultdict[str, list[Shown]] = defaultdict(list)
    for event in events:
        if isinstance(event, Shown):
            shown[event.camera].append(event)
    for blind in (event for event in events if isinstance(event, Blind)):
        yield from _seen(blind, sorted(shown[blind.camera], key=lambda one: one.at))


def _seen(blind: Blind, shown: Sequence[Shown]) -> Iterator[str]:
    """I5 while it lasts, if that is long enough to be told; I7 after it."""
    which, since, until = blind.camera, blind.since, blind.until
    if until - since > WITHIN_S:
        before = [one for one in shown if one.at <= since + WITHIN_S]
        if not before or before[-1].analysing:
            yield f"I5: {which} is blind and does not say so"
        for one in shown:
            if since + WITHIN_S < one.at < until and one.analysing:
                yield f"I5: {which} is shown as analysed {one.at - since:.1f} s into its blindness"
        said = [one for one in shown if since < one.at < until and not one.analysing]
        if said and not any(one.cause for one in said):
            yield f"I5: {which} does not say why it is blind"
    again = [one.at - until for one in shown if one.at >= until and one.analysing]
    if not again:
        yield f"I7: {which} was never analysed again"
    elif again[0] > WITHIN_S + blind.starved_s:
        yield f"I7: {which} was analysed again only after {again[0]:.1f} s"


def _invented(events: Sequence[Event], end: Kept) -> Iterator[str]:
    real = {(event.camera, event.rule) for event in events if isinstance(event, Happens)}
    if real:
        for camera, rule in end.rules - real:
            yield f"I6: {camera}, {rule} signalled what does not happen"


def require(events: Sequence[Event], end: Kept, what: str) -> None:
    """Nothing may be wrong. what: how to do it again."""
    wrong = violations(events, end)
    assert not wrong, f"{what}: " + "; ".join(wrong[:10])
