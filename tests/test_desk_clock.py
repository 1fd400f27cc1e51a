"""The machine's clock is set by an hour: nobody waits longer or shorter for it, and it is told.

Here the hours are in the clockwork's hand; in `test_faults_clock.py` a whole process has its clock
set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.desk import STILL_THERE, at, database, sighting
from veilleur.catalogue import Priority
from veilleur.desk.clockwork import Clockwork
from veilleur.desk.feed import Feed
from veilleur.desk.intake import receive, record_of
from veilleur.desk.people import People
from veilleur.engine.report import CameraReport, Condition
from veilleur.incidents.going import Going
from veilleur.incidents.incident import Incident, State
from veilleur.incidents.life import Limits
from veilleur.law.deed import Deed
from veilleur.law.gate import boot_s
from veilleur.store import chain, incidents
from veilleur.store.database import Database

LIMITS = Limits()
HOUR_S = 3600.0


@dataclass
class Engine:
    """One camera, which is lost, and a situation that goes on."""

    condition: Condition = Condition.LOST

    def report(self) -> list[CameraReport]:
        values = dict.fromkeys(CameraReport.__dataclass_fields__)
        values |= {"camera": "gate", "condition": self.condition, "cause": "made"}
        return [CameraReport(**values)]  # type: ignore[arg-type]

    def ongoing(self) -> dict[tuple[str, str], tuple[Going, ...]]:
        return {("gate", "tracks"): STILL_THERE}


class House:
    def __init__(self, store: Database) -> None:
        self.store, self.set_by, self.passed = store, 0.0, 0.0
        self.engine = Engine()
        self.began = boot_s()
        self.clockwork = Clockwork(
            store,
            Feed(),
            self.engine,
            LIMITS,
            changed=lambda: None,
            alive=lambda _: None,
            utc=self.utc,
        )
        self.people = People(store, lambda: None, self.utc)

    def utc(self) -> datetime:
        return at(self.passed + self.set_by)

    def incident(self) -> UUID:
        with self.store.write() as w:
            signal = record_of(sighting(self.passed + self.set_by))
            received = receive(w, signal, Priority.LOW, LIMITS, self.utc())
        assert received is not None
        return received[0].id

    def rounds(self, until_s: float) -> None:
        while self.passed < until_s:
            self.passed += 1.0
            self.clockwork.tick(self.began + self.passed)

    def look(self, id_: UUID) -> Incident:
        with self.store.read() as r:
            found = incidents.incident(r, id_, None)
        assert found is not None
        return found

    def steps(self) -> list[str]:
        with self.store.read() as r:
            assert chain.verify(r).intact
            return [line.details for line in chain.lines(r) if line.deed == Deed.CLOCK_STEPPED]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with database(tmp_path) as store:
        yield House(store)


steps = pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S], ids=["forward", "back"])


@steps
def test_it_goes_louder_and_unseen_after_its_own_wait(house: House, step_s: float) -> None:
    id_ = house.incident()
    house.rounds(10.0)
    house.set_by = step_s
    house.rounds(LIMITS.louder_s - 2)
    assert (house.look(id_).state, house.look(id_).escalated) == (State.OPEN, None)
    house.rounds(LIMITS.louder_s + 2)
    assert house.look(id_).escalated is not None
    house.rounds(LIMITS.not_seen_s - 2)
    assert house.look(id_).state is State.OPEN
    house.rounds(LIMITS.not_seen_s + 2)
    assert house.look(id_).state is State.NOT_SEEN
    (told,) = house.steps()
    assert f"{step_s:+.1f}" in told


@steps
def test_what_came_after_the_step_and_before_it_was_noticed_is_left_as_it_is(
    house: House, step_s: float
) -> None:
    house.rounds(10.0)
    house.set_by = step_s
    house.passed += 0.5
    id_ = house.incident()
    house.rounds(11.0 + LIMITS.louder_s)
    assert house.look(id_).escalated is not None


@steps
def test_a_claim_is_idle_after_its_own_time(house: House, step_s: float) -> None:
    id_ = house.incident()
    house.people.take(id_, "ana", None)
    house.rounds(10.0)
    house.set_by = step_s
    house.rounds(LIMITS.idle_s - 2)
    assert house.look(id_).taker == "ana"
    house.rounds(LIMITS.idle_s + 2)
    assert house.look(id_).state is State.OPEN


@steps
def test_a_lost_camera_is_an_alarm_after_its_grace_and_stays_one(
    house: House, step_s: float
) -> None:
    def shown() -> bool:
        return bool(house.clockwork.technical.alarms(house.utc()))

    house.rounds(4.0)
    house.set_by = step_s
    house.rounds(8.0)
    assert not shown()
    house.rounds(13.0)
    assert shown()


def test_set_back_no_verdict_of_before_keeps_a_new_situation_quiet(house: House) -> None:
    id_ = house.incident()
    house.people.take(id_, "ana", None)
    house.people.decide(id_, "ana", None, confirmed=True, reason="as_signalled")
    house.rounds(60.0)
    house.set_by = -HOUR_S
    house.rounds(62.0)
    assert house.incident() != id_


def test_a_clock_that_drifts_is_no_step(house: House) -> None:
    for _ in range(20):
        house.set_by += 0.2
        house.rounds(house.passed + 1.0)
    assert house.steps() == []
    assert timedelta(seconds=house.set_by) > timedelta(seconds=2)
