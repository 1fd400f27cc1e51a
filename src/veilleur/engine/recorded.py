"""The last seconds of a camera as they came, encoded: asked for by anybody, fetched by one thread.

The packets lie with the camera's decoding process. Nothing here looks into them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from veilleur.cameras.camera import Camera
from veilleur.cameras.masks import Polygon
from veilleur.cameras.ring import Footage
from veilleur.errors import CameraError

ANSWERS_WITHIN_S = 3.0
"""A decoding process that has not handed its packets over by then hangs, or has died meanwhile."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Packets of one camera, and when they came.

    The times of packets and pictures are seconds of the host's clock that never goes back; zero:
    the instant, UTC, of its second 0, as the clock was set when they were asked for. masks: privacy
    masks, relative polygons, to be burnt into whatever is decoded of it.
    """

    camera: str
    footage: Footage
    masks: tuple[Polygon, ...]
    zero: datetime

    def utc(self, host_s: float) -> datetime:
        return self.zero + timedelta(seconds=host_s)

    def host_s(self, at: datetime) -> float:
        return (at - self.zero).total_seconds()

    def between(self, start: datetime, end: datetime) -> Recorded:
        """No more than is needed to decode from start to end; the rest may be forgotten."""
        since, until = self.host_s(start), self.host_s(end)
        return replace(self, footage=self.footage.between(since, until))


class Requests:
    """Who waits for the packets of one camera. `attend` belongs to the thread that reads it."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Future[Recorded]] = queue.SimpleQueue()
        self._open: list[Future[Recorded]] = []
        self._until = 0.0
        self._lock = threading.Lock()

    @property
    def pending(self) -> bool:
        return bool(self._open) or not self._waiting.empty()

    def ask(self) -> Future[Recorded]:
        """What has come until now, a little later. It fails with a CameraError: "not connected",
        "no answer", "not kept" or "closed"."""
        future: Future[Recorded] = Future()
        self._waiting.put(future)
        return future

    def attend(self, camera: Camera, now: float, utc_of: Callable[[float], datetime]) -> None:
        """Take what has come, ask for what is wanted. A question that comes while one is under way
        waits for the next answer: it wants newer packets than this one brings."""
        with self._lock:
            self._hand_over(camera, now, utc_of)
            if not self._open and not self._waiting.empty():
                self._request(camera, now)

    def _hand_over(self, camera: Camera, now: float, utc_of: Callable[[float], datetime]) -> None:
        footage = camera.take_ring()
        if footage is not None:
            recorded = Recorded(camera.id, footage, camera.settings.masks, utc_of(0.0))
            for future in self._drained():
                future.set_result(recorded)
        elif self._open and now > self._until:
            self._fail(camera.id, "no answer", "its decoding process doesn't answer")

    def _request(self, camera: Camera, now: float) -> None:
        self._open = self._taken()
        if not camera.settings.ring_bytes:
            self._fail(camera.id, "not kept", "none of its packets are kept")
        elif camera.request_ring():
            self._until = now + ANSWERS_WITHIN_S
        else:
            self._fail(camera.id, "not connected", f"it is not connected: {camera.cause}")

    def close(self, camera: str) -> None:
        """Nobody will answer any more."""
        with self._lock:
            self._open += self._taken()
            self._fail(camera, "closed", "it is not watched any more")

    def _fail(self, camera: str, cause: str, words: str) -> None:
        error = CameraError(
            f"camera {camera!r}: there are no last seconds to be had, {words}",
            camera=camera,
            cause=cause,
        )
        for future in self._drained():
            future.set_exception(error)

    def _drained(self) -> list[Future[Recorded]]:
        answered, self._open = self._open, []
        return answered

    def _taken(self) -> list[Future[Recorded]]:
        """Those that wait now, without those whose asker has given up."""
        taken: list[Future[Recorded]] = []
        while True:
            try:
                future = self._waiting.get_nowait()
            except queue.Empty:
                return taken
            if future.set_running_or_notify_cancel():
                taken.append(future)
