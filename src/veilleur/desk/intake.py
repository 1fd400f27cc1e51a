"""From sightings to incidents: each signal is stored once, with its incident, record and message.

What could not be stored waits in memory and is tried again; the desk says so. An id is made before
the first try, so that a try whose outcome is unknown does no harm when it is repeated.
"""

from __future__ import annotations

import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from veilleur import __version__
from veilleur.catalogue import PRIORITY, Priority
from veilleur.engine.sighting import Sighting, in_shares
from veilleur.errors import StoreError
from veilleur.events.rule import Check
from veilleur.incidents import life
from veilleur.incidents.going import Going
from veilleur.incidents.identity import new_id
from veilleur.incidents.incident import Incident
from veilleur.incidents.life import Limits
from veilleur.incidents.signal import SignalRecord
from veilleur.law.deed import SYSTEM, Deed, Entry
from veilleur.store import evidence, incidents, outbox, signals
from veilleur.store.database import Database
from veilleur.store.evidence import Sort
from veilleur.store.transaction import Writing

WAIT_S = 0.2
RETRY_S = 0.5
MOST_AT_ONCE = 200
MOST_WAITING = 100_000
"""Signals that wait for a store that doesn't answer. Beyond it the newest are counted as lost."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A signal that is on the disk. still: the piece of evidence that was promised with the
    incident it opened; None: it opened none."""

    signal: SignalRecord
    incident: Incident
    sighting: Sighting
    still: UUID | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    signal: SignalRecord
    priority: Priority
    sighting: Sighting


def record_of(sighting: Sighting, *, canary: bool = False) -> SignalRecord:
    """The signal as it is kept, with its id."""
    alert = sighting.alert
    return SignalRecord(
        id=new_id(sighting.at),
        camera=alert.camera,
        rule=alert.rule,
        event=alert.event,
        level=alert.level,
        onset=sighting.began_at,
        noticed=sighting.at,
        where=in_shares(alert.where, sighting.view),
        checks=tuple(map(_number, alert.checks)),
        reference=sighting.reference,
        parameters=sighting.parameters,
        software=__version__,
        laboratory=alert.laboratory,
        canary=canary,
    )


def _number(check: Check) -> Check:
    """What was measured and is no number is kept as 0: a mistake of a rule must neither lose its
    signal nor hold up those behind it."""
    if math.isfinite(check.measured) and math.isfinite(check.threshold):
        return check
    kept = (value if math.isfinite(value) else 0.0 for value in (check.measured, check.threshold))
    measured, threshold = kept
    return replace(check, measured=measured, threshold=threshold)


def receive(
    w: Writing,
    signal: SignalRecord,
    priority: Priority,
    limits: Limits,
    now: datetime,
    *,
    others: Sequence[Going] = (),
) -> tuple[Incident, bool] | None:
    """Store one signal with all that belongs to it. others: whose situations went on beside it.
    Returns its incident and whether it opened it; None: it was stored already. A proof of life is
    no line of the record."""
    if signals.known(w, signal.id):
        return None
    known = _incident_of(w, signal, others, limits)
    if known is None:
        incident = life.opened(new_id(now), signal, priority, now)
        incidents.insert(w, incident)
        deed = Deed.INCIDENT_OPENED
    else:
        incident = life.signalled(known, signal)
        signals.add_signal(w, signal, incident.id)
        incidents.update(w, incident, known.revision)
        deed = Deed.INCIDENT_UPDATED
    if not signal.canary:
        _record(w, signal, incident, deed, now)
    outbox.append(w, incident, deed, now)
    return incident, known is None


def _incident_of(
    w: Writing, signal: SignalRecord, others: Sequence[Going], limits: Limits
) -> Incident | None:
    """The one of its situation, among those that wait or had their verdict a moment ago."""
    camera, rule, canary = signal.camera, signal.rule, signal.canary
    cool_down = timedelta(seconds=limits.cool_down_s)
    known = [
        *incidents.waiting(w, camera, rule, canary=canary),
        *incidents.decided_about(w, camera, rule, signal.noticed, cool_down, canary=canary),
    ]
    return life.situation_of(signal, known, limits, others)


def _record(
    w: Writing, signal: SignalRecord, incident: Incident, deed: Deed, now: datetime
) -> None:
    about = f"incident:{incident.id}"
    details = {
        "signal": str(signal.id),
        "camera": signal.camera,
        "rule": signal.rule,
        "event": signal.event.value,
        "noticed": signal.noticed.isoformat(timespec="milliseconds"),
        "reference": signal.reference,
        "parameters": signal.parameters,
        "laboratory": str(signal.laboratory).lower(),
    }
    w.record(Entry(deed=Deed.SIGNAL, at=now, who=SYSTEM, of=about, details=details))
    w.record(Entry(deed=deed, at=now, who=SYSTEM, of=about))


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    """pictures_for: how long a still is kept. canary: the camera whose signals are proofs of life,
    "": there is none."""

    limits: Limits = field(default_factory=Limits)
    pictures_for: timedelta = timedelta(days=30)
    canary: str = ""


class Intake:
    """One thread that empties the engine's queue into the store.

    priorities: (camera, rule) to the rule's urgency, as it is configured now. stored: told of each
    signal that is on the disk, in this thread. alive: with each round, None or why nothing can be
    stored; also in `trouble`. lost: signals for which there was no room any more, until that is on
    the record.
    """

    def __init__(
        self,
        database: Database,
        sightings: queue.SimpleQueue[Sighting],
        settings: IntakeSettings,
        *,
        priorities: Callable[[], Mapping[tuple[str, str], Priority]],
        stored: Callable[[Sequence[Stored]], None],
        alive: Callable[[StoreError | None], None] = lambda _: None,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._sightings, self._settings = database, sightings, settings
        self._priorities, self._stored, self._alive, self._utc = priorities, stored, alive, utc
        self._waiting: deque[_Waiting] = deque()
        self.trouble: StoreError | None = None
        self.lost = 0

    @property
    def waiting(self) -> int:
        """Signals that are not on the disk yet."""
        return len(self._waiting) + self._sightings.qsize()

    def run(self, stop: threading.Event) -> None:
        """Until it is told to stop, and then until nothing can be stored any more."""
        while not stop.is_set():
            self._take(WAIT_S)
            stored = self._store()
            self._alive(self.trouble)
            if not stored:
                stop.wait(RETRY_S)
        self._take(0.0)
        self._store()

    def _take(self, wait_s: float) -> None:
        """What has come, as values with ids."""
        try:
            if not self._waiting and wait_s:
                self._keep(self._sightings.get(timeout=wait_s))
            while True:
                self._keep(self._sightings.get_nowait())
        except queue.Empty:
            return

    def _keep(self, sighting: Sighting) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return
        if self.trouble is not None:
            # Pictures are large: without a store they are let go, the signal is not.
            sighting = replace(sighting, picture=None)
        alert = sighting.alert
        signal = record_of(sighting, canary=alert.camera == self._settings.canary)
        usual = PRIORITY[alert.event]
        priority = self._priorities().get((alert.camera, alert.rule), usual)
        self._waiting.append(_Waiting(signal, priority, sighting))

    def _store(self) -> bool:
        """All that waits, in transactions of some hundred. False: the store refuses."""
        while self._waiting:
            some = [self._waiting[n] for n in range(min(MOST_AT_ONCE, len(self._waiting)))]
            try:
                done = self._write(some)
            except StoreError as error:
                self.trouble = error
                return False
            self.trouble = None
            for _ in some:
                self._waiting.popleft()
            self._stored(done)
        return True

    def _write(self, some: Sequence[_Waiting]) -> list[Stored]:
        done = []
        with self._database.write() as w:
            now = self._utc()
            for one in some:
                received = receive(
                    w,
                    one.signal,
                    one.priority,
                    self._settings.limits,
                    now,
                    others=one.sighting.others,
                )
                if received is None:
                    done += self._stored_before(w, one)
                    continue
                incident, opened = received
                still = self._promised(w, incident) if opened else None
                done.append(Stored(one.signal, incident, one.sighting, still))
            if self.lost:
                details = {"signals_lost": str(self.lost)}
                w.record(Entry(deed=Deed.GAP, at=now, who=SYSTEM, details=details))
        self.lost = 0
        return done

    def _stored_before(self, w: Writing, one: _Waiting) -> list[Stored]:
        """The first try was stored though its outcome was unknown: what hangs on it is still to be
        made."""
        signal = one.signal
        incident = incidents.of_signal(w, signal.id)
        if incident is None or incident.first.id != signal.id:
            return []
        pieces = evidence.pieces(w, incident.id, None)
        still = next((piece.id for piece in pieces if piece.sort is Sort.STILL), None)
        return [Stored(signal, incident, one.sighting, still)]

    def _promised(self, w: Writing, incident: Incident) -> UUID | None:
        if incident.first.canary:
            return None
        noticed = incident.first.noticed
        expires = noticed + self._settings.pictures_for
        return evidence.promise(w, incident.id, Sort.STILL, taken_at=noticed, expires_at=expires)
