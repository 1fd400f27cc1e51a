"""Putting one camera's pipeline together from what an integrator wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from veilleur.catalogue import Event
from veilleur.engine.pipeline import Pipeline
from veilleur.events.registry import build_rule
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View
from veilleur.law.gate import Gate
from veilleur.perception.choice import open_detector
from veilleur.perception.looking import Looker, LookSettings
from veilleur.perception.tracker import Tracker


@dataclass(frozen=True, slots=True)
class Assembly:
    """What a camera's pipeline is made of, once the size of its picture is known."""

    camera: str
    rules: Sequence[RuleSpecification]
    begins: datetime | None = None

    def pipeline(self, view: View, gate: Gate) -> Pipeline:
        """Errors: ConfigurationError for a rule, ModelUnusable for the detector."""
        rules = [
            build_rule(rule, view, local_time_known=self.begins is not None) for rule in self.rules
        ]
        counting = any(rule.event is Event.DENSITY for rule in self.rules)
        return Pipeline(
            camera=self.camera,
            view=view,
            rules=rules,
            looker=Looker(open_detector(view), view, LookSettings(counting=counting)),
            follower=Tracker(),
            gate=gate,
            begins=self.begins,
        )
