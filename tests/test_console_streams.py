"""S4: an open stream ends within two seconds of the right to it, over a real connection."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2 as httpx
import pytest
import uvicorn

from tests.console_house import House, house
from tests.console_people import NOW
from veilleur.console.administration import rights_of
from veilleur.law.deed import COMMAND_LINE
from veilleur.store import accounts as stored

WITHIN_S = 2.0
PATIENCE_S = 20.0
SOON = timedelta(minutes=5)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        one.residents.accounts.change(
            "operator",
            replace(rights_of(one.residents.accounts.one("operator")), trained_until=NOW + SOON),
            COMMAND_LINE,
        )
        yield one


@pytest.fixture
def address(made: House) -> Iterator[str]:
    """The console on a socket of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(made.app, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    made.desk.feed.end()
    thread.join()
    listener.close()


class Screen:
    """An account's page that listens."""

    def __init__(self, made: House, address: str, name: str) -> None:
        self.secret = made.session(name)
        self._address, self._cookies = address, {made.cookie: self.secret}
        self._opened, self.events = threading.Event(), list[str]()
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        with (
            httpx.Client(base_url=self._address, cookies=self._cookies, timeout=None) as client,
            client.stream("GET", "/feed") as answer,
        ):
            assert answer.status_code == 200
            for line in answer.iter_lines():
                self.events.append(line)
                self._opened.set()

    def __enter__(self) -> Screen:
        self.thread.start()
        assert self._opened.wait(PATIENCE_S), "the stream does not begin"
        return self

    def __exit__(self, *_: object) -> None: ...

    @property
    def over(self) -> bool:
        """Has it ended, and said so?"""
        self.thread.join(WITHIN_S)
        return not self.thread.is_alive() and "event: over" in self.events


@contextmanager
def watched(made: House, address: str) -> Iterator[tuple[Screen, Screen]]:
    """An operator's screen, and another one that nothing happens to."""
    with Screen(made, address, "operator") as one, Screen(made, address, "supervisor") as other:
        yield one, other
        assert other.thread.is_alive(), "the other's stream has ended too"
        made.desk.feed.end()


def signs_out(made: House, one: Screen) -> None:
    visitor = made.residents.identities.by_session(one.secret)
    assert visitor is not None
    made.residents.signing.leave(visitor)


def is_disabled(made: House, _: Screen) -> None:
    made.residents.accounts.disable("operator", COMMAND_LINE)


def training_ends(made: House, _: Screen) -> None:
    """Nobody writes anything: time goes on, and the session has long to live."""
    made.residents.clock.at += SOON


def sees_one_camera_less(made: House, _: Screen) -> None:
    """The session stays as it is."""
    account = made.residents.accounts.one("operator")
    with made.residents.database.write() as w:
        stored.change(w, replace(account, cameras=frozenset({"dock"})), NOW)


def has_another_role(made: House, _: Screen) -> None:
    account = made.residents.accounts.one("operator")
    with made.residents.database.write() as w:
        stored.change(w, replace(account, roles=frozenset({"auditor"})), NOW)


def stays_idle(made: House, _: Screen) -> None:
    """The supervisor, who is not idle, is seen just before."""
    made.residents.clock.on(minutes=14)
    with made.residents.database.read() as r:
        rows = r.connection.exec_driver_sql("SELECT id, account FROM sessions").all()
    for id_, account in rows:
        if account == "supervisor":
            made.residents.identities.touches.note(id_, made.residents.clock())
    made.residents.clock.on(minutes=1)


@pytest.mark.parametrize(
    "happens",
    [
        signs_out,
        is_disabled,
        training_ends,
        sees_one_camera_less,
        has_another_role,
        stays_idle,
    ],
    ids=lambda happens: happens.__name__,
)
def test_a_stream_ends_with_the_right_to_it(
    made: House, address: str, happens: Callable[[House, Screen], None]
) -> None:
    with watched(made, address) as (one, other):
        happens(made, one)
        assert one.over
        told = one.events[one.events.index("event: over") + 1].removeprefix("data: ")
        assert json.loads(told) == {"cause": "rights"}
        assert "event: over" not in other.events
