"""The console: every route on one screen.

Paths are for people and stay as they are once published; what a route does stands in the module
that its handler comes from, what it asks for stands here.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from veilleur import __version__
from veilleur.console.doorkeeper import Doorkeeper, Identities
from veilleur.console.permission import Open
from veilleur.console.routing import Registrar
from veilleur.console.security import Walls
from veilleur.console.settings import Settings

STATIC = Path(__file__).parent / "static"


class Console(FastAPI):
    """FastAPI without its own pages, behind `Walls`: also its last-resort answers get headers."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            title="Veilleur",
            version=__version__,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
        )
        self.state.settings = settings

    def build_middleware_stack(self) -> ASGIApp:
        return Walls(super().build_middleware_stack(), self.state.settings)


def create_app(desk: object, settings: Settings, *, identities: Identities) -> FastAPI:
    """The whole console over a desk. identities: who is known, and the record of refusals."""
    app = Console(settings)
    doorkeeper = Doorkeeper(settings, identities)
    app.state.desk, app.state.doorkeeper = desk, doorkeeper
    _routes(Registrar(app, doorkeeper))
    return app


def _routes(doors: Registrar) -> None:
    doors.files("/static", STATIC, Open("style and scripts of the sign-in page; no data"))
