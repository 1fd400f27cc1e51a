"""What the editor's pages send and are told: zones, rules and the ground of one camera."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from veilleur.cameras.suitability import Fit
from veilleur.catalogue import WORDING, Event, Priority
from veilleur.console.api_models import Given, Reason, Taken
from veilleur.console.fitness import Fitness, Suited
from veilleur.console.fitness_words import FITS, measured, say
from veilleur.console.ground_drawing import Drawing
from veilleur.console.mistakes import Mistake
from veilleur.console.rendering import said as _said
from veilleur.console.settings_words import Choice
from veilleur.events.wording import Language

State = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Share = tuple[float, float]


# ---------------------------------------------------------------------- asked
class RuleDrawn(Taken):
    """A rule as it stands on the page, right or wrong. was: its id in the file, "" for a new one.
    settings: as in the site file, without the schedule. schedule: as lines of text."""

    was: str = Field(default="", max_length=200)
    settings: dict[str, Any] = Field(max_length=20)
    schedule: str = Field(default="", max_length=4000)


class RulesDrawn(Taken):
    rules: list[RuleDrawn] = Field(max_length=200)


class RulesWanted(RulesDrawn):
    """state: as it was given with the rules that these were made from. despite: keep a new rule
    also where the camera can't serve its event; the record has it."""

    reason: Reason
    state: State
    despite: bool = False


class GroundDrawn(Taken):
    """ground: as in the site file; None: not known."""

    ground: dict[str, Any] | None = Field(default=None, max_length=4)


class GroundWanted(GroundDrawn):
    reason: Reason
    state: State


# ---------------------------------------------------------------------- told
class RuleGiven(Given):
    was: str
    settings: dict[str, Any]
    schedule: str


class ParameterGiven(Given):
    name: str
    label: str
    help: str
    unit: str
    default: str
    schedule: bool


class EventGiven(Given):
    """What a rule may be about, and how it is set."""

    event: str
    words: str
    shapes: list[str]
    vehicles: bool
    priority: Priority
    parameters: list[ParameterGiven]

    @classmethod
    def of(cls, choice: Choice) -> Self:
        return cls.model_validate(choice, from_attributes=True)


class RulesGiven(Given):
    """aspect: width of the picture by its height. differs: the file holds other rules than those
    that run; saving makes them run."""

    camera: str
    state: str
    aspect: float
    differs: bool
    rules: list[RuleGiven]
    events: list[EventGiven]


class MistakeGiven(Given):
    rule: int | None = Field(description="which one of those that were sent")
    where: str
    message: str
    remedy: str

    @classmethod
    def of(cls, mistake: Mistake) -> Self:
        return cls.model_validate(mistake, from_attributes=True)


class Checked(Given):
    mistakes: list[MistakeGiven]


class FindingGiven(Given):
    """One thing that speaks against a camera. fit: "limited", "not known" or "no"."""

    fit: Fit
    reason: str
    remedy: str


class SuitedGiven(Given):
    """Can this camera serve this event? fit: the worst of its findings. well: what was measured,
    where nothing speaks against it."""

    event: Event
    words: str
    fit: Fit
    fit_words: str
    findings: list[FindingGiven]
    well: str

    @classmethod
    def of(cls, one: Suited, language: Language) -> Self:
        return cls(
            event=one.event,
            words=_said(WORDING[one.event], language),
            fit=one.fit,
            fit_words=_said(FITS[one.fit], language),
            findings=[
                FindingGiven(
                    fit=found.fit,
                    reason=say(found.reason, language),
                    remedy=say(found.remedy, language),
                )
                for found in one.findings
            ],
            well=measured(one.well, language),
        )


class FitnessGiven(Given):
    """As far as it is known: from so many pictures, and people in them."""

    pictures: int
    people: int
    events: list[SuitedGiven]

    @classmethod
    def of(cls, fitness: Fitness, language: Language) -> Self:
        return cls(
            pictures=fitness.pictures,
            people=fitness.people,
            events=[SuitedGiven.of(one, language) for one in fitness.events],
        )


class UnfitGiven(Given):
    """A rule whose event this camera can't serve. refused: it is new, and is kept only where
    somebody says so on the record (`despite`)."""

    rule: int
    event: Event
    refused: bool


class RulesChecked(Checked):
    unfit: list[UnfitGiven]


class Saved(Checked):
    """saved: in force since `at`; patch: what changed in the site file. cause: else why not:
    "mistakes", "moved" (somebody else was faster), "read_only" (then `patch` is for whoever may
    write the file), "unfit" (the camera can't serve a new rule's event, and `despite` was not
    given)."""

    saved: bool
    patch: str
    cause: Literal["", "mistakes", "moved", "read_only", "unfit"] = ""
    at: datetime | None = None


class GroundGiven(Given):
    camera: str
    state: str
    aspect: float
    differs: bool
    ground: dict[str, Any] | None


class PointGiven(Given):
    error_m: float | None
    seen: Share | None


class GroundChecked(Checked):
    """The plane as a person can judge it; see `Drawing`. level: "none" where there is none."""

    error_m: float | None = None
    level: Literal["good", "usable", "poor", "unknown", "none"] = "none"
    step_m: float = 0.0
    points: tuple[PointGiven, ...] = ()
    grid: tuple[tuple[Share, ...], ...] = ()
    people: tuple[tuple[Share, Share], ...] = ()

    @classmethod
    def shown(cls, drawing: Drawing | None, mistakes: list[MistakeGiven]) -> Self:
        if drawing is None:
            return cls(mistakes=mistakes)
        return cls(
            mistakes=mistakes,
            error_m=drawing.error_m,
            level=drawing.level,
            step_m=drawing.step_m,
            points=tuple(PointGiven(error_m=p.error_m, seen=p.seen) for p in drawing.points),
            grid=drawing.grid,
            people=drawing.people,
        )
