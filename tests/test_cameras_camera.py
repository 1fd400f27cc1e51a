"""A camera always has a state with a cause; what happens to its decoder stays its own."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from av.packet import Packet

from tests.cameras_media import digest, make_clip
from veilleur.cameras import camera as module
from veilleur.cameras import worker
from veilleur.cameras.camera import Camera, CameraSettings, Pace, State
from veilleur.cameras.frame import Frame
from veilleur.cameras.messages import (
    Alive,
    Ended,
    Fault,
    Hello,
    Message,
    MessageError,
    Opened,
    Placed,
    Start,
)
from veilleur.cameras.nursery import Nursery
from veilleur.cameras.picture import Picture
from veilleur.cameras.process import Held
from veilleur.cameras.replay import replay
from veilleur.cameras.source import Reach, Source, parse_source
from veilleur.simulation.faults import Fault as Trouble
from veilleur.simulation.faults import Kind as TroubleKind
from veilleur.simulation.message import Credentials
from veilleur.simulation.simulator import SimulatedCamera, Simulator

HARD_PASSWORD = "p@ss:/?#%41&^! é"
WITHIN_S = 20.0
NO_PICTURE = Picture(np.zeros((3, 2), np.uint8))


def until(condition: Callable[[], bool], *cameras: Camera) -> list[Frame]:
    """Read the cameras as the engine does until the condition holds; their frames."""
    frames, ends = [], time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < ends, [(c.id, c.state, c.cause, c.dropped) for c in cameras]
        handles = [h for c in cameras if (h := c.fileno()) is not None]
        select.select(handles, [], [], 0.02)
        for camera in cameras:
            while (frame := camera.read(time.monotonic())) is not None:
                # Without its pixels: who keeps those keeps room that the decoder needs.
                frames.append(replace(frame, picture=NO_PICTURE))
    return frames


def first_frame(camera: Camera) -> Frame:
    ends = time.monotonic() + WITHIN_S
    while time.monotonic() < ends:
        if frame := camera.read(time.monotonic()):
            return frame
    raise AssertionError((camera.state, camera.cause))


@pytest.fixture
def cameras() -> Iterator[Callable[..., Camera]]:
    """Makes cameras and closes them."""
    with ExitStack() as stack:

        def make(path: Path | None = None, **settings: object) -> Camera:
            settings.setdefault("id", "gate")
            if path:
                settings["source"] = parse_source(str(path))
            camera = Camera(CameraSettings(**settings), random=Random(1))  # type: ignore[arg-type]
            stack.callback(camera.close)
            return camera

        yield make


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", seconds=4, options={"g": "25", "bf": "2"})


Make = Callable[..., Camera]


def test_a_file_gives_the_frames_that_a_replay_gives(cameras: Make, clip: Path) -> None:
    camera = cameras(clip, pace=Pace.FAST)
    frames = until(lambda: camera.ended, camera)
    expected = list(replay(clip, camera="gate"))
    assert [f.time for f in frames] == [f.time for f in expected]
    assert [f.sequence for f in frames] == list(range(20))
    assert camera.state is State.ENDED
    assert camera.missing_layers == ()
    assert not camera.dropped
    assert camera.facts is not None
    assert (camera.facts.codec, camera.facts.width) == ("h264", 320)


def test_pixels_come_through_shared_memory_unchanged(cameras: Make, clip: Path) -> None:
    camera = cameras(clip, pace=Pace.FAST)
    seen: list[str] = []
    ends = time.monotonic() + WITHIN_S
    while not camera.ended:
        assert time.monotonic() < ends, (camera.state, camera.cause, camera.dropped, len(seen))
        if frame := camera.read(time.monotonic()):
            seen.append(digest(frame))
        elif (handle := camera.fileno()) is not None:
            select.select([handle], [], [], 0.02)
    assert seen == [digest(f) for f in replay(clip, camera="gate")]


def test_a_picture_that_is_held_is_not_overwritten(cameras: Make, clip: Path) -> None:
    camera = cameras(clip, pace=Pace.FAST, slots=2)
    luma = first_frame(camera).picture.luma
    before = luma.copy()
    assert _drain(camera) == 19
    assert np.array_equal(luma, before)


def _one(camera: Camera) -> list[Frame]:
    frame = camera.read(time.monotonic())
    return [frame] if frame else []


def _drain(camera: Camera) -> int:
    """How many frames still come, each let go at once."""
    count, ends = 0, time.monotonic() + WITHIN_S
    while not camera.ended:
        assert time.monotonic() < ends
        if camera.read(time.monotonic()) is not None:
            count += 1
    return count


def test_a_looped_file_goes_on_in_time(cameras: Make, clip: Path) -> None:
    camera = cameras(clip, pace=Pace.FAST, loop=True)
    times: list[float] = []
    ends = time.monotonic() + WITHIN_S
    while len(times) < 50 and time.monotonic() < ends:
        if frame := camera.read(time.monotonic()):
            times.append(frame.time)
    assert times == pytest.approx([n / 5 for n in range(50)], abs=0.1)


def test_what_nobody_takes_is_dropped_and_counted(cameras: Make, clip: Path) -> None:
    """Played live and unpaced; nobody reads until it is over: only the newest is worth it."""
    camera = cameras(clip, pace=Pace.FAST, live=True, slots=3)
    ends = time.monotonic() + WITHIN_S
    while camera.state is not State.LOST and time.monotonic() < ends:
        camera.tick(time.monotonic())
    frames = _one(camera)
    assert camera.cause == "the stream ended"
    assert [f.sequence for f in frames] == [2]
    assert camera.dropped == {"displaced": 2, "no room": 17}


def test_a_file_plays_at_its_own_pace(cameras: Make, clip: Path) -> None:
    camera = cameras(clip)
    frames = until(lambda: camera.state is State.RUNNING and camera.counts is not None, camera)
    late = [f.arrived - f.time for f in frames]
    assert max(late) - min(late) < 1.0


def test_masks_are_burnt_in_before_anything_leaves_the_process(cameras: Make, clip: Path) -> None:
    left = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    camera = cameras(clip, pace=Pace.FAST, masks=(left,))
    assert (first_frame(camera).picture.luma[:, :160] == 16).all()


def test_a_decoder_that_dies_is_one_cameras_state_and_comes_back(cameras: Make, clip: Path) -> None:
    one = cameras(clip, pace=Pace.FAST, loop=True, id="one")
    other = cameras(clip, pace=Pace.FAST, loop=True, id="other")
    until(lambda: one.state is other.state is State.RUNNING, one, other)
    assert one.pid is not None
    os.kill(one.pid, signal.SIGSEGV)
    until(lambda: one.state is State.CRASHED, one)
    assert "died" in one.cause
    assert one.retry_at is not None
    assert one.retry_at - time.monotonic() < 1.3
    assert [first_frame(other).camera for _ in range(5)] == ["other"] * 5
    assert other.state is State.RUNNING
    one.tick(one.retry_at)
    until(lambda: one.state is State.RUNNING, one)


def test_a_decoder_that_hangs_is_ended_within_three_seconds(cameras: Make, clip: Path) -> None:
    camera = cameras(clip, pace=Pace.FAST, loop=True)
    until(lambda: camera.counts is not None, camera)
    pid = camera.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    now = time.monotonic()
    camera.tick(now)
    for later in (0.8, 1.6, 2.4):
        camera.tick(now + later)
    assert camera.state is State.CRASHED
    assert "hangs" in camera.cause
    _wait_for_the_end_of(pid)


def test_closing_leaves_no_process(cameras: Make, clip: Path) -> None:
    camera = cameras(clip)
    until(lambda: camera.state is State.RUNNING, camera)
    pid = camera.pid
    assert pid is not None
    camera.close()
    assert camera.read(time.monotonic()) is None
    assert camera.fileno() is None
    assert camera.state is State.CLOSED
    _wait_for_the_end_of(pid)


def _wait_for_the_end_of(pid: int) -> None:
    ends = time.monotonic() + WITHIN_S
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < ends


def test_the_decoder_runs_without_rights(cameras: Make, clip: Path) -> None:
    camera = cameras(clip)
    until(lambda: camera.state is State.RUNNING, camera)
    lines = Path(f"/proc/{camera.pid}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0


def test_what_is_no_video_is_refused_and_tried_again_later(cameras: Make, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text("no video\n" * 100)
    camera = cameras(path)
    until(lambda: camera.state is State.REFUSED, camera)
    assert camera.retry_at is not None
    camera.tick(camera.retry_at - 0.01)
    assert camera.fileno() is None
    camera.tick(camera.retry_at)
    assert camera.fileno() is not None


# ---------------------------------------------------------------------- over RTSP
@pytest.fixture
def street(tmp_path: Path) -> Iterator[Simulator]:
    path = make_clip(tmp_path / "street.mp4", seconds=3, options={"g": "10", "bf": "0"})
    who = Credentials("admin", HARD_PASSWORD)
    with Simulator([SimulatedCamera(path, credentials=who, audio=True)]) as simulator:
        yield simulator


def source_of(simulator: Simulator, password: str = HARD_PASSWORD) -> Source:
    place = simulator.url(0).rpartition("@")[2]
    return parse_source(f"rtsp://admin:{password}@{place}").reaching(Reach.HERE)


def test_a_camera_runs_with_a_password_typed_as_it_is(cameras: Make, street: Simulator) -> None:
    source = source_of(street)
    camera = cameras(source=source, ring_seconds=2.0, ring_bytes=1 << 20)
    frames = until(lambda: camera.key_interval_s is not None, camera)
    assert camera.state is State.RUNNING
    assert camera.missing_layers == ()
    assert all(f.blind is None for f in frames)
    assert [r.method for r in street.requests(0)].count("SETUP") == 1, "the sound is not set up"
    status = Path(f"/proc/{camera.pid}/status").read_text()
    assert "Seccomp_filters:\t2\n" in status, "sealed when the stream was open"
    camera.request_ring()
    rings: list[int] = []

    def has_ring() -> bool:
        if footage := camera.take_ring():
            rings.append(len(footage.packets))
            assert footage.packets[0].key
            assert footage.coding.codec == "h264"
            assert footage.coding.extradata
        return bool(rings)

    until(has_ring, camera)
    assert rings[0] > 1


def test_a_wrong_password_is_refused_by_name_and_never_shown(
    cameras: Make, street: Simulator
) -> None:
    camera = cameras(source=source_of(street, "s3cr3t@x"))
    until(lambda: camera.state is State.REFUSED, camera)
    assert "password" in camera.cause
    assert "s3cr3t" not in camera.cause


def test_a_cut_stream_is_lost_and_found_again(cameras: Make, street: Simulator) -> None:
    camera = cameras(source=source_of(street))
    until(lambda: camera.state is State.RUNNING, camera)
    street.inject(0, Trouble(TroubleKind.CUT))
    until(lambda: camera.state is State.LOST, camera)
    assert camera.retry_at is not None
    until(lambda: camera.state is State.RUNNING, camera)


# ---------------------------------------------------------------------- a file's own pace
class Clock:
    """Stands for the time and for waiting."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def test_a_file_catches_up_a_little_and_goes_on_later_where_it_is_far_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(worker, "time", clock)
    pace = worker._Pace(0.1, clock)  # type: ignore[arg-type]
    packet = Packet(1)

    def played_at(seconds: float) -> float:
        packet.dts = round(seconds * 10)
        pace.wait(packet)  # type: ignore[arg-type]
        return clock.now - 100.0

    assert [played_at(n) for n in (0, 1, 2)] == pytest.approx([0, 1, 2])
    clock.now += 0.9 + 1.0
    assert [played_at(n) for n in (3, 4, 5)] == pytest.approx([3.9, 4, 5]), "caught up"
    clock.now += 1.1 + 1.0
    assert [played_at(n) for n in (6, 7, 8)] == pytest.approx([7.1, 8.1, 9.1]), "1.1 s later"


# ---------------------------------------------------------------------- told the time
class Played:
    """Stands for a decoding process: says what the test lets it say."""

    said: list[Message | Exception]
    orders: list[str]
    pid = 1

    def __init__(self, nursery: Nursery, start: Start) -> None:
        self.orders = []
        self.said = []
        ALL_PLAYED.append(self)

    def fileno(self) -> int:
        return 0

    def messages(self) -> Iterator[Message]:
        while self.said:
            one = self.said.pop(0)
            if isinstance(one, Exception):
                raise one
            yield one

    def claim(self, placed: Placed) -> Held:
        return Held(placed, np.zeros((placed.height * 3 // 2, placed.width), np.uint8))

    def set_mode(self, mode: int) -> None:
        self.orders.append(f"mode {mode}")

    def finish(self) -> None:
        self.orders.append("finish")

    def close(self) -> None:
        self.orders.append("close")


ALL_PLAYED: list[Played] = []
ALIVE = Alive(1, 1, 1, 0, 0, 0, 0, 2.0)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Camera:
    ALL_PLAYED.clear()
    monkeypatch.setattr(module, "WorkerProcess", Played)
    source = parse_source("rtsp://cam.lan/live")
    return Camera(CameraSettings(id="gate", source=source), random=Random(1))


def state_of(camera: Camera) -> State:
    return camera.state


def placed(time_s: float) -> Placed:
    return Placed(slot=0, sequence=0, width=64, height=48, time=time_s, arrived=time_s)


def play(camera: Camera, since: float, till: float, *said: Message) -> None:
    """Tick ten times a second; the worker says the same each time."""
    for tenth in range(round(since * 10), round(till * 10) + 1):
        if ALL_PLAYED:
            ALL_PLAYED[-1].said += said
        camera.tick(tenth / 10)


def test_five_seconds_without_a_frame_are_a_stall(played: Camera) -> None:
    play(played, 0, 0.5)
    ALL_PLAYED[-1].said += [Hello(1), Opened("h264", 64, 48, 25.0, 31), placed(0.5)]
    play(played, 0.6, 5.5, ALIVE)
    assert state_of(played) is State.RUNNING
    play(played, 5.6, 5.8, ALIVE)
    assert state_of(played) is State.STALLED
    assert played.cause == "no picture for 5 s"
    assert ALL_PLAYED[0].orders == ["close"]
    assert played.retry_at == pytest.approx(6.7, abs=0.3)
    play(played, 5.9, 7.1)
    assert len(ALL_PLAYED) == 2
    assert state_of(played) is State.STALLED, "until a frame comes it is still not analysed"


def test_a_quiet_scene_may_wait_for_two_key_frames(played: Camera) -> None:
    played.key_frames_only(True)
    play(played, 0, 0.5)
    slow = Alive(1, 1, 1, 0, 0, 0, 0, 4.0)
    ALL_PLAYED[-1].said += [placed(0.5)]
    play(played, 0.6, 8.4, slow)
    assert state_of(played) is State.RUNNING
    assert ALL_PLAYED[0].orders == ["mode 1"]
    play(played, 8.5, 9.0, slow)
    assert state_of(played) is State.STALLED


def test_a_camera_at_which_nobody_looks_is_judged_by_its_packets(played: Camera) -> None:
    play(played, 0, 0.5)
    ALL_PLAYED[-1].said += [placed(0.5)]
    played.tick(0.6)
    played.rest(True)
    assert ALL_PLAYED[0].orders == ["mode 2"]
    for second in range(1, 31):
        play(played, second, second + 0.9, Alive(25 * second, 1, 1, 0, 0, 0, 0, 2.0, 5 * second))
    assert state_of(played) is State.RUNNING
    assert played.dropped == {"shed": 150}
    play(played, 31, 35.5, Alive(25 * 30, 1, 1, 0, 0, 0, 0, 2.0, 150))
    assert state_of(played) is State.STALLED
    play(played, 35.6, 38)
    assert [one.orders for one in ALL_PLAYED] == [["mode 2", "close"], ["mode 2"]]


def test_after_a_rest_the_first_picture_may_wait_for_a_key_frame(played: Camera) -> None:
    play(played, 0, 0.5)
    ALL_PLAYED[-1].said += [placed(0.5)]
    played.rest(True)
    slow = Alive(1, 1, 1, 0, 0, 0, 0, 4.0)
    play(played, 0.6, 1.0, slow)
    played.rest(False)
    assert ALL_PLAYED[0].orders == ["mode 2", "mode 0"]
    play(played, 1.1, 8.4, slow)
    assert state_of(played) is State.RUNNING
    ALL_PLAYED[-1].said += [placed(8.5)]
    play(played, 8.5, 13.8, slow)
    assert state_of(played) is State.STALLED, "then five seconds are a stall again"


def test_a_host_that_was_away_does_not_blame_the_camera(played: Camera) -> None:
    play(played, 0, 0.5)
    ALL_PLAYED[-1].said += [placed(0.5)]
    play(played, 0.6, 1.0, ALIVE)
    played.tick(60.0)
    assert state_of(played) is State.RUNNING
    play(played, 60.1, 62.5)
    assert state_of(played) is State.CRASHED


@pytest.mark.parametrize(
    ("said", "state", "words"),
    [
        (Fault("refused", "password", "wrong password"), State.REFUSED, "wrong password"),
        (Fault("lost", "stalled", "nothing comes"), State.STALLED, "nothing comes"),
        (Fault("lost", "cut", "the connection broke"), State.LOST, "broke"),
        (Ended(), State.LOST, "ended"),
        (MessageError("x"), State.CRASHED, "nonsense"),
        (EOFError(), State.CRASHED, "died"),
    ],
)
def test_every_end_of_a_live_stream_is_a_named_fault(
    played: Camera, said: Message | Exception, state: State, words: str
) -> None:
    play(played, 0, 0.5)
    ALL_PLAYED[-1].said += [said]
    played.tick(0.6)
    assert state_of(played) is state
    assert words in played.cause
    assert played.retry_at is not None
    assert 1.3 < played.retry_at < 1.9


def test_a_frame_older_than_a_second_is_not_analysed(played: Camera) -> None:
    play(played, 0, 0.5)
    ALL_PLAYED[-1].said += [placed(0.4), placed(0.5)]
    assert played.read(1.4) is not None
    assert played.dropped == {"displaced": 1}
    ALL_PLAYED[-1].said += [placed(0.3)]
    assert played.read(1.45) is None
    assert played.dropped == {"displaced": 1, "stale": 1}


def test_drops_in_the_decoder_are_added_up_over_connections(played: Camera) -> None:
    play(played, 0, 0.1)
    for said in (Alive(9, 9, 9, 0, 1, 2, 0, None), Alive(20, 29, 9, 0, 1, 3, 0, None), EOFError()):
        ALL_PLAYED[-1].said += [said]
    played.tick(0.2)
    play(played, 0.3, 2.0)
    ALL_PLAYED[-1].said += [Alive(9, 9, 9, 0, 0, 4, 0, None)]
    played.tick(2.1)
    assert played.dropped == {"no room": 7, "corrupt": 1}
