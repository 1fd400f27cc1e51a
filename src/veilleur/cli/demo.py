"""`veilleur demo`: the whole product on the clip that comes with the package."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from veilleur.cameras.simulated import is_our_simulator
from veilleur.catalogue import WORDING
from veilleur.cli.choosing import chosen, tell
from veilleur.cli.ending import orderly
from veilleur.cli.serve import run
from veilleur.cli.watch import run as watch
from veilleur.console.permission import Role
from veilleur.console.settings import Settings
from veilleur.desk.desk import Desk, DeskSettings
from veilleur.engine.lineup import line_up
from veilleur.events.wording import Language, sentence
from veilleur.law.authorisation import Authorisation
from veilleur.law.deed import Deed
from veilleur.law.profile import shipped
from veilleur.site import Site, load_site
from veilleur.store import accounts, incidents, outbox
from veilleur.store.accounts import Account

FILMED = "the clip was filmed at about 7 and plays at 10 pictures a second: speeds read 1.4 x high"
VISITOR = "demo"
LOOK_EVERY_S = 0.3


def demo(
    terminal: Annotated[
        bool, typer.Option("--terminal", help="signals in the terminal alone, no console")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="one signal a line, no table and no console")
    ] = False,
    french: Annotated[bool, typer.Option(help="signals and screen in French")] = False,
    port: Annotated[int, typer.Option(help="port of the console, 0: any", min=0)] = 8080,
) -> None:
    """Watch the embedded clip: a courtyard with two zones, a one-way path and a count.

    The console is open to one visitor with a password for this time; nothing is left behind.
    """
    language: Language = "fr" if french else "en"
    with suppress(KeyboardInterrupt), orderly(), as_file(files("veilleur") / "demo") as folder:
        site = load_site(folder / "site.yaml")
        if terminal or as_json:
            _watch(site, folder, as_json=as_json, language=language)
        else:
            _serve(site, folder / "site.yaml", port, language)


def _watch(site: Site, folder: Path, *, as_json: bool, language: Language) -> None:
    now = datetime.now(UTC)
    lineup = line_up([], site, None, folder=folder, is_our_simulator=is_our_simulator, at=now)
    lineup = replace(lineup, notes=(*lineup.notes, FILMED))
    watch(lineup, as_json=as_json, language=language)


def _serve(site: Site, file: Path, port: int, language: Language) -> None:
    """Everything is kept in a folder that goes with the end; zones are drawn in a copy there."""
    with tempfile.TemporaryDirectory(prefix="veilleur-demo-") as kept:
        file = Path(shutil.copytree(file.parent, Path(kept) / "site")) / file.name
        wanted = DeskSettings(
            site=site,
            file=file,
            database=f"sqlite:///{kept}/veilleur.db",
            profile=shipped("laboratory"),
            choice=chosen(None),
            loop=True,
        )
        settings = Settings(port=port, laboratory=True)

        @contextmanager
        def shown(desk: Desk) -> Iterator[None]:
            _admit_visitor(desk, settings, language)
            tell(FILMED)
            ended = threading.Event()
            lines = threading.Thread(target=_print_alerts, args=(desk, language, ended))
            lines.start()
            try:
                yield
            finally:
                ended.set()
                lines.join()

        run(wanted, settings, [_act(site)], beside=shown)


def _act(site: Site) -> Authorisation:
    """A laboratory's authorisation, complete as a real one has to be; it opens no real camera."""
    now = datetime.now(UTC)
    return Authorisation.model_validate(
        {
            "reference": "DEMO-1",
            "authority": "Nobody: a demonstration",
            "laboratory": True,
            "controller": "Nobody: a demonstration",
            "perimeter": "A courtyard in Reading, filmed in 2009 for research (PETS2009 S2.L1)",
            "cameras": tuple(camera.id for camera in site.cameras),
            "events": tuple({rule.event for camera in site.cameras for rule in camera.rules}),
            "period": {"from": now - timedelta(minutes=1), "until": now + timedelta(days=1)},
            "services": ("municipal_police",),
            "reasons": "To show the product",
            "gathering": "cultural",
            "notice": {"text": "The people in this film are actors", "told_by": ("this page",)},
        }
    )


def _admit_visitor(desk: Desk, settings: Settings, language: Language) -> None:
    """One account with every role, for a day; its password is used up by signing in."""
    password = secrets.token_urlsafe(12)
    now = datetime.now(UTC)
    until = now + timedelta(days=1)
    visitor = Account(
        name=VISITOR,
        password=settings.passwords.hash(password, VISITOR),
        roles=frozenset(role.value for role in Role),
        habilitated_until=until,
        trained_until=until,
        language=language,
        once=True,
    )
    with desk.database.write() as w:
        accounts.add(w, visitor, now)
    tell(f"sign in as {VISITOR}, with the password {password} (for one sign-in)")


def _print_alerts(desk: Desk, language: Language, ended: threading.Event) -> None:
    """The same that comes on the screen."""
    last = 0
    while not ended.wait(LOOK_EVERY_S):
        with desk.database.read() as r:
            rows = outbox.after(r, last, 100, None)
            opened = [row for row in rows if row.kind is Deed.INCIDENT_OPENED]
            found = [incidents.incident(r, row.incident, None) for row in opened]
        last = rows[-1].id if rows else last
        for incident in found:
            if incident is None or incident.first.canary:
                continue
            first = incident.first
            words = WORDING[first.event]
            name = words.french if language == "fr" else words.english
            when = first.noticed.astimezone().strftime("%H:%M:%S")
            why = sentence(first.checks, language)
            print(f"{when}  {first.camera}  {first.rule}  {name}. {why}", flush=True)
