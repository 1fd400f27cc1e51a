"""Signing in and out: one password, tried for known and unknown names alike, and not too often.

Source: OWASP ASVS 5.0, V6.3 (same answer, locks), V7.2 (a new session id each time); API2:2023.
What was typed as a name may be a password: the record has it only where such an account exists.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import timedelta

from anyio import CapacityLimiter, to_thread

from veilleur.console.administration import NAME, account_entry
from veilleur.console.identities import KeptIdentities
from veilleur.console.limits import Failures
from veilleur.console.refusal import Refused, TooMany
from veilleur.console.settings import Settings
from veilleur.console.visitor import Visitor
from veilleur.law.deed import SYSTEM, Deed, Entry
from veilleur.store import accounts, failed, sessions
from veilleur.store.accounts import Account
from veilleur.store.database import Database

AT_ONCE = 2
"""So many passwords are tried at the same time: each takes 64 MiB and a core."""


class WrongPassword(Refused):
    """The name, the password, or both; or a disabled account."""

    status = 401

    def __init__(self) -> None:
        super().__init__(
            "The name or the password is wrong.", "Le nom ou le mot de passe est erroné."
        )


class SignIn:
    """One for the console: it remembers who failed how often, over a restart too."""

    def __init__(self, database: Database, settings: Settings, identities: KeptIdentities) -> None:
        self._database, self._settings, self._identities = database, settings, identities
        locks = settings.locks
        self._names = Failures(locks.account, locks.within_s)
        self._addresses = Failures(locks.address, locks.within_s)
        self._limiter = CapacityLimiter(AT_ONCE)
        self._restore()

    def _restore(self) -> None:
        """Locks of before a restart. Of a time to come: as if it were now, for the clock was set
        back."""
        now, host_s = self._settings.now(), time.monotonic()
        with self._database.read() as r:
            known = failed.recent(r, now - self._within)
        for one in known:
            kind, _, key = one.key.partition(":")
            where = self._names if kind == "account" else self._addresses
            where.restore(key, host_s - max(0.0, (now - one.at).total_seconds()))

    @property
    def _within(self) -> timedelta:
        return timedelta(seconds=self._settings.locks.within_s)

    async def enter(self, name: str, password: str, address: str, before: str) -> str:
        """The secret of a new session. before: the cookie that came with the request; its session,
        whosever it is, ends. Errors: WrongPassword, TooMany, StoreError."""
        return await to_thread.run_sync(
            self._enter, _folded(name), password, address, before, limiter=self._limiter
        )

    def _enter(self, name: str, password: str, address: str, before: str) -> str:
        self._refuse_locked(name, address)
        account = self._account(name)
        right = self._settings.passwords.right(password, account.password if account else None)
        if account is None or not right or account.disabled:
            self._failed(name, address, account)
            raise WrongPassword
        self._names.forget(name)
        return self._begin(account, address, before)

    def _account(self, name: str) -> Account | None:
        if NAME.fullmatch(name) is None:
            return None
        with self._database.read() as r:
            return accounts.account(r, name)

    def _refuse_locked(self, name: str, address: str) -> None:
        now = time.monotonic()
        wait_s = max(self._names.locked_s(name, now), self._addresses.locked_s(address, now))
        if wait_s:
            raise TooMany(wait_s)

    def _failed(self, name: str, address: str, account: Account | None) -> None:
        now = time.monotonic()
        locks = [self._names.note(name, now), self._addresses.note(address, now)]
        at, keys = self._settings.now(), [failed.of_address(address)]
        if account is not None:
            keys.append(failed.of_account(account.name))
        entry = Entry(
            deed=Deed.LOCKED_OUT if any(locks) else Deed.SIGN_IN_REFUSED,
            at=at,
            who=SYSTEM,
            of=f"account:{account.name}" if account else "",
            reason="password" if account else "unknown account",
            details={"address": address},
        )
        with self._database.write() as w:
            w.record(entry)
            failed.note(w, keys, at)
            failed.purge(w, at - self._within)

    def _begin(self, account: Account, address: str, before: str) -> str:
        now = self._settings.now()
        with self._database.write() as w:
            if accounts.account(w, account.name) != account:
                raise WrongPassword  # it was changed, or its one sign-in used, meanwhile
            if before:
                sessions.end(w, sessions.digest(before))
            failed.forget(w, failed.of_account(account.name))
            if account.once:
                accounts.change(w, self._used_up(account), now)
            secret = self._identities.begin(w, account.name)
            details = {"address": address}
            w.record(Entry(deed=Deed.SIGNED_IN, at=now, who=account.name, details=details))
        return secret

    def _used_up(self, account: Account) -> Account:
        """With a password that nobody knows."""
        unknown = self._settings.passwords.hash(secrets.token_urlsafe(32), account.name)
        return replace(account, password=unknown)

    def leave(self, visitor: Visitor) -> None:
        """The session ends; its cookie opens nothing any more."""
        with self._database.write() as w:
            if sessions.end(w, visitor.session):
                now = self._settings.now()
                w.record(Entry(deed=Deed.SIGNED_OUT, at=now, who=visitor.account))

    def change_password(self, visitor: Visitor, old: str, new: str) -> None:
        """One's own. Every other session ends. Errors: WrongPassword, TooMany,
        ConfigurationError."""
        self._refuse_locked(visitor.account, "")
        account = self._account(visitor.account)
        if account is None or not self._settings.passwords.right(old, account.password):
            self._names.note(visitor.account, time.monotonic())
            raise WrongPassword
        kept = self._settings.passwords.hash(new, account.name)
        now = self._settings.now()
        with self._database.write() as w:
            if accounts.account(w, account.name) != account:
                raise WrongPassword  # it was changed meanwhile, as in `_begin`
            accounts.change(w, replace(account, password=kept), now)
            sessions.end_all_of(w, account.name, but=visitor.session)
            w.record(account_entry(account.name, visitor.account, now, {"password": "changed"}))

    def change_language(self, visitor: Visitor, language: str) -> None:
        with self._database.write() as w:
            account = accounts.account(w, visitor.account)
            if account is not None:
                accounts.change(w, replace(account, language=language), self._settings.now())


def _folded(name: str) -> str:
    """As it is kept: nobody fails for a capital letter or a space behind it."""
    return name.strip().lower()[:200]
