"""Power cuts, failing and full disks, damage, locks: a named error each, and nothing acknowledged
is lost (reliability F3, F5 to F8; invariants I1, I4)."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import format_exception

import psycopg
import pytest

from tests import power
from tests.store_faults import Disk, Said, Victims, calls, check, struck
from tests.storing import database, entry, postgresql, signalled, sqlite_url, url
from tests.storing import signal as made
from veilleur.errors import ConfigurationError, StoreError
from veilleur.store import chain, evidence, incidents, outbox
from veilleur.store.database import Database, kept_head, note_export, reading
from veilleur.store.evidence import Content, Sort
from veilleur.store.transaction import Reading

__all__ = ["database", "postgresql", "url"]  # fixtures

strace = pytest.mark.tool("strace")
mounts = pytest.mark.tool("mount")
CI_CUTS, LONG_CUTS = 100, 2000


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    with Victims() as running:
        yield running


@pytest.fixture
def traced(victims: Victims) -> Victims:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    return victims


@pytest.fixture
def root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system")


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[str], Path]:
    """Folders with an empty database each, or nothing ("open": it is made there)."""
    template = tmp_path / "template"
    template.mkdir()
    Database.open(sqlite_url(template), reserve_bytes=1 << 16).close()

    def make(word: str) -> Path:
        folder = tmp_path / "struck"
        shutil.rmtree(folder, ignore_errors=True)
        if word == "open":
            folder.mkdir()
        else:
            shutil.copytree(template, folder)
        return folder

    return make


# ---------------------------------------------------------------------- the n-th call fails
FAULTS = [
    ("deeds", "pwrite64", "error=ENOSPC", 6),
    ("deeds", "pwrite64", "error=EIO", 8),
    ("deeds", "fdatasync", "error=EIO", 1),
    ("deeds", "ftruncate", "error=EIO", 1),
    ("much", "pwrite64", "error=ENOSPC", 450),
    ("open", "pwrite64", "error=ENOSPC", 6),
    ("open", "fdatasync", "error=EIO", 1),
    ("deeds", "pwrite64", "signal=SIGKILL", 5),
    ("open", "pwrite64", "signal=SIGKILL", 6),
]
"""What a process does, and each how manieth of which of its calls fails how; in all 300."""


def strike(
    victims: Victims,
    fresh: Callable[[str], Path],
    fault: tuple[str, str, str, int],
    step: int,
) -> None:
    word, call, how, _ = fault
    total = calls(victims, word, fresh(word), call)
    assert total
    for n in range(1, total + 1, step):
        folder = fresh(word)
        said = struck(victims, word, folder, f"{call}:{how}:when={n}")
        assert len(said.causes) <= 1, f"{n}: it fails again though the fault is gone"
        check(folder, said)


@strace
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(fault[:3]))
def test_a_call_that_fails_loses_nothing(
    traced: Victims, fresh: Callable[[str], Path], fault: tuple[str, str, str, int]
) -> None:
    strike(traced, fresh, fault, step=fault[3])


@pytest.mark.long
@strace
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(fault[:3]))
def test_no_call_that_fails_loses_anything(
    traced: Victims, fresh: Callable[[str], Path], fault: tuple[str, str, str, int]
) -> None:
    strike(traced, fresh, fault, step=max(1, fault[3] // 24))


# ---------------------------------------------------------------------- power cuts
@pytest.fixture
def ext4(root: None, tmp_path: Path) -> Iterator[Disk]:
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is not installed")
    disk = Disk(tmp_path / "disk", 64, image=tmp_path / "image")
    yield disk
    disk.unmount()


@mounts
@pytest.mark.parametrize("cuts", [CI_CUTS, pytest.param(LONG_CUTS, marks=pytest.mark.long)])
def test_power_cuts_lose_nothing_that_was_acknowledged(
    root: None, tmp_path: Path, cuts: int
) -> None:
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is not installed")
    power.lives(tmp_path, range(cuts // power.LIFE))


# ---------------------------------------------------------------------- full and failing disks
@pytest.fixture
def small(root: None, tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "disk", 8)
    yield disk
    disk.unmount()


def one_signal(database: Database) -> str:
    with database.write() as w:
        return str(signalled(w, made(rule=os.urandom(8).hex())).first.id)


def one_picture(database: Database) -> None:
    with database.write(essential=False) as w:
        incident = signalled(w, made(rule=os.urandom(8).hex()))
        now = incident.opened
        piece = evidence.promise(w, incident.id, Sort.STILL, taken_at=now, expires_at=now)
        evidence.keep(w, piece, Content(os.urandom(50_000), "image/jpeg"))


def refused(deed: Callable[[], object]) -> StoreError:
    """Why it can't be done."""
    with pytest.raises(StoreError) as caught:
        deed()
    assert caught.value.remedy
    return caught.value


def until_refused(database: Database, said: Said) -> StoreError:
    """Signals without pictures."""

    def store() -> None:
        while True:
            said.acknowledged.append(one_signal(database))

    return refused(store)


@mounts
def test_a_full_disk_refuses_pictures_first_and_records_last(small: Disk) -> None:
    said = Said()
    with Database.open(sqlite_url(small.at), reserve_bytes=1 << 20) as database:
        filler = small.fill()
        assert until_refused(database, said).cause == "full"  # and the reserve is given up
        assert refused(lambda: one_picture(database)).cause == "full"
        before = len(said.acknowledged)
        assert until_refused(database, said).cause == "full"
        assert len(said.acknowledged) >= before + 10
        with database.read() as r:
            assert len(incidents.open_incidents(r, None)) == len(said.acknowledged)
        filler.unlink()
        one_picture(database)
        said.acknowledged.append(one_signal(database))
    check(small.at, said)


@mounts
@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.long)])
def test_however_full_a_disk_is_nothing_acknowledged_is_lost_and_freed_it_works(
    small: Disk, times: int
) -> None:
    for seed in range(times):
        die, said = random.Random(seed), Said()
        folder = small.at / str(seed)
        folder.mkdir()
        reserve = die.choice([1 << 16, 1 << 20])
        with Database.open(sqlite_url(folder), reserve_bytes=reserve) as database:
            said.acknowledged += [one_signal(database) for _ in range(die.randrange(40))]
            filler = small.fill()
            os.truncate(filler, max(0, filler.stat().st_size - die.randrange(400_000)))
            for _ in range(2):
                assert until_refused(database, said).cause == "full", seed
            assert refused(lambda: one_picture(database)).cause == "full", seed
            filler.unlink()
            one_picture(database)
            said.acknowledged.append(one_signal(database))
        check(folder, said)
        shutil.rmtree(folder)


@mounts
def test_a_disk_that_is_full_at_the_start_is_told_and_the_reserve_given_up(small: Disk) -> None:
    url = sqlite_url(small.at)
    filler = small.fill()
    assert refused(lambda: Database.open(url)).cause == "full"
    filler.unlink()
    with Database.open(url, reserve_bytes=1 << 20) as database:
        said = Said([one_signal(database)])
    small.fill()
    assert refused(lambda: Database.open(url, reserve_bytes=1 << 20)).cause == "full"
    with Database.open(url, reserve_bytes=1 << 20) as database:
        said.acknowledged.append(one_signal(database))
    check(small.at, said)


@mounts
def test_a_disk_that_turns_read_only_is_told_and_can_still_be_read(ext4: Disk) -> None:
    url = sqlite_url(ext4.at)
    said = Said()
    with Database.open(url, reserve_bytes=1 << 20) as database:
        said.acknowledged.append(one_signal(database))
        ext4.fail()
        for _ in range(2):
            assert refused(lambda: one_signal(database)).cause == "read_only"
        with database.read() as r:
            assert [str(one.first.id) for one in incidents.recent(r, None)] == said.acknowledged
    assert refused(lambda: Database.open(url)).cause == "read_only"
    ext4.unmount()
    ext4.mount()
    check(ext4.at, said)


# ---------------------------------------------------------------------- damage
@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, Said]:
    """A folder with a closed database of 120 incidents, and what was acknowledged."""
    folder = tmp_path / "filled"
    folder.mkdir()
    said = Said()
    with open_small(folder) as database, database.write() as w:
        for number in range(120):
            first = signalled(w, made(rule=str(number))).first
            said.acknowledged.append(str(first.id))
    return folder, said


def open_small(folder: Path) -> Database:
    return Database.open(sqlite_url(folder), reserve_bytes=1 << 16)


def damaged(filled: Path, to: Path, damage: Callable[[bytearray], None]) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(filled, to)
    file = to / "veilleur.db"
    content = bytearray(file.read_bytes())
    damage(content)
    file.write_bytes(content)
    return to


def read_all(r: Reading) -> None:
    incidents.open_incidents(r, None)
    outbox.after(r, 0, 1000, None)


def outcome(folder: Path) -> str:
    """What becomes of it: "refused" (opening or reading), a "break" of the record, "unnoticed"."""
    try:
        with open_small(folder) as database, database.read() as r:
            report = chain.verify(r)
            read_all(r)
    except StoreError as error:
        return "refused" if error.cause == "corrupt" and error.remedy else f"wrongly: {error}"
    return "unnoticed" if report.intact else "break"


PAGE = 4096


def test_a_page_of_nothing_is_found(filled: tuple[Path, Said], tmp_path: Path) -> None:
    size = (filled[0] / "veilleur.db").stat().st_size

    def zero(content: bytearray) -> None:
        content[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)

    for page in range(0, size // PAGE, 3):
        assert outcome(damaged(filled[0], tmp_path / "struck", zero)) == "refused", page


def test_a_file_that_was_cut_short_is_found(filled: tuple[Path, Said], tmp_path: Path) -> None:
    size = (filled[0] / "veilleur.db").stat().st_size
    chance = random.Random(8)
    for length in [0, 1, 100, PAGE, *(chance.randrange(size) for _ in range(12))]:

        def shorten(content: bytearray, length: int = length) -> None:
            del content[length:]

        assert outcome(damaged(filled[0], tmp_path / "struck", shorten)) == "refused", length


def test_a_bit_flipped_in_the_record_is_found_at_its_row(
    filled: tuple[Path, Said], tmp_path: Path
) -> None:
    with open_small(filled[0]) as database, database.read() as r:
        lines = chain.lines(r, limit=1000)
    chance = random.Random(10)
    for line in chance.sample(lines, 12):

        def flip(content: bytearray, line: chain.Line = line) -> None:
            place = content.index(line.previous.encode() + line.digest.encode())
            content[place + chance.randrange(128)] ^= 1 << chance.randrange(8)

        folder = damaged(filled[0], tmp_path / "struck", flip)
        if line.number == len(lines):
            assert outcome(folder) == "refused"  # the end does not fit its head
            continue
        with open_small(folder) as database, database.read() as r:
            report = chain.verify(r)
        assert [one.number for one in report.findings] == [line.number]


def test_a_log_that_was_removed_is_found(tmp_path: Path) -> None:
    live, copy = tmp_path / "live", tmp_path / "copy"
    live.mkdir()
    with open_small(live) as database:
        one_signal(database)
        shutil.copytree(live, copy)  # as a power cut would leave it
    for name in ("veilleur.db-wal", "veilleur.db-shm"):
        (copy / name).unlink()
    with pytest.raises(StoreError, match="put back the newest backup") as caught:
        Database.open(sqlite_url(copy))
    assert caught.value.cause == "corrupt"


def test_an_older_copy_put_in_its_place_is_found(tmp_path: Path) -> None:
    for number in range(3):
        with open_small(tmp_path) as database:
            one_signal(database)
        if number == 0:
            old = (tmp_path / "veilleur.db").read_bytes()
    (tmp_path / "veilleur.db").write_bytes(old)
    with pytest.raises(StoreError, match="records 3 to 6 are missing"):
        Database.open(sqlite_url(tmp_path))
    (tmp_path / "veilleur.db").unlink()
    with pytest.raises(StoreError, match="gone"):
        Database.open(sqlite_url(tmp_path))
    (tmp_path / "veilleur.db.head").unlink()  # somebody wants it so
    Database.open(sqlite_url(tmp_path)).close()


def test_a_database_that_forked_is_found(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    with open_small(one) as database:
        one_signal(database)
    shutil.copytree(one, other)
    for folder in (one, other):
        with open_small(folder) as database:
            one_signal(database)
    shutil.copy(one / "veilleur.db", other / "veilleur.db")
    with pytest.raises(StoreError, match="record 4 is another one"):
        Database.open(sqlite_url(other))


@pytest.mark.parametrize("torn", [b"", b"\0" * 120, b"00000000000000000007 abc"])
def test_a_head_torn_by_a_power_cut_keeps_nobody_out(
    torn: bytes, filled: tuple[Path, Said]
) -> None:
    folder, said = filled
    (folder / "veilleur.db.head").write_bytes(torn)
    check(folder, said)
    (folder / "veilleur.db").unlink()
    with pytest.raises(StoreError, match="gone"):  # it was written anew
        Database.open(sqlite_url(folder))


# ---------------------------------------------------------------------- locks and connections
def test_a_second_process_that_would_write_is_kept_out(tmp_path: Path) -> None:
    with Database.open(sqlite_url(tmp_path)), pytest.raises(StoreError) as caught:
        Database.open(sqlite_url(tmp_path))
    assert caught.value.cause == "locked"
    Database.open(sqlite_url(tmp_path)).close()


def test_a_database_locked_by_another_program_is_told_and_then_works(tmp_path: Path) -> None:
    said = Said()
    with Database.open(sqlite_url(tmp_path), patience_s=0.1) as database:
        other = sqlite3.connect(tmp_path / "veilleur.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught, database.write() as w:
            signalled(w)
        assert caught.value.cause == "locked"
        with database.read() as r:
            assert incidents.recent(r, None) == []
        other.execute("ROLLBACK")
        other.close()
        with database.write() as w:
            said.acknowledged.append(str(signalled(w).first.id))
    check(tmp_path, said)


def cut_off(database: Database, end: Callable[[], None]) -> None:
    """A transaction whose connection is lost in its middle."""
    with database.write() as w:
        signalled(w)
        end()
        w.record(entry())


def admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(statement.encode())


@pytest.mark.tool("postgresql")
def test_a_lost_connection_is_told_and_the_next_transaction_has_a_new_one(
    postgresql: Callable[[], str],
) -> None:
    url = postgresql()
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    with Database.open(url) as database:
        assert refused(lambda: cut_off(database, lambda: admin(url, end))).cause == "unreachable"
        with database.write() as w:
            incident = signalled(w)
        with database.read() as r:
            assert incidents.recent(r, None) == [incident]
        admin(url, end)
        with database.read() as r:
            assert incidents.recent(r, None) == [incident]


@pytest.mark.tool("postgresql")
def test_a_locked_or_read_only_server_is_told(postgresql: Callable[[], str]) -> None:
    url = postgresql()
    with Database.open(url, patience_s=0.2) as database, psycopg.connect(url) as other:
        other.execute("SELECT * FROM chain_head FOR UPDATE")
        assert refused(lambda: one_signal(database)).cause == "locked"
    admin(url, "ALTER ROLE veilleur SET default_transaction_read_only = on")
    try:
        with Database.open(url) as database:
            assert refused(lambda: one_signal(database)).cause == "read_only"
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("SET default_transaction_read_only = off")
            server.execute("ALTER ROLE veilleur RESET default_transaction_read_only")


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreError) as caught:
        Database.open("postgresql://veilleur@127.0.0.1:1/none")
    assert caught.value.cause == "unreachable"


WITH_PASSWORD = (
    "postgresql://vei:hush@127.0.0.1:1/none",
    "postgresql://vei:hu@sh:/?#w@127.0.0.1:1/none",  # as typed, nothing escaped: it is no URL
    "postgresql://vei:sh:hush@127.0.0.1:hush/none",
    "postgresql://vei@127.0.0.1:1/none?password=hush",
)


@pytest.mark.parametrize("url", WITH_PASSWORD)
@pytest.mark.parametrize(
    "use",
    [
        Database.open,
        lambda url: reading(url).__enter__(),
        lambda url: note_export(url, {}),
        kept_head,
    ],
    ids=["opened", "read", "exported", "head"],
)
def test_a_password_in_the_address_is_refused_and_never_repeated(
    url: str, use: Callable[[str], object]
) -> None:
    """Whoever lists the processes would read it."""
    with pytest.raises(ConfigurationError, match="PGPASSFILE") as caught:
        use(url)
    told = "".join(format_exception(caught.value))
    assert "hush" not in told
    assert "invalid literal" not in told
