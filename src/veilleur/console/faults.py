"""Errors by name become answers: a status, words, and what to do next. Nothing that was sent comes
back in one: it may be a password."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from veilleur.console.doorkeeper import KIND, Kind, language_of
from veilleur.console.refusal import Refused, as_json, as_page, page
from veilleur.errors import (
    AlreadyStored,
    ConfigurationError,
    EvidenceFailed,
    IncidentRefused,
    NotAuthorised,
    NotFound,
    StoreError,
    VeilleurError,
)


class Awaited(EvidenceFailed):
    """It is being made. again_s: in how many whole seconds it is to be asked for again."""

    def __init__(self, what: str, again_s: int) -> None:
        super().__init__(f"the {what} is being recorded: ask again in {again_s} s", cause="pending")
        self.again_s = again_s


STATUS: Mapping[type[VeilleurError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Awaited: HTTPStatus.SERVICE_UNAVAILABLE,
    EvidenceFailed: HTTPStatus.GONE,
    IncidentRefused: HTTPStatus.CONFLICT,
    AlreadyStored: HTTPStatus.CONFLICT,
    NotAuthorised: HTTPStatus.CONFLICT,
    ConfigurationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What is not in it is a mistake of ours: 500."""


FRENCH: Mapping[type[VeilleurError], str] = {
    NotFound: "Cela n’existe pas, ou pas pour vous. Revenez à la liste.",
    Awaited: "Le film de l’alerte s’enregistre encore. Redemandez-le dans quelques secondes.",
    EvidenceFailed: "Cette image n’existe pas, ou plus.",
    IncidentRefused: "Ce n’est pas possible dans l’état actuel de l’alerte. Rechargez-la.",
    AlreadyStored: "Cela est déjà enregistré.",
    NotAuthorised: "L’autorisation ne le permet pas.",
    ConfigurationError: "Ce qui a été envoyé ne convient pas.",
    StoreError: "La base de données ne répond pas comme elle le doit : rien n’a été enregistré.",
}
_STATUS_FRENCH = {
    404: "Cette page n’existe pas.",
    405: "Cette page ne se demande pas ainsi.",
}


class Misfit(BaseModel):
    """One place in what was sent that doesn't fit; never with its value. code: the kind of mistake,
    in one word."""

    where: str
    message: str
    code: str = ""


class Fault(BaseModel):
    """What went wrong, for whoever reads the interface."""

    detail: str
    remedy: str = ""
    cause: str = Field(default="", description="a short word, where the error has one")
    places: list[Misfit] = Field(default=[], description="what in the request does not fit")


def tell_errors(app: FastAPI) -> None:
    """Have the application answer every error of ours by this module."""
    app.add_exception_handler(VeilleurError, _ours)
    app.add_exception_handler(RequestValidationError, _misfits)
    app.add_exception_handler(HTTPException, _plain)


def status_of(error: VeilleurError) -> HTTPStatus:
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _in_french(error: VeilleurError) -> str:
    kinds = (kind for kind in type(error).__mro__ if kind in FRENCH)
    return next((FRENCH[kind] for kind in kinds), error.message)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, VeilleurError)
    if isinstance(error, Refused):
        return as_json(error) if _wants_json(request) else as_page(error, language_of(request))
    cause = error.coded.cause if isinstance(error, ConfigurationError) else ""
    cause = str(getattr(error, "cause", cause))
    fault = Fault(detail=error.message, remedy=error.remedy, cause=cause)
    answer = _answer(request, status_of(error), fault, _in_french(error))
    if isinstance(error, Awaited):
        answer.headers["Retry-After"] = str(error.again_s)
    return answer


async def _misfits(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = [
        Misfit(
            where=".".join(str(part) for part in one["loc"]),
            message=str(one["msg"]),
            code=str(one["type"]),
        )
        for one in error.errors()
    ]
    fault = Fault(detail="what was sent does not fit", places=places)
    french = FRENCH[ConfigurationError]
    return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, fault, french)


async def _plain(request: Request, error: Exception) -> Response:
    """404, 405 and what a library refuses."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    fault = Fault(detail=status.phrase)
    answer = _answer(request, status, fault, _STATUS_FRENCH.get(status, status.phrase))
    answer.headers.update(error.headers or {})
    return answer


def _answer(request: Request, status: HTTPStatus, fault: Fault, french: str) -> Response:
    """JSON has codes and English, for programs and scripts; a page is in its reader's language."""
    if _wants_json(request):
        return JSONResponse(fault.model_dump(), status_code=status)
    language = language_of(request)
    words = french if language == "fr" else _english(fault)
    return page(words, status, language)


def _english(fault: Fault) -> str:
    places = "; ".join(f"{one.where}: {one.message}" for one in fault.places)
    more = "; ".join(part for part in (fault.remedy, places) if part)
    return f"{fault.detail} ({more})" if more else fault.detail


def _wants_json(request: Request) -> bool:
    kind = request.scope["state"].get(KIND)
    return kind is not Kind.PAGE if kind else request.url.path.startswith("/api/")
