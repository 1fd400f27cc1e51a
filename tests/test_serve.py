"""`veilleur demo` and `veilleur serve`, as somebody types them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2 as httpx
import psycopg
import pytest

import veilleur
from tests.storing import postgresql
from veilleur.errors import StoreError
from veilleur.law.deed import Deed
from veilleur.store import chain
from veilleur.store.database import Database, reading, url_in

__all__ = ["postgresql"]  # a fixture

SITE = Path(veilleur.__file__).parent / "demo" / "site.yaml"
COMMAND = Path(sys.executable).with_name("veilleur")
PATIENCE_S = 60.0


def until(true: Callable[[], object], what: str) -> None:
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        pause.wait(0.1)


class Running:
    """A command and what it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.said = process, ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line

    def find(self, pattern: str) -> str:
        until(lambda: re.search(pattern, self.said) or self.process.poll() is not None, pattern)
        found = re.search(pattern, self.said)
        assert found is not None, self.said
        return found[1]

    def children(self) -> set[int]:
        """Processes that descend from it."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents[int(entry.name)] = int(fields[1])
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found - {self.process.pid}

    def heard(self) -> str:
        """All it said, once it has ended."""
        self._reader.join()
        return self.said

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)


@contextmanager
def run(*arguments: str, **environment: str) -> Iterator[Running]:
    with subprocess.Popen(
        [str(COMMAND), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        running = Running(process)
        try:
            yield running
        finally:
            process.kill()
            running.heard()


@contextmanager
def sign_in(address: str, name: str, password: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Origin": address}) as client:
        answer = client.post("/sign-in", data={"name": name, "password": password})
        assert answer.status_code == 303, answer.text
        yield client


def test_the_demo_is_the_whole_product_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with run("demo", "--port", "0", TMPDIR=str(tmp_path)) as demo:
        address = demo.find(r"the console is at (http://127\.0\.0\.1:\d+)")
        password = demo.find(r"with the password (\S+)")
        with sign_in(address, "demo", password) as client:
            until(lambda: client.get("/api/v1/incidents").json(), "an alert")
            assert client.get("/account").status_code == 200
            cameras = client.get("/api/v1/cameras").json()
        assert [camera["reference"] for camera in cameras] != []
        assert demo.find(r"(courtyard  \S+  .+)")
        with httpx.Client(base_url=address, headers={"Origin": address}) as other:
            again = other.post("/sign-in", data={"name": "demo", "password": password})
        assert again.status_code == 401
        assert list(tmp_path.iterdir())
        children = demo.children()
        assert children
        assert demo.end() == 0
    assert list(tmp_path.iterdir()) == []
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "children gone")


@pytest.fixture
def hung_up_on() -> Iterator[None]:
    """Whoever runs the tests under nohup passes on that the end of a terminal is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hung_up_on")
def test_a_terminal_that_is_closed_ends_the_demo_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nobody reads what it says then, and it does not stumble over that."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [str(COMMAND), "demo", "--port", "0"],
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    ) as process:
        os.close(its)
        try:
            said = ""
            while "the console is at" not in said:
                said += os.read(ours, 4096).decode()
            assert list(tmp_path.iterdir())
            os.close(ours)
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("hung_up_on")
@pytest.mark.parametrize("request_to_end", [signal.SIGTERM, signal.SIGHUP])
def test_a_service_that_is_asked_to_end_puts_everything_away(
    request_to_end: signal.Signals, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with run("serve", "--site", str(SITE), "--data", str(data), "--port", "0") as serve:
        serve.find(r"the console is at (\S+)")
        serve.process.send_signal(request_to_end)
        assert serve.process.wait(PATIENCE_S) == 0
        assert "Traceback" not in serve.heard()
    with reading(url_in(data)) as r:
        assert chain.lines(r, newest=True, limit=1)[0].deed == Deed.ENDED


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            ["--host", "0.0.0.0"],
            "unprotected",
            id="passwords in clear over a network",
        ),
        pytest.param(["--port", "1", "--host", "127.0.0.300"], "127.0.0.300", id="no address"),
        pytest.param(["--profile", "nowhere.yaml"], "nowhere.yaml", id="no profile"),
        pytest.param(["--database", "mysql://x"], "mysql", id="another database"),
    ],
)
def test_what_cannot_be_served_is_told_with_what_to_do(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    data = ["--data", str(tmp_path / "data")]
    with run("serve", "--site", str(SITE), *data, *arguments) as serve:
        assert serve.process.wait(30) != 0
        assert words in serve.heard()


def test_a_real_camera_is_not_served_without_a_law_in_force(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        "site: Square\ncameras:\n  - {id: gate, source: 'rtsp://192.0.2.7/live', rules: []}\n"
    )
    with run("serve", "--site", str(site), "--data", str(tmp_path / "data")) as serve:
        assert serve.process.wait(30) != 0
        assert "a law in force" in serve.heard()


def act_file(folder: Path, **changes: object) -> Path:
    now = datetime.now(UTC)
    fields: dict[str, object] = {
        "reference": "LAB-7",
        "authority": "A test",
        "laboratory": True,
        "controller": "A test",
        "perimeter": "A courtyard",
        "cameras": ["courtyard"],
        "events": ["forbidden_zone"],
        "period": {
            "from": (now - timedelta(hours=1)).isoformat(),
            "until": (now + timedelta(days=1)).isoformat(),
        },
        "services": ["municipal_police"],
        "reasons": "A test",
        "gathering": "cultural",
        "notice": {"text": "A test", "told_by": ["a poster"]},
    }
    path = folder / "act.json"
    path.write_text(json.dumps(fields | changes))
    return path


def test_an_act_is_never_changed_under_the_same_reference(tmp_path: Path) -> None:
    act = act_file(tmp_path)
    fixed = ["--site", str(SITE), "--data", str(tmp_path / "data"), "--port", "0"]
    for _ in range(2):  # the same file again is no news
        with run("serve", *fixed, "--authorisation", str(act)) as serve:
            serve.find(r"(the console is at \S+)")
            assert serve.end() == 0
    act_file(tmp_path, perimeter="The whole town")
    with run("serve", *fixed, "--authorisation", str(act)) as serve:
        assert serve.process.wait(30) != 0
        assert "other contents" in serve.heard()


def test_an_act_that_has_ended_is_told_and_the_console_starts(tmp_path: Path) -> None:
    past = {"from": "2026-01-01T00:00:00+01:00", "until": "2026-01-02T00:00:00+01:00"}
    act = act_file(tmp_path, period=past, cameras=["courtyard", "elsewhere"])
    fixed = ["--site", str(SITE), "--data", str(tmp_path / "data"), "--port", "0"]
    with run("serve", *fixed, "--authorisation", str(act)) as serve:
        serve.find(r"(the console is at \S+)")
        assert "LAB-7 opens nothing" in serve.said
        assert "elsewhere" in serve.said
        assert serve.end() == 0


@pytest.mark.tool("postgresql")
def test_a_desk_that_loses_its_database_to_another_ends_and_says_so(
    postgresql: Callable[[], str], tmp_path: Path
) -> None:
    """It would go on to show, erase and escalate beside the one that has it now."""
    url = postgresql()
    options = ("--site", str(SITE), "--data", str(tmp_path), "--database", url, "--port", "0")
    with run("serve", *options) as first:
        first.find(r"(the console is at)")
        children = first.children()
        with psycopg.connect(url, autocommit=True) as server, Database.open(url) as second:
            until(lambda: _taken(server, second), "the other desk has it")
            assert first.process.wait(PATIENCE_S) == 2
    assert "has lost its database to another one" in first.heard()
    assert "Traceback" not in first.heard()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "cameras gone")


def _taken(server: psycopg.Connection, second: Database) -> bool:
    """Cut the first one off, and be quicker than it."""
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    try:
        second.claim()
    except StoreError:
        return False
    return True
