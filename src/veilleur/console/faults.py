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

from veilleur.console.doorkeeper import KIND, Kind
from veilleur.console.refusal import Refused, as_json, as_page, page
from veilleur.console.visitor import preferred_language
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

STATUS: Mapping[type[VeilleurError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    EvidenceFailed: HTTPStatus.GONE,
    IncidentRefused: HTTPStatus.CONFLICT,
    AlreadyStored: HTTPStatus.CONFLICT,
    NotAuthorised: HTTPStatus.CONFLICT,
    ConfigurationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What is not in it is a mistake of ours: 500."""


class Misfit(BaseModel):
    """One place in what was sent that doesn't fit; never with its value."""

    where: str
    message: str


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


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, VeilleurError)
    if isinstance(error, Refused):
        return as_json(error) if _wants_json(request) else as_page(error, _language(request))
    status = status_of(error)
    cause = str(getattr(error, "cause", ""))
    return _answer(request, status, Fault(detail=error.message, remedy=error.remedy, cause=cause))


async def _misfits(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = [
        Misfit(where=".".join(str(part) for part in one["loc"]), message=str(one["msg"]))
        for one in error.errors()
    ]
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if not _wants_json(request):
        words = "; ".join(f"{one.where}: {one.message}" for one in places)
        return page(words, status, _language(request))
    fault = Fault(detail="what was sent does not fit", places=places)
    return JSONResponse(fault.model_dump(), status_code=status)


async def _plain(request: Request, error: Exception) -> Response:
    """404, 405 and what a library refuses."""
    assert isinstance(error, HTTPException)
    words = HTTPStatus(error.status_code).phrase
    answer = _answer(request, HTTPStatus(error.status_code), Fault(detail=words))
    answer.headers.update(error.headers or {})
    return answer


def _answer(request: Request, status: HTTPStatus, fault: Fault) -> Response:
    if _wants_json(request):
        return JSONResponse(fault.model_dump(), status_code=status)
    words = f"{fault.detail} ({fault.remedy})" if fault.remedy else fault.detail
    return page(words, status, _language(request))


def _wants_json(request: Request) -> bool:
    kind = request.scope["state"].get(KIND)
    return kind is not Kind.PAGE if kind else request.url.path.startswith("/api/")


def _language(request: Request) -> str:
    return preferred_language(request.headers.get("accept-language", ""))
