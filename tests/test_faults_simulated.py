"""F1: a hundred thousand random lives of a desk, in which nothing is lost, doubled or looked at
without authorisation. A failing one is done again with `python -m tests.simulated --seed N`."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulated import schedules
from veilleur.desk import authority, intake
from veilleur.desk.authority import Authority
from veilleur.desk.intake import Intake
from veilleur.errors import StoreError
from veilleur.incidents.identity import new_id
from veilleur.law.steady import Steady

CI, LONG = 100_000, 1_000_000
PROCESSES = 2


@pytest.mark.parametrize("number", [CI, pytest.param(LONG, marks=pytest.mark.long)])
def test_nothing_is_lost_or_doubled_or_looked_at_without_authorisation(number: int) -> None:
    each = number // PROCESSES
    command = [sys.executable, "-m", "tests.simulated", "--schedules", str(each), "--from"]
    first = 0 if number == CI else CI
    running = [
        subprocess.Popen(
            [*command, str(first + n * each)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        for n in range(PROCESSES)
    ]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES, "".join(said)


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

    def receive(w, signal, *more):  # type: ignore[no-untyped-def]
        object.__setattr__(signal, "id", new_id(signal.noticed))
        return honest(w, signal, *more)

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
