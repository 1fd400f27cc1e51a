"""A person or a vehicle goes against the common direction of travel.

Definition: décret n° 2023-828, article 3, « le non-respect par une personne ou un véhicule du sens
de circulation commun ».

Method. Inside the zone, the velocity of each foot is the slope of a line fitted to its last
`WINDOW_S` seconds: on the ground in metres where it is known, else in heights of its box. It is
"against" when it lies within `angle_deg` of the opposite of the allowed heading and is no standing.
Such motion must go on, with pauses of `gap_s` forgiven, over a distance and for a time: with
`distance_m` (or `distance_heights`) alone over that distance, with `persist_s` alone for that time,
with both or neither given both must be reached. So somebody who stands, steps aside, or reverses
into a parking space raises nothing. A box that merely grows does not travel: its upper edge must
move along, and the foot farther than the box's own jitter.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.heading import Headings
from veilleur.events.held import SILENCE_S
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import FloatArray, View, Zone
from veilleur.perception.objects import KINDS_OF, Kind, Tracks

WINDOW_S = 0.6  # over which a velocity is measured
LEAST_SPAN_S = 0.25  # below it, a slope says nothing
LEAST_SIGHTS = 3  # positions behind a velocity
STEADY = 0.15  # of the box's size: a track that strays more jumps between two vehicles
TOP_FOLLOWS = 0.2  # share of the foot's movement that the upper edge must make as well
WIDER = 15.0  # degrees beyond the limit before a motion that has begun ends: hysteresis
TURN_S = 1.0  # no vehicle in traffic turns round faster: before, its track has changed vehicles
STILL_WIDE = 0.8  # of the least width: an object once large enough may shrink so far
JITTER = 0.45  # of the box's smaller side: a shorter movement may be the box's own unrest
HEIGHT_M = {Kind.PERSON: 1.7, Kind.VEHICLE: 1.5}  # turns metres into heights without a ground
DISTANCE_M = {Kind.PERSON: 2.0, Kind.VEHICLE: 10.0}
LEAST_WIDTH_PX = {Kind.PERSON: 8.0, Kind.VEHICLE: 20.0}


class Parameters(BaseModel):
    """What can be set. Absent: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    distance_m: float | None = Field(
        default=None, ge=0, description="metres against (default: person 2, vehicle 10)"
    )
    distance_heights: float | None = Field(
        default=None, ge=0, description="the same in heights of the box, where no ground is known"
    )
    persist_s: float | None = Field(
        default=None, ge=0, description="seconds against (default 1, or none beside a distance)"
    )
    angle_deg: float = Field(
        default=60.0, gt=0, le=90, description="widest angle from the opposite direction"
    )
    gap_s: float = Field(default=0.5, ge=0, description="seconds of other motion that are forgiven")
    min_speed_m_s: float = Field(
        default=0.3, ge=0, description="below it somebody stands; in heights a second over 1.7"
    )
    min_width_px: float | None = Field(
        default=None, ge=0, description="narrower boxes are not judged (person 8, vehicle 20)"
    )


@dataclass(frozen=True, slots=True)
class _Sample:
    """time: s. place: (2,) m or px. foot, top: (2,) px. height, width: px."""

    time: float
    place: FloatArray
    foot: FloatArray
    top: FloatArray
    height: float
    width: float


@dataclass(slots=True)
class _Course:
    """One object in the zone. gone: distance made against since `began`, in metres or heights."""

    samples: deque[_Sample] = field(default_factory=deque)
    began: float | None = None
    last_against: float = 0.0
    gone: float = 0.0
    angle: float = 180.0
    with_traffic: float = -math.inf
    told: bool = False


class WrongWay:
    """See the module. One instance per rule and camera."""

    event: ClassVar[Event] = Event.WRONG_WAY

    def __init__(self, spec: RuleSpecification, view: View, p: Parameters) -> None:
        """Raises ConfigurationError: no zone, no heading, or a bad one."""
        if spec.zone is None or spec.line is not None:
            raise ConfigurationError(
                f"rule {spec.id}: wrong_way needs a zone",
                remedy="draw the lane or corridor in which one way is allowed",
                setting="zone",
            )
        self.id = spec.id
        self._p = p
        self._kinds = KINDS_OF[spec.subject]
        self._ground = view.ground
        self._zone = Zone.drawn(spec.zone, view)
        self._headings = Headings(spec, view, self._zone)
        self._courses: dict[int, _Course] = {}
        self._now: float | None = None

    @classmethod
    def build(cls, spec: RuleSpecification, view: View, p: Parameters, *, clock: bool) -> Self:  # noqa: ARG003 (no schedule here)
        return cls(spec, view, p)

    def step(self, scene: Scene) -> Verdict:
        unknown = self._now is not None and not 0 <= scene.time - self._now <= SILENCE_S
        self._now = scene.time
        if scene.blind is not None or unknown:
            self._courses.clear()
        if scene.blind is not None or not scene.fresh:
            return Verdict()
        tracks = scene.tracks.of(*self._kinds)
        tracks = tracks[tracks.seen]
        limit = np.array([scene.view.width, scene.view.height], dtype=np.float64)
        feet = np.clip(np.asarray(tracks.feet, dtype=np.float64), 0.0, limit)
        inside = self._zone.contains(feet)
        verdict = self._verdict(scene, tracks[inside], feet[inside])
        self._forget(scene.time)
        return verdict

    def _verdict(self, scene: Scene, tracks: Tracks, feet: FloatArray) -> Verdict:
        places = feet if self._ground is None else self._ground.to_metres(feet)
        signals, holding, candidates = [], [], []
        for row, id_ in enumerate(tracks.ids.tolist()):
            kind, where = Kind(int(tracks.kinds[row])), tracks.box(id_)
            top = np.array([feet[row, 0], where.y1])
            sample = _Sample(
                scene.time, places[row], feet[row], top, max(where.height, 1.0), where.width
            )
            course = self._courses.setdefault(id_, _Course())
            self._follow(course, sample, kind)
            checks = self._checks(course, kind, sample)
            candidates.append(Candidate(where=where, checks=checks))
            if not all(check.passed for check in checks):
                continue
            holding.append(where)
            if not course.told:
                course.told = True
                began = scene.time if course.began is None else course.began
                signals.append(
                    Signal(
                        event=self.event,
                        rule=self.id,
                        camera=scene.camera,
                        began=began,
                        noticed=scene.time,
                        where=where,
                        checks=checks,
                    )
                )
        return Verdict(signals=tuple(signals), holding=tuple(holding), candidates=tuple(candidates))

    def _forget(self, now: float) -> None:
        """Whoever was looked for and not found for longer than the gap begins anew: a track that
        comes back far from where it was lost may be somebody else."""
        self._courses = {
            id_: course
            for id_, course in self._courses.items()
            if now - course.samples[-1].time <= self._p.gap_s
        }

    def _least_width(self, kind: Kind) -> float:
        return LEAST_WIDTH_PX[kind] if self._p.min_width_px is None else self._p.min_width_px

    def _follow(self, course: _Course, sample: _Sample, kind: Kind) -> None:
        """Take one more position; begin, go on with or end the motion against."""
        samples = course.samples
        share = STILL_WIDE if len(samples) > 1 else 1.0
        if sample.width < share * self._least_width(kind):
            samples.clear()
        before = samples[-1] if samples else sample
        if samples and sample.time <= before.time:
            return
        samples.append(sample)
        while len(samples) > 3 and samples[0].time < sample.time - WINDOW_S:
            samples.popleft()
        if len(samples) < LEAST_SIGHTS or sample.time - samples[0].time < LEAST_SPAN_S:
            return
        opposite = -self._headings.at(sample.foot)
        course.angle = self._angle(course, opposite)
        if kind is Kind.VEHICLE and 180.0 - WIDER - self._p.angle_deg < course.angle < 180.0:
            course.with_traffic = sample.time
        step = float((sample.place - before.place) @ opposite) / self._unit(sample)
        first = float((sample.place - samples[0].place) @ opposite) / self._unit(sample)
        self._count(course, sample.time, step, first)

    def _count(self, course: _Course, now: float, step: float, first: float) -> None:
        """Begin, go on with or end the motion against. step, first: distances made against since
        the position before, and since the first one of the window."""
        wider = 0.0 if course.began is None else WIDER
        turned = now - course.with_traffic < TURN_S
        if course.angle <= self._p.angle_deg + wider and not turned:
            if course.began is None:
                course.began, course.gone = course.samples[0].time, first - step
            course.last_against = now
        course.gone += step
        if turned or now - course.last_against > self._p.gap_s:
            course.began, course.gone, course.told = None, 0.0, False

    def _unit(self, sample: _Sample) -> float:
        """What distances are measured in: metres, or heights of the box in pixels."""
        return 1.0 if self._ground is not None else sample.height

    def _angle(self, course: _Course, opposite: FloatArray) -> float:
        """Degrees between the motion and the opposite heading; 180 where it is no motion."""
        samples = course.samples
        times = np.array([s.time for s in samples])
        times -= times.mean()
        paths = np.array([[*s.place, *s.foot, *s.top] for s in samples])
        slopes = paths.T @ times / float(times @ times)
        strays = (paths - paths.mean(axis=0) - np.outer(times, slopes))[:, 2:4]
        size = math.sqrt(samples[-1].height * samples[-1].width)
        if math.sqrt(float((strays**2).sum(axis=1).mean())) > STEADY * size:
            return 180.0  # no steady motion: a track that jumps from one object to another
        velocity, foot, top = slopes[:2], slopes[2:4], slopes[4:]
        speed, seen = float(np.linalg.norm(velocity)), float(np.linalg.norm(foot))
        least = self._p.min_speed_m_s * (1.0 if self._ground is not None else 1 / 1.7)
        if not math.isfinite(speed) or speed <= least * self._unit(samples[-1]) or seen <= 0:
            return 180.0
        if float(top @ foot) < TOP_FOLLOWS * seen**2:
            return 180.0  # the box grows, it does not travel
        cosine = float(velocity @ opposite) / speed
        return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))

    def _checks(self, course: _Course, kind: Kind, sample: _Sample) -> tuple[Check, ...]:
        """The conditions in order."""
        began = sample.time if course.began is None else course.began
        held_s = sample.time - began
        against = course.began is not None
        least = self._least_width(kind)
        moved = course.gone * self._unit(sample)
        unrest = JITTER * min(sample.height, sample.width)
        if self._ground is not None:
            unrest = 0.0
        checks = [
            Check(
                name="width",
                measured=sample.width,
                threshold=least,
                unit="px",
                held_s=held_s,
                passed=len(course.samples) > 1 or sample.width >= least,
            ),
            Check(
                name="against",
                measured=course.angle,
                threshold=self._p.angle_deg,
                unit="degrees",
                held_s=held_s,
                passed=against and moved >= unrest,
            ),
        ]
        distance, persist_s = self._thresholds(kind)
        if distance is not None:
            unit = "m" if self._ground is not None else "heights"
            checks.append(
                Check(
                    name="distance",
                    measured=course.gone,
                    threshold=distance,
                    unit=unit,
                    held_s=held_s,
                    passed=against and course.gone >= distance,
                )
            )
        if persist_s is not None:
            checks.append(
                Check(
                    name="persisted",
                    measured=held_s,
                    threshold=persist_s,
                    unit="s",
                    held_s=held_s,
                    passed=against and held_s >= persist_s - 1e-9,
                )
            )
        return tuple(checks)

    def _thresholds(self, kind: Kind) -> tuple[float | None, float | None]:
        """Distance, in metres or heights, and seconds; None: not asked for."""
        p, metric = self._p, self._ground is not None
        neither = p.distance_m is None and p.distance_heights is None and p.persist_s is None
        persist_s = 1.0 if neither else p.persist_s
        metres = DISTANCE_M[kind] if neither else p.distance_m
        heights = p.distance_heights
        if metric:
            given = (
                metres
                if metres is not None
                else (None if heights is None else heights * HEIGHT_M[kind])
            )
            return given, persist_s
        if heights is None and metres is not None:
            heights = metres / HEIGHT_M[kind]
        return heights, persist_s
