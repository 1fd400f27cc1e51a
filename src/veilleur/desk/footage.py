"""The seconds around each incident: clear in memory for minutes, redacted as a clip where granted.

Packets are taken out of the camera's ring when the incident is stored, again when its last seconds
have come; so they are there although the camera is cut off right afterwards. A clip is made only
where the authorisation under which the signal was raised grants clips (law 65), and lives as many
days as that says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from veilleur.desk.intake import SYSTEM, Stored
from veilleur.desk.watch import Watch
from veilleur.engine.recorded import Recorded
from veilleur.errors import (
    CameraError,
    ConfigurationError,
    EvidenceFailed,
    NotAuthorised,
    PlaybackFailed,
    StoreError,
)
from veilleur.evidence.clip import MEDIA_TYPE, ClipMaker
from veilleur.evidence.kept import AFTER_S, BEFORE_S, Kept
from veilleur.law.deed import Deed, Entry
from veilleur.law.gate import Gate
from veilleur.store import evidence
from veilleur.store.database import Database
from veilleur.store.evidence import Content, Sort

LOOK_EVERY_S = 0.2
CLIP_AFTER_S = 1.0
"""After the last second of a clip, the boxes of the picture after it are known too."""
GIVE_UP_S = 20.0
MOST_UNDER_WAY = 64
"""Incidents of which the last seconds are still to come. Of more only the first are kept."""


@dataclass(slots=True, eq=False)
class _Under:
    """An incident whose last seconds are still to come. onset_s: host seconds. clip: the piece that
    is promised, None where no clip is granted."""

    stored: Stored
    onset_s: float
    clip: UUID | None
    first: Future[Recorded] | None
    last: Future[Recorded] | None = None

    @property
    def ends_s(self) -> float:
        return self.onset_s + AFTER_S + CLIP_AFTER_S


class Footages:
    """One thread that keeps what an operator may look at. kept: what is held in memory."""

    def __init__(self, database: Database, watch: Watch, gate: Gate) -> None:
        self._database, self._watch, self._gate = database, watch, gate
        self.kept = Kept()
        self._lock = threading.Lock()
        self._under: list[_Under] = []

    def wanted(self, stored: Sequence[Stored]) -> None:
        """Of incidents that were opened. From the thread that stored them."""
        for one in stored:
            if one.still is None or len(self._under) >= MOST_UNDER_WAY:
                continue
            sighting = one.sighting
            before_s = (sighting.at - sighting.began_at).total_seconds()
            onset_s = sighting.host_s - before_s
            under = _Under(one, onset_s, self._promised(one), self._packets(one.signal.camera))
            with self._lock:
                self._under.append(under)

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(LOOK_EVERY_S):
            self.kept.expire()
            for under in list(self._under):
                if self._over(under):
                    with self._lock:
                        self._under.remove(under)

    def _over(self, under: _Under) -> bool:
        """One look at it; True: nothing is left to do."""
        now = time.monotonic()
        if under.first is not None and under.first.done():
            self._keep(under, under.first)
            under.first = None
        if now < under.ends_s:
            return False
        if under.last is None:
            under.last = self._packets(under.stored.signal.camera)
        if not under.last.done() and now < under.ends_s + GIVE_UP_S:
            return False
        self._keep(under, under.last)
        if under.clip is not None:
            self._make_clip(under, under.clip)
        return True

    def _packets(self, camera: str) -> Future[Recorded]:
        try:
            return self._watch.node.packets(camera)
        except ConfigurationError as error:
            gone: Future[Recorded] = Future()
            gone.set_exception(error)
            return gone

    def _keep(self, under: _Under, packets: Future[Recorded]) -> None:
        recorded = _result(packets)
        if recorded is not None:
            self.kept.keep(under.stored.incident.id, recorded, under.onset_s)

    # ------------------------------------------------------------------ clips
    def _promised(self, stored: Stored) -> UUID | None:
        """A clip, where the act grants one. Its place is on the record before it is made."""
        signal, now = stored.signal, datetime.now(UTC)
        try:
            act = self._gate.covering(signal.camera, signal.rule, signal.event, now)
        except NotAuthorised:
            return None
        if act is None or act.clips is None:
            return None
        expires = now + timedelta(days=act.clips)
        try:
            with self._database.write(essential=False) as w:
                return evidence.promise(
                    w, stored.incident.id, Sort.CLIP, taken_at=signal.onset, expires_at=expires
                )
        except StoreError:
            return None

    def _make_clip(self, under: _Under, piece: UUID) -> None:
        with self._failure_told(under, piece):
            recorded = _result(under.last)
            if recorded is None:
                raise EvidenceFailed(
                    "the camera was cut off", remedy="look at the still", cause="camera"
                )
            since = under.onset_s - BEFORE_S
            start, end = recorded.utc(since - 2.0), recorded.utc(under.ends_s)
            looks = self._watch.node.boxes(under.stored.signal.camera, start, end)
            maker = ClipMaker(since)
            maker.add(recorded, looks, under.onset_s + AFTER_S)
            made = Content(maker.finish().content, MEDIA_TYPE)
            with self._database.write(essential=False) as w:
                evidence.keep(w, piece, made)
                w.record(_entry(under.stored, Deed.EVIDENCE_KEPT))

    @contextmanager
    def _failure_told(self, under: _Under, piece: UUID) -> Iterator[None]:
        try:
            yield
        except (EvidenceFailed, PlaybackFailed, StoreError, ConfigurationError) as error:
            cause = str(getattr(error, "cause", "")) or "unknown"
            with self._database.write() as w:
                evidence.fail(w, piece, cause)
                w.record(_entry(under.stored, Deed.EVIDENCE_FAILED, cause))


def _result(packets: Future[Recorded] | None) -> Recorded | None:
    """None where there are none to be had: the camera's trouble is told elsewhere."""
    if packets is None or not packets.done():
        return None
    try:
        return packets.result()
    except (CameraError, ConfigurationError):
        return None


def _entry(stored: Stored, deed: Deed, cause: str = "") -> Entry:
    details = {"sort": "clip", "cause": cause} if cause else {"sort": "clip"}
    of = f"incident:{stored.incident.id}"
    return Entry(deed=deed, at=datetime.now(UTC), who=SYSTEM, of=of, details=details)
