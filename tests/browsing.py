"""The console over a desk at work, in a real browser: headless Chromium as Debian has it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.console_people import CHEAP, UNLIMITED
from veilleur.console.app import create_app
from veilleur.console.permission import Role
from veilleur.console.serving import address, bind
from veilleur.console.settings import Settings
from veilleur.desk.desk import Desk
from veilleur.store import accounts
from veilleur.store.accounts import Account

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Console:
    """A console that answers, and a browser to look at it. complaints: of every page, of scripts,
    of the content security policy, of the network."""

    desk: Desk
    origin: str
    browser: Browser
    cookie: str
    secrets: dict[str, str]
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def page(self, who: str, path: str, *, width: int = 1280, height: int = 720) -> Iterator[Page]:
        """As this account, signed in already."""
        context = self.browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": self.cookie, "value": self.secrets[who], "url": self.origin}])
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        page.goto(self.origin + path)
        yield page
        page.close(run_before_unload=False)
        context.close()


def violations(page: Page) -> list[str]:
    """What axe has against the page as it is now."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@contextmanager
def console(desk: Desk, **people: tuple[Role, str]) -> Iterator[Console]:
    """people: each account with its role and its language."""
    settings = Settings(port=0, laboratory=True, passwords=CHEAP, rates=UNLIMITED)
    app = create_app(desk, settings)
    doorkeeper = app.state.doorkeeper
    until = datetime.now(UTC) + timedelta(days=1)
    secrets = {}
    with desk.database.write() as w:
        for name, (role, language) in people.items():
            account = Account(
                name=name,
                password="",
                roles=frozenset({role.value}),
                habilitated_until=until,
                trained_until=until,
                language=language,
            )
            accounts.add(w, account, datetime.now(UTC))
            secrets[name] = doorkeeper.identities.begin(w, name)
    listener = bind(settings)
    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            yield Console(desk, address(settings, listener), browser, doorkeeper.cookie, secrets)
            browser.close()
    finally:
        desk.feed.end()
        server.should_exit = True
        thread.join()
        listener.close()
