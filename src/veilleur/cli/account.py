"""`veilleur account`: accounts, for whoever owns the machine; the first one has to come from here.

A password is typed, or comes as the first line of the standard input: never as an argument, which
every user of the machine could read.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from veilleur.cli.choosing import tell
from veilleur.console.administration import Accounts, Rights
from veilleur.console.permission import Permission, Role, permissions_of
from veilleur.console.plain import end_of
from veilleur.console.settings import Settings
from veilleur.errors import ConfigurationError, StoreError
from veilleur.law.deed import COMMAND_LINE
from veilleur.store import accounts
from veilleur.store.accounts import Account
from veilleur.store.database import Database, reading, url_in

app = typer.Typer(no_args_is_help=True, help="Who may sign in, as what, and until when.")

Data = Annotated[Path | None, typer.Option("--data", help="the folder that serve is given")]
Url = Annotated[str | None, typer.Option("--database", help="the URL that serve is given")]
Name = Annotated[str, typer.Argument(help="small letters, digits, . _ -")]
Day = Annotated[str | None, typer.Option(help="a day, included: 2027-06-30")]


@app.callback()
def account() -> None:
    """Who may sign in, as what, and until when."""


@app.command()
def add(
    name: Name,
    role: Annotated[list[Role], typer.Option("--role", help="may be given several times")],
    camera: Annotated[
        list[str] | None, typer.Option("--camera", help="only these; absent: all")
    ] = None,
    habilitated_until: Day = None,
    trained_until: Day = None,
    language: Annotated[Literal["fr", "en"], typer.Option(help="of the pages")] = "fr",
    time_zone: Annotated[str, typer.Option(help="of the site")] = "Europe/Paris",
    data: Data = None,
    database: Url = None,
) -> None:
    """Make an account. Its password is asked for, or read from the standard input.

    Without both dates it sees no alert and no picture (law 36).
    """
    rights = Rights(
        roles=frozenset(role),
        cameras=frozenset(camera) if camera else None,
        habilitated_until=end_of(_day(habilitated_until), time_zone),
        trained_until=end_of(_day(trained_until), time_zone),
        language=language,
    )
    password = _password()
    with _accounts(data, database) as known:
        known.add(name, password, rights, COMMAND_LINE)
    tell(f"account {name}: {', '.join(sorted(rights.roles))}")
    undated = None in (rights.habilitated_until, rights.trained_until)
    if undated and _would_see(rights.roles):
        tell("it sees no alert until it has both --habilitated-until and --trained-until")


@app.command("list")
def list_(data: Data = None, database: Url = None) -> None:
    """One line an account: name, roles, cameras, habilitated and trained until, state."""
    with reading(_url(data, database)) as r:
        found = accounts.all_accounts(r)
    for one in found:
        print(_line(one, datetime.now(UTC)))


@app.command()
def disable(name: Name, data: Data = None, database: Url = None) -> None:
    """It signs in no more; its sessions and tokens end at once."""
    with _accounts(data, database) as known:
        known.disable(name, COMMAND_LINE)
    tell(f"account {name} is disabled")


@app.command()
def password(name: Name, data: Data = None, database: Url = None) -> None:
    """Set a new password, which is asked for, or read from the standard input."""
    new = _password()
    with _accounts(data, database) as known:
        known.set_password(name, new, COMMAND_LINE)
    tell(f"account {name} has a new password; its sessions have ended")


def _would_see(roles: Iterable[str]) -> bool:
    """Alerts, were it qualified."""
    return Permission.SEE_ALERTS in permissions_of(map(Role, roles), qualified=True)


def _line(one: Account, now: datetime) -> str:
    state = "disabled" if one.disabled else "active"
    if not one.disabled and not (one.qualified(now) and _would_see(one.roles)):
        state = "active, sees no alert"
    words = (
        one.name,
        ",".join(sorted(one.roles)),
        "all" if one.cameras is None else ",".join(sorted(one.cameras)),
        _until(one.habilitated_until),
        _until(one.trained_until),
        state,
    )
    return "\t".join(words)


def _until(until: datetime | None) -> str:
    return until.isoformat(timespec="minutes") if until else "-"


@contextmanager
def _accounts(data: Path | None, database: str | None) -> Iterator[Accounts]:
    """While the service runs it alone writes to an SQLite file: its pages do the same then."""
    if data is not None:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        opened = Database.open(_url(data, database))
    except StoreError as error:
        if error.cause == "locked":
            error.remedy = "while the service runs, its page Accounts does the same; or end it"
        raise
    with opened:
        yield Accounts(opened, Settings())


def _url(data: Path | None, database: str | None) -> str:
    if database:
        return database
    if data is None:
        raise ConfigurationError(
            "whose accounts?", remedy="give --data DIR or --database URL, as to veilleur serve"
        )
    return url_in(data)


def _password() -> str:
    """Typed twice at a terminal; else the first line of the standard input, as it stands."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != first:
        raise ConfigurationError("the two are not the same", remedy="try again")
    return first


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no day", remedy="write it as 2027-06-30") from None
