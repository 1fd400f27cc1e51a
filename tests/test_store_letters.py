"""Who exports the record is on the record, also where another process alone may write to it."""

from __future__ import annotations

import getpass
import json
import logging
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.storing import NOON, database, entry, postgresql, url
from veilleur.cli.audit import app
from veilleur.errors import ConfigurationError, StoreError
from veilleur.law.deed import Deed
from veilleur.store import chain
from veilleur.store.database import Database, note_export

__all__ = ["database", "postgresql", "url"]  # fixtures

MADE = {"user": "ann", "command": "audit export"}


def lines(database: Database) -> list[chain.Line]:
    with database.read() as r:
        return list(chain.lines(r, chain.Question(deeds=frozenset({Deed.EXPORTED}))))


def write(database: Database) -> None:
    with database.write() as w:
        w.record(entry())


@pytest.mark.parametrize("command", ["export", "list"])
def test_who_exports_or_lists_the_record_is_on_it(
    database: Database, url: str, command: str
) -> None:
    """The database is open here, as in a service that runs."""
    write(database)
    assert CliRunner().invoke(app, [command, "--database", url]).exit_code == 0
    write(database)
    (line,) = lines(database)
    details = json.loads(line.details)
    assert line.who == "command line"
    assert (details["user"], details["command"]) == (getpass.getuser(), f"audit {command}")
    write(database)
    assert len(lines(database)) == 1
    with database.read() as r:
        assert chain.verify(r).intact


def test_what_was_asked_for_stands_there(database: Database, url: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.jsonl"
    CliRunner().invoke(app, ["export", "--database", url, "--to", str(file)])
    CliRunner().invoke(app, ["list", "--database", url, "--who", "ann", "--deed", "denied"])
    write(database)
    copied, listed = (json.loads(line.details) for line in lines(database))
    assert copied["to"] == str(file)
    assert (listed["account"], listed["deed"]) == ("ann", "denied")


def test_a_letter_waits_for_a_service_that_is_not_running(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/veilleur.db"
    Database.open(url).close()
    note_export(url, MADE)
    with Database.open(url) as database:
        write(database)
        assert len(lines(database)) == 1
    with Database.open(url) as database:
        write(database)
        assert len(lines(database)) == 1


class Fault(Exception):
    """Of whoever writes."""


def test_a_transaction_that_is_undone_loses_no_letter(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/veilleur.db"
    with Database.open(url) as database:
        note_export(url, MADE)
        with pytest.raises(Fault), database.write():
            raise Fault
        assert lines(database) == []
        write(database)
        assert len(lines(database)) == 1


def test_a_letter_that_cannot_be_removed_is_recorded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/veilleur.db"

    def refused(_: Path) -> None:
        raise PermissionError(1, "no")

    with Database.open(url) as database:
        note_export(url, MADE)
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(Path, "unlink", refused)
            write(database)
            write(database)
        assert len(lines(database)) == 1
        assert "can't be removed" in caplog.text


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"user": 1}', '{"a": "b"', "\x00", '{"a": "' + "x" * (1 << 17) + '"}']
)
def test_what_is_no_letter_is_left_and_holds_up_nothing(tmp_path: Path, text: str) -> None:
    url = f"sqlite:///{tmp_path}/veilleur.db"
    with Database.open(url) as database:
        note_export(url, MADE)
        bad = tmp_path / "veilleur.db.letters" / "0.json"
        bad.write_text(text)
        write(database)
        assert len(lines(database)) == 1
        assert bad.read_text() == text


def test_without_its_line_nothing_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, copy = f"sqlite:///{tmp_path}/veilleur.db", tmp_path / "copy.jsonl"
    with Database.open(url) as database:
        write(database)

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    done = CliRunner().invoke(app, ["export", "--database", url, "--to", str(copy)])
    assert isinstance(done.exception, StoreError)
    assert done.exception.cause == "read_only"
    assert not copy.exists()
    assert CliRunner().invoke(app, ["list", "--database", url]).stdout == ""


def test_an_export_that_is_refused_leaves_no_line(
    database: Database, url: str, tmp_path: Path
) -> None:
    there = tmp_path / "copy.jsonl"
    there.touch()
    done = CliRunner().invoke(app, ["export", "--database", url, "--to", str(there)])
    assert isinstance(done.exception, ConfigurationError)
    write(database)
    assert lines(database) == []


def test_letters_come_in_the_order_in_which_they_were_left(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/veilleur.db"
    with Database.open(url) as database:
        for number in range(5):
            note_export(url, {**MADE, "number": str(number)})
        write(database)
        found = [json.loads(line.details) for line in lines(database)]
    assert [one["number"] for one in found] == list("01234")
    assert all(one["at"] > NOON.isoformat()[:4] for one in found)
