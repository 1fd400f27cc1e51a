"""F15: the machine's clock is set while the service runs: by an hour, over a change to summer time,
into 2036. libfaketime sets it for one process; the time that passes is left alone."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.history import Forbidden, Happens, Pen, Stepped, kept, read, violations
from tests.made_desk import made_act, made_site
from tests.struck import Screen, Service, until
from veilleur.law.gate import boot_s
from veilleur.store import outbox
from veilleur.store.database import Database, reading

pytestmark = pytest.mark.tool("faketime")
CAMERAS = ("one",)  # the last is not given up, however busy the machine is
HOUR_S = 3600
STEPS_S = (HOUR_S, -HOUR_S, 2 * HOUR_S, -2 * HOUR_S, 600, -600, 60, -60, 5, -5)
CI, LONG = 28, 296
"""Steps of the clock; with the tests beside it 30 and 300 trials."""
LIBRARIES = tuple(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
SUMMER = datetime(2027, 3, 28, 0, 59, 50, tzinfo=UTC)
"""Ten seconds before the clocks of Europe go forward."""
LATE = datetime(2036, 2, 7, 6, 28, 5, tzinfo=UTC)
"""Ten seconds before NTP's 32 bits of seconds begin anew."""


class SetClock:
    """The clock of one process: so many seconds beside the machine's."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.offset_s = 0
        self.set(0)

    def set(self, offset_s: int) -> None:
        self.offset_s = offset_s
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{offset_s:+d}s\n")
        fresh.rename(self._file)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }


class Watched:
    """The service under a clock of its own, a screen on it, and an act that ends."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, SetClock(folder)
        self.pen = Pen(folder / "history")
        made_site(folder, *CAMERAS)
        for camera in CAMERAS:
            self.pen.write(Happens(camera, "anybody"))
        self.service = Service(folder, "--idle")
        self.service.environment = self.clock.environment
        self.screen = Screen(self.service, CAMERAS)

    def act(self, seconds: float, *, at: datetime | None = None) -> None:
        """From now, by the clock that the service starts with, for so many seconds."""
        at = at or datetime.now(UTC) + timedelta(seconds=self.clock.offset_s)
        period = {"from": at - timedelta(minutes=1), "until": at + timedelta(seconds=seconds)}
        paper = made_act(*CAMERAS, period=period)
        (self.folder / "act.json").write_text(
            paper.model_dump_json(by_alias=True, exclude_none=True)
        )
        for camera in CAMERAS:
            self.pen.write(Forbidden(camera, boot_s() + seconds, float("inf")))

    def step(self, seconds: int) -> None:
        self.clock.set(self.clock.offset_s + seconds)
        self.pen.write(Stepped(seconds))

    def until_told(self, steps: int) -> None:
        """The record has so many words of a set clock."""

        def told() -> int:
            with reading(f"sqlite:///{self.folder}/data/veilleur.db") as r:
                return len(kept(r).steps)

        until(lambda: told() >= steps, lambda: f"{told()} of {steps} {self.service.said[-20:]}")

    def judged(self) -> list[str]:
        with Database.open(f"sqlite:///{self.folder}/data/veilleur.db") as store, store.read() as r:
            assert outbox.last(r)
            events = read(self.folder / "history")
            return [one for one in violations(events, kept(r)) if not one.startswith("I1: message")]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    if not LIBRARIES or shutil.which("faketime") is None:
        pytest.skip("faketime is not installed (Debian: faketime)")
    made = Watched(tmp_path)
    yield made
    made.pen.close()
    if made.service.alive:
        made.service.kill()


@pytest.mark.parametrize(
    "step_s",
    [
        pytest.param(-HOUR_S, id="back"),
        pytest.param(HOUR_S, id="forward", marks=pytest.mark.long),
    ],
)
def test_set_by_an_hour_an_act_ends_on_its_true_hour_and_the_record_says_so(
    watched: Watched, step_s: int
) -> None:
    """Set back, the act would go on for an hour by the clock; it does not. Set forward it ends at
    once by the clock, and nothing is analysed that would need another opinion."""
    holds_s = 15.0 + 3.0 * os.getloadavg()[0]  # the start has to fit in, also beside others
    watched.act(holds_s)
    ends = boot_s() + holds_s
    watched.service.start()
    with watched.screen as screen:
        screen.until_all_analysed()
        watched.step(step_s)
        watched.until_told(1)
        until(lambda: boot_s() > ends, lambda: "")
        for camera in CAMERAS:
            assert screen.until_shown(camera, analysing=False, since=ends).cause
        watched.service.end()
    assert watched.judged() == []


def steps(number: int) -> Iterator[int]:
    """Seconds by which the clock is set, one after another: never by more than two hours in all."""
    die, offset_s = Random(number), 0
    for _ in range(number):
        choice = [one for one in STEPS_S if abs(offset_s + one) <= 2 * HOUR_S]
        offset_s += (step := die.choice(choice))
        yield step


@pytest.mark.parametrize("number", [CI, pytest.param(LONG, marks=pytest.mark.long)])
def test_set_forward_and_back_again_rules_count_the_streams_seconds(
    watched: Watched, number: int
) -> None:
    """Steps all the while, an act that covers all of it: as many incidents come as without, none
    of another rule, and each step is on the record."""
    at = datetime.now(UTC) - timedelta(hours=3)
    watched.act(8 * HOUR_S, at=at)
    watched.service.start()
    with watched.screen as screen:
        screen.until_all_analysed()
        for count, step in enumerate(steps(number), start=1):
            heard = screen.last
            watched.step(step)
            watched.until_told(count)
            if count % 4 == 0:
                until(lambda: screen.last > heard, lambda: "no more signals")  # noqa: B023
            screen.until_all_analysed()
        watched.service.end()
    assert watched.judged() == []


@pytest.mark.long
@pytest.mark.parametrize("begins", [SUMMER, LATE], ids=["summer time", "2036"])
def test_over_a_change_of_the_hour_and_into_2036_nothing_steps(
    watched: Watched, begins: datetime
) -> None:
    watched.clock.set(round((begins - datetime.now(UTC)).total_seconds()))
    watched.act(HOUR_S)
    watched.service.start()
    with watched.screen as screen:
        screen.until_all_analysed()
        over = begins + timedelta(seconds=11)
        pause = threading.Event()
        offset = timedelta(seconds=watched.clock.offset_s)
        while datetime.now(UTC) + offset < over:
            pause.wait(0.1)
        heard = screen.last
        until(lambda: screen.last > heard, lambda: "no more signals")
        assert screen.all_analysed
        watched.service.end()
    assert watched.judged() == []
    with reading(f"sqlite:///{watched.folder}/data/veilleur.db") as r:
        assert kept(r).steps == []
