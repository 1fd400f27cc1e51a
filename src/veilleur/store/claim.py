"""One desk a database: two would each give orders, and each tell every alert.

On a server the claim is an advisory lock of a session of its own, held for life: it is gone with
the process that has it, however that ends. An SQLite file has one writing process anyway
(`store.sqlite.Lock`).
Source: postgresql.org/docs: 13.3.5 Advisory Locks; 20.3 tcp_keepalives_idle.
"""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from veilleur.errors import StoreError
from veilleur.store import failures

KEY = 0x7E111E
"""Of the lock. Any number, but for ever the same one."""
KEEP_ALIVE = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}
"""The server notices within half a minute that the machine of a desk is gone."""


class HeldByAnother(StoreError):
    """Another desk has the claim, and is named. cause: "locked"."""


def process() -> str:
    """Which one this is, for whoever finds it in their way."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def since() -> str:
    return f"since {datetime.now(UTC).isoformat(sep=' ', timespec='seconds')}"


class Claim:
    """engine: of one connection, which nobody else uses, in autocommit. where: the database."""

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine, self._where = engine, where
        self._held: Connection | None = None

    def take(self) -> None:
        """Raises HeldByAnother, or StoreError for the server's trouble."""
        with failures.named(self._where):
            connection = self._engine.connect()
            try:
                if not connection.scalar(_TAKE, {"key": KEY}):
                    raise _held_by_another(connection, self._where)
            except BaseException:
                connection.close()
                raise
        self._held = connection

    def keep(self) -> None:
        """Is it still ours? A session that was cut is opened anew and asks again. Raises StoreError
        as `take`; then it is not ours, and nothing may be done that only one desk may do."""
        if self._held is None:
            self.take()
            return
        try:
            self._held.scalar(text("SELECT 1"))
        except DBAPIError:
            self.release()
            self.take()

    def release(self) -> None:
        """Closing the session gives it back."""
        if self._held is not None:
            self._held.invalidate()
            self._held.close()
            self._held = None
        self._engine.dispose()


_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_HOLDER = text(
    "SELECT l.pid, a.application_name AS name, a.backend_start AS since"
    " FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
    " JOIN pg_database d ON d.oid = l.database"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = 0"
    " AND l.objid = :key AND d.datname = current_database()"
)


def _held_by_another(connection: Connection, where: str) -> HeldByAnother:
    holder = connection.execute(_HOLDER, {"key": KEY}).first()
    who, end = "another desk has it", "end that one first"
    if holder is not None and holder.name:
        started = holder.since.astimezone(UTC).isoformat(sep=" ", timespec="seconds")
        who = f"another desk has it: {holder.name}, since {started}"
    if holder is not None:
        end += (
            "; if its machine is gone the server lets go of it within half a minute, or at once "
            f"with SELECT pg_terminate_backend({holder.pid})"
        )
    said = failures.failure(where, "locked", who, f"{end}; or name another database (--database)")
    return HeldByAnother(said.message, remedy=said.remedy, cause=said.cause)
