"""Does a time server keep this machine's clock? The kernel knows.

Whoever sets the clock by hand takes the kernel's word away with it, until a time server has
disciplined it anew; so what the kernel vouches for has been checked since the last step.
Source: adjtimex(2), Linux; `do_settimeofday64` clears the NTP state.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

UNSYNCHRONISED, NANOSECONDS = 0x0040, 0x2000
MOST_WRONG_S = 1.0
"""By the kernel's own estimate, and between its clock and the one that is asked about."""


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("part", ctypes.c_long))


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", _Time),
        ("rest", ctypes.c_byte * 256),
    )


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the kernel says of its clock. wrong_s: by how much it may be wrong, seconds."""

    now: datetime
    synchronised: bool
    wrong_s: float

    def vouches_for(self, at: datetime) -> bool:
        """Is this the time, as a time server has it? A clock that somebody makes up for one process
        is another one than the kernel's."""
        apart_s = abs((at - self.now).total_seconds())
        return self.synchronised and self.wrong_s + apart_s <= MOST_WRONG_S


def kernel() -> Kernel | None:
    """None: it does not tell (no Linux, or it is not allowed here)."""
    call = _adjtimex()
    told = _Timex()
    if call is None or call(ctypes.byref(told)) < 0:
        return None
    part_us = told.time.part / (1000 if told.status & NANOSECONDS else 1)
    now = datetime.fromtimestamp(told.time.seconds, UTC) + timedelta(microseconds=part_us)
    return Kernel(now, not told.status & UNSYNCHRONISED, told.maxerror / 1e6)


def checked(at: datetime) -> bool:
    """Does a time server vouch for this instant, which was now?"""
    said = kernel()
    return said is not None and said.vouches_for(at)


@cache
def _adjtimex() -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), "adjtimex", None)
