"""Where decoding processes come from: one small process that has everything imported, and forks.

Each worker shares its imports with the others, so a further camera costs little memory and starts
in milliseconds. The nursery knows nothing of the engine: no secrets, no files, no threads, an
environment of a few words. It ends when its host does.
"""

from __future__ import annotations

import array
import atexit
import os
import signal
import socket
import subprocess
import sys
import threading

_NEEDED = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "SYSTEMROOT", "VIRTUAL_ENV")
_ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}


class Nursery:
    """The host's handle. `fork` sends a worker its end of a channel and its memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    def fork(self, channel: socket.socket, memory: int) -> None:
        """Ask for a worker; it introduces itself over the channel. Doesn't wait for it."""
        handles = array.array("i", [channel.fileno(), memory])
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)]
        with self._lock:
            for _ in range(2):
                try:
                    self._connected().sendmsg([b"f"], ancillary)
                except OSError:
                    self._drop()
                else:
                    return
        raise OSError("no decoding process can be started")

    def restart(self) -> None:
        """Nobody answered: begin with a new one."""
        with self._lock:
            self._drop()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _connected(self) -> socket.socket:
        if self._owner != os.getpid():
            # This process was forked from the one that started the nursery.
            self._control = self._process = None
            self._owner = os.getpid()
        if self._control is None:
            self._start()
        assert self._control is not None
        return self._control

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        environment = {k: v for k, v in os.environ.items() if k in _NEEDED} | _ONE_THREAD
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control = ours

    def _drop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


_shared = Nursery()
atexit.register(_shared.close)


def shared_nursery() -> Nursery:
    """The one of this process."""
    return _shared


def _serve(control: socket.socket) -> None:
    """Fork a worker for each request, until the host is gone."""
    import gc

    from veilleur.cameras import worker

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    worker.rehearse()
    gc.collect()
    gc.freeze()
    while True:
        asked, handles, _, _ = socket.recv_fds(control, 8, 2)
        if not asked:
            return
        if os.fork() == 0:
            control.close()
            worker.run(socket.socket(fileno=handles[0]), handles[1])
            os._exit(0)
        for handle in handles:
            os.close(handle)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
