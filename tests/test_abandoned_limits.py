"""Abandoned object: every check at its limit, in its unit, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.made import VIEW, every, rule, scene, tracks
from tests.test_abandoned_object import (
    AT,
    EMPTY,
    FAR,
    NEAR,
    PLACE,
    WHOLE,
    Story,
    bags,
    joined,
    signals,
    still,
    watch,
    why_not,
)
from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.abandoned_object import AbandonedObject, Parameters, _gap
from veilleur.events.registry import parse_specification
from veilleur.events.rule import Check, Verdict
from veilleur.geometry import Box, GroundPlane, View
from veilleur.ground import GroundSpecification, ground_plane
from veilleur.perception.objects import Kind
from veilleur.perception.still import Content, Stillness, StillObject

Said = list[tuple[float, Verdict]]
GROUND = ground_plane(
    GroundSpecification(
        image=[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
        metres=[(0, 10), (10, 10), (10, 0), (0, 0)],
    ),
    VIEW.width, VIEW.height, Path(),
)  # fmt: skip
"""Ten pixels are ten centimetres, seen from straight above: how tall people are nobody knows."""


def last(said: Said) -> dict[str, Check]:
    (candidate,) = said[-1][1].candidates
    return {check.name: check for check in candidate.checks}


def told(check: Check) -> tuple[float, float, str, float, bool]:
    return (
        round(check.measured, 6), round(check.threshold, 6), check.unit, check.held_s, check.passed
    )  # fmt: skip


def test_every_check_says_what_was_measured_against_what_and_for_how_long() -> None:
    """It rests since second 10, and nobody is with it since 14.5."""
    checks = last(Story().told(watch(), every(0.5, 40)))
    assert {name: told(check) for name, check in checks.items()} == {
        "at_rest": (30.0, 3.0, "s", 30.0, True),
        "no_trace": (1.0, 1.0, "yes", 30.0, True),
        "no_light": (1.0, 1.0, "yes", 30.0, True),
        "brought": (1.0, 1.0, "yes", 30.0, True),
        "examined": (1.0, 1.0, "yes", 30.0, True),
        "no_person": (0.0, 20.0, "%", 30.0, True),
        "no_vehicle": (0.0, 20.0, "%", 30.0, True),
        "whole": (1.0, 1.0, "yes", 30.0, True),
        "large_enough": (0.3, 0.117647, "person_heights", 30.0, True),
        "small_enough": (0.3, 0.647059, "person_heights", 30.0, True),
        "alone": (4.0, 1.764706, "person_heights", 25.5, True),
        "unattended": (25.5, 10.0, "s", 25.5, True),
        "in_view": (1.0, 1.0, "yes", 25.5, True),
    }
    assert not any(check.at_least for check in checks.values())


def test_what_has_failed_measures_nothing() -> None:
    checks = last(Story(content=Content.UNSEEN, hidden=True).told(watch(), every(0.5, 30)))
    assert told(checks["examined"])[0] == told(checks["in_view"])[0] == 0.0
    assert not checks["examined"].passed


def test_a_signal_says_what_of_whom_where_and_since_when() -> None:
    (signal,) = signals(Story().told(watch(), every(0.5, 40)))
    assert (signal.event, signal.rule, signal.camera) == (Event.ABANDONED_OBJECT, "rule", "camera")
    assert (signal.began, signal.noticed, signal.watched) == (14.5, 24.5, 10.0)
    assert (signal.where, signal.level) == (PLACE, "alarm")
    assert [check.name for check in signal.checks][-2:] == ["unattended", "in_view"]


def test_a_notice_of_what_somebody_is_with_again_begins_then() -> None:
    story = Story().visit(40, 60, NEAR, 2)
    said = story.told(watch(), every(0.5, 50))
    (attended,) = [n for _, v in said for n in v.notices if n.level == "attended"]
    assert attended.began == attended.noticed


def test_far_away_people_are_said_to_be_at_least_three_reaches_away() -> None:
    alone = last(Story().told(watch(radius_heights=1.0), every(0.5, 30)))["alone"]
    assert (alone.measured, alone.at_least) == (3.0, True)


@pytest.mark.parametrize(
    ("params", "ground", "reach", "unit"),
    [
        ({}, False, 3.0 / 1.7, "person_heights"),
        ({"radius_m": 1.7}, False, 1.0, "person_heights"),
        ({"radius_heights": 2.0}, False, 2.0, "person_heights"),
        ({}, True, 3.0, "m"),
        ({"radius_m": 1.7}, True, 1.7, "m"),
        ({"radius_heights": 2.0}, True, 2.0, "person_heights"),
    ],
)
def test_the_reach_is_in_the_unit_it_is_given_in(
    params: dict[str, float], ground: bool, reach: float, unit: str
) -> None:
    plane = GROUND if ground else None
    checks = last(on(plane, params, Story()))
    assert checks["alone"].threshold == pytest.approx(reach)
    assert checks["alone"].unit == unit


def on(plane: GroundPlane | None, params: dict[str, float], story: Story) -> Said:
    watched = rule("abandoned_object", zone=WHOLE, params=params, ground=plane)
    return story.told(watched, every(0.5, 30))


def sized(width: float, height: float = 30.0, **params: float) -> str | None:
    box = Box(500, 500 - height, 500 + width, 500)
    return why_not(Story(box=box).told(watch(**params), every(0.5, 60)))


def test_sizes_are_judged_by_the_longer_side_up_to_and_from_their_limits() -> None:
    """People are 100 pixels, 1.7 metres: 0.2 metres are 11.8 pixels, 1.1 are 64.7."""
    assert [sized(w, 5) for w in (11.7, 11.9)] == ["large_enough", None]
    assert [sized(w) for w in (64.6, 64.8)] == [None, "small_enough"]
    assert [sized(5, h) for h in (64.6, 64.8)] == [None, "small_enough"]
    assert [sized(w, least_m=0.34, most_m=0.68) for w in (19.9, 20.1)] == [None, None]
    assert [sized(w, 5, least_m=0.34) for w in (19.9, 20.1)] == ["large_enough", None]
    assert [sized(w, most_m=0.68) for w in (39.9, 40.1)] == [None, "small_enough"]


def alone(box: Box) -> str | None:
    """A thing where no person has ever been seen whole."""
    watched = watch()
    mover = Box(box.x1 - 30, box.y1 - 10, box.x1, box.y2 + 2)
    said = []
    for t in every(0.5, 30):
        there = (StillObject(1, box, 10.0, content=Content.UNKNOWN),) if t >= 13 else ()
        x = 0 if t < 15 else 400
        moved = Box(mover.x1 - x, mover.y1, mover.x2 - x, mover.y2)
        word = Stillness(0.0, there, movers=(moved,))
        said.append((t, watched.step(scene(t, tracks({}), still=word))))
    (candidate,) = said[-1][1].candidates
    check = next(c for c in candidate.checks if c.name == "small_in_picture")
    assert (round(check.threshold, 6), check.unit) == (30.0, "%")
    assert check.measured == pytest.approx(100 * max(box.width, box.height) / 1000)
    return None if check.passed else check.name


def test_where_nobody_was_seen_yet_a_thing_is_measured_by_the_picture() -> None:
    assert alone(Box(500, 300, 800, 500)) is None
    assert alone(Box(500, 300, 801, 500)) == "small_in_picture"
    assert alone(Box(500, 199, 600, 500)) == "small_in_picture"


@pytest.mark.parametrize(
    ("box", "whole"),
    [
        (Box(4, 470, 30, 500), False),
        (Box(4.1, 470, 30, 500), True),
        (Box(960, 470, 996, 500), False),
        (Box(960, 470, 995.9, 500), True),
        (Box(500, 4, 530, 30), False),
        (Box(500, 4.1, 530, 30), True),
        (Box(500, 960, 530, 996), False),
        (Box(500, 960, 530, 995.9), True),
    ],
)
def test_a_thing_within_four_thousandths_of_the_edge_is_cut(box: Box, whole: bool) -> None:
    assert last(Story(box=box).told(watch(), every(0.5, 20)))["whole"].passed == whole


@pytest.mark.parametrize(("seen", "found"), [(60, True), (55, False)])
def test_a_bag_known_to_the_detector_alone_must_be_found_in_six_of_ten_looks(
    seen: int, found: bool
) -> None:
    """How often fades over ten seconds, so it nears what it is for long enough."""
    watched, said = watch(), []
    for n, t in enumerate(every(0.1, 60)):
        people = tracks({1: AT if t < 15 else FAR})
        there = t >= 10 and (t < 14 or n * 7 % 20 < seen / 5)
        both = joined(people, bags({5: (515.0, 500.0)})) if there else people
        said.append((t, watched.step(scene(t, both, still=EMPTY))))
    check = last(said)["recognised"]
    assert (check.threshold, check.unit) == (60.0, "%")
    assert check.measured == pytest.approx(seen, abs=3)
    assert check.passed == (check.measured >= 60.0)
    assert bool(signals(said)) or not found


def test_a_thing_that_pixels_know_needs_no_detector() -> None:
    assert "recognised" not in last(Story().told(watch(), every(0.5, 30)))


@pytest.mark.parametrize(("gap", "n"), [(29.0, 1), (31.0, 2)])
@pytest.mark.parametrize("down", [False, True])
def test_what_is_nearer_than_three_tenths_of_a_height_to_a_told_thing_is_part_of_it(
    gap: float, n: int, down: bool
) -> None:
    watched = watch()
    x, y = (500.0, 500.0 + gap) if down else (530.0 + gap, 470.0)
    other = Box(x, y, x + 30, y + 30)
    said = []
    for t in every(0.5, 60):
        people = tracks({1: AT if t < 15 else (x + 50, y + 20) if 19 < t < 23 else FAR})
        late = (StillObject(2, other, 20.0, content=Content.UNKNOWN),) if t >= 23 else ()
        first = still(10.0).objects if t >= 13 else ()
        word = Stillness(0.0, first + late)
        said.append((t, watched.step(scene(t, people, still=word))))
    assert len(signals(said)) == n


@pytest.mark.parametrize(
    ("one", "other", "gap"),
    [
        ((0, 0, 10, 10), (13, 14, 20, 20), 5.0),
        ((13, 14, 20, 20), (0, 0, 10, 10), 5.0),
        ((0, 0, 10, 10), (5, 14, 20, 20), 4.0),
        ((0, 0, 10, 10), (13, 5, 20, 20), 3.0),
        ((0, 0, 10, 10), (5, 5, 20, 20), 0.0),
    ],
)
def test_the_gap_between_two_boxes(
    one: tuple[float, ...], other: tuple[float, ...], gap: float
) -> None:
    assert _gap(Box(*one), Box(*other)) == gap


def visited(share: float, kind: Kind) -> str | None:
    """In so many of ten looks since nobody is with it, somebody unknown covers it."""
    watched, said = watch(), []
    for n, t in enumerate(every(0.5, 60)):
        people = tracks({1: AT if t < 15 else FAR})
        if t > 17 and n % 10 < share * 10:
            over = tracks({50 + n: (515.0, 500.0)}, height=32, width=32, kind=kind)
            people = joined(people, over)
        word = still(10.0) if t >= 13 else EMPTY
        said.append((t, watched.step(scene(t, people, still=word))))
    return why_not(said)


@pytest.mark.parametrize(("kind", "name"), [(Kind.PERSON, "person"), (Kind.VEHICLE, "vehicle")])
def test_what_is_seen_in_it_in_more_than_a_fifth_of_the_looks_explains_it(
    kind: Kind, name: str
) -> None:
    assert visited(0.1, kind) != f"no_{name}"
    assert visited(0.3, kind) == f"no_{name}"


def test_a_single_look_explains_nothing_yet() -> None:
    """Somebody walks before it in the first picture without its owner: one of five at least."""
    watched, said = watch(), []
    for t in every(0.5, 17):
        people = tracks({1: AT if t < 15 else FAR})
        if t == 16.5:
            people = joined(people, tracks({9: (515.0, 510.0)}))
        said.append((t, watched.step(scene(t, people, still=still(10.0) if t >= 13 else EMPTY))))
    check = last(said)["no_person"]
    assert check.measured in (0.0, 20.0)
    assert check.passed


def test_what_was_taken_away_is_told_for_ten_seconds() -> None:
    said = Story(thing_until=30).told(watch(), every(0.5, 45))
    there = {t: [c.failed.name for c in v.candidates if c.failed] for t, v in said if t >= 30}
    assert there[30.0] == there[40.0] == ["still_there"]
    assert there[40.5] == []
    (candidate,) = dict(said)[35.0].candidates
    (check,) = candidate.checks
    assert told(check) == (5.0, 0.0, "s", 25.0, False)


def test_what_is_lost_sight_of_is_said_for_a_minute() -> None:
    watched = watch()
    Story().told(watched, every(0.5, 20))
    watched.step(scene(20.5, tracks({}), blind="moved"))
    said = {}
    for t in every(0.5, 90, since=21):
        said[t] = watched.step(scene(t, tracks({1: FAR}), still=EMPTY)).candidates
    (candidate,) = said[81.0]
    (check,) = candidate.checks
    assert told(check) == (60.0, 60.0, "s", 0.0, False)
    assert said[81.5] == ()


def test_who_is_near_at_the_end_is_waited_for_as_long_as_it_takes_to_stay() -> None:
    """Four seconds more; somebody else each time, so that nobody stays."""
    story = Story()
    for n in range(40):
        story.visit(16 + n, 17 + n, NEAR, 100 + n)
    said = story.told(watch(stay_s=4.0), every(0.5, 60))
    (signal,) = signals(said)
    assert signal.noticed - signal.began == 14.0


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ({"zone": None}, "zone"),
        ({"line": [[0, 0], [1, 1]]}, "zone"),
        ({"params": {"radius_m": 2.0, "radius_heights": 1.0}}, "params.radius_heights"),
    ],
)
def test_what_is_wrong_is_told_at_its_setting(more: dict[str, Any], setting: str) -> None:
    raw = {"id": "r", "event": "abandoned_object", "zone": WHOLE, **more}
    spec = parse_specification(raw)
    with pytest.raises(ConfigurationError) as refused:
        AbandonedObject.build(spec, View(10, 10), Parameters(**spec.params), clock=False)
    assert refused.value.setting == setting
    assert refused.value.remedy


def test_in_a_picture_that_was_not_looked_at_no_look_is_counted() -> None:
    watched, said = watch(), []
    over = tracks({9: (515.0, 510.0)})
    for t in every(0.5, 40):
        people = tracks({1: AT if t < 15 else FAR})
        fresh = t < 17
        if not fresh:
            people = joined(people, over)
        word = still(10.0) if t >= 13 else EMPTY
        said.append((t, watched.step(scene(t, people, still=word, fresh=fresh))))
    assert last(said)["no_person"].measured == 0.0
    assert np.isfinite(last(said)["alone"].measured)


def test_a_thing_that_turns_out_to_be_smaller_is_attended_as_what_it_is() -> None:
    """At first its owner, who stands over it, is taken for a part of it."""
    watched, said = watch(), []
    for t in every(0.5, 40):
        people = tracks({1: AT if t < 17 else FAR})
        box = Box(460, 400, 530, 500) if t < 16 else PLACE
        said.append(
            (t, watched.step(scene(t, people, still=still(10.0, box) if t >= 13 else EMPTY)))
        )
    (signal,) = signals(said)
    assert (signal.began, signal.where) == (16.5, PLACE)
