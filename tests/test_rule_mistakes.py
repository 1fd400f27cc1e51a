"""What is wrong with a rule in a file: all of it at once, each at its setting, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.mistakes import rule_mistakes
from veilleur.events.registry import (
    RULES,
    NotInThisVersion,
    build_rule,
    meant,
    parameter_mistakes,
    parse_specification,
)
from veilleur.geometry import View

VIEW = View(1000, 1000)
ALL = [[0, 0], [1, 0], [1, 1], [0, 1]]
CROSSED = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]
POINT = [[0.5, 0.5], [0.5, 0.5]]
LINE = [[0.1, 0.5], [0.9, 0.5]]


def rule(event: str = "forbidden_zone", **more: Any) -> dict[str, Any]:
    return {"id": "west", "event": event, "zone": ALL, **more}


def mistakes(raw: dict[str, Any]) -> list[ConfigurationError]:
    return list(rule_mistakes(raw, VIEW))


def settings(raw: dict[str, Any]) -> list[str]:
    return [error.setting for error in mistakes(raw)]


def refused(raw: dict[str, Any], *, clock: bool = True) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as told:
        build_rule(parse_specification(raw), VIEW, local_time_known=clock)
    return told.value


def test_a_rule_without_a_mistake_has_none() -> None:
    for event in Event:
        more = {"allowed_heading": [0, -1]} if event is Event.WRONG_WAY else {}
        assert settings(rule(event.value, **more)) == []
    assert settings({"id": "west", "event": "forbidden_zone", "line": LINE}) == []


def test_all_that_is_wrong_is_told_at_once() -> None:
    raw = rule("density", zone=CROSSED, subject="vehicle", params={"persist_s": -1, "much": 3})
    assert settings(raw) == ["params.persist_s", "params.much", "zone", "subject"] or sorted(
        settings(raw)
    ) == ["params.much", "params.persist_s", "subject", "zone"]


def test_what_keeps_a_rule_from_being_built_is_told_once_however_often_it_is_met() -> None:
    assert settings(rule("wrong_way")) == ["allowed_heading"]
    assert settings(rule("wrong_way", zone=CROSSED)) == ["zone", "allowed_heading"]
    assert settings({"id": "west", "event": "wrong_way", "line": LINE, "zone": None}) == [
        "zone", "allowed_heading"
    ]  # fmt: skip
    arrow = [{"at": [0.5, 0.5], "heading": [0, 0]}]
    assert settings(rule("wrong_way", headings=arrow)) == ["headings"]


def test_parameters_that_contradict_each_other_are_told() -> None:
    assert settings(rule("density", params={"max_people": 3, "max_per_m2": 1})) == [
        "params.max_people", "params.max_per_m2"
    ]  # fmt: skip


def test_without_a_known_event_only_the_drawings_are_looked_at() -> None:
    told = settings(rule("density_", zone=CROSSED, params={"much": 1}))
    assert told == ["zone"]
    assert settings({"id": "west", "event": "?", "zone": CROSSED, "line": POINT}) == [
        "zone", "line"
    ]  # fmt: skip
    assert settings({"id": "west", "event": "?", "zone": ALL, "line": LINE}) == []
    assert settings({"id": "west", "event": "?"}) == []


def test_what_follows_from_a_mistake_of_the_types_is_not_told_again() -> None:
    """The zone cannot be read, so that it is missing is no mistake of its own."""
    assert settings(rule("density", zone="north")) == []
    assert settings({"id": "west", "event": "density", "zon": ALL}) == []  # misspelt
    assert settings({"id": "west", "event": "density"}) == ["zone"]
    assert settings(rule("density", zone="north", params={"much": 1})) == ["params.much"]
    assert settings(rule("density", parms={}, params={"much": 1})) == ["params.much"]
    assert settings(rule("density", zon=ALL, subject="vehicle")) == ["subject"]
    assert settings({"event": "density", "zone": CROSSED}) == ["zone"]  # without an id


def test_a_mistake_of_one_setting_is_mended_only_to_see_the_next() -> None:
    raw = rule(
        "wrong_way", zone=CROSSED, allowed_heading=[0, 0], params={"persist_s": -1, "gap_s": -1}
    )
    assert settings(raw) == ["params.persist_s", "params.gap_s", "zone", "allowed_heading"]


def test_an_event_without_a_rule_says_so_and_its_drawings_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(RULES, Event.DENSITY)
    first, second = mistakes(rule("density", zone=CROSSED, params={"much": 1}))
    assert isinstance(first, NotInThisVersion)
    assert (first.event, first.setting, second.setting) == (Event.DENSITY, "event", "zone")
    assert first.message == "rule west: density is not in this version"
    assert "wrong_way" in first.remedy
    assert "density" not in first.remedy
    assert parameter_mistakes(parse_specification(rule("density", params={"much": 1}))) == []
    assert isinstance(refused(rule("density")), NotInThisVersion)


def test_only_the_weapon_rule_is_experimental() -> None:
    assert [event for event, rule in RULES.items() if rule.experimental] == [Event.WEAPON]
    assert set(RULES) == set(Event)


def test_only_zones_and_ways_look_at_vehicles() -> None:
    for event in Event:
        more = {"allowed_heading": [0, -1]} if event is Event.WRONG_WAY else {}
        raw = rule(event.value, subject="vehicle", **more)
        if event in (Event.FORBIDDEN_ZONE, Event.WRONG_WAY):
            build_rule(parse_specification(raw), VIEW, local_time_known=False)
            continue
        told = refused(raw)
        assert told.setting == "subject"
        assert told.message.startswith(f"rule west: {event.value} does not look at vehicles")
        assert told.remedy == "remove subject; vehicles: forbidden_zone, wrong_way"


@pytest.mark.parametrize(
    ("raw", "setting", "message", "remedy"),
    [
        ({"even": "density"}, "even", "unknown even", "did you mean event?"),
        ({"colour": 1}, "colour", "unknown colour", "there is allowed_heading, event"),
        ({"event": "densty"}, "event", "'densty' is none of the eight", "did you mean density?"),
        ({"event": "rain"}, "event", "'rain' is none of the eight", "there is abandoned_object"),
        ({"zone": [[0, 2], [1, 1], [0, 1]]}, "zone.0.1", "must be 1 at most", "docs/events.md"),
        (
            {"headings": [{"at": [0, 0], "heading": [0, 1], "hading": 1}]},
            "headings.0.hading", "unknown headings.0.hading", "remove it",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_says_what_was_meant(
    raw: dict[str, Any], setting: str, message: str, remedy: str
) -> None:
    with pytest.raises(ConfigurationError) as told:
        parse_specification(rule(**raw))
    assert told.value.setting == setting
    assert told.value.message.startswith("rule west: ")
    assert message in told.value.message
    assert remedy in told.value.remedy


@pytest.mark.parametrize("event", list(Event))
def test_every_event_refuses_a_parameter_it_does_not_know(event: Event) -> None:
    more = {"allowed_heading": [0, -1]} if event is Event.WRONG_WAY else {}
    assert refused(rule(event.value, params={"nothing": 1}, **more)).setting == "params.nothing"


def test_a_rule_without_a_name_is_told_with_a_question_mark() -> None:
    with pytest.raises(ConfigurationError, match=r"^rule \?: "):
        parse_specification({"event": "density"})


@pytest.mark.parametrize(
    ("event", "params", "setting", "message", "remedy"),
    [
        ("density", {"persist_m": 3}, "persist_m", "unknown", "persist_s, in seconds?"),
        ("density", {"persit_s": 3}, "persit_s", "unknown", "did you mean persist_s?"),
        ("density", {"colour": 3}, "colour", "unknown", "there is end_s, gap_s"),
        ("density", {"persist_s": "2 min"}, "persist_s", "'2 min' is no number", "in seconds"),
        ("density", {"persist_s": float("inf")}, "persist_s", "inf is no number", "in seconds"),
        ("density", {"trusted_hidden": float("nan")}, "trusted_hidden", "nan is no", "in figures"),
        ("density", {"trusted_hidden": "x"}, "trusted_hidden", "'x' is no number", "events.md"),
        ("density", {"persist_s": -1}, "persist_s", "must be 0 at least", "docs/events.md"),
        ("forbidden_zone", {"schedule": 3}, "schedule", "", "there is holidays, time_zone, weekly"),
        (
            "forbidden_zone", {"schedule": {"week": {}}},
            "schedule.week", "unknown params.schedule.week", "did you mean weekly?",
        ),
    ],
)  # fmt: skip
def test_a_parameter_that_means_nothing_says_what_was_meant(
    event: str, params: dict[str, Any], setting: str, message: str, remedy: str
) -> None:
    raw = rule(event, params=params)
    told = refused(raw)
    (same,) = parameter_mistakes(parse_specification(raw))
    for error in (told, same):
        assert error.setting == f"params.{setting}"
        assert error.message.startswith("rule west: ")
        assert f"params.{setting}" in error.message
        assert message in error.message
        assert remedy in error.remedy


def test_every_wrong_parameter_is_told_once() -> None:
    params = {"persist_s": float("inf"), "gap_s": -1, "much": 1}
    told = parameter_mistakes(parse_specification(rule("density", params=params)))
    assert sorted(error.setting for error in told) == [
        "params.gap_s", "params.much", "params.persist_s"
    ]  # fmt: skip
    assert parameter_mistakes(parse_specification(rule("density", params={"gap_s": 1}))) == []
    (only,) = parameter_mistakes(
        parse_specification(rule("density", params={"persist_s": float("inf")}))
    )
    assert only.setting == "params.persist_s"


def test_what_was_meant_is_the_nearest_word_or_the_list() -> None:
    assert meant("wekly", ["weekly", "holidays"]) == "did you mean weekly?"
    assert meant("x", ["b", "a"]) == "there is a, b"
    assert meant("x", []) == ""
