"""A service to be struck, and a screen that watches it: what the fault tests of the whole share.

The screen is a client of the real feed over HTTP. What it is told, and that it is told nothing, it
puts into the history.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.history import Pen, Received, Shown, kept, read, violations
from tests.nest import Nest, Started
from veilleur.law.gate import boot_s
from veilleur.store import outbox
from veilleur.store.database import Database, reading

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60.0
STALE_S = 5.0
"""A screen without news for so long says that it is not up to date (demands D03)."""
VICTIM = "tests.serve_victim"
ADDRESS = re.compile(r"the console is at (\S+)")


def until(true: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait on a condition, with a limit to patience."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what()}"
        pause.wait(0.02)


class Service:
    """`veilleur serve` in a process, again and again on the same folder. Left, it is dead."""

    def __init__(self, folder: Path, *options: str, nest: Nest | None = None) -> None:
        """nest: where it is forked; without one it is started as a program."""
        self.folder, self._options, self._nest = folder, options, nest
        self._process: Started | None = None
        self.address = ""
        self.said: list[str] = []
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.alive:
            self.kill()

    def start(self) -> None:
        self.address = ""
        arguments = (str(self.folder), *self._options)
        self._process = self._nest.fork(arguments) if self._nest else self._program(arguments)
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def _program(self, arguments: Sequence[str]) -> Started:
        return subprocess.Popen(
            [sys.executable, "-m", VICTIM, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, **self.environment},
            start_new_session=True,
        )

    def _listen(self, process: Started) -> None:
        assert process.stdout
        with process.stdout as lines:
            for line in lines:
                self.said.append(line.rstrip())
                found = ADDRESS.search(line)
                if found:
                    self.address = found[1]

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def until_open(self) -> None:
        until(lambda: bool(self.address) or not self.alive, lambda: "\n".join(self.said[-20:]))
        assert self.alive, "\n".join(self.said[-20:])

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def family(self) -> set[int]:
        """The processes that it has started, at whatever remove."""
        return descendants(self.pid)

    def starved_s(self) -> float:
        """How long it has waited for a processor since it began: of each of its processes the
        thread that waited longest, all together."""
        return sum(_starved_s(process) for process in {self.pid, *self.family()})

    def kill(self) -> None:
        """At this very point, and nothing of it stays."""
        family = self.family()
        os.kill(self.pid, signal.SIGKILL)
        assert self._process
        self._process.wait()
        until(lambda: not any(map(running, family)), lambda: f"{family} outlive it")

    def end(self) -> None:
        """As an administrator does it."""
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)
            assert self._process
            self._process.wait(timeout=30)


def _starved_s(process: int) -> float:
    longest = 0
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{process}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                longest = max(longest, int((task / "schedstat").read_text().split()[1]))
    return longest / 1e9


def running(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def descendants(process: int) -> set[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(encoding="ascii", errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found: set[int] = set()
    new = {process}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


class Screen:
    """Listens to the feed in a thread, and comes back with the last number it has seen.

    now: camera to what it reads of it. stages: those that are not well, with their words.
    """

    def __init__(self, service: Service, cameras: Sequence[str], name: str = "screen") -> None:
        self._service, self._cameras, self._name = service, cameras, name
        self._pen = Pen(service.folder / "history")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen_for_ever, daemon=True)
        self.last = 0
        self.now: dict[str, Shown] = {}
        self.stages: dict[str, str] = {}
        self.pulse_at = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._pen.close()

    def follow(self, service: Service) -> None:
        """It asks another process from now on."""
        self._service = service

    # ------------------------------------------------------------------ what it reads
    @property
    def all_analysed(self) -> bool:
        return all(one in self.now and self.now[one].analysing for one in self._cameras)

    def until_all_analysed(self) -> None:
        until(lambda: self.all_analysed, lambda: f"{self.now} {self._service.said[-20:]}")

    def until_shown(self, camera: str, *, analysing: bool, since: float) -> Shown:
        def there() -> bool:
            one = self.now.get(camera)
            return one is not None and one.at >= since and one.analysing is analysing

        until(there, lambda: f"{camera}: {self.now}")
        return self.now[camera]

    def until_heard_everything(self) -> None:
        """All that is in the outbox, where nothing is added any more."""
        url = f"sqlite:///{self._service.folder}/data/veilleur.db"

        def newest() -> int:
            with reading(url) as r:
                return outbox.last(r)

        until(lambda: self.last >= newest(), lambda: f"{self.last} of {newest()}")

    # ------------------------------------------------------------------ its thread
    def _listen_for_ever(self) -> None:
        while not self._ended.is_set():
            if self._service.address:
                with suppress(OSError, http.client.HTTPException):
                    self._listen(self._service.address)
            self._stale()
            self._ended.wait(0.05)

    def _listen(self, address: str) -> None:
        place = urlsplit(address)
        assert place.hostname
        cookie = (self._service.folder / "cookie").read_text()
        headers = {"Cookie": f"veilleur={cookie}", "Last-Event-ID": str(self.last)}
        with closing(
            http.client.HTTPConnection(place.hostname, place.port, timeout=STALE_S)
        ) as line:
            line.request("GET", "/feed", headers=headers)
            with line.getresponse() as answer:
                if answer.status == http.HTTPStatus.OK:
                    self._read(answer)

    def _read(self, answer: http.client.HTTPResponse) -> None:
        event: dict[str, str] = {}
        while not self._ended.is_set():
            text = answer.readline().decode()
            if not text:
                return
            if text == "\n":
                self._hear(event)
                event = {}
            else:
                field, _, value = text.rstrip("\n").partition(": ")
                event[field] = value

    def _hear(self, event: dict[str, str]) -> None:
        if "data" not in event:
            return
        said: Any = json.loads(event["data"])
        if "id" in event:
            self.last = int(event["id"])
            self._pen.write(Received(self._name, self.last, said["incident"], said["revision"]))
        elif event["event"] == "cameras":
            self._show(Shown(said["id"], boot_s(), said["analysing"], said["cause"]))
        elif event["event"] == "pulse":
            self.pulse_at = boot_s()
            ailing = (stage for stage in said["stages"] if not stage["well"])
            self.stages = {stage["stage"]: stage["words"] for stage in ailing}

    def _show(self, shown: Shown) -> None:
        self.now = {**self.now, shown.camera: shown}
        self._pen.write(shown)

    def _stale(self) -> None:
        for camera in self._cameras:
            one = self.now.get(camera)
            if one is not None and one.analysing:
                self._show(Shown(camera, boot_s(), False, "not up to date"))


KEPT_FILES = re.compile(r"veilleur\.db(-wal|-shm|\.lock|\.head|\.reserve)?")


def judged(folder: Path) -> list[str]:
    """What is wrong after all, the service being down; and what lies about."""
    with Database.open(f"sqlite:///{folder}/data/veilleur.db") as store, store.read() as r:
        wrong = violations(read(folder / "history"), kept(r))
    strange = [
        file.name for file in (folder / "data").iterdir() if not KEPT_FILES.fullmatch(file.name)
    ]
    return wrong + [f"I7: {name} lies in the data folder" for name in strange]
