"""A database is opened once, brought up to date, and written by one at a time."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import stat
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

import veilleur.store
from tests.storing import at, database, entry, postgresql, signal, signalled, sqlite_url, url
from veilleur.errors import ConfigurationError, StoreError
from veilleur.incidents.identity import new_id
from veilleur.incidents.signal import SignalRecord
from veilleur.law.deed import Entry
from veilleur.store import chain, incidents, outbox
from veilleur.store.database import Database, kept_head, reading, url_in
from veilleur.store.metadata import metadata
from veilleur.store.sqlite import version_trouble
from veilleur.store.transaction import Reading
from veilleur.store.turn import Turn

__all__ = ["database", "postgresql", "url"]  # fixtures


def all_tables() -> None:
    for module in pkgutil.iter_modules(veilleur.store.__path__):
        if not module.ispkg:
            importlib.import_module(f"veilleur.store.{module.name}")


def test_the_migrated_schema_is_the_one_the_code_is_written_for(database: Database) -> None:
    all_tables()
    with database.write() as w:
        context = MigrationContext.configure(w.connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_what_is_stored_is_there_when_it_is_opened_again(url: str) -> None:
    with Database.open(url) as database, database.write() as w:
        incident = signalled(w)
    with Database.open(url) as database, database.read() as r:
        assert incidents.open_incidents(r, None) == [incident]
        assert chain.verify(r).intact
    with reading(url) as r:
        assert chain.verify(r).rows == 2


def test_a_database_of_a_newer_release_is_left_alone(url: str) -> None:
    with Database.open(url) as database, database.write() as w:
        w.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for use in (Database.open, lambda url: reading(url).__enter__()):
        with pytest.raises(StoreError) as caught:
            use(url)
        assert caught.value.cause == "schema"


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004"])
def test_the_record_of_an_earlier_release_can_be_read_and_goes_on_in_this_one(
    revision: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade
    with monkeypatch.context() as earlier:
        earlier.setattr(command, "upgrade", lambda config, _: upgrade(config, revision))
        with Database.open(url) as database, database.write() as w:
            w.record(entry())
    with reading(url, older=True) as r:
        assert chain.verify(r).intact
    with pytest.raises(StoreError, match="start its service once") as caught, reading(url):
        pass
    assert caught.value.cause == "schema"
    with Database.open(url) as database, database.write() as w:
        signalled(w)
    with reading(url) as r:
        report = chain.verify(r)
        assert (report.rows, report.intact) == (3, True)


def test_a_copy_that_nobody_can_write_to_is_read_and_nothing_is_made_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlite_url(tmp_path)
    with Database.open(url) as database, database.write() as w:
        signalled(w)
    monkeypatch.setattr(os, "access", lambda *_: False)
    before = sorted(tmp_path.iterdir())
    seen = list[Path]()
    with reading(url) as r:
        assert chain.verify(r).rows == 2
        seen = sorted(tmp_path.iterdir())
    assert seen == before


def test_a_log_that_was_not_taken_in_is_read_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlite_url(tmp_path)
    with Database.open(url) as database:
        with database.write() as w:
            signalled(w)
        monkeypatch.setattr(os, "access", lambda *_: False)
        with reading(url) as r:
            assert chain.verify(r).rows == 2


def test_a_migration_that_breaks_off_leaves_what_was_there(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade

    def half(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise InterruptedError

    with monkeypatch.context() as broken:
        broken.setattr(command, "upgrade", half)
        with pytest.raises(InterruptedError):
            Database.open(url)
    with Database.open(url) as database, database.write() as w:
        signalled(w)


def test_a_thousand_signals_in_a_burst_are_stored_once_each(database: Database) -> None:
    burst = [signal(rule=str(number)) for number in range(1000)]
    parts = [burst[number::4] for number in range(4)]

    def store(part: list[SignalRecord]) -> None:
        for start in range(0, len(part), 50):
            with database.write() as w:
                for one in part[start : start + 50]:
                    signalled(w, one)

    threads = [threading.Thread(target=store, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as r:
        kept = incidents.recent(r, None, limit=2000)
        assert sorted(str(one.first.id) for one in kept) == sorted(str(one.id) for one in burst)
        messages = outbox.after(r, 0, 2000, None)
        assert len({one.incident for one in messages}) == len(messages) == 1000
        assert chain.verify(r).intact


def test_a_reader_sees_one_instant_while_others_write(database: Database) -> None:
    with database.read() as r:
        assert incidents.recent(r, None) == []
        with database.write() as w:
            signalled(w)
        assert incidents.recent(r, None) == []
    with database.read() as r:
        assert len(incidents.recent(r, None)) == 1


def test_a_reader_can_not_write(database: Database) -> None:
    with pytest.raises(StoreError) as caught, database.read() as r:
        r.connection.execute(text("INSERT INTO settings VALUES ('a', 'b')"))
    assert caught.value.cause == "read_only"


def test_one_transaction_waits_for_another_but_not_for_ever(tmp_path: Path) -> None:
    with Database.open(sqlite_url(tmp_path), patience_s=0.05) as database:
        caught: list[StoreError] = []

        def store() -> None:
            try:
                with database.write() as w:
                    w.record(entry())
            except StoreError as error:
                caught.append(error)

        with database.write() as w:
            w.record(entry())
            thread = threading.Thread(target=store)
            thread.start()
            thread.join()
        assert [error.cause for error in caught] == ["locked"]
        store()
        assert len(caught) == 1


def test_turns_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    turn, served = Turn(), list[int]()
    assert turn.take(0)

    def wait(number: int) -> None:
        assert turn.take(20)
        served.append(number)
        turn.give()

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(5)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        while turn.waiting < number:
            pass
    assert not turn.take(0)
    turn.give()
    for thread in threads:
        thread.join()
    assert served == [0, 1, 2, 3, 4]
    assert turn.take(0)


def test_only_the_writer_checkpoints_and_each_commit_is_flushed(tmp_path: Path) -> None:
    wanted = ("wal_autocheckpoint", "synchronous", "query_only", "secure_delete", "foreign_keys")

    def pragmas(r: Reading) -> tuple[int, ...]:
        ask = (r.connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in wanted)
        return tuple(ask)

    with Database.open(sqlite_url(tmp_path)) as database:
        with database.write() as w:
            assert pragmas(w) == (1000, 2, 0, 1, 1)
        with database.read() as r:
            assert pragmas(r)[::2] == (0, 1, 1)


def test_after_a_failure_the_connection_is_another_one(database: Database) -> None:
    def connection(cause: str | None) -> object:
        with database.write() as w:
            used = w.connection.connection.dbapi_connection
            if cause:
                failed.append(used)
                raise StoreError("the disk fails", cause=cause)
        return used

    failed: list[object] = []
    first = connection(None)
    assert connection(None) is first
    with pytest.raises(StoreError):
        connection("unreachable")
    assert failed == [first]
    assert connection(None) is not first


def test_a_closed_database_says_so(database: Database) -> None:
    database.close()
    database.close()
    for use in (database.read, database.write):
        with pytest.raises(StoreError) as caught, use():
            pass
        assert caught.value.cause == "unreachable"


@pytest.mark.tool("postgresql")
def test_two_processes_may_write_to_one_server(postgresql: Callable[[], str]) -> None:
    url = postgresql()
    with Database.open(url) as one, Database.open(url) as other:

        def store(database: Database) -> None:
            for _ in range(40):
                with database.write() as w:
                    signalled(w, signal(rule=str(new_id(at(0)))))

        threads = [threading.Thread(target=store, args=(database,)) for database in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with one.read() as r:
            report = chain.verify(r)
            assert (report.intact, report.rows) == (True, 160)
            numbers = [json.loads(row.payload)["record"] for row in outbox.after(r, 0, 100, None)]
            assert numbers == sorted(numbers)


def test_a_transaction_inside_another_is_a_mistake(database: Database) -> None:
    with database.write() as w:
        with pytest.raises(RuntimeError, match="one beginning"), database.write():
            pass
        w.record(entry())
    with database.read() as r:
        assert chain.verify(r).rows == 1


def test_an_instant_without_its_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 11, 24, 12)  # noqa: DTZ001
    with pytest.raises(ValueError, match="no time zone"), database.write() as w:
        w.record(Entry(deed=entry().deed, at=naive, who="ann"))


def test_words_no_database_keeps_are_kept_visibly_and_the_record_stays_whole(
    database: Database,
) -> None:
    odd = "a\0b\ud800c\u2028é\U0001f600"
    with database.write() as w:
        w.record(entry(who=odd, of=odd, reason=odd, details={odd: odd}))
    with database.read() as r:
        (line,) = chain.lines(r)
        assert chain.verify(r).intact
    assert line.who == line.of == line.reason == "a\ufffdb\ufffdc\u2028é\U0001f600"


def test_nobody_else_may_read_its_files(tmp_path: Path) -> None:
    with Database.open(sqlite_url(tmp_path)) as database:
        with database.write() as w:
            signalled(w)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert "veilleur.db-wal" in modes


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://a@b/c", "postgresql+x:"]
)
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Database.open(url)
    assert caught.value.remedy


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    for use in (Database.open, lambda url: reading(url).__enter__()):
        with pytest.raises(StoreError) as caught:
            use(url_in(tmp_path / "absent"))
        assert caught.value.cause == "unreachable"


def test_the_end_of_the_chain_is_kept_beside_the_database(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    assert kept_head(url) is None
    with Database.open(url) as database, database.write() as w:
        w.record(entry(seconds=(at(1) - at(0)).total_seconds()))
        end = w.head
    assert kept_head(url) == end


@pytest.mark.parametrize(
    ("version", "speaks"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
    ],
)
def test_releases_of_sqlite_with_the_log_reset_race_are_named(
    version: tuple[int, int, int], speaks: bool
) -> None:
    trouble = version_trouble(version)
    assert (trouble is not None) == speaks
    assert trouble is None or ".".join(map(str, version)) in trouble


def test_a_database_can_be_used_by_threads_that_come_and_go(
    database: Database,
) -> None:
    seen: list[int] = []

    def ask() -> None:
        with database.read() as r:
            seen.append(len(incidents.recent(r, None)))

    for _ in range(40):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert seen == [0] * 40
