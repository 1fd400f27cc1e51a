"""What a further camera costs in memory, and whether anything grows.

    python -m benchmarks.memory [--minutes 30] [--cameras 1,2,4,8] [--size 1080p25] [--samples FILE]

First: the whole tree of processes with 1, 2, 4 and 8 busy cameras, each number in processes of its
own: their own memory (anonymous, and their share of the pictures), not the files, which the system
drops and reads again as it likes, nor what the C library keeps for later (20 to 30 MB in the
engine, by chance, with any number of cameras). The slope of the line through them is what a further
camera costs.

Then two cameras that play a film over and over, and a line through the own memory of all that time,
with its standard error, for each process. The same for the later half, since what only settles does
so at the beginning. A value is the median of a round of the film, so that the film's own ups and
downs are no noise. Threads and descriptors are compared at both ends.

Needs root: the decoders' sandbox lets nobody else look into their memory.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import math
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks import media, rig
from benchmarks.footprint import ENGINE, Footprint, footprint, same_processes
from benchmarks.machine import Wanted, description, figure
from veilleur.engine.assembly import Detectors
from veilleur.engine.node import Node
from veilleur.perception.choice import decide

A_CAMERA_MB = Wanted(most=30.0)
GROWTH_MB = Wanted(most=2.0)  # in half an hour
SAME = Wanted(most=0)
CHECK_EVERY_S = 0.5
SETTLE_S = 70.0  # what a rush at the beginning took is given back long before
SAMPLES, SAMPLE_EVERY_S = 5, 1.0
LOOPING = 2  # cameras
WARM_SHARE, WARM_S = 0.1, 180.0  # of a loop, not fitted: the shorter
FEWEST = 10  # values a line is drawn through
HALF_HOUR_S = 1800.0
_C = ctypes.CDLL("libc.so.6")
TELLS_MINUTES = 10.0  # a shorter loop says nothing about growth


@dataclass(frozen=True, slots=True)
class Growth:
    """A line through samples of memory: MiB in half an hour, and its standard error."""

    mb: float
    error_mb: float


def one(number: int, size: media.Size) -> Footprint:
    """So many cameras in this process' tree, once they have run for a while: the largest seen."""
    detectors = Detectors(decide().choice)
    with rig.staggered():
        running = rig.node(rig.fleet(number, size), detectors)
    with running as node:
        rig.until_all_analysed(node)
        _watch(node, SETTLE_S)
        seen = []
        for _ in range(SAMPLES):
            _C.malloc_trim(0)
            seen.append(footprint())
            _watch(node, SAMPLE_EVERY_S)
    return max(seen, key=lambda found: found.own_mb)


@dataclass(frozen=True, slots=True)
class Taken:
    """Own memory in MiB. decoders_mb: with their nursery. files_mb: beside it, all together."""

    engine_mb: float
    decoders_mb: float
    files_mb: float

    @property
    def all_mb(self) -> float:
        return self.engine_mb + self.decoders_mb


def apart(number: int, size: media.Size) -> Taken:
    """The same in processes of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", "--one", str(number), "--size", size.name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Taken(*map(float, done.stdout.split()))


def cameras(numbers: Sequence[int], size: media.Size) -> list[str]:
    found = {number: apart(number, size) for number in numbers}
    lines = [
        figure(
            f"{size.name} x {number}, own memory",
            [at.all_mb],
            f"MB (engine {at.engine_mb:.0f}, decoders {at.decoders_mb:.0f}; "
            f"files {at.files_mb:.0f} beside it)",
        )
        for number, at in found.items()
    ]
    if len(found) > 1:
        for name, values, wanted in (
            ("a further camera", [at.all_mb for at in found.values()], A_CAMERA_MB),
            ("of it in the engine", [at.engine_mb for at in found.values()], None),
            ("of it in its decoder", [at.decoders_mb for at in found.values()], None),
        ):
            slope = float(np.polyfit(list(numbers), values, 1)[0])
            lines.append(figure(f"{size.name} memory, {name}", [slope], "MB", wanted))
    return lines


@dataclass(frozen=True, slots=True)
class Sample:
    """passed_s: since the first frame of all cameras."""

    passed_s: float
    found: Footprint


def loop(minutes: float, size: media.Size, kept: Path | None) -> list[str]:
    """A film over and over. kept: where all samples are written."""
    seen = looped(minutes, size)
    if kept is not None:
        _write(kept, seen)
    if not same_processes([at.found for at in seen]):
        raise SystemExit("a decoding process was started again: nothing can be said about growth")
    warm_s = min(WARM_S, WARM_SHARE * 60 * minutes)
    fitted = [at for at in seen if at.passed_s >= warm_s]
    name = f"{size.name} x {LOOPING} for {minutes:g} minutes"
    wanted = GROWTH_MB if minutes >= TELLS_MINUTES else None
    later = [at for at in fitted if at.passed_s >= 30 * minutes]
    whole, half = growth(fitted, _own(None)), growth(later, _own(None))
    lines = [
        figure(f"{name}, own memory", [at.found.own_mb for at in fitted], "MB"),
        figure(f"{name}, with files (PSS)", [at.found.pss_mb for at in fitted], "MB"),
        figure(f"{name}, own memory, growth", [whole.mb], _unit(whole), wanted),
        figure(f"{name}, own memory, growth, later half", [half.mb], _unit(half), wanted),
    ]
    for part in fitted[0].found.parts:
        of_it = growth(fitted, _own(part.name))
        lines.append(figure(f"{name}, growth of {part.name}", [of_it.mb], _unit(of_it)))
        for what in ("threads", "descriptors"):
            ends = _change([getattr(at.found.of(part.name), what) for at in fitted])
            lines.append(figure(f"{name}, {what} of {part.name}, change", [ends], what, SAME))
    return lines


def looped(minutes: float, size: media.Size) -> list[Sample]:
    """What was seen while it ran."""
    detectors = Detectors(decide().choice)
    seen: list[Sample] = []
    with rig.staggered():
        running = rig.node(rig.fleet(LOOPING, size), detectors)
    with running as node:
        rig.until_all_analysed(node)
        began = time.monotonic()
        every_s = max(1.0, min(10.0, minutes * 60 / 100))
        while (passed_s := time.monotonic() - began) < 60 * minutes:
            seen.append(Sample(passed_s, footprint()))
            _watch(node, every_s)
    return seen


def _watch(node: Node, seconds: float) -> None:
    """Take the alerts as they come, as whoever runs a node does: each holds a picture."""
    until = time.monotonic() + seconds
    while (left_s := until - time.monotonic()) > 0:
        with suppress(queue.Empty):
            node.alerts.get(timeout=min(left_s, CHECK_EVERY_S))
        node.check()


def _own(part: str | None) -> Callable[[Footprint], float]:
    """What a process holds itself, or all together."""

    def own_mb(at: Footprint) -> float:
        return at.own_mb if part is None else at.of(part).own_mb

    return own_mb


def _write(path: Path, seen: Sequence[Sample]) -> None:
    """One line a process and sample."""
    rows = [{"passed_s": at.passed_s} | asdict(part) for at in seen for part in at.found.parts]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def growth(seen: Sequence[Sample], value: Callable[[Footprint], float]) -> Growth:
    """Least squares through the medians of the film's rounds, or of shorter stretches where there
    are few rounds."""
    first, last = seen[0].passed_s, seen[-1].passed_s
    stretch_s = min(float(media.SECONDS), (last - first) / FEWEST)
    stretches: dict[int, list[float]] = {}
    for at in seen:
        number = int((at.passed_s - first) / stretch_s)
        stretches.setdefault(number, []).append(value(at.found))
    return line(
        [number * stretch_s for number in stretches],
        [float(np.median(values)) for values in stretches.values()],
    )


def line(times: Sequence[float], values: Sequence[float]) -> Growth:
    """Least squares. times: seconds, values: MiB."""
    at, values_ = np.asarray(times), np.asarray(values)
    slope, base = np.polyfit(at, values_, 1)
    rest = values_ - (slope * at + base)
    spread = math.sqrt(float(rest @ rest) / max(1, len(at) - 2))
    error = spread / math.sqrt(float(((at - at.mean()) ** 2).sum()))
    return Growth(float(slope) * HALF_HOUR_S, error * HALF_HOUR_S)


def _unit(found: Growth) -> str:
    return f"MB in half an hour (standard error {found.error_mb:.2f})"


def _change(counts: Sequence[int]) -> float:
    """Between the first and the last tenth: their medians."""
    part = max(1, len(counts) // 10)
    return abs(float(np.median(counts[-part:]) - np.median(counts[:part])))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0, help="of the loop, 0: none")
    parser.add_argument("--cameras", default="1,2,4,8", help="numbers to compare, empty: none")
    parser.add_argument("--size", choices=media.SIZES, default="1080p25")
    parser.add_argument("--samples", type=Path, help="a CSV file for what the loop saw")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    size = media.SIZES[asked.size]
    if asked.one is not None:
        at = one(asked.one, size)
        engine_mb = at.of(ENGINE).own_mb
        print(engine_mb, at.own_mb - engine_mb, at.pss_mb - at.own_mb)
        return
    print("\n".join(description()), flush=True)
    if numbers := [int(number) for number in asked.cameras.split(",") if number]:
        print("\n".join(cameras(numbers, size)), flush=True)
    if asked.minutes > 0:
        print("\n".join(loop(asked.minutes, size, asked.samples)))


if __name__ == "__main__":
    main()
