"""The last seconds of a stream, in memory, within bounds."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilleur.cameras.ring import (
    Coding,
    Footage,
    PacketRing,
    StoredPacket,
    pack_footage,
    unpack_footage,
)
from veilleur.cameras.turn import Turn


def stream(seconds: float, *, group_s: float = 2.0, size: int = 100) -> list[StoredPacket]:
    """Ten packets a second, a key frame every `group_s`."""
    return [
        StoredPacket(n / 10, n % round(group_s * 10) == 0, bytes([n % 256]) * size)
        for n in range(round(seconds * 10))
    ]


def test_the_ring_reaches_back_as_far_as_asked_and_begins_at_a_key_frame() -> None:
    ring = PacketRing(5.0, 1 << 20)
    for packet in stream(60):
        ring.add(packet)
        kept = ring.packets()
        assert kept[0].key
        assert packet.time < 5 or kept[-1].time - kept[0].time >= 5.0
        assert kept[-1].time - kept[0].time <= 5.0 + 2.0


def test_nothing_is_kept_before_the_first_key_frame() -> None:
    ring = PacketRing(5.0, 1 << 20)
    for packet in stream(3)[5:]:
        ring.add(packet)
    assert ring.packets()[0].time == 2.0


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 300)), max_size=200),
    st.integers(1, 2000),
    st.floats(0.0, 5.0),
)
def test_bounds_hold_for_any_stream(
    packets: list[tuple[bool, int]], most: int, seconds: float
) -> None:
    ring = PacketRing(seconds, most)
    for n, (key, size) in enumerate(packets):
        ring.add(StoredPacket(n / 10, key, bytes(size)))
        kept = ring.packets()
        assert ring.size == sum(len(p.data) for p in kept) <= most
        assert not kept or kept[0].key


CODING = Coding("h264", 1920, 1080, "yuv420p", b"\x01extra\x00", Turn(swaps=True, down=True))


def test_footage_survives_the_way_through_memory() -> None:
    packets = (StoredPacket(0.5, True, b"key", 7.25, -0.5), *stream(1)[6:])
    footage = Footage(CODING, packets)
    packed = pack_footage(footage)
    assert unpack_footage(packed) == footage
    with pytest.raises(ValueError, match="cut off"):
        unpack_footage(packed[:-1])


@given(st.binary(max_size=200))
def test_memory_that_a_worker_spoilt_is_refused_or_read_but_nothing_else(packed: bytes) -> None:
    with contextlib.suppress(ValueError):
        unpack_footage(packed)


def test_time_that_runs_back_is_refused() -> None:
    packed = pack_footage(Footage(CODING, tuple(reversed(stream(1)))))
    with pytest.raises(ValueError, match="back in time"):
        unpack_footage(packed)


def test_a_part_of_footage_begins_at_the_key_frame_before_it() -> None:
    footage = Footage(CODING, tuple(stream(10)))
    part = footage.between(5.0, 7.0).packets
    assert (part[0].time, part[0].key, part[-1].time) == (4.0, True, 7.0)
    assert footage.between(-3.0, 0.0).packets[0].time == 0.0
    assert footage.between(-3.0, -1.0).packets == ()


def test_what_came_later_is_joined_once() -> None:
    whole = stream(10)
    early, late = Footage(CODING, tuple(whole[:60])), Footage(CODING, tuple(whole[40:]))
    assert early.joined(late).packets == tuple(whole)
    assert early.joined(Footage(CODING)).packets == early.packets
    gap = Footage(CODING, tuple(whole[80:]))
    assert early.joined(gap).packets == tuple(whole[:60] + whole[80:])
    other = Footage(Coding("hevc"), tuple(whole[40:]))
    assert early.joined(other) == other
