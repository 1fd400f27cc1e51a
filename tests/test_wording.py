"""Why and why not, in one sentence; and the rules' parameters in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.registry import RULES, NotInThisVersion, build_rule, parse_specification
from veilleur.events.rule import Candidate, Check
from veilleur.events.wording import ENGLISH, FRENCH, UNITS, sentence
from veilleur.geometry import Box, View

DOCS = Path(__file__).resolve().parents[1] / "docs" / "events.md"
finite = st.floats(0, 1e4, allow_nan=False)
checks = st.builds(
    Check,
    name=st.sampled_from(sorted(ENGLISH)),
    measured=finite,
    threshold=finite,
    unit=st.sampled_from(sorted(UNITS["en"])),
    held_s=finite,
    passed=st.booleans(),
    at_least=st.booleans(),
)


@given(st.lists(checks, min_size=1, max_size=5))
def test_the_sentence_agrees_with_the_decision(found: list[Check]) -> None:
    """It says Signal exactly when every check has passed, else names the first that has not."""
    candidate = Candidate(where=Box(0, 0, 1, 1), checks=tuple(found))
    english, french = sentence(found, "en"), sentence(found, "fr")
    assert english.startswith("Signal: ") == (candidate.failed is None)
    assert french.startswith("Signal\u00a0: ") == (candidate.failed is None)
    if candidate.failed is not None:
        assert english == "No signal: " + sentence([candidate.failed]).removeprefix("No signal: ")
        assert french.startswith("Pas de signal\u00a0: ")
    assert english.count(".") >= 1
    assert "\n" not in english + french
    assert "{" not in english + french


def test_an_example_reads_well() -> None:
    check = Check(
        name="inside", measured=3.2, threshold=1.0, unit="s", held_s=3.2, passed=True
    )  # fmt: skip
    assert sentence([check]) == "Signal: in the zone for 3.2\u00a0s (limit 1.0\u00a0s)."
    assert sentence([check], "fr") == (
        "Signal\u00a0: dans la zone depuis 3,2\u00a0s (seuil\u00a0: 1,0\u00a0s)."
    )
    over = Check(
        name="people", measured=5, threshold=4.5, unit="people", held_s=0, passed=True,
        at_least=True,
    )  # fmt: skip
    assert sentence([over]) == (
        "Signal: at least 5\u00a0people in the zone (limit 4.5\u00a0people)."
    )
    assert sentence([]) == "Nothing to watch."


def made(name: str, measured: float, threshold: float, unit: str, *, passed: bool) -> Check:
    return Check(
        name=name, measured=measured, threshold=threshold, unit=unit, held_s=0.0, passed=passed
    )


@pytest.mark.parametrize(
    ("check", "english", "french"),
    [
        (
            made("inside", 1.2, 2.0, "s", passed=False),
            "in the zone for 1.2 s, 2.0 s are needed.",
            "dans la zone depuis 1,2 s, 2,0 s requises.",
        ),
        (
            made("distance", 0.5, 2.0, "m", passed=False),
            "over 0.5 m, 2.0 m are needed.",
            "sur 0,5 m, 2,0 m requis.",
        ),
        (
            made("distance", 0.26, 2.0, "heights", passed=False),
            "over 0.26 heights of its box, 2.00 heights of its box are needed.",
            "sur 0,26 hauteur du cadre, 2,00 hauteurs du cadre requises.",
        ),
        (
            made("people", 4, 3, "people", passed=True),
            "4 people in the zone (limit 3 people).",
            "4 personnes dans la zone (seuil : 3 personnes).",
        ),
        (
            made("people", 1, 3, "people", passed=False),
            "1 person in the zone, the limit of 3 people is not passed.",
            "1 personne dans la zone, le seuil de 3 personnes n’est pas dépassé.",
        ),
        (
            made("against", 12, 60, "degrees", passed=True),
            "moving against the allowed way (12° from its opposite, limit 60°).",
            "à contresens (12° de l’opposé du sens permis, seuil : 60°).",
        ),
    ],
)
def test_numbers_and_words_agree(check: Check, english: str, french: str) -> None:
    assert sentence([check]).replace("\u00a0", " ").endswith(": " + english)
    assert sentence([check], "fr").replace("\u00a0", " ").endswith(" : " + french)


def test_a_limit_that_was_not_asked_for_is_not_told() -> None:
    """Unless nothing else is to be told, or it is what decided."""
    inside = made("inside", 0.0, 0.0, "s", passed=True)
    across = made("across", 0.0, 0.0, "s", passed=True)
    width = made("width", 40, 20, "px", passed=True)
    assert sentence([across, width]) == "Signal: large enough (40\u00a0px wide)."
    assert sentence([inside, across]) == "Signal: in the zone."
    assert sentence([inside], "fr") == "Signal\u00a0: dans la zone."
    assert "across for 0.0" in sentence([across])
    assert "across for 0.0" in sentence([made("across", 0.0, 0.0, "s", passed=False)])


def test_both_languages_know_the_same() -> None:
    assert set(ENGLISH) == set(FRENCH)
    assert set(UNITS["en"]) == set(UNITS["fr"])


@pytest.mark.parametrize("event", list(Event))
def test_every_event_and_every_parameter_has_its_place_in_the_docs(event: Event) -> None:
    text = DOCS.read_text(encoding="utf-8")
    sections = text.split("\n## ")
    section = next(part for part in sections if part.startswith(f"`{event.value}`"))
    if event in RULES:
        for name, field in RULES[event].parameters.model_fields.items():
            assert field.description, name
            assert f"| `{name}` |" in section, name


def test_an_event_of_a_later_version_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(RULES, Event.FIRE)
    spec = parse_specification({"id": "smoke", "event": "fire"})
    with pytest.raises(NotInThisVersion, match="not in this version") as caught:
        build_rule(spec, View(100, 100), local_time_known=False)
    assert caught.value.event is Event.FIRE


@pytest.mark.parametrize(
    ("raw", "setting", "meant"),
    [
        ({"event": "forbiden_zone"}, "event", "forbidden_zone"),
        ({"event": "wrong_way", "alowed_heading": [0, 1]}, "alowed_heading", "allowed_heading"),
        ({"params": {"dwel_s": 1}}, "params.dwel_s", "dwell_s"),
        ({"params": {"schedule": {"weekly": {}}}}, "params.schedule", "never in force"),
        ({"zone": [[0, 2], [1, 1], [0, 0]]}, "zone.0.1", "1 at most"),
    ],
)
def test_a_mistake_says_where_and_what_was_meant(
    raw: dict[str, object], setting: str, meant: str
) -> None:
    whole = {"id": "r", "event": "forbidden_zone", "zone": [[0, 0], [1, 0], [1, 1]], **raw}
    with pytest.raises(ConfigurationError) as caught:
        build_rule(parse_specification(whole), View(100, 100), local_time_known=True)
    assert caught.value.setting == setting
    assert meant in str(caught.value)
