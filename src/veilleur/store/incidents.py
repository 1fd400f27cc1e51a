"""Incidents, as rows and back.

A row becomes a frozen value at the door. `scope` is the cameras an account may see (None: all), and
stands in every question itself, so that what is out of it can't be told from what does not exist.
A verdict and a follow-up are rows of their own: who, when, why.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    Uuid,
    and_,
    case,
    false,
    func,
    or_,
    select,
)

from veilleur.catalogue import Priority
from veilleur.errors import AlreadyStored, IncidentMoved, NotFound
from veilleur.incidents.incident import FollowUp, Incident, State, Verdict
from veilleur.incidents.signal import SignalRecord
from veilleur.store.failures import understood
from veilleur.store.inserting import insert_once
from veilleur.store.metadata import Instant, Words, metadata
from veilleur.store.signals import AT_ONCE, Scope, add_signal, by_id, checks, signals
from veilleur.store.transaction import Reading, Writing

WAITING = (State.OPEN.value, State.TAKEN.value)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("first", Uuid, nullable=False),  # of `signals`
    Column("camera", String(200), nullable=False),
    Column("rule", String(200), nullable=False),
    Column("canary", Boolean, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("priority", String(10), nullable=False),
    Column("opened", Instant, nullable=False, index=True),
    Column("queued", Instant, nullable=False),
    Column("last_signal", Instant, nullable=False),
    Column("signals", Integer, nullable=False),
    Column("ongoing", Boolean, nullable=False),
    Column("escalated", Instant),
    Column("taker", Words),
    Column("taken", Instant),
    Column("active", Instant),
)
_waiting = incidents.c.state.in_(WAITING)
Index(
    "ix_incidents_waiting",
    incidents.c.camera,
    incidents.c.rule,
    sqlite_where=_waiting,
    postgresql_where=_waiting,
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("incident", ForeignKey("incidents.id"), primary_key=True),
    Column("confirmed", Boolean, nullable=False),
    Column("who", Words, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("reason", String(40), nullable=False),
    Column("note", Words, nullable=False),
)

follow_ups = Table(
    "follow_ups",
    metadata,
    Column("incident", ForeignKey("incidents.id"), primary_key=True),
    Column("who", Words, nullable=False),
    Column("at", Instant, nullable=False),
    Column("outcome", String(40), nullable=False),
    Column("note", Words, nullable=False),
)

_URGENCY = case(
    {Priority.HIGH.value: 0, Priority.MEDIUM.value: 1}, value=incidents.c.priority, else_=2
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Who has an incident, and when it went louder."""

    taker: str | None
    escalated: datetime | None


# ---------------------------------------------------------------------- deeds
def insert(w: Writing, incident: Incident) -> None:
    """A new incident with its first signal.

    Raises AlreadyStored where the signal or the incident is stored already. Whether its situation
    has an incident is `incidents.life`'s to say, in the same transaction.
    """
    if not insert_once(w.connection, incidents, _incident_row(incident)):
        raise AlreadyStored(f"incident {incident.id} is stored already", id=str(incident.id))
    add_signal(w, incident.first, incident.id)


def update(w: Writing, incident: Incident, expected_revision: int) -> None:
    """The incident as it is now, with its verdict and follow-up.

    expected_revision: that of the value it was made from. Raises IncidentMoved where the stored one
    is another.
    """
    changed = w.connection.execute(
        incidents.update()
        .where(incidents.c.id == incident.id, incidents.c.revision == expected_revision)
        .values(_incident_row(incident))
    )
    if changed.rowcount != 1:
        raise IncidentMoved(
            "somebody was faster",
            remedy="look at it again",
            cause="moved",
            incident=str(incident.id),
        )
    if incident.verdict:
        insert_once(w.connection, verdicts, _verdict_row(incident.id, incident.verdict))
    if incident.follow_up:
        insert_once(w.connection, follow_ups, _follow_up_row(incident.id, incident.follow_up))


def forget_canaries(w: Writing, before: datetime) -> int:
    """Proofs of life that were noticed before that, but for the one their incident began with.
    Returns how many."""
    old = select(signals.c.id).where(
        signals.c.canary,
        signals.c.noticed < before,
        signals.c.id.not_in(select(incidents.c.first)),
    )
    w.connection.execute(checks.delete().where(checks.c.signal.in_(old)))
    return w.connection.execute(signals.delete().where(signals.c.id.in_(old))).rowcount


# ---------------------------------------------------------------------- questions
def incident(r: Reading, id: UUID, scope: Scope) -> Incident | None:
    """None: there is none, or it is none of your business."""
    return next(iter(_incidents(r, _within(scope).where(incidents.c.id == id))), None)


def standing(r: Reading, ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Of many incidents at once, what a screen wants to know beside their messages."""
    columns = (incidents.c.id, incidents.c.taker, incidents.c.escalated)
    wanted, found = list(ids), {}
    for some in (wanted[n : n + AT_ONCE] for n in range(0, len(wanted), AT_ONCE)):
        with understood("incidents"):
            rows = r.connection.execute(select(*columns).where(incidents.c.id.in_(some)))
            found.update({row.id: Standing(row.taker, row.escalated) for row in rows})
    return found


def found(r: Reading, id: UUID, scope: Scope) -> Incident:
    """One that people see to. Raises NotFound: there is none, it is none of your business, or it is
    a proof of life."""
    known = incident(r, id, scope)
    if known is None or known.first.canary:
        raise NotFound(f"there is no incident {id}", remedy="go back to the queue")
    return known


def open_incidents(
    r: Reading, scope: Scope, *, camera: str | None = None, canary: bool = False
) -> list[Incident]:
    """The queue: open and taken, the most urgent first, the oldest first among equals."""
    query = _of(_within(scope), camera, canary).where(_waiting)
    return _incidents(r, query.order_by(_URGENCY, incidents.c.opened, incidents.c.id))


def recent(
    r: Reading,
    scope: Scope,
    *,
    states: Collection[State] = (),
    camera: str | None = None,
    before: datetime | Incident | None = None,
    canary: bool = False,
    limit: int = 100,
) -> list[Incident]:
    """The newest first. states: of these alone, where any is given. before: opened before that
    instant, or what follows that incident: many may have been opened at one instant."""
    query = _of(_within(scope), camera, canary)
    if states:
        query = query.where(incidents.c.state.in_([state.value for state in states]))
    if isinstance(before, Incident):
        beside = and_(incidents.c.opened == before.opened, incidents.c.id < before.id)
        query = query.where(or_(incidents.c.opened < before.opened, beside))
    elif before is not None:
        query = query.where(incidents.c.opened < before)
    newest = query.order_by(incidents.c.opened.desc(), incidents.c.id.desc())
    return _incidents(r, newest.limit(limit))


def waiting(r: Reading, camera: str, rule: str, *, canary: bool = False) -> list[Incident]:
    """The rule's incidents that are open or taken, the newest first."""
    query = _of(_within(None), camera, canary).where(incidents.c.rule == rule, _waiting)
    return _incidents(r, query.order_by(incidents.c.opened.desc(), incidents.c.id.desc()))


def decided_about(
    r: Reading,
    camera: str,
    rule: str,
    at: datetime,
    within: timedelta,
    *,
    canary: bool = False,
) -> list[Incident]:
    """The rule's incidents that had their verdict around that instant, before it or after."""
    query = _of(_within(None), camera, canary).where(incidents.c.rule == rule)
    return _incidents(r, query.where(verdicts.c.at.between(at - within, at + within)))


def of_signal(r: Reading, signal: UUID) -> Incident | None:
    """The one a stored signal belongs to."""
    its = select(signals.c.incident).where(signals.c.id == signal).scalar_subquery()
    return next(iter(_incidents(r, _within(None).where(incidents.c.id == its))), None)


def count_waiting(r: Reading, scope: Scope) -> int:
    query = select(func.count()).select_from(incidents)
    if scope is not None:
        query = query.where(incidents.c.camera.in_(scope))
    query = query.where(_waiting, incidents.c.canary == false())
    return r.connection.execute(query).scalar_one()


_EVERYTHING = (
    select(
        incidents,
        *(column.label(f"verdict_{column.name}") for column in verdicts.c),
        *(column.label(f"follow_up_{column.name}") for column in follow_ups.c),
    )
    .outerjoin(verdicts, verdicts.c.incident == incidents.c.id)
    .outerjoin(follow_ups, follow_ups.c.incident == incidents.c.id)
)


def _within(scope: Scope) -> Select[tuple[object, ...]]:
    return _EVERYTHING if scope is None else _EVERYTHING.where(incidents.c.camera.in_(scope))


def _of(
    query: Select[tuple[object, ...]], camera: str | None, canary: bool
) -> Select[tuple[object, ...]]:
    query = query.where(incidents.c.canary == canary)
    return query if camera is None else query.where(incidents.c.camera == camera)


def _incidents(r: Reading, query: Select[tuple[object, ...]]) -> list[Incident]:
    with understood("incidents"):
        rows = r.connection.execute(query).all()
        firsts = by_id(r, [row.first for row in rows])
        return [_incident(row, firsts[row.first]) for row in rows]


def _incident(row: Row[tuple[object, ...]], first: SignalRecord) -> Incident:
    return Incident(
        id=row.id,
        first=first,
        state=State(row.state),
        revision=row.revision,
        priority=Priority(row.priority),
        opened=row.opened,
        queued=row.queued,
        last_signal=row.last_signal,
        signals=row.signals,
        ongoing=row.ongoing,
        escalated=row.escalated,
        taker=row.taker,
        taken=row.taken,
        active=row.active,
        verdict=_verdict(row),
        follow_up=_follow_up(row),
    )


def _verdict(row: Row[tuple[object, ...]]) -> Verdict | None:
    if row.verdict_incident is None:
        return None
    return Verdict(
        confirmed=row.verdict_confirmed,
        who=row.verdict_who,
        at=row.verdict_at,
        reason=row.verdict_reason,
        note=row.verdict_note,
    )


def _follow_up(row: Row[tuple[object, ...]]) -> FollowUp | None:
    if row.follow_up_incident is None:
        return None
    return FollowUp(
        who=row.follow_up_who,
        at=row.follow_up_at,
        outcome=row.follow_up_outcome,
        note=row.follow_up_note,
    )


def _incident_row(one: Incident) -> dict[str, object]:
    return {
        "id": one.id,
        "first": one.first.id,
        "camera": one.first.camera,
        "rule": one.first.rule,
        "canary": one.first.canary,
        "state": one.state.value,
        "revision": one.revision,
        "priority": one.priority.value,
        "opened": one.opened,
        "queued": one.queued,
        "last_signal": one.last_signal,
        "signals": one.signals,
        "ongoing": one.ongoing,
        "escalated": one.escalated,
        "taker": one.taker,
        "taken": one.taken,
        "active": one.active,
    }


def _verdict_row(incident: UUID, verdict: Verdict) -> dict[str, object]:
    return {
        "incident": incident,
        "confirmed": verdict.confirmed,
        "who": verdict.who,
        "at": verdict.at,
        "reason": verdict.reason,
        "note": verdict.note,
    }


def _follow_up_row(incident: UUID, done: FollowUp) -> dict[str, object]:
    return {
        "incident": incident,
        "who": done.who,
        "at": done.at,
        "outcome": done.outcome,
        "note": done.note,
    }
