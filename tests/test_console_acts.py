"""An authorisation entered by a program: the same checks as on the page, within the token's reach,
and on the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acts import act
from tests.console_house import ORIGIN, House, house
from veilleur.console.description import describe
from veilleur.console.permission import Role
from veilleur.law.deed import Deed

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
