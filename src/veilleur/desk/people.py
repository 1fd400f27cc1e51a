"""What people do with incidents: one transaction each, with its line on the record and its message.

Errors of all: NotFound, IncidentRefused (also where somebody was faster), StoreError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from veilleur.incidents import life
from veilleur.incidents.going import Going
from veilleur.incidents.incident import FollowUp, Incident, Verdict
from veilleur.incidents.life import Limits
from veilleur.law.deed import SYSTEM, Deed, Entry
from veilleur.store import incidents, outbox
from veilleur.store.database import Database
from veilleur.store.signals import Scope
from veilleur.store.transaction import Writing

Change = Callable[[Incident, datetime], Incident]


def about(incident: Incident) -> str:
    return f"incident:{incident.id}"


def commit(w: Writing, before: Incident, after: Incident, entry: Entry) -> None:
    """The incident as it is now, on the record and for the screens, in this transaction."""
    incidents.update(w, after, before.revision)
    w.record(entry)
    outbox.append(w, after, entry.deed, entry.at)


class People:
    """changed: called after each commit."""

    def __init__(
        self,
        database: Database,
        changed: Callable[[], None],
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._changed, self._utc = database, changed, utc

    def take(self, id_: UUID, who: str, scope: Scope) -> Incident:
        return self._do(id_, who, scope, Deed.INCIDENT_TAKEN, lambda i, now: life.take(i, who, now))

    def touch(self, id_: UUID, who: str, scope: Scope) -> Incident:
        """The taker is at it: the claim is not idle. That is no line of the record."""
        with self._database.write() as w:
            before = incidents.found(w, id_, scope)
            after = life.touch(before, who, self._utc())
            incidents.update(w, after, before.revision)
        return after

    def release(self, id_: UUID, who: str, scope: Scope) -> Incident:
        deed = Deed.INCIDENT_RELEASED
        return self._do(id_, who, scope, deed, lambda i, now: life.release(i, who, now))

    def hand_over(self, id_: UUID, who: str, to: str, scope: Scope) -> Incident:
        """to: an account that may decide; whoever calls has made sure of it."""
        return self._do(
            id_,
            who,
            scope,
            Deed.INCIDENT_HANDED_OVER,
            lambda i, now: life.hand_over(i, who, to, now),
            to=to,
        )

    def decide(
        self, id_: UUID, who: str, scope: Scope, *, confirmed: bool, reason: str, note: str = ""
    ) -> Incident:
        def decided(incident: Incident, now: datetime) -> Incident:
            said = Verdict(confirmed=confirmed, who=who, at=now, reason=reason, note=note)
            return life.decide(incident, said)

        deed = Deed.INCIDENT_CONFIRMED if confirmed else Deed.INCIDENT_DISMISSED
        return self._do(id_, who, scope, deed, decided, reason=reason, note=note)

    def follow_up(
        self, id_: UUID, who: str, scope: Scope, *, outcome: str, note: str = ""
    ) -> Incident:
        def noted(incident: Incident, now: datetime) -> Incident:
            return life.follow_up(incident, FollowUp(who=who, at=now, outcome=outcome, note=note))

        deed = Deed.INCIDENT_FOLLOWED_UP
        return self._do(id_, who, scope, deed, noted, reason=outcome, note=note)

    def _do(
        self, id_: UUID, who: str, scope: Scope, deed: Deed, change: Change, **said: str
    ) -> Incident:
        now = self._utc()
        with self._database.write() as w:
            before = incidents.found(w, id_, scope)
            after = change(before, now)
            reason = said.pop("reason", "")
            details = {name: _said(name, text) for name, text in said.items() if text}
            entry = Entry(
                deed=deed, at=now, who=who, of=about(before), reason=reason, details=details
            )
            commit(w, before, after, entry)
        self._changed()
        return after


def _said(name: str, text: str) -> str:
    """A note can describe somebody, and the record is for ever: it has the note's digest, which
    shows that the kept note is the one that was written."""
    return f"sha256:{sha256(text.encode()).hexdigest()}" if name == "note" else text


# ---------------------------------------------------------------------- time alone
def elapse(
    database: Database,
    limits: Limits,
    ongoing: Mapping[tuple[str, str], Sequence[Going]],
    now: datetime,
) -> int:
    """What time does to the incidents that wait: claims left idle, louder, not seen; and whether
    their situation goes on. ongoing: by camera and rule, whose. Returns how many changed."""
    with database.read() as r:
        due = [
            one for one in incidents.open_incidents(r, None) if _later(one, limits, ongoing, now)
        ]
    if not due:
        return 0
    changed = 0
    with database.write() as w:
        for waiting in incidents.open_incidents(w, None):
            step = _later(waiting, limits, ongoing, now)
            if step is not None:
                after, deed = step
                entry = Entry(deed=deed, at=now, who=SYSTEM, of=about(waiting))
                commit(w, waiting, after, entry)
                changed += 1
    return changed


def _later(
    incident: Incident,
    limits: Limits,
    ongoing: Mapping[tuple[str, str], Sequence[Going]],
    now: datetime,
) -> tuple[Incident, Deed] | None:
    after = life.elapse(incident, now, limits)
    if after is not None:
        return after, _DEEDS[after.state.value, after.escalated != incident.escalated]
    going = ongoing.get((incident.first.camera, incident.first.rule))
    goes_on = going is not None and life.goes_on(incident, going)
    seen = life.went_on(incident, now, limits, ongoing=goes_on)
    return (seen, Deed.INCIDENT_UPDATED) if seen is not None else None


_DEEDS = {
    ("open", False): Deed.INCIDENT_RELEASED,
    ("open", True): Deed.INCIDENT_ESCALATED,
    ("not_seen", False): Deed.INCIDENT_NOT_SEEN,
}
