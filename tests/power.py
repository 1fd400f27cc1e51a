"""F5: the power is cut while a process writes, again and again.

    python -m tests.power --cuts 2000 [--seed 0]     (as root: it mounts a file system of its own)

ext4 in a file; what was not flushed to it is gone. After each cut everything that was ever
acknowledged must be there, whole, once, the record intact and the file sound. Every LIFE cuts there
is a new file system, which a seed decides: one that fails is done again by it.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from random import Random

from tests.side_by_side import again
from tests.store_faults import Disk, Said, Victims, check, stopped
from tests.storing import sqlite_url

LIFE = 50


def cut(victims: Victims, disk: Disk, deeds: int) -> Said:
    """Power fails while a process writes, after so many deeds."""
    process = victims.start("endlessly", sqlite_url(disk.at))
    os.kill(process, signal.SIGCONT)
    said = Said()
    while len(said.acknowledged) < deeds:
        said.hear(victims.line())
    os.kill(process, signal.SIGSTOP)
    stopped(process)
    disk.cut_the_power()
    os.kill(process, signal.SIGKILL)
    victims.until_ended(said)
    disk.unmount()
    disk.mount()
    return said


def life(victims: Victims, folder: Path, seed: int) -> int:
    """A file system and LIFE cuts of it. Returns how many deeds were acknowledged. AssertionError
    where one was lost."""
    die, everything = Random(seed), Said()
    disk = Disk(folder / f"disk-{seed}", 64, image=folder / f"image-{seed}")
    try:
        for _ in range(LIFE):
            said = cut(victims, disk, die.randrange(1, 60))
            everything.acknowledged += said.acknowledged
            check(disk.at, everything)
        assert not everything.causes
    finally:
        disk.unmount()
    (folder / f"image-{seed}").unlink()
    return len(everything.acknowledged)


def lives(folder: Path, seeds: range, seconds: float = math.inf) -> str:
    """As many as fit into so many seconds. What was done, in words."""
    began, cuts, deeds = time.monotonic(), 0, 0
    with Victims() as victims:
        for seed in seeds:
            if time.monotonic() - began > seconds:
                break
            with again("tests.power", "--seed", seed):
                deeds += life(victims, folder, seed)
            cuts += LIFE
    took_s = time.monotonic() - began
    return f"{cuts} cuts, {deeds} deeds acknowledged, 0 lost, {took_s:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=LIFE)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=math.inf, help="as many as fit into these")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        seeds = range(asked.seed, asked.seed + asked.cuts // LIFE)
        print(lives(folder, seeds, asked.seconds))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
