"""Signs of life of sessions, on their way to the store: no request waits for its writer.

They count from the moment they are noted. Where nothing can be written they stay here, and are
written with the next one that can be; a screen goes on showing alerts on a full disk.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from veilleur.errors import StoreError
from veilleur.store import sessions
from veilleur.store.database import Database
from veilleur.store.transaction import Writing


class Touches:
    """Shared by all threads of the console."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Condition()
        self._noted: dict[str, datetime] = {}
        self._writer = ThreadPoolExecutor(1, "touches")
        self._writing = False

    def note(self, session: str, at: datetime) -> None:
        """Its owner did something. Returns at once."""
        with self._lock:
            self._noted[session] = at
            if not self._writing:
                self._writing = True
                self._writer.submit(self._write)

    def of(self, session: str) -> datetime | None:
        """When it was noted, where that isn't in the store yet."""
        with self._lock:
            return self._noted.get(session)

    def write_into(self, w: Writing) -> None:
        """In somebody else's transaction, which judges who has been idle."""
        with self._lock:
            waiting = dict(self._noted)
        for session, at in waiting.items():
            sessions.seen(w, session, at)

    def settle(self) -> None:
        """Until what is noted is written, or can't be."""
        with self._lock:
            self._lock.wait_for(lambda: not self._writing)

    def _write(self) -> None:
        """All there is, until there is no more."""
        try:
            while waiting := self._next():
                with self._database.write() as w:
                    for session, at in waiting.items():
                        sessions.seen(w, session, at)
                self._forget(waiting)
        except StoreError:
            self._rest()

    def _next(self) -> dict[str, datetime]:
        with self._lock:
            if not self._noted:
                self._rest()
            return dict(self._noted)

    def _rest(self) -> None:
        with self._lock:
            self._writing = False
            self._lock.notify_all()

    def _forget(self, written: dict[str, datetime]) -> None:
        with self._lock:
            for session, at in written.items():
                if self._noted.get(session) == at:
                    del self._noted[session]
