"""Who asks: what a door found out, and all that a handler is told about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from veilleur.console.permission import Permission, Role

LANGUAGES = ("fr", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """The account behind a request, or nobody (`account` is "" then; see `nobody`).

    permissions: what it may do now, qualification included. scope: the cameras it may know of
    (None: all); hand it to every question to the store. csrf: what a form or script sends back
    ("" with a token). session, token: which of the two it came with, by an id that opens nothing.
    asked: what the route asked for. seen: when its session was last used. qualified: habilitation
    and training are in date. laboratory: nobody real is watched here, and every page says so.
    """

    account: str
    roles: frozenset[Role] = frozenset()
    permissions: frozenset[Permission] = frozenset()
    scope: frozenset[str] | None = frozenset()
    language: str = LANGUAGES[0]
    csrf: str = ""
    session: str = ""
    token: str = ""
    asked: Permission | None = None
    seen: datetime | None = None
    qualified: bool = False
    laboratory: bool = False

    @property
    def signed_in(self) -> bool:
        return bool(self.account)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def by_token(self) -> dict[str, str]:
        """For the record, what a deed of a token has more than its account's own: which token."""
        return {"token": self.token} if self.token else {}

    def sees(self, camera: str) -> bool:
        """Is this camera within the account's scope?"""
        return self.scope is None or camera in self.scope


def nobody(language: str, *, laboratory: bool = False) -> Visitor:
    """Somebody who has not signed in: no permission, no camera."""
    return Visitor(account="", language=language, laboratory=laboratory)


def preferred_language(accept: str) -> str:
    """The first of our languages in an Accept-Language header; French where there is none.

    >>> preferred_language("de-DE, en;q=0.8, fr;q=0.1")
    'en'
    """
    for part in accept.lower().split(","):
        language = part.split(";")[0].strip()[:2]
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]
