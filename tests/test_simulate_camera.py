"""A simulated camera that is told the time, and a viewer without a socket."""

from __future__ import annotations

import pytest

from veilleur.simulation.camera import Camera, TrueClock, Viewer
from veilleur.simulation.faults import Fault, Kind
from veilleur.simulation.media import AccessUnit, Media
from veilleur.simulation.rtp import Codec

BYE = 203


class Kept:
    """A carrier that keeps what it is given."""

    unread = 0

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.reports: list[bytes] = []

    def send(self, packet: bytes) -> None:
        self.packets.append(packet)

    def report(self, packet: bytes) -> None:
        self.reports.append(packet)

    def flush(self) -> None: ...

    @property
    def pictures(self) -> list[int]:
        """The payloads' first bytes, which count the pictures."""
        return [packet[12] for packet in self.packets]


def filming(keys: set[int]) -> Camera:
    """Ten seconds at one picture a second, which is one packet that holds its number."""
    units = tuple(
        AccessUnit(float(n), float(n), key=n in keys, parameters=(), payloads=(bytes([n]),))
        for n in range(10)
    )
    media = Media(Codec.H264, 16, 16, 1.0, 10.0, (), units)
    return Camera(media, TrueClock(unix_s=1e9, monotonic_s=0.0))


def joined(camera: Camera, now_s: float) -> Kept:
    kept = Kept()
    camera.join(Viewer(kept), camera.entry(now_s), now_s)
    camera.step(now_s)
    return kept


@pytest.mark.parametrize(
    ("keys", "at_once", "later"),
    [
        pytest.param({0, 6}, [], [6, 7], id="the next key frame is near: waited for"),
        pytest.param({0, 3}, [3, 4], [3, 4, 5, 6, 7], id="it is far: all since the last one"),
    ],
)
def test_who_joins_later_begins_with_a_key_frame(
    keys: set[int], at_once: list[int], later: list[int]
) -> None:
    camera = filming(keys)
    first = joined(camera, 0.0)
    camera.step(4.5)
    second = joined(camera, 4.5)
    assert second.pictures == at_once
    camera.step(7.0)
    assert first.pictures[-3:] == [5, 6, 7]
    assert second.pictures == later


def test_nobody_watches_and_the_film_goes_on() -> None:
    camera = filming({0, 5})
    gone = Kept()
    viewer = Viewer(gone)
    camera.join(viewer, camera.entry(0.0), 0.0)
    camera.step(0.0)
    camera.leave(viewer)
    assert joined(camera, 25.0).pictures == [5]
    assert [(frame.loop, frame.index) for frame in camera.frames] == [(0, 0), (2, 5)]


def test_a_host_that_slept_skips_what_it_missed() -> None:
    camera = filming(set(range(10)))
    kept = joined(camera, 0.0)
    camera.step(7.0)
    assert kept.pictures == [0, 7]


def test_the_end_of_a_stream_is_said_once_and_nothing_follows() -> None:
    camera = filming({0})
    kept = joined(camera, 0.0)
    camera.begin(Fault(Kind.END), 0.5)
    camera.step(3.0)
    assert kept.pictures == [0]
    assert [report[-7] == BYE for report in kept.reports] == [False, False, True]


def test_who_does_not_read_loses_pictures_until_the_next_key_frame() -> None:
    camera = filming({0, 3})
    kept = joined(camera, 0.0)
    kept.unread = 1 << 30
    camera.step(1.0)
    kept.unread = 0
    camera.step(2.0)
    camera.step(3.0)
    assert kept.pictures == [0, 3]
