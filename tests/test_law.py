"""The gate: nothing passes it by default, and what passes stops when the permit does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError, NotAuthorised
from veilleur.events.specification import RuleSpecification
from veilleur.law.authorisation import Authorisation, read_authorisation
from veilleur.law.gate import Gate, Laboratory, Live
from veilleur.law.orders import Orders
from veilleur.law.permits import not_covered
from veilleur.law.regime import covered
from veilleur.yaml import as_model, parse_tree

START = datetime(2026, 12, 1, 14, tzinfo=UTC)
ZONE = {"zone": Event.FORBIDDEN_ZONE}
TEXT = """\
reference: Arrêté 2026-123
authority: Préfet de police
cameras: [gate]
events: [forbidden_zone, density]
period: {from: 2026-12-01T14:00:00+00:00, until: 2026-12-02T06:00:00+00:00}
"""


def act(text: str = TEXT) -> Authorisation:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "act.yaml"
        path.write_text(text, encoding="utf-8")
        return read_authorisation(path)


def gate_of(authorisation: Authorisation, camera: str = "gate") -> Gate:
    return Gate({camera: Live()}, covered(), Orders.of(authorisation))


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        pytest.param(START - timedelta(seconds=1), False, id="before its hour"),
        pytest.param(START, True, id="from its first instant"),
        pytest.param(START + timedelta(hours=16, seconds=-1), True, id="to its last"),
        pytest.param(START + timedelta(hours=16), False, id="not at its end"),
    ],
)
def test_an_authorisation_opens_the_gate_for_its_period(at: datetime, open_: bool) -> None:
    gate = gate_of(act())
    if open_:
        assert gate.admit("gate", ZONE, at) == {"zone"}
    else:
        with pytest.raises(NotAuthorised) as refusal:
            gate.admit("gate", ZONE, at)
        assert refusal.value.camera == "gate"
        assert refusal.value.article


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (START - timedelta(days=1), ["not in force until 2026-12-01T14:00+00:00"]),
        (START, []),
        (START + timedelta(days=1), ["has ended, at 2026-12-02T06:00+00:00"]),
    ],
)
def test_outside_its_period_an_authorisation_says_so_at_start(
    at: datetime, words: list[str]
) -> None:
    rules = [RuleSpecification(id="r", event=Event.FORBIDDEN_ZONE)]
    notes = not_covered("gate", rules, act(), at)
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))


def test_a_camera_that_is_not_named_stays_shut() -> None:
    gate = gate_of(act(), "other")
    with pytest.raises(NotAuthorised, match="no authorisation"):
        gate.admit("other", ZONE, START)


def test_a_camera_without_any_permit_stays_shut() -> None:
    with pytest.raises(NotAuthorised, match="no authorisation"):
        Gate({}).admit("gate", ZONE, START)


def test_only_authorised_events_pass() -> None:
    gate = gate_of(act())
    assert gate.admit("gate", {**ZONE, "way": Event.WRONG_WAY}, START) == {"zone"}
    with pytest.raises(NotAuthorised, match="does not cover wrong_way"):
        gate.admit("gate", {"way": Event.WRONG_WAY}, START)


def test_a_camera_without_rules_has_no_purpose_and_stays_shut() -> None:
    gate = Gate({"clip": Laboratory("file")})
    with pytest.raises(NotAuthorised):
        gate.admit("clip", {}, START)


def test_the_laboratory_says_so() -> None:
    film = Gate({"clip": Laboratory("file")}).permit("clip")
    assert (film.laboratory, film.reference) == (True, "LABORATORY (file)")
    real = gate_of(act()).permit("gate")
    assert (real.laboratory, real.reference) == (False, "Arrêté 2026-123")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        pytest.param("[gate]", "[]", 3, "must be 1 at least", id="no camera"),
        pytest.param("density", "loitering", 4, "", id="an event outside the list"),
        pytest.param(
            "until: 2026-12-02", "until: 2026-11-02", 5, "before it begins", id="backwards"
        ),
        pytest.param("until: 2026-12-02", "until: 2027-01-02", 5, "31 days", id="over a month"),
        pytest.param(
            "+00:00}", "}", 5, "add the time zone, as in", id="an hour without its time zone"
        ),
        pytest.param("authority: Préfet de police\n", "", 1, "missing", id="nobody decided"),
        pytest.param(
            "{from: 2026-12-01T14:00:00+00:00, until: 2026-12-02T06:00:00+00:00}",
            "December",
            5,
            "period: must hold settings",
            id="a period in words",
        ),
        pytest.param("reference:", "referense:", 1, "did you mean 'reference'", id="a typo"),
    ],
)
def test_a_faulty_authorisation_is_refused_with_its_line(
    old: str, new: str, line: int, says: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        act(TEXT.replace(old, new))
    assert refusal.value.line == line
    assert says in str(refusal.value)


WHOLE = """
reference: CAB-1
authority: Prefect
cameras: [gate]
events: [density]
period: {from: 2026-12-01T14:00:00+01:00, until: 2026-12-02T06:00:00+01:00}
notice: {text: seen, told_by: [posters]}
clips: 3
"""


@pytest.mark.parametrize(
    ("was", "typed", "cause", "setting", "values"),
    [
        ("2026-12-02T06", "2026-11-02T06", "period_backwards", "period", {}),
        ("2026-12-02T06", "2027-02-02T06", "period_too_long", "period", {"days": "31"}),
        ("told_by: [posters]", "derogation: none", "notice_unclear", "notice", {}),
        ("14:00:00+01:00", "14:00:00", "timezone_aware", "period.from", {}),
        ("authority: Prefect", "", "missing", "authority", {}),
        ("clips: 3", "clip: 3", "extra_forbidden", "clip", {"input": "3", "meant": "clips"}),
        ("clips: 3", "clips: 0", "greater_than_equal", "clips", {"input": "0", "ge": "1"}),
        ("density", "densitie", "enum", "events.0", {"input": "densitie", "meant": "density"}),
        ("cameras: [gate]", "cameras: []", "too_short", "cameras", {"min_length": "1"}),
        ("CAB-1", "' '", "string_too_short", "reference", {"min_length": "1"}),
        ("events: [", "events: [[", "not_yaml", "", {}),
    ],
)
def test_each_mistake_in_a_typed_act_has_a_code_and_its_values(
    was: str, typed: str, cause: str, setting: str, values: dict[str, str]
) -> None:
    """So that it can be said in another language."""
    path = Path("act.yaml")
    assert WHOLE.count(was) == 1
    with pytest.raises(ConfigurationError) as caught:
        as_model(parse_tree(WHOLE.replace(was, typed), path), path, Authorisation)
    error = caught.value
    assert (error.coded.cause, error.setting) == (cause, setting)
    assert values.items() <= error.coded.values.items()
