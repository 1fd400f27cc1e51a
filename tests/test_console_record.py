"""What somebody saw, and what a program did for them, is on the record."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from tests.console_house import House, house
from tests.console_people import NOW
from veilleur.console.permission import PERSONAL, TABLE, Permission, Role
from veilleur.desk.footage import Seconds
from veilleur.errors import StoreError
from veilleur.evidence.kept import State
from veilleur.law.deed import Deed
from veilleur.store import evidence
from veilleur.store.evidence import Content, Sort

API = "/api/v1"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        yield one


def with_evidence(made: House, camera: str = "gate") -> UUID:
    """An incident with a still and a clip."""
    one, now = made.incident(camera), datetime.now(UTC)
    for sort in Sort:
        with made.desk.database.write() as w:
            later = now + timedelta(days=1)
            piece = evidence.promise(w, one, sort, taken_at=now, expires_at=later)
            evidence.keep(w, piece, Content(b"content", "image/jpeg"))
    return one


# ---------------------------------------------------------------------- who looked
@pytest.mark.parametrize(("path", "sort"), [("still.jpg", "still"), ("clip.mp4", "clip")])
def test_opening_evidence_is_a_line_once_for_an_account_a_piece_and_a_session(
    made: House, path: str, sort: str
) -> None:
    one, other = with_evidence(made), with_evidence(made, "dock")
    operator, again = made.browser("operator"), made.browser("operator")
    supervisor = made.browser("supervisor")
    for browser in (operator, operator, again, supervisor, operator):
        assert browser.get(f"/incidents/{one}/{path}").content == b"content"
    operator.get(f"/incidents/{other}/{path}")
    lines = made.residents.lines(Deed.EVIDENCE_VIEWED)
    assert [(line.who, line.of) for line in lines] == [
        ("operator", f"incident:{one}"),
        ("operator", f"incident:{one}"),
        ("supervisor", f"incident:{one}"),
        ("operator", f"incident:{other}"),
    ]
    assert {json.loads(line.details)["sort"] for line in lines} == {sort}


@pytest.mark.parametrize("path", ["still.jpg", "clip.mp4"])
def test_what_was_not_given_was_not_seen(made: House, path: str) -> None:
    """Refused, of another camera, or not there."""
    one, bare = with_evidence(made), made.incident("dock")
    for name in ("anonymous", "dpo", "expired", "docker"):  # the last sees another camera
        assert made.browser(name).get(f"/incidents/{one}/{path}").status_code != 200
    assert made.browser("operator").get(f"/incidents/{bare}/{path}").status_code == 404
    assert made.residents.lines(Deed.EVIDENCE_VIEWED) == []


@pytest.mark.parametrize(
    ("left", "again_s"), [(timedelta(hours=9), range(32000, 32401)), (None, range(1, 2))]
)
def test_a_clip_that_is_being_made_is_asked_for_again_and_one_that_failed_is_gone(
    made: House, monkeypatch: pytest.MonkeyPatch, left: timedelta | None, again_s: range
) -> None:
    one, now, operator = made.incident(), datetime.now(UTC), made.browser("operator")
    with made.desk.database.write() as w:
        later = now + timedelta(days=1)
        piece = evidence.promise(w, one, Sort.CLIP, taken_at=now, expires_at=later)
    until = now + left if left else None
    monkeypatch.setattr(made.desk, "seconds", lambda _: Seconds(State.HELD, until))
    answer = operator.get(f"/incidents/{one}/clip.mp4")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) in again_s
    with made.desk.database.write() as w:
        evidence.fail(w, piece, "encoder")
    answer = operator.get(f"/incidents/{one}/clip.mp4")
    assert (answer.status_code, "Retry-After" in answer.headers) == (410, False)
    assert made.residents.lines(Deed.EVIDENCE_VIEWED) == []


@pytest.mark.parametrize("path", ["still.jpg", "clip.mp4"])
def test_without_its_line_no_evidence_is_given(
    made: House, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    one, operator = with_evidence(made), made.browser("operator")

    def full(**_: object) -> NoReturn:
        raise StoreError("the disk is full", cause="full")

    with monkeypatch.context() as patch:
        patch.setattr(made.desk.database, "write", full)
        answer = operator.get(f"/incidents/{one}/{path}")
        assert (answer.status_code, b"content" in answer.content) == (503, False)
    assert operator.get(f"/incidents/{one}/{path}").status_code == 200
    assert len(made.residents.lines(Deed.EVIDENCE_VIEWED)) == 1


def test_a_hundred_questions_at_once_for_the_same_picture_are_one_line(made: House) -> None:
    one, operator = with_evidence(made), made.browser("operator")
    path = f"/incidents/{one}/still.jpg"
    askers = [threading.Thread(target=operator.get, args=(path,)) for _ in range(100)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(made.residents.lines(Deed.EVIDENCE_VIEWED)) == 1


# ---------------------------------------------------------------------- what a program did
def program(made: House, owner: str, *permissions: Permission) -> TestClient:
    """With a token of somebody's, and its id in `headers["X-Id"]` for the test."""
    visitor = made.residents.identities.by_session(made.session(owner))
    assert visitor is not None
    wanted, expires = frozenset(permissions), NOW + timedelta(days=9)
    token, secret = made.residents.tokens.issue(visitor, "a program", wanted, expires)
    browser = made.browser()
    browser.headers |= {"Authorization": f"Bearer {secret}", "X-Id": str(token.id)}
    return browser


def add_owner(made: House) -> None:
    """A supervisor who sees to cameras and the record too, so that a token may have all."""
    made.residents.add("owner", *Role)


DEEDS = [
    (Deed.STOPPED, Permission.STOP, f"{API}/stops", {"scope": "camera", "target": "gate"}),
    (Deed.CAMERA_WITHDRAWN, Permission.SUSPEND_AUTHORISATION, f"{API}/cameras/gate/withdraw", {}),
    (Deed.AUDIT_READ, Permission.SEE_AUDIT, f"{API}/audit", None),
    (Deed.DENIED, Permission.STOP, f"{API}/cameras", None),
]


@pytest.mark.parametrize(
    ("deed", "needs", "path", "body"), DEEDS, ids=[deed.value for deed, *_ in DEEDS]
)
def test_what_a_token_did_names_it(
    made: House, deed: Deed, needs: Permission, path: str, body: dict[str, str] | None
) -> None:
    add_owner(made)
    by_token = program(made, "owner", needs)
    if body is None:
        by_token.get(path)
    else:
        answer = by_token.post(path, json={**body, "reason": "works"})
        assert answer.status_code < 300, answer.text
    (line,) = made.residents.lines(deed)
    assert line.who == "owner"
    assert json.loads(line.details)["token"] == by_token.headers["X-Id"]


def test_what_a_person_does_names_no_token(made: House) -> None:
    wanted = {"scope": "camera", "target": "gate", "reason": "works"}
    made.browser("operator").post(f"{API}/stops", json=wanted)
    (line,) = made.residents.lines(Deed.STOPPED)
    assert "token" not in line.details


def test_rules_and_ground_that_a_program_changes_name_its_token(made: House) -> None:
    add_owner(made)
    by_token = program(made, "owner", Permission.CONFIGURE)
    now = by_token.get(f"{API}/cameras/gate/rules").json()
    rule = now["rules"][0]
    rule["settings"]["id"] = "rails"
    wanted = {"rules": [rule], "state": now["state"], "reason": "renamed"}
    answer = by_token.post(f"{API}/cameras/gate/rules", json=wanted)
    assert answer.status_code == 200, answer.text
    (line,) = made.residents.lines(Deed.CONFIGURED)
    assert json.loads(line.details)["token"] == by_token.headers["X-Id"]


def test_whatever_a_token_may_change_is_among_these() -> None:
    """Another permission of programs that changes something needs a case here, or in
    tests/test_console_acts.py, where acts are entered."""
    of_programs = set().union(*TABLE.values()) - {
        one for one in Permission if one.value.startswith("see_") or one.value == "export_audit"
    }
    assert of_programs - PERSONAL == {
        Permission.STOP,
        Permission.SUSPEND_AUTHORISATION,
        Permission.CONFIGURE,
        Permission.ADD_AUTHORISATION,
    }
