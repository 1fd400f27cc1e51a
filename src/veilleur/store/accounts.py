"""Accounts: who may sign in, as what, for which cameras, and until when they are qualified.

Roles and cameras are rows of their own. An account is never removed, only disabled: the record
names it. What a role may do is the console's business, not the store's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Select, String, Table, Text, select

from veilleur.errors import AlreadyStored, NotFound
from veilleur.store.failures import understood
from veilleur.store.inserting import insert_once
from veilleur.store.metadata import Instant, metadata
from veilleur.store.related import related
from veilleur.store.transaction import Reading, Writing

NAME_LENGTH = 40

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(NAME_LENGTH), primary_key=True),
    Column("password", Text, nullable=False),
    Column("every_camera", Boolean, nullable=False),
    Column("habilitated_until", Instant),
    Column("trained_until", Instant),
    Column("disabled", Boolean, nullable=False),
    Column("once", Boolean, nullable=False),
    Column("language", String(5), nullable=False),
    Column("changed", Instant, nullable=False),
)
account_roles = Table(
    "account_roles",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("role", String(20), primary_key=True),
)
account_cameras = Table(
    "account_cameras",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("camera", String(200), primary_key=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """password: its argon2 hash. cameras: those it may know of, None: all. habilitated_until,
    trained_until: None where there never was one. once: its password opens one session and is then
    used up. language: "fr" or "en"."""

    name: str
    password: str = field(repr=False)
    roles: frozenset[str]
    cameras: frozenset[str] | None = None
    habilitated_until: datetime | None = None
    trained_until: datetime | None = None
    disabled: bool = False
    once: bool = False
    language: str = "fr"

    def qualified(self, now: datetime) -> bool:
        """Are habilitation and training in date (law 36)?"""
        return all(
            until is not None and now < until
            for until in (self.habilitated_until, self.trained_until)
        )


def add(w: Writing, account: Account, at: datetime) -> None:
    """Raises AlreadyStored: the name is taken, by a disabled account perhaps."""
    if not insert_once(w.connection, accounts, {"name": account.name, **_row(account, at)}):
        raise AlreadyStored(f"there is an account {account.name!r} already", id=account.name)
    _relate(w, account)


def change(w: Writing, account: Account, at: datetime) -> None:
    """The account as it is now, password included. Raises NotFound."""
    mine = accounts.c.name == account.name
    if w.connection.execute(accounts.update().where(mine).values(_row(account, at))).rowcount != 1:
        raise NotFound(f"there is no account {account.name!r}", remedy="look at the list")
    for table in (account_roles, account_cameras):
        w.connection.execute(table.delete().where(table.c.account == account.name))
    _relate(w, account)


def account(r: Reading, name: str) -> Account | None:
    return next(iter(_read(r, select(accounts).where(accounts.c.name == name))), None)


def all_accounts(r: Reading) -> list[Account]:
    """By name, the disabled ones too."""
    return _read(r, select(accounts).order_by(accounts.c.name))


def _relate(w: Writing, account: Account) -> None:
    roles = [{"account": account.name, "role": role} for role in sorted(account.roles)]
    if roles:
        w.connection.execute(account_roles.insert(), roles)
    cameras = [{"account": account.name, "camera": id_} for id_ in sorted(account.cameras or ())]
    if cameras:
        w.connection.execute(account_cameras.insert(), cameras)


def _row(account: Account, at: datetime) -> dict[str, object]:
    return {
        "password": account.password,
        "every_camera": account.cameras is None,
        "habilitated_until": account.habilitated_until,
        "trained_until": account.trained_until,
        "disabled": account.disabled,
        "once": account.once,
        "language": account.language,
        "changed": at,
    }


@understood("accounts")
def _read(r: Reading, query: Select[Any]) -> list[Account]:
    rows = r.connection.execute(query).all()
    names = [row.name for row in rows]
    roles = related(r, account_roles.c.account, account_roles.c.role, names)
    cameras = related(r, account_cameras.c.account, account_cameras.c.camera, names)
    return [
        Account(
            name=row.name,
            password=row.password,
            roles=frozenset(roles.get(row.name, ())),
            cameras=None if row.every_camera else frozenset(cameras.get(row.name, ())),
            habilitated_until=row.habilitated_until,
            trained_until=row.trained_until,
            disabled=row.disabled,
            once=row.once,
            language=row.language,
        )
        for row in rows
    ]
