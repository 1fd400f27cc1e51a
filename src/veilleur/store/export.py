"""The audit record as a file that can be verified anywhere: JSON, one line a row.

The first line tells the chain's origin and end; each further one is a row. What leads from a row to
its digest stands in `record`, so that anybody can write their own verifier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import exists, select

from veilleur.errors import ConfigurationError
from veilleur.store.chain import ChainReport, examine, raw_lines
from veilleur.store.metadata import instant, microseconds
from veilleur.store.record import SCHEME, Head, audit, canonical, read_end
from veilleur.store.signals import signals
from veilleur.store.transaction import Reading

_COLUMNS = tuple(column.name for column in audit.c)


@dataclass(frozen=True, slots=True)
class Exported:
    """A row as it was read from a file. at: microseconds since 1970, or what else stood there."""

    number: Any
    at: Any
    who: str
    deed: str
    of: str
    reason: str
    details: str
    previous: str
    digest: str


def export(r: Reading) -> Iterator[str]:
    """All of it, line by line, each with its end. laboratory: made-up signals are in it."""
    end = read_end(r.connection)
    made_up = exists().where(signals.c.laboratory, ~signals.c.canary)
    laboratory = r.connection.execute(select(made_up)).scalar_one()
    yield _line(
        {
            "scheme": SCHEME,
            "origin": end.origin,
            "number": end.head.number,
            "digest": end.head.digest,
            "laboratory": laboratory,
        }
    )
    for row in raw_lines(r):
        content = {name: getattr(row, name) for name in _COLUMNS}
        content["at"] = _instant(row.at)
        content["details"] = _details(row.details)
        yield _line(content)


def _instant(at: object) -> object:
    """What somebody put in its place goes out as it is: the export is of the record as found."""
    try:
        return instant(at).isoformat() if isinstance(at, int) else at
    except OverflowError:
        return at


def _details(text: object) -> object:
    """The mapping, or as `_instant` what is none."""
    try:
        details = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return text
    return details if isinstance(details, dict) and canonical(details) == text else text


def _line(content: dict[str, object]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=repr) + "\n"


def verify_export(path: Path, known: Sequence[Head] = ()) -> ChainReport:
    """Is an exported record whole? Raises ConfigurationError: it is no export, with its line."""
    with opened(path) as file:
        first = _parsed(path, 1, file.readline())
        if first.get("scheme") != SCHEME:
            raise ConfigurationError(
                "this is no exported record", remedy="veilleur audit export", file=str(path)
            )
        try:
            head = Head(int(first["number"]), str(first["digest"]))
        except (KeyError, TypeError, ValueError):
            raise _not_understood(path, 1) from None
        rows = (_row(path, number, line) for number, line in enumerate(file, 2))
        return examine(str(first.get("origin")), head, rows, known)


def opened(path: Path) -> TextIO:
    """To be read. Raises ConfigurationError: it can't be."""
    try:
        return path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(
            f"cannot be read: {error.strerror}", remedy="check the path", file=str(path)
        ) from None


def _row(path: Path, number: int, line: str) -> Exported:
    content = _parsed(path, number, line)
    try:
        content["at"] = _microseconds(content["at"])
        if isinstance(content["details"], dict):
            content["details"] = canonical(content["details"])
        return Exported(**content)
    except (KeyError, TypeError, ValueError):
        raise _not_understood(path, number) from None


def _microseconds(at: object) -> object:
    """What is no instant stood so in the record: the row's digest will not be that of it."""
    try:
        return microseconds(datetime.fromisoformat(at)) if isinstance(at, str) else at
    except ValueError:
        return at


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except ValueError:
        raise _not_understood(path, number) from None
    if not isinstance(content, dict):
        raise _not_understood(path, number)
    return content


def _not_understood(path: Path, line: int) -> ConfigurationError:
    return ConfigurationError(
        "this line is no row of the record", remedy="export it again", file=str(path), line=line
    )
