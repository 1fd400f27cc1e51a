"""Services that start in a tenth of the time: one process has imported everything, and forks them.

What was imported holds no state of a service: each has its own folder, files, threads and
connections. Where a process must begin from nothing (another clock by LD_PRELOAD), nothing is
shared: `struck.Service` starts it as a program then.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

LONGEST = 1 << 16


class Started(Protocol):
    """A process, as `subprocess.Popen` tells of it."""

    @property
    def pid(self) -> int: ...
    @property
    def stdout(self) -> IO[str] | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...


class Forked:
    """A process out of a nest. How it ended, nobody knows: 0."""

    def __init__(self, pid: int, stdout: IO[str]) -> None:
        self.pid, self.stdout = pid, stdout
        self._handle: int | None = None
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:  # it has ended already
            return

    def poll(self) -> int | None:
        return 0 if self._ended(0.0) else None

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended(timeout):
            raise TimeoutError(f"process {self.pid} goes on")
        return 0

    def _ended(self, timeout: float | None) -> bool:
        if self._handle is None:
            return True
        if not select.select([self._handle], [], [], timeout)[0]:
            return False
        os.close(self._handle)
        self._handle = None
        return True


class Nest:
    """The harness's handle. Entered it is there; leaving it ends it, not what it has forked."""

    def __init__(self, module: str) -> None:
        """module: run with `--nest` and a descriptor, it calls `hatch` there."""
        self._module = module

    def __enter__(self) -> Self:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, "--nest", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parents[1],
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._control.close()
        self._process.wait(timeout=30)

    def fork(self, arguments: Sequence[str]) -> Forked:
        """What it says, errors too, comes out of `stdout`."""
        ours, theirs = os.pipe()
        try:
            socket.send_fds(self._control, [json.dumps(list(arguments)).encode()], [theirs])
        finally:
            os.close(theirs)
        pid = int(self._control.recv(LONGEST))
        return Forked(pid, os.fdopen(ours, encoding="utf-8"))


def hatch(descriptor: int, work: Callable[[Sequence[str]], None]) -> None:
    """Fork a process for each line of arguments, and do the work in it, until the harness is gone.
    In each of those processes this returns when its work is done."""
    control = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while True:
        asked, handles, _, _ = socket.recv_fds(control, LONGEST, 1)
        if not asked:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _begin(handles[0])
            work(json.loads(asked))
            return
        os.close(handles[0])
        control.send(str(pid).encode())


def _begin(told: int) -> None:
    """As a program begins."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(told, 1)
    os.dup2(told, 2)
    os.close(told)
