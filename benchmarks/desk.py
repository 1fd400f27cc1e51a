"""How soon is it on the screen?

    python -m benchmarks.desk [--screens 100] [--burst 1000]    a hundred screens, a burst
    python -m benchmarks.desk --cameras 1 [--size 360p25] [--seconds 60]    frame to screen

The service is the real one over HTTP, its database on the disk with every transaction flushed; the
screens live in another process. A delay of the first kind runs from the moment a signal leaves the
engine until the last screen has it, of the second from the arrival of the frame in which the rule
became sure until the screen has it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import numpy as np

import veilleur
from benchmarks import media
from benchmarks.machine import Wanted, description, figure, use_cores
from benchmarks.screens import boot_s
from veilleur.cameras.picture import Picture
from veilleur.catalogue import Event
from veilleur.console.app import create_app
from veilleur.console.identities import KeptIdentities
from veilleur.console.permission import Role
from veilleur.console.serving import address, bind, serve
from veilleur.console.settings import Rates, Settings
from veilleur.desk.desk import Desk, DeskSettings
from veilleur.engine.seen import Boxes
from veilleur.engine.sighting import Sighting
from veilleur.engine.situations import Alert
from veilleur.errors import IncidentRefused, NotFound
from veilleur.events.rule import Check
from veilleur.geometry import Box, View
from veilleur.incidents.incident import Incident
from veilleur.incidents.life import Limits
from veilleur.law.authorisation import Authorisation
from veilleur.law.orders import Scope
from veilleur.law.profile import shipped
from veilleur.perception.choice import decide
from veilleur.site import load_site
from veilleur.store import accounts, incidents, outbox
from veilleur.store.accounts import Account
from veilleur.store.transaction import Reading

DAY = timedelta(days=1)
FREELY = Rates(anonymous_hz=1e6, anonymous_burst=10**6, signed_in_hz=1e6, signed_in_burst=10**6)
ONE_BY_ONE = 20
PARTS = 10
VIEW = View(640, 360)
CAMERA = """
  - id: camera-{n:02}
    source: {source}
    rules:
      - {{id: zone, event: forbidden_zone, zone: [[0, 0.5], [0.6, 0.5], [0.6, 1], [0, 1]]}}
      - {{id: line, event: forbidden_zone, line: [[0.33, 0.3], [0.33, 0.6]]}}
"""


class Service:
    """The desk and its console in this process, a session for the screens."""

    def __init__(self, folder: Path, sources: Sequence[Path]) -> None:
        cameras = (CAMERA.format(n=n, source=source) for n, source in enumerate(sources))
        file = folder / "site.yaml"
        file.write_text("site: benchmark\ncameras:" + "".join(cameras))
        self.settings = Settings(port=0, laboratory=True, rates=FREELY, idle=DAY, longest=DAY)
        self._wanted = DeskSettings(
            site=load_site(file),
            file=file,
            database=f"sqlite:///{folder}/veilleur.db",
            profile=shipped("laboratory"),
            choice=decide().choice,
            limits=Limits(cool_down_s=0.0),
            loop=True,
        )

    def __enter__(self) -> Self:
        self._listener = bind(self.settings)
        self.desk = Desk.open(self._wanted)
        self.desk.__enter__()
        app = create_app(self.desk, self.settings)
        self.address = address(self.settings, self._listener)
        self.cookie = self._sign_in()
        self._server = threading.Thread(
            target=serve,
            args=(app, self.settings, self._listener, self.desk.feed.end),
            daemon=True,
        )
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.desk.__exit__(None, None, None)
        self._listener.close()

    def _sign_in(self) -> str:
        now = datetime.now(UTC)
        account = Account(
            name="screen",
            password=self.settings.passwords.hash("correct horse battery", "screen"),
            roles=frozenset({Role.OPERATOR}),
            habilitated_until=now + DAY,
            trained_until=now + DAY,
            language="en",
        )
        with self.desk.database.write() as w:
            accounts.add(w, account, now)
            return KeptIdentities(self.desk.database, self.settings).begin(w, "screen")

    def authorise(self, clips: int | None = None) -> None:
        """clips: days for which they are kept; None: none are made."""
        now = datetime.now(UTC)
        act = {
            "reference": "LAB-1",
            "authority": "A benchmark",
            "laboratory": True,
            "controller": "A benchmark",
            "perimeter": "A courtyard",
            "cameras": [camera.id for camera in self._wanted.site.cameras],
            "events": ["forbidden_zone"],
            "period": {"from": now - DAY, "until": now + DAY},
            "services": ["municipal_police"],
            "reasons": "A benchmark",
            "gathering": "cultural",
            "notice": {"text": "A benchmark", "told_by": ["nobody"]},
            "clips": clips,
        }
        self.desk.authority.add(Authorisation.model_validate(act), "dpo")


@dataclass(frozen=True, slots=True)
class Told:
    """A message as the screens had it. first, last: boot seconds."""

    number: int
    kind: str
    camera: str
    rule: str
    canary: bool
    noticed: str
    first: float
    last: float
    screens: int
    most: int


class Screens:
    """In a process of their own, which is asked once what they heard."""

    def __init__(self, service: Service, number: int) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.screens",
                f"--screens={number}",
                service.address,
                service.cookie,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def heard(self, newest: int) -> tuple[int, list[Told]]:
        """When all have heard message `newest`: how often one was cut off; and everything but the
        canary."""
        said, _ = self._process.communicate(f"{newest}\n")
        cut, *lines = [json.loads(line) for line in said.splitlines()]
        told = [Told(**line) for line in lines]
        return cut["cut"], [one for one in told if not one.canary]


def seen(n: int) -> Sighting:
    check = Check(name="inside", measured=1, threshold=1, unit="s", held_s=1, passed=True)
    alert = Alert(
        event=Event.FORBIDDEN_ZONE,
        rule=f"rule-{n}",
        camera=f"made-{n % 20}",
        began=float(n),
        noticed=float(n),
        where=Box(64, 36, 128, 180),
        checks=(check,),
        level="alarm",
        laboratory=True,
    )
    now = datetime.now(UTC)
    planes = np.full((VIEW.height * 3 // 2, VIEW.width), 128, np.uint8)
    return Sighting(
        alert=alert,
        at=now,
        began_at=now - timedelta(seconds=1),
        host_s=time.monotonic(),
        view=VIEW,
        picture=Picture(planes) if n < 64 else None,
        boxes=Boxes.none(),
        reference="LAB-1",
        parameters="0" * 16,
    )


def burst(screens: int, number: int) -> Iterator[str]:
    """Some signals one by one, then all the others at once."""
    clip = Path(veilleur.__file__).parent / "demo" / "vtest.mp4"
    with tempfile.TemporaryDirectory() as name, Service(Path(name), [clip]) as service:
        service.desk.authority.stop(Scope.EVERYTHING, "", "screen", "only what is made here")
        room = Screens(service, screens)
        put = []
        for n in range(ONE_BY_ONE):
            put.append(boot_s())
            service.desk.watch.sightings.put(seen(n))
            time.sleep(0.5)
        together = boot_s()
        for n in range(ONE_BY_ONE, ONE_BY_ONE + number):
            service.desk.watch.sightings.put(seen(n))
        with responsive(service) as asked:
            until_stored(service, ONE_BY_ONE + number)
            stored_s = boot_s() - together
            cut, told = room.heard(newest(service))
    opened = {one.rule: one for one in told if one.kind == "incident_opened"}
    alone = [opened.pop(f"rule-{n}") for n in range(ONE_BY_ONE)]
    rest = sorted(opened.values(), key=lambda one: one.number)
    late = sorted(one.last - at for one, at in zip(alone, put, strict=True))
    yield figure(f"one signal, {screens} screens, the last has it", late, "s", Wanted(most=1.0))
    yield figure("the same, 95 %", [late[int(0.95 * len(late))]], "s", Wanted(most=1.0))
    lost = number - len(rest) + sum(one.screens < screens for one in rest)
    doubled = sum(one.most > 1 for one in told)
    what = f"{number} signals at once, {screens} screens"
    yield f"{what}: {lost} lost; wanted at most 0: {_yes(lost)}"
    yield f"the same: {doubled} doubled; wanted at most 0: {_yes(doubled)}"
    yield f"the same: {cut} times a screen was cut off and came back"
    yield figure("the same, all are on the disk", [stored_s], "s")
    whole_s = max(one.last for one in rest) - together
    yield figure("the same, the last screen has the last", [whole_s], "s")
    yield figure("the same, the first screen has the first", [rest[0].first - together], "s")
    yield figure("an answer of the console meanwhile, longest", [max(asked)], "s", Wanted(most=1.0))


def _yes(number: int) -> str:
    return "NO" if number else "yes"


@contextmanager
def responsive(service: Service) -> Iterator[list[float]]:
    """Ask the console for the queue again and again; how long it took each time."""
    took: list[float] = []
    ended = threading.Event()
    host = service.address.removeprefix("http://")

    def ask() -> None:
        while not ended.is_set():
            began = time.monotonic()
            line = http.client.HTTPConnection(host, timeout=30)
            headers = {"Cookie": f"veilleur={service.cookie}"}
            line.request("GET", "/api/v1/incidents?limit=20", headers=headers)
            line.getresponse().read()
            line.close()
            took.append(time.monotonic() - began)
            ended.wait(0.2)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield took
    finally:
        ended.set()
        thread.join()


def until_stored(service: Service, number: int, within_s: float = 120.0) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with service.desk.database.read() as r:
            if incidents.count_waiting(r, None) >= number:
                return
        time.sleep(0.05)


def newest(service: Service) -> int:
    with service.desk.database.read() as r:
        return outbox.last(r)


# ---------------------------------------------------------------------- frame to screen
def from_the_frame(cameras: int, size: media.Size, seconds: float) -> Iterator[str]:
    """An operator dismisses everything at once, so that each alert is a new one."""
    clip = media.busy(size)
    parts = [media.begun_later(clip, n / PARTS) for n in range(min(cameras, PARTS))]
    sources = [parts[n * 7 % PARTS % len(parts)] for n in range(cameras)]
    with tempfile.TemporaryDirectory() as name, Service(Path(name), sources) as service:
        service.authorise()
        room = Screens(service, 1)
        offset = boot_s() - datetime.now(UTC).timestamp()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            dismiss_all(service.desk)
            time.sleep(0.1)
        _, told = room.heard(newest(service))
        analysed = statistics.mean(one.analysed_hz for one in service.desk.cameras())
    late = sorted(
        one.first - offset - datetime.fromisoformat(one.noticed).timestamp()
        for one in told
        if one.kind == "incident_opened"
    )
    if len(late) < 2:
        raise SystemExit("too few alerts: take --seconds longer")
    what = f"{size.name} x {cameras}, frame to screen"
    most = Wanted(most=1.0 if cameras == 1 else 2.0)
    yield figure(what, late, "s")
    yield figure(f"{what}, 95 % of {len(late)}", [late[int(0.95 * len(late))]], "s", most)
    yield f"{what}: {analysed:.1f} pictures a second and camera"


def dismiss_all(desk: Desk, ready: Callable[[Reading, Incident], bool] = lambda *_: True) -> None:
    """As an operator does who never tires. ready: which of them he has seen enough of."""
    with desk.database.read() as r:
        waiting = [one for one in incidents.open_incidents(r, None) if ready(r, one)]
    for one in waiting:
        try:
            desk.people.take(one.id, "screen", None)
            desk.people.decide(one.id, "screen", None, confirmed=False, reason="light")
        except (IncidentRefused, NotFound):
            continue


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--screens", type=int, default=100)
    parser.add_argument("--burst", type=int, default=1000)
    parser.add_argument("--cameras", type=int, help="from real frames; 14 of 360p25 are 80 %%")
    parser.add_argument("--size", choices=media.SIZES, default="360p25")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cores", type=int, default=2)
    asked = parser.parse_args()
    use_cores(asked.cores)
    print("\n".join([*description(), f"detector: {decide().choice}"]), flush=True)
    if asked.cameras:
        lines = from_the_frame(asked.cameras, media.SIZES[asked.size], asked.seconds)
    else:
        lines = burst(asked.screens, asked.burst)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
