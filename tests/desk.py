"""Sightings without an engine, and a store in a folder, for the desk's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.catalogue import Event
from veilleur.engine.seen import Boxes
from veilleur.engine.sighting import Sighting, in_shares
from veilleur.engine.situations import Alert
from veilleur.events.rule import Check
from veilleur.geometry import Box, View
from veilleur.incidents.going import Going
from veilleur.store.database import Database

T0 = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
VIEW = View(640, 360)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def picture() -> Picture:
    return Picture(np.full((VIEW.height * 3 // 2, VIEW.width), 128, np.uint8))


def there(*places: Box) -> tuple[Going, ...]:
    """Who was signalled at these places, pixels of VIEW, and is there still."""
    shares = [in_shares(place, VIEW) for place in places]
    return tuple(Going(place, place) for place in shares)


HERE = Box(64, 36, 128, 180)
STILL_THERE = there(HERE)
"""Whoever is seen by `sighting`."""


def sighting(
    seconds: float = 0.0, *, camera: str = "gate", rule: str = "tracks", shown: bool = True
) -> Sighting:
    check = Check(name="inside", measured=1, threshold=1, unit="s", held_s=1, passed=True)
    alert = Alert(
        event=Event.FORBIDDEN_ZONE,
        rule=rule,
        camera=camera,
        began=seconds - 1,
        noticed=seconds,
        where=HERE,
        checks=(check,),
        level="alarm",
        laboratory=True,
    )
    return Sighting(
        alert=alert,
        at=at(seconds),
        began_at=at(seconds - 1),
        host_s=seconds,
        view=VIEW,
        picture=picture() if shown else None,
        boxes=Boxes.none(),
        reference="LAB-1",
        parameters="0" * 16,
    )


def database(folder: Path) -> Database:
    return Database.open(f"sqlite:///{folder / 'veilleur.db'}", reserve_bytes=1 << 16)
