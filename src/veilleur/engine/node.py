"""The scheduler of one node: all its cameras, one detector, a few analysts.

Cameras decode in processes of their own. The collector's thread gathers their newest frames, and a
few analyst threads take them from the inbox, one camera at a time each. What comes out is alerts,
in a queue, and a report of every camera's condition.

An error that nobody foresaw is a camera's trouble where a frame of that camera was in hand: it is
shown, told in `surprises`, and tried again. Anywhere else it ends the node: `check` raises it.
"""

from __future__ import annotations

import os
import queue
import selectors
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType

from veilleur.cameras.camera import Camera
from veilleur.cameras.frame import Frame
from veilleur.engine import cores
from veilleur.engine.assembly import Detectors
from veilleur.engine.drops import Cause, Drops
from veilleur.engine.inbox import Inbox
from veilleur.engine.member import Member
from veilleur.engine.pipeline import Step
from veilleur.engine.report import CameraReport, Condition, Surprise
from veilleur.engine.seat import Seat, surprise_of
from veilleur.engine.seen import Snapshot, copied
from veilleur.engine.shedding import Load, Shedding, SheddingSettings
from veilleur.engine.sighting import MOST_PICTURES, Sighting
from veilleur.errors import NotAuthorised, VeilleurError
from veilleur.law.gate import Gate

__all__ = ["CameraReport", "Condition", "Member", "Node", "NodeFailed"]

POLL_S = 0.5
_BELL = "*"  # no camera's id
CLOSES_WITHIN_S = 0.6
"""How long a frame in hand is waited for when the node is closed."""


class NodeFailed(VeilleurError):
    """A thread of the node broke: nothing is analysed any more. `surprise` says where."""

    def __init__(self, surprise: Surprise) -> None:
        super().__init__(
            f"the engine stopped at a mistake of its own: {surprise.words}",
            remedy="start it again, and report this with the lines above",
        )
        self.surprise = surprise


class Node:
    """All cameras of one machine, most important first: beyond capacity the last are given up.

    analysts: frames analysed at once. now: host seconds that never go back, the clock of
    `Frame.arrived`. utc: the instant, for the gate.
    alerts: what an operator is to look at. surprises: mistakes of the engine. One reader each.
    """

    def __init__(
        self,
        members: Sequence[Member],
        gate: Gate,
        detectors: Detectors,
        *,
        analysts: int = 2,
        shedding: SheddingSettings | None = None,
        now: Callable[[], float] = time.monotonic,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.alerts: queue.SimpleQueue[Sighting] = queue.SimpleQueue()
        self.surprises: queue.SimpleQueue[Surprise] = queue.SimpleQueue()
        self._gate, self._detectors, self._now, self._utc = gate, detectors, now, utc
        self._seats = {m.id: Seat(m, Camera(m.settings)) for m in members}
        self._drops = Drops()
        self._inbox = Inbox(self._drops)
        self._shedding = Shedding([m.id for m in members], analysts, shedding)
        self._busy_s = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._over = False
        self._failure: Surprise | None = None
        self._since = now()
        self._bell = _Bell()
        work = [self._analyse_for_ever] * analysts
        self._threads = [
            threading.Thread(target=self._guarded, args=(duty,), name=duty.__name__, daemon=True)
            for duty in (*work, self._collect_for_ever)
        ]

    def __enter__(self) -> Node:
        self._since = self._now()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop within a second: frames in hand are finished, decoding processes are ended."""
        if self._stop.is_set() and not any(thread.is_alive() for thread in self._threads):
            return
        self._stop.set()
        self._inbox.close()
        self._bell.ring()
        deadline = time.monotonic() + CLOSES_WITHIN_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=max(0.0, deadline - time.monotonic()))
        cameras = [seat.camera for seat in self._seats.values()]
        with ThreadPoolExecutor(max(1, len(cameras))) as pool:
            list(pool.map(Camera.close, cameras))

    @property
    def ended(self) -> bool:
        """Every camera is a file that is over, and all its frames are analysed (never true of a
        live camera)."""
        return self._over and self._inbox.empty

    def check(self) -> None:
        """Raises NodeFailed where a thread of the node has broken. Ask it as often as `report`."""
        if self._failure is not None:
            raise NodeFailed(self._failure)

    def report(self) -> list[CameraReport]:
        """Every camera as it is now, in the order of the line-up."""
        now, shed = self._now(), self._shedding.shed
        return [
            seat.report(self._gate, self._drops.of(name), now, shed=name in shed, since=self._since)
            for name, seat in self._seats.items()
        ]

    def utc_of(self, host_s: float) -> datetime:
        """The instant of a time on the host's clock, as that is set now."""
        return self._utc() - timedelta(seconds=self._now() - host_s)

    def snapshot(self, camera: str) -> Snapshot | None:
        """The newest analysed picture, copied; None: there is none that may be shown."""
        seat = self._seats.get(camera)
        seen = seat.seen if seat is not None else None
        if seen is None:
            return None
        arrived = seen.frame.arrived
        return Snapshot(
            camera,
            copied(seen.frame.picture),
            seen.view,
            seen.boxes,
            taken=self.utc_of(arrived),
            age_s=max(0.0, self._now() - arrived),
        )

    def ongoing(self) -> frozenset[tuple[str, str]]:
        """(camera, rule) whose situation goes on now."""
        now = self._now()
        seats = self._seats.items()
        return frozenset((name, rule) for name, seat in seats for rule in seat.ongoing(now))

    # ------------------------------------------------------------------ threads
    def _guarded(self, duty: Callable[[], None]) -> None:
        with _Told(self._fail):
            duty()

    def _fail(self, error: Exception) -> None:
        """A thread is broken: better no node than one that looks at less without a word."""
        surprise = surprise_of(error)
        self._failure = self._failure or surprise
        self.surprises.put(surprise)
        self._stop.set()
        self._bell.ring()

    # ------------------------------------------------------------------ collecting
    def _collect_for_ever(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell.descriptor, selectors.EVENT_READ, _BELL)
            watched: dict[str, int] = {}
            waiting = {name for name, seat in self._seats.items() if seat.member.waits}
            due = now = self._now()
            speaking: set[str] = set()
            while not self._stop.is_set():
                everybody = now >= due
                if everybody:
                    speaking = set(self._seats)
                for name in speaking:
                    self._receive(self._seats[name], now)
                    _watch(selector, watched, name, self._seats[name].camera.fileno())
                if everybody:
                    due = self._next_round(now)
                self._over = all(seat.over for seat in self._seats.values())
                self._shed(now)
                speaking = {key.data for key, _ in selector.select(max(0.0, due - self._now()))}
                if _BELL in speaking:
                    self._bell.silence()
                    speaking = (speaking - {_BELL}) | waiting
                now = self._now()

    def _next_round(self, now: float) -> float:
        """When all cameras are looked at again, the silent ones too: their silence may be a fault,
        and those without a connection are to be tried in time."""
        retries = (seat.camera.retry_at for seat in self._seats.values())
        return min([now + POLL_S, *(at for at in retries if at is not None and at > now)])

    def _receive(self, seat: Seat, now: float) -> None:
        """Take in what the camera has. A file played fast waits for the analysts, others don't."""
        if seat.over:
            return
        if seat.member.waits and self._inbox.holds(seat.id):
            seat.tick(now)
            return
        shed = seat.id in self._shedding.shed
        frame = seat.collect(now, shed=shed)
        if frame is None:
            return
        if shed:
            self._drops.count(seat.id, Cause.SHED)
        elif now < seat.rests_until:
            self._drops.count(seat.id, Cause.FAILED)
        else:
            self._inbox.put(frame, Cause.DISPLACED if seat.analysed else Cause.STARTING)

    def _shed(self, now: float) -> None:
        if not self._shedding.due(now):
            return
        seats = [seat for seat in self._seats.values() if not seat.member.waits]
        with self._lock:
            busy_s = self._busy_s
        load = Load(
            analysed=sum(seat.analysed for seat in seats),
            late=sum(seat.late for seat in seats),
            lost=self._drops.total(Cause.DISPLACED) + sum(seat.lost for seat in seats),
            streamed_s=sum(seat.lag.streamed_s for seat in seats),
            passed_s=sum(seat.lag.passed_s for seat in seats),
            busy_s=busy_s,
            cores_s=cores.busy_s(),
        )
        before = self._shedding.shed
        self._shedding.update(load, now)
        for camera in self._shedding.shed - before:
            self._inbox.forget(camera)

    # ------------------------------------------------------------------ analysing
    def _analyse_for_ever(self) -> None:
        while not self._stop.is_set():
            frame = self._inbox.take(POLL_S)
            if frame is None:
                continue
            seat = self._seats[frame.camera]
            if seat.member.waits:
                self._bell.ring()
            began = self._now()
            try:
                with _Told(partial(self._broken, seat)):
                    self._analyse(seat, frame)
            finally:
                with self._lock:
                    self._busy_s += self._now() - began
                self._inbox.done(frame.camera)

    def _analyse(self, seat: Seat, frame: Frame) -> None:
        try:
            step = seat.analyse(frame, self._gate, self._detectors, self._utc())
        except NotAuthorised as refusal:
            seat.refuse(refusal)
            self._drops.count(seat.id, Cause.NOT_AUTHORISED)
            return
        seat.note(step, frame, self._now())
        if step.alerts:
            self._tell(seat, step, frame)

    def _tell(self, seat: Seat, step: Step, frame: Frame) -> None:
        """Hand over the alerts of a frame, with one copy of its picture for all of them."""
        room = self.alerts.qsize() < MOST_PICTURES
        picture = copied(frame.picture) if room else None
        at, permit = self.utc_of(frame.arrived), self._gate.permit(seat.id)
        assert seat.seen is not None
        for alert in step.alerts:
            sighting = Sighting(
                alert=alert,
                at=at,
                began_at=at - timedelta(seconds=alert.noticed - alert.began),
                host_s=frame.arrived,
                view=step.scene.view,
                picture=picture,
                boxes=seat.seen.boxes,
                reference=permit.reference,
                parameters=seat.member.assembly.parameters(alert.rule),
            )
            self.alerts.put(sighting)

    def _broken(self, seat: Seat, error: Exception) -> None:
        """The analysis of one camera raised: the frame is lost, the camera says so."""
        self._drops.count(seat.id, Cause.FAILED)
        surprise = seat.fail(error, self._now())
        if surprise is not None:
            self.surprises.put(surprise)


class _Told:
    """Hands an error over, where with its thread it would be lost."""

    def __init__(self, tell: Callable[[Exception], None]) -> None:
        self._tell = tell

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self._tell(error)
        return True


class _Bell:
    """Wakes the collector out of its selector. May be rung at any time, also after the end."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self.descriptor)

    def ring(self) -> None:
        os.eventfd_write(self.descriptor, 1)

    def silence(self) -> None:
        os.eventfd_read(self.descriptor)


def _watch(
    selector: selectors.BaseSelector, watched: dict[str, int], name: str, descriptor: int | None
) -> None:
    """Keep the selector on the camera's pipe, which changes with every new worker."""
    if watched.get(name) == descriptor:
        return
    if name in watched:
        selector.unregister(watched.pop(name))
    if descriptor is not None:
        selector.register(descriptor, selectors.EVENT_READ, name)
        watched[name] = descriptor
