"""Who may pass which door: rate, identity, origin, forgery token, permission, in this order.

OWASP ASVS 5.0: V3.5 (requests forged by other sites), V7 (sessions), V8 (permissions).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Protocol
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from veilleur.console.limits import Bucket, Tally
from veilleur.console.permission import PERSONAL, QUALIFIED, Open, Permission
from veilleur.console.refusal import NotAllowed, NotSignedIn, TooMany
from veilleur.console.remote import remote_address
from veilleur.console.settings import Settings
from veilleur.console.visitor import Visitor, nobody, preferred_language
from veilleur.law.deed import SYSTEM, Deed, Entry

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
NOBODYS_LINES_S = 60.0
"""Refusals of people who have not signed in: a line of the record so often, for one address."""
PASSED, KIND, LANGUAGE = "door_passed", "door_kind", "door_language"
"""In a request's state: has it met a door, of which kind, and the language of its visitor."""


class Kind(StrEnum):
    """What stands behind a door: how a refusal is told, and what one may come with."""

    PAGE = "page"  # HTML, and forms that are posted
    DATA = "data"  # JSON; a token may come here too
    STREAM = "stream"  # server-sent events
    FILES = "files"  # a folder of static files


class Identities(Protocol):
    """Where sessions, tokens and the record are kept (`console.identities`)."""

    def by_session(self, secret: str) -> Visitor | None: ...

    def by_token(self, secret: str) -> Visitor | None: ...

    def again(self, visitor: Visitor) -> Visitor | None:
        """The same visitor as of now, None where the session or token has ended."""
        ...

    def seen(self, visitor: Visitor) -> None:
        """The visitor did something: the session lives on. Returns at once."""
        ...

    def record(self, entry: Entry) -> None: ...


class Doorkeeper:
    """One for the console. Every route asks it first (`console.routing`). clock: seconds."""

    def __init__(
        self,
        settings: Settings,
        identities: Identities,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings, self.identities, self._clock = settings, identities, clock
        rates = settings.rates
        self._anonymous = Bucket(rates.anonymous_hz, rates.anonymous_burst)
        self._signed_in = Bucket(rates.signed_in_hz, rates.signed_in_burst)
        self._files = Bucket(rates.files_hz, rates.files_burst)
        self._nobodys = Tally(NOBODYS_LINES_S)

    @property
    def cookie(self) -> str:
        """The session's cookie. The prefix (RFC 6265bis, 4.1.3.2) has the browser refuse it from
        another host, another path or without TLS."""
        return "__Host-veilleur" if self.settings.secure else "veilleur"

    async def admit(
        self,
        connection: HTTPConnection,
        needs: Permission | Open,
        kind: Kind,
        *,
        body: bytes = b"",
        passive: bool = False,
    ) -> Visitor:
        """The visitor, if it may pass. body: of a form that is posted, b"" else. passive: the page
        asks by itself, so this is no sign of life. Errors: Refused."""
        visitor = await self._identify(connection, needs, kind)
        if visitor is not None:
            connection.scope["state"][LANGUAGE] = visitor.language
        self._hold_back(connection, visitor, kind)
        try:
            self._same_origin(connection, visitor, needs)
            if isinstance(needs, Open):
                return visitor or self._nobody(connection)
            if visitor is None:
                raise NotSignedIn
            _genuine(connection, visitor, body)
            require(visitor, needs)
        except NotAllowed as refused:
            await self._note(connection, visitor, needs, refused.cause)
            raise
        if visitor.session and not passive:
            self.identities.seen(visitor)
        return replace(visitor, asked=needs)

    def still_valid(self, visitor: Visitor) -> bool:
        """Has the visitor the same rights as when the route began? Streams ask every second."""
        now = self.identities.again(visitor)
        return (
            now is not None
            and now.permissions == visitor.permissions
            and now.scope == visitor.scope
        )

    def _nobody(self, connection: HTTPConnection) -> Visitor:
        return nobody(language_of(connection), laboratory=self.settings.laboratory)

    async def _identify(
        self, connection: HTTPConnection, needs: Permission | Open, kind: Kind
    ) -> Visitor | None:
        if kind is Kind.FILES and isinstance(needs, Open):
            return None  # nobody is asked for, and the store may be what fails
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if kind is not Kind.DATA:
                return None
            return await run_in_threadpool(self.identities.by_token, token.strip())
        secret = connection.cookies.get(self.cookie)
        return await run_in_threadpool(self.identities.by_session, secret) if secret else None

    def _hold_back(self, connection: HTTPConnection, visitor: Visitor | None, kind: Kind) -> None:
        now = self._clock()
        if kind is Kind.FILES:
            wait_s = self._files.wait_s(self.address(connection), now)
        elif visitor is None:
            wait_s = self._anonymous.wait_s(self.address(connection), now)
        else:
            wait_s = self._signed_in.wait_s(visitor.session or visitor.token, now)
        if wait_s:
            raise TooMany(wait_s)

    def _same_origin(
        self, connection: HTTPConnection, visitor: Visitor | None, needs: Permission | Open
    ) -> None:
        """A request that changes something comes from a page of ours. A token is no cookie: no
        browser adds it by itself. Without a visitor only an open route is left to protect."""
        if connection.scope["method"] in SAFE or (visitor is not None and visitor.token):
            return
        if visitor is None and not isinstance(needs, Open):
            return
        ours = self.settings.origin_for(connection.headers.get("host", ""))
        if connection.headers.get("origin", "") != ours:
            raise NotAllowed(
                "This request did not come from a page of this console.",
                "Cette requête ne vient pas d’une page de cette console.",
                cause="foreign_origin",
            )

    async def _note(
        self,
        connection: HTTPConnection,
        visitor: Visitor | None,
        needs: Permission | Open,
        cause: str,
    ) -> None:
        """A refusal goes on the record, with the route and never with what was sent. What anybody
        can send without having signed in is counted: a line a minute for an address."""
        details = {
            "cause": cause,
            "address": self.address(connection),
            "method": str(connection.scope["method"]),
            "path": connection.url.path[:200],
            "permission": "" if isinstance(needs, Open) else needs.value,
        }
        if visitor is None:
            for told in self._nobodys.note(details["address"], self._clock()):
                counted = {"address": told.key, "times": str(told.times)}
                await run_in_threadpool(self._record, SYSTEM, details | counted)
            return
        await run_in_threadpool(self._record, visitor.account, details | visitor.by_token)

    def _record(self, who: str, details: dict[str, str]) -> None:
        entry = Entry(deed=Deed.DENIED, at=self.settings.now(), who=who, details=details)
        self.identities.record(entry)

    def address(self, connection: HTTPConnection) -> str:
        """Where a request comes from, as far as can be believed (`console.remote`)."""
        return remote_address(connection, self.settings.trusted_proxy)


def language_of(connection: HTTPConnection) -> str:
    """The visitor's, as far as it is known who that is; else the browser's."""
    known = connection.scope.get("state", {}).get(LANGUAGE)
    return known or preferred_language(connection.headers.get("accept-language", ""))


def require(visitor: Visitor, permission: Permission) -> None:
    """Errors: NotAllowed, with the words for an account whose qualification has run out."""
    if visitor.may(permission):
        return
    if visitor.token and permission in PERSONAL:
        raise NotAllowed(
            "No program may do this: people do, signed in at the console.",
            "Aucun programme ne le peut : ce sont des personnes, connectées à la console.",
            cause="token",
        )
    if permission in QUALIFIED and not visitor.qualified:
        raise NotAllowed(
            "Your habilitation or your training has expired: alerts and pictures are closed.",
            "Votre habilitation ou votre formation est échue : alertes et images sont fermées.",
            cause="not_qualified",
        )
    raise NotAllowed("Your role does not allow this.", "Votre rôle ne le permet pas.", cause="role")


def _genuine(connection: HTTPConnection, visitor: Visitor, body: bytes) -> None:
    """A session's request that changes something carries the session's own word: in a header, or
    in a field of a form that is posted."""
    if connection.scope["method"] in SAFE or visitor.token:
        return
    given = connection.headers.get(CSRF_HEADER) or _field(connection, body)
    if not secrets.compare_digest(given.encode(), visitor.csrf.encode()):
        raise NotAllowed(
            "This page is too old. Load it again.",
            "Cette page est trop ancienne. Rechargez-la.",
            cause="csrf",
        )


def _field(connection: HTTPConnection, body: bytes) -> str:
    if connection.headers.get("content-type", "").split(";")[0] != FORM:
        return ""
    try:
        fields = parse_qs(body.decode(), max_num_fields=1000)
    except ValueError:
        return ""
    return fields.get(CSRF_FIELD, [""])[0]


FORM = "application/x-www-form-urlencoded"
