"""S11: marked secrets everywhere they belong, and nowhere else after everything was asked for."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console_house import IDENTITIES, House, house
from tests.console_people import PASSWORD
from veilleur.console.routing import declared
from veilleur.law.deed import Deed
from veilleur.store import chain

CAMERA_PASSWORD = "canary-of-the-camera"
ENDLESS = "stream"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        yield one


def everything(made: House) -> Iterator[tuple[str, str]]:
    """What each identity is answered at every route, with sense and with nonsense."""
    incident = str(made.incident())
    for name in IDENTITIES:
        browser = made.browser(name)
        for route in declared(made.app.router.routes):
            if route.kind == ENDLESS or "live" in route.path:
                continue
            path = re.sub(r"\{id[^}]*\}", incident, route.path)
            path = re.sub(r"\{[^}]*\}", "gate", path)
            if route.method == "GET":
                yield path, browser.get(path).text
                yield path, browser.get(path, params={"limit": "x", "after": "-1"}).text
            else:
                yield path, browser.post(path, json={"reason": PASSWORD, "x": 1}).text
                yield path, browser.post(path, data={"password": PASSWORD, "new": "n"}).text


def test_no_secret_is_answered_logged_or_kept_in_clear(
    made: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = made.browser()
    answer = browser.post("/sign-in", data={"name": "supervisor", "password": PASSWORD})
    cookie = browser.cookies[made.cookie]
    supervisor = made.browser("supervisor")
    wanted = {
        "name": "a monitor",
        "permissions": ["see_cameras"],
        "expires": "2027-01-01T00:00:00Z",
    }
    token = supervisor.post("/api/v1/tokens", json=wanted).json()["secret"]
    supervisor.get(f"/api/v1/cameras?token={token}")  # somebody puts it where it does not belong
    with made.residents.database.read() as r:
        hashes = [one.password for one in made.residents.accounts.all()]
        record = json.dumps([str(line) for line in chain.lines(r, limit=10_000)])
    secrets = {CAMERA_PASSWORD, PASSWORD, cookie, token, *hashes}
    said = [answer.text, *(f"{path}: {text}" for path, text in everything(made))]
    for secret in secrets:
        assert not [text[:80] for text in said if secret in text]
        assert secret not in record
        logged = [r.getMessage() for r in caplog.records if not r.name.startswith("httpx")]
        assert not [line for line in logged if secret in line]
    files = b"".join(file.read_bytes() for file in made.residents.folder.glob("veilleur.db*"))
    for secret in {CAMERA_PASSWORD, PASSWORD, cookie, token}:
        assert secret.encode() not in files


def test_no_secret_travels_in_an_address(made: House) -> None:
    """A token or a session in a query is not looked at: it would end up in logs and histories."""
    browser = made.browser()
    secret = made.session("supervisor")
    for query in (f"token={secret}", f"access_token={secret}", f"{made.cookie}={secret}"):
        assert browser.get(f"/api/v1/cameras?{query}").status_code == 401


def test_a_refusal_is_recorded_without_what_was_sent(made: House) -> None:
    made.browser("auditor").get("/api/v1/incidents?note=hunter2-secret")
    line = made.residents.lines(Deed.DENIED)[-1]
    assert "hunter2" not in str(line)
    assert '"path":"/api/v1/incidents"' in line.details
