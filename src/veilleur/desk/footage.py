"""The seconds around each incident: clear in memory for minutes, redacted as a clip where granted.

Packets are taken out of the camera's ring when the incident is stored, again when its last seconds
have come; so they are there although the camera is cut off right afterwards. A clip is made only
where the authorisation under which the signal was raised grants clips (law 65), and lives as many
days as that says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from veilleur.desk.intake import Stored
from veilleur.desk.pieces import Failures, Piece, keep
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
from veilleur.evidence.kept import AFTER_S, BEFORE_S, Kept, State
from veilleur.law.gate import Gate
from veilleur.store import evidence
from veilleur.store.database import Database
from veilleur.store.evidence import Content, Sort

LOOK_EVERY_S = 0.2
PIECE_S = 3.0
"""A clip is made in pieces of that length while it goes on, so that its end is ready at once."""
AFTERWARDS_S = 0.6
"""So much later the boxes of the picture after the last one are known too."""
LOOKS_S = 1.5
GIVE_UP_S = 20.0
MOST_UNDER_WAY = 64
"""Incidents of which the last seconds are still to come. Of more only the first are kept."""


@dataclass(slots=True, eq=False)
class _Under:
    """An incident whose last seconds are still to come. onset_s: host seconds. clip: the piece that
    is promised, None where no clip is granted. packets: asked for at `asked_s`, not taken yet.
    piece_s: up to when the clip is made."""

    stored: Stored
    onset_s: float
    clip: Piece | None
    maker: ClipMaker
    packets: Future[Recorded] | None
    asked_s: float
    piece_s: float
    failed: str = ""

    @property
    def ends_s(self) -> float:
        return self.onset_s + AFTER_S

    def due(self, now: float) -> bool:
        """Is there enough that is new?"""
        return now >= min(self.piece_s + PIECE_S, self.ends_s) + AFTERWARDS_S


@dataclass(frozen=True, slots=True)
class Seconds:
    """The clear seconds around an incident's onset, as they stand now.

    recorded_until: when the last of them, and the clip where one is granted, will have come; None:
    they have, or never will. held_until: when they are gone from memory, at the latest, and can be
    opened no more; None: they can't be opened now. Both UTC.
    """

    state: State
    recorded_until: datetime | None = None
    held_until: datetime | None = None


class Footages:
    """One thread that keeps what an operator may look at. kept: what is held in memory."""

    def __init__(self, database: Database, watch: Watch, gate: Gate) -> None:
        self._database, self._watch, self._gate = database, watch, gate
        self.kept = Kept()
        self._lock = threading.Lock()
        self._under: list[_Under] = []
        self.failures = Failures(database)

    def wanted(self, stored: Sequence[Stored]) -> None:
        """Of incidents that were opened. From the thread that stored them."""
        for one in stored:
            if one.still is None or len(self._under) >= MOST_UNDER_WAY:
                continue
            sighting = one.sighting
            before_s = (sighting.at - sighting.began_at).total_seconds()
            onset_s = sighting.host_s - before_s
            under = _Under(
                one,
                onset_s,
                self._promised(one),
                ClipMaker(onset_s - BEFORE_S),
                self._packets(one.signal.camera),
                time.monotonic(),
                onset_s,
            )
            with self._lock:
                self._under.append(under)

    def seconds(self, incident: UUID) -> Seconds:
        """What there is of an incident, and until when."""
        now, host_s = datetime.now(UTC), time.monotonic()
        with self._lock:
            under = [one for one in self._under if one.stored.incident.id == incident]
        ends_s = max((one.ends_s - host_s for one in under), default=0.0)
        left_s = self.kept.left_s(incident)
        return Seconds(
            self.kept.state(incident),
            now + timedelta(seconds=ends_s) if ends_s > 0 else None,
            now + timedelta(seconds=left_s) if left_s > 0 else None,
        )

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(LOOK_EVERY_S):
            self.kept.expire()
            self.failures.say()
            for under in list(self._under):
                if self._over(under):
                    with self._lock:
                        self._under.remove(under)

    def _over(self, under: _Under) -> bool:
        """One look at it; True: nothing is left to do."""
        now = time.monotonic()
        if under.packets is not None:
            if not under.packets.done() and now < under.ends_s + GIVE_UP_S:
                return False
            # Packets may lie about for a while: they go as far as the moment they were asked for.
            until_s = min(under.asked_s - AFTERWARDS_S, under.ends_s)
            self._take(under, _result(under.packets), until_s)
            under.packets = None
            if under.piece_s >= under.ends_s:
                self._finish(under)
                return True
        if under.due(now):
            under.asked_s = now
            under.packets = self._packets(under.stored.signal.camera)
        return False

    def _take(self, under: _Under, recorded: Recorded | None, until_s: float) -> None:
        """What has come up to `until_s`. A camera that was cut off gives no more."""
        under.piece_s = max(under.piece_s, until_s)
        if recorded is None:
            return
        self.kept.keep(under.stored.incident.id, recorded, under.onset_s)
        if under.clip is not None and not under.failed:
            self._add(under, recorded, until_s)

    def _add(self, under: _Under, recorded: Recorded, until_s: float) -> None:
        start = recorded.utc(under.onset_s - BEFORE_S - LOOKS_S)
        try:
            looks = self._watch.node.boxes(
                under.stored.signal.camera, start, recorded.utc(until_s + LOOKS_S)
            )
            under.maker.add(recorded, looks, until_s)
        except (EvidenceFailed, PlaybackFailed, ConfigurationError) as error:
            under.failed = str(getattr(error, "cause", "")) or "unknown"

    def _packets(self, camera: str) -> Future[Recorded]:
        try:
            return self._watch.node.packets(camera)
        except ConfigurationError as error:
            gone: Future[Recorded] = Future()
            gone.set_exception(error)
            return gone

    # ------------------------------------------------------------------ clips
    def _promised(self, stored: Stored) -> Piece | None:
        """A clip, where the act grants one. Its place is on the record before it is made."""
        signal = stored.signal
        try:
            act = self._gate.covering(signal.camera, signal.rule, signal.event, signal.noticed)
        except NotAuthorised:
            return None
        if act is None or act.clips is None:
            return None
        expires = signal.onset + timedelta(days=act.clips)
        try:
            with self._database.write(essential=False) as w:
                clip = evidence.promise(
                    w, stored.incident.id, Sort.CLIP, taken_at=signal.onset, expires_at=expires
                )
        except StoreError:
            return None
        return Piece(clip, Sort.CLIP, stored)

    def _finish(self, under: _Under) -> None:
        """The clip, or why there is none, stored with its incident."""
        if under.clip is None:
            return
        try:
            if under.failed:
                raise EvidenceFailed("it broke off", remedy="see the still", cause=under.failed)
            keep(self._database, under.clip, Content(under.maker.finish().content, MEDIA_TYPE))
        except (EvidenceFailed, StoreError) as error:
            self.failures.note(under.clip, error.cause)


def _result(packets: Future[Recorded] | None) -> Recorded | None:
    """None where there are none to be had: the camera's trouble is told elsewhere."""
    if packets is None or not packets.done():
        return None
    try:
        return packets.result()
    except (CameraError, ConfigurationError):
        return None
