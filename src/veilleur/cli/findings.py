"""What the doctor says, and what it finds about the machine itself: database library, clock, swap.

Source: sqlite.org (3.51.3 release notes); adjtimex(2); proc(5), swaps.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from veilleur.desk import timekeeping
from veilleur.desk.timekeeping import Kernel
from veilleur.evidence.kept import MOST_BYTES
from veilleur.evidence.memory import lockable
from veilleur.store import sqlite

SWAPS, BLOCKS = Path("/proc/swaps"), Path("/sys/class/block")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth saying. act: there is something to do, and `remedy` says what."""

    topic: str
    text: str
    remedy: str = ""
    act: bool = True


def machine_findings() -> Iterator[Finding]:
    yield from sqlite_findings(sqlite3.sqlite_version_info)
    yield from clock_findings(timekeeping.kernel(), datetime.now(UTC))
    yield from swap_findings(SWAPS, BLOCKS, lockable())


def sqlite_findings(version: tuple[int, int, int]) -> Iterator[Finding]:
    """What speaks against this SQLite. The product itself does not do what harms it."""
    if trouble := sqlite.version_trouble(version):
        remedy = "copy the database with the service stopped, or install a newer SQLite"
        yield Finding("SQLite", trouble, remedy, act=False)


def clock_findings(kernel: Kernel | None, now: datetime) -> Iterator[Finding]:
    """An act ends on its true hour: somebody has to know it."""
    if kernel is not None and not kernel.vouches_for(now):
        yield Finding(
            "clock",
            "no time server keeps this machine's clock: once it is set, an authorisation has to "
            "cover the time with and without that step",
            "run a time service (chrony, systemd-timesyncd), or set the clock before the start",
            act=False,
        )


def swap_findings(swaps: Path, blocks: Path, may_lock: float) -> Iterator[Finding]:
    """Clear pictures and packets are kept in memory alone; swap is a disk. Not in memory that is
    compressed (zram), nor where what is written is encrypted. blocks: /sys/class/block. may_lock:
    bytes that may be kept out of it."""
    try:
        lines = swaps.read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return
    names = [line.split()[0] for line in lines if line.strip()]
    plain = [name for name in names if not _harmless(Path(name), blocks)]
    if plain:
        yield Finding(
            "memory",
            f"swap is on ({', '.join(plain)}): clear pictures, which are kept in memory alone, may "
            "be written to a disk",
            "swapoff -a and take it out of /etc/fstab, or encrypt it (crypttab, option swap), or "
            "keep the service out of it (systemd: MemorySwapMax=0)",
            act=False,
        )
    if plain and may_lock < MOST_BYTES:
        yield Finding(
            "memory",
            f"{may_lock / 2**20:.0f} MiB may be locked in memory, and the clear seconds around "
            f"alerts take up to {MOST_BYTES >> 20} MiB: the rest may be written to swap",
            "raise the limit of locked memory (systemd: LimitMEMLOCK=infinity; ulimit -l)",
            act=False,
        )


def _harmless(swap: Path, blocks: Path) -> bool:
    name = swap.resolve().name if swap.exists() else swap.name
    if name.startswith("zram"):
        return True
    try:
        return (blocks / name / "dm" / "uuid").read_text().startswith("CRYPT-")
    except OSError:
        return False
