"""The page of authorisations: what they say, whether they hold now, what they cover here; a new one
in two steps, read first and then put in force."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Form
from pydantic import Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from veilleur.console.act_mistakes import Mistake, mistakes_in
from veilleur.console.acts import Entered, enter, shown
from veilleur.console.given import CurrentVisitor, TheDesk
from veilleur.console.plain import Posted
from veilleur.console.rendering import language_of, page
from veilleur.console.visitor import Visitor
from veilleur.desk.desk import Desk
from veilleur.errors import ConfigurationError
from veilleur.law.authorisation import Authorisation
from veilleur.yaml import as_model, parse_tree

TYPED = Path("act.yaml")
"""What errors call a text that was typed into the page."""


@dataclass(frozen=True, slots=True)
class TypedIn:
    """What somebody typed in, with its mistakes, or what was read."""

    text: str = ""
    mistakes: tuple[Mistake, ...] = ()
    read: Entered | None = None


class Typed(Posted):
    """add: what was read is put in force."""

    text: Annotated[str, Field(max_length=200_000)] = ""
    add: bool = False


def authorisations(request: Request, desk: TheDesk, visitor: CurrentVisitor) -> Response:
    """All of them, the latest end first."""
    return _page(request, desk, visitor)


def type_in(
    request: Request,
    desk: TheDesk,
    visitor: CurrentVisitor,
    given: Annotated[Typed, Form()],
) -> Response:
    """Read an act; with `add`, put it in force. What is wrong with it is said by line."""
    try:
        paper = as_model(parse_tree(given.text, TYPED), TYPED, Authorisation)
        read = enter(desk, visitor, paper, add=given.add)
    except ConfigurationError as error:
        found = mistakes_in(error, language_of(visitor))
        return _page(request, desk, visitor, TypedIn(given.text, found), status=422)
    if read.added:
        return RedirectResponse("/authorisations", status_code=303)
    status = 422 if read.refused else 200
    return _page(request, desk, visitor, TypedIn(given.text, read=read), status=status)


def _page(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    entered: TypedIn = TypedIn(),
    status: int = 200,
) -> Response:
    return page(
        request,
        "authorisations.html",
        status=status,
        acts=[shown(desk, visitor, act) for act in desk.authority.acts()],
        profile=desk.settings.profile,
        withdrawn=sorted(filter(visitor.sees, desk.authority.orders.withdrawn)),
        entered=entered,
    )
