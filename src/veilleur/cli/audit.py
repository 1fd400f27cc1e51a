"""`veilleur audit`: is the record whole, what stands in it, and a copy of it."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from veilleur.errors import ConfigurationError
from veilleur.law.deed import Deed
from veilleur.store import chain
from veilleur.store.database import kept_head, note_export, reading, url_in
from veilleur.store.export import export as exported
from veilleur.store.export import opened, verify_export
from veilleur.store.record import Head
from veilleur.store.transaction import Reading

app = typer.Typer(no_args_is_help=True, help="The record of everything that was done.")

Data = Annotated[Path | None, typer.Option("--data", help="the folder that serve was given")]
Url = Annotated[str | None, typer.Option("--database", help="the URL that serve was given")]
BROKEN = 2


@app.callback()
def audit() -> None:
    """The record of everything that was done."""


@app.command()
def verify(
    data: Data = None,
    database: Url = None,
    file: Annotated[Path | None, typer.Option("--export", help="an exported record")] = None,
    head: Annotated[
        Path | None,
        typer.Option("--head", help="ends of the record kept elsewhere: number and digest a line"),
    ] = None,
) -> None:
    """Find rows that were changed, deleted, moved, inserted or cut off. Exit code 2: there are."""
    known = read_heads(head) if head else []
    if file is not None:
        report = verify_export(file, known)
    else:
        url = _url(data, database)
        beside = kept_head(url)
        with reading(url, older=True) as r:
            report = chain.verify(r, [*known, *([beside] if beside else [])])
    show(report, Console(highlight=False, soft_wrap=True))
    if not report.intact:
        raise typer.Exit(BROKEN)


@app.command("list")
def list_(
    data: Data = None,
    database: Url = None,
    deed: Annotated[list[Deed] | None, typer.Option("--deed", help="only such deeds")] = None,
    who: Annotated[str | None, typer.Option("--who", help="only of this account")] = None,
    of: Annotated[str | None, typer.Option("--of", help="only about this: camera:gate")] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="so many, the last")] = 50,
) -> None:
    """Show the last rows. That they were asked for is a row itself."""
    question = chain.Question(deeds=frozenset(deed or ()), who=who, of=of)
    asked = {"deed": ", ".join(deed or ()), "account": who or "", "of": of or ""}
    with _asked(data, database, {"command": "audit list", "lines": str(number), **asked}) as r:
        found = chain.lines(r, question, limit=number, newest=True)
    for line in reversed(found):
        at = line.at.isoformat(sep=" ", timespec="milliseconds")
        details = "" if line.details == "{}" else line.details
        words = (f"{line.number:>8}", at, line.who, line.deed, line.of, line.reason, details)
        print(_plain("  ".join(words).rstrip()))


@app.command()
def export(
    data: Data = None,
    database: Url = None,
    to: Annotated[Path | None, typer.Option("--to", help="a new file; absent: print it")] = None,
) -> None:
    """Write the whole record as JSON, one line a row, to be verified anywhere (--export). That it
    was exported is a row of the record, with the name of this machine's user."""
    if to is not None and to.exists():
        raise ConfigurationError(
            f"{to} exists", remedy="name a new file: an export replaces nothing"
        )
    where = str(to.resolve()) if to else "standard output"
    with _asked(data, database, {"command": "audit export", "to": where}) as r:
        if to is None:
            sys.stdout.writelines(exported(r))
            return
        _written(to, r)
    print(f"written to {to}")


def _written(to: Path, r: Reading) -> None:
    """For whoever exports alone: names and reasons stand in it. Raises ConfigurationError, and
    leaves no half of an export."""
    try:
        number = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _not_written(to, error) from None
    whole = False
    try:
        with open(number, "w", encoding="utf-8") as file:
            file.writelines(exported(r))
            file.flush()
            os.fsync(file.fileno())
        whole = True
    except OSError as error:
        raise _not_written(to, error) from None
    finally:
        if not whole:
            to.unlink(missing_ok=True)


def _not_written(to: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{to} can't be written: {error.strerror}",
        remedy="name a new file in a folder with room that you may write to",
    )


def show(report: chain.ChainReport, console: Console) -> None:
    """In words; the last line is what to keep elsewhere."""
    for found in report.findings:
        console.print(found.message, style="bold red", markup=False)
    if report.more:
        console.print(f"and {report.more} more", style="bold red")
    for number in report.clock_back[: chain.MOST]:
        console.print(f"record {number}: the clock was set back before it", style="yellow")
    state = "is whole" if report.intact else "is NOT whole"
    console.print(f"the record of {report.rows} rows {state}")
    console.print(f"{report.head.number} {report.head.digest}", markup=False)


def read_heads(path: Path) -> list[Head]:
    """Lines of a number and a digest, as `verify` prints. Raises ConfigurationError."""
    heads = []
    with opened(path) as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) < 2 or not words[0].isdecimal() or len(words[1]) != 64:
            raise ConfigurationError(
                "a line holds a number and a digest of 64 characters",
                remedy="use the last line that `veilleur audit verify` prints",
                file=str(path),
                line=number,
            )
        heads.append(Head(int(words[0]), words[1].lower()))
    return heads


@contextmanager
def _asked(data: Path | None, database: str | None, what: Mapping[str, str]) -> Iterator[Reading]:
    """The record; that it was asked for is put on it, or it isn't given."""
    url = _url(data, database)
    with reading(url, older=True) as r:
        note_export(url, {"user": _user(), **{name: text for name, text in what.items() if text}})
        yield r


def _user() -> str:
    """Of this machine: who has started the command."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _url(data: Path | None, database: str | None) -> str:
    if database:
        return database
    if data is None:
        raise ConfigurationError(
            "which record?", remedy="give --data DIR or --database URL, as to veilleur serve"
        )
    return url_in(data)


def _plain(text: str) -> str:
    """What somebody typed may not steer the terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
