"""One camera as the engine sees it: frames when there are any, and always a state with a cause.

Nothing here waits. The stream is opened and decoded in a process of its own (`worker`); whatever
happens to that process is this camera's state, and a new one is started after a while.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from veilleur.cameras import sandbox
from veilleur.cameras.backoff import Backoff
from veilleur.cameras.frame import Frame
from veilleur.cameras.masks import Masks, Polygon
from veilleur.cameras.messages import (
    Alive,
    Ended,
    Fault,
    Hello,
    Message,
    MessageError,
    Opened,
    Placed,
    RingWritten,
    Start,
)
from veilleur.cameras.nursery import Nursery, shared_nursery
from veilleur.cameras.process import Held, WorkerProcess
from veilleur.cameras.ring import Footage
from veilleur.cameras.source import Kind, Source

STALLED_AFTER_S = 5.0
FIRST_FRAME_WITHIN_S = 12.0
HUNG_AFTER_S = 2.0
STALE_AFTER_S = 1.0
_UNWATCHED_S = 1.0


class Pace(StrEnum):
    """How a file is played."""

    OWN = "own"  # as it was recorded; frames that nobody takes are dropped, as from a camera
    FAST = "fast"  # as fast as frames are taken; none is dropped


class State(StrEnum):
    """What a camera is doing. All but RUNNING and ENDED mean: nothing is analysed."""

    CONNECTING = "connecting"
    RUNNING = "running"
    STALLED = "stalled"  # connected, but no frames come
    REFUSED = "refused"  # it answers no: password, path, codec, address
    LOST = "lost"  # it was there and is gone
    CRASHED = "sandbox crashed"  # the decoding process died or hangs
    ENDED = "ended"  # a file is over; never a live camera
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """One camera. masks: relative polygons. ring: seconds and bytes of packets kept for evidence.

    loop: a file begins again at its end, with time going on. live: an end is a fault; always true
    of what is not a file.
    """

    id: str
    source: Source
    rate_hz: float = 5.0
    masks: tuple[Polygon, ...] = ()
    ring_seconds: float = 0.0
    ring_bytes: int = 0
    loop: bool = False
    pace: Pace = Pace.OWN
    live: bool = False
    health: bool = True
    activity: bool = True
    slots: int = 4

    def __post_init__(self) -> None:
        Masks(self.masks)  # says now what is wrong with them

    @property
    def never_ends(self) -> bool:
        return self.live or self.source.kind is not Kind.FILE

    @property
    def drops(self) -> bool:
        """Newest frame wins."""
        return self.never_ends or self.pace is Pace.OWN


@dataclass(slots=True)
class _Watch:
    """What was last heard of the worker, on the host's clock."""

    started: float
    introduced: bool = False
    heard: float | None = None
    framed: float | None = None


@dataclass(slots=True)
class _Rates:
    """Decoded pictures a second, from the worker's own counts."""

    alive: Alive | None = None
    at: float = 0.0
    decoded_hz: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)


class Camera:
    """Frames of one camera. Call `read` or `tick` often; all times are `now`, host seconds.

    state, cause: what it does and why, in words. retry_at: when it is tried again, None while it
    runs. dropped: frames lost, by cause. counts: the worker's own counts.
    """

    def __init__(
        self,
        settings: CameraSettings,
        *,
        nursery: Nursery | None = None,
        random: Random | None = None,
    ) -> None:
        self.settings = settings
        self.state = State.CONNECTING
        self.cause = "not started yet"
        self.retry_at: float | None = None
        self.dropped: Counter[str] = Counter()
        self.facts: Opened | None = None
        self.missing_layers: tuple[str, ...] = ()
        self._nursery = nursery or shared_nursery()
        self._backoff = Backoff(random)
        self._worker: WorkerProcess | None = None
        self._watch = _Watch(0.0)
        self._rates = _Rates()
        self._frames: deque[Held] = deque()
        self._ticked: float | None = None
        self._keyframes = self._rests = self._rested = self._closely = False
        self._ring: Footage | None = None

    @property
    def id(self) -> str:
        return self.settings.id

    @property
    def ended(self) -> bool:
        """A file is over and all its frames have been read."""
        return self.state is State.ENDED and not self._frames

    @property
    def counts(self) -> Alive | None:
        return self._rates.alive

    @property
    def decoded_hz(self) -> float:
        return self._rates.decoded_hz

    @property
    def key_interval_s(self) -> float | None:
        """Longest distance of the last key frames, seconds of the stream; None: not known yet."""
        return self._rates.alive.key_interval_s if self._rates.alive else None

    @property
    def pid(self) -> int | None:
        """The decoding process, None while there is none."""
        return self._worker.pid if self._worker else None

    def fileno(self) -> int | None:
        """To wait on with a selector; changes with every connection, None between them."""
        return self._worker.fileno() if self._worker else None

    def read(self, now: float) -> Frame | None:
        """The next frame, or None: nothing new. It never waits.

        Where frames may be dropped it is the newest, and the older ones are counted.
        """
        self.tick(now)
        if self.settings.drops:
            while len(self._frames) > 1:
                self._displace()
        while self._frames:
            held = self._frames.popleft()
            if self.settings.drops and now - held.placed.arrived > STALE_AFTER_S:
                self.dropped["stale"] += 1
                continue
            return held.frame(self.id)
        return None

    def tick(self, now: float) -> None:
        """Take in what the worker says, start it when it is time, see whether it still works."""
        if self.state is State.CLOSED:
            return
        unwatched = self._ticked is None or now - self._ticked > _UNWATCHED_S
        self._ticked = now
        if self._worker is not None:
            self._take_in(now)
        if self._worker is not None:
            self._watch_over(now, unwatched)
        elif self.state is not State.ENDED and now >= (self.retry_at or now):
            self._connect(now)

    def key_frames_only(self, wanted: bool) -> None:
        """A quiet scene: decode key frames only, until this is taken back."""
        if wanted != self._keyframes:
            self._keyframes = wanted
            self._set_mode()

    def rest(self, wanted: bool) -> None:
        """Nobody looks: decode nothing, until this is taken back. The stream is read on, packets
        are kept, and what would have been analysed counts as dropped, "shed"."""
        if wanted != self._rests:
            self._rests = wanted
            self._rested = True
            self._set_mode()

    def look_closely(self, wanted: bool) -> None:
        """Somebody looks at it live: no quiet scene, and two pictures a second at least, until this
        is taken back."""
        if wanted != self._closely:
            self._closely = wanted
            self._set_mode()

    def _set_mode(self) -> None:
        if not self._worker:
            return
        if self._rests:
            self._worker.set_mode(2)
        else:
            self._worker.set_mode(3 if self._closely else int(self._keyframes))

    def request_ring(self) -> bool:
        """Ask for the packets of the last seconds; `take_ring` has them a little later. False:
        there is nobody to ask, or none are kept. They never come where the worker dies."""
        if self._worker and self.settings.ring_bytes:
            self._worker.request_ring(self.settings.ring_bytes)
            return True
        return False

    def take_ring(self) -> Footage | None:
        """The packets asked for, once; None while they have not come."""
        ring, self._ring = self._ring, None
        return ring

    def close(self) -> None:
        """End the decoding process, within a moment."""
        if self._worker:
            self._worker.close()
        self._worker = None
        self._frames.clear()
        self.state, self.cause, self.retry_at = State.CLOSED, "closed", None

    # ------------------------------------------------------------------ the worker's life
    def _connect(self, now: float) -> None:
        settings = self.settings
        start = Start(
            source=settings.source,
            rate_hz=settings.rate_hz,
            masks=settings.masks,
            ring_seconds=settings.ring_seconds,
            ring_bytes=settings.ring_bytes,
            loop=settings.loop,
            paced=settings.pace is Pace.OWN and not settings.source.live,
            drops=settings.drops,
            slots=settings.slots,
            health=settings.health,
            activity=settings.activity,
        )
        self._rates = _Rates()
        self._watch = _Watch(now)
        try:
            self._worker = WorkerProcess(self._nursery, start)
        except OSError as error:
            self._fail(now, State.CRASHED, f"no decoding process can be started: {error.strerror}")
            return
        if self._keyframes or self._rests or self._closely:
            self._set_mode()
        if self.state is State.CONNECTING:
            self.cause = "waiting for the first picture"
        self.retry_at = None

    def _fail(self, now: float, state: State, cause: str) -> None:
        """Back off, with a state that says why."""
        if self._worker:
            self._worker.close()
        self._worker = None
        self.state, self.cause = state, cause
        self.retry_at = self._backoff.failed(now)

    def _take_in(self, now: float) -> None:
        assert self._worker is not None
        try:
            for message in self._worker.messages():
                self._hear(message, now)
                if self._worker is None:
                    return
        except MessageError:
            self._fail(now, State.CRASHED, "the decoding process spoke nonsense and was ended")
        except (EOFError, OSError):
            self._fail(now, State.CRASHED, "the decoding process died of this stream")

    def _hear(self, message: Message, now: float) -> None:
        match message:
            case Placed():
                self._receive(message, now)
            case Alive():
                self._count(message, now)
            case Opened():
                self.facts = message
                self.missing_layers = tuple(
                    a.name
                    for n, a in enumerate(sandbox.abilities())
                    if not message.enclosed >> n & 1
                )
            case Fault():
                state = State.LOST if message.kind == "lost" else State.REFUSED
                stalled = state is State.LOST and message.cause == "stalled"
                self._fail(now, State.STALLED if stalled else state, message.message)
            case Ended():
                self._end(now)
            case RingWritten():
                if self._worker:
                    self._ring = self._worker.take_ring(message.size)
            case Hello():
                self._watch.introduced = True

    def _end(self, now: float) -> None:
        if self.settings.never_ends:
            self._fail(now, State.LOST, "the stream ended")
            return
        self.state, self.cause = State.ENDED, "the file is over"
        if self._worker:
            self._worker.finish()
        self._worker = None

    def _receive(self, placed: Placed, now: float) -> None:
        self._watch.framed = now
        self._rested = self._rests
        self._backoff.worked(now)
        self.state, self.cause, self.retry_at = State.RUNNING, "", None
        assert self._worker is not None
        self._frames.append(self._worker.claim(placed))
        if len(self._frames) > self.settings.slots:
            raise MessageError("more frames than there are slots")

    def _count(self, alive: Alive, now: float) -> None:
        rates = self._rates
        self._watch.heard = now
        if rates.alive is not None and now > rates.at:
            rates.decoded_hz = (alive.decoded - rates.alive.decoded) / (now - rates.at)
        arrived = rates.alive is not None and alive.packets > rates.alive.packets
        if self._rests and self._watch.framed is not None and arrived:
            self._watch.framed = now
        counted = (("no room", alive.unplaced), ("corrupt", alive.corrupt), ("shed", alive.unasked))
        for cause, number in counted:
            if number > rates.seen[cause]:
                self.dropped[cause] += number - rates.seen[cause]
                rates.seen[cause] = number
        rates.alive, rates.at = alive, now

    def _watch_over(self, now: float, unwatched: bool) -> None:
        """The age of the last frame decides a stall, silence of the process that it hangs."""
        watch = self._watch
        if unwatched:
            # Nobody listened for a while: the silence was ours.
            watch.heard = now if watch.heard is not None else None
            watch.framed = now if watch.framed is not None else None
            watch.started = now
        if watch.heard is not None and now - watch.heard > HUNG_AFTER_S:
            self._fail(now, State.CRASHED, "the decoding process hangs in this stream")
        elif watch.heard is None and now - watch.started > FIRST_FRAME_WITHIN_S:
            if not watch.introduced:
                self._nursery.restart()
            self._fail(now, State.CRASHED, "the decoding process did not start in time")
        elif self.settings.never_ends and now - self._frame_due(watch) > 0:
            seconds = now - (watch.framed or watch.started)
            self._fail(now, State.STALLED, f"no picture for {seconds:.0f} s")

    def _frame_due(self, watch: _Watch) -> float:
        """When the next frame must have come."""
        if watch.framed is None:
            return watch.started + FIRST_FRAME_WITHIN_S
        by_keys = self._keyframes or self._rested
        slack = 2 * (self.key_interval_s or STALLED_AFTER_S) if by_keys else 0.0
        return watch.framed + max(STALLED_AFTER_S, slack)

    # ------------------------------------------------------------------ frames
    def _displace(self) -> None:
        """The oldest frame waiting is lost; its slot goes back with the last reference."""
        self.dropped["displaced"] += 1
        self._frames.popleft()
