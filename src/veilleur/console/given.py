"""What a handler can ask to be given, by the type of its argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends
from starlette.requests import Request

from veilleur.console.administration import Accounts, Tokens
from veilleur.console.doorkeeper import Doorkeeper
from veilleur.console.settings import Settings
from veilleur.console.signing import SignIn
from veilleur.console.viewed import Viewed
from veilleur.console.visitor import Visitor
from veilleur.desk.desk import Desk

Kept = TypeVar("Kept")


def _visitor(request: Request) -> Visitor:
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor)
    return visitor


def _kept(kind: type[Kept], name: str) -> Callable[[Request], Kept]:
    """What the application keeps under this name."""

    def kept(request: Request) -> Kept:
        value = getattr(request.app.state, name)
        assert isinstance(value, kind)
        return value

    return kept


CurrentVisitor = Annotated[Visitor, Depends(_visitor)]
TheSettings = Annotated[Settings, Depends(_kept(Settings, "settings"))]
TheDoorkeeper = Annotated[Doorkeeper, Depends(_kept(Doorkeeper, "doorkeeper"))]
TheDesk = Annotated[Desk, Depends(_kept(Desk, "desk"))]
TheAccounts = Annotated[Accounts, Depends(_kept(Accounts, "accounts"))]
TheTokens = Annotated[Tokens, Depends(_kept(Tokens, "tokens"))]
TheViewed = Annotated[Viewed, Depends(_kept(Viewed, "viewed"))]
TheSignIn = Annotated[SignIn, Depends(_kept(SignIn, "signing"))]
