"""From sightings to incidents on the disk: nothing lost, nothing twice, whatever the store does."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.desk import HERE, STILL_THERE, VIEW, at, database, sighting
from veilleur.catalogue import Priority
from veilleur.desk import intake
from veilleur.desk.intake import Intake, IntakeSettings, Stored, record_of
from veilleur.desk.people import People, elapse
from veilleur.engine.sighting import Sighting, in_shares
from veilleur.errors import StoreError
from veilleur.geometry import Box, View
from veilleur.incidents.going import Going
from veilleur.incidents.incident import State
from veilleur.incidents.life import Limits
from veilleur.law.deed import Deed
from veilleur.store import chain, evidence, incidents, outbox, signals
from veilleur.store.database import Database
from veilleur.store.transaction import Writing

CANARY = "veilleur.canary"


class Desk:
    """An intake whose thread runs until all is taken in."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self.sightings: queue.SimpleQueue[Sighting] = queue.SimpleQueue()
        self.told: list[Stored] = []
        self.now = at(0)
        self.intake = Intake(
            store,
            self.sightings,
            IntakeSettings(pictures_for=timedelta(days=3), canary=CANARY),
            priorities=lambda: {("gate", "door"): Priority.HIGH},
            stored=self._stored,
            utc=lambda: self.now,
        )

    def _stored(self, done: Sequence[Stored]) -> None:
        self.told += done

    def take_in(self, *seen: Sighting) -> None:
        for one in seen:
            self.sightings.put(one)
        ended = threading.Event()
        ended.set()
        self.intake.run(ended)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with database(tmp_path) as store:
        yield Desk(store)


def test_a_signal_is_an_incident_with_its_record_its_message_and_a_promised_still(
    desk: Desk,
) -> None:
    desk.take_in(sighting())
    with desk.store.read() as r:
        (incident,) = incidents.open_incidents(r, None)
        (message,) = outbox.after(r, 0, 10, None)
        (still,) = evidence.pieces(r, incident.id, None)
        report = chain.verify(r)
    assert (incident.state, incident.priority) == (State.OPEN, Priority.LOW)
    assert incident.first.where == Box(0.1, 0.1, 0.2, 0.5)
    assert (message.incident, message.revision) == (incident.id, 1)
    assert still.expires_at == at(0) + timedelta(days=3)
    assert report.intact
    assert [one.still for one in desk.told] == [still.id]


def test_signals_of_one_situation_are_one_incident_updated(desk: Desk) -> None:
    desk.take_in(sighting(0), sighting(5), sighting(5, rule="door"))
    with desk.store.read() as r:
        found = {one.first.rule: one for one in incidents.open_incidents(r, None)}
        kinds = [row.kind.value for row in outbox.after(r, 0, 10, None)]
        kept = len(signals.signals_of(r, found["tracks"].id, None))
    assert {rule: (i.signals, i.revision) for rule, i in found.items()} == {
        "tracks": (2, 2),
        "door": (1, 1),
    }
    assert found["door"].priority is Priority.HIGH
    assert kinds == ["incident_opened", "incident_updated", "incident_opened"]
    assert kept == 2


def test_a_thousand_signals_in_a_burst_are_all_there_once(desk: Desk) -> None:
    burst = [sighting(n / 100, rule=f"r{n % 40}", shown=False) for n in range(1000)]
    desk.take_in(*burst)
    with desk.store.read() as r:
        waiting = incidents.open_incidents(r, None)
        total = sum(len(signals.signals_of(r, one.id, None)) for one in waiting)
        report = chain.verify(r)
    assert (len(waiting), total, report.intact) == (40, 1000, True)
    assert len({one.signal.id for one in desk.told}) == 1000


def test_the_canary_is_in_no_queue_and_no_picture_is_kept_of_it(desk: Desk) -> None:
    desk.take_in(sighting(camera=CANARY))
    with desk.store.read() as r:
        assert incidents.open_incidents(r, None) == []
        (canary,) = incidents.open_incidents(r, None, canary=True)
        assert evidence.pieces(r, canary.id, None) == []
        assert len(outbox.after(r, 0, 10, None)) == 1


def test_what_the_store_refuses_waits_and_is_stored_once_when_it_can(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time the refusal comes after the commit: its outcome was unknown."""
    honest = desk.store.write

    @contextmanager
    def refusing(*, essential: bool = True) -> Iterator[Writing]:
        raise StoreError("the disk is full", cause="full")
        yield

    @contextmanager
    def doubtful(*, essential: bool = True) -> Iterator[Writing]:
        with honest() as w:
            yield w
        raise StoreError("no answer", cause="unreachable")

    for trouble in (refusing, doubtful):
        monkeypatch.setattr(desk.store, "write", trouble)
        desk.take_in(sighting() if trouble is refusing else sighting(1, rule="door"))
        assert desk.intake.trouble is not None
    assert desk.intake.waiting == 2
    monkeypatch.undo()
    desk.take_in()
    assert (desk.intake.trouble, desk.intake.waiting) == (None, 0)
    with desk.store.read() as r:
        assert {one.first.rule: one.signals for one in incidents.open_incidents(r, None)} == {
            "tracks": 1,
            "door": 1,
        }


def test_signals_for_which_there_was_no_room_are_on_the_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_WAITING", 2)
    desk.take_in(*(sighting(n, rule=f"r{n}") for n in range(5)))
    with desk.store.read() as r:
        assert len(incidents.open_incidents(r, None)) == 2
        (gap,) = chain.lines(r, chain.Question(deeds=frozenset({Deed.GAP})))
    assert gap.details == '{"signals_lost":"3"}'
    assert desk.intake.lost == 0


def test_a_box_beyond_the_picture_ends_at_its_edge() -> None:
    assert in_shares(Box(-10, 0, 700, 360), View(640, 360)) == Box(0, 0, 1, 1)
    assert record_of(sighting()).id != record_of(sighting()).id


def test_a_still_is_promised_anew_for_what_was_stored_though_nobody_knew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = desk.store.write

    @contextmanager
    def doubtful(*, essential: bool = True) -> Iterator[Writing]:
        with honest() as w:
            yield w
        raise StoreError("no answer", cause="unreachable")

    monkeypatch.setattr(desk.store, "write", doubtful)
    desk.take_in(sighting())
    monkeypatch.undo()
    desk.take_in()
    with desk.store.read() as r:
        (incident,) = incidents.open_incidents(r, None)
        (still,) = evidence.pieces(r, incident.id, None)
    assert [one.still for one in desk.told] == [still.id]


def test_a_measured_value_that_is_no_number_holds_up_nobody(desk: Desk) -> None:
    odd = sighting(rule="odd")
    checks = (replace(odd.alert.checks[0], measured=math.nan, threshold=math.inf),)
    desk.take_in(replace(odd, alert=replace(odd.alert, checks=checks)), sighting())
    with desk.store.read() as r:
        kept = {one.first.rule: one.first.checks[0] for one in incidents.open_incidents(r, None)}
    assert (kept["odd"].measured, kept["odd"].threshold) == (0.0, 0.0)
    assert set(kept) == {"odd", "tracks"}


def test_proofs_of_life_leave_no_line_and_are_forgotten(desk: Desk) -> None:
    desk.take_in(*[sighting(n * 60.0, camera=CANARY) for n in range(5)])
    with desk.store.write() as w:
        assert incidents.forget_canaries(w, at(150)) == 2  # the first is its incident's own
        assert incidents.forget_canaries(w, at(150)) == 0
    with desk.store.read() as r:
        (canary,) = incidents.open_incidents(r, None, canary=True)
        assert len(signals.signals_of(r, canary.id, None)) == 3
        assert chain.verify(r).rows == 0


def elsewhere(seconds: float, place: float, height: float = 144) -> Sighting:
    """Somebody in another part of the same zone, so many box heights from the first."""
    seen, left = sighting(seconds), 64 + place * height
    box = Box(left, 36, left + height / 2, 36 + height)
    return replace(seen, alert=replace(seen.alert, where=box))


def take(desk: Desk) -> None:
    """Somebody takes the only incident."""
    with desk.store.read() as r:
        (one,) = incidents.open_incidents(r, None)
    People(desk.store, lambda: None, lambda: at(5)).take(one.id, "ana", None)


def test_an_incident_goes_on_as_long_as_somebody_of_its_own_does(desk: Desk) -> None:
    """Another person elsewhere in the zone does not keep it going."""
    other = elsewhere(5, 3)
    desk.take_in(sighting(0), other)
    place = in_shares(other.alert.where, VIEW)
    walked = (Going(place, in_shares(HERE, VIEW)),)
    assert elapse(desk.store, Limits(), {("gate", "tracks"): walked}, at(10)) == 1
    with desk.store.read() as r:
        found = {one.first.noticed: one.ongoing for one in incidents.open_incidents(r, None)}
    assert found == {at(0): False, at(5): True}


@pytest.mark.parametrize(
    ("now_at", "told"),
    [
        pytest.param(HERE, False, id="who was told is there still"),
        pytest.param(Box(420, 36, 484, 180), True, id="who was told has gone elsewhere"),
        pytest.param(None, False, id="nobody is followed: it may be the same one"),
    ],
)
def test_somebody_new_at_the_place_of_an_incident_that_somebody_has_is_told(
    desk: Desk, now_at: Box | None, *, told: bool
) -> None:
    desk.take_in(sighting(0))
    take(desk)
    others = () if now_at is None else (Going(in_shares(HERE, VIEW), in_shares(now_at, VIEW)),)
    desk.take_in(replace(sighting(8), others=others))
    with desk.store.read() as r:
        assert len(incidents.open_incidents(r, None)) == 1 + told


def test_a_second_person_elsewhere_in_the_zone_is_an_incident_of_their_own(desk: Desk) -> None:
    desk.take_in(sighting(0), elsewhere(5, 2), elsewhere(9, 0.5))
    with desk.store.read() as r:
        kinds = [row.kind for row in outbox.after(r, 0, 10, None)]
        found = {one.first.noticed: one.signals for one in incidents.open_incidents(r, None)}
    assert found == {at(0): 2, at(5): 1}
    assert kinds == [Deed.INCIDENT_OPENED, Deed.INCIDENT_OPENED, Deed.INCIDENT_UPDATED]
    assert all(one.still is not None for one in desk.told[:2])


def test_a_crowd_all_over_the_zone_is_a_handful_of_incidents(desk: Desk) -> None:
    desk.take_in(*(elsewhere(n * 2, n % 25, height=20) for n in range(50)))
    with desk.store.read() as r:
        waiting = incidents.open_incidents(r, None)
        assert sum(one.signals for one in waiting) == 50
    assert len(waiting) == 5


def test_who_comes_to_the_same_place_after_it_was_seen_to_end_is_told(desk: Desk) -> None:
    """Somebody has the first one, so nothing calls any more."""
    desk.take_in(sighting(0))
    people = People(desk.store, lambda: None, lambda: at(5))
    with desk.store.read() as r:
        (first,) = incidents.open_incidents(r, None)
    people.take(first.id, "ana", None)
    for seconds in (10, 31):
        assert elapse(desk.store, Limits(), {}, at(seconds)) == 1  # it is over
        desk.take_in(sighting(seconds + 20))
    assert elapse(desk.store, Limits(), {}, at(52)) == 1
    assert elapse(desk.store, Limits(), {("gate", "tracks"): STILL_THERE}, at(83)) == 0
    desk.take_in(sighting(84))
    with desk.store.read() as r:
        found = {one.first.noticed: one.signals for one in incidents.open_incidents(r, None)}
    assert found == {at(0): 3, at(84): 1}
