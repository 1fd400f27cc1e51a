"""Tokens for programs: for some permissions and cameras, until a day, and never stored themselves.

Permissions are short codes here; what they mean is the console's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, ForeignKey, Select, String, Table, Uuid, select

from veilleur.store.failures import understood
from veilleur.store.metadata import Instant, Words, metadata
from veilleur.store.related import related
from veilleur.store.transaction import Reading, Writing

tokens = Table(
    "tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("account", ForeignKey("accounts.name"), nullable=False, index=True),
    Column("name", Words, nullable=False),
    Column("every_camera", Boolean, nullable=False),
    Column("issued", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("revoked", Instant),
    Column("revoked_by", Words),
)
token_permissions = Table(
    "token_permissions",
    metadata,
    Column("token", ForeignKey("tokens.id"), primary_key=True),
    Column("permission", String(40), primary_key=True),
)
token_cameras = Table(
    "token_cameras",
    metadata,
    Column("token", ForeignKey("tokens.id"), primary_key=True),
    Column("camera", String(200), primary_key=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """account: for whom it acts; it never reaches further than that account does. name: what it is
    for, as somebody wrote. cameras: None: all that the account sees."""

    id: UUID
    account: str
    name: str
    permissions: frozenset[str]
    cameras: frozenset[str] | None
    issued: datetime
    expires: datetime
    revoked: datetime | None = None
    revoked_by: str | None = None

    def valid(self, now: datetime) -> bool:
        return self.revoked is None and now < self.expires


def issue(w: Writing, token: Token, digest: str) -> None:
    """digest: of the secret (`sessions.digest`), which nobody can ask for again."""
    row = {
        "id": token.id,
        "digest": digest,
        "account": token.account,
        "name": token.name,
        "every_camera": token.cameras is None,
        "issued": token.issued,
        "expires": token.expires,
    }
    w.connection.execute(tokens.insert(), row)
    permissions = [{"token": token.id, "permission": one} for one in sorted(token.permissions)]
    if permissions:
        w.connection.execute(token_permissions.insert(), permissions)
    cameras = [{"token": token.id, "camera": id_} for id_ in sorted(token.cameras or ())]
    if cameras:
        w.connection.execute(token_cameras.insert(), cameras)


def revoke(w: Writing, id: UUID, who: str, at: datetime) -> bool:
    """False: there is none, or it was revoked."""
    whole = tokens.c.id == id, tokens.c.revoked.is_(None)
    done = tokens.update().where(*whole).values(revoked=at, revoked_by=who)
    return w.connection.execute(done).rowcount > 0


def by_digest(r: Reading, digest: str) -> Token | None:
    return next(iter(_read(r, select(tokens).where(tokens.c.digest == digest))), None)


def token(r: Reading, id: UUID) -> Token | None:
    return next(iter(_read(r, select(tokens).where(tokens.c.id == id))), None)


def all_tokens(r: Reading) -> list[Token]:
    """The newest first, revoked and expired ones too."""
    return _read(r, select(tokens).order_by(tokens.c.issued.desc(), tokens.c.id))


@understood("tokens")
def _read(r: Reading, query: Select[Any]) -> list[Token]:
    rows = r.connection.execute(query).all()
    ids = [row.id for row in rows]
    permissions = related(r, token_permissions.c.token, token_permissions.c.permission, ids)
    cameras = related(r, token_cameras.c.token, token_cameras.c.camera, ids)
    return [
        Token(
            id=row.id,
            account=row.account,
            name=row.name,
            permissions=frozenset(permissions.get(row.id, ())),
            cameras=None if row.every_camera else frozenset(cameras.get(row.id, ())),
            issued=row.issued,
            expires=row.expires,
            revoked=row.revoked,
            revoked_by=row.revoked_by,
        )
        for row in rows
    ]
