"""Pages: a template, what it shows, and the words of the visitor's language."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope

from veilleur import __version__
from veilleur.catalogue import WORDING, Event, Wording
from veilleur.console.permission import Permission
from veilleur.console.visitor import Visitor
from veilleur.console.watched import clause
from veilleur.console.words import words
from veilleur.desk.desk import Desk
from veilleur.desk.vitals import Stage
from veilleur.engine import french
from veilleur.events.wording import UNITS, Language, sentence
from veilleur.law.deed import Deed
from veilleur.law.orders import Scope, Stop

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment(language: Language) -> Environment:
    """One for each language: its texts are translated where they stand."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    known = words(language)
    made.install_gettext_callables(known.ugettext, known.ungettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(language=language, version=__version__, Permission=Permission)
    made.globals.update(Event=Event, Deed=Deed, Stage=Stage)
    made.filters["event"] = lambda event: said(WORDING[Event(event)], language)
    made.filters["said"] = lambda wording: said(wording, language)
    made.filters["condition"] = lambda condition: french.condition_word(condition.value, language)
    made.filters["engine"] = lambda sentence: french.say(sentence, language)
    made.filters["unit"] = lambda unit: UNITS[language].get(unit, unit)
    made.filters["clause"] = lambda check: clause(check, language)
    made.filters["why"] = lambda checks: sentence(checks, language)
    made.filters["down"] = lambda value, digits: number(_down(value, digits), digits, language)
    made.filters["lasting"] = lambda seconds: lasting(seconds, language)
    made.filters["number"] = lambda value, digits=1: number(value, digits, language)
    return made


def said(wording: Wording, language: Language) -> str:
    return wording.french if language == "fr" else wording.english


def number(value: float, digits: int, language: Language) -> str:
    """With the decimal mark of the language."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "fr" else text


def _down(value: float, digits: int) -> float:
    """Never better than it was: 99.96 is 99.9, not 100.0."""
    return float(math.floor(value * 10**digits + 1e-9) / 10**digits)


def lasting(seconds: float, language: Language) -> str:
    """A length of time in its two largest units.

    >>> lasting(93784, "fr"), lasting(7265, "en"), lasting(59.6, "en")
    ('1 j 2 h', '2 h 1 min', '60 s')
    """
    units = ((86400, "j" if language == "fr" else "d"), (3600, "h"), (60, "min"), (1, "s"))
    for (unit, name), (below, least) in pairwise(units):
        if seconds >= unit:
            whole, rest = divmod(int(seconds), unit)
            more = rest // below
            return f"{whole} {name} {more} {least}" if more else f"{whole} {name}"
    return f"{seconds:.0f} s"


def language_of(visitor: Visitor) -> Language:
    return "fr" if visitor.language == "fr" else "en"


def stops_for(desk: Desk, visitor: Visitor) -> list[Stop]:
    """Those in force that the visitor may know of, the oldest first."""
    if not visitor.may(Permission.SEE_STOPS):
        return []
    wide = (Scope.EVERYTHING, Scope.SITE)
    return [
        stop
        for stop in desk.authority.orders.stops
        if stop.scope in wide or visitor.sees(stop.target.partition("/")[0])
    ]


class Page(HTMLResponse):
    """A page that tells a test client, and nobody else, what it was made with."""

    def __init__(self, text: str, status: int, template: str, context: dict[str, Any]) -> None:
        super().__init__(text, status_code=status)
        self.template, self.context = template, context

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if "http.response.debug" in scope.get("extensions", {}):
            info = {"template": self.template, "context": self.context}
            await send({"type": "http.response.debug", "info": info})
        await super().__call__(scope, receive, send)


def text(request: Request, template: str, **shown: Any) -> str:
    """A rendered template alone."""
    return _render(template, _context(request, shown))


def page(request: Request, template: str, *, status: int = 200, **shown: Any) -> Page:
    """A rendered template as an answer."""
    context = _context(request, shown)
    return Page(_render(template, context), status, template, context)


def _render(template: str, context: dict[str, Any]) -> str:
    made = environment(language_of(context["visitor"])).get_template(template)
    return made.render(context)


def _context(request: Request, shown: dict[str, Any]) -> dict[str, Any]:
    visitor: Visitor = request.state.visitor
    desk: Desk = request.app.state.desk
    zone = ZoneInfo(desk.site.time_zone)
    return {
        "visitor": visitor,
        "site": desk.site,
        "laboratory": desk.laboratory,
        "path": request.url.path,
        "now": datetime.now(UTC),
        "idle_s": round(request.app.state.settings.idle.total_seconds()),
        "stops": stops_for(desk, visitor),
        "clock": lambda at: at.astimezone(zone).strftime("%H:%M:%S"),
        "day": lambda at: at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        **shown,
    }


def statement(request: Request) -> Page:
    """How accessible the console is."""
    return page(request, "statement.html")
