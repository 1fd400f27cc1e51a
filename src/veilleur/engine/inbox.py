"""Where frames wait for the detector: one place a camera, newest wins, every loss has a name."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from veilleur.engine.drops import Cause, Drops


class OfCamera(Protocol):
    """What may wait: a frame, alone or with whatever belongs to it."""

    @property
    def camera(self) -> str: ...


Waiting = TypeVar("Waiting", bound=OfCamera)


@dataclass(slots=True)
class Inbox(Generic[Waiting]):
    """Frames of all cameras of a node, taken by several analysts.

    A newer frame displaces the older one of its camera. A camera whose frame is being analysed is
    not handed out again until `done`, so that its frames stay in order. Whoever waits longest is
    served first.
    """

    drops: Drops = field(default_factory=Drops)
    _waiting: dict[str, Waiting] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)
    _closed: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, frame: Waiting, cause: Cause = Cause.DISPLACED) -> None:
        """Let a frame wait. cause: under which an older one that still waits is counted as lost."""
        with self._changed:
            if frame.camera in self._waiting:
                self.drops.count(frame.camera, cause)
            self._waiting[frame.camera] = frame
            self._changed.notify()

    def take(self, timeout_s: float) -> Waiting | None:
        """The frame that waits longest, or None after `timeout_s` or once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._next() is not None, timeout_s)
            camera = None if self._closed else self._next()
            if camera is None:
                return None
            self._busy.add(camera)
            return self._waiting.pop(camera)

    def done(self, camera: str) -> None:
        """The camera's frame is analysed: its next one may be handed out."""
        with self._changed:
            self._busy.discard(camera)
            self._changed.notify()

    def forget(self, camera: str) -> None:
        """The camera is given up: what waits of it is not analysed."""
        with self._changed:
            if self._waiting.pop(camera, None) is not None:
                self.drops.count(camera, Cause.STOPPED)

    def holds(self, camera: str) -> bool:
        """A frame of this camera waits."""
        with self._changed:
            return camera in self._waiting

    @property
    def empty(self) -> bool:
        """Nothing waits and nothing is being analysed."""
        with self._changed:
            return not self._waiting and not self._busy

    def close(self) -> None:
        """Hand out nothing more; what waits is counted as lost."""
        with self._changed:
            self._closed = True
            for camera in self._waiting:
                self.drops.count(camera, Cause.STOPPED)
            self._waiting.clear()
            self._changed.notify_all()

    def _next(self) -> str | None:
        # a dict keeps the order of entry, and a newer frame takes the place of the displaced one:
        # the first entry is the camera that has waited longest
        return next((camera for camera in self._waiting if camera not in self._busy), None)
