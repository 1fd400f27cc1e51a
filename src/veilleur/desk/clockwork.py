"""What happens because time passes: escalation, technical alarms, erasure, and the desk's pulse."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from veilleur.desk import canary, said
from veilleur.desk.availability import KEPT_FOR, Tally
from veilleur.desk.feed import Feed, Message, Topic
from veilleur.desk.people import about, commit, elapse
from veilleur.desk.technical import Gap, Technical
from veilleur.engine.report import CameraReport
from veilleur.errors import StoreError
from veilleur.incidents import life
from veilleur.incidents.going import Going
from veilleur.incidents.life import ClockSet, Limits
from veilleur.law.deed import SYSTEM, Deed, Entry
from veilleur.law.gate import boot_s
from veilleur.store import availability, evidence, incidents, outbox, settings
from veilleur.store.database import Database
from veilleur.store.transaction import Writing

TICK_S = 1.0
ALIVE_EVERY_S = 5.0
MOST_UNSAID = 10_000
"""Lines that wait for a store that refuses; beyond it the oldest are let go."""
ERASE_EVERY_S = 60.0
CANARIES_FOR, MESSAGES_FOR = timedelta(days=1), timedelta(days=14)
"""How long proofs of life and messages are kept: a screen or channel is not away for longer."""
STEP_S = 2.0
"""The clock on the wall moved by more than that against the host's own: it was put right."""
ALIVE = "alive"
"""Under this key stands when the desk last wrote: after a crash the record says how long nobody
watched."""
CLOCK_SET = "clock_set"
"""And under this one the step of the clock that the incidents' times were last moved by."""


class Engine(Protocol):
    """What is asked of the engine."""

    def report(self) -> Sequence[CameraReport]: ...
    def ongoing(self) -> Mapping[tuple[str, str], Sequence[Going]]: ...


class Clockwork:
    """alive: called with each round, None or what failed in it. changed: an incident has."""

    def __init__(
        self,
        database: Database,
        feed: Feed,
        engine: Engine,
        limits: Limits,
        *,
        changed: Callable[[], None],
        alive: Callable[[StoreError | None], None],
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._feed, self._limits = database, feed, limits
        self._engine, self._changed, self._alive, self._utc = engine, changed, alive, utc
        self.technical = Technical()
        self.tally = Tally(frozenset({canary.CAMERA}))
        self._wrote = self._erased = 0.0
        self._unsaid: deque[Entry] = deque(maxlen=MOST_UNSAID)
        self._sets: list[ClockSet] = []
        self._clock = (utc(), boot_s())

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(TICK_S):
            try:
                self.tick(boot_s())
                self._alive(None)
            except StoreError as error:
                self._alive(error)
        self.end()

    def end(self) -> None:
        """What was counted since the last minute; without a store that is let go."""
        with suppress(StoreError):
            self._erased = -ERASE_EVERY_S
            self._write(self._utc(), boot_s())

    def tick(self, host_s: float) -> None:
        """One round. host_s: seconds of `boot_s`, which nobody sets. Raises StoreError; what was to
        be said on the record is said later."""
        now = self._utc()
        self._note_step(now, host_s)
        # The proof of life is no camera of the site: what ails it is a stage of the pulse.
        reports = [one for one in self._engine.report() if one.camera != canary.CAMERA]
        self.tally.note(reports, now, host_s)
        changes = self.technical.update(reports, now)
        self._unsaid += [_gap(gap, now) for gap in (*changes.began, *changes.ended)]
        alarms = said.technical(self.technical.alarms(now))
        self._feed.publish(Message(topic=Topic.TECHNICAL, data=said.line(alarms)))
        self._write(now, host_s)
        if elapse(self._database, self._limits, self._engine.ongoing(), now):
            self._changed()

    def _write(self, now: datetime, host_s: float) -> None:
        heartbeat = host_s - self._wrote >= ALIVE_EVERY_S
        erasing = host_s - self._erased >= ERASE_EVERY_S
        if not (heartbeat or erasing or self._unsaid):
            return
        with self._database.write() as w:
            for entry in self._unsaid:
                w.record(entry)
            if self._sets:
                self._set_clock(w, now)
            if heartbeat:
                settings.put(w, ALIVE, now.isoformat())
            if erasing:
                incidents.forget_canaries(w, now - CANARIES_FOR)
                outbox.purge(w, now - MESSAGES_FOR)
                availability.add(w, self.tally.spent)
                availability.purge(w, now - KEPT_FOR)
            for piece in evidence.expire(w, now) if erasing else ():
                of = f"evidence:{piece.id}"
                details = {"incident": str(piece.incident), "sort": piece.sort.value}
                deed = Deed.EVIDENCE_ERASED
                w.record(Entry(deed=deed, at=now, who=SYSTEM, of=of, details=details))
        if erasing:
            self.tally.stored()
        self._unsaid.clear()
        self._sets.clear()
        self._wrote = host_s if heartbeat else self._wrote
        self._erased = host_s if erasing else self._erased

    def _note_step(self, now: datetime, host_s: float) -> None:
        """Was the clock set since the last round? Nobody's wait is longer or shorter for it."""
        before, host_before = self._clock
        self._clock = now, host_s
        passed = timedelta(seconds=host_s - host_before)
        step = now - before - passed
        if abs(step) < timedelta(seconds=STEP_S):
            return
        self._sets.append(ClockSet(step, now - passed, now))
        self.technical.clock_set(step)
        details = {"seconds": f"{step.total_seconds():+.1f}", "before": before.isoformat()}
        self._unsaid.append(Entry(deed=Deed.CLOCK_STEPPED, at=now, who=SYSTEM, details=details))

    def _set_clock(self, w: Writing, now: datetime) -> None:
        """Once, also where it is not known whether it was stored the first time."""
        known = self._sets[-1].since.isoformat()
        if settings.get(w, CLOCK_SET) == known:
            return
        settings.put(w, CLOCK_SET, known)
        for change in self._sets:
            for waiting in incidents.open_incidents(w, None):
                after = life.clock_set(waiting, replace(change, now=now))
                deed, of, why = Deed.INCIDENT_UPDATED, about(waiting), "the clock was set"
                commit(w, waiting, after, Entry(deed=deed, at=now, who=SYSTEM, of=of, reason=why))


def _gap(gap: Gap, now: datetime) -> Entry:
    details = {"condition": gap.condition.value, "since": gap.since.isoformat(), "cause": gap.cause}
    if gap.until is not None:
        details["until"] = gap.until.isoformat()
    return Entry(deed=Deed.GAP, at=now, who=SYSTEM, of=f"camera:{gap.camera}", details=details)
