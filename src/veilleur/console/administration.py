"""What a supervisor does with accounts and tokens, and the machine's owner on its command line.

Nobody changes their own rights: who may see alerts is decided by somebody else (law 36), and the
record has what changed. Whatever changes ends the account's sessions: the new rights apply at once.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from veilleur.console.identities import narrower, new_token
from veilleur.console.permission import PERSONAL, Permission, Role, permissions_of
from veilleur.console.reach import Scope, require, scope_of, within
from veilleur.console.refusal import NotAllowed
from veilleur.console.settings import Settings
from veilleur.console.visitor import LANGUAGES, Visitor
from veilleur.errors import ConfigurationError, NotFound
from veilleur.incidents.identity import new_id
from veilleur.law.deed import COMMAND_LINE, SYSTEM, Deed, Entry
from veilleur.store import accounts, sessions, tokens
from veilleur.store.accounts import NAME_LENGTH, Account
from veilleur.store.database import Database
from veilleur.store.tokens import Token
from veilleur.store.transaction import Reading, Writing

CAMERA = re.compile(r"[A-Za-z0-9_.-]{1,200}")
"""As in a site file."""
NAME = re.compile(rf"[a-z][a-z0-9._-]{{1,{NAME_LENGTH - 1}}}")
RESERVED = (SYSTEM, "nobody", "anonymous")
FIRST, FIRST_BYTES = "first", 12
_FIRST = Account(name=FIRST, password="", roles=frozenset({Role.SUPERVISOR.value}), once=True)
LONGEST_TOKEN = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What an account may do and for how long. cameras: None: all of them."""

    roles: frozenset[Role]
    cameras: frozenset[str] | None = None
    habilitated_until: datetime | None = None
    trained_until: datetime | None = None
    disabled: bool = False
    language: str = LANGUAGES[0]


@dataclass(frozen=True, slots=True)
class _Deed:
    """A change while it is made. scope: of whoever makes it."""

    w: Writing
    scope: Scope


class Accounts:
    """who, in all methods: the account that acts, or `COMMAND_LINE`. It reaches as far as its own
    cameras (`console.reach`); what is refused is a line of the record."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings

    def add(self, name: str, password: str, rights: Rights, who: str) -> Account:
        """Errors: ConfigurationError (the name, the password, no role), AlreadyStored,
        NotAllowed."""
        account = _with(Account(name=_name(name), password="", roles=frozenset()), rights)
        account = replace(account, password=self._settings.passwords.hash(password, name))
        now = self._settings.now()
        with self._deed(name, who) as deed:
            require(deed.scope, account)
            accounts.add(deed.w, account, now)
            details = {"added": "yes", **_words(account)}
            deed.w.record(account_entry(account.name, who, now, details))
        return account

    def change(self, name: str, rights: Rights, who: str) -> Account:
        """Errors: NotFound, ConfigurationError (no role; one's own rights), NotAllowed."""
        self._refuse_own(name, who)
        with self._deed(name, who) as deed:
            return self._change(deed, _found(deed.w, name), rights, who)

    def disable(self, name: str, who: str) -> None:
        """At once, in every session and with every token. Errors: as `change`."""
        self._refuse_own(name, who)
        with self._deed(name, who) as deed:
            before = _found(deed.w, name)
            self._change(deed, before, replace(rights_of(before), disabled=True), who)

    def _change(self, deed: _Deed, before: Account, rights: Rights, who: str) -> Account:
        after, now = _with(before, rights), self._settings.now()
        require(deed.scope, before)
        require(deed.scope, after)
        accounts.change(deed.w, after, now)
        sessions.end_all_of(deed.w, after.name)
        old, new = _words(before), _words(after)
        changed = {f: f"{old[f]} -> {new[f]}" for f in new if old[f] != new[f]}
        deed.w.record(account_entry(after.name, who, now, changed))
        return after

    def set_password(self, name: str, password: str, who: str) -> None:
        """For somebody who has lost theirs. Errors: NotFound, ConfigurationError, NotAllowed."""
        self._refuse_own(name, who)
        kept = self._settings.passwords.hash(password, name)
        now = self._settings.now()
        with self._deed(name, who) as deed:
            before = _found(deed.w, name)
            require(deed.scope, before)
            accounts.change(deed.w, replace(before, password=kept), now)
            sessions.end_all_of(deed.w, name)
            deed.w.record(account_entry(name, who, now, {"password": "set"}))

    def nobodys(self) -> bool:
        """Has nobody an account yet that is more than one sign-in?"""
        return all(one.once for one in self.all())

    def first(self) -> str:
        """A password for one sign-in as `FIRST`, a supervisor who sees no alert and makes the other
        accounts; an earlier one opens nothing any more."""
        password = secrets.token_urlsafe(FIRST_BYTES)
        kept = self._settings.passwords.hash(password, FIRST)
        one = replace(_FIRST, password=kept)
        self._put_first(one, {"password": "for one sign-in", **_words(one)})
        return password

    def close_first(self) -> None:
        """Nobody needs it: what may have been shown of it on a terminal opens nothing."""
        with self._database.read() as r:
            one = accounts.account(r, FIRST)
        if one is not None and one.once and not one.disabled:
            self._put_first(replace(one, disabled=True), {"disabled": "no -> yes"})

    def _put_first(self, one: Account, details: Mapping[str, str]) -> None:
        now = self._settings.now()
        with self._database.write() as w:
            if accounts.account(w, FIRST) is None:
                accounts.add(w, one, now)
            else:
                accounts.change(w, one, now)
            sessions.end_all_of(w, FIRST)
            w.record(account_entry(FIRST, COMMAND_LINE, now, details))

    @contextmanager
    def _deed(self, name: str, who: str) -> Iterator[_Deed]:
        """One transaction, in which the actor's rights and the account are read and changed."""
        try:
            with self._database.write() as w:
                yield _Deed(w, scope_of(w, who))
        except NotAllowed as refused:
            details = {"cause": refused.cause, "permission": Permission.MANAGE_ACCOUNTS.value}
            now = self._settings.now()
            with self._database.write() as w:
                w.record(_entry(Deed.DENIED, now, who, f"account:{name}", details))
            raise

    def all(self, scope: Scope = None) -> list[Account]:
        """By name; scope: those that somebody of these cameras sees to."""
        with self._database.read() as r:
            return [one for one in accounts.all_accounts(r) if within(scope, one)]

    def one(self, name: str, scope: Scope = None) -> Account:
        """Errors: NotFound, also where it is none of the asker's business."""
        with self._database.read() as r:
            return _found(r, name, scope)

    def who_may_decide(self, camera: str) -> list[str]:
        """Accounts that an incident of this camera can be handed to, by name."""
        now = self._settings.now()
        return [one.name for one in self.all() if _may_decide(one, camera, now)]

    def _refuse_own(self, name: str, who: str) -> None:
        if name == who:
            raise ConfigurationError(
                "nobody changes their own rights",
                remedy="ask another supervisor, or use `veilleur account` on the machine",
                setting="name",
            )


class Tokens:
    """Tokens for programs; who issues one gives no more than they have."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings

    def issue(
        self,
        visitor: Visitor,
        name: str,
        permissions: frozenset[Permission],
        expires: datetime,
        cameras: frozenset[str] | None = None,
    ) -> tuple[Token, str]:
        """The token, and its secret, which is told this once. Errors: ConfigurationError."""
        now = self._settings.now()
        self._refuse(visitor, permissions, expires - now)
        _refuse_misnamed(cameras)
        token = Token(
            id=new_id(now),
            account=visitor.account,
            name=name,
            permissions=frozenset(one.value for one in permissions),
            cameras=narrower(cameras, visitor.scope),
            issued=now,
            expires=expires,
        )
        secret = new_token()
        details = {
            "name": name,
            "permissions": ", ".join(sorted(token.permissions)),
            "expires": expires.isoformat(),
            "cameras": _cameras(token.cameras),
        }
        with self._database.write() as w:
            tokens.issue(w, token, sessions.digest(secret))
            w.record(_entry(Deed.TOKEN_ISSUED, now, visitor.account, f"token:{token.id}", details))
        return token, secret

    def revoke(self, id_: UUID, who: str) -> None:
        """At once. Errors: NotFound."""
        now = self._settings.now()
        with self._database.write() as w:
            if not tokens.revoke(w, id_, who, now):
                raise NotFound("there is no such token, or it is revoked", remedy="look again")
            w.record(_entry(Deed.TOKEN_REVOKED, now, who, f"token:{id_}", {}))

    def all(self) -> list[Token]:
        with self._database.read() as r:
            return tokens.all_tokens(r)

    def _refuse(
        self, visitor: Visitor, permissions: frozenset[Permission], lasts: timedelta
    ) -> None:
        if not permissions or permissions & PERSONAL or permissions - visitor.permissions:
            raise ConfigurationError(
                "a token has some of your own permissions, and none that only a person has",
                remedy=f"choose among {', '.join(sorted(grantable(visitor)))}",
                setting="permissions",
            )
        if not timedelta(0) < lasts <= LONGEST_TOKEN:
            raise ConfigurationError(
                f"a token ends within {LONGEST_TOKEN.days} days, and not in the past",
                remedy="choose another day",
                setting="expires",
            )


def grantable(visitor: Visitor) -> frozenset[Permission]:
    """What this visitor can put into a token."""
    return visitor.permissions - PERSONAL


def account_entry(name: str, who: str, at: datetime, details: Mapping[str, str]) -> Entry:
    return _entry(Deed.ACCOUNT_CHANGED, at, who, f"account:{name}", details)


def rights_of(account: Account) -> Rights:
    return Rights(
        roles=frozenset(Role(role) for role in account.roles if role in set(Role)),
        cameras=account.cameras,
        habilitated_until=account.habilitated_until,
        trained_until=account.trained_until,
        disabled=account.disabled,
        language=account.language,
    )


def _entry(deed: Deed, at: datetime, who: str, of: str, details: Mapping[str, str]) -> Entry:
    return Entry(deed=deed, at=at, who=who, of=of, details=details)


def _with(account: Account, rights: Rights) -> Account:
    if not rights.roles:
        raise ConfigurationError(
            "an account without a role can do nothing",
            remedy=f"choose among {', '.join(Role)}; to end it, disable it",
            setting="roles",
        )
    _refuse_misnamed(rights.cameras)
    return replace(
        account,
        roles=frozenset(role.value for role in rights.roles),
        cameras=rights.cameras,
        habilitated_until=rights.habilitated_until,
        trained_until=rights.trained_until,
        disabled=rights.disabled,
        language=rights.language,
    )


def _refuse_misnamed(cameras: frozenset[str] | None) -> None:
    """One that the site hasn't may be named: it had it, or will."""
    for id_ in sorted(cameras or ()):
        if CAMERA.fullmatch(id_) is None:
            raise ConfigurationError(
                f"{id_!r} can't be a camera's id",
                remedy="take the ids of the site file",
                setting="cameras",
            )


def _name(name: str) -> str:
    if NAME.fullmatch(name) is None or name in RESERVED:
        raise ConfigurationError(
            f"{name!r} can't be an account's name",
            remedy=f"a letter, then letters, digits, . _ or -, {NAME_LENGTH} at most, all lower",
            setting="name",
        )
    return name


def _found(r: Reading, name: str, scope: Scope = None) -> Account:
    account = accounts.account(r, name) if NAME.fullmatch(name) else None
    if account is None or not within(scope, account):
        raise NotFound(f"there is no account {name!r}", remedy="veilleur account list")
    return account


def _may_decide(account: Account, camera: str, now: datetime) -> bool:
    if account.disabled or (account.cameras is not None and camera not in account.cameras):
        return False
    rights = rights_of(account)
    return Permission.DECIDE in permissions_of(rights.roles, qualified=account.qualified(now))


def _words(account: Account) -> dict[str, str]:
    """An account for the record: never its password."""
    return {
        "roles": ", ".join(sorted(account.roles)),
        "cameras": _cameras(account.cameras),
        "habilitated_until": _until(account.habilitated_until),
        "trained_until": _until(account.trained_until),
        "disabled": "yes" if account.disabled else "no",
        "language": account.language,
    }


def _cameras(cameras: frozenset[str] | None) -> str:
    return "all" if cameras is None else ", ".join(sorted(cameras))


def _until(until: datetime | None) -> str:
    return until.isoformat() if until is not None else "never"
