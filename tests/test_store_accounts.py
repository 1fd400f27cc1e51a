"""Accounts, sessions and tokens come back as they were, on both databases."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.storing import NOON, at, database, postgresql, url
from veilleur.errors import AlreadyStored, NotFound
from veilleur.store import accounts, sessions, tokens
from veilleur.store.accounts import Account
from veilleur.store.database import Database
from veilleur.store.tokens import Token

__all__ = ["database", "postgresql", "url"]  # fixtures

ANA = Account(
    name="ana",
    password="$argon2id$kept",
    roles=frozenset({"operator", "dpo"}),
    cameras=frozenset({"gate", "dock"}),
    habilitated_until=at(60),
    trained_until=at(120),
    language="en",
)
TOKEN = Token(
    id=uuid.UUID(int=1),
    account="ana",
    name="a monitor: é ü <b>",
    permissions=frozenset({"see_cameras", "stop"}),
    cameras=frozenset({"gate"}),
    issued=NOON,
    expires=at(60),
)


def add(database: Database, account: Account = ANA) -> None:
    with database.write() as w:
        accounts.add(w, account, NOON)


@pytest.mark.parametrize(
    "account",
    [
        ANA,
        replace(ANA, cameras=None, habilitated_until=None, disabled=True),
        replace(ANA, cameras=frozenset(), roles=frozenset(), trained_until=None),
        replace(ANA, once=True),
    ],
    ids=["whole", "all cameras, disabled", "no camera", "once"],
)
def test_an_account_comes_back_as_it_was(database: Database, account: Account) -> None:
    add(database, account)
    with database.read() as r:
        assert accounts.account(r, "ana") == account
        assert accounts.all_accounts(r) == [account]
        assert accounts.account(r, "zoe") is None


def test_a_changed_account_leaves_nothing_of_what_it_was(database: Database) -> None:
    add(database)
    after = replace(ANA, roles=frozenset({"auditor"}), cameras=None, password="$argon2id$new")
    with database.write() as w:
        accounts.change(w, after, at(1))
        assert accounts.account(w, "ana") == after
        with pytest.raises(NotFound):
            accounts.change(w, replace(after, name="zoe"), at(1))
    with pytest.raises(AlreadyStored), database.write() as w:
        accounts.add(w, ANA, at(2))


def test_it_is_qualified_while_both_dates_are_to_come() -> None:
    assert ANA.qualified(at(59.9))
    assert not ANA.qualified(at(60))
    assert not replace(ANA, trained_until=None).qualified(NOON)


def test_a_session_has_its_account_as_it_is_now(database: Database) -> None:
    add(database)
    with database.write() as w:
        sessions.begin(w, "1" * 64, "ana", NOON)
        sessions.seen(w, "1" * 64, at(5))
        accounts.change(w, replace(ANA, disabled=True), at(6))
    with database.read() as r:
        found = sessions.session(r, "1" * 64)
        assert sessions.session(r, "2" * 64) is None
    assert found is not None
    assert (found.began, found.seen, found.account.disabled) == (NOON, at(5), True)


def test_sessions_end_one_by_one_all_or_with_time(database: Database) -> None:
    add(database)
    with database.write() as w:
        for number in range(5):
            sessions.begin(w, str(number), "ana", at(number))
        assert sessions.end(w, "0")
        assert not sessions.end(w, "0")
        sessions.seen(w, "1", at(100))
        assert sessions.forget(w, began_before=at(0), seen_before=at(3)) == 1  # number 2
        assert sessions.end_all_of(w, "ana", but="4") == 2
        assert sessions.session(w, "4") is not None


def test_a_token_comes_back_as_it_was_and_is_revoked_once(database: Database) -> None:
    add(database)
    with database.write() as w:
        tokens.issue(w, TOKEN, "d" * 64)
        wide = replace(TOKEN, id=uuid.UUID(int=2), cameras=None, issued=at(1))
        tokens.issue(w, wide, "e" * 64)
        assert tokens.by_digest(w, "d" * 64) == TOKEN
        assert tokens.all_tokens(w) == [wide, TOKEN]
        assert tokens.by_digest(w, "f" * 64) is None
        assert tokens.revoke(w, TOKEN.id, "sam", at(2))
        assert not tokens.revoke(w, TOKEN.id, "sam", at(3))
        revoked = tokens.token(w, TOKEN.id)
    assert revoked == replace(TOKEN, revoked=at(2), revoked_by="sam")
    assert revoked is not None
    assert TOKEN.valid(NOON)
    assert not revoked.valid(NOON)
    assert not TOKEN.valid(NOON + timedelta(seconds=60))
