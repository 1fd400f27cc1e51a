"""Trials in several processes at once, and how to do one of them again."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROCESSES = 2
"""As many as the machines have cores that run the tests."""


def parts(first: int, number: int, processes: int = PROCESSES) -> list[range]:
    """`number` seeds from `first` on, dealt out."""
    edges = [first + number * n // processes for n in range(processes + 1)]
    return [range(*pair) for pair in itertools.pairwise(edges)]


def together(commands: Sequence[Sequence[str]]) -> list[str]:
    """Each as `python -m ...`, at once. Returns their last lines; AssertionError with all that was
    said where one fails."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        for command in commands
    ]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(running), "\n".join(said)
    return [text.strip().splitlines()[-1] for text in said]


@contextmanager
def again(*command: object) -> Iterator[None]:
    """Where something fails inside, it is said how to do the same again."""
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            print("again: python -m", *command, flush=True)
