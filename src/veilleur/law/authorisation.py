"""An authorisation: the act under which a camera may be analysed for an event, for a time.

Source: loi n° 2023-380 du 19 mai 2023, article 10, VII: a reasoned and published decision that
names the authority, the controller and the services, the event and why, the perimeter, how the
public is told, and the period to the hour; a month at most, to be renewed by a new one.

    reference: Arrêté 2026-123
    authority: Préfet de police
    cameras: [gate]
    events: [forbidden_zone, density]
    period: {from: 2026-12-01T14:00:00+01:00, until: 2026-12-02T06:00:00+01:00}
    # what follows is demanded wherever operators work (`law.conditions.DESK`)
    controller: Préfecture de police
    perimeter: Parvis de la gare, rue du Départ
    services: [national_police]
    gathering: sporting
    reasons: Final of the cup, 40,000 expected, ...
    notice: {text: ..., told_by: [posters at every entrance, the city's site]}
    clips: 3                                  # days; absent: no clip is kept
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from veilleur.catalogue import Event
from veilleur.yaml import read_model

ARTICLE = "loi 2023-380, art. 10, VII"
LONGEST = timedelta(days=31)
CLOCK_CHANGE = timedelta(hours=1)
"""A month in which summer time ends is an hour longer."""

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Gathering(StrEnum):
    """The kinds of event that may be protected (article 10, I). There is no other."""

    SPORTING = "sporting"
    RECREATIONAL = "recreational"
    CULTURAL = "cultural"


class Period(BaseModel):
    """From one instant to another, both with their time zone; the end is not included.

    Compared as instants: two local times of the same zone would be compared by their clock faces,
    which is wrong in the hour that comes twice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="until")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        passes = instant(self.end) - instant(self.start)
        if passes <= timedelta(0):
            raise PydanticCustomError("period_backwards", "the period ends before it begins")
        faces = self.end.replace(tzinfo=None) - self.start.replace(tzinfo=None)
        if faces > LONGEST or passes > LONGEST + CLOCK_CHANGE:
            raise PydanticCustomError(
                "period_too_long",
                "longer than {days} days: ask for a renewal instead",
                {"days": LONGEST.days},
            )
        return self

    def covers(self, at: datetime) -> bool:
        """at: an aware instant. Raises ValueError for a local time without its zone."""
        return instant(self.start) <= instant(at) < instant(self.end)


class Notice(BaseModel):
    """How the public is told: the text and where it stands, or why it is not told (III, VII)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Words | None = None
    told_by: tuple[Words, ...] = ()
    derogation: Words | None = Field(default=None, description="the reasons the act gives")

    @model_validator(mode="after")
    def _either(self) -> Self:
        told = self.text is not None and bool(self.told_by)
        if told == (self.derogation is not None) or (self.derogation and self.text):
            raise PydanticCustomError(
                "notice_unclear",
                "give text and told_by, or else derogation with the act's reasons",
            )
        return self


class Authorisation(BaseModel):
    """What one decision of the authority allows. Nothing is allowed by default.

    services: ids out of the legal profile's list. clips: days for which a redacted clip of an alert
    may be kept; None: not granted. laboratory: made up, for files and our simulator; it opens no
    camera, and a real act opens no file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: Words = Field(description="number and date of the decision")
    authority: Words = Field(description="who decided: the prefect")
    cameras: tuple[str, ...] = Field(min_length=1, description="ids of the cameras it names")
    events: tuple[Event, ...] = Field(min_length=1, description="out of the closed list of eight")
    period: Period
    controller: Words | None = None
    perimeter: Words | None = None
    services: tuple[Words, ...] = ()
    gathering: Gathering | None = None
    reasons: Words | None = None
    notice: Notice | None = None
    clips: int | None = Field(default=None, ge=1, description="days")
    laboratory: bool = False


def instant(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a local time without its zone, and for the
    first and last hours of the calendar, which have none."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone: no act can be said to cover it")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{at.isoformat()} is outside the calendar") from None


def read_authorisation(path: Path) -> Authorisation:
    """Read the YAML file that `--authorisation` names. Errors: ConfigurationError with its line."""
    return read_model(path, Authorisation)
