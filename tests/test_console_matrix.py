"""Seven identities at every route, with every method: who may pass, and what a refusal leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from tests.console_house import IDENTITIES, PEOPLE, House, house, routes
from veilleur.console.doorkeeper import Kind
from veilleur.console.permission import TABLE, Open, Permission, permissions_of
from veilleur.console.routing import Door, declared
from veilleur.law.deed import Deed

GOLDEN = Path(__file__).parent / "references" / "console_routes.txt"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("console")) as one:
        yield one


def test_every_route_declares_what_it_asks_for(made: House) -> None:
    bare = [one for one in declared(made.app.router.routes) if not one.needs]
    assert bare == []


def test_every_open_route_has_its_reason_and_shows_no_data(made: House) -> None:
    open_ = {one.path for one in declared(made.app.router.routes) if one.needs[:5] == "open:"}
    assert open_ <= {"/static", "/docs", "/api/v1/openapi.json", "/sign-in", "/statement"}


def test_nothing_is_reachable_that_was_not_read_by_somebody(made: House) -> None:
    """A new route, or another permission, is a change of a file that somebody reads.

    To accept one: python -m tests.console_house > tests/references/console_routes.txt
    """
    assert routes(made) == GOLDEN.read_text().splitlines(), "see this test's docstring"


def test_there_is_no_websocket_and_nothing_of_the_framework(made: House) -> None:
    assert all(isinstance(route, APIRoute | Mount) for route in made.app.router.routes)
    for path in ("/redoc", "/openapi.json", "/docs/oauth2-redirect"):
        assert made.browser("supervisor").get(path).status_code == 404


def taken(made: House) -> list[type[BaseModel]]:
    """Every model of a form or of JSON that a route takes, and those within."""
    found: set[type[BaseModel]] = set()
    waiting = [
        field.field_info.annotation
        for route in made.app.router.routes
        if isinstance(route, APIRoute)
        for field in route.dependant.body_params
    ]
    while waiting:
        one = waiting.pop()
        waiting += get_args(one)
        if isinstance(one, type) and issubclass(one, BaseModel) and one not in found:
            found.add(one)
            waiting += [field.annotation for field in one.model_fields.values()]
    return sorted(found, key=lambda model: model.__name__)


def test_a_field_more_than_a_model_has_is_an_error(made: House) -> None:
    models = taken(made)
    assert len(models) > 10
    assert [one.__name__ for one in models if one.model_config.get("extra") != "forbid"] == []


def test_no_form_and_no_json_takes_an_address_or_a_command(made: House) -> None:
    """S8: cameras and their addresses come from the site file alone, and there is no webhook."""
    wrong = re.compile(r"url|uri|address|host|source|stream|webhook|command|path|file")
    named = [(m.__name__, name) for m in taken(made) for name in m.model_fields]
    assert [pair for pair in named if wrong.search(pair[1])] == []


async def passed(scope: Scope, receive: Receive, send: Send) -> None:
    """Instead of what stands behind a door: whoever sees it has passed."""
    await Response(status_code=299)(scope, receive, send)


@pytest.fixture
def hollow(made: House, monkeypatch: pytest.MonkeyPatch) -> list[BaseRoute]:
    """The console with nothing behind its doors, so that a status is the door's own."""
    for route in made.app.router.routes:
        door = getattr(route, "app", None)
        assert isinstance(door, Door)
        monkeypatch.setattr(door, "app", passed)
    return made.app.router.routes


def expected(door: Door, identity: str, method: str) -> int:
    if isinstance(door.needs, Open):
        return 299
    if identity == "anonymous":
        return 303 if door.kind is Kind.PAGE and method == "GET" else 401
    role = PEOPLE.get(identity, PEOPLE["operator"])
    may = permissions_of({role}, qualified=identity != "expired")
    return 299 if door.needs in may else 403


def door_of(found: list[BaseRoute], path: str, method: str) -> Door | None:
    for route in found:
        offered = getattr(route, "methods", None) or set(METHODS)
        if getattr(route, "path", None) == path and method in offered:
            door = getattr(route, "app", None)
            assert isinstance(door, Door)
            return door
    return None


@pytest.mark.parametrize("identity", IDENTITIES)
def test_each_passes_where_the_table_says_and_nowhere_else(
    made: House, hollow: list[BaseRoute], identity: str
) -> None:
    browser = made.browser(identity)
    refusals = len(made.residents.lines(Deed.DENIED))
    wrong, forbidden = [], 0
    for path in {str(getattr(route, "path", "")) for route in hollow}:
        asked = re.sub(r"\{[^}]*\}", "00000000-0000-7000-8000-000000000000", path)
        for method in METHODS:
            door = door_of(hollow, path, method)
            status = expected(door, identity, method) if door else 405
            answer = browser.request(method, asked + ("/x" if path == "/static" else ""))
            forbidden += status == 403
            if answer.status_code != status:
                wrong.append((method, path, answer.status_code, status))
    assert wrong == []
    assert len(made.residents.lines(Deed.DENIED)) == refusals + forbidden


def test_the_table_is_the_one_that_was_agreed() -> None:
    """Written out once more, so that a permission is not handed out by a slip."""
    alone = {
        Permission.DECIDE: {"operator", "supervisor"},
        Permission.LOOK_CLEARLY: {"operator", "supervisor"},
        Permission.SEE_ALERTS: {"operator", "supervisor"},
        Permission.SEE_PICTURES: {"operator", "supervisor"},
        Permission.CONFIGURE: {"integrator"},
        Permission.STOP: {"operator", "supervisor", "integrator", "dpo"},
        Permission.LIFT_STOP: {"supervisor"},
        Permission.SUSPEND_AUTHORISATION: {"supervisor", "dpo"},
        Permission.ADD_AUTHORISATION: {"supervisor"},
        Permission.SEE_AUDIT: {"dpo", "auditor"},
        Permission.EXPORT_AUDIT: {"dpo", "auditor"},
        Permission.MANAGE_ACCOUNTS: {"supervisor"},
        Permission.MANAGE_TOKENS: {"supervisor"},
        Permission.SEE_CAMERAS: {"operator", "supervisor", "integrator"},
    }
    for permission in Permission:
        roles = {role.value for role, may in TABLE.items() if permission in may}
        assert roles == alone.get(permission, set(PEOPLE)), permission
