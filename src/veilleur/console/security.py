"""Around everything: headers that a browser enforces, and the last wall.

Source: reliability row S7; Fetch and CSP 3 (W3C). Referrer-Policy is same-origin and not
no-referrer: with the latter a browser sends "Origin: null" with our own forms (Fetch, "append a
request Origin header"), and the check of the origin would have nothing to check.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veilleur.console.doorkeeper import PASSED
from veilleur.console.settings import Settings

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types veilleur"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
TRANSPORT = "max-age=31536000"


class Walls:
    """The outermost layer: foreign host names are turned away, every answer gets its headers, and
    nothing but an error leaves a route that has no door."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no WebSocket here: the server closes it unanswered
        state = scope.setdefault("state", {})
        state[PASSED] = False
        guarded = _Answer(send, state, secure=self._settings.secure)
        if not self._settings.answers_to(HTTPConnection(scope).headers.get("host", "")):
            refusal = PlainTextResponse("not a name of this console", status_code=421)
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


class _Answer:
    """One answer on its way out."""

    def __init__(self, send: Send, state: dict[str, object], *, secure: bool) -> None:
        self._send, self._state, self._secure = send, state, secure
        self._withheld = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._withheld = message["status"] < 400 and not self._state[PASSED]
            if self._withheld:
                await self._shut()
                return
            self._dress(message)
        if not self._withheld:
            await self._send(message)

    async def _shut(self) -> None:
        message: Message = {"type": "http.response.start", "status": 500, "headers": []}
        self._dress(message)
        await self._send(message)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _dress(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in HEADERS.items():
            headers[name] = value
        headers.setdefault("Cache-Control", "no-store")
        if self._secure:
            headers["Strict-Transport-Security"] = TRANSPORT
