"""Orders: on the record, obeyed at once, and in force over a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acts import NOW, act, verified
from tests.desk import database
from veilleur.catalogue import Event
from veilleur.desk.authority import Authority
from veilleur.errors import ConfigurationError, NotAuthorised, NotFound
from veilleur.law.gate import Gate, Live
from veilleur.law.orders import Scope
from veilleur.law.regime import desk
from veilleur.store import chain
from veilleur.store.database import Database
from veilleur.store.record import audit

RULES = {"tracks": Event.FORBIDDEN_ZONE}


class House:
    def __init__(self, store: Database) -> None:
        self.store = store
        self.gate = Gate({"gate": Live()}, desk(verified()), site="square")
        self.authority = Authority(store, self.gate, utc=lambda: NOW)

    def open(self) -> bool:
        try:
            return self.gate.admit("gate", RULES, NOW) == {"tracks"}
        except NotAuthorised:
            return False

    def deeds(self) -> list[str]:
        with self.store.read() as r:
            assert chain.verify(r).intact
            rows = r.connection.execute(audit.select().order_by(audit.c.number)).all()
        return [row.deed for row in rows]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with database(tmp_path) as store:
        yield House(store)


def test_nothing_is_looked_at_before_an_act_and_with_it_at_once(house: House) -> None:
    house.authority.renew()
    assert not house.open()
    house.authority.add(act(), "dpo")
    assert house.open()
    assert house.deeds() == ["authorisation_added"]


@pytest.mark.parametrize(
    ("scope", "target"),
    [
        (Scope.EVERYTHING, ""),
        (Scope.SITE, "square"),
        (Scope.CAMERA, "gate"),
        (Scope.RULE, "gate/tracks"),
    ],
)
def test_a_stop_holds_at_once_and_over_a_restart_until_it_is_lifted(
    house: House, scope: Scope, target: str
) -> None:
    house.authority.add(act(), "dpo")
    house.authority.stop(scope, target, "ana", "works on the platform")
    assert not house.open()
    again = House(house.store)
    again.authority.renew()
    assert not again.open()
    again.authority.lift(scope, target, "ben", "over")
    assert again.open()
    assert house.deeds()[1:] == ["stopped", "resumed"]
    with pytest.raises(NotFound):
        again.authority.lift(scope, target, "ben", "over")


def test_a_suspended_act_and_a_withdrawn_camera_are_closed_over_a_restart(house: House) -> None:
    house.authority.add(act(), "dpo")
    house.authority.suspend(act().reference, "dpo", "the prefect's order")
    assert not house.open()
    again = House(house.store)
    again.authority.renew()
    assert not again.open()
    house.authority.resume(act().reference, "dpo", "a new decision")
    assert house.open()
    house.authority.withdraw("gate", "dpo", "out of the perimeter")
    assert not house.open()
    assert house.deeds()[-3:] == [
        "authorisation_suspended",
        "authorisation_resumed",
        "camera_withdrawn",
    ]


def test_an_act_that_leaves_something_out_is_refused_with_what_is_missing(house: House) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        house.authority.add(act(controller=None, notice=None), "dpo")
    assert "controller" in refusal.value.message
    assert "notice" in refusal.value.message
    assert house.deeds() == []
