"""Weekly schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from veilleur.events.schedule import Schedule

PARIS = ZoneInfo("Europe/Paris")


def schedule(**raw: Any) -> Schedule:
    return Schedule.model_validate({"time_zone": "Europe/Paris", **raw})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


NIGHTS = schedule(weekly={"mon-fri": ["22:00-06:00"]})


@pytest.mark.parametrize(
    ("when", "in_force"),
    [
        ("2026-06-12T21:59:59", False),
        ("2026-06-12T22:00:00", True),
        ("2026-06-13T05:59:59", True),  # Saturday morning belongs to Friday's span
        ("2026-06-13T06:00:00", False),
        ("2026-06-13T22:30:00", False),
        ("2026-06-15T03:00:00", False),  # Monday morning: Sunday has no span
        ("2026-06-15T23:00:00", True),
    ],
)
def test_a_span_over_midnight_belongs_to_the_day_it_begins(when: str, in_force: bool) -> None:
    assert NIGHTS.in_force(at(when)) == in_force


@pytest.mark.parametrize(
    ("days", "monday", "sunday"),
    [
        ("mon", True, False),
        ("sat-mon", True, True),
        ("sun,mon", True, True),
        ("tue-sat", False, False),
        ("daily", True, True),
    ],
)
def test_days_are_read_as_written(days: str, monday: bool, sunday: bool) -> None:
    week = schedule(weekly={days: ["00:00-24:00"]})
    assert week.in_force(at("2026-06-15T12:00:00")) == monday
    assert week.in_force(at("2026-06-14T12:00:00")) == sunday


def test_days_may_be_written_with_blanks_and_capitals() -> None:
    week = schedule(weekly={"Sat, Sun": ["00:00-24:00"]})
    assert week.in_force(at("2026-06-14T12:00:00"))
    assert not week.in_force(at("2026-06-15T12:00:00"))


def test_a_range_over_the_week_s_end_stops_at_its_last_day() -> None:
    week = schedule(weekly={"sat-mon": ["00:00-24:00"]})
    assert week.in_force(at("2026-06-15T23:59:59"))
    assert not week.in_force(at("2026-06-16T00:00:00"))


def test_the_last_minute_of_an_hour_and_of_a_day_can_be_written() -> None:
    week = schedule(weekly={"daily": ["07:59-08:59", "23:59-24:00"]})
    told = [week.in_force(at(f"2026-06-15T{clock}")) for clock in ("07:59:00", "08:59:00")]
    assert told == [True, False]
    assert week.in_force(at("2026-06-15T23:59:30"))


def test_the_first_day_of_the_calendar_has_no_day_before_it() -> None:
    assert schedule(weekly={"daily": ["00:00-24:00"]}).in_force(datetime.min)  # noqa: DTZ901
    assert not NIGHTS.in_force(datetime.min)  # noqa: DTZ901


def test_a_public_holiday_takes_the_place_of_its_weekday() -> None:
    """The fourteenth of July 2026 is a Tuesday."""
    feast = schedule(
        weekly={"mon-fri": ["08:00-18:00"]}, holidays={"country": "FR", "days": ["20:00-02:00"]}
    )
    assert not feast.in_force(at("2026-07-14T12:00:00"))
    assert feast.in_force(at("2026-07-14T21:00:00"))
    assert feast.in_force(at("2026-07-15T01:00:00"))
    assert feast.in_force(at("2026-07-15T12:00:00"))


def test_a_region_has_holidays_of_its_own() -> None:
    """Saint Stephen's day is one in Alsace."""
    everywhere = schedule(weekly={"daily": ["00:00-24:00"]}, holidays={"country": "FR"})
    alsace = schedule(
        weekly={"daily": ["00:00-24:00"]}, holidays={"country": "FR", "subdivision": "57"}
    )
    day = at("2026-12-26T12:00:00")
    assert everywhere.in_force(day)
    assert not alsace.in_force(day)


def test_days_of_23_and_25_hours_follow_the_clock_on_the_wall() -> None:
    early = schedule(weekly={"sun": ["01:00-04:00"]})
    for day, hours in [("2026-03-29", 2), ("2026-10-25", 4)]:
        begin = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=PARIS).astimezone(UTC)
        quarters = [begin + timedelta(minutes=15 * n) for n in range(4 * 8)]
        assert sum(early.in_force(instant) for instant in quarters) == hours * 4


def test_a_time_of_another_zone_is_carried_over() -> None:
    assert NIGHTS.in_force(at("2026-06-12T20:30:00+00:00"))  # 22:30 in Paris
    assert not NIGHTS.in_force(at("2026-06-12T22:30:00+09:00"))


@given(st.integers(0, 1439), st.integers(1, 1440), st.integers(0, 7 * 1440 - 1))
def test_a_daily_span_holds_exactly_its_minutes(begin: int, end: int, minute: int) -> None:
    if begin == end:
        return
    span = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    daily = schedule(weekly={"daily": [span]})
    of_day = minute % 1440
    inside = begin <= of_day < end if begin < end else (of_day >= begin or of_day < end)
    assert daily.in_force(at("2026-06-15T00:00:00") + timedelta(minutes=minute)) == inside


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ({"weekly": {"monday": ["08:00-09:00"]}}, "no day"),
        ({"weekly": {"mon": ["8-9"]}}, "no span"),
        ({"weekly": {"mon": ["08:00-08:00"]}}, "no length"),
        ({"weekly": {"mon": ["24:30-25:00"]}}, "no span"),
        ({"weekly": {"mon": ["08:60-09:00"]}}, "no span"),
        ({"weekly": {"mon": ["08:00-09:60"]}}, "no span"),
        ({"weekly": {"mon": ["24:00-06:00"]}}, "no span"),
        ({"weekly": {"mon": ["08:00-24:01"]}}, "no span"),
        ({"weekly": {"mon-noday": ["08:00-09:00"]}}, "no day"),
        ({"weekly": {}}, "never in force"),
        ({"weekly": {"mon": ["08:00-09:00"]}, "time_zone": "Europe/Pari"}, "no time zone"),
        ({"weekly": {"mon": ["08:00-09:00"]}, "holidays": {"country": "ZZ"}}, "no public holidays"),
        ({"weekly": {"mon": ["08:00-09:00"]}, "week": {}}, "Extra"),
    ],
)
def test_what_cannot_be_understood_is_refused(raw: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        schedule(**raw)
