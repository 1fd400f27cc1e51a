"""Kept packets become pictures in a process without rights; what is hostile ends only that."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from tests.cameras_media import digest, make_clip, picture_number
from tests.evidence_media import footage_of
from veilleur.cameras import playback
from veilleur.cameras.camera import Camera, CameraSettings
from veilleur.cameras.messages import Placed, pack
from veilleur.cameras.nursery import Nursery
from veilleur.cameras.playback import play
from veilleur.cameras.process import WorkerProcess
from veilleur.cameras.replay import replay
from veilleur.cameras.ring import Coding, Footage, StoredPacket
from veilleur.cameras.source import Reach, parse_source
from veilleur.errors import PlaybackFailed
from veilleur.geometry import ImageArray
from veilleur.simulation.rtp import Codec
from veilleur.simulation.simulator import SimulatedCamera, Simulator

WITHIN_S = 20.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return make_clip(path, options={"g": "25", "bf": "2"})


@pytest.fixture(scope="module")
def footage(clip: Path) -> Footage:
    return footage_of(clip)


@pytest.mark.parametrize(
    ("codec", "name", "options"),
    [
        pytest.param("libx264", "clip.mp4", {"g": "25", "bf": "2"}, id="H.264 reordered"),
        pytest.param("libx264", "clip.ts", {"g": "25"}, id="H.264 with start codes"),
        pytest.param("libx265", "clip.mp4", {"x265-params": "log-level=none:pools=none"}, id="265"),
        pytest.param("mjpeg", "clip.avi", {}, id="MJPEG"),
        pytest.param("mpeg4", "clip.avi", {}, id="MPEG-4"),
        pytest.param("libvpx-vp9", "clip.webm", {"cpu-used": "8"}, id="VP9"),
    ],
)
def test_kept_packets_give_the_pictures_that_their_file_gives(
    tmp_path: Path, codec: str, name: str, options: dict[str, str]
) -> None:
    layout = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = make_clip(tmp_path / name, codec=codec, seconds=1.0, options=options, layout=layout)
    played = [(f.time, digest(f)) for f in play(footage_of(path))]
    expected = [(f.time, digest(f)) for f in replay(path, camera="", rate_hz=240)]
    assert [t for t, _ in played] == pytest.approx([t for t, _ in expected], abs=0.001)
    assert [pixels for _, pixels in played] == [pixels for _, pixels in expected]


def test_a_picture_tells_when_its_packet_came(footage: Footage) -> None:
    """By that it is found among the analysed pictures, whatever order the packets came in."""
    came = {f.arrived for f in play(footage)}
    assert came == {packet.time for packet in footage.packets}


def test_fewer_pictures_a_second_where_fewer_are_asked_for(footage: Footage) -> None:
    assert len([f.sequence for f in play(footage, rate_hz=5.0)]) == 10


def test_privacy_masks_are_burnt_in(footage: Footage) -> None:
    half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    for frame in play(footage, masks=[half]):
        assert (frame.picture.luma[:, :160] == 16).all()
        assert (frame.picture.luma[:, 164:] > 16).all()


def test_what_moves_is_told_where_it_is_asked_for(footage: Footage) -> None:
    assert all(not f.activity.everywhere for f in play(footage, activity=True) if f.sequence > 1)
    assert all(f.activity.everywhere for f in play(footage))


# ---------------------------------------------------------------------- from a running camera
Analysed = dict[float, ImageArray]


def recorded(camera: Camera, seconds: float) -> tuple[Footage, Analysed]:
    """A camera's ring after so many seconds of its stream, and the pictures it showed."""
    shown: Analysed = {}
    ends, last = time.monotonic() + WITHIN_S, 0.0
    while last < seconds:
        assert time.monotonic() < ends, (camera.state, camera.cause)
        if frame := camera.read(time.monotonic()):
            last = frame.time
            shown[frame.arrived] = frame.picture.thumbnail()
        time.sleep(0.005)
    assert camera.request_ring()
    while (footage := camera.take_ring()) is None:
        assert time.monotonic() < ends
        camera.tick(time.monotonic())
        time.sleep(0.005)
    return footage, shown


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_a_cameras_ring_plays_the_very_pictures_that_were_analysed(
    tmp_path: Path, codec: Codec
) -> None:
    path = make_clip(tmp_path / "street.mp4", seconds=3, options={"g": "10", "bf": "0"})
    with Simulator([SimulatedCamera(path, codec=codec)]) as street, ExitStack() as stack:
        source = parse_source(street.url(0)).reaching(Reach.HERE)
        settings = CameraSettings(id="street", source=source, ring_seconds=9, ring_bytes=1 << 22)
        camera = Camera(settings, random=Random(1))
        stack.callback(camera.close)
        footage, analysed = recorded(camera, 1.0)
    played = {f.arrived: f.picture.thumbnail() for f in play(footage)}
    found = analysed.keys() & played.keys()
    assert len(found) >= 4
    assert all(np.array_equal(played[came], analysed[came]) for came in found)


# ---------------------------------------------------------------------- hostile packets
@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg", "vp9", "mpeg4", "libdav1d", "rawvideo"])
def test_noise_ends_as_an_error_of_this_playback(codec: str) -> None:
    random = Random(7)
    packets = tuple(StoredPacket(n / 25, True, random.randbytes(400), n / 25) for n in range(20))
    coding = Coding(codec, 320, 180, "yuv420p", random.randbytes(40))
    with pytest.raises(PlaybackFailed) as failed:
        list(play(Footage(coding, packets), camera="gate"))
    assert failed.value.cause in ("damaged", "crashed", "codec")
    assert failed.value.camera == "gate"


def test_damaged_packets_give_the_pictures_that_are_whole(footage: Footage) -> None:
    spoilt = tuple(
        replace(p, data=p.data[:20] + bytes(len(p.data) - 20)) if n in (30, 31) else p
        for n, p in enumerate(footage.packets)
    )
    numbers = [picture_number(f) for f in play(replace(footage, packets=spoilt))]
    assert numbers[:20] == list(range(20))


def test_an_unknown_codec_is_refused_by_name(footage: Footage) -> None:
    coding = replace(footage.coding, codec="svq3")
    with pytest.raises(PlaybackFailed, match="svq3") as failed:
        list(play(replace(footage, coding=coding)))
    assert failed.value.cause == "codec"


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[WorkerProcess]:
    """The workers that playbacks have started."""
    started: list[WorkerProcess] = []

    def start(*given: object) -> WorkerProcess:
        started.append(WorkerProcess(*given))  # type: ignore[arg-type]
        return started[-1]

    monkeypatch.setattr(playback, "WorkerProcess", start)
    return started


def test_it_decodes_without_rights(footage: Footage, workers: list[WorkerProcess]) -> None:
    frames = play(footage)
    next(frames)
    status = Path(f"/proc/{workers[0].pid}/status").read_text()
    frames.close()  # type: ignore[attr-defined]
    assert "Seccomp:\t2\n" in status
    assert "NoNewPrivs:\t1\n" in status


def gone(pid: int | None) -> bool:
    ends = time.monotonic() + WITHIN_S
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > ends:
            return False
        time.sleep(0.005)
    return True


def test_who_looks_no_further_leaves_no_process(
    footage: Footage, workers: list[WorkerProcess]
) -> None:
    for _ in play(footage):
        break
    assert gone(workers[0].pid)


@pytest.mark.parametrize(
    ("harm", "cause"), [(signal.SIGKILL, "crashed"), (signal.SIGSTOP, "stuck")]
)
def test_a_decoder_that_dies_or_hangs_ends_the_playback(
    footage: Footage, workers: list[WorkerProcess], harm: signal.Signals, cause: str
) -> None:
    frames: Iterator[object] = play(footage, stuck_after_s=0.3)
    held = [next(frames)]
    assert workers[0].pid
    os.kill(workers[0].pid, harm)
    with pytest.raises(PlaybackFailed) as failed:
        held += list(frames)
    assert failed.value.cause == cause
    assert gone(workers[0].pid)


Lie = Callable[[socket.socket], object]


def too_many(channel: socket.socket) -> None:
    for n in range(60):
        channel.send(pack(Placed(0, n, 320, 180, float(n), 0.0)))


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda c: c.send(b"Znonsense"), id="a word that is none"),
        pytest.param(lambda c: c.send(pack(Placed(77, 0, 64, 64, 0.0, 0.0))), id="no such slot"),
        pytest.param(too_many, id="more pictures than packets"),
    ],
)
def test_a_worker_that_was_taken_over_is_not_believed(footage: Footage, lie: Lie) -> None:
    kept: list[socket.socket] = []

    class Liar(Nursery):
        def fork(self, channel: socket.socket, memory: int) -> None:
            kept.append(channel.dup())
            lie(kept[-1])

    few = replace(footage, packets=footage.packets[:20])
    with pytest.raises(PlaybackFailed) as failed:
        list(play(few, nursery=Liar()))
    kept.pop().close()
    assert failed.value.cause == "nonsense"


def test_where_no_process_can_be_started_it_says_so(footage: Footage) -> None:
    class Barren(Nursery):
        def fork(self, channel: socket.socket, memory: int) -> None:
            raise OSError("no decoding process can be started")

    with pytest.raises(PlaybackFailed) as failed:
        list(play(footage, nursery=Barren()))
    assert failed.value.cause == "start"


def test_no_descriptor_is_left_open(footage: Footage) -> None:
    list(play(footage, rate_hz=1.0))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        list(play(footage, rate_hz=1.0))
        next(iter(play(footage)))
    assert len(os.listdir("/proc/self/fd")) == before
