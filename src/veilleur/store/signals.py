"""Signals, as rows and back: a signal is stored once, and never changed.

What was measured stands in rows of its own. `scope` is the cameras an account may see (None: all).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, Row, String, Table, Uuid, select

from veilleur.catalogue import Event
from veilleur.errors import AlreadyStored
from veilleur.events.rule import Check
from veilleur.geometry import Box
from veilleur.incidents.signal import SignalRecord
from veilleur.store.failures import understood
from veilleur.store.inserting import insert_once
from veilleur.store.metadata import Instant, Words, metadata
from veilleur.store.transaction import Reading, Writing

Scope = frozenset[str] | None
AT_ONCE = 1000  # ids in one question

signals = Table(
    "signals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("incident", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("camera", String(200), nullable=False),
    Column("rule", String(200), nullable=False),
    Column("event", String(40), nullable=False),
    Column("level", String(20), nullable=False),
    Column("onset", Instant, nullable=False),
    Column("noticed", Instant, nullable=False, index=True),
    Column("x1", Float, nullable=False),
    Column("y1", Float, nullable=False),
    Column("x2", Float, nullable=False),
    Column("y2", Float, nullable=False),
    Column("reference", Words, nullable=False),
    Column("parameters", String(64), nullable=False),
    Column("software", String(64), nullable=False),
    Column("laboratory", Boolean, nullable=False),
    Column("canary", Boolean, nullable=False),
)

checks = Table(
    "checks",
    metadata,
    Column("signal", ForeignKey("signals.id"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("name", String(40), nullable=False),
    Column("measured", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("unit", String(20), nullable=False),
    Column("held_s", Float, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("at_least", Boolean, nullable=False),
)


def add_signal(w: Writing, signal: SignalRecord, incident: UUID) -> None:
    """Store a signal of an incident that is stored. Raises AlreadyStored: it was, by this id."""
    if not insert_once(w.connection, signals, _row(signal, incident)):
        raise AlreadyStored(f"signal {signal.id} is stored already", id=str(signal.id))
    if signal.checks:
        measured = [_check_row(signal.id, place, one) for place, one in enumerate(signal.checks)]
        w.connection.execute(checks.insert(), measured)


def known(r: Reading, signal: UUID) -> bool:
    """Has this signal been stored?"""
    query = select(signals.c.id).where(signals.c.id == signal)
    return r.connection.execute(query).scalar() is not None


def signals_of(r: Reading, incident: UUID, scope: Scope) -> list[SignalRecord]:
    """All signals of an incident, in the order they were noticed."""
    query = select(signals).where(signals.c.incident == incident)
    if scope is not None:
        query = query.where(signals.c.camera.in_(scope))
    with understood("signals"):
        rows = r.connection.execute(query.order_by(signals.c.noticed, signals.c.id)).all()
        return list(_with_checks(r, rows))


def by_id(r: Reading, ids: Sequence[UUID]) -> dict[UUID, SignalRecord]:
    found: dict[UUID, SignalRecord] = {}
    for some in (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)):
        with understood("signals"):
            rows = r.connection.execute(select(signals).where(signals.c.id.in_(some))).all()
            found.update((signal.id, signal) for signal in _with_checks(r, rows))
    return found


def _with_checks(r: Reading, rows: Sequence[Row[tuple[object, ...]]]) -> Iterator[SignalRecord]:
    measured = _checks(r, [row.id for row in rows])
    return (_signal(row, tuple(measured.get(row.id, ()))) for row in rows)


def _checks(r: Reading, of: Sequence[UUID]) -> dict[UUID, list[Check]]:
    found: dict[UUID, list[Check]] = {}
    for some in (of[start : start + AT_ONCE] for start in range(0, len(of), AT_ONCE)):
        query = select(checks).where(checks.c.signal.in_(some))
        for row in r.connection.execute(query.order_by(checks.c.signal, checks.c.place)):
            found.setdefault(row.signal, []).append(_check(row))
    return found


def _signal(row: Row[tuple[object, ...]], measured: tuple[Check, ...]) -> SignalRecord:
    return SignalRecord(
        id=row.id,
        camera=row.camera,
        rule=row.rule,
        event=Event(row.event),
        level=row.level,
        onset=row.onset,
        noticed=row.noticed,
        where=Box(row.x1, row.y1, row.x2, row.y2),
        checks=measured,
        reference=row.reference,
        parameters=row.parameters,
        software=row.software,
        laboratory=row.laboratory,
        canary=row.canary,
    )


def _check(row: Row[tuple[object, ...]]) -> Check:
    return Check(
        name=row.name,
        measured=row.measured,
        threshold=row.threshold,
        unit=row.unit,
        held_s=row.held_s,
        passed=row.passed,
        at_least=row.at_least,
    )


def _row(signal: SignalRecord, incident: UUID) -> dict[str, object]:
    return {
        "id": signal.id,
        "incident": incident,
        "camera": signal.camera,
        "rule": signal.rule,
        "event": signal.event.value,
        "level": signal.level,
        "onset": signal.onset,
        "noticed": signal.noticed,
        "x1": float(signal.where.x1),
        "y1": float(signal.where.y1),
        "x2": float(signal.where.x2),
        "y2": float(signal.where.y2),
        "reference": signal.reference,
        "parameters": signal.parameters,
        "software": signal.software,
        "laboratory": signal.laboratory,
        "canary": signal.canary,
    }


def _check_row(signal: UUID, place: int, check: Check) -> dict[str, object]:
    return {
        "signal": signal,
        "place": place,
        "name": check.name,
        "measured": float(check.measured),
        "threshold": float(check.threshold),
        "unit": check.unit,
        "held_s": float(check.held_s),
        "passed": bool(check.passed),
        "at_least": bool(check.at_least),
    }
