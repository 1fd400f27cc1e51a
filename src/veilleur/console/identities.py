"""Who is behind a session or a token, out of the store, as of now.

A session's secret is 256 random bits in a cookie; the store has its SHA-256. Its word against
forgery is another digest of the same secret, so that there is nothing more to keep.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from veilleur.console.permission import PERSONAL, Permission, Role, permissions_of
from veilleur.console.settings import Settings
from veilleur.console.touches import Touches
from veilleur.console.visitor import LANGUAGES, Visitor
from veilleur.law.deed import Entry
from veilleur.law.steady import Steady
from veilleur.store import accounts, sessions, tokens
from veilleur.store.accounts import Account
from veilleur.store.database import Database
from veilleur.store.sessions import Session
from veilleur.store.tokens import Token
from veilleur.store.transaction import Reading, Writing

TOKEN_PREFIX = "veilleur_"  # noqa: S105 what a scanner for lost secrets looks for
LONGEST_SECRET = 200
TOUCH_EVERY = timedelta(seconds=30)


class KeptIdentities:
    """The console's `Identities`, kept in the desk's database.

    A session lives by the time that passes: nobody is signed out, and no session lives longer,
    because the clock was set. A session from a time to come is of before a restart and a clock that
    was set back: how old it is can't be known, so it is over.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self.touches = Touches(database)
        self._steady = Steady(settings.passed)
        self._now()

    def _now(self) -> datetime:
        """Of sessions."""
        return self._steady.unmoved(self._settings.now())

    # ------------------------------------------------------------------ what a door asks
    def by_session(self, secret: str) -> Visitor | None:
        with self._database.read() as r:
            visitor = self._of_session(r, sessions.digest(_short(secret)))
        return visitor and replace(visitor, csrf=_csrf(secret))

    def by_token(self, secret: str) -> Visitor | None:
        with self._database.read() as r:
            token = tokens.by_digest(r, sessions.digest(_short(secret)))
            return self._of_token(r, token)

    def again(self, visitor: Visitor) -> Visitor | None:
        with self._database.read() as r:
            if visitor.token:
                return self._of_token(r, tokens.token(r, UUID(visitor.token)))
            return self._of_session(r, visitor.session)

    def seen(self, visitor: Visitor) -> None:
        """At most every half minute, and nobody waits for it (`console.touches`)."""
        now = self._now()
        if visitor.seen is None or now - visitor.seen >= TOUCH_EVERY:
            self.touches.note(visitor.session, now)

    def record(self, entry: Entry) -> None:
        with self._database.write() as w:
            w.record(entry)

    # ------------------------------------------------------------------ beginning and end
    def begin(self, w: Writing, name: str) -> str:
        """A new session; what is returned goes into the cookie and nowhere else."""
        now = self._now()
        self.touches.write_into(w)
        sessions.forget(
            w, began_before=now - self._settings.longest, seen_before=now - self._settings.idle
        )
        secret = secrets.token_urlsafe(32)
        sessions.begin(w, sessions.digest(secret), name, now)
        return secret

    # ------------------------------------------------------------------ rows to visitors
    def _of_session(self, r: Reading, id_: str) -> Visitor | None:
        noted = self.touches.of(id_)  # before the store is read: it may be written meanwhile
        found = sessions.session(r, id_)
        now = self._settings.now()
        if found is not None and noted is not None:
            found = replace(found, seen=max(found.seen, noted))
        if found is None or found.account.disabled or self._over(found):
            return None
        visitor = self._visitor(found.account, now)
        return replace(visitor, session=found.id, seen=found.seen)

    def _over(self, session: Session) -> bool:
        now, longest, idle = self._now(), self._settings.longest, self._settings.idle
        to_come = session.seen > now + TOUCH_EVERY
        return to_come or now >= session.began + longest or now >= session.seen + idle

    def _of_token(self, r: Reading, token: Token | None) -> Visitor | None:
        now = self._settings.now()
        if token is None or not token.valid(now):
            return None
        owner = accounts.account(r, token.account)
        if owner is None or owner.disabled:
            return None
        visitor = self._visitor(owner, now)
        granted = {Permission(one) for one in token.permissions if one in set(Permission)}
        return replace(
            visitor,
            token=str(token.id),
            permissions=(visitor.permissions & granted) - PERSONAL,
            scope=narrower(visitor.scope, token.cameras),
        )

    def _visitor(self, account: Account, now: datetime) -> Visitor:
        roles = frozenset(Role(role) for role in account.roles if role in set(Role))
        qualified = account.qualified(now)
        return Visitor(
            account=account.name,
            roles=roles,
            permissions=permissions_of(roles, qualified=qualified),
            scope=account.cameras,
            language=account.language if account.language in LANGUAGES else LANGUAGES[0],
            qualified=qualified,
            laboratory=self._settings.laboratory,
        )


def narrower(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """The cameras of both. None: all."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def _csrf(secret: str) -> str:
    return hashlib.sha256(b"veilleur csrf\0" + secret.encode()).hexdigest()


def _short(secret: str) -> str:
    """Nobody has us hash a megabyte; what is longer than ours is nobody's."""
    return secret if len(secret) <= LONGEST_SECRET else ""
