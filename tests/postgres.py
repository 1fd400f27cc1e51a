"""A PostgreSQL server for the tests: Debian's, in a folder of its own, on a UNIX socket only."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import psycopg

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # what a server does with its disk is not ours to test
    "max_connections": "60",
    "shared_buffers": "32MB",
}


def programs() -> Path | None:
    """The folder of the server's programs, None: not installed."""
    return next((folder for folder in FOLDERS if (folder / "initdb").exists()), None)


@cache
def shared(programs: Path) -> Callable[[], str]:
    """One server for all test modules, until the tests end."""
    running = ExitStack()
    atexit.register(running.close)
    return running.enter_context(server(programs))


@contextmanager
def server(programs: Path) -> Iterator[Callable[[], str]]:
    """A running server: calling it empties its database and returns the URL."""
    # Not pytest's folder: that is closed to other users, and a socket's path must be short.
    home = Path(tempfile.mkdtemp(prefix="veilleur-pg-"))
    us = _us(home)
    data = home / "data"
    run(us, programs / "initdb", "-D", data, "-A", "trust", "-U", "veilleur", "-E", "UTF8", "-N")
    options = " ".join(f"-c {name}={value or repr('')}" for name, value in SETTINGS.items())
    options += f" -c unix_socket_directories={home}"
    control = ("-D", data, "-w", "-t", "30")
    try:
        run(us, programs / "pg_ctl", *control, "-l", home / "log", "-o", options, "start")
        yield lambda: _empty(home)
        run(us, programs / "pg_ctl", *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _us(home: Path) -> list[str]:
    """PostgreSQL refuses to run as root: who runs it then is `postgres`."""
    if os.geteuid() != 0:
        return []
    shutil.chown(home, "postgres", "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def run(us: list[str], *command: str | Path) -> None:
    """Raises CalledProcessError with what it said."""
    done = subprocess.run(
        [*us, *map(str, command)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if command[-1] != "start" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def _empty(socket: Path) -> str:
    """Emptied rather than made: that is ten times as fast."""
    with psycopg.connect(
        host=str(socket), user="veilleur", dbname="postgres", autocommit=True
    ) as server:
        server.execute("SET client_min_messages = warning")
        server.execute("DROP SCHEMA IF EXISTS public CASCADE")
        server.execute("CREATE SCHEMA public")
    return f"postgresql://veilleur@/postgres?host={socket}"
