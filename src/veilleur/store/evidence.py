"""Stills and clips, with the incident they belong to and the hour of their erasure.

A piece is promised when its incident is opened ("pending"), and becomes "ready", or "failed" with
its cause: an incident is never lost for want of a picture. Erasing removes the content and leaves
the line that says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Update,
    Uuid,
    select,
    true,
)

from veilleur.incidents.identity import new_id
from veilleur.store.failures import failure, understood
from veilleur.store.incidents import incidents
from veilleur.store.metadata import Instant, Words, metadata
from veilleur.store.signals import Scope
from veilleur.store.transaction import Reading, Writing


class Sort(StrEnum):
    STILL = "still"
    CLIP = "clip"


class Condition(StrEnum):
    """What became of a piece."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    ERASED = "erased"


evidence = Table(
    "evidence",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("incident", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("sort", String(10), nullable=False),
    Column("condition", String(10), nullable=False),
    Column("cause", Words, nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("size", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

contents = Table(
    "evidence_contents",
    metadata,
    Column("piece", ForeignKey("evidence.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """cause: why it failed. size: bytes; digest: SHA-256 of the content. Both stay when it is
    erased, to tell which picture it was."""

    id: UUID
    incident: UUID
    sort: Sort
    condition: Condition
    cause: str
    media_type: str
    size: int
    digest: str
    taken_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """media_type: as "image/jpeg"."""

    content: bytes
    media_type: str


def promise(
    w: Writing, incident: UUID, sort: Sort, *, taken_at: datetime, expires_at: datetime
) -> UUID:
    """A piece that is being made. Returns its id."""
    id_ = new_id(taken_at)
    row = {
        "id": id_,
        "incident": incident,
        "sort": sort.value,
        "condition": Condition.PENDING.value,
        "cause": "",
        "media_type": "",
        "size": 0,
        "digest": "",
        "taken_at": taken_at,
        "expires_at": expires_at,
    }
    w.connection.execute(evidence.insert(), row)
    return id_


def keep(w: Writing, piece: UUID, made: Content) -> bool:
    """Its content. False: it is no longer awaited (it has failed, or was erased), nothing is kept.

    Use a transaction with essential=False: records come before pictures.
    """
    digest = sha256(made.content).hexdigest()
    awaited = w.connection.execute(
        _awaited(piece).values(
            condition=Condition.READY.value,
            media_type=made.media_type,
            size=len(made.content),
            digest=digest,
        )
    )
    if awaited.rowcount != 1:
        return False
    w.connection.execute(contents.insert(), {"piece": piece, "content": made.content})
    return True


def fail(w: Writing, piece: UUID, cause: str) -> bool:
    """It can't be made. cause: in words for the operator ("disk full"). False: not awaited."""
    failed = _awaited(piece).values(condition=Condition.FAILED.value, cause=cause)
    return w.connection.execute(failed).rowcount == 1


@understood("evidence")
def expire(w: Writing, now: datetime) -> list[Piece]:
    """Erase what has reached its hour, and give up what was never made. Returns what was erased.

    The database overwrites it, its log included (SQLite); PostgreSQL frees it with its next vacuum.
    """
    due = select(evidence).where(
        evidence.c.expires_at <= now,
        evidence.c.condition.in_((Condition.READY.value, Condition.PENDING.value)),
    )
    pieces = [_piece(row) for row in w.connection.execute(due)]
    for piece in pieces:
        _erase(w, piece.id)
    return pieces


def _erase(w: Writing, piece: UUID) -> None:
    w.connection.execute(contents.delete().where(contents.c.piece == piece))
    w.connection.execute(
        evidence.update().where(evidence.c.id == piece).values(condition=Condition.ERASED.value)
    )
    w.erased = True


@understood("evidence")
def pieces(r: Reading, incident: UUID, scope: Scope) -> list[Piece]:
    """All of an incident, the oldest first."""
    query = select(evidence).where(evidence.c.incident == incident, _visible(scope))
    return [_piece(row) for row in r.connection.execute(query.order_by(evidence.c.id))]


@understood("evidence")
def piece(r: Reading, id: UUID, scope: Scope) -> Piece | None:
    query = select(evidence).where(evidence.c.id == id, _visible(scope))
    row = r.connection.execute(query).first()
    return _piece(row) if row else None


@understood("evidence")
def content(r: Reading, id: UUID, scope: Scope) -> Content | None:
    """None: there is none (yet, or any more), or it is none of your business. Raises StoreError
    ("corrupt") where it is not what was kept: a picture that may show something else is none."""
    query = select(contents.c.content, evidence.c.media_type, evidence.c.digest).join(evidence)
    row = r.connection.execute(query.where(evidence.c.id == id, _visible(scope))).first()
    if row is None:
        return None
    if sha256(row.content).hexdigest() != row.digest:
        raise failure("the database", "corrupt", f"the content of {id} is not what was kept")
    return Content(row.content, row.media_type)


@understood("evidence")
def awaited(r: Reading) -> list[Piece]:
    """What was promised and is neither there nor given up: after a restart nobody makes it."""
    query = select(evidence).where(evidence.c.condition == Condition.PENDING.value)
    return [_piece(row) for row in r.connection.execute(query.order_by(evidence.c.id))]


def _awaited(piece: UUID) -> Update:
    return evidence.update().where(
        evidence.c.id == piece, evidence.c.condition == Condition.PENDING.value
    )


def _visible(scope: Scope) -> ColumnElement[bool]:
    if scope is None:
        return true()
    cameras = select(incidents.c.id).where(incidents.c.camera.in_(scope))
    return evidence.c.incident.in_(cameras)


def _piece(row: Row[tuple[object, ...]]) -> Piece:
    return Piece(
        id=row.id,
        incident=row.incident,
        sort=Sort(row.sort),
        condition=Condition(row.condition),
        cause=row.cause,
        media_type=row.media_type,
        size=row.size,
        digest=row.digest,
        taken_at=row.taken_at,
        expires_at=row.expires_at,
    )
