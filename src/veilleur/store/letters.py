"""Lines for the record from a process that may not write: left beside the database, as files.

One process alone writes to an SQLite file. A command that exports the record while the service runs
leaves a letter; whoever writes next takes it in with its transaction, the service at its start at
the latest. A letter can say that something was exported, and nothing else.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from veilleur.incidents.identity import new_id
from veilleur.law.deed import COMMAND_LINE, Deed, Entry
from veilleur.store.transaction import Writing

log = logging.getLogger(__name__)

LONGEST = 1 << 16
MOST = 1000


class Letters:
    """folder: beside the database; it exists as long as somebody has written one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recorded: set[str] = set()  # in the transaction that goes on
        self._ignored: set[str] = set()  # no letters, and those that can't be removed

    def leave(self, at: datetime, details: Mapping[str, str]) -> None:
        """It is on the disk when this returns. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        name = f"{int(at.timestamp() * 1e6):020d}-{new_id(at)}.json"  # a millisecond is long
        text = json.dumps({**details, "at": at.isoformat()})
        unfinished = self._folder / f"{name}.new"
        with unfinished.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def record_into(self, w: Writing) -> None:
        """Those that wait, in their order, as lines of this transaction."""
        self._recorded = set()
        for name in sorted(self._waiting() - self._ignored)[:MOST]:
            details = _read(self._folder / name)
            if details is None:
                log.warning("%s: this is no letter, and is left", self._folder / name)
                self._ignored.add(name)
                continue
            now = datetime.now(UTC)
            w.record(Entry(deed=Deed.EXPORTED, at=now, who=COMMAND_LINE, details=details))
            self._recorded.add(name)

    def discard(self) -> None:
        """The transaction is stored, and those it has recorded may go."""
        for name in self._recorded:
            try:
                (self._folder / name).unlink()
            except OSError as error:
                log.warning("%s: it is on the record and can't be removed: %s", name, error)
                self._ignored.add(name)
        self._recorded = set()

    def _waiting(self) -> set[str]:
        try:
            return {name for name in os.listdir(self._folder) if name.endswith(".json")}
        except FileNotFoundError:
            return set()


def _read(path: Path) -> dict[str, str] | None:
    """None: it is no letter of ours."""
    try:
        with path.open(encoding="utf-8") as file:
            found = json.loads(file.read(LONGEST))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        return None
    return found
