"""A door stays shut: why, with which status, and as a page or as JSON.

Refused
├── NotSignedIn       401, or the way to the sign-in page
├── NotAllowed        403, and on the record
├── TooMuch           413
└── TooMany           429, with the seconds to wait
"""

from __future__ import annotations

from html import escape
from typing import ClassVar

from starlette.responses import HTMLResponse, JSONResponse, Response

from veilleur.errors import VeilleurError


class Refused(VeilleurError):
    """The request is not served. french: the same words for those who read French."""

    status: ClassVar[int] = 400

    def __init__(self, message: str, french: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.french = french

    def headers(self) -> dict[str, str]:
        return {}


class NotSignedIn(Refused):
    """Nobody is signed in, or not any more."""

    status = 401

    def __init__(self) -> None:
        super().__init__("You are not signed in.", "Vous n’êtes pas connecté.")

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class NotAllowed(Refused):
    """Somebody is, and may not. `cause`: one word for the record."""

    status = 403

    def __init__(self, message: str, french: str, *, cause: str) -> None:
        super().__init__(message, french)
        self.cause = cause


class TooMuch(Refused):
    """The body is larger than anything this product asks for."""

    status = 413

    def __init__(self) -> None:
        super().__init__("The request is too large.", "La requête est trop grande.")


class TooMany(Refused):
    """Too many requests, or too many wrong passwords. wait_s: seconds until another may work."""

    status = 429

    def __init__(self, wait_s: float) -> None:
        super().__init__(
            "Too many requests. Wait a moment.", "Trop de requêtes. Attendez un instant."
        )
        self.wait_s = wait_s

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(max(1, round(self.wait_s)))}


_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>Veilleur</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/veilleur.css"></head>
<body><main><h1>{words}</h1><p><a href="/">Veilleur</a></p></main></body></html>
"""


def as_json(refused: Refused) -> Response:
    """The fields of `faults.Fault`, as every other error has them."""
    told: dict[str, object] = {
        "detail": refused.message,
        "remedy": refused.remedy,
        "cause": getattr(refused, "cause", ""),
        "places": [],
    }
    return JSONResponse(told, status_code=refused.status, headers=refused.headers())


def as_page(refused: Refused, language: str) -> Response:
    """A plain page in the reader's language: it must work when nothing else does."""
    words = refused.french if language == "fr" else refused.message
    answer = page(words, refused.status, language)
    answer.headers.update(refused.headers())
    return answer


def page(words: str, status: int, language: str) -> Response:
    """One sentence and the way back."""
    text = _PAGE.format(language=escape(language), words=escape(words))
    return HTMLResponse(text, status_code=status)
