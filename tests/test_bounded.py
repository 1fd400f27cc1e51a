"""What a camera's pipeline remembers does not grow with the number of people who came by."""

from __future__ import annotations

import gc
import sys
from datetime import UTC, datetime
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import numpy as np

from veilleur.catalogue import Event
from veilleur.engine.pipeline import Pipeline
from veilleur.events.registry import build_rule
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View
from veilleur.law.gate import Gate, Laboratory
from veilleur.perception.looking import Looker, LookSettings
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.tracker import Tracker

VIEW = View(640, 480)
NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
ZONE = ((0.2, 0.0), (0.8, 0.0), (0.8, 1.0), (0.2, 1.0))
RULES = (
    RuleSpecification(id="zone", event=Event.FORBIDDEN_ZONE, zone=ZONE),
    RuleSpecification(id="line", event=Event.FORBIDDEN_ZONE, line=((0.5, 0.0), (0.5, 1.0))),
    RuleSpecification(id="way", event=Event.WRONG_WAY, zone=ZONE, allowed_heading=(1.0, 0.0)),
)
RATE_HZ = 5
CROSSING_S = 5.0
SETTLED, LATER = 400, 1600  # scenes
LOOKED_AT = 25  # scenes, one round of people
NO_STATE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


class Blank:
    """A detector that is never asked: boxes are made."""

    name, height, width = "blank", 480, 640

    def detect(self, image: object) -> Detections:
        raise AssertionError(image)


def pipeline() -> Pipeline:
    return Pipeline(
        camera="gate",
        view=VIEW,
        rules=[build_rule(rule, VIEW, local_time_known=False) for rule in RULES],
        looker=Looker(Blank(), VIEW, LookSettings()),
        follower=Tracker(view=VIEW),
        gate=Gate({"gate": Laboratory("test")}),
    )


def passers_by(time: float) -> Detections:
    """Two at a time, one each way, somebody new whenever one has left."""
    share = time % CROSSING_S / CROSSING_S
    x = np.array([-40 + 720 * share, 680 - 720 * share])
    y = np.array([200.0, 420.0])
    boxes = np.stack([x - 20, y - 100, x + 20, y], axis=1).astype(np.float32)
    inside = (boxes[:, 2] > 0) & (boxes[:, 0] < VIEW.width)
    found = Detections(boxes, np.full(2, 0.9, np.float32), np.full(2, Kind.PERSON, np.int8))
    return found[inside]


def remembered(line: Pipeline) -> int:
    """Bytes of all objects that are reached from it, code not counted."""
    known: dict[int, object] = {}
    waiting: list[object] = [line]
    while waiting:
        one = waiting.pop()
        if id(one) not in known and not isinstance(one, NO_STATE):
            known[id(one)] = one
            waiting += gc.get_referents(one)
    return sum(sys.getsizeof(one) for one in known.values())


def test_a_pipeline_remembers_no_more_after_many_people_than_after_few() -> None:
    line, most, alerts = pipeline(), {SETTLED: 0, LATER: 0}, 0
    for scene in range(LATER):
        step = line.observe(passers_by(scene / RATE_HZ), scene / RATE_HZ, NOW)
        alerts += len(step.alerts)
        for end in most:
            if end - LOOKED_AT <= scene < end:
                most[end] = max(most[end], remembered(line))
    assert alerts > 100, "the rules had nothing to remember"
    assert most[LATER] <= 1.02 * most[SETTLED]
