"""What a node says of its cameras: the interface of every screen, `watch` today, a console later.

`Node.report()` returns one `CameraReport` a camera, in the order of the line-up, as it is now;
`Node.alerts` and `Node.surprises` are queues that one reader empties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from veilleur.engine.situations import Alert


class Condition(StrEnum):
    """What a camera is doing. All but RUNNING and ENDED mean: its rules see nothing now."""

    CONNECTING = "connecting"
    RUNNING = "running"
    BLIND = "blind"  # dark, frozen, covered, moved ...: its rules are suspended
    OTHER_SHAPE = "other shape"  # the picture's aspect ratio changed: its zones fit no longer
    STALLED = "stalled"  # connected, but no pictures come
    REFUSED = "refused"  # it answers no: password, path, codec, address
    LOST = "lost"  # it was there and is gone
    CRASHED = "decoder crashed"  # the decoding process died or hung
    SHED = "shed"  # the machine is beyond its capacity and has given up this camera
    NOT_AUTHORISED = "not authorised"  # the law's gate is closed
    NO_CONTACT = "no contact"  # with the authority's orders: the gate closed by itself
    FAILED = "failed"  # the analysis itself is broken
    ENDED = "ended"  # a file is over
    CLOSED = "closed"  # the node has been stopped

    @property
    def analysing(self) -> bool:
        return self is Condition.RUNNING

    @property
    def trouble(self) -> bool:
        """Somebody should look after it."""
        return self not in (Condition.CONNECTING, Condition.RUNNING, Condition.ENDED, _CLOSED)


_CLOSED = Condition.CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """One camera at a glance.

    cause: why it is in this condition, with what to do next, in plain words; "" while it runs.
    retry_in_s: seconds until it is tried again, None where it isn't waiting for that.
    reference: under which permit it is analysed; laboratory: nobody real is watched.
    analysed: frames since the start; analysed_hz: a second, over the last five.
    latency_p50_s, latency_p95_s: from the arrival of a frame's packet to the rules' answer, over
    the last five seconds; None where nothing was analysed.
    dropped: frames lost since the start, by cause (`engine.drops.Cause`, and the camera's own).
    people, vehicles: tracked now, None where nothing is analysed now.
    key_frames_only: a quiet scene. stream_time: seconds, of the last analysed frame.
    """

    camera: str
    condition: Condition
    cause: str
    retry_in_s: float | None
    reference: str
    laboratory: bool
    analysed: int
    analysed_hz: float
    latency_p50_s: float | None
    latency_p95_s: float | None
    dropped: Mapping[str, int]
    people: int | None
    vehicles: int | None
    key_frames_only: bool
    last_alert: Alert | None
    stream_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """An error that nobody foresaw, a mistake in the engine. camera: whose frame it was, "": none.

    words: one line. trace: where it happened, for whoever mends it.
    """

    camera: str
    words: str
    trace: str
