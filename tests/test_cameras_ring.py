"""The last seconds of a stream, in memory, within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilleur.cameras.ring import PacketRing, StoredPacket, pack_packets, unpack_packets


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


def test_packets_survive_the_way_through_memory() -> None:
    packets = tuple(stream(1))
    packed = pack_packets(packets)
    assert tuple(unpack_packets(packed)) == packets
    with pytest.raises(ValueError, match="cut off"):
        list(unpack_packets(packed[:-1]))
