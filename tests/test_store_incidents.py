"""Signals and incidents are stored whole or not at all, once, and come back as they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.storing import (
    NOON,
    at,
    database,
    entry,
    must,
    opened,
    postgresql,
    signal,
    signalled,
    url,
)
from veilleur.catalogue import Priority
from veilleur.errors import AlreadyStored, IncidentMoved
from veilleur.incidents import life
from veilleur.incidents.incident import FollowUp, Incident, State, Verdict
from veilleur.law.deed import Deed
from veilleur.store import chain, incidents, outbox, signals
from veilleur.store.database import Database

__all__ = ["database", "postgresql", "url"]  # fixtures

GATE = frozenset({"gate"})
OTHER = frozenset({"yard"})


def test_an_incident_comes_back_as_it_was(database: Database) -> None:
    with database.write() as w:
        incident = signalled(w)
    with database.read() as r:
        assert incidents.incident(r, incident.id, None) == incident
        assert incidents.open_incidents(r, None) == [incident]
        assert signals.signals_of(r, incident.id, None) == [incident.first]
        assert signals.known(r, incident.first.id)


def test_its_whole_life_comes_back(database: Database) -> None:
    with database.write() as w:
        incident = signalled(w)
    deeds: list[Callable[[Incident], Incident]] = [
        lambda one: life.take(one, "ann", at(5)),
        lambda one: life.hand_over(one, "ann", "bob", at(6)),
        lambda one: life.decide(
            one,
            Verdict(confirmed=False, who="bob", at=at(9), reason="light", note="a puddle\0 \ud800"),
        ),
        lambda one: life.follow_up(one, FollowUp(who="ann", at=at(60), outcome="none")),
    ]
    for deed in deeds:
        before, incident = incident, deed(incident)
        with database.write() as w:
            incidents.update(w, incident, before.revision)
    with database.read() as r:
        kept = must(incidents.incident(r, incident.id, None))
    assert kept.verdict is not None
    assert kept.verdict.note == "a puddle\ufffd \ufffd"
    assert replace(kept, verdict=incident.verdict) == incident


def test_nothing_of_a_transaction_that_fails_is_stored(database: Database) -> None:
    def break_off() -> None:
        with database.write() as w:
            signalled(w)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        break_off()
    with database.read() as r:
        assert incidents.recent(r, None) == []
        assert outbox.after(r, 0, 10, None) == []
        assert chain.verify(r).rows == 0


def test_page_by_page_none_is_left_out_of_many_that_were_opened_at_one_instant(
    database: Database,
) -> None:
    with database.write() as w:
        everything = {signalled(w).id for _ in range(7)}
    found: list[Incident] = []
    with database.read() as r:
        while page := incidents.recent(r, None, before=found[-1] if found else None, limit=3):
            found += page
    assert len(found) == len(everything)
    assert {one.id for one in found} == everything


def test_a_second_delivery_of_a_signal_changes_nothing(database: Database) -> None:
    with database.write() as w:
        incident = signalled(w)
    with database.write() as w:
        with pytest.raises(AlreadyStored) as caught:
            signals.add_signal(w, incident.first, incident.id)
        w.record(entry())  # the transaction goes on
    assert caught.value.id == str(incident.first.id)
    with database.read() as r:
        assert len(signals.signals_of(r, incident.id, None)) == 1


def test_the_incidents_of_a_rule_that_wait_or_were_decided_lately_are_found(
    database: Database,
) -> None:
    with database.write() as w:
        one, other = signalled(w), signalled(w)
        signalled(w, signal(rule="another"))
        signalled(w, signal(camera="yard"))
        alive = signalled(w, signal(canary=True))
        taken = life.take(one, "ann", at(50))
        incidents.update(w, taken, 1)
        decided = life.decide(
            taken, Verdict(confirmed=False, who="ann", at=at(100), reason="animal")
        )
        incidents.update(w, decided, 2)
    lately = timedelta(seconds=30)
    with database.read() as r:
        assert incidents.waiting(r, "gate", "tracks") == [other]
        assert incidents.waiting(r, "gate", "tracks", canary=True) == [alive]
        for seconds, known in ((69, []), (70, [decided]), (130, [decided]), (131, [])):
            assert incidents.decided_about(r, "gate", "tracks", at(seconds), lately) == known
        assert incidents.of_signal(r, one.first.id) == decided
        assert incidents.of_signal(r, uuid4()) is None
        assert incidents.count_waiting(r, None) == 3


def test_whoever_is_slower_is_told_so(database: Database) -> None:
    with database.write() as w:
        incident = signalled(w)
    with database.write() as w:
        incidents.update(w, life.take(incident, "ann", at(1)), incident.revision)
    with database.write() as w, pytest.raises(IncidentMoved) as caught:
        incidents.update(w, life.take(incident, "bob", at(1)), incident.revision)
    assert (caught.value.cause, caught.value.incident) == ("moved", str(incident.id))
    with database.read() as r:
        assert must(incidents.incident(r, incident.id, None)).taker == "ann"


def test_what_is_out_of_scope_does_not_exist(database: Database) -> None:
    with database.write() as w:
        incident = signalled(w)
    with database.read() as r:
        for scope, seen in ((GATE, True), (None, True), (OTHER, False), (frozenset[str](), False)):
            assert (incidents.incident(r, incident.id, scope) is not None) == seen
            assert bool(incidents.open_incidents(r, scope)) == seen
            assert bool(incidents.recent(r, scope)) == seen
            assert bool(signals.signals_of(r, incident.id, scope)) == seen
            assert bool(outbox.after(r, 0, 10, scope)) == seen
            assert bool(incidents.count_waiting(r, scope)) == seen
        assert incidents.incident(r, uuid4(), None) is None


def test_the_queue_is_ordered_by_urgency_then_age(database: Database) -> None:
    waiting = [("a", Priority.LOW, 0), ("b", Priority.HIGH, 2), ("c", Priority.HIGH, 1)]
    with database.write() as w:
        for rule, priority, after_s in waiting:
            one = opened(signal(rule=rule), priority=priority, now=at(after_s))
            incidents.insert(w, one)
    with database.read() as r:
        assert [one.first.rule for one in incidents.open_incidents(r, None)] == ["c", "b", "a"]
        assert [one.first.rule for one in incidents.recent(r, None)] == ["b", "c", "a"]
        assert [one.first.rule for one in incidents.recent(r, None, before=at(2))] == ["c", "a"]
        assert incidents.recent(r, None, states=[State.TAKEN]) == []


def test_canaries_stay_apart(database: Database) -> None:
    with database.write() as w:
        canary = signalled(w, signal(canary=True))
    with database.read() as r:
        assert incidents.recent(r, None) == incidents.open_incidents(r, None) == []
        assert incidents.open_incidents(r, None, canary=True) == [canary]


def test_messages_come_in_order_and_from_where_somebody_stopped(database: Database) -> None:
    with database.write() as w:
        made = [signalled(w, signal(rule=str(number))) for number in range(5)]
    with database.read() as r:
        messages = outbox.after(r, 0, 10, None)
        assert [one.incident for one in messages] == [one.id for one in made]
        assert outbox.after(r, messages[2].id, 10, None) == messages[3:]
        assert outbox.after(r, 0, 2, None) == messages[:2]
        assert outbox.last(r) == messages[-1].id


def test_a_message_holds_the_closed_list_and_the_end_of_the_chain(database: Database) -> None:
    with database.write() as w:
        incident = life.take(signalled(w), "ann", at(1))
        incidents.update(w, incident, 1)
        w.record(entry(Deed.INCIDENT_TAKEN, who="ann"))
        outbox.append(w, incident, Deed.INCIDENT_TAKEN, at(1))
        head = w.head
    with database.read() as r:
        payload = outbox.after(r, 1, 1, None)[0].payload
    assert "ann" not in payload
    content = json.loads(payload)
    assert set(content) == {
        *("incident", "revision", "kind", "event", "level", "camera", "rule", "state"),
        *("priority", "onset", "noticed", "where", "reference", "software", "laboratory"),
        *("canary", "record", "digest"),
    }
    assert (content["record"], content["digest"]) == (head.number, head.digest)


def test_a_message_stays_for_each_channel_until_it_acknowledges(database: Database) -> None:
    with database.write() as w:
        signalled(w)
    with database.read() as r:
        (message,) = outbox.undelivered(r, "mqtt", 10)
    for _ in range(2):
        with database.write() as w:
            outbox.mark_delivered(w, [message.id], "mqtt", at(1))
    with database.read() as r:
        assert outbox.undelivered(r, "mqtt", 10) == []
        assert outbox.undelivered(r, "webhook", 10) == [message]
    with database.write() as w:
        assert outbox.purge(w, NOON + timedelta(days=1)) == 1
        signalled(w, signal(rule="later"))
    with database.read() as r:
        assert [one.id for one in outbox.after(r, 0, 10, None)] == [message.id + 1]
