"""A person or a vehicle where nobody may be: presence in a zone, or crossing of a line.

Definition: décret n° 2023-828, article 3, « le franchissement ou la présence d'une personne ou
d'un véhicule dans une zone interdite ou sensible ».

Method. Presence: the foot of the box (middle of its lower edge) lies in the zone, held `dwell_s`,
gaps of `gap_s` forgiven. A box cut by the edge of the picture has its foot at that edge: nobody
knows where the true one is, and a zone drawn to the edge means what lies beyond as well. Crossing:
the foot passes the segment in a forbidden direction and is clearly across (`crossing.py`), then
stays across for `dwell_s`. A schedule says when the rule is in force; time outside it is not held.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.crossing import Crossings, Passage
from veilleur.events.held import Held, Stay
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.schedule import Schedule
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import FloatArray, Line, View, Zone
from veilleur.perception.objects import KINDS_OF, Kind, Tracks

FASTEST = {Kind.PERSON: 3.0, Kind.VEHICLE: 30.0, Kind.BAG: 3.0}  # box heights a second
WAYS = {"left_to_right": (1,), "right_to_left": (-1,), "both": (1, -1)}


class Parameters(BaseModel):
    """What can be set. Absent: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dwell_s: float | None = Field(
        default=None, ge=0, description="seconds inside (default 1) or across the line (default 0)"
    )
    gap_s: float = Field(default=0.5, ge=0, description="seconds outside that are forgiven")
    margin_heights: float = Field(
        default=0.08,
        ge=0,
        le=1,
        description="distance from a line, in heights of the box, at which a side is sure",
    )
    schedule: Schedule | None = Field(default=None, description="when in force; absent: always")


class ForbiddenZone:
    """See the module. One instance per rule and camera."""

    event: ClassVar[Event] = Event.FORBIDDEN_ZONE

    def __init__(self, spec: RuleSpecification, view: View, p: Parameters) -> None:
        """Raises ConfigurationError: not exactly one of zone and line, or a bad one."""
        if (spec.zone is None) == (spec.line is None):
            raise ConfigurationError(
                f"rule {spec.id}: forbidden_zone needs a zone or a line, exactly one of them",
                remedy="remove one, or draw one",
                setting="zone",
            )
        self.id = spec.id
        self._kinds = KINDS_OF[spec.subject]
        self._schedule = p.schedule
        self._zone = Zone.drawn(spec.zone, view) if spec.zone is not None else None
        self._crossings: Crossings | None = None
        if spec.line is not None:
            self._crossings = Crossings(Line.drawn(spec.line, view), p.margin_heights)
        self._told: dict[int, float] = {}  # by id: when the crossing happened that was told
        self._ways = WAYS[spec.forbidden]
        self._margin = p.margin_heights
        self._dwell_s = (1.0 if self._zone else 0.0) if p.dwell_s is None else p.dwell_s
        self._held: Held[int] = Held(self._dwell_s, p.gap_s)

    @classmethod
    def build(cls, spec: RuleSpecification, view: View, p: Parameters, *, clock: bool) -> Self:
        """clock: the local time of the scenes is known. Raises ConfigurationError."""
        if p.schedule is not None and not clock:
            raise ConfigurationError(
                f"rule {spec.id}: it has a schedule, but the local time is not known",
                remedy="give the clip a starts_at, or remove the schedule",
                setting="params.schedule",
            )
        return cls(spec, view, p)

    def step(self, scene: Scene) -> Verdict:
        if scene.blind is not None:
            self._held.clear()
            if self._crossings is not None:
                self._crossings.clear()
            return Verdict()
        tracks = scene.tracks.of(*self._kinds)
        unsure = tracks.ids[~tracks.seen].tolist() if scene.fresh else []
        tracks = tracks[tracks.seen] if scene.fresh else tracks
        limit = np.array([scene.view.width, scene.view.height], dtype=np.float64)
        feet = np.clip(np.asarray(tracks.feet, dtype=np.float64), 0.0, limit)
        if self._zone is not None:
            inside = tracks[self._zone.contains(feet)]
            return self._verdict(scene, inside, unsure, {})
        return self._verdict(scene, tracks, unsure, self._passages(scene, tracks, feet))

    def _passages(self, scene: Scene, tracks: Tracks, feet: FloatArray) -> dict[int, Passage]:
        if self._crossings is None:
            return {}
        tops = np.stack([feet[:, 0], np.asarray(tracks.boxes[:, 1], dtype=np.float64)], axis=1)
        self._crossings.forget(scene.time)
        self._told = {i: at for i, at in self._told.items() if self._crossings.knows(i)}
        return {
            int(id_): self._crossings.update(int(id_), foot, top, scene.time, FASTEST[Kind(kind)])
            for id_, kind, foot, top in zip(tracks.ids, tracks.kinds, feet, tops, strict=True)
        }

    def _verdict(
        self, scene: Scene, tracks: Tracks, unsure: list[int], passages: dict[int, Passage]
    ) -> Verdict:
        """tracks: those inside, or all of them where a line is watched."""
        in_force = self._in_force(scene)
        across = [i for i, p in passages.items() if p.direction in self._ways]
        for id_ in (i for i in across if passages[i].fresh):
            self._held.restart(id_)
        ids = across if self._crossings is not None else tracks.ids.tolist()
        stays = self._held.update(ids if in_force else [], scene.time, unsure if in_force else ())
        signals, candidates = [], []
        for id_ in tracks.ids.tolist():
            stay = stays.get(id_)
            checks = self._checks(in_force, stay, passages.get(id_))
            where = tracks.box(id_)
            candidates.append(Candidate(where=where, checks=checks))
            if stay is not None and stay.due and self._news(id_, passages.get(id_)):
                signals.append(
                    Signal(
                        event=self.event,
                        rule=self.id,
                        camera=scene.camera,
                        began=passages[id_].crossed if id_ in passages else stay.began,
                        noticed=scene.time,
                        where=where,
                        checks=checks,
                    )
                )
        told = [i for i, stay in stays.items() if stay.due or stay.told]
        holding = tuple(tracks.box(i) for i in told) if self._crossings is None else ()
        return Verdict(signals=tuple(signals), holding=holding, candidates=tuple(candidates))

    def _news(self, id_: int, passage: Passage | None) -> bool:
        """False for a crossing already told, of somebody hidden in between."""
        if passage is None:
            return True
        told, self._told[id_] = self._told.get(id_), passage.crossed
        return told != passage.crossed

    def _in_force(self, scene: Scene) -> bool:
        if self._schedule is None:
            return True
        return scene.local is not None and self._schedule.in_force(scene.local)

    def _checks(
        self, in_force: bool, stay: Stay | None, passage: Passage | None
    ) -> tuple[Check, ...]:
        checks = []
        held_s = stay.held_s if stay is not None else 0.0
        if self._schedule is not None:
            checks.append(
                Check(
                    name="in_force",
                    measured=float(in_force),
                    threshold=1.0,
                    unit="yes",
                    held_s=held_s,
                    passed=in_force,
                )
            )
        if passage is not None:
            crossed = passage.direction in self._ways
            checks.append(
                Check(
                    name="crossed",
                    measured=passage.beyond if crossed else 0.0,
                    threshold=self._margin,
                    unit="heights",
                    held_s=held_s,
                    passed=crossed,
                )
            )
        name = "inside" if passage is None else "across"
        passed = stay is not None and (stay.due or stay.told)
        checks.append(
            Check(
                name=name,
                measured=held_s,
                threshold=self._dwell_s,
                unit="s",
                held_s=held_s,
                passed=passed,
            )
        )
        return tuple(checks)
