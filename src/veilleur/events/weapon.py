"""A visible weapon in somebody's hand. Experimental.

Definition: décret n° 2023-828, article 3, « la présence ou l'utilisation d'une arme, parmi celles
mentionnées à l'article R. 311-2 du code de la sécurité intérieure ». Of these a camera can show
few: here a handgun, a long gun or a large knife, held, and seen. Weapons of police, soldiers and
guards are told like any other: nothing here knows whose they are, and nothing may.

Method. Anchored on people: `scene.carrying` says for each person tall enough how surely a weapon
was seen of late, from head to knees and nearer, and how far it was from a hand
(`perception.hands`). Conditions, in order: tall enough to judge, looked at four times, sure enough
on the mean of the looks, at a hand if a hand is seen (and somebody looked for it), carried along
where the person goes, and all of it for `persist_s`. Where a Scene holds boxes alone (recordings,
made scenes), `shown` takes the boxes of weapons.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.held import Held, Stay
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.shown import Shown
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View, Zone
from veilleur.perception.carrying import Carrying

LOOKS = 4
REACH = 0.2  # person heights from a forearm or hand: a weapon further away is not held
LEFT = 0.15  # person heights that one moves, and what stays behind is not held
GAP_S = 0.5  # without it, forgiven, before it is told
END_S = 3.0  # without it, ends what was told
EDGE = 1e-9


class Parameters(BaseModel):
    """What can be set. Absent: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    persist_s: float = Field(
        default=1.0, ge=0, le=10, description="seconds that a weapon must be seen in a hand"
    )
    least_px: float = Field(
        default=120.0, ge=80, description="height of the person, pixels: smaller is not judged"
    )
    surety: float = Field(
        default=0.6, ge=0.2, le=1, description="how surely a weapon is seen, mean of the last looks"
    )


class Weapon:
    """See the module. One instance per rule and camera."""

    event: ClassVar[Event] = Event.WEAPON

    def __init__(self, spec: RuleSpecification, view: View, p: Parameters) -> None:
        """Raises ConfigurationError: no zone, or a bad one."""
        if spec.zone is None or spec.line is not None:
            raise ConfigurationError(
                f"rule {spec.id}: weapon needs a zone",
                remedy="draw the ground on which people are watched",
                setting="zone",
            )
        self.id = spec.id
        self._p = p
        self._zone = Zone.drawn(spec.zone, view)
        self._shown = Shown()
        self._held: Held[int] = Held(p.persist_s, GAP_S, END_S)

    @classmethod
    def build(cls, spec: RuleSpecification, view: View, p: Parameters, *, clock: bool) -> Self:  # noqa: ARG003 (no schedule here)
        """Raises ConfigurationError."""
        return cls(spec, view, p)

    def step(self, scene: Scene) -> Verdict:
        if scene.blind is not None:
            self._held.clear()
            self._shown.forget()
            return Verdict()
        everybody = scene.carrying if scene.carrying is not None else self._shown.step(scene)
        inside = [one for one in everybody if self._inside(one)]
        checks = {one.key: self._checks(one) for one in inside}
        passing = {key for key, made in checks.items() if all(check.passed for check in made)}
        unlooked = {one.key for one in inside if not one.looks}
        stays = self._held.update(passing, scene.time, unsure=unlooked)
        signals, holding, candidates = [], [], []
        for one in inside:
            stay = stays.get(one.key)
            made = (*checks[one.key], self._persisted(stay))
            candidates.append(Candidate(where=one.box, checks=made))
            if stay is not None and stay.due:
                signals.append(self._signal(scene, one, stay, made))
            if self._held.told(one.key):
                holding.append(one.box)
        return Verdict(signals=tuple(signals), holding=tuple(holding), candidates=tuple(candidates))

    def _inside(self, one: Carrying) -> bool:
        return bool(self._zone.contains(np.array([one.box.foot]))[0])

    def _signal(self, scene: Scene, one: Carrying, stay: Stay, checks: tuple[Check, ...]) -> Signal:
        return Signal(
            event=self.event,
            rule=self.id,
            camera=scene.camera,
            began=stay.began,
            noticed=scene.time,
            where=one.box,
            checks=checks,
        )

    def _checks(self, one: Carrying) -> tuple[Check, ...]:
        """In the order in which they are told; all but the last, which counts time."""
        surety, asked = one.surety * 100.0, self._p.surety * 100.0
        return (
            _check("tall", one.tall_px, self._p.least_px, "px", one.tall_px >= self._p.least_px),
            _check("looked_at", float(one.looks), float(LOOKS), "looks", one.looks >= LOOKS),
            _check("weapon_seen", surety, asked, "%", surety >= asked - EDGE),
            _in_hand(one),
            _check("carried_along", one.left, LEFT, "person_heights", one.left <= LEFT + EDGE),
        )

    def _persisted(self, stay: Stay | None) -> Check:
        held_s = stay.held_s if stay is not None else 0.0
        long_enough = stay is not None and held_s >= self._p.persist_s - EDGE
        return _check("persisted", held_s, self._p.persist_s, "s", long_enough, held_s)


def _in_hand(one: Carrying) -> Check:
    """A hand that is seen must be there; where none is, nothing speaks against it."""
    if not one.hand_read:
        return _check("hand_unread", 0.0, 1.0, "yes", False)
    if one.hand is None:
        return _check("hand_unseen", 1.0, 1.0, "yes", True)
    return _check("at_hand", one.hand, REACH, "person_heights", one.hand <= REACH + EDGE)


def _check(
    name: str, measured: float, threshold: float, unit: str, passed: bool, held_s: float = 0.0
) -> Check:
    return Check(
        name=name, measured=measured, threshold=threshold, unit=unit, held_s=held_s, passed=passed
    )
