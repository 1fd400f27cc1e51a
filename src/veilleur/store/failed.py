"""Passwords that were wrong lately, so that a restart opens no lock (S6).

By account and by address. A name that no account has is not kept: it may be a password.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, String, Table, select

from veilleur.store.inserting import insert_once
from veilleur.store.metadata import Instant, metadata
from veilleur.store.transaction import Reading, Writing

failed_sign_ins = Table(
    "failed_sign_ins",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("at", Instant, primary_key=True, autoincrement=False),
)


@dataclass(frozen=True, slots=True)
class Failed:
    """key: "account:NAME" or "address:ADDRESS"."""

    key: str
    at: datetime


def of_account(name: str) -> str:
    return f"account:{name}"


def of_address(address: str) -> str:
    return f"address:{address}"[:80]


def note(w: Writing, keys: Iterable[str], at: datetime) -> None:
    for key in keys:
        insert_once(w.connection, failed_sign_ins, {"key": key, "at": at})


def forget(w: Writing, key: str) -> None:
    """It was right this time."""
    w.connection.execute(failed_sign_ins.delete().where(failed_sign_ins.c.key == key))


def recent(r: Reading, since: datetime) -> list[Failed]:
    """In order. What is of a time to come (the clock was set back) is among them."""
    query = select(failed_sign_ins).where(failed_sign_ins.c.at >= since)
    rows = r.connection.execute(query.order_by(failed_sign_ins.c.at))
    return [Failed(row.key, row.at) for row in rows]


def purge(w: Writing, before: datetime) -> int:
    """Returns how many were too old to count."""
    old = failed_sign_ins.c.at < before
    return w.connection.execute(failed_sign_ins.delete().where(old)).rowcount
