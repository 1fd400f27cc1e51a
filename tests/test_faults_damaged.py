"""F8: however a database's file is damaged, it is told, or nothing is; never anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.damage import BREAK, FLIP, REFUSED, ZERO, fill, opened, outcome, trials
from tests.storing import NOON, at
from veilleur.errors import StoreError
from veilleur.store import evidence, incidents

CI, LONG = 100, 2000


@pytest.mark.parametrize("number", [CI, pytest.param(LONG, marks=pytest.mark.long)])
def test_damage_is_refused_or_found_in_the_record_or_stays_unnoticed_and_nothing_crashes(
    tmp_path: Path, number: int
) -> None:
    done = trials(tmp_path, 0, number)
    assert done.wrong == []
    assert done.ends[ZERO, REFUSED], "nothing was put to the test"
    assert done.ends[FLIP, BREAK], "nothing was put to the test"


def test_an_instant_beyond_the_calendar_is_damage(tmp_path: Path) -> None:
    """A turned bit made one of a year beyond 9999: the screen met an OverflowError."""
    fill(tmp_path / "filled")
    with opened(tmp_path / "filled") as database, database.write() as w:
        w.connection.exec_driver_sql("UPDATE sessions SET seen = -9221576515254652352")
    assert outcome(tmp_path / "filled") == REFUSED


def test_a_picture_that_is_not_the_one_that_was_kept_is_not_shown(tmp_path: Path) -> None:
    fill(tmp_path / "filled")
    with opened(tmp_path / "filled") as database:
        with database.write() as w:
            w.connection.exec_driver_sql("UPDATE evidence_contents SET content = x'ffd8ffd9'")
        with database.read() as r:
            pieces = [
                piece
                for one in incidents.recent(r, None, before=at(1), limit=1000)
                for piece in evidence.pieces(r, one.id, None)
                if piece.size
            ]
            assert pieces[0].taken_at == NOON
            with pytest.raises(StoreError, match="is not what was kept"):
                evidence.content(r, pieces[0].id, None)
