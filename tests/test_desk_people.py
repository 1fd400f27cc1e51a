"""What people and time do to incidents, on a real store: one verdict, each deed on the record."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from tests.desk import STILL_THERE, at, database, sighting
from veilleur.catalogue import Priority
from veilleur.desk.feed import Feed
from veilleur.desk.herald import Herald, messages_after
from veilleur.desk.intake import receive, record_of
from veilleur.desk.people import People, elapse
from veilleur.errors import IncidentRefused, NotFound, StoreError
from veilleur.incidents.incident import State
from veilleur.incidents.life import Limits
from veilleur.law.deed import Deed
from veilleur.store import chain, incidents
from veilleur.store.database import Database
from veilleur.store.record import audit

LIMITS = Limits()


class House:
    """A store with people and a clock in hand."""

    def __init__(self, store: Database) -> None:
        self.store, self.now, self.changes = store, at(10), 0
        self.people = People(store, self._changed, lambda: self.now)

    def _changed(self) -> None:
        self.changes += 1

    def incident(self, seconds: float = 0.0, *, rule: str = "tracks") -> UUID:
        signal = record_of(sighting(seconds, rule=rule))
        with self.store.write() as w:
            received = receive(w, signal, Priority.LOW, LIMITS, at(seconds))
        assert received is not None
        return received[0].id

    def state(self, id_: UUID) -> State:
        with self.store.read() as r:
            found = incidents.incident(r, id_, None)
        assert found is not None
        return found.state

    def deeds(self) -> list[str]:
        with self.store.read() as r:
            rows = r.connection.execute(audit.select().order_by(audit.c.number)).all()
            assert chain.verify(r).intact
        return [row.deed for row in rows]

    def elapse(self, now: datetime, *ongoing: tuple[str, str]) -> int:
        return elapse(self.store, LIMITS, dict.fromkeys(ongoing, STILL_THERE), now)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with database(tmp_path) as store:
        yield House(store)


def test_each_deed_is_on_the_record_with_who_and_why(house: House) -> None:
    id_ = house.incident()
    house.people.take(id_, "ana", None)
    house.people.hand_over(id_, "ana", "ben", None)
    house.people.decide(id_, "ben", None, confirmed=False, reason="animal", note="a fox")
    house.people.follow_up(id_, "ben", None, outcome="none")
    assert house.deeds()[2:] == [
        "incident_taken",
        "incident_handed_over",
        "incident_dismissed",
        "incident_followed_up",
    ]
    with house.store.read() as r:
        last = r.connection.execute(
            audit.select().where(audit.c.deed == "incident_dismissed")
        ).one()
    assert (last.who, last.reason, last.of) == ("ben", "animal", f"incident:{id_}")
    assert "fox" not in last.details
    assert sha256(b"a fox").hexdigest() in last.details
    assert house.changes == 4


def test_an_incident_out_of_scope_does_not_exist(house: House) -> None:
    id_ = house.incident()
    with pytest.raises(NotFound):
        house.people.take(id_, "ana", frozenset({"hall"}))
    house.people.take(id_, "ana", frozenset({"gate"}))


def test_a_thousand_interleavings_of_two_desks_give_exactly_one_verdict_each(
    house: House,
) -> None:
    """Both want every incident: 125 of them, eight deeds each, from two threads at once (D04)."""
    ids = [house.incident(n, rule=f"r{n}") for n in range(125)]
    verdicts: list[UUID] = []

    def work(who: str, seed: int) -> None:
        order = random.Random(seed)
        for id_ in order.sample(ids, len(ids)):
            for deed in order.sample(["take", "decide", "release", "take", "decide"], 4):
                try:
                    if deed == "take":
                        house.people.take(id_, who, None)
                    elif deed == "release":
                        house.people.release(id_, who, None)
                    else:
                        house.people.decide(id_, who, None, confirmed=True, reason="as_signalled")
                        verdicts.append(id_)
                except IncidentRefused:
                    continue

    with ThreadPoolExecutor(2) as desks:
        for done in [desks.submit(work, "ana", 1), desks.submit(work, "ben", 2)]:
            done.result()
    decided = [id_ for id_ in ids if house.state(id_) is State.CONFIRMED]
    assert sorted(verdicts) == sorted(decided)
    assert len(set(verdicts)) == len(verdicts) > 60


def test_time_alone_makes_it_louder_then_not_seen_and_frees_what_lies_idle(house: House) -> None:
    waiting, idle = house.incident(), house.incident(rule="door")
    house.people.take(idle, "ana", None)
    going_on = (("gate", "tracks"), ("gate", "door"))
    assert house.elapse(at(59), *going_on) == 0
    assert house.elapse(at(60), *going_on) == 1
    assert house.elapse(at(130), *going_on) == 1
    assert house.state(idle) is State.OPEN
    house.elapse(at(600), *going_on)
    assert house.state(waiting) is State.NOT_SEEN
    assert sorted(house.deeds()[-3:]) == [
        "incident_escalated",
        "incident_not_seen",
        "incident_released",
    ]


def test_that_a_situation_is_over_is_told_once(house: House) -> None:
    house.incident()
    assert house.elapse(at(5)) == 1
    assert house.elapse(at(6)) == 0
    assert house.elapse(at(7), ("gate", "tracks")) == 1


def test_screens_hear_every_change_in_order_and_who_was_away_hears_the_rest(house: House) -> None:
    feed = Feed()
    told: list[int] = []
    herald = Herald(house.store, feed, lambda row: told.append(row.id))
    id_ = house.incident()
    house.people.take(id_, "ana", None)
    ended = threading.Event()
    thread = threading.Thread(target=herald.run, args=(ended,))
    herald.nudge()
    thread.start()
    while len(told) < 2:
        ended.wait(0.01)
    ended.set()
    thread.join()
    assert told == sorted(told)
    with house.store.read() as r:
        missed = messages_after(r, told[0], None)
        elsewhere = messages_after(r, 0, frozenset({"hall"}))
    assert [(m.number, '"taker":"ana"' in m.data) for m in missed] == [(told[1], True)]
    assert elsewhere == []


def test_a_refused_write_changes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = house.incident()
    honest = incidents.update

    def broken(*arguments: object) -> None:
        honest(*arguments)  # type: ignore[arg-type]
        raise StoreError("the disk is full", cause="full")

    monkeypatch.setattr(incidents, "update", broken)
    with pytest.raises(StoreError):
        house.people.take(id_, "ana", None)
    monkeypatch.undo()
    assert house.state(id_) is State.OPEN
    assert Deed.INCIDENT_TAKEN.value not in house.deeds()
