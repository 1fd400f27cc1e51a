"""Signals and incidents made by hand, and databases of both makes, for the tests of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests import postgres
from veilleur.catalogue import Event, Priority
from veilleur.events.rule import Check
from veilleur.geometry import Box
from veilleur.incidents import life
from veilleur.incidents.identity import new_id
from veilleur.incidents.incident import Incident
from veilleur.incidents.signal import SignalRecord
from veilleur.law.deed import Deed, Entry
from veilleur.store import incidents, outbox
from veilleur.store.database import Database
from veilleur.store.transaction import Writing

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
SYSTEM = "system"


def at(seconds: float) -> datetime:
    """After noon."""
    return NOON + timedelta(seconds=seconds)


def signal(camera: str = "gate", rule: str = "tracks", **more: Any) -> SignalRecord:
    values: dict[str, Any] = {
        "id": new_id(NOON),
        "camera": camera,
        "rule": rule,
        "event": Event.FORBIDDEN_ZONE,
        "level": "alarm",
        "onset": at(-2),
        "noticed": NOON,
        "where": Box(0.1, 0.2, 0.3, 0.4),
        "checks": (
            Check(name="inside", measured=2.5, threshold=2.0, unit="s", held_s=2.5, passed=True),
            Check(
                name="people",
                measured=3,
                threshold=2,
                unit="people",
                held_s=0.5,
                passed=True,
                at_least=True,
            ),
        ),
        "reference": "LABORATORY (made)",
        "parameters": "0123456789ab",
        "software": "0.1",
        "laboratory": True,
    }
    return SignalRecord(**{**values, **more})


def opened(first: SignalRecord, *, now: datetime = NOON, **more: Any) -> Incident:
    return life.opened(new_id(now), first, more.get("priority", Priority.LOW), now)


def entry(deed: Deed = Deed.SIGNAL, of: str = "", *, seconds: float = 0.0, **more: Any) -> Entry:
    return Entry(deed=deed, at=at(seconds), who=more.pop("who", SYSTEM), of=of, **more)


def signalled(w: Writing, first: SignalRecord | None = None) -> Incident:
    """What the desk does with a signal: all of it in one transaction."""
    first = first or signal()
    incident = opened(first)
    incidents.insert(w, incident)
    w.record(entry(Deed.SIGNAL, f"signal:{first.id}"))
    w.record(entry(Deed.INCIDENT_OPENED, f"incident:{incident.id}"))
    outbox.append(w, incident, Deed.INCIDENT_OPENED, NOON)
    return incident


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'veilleur.db'}"


def must(found: Incident | None) -> Incident:
    assert found is not None
    return found


def id_of(incident: Incident) -> UUID:
    return incident.id


@pytest.fixture
def postgresql() -> Callable[[], str]:
    """Calling it empties the database and returns its URL."""
    programs = postgres.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    return postgres.shared(programs)


MAKES = (
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.tool("postgresql")),
)


@pytest.fixture(params=MAKES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either make."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    make: Callable[[], str] = request.getfixturevalue("postgresql")
    return make()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database.open(url, patience_s=20.0) as opened:
        yield opened
