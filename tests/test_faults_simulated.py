"""F1: a hundred thousand random lives of a desk, in which nothing is lost, doubled or looked at
without authorisation. A failing one is done again with `python -m tests.simulated --seed N`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest

from tests.side_by_side import parts, together
from tests.simulated import schedules
from veilleur.desk import authority, intake
from veilleur.desk.authority import Authority
from veilleur.desk.intake import Intake
from veilleur.errors import StoreError
from veilleur.incidents.identity import new_id
from veilleur.law.steady import Steady

CI, LONG = 100_000, 1_000_000


@pytest.mark.parametrize("number", [CI, pytest.param(LONG, marks=pytest.mark.long)])
def test_nothing_is_lost_or_doubled_or_looked_at_without_authorisation(number: int) -> None:
    first = 0 if number == CI else CI
    together(
        [
            ("tests.simulated", "--schedules", str(len(part)), "--from", str(part.start))
            for part in parts(first, number)
        ]
    )


# ---------------------------------------------------------------------- it can find something
def _forgets_what_is_refused(patch: pytest.MonkeyPatch) -> None:
    def store(self: Intake) -> bool:
        waiting, self._waiting = list(self._waiting), deque()
        try:
            self._write(waiting)
        except StoreError:
            return False
        return True

    patch.setattr(Intake, "_store", store)


def _makes_ids_anew(patch: pytest.MonkeyPatch) -> None:
    honest = intake.receive

    def receive(w, signal, *more, **named):  # type: ignore[no-untyped-def]
        object.__setattr__(signal, "id", new_id(signal.noticed))
        return honest(w, signal, *more, **named)

    patch.setattr(intake, "receive", receive)


def _keeps_no_record(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(intake, "_record", lambda *_: None)


def _never_asks_for_orders_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(authority, "CONTACT_S", 1e9)
    patch.setattr(Authority, "run", lambda *_: None)


def _believes_the_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Steady, "instants", lambda self, at: (at,))


@pytest.mark.parametrize(
    ("mistake", "found"),
    [
        (_forgets_what_is_refused, "I1"),
        (_makes_ids_anew, "I2"),
        (_keeps_no_record, "I1"),
        (_never_asks_for_orders_again, "I3"),
        (_believes_the_clock, "I3"),
    ],
)
def test_a_mistake_is_found_within_some_thousand_schedules(
    mistake: Callable[[pytest.MonkeyPatch], None], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake(monkeypatch)
    for first in range(0, 8000, 200):
        failures = schedules(first, 200).failures
        if failures:
            assert failures[0][1].startswith(found)
            return
    raise AssertionError("not found")
