"""Insert a row unless it is there already, on either database."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """False: a row with the same key was there, and nothing has changed."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    insert = make(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    done = connection.execute(insert, row)
    return done.rowcount == 1
