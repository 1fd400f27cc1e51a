"""A flame or smoke that appears and goes on.

Definition: décret n° 2023-828, article 3, « les départs de feux ». The text says no more. A fire
that starts is taken here for what standards on video fire detection take for one: flame or smoke,
seen by the camera, that goes on and grows (ISO/TS 7240-29, video fire detectors; the classes of
flame and smoke follow it). A cigarette, a lighter or a candle is none: too small. A fire that
burned before anybody looked is told all the same, and told as such.

Method. Places that change as fire does come from `Scene.blazes` (perception/fire.py): candidates by
colour, flicker and drift, followed by where they are, each looked at several times a second by a
small verifier network. Here is decided over time, as Toreyin and others do ("Computer vision based
method for real-time fire and flame detection", Pattern Recognition Letters 27, 2006): the verifier
must see it in most looks, it must flicker or drift all the time, stay where it is, and grow, or
have been there from the start. Fire has no owner: what people do with it is no part of the rule.
"""

from __future__ import annotations

import math
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.held import SILENCE_S
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import Box, FloatArray, View, Zone
from veilleur.perception.blaze import Blaze, Sort
from veilleur.perception.objects import Kind

LOOKS = {
    Sort.FLAME: 3,
    Sort.SMOKE: 4,
}  # fewer tell nothing: below two pictures a second no smoke is told
SURE = {Sort.FLAME: 0.8, Sort.SMOKE: 0.9}  # share of the looks in which the verifier sees it
STIRS = {Sort.FLAME: 0.35, Sort.SMOKE: 0.6}  # share of it that changed just before
GROWN = {Sort.FLAME: 1.2, Sort.SMOKE: 1.5}  # times its first area
LARGER = {Sort.FLAME: 1.0, Sort.SMOKE: 4.0}  # times the least size: small drifts are anything
LONGER_S = {Sort.FLAME: 0.0, Sort.SMOKE: 1.0}  # what drifts for a moment is no smoke yet
STAYS = 0.8  # of its own size, that its middle may have come in two seconds
KNOWN_STAYS = 0.4  # what was there from the start never showed that it grows: it must stay better
OF_PERSON = 0.15  # of a person's height: smaller, and in somebody's box, it is a lighter
COVERED = {Sort.FLAME: 0.7, Sort.SMOKE: 0.4}  # share of it in boxes of people (smoke: and of
# vehicles): then it is these that move, and a flame is a coat
GRID = 12
EDGE = 1e-6


class Parameters(BaseModel):
    """What can be set. Absent: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    persist_s: float = Field(default=2.0, ge=0, description="seconds that flame or smoke must last")
    least_share: float = Field(
        default=0.025,
        gt=0,
        le=1,
        description="of the picture's height: smaller is a cigarette, a lighter, a candle",
    )
    end_s: float = Field(
        default=10.0, ge=0, description="seconds without flame and smoke that end a situation"
    )


class FireStart:
    """See the module. One instance per rule and camera."""

    event: ClassVar[Event] = Event.FIRE

    def __init__(self, spec: RuleSpecification, view: View, p: Parameters) -> None:
        """Raises ConfigurationError: no zone, or a bad one."""
        if spec.zone is None or spec.line is not None:
            raise ConfigurationError(
                f"rule {spec.id}: fire needs a zone",
                remedy="draw where nothing may burn, without chimneys, grills and screens",
                setting="zone",
            )
        self.id = spec.id
        self._p = p
        self._view = view
        self._zone = Zone.drawn(spec.zone, view)
        self._told_until = -math.inf
        self._where: Box | None = None
        self._time: float | None = None

    @classmethod
    def build(cls, spec: RuleSpecification, view: View, p: Parameters, *, clock: bool) -> Self:  # noqa: ARG003 (no schedule here)
        """Raises ConfigurationError."""
        return cls(spec, view, p)

    def step(self, scene: Scene) -> Verdict:
        gap = self._time is not None and not 0 <= scene.time - self._time <= SILENCE_S
        self._time = scene.time
        if scene.blind is not None or gap:
            self._told_until, self._where = -math.inf, None
        if scene.blind is not None:
            return Verdict()
        seen = [
            (blaze, self._checks(blaze, scene)) for blaze in scene.blazes or () if self._in(blaze)
        ]
        burning = [(b, checks) for b, checks in seen if all(check.passed for check in checks)]
        told = scene.time <= self._told_until + EDGE
        signals: tuple[Signal, ...] = ()
        if burning and not told:
            signals = (self._signal(scene, *min(burning, key=lambda one: one[0].id)),)
        if burning:
            self._told_until, self._where = scene.time + self._p.end_s, burning[0][0].box
        told = scene.time <= self._told_until + EDGE
        return Verdict(
            signals=signals,
            holding=(self._where,) if told and self._where is not None else (),
            candidates=tuple(Candidate(where=b.box, checks=checks) for b, checks in seen),
        )

    def _in(self, blaze: Blaze) -> bool:
        points = np.array([blaze.box.centre, blaze.box.foot])
        return bool(self._zone.contains(points).any())

    def _signal(self, scene: Scene, blaze: Blaze, checks: tuple[Check, ...]) -> Signal:
        return Signal(
            event=self.event,
            rule=self.id,
            camera=scene.camera,
            began=blaze.since,
            noticed=scene.time,
            where=blaze.box,
            checks=checks,
        )

    def _checks(self, blaze: Blaze, scene: Scene) -> tuple[Check, ...]:
        """In the order in which they are told."""
        sort, age_s = blaze.sort, scene.time - blaze.since
        burns_s = blaze.until - blaze.burns_since if blaze.burns_since is not None else 0.0
        least = 100 * self._p.least_share * LARGER[sort]
        size = 100 * max(blaze.box.width, blaze.box.height) / self._view.height
        seen = "flame_seen" if sort is Sort.FLAME else "smoke_seen"
        return (
            _at_least("verified", float(blaze.looks), LOOKS[sort], "looks", age_s),
            _at_least(seen, 100 * blaze.sure, 100 * SURE[sort], "%", burns_s),
            _at_least("fire_size", size, least, "%", age_s),
            self._no_lighter(blaze, scene, age_s),
            _at_least("stirring", 100 * blaze.stirs, 100 * STIRS[sort], "%", age_s),
            self._stays(blaze, age_s),
            self._begun(blaze, age_s),
            self._no_object(blaze, scene, age_s),
            _at_least("persisted", burns_s, self._p.persist_s + LONGER_S[sort], "s", burns_s),
        )

    def _stays(self, blaze: Blaze, age_s: float) -> Check:
        most = 100 * (KNOWN_STAYS if _was_there(blaze) else STAYS)
        moved = 0.0 if blaze.swept else 100 * blaze.moved
        return Check(
            name="stays",
            measured=moved,
            threshold=most,
            unit="%",
            held_s=age_s,
            passed=moved <= most,
        )

    def _begun(self, blaze: Blaze, age_s: float) -> Check:
        """It grew, or it burned when analysis began, and nobody can say whether it grew."""
        if _was_there(blaze):
            return Check(
                name="since_start",
                measured=age_s,
                threshold=0.0,
                unit="s",
                held_s=age_s,
                passed=True,
                at_least=True,
            )
        return _at_least("grown", 100 * blaze.grown, 100 * GROWN[blaze.sort], "%", age_s)

    def _no_object(self, blaze: Blaze, scene: Scene, age_s: float) -> Check:
        """It is seen beside people and vehicles too, not just where they are. Vehicles burn."""
        kinds = (Kind.PERSON,) if blaze.sort is Sort.FLAME else (Kind.PERSON, Kind.VEHICLE)
        boxes = np.asarray(scene.tracks.of(*kinds).boxes, np.float64)
        covered = 100 * _covered(blaze.box, boxes) if len(boxes) else 0.0
        most = 100 * COVERED[blaze.sort]
        return Check(
            name="no_object",
            measured=covered,
            threshold=most if covered else 0.0,
            unit="%",
            held_s=age_s,
            passed=covered <= most,
        )

    def _no_lighter(self, blaze: Blaze, scene: Scene, age_s: float) -> Check:
        """Against the smallest of the people in whose boxes it is; whoever is not there is tall."""
        x, y = blaze.box.centre
        boxes = scene.tracks.of(Kind.PERSON).boxes
        near = [b[3] - b[1] for b in boxes.tolist() if b[0] <= x <= b[2] and b[1] <= y <= b[3]]
        size = max(blaze.box.width, blaze.box.height)
        of_person = 100 * size / max(min(near), 1.0) if near and blaze.sort is Sort.FLAME else 0.0
        return Check(
            name="no_lighter",
            measured=of_person,
            threshold=100 * OF_PERSON if of_person else 0.0,
            unit="%",
            held_s=age_s,
            passed=not of_person or of_person >= 100 * OF_PERSON,
        )


def _was_there(blaze: Blaze) -> bool:
    """A flame that burned when analysis began, so that nobody saw it grow."""
    return blaze.at_start and blaze.sort is Sort.FLAME


def _covered(box: Box, boxes: FloatArray) -> float:
    """Share of a box, 0..1, that others (n, 4) cover, the same place counted once."""
    columns, rows = np.meshgrid(
        np.linspace(box.x1, box.x2, GRID), np.linspace(box.y1, box.y2, GRID)
    )
    x, y = columns.reshape(-1, 1), rows.reshape(-1, 1)
    inside = (x >= boxes[:, 0]) & (x <= boxes[:, 2]) & (y >= boxes[:, 1]) & (y <= boxes[:, 3])
    return float(inside.any(axis=1).mean())


def _at_least(name: str, measured: float, threshold: float, unit: str, held_s: float) -> Check:
    return Check(
        name=name,
        measured=measured,
        threshold=threshold,
        unit=unit,
        held_s=max(held_s, 0.0),
        passed=measured >= threshold - EDGE,
    )
