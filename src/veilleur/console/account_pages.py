"""Accounts and tokens, for supervisors: lists and forms."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form
from pydantic import Field
from starlette.responses import RedirectResponse, Response

from veilleur.console.administration import Rights, grantable
from veilleur.console.given import CurrentVisitor, TheAccounts, TheDesk, TheTokens
from veilleur.console.permission import Permission, Role
from veilleur.console.plain import Day, Posted, end_of, last_day, show, words_of
from veilleur.console.reach import WIDE
from veilleur.console.session_pages import Language, Password
from veilleur.console.visitor import Visitor
from veilleur.desk.desk import Desk
from veilleur.errors import AlreadyStored, ConfigurationError
from veilleur.store.accounts import Account

Cameras = Annotated[frozenset[str], Field(max_length=10_000)]


class RightsPosted(Posted):
    """every_camera: all of them, those to come too; `cameras` counts for nothing then. Days are
    included."""

    roles: frozenset[Role] = frozenset()
    every_camera: bool = False
    cameras: Cameras = frozenset()
    habilitated_until: Day = None
    trained_until: Day = None
    disabled: bool = False
    language: Language = "fr"

    def rights(self, zone: str) -> Rights:
        return Rights(
            roles=self.roles,
            cameras=None if self.every_camera else self.cameras,
            habilitated_until=end_of(self.habilitated_until, zone),
            trained_until=end_of(self.trained_until, zone),
            disabled=self.disabled,
            language=self.language,
        )


class AccountPosted(RightsPosted):
    name: Annotated[str, Field(max_length=200)]
    password: Password


class PasswordPosted(Posted):
    password: Password


class TokenPosted(Posted):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    permissions: frozenset[Permission] = frozenset()
    expires: Day


# ---------------------------------------------------------------------- accounts
def accounts_page(visitor: CurrentVisitor, accounts: TheAccounts, desk: TheDesk) -> Response:
    """All of them, with a form for a new one."""
    return _accounts(visitor, accounts, desk)


def _accounts(visitor: Visitor, accounts: TheAccounts, desk: Desk, *, wrong: str = "") -> Response:
    zone = desk.site.time_zone
    listed = [
        (one, last_day(one.habilitated_until, zone), last_day(one.trained_until, zone))
        for one in accounts.all(visitor.scope)
    ]
    return show(
        "accounts.html",
        visitor,
        status=422 if wrong else 200,
        accounts=listed,
        wrong=wrong,
        roles=_given(visitor),
        cameras=_seen(visitor, desk),
        every_camera=visitor.scope is None,
    )


def add_account(
    visitor: CurrentVisitor,
    accounts: TheAccounts,
    desk: TheDesk,
    given: Annotated[AccountPosted, Form()],
) -> Response:
    rights = given.rights(desk.site.time_zone)
    try:
        accounts.add(given.name, given.password, rights, visitor.account)
    except (ConfigurationError, AlreadyStored) as error:
        return _accounts(visitor, accounts, desk, wrong=words_of(error, visitor.language))
    return RedirectResponse("/accounts", status_code=303)


def one_account_page(
    visitor: CurrentVisitor, accounts: TheAccounts, desk: TheDesk, name: str
) -> Response:
    """One of them, to be changed."""
    return _one(visitor, accounts.one(name, visitor.scope), desk)


def _one(visitor: Visitor, account: Account, desk: Desk, *, wrong: str = "") -> Response:
    zone = desk.site.time_zone
    return show(
        "one_account.html",
        visitor,
        status=422 if wrong else 200,
        one=account,
        wrong=wrong,
        roles=_given(visitor),
        cameras=_offered(visitor, account, desk),
        every_camera=visitor.scope is None,
        habilitated=last_day(account.habilitated_until, zone),
        trained=last_day(account.trained_until, zone),
    )


def _given(visitor: Visitor) -> list[Role]:
    """Roles that this visitor hands out."""
    return [role for role in Role if visitor.scope is None or role not in WIDE]


def _seen(visitor: Visitor, desk: Desk) -> list[str]:
    """The site's cameras, as far as the visitor may know of them."""
    return [camera.id for camera in desk.site.cameras if visitor.sees(camera.id)]


def _offered(visitor: Visitor, account: Account, desk: Desk) -> list[str]:
    """Those, and the ones of the account that the site has no more."""
    ours = _seen(visitor, desk)
    return ours + sorted((account.cameras or frozenset()) - set(ours))


def change_account(
    visitor: CurrentVisitor,
    accounts: TheAccounts,
    desk: TheDesk,
    name: str,
    given: Annotated[RightsPosted, Form()],
) -> Response:
    try:
        accounts.change(name, given.rights(desk.site.time_zone), visitor.account)
    except ConfigurationError as error:
        words = words_of(error, visitor.language)
        return _one(visitor, accounts.one(name, visitor.scope), desk, wrong=words)
    return RedirectResponse("/accounts", status_code=303)


def set_password(
    visitor: CurrentVisitor,
    accounts: TheAccounts,
    desk: TheDesk,
    name: str,
    given: Annotated[PasswordPosted, Form()],
) -> Response:
    try:
        accounts.set_password(name, given.password, visitor.account)
    except ConfigurationError as error:
        words = words_of(error, visitor.language)
        return _one(visitor, accounts.one(name, visitor.scope), desk, wrong=words)
    return RedirectResponse("/accounts", status_code=303)


# ---------------------------------------------------------------------- tokens
def tokens_page(visitor: CurrentVisitor, tokens: TheTokens, desk: TheDesk) -> Response:
    """All of them, with a form for a new one."""
    return _tokens(visitor, tokens, desk)


def _tokens(
    visitor: Visitor, tokens: TheTokens, desk: Desk, *, secret: str = "", wrong: str = ""
) -> Response:
    zone = desk.site.time_zone
    return show(
        "tokens.html",
        visitor,
        status=422 if wrong else 200,
        tokens=[(one, last_day(one.expires, zone)) for one in tokens.all()],
        permissions=sorted(grantable(visitor)),
        secret=secret,
        wrong=wrong,
    )


def add_token(
    visitor: CurrentVisitor,
    tokens: TheTokens,
    desk: TheDesk,
    given: Annotated[TokenPosted, Form()],
) -> Response:
    """The answer shows the secret, once: it is in no address and in no cache."""
    expires = end_of(given.expires, desk.site.time_zone)
    try:
        if expires is None:
            raise ConfigurationError(
                "a token ends some day", remedy="choose one", setting="expires"
            )
        _, secret = tokens.issue(visitor, given.name, given.permissions, expires)
    except ConfigurationError as error:
        return _tokens(visitor, tokens, desk, wrong=words_of(error, visitor.language))
    return _tokens(visitor, tokens, desk, secret=secret)


def revoke_token(visitor: CurrentVisitor, tokens: TheTokens, id: UUID) -> Response:
    tokens.revoke(id, visitor.account)
    return RedirectResponse("/tokens", status_code=303)
