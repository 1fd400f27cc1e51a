"""A visible weapon in somebody's hand: seen for sure, near enough, at a hand, for a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made import every, rule, scene, tracks
from veilleur.engine.assembly import Detectors
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.engine.situations import Situations
from veilleur.errors import ConfigurationError
from veilleur.events.rule import Rule, Signal
from veilleur.events.specification import RuleSpecification
from veilleur.events.weapon import Parameters
from veilleur.events.wording import sentence
from veilleur.geometry import Box
from veilleur.perception.carrying import Carrying
from veilleur.perception.loader import Choice
from veilleur.perception.objects import Detections, Kind, Tracks

WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
ARMED = Carrying(key=1, box=Box(400, 300, 500, 600), tall_px=300.0, looks=6, surety=0.8, hand=0.05)
PERSIST_S = 1.0


def weapon_rule(zone: list[list[float]] = WHOLE, **params: float) -> Rule:
    return rule("weapon", zone=zone, params=params)


def told(watched: Rule, one: Carrying, times: Iterable[float], **more: Any) -> list[Signal]:
    """Signals while this person carries that."""
    found: list[Signal] = []
    for time in times:
        found += watched.step(scene(time, Tracks.none(), carrying=(one,), **more)).signals
    return found


def test_a_weapon_seen_in_a_hand_for_a_time_is_told_once() -> None:
    signals = told(weapon_rule(), ARMED, every(0.2, 10))
    assert [(s.began, s.noticed, s.where) for s in signals] == [(0.0, PERSIST_S, ARMED.box)]
    assert all(check.passed for check in signals[0].checks)
    assert "experimental" in sentence(signals[0].checks)
    assert "expérimental" in sentence(signals[0].checks, "fr")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        pytest.param({"tall_px": 119.0}, "tall", id="too small to judge"),
        pytest.param({"looks": 3}, "looked_at", id="three looks are not enough"),
        pytest.param({"surety": 0.59}, "weapon_seen", id="not sure enough"),
        pytest.param({"hand": 0.21}, "at_hand", id="lies beside, hangs on a wall"),
        pytest.param({"hand_read": False}, "hand_unread", id="nobody looked for the hands yet"),
        pytest.param(
            {"hand_read": False, "hand": None}, "hand_unread", id="which is not the same as unseen"
        ),
        pytest.param({"left": 0.151}, "carried_along", id="stays where it is when he goes"),
    ],
)
def test_each_condition_alone_prevents_it_and_says_so(changes: dict[str, Any], name: str) -> None:
    watched = weapon_rule()
    one = replace(ARMED, **changes)
    assert told(watched, one, every(0.2, 10)) == []
    (candidate,) = watched.step(scene(10.2, Tracks.none(), carrying=(one,))).candidates
    assert candidate.failed is not None
    assert candidate.failed.name == name
    for language in ("fr", "en"):
        assert sentence(candidate.checks, language).startswith(("Pas de signal", "No signal"))


def test_every_limit_is_reached_at_its_value() -> None:
    edge = replace(ARMED, tall_px=120.0, looks=4, surety=0.6, hand=0.2, left=0.15)
    assert [s.noticed for s in told(weapon_rule(), edge, [0.0, 0.5, 0.999, 1.0])] == [1.0]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"tall_px": 119.99}, False),
        ({"surety": 0.5999}, False),
        ({"hand": 0.2001}, False),
        ({"left": 0.1501}, False),
        ({"hand": 0.0, "left": 0.0}, True),
    ],
)
def test_a_hair_beyond_a_limit_is_beyond_it(changes: dict[str, Any], found: bool) -> None:
    assert bool(told(weapon_rule(), replace(ARMED, **changes), every(0.2, 3))) == found


@pytest.mark.parametrize("surety", [0.2, 0.35, 0.9])
def test_the_surety_that_is_set_is_the_least(surety: float) -> None:
    watched = rule("weapon", zone=WHOLE, params={"surety": surety})
    assert told(watched, replace(ARMED, surety=surety - 0.001), every(0.2, 3)) == []
    assert len(told(watched, replace(ARMED, surety=surety), every(0.2, 6, since=3.2))) == 1


def test_the_height_that_is_set_is_the_least() -> None:
    watched = rule("weapon", zone=WHOLE, params={"least_px": 200.0})
    assert told(watched, replace(ARMED, tall_px=199.9), every(0.2, 3)) == []
    assert len(told(watched, replace(ARMED, tall_px=200.0), every(0.2, 6, since=3.2))) == 1


def test_what_was_measured_and_what_is_asked_stand_in_the_checks() -> None:
    one = replace(ARMED, left=0.04)
    (signal,) = told(weapon_rule(surety=0.7, least_px=150, persist_s=2), one, every(0.2, 2))
    assert [(c.name, c.measured, c.threshold, c.unit) for c in signal.checks] == [
        ("tall", 300.0, 150.0, "px"),
        ("looked_at", 6.0, 4.0, "looks"),
        ("weapon_seen", pytest.approx(80.0), pytest.approx(70.0), "%"),
        ("at_hand", 0.05, 0.2, "person_heights"),
        ("carried_along", 0.04, 0.15, "person_heights"),
        ("persisted", 2.0, 2.0, "s"),
    ]
    assert (signal.event, signal.rule, signal.camera) == ("weapon", "rule", "camera")
    assert signal.checks[-1].held_s == 2.0


def test_a_hand_that_nobody_looked_for_measures_nothing() -> None:
    unread = replace(ARMED, hand_read=False)
    (candidate,) = weapon_rule().step(scene(0.0, Tracks.none(), carrying=(unread,))).candidates
    check = next(check for check in candidate.checks if check.name == "hand_unread")
    assert (check.measured, check.threshold, check.unit) == (0.0, 1.0, "yes")


def test_where_no_hand_is_seen_nothing_speaks_against_it_and_that_is_said() -> None:
    (signal,) = told(weapon_rule(), replace(ARMED, hand=None), every(0.2, 2))
    assert "no hand is seen" in sentence(signal.checks)
    assert "aucune main" in sentence(signal.checks, "fr")


def test_what_can_be_set_is_obeyed() -> None:
    assert told(weapon_rule(surety=0.9), ARMED, every(0.2, 4)) == []
    assert told(weapon_rule(least_px=301), ARMED, every(0.2, 4)) == []
    assert [s.noticed for s in told(weapon_rule(persist_s=2), ARMED, every(0.2, 4))] == [2.0]
    assert [s.noticed for s in told(weapon_rule(persist_s=0), ARMED, every(0.2, 4))] == [0.0]


def test_who_stands_outside_the_zone_is_not_watched() -> None:
    """Where the feet are counts: here only what is above the knees is inside."""
    upper = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.5], [0.0, 0.5]]
    verdict = weapon_rule(upper).step(scene(1, Tracks.none(), carrying=(ARMED,)))
    assert (verdict.signals, verdict.candidates, verdict.holding) == ((), (), ())


def test_it_goes_on_while_it_is_seen_and_ends_three_seconds_after() -> None:
    watched = weapon_rule()
    hidden = replace(ARMED, surety=0.1)
    assert len(told(watched, ARMED, every(0.2, 2))) == 1
    assert watched.step(scene(4.9, Tracks.none(), carrying=(hidden,))).holding == (ARMED.box,)
    assert told(watched, ARMED, [5.0]) == []
    assert watched.step(scene(8.2, Tracks.none(), carrying=(hidden,))).holding == ()
    assert [s.began for s in told(watched, ARMED, every(0.2, 10, since=8.4))] == [8.4]


def test_two_who_are_armed_are_two_candidates_and_one_person_is_one_situation() -> None:
    watched = weapon_rule()
    other = replace(ARMED, key=2, box=Box(100, 300, 200, 600), surety=0.2)
    verdict = watched.step(scene(0, Tracks.none(), carrying=(ARMED, other)))
    assert [c.where for c in verdict.candidates] == [ARMED.box, other.box]
    assert [c.failed is None or c.failed.name for c in verdict.candidates] == [
        "persisted",
        "weapon_seen",
    ]
    merging, alerts = Situations(), 0
    for time in every(0.2, 12):
        found = watched.step(scene(time, Tracks.none(), carrying=(ARMED,)))
        alerts += len(merging.update(found, time))
    assert alerts == 1


def test_a_blind_camera_starts_it_anew() -> None:
    watched = weapon_rule()
    assert told(watched, ARMED, [0.0, 0.2, 0.4]) == []
    blinded = watched.step(scene(0.5, Tracks.none(), carrying=(ARMED,), blind="dark"))
    assert (blinded.candidates, blinded.signals) == ((), ())
    assert [s.began for s in told(watched, ARMED, every(0.2, 3, since=0.6))] == [0.6]


@pytest.mark.parametrize("then", [-5.0, 60.0])
def test_a_clock_that_steps_and_a_long_silence_start_it_anew(then: float) -> None:
    watched = weapon_rule()
    assert told(watched, ARMED, [0.0, 0.2, 0.4]) == []
    assert [s.began for s in told(watched, ARMED, every(0.2, then + 2, since=then))] == [then]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.04, 0.1, 0.2, 0.4, 0.5]), min_size=40, max_size=60))
def test_neither_rate_nor_lost_nor_doubled_pictures_matter(steps: list[float]) -> None:
    """Told at the first picture at which it has been seen for long enough."""
    times = np.cumsum(steps).round(3).tolist()
    doubled = [time for time in times for _ in range(2)]
    due = next(time for time in times if time - times[0] >= PERSIST_S - 1e-9)
    assert [s.noticed for s in told(weapon_rule(), ARMED, doubled)] == [due]
    nothing = replace(ARMED, surety=0.3)
    assert told(weapon_rule(), nothing, doubled) == []


def test_while_nobody_looked_for_a_moment_what_was_seen_counts() -> None:
    """Looks are few: who has waited too long has none, which says nothing."""
    watched = weapon_rule(persist_s=2)
    told(watched, ARMED, every(0.2, 1))
    assert told(watched, replace(ARMED, looks=0, surety=0.0), every(0.2, 2.4, since=1.2)) == []
    assert [s.began for s in told(watched, ARMED, [2.6])] == [0.0]


@pytest.mark.parametrize(("gap_s", "began"), [(0.5, 0.0), (0.6, 1.6)])
def test_half_a_second_without_it_is_forgiven(gap_s: float, began: float) -> None:
    watched = weapon_rule(persist_s=2)
    told(watched, ARMED, [0.0, 0.5, 1.0])
    told(watched, replace(ARMED, surety=0.1), [1.0 + gap_s])
    assert [s.began for s in told(watched, ARMED, every(0.1, 5, since=1.6))] == [began]


def test_a_zone_is_needed_and_a_person_too_small_for_any_model_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        rule("weapon", line=[[0.1, 0.5], [0.9, 0.5]])
    assert refused.value.setting == "zone"
    with pytest.raises(ConfigurationError):
        rule("weapon", zone=WHOLE, line=[[0.1, 0.5], [0.9, 0.5]])
    with pytest.raises(ConfigurationError):
        weapon_rule(least_px=60)


@pytest.mark.parametrize(
    ("setting", "least", "most"), [("persist_s", 0, 10), ("surety", 0.2, 1), ("least_px", 80, None)]
)
def test_what_can_be_set_has_limits(setting: str, least: float, most: float | None) -> None:
    for value in (least, *(() if most is None else (most,))):
        rule("weapon", zone=WHOLE, params={setting: value})
    for value in (least - 0.01, *(() if most is None else (most + 0.01,))):
        with pytest.raises(ConfigurationError):
            rule("weapon", zone=WHOLE, params={setting: value})


def test_a_setting_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        rule("weapon", zone=WHOLE, params={"reach": 0.3})


def test_where_nothing_is_set_the_defaults_count() -> None:
    assert Parameters().model_dump() == {"persist_s": 1.0, "least_px": 120.0, "surety": 0.6}


# ------------------------------------------------- from boxes alone (made scenes, recordings)
def weapons(*boxes: tuple[float, float, float, float], score: float = 0.8) -> Detections:
    n = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(n, score, np.float32),
        np.full(n, Kind.WEAPON, np.int8),
    )


def boxes_told(found: Detections, people: Tracks, **more: Any) -> list[Signal]:
    watched = weapon_rule()
    signals: list[Signal] = []
    for time in every(0.2, 3):
        signals += watched.step(scene(time, people, detections=found, **more)).signals
    return signals


def test_a_box_of_a_weapon_belongs_to_the_person_nearest_to_it() -> None:
    people = tracks({1: (300, 600), 2: (380, 600)}, height=200, width=80)
    held = weapons((345, 470, 365, 480))
    assert [s.where for s in boxes_told(held, people)] == [people.box(2)]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(weapons((600, 470, 620, 480)), id="far from everybody"),
        pytest.param(weapons((300, 620, 320, 630)), id="on the ground before the feet"),
        pytest.param(weapons((300, 330, 320, 340)), id="above everybody"),
        pytest.param(weapons((300, 470, 320, 480), score=0.5), id="doubtful"),
        pytest.param(Detections.none(), id="none"),
    ],
)
def test_any_other_box_is_nobodys(found: Detections) -> None:
    people = tracks({1: (300, 600)}, height=200, width=80)
    assert boxes_told(found, people) == []


@pytest.mark.parametrize(
    ("x", "y", "found"),
    [
        pytest.param(371.0, 470.0, True, id="an arm's length beside the box"),
        pytest.param(369.0 + 3, 470.0, False, id="farther to the right"),
        pytest.param(229.0, 470.0, True, id="an arm's length to the left"),
        pytest.param(227.0, 470.0, False, id="farther to the left"),
        pytest.param(300.0, 371.0, True, id="raised above the head"),
        pytest.param(300.0, 369.0, False, id="higher"),
        pytest.param(300.0, 599.0, True, id="down to the feet"),
        pytest.param(300.0, 601.0, False, id="on the ground"),
    ],
)
def test_how_far_from_somebody_a_weapon_may_be(x: float, y: float, found: bool) -> None:
    """0.15 heights of 200 pixels beside a box from 259 to 341, from 400 to 600."""
    people = tracks({1: (300, 600)}, height=200, width=82)
    assert bool(boxes_told(weapons((x - 9, y - 5, x + 9, y + 5)), people)) == found


def test_of_two_weapons_at_somebody_the_surer_counts_and_old_ones_do_not() -> None:
    people = tracks({1: (300, 600)}, height=200, width=80)
    watched = weapon_rule(persist_s=0)
    both = Detections(
        np.array([(290, 470, 310, 480), (290, 500, 310, 510)], np.float32),
        np.array([0.9, 0.3], np.float32),
        np.full(2, Kind.WEAPON, np.int8),
    )
    for time in (0.0, 0.4, 0.8):
        watched.step(scene(time, people, detections=both))
    (one,) = watched.step(scene(1.0, people, detections=both)).candidates
    seen = next(check for check in one.checks if check.name == "weapon_seen")
    assert seen.measured == pytest.approx(90.0, abs=0.01)
    (one,) = watched.step(scene(2.8, people, detections=Detections.none())).candidates
    looked, seen = (
        next(c for c in one.checks if c.name == n) for n in ("looked_at", "weapon_seen")
    )
    assert looked.measured == 3.0
    assert seen.measured == pytest.approx(60.0, abs=0.01)
    (one,) = watched.step(scene(2.85, people, detections=Detections.none())).candidates
    assert next(c for c in one.checks if c.name == "looked_at").measured == 3.0
    watched.step(scene(2.9, people, detections=both, blind="dark"))
    (one,) = watched.step(scene(3.0, people, detections=both)).candidates
    assert next(c for c in one.checks if c.name == "looked_at").measured == 1.0


def test_what_was_seen_before_a_clock_stepped_back_does_not_count() -> None:
    people = tracks({1: (300, 600)}, height=200, width=80)
    watched = weapon_rule()
    for time in (5.0, 5.2, 5.4):
        watched.step(scene(time, people, detections=weapons((290, 470, 310, 480))))
    (one,) = watched.step(scene(3.0, people, detections=Detections.none())).candidates
    assert next(c for c in one.checks if c.name == "looked_at").measured == 1.0


def test_boxes_that_were_not_looked_at_anew_add_nothing() -> None:
    people = tracks({1: (300, 600)}, height=200, width=80)
    assert boxes_told(weapons((300, 470, 320, 480)), people, fresh=False) == []


def test_a_weapon_seen_in_one_picture_of_many_is_not_told() -> None:
    people = tracks({1: (300, 600)}, height=200, width=80)
    watched = weapon_rule()
    for number, time in enumerate(every(0.2, 6)):
        found = weapons((300, 470, 320, 480)) if number % 3 == 0 else Detections.none()
        assert watched.step(scene(time, people, detections=found)).signals == ()


# ------------------------------------------------- real pictures
def test_a_pistol_held_before_the_camera_is_told_once(data: Path) -> None:
    """Not learnt from. One clip proves that the parts fit together, not that weapons are found."""
    spec = RuleSpecification.model_validate({"id": "gun", "event": "weapon", "zone": WHOLE})
    path = data / "weapon/stock_police_pistol.webm"
    clip = LaboratoryClip(id="clip", path=path, rules=(spec,))
    steps = analyse(clip, Detectors(Choice(streams=1)))
    (alert,) = [alert for step in steps for alert in step.alerts]
    assert 1.2 - 0.8 <= alert.noticed <= 3.4


def test_somebody_who_stoops_and_sits_holding_nothing_is_not_told(data: Path) -> None:
    spec = RuleSpecification.model_validate({"id": "gun", "event": "weapon", "zone": WHOLE})
    path = data / "negative/gmdcsa24/Subject1_ADL_16.mp4"
    clip = LaboratoryClip(id="clip", path=path, rules=(spec,))
    steps = list(analyse(clip, Detectors(Choice(streams=1))))
    assert [alert for step in steps for alert in step.alerts] == []
    assert any(one.looks for step in steps if step.scene for one in step.scene.carrying or ())
