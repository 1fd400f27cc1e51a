"""The whole console over a real desk that nobody has started: store and law, no camera running.

Run as a program it prints every route, for tests/references/console_routes.txt.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from fastapi.testclient import TestClient

from tests.console_people import CHEAP, UNLIMITED, Residents
from veilleur.catalogue import Event, Priority
from veilleur.console.app import create_app
from veilleur.console.permission import Role
from veilleur.console.routing import declared
from veilleur.desk.desk import Desk, DeskSettings
from veilleur.events.rule import Check
from veilleur.geometry import Box
from veilleur.incidents import life
from veilleur.incidents.identity import new_id
from veilleur.incidents.incident import Incident
from veilleur.incidents.signal import SignalRecord
from veilleur.law.profile import shipped
from veilleur.perception.loader import Choice
from veilleur.site import load_site
from veilleur.store import incidents

ORIGIN = "http://127.0.0.1:8443"
SITE = """
site: square
cameras:
  - id: gate
    source: gate.mp4
    user: viewer
    password: "p@ss:/?#%&canary-of-the-camera"
    rules: [{id: tracks, event: forbidden_zone, zone: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}]
  - id: dock
    source: dock.mp4
    rules: [{id: ramp, event: forbidden_zone, zone: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}]
"""
RULES = {"gate": "tracks", "dock": "ramp"}
PEOPLE = {role.value: role for role in Role}
IDENTITIES = ("anonymous", *PEOPLE, "expired")
"""Seven: nobody, five roles, and an operator whose habilitation has run out."""


@dataclass
class House:
    """desk, its people and its console."""

    desk: Desk
    residents: Residents

    def __post_init__(self) -> None:
        settings = replace(self.residents.settings, passwords=CHEAP, rates=UNLIMITED)
        self.app = create_app(self.desk, settings)
        self.cookie = self.app.state.doorkeeper.cookie

    def populate(self) -> None:
        for name, role in PEOPLE.items():
            self.residents.add(name, role)
        self.residents.add("expired", Role.OPERATOR, qualified=False)
        self.residents.add("docker", Role.OPERATOR, cameras=frozenset({"dock"}))

    def session(self, name: str) -> str:
        """A cookie for this account, without its password."""
        with self.residents.database.write() as w:
            return self.residents.identities.begin(w, name)

    def browser(self, name: str = "anonymous") -> TestClient:
        """As an account's pages would ask: with its session, its origin and its token."""
        client = TestClient(self.app, base_url=ORIGIN, follow_redirects=False)
        client.headers["Origin"] = ORIGIN
        if name != "anonymous":
            secret = self.session(name)
            client.cookies.set(self.cookie, secret)
            visitor = self.residents.identities.by_session(secret)
            assert visitor is not None
            client.headers["X-CSRF-Token"] = visitor.csrf
        return client

    def incident(self, camera: str = "gate") -> UUID:
        """One that is open."""
        at = self.residents.clock()
        check = Check(name="inside", measured=2, threshold=1, unit="s", held_s=2, passed=True)
        signal = SignalRecord(
            id=new_id(at),
            camera=camera,
            rule=RULES[camera],
            event=Event.FORBIDDEN_ZONE,
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
        opened: Incident = life.opened(new_id(at), signal, Priority.HIGH, at)
        with self.desk.database.write() as w:
            incidents.insert(w, opened)
        return opened.id


@contextmanager
def house(folder: Path) -> Iterator[House]:
    """Seven identities, and one account that sees one camera of two."""
    file = folder / "site.yaml"
    file.write_text(SITE)
    for camera in RULES:
        (folder / f"{camera}.mp4").touch()
    residents = Residents(folder)
    settings = DeskSettings(
        site=load_site(file),
        file=file,
        database="",
        profile=shipped("laboratory"),
        choice=Choice(),
    )
    try:
        made = House(Desk(settings, residents.database), residents)
        made.populate()
        yield made
    finally:
        residents.database.close()


def routes(app: House) -> list[str]:
    found = sorted(declared(app.app.router.routes))
    return [f"{one.method:6} {one.path}  {one.kind}  {one.needs}" for one in found]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place, house(Path(place)) as made:
        print("\n".join(routes(made)))
