"""A picture is promised, made or given up, seen within its scope, and erased on its hour."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from tests.storing import NOON, at, database, postgresql, signal, signalled, sqlite_url, url
from veilleur.store import evidence, settings
from veilleur.store.database import Database
from veilleur.store.evidence import Condition, Content, Piece, Sort
from veilleur.store.transaction import Writing

__all__ = ["database", "postgresql", "url"]  # fixtures

DAY = timedelta(days=1)
PICTURE = Content(b"\xff\xd8 a picture, unmistakably this one \x00" * 300, "image/jpeg")


def promised(w: Writing, incident: UUID | None = None, days: int = 1) -> UUID:
    incident = incident or signalled(w).id
    return evidence.promise(w, incident, Sort.STILL, taken_at=NOON, expires_at=NOON + days * DAY)


def piece(database: Database, id_: UUID) -> Piece:
    with database.read() as r:
        found = evidence.piece(r, id_, None)
    assert found is not None
    return found


def test_a_picture_comes_back_as_it_was_kept(database: Database) -> None:
    with database.write() as w:
        id_ = promised(w)
    assert piece(database, id_).condition is Condition.PENDING
    with database.write(essential=False) as w:
        assert evidence.keep(w, id_, PICTURE)
    ready = piece(database, id_)
    assert (ready.condition, ready.size) == (Condition.READY, len(PICTURE.content))
    with database.read() as r:
        assert evidence.content(r, id_, None) == PICTURE
        assert evidence.pieces(r, ready.incident, None) == [ready]
        assert evidence.awaited(r) == []


def test_a_picture_that_can_not_be_made_says_why_and_stays_so(database: Database) -> None:
    with database.write() as w:
        id_ = promised(w)
        assert evidence.fail(w, id_, "disk full")
        assert not evidence.keep(w, id_, PICTURE)
        assert not evidence.fail(w, id_, "another cause")
    failed = piece(database, id_)
    assert (failed.condition, failed.cause) == (Condition.FAILED, "disk full")
    with database.read() as r:
        assert evidence.content(r, id_, None) is None


def test_what_nobody_will_make_any_more_is_known_after_a_restart(database: Database) -> None:
    with database.write() as w:
        incident = signalled(w).id
        ids = [promised(w, incident) for _ in range(3)]
        evidence.keep(w, ids[0], PICTURE)
    with database.read() as r:
        assert {one.id for one in evidence.awaited(r)} == set(ids[1:])


def test_a_picture_of_another_scope_does_not_exist(database: Database) -> None:
    with database.write() as w:
        id_ = promised(w)
        evidence.keep(w, id_, PICTURE)
    incident = piece(database, id_).incident
    with database.read() as r:
        for scope, seen in ((frozenset({"gate"}), True), (frozenset({"yard"}), False)):
            assert (evidence.piece(r, id_, scope) is not None) == seen
            assert (evidence.content(r, id_, scope) is not None) == seen
            assert bool(evidence.pieces(r, incident, scope)) == seen


def test_what_reaches_its_hour_is_erased_and_nothing_else(database: Database) -> None:
    with database.write() as w:
        incident = signalled(w).id
        short, long, never_made = (promised(w, incident, days) for days in (1, 2, 1))
        for id_ in (short, long):
            evidence.keep(w, id_, PICTURE)
    with database.write() as w:
        assert evidence.expire(w, NOON + DAY - timedelta(seconds=1)) == []
    with database.write() as w:
        assert {one.id for one in evidence.expire(w, NOON + DAY)} == {short, never_made}
    with database.write() as w:
        assert evidence.expire(w, NOON + DAY) == []
        assert not evidence.keep(w, never_made, PICTURE)
    with database.read() as r:
        assert evidence.content(r, short, None) is None
        assert evidence.content(r, long, None) == PICTURE
    erased = piece(database, short)
    assert (erased.condition, erased.size) == (Condition.ERASED, len(PICTURE.content))


def test_what_is_erased_is_in_no_file_any_more(tmp_path: Path) -> None:
    with Database.open(sqlite_url(tmp_path)) as database:
        with database.write() as w:
            id_ = promised(w)
            evidence.keep(w, id_, PICTURE)
        assert held(tmp_path)
        with database.write() as w:
            evidence.expire(w, NOON + DAY)
            signalled(w, signal(rule="another"))
        assert not held(tmp_path)
    assert not held(tmp_path)


def test_what_a_reader_keeps_in_the_log_is_erased_as_soon_as_it_has_gone(tmp_path: Path) -> None:
    with Database.open(sqlite_url(tmp_path), patience_s=0.05) as database:
        with database.write() as w:
            id_ = promised(w)
            evidence.keep(w, id_, PICTURE)
        with database.read() as r:
            assert evidence.content(r, id_, None) == PICTURE
            with database.write() as w:
                evidence.expire(w, NOON + DAY)
            assert held(tmp_path)
        with database.write() as w:
            signalled(w, signal(rule="another"))
        assert not held(tmp_path)


def held(folder: Path) -> list[str]:
    """Files in which the picture can still be read."""
    files = (file for file in folder.iterdir() if file.name.startswith("veilleur.db"))
    return [file.name for file in files if b"unmistakably this one" in file.read_bytes()]


def test_a_setting_is_what_was_put_last(database: Database) -> None:
    with database.write() as w:
        assert settings.get(w, "site") is None
        settings.put(w, "site", "one")
        settings.put(w, "site", "two")
        assert settings.get_or_put(w, "site", "three") == "two"
        assert settings.get_or_put(w, "key", at(0).isoformat()) == at(0).isoformat()
    with database.read() as r:
        assert settings.get(r, "site") == "two"
