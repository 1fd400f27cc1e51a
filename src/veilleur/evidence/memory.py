"""Memory that no disk gets: kept out of swap, as far as the system permits, and of core dumps.

Source: mlock(2), madvise(2), core(5), getrlimit(2), capabilities(7).
"""

from __future__ import annotations

import ctypes
import math
import mmap
import resource
from pathlib import Path

STATUS = Path("/proc/self/status")
CAP_IPC_LOCK = 14
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mlock.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


class Locked:
    """A copy of some bytes on pages of their own, which go back to the system with it.

    locked: they stay in memory. False: so much may not be locked (`lockable`).
    """

    def __init__(self, content: bytes) -> None:
        self._size = len(content)
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self._pages = mmap.mmap(-1, max(1, self._size), flags=flags)
        self._pages.madvise(mmap.MADV_DONTDUMP)
        self.locked = _locked(self._pages)
        self._pages[: self._size] = content

    @property
    def content(self) -> bytes:
        return self._pages[: self._size]


def _locked(pages: mmap.mmap) -> bool:
    first = ctypes.c_char.from_buffer(pages)
    return bool(_libc.mlock(ctypes.addressof(first), len(pages)) == 0)


def no_core_dumps() -> None:
    """Of this process and those it starts. One byte, and not none: where dumps go to a program,
    the kernel hands it what is limited to nothing, and lets be what is limited to one."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 1 if most == resource.RLIM_INFINITY else min(1, most)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def lock_as_much_as_permitted() -> None:
    """What an administrator permits this process at most is what it may lock."""
    _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (most, most))


def lockable(status: Path = STATUS) -> float:
    """Bytes that this process may lock in memory at most, infinity where there is no limit."""
    _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return math.inf if most == resource.RLIM_INFINITY or _may_lock_all(status) else most


def _may_lock_all(status: Path) -> bool:
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    held = next((line.split()[1] for line in lines if line.startswith("CapEff:")), "0")
    return bool(int(held, 16) >> CAP_IPC_LOCK & 1)
