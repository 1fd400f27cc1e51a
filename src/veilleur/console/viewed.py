"""Who has opened which piece of evidence: a line of the record before it is given.

One line for an account, a piece and a session: a page asks for the same picture again and again.
What this remembers ends with the process; the next one notes it once more.
Source: law 71; CSI R. 253-5.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from veilleur.console.visitor import Visitor
from veilleur.errors import StoreError
from veilleur.law.deed import Deed, Entry
from veilleur.store.database import Database
from veilleur.store.evidence import Piece

REMEMBERED = 20_000


class Viewed:
    """Shared by all threads of the console. now: the clock, UTC."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now
        self._lock = threading.Lock()
        self._noted: OrderedDict[tuple[str, str, UUID], None] = OrderedDict()

    def note(self, visitor: Visitor, piece: Piece) -> None:
        """Raises StoreError: then it is not shown."""
        key = (visitor.account, visitor.session or visitor.token, piece.id)
        if self._known(key):
            return
        details = {"sort": piece.sort.value, "piece": str(piece.id), **visitor.by_token}
        of = f"incident:{piece.incident}"
        deed, now = Deed.EVIDENCE_VIEWED, self._now()
        try:
            with self._database.write() as w:
                if self._known(key):
                    return
                w.record(Entry(deed=deed, at=now, who=visitor.account, of=of, details=details))
                self._remember(key)
        except StoreError:
            self._forget(key)
            raise

    def _known(self, key: tuple[str, str, UUID]) -> bool:
        with self._lock:
            return key in self._noted

    def _remember(self, key: tuple[str, str, UUID]) -> None:
        with self._lock:
            self._noted[key] = None
            if len(self._noted) > REMEMBERED:
                self._noted.popitem(last=False)

    def _forget(self, key: tuple[str, str, UUID]) -> None:
        with self._lock:
            self._noted.pop(key, None)
