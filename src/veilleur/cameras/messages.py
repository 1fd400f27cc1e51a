"""What a decoding process and its host say to each other: small, fixed, and checked.

The worker may have been taken over by the stream it decodes, so the host never unpickles, never
trusts a length and refuses what is out of range (`MessageError`: the worker is ended). Towards the
worker goes one JSON text at the start; it is the trusted direction.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import asdict, dataclass, field
from types import NoneType
from typing import Any

import numpy as np

from veilleur.cameras.frame import Activity, no_boxes
from veilleur.cameras.inspection import StreamDescription
from veilleur.cameras.masks import Polygon
from veilleur.cameras.source import Kind, Reach, Secret, Source

LARGEST = 32 << 10  # bytes of one message
MOST_BOXES = 256
_LARGEST_SIDE = 16384
_LARGEST_NUMBER = 1e12
_LONGEST_WORD, _LONGEST_TEXT = 24, 600
_FRAME = struct.Struct("<BIHHBddfH")
_ALIVE = struct.Struct("<7QdQ")
_OPENED = struct.Struct("<24sHHdB")
_FULL_RANGE, _KEY, _EVERYWHERE = 1, 2, 4

STOP, GIVE_BACK, MODE, RING = b"Q", b"G", b"M", b"S"
"""What the host says to the worker: first byte of each command."""


class MessageError(ValueError):
    """A worker said something that no worker says."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a worker has to do. health, activity: whether these are measured. stored: the packets
    lie in memory that comes with this order; the source is not opened. describe_s: read the stream
    for so many seconds, say what it is and leave; 0: decode it."""

    source: Source
    rate_hz: float
    masks: tuple[Polygon, ...] = ()
    ring_seconds: float = 0.0
    ring_bytes: int = 0
    loop: bool = False
    paced: bool = True
    drops: bool = True
    slots: int = 4
    slot_bytes: int = 0
    health: bool = True
    activity: bool = True
    stored: bool = False
    describe_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Hello:
    """The worker's first word, with a handle on its process."""

    pid: int


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream is open. enclosed: bit n is layer n of `sandbox.abilities`, 1 where it holds."""

    codec: str
    width: int
    height: int
    rate: float | None
    enclosed: int


@dataclass(frozen=True, slots=True)
class Alive:
    """Twice a second. Counts since the stream was opened; key_interval_s None: not known yet."""

    packets: int
    decoded: int
    chosen: int
    skipped: int
    corrupt: int
    unplaced: int
    jumps: int
    key_interval_s: float | None
    unasked: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A frame lies in a slot of the shared memory."""

    slot: int
    sequence: int
    width: int
    height: int
    time: float
    arrived: float
    full_range: bool = False
    key: bool = False
    blind: str | None = None
    activity: Activity = field(default_factory=Activity)


@dataclass(frozen=True, slots=True)
class Fault:
    """The worker gives up. kind: "refused", "lost" or "wrong" (a setting)."""

    kind: str
    cause: str
    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A file is over."""


@dataclass(frozen=True, slots=True)
class RingWritten:
    """The packets asked for lie in the memory that came with the question."""

    size: int


@dataclass(frozen=True, slots=True)
class Described:
    """What the stream is. Its address and whether it is live are the host's to know."""

    stream: StreamDescription


Message = Hello | Opened | Alive | Placed | Fault | Ended | RingWritten | Described


def pack_start(start: Start) -> bytes:
    text = asdict(start)
    text["source"] = {
        "kind": start.source.kind.value,
        "address": start.source.address,
        "user": start.source.user,
        "password": start.source.password.reveal(),
        "reach": start.source.reach.value,
    }
    packed = json.dumps(text).encode()
    if len(packed) > LARGEST:
        raise MessageError("the camera's settings are too long to be sent")
    return packed


def unpack_start(packed: bytes) -> Start:
    text = json.loads(packed)
    source = text.pop("source")
    masks = tuple(tuple((x, y) for x, y in polygon) for polygon in text.pop("masks"))
    return Start(
        source=Source(
            Kind(source["kind"]),
            source["address"],
            source["user"],
            Secret(source["password"]),
            Reach(source["reach"]),
        ),
        masks=masks,
        **text,
    )


def pack(message: Message) -> bytes:
    """One message as bytes: its letter, then its fields."""
    match message:
        case Hello():
            return b"H" + struct.pack("<I", message.pid)
        case Opened():
            codec, rate = message.codec.encode(), message.rate or 0.0
            fields = (codec, message.width, message.height, rate, message.enclosed)
            return b"O" + _OPENED.pack(*fields)
        case Alive():
            counts = (message.packets, message.decoded, message.chosen, message.skipped)
            more = (message.corrupt, message.unplaced, message.jumps)
            return b"A" + _ALIVE.pack(
                *counts, *more, message.key_interval_s or 0.0, message.unasked
            )
        case Placed():
            return b"P" + _pack_frame(message)
        case Fault():
            words = (message.kind, message.cause, message.message[:_LONGEST_TEXT])
            return b"F" + "\0".join(words).encode()
        case Ended():
            return b"E"
        case RingWritten():
            return b"R" + struct.pack("<Q", message.size)
        case Described():
            return b"D" + json.dumps(asdict(message.stream)).encode()


def unpack(packed: bytes) -> Message:
    """Bytes from a worker, checked. MessageError where anything is out of range."""
    try:
        return _unpack(packed[:1], packed[1:])
    except (struct.error, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise MessageError(f"a worker's message of {len(packed)} bytes: {error}") from None


def _unpack(letter: bytes, body: bytes) -> Message:
    match letter:
        case b"H":
            return Hello(*struct.unpack("<I", body))
        case b"O":
            codec, width, height, rate, enclosed = _OPENED.unpack(body)
            return Opened(_word(codec), width, height, _positive(rate), enclosed)
        case b"A":
            a, b, c, d, e, f, g, key_interval, h = _ALIVE.unpack(body)
            return Alive(a, b, c, d, e, f, g, _positive(key_interval), h)
        case b"P":
            return _unpack_frame(body)
        case b"F":
            kind, cause, text = body.decode().split("\0")
            return Fault(_known(kind), _word(cause.encode()), _text(text))
        case b"E":
            return Ended()
        case b"R":
            return RingWritten(*struct.unpack("<Q", body))
        case b"D":
            return Described(_stream(body))
        case _:
            raise MessageError("no message begins so")


def _pack_frame(placed: Placed) -> bytes:
    activity = placed.activity
    boxes = np.asarray(activity.boxes, np.float32)[:MOST_BOXES]
    flags = _FULL_RANGE * placed.full_range + _KEY * placed.key + _EVERYWHERE * activity.everywhere
    head = _FRAME.pack(
        placed.slot,
        placed.sequence & 0xFFFFFFFF,
        placed.width,
        placed.height,
        flags,
        placed.time,
        placed.arrived,
        activity.moved,
        len(boxes),
    )
    blind = (placed.blind or "").encode()[:_LONGEST_WORD].ljust(_LONGEST_WORD, b"\0")
    return head + blind + boxes.astype("<f4").tobytes()


def _unpack_frame(body: bytes) -> Placed:
    head, rest = body[: _FRAME.size], body[_FRAME.size :]
    slot, sequence, width, height, flags, time, arrived, moved, n = _FRAME.unpack(head)
    blind, boxes = rest[:_LONGEST_WORD], rest[_LONGEST_WORD:]
    if (
        n > MOST_BOXES
        or len(boxes) != 16 * n
        or not all(map(math.isfinite, (time, arrived, moved)))
    ):
        raise MessageError("activity that cannot be")
    if width % 2 or height % 2 or not (0 < width < _LARGEST_SIDE and 0 < height < _LARGEST_SIDE):
        raise MessageError(f"a picture of {width}x{height}")
    where = np.frombuffer(boxes, "<f4").reshape(n, 4).astype(np.float32) if n else no_boxes()
    if not np.isfinite(where).all():
        raise MessageError("boxes that are not numbers")
    return Placed(
        slot=slot,
        sequence=sequence,
        width=width,
        height=height,
        time=time,
        arrived=arrived,
        full_range=bool(flags & _FULL_RANGE),
        key=bool(flags & _KEY),
        blind=_word(blind) or None,
        activity=Activity(min(1.0, max(0.0, moved)), where.clip(0, 1), bool(flags & _EVERYWHERE)),
    )


_TOLD: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("codec",), str),
    **dict.fromkeys(("profile", "pixel_format"), (str, NoneType)),
    **dict.fromkeys(("width", "height", "steps"), int),
    **dict.fromkeys(("key_seen", "b_frames"), bool),
    **dict.fromkeys(("declared_hz", "measured_hz", "key_interval_s"), (int, float, NoneType)),
    **dict.fromkeys(("bit_rate", "clock_offset_s"), (int, float, NoneType)),
    "seconds": (int, float),
}
"""What is believed of a description, and its type."""


def _stream(body: bytes) -> StreamDescription:
    told = json.loads(body)
    if not isinstance(told, dict):
        raise MessageError("a description that is none")
    fields: dict[str, Any] = {name: told.get(name) for name in _TOLD}
    for name, value in fields.items():
        if not isinstance(value, _TOLD[name]) or (value is True and _TOLD[name] is int):
            raise MessageError(f"a description whose {name} is none")
        if isinstance(value, str):
            fields[name] = _text(value)[:_LONGEST_WORD]
        elif isinstance(value, int | float) and not abs(value) < _LARGEST_NUMBER:
            raise MessageError(f"a description whose {name} can't be")
    return StreamDescription(address="", live=False, sub_stream=None, **fields)


def _positive(value: float) -> float | None:
    return value if 0 < value < float("inf") else None


def _known(kind: str) -> str:
    if kind not in ("refused", "lost", "wrong"):
        raise MessageError("an unknown kind of fault")
    return kind


def _word(text: bytes) -> str:
    word = text.rstrip(b"\0").decode("ascii")
    if len(word) > _LONGEST_WORD or not all(c.isalnum() or c in " _-." for c in word):
        raise MessageError("a word that is none")
    return word


def _text(text: str) -> str:
    """Shown to people, so without control characters."""
    return "".join(c for c in text[:_LONGEST_TEXT] if c.isprintable())
