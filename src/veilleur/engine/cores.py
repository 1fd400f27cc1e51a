"""How busy the cores are on which this process may run, with anybody's work."""

from __future__ import annotations

import os
from pathlib import Path

from veilleur.perception.backends import CGROUP, quota_cores

_STAT = Path("/proc/stat")
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_IDLE = slice(3, 5)  # idle, waiting for a disk
_WHOLE = slice(0, 8)  # guests are in the user's time already


def busy_s(stat: Path = _STAT, own: frozenset[int] | None = None, folder: Path = CGROUP) -> float:
    """Seconds of work since the machine was started, mean of the cores. Only ever grows.

    A container that may take less than its cores is busy when it has taken that, however idle the
    cores are: then these are the seconds of its own work, to its quota. own: numbers of the cores,
    None: those of this process. folder: of the container's limits.
    """
    mine = os.sched_getaffinity(0) if own is None else own
    quota, used_s = quota_cores(folder), _used_s(folder)
    if quota is not None and used_s is not None and quota < len(mine):
        return used_s / quota
    names = {f"cpu{number}" for number in mine}
    ticks = 0
    for line in stat.read_text().splitlines():
        name, *counted = line.split()
        if name in names:
            numbers = [int(number) for number in counted]
            ticks += sum(numbers[_WHOLE]) - sum(numbers[_IDLE])
    return ticks * _TICK_S / len(mine)


def _used_s(folder: Path) -> float | None:
    """Processor seconds that the container has taken so far; None where it isn't said."""
    try:
        text = (folder / "cpu.stat").read_text(encoding="ascii")
        counts = dict(line.split(maxsplit=1) for line in text.splitlines())
        return int(counts["usage_usec"]) / 1e6
    except (OSError, ValueError, KeyError):
        return None
