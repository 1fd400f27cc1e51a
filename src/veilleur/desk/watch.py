"""The engine as the desk has it: one node, made anew where it broke.

Sightings go through one queue over all nodes, so that none is lost with a broken one.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from veilleur.engine.assembly import Detectors
from veilleur.engine.member import Member
from veilleur.engine.node import Node, NodeFailed
from veilleur.engine.report import CameraReport, Surprise
from veilleur.engine.seen import Snapshot
from veilleur.engine.sighting import MOST_PICTURES, Sighting
from veilleur.errors import NotFound
from veilleur.incidents.going import Going
from veilleur.law.gate import Gate

LOOK_EVERY_S = 0.25
WAIT_S = 0.2


class Watch:
    """told: mistakes of the engine. passed_on: host seconds of the last look for sightings."""

    def __init__(
        self,
        members: Sequence[Member],
        gate: Gate,
        detectors: Detectors,
        *,
        analysts: int,
        told: Callable[[Surprise], None],
    ) -> None:
        self._members = {member.id: member for member in members}
        self._gate, self._detectors, self._analysts, self._told = gate, detectors, analysts, told
        self._lock = threading.Lock()
        self.passed_on = time.monotonic()
        self.sightings: queue.SimpleQueue[Sighting] = queue.SimpleQueue()
        self.node = self._made()

    def start(self) -> None:
        self.node.__enter__()

    def close(self) -> None:
        self.node.close()
        self._pass_on()

    def run(self, stop: threading.Event) -> None:
        """Pass on what the node says; make a new one where it broke."""
        while not stop.is_set():
            self._pass_on(WAIT_S)
            self.passed_on = time.monotonic()
            try:
                self.node.check()
            except NodeFailed:
                self._again()

    def _pass_on(self, wait_s: float = 0.0) -> None:
        node = self.node
        try:
            if wait_s:
                self._put(node.alerts.get(timeout=wait_s))
            while True:
                self._put(node.alerts.get_nowait())
        except queue.Empty:
            pass
        while not node.surprises.empty():
            self._told(node.surprises.get())

    def _put(self, sighting: Sighting) -> None:
        """A signal is never let go, its picture is where too many wait to be stored."""
        if self.sightings.qsize() >= MOST_PICTURES:
            sighting = replace(sighting, picture=None)
        self.sightings.put(sighting)

    def _made(self) -> Node:
        return Node(
            list(self._members.values()), self._gate, self._detectors, analysts=self._analysts
        )

    def _again(self) -> None:
        with self._lock:
            self.node.close()
            self._pass_on()
            self.node = self._made()
            self.node.__enter__()

    # ------------------------------------------------------------------ cameras
    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(self._members.values())

    def member(self, camera: str) -> Member:
        """As it runs now. Raises NotFound."""
        found = self._members.get(camera)
        if found is None:
            raise NotFound(f"camera {camera!r} does not run", remedy="look at the list of cameras")
        return found

    def add(self, member: Member) -> None:
        """Raises VeilleurError; then it is not there."""
        with self._lock:
            self.node.add(member)
            self._members[member.id] = member

    def remove(self, camera: str) -> None:
        """Where it is there. Raises VeilleurError; then it is there, and may be removed again."""
        with self._lock:
            if camera in self._members:
                self.node.remove(camera)
                del self._members[camera]

    def replace(self, member: Member) -> None:
        with self._lock:
            self.node.replace(member)
            self._members[member.id] = member

    # ------------------------------------------------------------------ as it is now
    def report(self) -> list[CameraReport]:
        return self.node.report()

    def ongoing(self) -> Mapping[tuple[str, str], Sequence[Going]]:
        return self.node.ongoing()

    def snapshot(self, camera: str) -> Snapshot | None:
        return self.node.snapshot(camera)
