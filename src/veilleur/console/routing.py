"""The registrar: every route of the console is put up here, with what it asks of a visitor.

A route without a permission cannot be written down: the permission is a required argument, for
pages, JSON, streams and static files alike. `Open("why")` is the only other choice. Whatever gets
past this module has no `Door` in front, is found by a test that walks the routes, and answers
nothing but errors when it runs (`console.security`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import NoneType
from typing import Any, get_type_hints
from urllib.parse import quote

from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veilleur.console.doorkeeper import KIND, PASSED, SAFE, Doorkeeper, Kind, language_of
from veilleur.console.faults import Fault
from veilleur.console.permission import Open, Permission
from veilleur.console.refusal import NotSignedIn, Refused, TooMuch, as_json, as_page

BODY_BYTES = 1 << 20
"""No form and no JSON of ours is larger: the longest is an authorisation as text."""
SIGN_IN = "/sign-in"

FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"model": Fault} for status in (401, 403, 404, 409, 410, 413, 422, 429, 503)
}
"""What any operation can answer beside its own."""

Needs = Permission | Open


class Door:
    """Stands before one route: nothing of the route runs, and no byte of a body is parsed, before
    the doorkeeper said yes."""

    def __init__(
        self, app: ASGIApp, needs: Needs, doorkeeper: Doorkeeper, kind: Kind, *, passive: bool
    ) -> None:
        self.app, self.needs, self.kind, self.passive = app, needs, kind, passive
        self._doorkeeper = doorkeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        state = scope.setdefault("state", {})
        state[PASSED], state[KIND] = True, self.kind
        try:
            body = b""
            if scope["method"] not in SAFE:
                body = await _read(connection, receive)
                receive = _again(body, receive)
            state["visitor"] = await self._doorkeeper.admit(
                connection, self.needs, self.kind, body=body, passive=self.passive
            )
        except Refused as refused:
            await self._refuse(connection, refused)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _refuse(self, connection: HTTPConnection, refused: Refused) -> Response:
        if self.kind is not Kind.PAGE:
            return as_json(refused)
        if isinstance(refused, NotSignedIn) and connection.scope["method"] == "GET":
            path = connection.url.path
            target = SIGN_IN if path == "/" else f"{SIGN_IN}?next={quote(path)}"
            return RedirectResponse(target, status_code=303)
        return as_page(refused, language_of(connection))


async def _read(connection: HTTPConnection, receive: Receive) -> bytes:
    """The whole body. Errors: TooMuch, before more than BODY_BYTES are held."""
    if int(_digits(connection.headers.get("content-length", "0"))) > BODY_BYTES:
        raise TooMuch
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
        if len(body) > BODY_BYTES:
            raise TooMuch
    return bytes(body)


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < 20 else "0"


def _again(body: bytes, receive: Receive) -> Receive:
    """What was read is there to be read once more; then the connection goes on."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Declared:
    """One method of one route and what it asks for, as tests and docs list it.

    needs: a permission, "open: why", or "" where no door stands before it.
    """

    path: str
    method: str
    kind: str
    needs: str


class Registrar:
    """Puts up routes. `needs` comes third, always."""

    def __init__(self, app: FastAPI, doorkeeper: Doorkeeper) -> None:
        self._app, self._doorkeeper = app, doorkeeper

    def page(
        self, path: str, handler: Callable[..., Any], needs: Needs, *, passive: bool = False
    ) -> None:
        """A page or picture that is shown (GET). passive: the page asks for it by itself, again
        and again, so that it does not keep a session alive."""
        self._add(path, "GET", handler, needs, Kind.PAGE, passive=passive)

    def form(self, path: str, handler: Callable[..., Any], needs: Needs) -> None:
        """A form that is posted. It carries the field `csrf`; it isn't multipart."""
        self._add(path, "POST", handler, needs, Kind.PAGE)

    def data(
        self,
        method: str,
        path: str,
        handler: Callable[..., Any],
        needs: Needs,
        *,
        passive: bool = False,
        **options: Any,
    ) -> None:
        """JSON, documented by OpenAPI; options: as in FastAPI's add_api_route."""
        options.setdefault("include_in_schema", True)
        options.setdefault("responses", FAULTS)
        if get_type_hints(handler).get("return") is NoneType:
            options.setdefault("status_code", HTTPStatus.NO_CONTENT)
        self._add(path, method, handler, needs, Kind.DATA, passive=passive, **options)

    def stream(self, path: str, handler: Callable[..., Any], needs: Needs) -> None:
        """Server-sent events. The handler asks `Doorkeeper.still_valid` every second."""
        self._add(path, "GET", handler, needs, Kind.STREAM, passive=True)

    def files(self, path: str, folder: Path, needs: Needs) -> None:
        """A folder of static files; links out of it are not followed."""
        app = Door(_Static(folder), needs, self._doorkeeper, Kind.FILES, passive=True)
        self._app.router.routes.append(Mount(path, app, name=path.strip("/")))

    def _add(
        self,
        path: str,
        method: str,
        handler: Callable[..., Any],
        needs: Needs,
        kind: Kind,
        *,
        passive: bool = False,
        **options: Any,
    ) -> None:
        if kind is not Kind.DATA:
            options |= {"include_in_schema": False, "response_model": None}
        self._app.router.add_api_route(path, handler, methods=[method], **options)
        route = self._app.router.routes[-1]
        assert isinstance(route, Route)
        route.app = Door(route.app, needs, self._doorkeeper, kind, passive=passive)


class _Static(StaticFiles):
    """Static files that a browser asks about each time: after an upgrade no old script runs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, follow_symlink=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def declared(routes: list[BaseRoute], prefix: str = "") -> Iterator[Declared]:
    """Everything that can be asked for, mounts within mounts included."""
    for route in routes:
        path = prefix + str(getattr(route, "path", type(route).__name__))
        app = getattr(route, "app", None)
        if not isinstance(app, Door) and getattr(route, "routes", None):
            yield from declared(list(getattr(route, "routes")), path)  # noqa: B009
            continue
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            yield Declared(path=path, method=method, kind=_kind(app), needs=_needs(app))


def _kind(app: object) -> str:
    return app.kind.value if isinstance(app, Door) else type(app).__name__


def _needs(app: object) -> str:
    if not isinstance(app, Door):
        return ""
    return f"open: {app.needs.reason}" if isinstance(app.needs, Open) else app.needs.value
