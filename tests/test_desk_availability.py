"""How much of a day a camera was analysed: seconds that were counted, and every reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.desk import database
from tests.test_desk_technical import report
from veilleur.desk import said
from veilleur.desk.availability import DAY, WEEK, Availability, availability
from veilleur.desk.canary import CAMERA
from veilleur.desk.clockwork import Clockwork
from veilleur.desk.feed import Feed
from veilleur.engine.report import CameraReport, Condition
from veilleur.incidents.going import Going
from veilleur.incidents.life import Limits
from veilleur.law.deed import Deed
from veilleur.store import chain
from veilleur.store.database import Database

T0 = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
RUNNING, LOST, OFF = Condition.RUNNING, Condition.LOST, Condition.NOT_AUTHORISED


class Engine:
    def __init__(self) -> None:
        self.conditions = {"gate": RUNNING}

    def report(self) -> Sequence[CameraReport]:
        return [report(camera, condition) for camera, condition in self.conditions.items()]

    def ongoing(self) -> dict[tuple[str, str], tuple[Going, ...]]:
        return {}


class House:
    def __init__(self, store: Database) -> None:
        self.store, self.passed, self.engine = store, 0.0, Engine()
        self.set_by = 0.0
        self.began = 1000.0  # whole seconds add up exactly
        self.start()

    def start(self) -> None:
        self.clockwork = Clockwork(
            self.store,
            Feed(),
            self.engine,
            Limits(),
            changed=lambda: None,
            alive=lambda _: None,
            utc=self.utc,
        )
        self.clockwork.tick(self.began + self.passed)

    def utc(self) -> datetime:
        return T0 + timedelta(seconds=self.passed + self.set_by)

    def passes(self, seconds: float, every_s: float = 5.0, **conditions: Condition) -> None:
        self.engine.conditions = {**conditions}
        end = self.passed + seconds
        while self.passed < end:
            self.passed += every_s
            self.clockwork.tick(self.began + self.passed)

    def availability(self, of: timedelta = DAY, camera: str = "gate") -> Availability:
        self.clockwork.end()
        with self.store.read() as r:
            (found,) = availability(r, [camera, "never"], None, of, self.utc())
        return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with database(tmp_path) as store:
        yield House(store)


def test_each_second_is_analysed_or_has_its_reason(house: House) -> None:
    house.passes(2400, gate=RUNNING)
    house.passes(300, gate=LOST)
    house.passes(600, gate=RUNNING)
    house.passes(100, gate=LOST)
    found = house.availability()
    assert (found.since, found.until) == (T0, T0 + timedelta(seconds=3400))
    assert (found.analysed_s, found.unknown_s) == (3000, 0)
    (lost,) = found.reasons
    assert (lost.condition, lost.seconds, lost.times, lost.cause) == (LOST, 400, 2, "no answer")
    assert found.share == pytest.approx(3000 / 3400)


def test_what_is_off_by_order_or_law_counts_for_nothing(house: House) -> None:
    house.passes(600, gate=OFF, yard=OFF)
    house.passes(600, gate=RUNNING, yard=OFF)
    gate, yard = house.availability(), house.availability(camera="yard")
    assert (gate.share, gate.planned_s) == (1.0, 600)
    assert yard.share is None


def test_the_proof_of_life_is_no_camera_of_the_register(house: House) -> None:
    lost: dict[str, Any] = {"gate": LOST, CAMERA: Condition.SHED}
    house.passes(100, **lost)
    (alarm,) = house.clockwork.technical.alarms(house.utc())
    assert alarm.cameras == ("gate",)
    with house.store.read() as r:
        gaps = chain.lines(r, chain.Question(deeds=frozenset({Deed.GAP})))
        assert [line.of for line in gaps] == ["camera:gate"]


def test_while_the_service_does_not_run_nobody_knows_and_it_was_not_analysed(house: House) -> None:
    house.passes(1800, gate=RUNNING)
    house.clockwork.end()
    house.passed += 600
    house.start()
    house.passes(600, gate=RUNNING)
    found = house.availability()
    assert (found.analysed_s, found.unknown_s) == (2400, 600)
    assert found.share == pytest.approx(0.8)


def test_a_day_is_a_day_of_a_week(house: House) -> None:
    house.passes(2 * 3600, every_s=10, gate=LOST)
    house.clockwork.end()
    house.passed += 86_400 - 2 * 3600
    house.start()
    house.passes(3600, every_s=10, gate=RUNNING)
    assert house.availability(DAY).analysed_s == 3600
    assert house.availability(DAY).reasons[0].seconds == 1.5 * 3600 + 10  # of that day's hours
    week = house.availability(WEEK)
    assert (week.since, week.reasons[0].seconds) == (T0, 7200)


def test_a_clock_that_is_set_makes_no_second_and_its_hour_is_unknown(house: House) -> None:
    house.passes(600, gate=RUNNING)
    house.set_by = -3600
    house.passes(600, gate=RUNNING)
    found = house.availability()
    assert (found.analysed_s, found.unknown_s) == (1200, 2400)


def test_the_proof_of_life_is_no_camera_and_out_of_scope_is_nothing(house: House) -> None:
    house.passes(60, 5.0, **{"gate": RUNNING, CAMERA: RUNNING})
    house.clockwork.end()
    with house.store.read() as r:
        assert availability(r, ["gate", CAMERA], frozenset({CAMERA}), DAY, house.utc()) == []


def test_it_is_said_in_codes_and_numbers(house: House) -> None:
    house.passes(60, gate=RUNNING)
    house.passes(60, gate=OFF)
    (told,) = said.availability([house.availability()])
    assert told == {
        "camera": "gate",
        "since": "2026-11-24T20:30:00.000+00:00",
        "until": "2026-11-24T20:32:00.000+00:00",
        "share": 1.0,
        "analysed_s": 60,
        "planned_s": 60,
        "unknown_s": 0,
        "reasons": [
            {
                "condition": "not authorised",
                "planned": True,
                "seconds": 60,
                "times": 1,
                "cause": "no answer",
            }
        ],
    }
