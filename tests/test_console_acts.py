"""An authorisation entered by a program: the same checks as on the page, within the token's reach,
and on the record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acts import act
from tests.console_house import ORIGIN, House, house
from veilleur.console.act_mistakes import mistakes_in
from veilleur.console.acts import require_text
from veilleur.console.description import describe
from veilleur.console.permission import Role
from veilleur.errors import ConfigurationError
from veilleur.law.authorisation import Authorisation
from veilleur.law.deed import Deed
from veilleur.yaml import as_model, parse_tree

ACTS = "/api/v1/authorisations"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        yield one


def paper(**changes: object) -> dict[str, Any]:
    """As a program sends it: an act of the laboratory, in force."""
    now = datetime.now(UTC)
    whole = act(
        reference="LAB-7",
        laboratory=True,
        services=("municipal_police",),
        period={"from": now - timedelta(hours=1), "until": now + timedelta(days=1)},
        **changes,
    )
    sent = json.loads(whole.model_dump_json(by_alias=True, exclude_none=True))
    assert isinstance(sent, dict)
    return sent


def program(made: House, *permissions: str, cameras: list[str] | None = None) -> TestClient:
    """A client with a token of the supervisor's."""
    wanted = {"name": "registry", "permissions": permissions, "expires": "2027-01-01T00:00:00Z"}
    answer = made.browser("supervisor").post(
        "/api/v1/tokens", json=wanted | ({"cameras": cameras} if cameras else {})
    )
    assert answer.status_code == 200, answer.text
    bearer = {"Authorization": f"Bearer {answer.json()['secret']}"}
    return TestClient(made.app, base_url=ORIGIN, headers=bearer)


def references(made: House) -> list[str]:
    return [one.authorisation.reference for one in made.desk.authority.acts()]


def test_a_program_enters_an_act_and_its_token_is_on_the_record(made: House) -> None:
    registry = program(made, "add_authorisation")
    answer = registry.post(ACTS, json=paper(cameras=("gate", "elsewhere")))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["entered"], said["cause"], said["strangers"]) == (True, "", ["elsewhere"])
    assert said["covered"] == [
        {"camera": "gate", "rule": "tracks", "event": "forbidden_zone", "named": True}
    ]
    assert references(made) == ["LAB-7"]
    (line,) = made.residents.lines(Deed.AUTHORISATION_ADDED)
    (token,) = made.residents.tokens.all()
    assert line.who == "supervisor"
    assert json.loads(line.details)["token"] == str(token.id)


def test_an_act_is_entered_once(made: House) -> None:
    boss = made.browser("supervisor")
    assert boss.post(ACTS, json=paper()).json()["entered"]
    again = boss.post(ACTS, json=paper(perimeter="Elsewhere"))
    assert (again.status_code, again.json()["cause"]) == (409, "known")
    assert made.desk.authority.acts()[0].authorisation.perimeter == "Parvis de la gare"
    assert "token" not in made.residents.lines(Deed.AUTHORISATION_ADDED)[0].details


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"perimeter": None}, "perimeter"),
        ({"gathering": None}, "gathering"),
        ({"laboratory": False}, "other_world"),
        ({"clips": 400}, "clips"),
        ({"services": ("the neighbours",)}, "services"),
    ],
)
def test_what_the_law_has_against_an_act_is_said_by_code_and_nothing_is_kept(
    made: House, changes: dict[str, object], code: str
) -> None:
    sent = {**paper(), **changes}
    answer = made.browser("supervisor").post(
        ACTS, json={name: value for name, value in sent.items() if value is not None}
    )
    assert answer.status_code == 422
    assert code in {fault["code"] for fault in answer.json()["faults"]}
    assert all(fault["article"] for fault in answer.json()["faults"])
    assert references(made) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": ["loitering"]},
        {"period": {"from": "2026-12-01T14:00:00", "until": "2026-12-02T06:00:00"}},
        {"period": {"from": "2026-12-01T14:00:00Z", "until": "2027-12-02T06:00:00Z"}},
        {"period": {"from": "0001-01-01T00:00:00+14:00", "until": "0001-01-02T00:00:00Z"}},
        {"signed_by": "me"},
        {"reference": "a\0b"},
        {"cameras": []},
    ],
    ids=["no event", "no zone", "too long", "before time", "one field more", "no text", "none"],
)
def test_what_is_no_act_is_refused(made: House, wrong: dict[str, object]) -> None:
    answer = made.browser("supervisor").post(ACTS, json={**paper(), **wrong})
    assert answer.status_code == 422
    assert references(made) == []


def test_a_check_says_the_same_and_changes_nothing(made: House) -> None:
    registry = program(made, "add_authorisation")
    whole = registry.post(f"{ACTS}/check", json=paper())
    assert (whole.status_code, whole.json()["entered"], whole.json()["cause"]) == (200, False, "")
    wrong = registry.post(f"{ACTS}/check", json={**paper(), "clips": 400}).json()
    assert [fault["code"] for fault in wrong["faults"]] == ["clips"]
    assert references(made) == []
    assert made.residents.lines(Deed.AUTHORISATION_ADDED) == []


def test_a_token_opens_no_camera_that_is_not_its_own(made: House) -> None:
    narrow = program(made, "add_authorisation", cameras=["gate"])
    for cameras in (("gate", "dock"), ("elsewhere",)):
        answer = narrow.post(ACTS, json=paper(cameras=cameras))
        assert answer.status_code == 403, answer.text
    assert references(made) == []
    refused = [json.loads(line.details)["cause"] for line in made.residents.lines(Deed.DENIED)]
    assert refused == ["reach", "reach"]
    assert narrow.post(ACTS, json=paper(cameras=("gate",))).status_code == 200


def test_a_supervisor_of_one_camera_enters_no_act_for_another(made: House) -> None:
    made.residents.add("dora", Role.SUPERVISOR, cameras=frozenset({"dock"}))
    dora = made.browser("dora")
    fields = {"add": "true", "csrf": dora.headers["X-CSRF-Token"]}
    for camera, status in (("gate", 403), ("dock", 303)):
        text = json.dumps(paper(cameras=(camera,)))  # which is YAML too
        assert dora.post("/authorisations", data={**fields, "text": text}).status_code == status
    assert references(made) == ["LAB-7"]


def test_a_token_enters_no_act_unless_it_was_issued_for_that(made: House) -> None:
    for permissions in (("see_authorisations",), ("suspend_authorisation", "stop")):
        other = program(made, *permissions)
        assert other.post(ACTS, json=paper()).status_code == 403
    for name in ("operator", "integrator", "dpo", "auditor"):
        assert made.browser(name).post(ACTS, json=paper()).status_code == 403
    assert references(made) == []


def test_the_description_has_the_act_field_by_field(made: House) -> None:
    operation = describe(made.app)["paths"][ACTS]["post"]
    assert operation["x-permission"] == "add_authorisation"
    fields = describe(made.app)["components"]["schemas"]["Authorisation"]["properties"]
    assert {"reference", "cameras", "events", "period", "gathering", "clips"} <= set(fields)


# ---------------------------------------------------------------------- typed on the page
TEXT = """reference: LAB-2
authority: nobody
laboratory: true
cameras: [gate]
events: [forbidden_zone]
period: {from: 2026-12-01T14:00:00+01:00, until: 2026-12-02T06:00:00+01:00}
gathering: cultural
notice: {text: t, told_by: [p]}
"""
FROM, UNTIL = "2026-12-01T14:00:00+01:00", "2026-12-02T06:00:00+01:00"
TYPED = [
    ("reference: LAB-2\n", "", "missing", "reference manque"),
    ("gathering: cultural", "gathering: culturel", "enum", "vouliez-vous dire « cultural » ?"),
    ("cultural", "politique", "enum", "« politique » n’est pas admis ici"),
    ("[forbidden_zone]", "[loitering]", "enum", "sont admis : abandoned_object"),
    ("[forbidden_zone]", "[]", "too_short", "la liste est vide"),
    ("[gate]", "gate", "tuple_type", "cameras doit être une liste"),
    ("[gate]", "[[gate]]", "string_type", "doit être un texte"),
    (FROM, FROM[:-6], "timezone_aware", "period.from n’a pas de fuseau horaire"),
    (FROM, "hier", "datetime_from_date_parsing", "« hier » n’est pas une date"),
    (FROM, "99999999999999999999", "datetime_parsing", "n’est pas une date avec son heure"),
    (FROM, "true", "datetime_type", "« True » n’est pas une date avec son heure"),
    (FROM, "0001-01-01T00:00:00+14:00", "value_error", "une date est hors du calendrier"),
    (FROM, "2026-13-01T14:00:00+01:00", "no_date", "une date ou un nombre n’en est pas un"),
    (FROM, "2026-12-03T14:00:00+01:00", "period_backwards", "la période finit avant"),
    (UNTIL, "2027-12-02T06:00:00+01:00", "period_too_long", "la période dépasse 31 jours"),
    ("laboratory: true", "laboratory: peut-être", "bool_parsing", "n’est ni oui ni non"),
    ("laboratory: true", "laboratory: [1]", "bool_type", "doit être oui ou non"),
    ("gathering:", "clips: trois\ngathering:", "int_parsing", "« trois » n’est pas un nombre"),
    ("gathering:", "clips: [3]\ngathering:", "int_type", "doit être un nombre"),
    ("gathering:", "clips: 1.5\ngathering:", "int_from_float", "1.5 n’est pas un nombre entier"),
    ("gathering:", "clips: 0\ngathering:", "greater_than_equal", "doit être au moins 1"),
    ("gathering:", "signé: moi\ngathering:", "extra_forbidden", "rubrique inconnue"),
    ("gathering:", "controler: x\ngathering:", "extra_forbidden", "« controller » ?"),
    ("LAB-2", "''", "string_too_short", "ne peut pas être vide"),
    ("LAB-2", '"\\ud800"', "string_unicode", "contient un caractère qui n’en est pas un"),
    ("LAB-2", '"a\\0b"', "no_text", "contient un caractère qui n’en est pas un"),
    (", told_by: [p]", "", "notice_unclear", "donnez text et told_by"),
    ("{text: t, told_by: [p]}", "affiches", "model_type", "doit contenir des rubriques"),
    (TEXT, "reference: [", "not_yaml", "ce n’est pas du YAML"),
    (TEXT, "a: " + "[" * 400, "not_yaml", "ce n’est pas du YAML"),
    (TEXT, "- a", "no_settings", "l’acte doit contenir des rubriques"),
]


def typed(text: str) -> None:
    """As the page reads it."""
    file = Path("act.yaml")
    require_text(as_model(parse_tree(text, file), file, Authorisation))


@pytest.mark.parametrize(
    ("old", "new", "code", "french"), TYPED, ids=[f"{n}-{one[2]}" for n, one in enumerate(TYPED)]
)
def test_a_mistake_in_a_typed_act_is_said_in_the_language_of_whoever_typed(
    old: str, new: str, code: str, french: str
) -> None:
    text = TEXT.replace(old, new)
    with pytest.raises(ConfigurationError) as raised:
        typed(text)
    said = mistakes_in(raised.value, "fr")
    assert said[0].code == code
    words = f"{said[0].setting} {said[0].message} ({said[0].remedy})".replace("\u00a0", " ")
    assert french in words
    assert not any(one.foreign for one in said)
    assert not re.search(r"\b(the|should|input|valid|is)\b", words.replace("input:", ""))


def test_the_page_says_each_mistake_with_its_line_and_setting(made: House) -> None:
    boss = made.browser("supervisor")
    text = TEXT.replace("cultural", "politique")
    for language, words in (("en", "is none of"), ("fr", "« politique » n’est pas admis ici")):
        boss.post("/account/language", data={"language": language, "csrf": csrf(boss)})
        page = boss.post("/authorisations", data={"text": text, "csrf": csrf(boss)})
        assert page.status_code == 422
        shown = page.text.replace("\u00a0", " ")
        assert "<code>gathering</code>" in shown
        assert words in shown
        assert ("ligne 7 :" if language == "fr" else "line 7:") in shown


def test_a_program_is_told_the_kind_of_each_mistake(made: House) -> None:
    sent = {**paper(), "gathering": "political", "clips": 0}
    places = made.browser("supervisor").post(ACTS, json=sent).json()["places"]
    assert {(one["where"], one["code"]) for one in places} == {
        ("body.gathering", "enum"),
        ("body.clips", "greater_than_equal"),
    }


def csrf(browser: TestClient) -> str:
    return str(browser.headers["X-CSRF-Token"])
