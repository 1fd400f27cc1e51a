"""Runs the fault trials and writes docs/reliability.md; its table is written here, never by hand.

    python -m tests.reliability [--out docs/reliability.md] [--long] [--only F1 F3]

Without --long the numbers are those of every `make test`, with it those of `make test-long`. A row
that fails says so, and its output stands below the table.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests import test_faults_interleaved as f2
from tests import test_faults_killed as f3
from tests import test_faults_simulated as f1

ROOT = Path(__file__).parents[1]
PYTEST = ("pytest", "-q", "-p", "no:cacheprovider")
STOPPED = "test_stopped_decoders_a_held_database_and_a_stopped_service_are_seen_and_do_no_harm"
assert hasattr(f3, STOPPED)
HEAD = """# Reliability, as measured

Written by `python -m tests.reliability`; the names of faults and invariants are those of
`tests/history.py` and of the tests. Each trial ends before one judge: nothing lost (I1) or doubled
(I2), no frame without authorisation (I3), an intact record (I4), blindness shown within 10 s (I5),
no invention (I6), back within 10 s (I7). No failure in n trials bounds the rate at 3/n (95 %).

"""


@dataclass(frozen=True, slots=True)
class Row:
    """fault: its number. command: what is run; its last line is the result."""

    fault: str
    what: str
    trials: str
    command: tuple[str, ...]


def rows(*, long: bool) -> list[Row]:
    more = ("--long",) if long else ()
    simulated, interleaved = (f1.LONG, f2.LONG) if long else (f1.CI, f2.CI)
    killed = f3.LONG if long else f3.CI
    return [
        Row(
            "F1",
            "random schedules of signals, deeds, orders, refusals, kills, clock steps; simulated",
            f"{simulated:,} schedules",
            ("tests.simulated", "--schedules", str(simulated)),
        ),
        Row(
            "F2",
            "operators, engine, time and orders interleaved, on a real store",
            f"{interleaved:,} x {f2.STEPS} steps",
            (*PYTEST, "tests/test_faults_interleaved.py", *_which(str(interleaved), long)),
        ),
        Row(
            "F3",
            "SIGKILL of the service (working, starting) and of decoders, 4 cameras, made detector",
            f"{killed} kills",
            ("tests.killing", "--trials", str(killed), "--seed", "7"),
        ),
        Row(
            "F5-F8",
            "power cut, n-th call failing, full and read-only disk, damage, locks",
            "see tests/test_store_faults.py",
            (*PYTEST, "tests/test_store_faults.py", *more),
        ),
        Row(
            "F15",
            "clock set by an hour, summer time, 2036 (libfaketime)",
            "see tests/test_faults_clock.py",
            (*PYTEST, "tests/test_faults_clock.py", "tests/test_desk_clock.py", *more),
        ),
        Row(
            "D02",
            "each stage stalled; decoders, service stopped; database held by another process",
            "see tests/test_desk_life.py",
            (*PYTEST, "tests/test_desk_life.py", f"tests/test_faults_killed.py::{STOPPED}"),
        ),
    ]


def _which(number: str, long: bool) -> tuple[str, ...]:
    return ("--long", "-k", number) if long else ()


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
    return Outcome(row, passed, said, time.monotonic() - began, done.stdout[-3000:])


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
    order = [row.fault for row in rows(long=False)]
    lines = [
        HEAD + f"The last of them: {datetime.now(UTC):%Y-%m-%d}, {machine()}.",
        "",
        "| fault | what | trials | result | seconds |",
        "|---|---|---|---|---|",
        *(line for fault in order if (line := new.get(fault) or kept.get(fault))),
    ]
    for one in outcomes:
        if not one.passed:
            lines += ["", f"{one.row.fault} failed:", "", "```", one.output, "```"]
    return "\n".join(lines) + "\n"


def _line(one: Outcome) -> str:
    row, word = one.row, "" if one.passed else "FAILED: "
    return f"| {row.fault} | {row.what} | {row.trials} | {word}{one.said} | {one.seconds:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    asked = parser.parse_args()
    outcomes = []
    for row in rows(long=asked.long):
        if not asked.only or row.fault in asked.only:
            outcomes.append(run(row))
            print(f"{row.fault}: {outcomes[-1].said} ({outcomes[-1].seconds:.0f} s)", flush=True)
    if asked.out:
        before = asked.out.read_text(encoding="utf-8") if asked.out.exists() else ""
        asked.out.write_text(table(outcomes, before), encoding="utf-8")
    sys.exit(not all(one.passed for one in outcomes))


if __name__ == "__main__":
    main()
