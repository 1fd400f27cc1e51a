"""How much of a day and a week each camera was analysed, on the technical page and by the interface
(D12)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.console_house import House, house
from veilleur.engine.report import Condition
from veilleur.store import availability
from veilleur.store.availability import Spent

HOUR = timedelta(hours=1)


def spent(camera: str, hours_ago: int, condition: Condition, seconds: float, **more: str) -> Spent:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - hours_ago * HOUR
    return Spent(
        camera=camera,
        hour=hour,
        condition=condition.value,
        seconds=seconds,
        times=2,
        cause=more.get("cause", ""),
        began=hour,
        ended=hour + HOUR,
    )


@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    """Ten hours: the gate lost an hour two days ago, the dock was off by an order half the time."""
    with house(tmp_path) as one:
        rows = [spent("gate", ago, Condition.RUNNING, 3600) for ago in range(1, 10)]
        rows += [spent("gate", 48, Condition.LOST, 3600, cause="end of stream (check the network)")]
        rows += [spent("dock", ago, Condition.RUNNING, 1800) for ago in range(1, 5)]
        rows += [spent("dock", ago, Condition.NOT_AUTHORISED, 1800) for ago in range(1, 5)]
        with one.desk.database.write() as w:
            availability.add(w, rows)
        yield one


def text_of(made: House, who: str) -> str:
    page = made.browser(who).get("/technical").text
    section = page[page.index('id="availability-title"') :]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section)).replace("\u00a0", " ")


def test_the_page_says_what_share_of_the_time_and_why_not(made: House) -> None:
    words = text_of(made, "operator")
    assert re.search(r"gate \d+\.\d %", words)
    assert re.search(r"lost 1 h, 2 times end of stream \(check the network\)", words)
    assert re.search(r"dock 100\.0 % 100\.0 % 2 h since", words)
    assert re.search(r"not authorised 2 h", words)
    assert "Last 7 days" in words


def test_the_page_says_it_in_french(made: House) -> None:
    browser = made.browser("operator")
    csrf = browser.headers["X-CSRF-Token"]
    browser.post("/account/language", data={"language": "fr", "csrf": csrf})
    words = text_of(made, "operator")
    assert "Disponibilité" in words
    assert re.search(r"dock 100,0 % 100,0 % 2 h depuis le", words)
    assert "perdue 1 h, 2 fois" in words


def test_only_what_one_may_see_is_told(made: House) -> None:
    assert "gate" not in text_of(made, "docker")
    told = made.browser("docker").get("/api/v1/availability").json()
    assert [one["camera"] for one in told] == ["dock"]


def test_a_program_asks_for_a_day_or_a_week(made: House) -> None:
    operator = made.browser("operator")
    week = operator.get("/api/v1/availability").json()[0]
    assert week["analysed_s"] == 9 * 3600
    assert [(one["condition"], one["planned"]) for one in week["reasons"]] == [("lost", False)]
    day = operator.get("/api/v1/availability?of=day").json()[0]
    assert day["reasons"] == []
    assert operator.get("/api/v1/availability?of=year").status_code == 422
