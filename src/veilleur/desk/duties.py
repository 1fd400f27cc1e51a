"""Threads that do one thing for ever. A mistake in one is told, and it begins again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from veilleur.engine.caught import Caught
from veilleur.engine.report import Surprise
from veilleur.engine.seat import surprise_of

Work = Callable[[threading.Event], None]
AGAIN_S = 1.0
ENDS_WITHIN_S = 5.0


class Duties:
    """told: what nobody foresaw, with the duty's name; its stage is silent until it works again."""

    def __init__(self, told: Callable[[str, Surprise], None]) -> None:
        self._told = told
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, work: Work) -> None:
        thread = threading.Thread(target=self._run, args=(name, work), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        """Each finishes what it has in hand; all of them together have so long for it."""
        self._stop.set()
        until = time.monotonic() + ENDS_WITHIN_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self, name: str, work: Work) -> None:
        while not self._stop.is_set():
            with Caught(lambda error: self._told(name, surprise_of(error))):
                work(self._stop)
            self._stop.wait(AGAIN_S)
