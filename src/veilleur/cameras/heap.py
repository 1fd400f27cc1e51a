"""Memory that was freed and that the C library keeps for later.

Arrays of a picture's size come and go by the second, from several threads. What glibc keeps of
them grows by a megabyte now and then, for months. Asked once a minute, it gives it back
(malloc_trim(3)). Other C libraries have no such call, and nothing is done there.
"""

from __future__ import annotations

import ctypes

EVERY_S = 60.0
_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)  # found while libraries may still be read


class Thrift:
    """Gives kept memory back, no more than once in a while. Times: seconds, of any one clock."""

    def __init__(self, now: float) -> None:
        self._due = now + EVERY_S

    def attend(self, now: float) -> bool:
        """Whether it was time, and the library was asked."""
        if now < self._due or _TRIM is None:
            return False
        self._due = now + EVERY_S
        _TRIM(0)
        return True
