"""Orders: on the record, obeyed at once, and in force over a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acts import NOW, act, verified
from tests.desk import database
from veilleur.catalogue import Event
from veilleur.desk import timekeeping
from veilleur.desk.authority import Authority
from veilleur.desk.timekeeping import Kernel
from veilleur.errors import ConfigurationError, NotAuthorised, NotFound, StoreError
from veilleur.law.gate import Gate, Live
from veilleur.law.orders import Scope
from veilleur.law.regime import desk
from veilleur.store import chain
from veilleur.store.database import Database
from veilleur.store.record import audit
from veilleur.store.transaction import Writing

RULES = {"tracks": Event.FORBIDDEN_ZONE}


class House:
    def __init__(self, store: Database) -> None:
        self.store = store
        self.gate = Gate({"gate": Live()}, desk(verified()), site="square")
        self.now = NOW
        self.authority = Authority(store, self.gate, utc=lambda: self.now)

    def open(self) -> bool:
        try:
            return self.gate.admit("gate", RULES, self.now) == {"tracks"}
        except NotAuthorised:
            return False

    def until_written(self) -> None:
        """As the authority's thread does it."""
        ended = threading.Event()
        thread = threading.Thread(target=self.authority.run, args=(ended,))
        thread.start()
        while len(self.deeds()) < 2:
            ended.wait(0.02)
        ended.set()
        thread.join()

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


def test_only_a_new_act_opens_again_what_was_suspended(house: House) -> None:
    house.authority.add(act(), "dpo")
    house.authority.suspend(act().reference, "dpo", "the prefect's order")
    assert not house.open()
    again = House(house.store)
    again.authority.renew()
    assert not again.open()
    again.authority.add(act(reference="Arrêté 2026-124"), "dpo")
    assert again.open()
    with pytest.raises(NotFound):
        house.authority.suspend("no such act", "dpo", "")


def test_a_withdrawn_camera_comes_back_with_a_later_act_alone(house: House) -> None:
    house.authority.add(act(), "dpo")
    house.authority.withdraw("gate", "dpo", "out of the perimeter")
    assert not house.open()
    again = House(house.store)
    again.now = NOW + timedelta(minutes=1)
    again.authority.renew()
    assert not again.open()
    again.authority.add(act(reference="Arrêté 2026-124"), "dpo")
    assert again.open()
    again.now = NOW + timedelta(minutes=2)
    again.authority.withdraw("gate", "dpo", "once more")
    assert not again.open()
    assert house.deeds().count("camera_withdrawn") == 2


@pytest.mark.parametrize("order", ["stop", "suspend", "withdraw"])
def test_what_closes_is_in_force_though_it_cannot_be_written_and_is_written_later(
    house: House, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """Law 30 and 45: at once, also where the disk is full or another process holds the store."""
    house.authority.add(act(), "dpo")
    orders: dict[str, Callable[[], object]] = {
        "stop": lambda: house.authority.stop(Scope.CAMERA, "gate", "ana", "now"),
        "suspend": lambda: house.authority.suspend(act().reference, "dpo", "now"),
        "withdraw": lambda: house.authority.withdraw("gate", "dpo", "now"),
    }

    @contextmanager
    def refusing(*, essential: bool = True) -> Iterator[None]:
        raise StoreError("the disk is full", cause="full")
        yield

    monkeypatch.setattr(house.store, "write", refusing)
    with pytest.raises(StoreError, match="in force"):
        orders[order]()
    assert not house.open()
    house.authority.renew()
    assert not house.open()
    monkeypatch.undo()
    house.until_written()
    assert not house.open()
    assert len(house.deeds()) == 2


def test_an_act_that_leaves_something_out_is_refused_with_what_is_missing(house: House) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        house.authority.add(act(controller=None, notice=None), "dpo")
    assert "controller" in refusal.value.message
    assert "notice" in refusal.value.message
    assert house.deeds() == []


class SetClock:
    """A desk whose clock is set: an act runs half an hour from now until an hour and a half."""

    def __init__(self, store: Database) -> None:
        self.passed_s = self.set_by_s = 0.0
        self.sure = False
        self.gate = Gate({"gate": Live()}, desk(verified()), site="square", boot=self.boot)
        self.authority = Authority(
            store, self.gate, utc=self.utc, boot=self.boot, checked=lambda _: self.sure
        )
        start = NOW + timedelta(minutes=30)
        period = {"from": start, "until": start + timedelta(hours=1)}
        self.authority.add(act(period=period), "ann")

    def boot(self) -> float:
        return self.passed_s

    def utc(self) -> datetime:
        return NOW + timedelta(seconds=self.passed_s + self.set_by_s)

    def open(self, *, settling: bool = False) -> bool:
        if settling:
            self.authority.settle()
        self.authority.renew()
        try:
            return bool(self.gate.admit("gate", RULES, self.utc()))
        except NotAuthorised:
            return False


steps = pytest.mark.parametrize(
    ("passed_s", "set_by_s"), [(0, 3600), (6000, -3600)], ids=["forward", "back"]
)


@pytest.fixture
def clocked(house: House) -> SetClock:
    return SetClock(house.store)


@steps
def test_a_clock_that_was_set_is_in_doubt_until_a_time_server_vouches_for_it(
    house: House, clocked: SetClock, passed_s: float, set_by_s: float
) -> None:
    """By one opinion the act runs, by the other not yet or no longer."""
    clocked.passed_s, clocked.set_by_s = passed_s, set_by_s
    assert not clocked.open(settling=True)
    assert clocked.authority.doubt_s == set_by_s
    clocked.sure = True
    assert clocked.open(settling=True)
    assert clocked.authority.doubt_s == 0
    clocked.authority.settle()
    assert house.deeds().count("clock_stepped") == 1, "there was nothing to settle"
    clocked.passed_s += 3600
    assert not clocked.open()


def test_somebody_can_answer_for_the_clock_and_is_on_the_record(
    house: House, clocked: SetClock
) -> None:
    clocked.set_by_s = 3600
    assert not clocked.open()
    clocked.authority.clock_is_right("ann", "compared with the speaking clock")
    assert clocked.open()
    assert house.deeds() == ["authorisation_added", "clock_stepped"]


@steps
def test_what_is_settled_is_on_the_record_or_it_is_not(
    house: House,
    clocked: SetClock,
    passed_s: float,
    set_by_s: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextmanager
    def refusing(*, essential: bool = True) -> Iterator[Writing]:
        raise StoreError("the disk is full", cause="full")
        yield

    monkeypatch.setattr(house.store, "write", refusing)
    clocked.passed_s, clocked.set_by_s, clocked.sure = passed_s, set_by_s, True
    with pytest.raises(StoreError):
        clocked.authority.settle()
    assert not clocked.open()


@pytest.mark.parametrize(
    ("kernel", "vouches"),
    [
        pytest.param(Kernel(NOW, True, 0.05), True, id="kept by a time server"),
        pytest.param(Kernel(NOW, False, 0.05), False, id="set by hand since"),
        pytest.param(Kernel(NOW, True, 16.0), False, id="it may be wrong by seconds"),
        pytest.param(Kernel(NOW + timedelta(hours=1), True, 0.05), False, id="another clock"),
    ],
)
def test_the_kernel_vouches_for_its_own_clock_while_a_time_server_keeps_it(
    kernel: Kernel, *, vouches: bool
) -> None:
    assert kernel.vouches_for(NOW) is vouches


def test_this_kernel_tells_the_time() -> None:
    told = timekeeping.kernel()
    assert told is None or abs((datetime.now(UTC) - told.now).total_seconds()) < 60
