"""The few values the product makes for itself and must find again: secret keys, the site's id."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text, select

from veilleur.store.inserting import insert_once
from veilleur.store.metadata import metadata
from veilleur.store.transaction import Reading, Writing

settings = Table(
    "settings",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("value", Text, nullable=False),
)


def get(r: Reading, key: str) -> str | None:
    return r.connection.execute(select(settings.c.value).where(settings.c.key == key)).scalar()


def put(w: Writing, key: str, value: str) -> None:
    if insert_once(w.connection, settings, {"key": key, "value": value}):
        return
    w.connection.execute(settings.update().where(settings.c.key == key).values(value=value))


def get_or_put(w: Writing, key: str, value: str) -> str:
    """What is kept there; `value`, kept from now on, where nothing was."""
    insert_once(w.connection, settings, {"key": key, "value": value})
    kept = get(w, key)
    assert kept is not None
    return kept
