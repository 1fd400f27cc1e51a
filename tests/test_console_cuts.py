"""D03: whatever cuts a screen off, it says so in time; after it nothing is lost and nothing is
told twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from tests.console_cuts import (
    STALE_WITHIN_S,
    Kind,
    Outcome,
    Trial,
    browser_pid,
    laptop_flag,
    opened,
    outcome,
)
from tests.console_stand import CHROMIUM, FLAGS, stand
from tests.desk import VIEW, picture
from veilleur.console.wall import Wall
from veilleur.engine.seen import Boxes, Snapshot

pytestmark = pytest.mark.tool("chromium")
PULSE_S = 1.0  # as a desk's own
MANY = 100


def snapshot(camera: str) -> Snapshot:
    none = np.zeros((0, 4), np.float32)
    return Snapshot(camera, picture(), VIEW, Boxes(none, none, none), datetime.now(UTC), 0.0)


@contextmanager
def trial(folder: Path, seed: int) -> Iterator[Trial]:
    """Three windows on a computer of their own, each doing something else, and a laptop."""
    flag = laptop_flag(seed)
    with stand(folder, pulse_s=PULSE_S) as place, sync_playwright() as playwright:
        place.house.app.state.wall = Wall(snapshot)
        first = place.alert()
        room = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        lap = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, flag])
        victims = [
            opened(room, place, "queue", "/"),
            opened(room, place, "queue with an alert", f"/incidents/{first}"),
            opened(room, place, "wall", "/cameras"),
            opened(lap, place, "queue on a laptop", f"/incidents/{first}", browser_pid(flag)),
        ]
        try:
            yield Trial(place, victims, Random(seed))
        finally:
            for victim in victims:
                if victim.asleep:
                    victim.wake()
                victim.context.close()
                victim.wire.close()
            room.close()
            lap.close()


def told(found: Outcome) -> str:
    kinds = ", ".join(f"{kind.value} {found.kinds[kind]}" for kind in Kind if found.kinds[kind])
    slowest = max(found.stale_s, default=0.0)
    return (
        f"{sum(found.kinds.values())} cuts ({kinds}); {found.alerts} alerts, {found.changes} "
        f"changes; stale after {slowest:.2f} s at most of {len(found.stale_s)} long ones"
    )


def test_a_screen_that_is_cut_off_says_so_and_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with trial(tmp_path, seed=1) as made:
        made.each(Kind.OFFLINE, Kind.RESET, Kind.STALL, Kind.AWAY)
        found = outcome(made)
    print(told(found))
    assert found.faults == []
    assert found.changes > 0


@pytest.mark.long
def test_a_hundred_cuts_at_random_moments(tmp_path: Path) -> None:
    with trial(tmp_path, seed=2) as made:
        while len(made.cuts) < MANY:
            made.stop() if made.random.random() < 0.15 else made.round()
        found = outcome(made)
    print(told(found), f"back after {max(made.back_s):.1f} s at most")
    assert found.faults == []
    assert max(found.stale_s) <= STALE_WITHIN_S + found.late_s
    assert set(found.kinds) == set(Kind)
