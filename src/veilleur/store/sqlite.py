"""SQLite as this product uses it: one writer, which alone checkpoints, and readers.

`synchronous=FULL`, since NORMAL loses acknowledged rows when the power is cut. Readers never
checkpoint: releases before 3.51.3 can damage a database whose log is reset by one connection while
another checkpoints. A lock file keeps a second writing process out.
Source: sqlite.org/pragma.html, sqlite.org/wal.html.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

from veilleur.store import claim, failures

log = logging.getLogger(__name__)

READERS = 32
"""At most so many questions at once; further ones wait."""
WAL_RESET_RACE = ((3, 7, 0), (3, 51, 2))
MENDED = ((3, 44, 6), (3, 50, 7))
"""Releases inside the range, with those of the same branch after them, that hold the mend."""

_text = partial(str, encoding="utf-8", errors="replace")
"""Text with a flipped bit is read, so that it can be said where it is."""
_COMMON = ("foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON", "temp_store=MEMORY")
_WRITER = ("synchronous=FULL", "secure_delete=ON", "wal_autocheckpoint=1000", *_COMMON)
_READER = ("query_only=ON", "wal_autocheckpoint=0", *_COMMON)


def version_trouble(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> str | None:
    """What speaks against this release of SQLite; None: nothing that is known."""
    first, last = WAL_RESET_RACE
    mended = any(version[:2] == branch[:2] and version >= branch for branch in MENDED)
    if not first <= version <= last or mended:
        return None
    name = ".".join(map(str, version))
    return (
        f"SQLite {name} can damage a database when two connections checkpoint at once (mended in "
        "3.51.3): Veilleur's one writer is the only one that does, so open the database with no "
        "other program while it runs"
    )


def path_of(url: URL) -> Path | None:
    """Where its file is; None: in memory."""
    name = url.database
    return None if not name or name == ":memory:" or name.startswith("file:") else Path(name)


def to_read(url: URL, path: Path) -> URL:
    """For reading what may lie where nobody can write, as an auditor's copy does: SQLite makes
    files beside a database with a log, unless it is told that this one does not change. That is
    so where there is no log: whoever writes has one."""
    log_file = path.with_name(f"{path.name}-wal")
    if os.access(path.parent, os.W_OK) or (log_file.exists() and log_file.stat().st_size):
        return url
    return url.set(
        database=f"file:{quote(str(path.resolve()))}", query={"immutable": "1", "uri": "true"}
    )


def writer(url: URL, patience_s: float) -> Engine:
    """An engine of one connection. It must be the only one that writes, in any process."""
    engine = _engine(url, patience_s, size=1)
    event.listen(engine, "connect", _prepare(("journal_mode=WAL", *_WRITER)))
    event.listen(engine, "begin", _beginning("BEGIN IMMEDIATE"))
    return engine


def reader(url: URL, patience_s: float) -> Engine:
    engine = _engine(url, patience_s, size=READERS)
    event.listen(engine, "connect", _prepare(_READER))
    event.listen(engine, "begin", _beginning("BEGIN"))
    return engine


def _engine(url: URL, patience_s: float, size: int) -> Engine:
    return create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=patience_s,
        connect_args={
            "timeout": patience_s,
            "isolation_level": None,  # transactions begin where we say so
            "check_same_thread": False,  # the pool lends a connection to one thread at a time
        },
    )


def _prepare(pragmas: tuple[str, ...]) -> Callable[[sqlite3.Connection, object], None]:
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.text_factory = _text
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return prepare


def _beginning(word: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(word)

    return begin


def damage(connection: Connection) -> str | None:
    """The first thing that is wrong with the file's structure; None: it is sound."""
    journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if journal != "wal":
        return f"its journal is {journal!r} and can't be made a write-ahead log"
    found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    return None if found == "ok" else found


def is_full(path: Path) -> bool:
    """Is there no room left on the file's disk?"""
    try:
        return os.statvfs(path).f_bavail == 0
    except OSError:
        return False


def wipe_log(engine: Engine) -> bool:
    """Move the log into the database and cut it to nothing: what was erased is gone from it too.

    False: a reader, or the disk, is in the way.
    """
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout=0")  # nobody waits for it: it is tried again
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout={patience}")
    except sqlite3.Error as error:
        log.warning("what was erased is still in the database's log: %s", error)
        connection.invalidate()
        return False
    finally:
        connection.close()
    return not busy


class Lock:
    """Only one process writes: an advisory lock on a file beside the database, which says whose it
    is."""

    def __init__(self, path: Path, where: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 200, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise failures.failure(
                where,
                "locked",
                f"another veilleur writes to it: {holder}" if holder else "another veilleur does",
                "end that one first, or give this one a folder of its own (--data)",
            ) from None
        with suppress(OSError):  # a full disk: it is held all the same
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{claim.process()}, {claim.since()}\n".encode(), 0)

    def release(self) -> None:
        with suppress(OSError):
            os.ftruncate(self._file, 0)
        os.close(self._file)
