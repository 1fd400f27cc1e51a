"""The seconds around an incident's onset, as they came, in memory and for minutes: what an operator
looks at to remove a doubt. Never on a disk; encoded until somebody looks.

Bounded over all incidents: what was kept first leaves first, and says so. What is held lies on
pages of its own, which swap and core dumps don't get (`evidence.memory`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from veilleur.cameras.masks import Polygon
from veilleur.cameras.playback import play
from veilleur.cameras.ring import Footage, pack_footage, unpack_footage
from veilleur.errors import EvidenceFailed
from veilleur.evidence.clip import Recorded as Packets
from veilleur.evidence.memory import Locked

BEFORE_S, AFTER_S = 5.0, 10.0
"""The seconds around the onset."""
KEPT_S = 300.0
MOST_BYTES = 256 << 20
RATE_HZ = 4.0
WIDTH = 1280
_REMEMBERED = 10_000


class Recorded(Packets, Protocol):
    """The same, and the clock they came by."""

    def utc(self, host_s: float) -> datetime: ...


class State(StrEnum):
    """What became of an incident's clear seconds."""

    HELD = "held"
    NONE = "none"  # nothing was ever kept
    DROPPED = "dropped"  # other incidents needed the room
    OVER = "over"  # its minutes are over, or it was let go


@dataclass(frozen=True, slots=True)
class Clear:
    """A picture in which people are clear. Shown, never stored. at: UTC; jpeg: privacy masks in it,
    no metadata."""

    at: datetime
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class _Seconds:
    """No more than is shown: what was handed in may be much longer. zero: UTC of host second 0."""

    camera: str
    packed: Locked
    masks: tuple[Polygon, ...]
    zero: datetime
    onset: float
    kept: float
    size: int

    @property
    def footage(self) -> Footage:
        return unpack_footage(self.packed.content)


class Kept:
    """What is held, by incident. Any thread.

    most_bytes: of all incidents together. kept_s: for how long, from the first time on. now: host
    seconds that never go back.
    """

    def __init__(
        self,
        *,
        most_bytes: int = MOST_BYTES,
        kept_s: float = KEPT_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._kept_s, self._now = most_bytes, kept_s, now
        self._held: OrderedDict[UUID, _Seconds] = OrderedDict()
        self._gone: OrderedDict[UUID, State] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._bytes

    def keep(self, incident: UUID, recorded: Recorded, onset: float) -> State:
        """The seconds around the onset (host seconds, as the packets' times), or what is there of
        them. Called again with later packets it keeps those too; it is kept no longer for that."""
        with self._lock:
            self._expire()
            if incident in self._gone:
                return self._gone[incident]
            before = self._held.get(incident)
            footage = recorded.footage
            if before is not None:
                onset = before.onset
                footage = before.footage.joined(footage)
            footage = footage.between(onset - BEFORE_S, onset + AFTER_S)
            if footage.packets:
                seconds = _Seconds(
                    recorded.camera,
                    Locked(pack_footage(footage)),
                    recorded.masks,
                    recorded.utc(0.0),
                    onset,
                    before.kept if before else self._now(),
                    footage.size,
                )
                self._put(incident, seconds)
            return self._state(incident)

    def state(self, incident: UUID) -> State:
        with self._lock:
            self._expire()
            return self._state(incident)

    def left_s(self, incident: UUID) -> float:
        """For so many seconds more it is held, if no other incident needs the room; 0: it is
        not."""
        with self._lock:
            self._expire()
            held = self._held.get(incident)
            return held.kept + self._kept_s - self._now() if held else 0.0

    def let_go(self, incident: UUID) -> None:
        """Nobody may look at it any more: its time of retention, or its authorisation, is over."""
        with self._lock:
            self._drop(incident, State.OVER)

    def expire(self) -> None:
        """Forget what is too old. To be called now and then."""
        with self._lock:
            self._expire()

    def seconds(self, incident: UUID, *, masks: Sequence[Polygon] = ()) -> Iterator[Clear]:
        """Clear pictures of these seconds, about four a second, as fast as they are taken. masks:
        drawn since, besides those of then.

        They begin at the key frame before the first of these seconds, so that one is there at once.
        Who may see them, and the audit line, are the caller's. Errors: EvidenceFailed (with the
        state as its cause), now; PlaybackFailed, while they are taken.
        """
        with self._lock:
            self._expire()
            held = self._held.get(incident)
            state = self._state(incident)
        if held is None:
            raise _not_there(state)
        return _clear(held, tuple(masks))

    # ------------------------------------------------------------------ under the lock
    def _put(self, incident: UUID, seconds: _Seconds) -> None:
        before = self._held.get(incident)
        self._bytes += seconds.size - (before.size if before else 0)
        self._held[incident] = seconds
        while self._bytes > self._most:
            self._drop(next(iter(self._held)), State.DROPPED)

    def _drop(self, incident: UUID, state: State) -> None:
        gone = self._held.pop(incident, None)
        self._bytes -= gone.size if gone else 0
        self._gone[incident] = state
        while len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)

    def _expire(self) -> None:
        ends = self._now() - self._kept_s
        for incident in [i for i, held in self._held.items() if held.kept < ends]:
            self._drop(incident, State.OVER)

    def _state(self, incident: UUID) -> State:
        if incident in self._held:
            return State.HELD
        return self._gone.get(incident, State.NONE)


def _clear(held: _Seconds, masks: tuple[Polygon, ...]) -> Iterator[Clear]:
    every = (*held.masks, *masks)
    for frame in play(held.footage, masks=every, rate_hz=RATE_HZ, camera=held.camera):
        at = held.zero + timedelta(seconds=frame.arrived)
        yield Clear(at, frame.picture.jpeg(WIDTH))


def _not_there(state: State) -> EvidenceFailed:
    words = {
        State.NONE: "no clear pictures were kept of this incident",
        State.DROPPED: "its clear pictures had to make room for later incidents",
        State.OVER: "its clear pictures were kept for some minutes, which are over",
    }
    return EvidenceFailed(
        words.get(state, "its clear pictures are not there"),
        remedy="look at the still, or at the camera live",
        cause=state.value,
    )
