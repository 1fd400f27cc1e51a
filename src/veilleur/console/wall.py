"""The pictures of the camera wall: redacted, one a second for each camera, however many look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from veilleur.engine.seen import Snapshot
from veilleur.evidence.redaction import Hidden
from veilleur.evidence.still import still

FRESH_S = 1.0
WIDTH = 960


@dataclass(frozen=True, slots=True)
class Picture:
    """jpeg: nobody in it can be recognised. taken: UTC."""

    jpeg: bytes
    taken: datetime


@dataclass(slots=True)
class _Place:
    """One camera's newest picture; made: host seconds."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    made: float = float("-inf")
    picture: Picture | None = None


class Wall:
    """snapshot: the newest picture of a camera, None where it has none."""

    def __init__(
        self,
        snapshot: Callable[[str], Snapshot | None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._snapshot, self._now = snapshot, now
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    def picture(self, camera: str) -> Picture | None:
        """camera: one that exists. Raises EvidenceFailed where it can't be encoded."""
        with self._lock:
            place = self._places.setdefault(camera, _Place())
        with place.lock:
            if self._now() - place.made >= FRESH_S:
                place.picture, place.made = self._made(camera, place.picture), self._now()
            return place.picture

    def _made(self, camera: str, before: Picture | None) -> Picture | None:
        shown = self._snapshot(camera)
        if shown is None:
            return None
        if before is not None and before.taken == shown.taken:
            return before
        hidden = Hidden.of(shown.boxes, shown.view)
        return Picture(still(shown.picture, hidden, width=WIDTH), shown.taken)
