"""Clear views, to remove a doubt: the seconds around an onset, and the camera live.

They are opened from an alert that waits for its verdict, by somebody who is named; each opening is
a line of the record whose reason is the alert (R. 253-5). Nothing of them is kept: a viewing ends
when nobody asks for its pictures any more.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from veilleur.desk.watch import Watch
from veilleur.errors import EvidenceFailed, IncidentRefused, NotFound, PlaybackFailed
from veilleur.evidence.kept import Clear, Kept
from veilleur.incidents.incident import Incident, State
from veilleur.law.deed import Deed, Entry
from veilleur.store import incidents
from veilleur.store.database import Database
from veilleur.store.signals import Scope

LEASE_S = 30.0
"""A viewing that nobody asked for so long is over; a new one is a new line of the record."""
LONGEST_S = 300.0
"""And so is one that was opened so long ago."""
RECENT = timedelta(hours=1)
"""A doubt is removed while it is one: not of an alert that nobody came to for longer."""
ASK_EVERY_S = 1.0
CLOSELY_S = 5.0
WIDTH = 1280
MOST_PICTURES = 120
WAITS_S = 5.0
MOST_VIEWINGS = 64


class View(StrEnum):
    LIVE = "live"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Shot:
    """A clear picture, privacy masks in it. taken: UTC."""

    jpeg: bytes
    taken: datetime


@dataclass(slots=True, eq=False)
class _Viewing:
    """began, asked, judged: host seconds, when it was opened, last asked for, and last found to be
    of an alert that waits. seconds: what has been decoded so far; ended: that is all; failed: why
    not."""

    camera: str
    began: float
    asked: float
    scope: Scope
    judged: float
    seconds: list[Shot] = field(default_factory=list)
    ended: bool = False
    failed: str = ""


Key = tuple[UUID, str, View]


class Viewings:
    """session: whoever looks, by an id that opens nothing else."""

    def __init__(
        self,
        database: Database,
        watch: Watch,
        kept: Kept,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._watch, self._kept, self._now = database, watch, kept, now
        self._news = threading.Condition()
        self._open: dict[Key, _Viewing] = {}

    def open(self, view: View, id_: UUID, who: str, session: str, scope: Scope) -> None:
        """Errors: NotFound, IncidentRefused (it has its verdict), EvidenceFailed (the seconds are
        over), StoreError (no view without its line on the record)."""
        incident = self._waiting(id_, scope)
        frames = self._kept.seconds(id_) if view is View.SECONDS else None
        deed = Deed.LIVE_VIEWED if view is View.LIVE else Deed.SECONDS_VIEWED
        entry = Entry(
            deed=deed,
            at=datetime.now(UTC),
            who=who,
            of=f"camera:{incident.first.camera}",
            reason=f"incident:{id_}",
        )
        with self._database.write() as w:
            w.record(entry)
        now = self._now()
        viewing = _Viewing(incident.first.camera, now, now, scope, now)
        with self._news:
            self._forget()
            self._open[id_, session, view] = viewing
        if frames is not None:
            work = threading.Thread(target=self._decode, args=(viewing, frames), daemon=True)
            work.start()

    def live(self, id_: UUID, session: str) -> Shot:
        """The camera's newest picture. Errors: NotFound (no viewing is open), EvidenceFailed."""
        viewing = self._viewing(id_, session, View.LIVE)
        until = datetime.now(UTC) + timedelta(seconds=CLOSELY_S)
        self._watch.node.look_closely(viewing.camera, until)
        shown = self._watch.snapshot(viewing.camera)
        if shown is None:
            raise EvidenceFailed(
                "this camera has no picture now",
                remedy="see its condition on the camera wall",
                cause="no_picture",
            )
        return Shot(shown.picture.jpeg(WIDTH), shown.taken)

    def second(self, id_: UUID, session: str, number: int) -> Shot | None:
        """Picture `number` of the seconds around the onset, 0 the first; None: there are no more.
        It is waited for while they are being decoded. Errors: NotFound, EvidenceFailed."""
        viewing = self._viewing(id_, session, View.SECONDS)
        with self._news:
            self._news.wait_for(
                lambda: viewing.ended or len(viewing.seconds) > number, timeout=WAITS_S
            )
            if number < len(viewing.seconds):
                return viewing.seconds[number]
            if viewing.failed:
                raise EvidenceFailed(viewing.failed, remedy="look at the still", cause="playback")
            return None

    def close(self, id_: UUID, session: str) -> None:
        with self._news:
            for view in View:
                self._open.pop((id_, session, view), None)

    def _decode(self, viewing: _Viewing, frames: Iterator[Clear]) -> None:
        """In a thread of its own, by a process without rights; as long as somebody looks."""
        failed = "a mistake of ours"
        try:
            for clear in itertools.islice(frames, MOST_PICTURES):
                with self._news:
                    viewing.seconds.append(Shot(clear.jpeg, clear.at))
                    self._news.notify_all()
                    if viewing not in self._open.values():
                        return
            failed = ""
        except PlaybackFailed as error:
            failed = error.message
        finally:
            with self._news:
                viewing.ended, viewing.failed = True, failed
                self._news.notify_all()

    def _waiting(self, id_: UUID, scope: Scope) -> Incident:
        with self._database.read() as r:
            incident = incidents.found(r, id_, scope)
        if datetime.now(UTC) - incident.opened > RECENT and incident.state is State.NOT_SEEN:
            raise IncidentRefused(
                "nobody came for an hour: there is nothing to be seen of it any more",
                remedy="look at the still",
                cause="decided",
                incident=str(id_),
            )
        if incident.state.decided:
            raise IncidentRefused(
                "it has its verdict: there is no doubt left to remove",
                remedy="look at the still",
                cause="decided",
                incident=str(id_),
            )
        return incident

    def _viewing(self, id_: UUID, session: str, view: View) -> _Viewing:
        """Still open, and still of an alert that waits for its verdict."""
        with self._news:
            self._forget()
            viewing = self._open.get((id_, session, view))
            if viewing is None:
                raise NotFound("this view is not open", remedy="open it from the alert")
            viewing.asked = now = self._now()
        if now - viewing.judged >= ASK_EVERY_S:
            self._waiting(id_, viewing.scope)
            viewing.judged = now
        return viewing

    def _forget(self) -> None:
        """With the lock held."""
        now = self._now()
        for key, viewing in list(self._open.items()):
            if now - viewing.asked > LEASE_S or now - viewing.began > LONGEST_S:
                del self._open[key]
        while len(self._open) >= MOST_VIEWINGS:
            del self._open[min(self._open, key=lambda key: self._open[key].asked)]
