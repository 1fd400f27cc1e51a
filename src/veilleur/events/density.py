"""Too many people on too little ground.

Definition: décret n° 2023-828, article 3, « une densité trop importante de personnes ».

Method. People are counted whose foot lies in the zone: those followed, so that somebody missed in
one picture or hidden for half a second still counts (on PETS S2.L1 the mean absolute error is 3 to
5 % with tracks, 8 to 14 % with the detections of score 0.5). With `max_per_m2` the count is divided
by the zone's area on the ground. More than the limit for `persist_s`, with gaps of `gap_s`
forgiven, is the alarm; it ends after `end_s` below the limit. Hysteresis: who stands on the border
of the zone does not raise an alarm, but keeps one. More than `watch_share` of the limit is the
watch level: a notice, never an alert. Where people are denser than `trusted_per_m2`, or hide more
of each other than `trusted_hidden`, boxes are lost, and the count says "at least".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veilleur.cameras.middle import median
from veilleur.catalogue import Event, Subject
from veilleur.errors import ConfigurationError
from veilleur.events.crowding import CrowdMeter, fitness, hidden_share
from veilleur.events.held import Held, Stay
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View, Zone
from veilleur.ground import area_m2
from veilleur.perception.objects import Detections, Kind, Tracks
from veilleur.perception.tiles import counting_fitness

MAX_PEOPLE = 50.0  # without a ground and without a limit
MAX_PER_M2 = 4.0  # with a ground: where Still (2000) sees free movement in a crowd come to an end
BORDER_HEIGHTS = 0.07  # a foot nearer to the border than this may as well be outside
ALARM, WATCH = "alarm", "watch"


class Parameters(BaseModel):
    """What can be set. Absent: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_people: float | None = Field(
        default=None, gt=0, description="more people than this count (default 50, without ground)"
    )
    max_per_m2: float | None = Field(
        default=None, gt=0, description="more people per m2 than this count (default 4, on ground)"
    )
    persist_s: float = Field(default=5.0, ge=0, description="seconds over the limit")
    watch_share: float = Field(default=0.8, gt=0, le=1, description="of the limit: watch level")
    release_share: float = Field(
        default=1.0, gt=0, le=1, description="of the limit: a level once reached ends below this"
    )
    gap_s: float = Field(default=0.5, ge=0, description="seconds below it forgiven before an alarm")
    end_s: float = Field(default=2.0, ge=0, description="seconds below it that end an alarm")
    smooth_s: float = Field(default=0.0, ge=0, description="seconds whose median is the count")
    trusted_per_m2: float = Field(
        default=0.5, gt=0, description="denser: the count is a lower bound (people/m2)"
    )
    trusted_hidden: float = Field(
        default=0.12, gt=0, le=1, description="boxes hide more of each other: the same"
    )


@dataclass(frozen=True, slots=True)
class Count:
    """People in the zone; of them those clearly inside; how far they hide each other (0..1)."""

    people: int
    firm: int
    hidden: float


@dataclass(frozen=True, slots=True)
class Counted:
    """people: in the zone; firm: of these not on its border, where a box's unrest carries them in
    and out."""

    people: float
    firm: float
    at_least: bool


class Density:
    """See the module. One instance per rule and camera."""

    event: ClassVar[Event] = Event.DENSITY

    def __init__(self, spec: RuleSpecification, view: View, p: Parameters) -> None:
        """Raises ConfigurationError: no zone, not exactly one limit, metres without a ground."""
        self.id = spec.id
        self._p = p
        self._zone = self._drawn(spec, view)
        self._edge = view.width, view.height
        if p.max_people is not None and p.max_per_m2 is not None:
            raise ConfigurationError(
                f"rule {spec.id}: density takes max_people or max_per_m2, not both",
                remedy="give max_per_m2 where the ground is known, else max_people",
                setting="params.max_people",
            )
        if p.max_per_m2 is not None and view.ground is None:
            raise ConfigurationError(
                f"rule {spec.id}: max_per_m2 needs to know the ground",
                remedy="describe the camera's ground, or give max_people",
                setting="params.max_per_m2",
            )
        self._area = area_m2(view.ground, self._zone) if view.ground is not None else None
        self._per_m2 = self._area is not None and p.max_people is None
        if self._area is not None and p.max_people is None:
            limit = (p.max_per_m2 or MAX_PER_M2) * self._area
        else:
            limit = p.max_people or MAX_PEOPLE
        self._limits = {ALARM: limit, WATCH: limit * p.watch_share}
        self._meter = CrowdMeter(self._zone)
        self._counts: deque[tuple[float, Count]] = deque()
        self._held: Held[str] = Held(p.persist_s, p.gap_s, p.end_s)

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

    def _unfit(self, scene: Scene) -> str | None:
        """Why this camera cannot serve density, as far as its pictures have shown it; else None.

        Where people are counted in tiles the tiles are judged, else the usual looks.
        """
        if scene.headcount is not None:
            return counting_fitness(scene.headcount)
        return fitness(self._meter.statistics)

    def step(self, scene: Scene) -> Verdict:
        self._meter.update(scene)
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
        unfit = self._unfit(scene)
        if unfit is not None:
            self._held.clear()
            return Verdict(unfit=unfit)
        counts = np.array([(c.people, c.firm, c.hidden) for _, c in self._counts], np.float64)
        people, firm, hidden = map(median, counts.T)
        stays = self._held.update(self._over(people, firm), scene.time)
        counted = Counted(people, firm, self._at_least(people, hidden))
        return self._verdict(scene, counted, stays)

    def _over(self, people: float, firm: float) -> list[str]:
        """The levels that are exceeded: reached by those clearly inside, ended by all of them."""
        return [
            level
            for level, limit in self._limits.items()
            if (people > limit * self._p.release_share if self._held.told(level) else firm > limit)
        ]

    def _count(self, scene: Scene) -> Count:
        persons = self._persons(scene)
        limit = np.array([scene.view.width, scene.view.height], dtype=np.float64)
        feet = np.clip(np.asarray(persons.feet, dtype=np.float64), 0.0, limit)
        inside = self._zone.contains(feet)
        boxes = np.asarray(persons.boxes, dtype=np.float64)
        margin = BORDER_HEIGHTS * (boxes[:, 3] - boxes[:, 1])
        clear = inside & (self._zone.border_distance(feet, self._edge) >= margin)
        return Count(int(inside.sum()), int(clear.sum()), hidden_share(boxes[inside]))

    @staticmethod
    def _persons(scene: Scene) -> Tracks | Detections:
        """Tracks count best (PETS S2.L1: 3 % off against 14 % by sure boxes), tiles see crowds."""
        if scene.headcount is not None:
            return scene.headcount.people
        return scene.tracks.of(Kind.PERSON)

    def _at_least(self, people: float, hidden: float) -> bool:
        dense = self._area is not None and people / self._area > self._p.trusted_per_m2
        return dense or hidden > self._p.trusted_hidden

    def _verdict(self, scene: Scene, counted: Counted, stays: dict[str, Stay]) -> Verdict:
        raised: dict[str, tuple[Signal, ...]] = {ALARM: (), WATCH: ()}
        for level, stay in stays.items():
            if stay.due:
                raised[level] = (self._signal(scene, level, stay, counted),)
        alarm = stays.get(ALARM)
        going_on = alarm is not None and (alarm.due or alarm.told)
        checks = self._checks(counted, ALARM, alarm)
        return Verdict(
            signals=raised[ALARM],
            notices=raised[WATCH] if not going_on else (),
            holding=(self._zone.box,) if going_on else (),
            candidates=(Candidate(where=self._zone.box, checks=checks),),
        )

    def _signal(self, scene: Scene, level: str, stay: Stay, counted: Counted) -> Signal:
        return Signal(
            event=self.event,
            rule=self.id,
            camera=scene.camera,
            began=stay.began,
            noticed=scene.time,
            where=self._zone.box,
            checks=self._checks(counted, level, stay),
            level=level,
        )

    def _checks(self, counted: Counted, level: str, stay: Stay | None) -> tuple[Check, ...]:
        """The count, per square metre where the rule asks for it; how much of it stands clearly
        inside, which is what reaches a level; then its persistence."""
        per = self._area if self._per_m2 and self._area is not None else 1.0
        limit, over = self._limits[level], stay is not None
        held_s = stay.held_s if stay is not None else 0.0

        def count(name: str, people: float, *, passed: bool) -> Check:
            return Check(
                name=name,
                measured=people / per,
                threshold=limit / per,
                unit="people/m2" if self._per_m2 else "people",
                held_s=held_s,
                passed=passed,
                at_least=counted.at_least,
            )

        all_of_them = count("people", counted.people, passed=over or counted.people > limit)
        persisted = Check(
            name="persisted",
            measured=held_s,
            threshold=self._p.persist_s,
            unit="s",
            held_s=held_s,
            passed=stay is not None and (stay.due or stay.told),
        )
        if over or not all_of_them.passed:
            return all_of_them, persisted
        return all_of_them, count("clearly_inside", counted.firm, passed=False), persisted
