"""Too many people on too little ground.

Definition: décret n° 2023-828, article 3, « une densité trop importante de personnes ».

Method. People are counted whose foot lies in the zone, in every picture that was looked at, and the
count is the median of the last `smooth_s` seconds: one missed detection changes nothing. With
`max_per_m2` it is divided by the zone's area on the ground. More than the limit for `persist_s` is
the alarm; more than `watch_share` of it is the watch level. A drop of up to `gap_s` ends nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event, Subject
from veilleur.errors import ConfigurationError
from veilleur.events.held import Held, Stay
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View, Zone
from veilleur.ground import area_m2
from veilleur.perception.objects import Detections, Kind

SCORE = 0.5  # a person below it is not counted
ALARM, WATCH = "alarm", "watch"


class Parameters(BaseModel):
    """What can be set. Absent: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_people: float | None = Field(default=None, gt=0, description="more people than this count")
    max_per_m2: float | None = Field(
        default=None, gt=0, description="more people per square metre than this count (ground)"
    )
    persist_s: float = Field(default=5.0, ge=0, description="seconds over the limit")
    watch_share: float = Field(default=0.8, gt=0, le=1, description="of the limit: watch level")
    release_share: float = Field(
        default=1.0, gt=0, le=1, description="of the limit: a level once reached ends below this"
    )
    gap_s: float = Field(default=2.0, ge=0, description="seconds below it that are forgiven")
    smooth_s: float = Field(default=1.0, ge=0, description="seconds whose median is the count")
    trusted_per_m2: float = Field(
        default=1.0, gt=0, description="denser: the count is a lower bound (people/m2)"
    )
    trusted_crowding: float = Field(
        default=0.35, gt=0, le=1, description="mean hidden share of boxes: the same without ground"
    )


@dataclass(frozen=True, slots=True)
class Count:
    """How many people were found in the zone, and how far they hide each other (0..1)."""

    people: int
    crowding: float


def hidden_share(boxes: Detections) -> float:
    """Mean over all boxes of the largest share that one nearer box (lower foot) covers, 0..1."""
    b = np.asarray(boxes.boxes, dtype=np.float64)
    if len(b) < 2:
        return 0.0
    left, upper = np.maximum(b[:, None, :2], b[None, :, :2]).transpose(2, 0, 1)
    right, lower = np.minimum(b[:, None, 2:], b[None, :, 2:]).transpose(2, 0, 1)
    common = np.maximum(right - left, 0) * np.maximum(lower - upper, 0)
    share = common / np.maximum((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]), 1e-9)[:, None]
    nearer = b[None, :, 3] > b[:, None, 3]
    return float(np.where(nearer, share, 0.0).max(axis=1).mean())


class Density:
    """See the module. One instance per rule and camera."""

    event: ClassVar[Event] = Event.DENSITY

    def __init__(self, spec: RuleSpecification, view: View, p: Parameters) -> None:
        """Raises ConfigurationError: no zone, not exactly one limit, metres without a ground."""
        self.id = spec.id
        self._p = p
        self._zone = self._drawn(spec, view)
        if (p.max_people is None) == (p.max_per_m2 is None):
            raise ConfigurationError(
                f"rule {spec.id}: density needs max_people or max_per_m2, exactly one of them",
                remedy="give max_per_m2 where the ground is known, else max_people",
                setting="params",
            )
        if p.max_per_m2 is not None and view.ground is None:
            raise ConfigurationError(
                f"rule {spec.id}: max_per_m2 needs to know the ground",
                remedy="describe the camera's ground, or give max_people",
                setting="params.max_per_m2",
            )
        self._area = area_m2(view.ground, self._zone) if view.ground is not None else None
        limit = p.max_people
        if p.max_per_m2 is not None and self._area is not None:
            limit = p.max_per_m2 * self._area
        assert limit is not None
        self._limits = {ALARM: limit, WATCH: limit * p.watch_share}
        self._counts: deque[tuple[float, Count]] = deque()
        self._held: Held[str] = Held(p.persist_s, p.gap_s)

    @staticmethod
    def _drawn(spec: RuleSpecification, view: View) -> Zone:
        if spec.zone is None or spec.line is not None:
            raise ConfigurationError(
                f"rule {spec.id}: density needs a zone",
                remedy="draw the ground on which people are counted",
                setting="zone",
            )
        if spec.subject is not Subject.PERSON:
            raise ConfigurationError(
                f"rule {spec.id}: density counts people, not vehicles",
                remedy="remove subject",
                setting="subject",
            )
        return Zone.drawn(spec.zone, view)

    @classmethod
    def build(cls, spec: RuleSpecification, view: View, p: Parameters, *, clock: bool) -> Self:  # noqa: ARG003 (no schedule here)
        return cls(spec, view, p)

    def step(self, scene: Scene) -> Verdict:
        if scene.blind is not None:
            self._held.clear()
            self._counts.clear()
            return Verdict()
        if scene.fresh:
            self._counts.append((scene.time, self._count(scene)))
        while len(self._counts) > 1 and not (
            0 <= scene.time - self._counts[0][0] <= self._p.smooth_s
        ):
            self._counts.popleft()
        if not self._counts:
            return Verdict()
        people = float(np.median([count.people for _, count in self._counts]))
        at_least = self._at_least(people)
        stays = self._held.update(self._over(people), scene.time)
        return self._verdict(scene, people, stays, at_least)

    def _over(self, people: float) -> list[str]:
        """The levels that are exceeded; one already exceeded ends only below its release."""
        return [
            level
            for level, limit in self._limits.items()
            if people > limit
            or (self._held.holds(level) and people > limit * self._p.release_share)
        ]

    def _count(self, scene: Scene) -> Count:
        persons = scene.detections.of(Kind.PERSON)
        persons = persons[np.asarray(persons.scores, dtype=np.float64) >= SCORE]
        limit = np.array([scene.view.width, scene.view.height], dtype=np.float64)
        feet = np.clip(np.asarray(persons.feet, dtype=np.float64), 0.0, limit)
        inside = persons[self._zone.contains(feet)]
        return Count(len(inside), hidden_share(inside))

    def _at_least(self, people: float) -> bool:
        if self._area is not None:
            return people / self._area > self._p.trusted_per_m2
        crowding = float(np.median([count.crowding for _, count in self._counts]))
        return crowding > self._p.trusted_crowding

    def _verdict(
        self, scene: Scene, people: float, stays: dict[str, Stay], at_least: bool
    ) -> Verdict:
        raised: dict[str, tuple[Signal, ...]] = {ALARM: (), WATCH: ()}
        for level, stay in stays.items():
            if stay.due:
                raised[level] = (self._signal(scene, level, stay, people, at_least),)
        alarm = stays.get(ALARM)
        going_on = alarm is not None and (alarm.due or alarm.told)
        checks = self._checks(people, ALARM, alarm, at_least)
        return Verdict(
            signals=raised[ALARM],
            notices=raised[WATCH] if not going_on else (),
            holding=(self._zone.box,) if going_on else (),
            candidates=(Candidate(where=self._zone.box, checks=checks),),
        )

    def _signal(
        self, scene: Scene, level: str, stay: Stay, people: float, at_least: bool
    ) -> Signal:
        return Signal(
            event=self.event,
            rule=self.id,
            camera=scene.camera,
            began=stay.began,
            noticed=scene.time,
            where=self._zone.box,
            checks=self._checks(people, level, stay, at_least),
            level=level,
        )

    def _checks(
        self, people: float, level: str, stay: Stay | None, at_least: bool
    ) -> tuple[Check, ...]:
        """The count, per square metre where the rule asks for it, then its persistence."""
        per = self._area if self._p.max_per_m2 is not None and self._area is not None else 1.0
        unit = "people" if self._p.max_per_m2 is None else "people/m2"
        held_s = stay.held_s if stay is not None else 0.0
        over = stay is not None
        return (
            Check(
                name="people",
                measured=people / per,
                threshold=self._limits[level] / per,
                unit=unit,
                held_s=held_s,
                passed=over,
                at_least=at_least,
            ),
            Check(
                name="persisted",
                measured=held_s,
                threshold=self._p.persist_s,
                unit="s",
                held_s=held_s,
                passed=stay is not None and (stay.due or stay.told),
            ),
        )
