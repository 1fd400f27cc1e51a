"""Plain pages in two languages: signing in, accounts, tokens. They work without a script.

A text stands in its template in both languages, `{{ say("Sign in", "Se connecter") }}`, so that
these pages need nothing else to be in order.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, BeforeValidator, ConfigDict
from starlette.responses import HTMLResponse, Response

from veilleur.console.refusal import Refused
from veilleur.console.visitor import Visitor
from veilleur.errors import AlreadyStored, ConfigurationError, VeilleurError

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates" / "plain"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Posted(BaseModel):
    """A form: nothing but its own fields, and the word against forgery, which the door has read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    csrf: str = ""


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


Day = Annotated[date | None, BeforeValidator(_empty_is_none)]


def show(template: str, visitor: Visitor, *, status: int = 200, **context: object) -> Response:
    """A page of templates/plain, in the visitor's language."""
    french = visitor.language == "fr"

    def say(english: str, in_french: str) -> str:
        return in_french if french else english

    text = _TEMPLATES.get_template(template).render(visitor=visitor, say=say, **context)
    return HTMLResponse(text, status_code=status)


def end_of(day: date | None, zone: str) -> datetime | None:
    """The day is included: the instant after it, where the site is."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))


def last_day(until: datetime | None, zone: str) -> date | None:
    """The day that `end_of` was told."""
    if until is None:
        return None
    return (until.astimezone(ZoneInfo(zone)) - timedelta(microseconds=1)).date()


_WRONG = {
    "name": "Ce nom n’est pas possible : une lettre, puis lettres, chiffres, point, tiret, en "
    "minuscules. Personne ne change ses propres droits.",
    "password": "Ce mot de passe n’est pas accepté : de 12 à 200 caractères, variés, sans le nom "
    "du compte.",
    "roles": "Choisissez au moins un rôle.",
    "cameras": "Une caméra porte l’identifiant du fichier de site.",
    "permissions": "Un jeton n’a que certaines de vos propres permissions.",
    "expires": "Un jeton expire à une date future, d’ici un an.",
}


def words_of(error: VeilleurError, language: str) -> str:
    """What went wrong, for whoever filled in the form."""
    if language == "fr":
        if isinstance(error, Refused):
            return error.french
        if isinstance(error, AlreadyStored):
            return "Ce nom est déjà pris."
        if isinstance(error, ConfigurationError) and error.setting in _WRONG:
            return _WRONG[error.setting]
    return str(error)
