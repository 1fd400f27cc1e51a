"""Pictures in memory shared by a decoding process and its host. No copy is made.

The memory is anonymous, and sealed: a worker that was taken over cannot shrink it under the host.
A picture stays the host's as long as anybody there holds any part of it; then its slot goes back.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import weakref
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from veilleur.geometry import ImageArray

LARGEST_SLOT = 1920 * 1920 * 3 // 2  # pages that are never touched cost nothing
IDLE_PICTURES = 25  # five seconds at five a second


def make_memory(size: int, name: str = "veilleur") -> int:
    """A descriptor of sealed anonymous memory, closed on exec. The caller closes it."""
    memory = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, size)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
    return memory


class _Lease:
    """Owns one use of a slot. Arrays made from it keep it alive; it keeps the memory alive."""

    def __init__(self, memory: mmap.mmap, offset: int, shape: tuple[int, int]) -> None:
        whole = np.frombuffer(memory, np.uint8)
        part = whole[offset : offset + shape[0] * shape[1]].reshape(shape)
        self._memory = memory
        self.__array_interface__ = part.__array_interface__


class HostSlots:
    """The host's end: reading. `given_back` is called with a slot when nobody holds it any more."""

    def __init__(self, memory: int, slots: int, given_back: Callable[[int], None]) -> None:
        self._size = os.fstat(memory).st_size
        self._slot_bytes = self._size // slots
        self._slots = slots
        self._given_back = given_back
        self._map = mmap.mmap(memory, self._size, prot=mmap.PROT_READ)

    def picture(self, slot: int, width: int, height: int) -> ImageArray:
        """(height * 3 / 2, width) uint8, read-only. ValueError where it wouldn't fit its slot."""
        shape = (height * 3 // 2, width)
        if not 0 <= slot < self._slots or shape[0] * shape[1] > self._slot_bytes:
            raise ValueError(f"a picture of {width}x{height} in slot {slot}")
        lease = _Lease(self._map, slot * self._slot_bytes, shape)
        weakref.finalize(lease, self._given_back, slot).atexit = False
        array: ImageArray = np.asarray(lease)
        return array


class WorkerSlots:
    """The worker's end: writing. Free slots are a stack, so that few pages are ever touched.

    What was needed only in a rush, when the host was slow, gives its memory back after a while.
    """

    def __init__(self, memory: int, slots: int) -> None:
        size = os.fstat(memory).st_size
        self._slot_bytes = size // slots
        self._memory = mmap.mmap(memory, size)
        self._map = np.frombuffer(self._memory, np.uint8)
        self._free = list(range(slots))
        self._pictures = 0
        self._filled: dict[int, int] = {}  # by slot that holds memory: the picture last put there

    @property
    def free(self) -> int:
        return len(self._free)

    def take(self, width: int, height: int) -> tuple[int, ImageArray] | None:
        """A slot and its (height * 3 / 2, width) array, None where none is free or it can't fit."""
        size = width * height * 3 // 2
        if size > self._slot_bytes or not self._free:
            return None
        slot = self._free.pop()
        self._pictures += 1
        self._filled[slot] = self._pictures
        self._clear_idle()
        begin = slot * self._slot_bytes
        return slot, self._map[begin : begin + size].reshape(height * 3 // 2, width)

    def give_back(self, slot: int) -> None:
        if slot not in self._free:
            self._free.append(slot)

    def _clear_idle(self) -> None:
        """Give the memory of free slots back that no picture has needed for IDLE_PICTURES."""
        for slot in tuple(self._free):
            if self._pictures - self._filled.get(slot, self._pictures) <= IDLE_PICTURES:
                continue
            del self._filled[slot]
            first = -(-slot * self._slot_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
            whole = ((slot + 1) * self._slot_bytes - first) // mmap.PAGESIZE * mmap.PAGESIZE
            if whole > 0:
                with suppress(OSError):  # a kernel that can't: the slot keeps its memory
                    self._memory.madvise(mmap.MADV_REMOVE, first, whole)
