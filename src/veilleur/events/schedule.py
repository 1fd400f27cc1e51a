"""When a rule is in force: a week of clock times, with public holidays and a time zone.

    {"time_zone": "Europe/Paris",
     "weekly": {"mon-fri": ["22:00-06:00"], "sat,sun": ["00:00-24:00"]},
     "holidays": {"country": "FR", "days": ["00:00-24:00"]}}

A span belongs to the day on which it begins, also when it passes midnight. On a public holiday the
spans of `holidays` take the place of that weekday's. Only the clock on the wall is compared, so a
day of 23 or 25 hours needs no care. Public holidays come from the `holidays` package.
"""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
Span = tuple[int, int]  # minutes after midnight, begin < end; an end beyond 1440 is the next day


def _span(text: str) -> Span:
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no span of time: write it like 22:00-06:00")
    h1, m1, h2, m2 = (int(part) for part in match.groups())
    begin, end = h1 * 60 + m1, h2 * 60 + m2
    if m1 > 59 or m2 > 59 or begin >= 1440 or end > 1440:
        raise ValueError(f"{text!r} is no span of time: hours go from 00:00 to 24:00")
    if begin == end:
        raise ValueError(f"{text!r} has no length: for a whole day write 00:00-24:00")
    return (begin, end) if end > begin else (begin, end + 1440)


def _days(text: str) -> frozenset[int]:
    """ "mon-fri", "sat,sun", "fri-mon" (over the week's end) or "daily" to numbers, Monday 0."""
    found: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        first, _, last = ("mon", "-", "sun") if part == "daily" else part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"{part!r} is no day: use {', '.join(DAYS)}, a range, or daily")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found.update(day % 7 for day in range(begin, end + (7 if end < begin else 0) + 1))
    return frozenset(found)


def _spans(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        _span(text)
    return texts


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}: write it as Europe/Paris") from error
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""The name of a time zone that this machine knows."""
Spans = Annotated[tuple[str, ...], AfterValidator(_spans)]


class Holidays(BaseModel):
    """Public holidays of a country (and a subdivision), and the spans that hold on them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: str = Field(description="two letters, like FR")
    subdivision: str | None = Field(default=None, description="a region with holidays of its own")
    days: Spans = Field(default=(), description="spans in force on a holiday; none: not in force")

    @model_validator(mode="after")
    def _known(self) -> Holidays:
        try:
            holidays.country_holidays(self.country, subdiv=self.subdivision)
        except (NotImplementedError, AttributeError) as error:
            place = f"{self.country} {self.subdivision or ''}".strip()
            raise ValueError(f"no public holidays are known for {place!r}") from error
        return self


class Schedule(BaseModel):
    """A week of spans. time_zone: None takes the local time as it comes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: TimeZone | None = None
    weekly: dict[str, Spans] = Field(default_factory=dict)
    holidays: Holidays | None = None

    @model_validator(mode="after")
    def _readable(self) -> Schedule:
        for days in self.weekly:
            _days(days)
        if not any(self.weekly.values()) and not (self.holidays and self.holidays.days):
            raise ValueError("a schedule without a span is never in force: give one, or leave it")
        return self

    @cached_property
    def _week(self) -> tuple[tuple[Span, ...], ...]:
        """Seven tuples of spans, Monday first."""
        return tuple(
            tuple(
                _span(text)
                for days, texts in self.weekly.items()
                if number in _days(days)
                for text in texts
            )
            for number in range(7)
        )

    @cached_property
    def _calendar(self) -> Container[date] | None:
        if self.holidays is None:
            return None
        days = holidays.country_holidays(self.holidays.country, subdiv=self.holidays.subdivision)
        return cast("Container[date]", days)

    def _spans_of(self, day: date) -> tuple[Span, ...]:
        if self.holidays is not None and self._calendar is not None and day in self._calendar:
            return tuple(_span(text) for text in self.holidays.days)
        return self._week[day.weekday()]

    def in_force(self, local: datetime) -> bool:
        """At this instant? A `local` with a time zone is carried over into the schedule's."""
        if self.time_zone is not None and local.tzinfo is not None:
            local = local.astimezone(ZoneInfo(self.time_zone))
        minute = (local.hour * 60 + local.minute) + local.second / 60
        today = local.date()
        spans = self._spans_of(today)
        before = self._spans_of(today - timedelta(days=1)) if today > date.min else ()
        return any(begin <= minute < end for begin, end in spans) or any(
            begin <= minute + 1440 < end for begin, end in before
        )
