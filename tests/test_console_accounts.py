"""Accounts, sessions and tokens: who gets in, for how long, and what ends it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import pytest
from pwdlib import PasswordHash

from tests.console_people import NOW, PASSWORD, YEAR, Residents
from veilleur.console.administration import Rights, grantable, rights_of
from veilleur.console.identities import KeptIdentities
from veilleur.console.passwords import Passwords
from veilleur.console.permission import QUALIFIED, Permission, Role
from veilleur.console.refusal import NotAllowed, TooMany
from veilleur.console.signing import SignIn, WrongPassword
from veilleur.console.visitor import Visitor
from veilleur.errors import AlreadyStored, ConfigurationError, NotFound, StoreError
from veilleur.law.deed import COMMAND_LINE, Deed
from veilleur.store import accounts as stored
from veilleur.store import failed, sessions, tokens
from veilleur.store.tokens import Token


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Residents]:
    residents = Residents(tmp_path)
    residents.add("ana")
    residents.add("sam", Role.SUPERVISOR)
    yield residents
    residents.database.close()


def enter(
    house: Residents,
    name: str = "ana",
    password: str = PASSWORD,
    address: str = "10.0.0.1",
    before: str = "",
) -> str:
    return asyncio.run(house.signing.enter(name, password, address, before))


def visitor(house: Residents, secret: str) -> Visitor:
    found = house.identities.by_session(secret)
    assert found is not None
    return found


# ---------------------------------------------------------------------- signing in
def test_the_right_password_opens_a_session_of_that_account(house: Residents) -> None:
    ana = visitor(house, enter(house))
    assert (ana.account, ana.roles) == ("ana", frozenset({Role.OPERATOR}))
    assert ana.qualified
    assert ana.may(Permission.DECIDE)
    assert [line.who for line in house.lines(Deed.SIGNED_IN)] == ["ana"]


def test_a_name_may_be_typed_with_capitals_and_spaces(house: Residents) -> None:
    assert visitor(house, enter(house, " Ana ")).account == "ana"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("ana", "wrong horse battery", id="wrong password"),
        pytest.param("nobody here", PASSWORD, id="unknown account"),
        pytest.param("ana", "", id="no password"),
        pytest.param("", "", id="nothing"),
        pytest.param("ana", PASSWORD + "x" * 10_000, id="a long one"),
        pytest.param("ana\0", PASSWORD, id="NUL"),
        pytest.param("ana", "\ud800", id="half a character"),
        pytest.param("ana' OR 1=1 --", PASSWORD, id="SQL"),
    ],
)
def test_everything_else_is_refused_with_the_same_words(
    house: Residents, name: str, password: str
) -> None:
    with pytest.raises(WrongPassword) as caught:
        enter(house, name, password)
    assert str(caught.value) == "The name or the password is wrong."
    assert len(house.lines(Deed.SIGN_IN_REFUSED)) == 1


def test_an_unknown_name_costs_as_much_work_as_a_known_one(
    house: Residents, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    verify = PasswordHash.verify

    def counted(self: PasswordHash, password: str, kept: str) -> bool:
        tried.append(kept.rsplit("$", 2)[0])
        return verify(self, password, kept)

    monkeypatch.setattr(PasswordHash, "verify", counted)
    for name in ("ana", "nobody"):
        with pytest.raises(WrongPassword):
            enter(house, name, "wrong horse battery")
    assert len(tried) == 2
    assert tried[0] == tried[1]  # the same parameters


def test_a_disabled_account_is_refused_as_if_it_were_none(house: Residents) -> None:
    house.accounts.disable("ana", "sam")
    with pytest.raises(WrongPassword):
        enter(house)


def test_what_changes_while_a_password_is_tried_counts(
    house: Residents, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Passwords.right

    def slow(self: Passwords, password: str, kept: str | None) -> bool:
        house.accounts.disable("ana", "sam")
        return right(self, password, kept)

    monkeypatch.setattr(Passwords, "right", slow)
    with pytest.raises(WrongPassword):
        enter(house)


def test_a_password_for_one_sign_in_is_used_up_by_it(house: Residents) -> None:
    with house.database.write() as w:
        stored.change(w, replace(house.accounts.one("ana"), once=True), NOW)
    secret = enter(house)
    with pytest.raises(WrongPassword):
        enter(house)
    assert visitor(house, secret).account == "ana"


def test_what_was_typed_is_not_on_the_record(house: Residents) -> None:
    with pytest.raises(WrongPassword):
        enter(house, "hunter2 in the wrong field", "wrong horse battery")
    assert all("hunter2" not in str(line) for line in house.lines())


def test_a_thousand_guesses_meet_a_lock(house: Residents) -> None:
    answers = []
    for guess in range(1000):
        try:
            enter(house, "ana", f"wrong horse {guess}", address=f"10.0.{guess // 30}.1")
        except (WrongPassword, TooMany) as refused:
            answers.append(type(refused))
    assert answers.count(WrongPassword) == house.settings.locks.account
    with pytest.raises(TooMany):
        enter(house)  # even with the right one
    assert len(house.lines(Deed.LOCKED_OUT)) == 1
    assert visitor(house, enter(house, "sam")).account == "sam"


def test_an_address_that_tries_many_names_is_locked_too(house: Residents) -> None:
    answers = []
    for guess in range(100):
        try:
            enter(house, f"name{guess}")
        except (WrongPassword, TooMany) as refused:
            answers.append(type(refused))
    assert answers.count(WrongPassword) == house.settings.locks.address
    with pytest.raises(TooMany):
        enter(house)
    assert visitor(house, enter(house, address="10.0.0.2"))


def fail(house: Residents, times: int, name: str = "ana") -> None:
    for guess in range(times):
        house.clock.on(seconds=1)
        with pytest.raises(WrongPassword):
            enter(house, name, f"wrong horse {guess}")


def restarted(house: Residents) -> Residents:
    """The same store under a new process."""
    house.signing = SignIn(house.database, house.settings, house.identities)
    return house


def test_a_restart_opens_no_lock(house: Residents) -> None:
    fail(house, house.settings.locks.account)
    house.clock.on(minutes=14)
    with pytest.raises(TooMany):
        enter(restarted(house))
    house.clock.on(minutes=2)
    assert visitor(house, enter(restarted(house)))


def test_a_restart_counts_on_where_it_was(house: Residents) -> None:
    fail(house, house.settings.locks.account - 1)
    fail(restarted(house), 1)
    with pytest.raises(TooMany):
        enter(house)
    house.clock.set_by = timedelta(hours=-1)
    with pytest.raises(TooMany):
        enter(restarted(house))


def test_who_was_right_at_last_begins_anew_over_a_restart_too(house: Residents) -> None:
    fail(house, house.settings.locks.account - 1)
    enter(house)
    fail(restarted(house), house.settings.locks.account - 1)
    assert visitor(house, enter(house))


def test_an_address_is_locked_over_a_restart_and_no_typed_name_is_kept(house: Residents) -> None:
    for n in range(house.settings.locks.address):
        fail(house, 1, f"hunter2-{n}")
    with pytest.raises(TooMany):
        enter(restarted(house))
    assert visitor(house, enter(house, address="10.0.0.2"))
    with house.database.read() as r:
        assert all("hunter" not in one.key for one in failed.recent(r, NOW))


def test_guesses_at_the_same_time_are_counted_all(house: Residents) -> None:
    async def rush() -> list[object]:
        guesses = (house.signing.enter("ana", f"w{n}", "10.0.0.1", "") for n in range(60))
        return list(await asyncio.gather(*guesses, return_exceptions=True))

    answers = [type(answer) for answer in asyncio.run(rush())]
    assert answers.count(WrongPassword) <= house.settings.locks.account + 1
    assert answers.count(TooMany) >= 60 - house.settings.locks.account - 1


# ---------------------------------------------------------------------- sessions
def test_each_sign_in_has_a_new_id_and_ends_the_one_it_came_with(house: Residents) -> None:
    first = enter(house)
    second = enter(house, before=first)
    assert first != second
    assert house.identities.by_session(first) is None
    assert visitor(house, second).account == "ana"


def test_an_id_that_was_planted_opens_nothing(house: Residents) -> None:
    planted = "A" * 43
    secret = enter(house, before=planted)
    assert secret != planted
    assert house.identities.by_session(planted) is None


def test_after_signing_out_the_cookie_opens_nothing(house: Residents) -> None:
    secret = enter(house)
    house.signing.leave(visitor(house, secret))
    assert house.identities.by_session(secret) is None
    assert [line.who for line in house.lines(Deed.SIGNED_OUT)] == ["ana"]


def test_a_password_for_one_time_opens_one_session(house: Residents) -> None:
    house.add("guest")
    with house.database.write() as w:
        guest = stored.account(w, "guest")
        assert guest is not None
        stored.change(w, replace(guest, once=True), NOW)
    assert visitor(house, enter(house, "guest")).account == "guest"
    with pytest.raises(WrongPassword):
        enter(house, "guest")


def test_fifteen_minutes_without_use_end_it(house: Residents) -> None:
    secret = enter(house)
    house.clock.on(minutes=14)
    house.identities.seen(visitor(house, secret))
    house.clock.on(minutes=14)
    ana = visitor(house, secret)
    house.clock.on(minutes=1)
    assert house.identities.by_session(secret) is None
    assert house.identities.again(ana) is None


def test_twelve_hours_end_it_however_busy(house: Residents) -> None:
    secret = enter(house)
    for _ in range(71):
        house.clock.on(minutes=10)
        house.identities.seen(visitor(house, secret))
    house.clock.on(minutes=10)
    assert house.identities.by_session(secret) is None


@pytest.mark.parametrize("hours", [1, -1], ids=["forward", "back"])
def test_a_clock_that_is_set_signs_nobody_out_and_lets_nobody_stay(
    house: Residents, hours: int
) -> None:
    secret = enter(house)
    house.clock.on(minutes=14)
    house.identities.seen(visitor(house, secret))
    house.clock.set_by = timedelta(hours=hours)
    house.clock.on(minutes=14)
    house.identities.seen(visitor(house, secret))
    other = enter(house)  # which forgets those that are over
    house.clock.on(minutes=14)
    assert visitor(house, secret)
    assert visitor(house, other)
    house.clock.on(minutes=1)
    assert house.identities.by_session(secret) is None


def test_a_session_of_before_a_restart_and_a_clock_set_back_is_over(house: Residents) -> None:
    """Its true age is not known: it would live an hour longer."""
    secret = enter(house)
    house.clock.on(minutes=1)
    assert KeptIdentities(house.database, house.settings).by_session(secret)
    house.clock.set_by = timedelta(hours=-1)
    assert KeptIdentities(house.database, house.settings).by_session(secret) is None


def test_use_is_noted_every_half_minute_and_not_with_each_request(house: Residents) -> None:
    secret = enter(house)
    house.clock.on(seconds=29)
    house.identities.seen(visitor(house, secret))
    assert visitor(house, secret).seen == NOW
    house.clock.on(seconds=1)
    house.identities.seen(visitor(house, secret))
    assert visitor(house, secret).seen == NOW + timedelta(seconds=30)


def test_a_full_disk_signs_nobody_out(house: Residents, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who watches goes on watching; that nothing is stored is told by the desk."""
    secret = enter(house)

    def full(**_: object) -> NoReturn:
        raise StoreError("the disk is full", cause="full")

    with monkeypatch.context() as patch:
        patch.setattr(house.database, "write", full)
        for _ in range(4):
            house.clock.on(minutes=10)
            house.identities.seen(visitor(house, secret))
            house.identities.touches.settle()
    assert stored_seen(house, secret) == NOW
    house.clock.on(minutes=1)
    house.identities.seen(visitor(house, secret))
    house.identities.touches.settle()
    assert stored_seen(house, secret) == NOW + timedelta(minutes=41)
    assert house.identities.touches.of(visitor(house, secret).session) is None


def test_no_request_waits_for_the_writer_to_be_a_sign_of_life(house: Residents) -> None:
    """Somebody else's transaction goes on for as long as this test likes."""
    secret = enter(house)
    house.clock.on(minutes=14)
    with house.database.write():
        house.identities.seen(visitor(house, secret))
        house.clock.on(minutes=14)
        assert visitor(house, secret).seen == NOW + timedelta(minutes=14)
        house.identities.seen(visitor(house, secret))
    house.identities.touches.settle()
    assert stored_seen(house, secret) == NOW + timedelta(minutes=28)


def test_who_signs_in_ends_no_session_whose_use_is_not_written_yet(
    house: Residents, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = enter(house)
    monkeypatch.setattr(house.identities.touches, "_write", lambda: None)
    house.clock.on(minutes=10)
    house.identities.seen(visitor(house, secret))
    house.clock.on(minutes=10)
    enter(house, "sam")
    assert stored_seen(house, secret) == NOW + timedelta(minutes=10)


def stored_seen(house: Residents, secret: str) -> datetime:
    with house.database.read() as r:
        found = sessions.session(r, sessions.digest(secret))
    assert found is not None
    return found.seen


def test_the_store_has_no_secret_that_opens_a_session(house: Residents) -> None:
    secret = enter(house)
    with house.database.read() as r:
        (row,) = r.connection.execute(sessions.sessions.select()).all()
    assert row.id == hashlib.sha256(secret.encode()).hexdigest()
    assert house.identities.by_session(row.id) is None
    assert visitor(house, secret).csrf not in str(row)


def test_a_disabled_account_has_no_session_even_where_one_was_left(house: Residents) -> None:
    secret = enter(house)
    with house.database.write() as w:
        stored.change(w, replace(house.accounts.one("ana"), disabled=True), NOW)
    assert house.identities.by_session(secret) is None


def test_sessions_that_are_over_are_forgotten(house: Residents) -> None:
    enter(house)
    house.clock.on(hours=1)
    enter(house)
    with house.database.read() as r:
        assert len(r.connection.execute(sessions.sessions.select()).all()) == 1


# ---------------------------------------------------------------------- rights
def test_an_expired_training_closes_alerts_in_a_running_session(house: Residents) -> None:
    secret = enter(house)
    house.clock.on(days=364)
    secret = enter(house)
    house.clock.on(hours=23, minutes=50)
    house.identities.seen(visitor(house, enter(house, before=secret)))
    ana = visitor(house, enter(house))
    assert ana.may(Permission.SEE_ALERTS)
    house.clock.on(minutes=11)
    later = house.identities.again(ana)
    assert later is not None
    assert not later.permissions & QUALIFIED
    assert later.may(Permission.STOP)


@pytest.mark.parametrize("missing", ["habilitation", "training"])
def test_without_either_date_nobody_sees_alerts(house: Residents, missing: str) -> None:
    less = rights_of(house.accounts.all()[0])
    if missing == "training":
        less = replace(less, trained_until=None)
    else:
        less = replace(less, habilitated_until=None)
    house.accounts.change("ana", less, "sam")
    ana = visitor(house, enter(house))
    assert not ana.permissions & QUALIFIED


def test_a_change_of_rights_ends_the_sessions_and_is_on_the_record(house: Residents) -> None:
    secret = enter(house)
    fewer = replace(rights_of(house.accounts.all()[0]), cameras=frozenset({"gate"}))
    house.accounts.change("ana", fewer, "sam")
    assert house.identities.by_session(secret) is None
    line = house.lines(Deed.ACCOUNT_CHANGED)[-1]
    assert (line.who, line.of) == ("sam", "account:ana")
    assert line.details == '{"cameras":"all -> gate"}'
    assert visitor(house, enter(house)).scope == frozenset({"gate"})


def test_nobody_extends_their_own_habilitation(house: Residents) -> None:
    sam = next(one for one in house.accounts.all() if one.name == "sam")
    longer = replace(rights_of(sam), habilitated_until=NOW + 10 * YEAR)
    with pytest.raises(ConfigurationError, match="own rights"):
        house.accounts.change("sam", longer, "sam")
    with pytest.raises(ConfigurationError, match="own rights"):
        house.accounts.set_password("sam", "without the old one", "sam")
    house.accounts.change("sam", longer, COMMAND_LINE)


# ---------------------------------------------------------------------- how far one reaches
DOCK = frozenset({"dock"})


@pytest.fixture
def reach(house: Residents) -> Residents:
    """A supervisor of one camera, and people of that one, of all, and of another."""
    house.add("dora", Role.SUPERVISOR, cameras=DOCK)
    house.add("dan", cameras=DOCK)
    house.add("gil", cameras=frozenset({"gate"}))
    house.add("dina", Role.SUPERVISOR, cameras=DOCK)
    return house


def rights(*roles: Role, cameras: frozenset[str] | None = DOCK) -> Rights:
    return Rights(roles=frozenset(roles or (Role.OPERATOR,)), cameras=cameras)


BEYOND = {
    "all cameras": rights(cameras=None),
    "another camera": rights(cameras=frozenset({"dock", "gate"})),
    **{role.value: rights(role) for role in (Role.SUPERVISOR, Role.DPO, Role.AUDITOR)},
    "all roles": rights(*Role),
}


@pytest.mark.parametrize("beyond", BEYOND.values(), ids=list(BEYOND))
def test_a_supervisor_of_one_camera_gives_no_more_than_that(
    reach: Residents, beyond: Rights
) -> None:
    before = reach.accounts.all()
    with pytest.raises(NotAllowed):
        reach.accounts.add("nina", PASSWORD, beyond, "dora")
    with pytest.raises(NotAllowed):
        reach.accounts.change("dan", beyond, "dora")
    assert reach.accounts.all() == before
    lines = reach.lines(Deed.DENIED)
    assert [(line.who, line.of) for line in lines] == [
        ("dora", "account:nina"),
        ("dora", "account:dan"),
    ]
    reach.accounts.add("nina", PASSWORD, beyond, "sam")
    reach.accounts.change("dan", beyond, COMMAND_LINE)


@pytest.mark.parametrize("name", ["sam", "ana", "gil", "dina"])
def test_a_supervisor_of_one_camera_sees_to_nobody_of_more(reach: Residents, name: str) -> None:
    before, own = reach.accounts.one(name), "a password of my own"
    for deed in (
        lambda: reach.accounts.set_password(name, own, "dora"),
        lambda: reach.accounts.disable(name, "dora"),
        lambda: reach.accounts.change(name, rights(), "dora"),
    ):
        with pytest.raises(NotAllowed):
            deed()
    assert reach.accounts.one(name) == before
    assert len(reach.lines(Deed.DENIED)) == 3
    with pytest.raises(NotFound):
        reach.accounts.one(name, DOCK)
    assert [one.name for one in reach.accounts.all(DOCK)] == ["dan"]
    reach.accounts.set_password(name, own, COMMAND_LINE)


def test_a_supervisor_of_one_camera_sees_to_those_of_it(reach: Residents) -> None:
    reach.accounts.add("nina", PASSWORD, rights(Role.OPERATOR, Role.INTEGRATOR), "dora")
    reach.accounts.set_password("nina", "another horse battery", "dora")
    reach.accounts.disable("nina", "dora")
    assert reach.accounts.one("nina").disabled
    assert reach.lines(Deed.DENIED) == []


@pytest.mark.parametrize("actor", ["ana", "nobody", "dora"])
def test_who_is_no_supervisor_any_more_changes_nothing(reach: Residents, actor: str) -> None:
    reach.accounts.disable("dora", "sam")
    with pytest.raises(NotAllowed):
        reach.accounts.set_password("dan", "another horse battery", actor)


def test_what_changes_while_somebody_is_disabled_is_kept(
    reach: Residents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking and writing is one transaction: here nobody gets in between by reading first."""

    def never() -> NoReturn:
        raise AssertionError("it was read outside the transaction")

    with monkeypatch.context() as patch:
        patch.setattr(reach.database, "read", never)
        reach.accounts.disable("dan", "dora")
    assert reach.accounts.one("dan").disabled


@pytest.mark.parametrize(
    "name", ["", "a", "Ana", "system", "a b", "é", "x" * 41, "../x", "<b>", "1a", "ana\n"]
)
def test_a_name_is_plain(house: Residents, name: str) -> None:
    with pytest.raises(ConfigurationError):
        house.accounts.add(name, PASSWORD, rights_of(house.accounts.all()[0]), "sam")


@pytest.mark.parametrize("password", ["", "short", "x" * 12, "ana and others", "y" * 201])
def test_a_password_that_would_be_guessed_is_not_taken(house: Residents, password: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        house.accounts.set_password("ana", password, "sam")
    assert not password or password not in str(caught.value)


def test_a_password_is_taken_as_typed_however_it_is_composed(house: Residents) -> None:
    house.accounts.set_password("ana", "p@ss:/?#%&^! e\u0301t\u0061", "sam")
    assert visitor(house, enter(house, password="p@ss:/?#%&^! \u00e9ta"))


def test_a_name_is_taken_once(house: Residents) -> None:
    with pytest.raises(AlreadyStored):
        house.add("ana")
    with pytest.raises(NotFound):
        house.accounts.disable("zoe", "sam")


def test_a_new_password_ends_the_other_sessions(house: Residents) -> None:
    mine, other = enter(house), enter(house)
    house.signing.change_password(visitor(house, mine), PASSWORD, "another horse battery")
    assert house.identities.by_session(other) is None
    assert visitor(house, mine)
    with pytest.raises(WrongPassword):
        house.signing.change_password(visitor(house, mine), PASSWORD, "a third horse battery")


@pytest.mark.parametrize("meanwhile", ["disabled", "fewer cameras", "another password"])
def test_a_new_password_undoes_nothing_that_happened_while_it_was_made(
    house: Residents, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    ana, made = visitor(house, enter(house)), Passwords.hash
    fewer = replace(rights_of(house.accounts.one("ana")), cameras=frozenset({"gate"}))

    def slow(self: Passwords, password: str, name: str) -> str:
        monkeypatch.setattr(Passwords, "hash", made)
        if meanwhile == "disabled":
            house.accounts.disable("ana", COMMAND_LINE)
        elif meanwhile == "fewer cameras":
            house.accounts.change("ana", fewer, COMMAND_LINE)
        else:
            house.accounts.set_password("ana", "set by somebody else", COMMAND_LINE)
        return made(self, password, name)

    monkeypatch.setattr(Passwords, "hash", slow)
    with pytest.raises(WrongPassword):
        house.signing.change_password(ana, PASSWORD, "another horse battery")
    after = house.accounts.one("ana")
    assert (after.disabled, after.cameras) == (
        meanwhile == "disabled",
        frozenset({"gate"}) if meanwhile == "fewer cameras" else None,
    )
    assert not house.settings.passwords.right("another horse battery", after.password)


def test_an_incident_is_handed_to_who_may_decide_it(house: Residents) -> None:
    house.add("far", cameras=frozenset({"dock"}))
    house.add("late", qualified=False)
    house.add("tom", Role.INTEGRATOR)
    assert house.accounts.who_may_decide("gate") == ["ana", "sam"]


def test_a_hash_is_shown_nowhere_by_accident(house: Residents) -> None:
    with house.database.read() as r:
        ana = stored.account(r, "ana")
    assert ana is not None
    assert "$argon2id$" in ana.password
    assert "$argon2" not in repr(ana)
    assert all("$argon2" not in str(line) for line in house.lines())


# ---------------------------------------------------------------------- tokens
CAMERAS = frozenset({Permission.SEE_CAMERAS})


def issue(house: Residents, **changes: object) -> str:
    sam = visitor(house, enter(house, "sam"))
    wanted: dict[str, object] = {
        "name": "a monitor",
        "permissions": CAMERAS,
        "expires": NOW + timedelta(days=30),
    }
    return house.tokens.issue(sam, **(wanted | changes))[1]  # type: ignore[arg-type]


def test_a_token_has_what_it_was_given_and_no_more(house: Residents) -> None:
    found = house.identities.by_token(issue(house, cameras=frozenset({"gate"})))
    assert found is not None
    assert (found.account, found.permissions, found.scope) == ("sam", CAMERAS, frozenset({"gate"}))
    assert not found.session


@pytest.mark.parametrize(
    "changes",
    [
        {"permissions": frozenset({Permission.DECIDE})},
        {"permissions": frozenset({Permission.SEE_AUDIT})},
        {"permissions": frozenset({Permission.SEE_CAMERAS, Permission.MANAGE_ACCOUNTS})},
        {"permissions": frozenset[Permission]()},
        {"expires": NOW},
        {"expires": NOW + timedelta(days=367)},
    ],
    ids=["decides", "not one's own", "manages", "nothing", "past", "for ever"],
)
def test_a_token_is_not_issued_for_more(house: Residents, changes: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        issue(house, **changes)


def test_a_token_ends_with_its_day_with_its_account_and_when_revoked(house: Residents) -> None:
    secret = issue(house)
    (token,) = house.tokens.all()
    house.clock.on(days=30)
    assert house.identities.by_token(secret) is None
    house.clock.on(days=-30)
    assert house.identities.by_token(secret)
    house.accounts.disable("sam", COMMAND_LINE)
    assert house.identities.by_token(secret) is None
    sam = next(one for one in house.accounts.all() if one.name == "sam")
    house.accounts.change("sam", replace(rights_of(sam), disabled=False), COMMAND_LINE)
    assert house.identities.by_token(secret)
    house.tokens.revoke(token.id, "sam")
    assert house.identities.by_token(secret) is None
    with pytest.raises(NotFound):
        house.tokens.revoke(token.id, "sam")


def test_a_token_loses_what_its_account_loses(house: Residents) -> None:
    secret = issue(house, permissions=frozenset({Permission.SEE_ALERTS, Permission.STOP}))
    house.clock.on(days=29)
    sam = next(one for one in house.accounts.all() if one.name == "sam")
    house.accounts.change("sam", replace(rights_of(sam), trained_until=NOW), COMMAND_LINE)
    found = house.identities.by_token(secret)
    assert found is not None
    assert found.permissions == frozenset({Permission.STOP})


def test_what_only_a_person_may_is_in_no_token_whatever_stands_in_the_store(
    house: Residents,
) -> None:
    forged = Token(
        id=UUID(int=1),
        account="sam",
        name="forged",
        permissions=frozenset({"decide", "look_clearly", "see_alerts", "nonsense"}),
        cameras=None,
        issued=NOW,
        expires=NOW + YEAR,
    )
    with house.database.write() as w:
        tokens.issue(w, forged, sessions.digest("known"))
    found = house.identities.by_token("known")
    assert found is not None
    assert found.permissions == frozenset({Permission.SEE_ALERTS})


def test_a_session_is_no_token_and_a_token_no_session(house: Residents) -> None:
    assert house.identities.by_token(enter(house)) is None
    assert house.identities.by_session(issue(house)) is None


def test_a_token_is_neither_stored_nor_on_the_record(house: Residents) -> None:
    secret = issue(house)
    assert all(secret not in str(line) for line in house.lines())
    assert secret.encode() not in (house.folder / "veilleur.db").read_bytes()
    assert secret.encode() not in (house.folder / "veilleur.db-wal").read_bytes()


def test_a_supervisor_gives_a_token_only_what_programs_may_have(house: Residents) -> None:
    may = grantable(visitor(house, enter(house, "sam")))
    assert Permission.SEE_ALERTS in may
    assert not may & {Permission.DECIDE, Permission.LOOK_CLEARLY, Permission.MANAGE_TOKENS}
