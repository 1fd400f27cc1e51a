"""Runs the fault trials and writes docs/reliability.md; its table is written here, never by hand.

    python -m tests.reliability [--out docs/reliability.md] [--long] [--only F1 F3]

Without --long the numbers are those of every `make test`, with it those of `make test-long`, which
have rows of their own. --seconds: F1, F2, F3 and F5 end after so long, and tell how far they came.
A row that fails says so, and its output stands below the table.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from tests import console_cuts as d03
from tests import test_faults_clock as f15
from tests import test_faults_damaged as f8
from tests import test_faults_interleaved as f2
from tests import test_faults_killed as f3
from tests import test_faults_simulated as f1
from tests.interleaved import BATCH, STEPS
from tests.test_store_faults import CI_CUTS, LONG_CUTS

ROOT = Path(__file__).parents[1]
PYTEST = ("pytest", "-q", "-p", "no:cacheprovider")
STOPPED = "test_stopped_decoders_a_held_database_and_a_stopped_service_are_seen_and_do_no_harm"
assert hasattr(f3, STOPPED)
HEAD = """# Reliability, as measured

Written by `python -m tests.reliability`; the names of faults and invariants are those of
`tests/history.py` and of the tests. Each trial ends before one judge: nothing lost (I1) or doubled
(I2), no frame without authorisation (I3), an intact record (I4), blindness shown within 10 s (I5),
no invention (I6), back within 10 s (I7). No failure in n trials bounds the rate at 3/n (95 %).

Every `make test` runs the numbers of the rows without "long", `make test-long` those of the others;
a row tells how many were really done where it was ended sooner. A trial that fails prints the
command that does it again. Seconds are those of a machine with the load that stands behind them.

"""


@dataclass(frozen=True, slots=True)
class Row:
    """fault: its number. command: what is run; its last line is the result."""

    fault: str
    what: str
    trials: str
    command: tuple[str, ...]


def rows(*, long: bool, seconds: float = math.inf) -> list[Row]:
    """Those of the long run have "long" in their names."""
    until = ("--seconds", str(seconds)) if seconds < math.inf else ()

    def after(others: int) -> str:
        """The first seed: not those of CI again."""
        return str(others if long else 0)

    made = [
        Row(
            "F1",
            "random schedules of signals, deeds, orders, refusals, kills, clock steps; simulated",
            f"{_of(f1, long):,} schedules",
            ("tests.simulated", "--schedules", str(_of(f1, long)), "--from", after(f1.CI), *until),
        ),
        Row(
            "F2",
            "operators, engine, time and orders interleaved, on a real store",
            f"{_of(f2, long):,} x {STEPS} steps",
            (
                "tests.interleaved",
                "--machines",
                str(_of(f2, long)),
                "--seed",
                after(f2.CI // BATCH),
                *until,
            ),
        ),
        Row(
            "F3",
            "SIGKILL of the service (working, writing, starting) and of decoders; 4 simulated RTSP "
            "cameras, made detector",
            f"{_of(f3, long):,} kills",
            ("tests.killing", "--trials", str(_of(f3, long)), "--seed", after(f3.CI), *until),
        ),
        Row(
            "F5",
            "power cut: the file system (ext4) is shut down, what was not flushed is gone",
            f"{LONG_CUTS if long else CI_CUTS:,} cuts",
            ("tests.power", "--cuts", str(LONG_CUTS if long else CI_CUTS), *until),
        ),
        Row(
            "F8",
            "the database's file damaged: a bit, a page, noise, cut short",
            f"{_of(f8, long):,} files",
            ("tests.damage", "--trials", str(_of(f8, long))),
        ),
        Row(
            "D03",
            "screens cut off: service stopped, network, stream, browser, laptop asleep; four "
            "windows of Chromium",
            f"{_of(d03, long):,} cuts",
            ("tests.console_cuts", "--cuts", str(_of(d03, long))),
        ),
    ]
    return [replace(row, fault=f"{row.fault}, long") for row in made] if long else made + _others()


def _others() -> list[Row]:
    return [
        Row(
            "F6, F7, F8",
            "n-th call failing (300 points), full disk (12 times), read-only disk, locks, damage",
            "see tests/test_store_faults.py",
            (*PYTEST, "tests/test_store_faults.py", "-k", "not power"),
        ),
        Row(
            "F15",
            f"clock set {f15.CI} times in one life, by an hour where an act ends (libfaketime)",
            "see tests/test_faults_clock.py",
            (*PYTEST, "tests/test_faults_clock.py", "tests/test_desk_clock.py"),
        ),
        Row(
            "D02",
            "each stage stalled; decoders, service stopped; database held by another process",
            "see tests/test_desk_life.py",
            (*PYTEST, "tests/test_desk_life.py", f"tests/test_faults_killed.py::{STOPPED}"),
        ),
    ]


class Numbered(Protocol):
    """A module of trials: how many in CI, and in the long run."""

    CI: int
    LONG: int


def _of(faults: Numbered, long: bool) -> int:
    return faults.LONG if long else faults.CI


@dataclass(frozen=True, slots=True)
class Outcome:
    row: Row
    passed: bool
    said: str
    seconds: float
    output: str


def run(row: Row) -> Outcome:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", *row.command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    passed = done.returncode == 0
    said = _counted(lines) if "pytest" in row.command else (lines or ["nothing was said"])[-1]
    output = (done.stdout + done.stderr)[-3000:]
    return Outcome(row, passed, said, time.monotonic() - began, output)


def _counted(lines: list[str]) -> str:
    """Pytest's dots: what passed, failed and was skipped."""
    dots = "".join(line.split()[0] for line in lines if re.fullmatch(r"[.FEsx]+\s*(\[.*\])?", line))
    words = {".": "passed", "F": "failed", "E": "broken", "s": "skipped"}
    return ", ".join(f"{dots.count(mark)} {word}" for mark, word in words.items() if mark in dots)


def machine() -> str:
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*: (.+)", told)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    name = model[1] if model else platform.machine()
    return f"{name}, {cores} cores, Linux {platform.release()}, load at the end {load}"


def table(outcomes: list[Outcome], before: str) -> str:
    """before: the file as it is. Rows that were not run now stay."""
    kept = {line.split("|")[1].strip(): line for line in before.splitlines() if line[:1] == "|"}
    new = {one.row.fault: _line(one) for one in outcomes}
    order = [row.fault for row in sorted(rows(long=False) + rows(long=True), key=_place)]
    lines = [
        HEAD.rstrip() + "\n",
        "| fault | what | trials | result | seconds | when and where |",
        "|---|---|---|---|---|---|",
        *(line for fault in order if (line := new.get(fault) or kept.get(fault))),
    ]
    for one in outcomes:
        if not one.passed:
            lines += ["", f"{one.row.fault} failed:", "", "```", one.output, "```"]
    return "\n".join(lines) + "\n"


def _place(row: Row) -> tuple[int, str]:
    """F2 before F15, a fault before its long run."""
    number = re.search(r"\d+", row.fault)
    return (int(number[0]) if number and row.fault[0] == "F" else 99), row.fault


def _line(one: Outcome) -> str:
    row, word = one.row, "" if one.passed else "FAILED: "
    where = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"
    cells = (row.fault, row.what, row.trials, word + one.said, f"{one.seconds:.0f}", where)
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=math.inf)
    asked = parser.parse_args()
    outcomes = []
    for row in rows(long=asked.long, seconds=asked.seconds):
        if not asked.only or row.fault.partition(",")[0] in asked.only:
            outcomes.append(run(row))
            print(f"{row.fault}: {outcomes[-1].said} ({outcomes[-1].seconds:.0f} s)", flush=True)
    if asked.out:
        before = asked.out.read_text(encoding="utf-8") if asked.out.exists() else ""
        asked.out.write_text(table(outcomes, before), encoding="utf-8")
    sys.exit(not all(one.passed for one in outcomes))


if __name__ == "__main__":
    main()
