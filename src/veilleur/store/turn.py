"""One at a time, in the order they came: a burst of signals must not keep an operator waiting."""

from __future__ import annotations

import threading
from collections import deque


class Turn:
    """A lock that is handed to whoever has waited longest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def take(self, patience_s: float) -> bool:
        """False: it was not our turn in that time."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            ours = threading.Event()
            self._waiting.append(ours)
        if ours.wait(patience_s):
            return True
        with self._guard:
            if ours.is_set():  # at the last moment
                return True
            self._waiting.remove(ours)
            return False

    def give(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False
