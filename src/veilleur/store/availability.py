"""How long each camera was in which condition, hour by hour: sums, so that it stays small.

What a camera sees stands nowhere here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Float, Integer, String, Table, select

from veilleur.store.inserting import insert_once
from veilleur.store.metadata import Instant, Words, metadata
from veilleur.store.signals import Scope
from veilleur.store.transaction import Reading, Writing

availability = Table(
    "availability",
    metadata,
    Column("camera", String(200), primary_key=True),
    Column("hour", Instant, primary_key=True, autoincrement=False),
    Column("condition", String(40), primary_key=True),
    Column("seconds", Float, nullable=False),
    Column("times", Integer, nullable=False),
    Column("cause", Words, nullable=False),
    Column("began", Instant, nullable=False),
    Column("ended", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """In one hour (its beginning, UTC) a camera was in one condition for so many seconds.

    times: how often it came into it. cause: the latest. began, ended: UTC, from when to when at the
    most.
    """

    camera: str
    hour: datetime
    condition: str
    seconds: float
    times: int
    cause: str
    began: datetime
    ended: datetime


def add(w: Writing, spent: Iterable[Spent]) -> None:
    """To what is known of the same hours."""
    for one in spent:
        if insert_once(w.connection, availability, _row(one)):
            continue
        w.connection.execute(
            availability.update()
            .where(
                availability.c.camera == one.camera,
                availability.c.hour == one.hour,
                availability.c.condition == one.condition,
            )
            .values(
                seconds=availability.c.seconds + one.seconds,
                times=availability.c.times + one.times,
                cause=one.cause,
                ended=one.ended,
            )
        )


def spent(r: Reading, since: datetime, scope: Scope) -> list[Spent]:
    """All hours that began then or later, in order. scope: cameras, None: all."""
    query = select(availability).where(availability.c.hour >= since)
    if scope is not None:
        query = query.where(availability.c.camera.in_(scope))
    rows = r.connection.execute(query.order_by(availability.c.hour, availability.c.condition))
    return [Spent(**row) for row in rows.mappings()]


def known_before(r: Reading, at: datetime) -> frozenset[str]:
    """The cameras of which something is known from an hour that began before that."""
    query = select(availability.c.camera).where(availability.c.hour < at).distinct()
    return frozenset(r.connection.execute(query).scalars())


def purge(w: Writing, before: datetime) -> int:
    """Forget the hours that began before that. Returns how many rows."""
    return w.connection.execute(availability.delete().where(availability.c.hour < before)).rowcount


def _row(one: Spent) -> dict[str, object]:
    return {
        "camera": one.camera,
        "hour": one.hour,
        "condition": one.condition,
        "seconds": one.seconds,
        "times": one.times,
        "cause": one.cause,
        "began": one.began,
        "ended": one.ended,
    }
