"""What has happened to incidents, in order, for screens and channels.

A row is written in the transaction of what it tells, so neither is there without the other. Ids
grow in the order of the commits: who has seen up to one asks for what came after. A row stays until
it is too old, sent or not: a channel may send it twice, never not at all, and whoever receives it
knows it by incident and revision. The payload is a closed list (law 28), and holds nobody's name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    exists,
    func,
    select,
)

from veilleur.incidents.incident import Incident
from veilleur.law.deed import Deed
from veilleur.store.failures import understood
from veilleur.store.inserting import insert_once
from veilleur.store.metadata import Instant, metadata
from veilleur.store.signals import Scope
from veilleur.store.transaction import Reading, Writing

outbox = Table(
    "outbox",
    metadata,
    Column(
        "id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("incident", ForeignKey("incidents.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("camera", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("payload", Text, nullable=False),
    sqlite_autoincrement=True,  # an id is never used again
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("message", ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", String(80), primary_key=True),
    Column("at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One message. kind: the deed it tells. payload: JSON text of `payload_of`."""

    id: int
    incident: UUID
    revision: int
    camera: str
    kind: Deed
    at: datetime
    payload: str


def payload_of(incident: Incident, kind: Deed, record: int, digest: str) -> str:
    """Everything that may leave the house about an incident. where: x1 y1 x2 y2, shares 0..1 of the
    picture; times in UTC. record, digest: the end of the audit chain, so that a receiver can tell
    when rows that it has seen the number of are gone.
    """
    first = incident.first
    content = {
        "incident": str(incident.id),
        "revision": incident.revision,
        "kind": kind.value,
        "event": first.event.value,
        "level": first.level,
        "camera": first.camera,
        "rule": first.rule,
        "state": incident.state.value,
        "priority": incident.priority.value,
        "onset": first.onset.isoformat(),
        "noticed": first.noticed.isoformat(),
        "where": [first.where.x1, first.where.y1, first.where.x2, first.where.y2],
        "reference": first.reference,
        "software": first.software,
        "laboratory": first.laboratory,
        "canary": first.canary,
        "record": record,
        "digest": digest,
    }
    return json.dumps(content, separators=(",", ":"))


def append(w: Writing, incident: Incident, kind: Deed, at: datetime) -> int:
    """Tell it, in this transaction, after what it tells was recorded. Returns the message's id."""
    row = {
        "incident": incident.id,
        "revision": incident.revision,
        "camera": incident.first.camera,
        "kind": kind.value,
        "at": at,
        "payload": payload_of(incident, kind, w.head.number, w.head.digest),
    }
    made = w.connection.execute(outbox.insert(), row).inserted_primary_key
    assert made is not None
    return int(made[0])


def after(r: Reading, id: int, limit: int, scope: Scope) -> list[OutboxRow]:
    """What came after message `id` (0: everything), in order. scope: cameras, None: all."""
    query = select(outbox).where(outbox.c.id > id)
    if scope is not None:
        query = query.where(outbox.c.camera.in_(scope))
    return _messages(r, query.order_by(outbox.c.id).limit(limit))


def last(r: Reading) -> int:
    """The newest message's id, 0: none."""
    return r.connection.execute(select(func.max(outbox.c.id))).scalar() or 0


def undelivered(r: Reading, channel: str, limit: int) -> list[OutboxRow]:
    """What a channel has not acknowledged, the oldest first."""
    done = exists().where(deliveries.c.message == outbox.c.id, deliveries.c.channel == channel)
    return _messages(r, select(outbox).where(~done).order_by(outbox.c.id).limit(limit))


def mark_delivered(w: Writing, ids: Sequence[int], channel: str, at: datetime) -> None:
    """Acknowledged by whoever receives, not by a broker. A second time changes nothing."""
    for id_ in ids:
        insert_once(w.connection, deliveries, {"message": id_, "channel": channel, "at": at})


def purge(w: Writing, before: datetime) -> int:
    """Forget what is older than that. Returns how many messages."""
    return w.connection.execute(outbox.delete().where(outbox.c.at < before)).rowcount


def _messages(r: Reading, query: Select[Any]) -> list[OutboxRow]:
    with understood("messages"):
        return [_message(row) for row in r.connection.execute(query)]


def _message(row: Row[tuple[object, ...]]) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        incident=row.incident,
        revision=row.revision,
        camera=row.camera,
        kind=Deed(row.kind),
        at=row.at,
        payload=row.payload,
    )
