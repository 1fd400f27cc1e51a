"""How a command that keeps something ends: put away, whoever asks for it and however."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def orderly() -> Iterator[None]:
    """A request to end (SIGTERM, as of a service manager), and the end of the terminal (SIGHUP),
    are inside what Ctrl-C is: a KeyboardInterrupt. Who was told to ignore SIGHUP (nohup) does.

    To be entered by the main thread.
    """
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, _interrupt)}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, _hung_up)
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _hung_up(_: int, __: FrameType | None) -> None:
    """Whoever has SIGTERM then, a web server perhaps, ends it. What is said from now on is said to
    nobody: writing to a terminal that is gone fails."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    nobody = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        if stat.S_ISCHR(os.fstat(number).st_mode):
            os.dup2(nobody, number)
    os.close(nobody)
    signal.raise_signal(signal.SIGTERM)
