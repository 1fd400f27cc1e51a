"""What a handler can ask to be given, by the type of its argument."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from veilleur.console.doorkeeper import Doorkeeper
from veilleur.console.settings import Settings
from veilleur.console.visitor import Visitor


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


CurrentVisitor = Annotated[Visitor, Depends(_visitor)]
TheSettings = Annotated[Settings, Depends(_settings)]
TheDoorkeeper = Annotated[Doorkeeper, Depends(_doorkeeper)]
