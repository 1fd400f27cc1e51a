"""What a database says when it fails, in the words of StoreError."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from veilleur.errors import StoreError

REMEDIES = {
    "full": "free space on its disk; what was not acknowledged is to be stored again",
    "read_only": "make its folder writable for this user, or mount its disk for writing",
    "locked": "end the other program that has it open (another veilleur, a backup, an SQL shell)",
    "corrupt": "stop, keep a copy of its files as they are, and put the newest backup back",
    "unreachable": "look at its disk or server and their logs; it is opened anew with the next try",
    "schema": "use the Veilleur that made it, or a newer one",
}
MEANINGS = {
    "full": "the disk is full",
    "read_only": "it can't be written to",
    "locked": "another process has locked it",
    "corrupt": "it is damaged",
    "unreachable": "it does not answer as it should",
    "schema": "it has a schema of another version",
}

_SQLITE = {
    "SQLITE_FULL": "full",
    "SQLITE_READONLY": "read_only",
    "SQLITE_PERM": "read_only",
    "SQLITE_AUTH": "read_only",
    "SQLITE_BUSY": "locked",
    "SQLITE_LOCKED": "locked",
    "SQLITE_PROTOCOL": "locked",
    "SQLITE_CORRUPT": "corrupt",
    "SQLITE_NOTADB": "corrupt",
    "SQLITE_FORMAT": "corrupt",
    "SQLITE_IOERR": "unreachable",
    "SQLITE_CANTOPEN": "unreachable",
    "SQLITE_NOMEM": "unreachable",
    "SQLITE_INTERRUPT": "unreachable",
}
_POSTGRESQL = {
    "53": "unreachable",  # insufficient resources, but for:
    "53100": "full",
    "25006": "read_only",
    "42501": "read_only",  # this role may not
    "55P03": "locked",
    "57014": "locked",  # waited for too long
    "40": "locked",  # serialisation, deadlock
    "XX": "corrupt",
    "58": "unreachable",
    "57": "unreachable",
    "08": "unreachable",
    "28": "unreachable",  # who are you
    "3D": "unreachable",  # no such database
}
_SYSTEM = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
}


@contextmanager
def named(where: str) -> Iterator[None]:
    """Failures of the database inside come out as StoreError. where: the database, no password.

    A broken rule of the schema (IntegrityError), a value that does not fit or wrong SQL is a
    mistake of ours and stays as it is.
    """
    try:
        yield
    except (DataError, IntegrityError, ProgrammingError) as error:
        cause = cause_of(error.orig)
        if cause is None:
            raise
        raise failure(where, cause, str(error.orig)) from error
    except DBAPIError as error:
        raise failure(where, cause_of(error.orig), str(error.orig)) from error
    except sqlite3.Error as error:  # while a connection is prepared
        raise failure(where, cause_of(error), str(error)) from error
    except UnicodeDecodeError as error:  # in a name that the driver tells
        raise failure(where, "corrupt", "a name in it is no text") from error
    except PoolTimeout as error:
        raise failure(where, "locked", "too many are reading at once") from error


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Rows of this are turned into values inside: what can't be one was damaged."""
    try:
        yield
    except (LookupError, TypeError, ValueError) as error:
        raise failure("the database", "corrupt", f"{what} can't be understood: {error}") from error


@contextmanager
def named_files(where: str) -> Iterator[None]:
    """The same for the files beside a database."""
    try:
        yield
    except OSError as error:
        raise failure(where, cause_of_disk(error), error.strerror or str(error)) from error


def cause_of_disk(error: OSError) -> str:
    return _SYSTEM.get(error.errno or 0, "unreachable")


def failure(where: str, cause: str | None, detail: str, remedy: str = "") -> StoreError:
    cause = cause or "unreachable"
    said = " ".join(detail.split())
    return StoreError(
        f"{where}: {MEANINGS[cause]}: {said}", remedy=remedy or REMEDIES[cause], cause=cause
    )


def cause_of(error: BaseException | None) -> str | None:
    """A cause of StoreError for what the driver raised; None: it gives no sign of a fault."""
    if isinstance(error, sqlite3.Error):
        name: str = getattr(error, "sqlite_errorname", "")
        return _SQLITE.get("_".join(name.split("_")[:2]))
    state: str | None = getattr(error, "sqlstate", None)
    return None if state is None else _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
