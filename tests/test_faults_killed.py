"""F3, D02: the whole service, killed, stopped and locked out while it works. One judge for all."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.history import WITHIN_S, Happens, Pen
from tests.killing import CAMERAS, hear_the_rest
from tests.made_desk import made_site
from tests.side_by_side import parts, together
from tests.struck import Screen, Service, judged, until
from veilleur.law.gate import boot_s

CI, LONG, REAL = 200, 1000, 20
RED_WITHIN_S = 15.0


@pytest.mark.parametrize("number", [CI, pytest.param(LONG, marks=pytest.mark.long)])
def test_killed_at_any_moment_it_loses_and_doubles_nothing_and_is_back(number: int) -> None:
    together(
        [
            ("tests.killing", "--trials", str(len(part)), "--seed", str(part.start))
            for part in parts(0 if number == CI else CI, number)
        ]
    )


@pytest.mark.long
def test_so_it_does_with_the_real_detector() -> None:
    together([("tests.killing", "--trials", str(REAL), "--seed", "1", "--real")])


def test_stopped_decoders_a_held_database_and_a_stopped_service_are_seen_and_do_no_harm(
    tmp_path: Path,
) -> None:
    """Seen within 10 s where cameras are blind, within 15 s where a stage is."""
    made_site(tmp_path, *CAMERAS)
    pen, service = Pen(tmp_path / "history"), Service(tmp_path)
    for camera in CAMERAS:
        pen.write(Happens(camera, "anybody"))
    service.start()
    with Screen(service, CAMERAS) as screen:
        screen.until_all_analysed()
        for stall in (_stop_decoders, _hold_database, _stop_service):
            stall(service, screen)
            screen.until_all_analysed()
            until(lambda: not screen.stages, lambda: str(screen.stages))
        service.end()
        hear_the_rest(screen, tmp_path)
    pen.close()
    assert judged(tmp_path) == []


def _stop_decoders(service: Service, screen: Screen) -> None:
    """All of them, and whoever makes new ones."""
    family, since = service.family(), boot_s()
    starved_s = service.starved_s()
    for process in family:
        os.kill(process, signal.SIGSTOP)
    for camera in CAMERAS:
        shown = screen.until_shown(camera, analysing=False, since=since)
        assert shown.cause
        assert shown.at - since <= WITHIN_S + service.starved_s() - starved_s
    for process in family & service.family():
        os.kill(process, signal.SIGCONT)


def _hold_database(service: Service, screen: Screen) -> None:
    file = service.folder / "data" / "veilleur.db"
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        since, starved_s = boot_s(), service.starved_s()
        until(
            lambda: any("lock" in words for words in screen.stages.values()),
            lambda: str(screen.stages),
        )
        assert boot_s() - since <= RED_WITHIN_S + service.starved_s() - starved_s
        stranger.execute("ROLLBACK")


def _stop_service(service: Service, screen: Screen) -> None:
    """The whole process: its screens notice by themselves."""
    since = boot_s()
    os.kill(service.pid, signal.SIGSTOP)
    for camera in CAMERAS:
        shown = screen.until_shown(camera, analysing=False, since=since)
        assert shown.at - since <= WITHIN_S
    os.kill(service.pid, signal.SIGCONT)
