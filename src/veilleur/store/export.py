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
from typing import Any

from sqlalchemy import exists, select

from veilleur.errors import ConfigurationError
from veilleur.store.chain import ChainReport, examine
from veilleur.store.metadata import microseconds
from veilleur.store.record import SCHEME, Head, audit, canonical, chain_head
from veilleur.store.signals import signals
from veilleur.store.transaction import Reading

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Exported:
    """A row as it was read from a file. at: microseconds since 1970."""

    number: Any
    at: int
    who: str
    deed: str
    of: str
    reason: str
    details: str
    previous: str
    digest: str


def export(r: Reading) -> Iterator[str]:
    """All of it, line by line, each with its end. laboratory: made-up signals are in it."""
    head = r.connection.execute(select(chain_head)).one()
    made_up = exists().where(signals.c.laboratory, ~signals.c.canary)
    laboratory = r.connection.execute(select(made_up)).scalar_one()
    yield _line(
        {
            "scheme": SCHEME,
            "origin": head.origin,
            "number": head.number,
            "digest": head.digest,
            "laboratory": laboratory,
        }
    )
    rows = r.connection.execution_options(yield_per=AT_ONCE).execute(
        select(audit).order_by(audit.c.number)
    )
    for row in rows:
        content = dict(row._mapping)
        content["at"] = row.at.isoformat()
        content["details"] = json.loads(row.details)
        yield _line(content)


def _line(content: dict[str, object]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def verify_export(path: Path, known: Sequence[Head] = ()) -> ChainReport:
    """Is an exported record whole? Raises ConfigurationError: it is no export, with its line."""
    with path.open(encoding="utf-8", errors="replace") as file:
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


def _row(path: Path, number: int, line: str) -> Exported:
    content = _parsed(path, number, line)
    try:
        content["at"] = microseconds(datetime.fromisoformat(content["at"]))
        content["details"] = canonical(content["details"])
        return Exported(**content)
    except (KeyError, TypeError, ValueError):
        raise _not_understood(path, number) from None


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
