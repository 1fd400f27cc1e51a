"""A decoder without rights: what a hostile stream can reach once it has taken the decoder over.

No root is needed. Limits on memory and files, no new privileges, no capabilities, Landlock (no
file but the one that is played, TCP to the camera's port only, no signals to others) and a system
call filter: no new process, no program, no tracing, no opening for writing, and once the stream is
open (`seal`) no new connection either. What the kernel lacks is said by `abilities`, with a reason.

Numbers are those of the kernel's headers (asm/unistd_64.h, asm-generic/unistd.h, linux/seccomp.h,
linux/landlock.h) for x86_64 and aarch64; other machines are named as unsupported.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass

MEMORY_BYTES = 3 << 29  # address space, libraries included
_OPEN_FILES = 64

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_DUMPABLE = 4
_CAPABILITY_VERSION_3 = 0x20080522

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15}  # by ABI; from 5 on 16
_FS_READ_FILE = 1 << 2
_NET_BIND, _NET_CONNECT = 1, 2
_SCOPES = 0b11  # abstract sockets and signals of others
_RULE_PATH, _RULE_PORT = 1, 2

_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _SET, _ABOVE, _AND, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x54, 0x06
_SECCOMP_FILTER, _SECCOMP_AVAILABLE, _ALL_THREADS = 1, 2, 1
_CLONE_THREAD = 0x10000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_STREAM = 1
_X32 = 0x40000000


@dataclass(frozen=True, slots=True)
class Machine:
    """System call numbers of one architecture. -1: the call doesn't exist there."""

    audit: int
    seccomp: int
    capset: int
    clone: int
    clone3: int
    open: int
    openat: int
    openat2: int
    socket: int
    forbidden: tuple[int, ...]
    network: tuple[int, ...]


# fork vfork execve execveat ptrace process_vm_readv process_vm_writev kill tkill rt_sigqueueinfo
# rt_tgsigqueueinfo pidfd_send_signal pidfd_open pidfd_getfd io_uring x3 bpf perf_event_open
# add_key request_key keyctl unshare setns mount umount2 pivot_root chroot init_module
# finit_module delete_module kexec_load kexec_file_load userfaultfd setrlimit prlimit64
# open_by_handle_at and everything that changes a name, a mode or an owner in a file system
_X86_64 = Machine(
    audit=0xC000003E,
    seccomp=317,
    capset=126,
    clone=56,
    clone3=435,
    open=2,
    openat=257,
    openat2=437,
    socket=41,
    forbidden=(
        *(57, 58, 59, 322, 101, 310, 311, 62, 200, 129, 297, 424, 434, 438, 425, 426, 427),
        *(321, 298, 248, 249, 250, 272, 308, 165, 166, 155, 161, 175, 313, 176, 246, 320, 323),
        *(160, 302, 304, 85, 87, 263, 82, 264, 316, 83, 258, 84, 86, 265, 88, 266, 90, 91, 268),
        *(92, 93, 94, 260, 76, 133, 259, 428, 429, 430, 442, 105, 106, 169, 452),
    ),
    network=(42, 49, 50, 43, 288),
)
_AARCH64 = Machine(
    audit=0xC00000B7,
    seccomp=277,
    capset=91,
    clone=220,
    clone3=435,
    open=-1,
    openat=56,
    openat2=437,
    socket=198,
    forbidden=(
        *(221, 281, 117, 270, 271, 129, 130, 138, 240, 424, 434, 438, 425, 426, 427),
        *(280, 241, 217, 218, 219, 97, 268, 40, 39, 41, 51, 105, 273, 106, 104, 294, 282),
        *(164, 261, 265, 35, 38, 276, 34, 37, 36, 52, 53, 55, 54, 45, 33, 428, 429, 430, 442),
        *(146, 144, 142, 452),
    ),
    network=(203, 200, 201, 202, 242),
)
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}


@dataclass(frozen=True, slots=True)
class Ability:
    """One layer of the sandbox: does it work here, and if not, why."""

    name: str
    works: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cage:
    """What this decoder still needs. reads: files; port: the camera's TCP port, 0 for none."""

    reads: tuple[str, ...] = ()
    port: int = 0
    memory_bytes: int = MEMORY_BYTES


def abilities() -> tuple[Ability, ...]:
    """Each layer, whether this kernel and machine have it, and the reason where they don't."""
    if sys.platform != "linux":
        why = f"needs Linux, this is {sys.platform}"
        return tuple(
            Ability(n, False, why)
            for n in ("limits", "privileges", "landlock", "landlock network", "system calls")
        )
    return (
        Ability("limits", True),
        Ability("privileges", True),
        _landlock_ability("landlock", 1, "5.13"),
        _landlock_ability("landlock network", 4, "6.7"),
        _seccomp_ability(),
    )


def enclose(cage: Cage) -> tuple[Ability, ...]:
    """First stage, before the stream is opened: `abilities` of what now holds. One thread only."""
    have = abilities()
    works = {ability.name for ability in have if ability.works}
    if "limits" in works:
        _limit(cage)
    if "privileges" in works:
        _renounce()
    if "landlock" in works:
        _landlock(cage)
    if "system calls" in works:
        machine = _MACHINES[platform.machine()]
        _filter(_first_stage(machine))
        if not cage.port:
            seal()
    return have


def seal() -> None:
    """Second stage, when the stream is open: no new connection, for every thread."""
    if _seccomp_ability().works:
        machine = _MACHINES[platform.machine()]
        _filter(_program(machine, (*machine.network, machine.socket), ()))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    """A system call. OSError where the kernel says no."""
    result = int(_libc().syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _limit(cage: Cage) -> None:
    for what, most in (
        (resource.RLIMIT_AS, cage.memory_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (lower, lower))


def _renounce() -> None:
    """No new privileges, no capabilities, not to be traced by others of the same user."""
    libc = _libc()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    machine = _MACHINES.get(platform.machine())
    if machine:
        header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
        _call(machine.capset, header, bytes(24))


def _landlock_version() -> int:
    try:
        return _call(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    except OSError:
        return 0


def _landlock_ability(name: str, needed: int, kernel: str) -> Ability:
    version = _landlock_version()
    if version >= needed:
        return Ability(name, True)
    found = f"version {version}" if version else "none"
    return Ability(name, False, f"this kernel has Landlock {found}: Linux {kernel} or newer")


def _seccomp_ability() -> Ability:
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return Ability("system calls", False, f"not written for {platform.machine()}")
    action = struct.pack("=I", _ERRNO)
    try:
        _call(machine.seccomp, ctypes.c_uint(_SECCOMP_AVAILABLE), ctypes.c_uint(0), action)
    except OSError as error:
        return Ability("system calls", False, f"this kernel has no filter: {error.strerror}")
    return Ability("system calls", True)


def _landlock(cage: Cage) -> None:
    version = _landlock_version()
    files = (1 << _FS_BITS.get(version, 16)) - 1
    sizes = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}
    attributes = struct.pack("=QQQ", files, _NET_BIND | _NET_CONNECT, _SCOPES)
    size = sizes.get(version, 24)
    rules = _call(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint(0))
    try:
        for path in cage.reads:
            _allow_reading(rules, path)
        if cage.port and version >= 4:
            rule = struct.pack("=QQ", _NET_CONNECT, cage.port)
            _call(
                _LANDLOCK_ADD, ctypes.c_int(rules), ctypes.c_int(_RULE_PORT), rule, ctypes.c_uint(0)
            )
        _call(_LANDLOCK_RESTRICT, ctypes.c_int(rules), ctypes.c_uint(0))
    finally:
        os.close(rules)


def _allow_reading(rules: int, path: str) -> None:
    file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", _FS_READ_FILE, file)
        _call(_LANDLOCK_ADD, ctypes.c_int(rules), ctypes.c_int(_RULE_PATH), rule, ctypes.c_uint(0))
    finally:
        os.close(file)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A call whose argument decides. It is refused where `test` (argument, value) holds."""

    call: int
    argument: int
    steps: tuple[tuple[int, int, bool], ...]  # instruction, value, refused when it holds?


def _first_stage(machine: Machine) -> list[bytes]:
    rules = [
        _Rule(machine.clone, 0, ((_SET, _CLONE_THREAD, False),)),
        _Rule(machine.openat, 2, ((_SET, _WRITING, True),)),
        _Rule(machine.socket, 1, ((_AND, 0xF, False), (_EQUAL, _STREAM, False))),
    ]
    if machine.open >= 0:
        rules.append(_Rule(machine.open, 1, ((_SET, _WRITING, True),)))
    return _program(machine, machine.forbidden, rules, (machine.clone3, machine.openat2))


def _program(
    machine: Machine,
    forbidden: Sequence[int],
    rules: Sequence[_Rule],
    unknown: Sequence[int] = (),
) -> list[bytes]:
    """Classic BPF: calls `forbidden` end in EPERM, `unknown` in ENOSYS (callers fall back)."""
    refuse = _instruction(_RETURN, _ERRNO | errno.EPERM)
    code = [
        _instruction(_LOAD, 4),
        _instruction(_EQUAL, machine.audit, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, 0),
        _instruction(_ABOVE, _X32, 0, 1),
        refuse,
    ]
    for call in forbidden:
        code += [_instruction(_EQUAL, call, 0, 1), refuse]
    for call in unknown:
        code += [
            _instruction(_EQUAL, call, 0, 1),
            _instruction(_RETURN, _ERRNO | errno.ENOSYS),
        ]
    for rule in rules:
        body = _judged(rule)
        code += [_instruction(_EQUAL, rule.call, 0, len(body)), *body]
    return [*code, _instruction(_RETURN, _ALLOW)]


def _judged(rule: _Rule) -> list[bytes]:
    """Look at the argument's lower half (little-endian) and answer."""
    body = [_instruction(_LOAD, 16 + 8 * rule.argument)]
    for step, value, refused in rule.steps:
        if step == _AND:
            body.append(_instruction(_AND, value))
            continue
        body.append(_instruction(step, value, 0, 1) if refused else _instruction(step, value, 1, 0))
        body.append(_instruction(_RETURN, _ERRNO | errno.EPERM))
    return [*body, _instruction(_RETURN, _ALLOW)]


def _instruction(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _filter(program: list[bytes]) -> None:
    machine = _MACHINES[platform.machine()]
    code = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    _call(machine.seccomp, ctypes.c_uint(_SECCOMP_FILTER), ctypes.c_uint(_ALL_THREADS), header)
