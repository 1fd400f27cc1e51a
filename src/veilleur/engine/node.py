"""The scheduler of one node: all its cameras, one detector, a few analysts.

Cameras decode in processes of their own. This process collects their newest frames, and as many
analyst threads as the detector has streams take them from the inbox, one camera at a time each.
What comes out is alerts, in a queue, and a snapshot of every camera's state.
"""

from __future__ import annotations

import queue
import selectors
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from veilleur.cameras.camera import Camera, CameraSettings, Pace, State
from veilleur.cameras.frame import Frame
from veilleur.engine.assembly import Assembly, Detectors
from veilleur.engine.inbox import Inbox
from veilleur.engine.pipeline import Pipeline, Step
from veilleur.engine.quiet import Quiet
from veilleur.engine.shedding import Load, Shedding
from veilleur.engine.situations import Alert
from veilleur.errors import NotAuthorised, VeilleurError
from veilleur.geometry import View
from veilleur.law.gate import Gate
from veilleur.perception.objects import Kind

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Member:
    """One camera of a node. `view` makes its view once the picture's size is known."""

    settings: CameraSettings
    assembly: Assembly
    view: Callable[[int, int], View] = View

    @property
    def id(self) -> str:
        return self.settings.id

    def hurried(self) -> Member:
        """The same camera; a file is played as fast as it can be analysed."""
        return replace(self, settings=replace(self.settings, pace=Pace.FAST))


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """One camera at a glance. latency_s: from the packet's arrival to the rules' answer."""

    camera: str
    state: str
    cause: str
    reference: str
    laboratory: bool
    analysed_hz: float
    latency_p50_s: float | None
    latency_p95_s: float | None
    dropped: dict[str, int]
    people: int
    vehicles: int
    blind: str | None
    last_alert: Alert | None
    stream_time: float


@dataclass(slots=True)
class _Seat:
    """What the node keeps of one camera."""

    member: Member
    camera: Camera
    quiet: Quiet = field(default_factory=Quiet)
    pipeline: Pipeline | None = None
    analysed: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=300))
    last: Step | None = None
    last_alert: Alert | None = None
    refused: str = ""
    failed: str = ""
    key_frames_only: bool = False


class Node:
    """All cameras of one machine. `now`: host seconds that never go back. `utc`: the instant."""

    def __init__(
        self,
        members: Sequence[Member],
        gate: Gate,
        detectors: Detectors,
        *,
        analysts: int = 2,
        now: Callable[[], float] = time.monotonic,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gate, self._detectors, self._now, self._utc = gate, detectors, now, utc
        self._seats = {m.id: _Seat(m, Camera(m.settings)) for m in members}
        self._inbox = Inbox()
        self._shedding = Shedding([m.id for m in members], analysts)
        self._busy_s = 0.0
        self._count = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._analyse_for_ever, name=f"analyst-{n}", daemon=True)
            for n in range(analysts)
        ]
        self._threads.append(threading.Thread(target=self._collect, name="collector", daemon=True))
        self.alerts: queue.SimpleQueue[Alert] = queue.SimpleQueue()
        self.dropped: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Node:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop within a second: analysts finish their frame, workers are ended."""
        self._stop.set()
        self._inbox.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=1.0)
        for seat in self._seats.values():
            seat.camera.close()

    @property
    def ended(self) -> bool:
        """Every camera is a file that has come to its end (never true of a live camera)."""
        return all(seat.camera.ended for seat in self._seats.values()) and self._inbox.empty

    # ------------------------------------------------------------------ collecting
    def _collect(self) -> None:
        with selectors.DefaultSelector() as selector:
            known: dict[str, int] = {}
            while not self._stop.is_set():
                now = self._now()
                for name, seat in self._seats.items():
                    seat.camera.key_frames_only(seat.key_frames_only)
                    self._receive(seat, now)
                    _register(selector, known, name, seat.camera.fileno())
                selector.select(POLL_S)
                self._shed(now)

    def _receive(self, seat: _Seat, now: float) -> None:
        """Take in what the camera has. A file played fast waits for the analysts, others don't."""
        name, patient = seat.member.id, not seat.member.settings.drops
        if patient and self._inbox.holds(name):
            seat.camera.tick(now)
            return
        frame = seat.camera.read(now)
        if frame is None:
            return
        if name in self._shedding.shed:
            self.dropped[name, "shed"] += 1
        else:
            self._inbox.put(frame)

    def _shed(self, now: float) -> None:
        with self._lock:
            displaced = sum(n for (_, why), n in self._inbox.dropped.items() if why == "displaced")
            load = Load(self._count, displaced, self._busy_s)
        before = set(self._shedding.shed)
        self._shedding.update(load, now)
        for camera in set(self._shedding.shed) - before:
            self._inbox.forget(camera)

    # ------------------------------------------------------------------ analysing
    def _analyse_for_ever(self) -> None:
        while not self._stop.is_set():
            frame = self._inbox.take(POLL_S)
            if frame is None:
                continue
            began = time.thread_time()
            try:
                self._analyse(self._seats[frame.camera], frame)
            finally:
                self._inbox.done(frame.camera)
                with self._lock:
                    self._count += 1
                    self._busy_s += time.thread_time() - began

    def _analyse(self, seat: _Seat, frame: Frame) -> None:
        try:
            step = self._pipeline(seat, frame).step(frame, self._utc())
        except NotAuthorised as refusal:
            seat.refused = str(refusal)
            self.dropped[frame.camera, "not authorised"] += 1
            return
        except VeilleurError as error:
            seat.failed = str(error)
            self.dropped[frame.camera, "failed"] += 1
            return
        seat.refused = seat.failed = ""
        now = self._now()
        seat.analysed.append((now, now - frame.arrived))
        seat.last = step
        for alert in step.alerts:
            seat.last_alert = alert
            self.alerts.put(alert)
        seat.key_frames_only = seat.quiet.update(
            frame.time,
            moving=len(frame.activity.boxes) > 0 or frame.activity.everywhere,
            key_interval_s=seat.camera.key_interval_s,
        )

    def _pipeline(self, seat: _Seat, frame: Frame) -> Pipeline:
        if seat.pipeline is None:
            view = seat.member.view(frame.picture.width, frame.picture.height)
            seat.pipeline = seat.member.assembly.pipeline(view, self._gate, self._detectors)
        return seat.pipeline

    # ------------------------------------------------------------------ reporting
    def report(self) -> list[CameraReport]:
        """Every camera as it is now, in the order of the site file."""
        now = self._now()
        return [self._report(seat, now) for seat in self._seats.values()]

    def _report(self, seat: _Seat, now: float) -> CameraReport:
        name = seat.member.id
        recent = [(at, late) for at, late in tuple(seat.analysed) if now - at <= 5.0]
        late = [delay for _, delay in recent]
        state, cause = self._state(seat)
        permit = self._gate.permit(name)
        scene = seat.last.scene if seat.last else None
        return CameraReport(
            camera=name,
            state=state,
            cause=cause,
            reference=permit.reference,
            laboratory=permit.laboratory,
            analysed_hz=len(recent) / 5.0,
            latency_p50_s=float(np.percentile(late, 50)) if late else None,
            latency_p95_s=float(np.percentile(late, 95)) if late else None,
            dropped=self._dropped(seat),
            people=len(scene.tracks.of(Kind.PERSON)) if scene else 0,
            vehicles=len(scene.tracks.of(Kind.VEHICLE)) if scene else 0,
            blind=scene.blind if scene else None,
            last_alert=seat.last_alert,
            stream_time=scene.time if scene else 0.0,
        )

    def _state(self, seat: _Seat) -> tuple[str, str]:
        if seat.member.id in self._shedding.shed:
            return "shed", "this machine cannot carry all its cameras: the last ones are given up"
        if seat.refused:
            return "not authorised", seat.refused
        if seat.failed:
            return "failed", seat.failed
        if seat.last and seat.last.scene.blind and seat.camera.state is State.RUNNING:
            return "blind", f"{seat.last.scene.blind}: rules are suspended"
        return seat.camera.state.value, seat.camera.cause

    def _dropped(self, seat: _Seat) -> dict[str, int]:
        counts: Counter[str] = Counter(seat.camera.dropped)
        for counter in (self._inbox.dropped, self.dropped):
            for (camera, why), number in tuple(counter.items()):
                if camera == seat.member.id:
                    counts[why] += number
        return dict(counts)


def _register(
    selector: selectors.BaseSelector, known: dict[str, int], name: str, descriptor: int | None
) -> None:
    """Keep the selector on the camera's pipe, which changes with every new worker."""
    if known.get(name) == descriptor:
        return
    if name in known:
        selector.unregister(known.pop(name))
    if descriptor is not None:
        selector.register(descriptor, selectors.EVENT_READ, name)
        known[name] = descriptor
