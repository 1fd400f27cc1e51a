"""A legal profile: what the law allows at all, and until when, as a dated file.

The law moves (the experiment of 2023 ended on 31 March 2025 and was opened again in 2026), so it is
data. Nothing real is analysed without a profile whose dates cover the instant. Three are shipped;
an administration gives its own with `--profile FILE`, once a jurist has read the texts.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.schedule import TimeZone
from veilleur.law.authorisation import LONGEST, Gathering, Words, instant
from veilleur.yaml import read_model

SHIPPED = ("fr-jop2024", "fr-jop2030", "laboratory")
LEAST_LOG_DAYS, MOST_LOG_DAYS = 183, 3 * 366
"""Six months at least (AI Act, 26, 6), three years at most (CSI R. 253-5)."""


class Status(StrEnum):
    """How far a profile may be trusted."""

    VERIFIED = "verified"  # a jurist compared it with the texts, and is named
    TEMPLATE = "template"  # nobody has yet
    EXPIRED = "expired"  # the text has ended: for the record
    LABORATORY = "laboratory"  # files and our own simulator, nothing real


class Service(BaseModel):
    """A service that signals may be sent to, as the decree lists it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Words
    french: Words
    english: Words


class Verification(BaseModel):
    """Who compared the profile with the texts, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Words
    on: date


class LegalProfile(BaseModel):
    """What may be authorised at all.

    texts: what it rests on. begins, ends: first and last day, in `time_zone`; None in the
    laboratory alone. longest_days: of one authorisation. image_days: the oldest a kept image may
    be. clip_days: the oldest a redacted clip may be, 0: none is ever kept. log_days: of the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: Words
    status: Status
    verified: Verification | None = None
    texts: tuple[Words, ...] = Field(min_length=1)
    time_zone: TimeZone = "Europe/Paris"
    begins: date | None = Field(default=None, alias="from")
    ends: date | None = Field(default=None, alias="until")
    events: tuple[Event, ...] = Field(min_length=1)
    gatherings: tuple[Gathering, ...] = Field(min_length=1)
    services: tuple[Service, ...] = Field(min_length=1)
    longest_days: int = Field(ge=1, le=LONGEST.days)
    image_days: int = Field(ge=1, le=31)
    clip_days: int = Field(ge=0)
    log_days: int = Field(ge=LEAST_LOG_DAYS, le=MOST_LOG_DAYS)

    @property
    def laboratory(self) -> bool:
        return self.status is Status.LABORATORY

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.verified is not None) != (self.status is Status.VERIFIED):
            raise ValueError("verified: {by, on} belongs to the status `verified`, and to no other")
        if not self.laboratory and (self.begins is None or self.ends is None):
            raise ValueError("from and until are missing: the law's own dates")
        if self.begins is not None and self.ends is not None and self.ends < self.begins:
            raise ValueError("until is before from")
        if self.clip_days > self.image_days:
            raise ValueError("clip_days is more than image_days: a clip is an image too")
        return self

    def in_force(self, at: datetime) -> bool:
        """Do its dates cover the instant? Its last day is included, to midnight local time."""
        today = instant(at).astimezone(ZoneInfo(self.time_zone)).date()
        begun = self.begins is None or self.begins <= today
        return begun and (self.ends is None or today <= self.ends)


def read_profile(path: Path) -> LegalProfile:
    """Read the file that `--profile` names. Errors: ConfigurationError with its line."""
    return read_model(path, LegalProfile)


@cache
def shipped(name: str) -> LegalProfile:
    """One of the profiles that come with the package. Errors: ConfigurationError."""
    if name not in SHIPPED:
        raise ConfigurationError(
            f"there is no legal profile {name!r}",
            remedy=f"shipped are {', '.join(SHIPPED)}; give your own as a file",
            setting="profile",
        )
    with as_file(files("veilleur.law") / "profiles" / f"{name}.yaml") as path:
        return read_profile(path)
