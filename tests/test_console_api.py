"""The JSON interface: the life of an incident, stops, acts; scope, closed models, no crash."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.console_house import IDENTITIES, ORIGIN, House, house
from veilleur.console.description import describe
from veilleur.console.faults import Fault
from veilleur.console.permission import PERSONAL
from veilleur.law.deed import Deed
from veilleur.law.orders import Scope

API = "/api/v1"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        yield one


def test_an_incident_is_taken_decided_and_followed_up(made: House) -> None:
    one = f"{API}/incidents/{made.incident()}"
    operator = made.browser("operator")
    assert operator.get(one).json()["state"] == "open"
    assert operator.post(f"{one}/take").json()["taker"] == "operator"
    assert made.browser("supervisor").post(f"{one}/take").status_code == 409
    verdict = {"confirmed": False, "reason": "light", "note": "a reflection"}
    assert operator.post(f"{one}/decide", json=verdict).json()["state"] == "dismissed"
    assert operator.post(f"{one}/decide", json=verdict).status_code == 409
    done = operator.post(f"{one}/follow-up", json={"outcome": "none"}).json()
    assert done["state"] == "followed_up"
    assert done["verdict"]["who"] == "operator"
    assert [line.who for line in made.residents.lines(Deed.INCIDENT_DISMISSED)] == ["operator"]


def test_an_incident_is_handed_to_a_colleague_who_may_decide_it(made: House) -> None:
    one = f"{API}/incidents/{made.incident('gate')}"
    operator = made.browser("operator")
    operator.post(f"{one}/take")
    for nobody in ("auditor", "expired", "docker", "unknown"):
        assert operator.post(f"{one}/hand-over", json={"to": nobody}).status_code == 404
    given = operator.post(f"{one}/hand-over", json={"to": "supervisor"}).json()
    assert given["taker"] == "supervisor"
    assert made.browser("supervisor").post(f"{one}/release").json()["state"] == "open"


def test_a_reason_outside_the_closed_list_is_refused(made: House) -> None:
    one = f"{API}/incidents/{made.incident()}"
    operator = made.browser("operator")
    operator.post(f"{one}/take")
    answer = operator.post(f"{one}/decide", json={"confirmed": True, "reason": "suspicious"})
    assert (answer.status_code, answer.json()["cause"]) == (409, "reason")
    assert "as_signalled" in operator.get(f"{API}/reasons").json()["confirming"]


# ---------------------------------------------------------------------- scope
def test_another_cameras_incident_cannot_be_told_from_none(made: House) -> None:
    hidden, none = made.incident("gate"), UUID(int=7)
    docker = made.browser("docker")
    for verb, body in (
        ("", None),
        ("/take", {}),
        ("/release", {}),
        ("/hand-over", {"to": "supervisor"}),
        ("/decide", {"confirmed": True, "reason": "as_signalled"}),
        ("/follow-up", {"outcome": "none"}),
    ):
        answers = []
        for id_ in (hidden, none):
            path = f"{API}/incidents/{id_}{verb}"
            answer = docker.get(path) if body is None else docker.post(path, json=body)
            assert answer.status_code == 404, (verb, answer.text)
            answers.append(answer.text.replace(str(id_), "ID"))
        assert answers[0] == answers[1]
    assert made.browser("operator").get(f"{API}/incidents/{hidden}").json()["state"] == "open"


def test_lists_hold_what_the_account_may_see(made: House) -> None:
    made.incident("gate")
    mine = made.incident("dock")
    docker = made.browser("docker")
    assert [one["id"] for one in docker.get(f"{API}/incidents").json()] == [str(mine)]
    assert docker.get(f"{API}/incidents?camera=gate").json() == []
    assert [one["id"] for one in docker.get(f"{API}/cameras").json()] == ["dock"]
    for target in ("gate", "gate/tracks", "dock"):
        scope = Scope.RULE if "/" in target else Scope.CAMERA
        made.desk.authority.stop(scope, target, "supervisor", "works")
    made.desk.authority.stop(Scope.EVERYTHING, "", "supervisor", "works")
    stops = docker.get(f"{API}/stops").json()
    assert sorted(one["target"] for one in stops) == ["", "dock"]


def test_incidents_are_read_page_by_page_and_not_after_one_that_is_somebody_elses(
    made: House,
) -> None:
    gate, *mine = [str(made.incident(camera)) for camera in ("gate", "dock", "dock", "dock")]
    docker = made.browser("docker")
    first = docker.get(f"{API}/incidents?limit=2").json()
    rest = docker.get(f"{API}/incidents?limit=2&older_than={first[-1]['id']}").json()
    assert {one["id"] for one in first + rest} == set(mine)
    assert docker.get(f"{API}/incidents?older_than={gate}").status_code == 404


@pytest.mark.parametrize(
    ("scope", "target", "status"),
    [
        ("camera", "dock", 200),
        ("rule", "dock/ramp", 200),
        ("site", "", 200),
        ("everything", "", 200),
        ("camera", "gate", 404),
        ("rule", "gate/tracks", 404),
        ("camera", "unknown", 404),
        ("rule", "dock/unknown", 404),
        ("rule", "dock", 404),
        ("site", "another", 404),
        ("planet", "", 422),
    ],
)
def test_a_stop_names_what_exists_for_whoever_stops(
    made: House, scope: str, target: str, status: int
) -> None:
    wanted = {"scope": scope, "target": target, "reason": "works on the platform"}
    answer = made.browser("docker").post(f"{API}/stops", json=wanted)
    assert answer.status_code == status, answer.text
    assert len(made.desk.authority.orders.stops) == (status == 200)
    if status == 200:
        lift = made.browser("supervisor").post(f"{API}/stops/lift", json=wanted)
        assert lift.status_code == 204
        assert made.desk.authority.orders.stops == ()


@pytest.mark.parametrize("name", ["operator", "supervisor", "integrator", "dpo", "expired"])
def test_everybody_on_duty_stops_everything_and_it_is_on_the_record(made: House, name: str) -> None:
    wanted = {"scope": "everything", "reason": "as ordered"}
    assert made.browser(name).post(f"{API}/stops", json=wanted).status_code == 200
    assert [line.who for line in made.residents.lines(Deed.STOPPED)] == [name]


# ---------------------------------------------------------------------- closed models
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/incidents/{id}/decide", {"confirmed": True, "reason": "minor", "state": "confirmed"}),
        ("/incidents/{id}/decide", {"confirmed": True, "reason": "minor", "who": "supervisor"}),
        ("/incidents/{id}/follow-up", {"outcome": "none", "at": "2020-01-01T00:00:00Z"}),
        ("/incidents/{id}/hand-over", {"to": "supervisor", "revision": 1}),
        ("/stops", {"scope": "everything", "reason": "works", "who": "dpo"}),
        ("/tokens", {"name": "x", "permissions": ["stop"], "expires": "2027-01-01T00:00:00Z",
                     "account": "dpo"}),
    ],
)  # fmt: skip
def test_what_the_sender_may_not_set_is_an_error(
    made: House, path: str, body: dict[str, object]
) -> None:
    id_ = made.incident()
    supervisor = made.browser("supervisor")
    supervisor.post(f"{API}/incidents/{id_}/take")
    answer = supervisor.post(API + path.format(id=id_), json=body)
    assert answer.status_code == 422
    assert supervisor.get(f"{API}/incidents/{id_}").json()["state"] == "taken"


def test_an_error_does_not_repeat_what_was_sent(made: House) -> None:
    body = {"scope": "everything", "reason": 7, "hunter2secret": "hunter3secret"}
    answer = made.browser("operator").post(f"{API}/stops", json=body)
    assert answer.status_code == 422
    assert "hunter3secret" not in answer.text


def test_a_token_names_cameras_as_a_site_file_does(made: House) -> None:
    wanted = {"name": "x", "permissions": ["stop"], "expires": "2027-01-01T00:00:00Z"}
    for cameras, status in ((["gate"], 200), (["gate\0"], 422), (["é"], 422), ([""], 422)):
        body = {**wanted, "cameras": cameras}
        answer = made.browser("supervisor").post(f"{API}/tokens", json=body)
        assert answer.status_code == status


def test_no_verdict_by_a_program(made: House) -> None:
    """Law 26: whatever a token was issued for."""
    changing = [
        operation["post"]["x-permission"]
        for path, operation in describe(made.app)["paths"].items()
        if "/incidents/" in path and "post" in operation
    ]
    assert len(changing) >= 5
    assert set(changing) <= PERSONAL
    sup = made.residents.identities.by_session(made.session("supervisor"))
    assert sup is not None
    everything = {one.value for one in sup.permissions}
    body = {"name": "x", "permissions": sorted(everything), "expires": "2027-01-01T00:00:00Z"}
    assert made.browser("supervisor").post(f"{API}/tokens", json=body).status_code == 422


# ---------------------------------------------------------------------- the record
def test_a_program_that_decides_is_told_why_not_in_the_words_of_every_error(made: House) -> None:
    incident = made.incident("gate")
    body = {"name": "x", "permissions": ["see_alerts"], "expires": "2027-01-01T00:00:00Z"}
    issued = made.browser("supervisor").post(f"{API}/tokens", json=body).json()
    program = made.browser()
    program.headers["Authorization"] = f"Bearer {issued['secret']}"
    refused = program.post(f"{API}/incidents/{incident}/take")
    assert refused.status_code == 403
    assert Fault.model_validate(refused.json(), extra="forbid").cause == "token"
    assert set(refused.json()) == set(Fault.model_fields)
    assert "people do" in refused.json()["detail"]
    nobody = made.browser().get(f"{API}/incidents")
    assert (nobody.status_code, set(nobody.json())) == (401, set(Fault.model_fields))


def test_reading_the_record_leaves_a_line(made: House) -> None:
    auditor = made.browser("auditor")
    first = auditor.get(f"{API}/audit?limit=3").json()
    assert [line["number"] for line in first] == [1, 2, 3]
    assert auditor.get(f"{API}/audit?after=3").json()[0]["number"] == 4
    assert [line.who for line in made.residents.lines(Deed.AUDIT_READ)] == ["auditor"] * 2


# ---------------------------------------------------------------------- description
def test_every_operation_says_what_it_asks_for_and_which_errors_it_has(made: House) -> None:
    document = made.browser().get(f"{API}/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["x-permission"], path
            assert operation["description"], path
            assert {"401", "403", "422", "503"} <= set(operation["responses"]), path
            assert operation["security"], path
    page = made.browser().get("/docs").text
    assert all(path in page for path in document["paths"])


def test_no_field_takes_an_address(made: House) -> None:
    """S8: cameras and their addresses come from the site file alone, and there is no webhook."""
    document = json.dumps(describe(made.app)["components"]["schemas"])
    names = set(re.findall(r'"([a-z_]+)": \{"', document))
    assert not [n for n in names if re.search("url|uri|address|host|source|webhook|command", n)]
    assert '"format": "uri"' not in document


# ---------------------------------------------------------------------- nonsense
EXAMPLES, MANY = 8, 200
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.mark.parametrize("name", ["anonymous", "operator", "supervisor", "dpo"])
def test_no_nonsense_makes_it_fail_or_answer_outside_its_schema(made: House, name: str) -> None:
    statuses = _attack_all(made, name, EXAMPLES)
    if name == "supervisor":
        assert {200, 204, 404, 409, 422} <= set(statuses)  # it came past the first check


@pytest.mark.long
@pytest.mark.parametrize("name", IDENTITIES)
def test_no_amount_of_nonsense_makes_it_fail(made: House, name: str) -> None:
    _attack_all(made, name, MANY)


def _attack_all(made: House, name: str, examples: int) -> Counter[int]:
    schema = schemathesis.openapi.from_dict(describe(made.app))
    statuses = Counter[int]()
    known = str(made.incident())
    tries = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        tries(_attack(made, made.browser(name), found.ok(), known, statuses))()
    assert sum(statuses.values()) > 100
    return statuses


def _attack(
    made: House, browser: TestClient, operation: Any, known: str, statuses: Counter[int]
) -> Callable[[], None]:
    """Made-up requests to one operation; those about an id, in half of the cases a known one."""

    @given(case=operation.as_strategy(), mine=booleans())
    def attempt(case: Any, mine: bool) -> None:
        if mine and "id" in case.path_parameters:
            case.path_parameters["id"] = known
        request = case.as_transport_kwargs(base_url=ORIGIN)
        cookies = request.pop("cookies", None) or {}
        headers = {k: v for k, v in request.pop("headers").items() if k.lower() not in OURS}
        assert not set(cookies) - {made.cookie}
        answer = browser.request(headers=headers, **request)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    return attempt


OURS = {"authorization", "cookie", "user-agent", "x-csrf-token", "origin", "host"}
"""Headers that the browser has right: made-up ones would only ever meet the door."""
