"""Strike a process that uses a database, and see whether anything acknowledged is lost."""

from __future__ import annotations

import errno
import fcntl
import os
import select as select_
import signal as signals_
import sqlite3
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from sqlalchemy import select

from tests.storing import sqlite_url
from veilleur.store import chain, incidents, outbox, record, signals
from veilleur.store.database import Database
from veilleur.store.transaction import Reading


@dataclass
class Said:
    """What the process was told: what is stored, and what went wrong."""

    acknowledged: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    refused: str = ""

    def hear(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if word == "ok":
            self.acknowledged.append(rest)
        elif word == "failed":
            self.causes.append(rest)
        elif word == "refused":
            self.refused = rest


class Victims:
    """Makes processes that use a database."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.store_victim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def start(self, word: str, url: str) -> int:
        """A process that has stopped before it begins. Returns its id."""
        assert self._process.stdin
        self._process.stdin.write(f"{word} {url}\n")
        self._process.stdin.flush()
        started = self.line().split()
        assert started[0] == "started", started
        process = int(started[1])
        stopped(process)
        return process

    def line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def until_ended(self, said: Said) -> Said:
        while (line := self.line()) != "ended\n":
            assert line, "the makers of victims died"
            said.hear(line)
        return said


def stopped(process: int) -> None:
    """Until it stands still: no system call of it goes on."""
    for _ in range(10_000):
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
        if stat.rpartition(")")[2].split()[0] == "T":
            return
        os.sched_yield()
        select_.select([], [], [], 0.001)
    raise AssertionError("it does not stop")


def struck(victims: Victims, word: str, folder: Path, inject: str) -> Said:
    """Let a process do its deeds while a system call fails. inject: strace's expression."""
    return _traced(victims, word, folder, f"--inject={inject}", "-o", "/dev/null")


def calls(victims: Victims, word: str, folder: Path, name: str) -> int:
    """How often a process makes this system call, when it is left alone."""
    counts = folder.parent / "counts"
    said = _traced(victims, word, folder, "-c", f"--trace={name}", "-o", str(counts))
    assert said.acknowledged
    assert not said.causes
    lines = [line.split() for line in counts.read_text().splitlines()]
    return sum(int(words[3]) for words in lines if words[-1:] == [name])


def _traced(victims: Victims, word: str, folder: Path, *how: str) -> Said:
    process = victims.start(word, sqlite_url(folder))
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(process), *how], stderr=subprocess.PIPE, text=True
    )
    assert tracer.stderr
    attached = tracer.stderr.readline()
    assert "attached" in attached, attached
    os.kill(process, signals_.SIGCONT)
    said = victims.until_ended(Said())
    tracer.wait(timeout=30)
    tracer.stderr.close()
    return said


# ---------------------------------------------------------------------- disks
SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32): ext4, XFS
NO_FLUSH = struct.pack("I", 2)


class Disk:
    """A file system of its own: files in memory (tmpfs), or ext4 in a file."""

    def __init__(self, at: Path, megabytes: int, *, image: Path | None = None) -> None:
        at.mkdir()
        self.at = at
        self._image = image
        if image is None:
            _system("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "veilleur-test", str(at))
        else:
            with image.open("wb") as file:
                file.truncate(megabytes << 20)
            _system("mkfs.ext4", "-q", str(image))
            self.mount()

    def mount(self) -> None:
        _system("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.at))

    def unmount(self) -> None:
        _system("umount", str(self.at))

    def cut_the_power(self) -> None:
        """What was not flushed is gone. Nothing can be written or read any more."""
        file = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(file, SHUTDOWN, NO_FLUSH)
        finally:
            os.close(file)

    def fail(self) -> None:
        """The kernel meets an error on it, and makes it read-only, whoever writes."""
        _system("mount", "-o", "remount,abort", str(self.at))

    def fill(self) -> Path:
        """With a file, to the last byte. Returns the file."""
        filler = self.at / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                while file.write(bytes(1 << 16)):
                    pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        return filler


def _system(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def check(folder: Path, said: Said) -> int:
    """Everything acknowledged is there, whole, once; the record is intact. Returns its rows."""
    with Database.open(sqlite_url(folder)) as database, database.read() as r:
        report = chain.verify(r)
        assert report.intact, report.findings
        _nothing_is_lost(r, said.acknowledged, report.rows)
        _nothing_is_half(r)
    found = sqlite3.connect(folder / "veilleur.db")
    assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found.close()
    return report.rows


def _nothing_is_lost(r: Reading, acknowledged: list[str], rows: int) -> None:
    ids = [UUID(one) for one in acknowledged if not one.startswith("record:")]
    stored = signals.by_id(r, ids)
    assert stored.keys() == set(ids), f"{len(set(ids) - stored.keys())} of {len(ids)} lost"
    last = max((int(one[7:]) for one in acknowledged if one.startswith("record:")), default=0)
    assert rows >= last


def _nothing_is_half(r: Reading) -> None:
    """A signal, its incident, its message and its line are there together or not at all."""
    query = select(signals.signals.c.id, signals.signals.c.incident)
    pairs = {(row.id, row.incident) for row in r.connection.execute(query)}
    assert {row.id for row in r.connection.execute(select(incidents.incidents.c.id))} == {
        incident for _, incident in pairs
    }
    told = r.connection.execute(select(outbox.outbox.c.incident)).scalars().all()
    assert sorted(told) == sorted(incident for _, incident in pairs)
    recorded = r.connection.execute(
        select(record.audit.c.of).where(record.audit.c.deed == "signal")
    ).scalars()
    assert sorted(recorded) == sorted(f"signal:{id_}" for id_, _ in pairs)
