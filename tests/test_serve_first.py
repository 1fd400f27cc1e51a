"""`veilleur serve` where nobody has an account yet: the first supervisor gets in, once."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2 as httpx
import pytest
from typer.testing import CliRunner

import veilleur
from tests.console_people import PASSWORD, Residents
from veilleur.cli import first, serve
from veilleur.cli.app import app
from veilleur.console.administration import FIRST
from veilleur.console.permission import QUALIFIED, Permission, Role
from veilleur.console.serving import bind
from veilleur.console.settings import Settings
from veilleur.console.signing import WrongPassword
from veilleur.law.deed import COMMAND_LINE, Deed
from veilleur.perception.loader import Choice

SITE = Path(veilleur.__file__).parent / "demo" / "site.yaml"
COMMAND = Path(sys.executable).with_name("veilleur")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Residents]:
    residents = Residents(tmp_path)
    yield residents
    residents.database.close()


def offered(house: Residents, capsys: pytest.CaptureFixture[str]) -> str:
    """The password that is shown, "" where none is."""
    first.offer(house.accounts, house.settings, terminal=True)
    said = re.search(r"with the password (\S+)", capsys.readouterr().err)
    return said[1] if said else ""


def enter(house: Residents, password: str) -> str:
    return asyncio.run(house.signing.enter(FIRST, password, "127.0.0.1", ""))


def test_the_first_supervisor_gets_in_once_and_makes_accounts(
    house: Residents, capsys: pytest.CaptureFixture[str]
) -> None:
    password = offered(house, capsys)
    visitor = house.identities.by_session(enter(house, password))
    assert visitor is not None
    assert visitor.may(Permission.MANAGE_ACCOUNTS)
    assert not visitor.permissions & QUALIFIED
    with pytest.raises(WrongPassword):
        enter(house, password)
    house.add("ana", Role.SUPERVISOR)
    (line,) = house.lines(Deed.ACCOUNT_CHANGED)[:1]
    assert (line.who, line.of) == (COMMAND_LINE, f"account:{FIRST}")
    assert all(password not in str(one) for one in house.lines())


def test_a_password_that_was_lost_is_replaced_and_none_is_shown_where_somebody_has_one(
    house: Residents, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = offered(house, capsys)
    found = offered(house, capsys)
    with pytest.raises(WrongPassword):
        enter(house, lost)
    house.add("ana", Role.SUPERVISOR)
    assert offered(house, capsys) == ""
    with pytest.raises(WrongPassword):
        enter(house, found)
    assert house.accounts.one(FIRST).disabled


def test_into_a_log_no_password_is_written(
    house: Residents, capsys: pytest.CaptureFixture[str]
) -> None:
    first.offer(house.accounts, house.settings, terminal=False)
    assert "veilleur account add NAME --role supervisor" in capsys.readouterr().err
    assert house.accounts.all() == []


def test_a_console_on_the_network_shows_none(
    house: Residents, capsys: pytest.CaptureFixture[str]
) -> None:
    house.settings = replace(house.settings, host="0.0.0.0", origin="https://desk.example.org")
    assert offered(house, capsys) == ""
    assert house.accounts.all() == []


def test_how_long_a_session_lives_and_which_proxy_is_believed_is_said_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Settings] = []
    monkeypatch.setattr(serve, "run", lambda _, settings, *__, **___: given.append(settings))
    monkeypatch.setattr(serve, "chosen", lambda _: Choice())
    base = ["serve", "--site", str(SITE), "--data", str(tmp_path)]
    asked = [[], ["--idle-minutes", "45", "--trusted-proxy", "10.0.0.2"]]
    for more in asked:
        assert CliRunner().invoke(app, [*base, *more]).exit_code == 0
    assert [(one.idle, one.trusted_proxy) for one in given] == [
        (timedelta(minutes=15), None),
        (timedelta(minutes=45), "10.0.0.2"),
    ]
    for wrong in ("4", "61", "0", "-1"):
        assert CliRunner().invoke(app, [*base, "--idle-minutes", wrong]).exit_code == 2
    assert len(given) == 2


def test_served_on_a_terminal_it_can_be_entered_without_stopping_it(tmp_path: Path) -> None:
    shown, terminal = pty.openpty()
    command = [str(COMMAND), "serve", "--site", str(SITE), "--data", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stderr=terminal, stdout=terminal) as served:
        os.close(terminal)
        try:
            said = until(shown, r"the console is at \S+\r\n")
            address = re.search(r"the console is at (http://\S+)", said)
            password = re.search(r"sign in as first, with the password (\S+)", said)
            assert address is not None, said
            assert password is not None, said
            fields = {"name": FIRST, "password": password[1]}
            with httpx.Client(base_url=address[1], headers={"Origin": address[1]}) as client:
                assert client.post("/sign-in", data=fields).status_code == 303
                csrf = re.search(r'name="csrf" value="(\w+)"', client.get("/accounts").text)
                assert csrf is not None
                rights = {"roles": "supervisor", "every_camera": "on", "csrf": csrf[1]}
                new = {"name": "ana", "password": PASSWORD, **rights}
                assert client.post("/accounts", data=new).status_code == 303
                mine = {"name": "ana", "password": PASSWORD}
                assert client.post("/sign-in", data=mine).status_code == 303
            served.send_signal(signal.SIGINT)
            assert served.wait(30) == 0
        finally:
            served.kill()
            os.close(shown)


def test_whoever_connects_to_the_address_that_was_shown_is_not_refused() -> None:
    """It is shown some moments before anybody is answered."""
    with bind(Settings(port=0)) as listener:
        socket.create_connection(listener.getsockname(), timeout=10).close()


def until(terminal: int, pattern: str) -> str:
    """What is written there, up to that."""
    said = ""
    while not re.search(pattern, said):
        said += os.read(terminal, 4096).decode()
    return said
