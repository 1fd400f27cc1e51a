"""`veilleur account`: the first account comes from the machine's owner, its password unseen."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veilleur.cli.account import app
from veilleur.console.passwords import Passwords, standard
from veilleur.console.permission import Role
from veilleur.errors import AlreadyStored, ConfigurationError, NotFound, StoreError
from veilleur.store import accounts
from veilleur.store.accounts import Account
from veilleur.store.database import Database, reading, url_in

PASSWORD = "p@ss:/?#%&^! é correct"


def run(folder: Path, *words: str, typed: str = "") -> str:
    """Errors of ours come out as they are; the edge of the command line prints them."""
    done = CliRunner().invoke(app, [*words, "--data", str(folder)], input=typed)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def known(folder: Path) -> Account:
    with reading(url_in(folder)) as r:
        (one,) = accounts.all_accounts(r)
    return one


def test_an_account_is_added_listed_and_disabled(tmp_path: Path) -> None:
    days = ("--habilitated-until", "2027-06-30", "--trained-until", "2099-12-31")
    said = run(tmp_path, "add", "ana", "--role", "operator", *days, typed=PASSWORD + "\n")
    assert PASSWORD not in said
    one = known(tmp_path)
    assert one.roles == frozenset({"operator"})
    assert str(one.habilitated_until) == "2027-06-30 22:00:00+00:00"
    assert standard().right(PASSWORD, one.password)
    run(tmp_path, "disable", "ana")
    assert known(tmp_path).disabled
    line = run(tmp_path, "list")
    assert line.split("\t")[:3] == ["ana", "operator", "all"]
    assert line.rstrip().endswith("disabled")
    assert "argon2" not in line


def test_a_password_is_set_anew(tmp_path: Path) -> None:
    run(tmp_path, "add", "sam", "--role", "supervisor", typed=PASSWORD + "\n")
    run(tmp_path, "password", "sam", typed="another horse battery\n")
    assert Passwords().right("another horse battery", known(tmp_path).password)


def test_without_both_dates_it_is_told_that_no_alert_is_seen(tmp_path: Path) -> None:
    said = run(tmp_path, "add", "ana", "--role", Role.OPERATOR, typed=PASSWORD + "\n")
    assert "sees no alert" in said
    assert "sees no alert" in run(tmp_path, "list")


@pytest.mark.parametrize(
    ("words", "typed", "error"),
    [
        (("add", "Ana", "--role", "operator"), PASSWORD, ConfigurationError),
        (("add", "zoe", "--role", "operator"), "short", ConfigurationError),
        (("add", "zoe", "--role", "operator"), "", ConfigurationError),
        (
            ("add", "zoe", "--role", "operator", "--trained-until", "x"),
            PASSWORD,
            ConfigurationError,
        ),
        (("add", "ana", "--role", "operator"), PASSWORD, AlreadyStored),
        (("disable", "zoe"), "", NotFound),
        (("password", "zoe"), PASSWORD, NotFound),
    ],
)
def test_a_mistake_has_its_name(
    tmp_path: Path, words: tuple[str, ...], typed: str, error: type[Exception]
) -> None:
    run(tmp_path, "add", "ana", "--role", "operator", typed=PASSWORD + "\n")
    with pytest.raises(error) as caught:
        run(tmp_path, *words, typed=typed)
    assert not typed or typed not in str(caught.value)
    assert known(tmp_path).name == "ana"


def test_no_command_takes_a_password_as_an_argument() -> None:
    commands = [one.callback for one in app.registered_commands]
    assert len(commands) == 4
    names = {name for one in commands if one for name in inspect.signature(one).parameters}
    assert "role" in names
    assert not [name for name in names if "pass" in name or "secret" in name]


def test_who_sees_no_alert_by_its_role_is_not_asked_for_dates(tmp_path: Path) -> None:
    said = run(tmp_path, "add", "max", "--role", Role.AUDITOR, typed=PASSWORD + "\n")
    assert "until" not in said
    assert run(tmp_path, "list").rstrip().endswith("active, sees no alert")


def test_while_the_service_writes_one_is_told_where_accounts_are_made(tmp_path: Path) -> None:
    with (
        Database.open(url_in(tmp_path)),
        pytest.raises(StoreError, match="its page Accounts does the same") as refused,
    ):
        run(tmp_path, "add", "ana", "--role", Role.OPERATOR, typed=PASSWORD + "\n")
    assert refused.value.cause == "locked"
