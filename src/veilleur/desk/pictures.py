"""Stills: made as soon as the incident is stored, nobody recognisable, kept with it.

A still that can't be made or stored is a state with a cause that the operator reads; the incident
is there without it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from veilleur.desk.intake import SYSTEM, Stored
from veilleur.errors import EvidenceFailed, StoreError
from veilleur.evidence.redaction import Hidden
from veilleur.evidence.still import Drawn, still
from veilleur.law.deed import Deed, Entry
from veilleur.site import Site
from veilleur.store import evidence
from veilleur.store.database import Database
from veilleur.store.evidence import Content

WAIT_S = 0.2
LABORATORY = "LABORATORY - NOBODY REAL"


class Pictures:
    """One thread that turns what was seen into evidence. alive: called with each round."""

    def __init__(
        self,
        database: Database,
        site: Site,
        alive: Callable[[StoreError | None], None] = lambda _: None,
    ) -> None:
        self._database, self.site, self._alive = database, site, alive
        self._wanted: queue.SimpleQueue[Stored] = queue.SimpleQueue()
        self._unsaid: list[tuple[UUID, str]] = []

    def wanted(self, stored: Sequence[Stored]) -> None:
        for one in stored:
            if one.still is not None:
                self._wanted.put(one)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._alive(None)
            try:
                stored = self._wanted.get(timeout=WAIT_S)
            except queue.Empty:
                self._say_unsaid()
                continue
            self._make(stored)

    def give_up_old(self) -> None:
        """What was promised before a restart nobody makes any more. Raises StoreError."""
        with self._database.write() as w:
            for piece in evidence.awaited(w):
                evidence.fail(w, piece.id, "the service was restarted before it was made")

    def _say_unsaid(self) -> None:
        if not self._unsaid:
            return
        with suppress(StoreError), self._database.write() as w:
            for piece, cause in self._unsaid:
                evidence.fail(w, piece, cause)
            self._unsaid = []

    def _make(self, stored: Stored) -> None:
        assert stored.still is not None
        try:
            made = Content(self._jpeg(stored), "image/jpeg")
            with self._database.write(essential=False) as w:
                if evidence.keep(w, stored.still, made):
                    w.record(_entry(stored, Deed.EVIDENCE_KEPT))
        except (EvidenceFailed, StoreError) as error:
            self._failed(stored, error)

    def _jpeg(self, stored: Stored) -> bytes:
        sighting = stored.sighting
        if sighting.picture is None:
            raise EvidenceFailed(
                "no picture was left", remedy="too many signals at once", cause="burst"
            )
        hidden = Hidden.of(sighting.boxes, sighting.view)
        return still(sighting.picture, hidden, drawn=self._drawn(stored))

    def _drawn(self, stored: Stored) -> Drawn:
        camera = self.site.camera(stored.signal.camera)
        rules = camera.rules if camera is not None else ()
        rule = next((one for one in rules if one.id == stored.signal.rule), None)
        shape = (rule.zone or rule.line) if rule is not None else None
        mark = LABORATORY if stored.signal.laboratory else ""
        return Drawn((shape,) if shape else (), stored.signal.where, mark)

    def _failed(self, stored: Stored, error: EvidenceFailed | StoreError) -> None:
        """The incident says why it has no picture; where even that can't be written, it stays
        "pending" until it can."""
        assert stored.still is not None
        cause = error.cause or "unknown"
        try:
            with self._database.write() as w:
                evidence.fail(w, stored.still, cause)
                w.record(_entry(stored, Deed.EVIDENCE_FAILED, cause))
        except StoreError:
            self._unsaid.append((stored.still, cause))


def _entry(stored: Stored, deed: Deed, cause: str = "") -> Entry:
    details = {"sort": "still", "cause": cause} if cause else {"sort": "still"}
    of = f"incident:{stored.incident.id}"
    return Entry(deed=deed, at=datetime.now(UTC), who=SYSTEM, of=of, details=details)
