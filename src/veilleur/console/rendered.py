"""Pieces of pages that many screens ask for at once: made once for all who see the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

HOLDS = 64
FRESH_S = 20.0
"""What is older is made anew, though nothing is known to have changed."""


@dataclass(slots=True)
class _Piece:
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: float = float("-inf")
    html: str = ""


class Rendered:
    """key: all that the piece depends on, the state of the store included."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._pieces: dict[Hashable, _Piece] = {}

    def get(self, key: Hashable, make: Callable[[], str]) -> str:
        """The piece; while one thread makes it, the others wait for that."""
        with self._lock:
            piece = self._pieces.pop(key, None) or _Piece()
            self._pieces[key] = piece
            while len(self._pieces) > HOLDS:
                del self._pieces[next(iter(self._pieces))]
        with piece.lock:
            if self._now() - piece.made >= FRESH_S:
                piece.html, piece.made = make(), self._now()
            return piece.html
