"""Authorisations, suspensions, withdrawn cameras and stops: what the gate obeys.

Nothing is ever removed: what ends an order is written beside it (lifted by whom, when).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Row,
    Select,
    String,
    Table,
    Text,
    Uuid,
    and_,
    func,
    select,
)

from veilleur.errors import AlreadyStored, NotFound
from veilleur.incidents.identity import new_id
from veilleur.law.authorisation import Authorisation
from veilleur.law.orders import Act, Orders, Scope, Stop, Suspension
from veilleur.store.failures import understood
from veilleur.store.inserting import insert_once
from veilleur.store.metadata import Instant, Words, metadata
from veilleur.store.transaction import Reading, Writing

acts = Table(
    "acts",
    metadata,
    Column("reference", Words, primary_key=True),
    Column("act", Text, nullable=False),
    Column("ends", Instant, nullable=False, index=True),
    Column("added_by", Words, nullable=False),
    Column("added_at", Instant, nullable=False),
)


def _order(name: str, *columns: Column[str]) -> Table:
    """An order of somebody, in force until it is lifted."""
    return Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True),
        *columns,
        Column("who", Words, nullable=False),
        Column("at", Instant, nullable=False),
        Column("reason", Words, nullable=False),
        Column("lifted_by", Words),
        Column("lifted_at", Instant),
    )


suspensions = _order("suspensions", Column("act", ForeignKey("acts.reference"), nullable=False))
withdrawals = _order("withdrawals", Column("camera", String(200), nullable=False))
stops = _order(
    "stops",
    Column("scope", String(20), nullable=False),
    Column("target", String(400), nullable=False),
)

LONG_AGO = timedelta(days=1)
"""An act that ended before that is in force by no clock that is a little wrong."""


# ---------------------------------------------------------------------- authorisations
def add_act(w: Writing, act: Authorisation, who: str, at: datetime) -> None:
    """An act of the authority as it was handed in, whole. Raises AlreadyStored: its reference is
    known; a renewal is another act with a reference of its own."""
    row = {
        "reference": act.reference,
        "act": _text(act),
        "ends": act.period.end,
        "added_by": who,
        "added_at": _after(w, withdrawals.c.at, at),
    }
    if not insert_once(w.connection, acts, row):
        raise AlreadyStored(f"act {act.reference} is stored already", id=act.reference)


@understood("acts")
def all_acts(r: Reading) -> list[Act]:
    """Every act that was ever added, those that ended too, the latest end first."""
    return _acts(r, select(acts.c.reference, acts.c.act).order_by(acts.c.ends.desc()))


def suspend(w: Writing, reference: str, by: Suspension) -> bool:
    """False: it is suspended already. Raises NotFound: there is no such act."""
    _require_act(w, reference)
    return _give(w, suspensions, {"act": reference}, by.who, by.at, by.reason)


# ---------------------------------------------------------------------- cameras and stops
def withdraw(w: Writing, camera: str, who: str, at: datetime, reason: str) -> bool:
    """The camera may be analysed under no act that is there; one that is added later may name it
    again. False: it is withdrawn from all of them already."""
    at = _after(w, acts.c.added_at, at)
    row = {"id": new_id(at), "camera": camera, "who": who, "at": at, "reason": reason}
    if camera in _withdrawn(w, _named(w, at)):
        return False
    w.connection.execute(withdrawals.insert(), row)
    return True


def _after(w: Writing, other: Column[datetime], at: datetime) -> datetime:
    """Acts and withdrawals count in the order in which they came, also where the clock was set
    back in between: never before the last of the other sort."""
    last = w.connection.execute(select(func.max(other))).scalar()
    return at if last is None else max(at, last + timedelta(microseconds=1))


def stop(w: Writing, wanted: Stop) -> bool:
    """False: so much is stopped already."""
    what = {"scope": wanted.scope.value, "target": wanted.target}
    return _give(w, stops, what, wanted.who, wanted.at, wanted.reason)


def lift(w: Writing, scope: Scope, target: str, who: str, at: datetime) -> bool:
    """End a stop. False: there is none."""
    return _lift(w, stops, {"scope": scope.value, "target": target}, who, at)


# ---------------------------------------------------------------------- what applies
def current(r: Reading, now: datetime) -> Orders:
    """Everything the gate has to obey. now: acts that ended a day before it are left out."""
    with understood("orders"):
        named = _named(r, now)
        return Orders(
            acts=tuple(named),
            withdrawn=_withdrawn(r, named),
            stops=tuple(
                _stop(row)
                for row in r.connection.execute(_in_force(stops, stops).order_by(stops.c.at))
            ),
        )


def _named(r: Reading, now: datetime) -> list[Act]:
    """Acts in force or to come, without the cameras that were withdrawn after they were added."""
    running = select(acts.c.reference, acts.c.act, acts.c.added_at).where(
        acts.c.ends > now - LONG_AGO
    )
    withdrawn = _last_withdrawn(r)
    found = []
    for row, act in _rows(r, running.order_by(acts.c.reference)):
        paper = act.authorisation
        left = tuple(
            camera
            for camera in paper.cameras
            if camera not in withdrawn or withdrawn[camera] < row.added_at
        )
        if left:
            without = paper if left == paper.cameras else paper.model_copy(update={"cameras": left})
            found.append(replace(act, authorisation=without))
    return found


def _last_withdrawn(r: Reading) -> dict[str, datetime]:
    query = _in_force(withdrawals, withdrawals).order_by(withdrawals.c.at)
    return {row.camera: row.at for row in r.connection.execute(query)}


def _withdrawn(r: Reading, named: list[Act]) -> frozenset[str]:
    """Cameras that were withdrawn and that no later act names."""
    again = {camera for act in named for camera in act.authorisation.cameras}
    return frozenset(_last_withdrawn(r)) - again


def _stop(row: Row[Any]) -> Stop:
    return Stop(
        scope=Scope(row.scope), target=row.target, who=row.who, at=row.at, reason=row.reason
    )


def _acts(r: Reading, query: Select[Any]) -> list[Act]:
    return [act for _, act in _rows(r, query)]


def _rows(r: Reading, query: Select[Any]) -> list[tuple[Row[Any], Act]]:
    running = r.connection.execute(_in_force(suspensions, suspensions))
    suspended = {row.act: Suspension(who=row.who, at=row.at, reason=row.reason) for row in running}
    return [
        (row, Act(authorisation=_act(row.act), suspended=suspended.get(row.reference)))
        for row in r.connection.execute(query)
    ]


def _text(act: Authorisation) -> str:
    return act.model_dump_json(by_alias=True, exclude_none=True)


@lru_cache(maxsize=256)
def _act(text: str) -> Authorisation:
    """The same text is read twice a second."""
    return Authorisation.model_validate_json(text)


def _require_act(w: Writing, reference: str) -> None:
    query = select(acts.c.reference).where(acts.c.reference == reference)
    if w.connection.execute(query).scalar() is None:
        raise NotFound(f"there is no act {reference!r}", remedy="add it first")


def _in_force(table: Table, what: Table | Column[str]) -> Select[Any]:
    return select(what).where(table.c.lifted_at.is_(None))


def _same(table: Table, what: Mapping[str, str]) -> ColumnElement[bool]:
    """What is ordered there is this, and goes on."""
    of_it = [table.c[name] == value for name, value in what.items()]
    return and_(table.c.lifted_at.is_(None), *of_it)


def _give(
    w: Writing, table: Table, what: Mapping[str, str], who: str, at: datetime, reason: str
) -> bool:
    if w.connection.execute(select(table.c.id).where(_same(table, what))).first() is not None:
        return False
    row = {"id": new_id(at), "who": who, "at": at, "reason": reason, **what}
    w.connection.execute(table.insert(), row)
    return True


def _lift(w: Writing, table: Table, what: Mapping[str, str], who: str, at: datetime) -> bool:
    lifted = table.update().where(_same(table, what)).values(lifted_by=who, lifted_at=at)
    return w.connection.execute(lifted).rowcount > 0
