"""A person on the ground after a fall.

Definition: décret n° 2023-828, article 3, « la présence d'une personne au sol à la suite d'une
chute ». So the event is a passage: upright, then on the ground, then not getting up for
`immobile_s`. Who lies already when first seen is none, nor who sits, kneels, bends or exercises:
nothing but that passage is looked for, and no difference is made between those to whom it happens.

Method. Bodies (`scene.bodies`) are people who were upright and no longer are; where pixels are
seen, the pose model has looked at each again (`perception.lying`). Conditions, in order: upright
before, tall enough to judge, lying in at least half of the looks and in two or more, on the ground
within `passage_s` of having been upright last (who sits down first and lies down later has not
fallen), nobody before him, and at rest. Where a Scene holds boxes alone (recordings, made scenes),
`lowered` says who lies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.held import SILENCE_S
from veilleur.events.lowered import Lowered
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View, Zone
from veilleur.perception.body import Body

UPRIGHT_S = 0.15  # less may be two people in one box
HALF = 50.0  # per cent of the looks
EDGE = 1e-9


class Parameters(BaseModel):
    """What can be set. Absent: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    immobile_s: float = Field(
        default=10.0, ge=0, description="seconds on the ground at rest until it is told"
    )
    passage_s: float = Field(
        default=8.0, gt=0, le=8.0, description="longest time from upright to lying, seconds"
    )
    least_px: float = Field(
        default=60.0, ge=48.0, description="height upright, pixels: smaller is not judged"
    )


def least_upright_px(params: Mapping[str, Any]) -> float:
    """Height upright, pixels, of the smallest whom a rule so configured judges."""
    return Parameters.model_validate(params).least_px


class PersonOnGround:
    """See the module. One instance per rule and camera."""

    event: ClassVar[Event] = Event.PERSON_ON_GROUND

    def __init__(self, spec: RuleSpecification, view: View, p: Parameters) -> None:
        """Raises ConfigurationError: no zone, or a bad one."""
        if spec.zone is None or spec.line is not None:
            raise ConfigurationError(
                f"rule {spec.id}: person_on_ground needs a zone",
                remedy="draw the ground on which people are watched, without benches and beds",
                setting="zone",
            )
        self.id = spec.id
        self._p = p
        self._zone = Zone.drawn(spec.zone, view)
        self._lowered = Lowered(view)
        self._told: set[int] = set()
        self._time: float | None = None
        self._anew = -math.inf
        self._blind = False

    @classmethod
    def build(cls, spec: RuleSpecification, view: View, p: Parameters, *, clock: bool) -> Self:  # noqa: ARG003 (no schedule here)
        """Raises ConfigurationError."""
        return cls(spec, view, p)

    def step(self, scene: Scene) -> Verdict:
        if scene.blind is not None:
            self._blind = True
            return Verdict()
        if self._time is not None and not 0 <= scene.time - self._time <= SILENCE_S:
            self._told.clear()
            self._anew = scene.time
            self._lowered.forget()
        elif self._blind:
            self._lowered.forget()
        self._blind, self._time = False, scene.time
        bodies = scene.bodies if scene.bodies is not None else self._lowered.step(scene)
        inside = [body for body in bodies if self._inside(body)]
        self._told &= {body.key for body in inside}
        signals, holding, candidates = [], [], []
        for body in inside:
            checks = self._checks(body, scene.time)
            candidates.append(Candidate(where=body.box, checks=checks))
            if body.key not in self._told and all(check.passed for check in checks):
                self._told.add(body.key)
                signals.append(self._signal(scene, body, checks))
            if body.key in self._told:
                holding.append(body.box)
        return Verdict(signals=tuple(signals), holding=tuple(holding), candidates=tuple(candidates))

    def _inside(self, body: Body) -> bool:
        return bool(self._zone.contains(np.array([body.box.centre]))[0])

    def _signal(self, scene: Scene, body: Body, checks: tuple[Check, ...]) -> Signal:
        return Signal(
            event=self.event,
            rule=self.id,
            camera=scene.camera,
            began=body.down_since,
            noticed=scene.time,
            where=body.box,
            checks=checks,
            watched=body.upright_until - body.upright_s,
        )

    def _checks(self, body: Body, time: float) -> tuple[Check, ...]:
        """In the order in which they are told."""
        lying_at = body.lying_since if body.lying_since is not None else time
        passage_s = max(lying_at - body.upright_until, 0.0)
        still_s = max(time - max(body.still_since, self._anew), 0.0)
        down_s = max(time - body.down_since, 0.0)
        stood = body.upright_s >= UPRIGHT_S - EDGE
        seen = body.lying * 100.0
        lies = seen >= HALF and body.looks >= 2 and body.lying_since is not None
        return (
            _check("stood", body.upright_s, UPRIGHT_S, "s", body.upright_s, stood),
            _check(
                "tall",
                body.stood_px,
                self._p.least_px,
                "px",
                body.upright_s,
                body.stood_px >= self._p.least_px,
            ),
            _check("lying", seen, HALF, "%", down_s, lies),
            _check(
                "passage",
                passage_s,
                self._p.passage_s,
                "s",
                down_s,
                passage_s <= self._p.passage_s + EDGE,
            ),
            _check("in_sight", float(not body.hidden), 1.0, "yes", down_s, not body.hidden),
            _check(
                "immobile",
                still_s,
                self._p.immobile_s,
                "s",
                still_s,
                still_s >= self._p.immobile_s - EDGE,
            ),
        )


def _check(
    name: str, measured: float, threshold: float, unit: str, held_s: float, passed: bool
) -> Check:
    return Check(
        name=name,
        measured=measured,
        threshold=threshold,
        unit=unit,
        held_s=held_s,
        passed=passed,
    )
