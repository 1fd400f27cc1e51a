"""What the questions and deeds of this room are handed: one transaction, to read or to write."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from veilleur.law.deed import Entry
from veilleur.store import record
from veilleur.store.record import Head


@dataclass(slots=True, eq=False)
class Reading:
    """One view of the database as it was at one instant."""

    connection: Connection


@dataclass(slots=True, eq=False)
class Writing(Reading):
    """One transaction: all of it is stored, or nothing. It reads what it has written."""

    head: Head
    """The end of the audit chain, with what this transaction has recorded."""
    recorded: bool = field(default=False, init=False)
    erased: bool = field(default=False, init=False)
    """Something was erased that must not survive in the database's log either."""

    def record(self, entry: Entry) -> int:
        """Put a line on the record, in this transaction. Returns its number."""
        self.head = record.append(self.connection, self.head, entry)
        self.recorded = True
        return self.head.number
