"""The sense of crowd movement looks where a crowd may be, and only when tracks do not tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.made import tracks
from veilleur.cameras.frame import Activity, Frame
from veilleur.cameras.picture import Picture
from veilleur.engine.currents import CurrentsSense
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View
from veilleur.perception.flow import Flow
from veilleur.perception.objects import Detections, Tracks

VIEW = View(320, 180)
PEOPLE = tracks({n: (30.0 + 45 * n, 120.0) for n in range(6)}, height=60, width=24)
MOVED, QUIET = Activity(0.1, everywhere=False), Activity(0.0, everywhere=False)
RULE = RuleSpecification.model_validate(
    {"id": "r", "event": "crowd_movement", "zone": [[0, 0], [1, 0], [1, 1], [0, 1]]}
)


def measured(
    people: Tracks, followed: Tracks, activity: Activity = MOVED, *, forget: bool = False
) -> bool:
    """Whether there is a field in the second of two scenes."""
    sense = CurrentsSense.of([RULE], VIEW)
    for time in (1.0, 1.2):
        flow = seen_by(sense, people, followed, time, activity)
        if forget:
            sense.forget()
    return flow is not None


def seen_by(
    sense: CurrentsSense,
    people: Tracks,
    followed: Tracks,
    time: float,
    activity: Activity = MOVED,
) -> Flow | None:
    """What it adds to a scene, of which each picture is another."""
    found = Detections(people.boxes, people.scores, people.kinds)
    data = np.random.default_rng(round(time * 10)).integers(0, 255, (270, 320), np.uint8)
    frame = Frame("c", 0, time, Picture(data), activity=activity)
    return sense.look(Scene("c", time, VIEW, followed, found), frame).flow


def quick(count: int) -> Tracks:
    """The people; so many of them at two heights a second."""
    speeds = np.zeros((len(PEOPLE), 2), np.float32)
    speeds[:count, 0] = 120.0
    return replace(PEOPLE, velocities=speeds)


@pytest.mark.parametrize(
    ("people", "followed", "activity", "looks"),
    [
        pytest.param(PEOPLE, PEOPLE[1:], MOVED, True, id="somebody has no track"),
        pytest.param(PEOPLE, quick(3), MOVED, True, id="three tracks are quick"),
        pytest.param(PEOPLE, PEOPLE, MOVED, False, id="all are followed and slow"),
        pytest.param(PEOPLE, quick(2), MOVED, False, id="two are quick"),
        pytest.param(PEOPLE[:4], Tracks.none(), MOVED, False, id="four are no crowd"),
        pytest.param(PEOPLE, PEOPLE[1:], QUIET, False, id="nothing moves"),
    ],
)
def test_pixels_are_compared_only_where_they_may_tell_more(
    people: Tracks, followed: Tracks, activity: Activity, looks: bool
) -> None:
    assert measured(people, followed, activity) is looks


def test_what_was_forgotten_is_not_compared_with() -> None:
    assert not measured(PEOPLE, PEOPLE[1:], forget=True)


@pytest.mark.parametrize(
    ("step", "fields"), [(0.2, [1, 1, 2, 2, 3]), (0.4, [1, 2, 3, 4, 5]), (0.1, [1, 1, 1, 1, 2])]
)
def test_a_measured_field_is_good_for_a_moment_and_not_longer(
    step: float, fields: list[int]
) -> None:
    """Of every second picture at five a second."""
    sense = CurrentsSense.of([RULE], VIEW)
    flows = [seen_by(sense, PEOPLE, PEOPLE[1:], n * step) for n in range(6)]
    assert flows[0] is None
    assert all(flow is not None for flow in flows[1:])
    assert [len({id(flow) for flow in flows[1 : n + 2]}) for n in range(5)] == fields
