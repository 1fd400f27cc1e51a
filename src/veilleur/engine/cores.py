"""How busy the cores are on which this process may run, with anybody's work."""

from __future__ import annotations

import os
from pathlib import Path

_STAT = Path("/proc/stat")
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_IDLE = slice(3, 5)  # idle, waiting for a disk
_WHOLE = slice(0, 8)  # guests are in the user's time already


def busy_s(stat: Path = _STAT, own: frozenset[int] | None = None) -> float:
    """Seconds of work since the machine was started, mean of the cores. Only ever grows.

    own: numbers of the cores, None: those of this process.
    """
    mine = os.sched_getaffinity(0) if own is None else own
    names = {f"cpu{number}" for number in mine}
    ticks = 0
    for line in stat.read_text().splitlines():
        name, *counted = line.split()
        if name in names:
            numbers = [int(number) for number in counted]
            ticks += sum(numbers[_WHOLE]) - sum(numbers[_IDLE])
    return ticks * _TICK_S / len(mine)
