"""A person or a vehicle goes against the common direction of travel.

Definition: décret n° 2023-828, article 3, « le non-respect par une personne ou un véhicule du sens
de circulation commun ».

Method. Inside the zone, the velocity of each foot is the slope of a line fitted to its last 0.6 s
(`course.py`), on the ground in metres where it is known, else in heights of its box. "Against" is
what lies within `angle_deg` of the opposite of the allowed heading and is no standing.
Such motion must go on, with pauses of `gap_s` forgiven, over a distance and for a time: with
`distance_m` (or `distance_heights`) alone over that distance, with `persist_s` alone for that time,
with both or neither given both must be reached. So somebody who stands, steps aside, or reverses
into a parking space raises nothing. A box that merely grows does not travel: its upper edge must
move along, and the foot farther than the box's own jitter.

A box is not yet an object: it slips from one vehicle to the next, or sways on one that stands. So
the pixels are asked (`perception/shifts.py`) how far what is in it has moved since the picture
before. Where they know, their step counts and not the box's; where they know all through the
window, motion is judged by them alone, and far less of it is needed to be sure.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.course import Course, Motion, Sample
from veilleur.events.heading import Headings
from veilleur.events.held import SILENCE_S
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import Box, FloatArray, View, Zone
from veilleur.perception.objects import KINDS_OF, Kind, Tracks

CUT = 0.05  # of the picture's height: a box this near to its edge is cut by it
JITTER = 0.6  # of the box's smaller side: a shorter movement may be the box's own unrest
MEASURED_JITTER = 0.25  # the same where pixels say how far: a swaying mast, two cuts that differ
EDGE = 1e-6  # seconds: times nearer than this are the same
COLUMN_S = 2.0  # vehicles so close behind each other are a column: the least lawful headway
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
        self._motion = Motion(
            Headings(spec, view, self._zone),
            metric=view.ground is not None,
            angle_deg=p.angle_deg,
            gap_s=p.gap_s,
            min_speed_m_s=p.min_speed_m_s,
        )
        self._courses: dict[int, Course] = {}
        self._now: float | None = None
        self._leader: tuple[Course, float] | None = None
        self._before = self._looked = -math.inf

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
        self._before, self._looked = self._looked, scene.time
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
            kind, where = Kind(int(tracks.kinds[row])), Box(*tracks.boxes[row].tolist())
            course = self._courses.setdefault(id_, Course(watched=scene.time))
            sample = self._sample(scene, where, places[row], feet[row])
            sample = replace(sample, step=self._step(scene, course, sample))
            self._motion.follow(course, sample, kind, self._least_width(kind))
            checks = self._checks(course, kind, sample)
            candidates.append(Candidate(where=where, checks=checks))
            if not all(check.passed for check in checks):
                continue
            holding.append(where)
            if self._is_news(course, kind, scene.time):
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
                        watched=course.watched,
                    )
                )
        return Verdict(signals=tuple(signals), holding=tuple(holding), candidates=tuple(candidates))

    def _is_news(self, course: Course, kind: Kind, now: float) -> bool:
        """Whether nobody was told of it, nor of the vehicle it follows; now somebody was."""
        if course.told:
            return False
        course.told = True
        if kind is Kind.VEHICLE and self._follows(course, now):
            return False
        if self._leader is None or self._leader[0] is not course:
            self._leader = course, now
        return True

    def _follows(self, course: Course, now: float) -> bool:
        """Whether the vehicle told last is still seen and was told less than a headway ago.

        And a picture, for neither instant is known better. Then both are one situation.
        """
        if self._leader is None:
            return False
        leader, told = self._leader
        there = leader is not course and leader.told and leader.samples[-1].time >= self._before
        return there and self._before - told <= COLUMN_S + EDGE

    def _sample(self, scene: Scene, where: Box, place: FloatArray, foot: FloatArray) -> Sample:
        margin = CUT * scene.view.height
        return Sample(
            time=scene.time,
            box=where,
            place=place,
            foot=foot,
            top=np.array([foot[0], where.y1]),
            height=max(where.height, 1.0),
            width=where.width,
            foot_cut=where.y2 > scene.view.height - margin,
            top_cut=where.y1 < margin,
        )

    def _step(self, scene: Scene, course: Course, sample: Sample) -> FloatArray | None:
        """(2,) metres or pixels that the pixels in the box have gone since the sample before."""
        before = course.samples[-1] if course.samples else None
        if scene.shifts is None or before is None or before.time != scene.shifts.since:
            return None
        if not self._motion.may_be_against(before, sample):
            return None
        shift = scene.shifts.of(before.box, sample.box)
        if shift is None or self._ground is None:
            return shift
        return np.asarray(sample.place - self._ground.to_metres((sample.foot - shift)[None])[0])

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

    def _checks(self, course: Course, kind: Kind, sample: Sample) -> tuple[Check, ...]:
        """The conditions in order."""
        held_s = 0.0 if course.began is None else sample.time - course.began

        def check(
            name: str, measured: float, threshold: float, unit: str, *, passed: bool
        ) -> Check:
            return Check(
                name=name,
                measured=measured,
                threshold=threshold,
                unit=unit,
                held_s=held_s,
                passed=passed,
            )

        least = course.share * self._least_width(kind)
        against = course.began is not None and course.last_against == sample.time
        limit_deg = self._motion.limit_deg(course)
        checks = [
            check("width", sample.width, least, "px", passed=sample.width >= least),
            check("against", course.angle, limit_deg, "degrees", passed=against),
        ]
        if self._ground is None:
            share = MEASURED_JITTER if course.measured else JITTER
            moved, unrest = course.gone * sample.height, share * min(sample.height, sample.width)
            checks.append(check("moved", moved, unrest, "px", passed=moved >= unrest))
        distance, persist_s = self._thresholds(kind)
        if distance is not None:
            unit = "m" if self._ground is not None else "heights"
            far = course.gone >= distance
            checks.append(check("distance", course.gone, distance, unit, passed=far))
        if persist_s is not None:
            long = held_s >= persist_s - 1e-9
            checks.append(check("persisted", held_s, persist_s, "s", passed=long))
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
