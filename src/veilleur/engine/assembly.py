"""Putting one camera's pipeline together from what an integrator wrote."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from veilleur.catalogue import Event, Subject
from veilleur.engine.burning import BurningSense
from veilleur.engine.carried import CarriedSense, least_height
from veilleur.engine.currents import CurrentsSense
from veilleur.engine.fallen import FallenSense
from veilleur.engine.pipeline import Pipeline
from veilleur.engine.senses import Sense
from veilleur.engine.sighting import digest
from veilleur.engine.stillness import StillnessSense, countdown
from veilleur.events.person_on_ground import least_upright_px
from veilleur.events.registry import build_rule
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View
from veilleur.law.gate import Gate
from veilleur.perception.closeup import Closeup
from veilleur.perception.counting import CountSettings
from veilleur.perception.detector import Detector
from veilleur.perception.fire import FIRE, FireWatch
from veilleur.perception.hands import Hands
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.looking import Looker, LookSettings
from veilleur.perception.lying import Lying
from veilleur.perception.models import STRIDE, input_size
from veilleur.perception.movement import Movement
from veilleur.perception.pose import Poses, load_poses
from veilleur.perception.spotting import Spotter, load_spotter
from veilleur.perception.tracker import Tracker
from veilleur.perception.verifier import Verifier, load_verifier

CANVAS = 0.6, 0.7  # of the height and width of the whole input


@dataclass(slots=True)
class Detectors:
    """The detectors of one process: cameras of the same shape share one."""

    choice: Choice
    _loaded: dict[tuple[int, int], Detector] = field(default_factory=dict)
    _poses: Poses | None = None
    _fire: Verifier | None = None
    _spotter: Spotter | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fitting(self, view: View) -> Detector:
        """The detector whose input follows the view's shape. Errors: ModelUnusable.

        Its first run is made here, by one thread alone: two threads that make OpenVINO's first
        inference of a process at once can wait for each other for ever, with the interpreter's
        lock held (seen in 2026.4; a static of its binding is made without giving up the lock).
        """
        return self._of_size(*input_size(view.width, view.height))

    def canvas(self, view: View) -> Detector:
        """The same with about two fifths of the input: for regions where only people matter.

        Runs on it cost 0.6 of a whole one. Persons are found as well (PETS S2.L1: HOTA 65.1 against
        65.4), small vehicles are not, so cameras with rules about vehicles go without.
        """
        height, width = input_size(view.width, view.height)
        rows, columns = (
            round(side * share / STRIDE) * STRIDE
            for side, share in zip((height, width), CANVAS, strict=True)
        )
        return self._of_size(rows, columns)

    def poses(self) -> Poses:
        """The pose model, loaded when first asked for. Errors: ModelUnusable."""
        with self._lock:
            if self._poses is None:
                self._poses = load_poses(self.choice)
            return self._poses

    def spotter(self) -> Spotter:
        """What finds weapons, loaded when first asked for. Errors: ModelUnusable."""
        with self._lock:
            if self._spotter is None:
                self._spotter = load_spotter(self.choice)
            return self._spotter

    def fire(self) -> Verifier:
        """The network that verifies flame and smoke. Errors: ModelUnusable."""
        with self._lock:
            if self._fire is None:
                self._fire = load_verifier(FIRE, self.choice)
            return self._fire

    def _of_size(self, height: int, width: int) -> Detector:
        size = height, width
        with self._lock:
            if size not in self._loaded:
                detector = load_detector(self.choice, *size)
                detector.detect(np.zeros((detector.height, detector.width, 3), np.uint8))
                self._loaded[size] = detector
            return self._loaded[size]


@dataclass(frozen=True, slots=True)
class Assembly:
    """What a camera's pipeline is made of, once the size of its picture is known."""

    camera: str
    rules: Sequence[RuleSpecification]
    begins: datetime | None = None

    @property
    def _vehicles(self) -> bool:
        return any(rule.subject is not Subject.PERSON for rule in self.rules)

    @property
    def _counting(self) -> CountSettings | None:
        counts = any(rule.event is Event.DENSITY for rule in self.rules)
        return CountSettings() if counts else None

    @property
    def _least_px(self) -> float | None:
        """Height of the smallest people of whom a rule is to tell that they fell. None also where
        vehicles are watched: to look closer at what moves costs them their whole."""
        if self._vehicles:
            return None
        falls = [rule for rule in self.rules if rule.event is Event.PERSON_ON_GROUND]
        return min((least_upright_px(rule.params) for rule in falls), default=None)

    def _senses(self, view: View, detectors: Detectors) -> tuple[Sense, ...]:
        """Those that the rules ask for, in the order in which they look."""
        events = {rule.event for rule in self.rules}
        senses: list[Sense] = []
        if Event.ABANDONED_OBJECT in events:
            closeup = Closeup(detectors.fitting(view), view)
            senses.append(StillnessSense(closeup, countdown(self.rules)))
        if Event.CROWD_MOVEMENT in events:
            senses.append(CurrentsSense.of(self.rules, view))
        if Event.PERSON_ON_GROUND in events:
            senses.append(FallenSense(Lying(view, detectors.poses())))
        if Event.WEAPON in events:
            least_px = least_height(self.rules)
            hands = Hands(view, detectors.spotter(), detectors.poses(), least_px)
            senses.append(CarriedSense(hands))
        if Event.FIRE in events:
            senses.append(BurningSense(FireWatch(view, detectors.fire())))
        return tuple(senses)

    def parameters(self, rule: str) -> str:
        """Short digest of this rule as it was configured (`sighting.digest`)."""
        return next(digest(one) for one in self.rules if one.id == rule)

    def pipeline(self, view: View, gate: Gate, detectors: Detectors) -> Pipeline:
        """Errors: ConfigurationError for a rule, ModelUnusable for the detector."""
        rules = [
            build_rule(rule, view, local_time_known=self.begins is not None) for rule in self.rules
        ]
        return Pipeline(
            camera=self.camera,
            view=view,
            rules=rules,
            looker=Looker(
                detectors.fitting(view),
                view,
                LookSettings(counting=self._counting, least_px=self._least_px),
                None if self._vehicles else detectors.canvas(view),
            ),
            follower=Tracker(view=view),
            gate=gate,
            movement=Movement(view) if self._vehicles else None,
            begins=self.begins,
            senses=self._senses(view, detectors),
        )
