"""What can go wrong with a camera, on command.

A fault is a value; what it does to payloads is a pure function here, what it does to the
connection stands in `rtsp`, and what it does to the picture in `media`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from veilleur.errors import ConfigurationError


class Kind(StrEnum):
    """The faults, by the words of the command line."""

    STALL = "stall"  # the connection stays open, nothing more is sent
    CUT = "cut"  # the connection is closed
    RESET = "reset"  # the connection is reset
    REFUSE = "refuse"  # switched off: viewers cut, new connections refused
    SILENT = "silent"  # accepts connections and never says a word
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - 401, whatever the password
    NOT_FOUND = "not-found"  # 404
    END = "end"  # RTCP BYE, then nothing
    GARBAGE = "garbage"  # bits flipped; amount: share of the packets
    TRUNCATE = "truncate"  # packets cut short; amount: share of the packets
    LOSS = "loss"  # packets missing; amount: share of the packets
    DUPLICATE = "duplicate"  # packets sent twice; amount: share of the packets
    SLOW = "slow"  # a slow network; amount: kilobytes a second
    CLOCK_STEP = "clock-step"  # the camera's clock jumps; amount: seconds, also negative
    NO_PARAMETERS = "no-parameters"  # neither SPS nor PPS, in SDP or stream
    NO_KEY = "no-key"  # key frames are withheld
    RESOLUTION = "resolution"  # half the width and height
    FREEZE = "freeze"  # one picture, repeated
    DARK = "dark"  # almost no light


USUAL_AMOUNT = {
    Kind.GARBAGE: 0.3,
    Kind.TRUNCATE: 0.3,
    Kind.LOSS: 0.05,
    Kind.DUPLICATE: 0.2,
    Kind.SLOW: 10.0,
    Kind.CLOCK_STEP: 3600.0,
}
"""For the kinds that have an amount; the others take none."""

_SHARES = (Kind.GARBAGE, Kind.TRUNCATE, Kind.LOSS, Kind.DUPLICATE)
PAINTED = frozenset({Kind.RESOLUTION, Kind.FREEZE, Kind.DARK})
"""They change the picture, for which the file is coded again."""

MOMENTARY = frozenset({Kind.CUT, Kind.RESET})
"""They happen once; a duration has no meaning."""

_TEXT = re.compile(
    r"(?:(?P<camera>\d+)/)?(?P<kind>[a-z-]+)(?:=(?P<amount>-?\d+(?:\.\d+)?))?"
    r"@(?P<at>\d+(?:\.\d+)?)(?::(?P<duration>\d+(?:\.\d+)?))?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One trouble. duration_s: None means until it is cleared. amount: None means the usual one."""

    kind: Kind
    duration_s: float | None = None
    amount: float | None = None

    def __post_init__(self) -> None:
        if self.duration_s is not None and self.kind in MOMENTARY:
            raise _wrong(f"{self.kind} happens once and has no duration", "leave it out")
        if self.amount is not None and self.kind not in USUAL_AMOUNT:
            raise _wrong(f"{self.kind} has no amount", "leave it out")
        if self.kind in _SHARES and not 0.0 < self.size <= 1.0:
            raise _wrong(
                f"{self.kind}={self.size:g} is no share of the packets", "say 0.1 for 10 %"
            )
        if self.kind is Kind.SLOW and self.size <= 0.0:
            raise _wrong(
                f"{self.kind}={self.size:g} is no speed", "say kilobytes a second, or stall"
            )

    @property
    def size(self) -> float:
        """The amount, or the usual one."""
        return self.amount if self.amount is not None else USUAL_AMOUNT.get(self.kind, 0.0)


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault `at_s` seconds after the start. camera: counted from 0; None: all of them."""

    fault: Fault
    at_s: float
    camera: int | None = None


def parse(text: str) -> Planned:
    """`[CAMERA/]KIND[=AMOUNT]@T[:DURATION]`, cameras counted from 1, times in seconds.

    >>> parse("2/slow=20@5:10")
    Planned(fault=Fault(kind=<Kind.SLOW: 'slow'>, duration_s=10.0, amount=20.0), at_s=5.0, camera=1)
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise _wrong(f"{text!r} is no fault", "write KIND@SECONDS, for instance stall@10:5")
    if found["kind"] not in list(Kind):
        raise _wrong(f"unknown fault {found['kind']!r}", "one of " + ", ".join(Kind))
    if found["camera"] == "0":
        raise _wrong(f"no camera 0 in {text!r}", "cameras count from 1")
    return Planned(
        fault=Fault(
            kind=Kind(found["kind"]),
            duration_s=float(found["duration"]) if found["duration"] else None,
            amount=float(found["amount"]) if found["amount"] else None,
        ),
        at_s=float(found["at"]),
        camera=int(found["camera"]) - 1 if found["camera"] else None,
    )


def spoil(
    payloads: Sequence[bytes], faults: Sequence[Fault], dice: random.Random
) -> Iterator[tuple[int, bytes]]:
    """What of these payloads is sent: (place, payload). A place may be missing or come twice."""
    chance = {kind: next((f.size for f in faults if f.kind is kind), 0.0) for kind in _SHARES}
    for place, whole in enumerate(payloads):
        payload = whole
        if dice.random() < chance[Kind.LOSS]:
            continue
        if dice.random() < chance[Kind.TRUNCATE]:
            payload = payload[: max(1, len(payload) // 2)]
        if dice.random() < chance[Kind.GARBAGE]:
            payload = _flipped(payload, dice)
        yield place, payload
        if dice.random() < chance[Kind.DUPLICATE]:
            yield place, payload


def _flipped(payload: bytes, dice: random.Random) -> bytes:
    """One bit in about a hundred bytes is wrong, and at least one; the first two stay."""
    spoilt = bytearray(payload)
    for _ in range(len(payload) // 100 + 1):
        if len(payload) > 2:
            spoilt[dice.randrange(2, len(payload))] ^= 1 << dice.randrange(8)
    return bytes(spoilt)


def _wrong(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, setting="fault")
