"""Kept packets become pictures once more, in a process of their own without rights.

The same sandbox and the same way back as a camera's: whatever hostile packets do to their decoder
ends this playback with an error, and nothing else. Nothing touches a file: the packets go to the
worker in anonymous memory.
"""

from __future__ import annotations

import mmap
import os
import select
import time
from collections.abc import Iterator, Sequence

from veilleur.cameras.frame import Frame
from veilleur.cameras.masks import Polygon
from veilleur.cameras.messages import Ended, Fault, Message, MessageError, Placed, Start
from veilleur.cameras.nursery import Nursery, shared_nursery
from veilleur.cameras.process import WorkerProcess
from veilleur.cameras.ring import Footage, pack_footage
from veilleur.cameras.slots import make_memory
from veilleur.cameras.source import Kind, Source
from veilleur.errors import PlaybackFailed

EVERY_HZ = 240.0
"""As `rate_hz`: every picture there is."""
STUCK_AFTER_S = 10.0
_MORE_THAN_PACKETS = 2
_MEMORY = Source(Kind.FILE, "")


def play(
    footage: Footage,
    *,
    masks: Sequence[Polygon] = (),
    rate_hz: float = EVERY_HZ,
    activity: bool = False,
    camera: str = "",
    nursery: Nursery | None = None,
    stuck_after_s: float = STUCK_AFTER_S,
) -> Iterator[Frame]:
    """The pictures of the packets, in the order they are shown, privacy masks burnt in.

    time: seconds since the first; arrived: when the picture's own packet had come (host seconds),
    which is what `Frame.arrived` was when it was analysed. rate_hz: at most so many a second.
    activity: tell what moves. A picture's memory goes back when nobody holds it: whoever holds four
    gets no more. Waits for pictures in the caller's thread; ending the iteration early is fine.

    PlaybackFailed: the packets cannot be decoded ("codec", "damaged"), their decoder died of them
    ("crashed"), spoke nonsense ("nonsense") or found no end ("stuck").
    """
    start = Start(
        source=_MEMORY,
        rate_hz=rate_hz,
        masks=tuple(masks),
        paced=False,
        drops=False,
        health=False,
        activity=activity,
        stored=True,
    )
    memory = _written(pack_footage(footage))
    try:
        worker = WorkerProcess(nursery or shared_nursery(), start, memory)
    except OSError as error:
        raise _failed("no decoding process can be started", "start", camera) from error
    finally:
        os.close(memory)
    number = 0
    try:
        for placed in _pictures(worker, camera, stuck_after_s):
            number += 1
            if number > _MORE_THAN_PACKETS * len(footage.packets):
                raise MessageError("more pictures than there can be")
            yield worker.claim(placed).frame(camera)
    except MessageError:
        words = "the decoding process of this playback spoke nonsense and was ended"
        raise _failed(words, "nonsense", camera) from None
    finally:
        worker.close()
    if not number:
        raise _failed("nothing in these packets can be decoded", "damaged", camera)


def _pictures(worker: WorkerProcess, camera: str, stuck_after_s: float) -> Iterator[Placed]:
    """What the worker hands over, until it says that it is done."""
    poll = select.poll()
    poll.register(worker.fileno(), select.POLLIN)
    due = time.monotonic() + stuck_after_s
    while True:
        left = due - time.monotonic()
        if left <= 0:
            raise _failed(f"no picture for {stuck_after_s:.0f} s", "stuck", camera)
        poll.poll(left * 1000)
        for message in _said(worker, camera):
            match message:
                case Placed():
                    yield message
                    due = time.monotonic() + stuck_after_s
                case Fault():
                    raise _failed(message.message, message.cause, camera)
                case Ended():
                    return


def _said(worker: WorkerProcess, camera: str) -> Iterator[Message]:
    try:
        yield from worker.messages()
    except (EOFError, OSError):
        words = "the decoding process died of these packets"
        raise _failed(words, "crashed", camera) from None


def _written(packed: bytes) -> int:
    """A descriptor of fresh anonymous memory that holds this. The caller closes it."""
    memory = make_memory(len(packed), "veilleur-footage")
    with mmap.mmap(memory, len(packed)) as view:
        view[:] = packed
    return memory


def _failed(words: str, cause: str, camera: str) -> PlaybackFailed:
    return PlaybackFailed(
        words,
        remedy="the stream may be damaged: look at the camera live",
        camera=camera,
        cause=cause,
    )
