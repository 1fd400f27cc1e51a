"""From the outbox to the screens: every change of an incident, in order, with its number."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence

from veilleur.desk.feed import Feed, Message, Topic
from veilleur.errors import StoreError
from veilleur.store import incidents, outbox
from veilleur.store.database import Database
from veilleur.store.incidents import Standing
from veilleur.store.outbox import OutboxRow
from veilleur.store.signals import Scope
from veilleur.store.transaction import Reading

LOOK_EVERY_S = 0.5
"""Changes by another process (a command) are seen so soon; our own at once, by `nudge`."""
MOST_AT_ONCE = 500


def messages_after(
    r: Reading, number: int, scope: Scope, limit: int = MOST_AT_ONCE
) -> list[Message]:
    """What a screen has missed since that number."""
    return _messages(r, outbox.after(r, number, limit, scope))


def _messages(r: Reading, rows: Sequence[OutboxRow]) -> list[Message]:
    """Who has it is said on the screens of the house and in no message that leaves it."""
    standing = incidents.standing(r, {row.incident for row in rows})
    return [_message(row, standing.get(row.incident)) for row in rows]


def _message(row: OutboxRow, now: Standing | None) -> Message:
    said = json.loads(row.payload)
    said["id"] = said["incident"]  # as the interface calls it
    said["taker"] = now.taker if now is not None else None
    said["escalated"] = now is not None and now.escalated is not None
    data = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return Message(topic=Topic.INCIDENT, data=data, number=row.id, camera=row.camera)


class Herald:
    """One thread that tells the feed what is new in the outbox.

    told: called with each row after it was published. alive: with each round, None or why the
    outbox can't be read.
    """

    def __init__(
        self,
        database: Database,
        feed: Feed,
        told: Callable[[OutboxRow], None] = lambda _: None,
        *,
        alive: Callable[[StoreError | None], None] = lambda _: None,
    ) -> None:
        self._database, self._feed, self._told, self._alive = database, feed, told, alive
        self._news = threading.Event()
        with database.read() as r:
            self.last = outbox.last(r)

    def nudge(self) -> None:
        """Something was committed."""
        self._news.set()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._news.wait(LOOK_EVERY_S)
            self._news.clear()
            try:
                self.tell()
                self._alive(None)
            except StoreError as error:
                self._alive(error)

    def tell(self) -> None:
        """Whatever is new. Raises StoreError; nothing is skipped then."""
        while True:
            with self._database.read() as r:
                rows = outbox.after(r, self.last, MOST_AT_ONCE, None)
                said = _messages(r, rows)
            self._feed.publish(*said)
            for row in rows:
                self.last = row.id
                self._told(row)
            if len(rows) < MOST_AT_ONCE:
                return
