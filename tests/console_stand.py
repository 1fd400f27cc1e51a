"""The console as a browser meets it: a real server on the loopback over a desk without an engine,
whose pulse, cameras and alerts a test says; and a Chromium that notes whatever goes wrong in it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.console_house import RULES, House, house
from veilleur.catalogue import Event, Priority
from veilleur.console.permission import Role
from veilleur.desk import said
from veilleur.desk.feed import Message, Topic
from veilleur.desk.vitals import Stage, Vital, Vitals
from veilleur.events.rule import Check
from veilleur.geometry import Box
from veilleur.incidents import life
from veilleur.incidents.identity import new_id
from veilleur.incidents.incident import Incident
from veilleur.incidents.signal import SignalRecord
from veilleur.law.deed import Deed, Entry
from veilleur.store import evidence, incidents, outbox
from veilleur.store.evidence import Content, Sort

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PULSE_S = 0.3
EVERYTHING = "ana"
"""An account with every role."""
WATCH = """
addEventListener("securitypolicyviolation", (e) =>
  console.error(`CSP: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
"""


@dataclass
class Stand:
    """One console on a socket. quiet: nothing is told. ill: stages that say they are not well.
    pulse_s: from one sign of life to the next."""

    house: House
    pulse_s: float = PULSE_S
    port: int = 0
    quiet: bool = False
    ill: dict[Stage, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        desk = self.house.desk
        work: tuple[Callable[[], None], ...] = (self._pulse, lambda: desk.herald.run(self._stop))
        self._threads = [threading.Thread(target=one) for one in work]
        for thread in self._threads:
            thread.start()
        self.up()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Begin to answer, at the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self.house.app, log_level="error", lifespan="off")
        config.timeout_graceful_shutdown = 0
        self._server = uvicorn.Server(config)
        self._serving = threading.Thread(target=lambda: self._server.run(sockets=[listener]))
        self._serving.start()

    def down(self) -> None:
        """Answer nothing any more, and cut every stream."""
        self._server.should_exit = self._server.force_exit = True
        self._serving.join()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.house.desk.feed.end()
        self.down()

    def _pulse(self) -> None:
        while not self._stop.wait(self.pulse_s):
            if not self.quiet:
                self.tell(Topic.PULSE, said.vitals(self.vitals()))

    def vitals(self) -> Vitals:
        stages = tuple(
            Vital(stage=one, age_s=0.2, limit_s=5.0, words=self.ill.get(one, "")) for one in Stage
        )
        return Vitals(at=datetime.now(UTC), stages=stages)

    def tell(self, topic: Topic, told: object) -> None:
        self.house.desk.feed.publish(Message(topic=topic, data=said.line(told)))

    # ------------------------------------------------------------------ alerts
    def alert(
        self,
        camera: str = "gate",
        *,
        event: Event = Event.FORBIDDEN_ZONE,
        rule: str = "",
        checks: tuple[Check, ...] = (),
    ) -> UUID:
        """A new one, with its picture, told to every screen. rule, checks: the camera's own rule
        and somebody in a zone, where none are given."""
        at = datetime.now(UTC)
        first = signal(camera, event, at)
        first = replace(first, rule=rule or first.rule, checks=checks or first.checks)
        opened: Incident = life.opened(new_id(at), first, Priority.HIGH, at)
        deed = Deed.INCIDENT_OPENED
        of = f"incident:{opened.id}"
        with self.house.desk.database.write() as w:
            incidents.insert(w, opened)
            w.record(Entry(deed=deed, at=at, who="system", of=of))
            outbox.append(w, opened, deed, at)
            expires = at + timedelta(days=1)
            piece = evidence.promise(w, opened.id, Sort.STILL, taken_at=at, expires_at=expires)
            evidence.keep(w, piece, Content(jpeg(), "image/jpeg"))
        self.house.desk.herald.nudge()
        return opened.id

    def waiting(self) -> list[Incident]:
        with self.house.desk.database.read() as r:
            return incidents.open_incidents(r, None)

    def incident(self, id_: UUID) -> Incident:
        with self.house.desk.database.read() as r:
            found = incidents.incident(r, id_, None)
        assert found is not None
        return found


def signal(camera: str, event: Event, at: datetime) -> SignalRecord:
    check = Check(name="inside", measured=2, threshold=1, unit="s", held_s=2, passed=True)
    return SignalRecord(
        id=new_id(at),
        camera=camera,
        rule=RULES[camera],
        event=event,
        level="alarm",
        onset=at - timedelta(seconds=2),
        noticed=at,
        where=Box(0.1, 0.1, 0.2, 0.5),
        checks=(check,),
        reference="LAB-1",
        parameters="0" * 16,
        software="test",
        laboratory=True,
    )


def jpeg() -> bytes:
    """A picture of nobody."""
    image = np.full((360, 640, 3), (60, 80, 70), np.uint8)
    cv2.rectangle(image, (64, 36), (128, 180), (255, 255, 255), 2)
    return cv2.imencode(".jpg", image)[1].tobytes()


@contextmanager
def stand(folder: Path, *, pulse_s: float = PULSE_S) -> Iterator[Stand]:
    with house(folder) as one:
        one.residents.clock.at = datetime.now(UTC)
        one.residents.add(EVERYTHING, *Role)
        made = Stand(one, pulse_s)
        try:
            yield made
        finally:
            made.end()


# ---------------------------------------------------------------------- the browser
@contextmanager
def chromium() -> Iterator[Browser]:
    if shutil.which(CHROMIUM) is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Screen:
    """One browser window of one account. wrong: what its console complained about."""

    page: Page
    stand: Stand
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.stand.address + path)
        self.page.wait_for_selector(".life[data-state=well], .life[data-state=ailing]")
        return self.page

    def press(self, *keys: str) -> None:
        for one in keys:
            self.page.keyboard.press(one)

    def saves(self, name: str) -> None:
        """Keep a screenshot, where somebody wants them: VEILLEUR_ARTEFACTS names a folder."""
        if folder := os.environ.get("VEILLEUR_ARTEFACTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}.png")


class Screens:
    """Windows on a stand; at the end none of them may have complained."""

    def __init__(self, browser: Browser, stand: Stand) -> None:
        self._browser, self._stand = browser, stand
        self._contexts: list[BrowserContext] = []
        self._made: list[Screen] = []

    def of(self, who: str = "", *, language: str = "en", wide: bool = False) -> Screen:
        """A window in which `who` has signed in; "": nobody has."""
        context = self._browser.new_context(
            viewport={"width": 1920, "height": 1080} if wide else {"width": 1280, "height": 720},
            locale={"en": "en-GB", "fr": "fr-FR"}[language],
        )
        self._contexts.append(context)
        context.add_init_script(WATCH)
        if who:
            self._speak(who, language)
            secret = self._stand.house.session(who)
            cookie = {"name": self._stand.house.cookie, "value": secret, "url": self._stand.address}
            context.add_cookies([cookie])  # type: ignore[list-item]
        screen = Screen(context.new_page(), self._stand)
        screen.page.set_default_timeout(15000)
        screen.page.on("pageerror", lambda error: screen.wrong.append(str(error)))
        screen.page.on(
            "console",
            lambda line: screen.wrong.append(line.text) if line.type == "error" else None,
        )
        self._made.append(screen)
        return screen

    def _speak(self, who: str, language: str) -> None:
        browser = self._stand.house.browser(who)
        wanted = {"language": language, "csrf": browser.headers["X-CSRF-Token"]}
        browser.headers["Origin"] = "http://127.0.0.1:8443"
        browser.post("/account/language", data=wanted)

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def complaints(self) -> list[str]:
        return [words for screen in self._made for words in screen.wrong]


def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait for something outside the browser. Raises AssertionError."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
