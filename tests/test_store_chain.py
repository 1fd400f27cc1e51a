"""Whatever is done to a row of the record, by somebody with all rights, is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from tests.storing import NOON, at, database, entry, postgresql, signalled, sqlite_url, url
from veilleur.cli.audit import app
from veilleur.errors import ConfigurationError, StoreError
from veilleur.law.deed import Deed
from veilleur.store import chain, record
from veilleur.store.chain import ChainReport, Tamper
from veilleur.store.database import Database, reading, url_in
from veilleur.store.export import export, verify_export
from veilleur.store.metadata import microseconds
from veilleur.store.record import Head, audit, chain_head
from veilleur.store.transaction import Writing

__all__ = ["database", "postgresql", "url"]  # fixtures

ROWS = 10
EVERY_ROW = range(1, ROWS + 1)


@pytest.fixture
def kept(database: Database) -> Database:
    """With a record of ten rows."""
    with database.write() as w:
        for number in EVERY_ROW:
            w.record(
                entry(Deed.DENIED, f"camera:{number}", who=f"ann{number}", details={"page": "/"})
            )
    return database


class UndoneError(Exception):
    """Takes back what was tampered with."""


def after(
    database: Database, *deeds: Callable[[Writing], object], known: tuple[Head, ...] = ()
) -> ChainReport:
    """What the verifier says once an administrator has done that; it is undone afterwards."""
    found: list[ChainReport] = []

    def tampering() -> None:
        with database.write() as w:
            unguarded(w)
            for deed in deeds:
                deed(w)
            found.append(chain.verify(w, known))
            raise UndoneError

    with pytest.raises(UndoneError):
        tampering()
    return found[0]


def unguarded(w: Writing) -> None:
    if w.connection.dialect.name == "sqlite":
        names = w.connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in names.scalars().all():
            w.connection.execute(text(f"DROP TRIGGER {name}"))
    else:
        for table in ("audit", "chain_head"):
            w.connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))


def change(number: int, /, **values: Any) -> Callable[[Writing], object]:
    return lambda w: w.connection.execute(
        audit.update().where(audit.c.number == number).values(values)
    )


def delete(number: int) -> Callable[[Writing], object]:
    return lambda w: w.connection.execute(audit.delete().where(audit.c.number == number))


def cut(last: int) -> Callable[[Writing], object]:
    return lambda w: w.connection.execute(audit.delete().where(audit.c.number > last))


def head_back(last: int) -> Callable[[Writing], object]:
    def deed(w: Writing) -> None:
        digest = row(w, last)["digest"] if last else origin(w)
        w.connection.execute(chain_head.update().values(number=last, digest=digest))

    return deed


def row(w: Writing, number: int) -> dict[str, Any]:
    found = w.connection.execute(audit.select().where(audit.c.number == number)).one()
    return dict(found._mapping)


def renumber(numbers: list[int], by: int) -> Callable[[Writing], object]:
    """One after the other, so that no number is there twice."""

    def deed(w: Writing) -> None:
        for number in numbers:
            change(number, number=number + by)(w)

    return deed


def swap(one: int, other: int) -> Callable[[Writing], object]:
    def deed(w: Writing) -> None:
        for old, new in ((one, 1000), (other, one), (1000, other)):
            change(old, number=new)(w)

    return deed


def put(number: int, previous: int) -> Callable[[Writing], object]:
    """A row that never was, with digests that fit the row before."""

    def deed(w: Writing) -> None:
        before = row(w, previous)["digest"] if previous else origin(w)
        content = {"number": number, "at": NOON, "who": "eve", "deed": "denied", "of": "", **EMPTY}
        w.connection.execute(audit.insert(), rehashed({**content, "previous": before}))

    return deed


EMPTY = {"reason": "", "details": "{}"}


def origin(w: Writing) -> str:
    return str(w.connection.execute(chain_head.select()).one().origin)


def rehashed(content: dict[str, Any]) -> dict[str, Any]:
    texts = tuple(content[name] for name in ("who", "deed", "of", "reason"))
    digest = record.digest_of(
        content["number"],
        microseconds(content["at"]),
        texts,
        content["details"],
        content["previous"],
    )
    return {**content, "digest": digest}


def rewrite(number: int, *, onwards: bool = False, **values: str) -> Callable[[Writing], object]:
    """Somebody else did it, with a digest that fits; onwards: and all digests after it, and the
    head, as whoever may write everything can."""

    def deed(w: Writing) -> None:
        content = rehashed({**row(w, number), "who": "eve", **values})
        change(number, **content)(w)
        for later in range(number + 1, ROWS + 1) if onwards else ():
            content = rehashed({**row(w, later), "previous": content["digest"]})
            change(later, **content)(w)
        if onwards:
            w.connection.execute(chain_head.update().values(digest=content["digest"]))

    return deed


def told(report: ChainReport) -> list[tuple[Tamper, int]]:
    return [(one.kind, one.number) for one in report.findings]


def test_a_record_that_was_left_alone_is_whole(kept: Database) -> None:
    report = after(kept)
    assert (report.intact, report.rows, report.head.number) == (True, ROWS, ROWS)
    assert report.clock_back == ()


@pytest.mark.parametrize(
    "values",
    [
        {"who": "eve"},
        {"deed": "signed_in"},
        {"of": ""},
        {"reason": "asked to"},
        {"details": "{}"},
        {"at": at(1)},
        {"previous": "0" * 64},
        {"digest": "0" * 64},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_changed_field_is_found_in_every_row(kept: Database, values: dict[str, Any]) -> None:
    for number in EVERY_ROW:
        assert told(after(kept, change(number, **values))) == [(Tamper.CHANGED, number)]


def test_a_row_that_was_written_anew_is_found_by_its_neighbours(kept: Database) -> None:
    for number in EVERY_ROW:
        assert told(after(kept, rewrite(number))) == [(Tamper.CHANGED, number)]


def test_a_row_of_another_chain_is_found(kept: Database) -> None:
    for number in EVERY_ROW:
        assert told(after(kept, rewrite(number, previous="ab" * 32))) == [(Tamper.CHANGED, number)]


def test_a_deleted_row_is_found(kept: Database) -> None:
    for number in EVERY_ROW:
        kind = Tamper.TRUNCATED if number == ROWS else Tamper.DELETED
        assert told(after(kept, delete(number))) == [(kind, number)]


def test_a_deleted_row_is_found_where_the_later_ones_moved_up(kept: Database) -> None:
    for number in range(1, ROWS):
        later = list(range(number + 1, ROWS + 1))
        report = after(kept, delete(number), renumber(later, -1))
        moved = [(Tamper.REORDERED, one - 1) for one in later]
        assert told(report) == [(Tamper.DELETED, number), *moved]


def test_rows_that_changed_places_are_found(kept: Database) -> None:
    for number in range(1, ROWS):
        for other in (number + 1, ROWS):
            if other > number:
                report = after(kept, swap(number, other))
                assert told(report) == [(Tamper.REORDERED, number), (Tamper.REORDERED, other)]


def test_an_inserted_row_is_found_where_the_later_ones_moved_down(kept: Database) -> None:
    for number in EVERY_ROW:
        later = list(range(ROWS, number - 1, -1))
        report = after(kept, renumber(later, 1), put(number, number - 1))
        moved = [(Tamper.REORDERED, one + 1) for one in reversed(later)]
        assert told(report) == [(Tamper.INSERTED, number), *moved]


def test_a_row_put_in_a_deleted_ones_place_is_found(kept: Database) -> None:
    for number in EVERY_ROW:
        assert told(after(kept, delete(number), put(number, number - 1))) == [
            (Tamper.CHANGED, number)
        ]


def test_a_row_after_the_end_or_before_the_beginning_is_found(kept: Database) -> None:
    assert told(after(kept, put(ROWS + 1, ROWS))) == [(Tamper.INSERTED, ROWS + 1)]
    assert told(after(kept, put(0, 0))) == [(Tamper.INSERTED, 0)]
    assert told(after(kept, put(-7, 0))) == [(Tamper.INSERTED, -7)]


def test_an_end_that_was_cut_off_is_found(kept: Database) -> None:
    for last in range(ROWS):
        expected = [(Tamper.TRUNCATED, number) for number in range(last + 1, ROWS + 1)]
        assert told(after(kept, cut(last))) == expected


def test_an_end_that_was_cut_off_with_its_head_is_found_by_a_head_kept_elsewhere(
    kept: Database,
) -> None:
    with kept.read() as r:
        end = record.read_head(r.connection)
    for last in range(ROWS):
        assert after(kept, cut(last), head_back(last)).intact
        report = after(kept, cut(last), head_back(last), known=(end,))
        assert told(report) == [(Tamper.TRUNCATED, ROWS)]


def test_a_chain_made_anew_is_found_by_heads_kept_elsewhere(kept: Database) -> None:
    with kept.read() as r:
        lines = chain.lines(r)
    known = tuple(Head(line.number, line.digest) for line in lines if line.number in (3, 6, ROWS))
    for number in EVERY_ROW:
        assert after(kept, rewrite(number, onwards=True)).intact
        report = after(kept, rewrite(number, onwards=True), known=known)
        broken = [one.number for one in known if one.number >= number]
        assert told(report) == [(Tamper.CHANGED, one) for one in broken]


def test_several_things_at_once_are_told_apart(kept: Database) -> None:
    report = after(kept, change(2, who="eve"), delete(5), swap(7, 8), put(11, 10))
    assert told(report) == [
        (Tamper.CHANGED, 2),
        (Tamper.DELETED, 5),
        (Tamper.REORDERED, 7),
        (Tamper.REORDERED, 8),
        (Tamper.INSERTED, 11),
    ]


def test_a_clock_that_was_set_back_is_told_and_is_no_break(database: Database) -> None:
    with database.write() as w:
        for seconds in (0, 3600, 3599, 10, 20):
            w.record(entry(seconds=seconds))
    with database.read() as r:
        report = chain.verify(r)
    assert (report.intact, report.clock_back) == (True, (4,))


def test_a_record_that_was_cut_off_is_not_opened(kept: Database, url: str, tmp_path: Path) -> None:
    with kept.write() as w:
        unguarded(w)
        cut(7)(w)
    kept.close()
    (tmp_path / "veilleur.db.head").unlink(missing_ok=True)
    with pytest.raises(
        StoreError, match="should end with number 10 and ends with record 7"
    ) as caught:
        Database.open(url)
    assert caught.value.cause == "corrupt"


def test_rows_can_only_be_added(kept: Database) -> None:
    for statement in (
        "UPDATE audit SET who = 'eve' WHERE number = 3",
        "DELETE FROM audit",
        "UPDATE chain_head SET number = 3",
        "DELETE FROM chain_head",
        "UPDATE chain_head SET origin = 'x'",
    ):
        with pytest.raises(DBAPIError, match="only ever added"), kept.write() as w:
            w.connection.execute(text(statement))
    with kept.read() as r:
        assert chain.verify(r).intact


def test_a_row_is_not_replaced_by_an_insertion(tmp_path: Path) -> None:
    with Database.open(sqlite_url(tmp_path)) as database:
        with database.write() as w:
            w.record(entry())
        with pytest.raises(DBAPIError, match="only ever added"), database.write() as w:
            w.connection.execute(text("INSERT OR REPLACE INTO audit SELECT * FROM audit"))


def test_what_a_question_asks_for_is_shown(kept: Database) -> None:
    with kept.write() as w:
        w.record(entry(Deed.STOPPED, "site:square", who="bob", seconds=60))
    with kept.read() as r:
        assert [one.number for one in chain.lines(r, after=3, before=6)] == [4, 5]
        assert [one.number for one in chain.lines(r, newest=True, limit=2)] == [11, 10]
        by_bob = (
            chain.Question(who="bob"),
            chain.Question(deeds=frozenset({Deed.STOPPED})),
            chain.Question(of="site:square"),
            chain.Question(since=at(60)),
        )
        assert [[one.number for one in chain.lines(r, ask)] for ask in by_bob] == [[11]] * 4
        assert len(chain.lines(r, chain.Question(until=at(60)))) == ROWS


# ---------------------------------------------------------------------- exports and the command
def exported(database: Database, to: Path) -> Path:
    with database.read() as r:
        to.write_text("".join(export(r)), encoding="utf-8")
    return to


def test_an_export_is_verified_without_the_database(kept: Database, tmp_path: Path) -> None:
    file = exported(kept, tmp_path / "record.jsonl")
    assert verify_export(file).intact
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    for number in EVERY_ROW:
        changed = lines.copy()
        changed[number] = changed[number].replace("ann", "eve")
        file.write_text("".join(changed), encoding="utf-8")
        assert told(verify_export(file)) == [(Tamper.CHANGED, number)]
        file.write_text("".join(lines[:number] + lines[number + 1 :]), encoding="utf-8")
        kind = Tamper.TRUNCATED if number == ROWS else Tamper.DELETED
        assert told(verify_export(file)) == [(kind, number)]


def test_anybody_can_write_a_verifier_for_an_export(kept: Database, tmp_path: Path) -> None:
    """As docs/store.md says it is done."""
    first, *rows = map(json.loads, exported(kept, tmp_path / "x").read_text().splitlines())
    previous = first["origin"]
    for row in rows:
        microseconds = round(datetime.fromisoformat(row["at"]).timestamp() * 1_000_000)
        details = json.dumps(row["details"], sort_keys=True, separators=(",", ":"))
        content = ["veilleur-audit-1", row["number"], microseconds]
        content += [row[name] for name in ("who", "deed", "of", "reason")] + [details, previous]
        previous = sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
        assert row["digest"] == previous
    assert previous == first["digest"]


@pytest.mark.parametrize("line", ["", "{", "[]", '{"number": 1}', '{"at": 3}'])
def test_what_is_no_export_is_told_with_its_line(line: str, kept: Database, tmp_path: Path) -> None:
    file = exported(kept, tmp_path / "record.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines[:3], line, *lines[3:]]), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        verify_export(file)
    assert caught.value.line == 4
    file.write_text(line, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        verify_export(file)


def test_an_export_says_that_it_is_of_a_laboratory(database: Database) -> None:
    with database.read() as r:
        assert json.loads(next(export(r)))["laboratory"] is False
    with database.write() as w:
        signalled(w)
    with database.read() as r:
        assert json.loads(next(export(r)))["laboratory"] is True


def test_the_command_verifies_lists_and_exports(kept: Database, url: str, tmp_path: Path) -> None:
    run = CliRunner()
    done = run.invoke(app, ["verify", "--database", url])
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "the record of 10 rows is whole")
    heads = tmp_path / "heads"
    heads.write_text(done.output.splitlines()[-1])
    assert run.invoke(app, ["verify", "--database", url, "--head", str(heads)]).exit_code == 0
    listed = run.invoke(app, ["list", "--database", url, "-n", "2", "--deed", "denied"])
    assert [line.split()[0] for line in listed.output.splitlines()] == ["9", "10"]
    file = tmp_path / "copy.jsonl"
    assert run.invoke(app, ["export", "--database", url, "--to", str(file)]).exit_code == 0
    assert run.invoke(app, ["verify", "--export", str(file)]).exit_code == 0
    with kept.write() as w:
        unguarded(w)
        change(4, who="eve")(w)
    broken = run.invoke(app, ["verify", "--database", url])
    assert broken.exit_code == 2
    assert "record 4 was changed" in broken.output


TEXTS = ("who", "deed", "of", "reason", "details", "previous")


@pytest.mark.parametrize("column", ["at", *TEXTS])
@pytest.mark.parametrize("value", ["x'00ff'", "'{'", "1.5", "-9223372036854775807"])
def test_whatever_sqlite_lets_stand_in_a_row_is_found_and_exported(
    column: str, value: str, tmp_path: Path
) -> None:
    """Bytes, numbers and broken JSON: SQLite keeps in any column what somebody writes there."""
    url = sqlite_url(tmp_path)
    with Database.open(url) as database:
        with database.write() as w:
            for number in EVERY_ROW:
                w.record(entry(Deed.DENIED, f"camera:{number}", who="ann"))
        with database.write() as w:
            unguarded(w)
            change = f'UPDATE audit SET "{column}" = {value} WHERE number = 5'
            w.connection.execute(text(change))
    with reading(url) as r:
        assert told(chain.verify(r)) == [(Tamper.CHANGED, 5)]
        copy = tmp_path / "record.jsonl"
        copy.write_text("".join(export(r)), encoding="utf-8")
    assert told(verify_export(copy)) == [(Tamper.CHANGED, 5)]


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM chain_head",
        "INSERT INTO chain_head SELECT 2, origin, number, digest FROM chain_head",
        "UPDATE chain_head SET number = 'x'",
        "UPDATE chain_head SET digest = x'00'",
    ],
)
def test_an_end_of_the_record_that_is_none_is_called_damage(tampering: str, tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    with Database.open(url) as database:
        with database.write() as w:
            w.record(entry(Deed.DENIED, "camera:1", who="ann"))
        with database.write() as w:
            unguarded(w)
            w.connection.execute(text(tampering))
    with pytest.raises(StoreError, match="the end of its record") as told_:
        Database.open(url)
    assert told_.value.cause == "corrupt"
    with reading(url) as r, pytest.raises(StoreError, match="the end of its record"):
        chain.verify(r)


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "--export", "nowhere.jsonl"],
        ["verify", "--export", "."],
        ["verify", "--data", ".", "--head", "nowhere.txt"],
        ["export", "--data", ".", "--to", "nowhere/record.jsonl"],
    ],
)
def test_a_file_that_is_not_there_is_told_in_words(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Database.open(url_in(tmp_path)).close()
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, ConfigurationError)


def test_an_export_is_for_its_owner_alone(kept: Database, url: str, tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    result = CliRunner().invoke(app, ["export", "--database", url, "--to", str(file)])
    assert result.exit_code == 0
    assert file.stat().st_mode & 0o077 == 0


def test_an_export_replaces_no_file(kept: Database, url: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.jsonl"
    file.write_text("mine")
    done = CliRunner().invoke(app, ["export", "--database", url, "--to", str(file)])
    assert isinstance(done.exception, ConfigurationError)
    assert file.read_text() == "mine"


def test_what_somebody_typed_does_not_steer_the_terminal(database: Database, url: str) -> None:
    with database.write() as w:
        w.record(entry(Deed.SIGN_IN_REFUSED, who="\x1b[2J\nann"))
    done = CliRunner().invoke(app, ["list", "--database", url])
    assert "\x1b" not in done.output
    assert len(done.output.splitlines()) == 1
