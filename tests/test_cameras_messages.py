"""A worker may be hostile: what it says is checked."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilleur.cameras.backoff import Backoff
from veilleur.cameras.frame import Activity
from veilleur.cameras.inspection import StreamDescription
from veilleur.cameras.messages import (
    Alive,
    Described,
    Ended,
    Fault,
    Hello,
    Message,
    MessageError,
    Opened,
    Placed,
    RingWritten,
    Start,
    pack,
    pack_start,
    unpack,
    unpack_start,
)
from veilleur.cameras.source import parse_source

STREAM = StreamDescription(
    address="",
    live=False,
    codec="h264",
    profile="High 4:2:2",
    width=1920,
    height=1080,
    pixel_format="yuv420p",
    declared_hz=25.0,
    measured_hz=24.9,
    key_interval_s=2.0,
    key_seen=True,
    bit_rate=4e6,
    b_frames=False,
    steps=0,
    sub_stream=None,
    clock_offset_s=None,
    seconds=5.0,
)


@pytest.mark.parametrize(
    "message",
    [
        Hello(4711),
        Opened("h264", 1920, 1080, 25.0, 31),
        Opened("hevc", 640, 360, None, 0),
        Alive(1, 2, 3, 4, 5, 6, 7, 2.0),
        Alive(1, 2, 3, 4, 5, 6, 7, None),
        Alive(1, 2, 3, 4, 5, 6, 7, None, 8),
        Fault("refused", "password", "no (é)"),
        Ended(),
        RingWritten(12345),
        Described(STREAM),
        Described(replace(STREAM, profile=None, measured_hz=None, clock_offset_s=-0.25)),
    ],
)
def test_what_is_said_is_understood(message: Message) -> None:
    assert unpack(pack(message)) == message


def test_a_frame_arrives_whole() -> None:
    boxes = np.array([[0.0, 0.25, 0.5, 1.0], [0.5, 0.5, 0.75, 0.75]], np.float32)
    placed = Placed(
        slot=2,
        sequence=7,
        width=640,
        height=360,
        time=12.5,
        arrived=99.25,
        full_range=True,
        key=True,
        blind="dark",
        activity=Activity(0.5, boxes, False),
    )
    heard = unpack(pack(placed))
    assert isinstance(heard, Placed)
    assert np.array_equal(heard.activity.boxes, boxes)
    assert (heard.slot, heard.sequence, heard.width, heard.height) == (2, 7, 640, 360)
    assert (heard.time, heard.arrived, heard.blind) == (12.5, 99.25, "dark")
    assert (heard.full_range, heard.key, heard.activity.everywhere) == (True, True, False)


@given(st.binary(max_size=200))
def test_nonsense_is_refused_and_never_anything_else(packed: bytes) -> None:
    for letter in (b"", b"H", b"O", b"A", b"P", b"F", b"R"):
        try:
            unpack(letter + packed)
        except MessageError:
            continue


@pytest.mark.parametrize(
    "placed",
    [
        Placed(slot=0, sequence=0, width=641, height=360, time=0, arrived=0),
        Placed(slot=0, sequence=0, width=0, height=360, time=0, arrived=0),
        Placed(slot=0, sequence=0, width=640, height=360, time=float("nan"), arrived=0),
        Placed(slot=0, sequence=0, width=640, height=360, time=0, arrived=0, blind="a<b>"),
    ],
)
def test_frames_that_cannot_be_are_refused(placed: Placed) -> None:
    with pytest.raises(MessageError):
        unpack(pack(placed))


def test_a_worker_learns_its_settings() -> None:
    mask = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0))
    start = Start(parse_source("rtsp://u:p@ss@10.0.0.5/live"), 5.0, masks=(mask,), loop=True)
    assert unpack_start(pack_start(start)) == start


def test_attempts_come_later_and_later_and_soon_again_after_success() -> None:
    backoff = Backoff(Random(1))
    waits = [backoff.failed(100.0) - 100.0 for _ in range(9)]
    for wait, wanted in zip(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60], strict=True):
        assert 0.8 * wanted <= wait <= min(60.0, 1.2 * wanted)
    backoff.worked(200.0)
    assert backoff.failed(201.0) - 201.0 > 40, "one second of frames proves nothing"
    backoff.worked(300.0)
    backoff.worked(310.0)
    assert backoff.failed(311.0) - 311.0 <= 1.2


def test_two_cameras_are_not_tried_in_step() -> None:
    assert len({Backoff(Random(n)).failed(0.0) for n in range(20)}) == 20


@pytest.mark.parametrize(
    "told",
    [
        "[" * 10_000,
        "[]",
        "7",
        "{}",
        {"width": "wide"},
        {"width": True},
        {"steps": 10**400},
        {"bit_rate": math.nan},
        {"seconds": None},
        {"codec": None},
        {"key_seen": 1},
    ],
)
def test_a_description_that_is_none_is_refused(told: str | dict[str, object]) -> None:
    text = told if isinstance(told, str) else json.dumps({**asdict(STREAM), **told})
    with pytest.raises(MessageError):
        unpack(b"D" + text.encode())


def test_of_a_description_its_address_is_not_believed_nor_what_can_not_be_shown() -> None:
    told = asdict(replace(STREAM, codec="h264\x1b[2J" + "x" * 99)) | {"address": "elsewhere"}
    heard = unpack(b"D" + json.dumps(told).encode())
    assert isinstance(heard, Described)
    assert heard.stream.address == ""
    assert heard.stream.codec == "h264[2J" + "x" * 17
