"""One database: opened once, written by one transaction at a time, read by many.

    with Database.open("sqlite:////var/lib/veilleur/veilleur.db") as database:
        with database.write() as w:
            incidents.insert(w, incident)
            w.record(entry)
        with database.read() as r:
            incidents.open_incidents(r, scope=None)

SQLite needs no set-up; PostgreSQL takes a URL (`postgresql://user@host/name`). What is committed
is on the disk. Every failure is a StoreError with a cause; nothing is retried on its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, Self

from sqlalchemy import URL, Connection, Engine, make_url, select
from sqlalchemy.exc import ArgumentError

from veilleur.errors import ConfigurationError, StoreError
from veilleur.law.deed import COMMAND_LINE, Deed, Entry
from veilleur.store import failures, letters, migrating, record, sqlite, witness
from veilleur.store.claim import HeldByAnother
from veilleur.store.postgresql import Postgresql
from veilleur.store.record import Head, audit
from veilleur.store.reserve import Reserve
from veilleur.store.transaction import Reading, Writing
from veilleur.store.turn import Turn
from veilleur.store.witness import Witness

PATIENCE_S = 5.0
"""So long a transaction waits for another one's end."""
RESERVE_BYTES = 16 << 20
NAME = "veilleur.db"


class Kind(Protocol):
    """What is different about a database of one make."""

    where: str
    writer: Engine
    reader: Engine

    def examine(self, connection: Connection) -> None:
        """Raises StoreError "corrupt" where the database is not sound."""
        ...

    def take_in(self, writing: Writing) -> None:
        """Record what other processes have left for the record."""
        ...

    def committed(self, writing: Writing) -> None:
        """What follows on a commit, and can undo nothing: it raises nothing."""
        ...

    def failed(self, error: StoreError) -> StoreError:
        """What to raise: the same, or what its disk says about the cause."""
        ...

    def refuse_unessential(self) -> None:
        """Raises StoreError "full" where the space left is for records alone."""
        ...

    def claim(self) -> None:
        """Be its only desk, or still be it. Raises StoreError "locked": another one is."""
        ...

    def close(self) -> None: ...


class Sqlite:
    """A file. Beside it: NAME.lock, NAME.head (the witness), NAME.reserve, and NAME.letters where
    somebody left one."""

    def __init__(self, url: URL, patience_s: float, reserve_bytes: int) -> None:
        path = sqlite.path_of(url)
        if path is None:
            raise ConfigurationError(
                "a database in memory keeps nothing", remedy="name a file: sqlite:////data/my.db"
            )
        self.where = str(path)
        self._path = path
        self._letters = letters_beside(path)
        self._to_wipe = False  # something was erased, and is in the log still
        with failures.named_files(self.where):
            self._lock = sqlite.Lock(_beside(path, ".lock"), self.where)
            try:
                self._open(path, reserve_bytes)
            except (StoreError, OSError):
                self._lock.release()
                raise
        self.writer = sqlite.writer(url, patience_s)
        self.reader = sqlite.reader(url, patience_s)

    def _open(self, path: Path, reserve_bytes: int) -> None:
        self._witness = Witness(_beside(path, ".head"))
        if self._witness.head and not (path.exists() and path.stat().st_size):
            raise self._missing("the file itself is gone or empty")
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._reserve = Reserve(_beside(path, ".reserve"), reserve_bytes)
        self._reserve.hold()

    def examine(self, connection: Connection) -> None:
        if trouble := sqlite.damage(connection):
            raise failures.failure(self.where, "corrupt", trouble)
        head = record.read_head(connection)
        seen = self._witness.head
        if seen is None:
            self._witness.see(head)
        elif seen.number > head.number:
            raise self._missing(f"records {head.number + 1} to {seen.number} are missing")
        elif seen.number and _digest(connection, seen.number) != seen.digest:
            raise self._missing(f"record {seen.number} is another one")

    def _missing(self, what: str) -> StoreError:
        return failures.failure(
            self.where,
            "corrupt",
            f"it is not the database that was last written here: {what}",
            f"put back the newest backup with its {self._witness.path.name}; only if this older "
            f"state is the one you want, remove {self._witness.path.name}",
        )

    def take_in(self, writing: Writing) -> None:
        self._letters.record_into(writing)

    def committed(self, writing: Writing) -> None:
        if writing.recorded:
            self._witness.see(writing.head)
            self._letters.discard()
        self._to_wipe |= writing.erased
        if self._to_wipe:
            self._to_wipe = not sqlite.wipe_log(self.writer)

    def failed(self, error: StoreError) -> StoreError:
        """SQLite calls it an I/O error whatever the disk answered."""
        if error.cause == "unreachable" and (cause := self._trouble_of_disk()):
            error = failures.failure(self.where, cause, error.message)
        if error.cause == "full":
            self._reserve.spend()
        return error

    def _trouble_of_disk(self) -> str | None:
        if sqlite.is_full(self._path):
            return "full"
        try:
            self._witness.try_again()
        except OSError as error:
            return failures.cause_of_disk(error)
        return None

    def refuse_unessential(self) -> None:
        self._reserve.hold()
        if not self._reserve.held:
            raise failures.failure(self.where, "full", "what is left is kept for records")

    def claim(self) -> None:
        """Whoever has opened the file is the only one that writes to it."""

    def close(self) -> None:
        self.reader.dispose()  # first: whoever closes last checkpoints
        self.writer.dispose()
        self._witness.close()
        self._lock.release()


class Database:
    """Shared by all threads of a process."""

    def __init__(self, kind: Kind, patience_s: float) -> None:
        self._kind = kind
        self._patience_s = patience_s
        self._turn = Turn()
        self._owner: int | None = None
        self._closed = False
        self._claimed = False
        self.lost: StoreError | None = None
        """Another desk has taken the claim that this one had: nothing is read or written any more,
        whatever becomes of that other desk."""

    @classmethod
    def open(
        cls, url: str, *, patience_s: float = PATIENCE_S, reserve_bytes: int = RESERVE_BYTES
    ) -> Self:
        """Open it, bring its schema up to date and make sure that it is sound.

        Raises StoreError: "corrupt" where it is damaged or not the one that was last written here,
        "schema" where a newer Veilleur made it, "locked" where another process writes to it,
        and the other causes. ConfigurationError: the URL can't be used.
        """
        kind = _kind_of(url, patience_s, reserve_bytes)
        try:
            with failures.named(kind.where), kind.writer.begin() as connection:
                migrating.upgrade(connection, kind.where)
                _examine_end(connection, kind.where)
                kind.examine(connection)
        except StoreError as error:
            named = kind.failed(error)
            kind.close()
            raise named from error.__cause__
        except BaseException:
            kind.close()
            raise
        return cls(kind, patience_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def where(self) -> str:
        """Which database it is, in words that hold no password."""
        return self._kind.where

    def claim(self) -> None:
        """Be the only desk on it, until it is closed; called again, make sure that it still is:
        a server may have been restarted. Raises StoreError: "locked" where another desk has it,
        which is named. What was ours and is another one's is `lost`."""
        self._require_open()
        try:
            self._kind.claim()
        except HeldByAnother as error:
            if not self._claimed:
                raise
            words = f"this desk has lost its database to another one, and ends: {error.message}"
            self.lost = StoreError(words, remedy=error.remedy, cause=error.cause)
            raise self.lost from error
        self._claimed = True

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """Ask. What is seen is one instant's state, whatever is written meanwhile."""
        self._require_open()
        with failures.named(self.where), self._kind.reader.connect() as connection:
            yield Reading(connection)

    @contextmanager
    def write(self, *, essential: bool = True) -> Iterator[Writing]:
        """Write: what is done inside is stored at its end, all of it or nothing.

        The only writer of the process while it lasts; others wait, in the order they came. It may
        hold many deeds: in a transaction of a hundred, a signal costs a third of one on its own.
        essential: False for what may be refused when the disk is nearly full, pictures above all,
        so that there is room for records. Raises StoreError; its connection is then closed, and a
        new one is opened for the next transaction.
        """
        with self._my_turn():
            self._require_open()
            if not essential:
                self._kind.refuse_unessential()
            try:
                with failures.named(self.where), self._kind.writer.begin() as connection:
                    writing = Writing(connection, record.read_head(connection, to_write=True))
                    self._kind.take_in(writing)
                    yield writing
                    if writing.recorded:
                        record.write_head(connection, writing.head)
            except StoreError as error:
                self._kind.writer.dispose()
                raise self._kind.failed(error) from error.__cause__
            self._kind.committed(writing)

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        me = threading.get_ident()
        if self._owner == me:
            raise RuntimeError("write() inside write(): a transaction has one beginning")
        if not self._turn.take(self._patience_s):
            raise failures.failure(
                self.where,
                "locked",
                f"other transactions have been going on for {self._patience_s:g} s",
                "try again",
            )
        self._owner = me
        try:
            yield
        finally:
            self._owner = None
            self._turn.give()

    def close(self) -> None:
        """After the transaction that goes on. A second time does nothing."""
        if self._closed:
            return
        with self._my_turn():
            self._closed = True
            self._kind.close()

    def _require_open(self) -> None:
        if self._closed:
            raise failures.failure(self.where, "unreachable", "it has been closed")
        if self.lost is not None:
            raise StoreError(self.lost.message, remedy=self.lost.remedy, cause=self.lost.cause)


def url_in(folder: Path) -> str:
    """The database of a data folder, where no other is named."""
    return f"sqlite:///{folder / NAME}"


@contextmanager
def reading(url: str, *, patience_s: float = PATIENCE_S, older: bool = False) -> Iterator[Reading]:
    """Ask a database that another process may be writing to, without a claim on it.

    It is not examined: whether it is sound may be the question. older: what is asked for is the
    same in every earlier schema, as the record is. Raises StoreError.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        path = sqlite.path_of(parsed)
        if path is None or not path.is_file():
            where = str(path or url)
            raise failures.failure(where, "unreachable", "there is no such file", "check its name")
        where, engine = str(path), sqlite.reader(sqlite.to_read(parsed, path), patience_s)
    else:
        server = Postgresql(parsed, patience_s)
        where, engine = server.where, server.reader
    try:
        with failures.named(where), engine.connect() as connection:
            migrating.require_known(connection, where, older=older)
            yield Reading(connection)
    finally:
        engine.dispose()


def note_export(url: str, details: Mapping[str, str]) -> None:
    """A line of the record, "exported", from a process that does not write otherwise: at once on a
    server; beside an SQLite file it waits for whoever writes there next (`store.letters`). details:
    who does it, and with which command. Raises StoreError: then nothing may be exported."""
    now, parsed = datetime.now(UTC), _parsed(url)
    path = sqlite.path_of(parsed)
    if parsed.get_backend_name() != "sqlite" or path is None:
        with Database.open(url) as database, database.write() as w:
            w.record(Entry(deed=Deed.EXPORTED, at=now, who=COMMAND_LINE, details=details))
        return
    try:
        letters_beside(path).leave(now, details)
    except OSError as error:
        raise failures.failure(
            str(path),
            failures.cause_of_disk(error) or "unreachable",
            f"that it is exported can't be put on the record: {error.strerror}",
            "copy it to a folder that can be written, or act as the user of the service",
        ) from None


def letters_beside(path: Path) -> letters.Letters:
    return letters.Letters(_beside(path, ".letters"))


def kept_head(url: str) -> Head | None:
    """The end of the chain as the file beside the database tells it; None: it does not."""
    parsed = _parsed(url)
    path = sqlite.path_of(parsed) if parsed.get_backend_name() == "sqlite" else None
    file = _beside(path, ".head") if path else None
    return witness.parse(file.read_text(errors="replace")) if file and file.is_file() else None


_KEPT_APART = "a password stands in ~/.pgpass, or in the file that PGPASSFILE names"


def _parsed(url: str) -> URL:
    """Errors: ConfigurationError, which never has a word of the URL beyond its kind: it may hold a
    password. One that does is refused: whoever lists the processes of this machine reads it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: what should be a port is no number
        raise ConfigurationError(
            "the database's address is no URL",
            remedy=f"sqlite:////data/veilleur.db or postgresql://user@host/name; {_KEPT_APART}",
            setting="database",
        ) from None
    if parsed.password is not None or "password" in parsed.query:
        raise ConfigurationError(
            "the database's address holds a password, which every user of this machine can read "
            "in the list of processes",
            remedy=f"give postgresql://user@host/name without it; {_KEPT_APART}",
            setting="database",
        )
    make = parsed.drivername.partition("+")[0]
    if make not in ("sqlite", "postgresql"):
        raise ConfigurationError(
            f"{make!r} is no database that is supported",
            remedy="use sqlite or postgresql",
            setting="database",
        )
    return parsed


def _kind_of(url: str, patience_s: float, reserve_bytes: int) -> Kind:
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return Sqlite(parsed, patience_s, reserve_bytes)
    return Postgresql(parsed, patience_s)


def _examine_end(connection: Connection, where: str) -> None:
    """Do the head and the last row agree? Raises StoreError "corrupt"."""
    head = record.read_head(connection)
    last = connection.execute(
        select(audit.c.number, audit.c.digest).order_by(audit.c.number.desc()).limit(1)
    ).first()
    if head.number and (last is None or Head(last.number, last.digest) != head):
        found = f"record {last.number}" if last else "nothing"
        raise failures.failure(
            where,
            "corrupt",
            f"its record should end with number {head.number} and ends with {found}",
            "run `veilleur audit verify` on a copy of it; put the newest backup back",
        )


def _digest(connection: Connection, number: int) -> str | None:
    return connection.execute(select(audit.c.digest).where(audit.c.number == number)).scalar()


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
