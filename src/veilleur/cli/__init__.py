"""The command line: one file a command, the same words as the Python interface.

The one place where errors become text: what went wrong, and what to do next.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDLESS = ("watch", "demo", "serve", "simulate")
"""Commands that end with Ctrl-C and nothing else: for them it is no failure."""
INTERRUPTED = 130


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 done but something should be looked after, 2 something is
    wrong that the message explains, 130 interrupted."""
    with _leaving_at_ctrl_c():
        # Here, and not above: a second passes in it, in which somebody may press Ctrl-C.
        from veilleur.cli.app import app
        from veilleur.errors import VeilleurError
    try:
        app()
    except VeilleurError as error:
        from rich.console import Console

        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"veilleur: {error}", style="bold red", markup=False)
        _leave(2)
    except SystemExit as end:
        _leave(end.code)


def _leave(code: object) -> None:
    """Everything is closed. A thread that is in the middle of loading a model can't be interrupted,
    and Python's own end under it is a crash: the process ends without it then."""
    others = (one for one in threading.enumerate() if one is not threading.current_thread())
    if any(one.daemon and one.is_alive() for one in others) and isinstance(code, int | None):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)
    sys.exit(code)  # type: ignore[arg-type]


@contextmanager
def _leaving_at_ctrl_c() -> Iterator[None]:
    """Ctrl-C ends the process at once: nothing has been started, and the libraries that are being
    loaded would make other errors of an exception."""
    code = 0 if sys.argv[1:2] and sys.argv[1] in ENDLESS else INTERRUPTED
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(code))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
