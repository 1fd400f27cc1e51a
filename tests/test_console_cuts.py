"""D03: whatever cuts a screen off, it says so in time; after it nothing is lost and nothing is
told twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console_cuts import LONG, Kind, hundred, outcome, told, trial

pytestmark = pytest.mark.tool("chromium")


def test_a_screen_that_is_cut_off_says_so_and_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with trial(tmp_path, seed=1) as made:
        made.each(Kind.OFFLINE, Kind.RESET, Kind.STALL, Kind.AWAY)
        found = outcome(made)
    assert found.faults == [], told(found)
    assert found.changes > 0


@pytest.mark.long
def test_a_hundred_cuts_at_random_moments(tmp_path: Path) -> None:
    found, _ = hundred(tmp_path, 2, LONG)
    assert found.faults == [], told(found)
    assert set(found.kinds) == set(Kind)
