"""Clear seconds lie in memory that no disk gets."""

from __future__ import annotations

import math
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from veilleur.evidence import memory
from veilleur.evidence.memory import Locked, lockable

CONTENT = bytes(range(256)) * 100


def flags_of(content: bytes) -> set[str]:
    """Of the memory in which these bytes lie, as the kernel tells them (proc(5), VmFlags)."""
    found = set[str]()
    begins = size = 0
    with Path("/proc/self/mem").open("rb", 0) as everything:
        for line in Path("/proc/self/smaps").read_text().splitlines():
            words = line.split()
            if "-" in words[0] and len(words) > 4 and words[1].startswith("rw"):
                first, last = (int(end, 16) for end in words[0].split("-"))
                begins, size = first, last - first
            elif line.startswith("VmFlags:") and len(content) <= size < len(content) + 8192:
                everything.seek(begins)
                if everything.read(len(content)) == content:
                    found |= set(words[1:])
    return found


def test_what_is_kept_is_as_it_was() -> None:
    assert Locked(CONTENT).content == CONTENT
    assert Locked(b"").content == b""


def test_it_is_in_no_core_dump_and_stays_out_of_swap_where_that_is_permitted() -> None:
    kept = Locked(CONTENT)
    flags = flags_of(CONTENT)
    assert "dd" in flags, "not dumped"
    assert ("lo" in flags) == kept.locked
    assert kept.locked or lockable() < 1 << 20


def test_where_it_may_not_be_locked_it_is_kept_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusing:
        @staticmethod
        def mlock(_: int, __: int) -> int:
            return -1

    monkeypatch.setattr(memory, "_libc", Refusing)
    kept = Locked(CONTENT)
    assert not kept.locked
    assert kept.content == CONTENT


def test_how_much_may_be_locked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 16, 1 << 23))
    status = tmp_path / "status"
    status.write_text("Name:\tveilleur\nCapEff:\t0000000000000000\n")
    assert lockable(status) == 1 << 23
    status.write_text("CapEff:\t0000000000004000\n")
    assert lockable(status) == math.inf
    assert lockable(tmp_path / "none") == 1 << 23


def test_a_process_that_breaks_down_leaves_no_core() -> None:
    script = (
        "import os, signal, resource\n"
        "from veilleur.evidence.memory import no_core_dumps\n"
        "no_core_dumps()\n"
        "print(max(resource.getrlimit(resource.RLIMIT_CORE)), flush=True)\n"
        "signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # who is started aside ignores it\n"
        "os.kill(os.getpid(), signal.SIGQUIT)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert int(done.stdout) <= 1
    assert done.returncode < 0
