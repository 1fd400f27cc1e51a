"""What a benchmark asks of the machine, and how it says what it found.

Processor time is read from each process' own clock, in nanoseconds, over the whole tree of
processes. Memory: `footprint.py`.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from veilleur import __version__
from veilleur.perception.backends import cores
from veilleur.perception.choice import installed

FLAGS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
LIBRARIES = ("av", "openvino", "onnxruntime", "numpy", "opencv-python-headless")


@dataclass(frozen=True, slots=True)
class Process:
    """One process of ours. cpu_s: since it began."""

    pid: int
    cpu_s: float


def family() -> list[Process]:
    """This process first, then all its descendants, as they are now."""
    found, waiting = [], [os.getpid()]
    while waiting:
        pid = waiting.pop(0)
        try:
            found.append(Process(pid, time_of(pid)))
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue  # it ended meanwhile
    return found


def time_of(pid: int) -> float:
    """Processor seconds of a process, all its threads, also those that ended. OSError: gone.

    The kernel's number of another process' clock is made of the process' own (clock_getcpuclockid).
    """
    return time.clock_gettime((~pid << 3) | 2)


class Meter:
    """Processor seconds from here on. A process that ends before `used` is not counted: so read it
    while everybody lives."""

    def __init__(self) -> None:
        self._before = {process.pid: process.cpu_s for process in family()}

    def used(self) -> Used:
        now = family()
        spent = [process.cpu_s - self._before.get(process.pid, 0.0) for process in now]
        return Used(engine_s=spent[0], decoders_s=sum(spent[1:]))


@dataclass(frozen=True, slots=True)
class Used:
    """Processor seconds of the engine's process, and of the decoding processes together."""

    engine_s: float
    decoders_s: float

    @property
    def all_s(self) -> float:
        return self.engine_s + self.decoders_s


def use_cores(number: int) -> None:
    """Only so many cores, for this process and all it starts: call before anything is loaded."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(allowed[:number]))


# How it is said -------------------------------------------------------------------------------


def figure(name: str, values: Sequence[float], unit: str, wanted: Wanted | None = None) -> str:
    """`name: median unit (low-high, n rounds, cores)`, and whether it is what is wanted."""
    middle, low, high = statistics.median(values), min(values), max(values)
    rounds = f"{len(values)} round{'s' if len(values) != 1 else ''}"
    said = f"{name}: {middle:.3f} {unit} ({low:.3f}-{high:.3f}, {rounds}, {cores()} cores)"
    return said if wanted is None else f"{said}; {wanted.of(middle)}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bound: at most, or at least."""

    most: float | None = None
    least: float | None = None

    def holds(self, value: float) -> bool:
        above = self.least is not None and value < self.least
        return not above and not (self.most is not None and value > self.most)

    def of(self, value: float) -> str:
        bound = f"at least {self.least:g}" if self.most is None else f"at most {self.most:g}"
        return f"wanted {bound}: {'yes' if self.holds(value) else 'NO'}"


def description() -> list[str]:
    """What the figures depend on."""
    said = _fields_of_processor()
    present = [flag for flag in FLAGS if flag in said.get("flags", "").split()]
    versions = ", ".join(f"{name} {installed(name)}" for name in LIBRARIES)
    return [
        f"processor: {said.get('model name', platform.machine())}, {cores()} cores in use",
        f"instructions: {', '.join(present) or 'none of ' + ', '.join(FLAGS)}",
        f"system: {platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"versions: veilleur {__version__}, {versions}, FFmpeg {av.ffmpeg_version_info}",
    ]


def _fields_of_processor() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}
