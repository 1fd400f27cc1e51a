"""A rule as an integrator writes it: the same in a site file and in a dataset.

Coordinates are relative to the picture, 0..1, x to the right and y down. `params` belong to the
event (its module's `Parameters`); what is absent takes the event's default.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import PRIORITY, Event, Priority, Subject

Coordinate = Annotated[float, Field(ge=0.0, le=1.0)]
Point = tuple[Coordinate, Coordinate]


class HeadingAt(BaseModel):
    """One arrow of a drawn field: at this point, travel goes this way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: Point
    heading: tuple[float, float]


class RuleSpecification(BaseModel):
    """One rule of one camera. Exactly one of `zone` and `line` for forbidden_zone, else `zone`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    event: Event
    subject: Subject = Subject.PERSON
    zone: tuple[Point, ...] | None = None
    line: tuple[Point, Point] | None = None
    forbidden: Literal["left_to_right", "right_to_left", "both"] = "both"
    allowed_heading: tuple[float, float] | None = None
    headings: tuple[HeadingAt, ...] = ()
    params: dict[str, Any] = Field(default_factory=dict)
    priority: Priority | None = None

    @property
    def urgency(self) -> Priority:
        """How an operator's queue is ordered."""
        return self.priority or PRIORITY[self.event]
