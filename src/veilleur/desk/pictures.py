"""Stills: made as soon as the incident is stored, nobody recognisable, kept with it.

A still that can't be made or stored is a state with a cause that the operator reads; the incident
is there without it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from veilleur.desk.intake import Stored
from veilleur.desk.pieces import Failures, Piece, keep
from veilleur.errors import EvidenceFailed, StoreError
from veilleur.evidence.redaction import Hidden
from veilleur.evidence.still import Drawn, still
from veilleur.site import Site
from veilleur.store import evidence
from veilleur.store.database import Database
from veilleur.store.evidence import Content, Sort

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
        self.failures = Failures(database)

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
                self.failures.say()
                continue
            self._make(stored)

    def give_up_old(self) -> None:
        """What was promised before a restart nobody makes any more. Raises StoreError."""
        with self._database.write() as w:
            for piece in evidence.awaited(w):
                evidence.fail(w, piece.id, "the service was restarted before it was made")

    def _make(self, stored: Stored) -> None:
        assert stored.still is not None
        piece = Piece(stored.still, Sort.STILL, stored)
        try:
            keep(self._database, piece, Content(self._jpeg(stored), "image/jpeg"))
        except (EvidenceFailed, StoreError) as error:
            self.failures.note(piece, error.cause)

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
