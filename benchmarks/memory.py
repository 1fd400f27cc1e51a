"""What a further camera costs in memory, and whether anything grows.

    python -m benchmarks.memory [--minutes 30] [--cameras 1,2,4,8] [--size 1080p25]

First: the whole tree of processes with 1, 2, 4 and 8 busy cameras, each number in processes of its
own; proportional set size, so that what is shared counts once. The slope of the line through them
is what a further camera costs. Then two cameras that play a film over and over: a line through the
memory of all that time, with its standard error, and threads and descriptors at both ends.
Needs root: the decoders' sandbox lets nobody else look into their memory.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import media, rig
from benchmarks.machine import Footprint, Wanted, description, figure, footprint
from veilleur.engine.assembly import Detectors
from veilleur.perception.choice import decide

A_CAMERA_MB = Wanted(most=30.0)
GROWTH_MB = Wanted(most=2.0)  # in half an hour
SAME = Wanted(most=0)
SETTLE_S = 12.0
SAMPLES, SAMPLE_EVERY_S = 5, 1.0
LOOPING = 2  # cameras
WARM_SHARE, WARM_S = 0.1, 60.0  # of a loop, not fitted: the shorter
HALF_HOUR_S = 1800.0
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
        time.sleep(SETTLE_S)
        node.check()
        seen = []
        for _ in range(SAMPLES):
            seen.append(footprint())
            time.sleep(SAMPLE_EVERY_S)
    return max(seen, key=lambda found: found.pss_mb)


def apart(number: int, size: media.Size) -> Footprint:
    """The same in processes of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", "--one", str(number), "--size", size.name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    engine, decoders, rss, processes, threads, descriptors = done.stdout.split()
    return Footprint(
        float(engine), float(decoders), float(rss), int(processes), int(threads), int(descriptors)
    )


def cameras(numbers: Sequence[int], size: media.Size) -> list[str]:
    found = {number: apart(number, size) for number in numbers}
    lines = [
        figure(
            f"{size.name} x {number}, memory (PSS)",
            [at.pss_mb],
            f"MB (engine {at.engine_mb:.0f}, decoders {at.decoders_mb:.0f})",
        )
        for number, at in found.items()
    ]
    if len(found) > 1:
        for name, values, wanted in (
            ("a further camera", [at.pss_mb for at in found.values()], A_CAMERA_MB),
            ("of it in the engine", [at.engine_mb for at in found.values()], None),
            ("of it in its decoder", [at.decoders_mb for at in found.values()], None),
        ):
            slope = float(np.polyfit(list(numbers), values, 1)[0])
            lines.append(figure(f"{size.name} memory, {name}", [slope], "MB", wanted))
    return lines


def loop(minutes: float, size: media.Size) -> list[str]:
    """A film over and over."""
    detectors = Detectors(decide().choice)
    times: list[float] = []
    seen: list[Footprint] = []
    with rig.staggered():
        running = rig.node(rig.fleet(LOOPING, size), detectors)
    with running as node:
        rig.until_all_analysed(node)
        began = time.monotonic()
        warm_s = min(WARM_S, WARM_SHARE * 60 * minutes)
        every_s = max(1.0, min(10.0, minutes * 60 / 100))
        while (passed := time.monotonic() - began) < 60 * minutes:
            time.sleep(every_s)
            node.check()
            if passed >= warm_s:
                times.append(passed)
                seen.append(footprint())
    name = f"{size.name} x {LOOPING} for {minutes:g} minutes"
    pss = growth(times, [at.pss_mb for at in seen])
    rss = growth(times, [at.rss_mb for at in seen])
    threads, open_ = _change([at.threads for at in seen]), _change([at.descriptors for at in seen])
    wanted = GROWTH_MB if minutes >= TELLS_MINUTES else None
    return [
        figure(f"{name}, memory (PSS)", [at.pss_mb for at in seen], "MB"),
        figure(f"{name}, PSS growth", [pss.mb], _unit(pss), wanted),
        figure(f"{name}, RSS growth", [rss.mb], _unit(rss)),
        figure(f"{name}, threads, change", [threads], "threads", SAME),
        figure(f"{name}, descriptors, change", [open_], "descriptors", SAME),
    ]


def growth(times: Sequence[float], values: Sequence[float]) -> Growth:
    """Least squares. times: seconds, values: MiB."""
    at, value = np.asarray(times), np.asarray(values)
    slope, base = np.polyfit(at, value, 1)
    rest = value - (slope * at + base)
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
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    size = media.SIZES[asked.size]
    if asked.one is not None:
        at = one(asked.one, size)
        print(at.engine_mb, at.decoders_mb, at.rss_mb, at.processes, at.threads, at.descriptors)
        return
    print("\n".join(description()), flush=True)
    numbers = [int(number) for number in asked.cameras.split(",") if number]
    print("\n".join(cameras(numbers, size)), flush=True)
    if asked.minutes > 0:
        print("\n".join(loop(asked.minutes, size)))


if __name__ == "__main__":
    main()
