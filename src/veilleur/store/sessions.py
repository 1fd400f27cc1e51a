"""Sessions of people who signed in. What opens one is never stored, only its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Table, or_, select

from veilleur.store.accounts import Account, account
from veilleur.store.failures import understood
from veilleur.store.metadata import Instant, metadata
from veilleur.store.transaction import Reading, Writing

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account", ForeignKey("accounts.name"), nullable=False, index=True),
    Column("began", Instant, nullable=False),
    Column("seen", Instant, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """id: the digest of what the browser holds. seen: when its owner last did something."""

    id: str
    account: Account
    began: datetime
    seen: datetime


def digest(secret: str) -> str:
    """What is stored instead of a random secret of 256 bits; for a password it would not do."""
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(w: Writing, id: str, name: str, at: datetime) -> None:
    w.connection.execute(sessions.insert(), {"id": id, "account": name, "began": at, "seen": at})


@understood("sessions")
def session(r: Reading, id: str) -> Session | None:
    """With its account as it is now. None: it has ended, or never was."""
    row = r.connection.execute(select(sessions).where(sessions.c.id == id)).first()
    owner = account(r, row.account) if row is not None else None
    if row is None or owner is None:
        return None
    return Session(id=row.id, account=owner, began=row.began, seen=row.seen)


def seen(w: Writing, id: str, at: datetime) -> None:
    """Never back: two that were noted may be written in any order."""
    mine = (sessions.c.id == id) & (sessions.c.seen < at)
    w.connection.execute(sessions.update().where(mine).values(seen=at))


def end(w: Writing, id: str) -> bool:
    """False: it had ended."""
    return w.connection.execute(sessions.delete().where(sessions.c.id == id)).rowcount > 0


def end_all_of(w: Writing, name: str, *, but: str = "") -> int:
    """Every session of an account, `but` this one. Returns how many."""
    whose = sessions.c.account == name
    return w.connection.execute(sessions.delete().where(whose, sessions.c.id != but)).rowcount


def forget(w: Writing, *, began_before: datetime, seen_before: datetime) -> int:
    """Those that time has ended. Returns how many."""
    over = or_(sessions.c.began < began_before, sessions.c.seen < seen_before)
    return w.connection.execute(sessions.delete().where(over)).rowcount
