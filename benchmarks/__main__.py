"""All benchmarks, short; `make benchmark` runs it.

    python -m benchmarks [--out table.md] [--long] [--only pipeline ...] [--peer-model FILE]

Each runs in a process of its own, one after another, on an otherwise quiet machine. What it prints
is `name: median x (low-high, n rounds, cores)`, with what is wanted behind it; `--out` also writes
it all as Markdown tables. Figures are to be compared within one run only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import description
from benchmarks.quality import labelled_clips
from veilleur.perception.choice import decide

ROOT = Path(__file__).resolve().parents[1]
PEER_PYTHON = ROOT / ".benchmark-venv" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One module, with its arguments. needs: what may be absent, and where it should be."""

    title: str
    name: str
    short: tuple[str, ...] = ()
    long: tuple[str, ...] = ()
    needs: Path | None = None


def everything(peer_model: Path | None) -> list[Benchmark]:
    """In the order of a frame's way, the long ones last."""
    model = () if peer_model is None else ("--peer-model", str(peer_model))
    clips = labelled_clips()
    return [
        Benchmark("Quality of what really runs", "quality", needs=clips),
        Benchmark("Decoding alone", "decode", ("--rounds", "3"), ("--rounds", "9")),
        Benchmark("Tracker against ByteTrack", "tracker", needs=PEER_PYTHON),
        Benchmark("Small people", "small_people", (str(clips),), (str(clips),), clips),
        Benchmark(
            "Whole pipeline", "pipeline", ("--rounds", "3", *model), ("--rounds", "9", *model)
        ),
        Benchmark("Each of the eight events", "events", ("--rounds", "1"), ("--rounds", "5")),
        Benchmark("A hundred screens, a burst", "desk"),
        Benchmark("Frame to screen, one camera", "desk", ("--cameras", "1")),
        Benchmark(
            "Frame to screen, 80 % of capacity",
            "desk",
            ("--cameras", "14"),
            ("--cameras", "14", "--seconds", "180"),
        ),
        Benchmark("Still and clip", "evidence", ("--runs", "20"), ("--runs", "100")),
        Benchmark("Memory", "memory", ("--minutes", "2"), ("--minutes", "30")),
        Benchmark("Capacity, 1080p25", "capacity", ("--seconds", "30")),
        Benchmark(
            "Capacity, 640x360",
            "capacity",
            ("--size", "360p25", "--seconds", "30"),
            ("--size", "360p25"),
        ),
        Benchmark("Beyond capacity", "capacity", ("--beyond", "--seconds", "30"), ("--beyond",)),
    ]


@dataclass(frozen=True, slots=True)
class Result:
    """What a benchmark said. seconds: it took; trouble: "" or why there is no or half a result."""

    benchmark: Benchmark
    lines: tuple[str, ...]
    seconds: float
    trouble: str = ""


def run(benchmark: Benchmark, *, long: bool) -> Result:
    """In a process of its own; its lines are shown as they come."""
    print(f"\n{benchmark.title}", flush=True)
    if benchmark.needs is not None and not benchmark.needs.exists():
        word = f"skipped: {benchmark.needs} is absent, see benchmarks/README.md"
        print(f"  {word}", flush=True)
        return Result(benchmark, (), 0.0, word)
    arguments = benchmark.long if long else benchmark.short
    command = [sys.executable, "-m", f"benchmarks.{benchmark.name}", *arguments]
    lines, began = [], time.monotonic()
    about_the_machine = set(description())
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.rstrip() not in about_the_machine:
                print(f"  {line.rstrip()}", flush=True)
                lines.append(line.rstrip())
    code = process.returncode
    word = f"ended with exit code {code}" if code else ""
    return Result(benchmark, tuple(lines), time.monotonic() - began, word)


def markdown(results: Sequence[Result]) -> str:
    """Tables with what the figures depend on above them."""
    out = [
        "# Benchmarks",
        "",
        *(f"- {line}" for line in [*description(), f"detector: {decide().choice}"]),
        "- Compare figures within one run only: the machine, its neighbours and its clock change.",
    ]
    for result in results:
        out += ["", f"## {result.benchmark.title}", ""]
        if result.trouble:
            out += [result.trouble, ""]
        if result.lines:
            out += ["| what | measured | wanted |", "|---|---|---|"]
            out += [_row(line) for line in result.lines]
            out += ["", f"`python -m benchmarks.{result.benchmark.name}`, {result.seconds:.0f} s"]
    return "\n".join(out) + "\n"


def _row(line: str) -> str:
    """`name: measured; wanted ...` as three cells."""
    rest, _, wanted = line.strip().partition("; wanted ")
    name, _, measured = rest.partition(": ")
    return f"| {name} | {measured} | {wanted} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--out", type=Path, help="a Markdown file to write")
    parser.add_argument("--long", action="store_true", help="full lengths: about two hours")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these modules")
    parser.add_argument("--peer-model", type=Path, help="NanoDet with its six COCO outputs")
    asked = parser.parse_args()
    chosen = everything(asked.peer_model)
    known = {benchmark.name for benchmark in chosen}
    unknown = set(asked.only or ()) - known
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: no such benchmark; one of {sorted(known)}")
    if asked.only:
        chosen = [benchmark for benchmark in chosen if benchmark.name in asked.only]
    print("\n".join([*description(), f"detector: {decide().choice}"]))
    results = []
    for benchmark in chosen:
        results.append(run(benchmark, long=asked.long))
        if asked.out is not None:  # what has been measured is kept, whatever comes next
            asked.out.write_text(markdown(results), encoding="utf-8")
    return 1 if any(result.trouble.startswith("ended") for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
