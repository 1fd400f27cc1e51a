"""Pictures are seen as every player shows them, whatever way round they are stored."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import av
import numpy as np
import pytest

from tests.cameras_media import QUARTERS, make_clip, make_turned, saying_so_itself
from veilleur.cameras.camera import Camera, CameraSettings, Pace, State
from veilleur.cameras.describing import describe_apart
from veilleur.cameras.frame import Frame
from veilleur.cameras.picture import Picture
from veilleur.cameras.playback import play
from veilleur.cameras.replay import replay
from veilleur.cameras.ring import Footage
from veilleur.cameras.source import Reach, open_feed, parse_source
from veilleur.cameras.turn import Turn, Turns
from veilleur.errors import CameraRefused
from veilleur.simulation.simulator import SimulatedCamera, Simulator

WITHIN_S = 20.0
PHONE = (0.0, 1.0, -1.0, 0.0)
"""A phone held upright: its pictures are shown turned clockwise by 90 degrees."""
MATRICES = {
    "as it is": (1.0, 0.0, 0.0, 1.0),
    "by 90": PHONE,
    "by 180": (-1.0, 0.0, 0.0, -1.0),
    "by 270": (0.0, -1.0, 1.0, 0.0),
    "mirrored": (-1.0, 0.0, 0.0, 1.0),
    "upside down": (1.0, 0.0, 0.0, -1.0),
    "by 90, mirrored": (0.0, 1.0, 1.0, 0.0),
    "by 270, mirrored": (0.0, -1.0, -1.0, 0.0),
    "by 90, twice as large": (0.0, 2.0, -2.0, 0.0),
    "no extent": (0.0, 0.0, 0.0, 0.0),
}
UPPER_LEFT = ((0.0, 0.0), (0.4, 0.0), (0.4, 0.4), (0.0, 0.4))


def slanted(degrees: float) -> tuple[float, float, float, float]:
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return cosine, sine, -sine, cosine


def levels(picture: Picture) -> dict[str, list[int]]:
    """The four quarters' levels in each plane, row by row, as they are shown."""
    planes = {"Y": picture.luma, "U": picture.chroma[0], "V": picture.chroma[1]}
    return {
        name: [
            round(float(part.mean()))
            for row in np.split(plane, 2)
            for part in np.split(row, 2, axis=1)
        ]
        for name, plane in planes.items()
    }


def shown_by_a_player(matrix: tuple[float, float, float, float]) -> list[int]:
    """The same of luma, worked out corner by corner."""
    a, b, c, d = matrix if any(matrix) else MATRICES["as it is"]
    shown = {(a * x + c * y, b * x + d * y): level for (x, y), level in QUARTERS.items()}
    ordered = sorted(shown, key=lambda place: (round(place[1], 3), round(place[0], 3)))
    return [shown[place] for place in ordered]


@pytest.mark.parametrize("name", MATRICES)
def test_every_plane_is_turned_as_the_container_says(tmp_path: Path, name: str) -> None:
    path = make_turned(tmp_path / "clip.mp4", MATRICES[name], seconds=0.4)
    frame = next(iter(replay(path, camera="gate")))
    luma = shown_by_a_player(MATRICES[name])
    seen = levels(frame.picture)
    assert seen["Y"] == pytest.approx(luma, abs=2)
    assert seen["U"] == pytest.approx(luma, abs=2)
    assert seen["V"] == pytest.approx([255 - level for level in luma], abs=2)
    lying = name.startswith(("by 90", "by 270"))
    size = (180, 320) if lying else (320, 180)
    assert (frame.picture.width, frame.picture.height) == size
    feed = open_feed(parse_source(str(path)))
    feed.close()
    assert (feed.facts.width, feed.facts.height) == size


def test_a_turn_is_told_by_a_number_and_by_no_other() -> None:
    assert [Turn.of(code).code for code in range(8)] == list(range(8))
    with pytest.raises(ValueError, match="8"):
        Turn.of(8)


def test_large_turned_pictures_fit_where_others_do(tmp_path: Path) -> None:
    path = make_turned(tmp_path / "clip.mp4", PHONE, size=(2560, 1440), seconds=0.2)
    picture = next(iter(replay(path, camera="gate"))).picture
    assert (picture.width, picture.height) == (1080, 1920)
    upright = make_clip(tmp_path / "high.mp4", size=(1440, 2560), seconds=0.2)
    picture = next(iter(replay(upright, camera="gate"))).picture
    assert (picture.width, picture.height) == (1080, 1920)


def test_masks_and_thumbnails_belong_to_the_turned_picture(tmp_path: Path) -> None:
    path = make_turned(tmp_path / "clip.mp4", PHONE, seconds=0.4)
    picture = next(iter(replay(path, camera="gate", masks=[UPPER_LEFT]))).picture
    assert (picture.luma[:120, :70] == 16).all()
    assert (picture.luma[132:, 74:] > 40).all()
    assert picture.thumbnail().shape == (284, 160)


# ---------------------------------------------------------------------- the message in the stream
@pytest.fixture
def telling(tmp_path: Path) -> Path:
    """A raw stream that says itself, first that it is turned by 90 degrees, then that by 0."""
    clip = make_turned(tmp_path / "clip.mp4", MATRICES["as it is"])
    first = saying_so_itself(tmp_path / "first.h264", clip, 90)
    then = saying_so_itself(tmp_path / "then.h264", clip, 0)
    both = tmp_path / "both.h264"
    both.write_bytes(first.read_bytes() + then.read_bytes())
    return both


def test_pictures_that_say_it_themselves_are_turned_one_by_one(telling: Path) -> None:
    frames = list(replay(telling, camera="gate"))
    assert levels(frames[2].picture)["Y"] == pytest.approx(shown_by_a_player(PHONE), abs=2)
    assert levels(frames[-2].picture)["Y"] == pytest.approx(list(QUARTERS.values()), abs=2)
    assert (frames[2].picture.width, frames[-2].picture.width) == (180, 320)


# ---------------------------------------------------------------------- a running camera
@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def running(stack: ExitStack, path: Path) -> Camera:
    settings = CameraSettings(
        id="gate",
        source=parse_source(str(path)),
        masks=(UPPER_LEFT,),
        pace=Pace.FAST,
        ring_seconds=9,
        ring_bytes=1 << 22,
    )
    camera = Camera(settings, random=Random(1))
    stack.callback(camera.close)
    return camera


def recorded(camera: Camera, seconds: float) -> tuple[list[Frame], Footage]:
    """What a camera showed, and its ring after so many seconds of its stream."""
    ends, last = time.monotonic() + WITHIN_S, 0.0
    frames: list[Frame] = []
    while last < seconds:
        assert time.monotonic() < ends, (camera.state, camera.cause)
        if frame := camera.read(time.monotonic()):
            last = frame.time
            data = frame.picture.data.copy()
            frames.append(Frame("gate", frame.sequence, last, Picture(data), frame.arrived))
    assert camera.request_ring()
    while (footage := camera.take_ring()) is None:
        assert time.monotonic() < ends
        camera.tick(time.monotonic())
    return frames, footage


@pytest.mark.parametrize("kind", ["container", "message"])
def test_live_and_in_evidence_pictures_are_turned_alike(
    tmp_path: Path, stack: ExitStack, telling: Path, kind: str
) -> None:
    path = make_turned(tmp_path / "turned.mp4", PHONE) if kind == "container" else telling
    frames, footage = recorded(running(stack, path), 1.0 if kind == "container" else 2.6)
    expected = [f.picture.data for f in replay(path, camera="gate", masks=[UPPER_LEFT])]
    for frame in frames:
        assert np.array_equal(frame.picture.data, expected[frame.sequence])
    again = {f.arrived: f.picture.data.copy() for f in play(footage, masks=[UPPER_LEFT])}
    found = [frame for frame in frames if frame.arrived in again]
    assert found == frames
    assert all(np.array_equal(again[f.arrived], f.picture.data) for f in found)
    assert {f.picture.width for f in found} == ({180} if kind == "container" else {180, 320})


def test_a_camera_is_told_with_the_size_it_is_shown_at(tmp_path: Path, stack: ExitStack) -> None:
    path = make_turned(tmp_path / "clip.mp4", PHONE)
    told = describe_apart(parse_source(str(path)), 1.0)
    assert (told.width, told.height) == (180, 320)
    camera = running(stack, path)
    recorded(camera, 0.2)
    assert camera.facts is not None
    assert (camera.facts.width, camera.facts.height) == (180, 320)


def test_a_live_stream_that_says_itself_how_it_is_turned_is_described_so(telling: Path) -> None:
    with Simulator([SimulatedCamera(telling)]) as street:
        source = parse_source(street.url(0)).reaching(Reach.HERE)
        told = describe_apart(source, 0.5)
    assert (told.width, told.height) == (180, 320)


# ---------------------------------------------------------------------- odd angles
def test_an_odd_angle_is_refused_in_clear_words(tmp_path: Path, stack: ExitStack) -> None:
    path = make_turned(tmp_path / "clip.mp4", slanted(30), seconds=0.4)
    with pytest.raises(CameraRefused, match="turned by 30 degrees") as caught:
        next(iter(replay(path, camera="gate")))
    assert caught.value.cause == "turned"
    camera, ends = running(stack, path), time.monotonic() + WITHIN_S
    while camera.state is not State.REFUSED:
        assert time.monotonic() < ends, camera.state
        camera.read(time.monotonic())
    assert "turned by 30 degrees" in camera.cause


def test_a_right_angle_may_be_rounded(tmp_path: Path) -> None:
    path = make_turned(tmp_path / "clip.mp4", slanted(90.4), seconds=0.4)
    assert next(iter(replay(path, camera="gate"))).picture.width == 180


def test_pictures_that_say_nothing_do_not_wait_for_pythons_collector() -> None:
    """PyAV's side data and its picture hold each other: asked of each, they would pile up."""
    turns = Turns(None)
    pictures = [av.VideoFrame(64, 48, "yuv420p") for _ in range(50)]
    ours = {id(picture) for picture in pictures}  # a process that ran other tests has others
    gc.collect()
    gc.disable()
    try:
        for picture in pictures:
            turns.of(picture)
        del pictures, picture
        waiting = [
            one for one in gc.get_objects() if isinstance(one, av.VideoFrame) and id(one) in ours
        ]
    finally:
        gc.enable()
    assert len(waiting) <= 1
