"""F2: operators, engine, time and orders in any order, on a real store, against a small model.

    python -m tests.interleaved --machines 2000 [--seed 0]

Machines come in batches of BATCH, each decided by its seed; a batch that fails is done again by it,
and Hypothesis tells the shortest order of deeds that fails.

The model is written from the rules as an operator knows them, and shares no code with the product:
an incident is a few plain values, and each deed says beforehand whether it will be allowed.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.acts import NOW, act, verified
from tests.desk import database, sighting, there
from tests.history import Event, Fed, Forbidden, Received, kept, violations
from tests.side_by_side import again
from veilleur.catalogue import Event as Watched
from veilleur.catalogue import Priority
from veilleur.desk.authority import Authority
from veilleur.desk.intake import receive, record_of
from veilleur.desk.people import People, elapse
from veilleur.errors import IncidentRefused, NotAuthorised, NotFound
from veilleur.geometry import Box
from veilleur.incidents.life import Limits
from veilleur.law.gate import CONTACT_S, Gate, Live
from veilleur.law.orders import Scope
from veilleur.law.regime import desk as desk_regime
from veilleur.store import incidents, outbox
from veilleur.store.database import Database

STEPS, BATCH = 50, 250
LIMITS = Limits(idle_s=120, louder_s=60, not_seen_s=600, cool_down_s=30)
HERE, THERE = Box(64, 36, 128, 180), Box(480, 36, 544, 300)
WHO = st.sampled_from(["ana", "ben"])
ENDS_S = 3000.0
UNDER = "square"


@dataclass
class Known:
    """An incident as an operator knows it. last: seconds, its last signal."""

    id: UUID
    place: Box
    state: str = "open"
    taker: str = ""
    queued: float = 0.0
    active: float = 0.0
    louder: bool = False
    last: float = 0.0
    decided: float = 0.0
    signals: int = 1

    def same(self, now: float, place: Box) -> bool:
        """The rule's situation goes on all the time in this test, so what somebody has does too."""
        quiet = self.decided > 0 and now <= self.decided + LIMITS.cool_down_s
        return place == self.place and (self.state in ("open", "taken") or quiet)


class Stores:
    """A store for so many machines; then it is judged, and there is another."""

    MACHINES = 25

    def __init__(self, folder: Path) -> None:
        self._folder, self._used = folder, 0
        self._store: Database | None = None
        self.events: list[Event] = []

    def next(self) -> Database:
        if self._store is None or self._used % self.MACHINES == 0:
            self.judge()
            place = self._folder / str(self._used)
            place.mkdir()
            self._store = database(place)
        self._used += 1
        return self._store

    def judge(self) -> None:
        if self._store is None:
            return
        with self._store.read() as r:
            assert violations(self.events, kept(r)) == []
        self._store.close()
        self._store, self.events = None, []


class Interleavings(RuleBasedStateMachine):
    """One camera with one rule a machine; some machines, one after another, share a store."""

    stores: Stores
    number = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.camera = f"gate-{next(self.number)}"
        self.store, self.events = self.stores.next(), self.stores.events
        self.now = 1.0
        self.known: list[Known] = []
        self.shut: set[str] = set()
        self.shut_since: float | None = None
        self.heard = self._last()
        self.start()

    def _last(self) -> int:
        with self.store.read() as r:
            return outbox.last(r)

    @initialize()
    def authorise(self) -> None:
        period = {"from": NOW, "until": NOW + timedelta(seconds=ENDS_S)}
        paper = act(reference=self.camera, cameras=(self.camera,), period=period)
        self.authority.add(paper, "dpo")

    def start(self) -> None:
        """A new process: what it knows is in the store."""
        self.gate = Gate(
            {self.camera: Live()}, desk_regime(verified()), site=UNDER, boot=lambda: self.now
        )
        self.people = People(self.store, lambda: None, self.utc)
        self.authority = Authority(self.store, self.gate, utc=self.utc, boot=lambda: self.now)
        self.authority.renew()

    def utc(self) -> datetime:
        return NOW + timedelta(seconds=self.now)

    @property
    def waiting(self) -> list[Known]:
        return [one for one in self.known if one.state in ("open", "taken")]

    # ------------------------------------------------------------------ the engine
    @rule(place=st.sampled_from([HERE, THERE]))
    def signal(self, place: Box) -> None:
        self.now += 0.01
        seen = sighting(camera=self.camera, shown=False)
        seen = replace(seen, alert=replace(seen.alert, where=place))
        at = self.utc()
        record = record_of(replace(seen, at=at, began_at=at - timedelta(seconds=1)))
        with self.store.write() as w:
            received = receive(w, record, Priority.LOW, LIMITS, at)
        assert received is not None
        incident, opened = received
        newest = sorted(self.known[::-1], key=lambda one: one not in self.waiting)
        same = next((one for one in newest if one.same(self.now, place)), None)
        assert opened == (same is None)
        if same is None:
            self.known.append(Known(incident.id, place, queued=self.now, last=self.now))
        else:
            assert incident.id == same.id
            same.signals, same.last = same.signals + 1, self.now

    @precondition(lambda self: self.now < 3 * ENDS_S)
    @rule(seconds=st.sampled_from([1.0, 5.0, 40.0, 130.0, 700.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.authority.renew()
        elapse(self.store, LIMITS, {(self.camera, "tracks"): there(HERE, THERE)}, self.utc())
        for one in self.known:
            self._age(one)

    def _age(self, one: Known) -> None:
        if one.state == "taken" and self.now - one.active >= LIMITS.idle_s:
            one.state, one.taker, one.queued = "open", "", self.now
        elif one.state == "open" and self.now - one.queued >= LIMITS.not_seen_s:
            one.state = "not_seen"
        elif one.state == "open" and self.now - one.queued >= LIMITS.louder_s:
            one.louder = True

    # ------------------------------------------------------------------ people
    def one(self, pick: int) -> Known:
        return self.known[pick % len(self.known)]

    def _may(self, deed: str, one: Known, who: str) -> bool:
        free = one.state in ("open", "not_seen")
        if deed == "take":
            return free or (one.state == "taken" and one.taker == who)
        if deed == "follow_up":
            return one.state in ("confirmed", "dismissed")
        return one.state == "taken" and one.taker == who

    @precondition(lambda self: self.known)
    @rule(
        deed=st.sampled_from(["take", "release", "hand_over", "confirm", "dismiss", "follow_up"]),
        pick=st.integers(0, 5),
        who=WHO,
        to=WHO,
        sees=st.sampled_from([True, True, True, False]),
    )
    def person(self, deed: str, pick: int, who: str, to: str, sees: bool) -> None:
        one = self.one(pick)
        scope = None if sees else frozenset({"elsewhere"})
        allowed = self._may(deed, one, who)
        try:
            self._do(deed, one.id, who, to, scope)
        except NotFound:
            assert not sees
            return
        except IncidentRefused:
            assert sees
            assert not allowed
            return
        assert sees
        assert allowed
        self._note(deed, one, who, to)

    def _do(self, deed: str, id_: UUID, who: str, to: str, scope: frozenset[str] | None) -> None:
        if deed == "take":
            self.people.take(id_, who, scope)
        elif deed == "release":
            self.people.release(id_, who, scope)
        elif deed == "hand_over":
            self.people.hand_over(id_, who, to, scope)
        elif deed == "follow_up":
            self.people.follow_up(id_, who, scope, outcome="none")
        else:
            sure = deed == "confirm"
            reason = "as_signalled" if sure else "animal"
            self.people.decide(id_, who, scope, confirmed=sure, reason=reason)

    def _note(self, deed: str, one: Known, who: str, to: str) -> None:
        if deed == "take":
            one.state, one.taker, one.active = "taken", who, self.now
        elif deed == "release":
            one.state, one.taker, one.queued = "open", "", self.now
        elif deed == "hand_over":
            one.taker, one.active = to, self.now
        elif deed == "follow_up":
            one.state = "followed_up"
        else:
            one.state = "confirmed" if deed == "confirm" else "dismissed"
            one.decided = self.now

    # ------------------------------------------------------------------ orders
    def _shut(self, why: str) -> None:
        self.shut.add(why)
        if self.shut_since is None:
            self.shut_since = self.now

    @rule(scope=st.sampled_from([Scope.CAMERA, Scope.RULE]), who=WHO)
    def stop(self, scope: Scope, who: str) -> None:
        self.authority.stop(scope, self._target(scope), who, "a test")
        if scope is Scope.CAMERA or scope is Scope.RULE:
            self._shut(scope.value)

    @rule(scope=st.sampled_from([Scope.CAMERA, Scope.RULE]))
    def lift(self, scope: Scope) -> None:
        there = scope.value in self.shut
        try:
            self.authority.lift(scope, self._target(scope), "ana", "over")
            assert there
        except NotFound:
            assert not there
        self.shut.discard(scope.value)
        if not self.shut and self.shut_since is not None:
            self.events.append(Forbidden(self.camera, self.shut_since, self.now))
            self.shut_since = None

    def _target(self, scope: Scope) -> str:
        return self.camera if scope is Scope.CAMERA else f"{self.camera}/tracks"

    @precondition(lambda self: self.now > 40)
    @rule(how=st.sampled_from(["suspend", "withdraw"]))
    def end_the_act(self, how: str) -> None:
        if how == "suspend":
            self.authority.suspend(self.camera, "dpo", "ordered")
        else:
            self.authority.withdraw(self.camera, "dpo", "ordered")
        self._shut(how)

    @rule()
    def frame(self) -> None:
        self.now += 0.01
        silent = self.now - self.renewed_s() >= CONTACT_S
        try:
            self.gate.admit(self.camera, {"tracks": Watched.FORBIDDEN_ZONE}, self.utc())
        except NotAuthorised:
            assert self.shut or silent or self.now >= ENDS_S
            return
        assert not self.shut
        assert self.now < ENDS_S
        self.events.append(Fed(self.camera, self.now))

    def renewed_s(self) -> float:
        return self.now if self.gate.in_contact else self.now - CONTACT_S

    @rule()
    def restart(self) -> None:
        self.start()

    # ------------------------------------------------------------------ what always holds
    @invariant()
    def the_store_says_what_is_known(self) -> None:
        with self.store.read() as r:
            mine = frozenset({self.camera})
            rows = {row.id: row for row in incidents.recent(r, mine, limit=1000)}
            queue = incidents.open_incidents(r, mine)
        assert [row.id for row in queue] == [one.id for one in self.waiting]
        assert len(rows) == len(self.known)
        for one in self.known:
            row = rows[one.id]
            assert (row.state.value, row.taker or "") == (one.state, _taker(one, row.taker))
            assert (row.signals, row.escalated is not None) == (one.signals, one.louder)
            decided = one.state in ("confirmed", "dismissed", "followed_up")
            assert (row.verdict is not None) == decided

    def teardown(self) -> None:
        with self.store.read() as r:
            for row in outbox.after(r, self.heard, 10_000, None):
                self.events.append(Received("screen", row.id, str(row.incident), row.revision))
        if self.shut_since is not None:
            self.events.append(Forbidden(self.camera, self.shut_since, float("inf")))
        self.events.append(Forbidden(self.camera, ENDS_S, float("inf")))


def _taker(one: Known, kept_taker: str | None) -> str:
    """After the verdict it is no question who has it."""
    return one.taker if one.state in ("open", "taken", "not_seen") else kept_taker or ""


def batch(seed: int) -> None:
    """BATCH machines, decided by one number. Raises whatever may not be."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(dir=memory))
    Interleavings.stores, Interleavings.number = Stores(folder), itertools.count()
    try:
        run_state_machine_as_test(
            hypothesis.seed(seed)(Interleavings),
            settings=settings(
                max_examples=BATCH,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
        Interleavings.stores.judge()
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=BATCH)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=math.inf, help="as many as fit into these")
    asked = parser.parse_args()
    began, done = time.monotonic(), 0
    while done < asked.machines and time.monotonic() - began < asked.seconds:
        seed = asked.seed + done // BATCH
        with again("tests.interleaved", "--seed", seed):
            batch(seed)
        done += BATCH
    print(f"{done} machines of {STEPS} steps, 0 failures, {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
