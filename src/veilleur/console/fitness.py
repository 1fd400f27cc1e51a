"""Which events a camera that runs can serve: the visibility gate of its set-up.

It is judged as `veilleur camera check` does (`cameras.suitability`), from what the engine sees of
the camera anyway. While somebody draws on it, how bright, sharp and noisy its pictures are and how
tall people appear is noted; numbers alone, in memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from veilleur.cameras.inspection import SceneMeter, SceneStatistics, StreamDescription
from veilleur.cameras.suitability import Finding, Fit, findings, judge
from veilleur.catalogue import Event
from veilleur.engine.report import CameraReport
from veilleur.engine.seen import Snapshot
from veilleur.geometry import FloatArray, View
from veilleur.perception.overlap import iou

EVERY_S = 1.0
MOST_PICTURES = 600
"""Then the statistics begin anew: a camera that was turned is judged by what it shows now."""
AGREED_IOU = 0.5


@dataclass(slots=True)
class _Glances:
    """rate_hz: the highest at which it was analysed meanwhile, 0: not yet."""

    meter: SceneMeter = field(default_factory=SceneMeter)
    pictures: int = 0
    rate_hz: float = 0.0
    noted: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Suited:
    """One event. fit: the worst of the findings. well: what was measured, where none is."""

    event: Event
    fit: Fit
    findings: tuple[Finding, ...]
    well: str


@dataclass(frozen=True, slots=True)
class Fitness:
    """pictures, people: how many were looked at."""

    pictures: int
    people: int
    events: tuple[Suited, ...]

    def of(self, event: Event) -> Suited:
        return next(one for one in self.events if one.event is event)


class Glances:
    """What each camera has shown meanwhile. clock: seconds. Safe from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._of: dict[str, _Glances] = {}

    def note(self, snapshot: Snapshot, report: CameraReport | None) -> None:
        """Not more than once a second for a camera."""
        now = self._clock()
        with self._lock:
            glances = self._of.setdefault(snapshot.camera, _Glances())
            if now - glances.noted < EVERY_S:
                return
            if glances.pictures >= MOST_PICTURES:
                glances = self._of[snapshot.camera] = _Glances(rate_hz=glances.rate_hz)
            glances.noted = now
            glances.pictures += 1
            boxes = snapshot.boxes
            glances.meter.note(snapshot.picture.luma, boxes.blind, agreed(boxes.people))
            if report is not None and not report.key_frames_only:
                glances.rate_hz = max(glances.rate_hz, report.analysed_hz)

    def fitness(self, camera: str, view: View) -> Fitness:
        """As far as it is known now. view: with the ground as it is, or would be."""
        with self._lock:
            glances = self._of.get(camera)
            scene = glances.meter.statistics() if glances else None
            rate_hz = glances.rate_hz if glances else 0.0
        stream = _stream(view, rate_hz)
        people = scene.people if scene else None
        return Fitness(
            pictures=scene.pictures if scene else 0,
            people=len(people) if people is not None else 0,
            events=tuple(_suited(stream, scene, view, event) for event in Event),
        )


def agreed(people: FloatArray) -> FloatArray:
    """Of boxes of people, all that may be one, those that were seen twice over: by the detector and
    by who follows them. (n, 4) to (m, 4), each person once.

    >>> agreed(np.array([[0.0, 0, 10, 20], [1, 0, 10, 20], [50, 50, 60, 60]])).tolist()
    [[0.0, 0.0, 10.0, 20.0]]
    """
    if not len(people):
        return people.reshape(0, 4)
    same = iou(people, people) >= AGREED_IOU
    first = np.argmax(same, axis=1) == np.arange(len(people))
    return np.asarray(people[first & (same.sum(axis=1) > 1)])


def _suited(
    stream: StreamDescription, scene: SceneStatistics | None, view: View, event: Event
) -> Suited:
    against = findings(stream, scene, view, event)
    verdict = judge(stream, scene, view, event)
    well = "" if against else verdict.reason
    return Suited(event, verdict.fit, against, well)


def _stream(view: View, rate_hz: float) -> StreamDescription:
    """What the engine knows of a stream that it reads anyway."""
    return StreamDescription(
        address="",
        live=False,
        codec="",
        profile=None,
        width=view.width,
        height=view.height,
        pixel_format=None,
        declared_hz=None,
        measured_hz=rate_hz or None,
        key_interval_s=None,
        key_seen=False,
        bit_rate=None,
        b_frames=False,
        steps=0,
        sub_stream=None,
        clock_offset_s=None,
        seconds=0.0,
    )
