"""The pages around a session: sign in, sign out, one's own account."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import Form, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from veilleur.console.given import (
    CurrentVisitor,
    TheAccounts,
    TheDesk,
    TheDoorkeeper,
    TheSettings,
    TheSignIn,
)
from veilleur.console.permission import Permission
from veilleur.console.plain import Posted, last_day, show, words_of
from veilleur.console.refusal import Refused, TooMany
from veilleur.console.signing import WrongPassword
from veilleur.console.visitor import Visitor, nobody
from veilleur.errors import ConfigurationError

Language = Literal["fr", "en"]
Password = Annotated[str, Field(max_length=1000)]


class Credentials(Posted):
    name: Annotated[str, Field(max_length=200)] = ""
    password: Password = ""
    next: Annotated[str, Field(max_length=2000)] = "/"
    language: Language = "fr"


class NewPassword(Posted):
    old: Password
    new: Password


class Choice(Posted):
    language: Language
    next: Annotated[str, Field(max_length=2000)] = "/"


def sign_in_page(
    visitor: CurrentVisitor,
    next: Annotated[str, Query(max_length=2000)] = "/",
    language: Language | None = None,
) -> Response:
    """The form; who is signed in goes on."""
    if visitor.signed_in:
        return RedirectResponse(onwards(next, visitor), status_code=303)
    reader = nobody(language or visitor.language, laboratory=visitor.laboratory)
    return show("sign_in.html", reader, next=own_path(next), name="", wrong="")


async def sign_in(
    request: Request,
    signing: TheSignIn,
    settings: TheSettings,
    keeper: TheDoorkeeper,
    given: Annotated[Credentials, Form()],
) -> Response:
    """A new session, or the form again with the same words whatever was wrong."""
    before = request.cookies.get(keeper.cookie, "")
    try:
        whence = keeper.address(request)
        secret = await signing.enter(given.name, given.password, whence, before)
    except (WrongPassword, TooMany) as refused:
        return _again(given, refused, laboratory=settings.laboratory)
    visitor = await run_in_threadpool(keeper.identities.by_session, secret)
    target = onwards(given.next, visitor) if visitor else own_path(given.next)
    answer = RedirectResponse(target, status_code=303)
    answer.set_cookie(
        keeper.cookie, secret, path="/", secure=settings.secure, httponly=True, samesite="strict"
    )
    return answer


def _again(given: Credentials, refused: Refused, *, laboratory: bool) -> Response:
    reader = nobody(given.language, laboratory=laboratory)
    answer = show(
        "sign_in.html",
        reader,
        status=refused.status,
        next=own_path(given.next),
        name=given.name,
        wrong=words_of(refused, given.language),
    )
    answer.headers.update({k: v for k, v in refused.headers().items() if k == "Retry-After"})
    return answer


def sign_out(
    visitor: CurrentVisitor, signing: TheSignIn, keeper: TheDoorkeeper, settings: TheSettings
) -> Response:
    """The session ends on both sides."""
    signing.leave(visitor)
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(
        keeper.cookie, path="/", secure=settings.secure, httponly=True, samesite="strict"
    )
    return answer


def account_page(visitor: CurrentVisitor, accounts: TheAccounts, desk: TheDesk) -> Response:
    """One's own account: what it may, until when; password and language."""
    return _account(visitor, accounts, desk)


def _account(
    visitor: Visitor,
    accounts: TheAccounts,
    desk: TheDesk,
    *,
    wrong: str = "",
    done: bool = False,
    status: int = 200,
) -> Response:
    mine = accounts.one(visitor.account)
    zone = desk.site.time_zone
    return show(
        "account.html",
        visitor,
        status=status,
        wrong=wrong,
        done=done,
        habilitated=last_day(mine.habilitated_until, zone),
        trained=last_day(mine.trained_until, zone),
    )


def change_password(
    visitor: CurrentVisitor,
    signing: TheSignIn,
    accounts: TheAccounts,
    desk: TheDesk,
    given: Annotated[NewPassword, Form()],
) -> Response:
    try:
        signing.change_password(visitor, given.old, given.new)
    except (WrongPassword, TooMany, ConfigurationError) as error:
        words = words_of(error, visitor.language)
        return _account(visitor, accounts, desk, wrong=words, status=422)
    return _account(visitor, accounts, desk, done=True)


def change_language(
    visitor: CurrentVisitor, signing: TheSignIn, given: Annotated[Choice, Form()]
) -> Response:
    signing.change_language(visitor, given.language)
    return RedirectResponse(own_path(given.next), status_code=303)


def stay(visitor: CurrentVisitor) -> None:
    """Somebody moved the mouse or pressed a key: the door has noted it."""


HOMES = (
    ("/", Permission.SEE_ALERTS),
    ("/cameras", Permission.SEE_CAMERAS),
    ("/audit", Permission.SEE_AUDIT),
)


def onwards(asked: str, visitor: Visitor) -> str:
    """Where to go on from "/": not everybody may see the alerts there."""
    path = own_path(asked)
    if path != "/":
        return path
    return next((home for home, needs in HOMES if visitor.may(needs)), "/account")


def own_path(asked: str) -> str:
    """Where to go on: a path of ours, never another place. "/" for anything else.

    >>> own_path("/incidents/1?x=1"), own_path("//evil.example"), own_path("https://evil.example")
    ('/incidents/1?x=1', '/', '/')
    """
    if not asked.isascii() or not asked.isprintable() or "\\" in asked:
        return "/"
    try:
        parts = urlsplit(asked)
    except ValueError:
        return "/"
    plain = not parts.scheme and not parts.netloc
    return asked if plain and asked.startswith("/") and not asked.startswith("//") else "/"
