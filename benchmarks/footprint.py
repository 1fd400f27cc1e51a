"""What the processes of a node hold in memory, each kind apart.

Anonymous memory is what a process made itself; shared is the pictures that a decoder hands to the
engine: together they are a process' own. Of files are libraries and weights, which the system drops
and reads again as it likes, and whose shares change with whoever else uses them. All three are
proportional (PSS): what is shared counts once, in shares.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ENGINE, NURSERY, DECODER = "engine", "nursery", "decoder"


@dataclass(frozen=True, slots=True)
class Part:
    """One process. Memory in MiB: anonymous_mb, shared_mb and file_mb add up to its PSS.
    private_mb: anonymous or shared pages that only this process holds."""

    name: str
    pid: int
    anonymous_mb: float
    shared_mb: float
    file_mb: float
    private_mb: float
    rss_mb: float
    threads: int
    descriptors: int

    @property
    def own_mb(self) -> float:
        return self.anonymous_mb + self.shared_mb


@dataclass(frozen=True, slots=True)
class Footprint:
    """The engine, the nursery, then the decoders, oldest first."""

    parts: tuple[Part, ...]

    def of(self, name: str) -> Part:
        """KeyError: there is no such process now."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    @property
    def own_mb(self) -> float:
        return sum(part.own_mb for part in self.parts)

    @property
    def pss_mb(self) -> float:
        return self.own_mb + sum(part.file_mb for part in self.parts)


def footprint() -> Footprint:
    """As it is now. PermissionError: decoders let nobody but root look into their memory."""
    engine = os.getpid()
    parts = [_part(ENGINE, engine)]
    for nursery in _children(engine):
        parts.append(_part(NURSERY, nursery))
        decoders = enumerate(sorted(_children(nursery)), start=1)
        parts += [_part(f"{DECODER} {number}", pid) for number, pid in decoders]
    return Footprint(tuple(parts))


def same_processes(seen: Sequence[Footprint]) -> bool:
    """Whether none was started again meanwhile: a line through two processes says nothing."""
    return len({tuple(part.pid for part in at.parts) for at in seen}) == 1


def _part(name: str, pid: int) -> Part:
    folder = Path(f"/proc/{pid}")
    mb = _fields(folder / "smaps_rollup")
    return Part(
        name=name,
        pid=pid,
        anonymous_mb=mb["Pss_Anon"],
        shared_mb=mb["Pss_Shmem"],
        file_mb=mb["Pss_File"],
        private_mb=mb["Private_Dirty"],
        rss_mb=mb["Rss"],
        threads=sum(1 for _ in (folder / "task").iterdir()),
        descriptors=sum(1 for _ in (folder / "fd").iterdir()),
    )


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _fields(path: Path) -> dict[str, float]:
    """`Name:   123 kB` lines, as MiB."""
    pairs = (line.split() for line in path.read_text(encoding="ascii").splitlines()[1:])
    return {words[0].rstrip(":"): int(words[1]) / 1024 for words in pairs}
