"""An authorisation: the act under which a camera may be analysed for an event, for a time.

Source: loi n° 2023-380 du 19 mai 2023, article 10, VII. An authorisation names the authority, the
cameras, the events and the period to the hour; it lasts a month at most.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from veilleur.catalogue import Event
from veilleur.yaml import read_model

ARTICLE = "loi 2023-380, art. 10, VII"
LONGEST = timedelta(days=31)


class Period(BaseModel):
    """From one instant to another, both with their time zone; the end is not included."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="until")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("the period ends before it begins")
        if self.end - self.start > LONGEST:
            raise ValueError(f"longer than {LONGEST.days} days: ask for a renewal instead")
        return self

    def covers(self, at: datetime) -> bool:
        return self.start <= at < self.end


class Authorisation(BaseModel):
    """What one decision of the authority allows. Nothing is allowed by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: str = Field(min_length=1, description="number and date of the decision")
    authority: str = Field(min_length=1, description="who decided: the prefect")
    cameras: tuple[str, ...] = Field(min_length=1, description="ids of the cameras it names")
    events: tuple[Event, ...] = Field(min_length=1, description="out of the closed list of eight")
    period: Period


def read_authorisation(path: Path) -> Authorisation:
    """Read the YAML file that `--authorisation` names. Errors: ConfigurationError with its line."""
    return read_model(path, Authorisation)
