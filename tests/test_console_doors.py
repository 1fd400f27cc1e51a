"""Doors of the console: no route without a permission, and what stands before each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, StreamingResponse

from tests.console_fakes import ORIGIN, FakeIdentities
from veilleur.console.app import Console
from veilleur.console.doorkeeper import Doorkeeper
from veilleur.console.given import CurrentVisitor
from veilleur.console.limits import MOST_TOLD, REMEMBERED, Bucket, Failures, Tally, Times
from veilleur.console.permission import PERSONAL, QUALIFIED, TABLE, Open, Permission, Role
from veilleur.console.remote import remote_address
from veilleur.console.routing import Registrar, declared
from veilleur.console.security import CSP
from veilleur.console.settings import Rates, Settings
from veilleur.errors import ConfigurationError, StoreError
from veilleur.law.deed import Deed


def hello(visitor: CurrentVisitor) -> PlainTextResponse:
    return PlainTextResponse(visitor.account or "nobody")


async def repeat(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body())


async def stream() -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        yield "data: 1\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


class World:
    """A small console of our own routes, and a browser on it."""

    def __init__(self, settings: Settings, tmp_path: Path) -> None:
        self.identities = FakeIdentities()
        self.now_s = 0.0
        self.doorkeeper = Doorkeeper(settings, self.identities, lambda: self.now_s)
        self.app = Console(settings)
        self.app.state.doorkeeper = self.doorkeeper
        (tmp_path / "static").mkdir()
        (tmp_path / "static" / "a.css").write_text("a {}")
        doors = Registrar(self.app, self.doorkeeper)
        doors.page("/", hello, Permission.USE_CONSOLE)
        doors.page("/alerts", hello, Permission.SEE_ALERTS)
        doors.page("/open", hello, Open("a test"))
        doors.page("/poll", hello, Permission.USE_CONSOLE, passive=True)
        doors.form("/decide", repeat, Permission.DECIDE)
        doors.form("/enter", repeat, Open("a test"))
        doors.data("POST", "/api/v1/stops", repeat, Permission.STOP)
        doors.stream("/events", stream, Permission.SEE_ALERTS)
        doors.files("/static", tmp_path / "static", Open("a test"))

    def browser(self, session: str = "", **headers: str) -> TestClient:
        cookies = {self.doorkeeper.cookie: session} if session else None
        return TestClient(
            self.app, base_url=ORIGIN, cookies=cookies, headers=headers, follow_redirects=False
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Settings(laboratory=True), tmp_path)


@contextmanager
def own_routes(app: FastAPI) -> Iterator[None]:
    """A route that somebody put up without the registrar."""
    before = len(app.router.routes)
    app.add_api_route("/forgotten", lambda: "secret")
    yield
    del app.router.routes[before:]


def test_every_route_declares_what_it_asks_for(world: World) -> None:
    assert all(route.needs for route in declared(world.app.router.routes))


def test_a_route_without_the_registrar_is_found_and_answers_nothing(world: World) -> None:
    with own_routes(world.app):
        bare = [r for r in declared(world.app.router.routes) if not r.needs]
        assert [route.path for route in bare] == ["/forgotten"]
        answer = world.browser("operator").get("/forgotten")
    assert (answer.status_code, answer.content) == (500, b"")


def test_no_route_is_open_to_everybody_without_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Open("  ")


def test_no_role_has_everything_and_each_has_something() -> None:
    assert set(TABLE) == set(Role)
    assert all(permissions < set(Permission) for permissions in TABLE.values())
    assert set().union(*TABLE.values()) == set(Permission)


def test_no_token_decides_or_looks_clearly() -> None:
    assert {Permission.DECIDE, Permission.LOOK_CLEARLY, Permission.MANAGE_ACCOUNTS} <= PERSONAL


def test_everybody_on_duty_can_stop() -> None:
    on_duty = {role for role, may in TABLE.items() if Permission.STOP in may}
    assert on_duty == set(Role) - {Role.AUDITOR}


@pytest.mark.parametrize("path", ["/", "/alerts"])
def test_nobody_is_shown_the_way_to_sign_in(world: World, path: str) -> None:
    answer = world.browser().get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_nobody_is_told_so_by_data_and_streams(world: World) -> None:
    browser = world.browser(Origin=ORIGIN)
    assert browser.post("/api/v1/stops", content=b"{").status_code == 401
    assert browser.get("/events").status_code == 401
    assert world.identities.entries == []


def test_a_visitor_is_given_to_the_handler(world: World) -> None:
    assert world.browser("operator").get("/alerts").text == "operator"
    assert world.browser().get("/open").text == "nobody"


def test_a_refused_role_leaves_a_line_on_the_record(world: World) -> None:
    assert world.browser("auditor").get("/alerts").status_code == 403
    (entry,) = world.identities.entries
    assert (entry.deed, entry.who) == (Deed.DENIED, "auditor")
    assert entry.details["path"] == "/alerts"
    assert entry.details["permission"] == "see_alerts"


@pytest.mark.parametrize("permission", sorted(QUALIFIED))
def test_an_expired_habilitation_closes_what_shows_people(
    world: World, permission: Permission
) -> None:
    expired = world.identities.visitors["expired operator"]
    assert not expired.may(permission)
    assert expired.may(Permission.STOP)
    answer = world.browser("expired operator").get("/alerts")
    assert answer.status_code == 403
    assert "habilitation" in answer.text


CSRF = {"X-CSRF-Token": "csrf of operator"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": ORIGIN, **CSRF}, 200, id="own page, own token"),
        pytest.param({"Origin": "https://evil.example", **CSRF}, 403, id="another site"),
        pytest.param({"Origin": "null", **CSRF}, 403, id="a sandboxed frame"),
        pytest.param(CSRF, 403, id="no origin"),
        pytest.param({"Origin": ORIGIN}, 403, id="no token"),
        pytest.param({"Origin": ORIGIN, "X-CSRF-Token": "csrf of auditor"}, 403, id="another's"),
        pytest.param({"Origin": "http://127.0.0.1:80", **CSRF}, 403, id="another port"),
    ],
)
def test_a_forged_request_changes_nothing(
    world: World, headers: dict[str, str], status: int
) -> None:
    answer = world.browser("operator", **headers).post("/decide", content=b"x=1")
    assert answer.status_code == status
    assert len(world.identities.entries) == (status == 403)


def test_a_form_carries_its_token_in_a_field_and_arrives_whole(world: World) -> None:
    browser = world.browser("operator", Origin=ORIGIN)
    fields = {"reason": "é & =", "csrf": "csrf of operator"}
    answer = browser.post("/decide", data=fields)
    assert (answer.status_code, answer.text) == (
        200,
        "reason=%C3%A9+%26+%3D&csrf=csrf+of+operator",
    )


def test_a_sign_in_from_another_site_is_refused(world: World) -> None:
    assert world.browser(Origin="https://evil.example").post("/enter").status_code == 403
    assert world.browser(Origin=ORIGIN).post("/enter").status_code == 200


def test_posts_of_nobody_from_elsewhere_are_counted_and_not_written_one_by_one(
    world: World,
) -> None:
    browser = world.browser(Origin="https://evil.example")
    codes = {browser.post("/enter").status_code for _ in range(300)}
    assert codes == {403}
    (entry,) = world.identities.entries
    assert (entry.who, entry.details["times"]) == ("system", "1")
    world.now_s += 60.0
    browser.post("/enter")
    told = [entry.details["times"] for entry in world.identities.entries]
    assert told == ["1", "300"]
    assert entry.details["cause"] == "foreign_origin"


def proxied(forwarded: str | list[str], nearest: str, trusted: str | None) -> str:
    lines = [forwarded] if isinstance(forwarded, str) else forwarded
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    return remote_address(
        HTTPConnection({"type": "http", "client": (nearest, 1), "headers": headers}), trusted
    )


@pytest.mark.parametrize(
    ("forwarded", "nearest", "trusted", "found"),
    [
        ("203.0.113.7", "10.0.0.2", None, "10.0.0.2"),
        ("203.0.113.7", "198.51.100.9", "10.0.0.2", "198.51.100.9"),
        ("203.0.113.7", "10.0.0.2", "10.0.0.2", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", "10.0.0.2", "10.0.0.2", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7, 10.0.0.2", "10.0.0.2", "10.0.0.2", "203.0.113.7"),
        (["1.1.1.1", "203.0.113.7"], "10.0.0.2", "10.0.0.2", "203.0.113.7"),
        ("203.0.113.7", "::ffff:10.0.0.2", "10.0.0.2", "203.0.113.7"),
        ("2001:DB8::1", "::1", "0:0::1", "2001:db8::1"),
        ("1.1.1.1, unknown", "10.0.0.2", "10.0.0.2", "10.0.0.2"),
        ("1.1.1.1,", "10.0.0.2", "10.0.0.2", "10.0.0.2"),
        ([], "10.0.0.2", "10.0.0.2", "10.0.0.2"),
    ],
)
def test_where_a_request_comes_from_is_told_by_our_own_proxy_alone(
    forwarded: str | list[str], nearest: str, trusted: str | None, found: str
) -> None:
    assert proxied(forwarded, nearest, trusted) == found


@pytest.mark.parametrize(("trusted", "codes"), [(None, {429}), ("10.0.0.2", {200})])
def test_behind_a_proxy_one_who_asks_too_often_holds_up_nobody_else(
    tmp_path: Path, trusted: str | None, codes: set[int]
) -> None:
    rates = Rates(anonymous_hz=0.001, anonymous_burst=3)
    world = World(Settings(rates=rates, trusted_proxy=trusted), tmp_path)

    def ask(whence: str) -> int:
        headers = {"X-Forwarded-For": whence}
        browser = TestClient(world.app, base_url=ORIGIN, client=("10.0.0.2", 1), headers=headers)
        return browser.get("/open").status_code

    assert [ask("203.0.113.7") for _ in range(4)] == [200, 200, 200, 429]
    assert {ask("203.0.113.8")} == codes


def test_a_flood_from_everywhere_is_told_of_in_pieces() -> None:
    tally = Tally(every_s=60.0)
    assert [tally.note("a", 0.0), tally.note("a", 59.0)] == [[Times("a", 1)], []]
    assert tally.note("b", 61.0) == [Times("a", 1), Times("b", 1)]
    assert tally.note("a", 62.0) == []  # a line a minute, whoever's question brought it
    assert tally.note("a", 121.0) == [Times("a", 2)]
    crowd = Tally(every_s=60.0)
    for key in range(2 * REMEMBERED):
        crowd.note(str(key), 0.0)
        crowd.note(str(key), 0.0)
    told = crowd.note("last", 1000.0)
    assert 0 < len(told) <= MOST_TOLD + 1
    assert len(crowd._counts) <= REMEMBERED + 1


def test_a_token_comes_to_data_and_nowhere_else(world: World) -> None:
    browser = world.browser(Authorization="Bearer supervisor")
    assert browser.post("/api/v1/stops", content=b"{}").status_code == 200
    assert browser.get("/alerts").status_code == 303
    assert browser.get("/events").status_code == 401


def test_an_answer_has_its_headers_whatever_it_is(world: World) -> None:
    browser = world.browser("operator")
    for path in ("/", "/alerts", "/static/a.css", "/nowhere", "/events", "/decide"):
        headers = browser.get(path).headers
        assert headers["content-security-policy"] == CSP
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == ("no-cache" if "static" in path else "no-store")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8443", "", "127.0.0.1.evil.example"]
)
def test_a_name_that_was_pointed_here_is_turned_away(world: World, host: str) -> None:
    assert world.browser("operator", Host=host).get("/").status_code == 421


def test_more_than_a_megabyte_is_not_read(world: World) -> None:
    browser = world.browser("operator", Origin=ORIGIN, **CSRF)
    assert browser.post("/decide", content=b"x" * (1 << 20)).status_code == 200
    assert browser.post("/decide", content=b"x" * ((1 << 20) + 1)).status_code == 413
    assert browser.post("/decide", content=iter([b"x" * (1 << 19)] * 3)).status_code == 413


def test_who_asks_too_often_waits_and_others_do_not(tmp_path: Path) -> None:
    rates = Rates(anonymous_hz=0.001, anonymous_burst=3, signed_in_hz=0.001, signed_in_burst=5)
    world = World(Settings(rates=rates), tmp_path)
    codes = [world.browser().get("/open").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    codes = [world.browser("operator").get("/").status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]
    assert world.browser("auditor").get("/").status_code == 200
    codes = [world.browser().get("/static/a.css").status_code for _ in range(60)]
    assert set(codes) == {200}  # a room full of screens loads its scripts at the same time


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(world: World) -> None:
    browser = world.browser("operator")
    browser.get("/poll")
    browser.get("/events")
    assert world.identities.seen_ == []
    browser.get("/")
    assert world.identities.seen_ == ["operator"]


def test_a_stream_learns_within_a_question_that_its_visitor_has_left(world: World) -> None:
    operator = replace(world.identities.visitors["operator"], asked=Permission.SEE_ALERTS)
    assert world.doorkeeper.still_valid(operator)
    world.identities.visitors["operator"] = replace(operator, permissions=frozenset())
    assert not world.doorkeeper.still_valid(operator)
    world.identities.visitors["operator"] = replace(operator, scope=frozenset({"gate"}))
    assert not world.doorkeeper.still_valid(operator)
    world.identities.visitors["operator"] = operator
    world.identities.ended.add("operator")
    assert not world.doorkeeper.still_valid(operator)


def failing(*_: object) -> NoReturn:
    raise StoreError("the disk is full", remedy="free space", cause="full")


def test_where_the_store_fails_nobody_passes_and_it_is_said_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.identities, "by_session", failing)
    page = world.browser("operator", **{"Accept-Language": "en"}).get("/alerts")
    assert (page.status_code, "the disk is full" in page.text) == (503, True)
    assert world.browser("operator").get("/static/a.css").status_code == 200
    data = world.browser("operator", Origin=ORIGIN, **CSRF).post("/api/v1/stops")
    assert (data.status_code, data.json()["cause"]) == (503, "full")


def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.identities, "record", failing)
    assert world.browser("auditor").get("/alerts").status_code == 503


def test_with_tls_the_cookie_is_bound_to_this_host(tmp_path: Path) -> None:
    settings = Settings(host="0.0.0.0", origin="https://desk.example.org")
    world = World(settings, tmp_path)
    assert world.doorkeeper.cookie == "__Host-veilleur"
    answer = world.browser("operator", Host="desk.example.org").get("/")
    assert answer.text == "operator"
    assert "max-age" in answer.headers["strict-transport-security"]


PEM: dict[str, object] = {"certificate": Path("a.pem"), "key": Path("a.pem")}


@pytest.mark.parametrize(
    "right",
    [
        {"host": "::1"},
        {"host": "127.0.0.2", "origin": "http://localhost:8080"},
        {"host": "0.0.0.0", "origin": "https://desk.example.org"},
        {"host": "0.0.0.0", **PEM},
    ],
)
def test_what_protects_them_is_taken(right: dict[str, object]) -> None:
    assert Settings(**right)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "0.0.0.0"},
        {"host": "desk.example.org"},
        {"certificate": Path("a.pem")},
        {"key": Path("a.pem")},
        {"origin": "https://desk.example.org/path"},
        {"origin": "desk.example.org"},
        {"host": "0.0.0.0", "origin": "http://desk.example"},
        {"host": "0.0.0.0", "origin": "http://localhost"},
        {"host": "127.0.0.1", "origin": "http://desk.example"},
        {"host": "::", "origin": "http://[2001:db8::1]:8080"},
        {"host": "0.0.0.0", "origin": "http://desk.example", **PEM},
        {"trusted_proxy": "proxy.example.org"},
        {"trusted_proxy": ""},
    ],
)
def test_passwords_do_not_cross_a_network_unprotected(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**wrong)  # type: ignore[arg-type]
    assert caught.value.remedy


def test_a_bucket_fills_again_with_time() -> None:
    bucket = Bucket(rate_hz=2.0, burst=2)
    assert [bucket.wait_s("a", 0.0) for _ in range(3)] == [0.0, 0.0, 0.5]
    assert bucket.wait_s("a", 0.5) == 0.0
    assert bucket.wait_s("b", 0.5) == 0.0


def test_too_many_failures_lock_until_the_oldest_is_old() -> None:
    failures = Failures(allowed=3, within_s=60.0)
    assert [failures.note("a", at) for at in (0.0, 10.0, 20.0)] == [False, False, True]
    assert failures.locked_s("a", 20.0) == 40.0
    assert failures.locked_s("b", 20.0) == 0.0
    assert failures.locked_s("a", 60.0) == 0.0
    failures.forget("a")
    assert failures.locked_s("a", 20.0) == 0.0


def test_a_session_lives_fifteen_minutes_unused_and_twelve_hours_at_most() -> None:
    assert (Settings().idle, Settings().longest) == (timedelta(minutes=15), timedelta(hours=12))
