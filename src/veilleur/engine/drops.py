"""Frames that were not analysed, counted by camera and cause. Nothing is lost without a name."""

from __future__ import annotations

import threading
from collections import Counter
from enum import StrEnum


class Cause(StrEnum):
    """Why the node did not analyse a frame. A camera has causes of its own (`cameras.camera`):
    "displaced" (nobody took it in time), "stale", "no room", "corrupt"."""

    DISPLACED = "displaced"  # a newer frame of the camera came before an analyst was free
    STARTING = "starting"  # the same, while the detector is still being loaded
    SHED = "shed"  # the machine is beyond its capacity and has given up this camera
    STOPPED = "stopped"  # it waited when its camera was given up or the node was closed
    NOT_AUTHORISED = "not authorised"  # the law's gate was closed
    FAILED = "failed"  # the analysis of this camera is broken and rests for a while


class Drops:
    """Counts, safe for several threads."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Cause]] = Counter()
        self._lock = threading.Lock()

    def count(self, camera: str, cause: Cause) -> None:
        """One more frame of this camera is lost."""
        with self._lock:
            self._counts[camera, cause] += 1

    def of(self, camera: str) -> Counter[str]:
        """What this camera has lost, by cause."""
        with self._lock:
            pairs = list(self._counts.items())
        return Counter({cause.value: n for (name, cause), n in pairs if name == camera})

    def total(self, cause: Cause) -> int:
        """How many frames of all cameras were lost for this cause."""
        with self._lock:
            return sum(n for (_, why), n in self._counts.items() if why is cause)
