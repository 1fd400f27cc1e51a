"""A stream is described by a process without rights: the same sandbox as a camera's decoder.

Opening a stream and taking it apart is where a hostile camera would strike first (S9), and it is
done before anybody has looked at a picture of it.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from dataclasses import replace

from veilleur.cameras.inspection import StreamDescription, sub_stream_of
from veilleur.cameras.messages import Described, Fault, Message, MessageError, Start
from veilleur.cameras.nursery import Nursery, shared_nursery
from veilleur.cameras.process import WorkerProcess
from veilleur.cameras.source import Source
from veilleur.errors import CameraError, CameraRefused, StreamLost

OPENS_WITHIN_S = 20.0
"""A process is started, a name looked up, a connection made."""


def describe_apart(
    source: Source, seconds: float, *, nursery: Nursery | None = None
) -> StreamDescription:
    """As `inspection.describe`, of a source that is not open yet. Waits in the caller's thread.

    What the process says is checked and its numbers are believed; where the stream comes from is
    the caller's own knowledge. Errors: CameraRefused, StreamLost (also where the process died of
    the stream, "crashed", or told nonsense, "nonsense").
    """
    start = Start(source=source, rate_hz=1.0, slots=1, describe_s=seconds)
    try:
        worker = WorkerProcess(nursery or shared_nursery(), start)
    except OSError as error:
        raise _lost("no decoding process can be started", "start") from error
    try:
        said = _heard(worker, source, time.monotonic() + OPENS_WITHIN_S + 2 * seconds)
    except MessageError:
        raise _lost("the process that reads this stream spoke nonsense", "nonsense") from None
    finally:
        worker.close()
    return replace(
        said.stream, address=source.address, live=source.live, sub_stream=sub_stream_of(source)
    )


def _heard(worker: WorkerProcess, source: Source, due: float) -> Described:
    poll = select.poll()
    poll.register(worker.fileno(), select.POLLIN)
    while (left := due - time.monotonic()) > 0:
        poll.poll(left * 1000)
        for message in _said(worker):
            match message:
                case Described():
                    return message
                case Fault():
                    raise _fault(message)
    raise _lost(f"{source.address} was not read in time", "stalled")


def _said(worker: WorkerProcess) -> Iterator[Message]:
    try:
        yield from worker.messages()
    except (EOFError, OSError):
        raise _lost("the process that reads this stream died of it", "crashed") from None


def _fault(said: Fault) -> CameraError:
    kind = StreamLost if said.kind == "lost" else CameraRefused
    return kind(said.message, cause=said.cause)


def _lost(words: str, cause: str) -> StreamLost:
    return StreamLost(words, remedy="look at the camera and the network", cause=cause)
