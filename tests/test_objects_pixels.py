"""Abandoned object from pixels to alarm: a bag is told, and nothing that only looks like one.

Somebody stands at the place when it changes and is gone soon; nobody comes after him. So whatever
is not told here is not told for what it is, not because somebody is with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.made import every, tracks
from tests.resting import BAG, VIEW, Draw, between, block, light, picture, place
from veilleur.cameras.frame import Frame
from veilleur.engine.stillness import StillnessSense
from veilleur.events.registry import build_rule
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import FloatArray, ImageArray
from veilleur.perception.closeup import Closeup
from veilleur.perception.objects import Detections, Kind

COMES, LEAVES, ENDS = 10.0, 13.0, 40.0
RULE = RuleSpecification(
    id="rule",
    event="abandoned_object",
    zone=((0, 0), (1, 0), (1, 1), (0, 1)),
    params={"unattended_s": 8.0, "radius_heights": 1.75},
)
TALL = 80.0  # pixels of a person


@dataclass
class Sees:
    """A detector that sees one kind, or nothing, in the middle of whatever it is shown."""

    kind: Kind | None = None
    name: str = "made"
    height: int = 64
    width: int = 64
    shown: list[int] = field(default_factory=list)

    def detect(self, image: ImageArray) -> Detections:
        self.shown.append(1)
        if self.kind is None:
            return Detections.none()
        box = np.array([[16, 12, 48, 52]], np.float32)
        return Detections(box, np.array([0.8], np.float32), np.array([self.kind], np.int8))


@dataclass(frozen=True)
class Outcome:
    """told: seconds of the alarms. failed: first conditions that failed, at the end, of each."""

    told: list[float]
    failed: list[str]


def watched(draws: Sequence[Draw], sees: Kind | None = None) -> Outcome:
    sense = StillnessSense(Closeup(Sees(sees), VIEW), countdown_s=8.0)
    made = build_rule(RULE, VIEW, local_time_known=False)
    told: list[float] = []
    failed: list[str] = []
    for time in every(0.5, ENDS):
        image = place()
        for draw in draws:
            draw(image, time)
        feet = {1: (140.0, 170.0)} if COMES - 4 <= time < LEAVES else {}
        people = tracks(feet, height=TALL, width=20)
        scene = Scene("camera", time, VIEW, people)
        verdict = made.step(sense.look(scene, Frame("camera", 0, time, picture(image, time))))
        told += [signal.noticed for signal in verdict.signals]
        failed = [c.failed.name if c.failed else "" for c in verdict.candidates]
    return Outcome(told, failed)


def leaves(image: FloatArray, time: float) -> None:
    random = np.random.default_rng(round(time * 100))
    image[130:170, 140:190] += random.normal(0, 60, (40, 50, 1))


def test_a_bag_is_told_eight_seconds_after_the_last_one_was_with_it() -> None:
    (told,) = watched([between(BAG, COMES)]).told
    assert told == pytest.approx(LEAVES + 8.0, abs=2.0)


@pytest.mark.parametrize(
    ("draws", "sees", "failed"),
    [
        pytest.param([BAG], None, [], id="a bench that always stood there"),
        pytest.param([between(BAG, 0, COMES)], None, [], id="the ghost of something removed"),
        pytest.param(
            [between(light(0.6, slice(130, 180), slice(140, 200)), COMES)], None, [], id="a shadow"
        ),
        pytest.param(
            [between(light(1.6, slice(140, 175), slice(145, 185)), COMES)],
            None,
            [],
            id="a reflection on the floor",
        ),
        pytest.param([between(light(1.5), COMES)], None, [], id="a light switched"),
        pytest.param(
            [between(block(150, 40, 40, 130, (30.0, 60.0, 120.0)), COMES)],
            None,
            ["small_enough"],
            id="a door that stays open",
        ),
        pytest.param(
            [between(block(150, 110, 60, 58, (130.0, 50.0, 40.0)), COMES)],
            None,
            ["small_enough"],
            id="a pushchair, a trolley, a cleaning machine",
        ),
        pytest.param(
            [between(block(150, 120, 46, 40, (130.0, 50.0, 40.0)), COMES)],
            Kind.VEHICLE,
            ["no_vehicle"],
            id="a parked bicycle",
        ),
        pytest.param(
            [between(block(150, 120, 34, 44, (60.0, 90.0, 120.0)), COMES)],
            Kind.PERSON,
            ["no_person"],
            id="somebody who sits, lies or sleeps",
        ),
        pytest.param([between(leaves, COMES)], None, [], id="leaves in the wind"),
    ],
)
def test_nothing_is_told_for(draws: list[Draw], sees: Kind | None, failed: list[str]) -> None:
    outcome = watched(draws, sees)
    assert outcome.told == []
    assert outcome.failed == failed
