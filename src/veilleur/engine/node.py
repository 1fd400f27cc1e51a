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
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from veilleur.cameras.camera import Camera
from veilleur.cameras.frame import Frame
from veilleur.cameras.heap import Thrift
from veilleur.engine import cores
from veilleur.engine.assembly import Detectors
from veilleur.engine.caught import Caught
from veilleur.engine.changes import Change, Changes, Seats, known, placed
from veilleur.engine.drops import Cause, Drops
from veilleur.engine.history import BoxesAt
from veilleur.engine.inbox import Inbox
from veilleur.engine.member import Member
from veilleur.engine.pipeline import RuleVerdict, Step
from veilleur.engine.pulse import Pulse, Rounds
from veilleur.engine.recorded import Recorded
from veilleur.engine.report import CameraReport, Condition, Surprise
from veilleur.engine.seat import Seat, surprise_of
from veilleur.engine.seen import Snapshot, copied
from veilleur.engine.shedding import Load, Shedding, SheddingSettings
from veilleur.engine.sighting import MOST_PICTURES, Sighting, going_on, others_than
from veilleur.engine.situations import Alert
from veilleur.engine.whynot import WhyNot
from veilleur.errors import NotAuthorised, VeilleurError
from veilleur.incidents.going import Going
from veilleur.law.gate import Gate

__all__ = ["CameraReport", "Condition", "Member", "Node", "NodeFailed"]

POLL_S = 0.5
_BELL = "*"  # no camera's id
CLOSES_WITHIN_S = 0.6
"""How long a frame in hand is waited for when the node is closed."""
CHANGES_WITHIN_S = 5.0


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

    Cameras may come, go and change while it runs; the methods for that, and all that show
    something, may be called from any thread.

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
        self._seats: Seats = {m.id: Seat(m, Camera(m.settings)) for m in members}
        self._changes = Changes()
        self._leaving: list[threading.Thread] = []
        self._drops = Drops()
        self._inbox: Inbox[_Errand] = Inbox(self._drops)
        self._shedding = Shedding([m.id for m in members], analysts, shedding)
        self._busy_s = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._over = False
        self._failure: Surprise | None = None
        self._since = now()
        self._rounds = Rounds(analysts, self._since)
        self._bell = _Bell()
        self._collector = self._thread("collector", self._collect_for_ever)
        self._threads = [
            *(
                self._thread(f"analyst {n}", partial(self._analyse_for_ever, n))
                for n in range(analysts)
            ),
            self._collector,
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
        for leaving in self._leaving:
            leaving.join()
        for name, seat in self._seats.items():
            seat.requests.close(name)

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
        now = self._now()
        return [
            seat.report(
                self._gate,
                self._drops.of(name),
                now,
                shed=self._given_up(seat, now),
                since=self._since,
            )
            for name, seat in self._seats.items()
        ]

    def pulse(self) -> Pulse:
        """When the node's threads last went round."""
        return self._rounds.pulse(self._now())

    # ------------------------------------------------------------------ cameras that come and go
    def add(self, member: Member, *, before: str | None = None) -> None:
        """Analyse one more camera from now on, more important than `before`; None: the least
        important of all. Errors: ConfigurationError (its id is taken, no camera `before`),
        NotAuthorised where the gate does not know it, VeilleurError."""
        self._gate.permit(member.id)
        new = Seat(member, Camera(member.settings))
        self._change(lambda seats: placed(seats, new, before))

    def remove(self, camera: str) -> None:
        """Analyse it no longer; its decoding process ends, its last seconds are gone. Errors:
        ConfigurationError (there is no such camera), VeilleurError."""

        def without(seats: Seats) -> Seats:
            known(seats, camera)
            return {name: seat for name, seat in seats.items() if name != camera}

        self._change(without)

    def replace(self, member: Member) -> None:
        """Another configuration of a camera, in its place: from the next frame on. Its stream goes
        on where only rules, zones or ground are others; else it is connected anew. Errors:
        ConfigurationError (there is no such camera), VeilleurError."""

        def other(seats: Seats) -> Seats:
            seat = known(seats, member.id)
            if member.settings == seat.member.settings:
                seat.adopt(member)
                return seats
            camera = Camera(member.settings)
            new = Seat(member, camera, history=seat.history, why_not=seat.why_not)
            return {**seats, member.id: new}

        self._change(other)

    def _change(self, change: Change) -> None:
        """Have it made by the collector, and wait until it is."""
        if self._collector.ident is None:
            self._apply(change)
            return
        done = self._changes.ask(change)
        self._bell.ring()
        try:
            done.result(CHANGES_WITHIN_S if self._collector.is_alive() else 0.0)
        except TimeoutError:
            done.cancel()
            self.check()
            raise VeilleurError(
                "the engine does not take the change: it is stopped, or stands still",
                remedy="start it again",
            ) from None

    def _apply(self, change: Change) -> None:
        before = self._seats
        self._seats = change(before)
        for name, seat in before.items():
            if self._seats.get(name) is not seat:
                self._inbox.forget(name)
                seat.requests.close(name)
        self._shedding.arrange(list(self._seats))
        for name in self._shedding.shed:
            self._inbox.forget(name)

    # ------------------------------------------------------------------ what cameras show

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

    def ongoing(self) -> dict[tuple[str, str], tuple[Going, ...]]:
        """By camera and rule, whose situation goes on now."""
        now, found = self._now(), dict[tuple[str, str], tuple[Going, ...]]()
        for name, seat in self._seats.items():
            rules, last = seat.ongoing(now), seat.last
            if last is not None:
                found |= {(name, rule): going_on(last, rule) for rule in rules}
        return found

    def boxes(self, camera: str, start: datetime, end: datetime) -> tuple[BoxesAt, ...]:
        """Where people and vehicles were, picture by picture, as far back as is kept (three
        minutes). Errors: ConfigurationError (there is no such camera)."""
        zero = self.utc_of(0.0)
        since, until = (start - zero).total_seconds(), (end - zero).total_seconds()
        return tuple(
            BoxesAt(zero + timedelta(seconds=kept.host_s), kept.host_s, kept.view, kept.boxes)
            for kept in known(self._seats, camera).history.between(since, until)
        )

    def verdicts(self, camera: str) -> tuple[RuleVerdict, ...]:
        """What the camera's rules said of its last analysed picture, checks and all; empty where
        none may be shown. Errors: ConfigurationError (there is no such camera)."""
        last = known(self._seats, camera).last
        return last.verdicts if last is not None else ()

    def why_not(self, camera: str, start: datetime, end: datetime) -> tuple[WhyNot, ...]:
        """Whom its rules watched, and what then kept them from signalling: ten minutes, 500 changes
        at most. Errors: ConfigurationError (there is no such camera)."""
        zero = self.utc_of(0.0)
        since, until = (start - zero).total_seconds(), (end - zero).total_seconds()
        return tuple(
            WhyNot(
                at=zero + timedelta(seconds=one.host_s),
                host_s=one.host_s,
                rule=one.rule,
                candidate=one.candidate,
                unfit=one.unfit,
            )
            for one in known(self._seats, camera).why_not.between(since, until)
        )

    def packets(self, camera: str) -> Future[Recorded]:
        """The packets of its last seconds, copied into this process, in a moment; a CameraError
        where there are none to be had. Errors: ConfigurationError (there is no such camera)."""
        seat = known(self._seats, camera)
        future = seat.requests.ask()
        if self._stop.is_set() or self._seats.get(camera) is not seat:
            seat.requests.close(camera)
        self._bell.ring()
        return future

    def look_closely(self, camera: str, until: datetime) -> None:
        """Somebody looks at it live until then: it is neither quiet nor given up. To be asked again
        while they look. Errors: ConfigurationError (there is no such camera)."""
        seat = known(self._seats, camera)
        ends = self._now() + (until - self._utc()).total_seconds()
        seat.looked_until = max(seat.looked_until, ends)
        self._bell.ring()

    # ------------------------------------------------------------------ threads
    def _thread(self, name: str, duty: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=self._guarded, args=(duty,), name=name, daemon=True)

    def _guarded(self, duty: Callable[[], None]) -> None:
        with Caught(self._fail):
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
            due = now = self._now()
            speaking: set[str] = set()
            thrift = Thrift(now)
            while not self._stop.is_set():
                self._rounds.collector(now)
                thrift.attend(now)
                self._change_cameras(selector, watched)
                everybody = now >= due
                if everybody:
                    speaking = set(self._seats)
                for name in speaking & self._seats.keys():
                    seat = self._seats[name]
                    self._receive(seat, now)
                    seat.requests.attend(seat.camera, now, self.utc_of)
                    _watch(selector, watched, name, seat.camera.fileno())
                if everybody:
                    due = self._next_round(now)
                self._over = all(seat.over for seat in self._seats.values())
                self._shed(now)
                speaking = {key.data for key, _ in selector.select(max(0.0, due - self._now()))}
                if _BELL in speaking:
                    self._bell.silence()
                    speaking = set(self._seats)
                now = self._now()

    def _change_cameras(self, selector: selectors.BaseSelector, watched: dict[str, int]) -> None:
        """Make the changes that were asked for. A camera that leaves is let go of first: its pipe's
        number may be another camera's in a moment."""
        before = self._seats
        self._changes.make(self._apply)
        for name, seat in before.items():
            if self._seats.get(name) is seat:
                continue
            _watch(selector, watched, name, None)
            leaving = threading.Thread(target=seat.camera.close, name=f"leaving {name}")
            leaving.start()
            self._leaving = [one for one in self._leaving if one.is_alive()] + [leaving]

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
        shed = self._given_up(seat, now)
        frame = seat.collect(now, shed=shed)
        if frame is None:
            return
        if shed:
            self._drops.count(seat.id, Cause.SHED)
        elif now < seat.rests_until:
            self._drops.count(seat.id, Cause.FAILED)
        else:
            cause = Cause.DISPLACED if seat.analysed else Cause.STARTING
            self._inbox.put(_Errand(seat, frame), cause)

    def _given_up(self, seat: Seat, now: float) -> bool:
        """Beyond capacity, and nobody is looking at it."""
        return seat.id in self._shedding.shed and not seat.looked_at(now)

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
    def _analyse_for_ever(self, number: int) -> None:
        while not self._stop.is_set():
            self._rounds.analyst(number, self._now())
            errand = self._inbox.take(POLL_S)
            if errand is None:
                continue
            seat = errand.seat
            if seat.member.waits:
                self._bell.ring()
            began = self._now()
            try:
                with Caught(partial(self._broken, seat)):
                    self._analyse(seat, errand.frame)
            finally:
                with self._lock:
                    self._busy_s += self._now() - began
                self._inbox.done(errand.camera)

    def _analyse(self, seat: Seat, frame: Frame) -> None:
        try:
            step = seat.analyse(frame, self._gate, self._detectors, self._utc())
        except NotAuthorised as refusal:
            seat.refuse(refusal)
            self._drops.count(seat.id, Cause.NOT_AUTHORISED)
            return
        if self._seats.get(seat.id) is not seat:
            self._drops.count(seat.id, Cause.STOPPED)
            return
        seat.note(step, frame, self._now())
        if step.alerts:
            self._tell(seat, step, frame)

    def _tell(self, seat: Seat, step: Step, frame: Frame) -> None:
        """Hand over the alerts of a frame, with one copy of its picture for all of them."""
        room = self.alerts.qsize() < MOST_PICTURES
        picture = copied(frame.picture) if room else None
        at = self.utc_of(frame.arrived)
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
                reference=self._reference(alert),
                parameters=seat.parameters(alert.rule),
                others=others_than(alert, step),
            )
            self.alerts.put(sighting)

    def _reference(self, alert: Alert) -> str:
        """The act under which this rule looked; the permit's words where it needs none."""
        try:
            act = self._gate.covering(alert.camera, alert.rule, alert.event, self._utc())
        except NotAuthorised:
            act = None  # closed since the frame was admitted: every act that names the camera
        return act.reference if act is not None else self._gate.permit(alert.camera).reference

    def _broken(self, seat: Seat, error: Exception) -> None:
        """The analysis of one camera raised: the frame is lost, the camera says so."""
        self._drops.count(seat.id, Cause.FAILED)
        surprise = seat.fail(error, self._now())
        if surprise is not None:
            self.surprises.put(surprise)


@dataclass(frozen=True, slots=True, eq=False)
class _Errand:
    """A frame on its way to an analyst, with the seat it came from: another one may have taken its
    place meanwhile."""

    seat: Seat
    frame: Frame

    @property
    def camera(self) -> str:
        return self.seat.id


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
