"""Orders are in force from their entry until they are lifted, and nothing of them is forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.storing import NOON, at, database, postgresql, url
from veilleur.errors import AlreadyStored, NotFound
from veilleur.law.authorisation import Authorisation
from veilleur.law.orders import Act, Orders, Scope, Stop, Suspension
from veilleur.store import orders
from veilleur.store.database import Database

__all__ = ["database", "postgresql", "url"]  # fixtures

DAY = timedelta(days=1)


def act(reference: str = "Arrêté 2026-1", **more: Any) -> Authorisation:
    values: dict[str, Any] = {
        "reference": reference,
        "authority": "Préfet de police",
        "cameras": ["gate"],
        "events": ["forbidden_zone"],
        "period": {"from": "2026-11-24T08:00:00+01:00", "until": "2026-11-25T20:00:00+01:00"},
        "notice": {"text": "…", "told_by": ["posters"]},
        "clips": 3,
    }
    return Authorisation.model_validate({**values, **more})


def current(database: Database) -> Orders:
    with database.read() as r:
        return orders.current(r, NOON)


def test_nothing_is_in_force_at_first(database: Database) -> None:
    assert current(database) == Orders()


def test_an_act_comes_back_whole(database: Database) -> None:
    with database.write() as w:
        orders.add_act(w, act(), "ann", NOON)
    assert current(database) == Orders.of(act())


def test_an_act_is_entered_once(database: Database) -> None:
    with database.write() as w:
        orders.add_act(w, act(), "ann", NOON)
        with pytest.raises(AlreadyStored):
            orders.add_act(w, act(cameras=["yard"]), "bob", NOON)
    assert current(database) == Orders.of(act())


def test_an_act_that_ended_long_ago_is_kept_and_not_in_force(database: Database) -> None:
    with database.write() as w:
        orders.add_act(w, act(), "ann", NOON)
    with database.read() as r:
        end = act().period.end
        assert orders.current(r, end + timedelta(hours=1)).acts
        assert orders.current(r, end + DAY).acts == ()
        assert orders.all_acts(r) == [Act(authorisation=act())]


def test_a_suspended_act_says_by_whom_and_nothing_lifts_it(database: Database) -> None:
    by = Suspension(who="ann", at=at(1), reason="order of the prefect")
    with database.write() as w:
        orders.add_act(w, act(), "ann", NOON)
        orders.add_act(w, act("Arrêté 2026-2"), "ann", NOON)
        assert orders.suspend(w, act().reference, by)
        assert not orders.suspend(w, act().reference, by)
        with pytest.raises(NotFound):
            orders.suspend(w, "Arrêté 1789-1", by)
    assert [one.suspended for one in current(database).acts] == [by, None]


def test_a_withdrawn_camera_is_in_no_act_that_was_there_and_a_later_one_may_name_it(
    database: Database,
) -> None:
    with database.write() as w:
        orders.add_act(w, act(), "ann", NOON)
        assert orders.withdraw(w, "gate", "ann", at(1), "asked for")
        assert not orders.withdraw(w, "gate", "bob", at(2), "")
    named = act().cameras
    left = tuple(camera for camera in named if camera != "gate")
    assert current(database).withdrawn == {"gate"}
    assert [one.authorisation.cameras for one in current(database).acts] == [left] * bool(left)
    with database.write() as w:
        orders.add_act(w, act("Arrêté 2026-2"), "ann", at(3))
    assert current(database).withdrawn == frozenset()
    assert [one.authorisation.cameras for one in current(database).acts][-1] == named
    with database.write() as w:
        assert orders.withdraw(w, "gate", "ann", at(4), "once more")
    assert current(database).withdrawn == {"gate"}


def test_a_stop_holds_until_just_that_is_lifted(database: Database) -> None:
    everything = Stop(scope=Scope.EVERYTHING, who="ann", at=at(1), reason="fire alarm")
    rule = Stop(scope=Scope.RULE, target="gate/tracks", who="bob", at=at(2))
    with database.write() as w:
        assert orders.stop(w, everything)
        assert orders.stop(w, rule)
        assert not orders.stop(w, everything)
    assert current(database).stops == (everything, rule)
    with database.write() as w:
        assert not orders.lift(w, Scope.RULE, "gate/other", "ann", at(3))
        assert orders.lift(w, Scope.EVERYTHING, "", "ann", at(3))
    assert current(database).stops == (rule,)


def test_what_was_lifted_is_still_told(database: Database) -> None:
    stop = Stop(scope=Scope.CAMERA, target="gate", who="ann", at=at(1))
    for _ in range(2):
        with database.write() as w:
            orders.stop(w, stop)
            orders.lift(w, Scope.CAMERA, "gate", "bob", at(2))
    with database.read() as r:
        kept = r.connection.execute(select(orders.stops.c.lifted_by)).scalars().all()
        assert kept == ["bob", "bob"]
        assert r.connection.execute(select(func.count(orders.stops.c.id))).scalar_one() == 2


def test_a_camera_is_withdrawn_also_where_the_clock_was_set_back_before(database: Database) -> None:
    with database.write() as w:
        orders.add_act(w, act(), "ann", at(3600))
        assert orders.withdraw(w, "gate", "ann", at(1), "asked for")
    assert current(database).withdrawn == {"gate"}
    with database.write() as w:
        orders.add_act(w, act(reference="Arrêté 2026-124"), "ann", at(2))
    assert current(database).withdrawn == frozenset()
