"""The host's handle on one decoding process: its channel, its memory, its end."""

from __future__ import annotations

import mmap
import os
import select
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from veilleur.cameras import messages
from veilleur.cameras.frame import Frame
from veilleur.cameras.messages import (
    GIVE_BACK,
    MODE,
    RING,
    STOP,
    Hello,
    Message,
    MessageError,
    Placed,
    Start,
)
from veilleur.cameras.nursery import Nursery
from veilleur.cameras.picture import Picture
from veilleur.cameras.ring import MOST_EXTRADATA, Coding, Footage, unpack_footage
from veilleur.cameras.slots import LARGEST_SLOT, HostSlots, make_memory
from veilleur.geometry import ImageArray

_AT_ONCE = 64
_LEAVE_WITHIN_S = 0.05
_RING_OVERHEAD = MOST_EXTRADATA + (1 << 18)  # what stands beside the packets' data


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A frame's description and its pixels, in shared memory as long as anybody holds them."""

    placed: Placed
    data: ImageArray

    def frame(self, camera: str) -> Frame:
        placed = self.placed
        return Frame(
            camera=camera,
            sequence=placed.sequence,
            time=placed.time,
            picture=Picture(self.data, placed.full_range),
            arrived=placed.arrived,
            key=placed.key,
            activity=placed.activity,
            blind=placed.blind,
        )


class WorkerProcess:
    """Starts a worker and never waits for it. OSError where none can be started.

    stored: a descriptor of the memory that `Start.stored` speaks of; stays the caller's.
    """

    def __init__(self, nursery: Nursery, start: Start, stored: int | None = None) -> None:
        self.pid: int | None = None
        self._process: int | None = None
        self._ring: int | None = None
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        memory = make_memory(start.slots * LARGEST_SLOT)
        try:
            self._slots: HostSlots | None = HostSlots(memory, start.slots, self._give_back)
            nursery.fork(theirs, memory)
            with_it = [] if stored is None else [stored]
            socket.send_fds(self._channel, [messages.pack_start(start)], with_it)
        except OSError:
            self._channel.close()
            raise
        finally:
            theirs.close()
            os.close(memory)

    def fileno(self) -> int:
        return self._channel.fileno()

    def messages(self) -> Iterator[Message]:
        """What has come. EOFError when the process is gone, MessageError for nonsense."""
        for _ in range(_AT_ONCE):
            if self._channel.fileno() < 0:
                return
            try:
                packed, handles, _, _ = socket.recv_fds(self._channel, messages.LARGEST, 2)
            except BlockingIOError:
                return
            if not packed:
                raise EOFError
            message = messages.unpack(packed)
            self._take_handles(message, handles)
            yield message

    def claim(self, placed: Placed) -> Held:
        """The pixels of a frame. Its slot is given back when nobody holds them any more."""
        if self._slots is None:
            raise MessageError("a picture of a process that has ended")
        try:
            data = self._slots.picture(placed.slot, placed.width, placed.height)
        except ValueError as error:
            raise MessageError(str(error)) from None
        return Held(placed, data)

    def set_mode(self, mode: int) -> None:
        """0: decode all that is wanted, 1: key frames only, 2: nothing, 3: all, for an onlooker."""
        self._send(MODE + bytes([mode]))

    def request_ring(self, size: int) -> None:
        """The worker writes its packets into fresh memory, and says so."""
        if self._ring is None:
            self._ring = make_memory(size + _RING_OVERHEAD, "veilleur-ring")
            try:
                socket.send_fds(self._channel, [RING], [self._ring])
            except OSError:
                self._drop_ring()

    def take_ring(self, size: int) -> Footage:
        """The packets, copied out of the memory. MessageError where they can't be read."""
        if self._ring is None:
            raise MessageError("packets that nobody asked for")
        try:
            if not 0 < size <= os.fstat(self._ring).st_size:
                return Footage(Coding(""))
            with mmap.mmap(self._ring, size, prot=mmap.PROT_READ) as view:
                return unpack_footage(bytes(view))
        except ValueError as error:
            raise MessageError(str(error)) from None
        finally:
            self._drop_ring()

    def finish(self) -> None:
        """It has said that it is done, and leaves by itself."""
        self._drop_ring()
        self._channel.close()
        self._slots = None  # which knows this object: a circle would keep the memory for a while
        if self._process is not None:
            os.close(self._process)
        self._process = None

    def close(self) -> None:
        """Ask it to leave, and end it where it doesn't."""
        self._send(STOP)
        if self._process is not None:
            poll = select.poll()
            poll.register(self._process, select.POLLIN)
            if not poll.poll(_LEAVE_WITHIN_S * 1000):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
        self.finish()

    def _take_handles(self, message: Message, handles: list[int]) -> None:
        """The first word brings a handle on the process. Others are not wanted."""
        if isinstance(message, Hello) and len(handles) == 1 and self._process is None:
            self._process, self.pid = handles[0], message.pid
            return
        for handle in handles:
            os.close(handle)

    def _give_back(self, slot: int) -> None:
        self._send(GIVE_BACK + bytes([slot]))

    def _send(self, order: bytes) -> None:
        try:
            self._channel.send(order)
        except OSError:
            return  # it is gone, which `messages` tells

    def _drop_ring(self) -> None:
        if self._ring is not None:
            os.close(self._ring)
        self._ring = None
