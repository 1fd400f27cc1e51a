"""What a node keeps of the last minutes: boxes, packets, its own pulse."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.watching import (
    PATIENCE_S,
    Blocks,
    Idle,
    Made,
    frame,
    judged,
    laboratory,
    member,
    of,
    street,
    until,
    until_it_runs,
)
from veilleur.cameras.frame import no_boxes
from veilleur.engine import history
from veilleur.engine.history import BoxHistory
from veilleur.engine.node import Node
from veilleur.engine.seat import Seat
from veilleur.engine.seen import Boxes
from veilleur.errors import CameraError
from veilleur.geometry import View
from veilleur.simulation.simulator import SimulatedCamera, Simulator


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return street(tmp_path_factory.mktemp("street") / "street.mp4", 6.0)


@pytest.fixture
def seat() -> Seat:
    one = member("gate", "rtsp://cam.lan/live")
    return Seat(one, Idle(one.settings))


# ---------------------------------------------------------------------- boxes
def test_the_boxes_of_the_last_minutes_come_with_the_time_of_their_packets(clip: Path) -> None:
    """What redacts a clip: each analysed picture's boxes, under the very time of its packet."""
    one = member("gate", clip, loop=True).remembering(60.0, 4 << 20)
    with Node([one], laboratory([one]), Made()) as node:
        began = datetime.now(UTC)
        until(lambda: of(node, "gate").analysed >= 8, node)
        ended = datetime.now(UTC)
        recorded = node.packets("gate").result(PATIENCE_S)
        seen = node.boxes("gate", began, ended)
        assert node.boxes("gate", began - timedelta(hours=1), began) == ()
    assert len(seen) >= 8
    assert all(
        one.at == recorded.utc(one.host_s)
        or abs((one.at - recorded.utc(one.host_s)).total_seconds()) < 0.01
        for one in seen
    )
    arrived = {packet.time for packet in recorded.footage.packets}
    assert {one.host_s for one in seen} <= arrived
    assert any(len(one.boxes.people) for one in seen)
    assert [one.host_s for one in seen] == sorted(one.host_s for one in seen)


def boxes(number: int) -> Boxes:
    return Boxes(np.zeros((number, 4), np.float32), no_boxes(), no_boxes())


def test_boxes_are_kept_for_three_minutes_and_no_longer() -> None:
    kept = BoxHistory()
    for n in range(2000):
        kept.add(n / 5, View(320, 180), boxes(1))
    times = [one.host_s for one in kept.between(0.0, 1e9)]
    assert times[-1] == 399.8
    assert times[0] == pytest.approx(399.8 - history.KEPT_S)


def test_boxes_are_bounded_by_pictures_and_by_number_too() -> None:
    fast, crowded = BoxHistory(), BoxHistory()
    for n in range(3000):
        fast.add(n / 100, View(320, 180), boxes(1))
    for n in range(300):
        crowded.add(n / 5, View(320, 180), boxes(1000))
    assert len(fast.between(0.0, 1e9)) == history.MOST_PICTURES
    assert len(crowded.between(0.0, 1e9)) == history.MOST_BOXES // 1000


# ---------------------------------------------------------------------- packets
def test_the_last_seconds_are_handed_over_with_masks_and_time(clip: Path) -> None:
    corner = ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1))
    with Simulator([SimulatedCamera(clip)]) as simulator:
        one = member("gate", simulator.url(0), masks=(corner,)).remembering(60.0, 4 << 20)
        with Node([one], laboratory([one]), Made()) as node:
            until(lambda: of(node, "gate").analysed >= 15, node)
            before = datetime.now(UTC)
            first, second = node.packets("gate"), node.packets("gate")
            recorded = first.result(PATIENCE_S)
            assert second.result(PATIENCE_S).footage.packets[0] == recorded.footage.packets[0]
    assert recorded.camera == "gate"
    assert recorded.masks == (corner,)
    assert recorded.footage.coding.codec == "h264"
    assert recorded.footage.packets[0].key
    last = recorded.utc(recorded.footage.packets[-1].time)
    assert abs((last - before).total_seconds()) < 5.0
    part = recorded.between(last - timedelta(seconds=0.5), last)
    assert part.footage.packets[0].key
    assert 0 < part.footage.size < recorded.footage.size


def cause_of(node: Node, camera: str) -> str:
    error = node.packets(camera).exception(PATIENCE_S)
    assert isinstance(error, CameraError)
    return error.cause


def test_nobody_waits_for_packets_that_cannot_come(clip: Path) -> None:
    kept = member("kept", clip, loop=True).remembering(60.0, 4 << 20)
    gone = member("gone", "rtsp://127.0.0.1:9/live").remembering(60.0, 4 << 20)
    cameras = [kept, gone, member("none kept", clip, loop=True)]
    with Node(cameras, laboratory(cameras), Made()) as node:
        until_it_runs(node, "kept", "none kept")
        until(lambda: node._seats["gone"].camera.retry_at is not None, node)
        assert cause_of(node, "none kept") == "not kept"
        assert cause_of(node, "gone") in ("not connected", "no answer")
        pid = node._seats["kept"].camera.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        waiting = node.packets("kept")
        cause = waiting.exception(PATIENCE_S)
        assert isinstance(cause, CameraError)
        assert cause.cause in ("no answer", "not connected")
        left = [node.packets("none kept") for _ in range(3)]
        node.remove("none kept")
        assert not wait(left, PATIENCE_S).not_done
    assert cause_of(node, "kept") == "closed"


# ---------------------------------------------------------------------- somebody looks
def test_whoever_looks_live_ends_the_quiet_and_it_comes_back(tmp_path: Path) -> None:
    empty = street(tmp_path / "empty.mp4", 20.0, lambda _: None)
    cameras = [member("gate", empty, loop=True, health=False)]
    with Node(cameras, laboratory(cameras), Made()) as node:
        until(lambda: of(node, "gate").key_frames_only, node)
        node.look_closely("gate", datetime.now(UTC) + timedelta(seconds=3))
        since = of(node, "gate")
        until(lambda: of(node, "gate").analysed >= since.analysed + 8, node)
        passed_s = of(node, "gate").stream_time - since.stream_time
        assert passed_s <= 1.0 + 8 / 2, "a key frame, and then two a second at least"
        until(lambda: not node._seats["gate"].looked_at(node._now()), node)
        camera = node._seats["gate"].camera
        until(lambda: camera._keyframes and not camera._closely, node)


def test_a_slow_camera_shows_two_pictures_a_second_while_somebody_looks(clip: Path) -> None:
    cameras = [member("gate", clip, loop=True, rate_hz=1.0)]
    with Node(cameras, laboratory(cameras), Made()) as node:
        until(lambda: of(node, "gate").analysed >= 2, node)
        node.look_closely("gate", datetime.now(UTC) + timedelta(seconds=4))
        since = of(node, "gate")
        until(lambda: of(node, "gate").analysed >= since.analysed + 5, node)
        looked = of(node, "gate")
        assert looked.stream_time - since.stream_time <= 1.0 + 5 / 2
        until(lambda: not node._seats["gate"].looked_at(node._now() - 1.0), node)
        since = of(node, "gate")
        until(lambda: of(node, "gate").analysed >= since.analysed + 3, node)
        assert of(node, "gate").stream_time - since.stream_time >= 1.9


def test_a_camera_that_is_looked_at_is_not_given_up(seat: Seat) -> None:
    node = Node([seat.member], laboratory([seat.member]), Made())
    node._shedding._shed.add("gate")
    now = node._now()
    assert node._given_up(node._seats["gate"], now)
    node.look_closely("gate", datetime.now(UTC) + timedelta(seconds=60))
    assert not node._given_up(node._seats["gate"], now)
    assert node._given_up(node._seats["gate"], now + 61.0)
    node.look_closely("gate", datetime.now(UTC) + timedelta(seconds=1))
    assert not node._given_up(node._seats["gate"], now + 50.0), "another one looks longer"


# ---------------------------------------------------------------------- pulse
def test_the_pulse_shows_which_thread_stands_still(clip: Path) -> None:
    stuck, free = threading.Event(), threading.Event()

    def work() -> None:
        stuck.set()
        free.wait(PATIENCE_S)

    cameras = [member("gate", clip, loop=True)]
    with Node(cameras, laboratory(cameras), Made(Blocks(work)), analysts=2) as node:
        stuck.wait(PATIENCE_S)
        until(lambda: node.pulse().slowest_s > 1.2, node)
        pulse = node.pulse()
        assert len(pulse.analysts_s) == 2
        assert min(pulse.analysts_s) < 1.2
        assert max(pulse.analysts_s) > 1.2
        assert pulse.collector_s < 1.2
        free.set()
        until(lambda: node.pulse().slowest_s < 1.0, node)
    until(lambda: node.pulse().slowest_s > 1.2, node)


def test_histories_hold_no_pictures(seat: Seat) -> None:
    """Frames lie in few slots: what is kept for minutes must not hold them."""
    import gc
    import weakref

    first = frame(0.0, 100.0)
    picture = weakref.ref(first.picture.data)
    judged(seat, first)
    del first
    for n in range(1, 12):
        judged(seat, frame(n / 5, 100.0 + n / 5))
    gc.collect()
    assert picture() is None
