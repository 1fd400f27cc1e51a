"""Bring a database's schema up to date: the numbered revisions of `migrations/versions`.

All of it happens in the transaction it is handed, so what is interrupted leaves the old schema.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from veilleur.store import failures

FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, where: str) -> None:
    """To the newest schema. Raises StoreError "schema" where the database's is newer still."""
    at = MigrationContext.configure(connection).get_current_revision()
    if at == newest():
        return
    if at is not None and at not in known():
        raise failures.failure(where, "schema", f"its schema is {at!r}, this knows {newest()!r}")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def require_known(connection: Connection, where: str, *, older: bool = False) -> None:
    """Raises StoreError "schema" where the database has another schema than this release's, or,
    with older, none that it knows."""
    at = MigrationContext.configure(connection).get_current_revision()
    if at == newest() or (older and at in known()):
        return
    words = f"its schema is {at!r}, this knows {newest()!r}"
    if at in known():
        raise failures.failure(where, "schema", words, "start its service once with this Veilleur")
    raise failures.failure(where, "schema", words)


@cache
def known() -> frozenset[str]:
    """All revisions this release knows."""
    return frozenset(one.revision for one in _scripts().walk_revisions())


@cache
def newest() -> str:
    head = _scripts().get_current_head()
    assert head is not None
    return head


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
