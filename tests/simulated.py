"""F1: a desk without disk, network and waiting: any order of events, from one number.

    python -m tests.simulated --schedules 50000 --from 0 [--seconds 30]
    python -m tests.simulated --seed 1234          # one again, step by step

The parts are the product's own (intake, people, authority, clockwork, gate); the store is a model
of it in memory, a clock and a die are in hand. A transaction is whole or not at all; it may be
refused, its answer may be lost after the commit, and the process may be killed before, in or after
it, which drops everything but the store. After the last step faults stop, and `tests.history`
judges.
"""

from __future__ import annotations

import argparse
import math
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from tests import history
from tests.acts import act, verified
from tests.desk import sighting
from tests.history import Event, Fed, Forbidden, Kept, Received, violations
from veilleur.catalogue import Event as Watched
from veilleur.catalogue import Priority
from veilleur.desk import authority, clockwork, intake, people
from veilleur.desk.authority import Authority
from veilleur.desk.clockwork import Clockwork
from veilleur.desk.feed import Feed
from veilleur.desk.intake import Intake, IntakeSettings, Stored
from veilleur.desk.people import People
from veilleur.engine.report import CameraReport
from veilleur.engine.sighting import Sighting
from veilleur.errors import (
    AlreadyStored,
    IncidentMoved,
    IncidentRefused,
    NotAuthorised,
    NotFound,
    StoreError,
)
from veilleur.geometry import Box
from veilleur.incidents.going import Going
from veilleur.incidents.incident import Incident
from veilleur.incidents.life import Limits
from veilleur.incidents.signal import SignalRecord
from veilleur.law.deed import Deed, Entry
from veilleur.law.gate import CONTACT_S, Gate, Live
from veilleur.law.orders import Orders, Scope, Stop, Suspension
from veilleur.law.regime import desk as desk_regime

T0 = datetime(2026, 12, 1, 15, tzinfo=UTC)
CAMERAS = {"gate": ("tracks", "door"), "hall": ("tracks",)}
RULES = {camera: dict.fromkeys(rules, Watched.FORBIDDEN_ZONE) for camera, rules in CAMERAS.items()}
WHO = ("ana", "ben")
LIMITS = Limits()
PLACES = (Box(64, 36, 128, 180), Box(480, 36, 544, 300))
STEPS = (3, 25)
"""Length of a schedule."""


class Killed(Exception):
    """The process is gone, at this very point."""


# ---------------------------------------------------------------------- the store, as a model
class Transaction:
    """What the questions are handed: the model itself, and how to undo what was done."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.undo: list[Callable[[], object]] = []

    def record(self, entry: Entry) -> int:
        self.store.lines.append(entry)
        self.undo.append(self.store.lines.pop)
        return len(self.store.lines)


class Store:
    """trouble: what happens to the next transaction, once: "refused", "unknown" (it is stored and
    nobody is told), "killed" (before its end), "killed after"."""

    def __init__(self) -> None:
        self.signals: dict[UUID, tuple[SignalRecord, UUID]] = {}
        self.incidents: dict[UUID, Incident] = {}
        self.of_rule: dict[tuple[str, str, bool], list[UUID]] = {}
        self.messages: list[tuple[int, UUID, int]] = []
        self.lines: list[Entry] = []
        self.settings: dict[str, str] = {}
        self.orders = Orders()
        self.trouble = ""

    @contextmanager
    def write(self, *, essential: bool = True) -> Iterator[Transaction]:
        trouble, self.trouble = self.trouble, ""
        if trouble == "refused":
            raise StoreError("made", cause="full")
        w = Transaction(self)
        try:
            yield w
            if trouble == "killed":
                raise Killed
        except BaseException:
            for deed in reversed(w.undo):
                deed()
            raise
        if trouble == "killed after":
            raise Killed
        if trouble == "unknown":
            raise StoreError("made", cause="unreachable")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        yield Transaction(self)

    def put(self, w: Transaction, incident: Incident) -> None:
        before = self.incidents.get(incident.id)
        self.incidents[incident.id] = incident
        if before is None:
            w.undo.append(lambda: self.incidents.pop(incident.id))
        else:
            w.undo.append(lambda: self.incidents.__setitem__(incident.id, before))

    def replace_orders(self, w: Transaction, orders: Orders) -> bool:
        before, self.orders = self.orders, orders
        w.undo.append(lambda: setattr(self, "orders", before))
        return orders != before


def _key(incident: Incident) -> tuple[str, str, bool]:
    return incident.first.camera, incident.first.rule, incident.first.canary


def _known(w: Transaction, signal: UUID) -> bool:
    return signal in w.store.signals


def _add_signal(w: Transaction, signal: SignalRecord, incident: UUID) -> None:
    if signal.id in w.store.signals:
        raise AlreadyStored("it is", id=str(signal.id))
    w.store.signals[signal.id] = signal, incident
    w.undo.append(lambda: w.store.signals.pop(signal.id))


def _open_incidents(
    w: Transaction, scope: object, *, camera: str | None = None, canary: bool = False
) -> list[Incident]:
    return [
        one
        for one in w.store.incidents.values()
        if one.state.waiting and camera in (None, one.first.camera) and one.first.canary == canary
    ]


def _waiting(w: Transaction, camera: str, rule: str, *, canary: bool = False) -> list[Incident]:
    found = [w.store.incidents[id_] for id_ in w.store.of_rule.get((camera, rule, canary), ())]
    return [one for one in found if one.state.waiting]


def _decided_about(
    w: Transaction, camera: str, rule: str, at: datetime, within: timedelta, *, canary: bool = False
) -> list[Incident]:
    found = [w.store.incidents[id_] for id_ in w.store.of_rule.get((camera, rule, canary), ())]
    return [one for one in found if one.verdict and abs(one.verdict.at - at) <= within]


def _of_signal(w: Transaction, signal: UUID) -> Incident | None:
    known = w.store.signals.get(signal)
    return w.store.incidents[known[1]] if known else None


def _insert(w: Transaction, incident: Incident) -> None:
    ids = w.store.of_rule.setdefault(_key(incident), [])
    ids.append(incident.id)
    w.undo.append(ids.pop)
    w.store.put(w, incident)
    _add_signal(w, incident.first, incident.id)


def _update(w: Transaction, incident: Incident, expected_revision: int) -> None:
    if w.store.incidents[incident.id].revision != expected_revision:
        raise IncidentMoved("moved", remedy="", cause="moved", incident=str(incident.id))
    w.store.put(w, incident)


def _append(w: Transaction, incident: Incident, kind: Deed, at: datetime) -> int:
    number = len(w.store.messages) + 1
    w.store.messages.append((number, incident.id, incident.revision))
    w.undo.append(w.store.messages.pop)
    return number


def _stop(w: Transaction, wanted: Stop) -> bool:
    now = w.store.orders
    there = any((one.scope, one.target) == (wanted.scope, wanted.target) for one in now.stops)
    return not there and w.store.replace_orders(w, replace(now, stops=(*now.stops, wanted)))


def _lift(w: Transaction, scope: Scope, target: str, who: str, at: datetime) -> bool:
    now = w.store.orders
    left = tuple(one for one in now.stops if (one.scope, one.target) != (scope, target))
    return w.store.replace_orders(w, replace(now, stops=left))


def _suspend(w: Transaction, reference: str, by: Suspension | None) -> bool:
    """None: it is suspended no longer."""
    now = w.store.orders
    acts = tuple(
        replace(one, suspended=by) if one.authorisation.reference == reference else one
        for one in now.acts
    )
    return w.store.replace_orders(w, replace(now, acts=acts))


FAKES: dict[str, Any] = {
    "signals": SimpleNamespace(known=_known, add_signal=_add_signal),
    "incidents": SimpleNamespace(
        open_incidents=_open_incidents,
        waiting=_waiting,
        decided_about=_decided_about,
        of_signal=_of_signal,
        insert=_insert,
        update=_update,
        found=lambda w, id_, scope: w.store.incidents[id_],
        forget_canaries=lambda *_: 0,
    ),
    "outbox": SimpleNamespace(append=_append, purge=lambda *_: 0),
    "evidence": SimpleNamespace(
        promise=lambda *_, **__: None, expire=lambda w, now: (), pieces=lambda *_: ()
    ),
    "availability": SimpleNamespace(add=lambda *_: None, purge=lambda *_: 0),
    "settings": SimpleNamespace(
        get=lambda w, key: w.store.settings.get(key),
        put=lambda w, key, value: w.store.settings.__setitem__(key, value),
    ),
    "orders": SimpleNamespace(
        current=lambda w, now: w.store.orders,
        stop=_stop,
        lift=_lift,
        suspend=_suspend,
        all_acts=lambda r: list(r.store.orders.acts),
    ),
}
"""The questions and deeds of the store that these parts use, answered by the model."""


@contextmanager
def simulated() -> Iterator[None]:
    """In this process the parts use the model instead of the store."""
    parts = (intake, people, authority, clockwork)
    honest = [
        (part, name, getattr(part, name)) for part in parts for name in FAKES if name in vars(part)
    ]
    try:
        for part, name, _ in honest:
            setattr(part, name, FAKES[name])
        yield
    finally:
        for part, name, own in honest:
            setattr(part, name, own)


# ---------------------------------------------------------------------- one world
@cache
def _regime() -> Any:
    return desk_regime(verified())


@cache
def _seen(camera: str, rule: str, place: int) -> Sighting:
    one = sighting(camera=camera, rule=rule, shown=False)
    return replace(one, alert=replace(one.alert, where=PLACES[place]))


class Nobody:
    """Told by the clockwork; hears nothing."""

    def report(self) -> Sequence[CameraReport]:
        return ()

    def ongoing(self) -> dict[tuple[str, str], tuple[Going, ...]]:
        return {}


class World:
    """passed: seconds since the beginning, which nobody sets. set_by: how wrong the clock is."""

    def __init__(self, seed: int, say: Callable[[str], None] | None = None) -> None:
        self.die = Random(seed)
        self.say = say
        self.passed, self.set_by = 0.0, 0.0
        self.store = Store()
        self.events: list[Event] = []
        self.given: dict[datetime, tuple[str, str]] = {}
        self.heard = 0
        self.wrong: list[str] = []
        self.ends_s = self.die.choice([60.0, 400.0, 4000.0, 86_400.0])
        paper = _paper(self.ends_s)
        self.store.orders = Orders.of(paper)
        self.reference = paper.reference
        self.closed: dict[str, float] = {}  # what is ordered, and since when by the true clock
        self.start()

    def start(self) -> None:
        """A process begins: all it knows is in the store."""
        self.given.clear()
        self.queue: queue.SimpleQueue[Sighting] = queue.SimpleQueue()
        self.told: list[Stored] = []
        store: Any = self.store
        self.gate = Gate(dict.fromkeys(CAMERAS, Live()), _regime(), site="square", boot=self.boot)
        self.intake = Intake(
            store,
            self.queue,
            IntakeSettings(limits=LIMITS),
            priorities=dict,
            stored=self.told.extend,
            utc=self.utc,
        )
        self.people = People(store, _nothing, self.utc)
        self.authority = Authority(store, self.gate, utc=self.utc, boot=self.boot)
        self.clockwork = Clockwork(
            store, Feed(), Nobody(), LIMITS, changed=_nothing, alive=_nothing, utc=self.utc
        )
        self.clockwork._clock = self.utc(), self.passed
        self.authority.renew()

    def boot(self) -> float:
        return self.passed

    def utc(self) -> datetime:
        return T0 + timedelta(seconds=self.passed + self.set_by)

    def either(self, *choices: Any) -> Any:
        return self.die.choice(choices)

    # ------------------------------------------------------------------ what may happen
    def signals(self) -> None:
        """Some, of which the last may come first."""
        seen = []
        for _ in range(self.die.randint(1, 3)):
            camera = self.either(*CAMERAS)
            rule = self.either(*CAMERAS[camera])
            self.passed += 0.001
            at = self.utc()
            one = _seen(camera, rule, self.die.randint(0, 1))
            seen.append(replace(one, at=at, began_at=at - timedelta(seconds=1)))
            self.given[at] = camera, rule
        for one in self.either(seen, seen[::-1]):
            self.queue.put(one)

    def store_signals(self) -> None:
        ended = threading.Event()
        ended.set()
        self.intake.run(ended)

    def again(self) -> None:
        """A signal that is stored comes once more."""
        if self.store.signals:
            signal, _ = self.either(*self.store.signals.values())
            store: Any = self.store
            with store.write() as w:
                if intake.receive(w, signal, Priority.LOW, LIMITS, self.utc()) is not None:
                    self.wrong.append(f"I2: signal {signal.id} was stored again")

    def person(self) -> None:
        if not self.store.incidents:
            return
        id_, who = self.either(*self.store.incidents), self.either(*WHO)
        deed = self.die.randint(0, 5)
        if deed < 2:
            self.people.take(id_, who, None)
        elif deed == 2:
            self.people.release(id_, who, None)
        elif deed == 3:
            self.people.hand_over(id_, who, self.either(*WHO), None)
        elif deed == 4:
            sure = self.either(True, False)
            reason = "as_signalled" if sure else "animal"
            self.people.decide(id_, who, None, confirmed=sure, reason=reason)
        else:
            self.people.follow_up(id_, who, None, outcome="none")

    def wait(self) -> None:
        """A longer while, during which the threads go round or hang."""
        for _ in range(self.die.randint(1, 3)):
            self.passed += self.either(0.3, 1.0, 3.0, 35.0, 130.0, 700.0)
            self.rounds()

    def rounds(self) -> None:
        if self.die.random() < 0.8:
            self.authority.renew()
        if self.die.random() < 0.8:
            self.store_signals()
        if self.die.random() < 0.8:
            self.clockwork.tick(self.passed)

    def frames(self) -> None:
        for camera in CAMERAS:
            self.passed += 0.01
            try:
                self.gate.admit(camera, RULES[camera], self.utc())
            except NotAuthorised:
                continue
            self.events.append(Fed(camera, self.passed))

    def order(self) -> None:
        """By this desk, which obeys at once, or by another process, which it has to read."""
        camera = self.either("", *CAMERAS)
        scope = Scope.CAMERA if camera else Scope.EVERYTHING
        now, store = self.utc(), self.store
        if self.die.random() < 0.4:
            self.authority.stop(scope, camera, "ana", "")
        elif self.die.random() < 0.5:
            with store.write() as w:
                _stop(w, Stop(scope=scope, target=camera, who="ben", at=now))
        elif self.die.random() < 0.5:
            self.authority.suspend(self.reference, "dpo", "ordered")
        else:
            with store.write() as w:
                _suspend(w, self.reference, Suspension(who="dpo", at=now, reason=""))

    def lift(self) -> None:
        if self.store.orders.stops:
            one = self.either(*self.store.orders.stops)
            self.authority.lift(one.scope, one.target, "ana", "")
        with self.store.write() as w:  # as a new act would open it again
            _suspend(w, self.reference, None)

    def note_orders(self) -> None:
        """What is ordered now, by the store: for the judge."""
        for camera in CAMERAS:
            stopped = any(one.target in ("", camera) for one in self.store.orders.stops)
            shut = stopped or self.store.orders.acts[0].suspended is not None
            if shut:
                self.closed.setdefault(camera, self.passed)
            elif camera in self.closed:
                since = self.closed.pop(camera)
                self.events.append(Forbidden(camera, since, self.passed, CONTACT_S))

    def listen(self) -> None:
        """The consumer reads on; what it had heard of last time may come again."""
        start = max(0, self.heard - self.die.randint(0, 2))
        for number, incident, revision in self.store.messages[start:]:
            self.events.append(Received("screen", number, str(incident), revision))
        self.heard = len(self.store.messages)

    def trouble(self) -> None:
        self.store.trouble = self.either("refused", "unknown", "killed", "killed after")

    def kill(self) -> None:
        raise Killed

    def step_clock(self) -> None:
        step = self.either(3600.0, -3600.0, 60.0, -60.0)
        self.set_by += step
        self.rounds()

    # ------------------------------------------------------------------ a schedule
    def run(self) -> list[str]:
        """Returns what the judge has against it."""
        deeds = self.die.choices(_DEEDS, _WEIGHTS, k=self.die.randint(*STEPS))
        for deed in deeds:
            if self.say:
                self.say(f"{self.passed:9.2f} s  {deed.__name__} {self.store.trouble}")
            self.do(deed)
            self.note_orders()
        return self.end()

    def do(self, deed: Callable[[World], None]) -> None:
        try:
            deed(self)
        except (IncidentRefused, NotFound, StoreError):
            pass
        except Killed:
            self.restart()

    def restart(self) -> None:
        """Seconds later, and by then somebody has put the clock right."""
        self.store.trouble = ""
        self.passed += self.die.uniform(0.5, 8.0)
        self.set_by = 0.0
        self.start()

    def end(self) -> list[str]:
        self.store.trouble = ""
        self.passed += 1.0
        self.do(World.store_signals)
        self.do(lambda _: self.clockwork.tick(self.passed))
        self.listen()
        for camera, since in self.closed.items():
            self.events.append(Forbidden(camera, since, math.inf, CONTACT_S))
        for camera in CAMERAS:
            self.events.append(Forbidden(camera, self.ends_s, math.inf))
        return [*self.wrong, *self.of_signals(), *violations(self.events, self.kept())]

    def of_signals(self) -> Iterator[str]:
        """What this process was given is stored, once; what an earlier one was, once at most."""
        stored = Counter((signal.noticed, signal.camera) for signal, _ in self.stored())
        for at, (camera, _) in self.given.items():
            if not stored[at, camera]:
                yield f"I1: what {camera} noticed at {at} is not in the store"
        for what, times in stored.items():
            if times > 1:
                yield f"I2: what was noticed once is stored {times} times, {what}"

    def stored(self) -> list[tuple[SignalRecord, UUID]]:
        return list(self.store.signals.values())

    def kept(self) -> Kept:
        everything = list(self.store.incidents.values())
        recorded = [one.details["signal"] for one in self.store.lines if one.deed is Deed.SIGNAL]
        return Kept(
            signals={str(signal.id): str(incident) for signal, incident in self.stored()},
            recorded=Counter(recorded),
            messages=[
                (n, str(incident), revision) for n, incident, revision in self.store.messages
            ],
            calling=history.calling(everything),
            firsts=history.firsts(everything),
            counts={str(one.id): one.signals for one in everything},
            rules={(signal.camera, signal.rule) for signal, _ in self.stored()},
        )


@cache
def _paper(seconds: float) -> Any:
    period = {"from": T0 - timedelta(minutes=1), "until": T0 + timedelta(seconds=seconds)}
    return act(cameras=tuple(CAMERAS), period=period)


def _nothing(*_: object) -> None:
    return None


_CHOICES: dict[Callable[[World], None], int] = {
    World.signals: 6,
    World.store_signals: 4,
    World.again: 1,
    World.person: 8,
    World.wait: 4,
    World.frames: 5,
    World.order: 2,
    World.lift: 2,
    World.listen: 2,
    World.trouble: 3,
    World.kill: 1,
    World.step_clock: 1,
}
_DEEDS, _WEIGHTS = list(_CHOICES), list(_CHOICES.values())


@dataclass(frozen=True, slots=True)
class Outcome:
    schedules: int
    seconds: float
    failures: tuple[tuple[int, str], ...]


def schedules(first: int, number: int, *, seconds: float = math.inf) -> Outcome:
    """Seeds from `first` on: so many, or as many as so many seconds are good for."""
    failures: list[tuple[int, str]] = []
    began, done = time.monotonic(), 0
    with simulated():
        for seed in range(first, first + number):
            wrong = World(seed).run()
            if wrong:
                failures.append((seed, wrong[0]))
            done += 1
            if time.monotonic() - began > seconds:
                break
    return Outcome(done, time.monotonic() - began, tuple(failures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--seed", type=int, help="one schedule again, step by step")
    asked = parser.parse_args()
    if asked.seed is not None:
        with simulated():
            print("\n".join(World(asked.seed, print).run()) or "nothing is wrong")
        return
    done = schedules(asked.first, asked.schedules, seconds=asked.seconds)
    for seed, wrong in done.failures[:20]:
        print(f"seed {seed}: {wrong}")
    print(f"{done.schedules} schedules, {len(done.failures)} failures, {done.seconds:.1f} s")
    sys.exit(bool(done.failures))


if __name__ == "__main__":
    main()
