"""Authorisations: what they say, whether they hold now, what they cover here; a new one in two
steps, read first and then put in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import Form
from pydantic import Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from veilleur.console.given import CurrentVisitor, TheDesk
from veilleur.console.plain import Posted
from veilleur.console.rendering import language_of, page
from veilleur.console.visitor import Visitor
from veilleur.desk.desk import Desk
from veilleur.errors import AlreadyStored, ConfigurationError, NotAuthorised
from veilleur.law.act import Line, summary
from veilleur.law.authorisation import Authorisation
from veilleur.law.conditions import faults
from veilleur.law.orders import Act
from veilleur.yaml import Problems, as_model, parse_tree

SOON = timedelta(days=3)
TYPED = Path("act.yaml")
"""What errors call a text that was typed into the page."""


class Standing(StrEnum):
    """How an act stands now."""

    IN_FORCE = "in_force"
    ENDS_SOON = "ends_soon"
    TO_COME = "to_come"
    SUSPENDED = "suspended"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Covered:
    """One rule of one camera of this site, and whether the act names it."""

    camera: str
    rule: str
    event: str
    named: bool


@dataclass(frozen=True, slots=True)
class ActShown:
    """strangers: cameras that the act names and the site does not have. faults: what keeps it from
    opening anything."""

    act: Act
    standing: Standing
    lines: tuple[Line, ...]
    covered: tuple[Covered, ...]
    strangers: tuple[str, ...]
    faults: tuple[NotAuthorised, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a typed act. line: None where it has none."""

    message: str
    remedy: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody types in. new: what was read. known: an act with its reference is here."""

    text: str = ""
    mistakes: tuple[Mistake, ...] = ()
    new: ActShown | None = None
    known: bool = False


class Typed(Posted):
    """add: what was read is put in force."""

    text: Annotated[str, Field(max_length=200_000)] = ""
    add: bool = False


def authorisations(request: Request, desk: TheDesk, visitor: CurrentVisitor) -> Response:
    """All of them, the latest end first."""
    return _page(request, desk, visitor)


def enter(
    request: Request,
    desk: TheDesk,
    visitor: CurrentVisitor,
    given: Annotated[Typed, Form()],
) -> Response:
    """Read an act; with `add`, put it in force. What is wrong with it is said by line."""
    try:
        act = as_model(parse_tree(given.text, TYPED), TYPED, Authorisation)
    except ConfigurationError as error:
        mistakes = error.problems if isinstance(error, Problems) else (error,)
        found = tuple(Mistake(one.message, one.remedy, one.line) for one in mistakes)
        return _page(request, desk, visitor, Entered(given.text, found), status=422)
    new = _shown(desk, visitor, Act(authorisation=act))
    known = any(one.authorisation.reference == act.reference for one in desk.authority.acts())
    if given.add and not known and not new.faults:
        try:
            desk.authority.add(act, visitor.account)
            return RedirectResponse("/authorisations", status_code=303)
        except (AlreadyStored, ConfigurationError):  # meanwhile
            known = True
    status = 422 if known or new.faults else 200
    return _page(request, desk, visitor, Entered(given.text, (), new, known), status=status)


def _page(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    entered: Entered = Entered(),
    status: int = 200,
) -> Response:
    acts = [_shown(desk, visitor, act) for act in desk.authority.acts()]
    return page(
        request,
        "authorisations.html",
        status=status,
        acts=acts,
        profile=desk.settings.profile,
        withdrawn=sorted(filter(visitor.sees, desk.authority.orders.withdrawn)),
        entered=entered,
    )


def _shown(desk: Desk, visitor: Visitor, act: Act) -> ActShown:
    paper, now = act.authorisation, datetime.now(UTC)
    known = {camera.id for camera in desk.site.cameras}
    covered = tuple(
        Covered(camera.id, rule.id, rule.event, rule.event in paper.events)
        for camera in desk.site.cameras
        if camera.id in paper.cameras and visitor.sees(camera.id)
        for rule in camera.rules
    )
    against = [] if paper.period.end <= now else faults(paper, desk.settings.profile, now)
    return ActShown(
        act=act,
        standing=_standing(act, now),
        lines=summary(paper, language_of(visitor)),
        covered=covered,
        strangers=tuple(one for one in paper.cameras if one not in known),
        faults=tuple(against),
    )


def _standing(act: Act, now: datetime) -> Standing:
    period = act.authorisation.period
    if act.suspended is not None:
        return Standing.SUSPENDED
    if period.end <= now:
        return Standing.OVER
    if period.start > now:
        return Standing.TO_COME
    return Standing.ENDS_SOON if period.end - now < SOON else Standing.IN_FORCE
