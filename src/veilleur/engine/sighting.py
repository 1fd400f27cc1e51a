"""An alert with what was seen: all that whoever keeps it needs, and nothing that is kept here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from veilleur.cameras.picture import Picture
from veilleur.engine.pipeline import Step
from veilleur.engine.seen import Boxes
from veilleur.engine.situations import Alert
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import Box, FloatArray, View
from veilleur.incidents.going import Going

MOST_PICTURES = 64
"""Sightings that wait to be taken may hold so many pictures; those after them come without."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sighting:
    """An alert, and the picture in which the rule became sure.

    at, began_at: UTC, when that picture came and when the situation began. host_s: `at` on the
    host's clock that never goes back, for `Node.utc_of` after the clock was put right. view: in
    whose pixels the alert's box and `boxes` are. picture: a copy, privacy masks in it, people
    clear; None where too many sightings wait to be taken (MOST_PICTURES). reference: the permit it
    was made under. parameters: short digest of the rule as it was configured. others: whose
    situations of the same rule went on in that picture, this one's not among them.
    """

    alert: Alert
    at: datetime
    began_at: datetime
    host_s: float
    view: View
    picture: Picture | None
    boxes: Boxes
    reference: str
    parameters: str
    others: tuple[Going, ...] = ()

    @property
    def people(self) -> FloatArray:
        """(n, 4) pixels of the view."""
        return self.boxes.people

    @property
    def vehicles(self) -> FloatArray:
        """(n, 4) pixels of the view."""
        return self.boxes.vehicles


def in_shares(box: Box, view: View) -> Box:
    """Pixels of the view to shares of the picture, cut to it."""

    def share(value: float, side: int) -> float:
        return min(1.0, max(0.0, value / side))

    return Box(
        share(box.x1, view.width),
        share(box.y1, view.height),
        share(box.x2, view.width),
        share(box.y2, view.height),
    )


def going_on(step: Step, rule: str) -> tuple[Going, ...]:
    """Whose situation of a rule goes on in this picture, and where."""
    view = step.scene.view
    return tuple(
        Going(in_shares(one.first, view), in_shares(one.where, view))
        for one in step.going_on.get(rule, ())
    )


def others_than(alert: Alert, step: Step) -> tuple[Going, ...]:
    """Whose situations of its rule go on beside that of an alert of this step."""
    first = in_shares(alert.where, step.scene.view)
    return tuple(one for one in going_on(step, alert.rule) if one.first != first)


def digest(rule: RuleSpecification) -> str:
    """16 hexadecimal digits that change with anything written in the rule (SHA-256, cut)."""
    text = json.dumps(rule.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
