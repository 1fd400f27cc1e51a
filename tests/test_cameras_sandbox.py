"""From inside the sandbox: what a hostile stream could try, once it runs the decoder."""

from __future__ import annotations

import json
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from veilleur.cameras import sandbox

HERE_ALL_WORKS = all(ability.works for ability in sandbox.abilities())
needs_all = pytest.mark.skipif(not HERE_ALL_WORKS, reason="this kernel lacks a layer")

PROBE = """
import ctypes, encodings.idna, errno, json, mmap, os, socket, sys, threading
from veilleur.cameras import sandbox

clip, key, folder, port, other, stage = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
open_before = socket.socket()
told = {}

def libc_call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def attempt(name, act):
    try:
        act()
    except OSError as error:
        told[name] = errno.errorcode[error.errno]
    except MemoryError:
        told[name] = "MemoryError"
    else:
        told[name] = "done"

def connect(to):
    with socket.socket() as one:
        one.settimeout(2)
        one.connect(("127.0.0.1", int(to)))

sandbox.enclose(sandbox.Cage(reads=(clip,), port=int(port)))
if stage == "sealed":
    sandbox.seal()
attempt("read the clip", lambda: open(clip, "rb").read())
attempt("read a key", lambda: open(key, "rb").read())
attempt("open a database", lambda: open(folder + "/events.db", "r+b"))
attempt("make a file", lambda: open(folder + "/new", "wb"))
attempt("write the clip", lambda: open(clip, "r+b"))
attempt("remove", lambda: os.unlink(key))
attempt("rename", lambda: os.rename(key, key + "2"))
attempt("list", lambda: os.listdir(folder))
attempt("fork", os.fork)
attempt("exec", lambda: os.execv(sys.executable, [sys.executable, "-c", "1"]))
attempt("ptrace", lambda: libc_call("ptrace", 16, os.getppid(), 0, 0))
attempt("kill", lambda: os.kill(os.getppid(), 0))
attempt("peek", lambda: open("/proc/%d/mem" % os.getppid(), "rb"))
attempt("unshare", lambda: libc_call("unshare", 0x10000000))
attempt("limits", lambda: libc_call("setrlimit", 9, bytes(16)))
attempt("memory", lambda: bytearray(sandbox.MEMORY_BYTES))
attempt("datagrams", lambda: socket.socket(type=socket.SOCK_DGRAM).close())
attempt("camera", lambda: connect(port))
attempt("elsewhere", lambda: connect(other))
attempt("listen", lambda: open_before.bind(("127.0.0.1", 0)))
attempt("thread", lambda: [t.start() or t.join() for t in [threading.Thread()]])
print(json.dumps(told))
"""


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """The camera's and another, both listening."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        yield one.getsockname()[1], two.getsockname()[1]


def told(folder: Path, port: int, other: int, stage: str) -> dict[str, str]:
    for name in ("clip.mp4", "signing.key", "events.db"):
        (folder / name).write_bytes(b"x")
    arguments = [str(folder / "clip.mp4"), str(folder / "signing.key"), str(folder)]
    answer = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments, str(port), str(other), stage],
        capture_output=True,
        check=True,
    )
    answers: dict[str, str] = json.loads(answer.stdout)
    return answers


DENIED = ("EPERM", "EACCES")
ALWAYS_DENIED = [
    "read a key",
    "open a database",
    "make a file",
    "write the clip",
    "remove",
    "rename",
    "list",
    "fork",
    "exec",
    "ptrace",
    "kill",
    "peek",
    "unshare",
    "limits",
    "datagrams",
    "elsewhere",
    "listen",
]


@needs_all
def test_a_decoder_of_a_camera_reaches_nothing_but_its_camera(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    before = told(tmp_path, *ports, "open")
    assert {name: before[name] for name in ALWAYS_DENIED if before[name] not in DENIED} == {}
    assert before["read the clip"] == before["camera"] == before["thread"] == "done"
    assert before["memory"] == "MemoryError"


@needs_all
def test_once_the_stream_is_open_not_even_the_camera_is_reached_again(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    after = told(tmp_path, *ports, "sealed")
    assert {name: after[name] for name in ALWAYS_DENIED if after[name] not in DENIED} == {}
    assert after["camera"] in DENIED
    assert after["thread"] == "done"


@needs_all
def test_a_file_needs_no_network_at_all(tmp_path: Path, ports: tuple[int, int]) -> None:
    answers = told(tmp_path, 0, ports[1], "open")
    assert answers["elsewhere"] in DENIED
    assert answers["read the clip"] == "done"


def test_what_this_machine_lacks_is_said_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(sandbox, "_landlock_version", lambda: 3)
    lacking = {a.name: a.reason for a in sandbox.abilities() if not a.works}
    assert set(lacking) == {"landlock network", "system calls"}
    assert "riscv64" in lacking["system calls"]
    assert "6.7" in lacking["landlock network"]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert all(not a.works and "Linux" in a.reason for a in sandbox.abilities())


def test_every_forbidden_call_is_named_once() -> None:
    for machine in (sandbox._X86_64, sandbox._AARCH64):
        assert len(set(machine.forbidden)) == len(machine.forbidden)
        assert not set(machine.forbidden) & {machine.clone, machine.openat, machine.socket}
