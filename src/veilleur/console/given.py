"""What a handler can ask to be given, by the type of its argument."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from veilleur.console.administration import Accounts, Tokens
from veilleur.console.doorkeeper import Doorkeeper
from veilleur.console.settings import Settings
from veilleur.console.signing import SignIn
from veilleur.console.viewed import Viewed
from veilleur.console.visitor import Visitor
from veilleur.desk.desk import Desk


def _visitor(request: Request) -> Visitor:
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor)
    return visitor


def _settings(request: Request) -> Settings:
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings


def _doorkeeper(request: Request) -> Doorkeeper:
    doorkeeper = request.app.state.doorkeeper
    assert isinstance(doorkeeper, Doorkeeper)
    return doorkeeper


def _desk(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


def _accounts(request: Request) -> Accounts:
    accounts = request.app.state.accounts
    assert isinstance(accounts, Accounts)
    return accounts


def _tokens(request: Request) -> Tokens:
    tokens = request.app.state.tokens
    assert isinstance(tokens, Tokens)
    return tokens


def _viewed(request: Request) -> Viewed:
    viewed = request.app.state.viewed
    assert isinstance(viewed, Viewed)
    return viewed


def _signing(request: Request) -> SignIn:
    signing = request.app.state.signing
    assert isinstance(signing, SignIn)
    return signing


CurrentVisitor = Annotated[Visitor, Depends(_visitor)]
TheSettings = Annotated[Settings, Depends(_settings)]
TheDoorkeeper = Annotated[Doorkeeper, Depends(_doorkeeper)]
TheDesk = Annotated[Desk, Depends(_desk)]
TheAccounts = Annotated[Accounts, Depends(_accounts)]
TheTokens = Annotated[Tokens, Depends(_tokens)]
TheViewed = Annotated[Viewed, Depends(_viewed)]
TheSignIn = Annotated[SignIn, Depends(_signing)]
