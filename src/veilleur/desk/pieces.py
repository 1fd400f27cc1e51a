"""A piece of evidence that was promised: kept, or failed with a cause, each with its line."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from veilleur.desk.intake import Stored
from veilleur.errors import StoreError
from veilleur.law.deed import SYSTEM, Deed, Entry
from veilleur.store import evidence
from veilleur.store.database import Database
from veilleur.store.evidence import Content, Sort

MOST_UNSAID = 1000
"""Failures that wait for a store that refuses; of more the oldest stay "pending"."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """id: of the evidence. stored: the signal with whose incident it is kept."""

    id: UUID
    sort: Sort
    stored: Stored

    def entry(self, deed: Deed, cause: str = "") -> Entry:
        details = {"sort": self.sort.value} | ({"cause": cause} if cause else {})
        of = f"incident:{self.stored.incident.id}"
        return Entry(deed=deed, at=datetime.now(UTC), who=SYSTEM, of=of, details=details)


def keep(database: Database, piece: Piece, made: Content) -> None:
    """Raises StoreError: records come before pictures."""
    with database.write(essential=False) as w:
        if evidence.keep(w, piece.id, made):
            w.record(piece.entry(Deed.EVIDENCE_KEPT))


class Failures:
    """Why pieces could not be made. What the store refuses to hear is said when it can be; until
    then the piece is "pending". For one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unsaid: deque[tuple[Piece, str]] = deque(maxlen=MOST_UNSAID)

    def note(self, piece: Piece, cause: str) -> None:
        self._unsaid.append((piece, cause or "unknown"))
        self.say()

    def say(self) -> None:
        """To be called now and then."""
        while self._unsaid:
            piece, cause = self._unsaid[0]
            try:
                with self._database.write() as w:
                    if evidence.fail(w, piece.id, cause):
                        w.record(piece.entry(Deed.EVIDENCE_FAILED, cause))
            except StoreError:
                return
            self._unsaid.popleft()
