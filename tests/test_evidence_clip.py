"""A clip in which nobody can be recognised, between analysed pictures too, that a browser plays."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tests.cameras_media import make_clip
from tests.evidence_media import (
    CAME,
    WALK_SIZE,
    Recorded,
    detail,
    footage_of,
    look_at,
    make_walk,
    walker_at,
)
from veilleur.cameras.ring import Coding, Footage
from veilleur.errors import EvidenceFailed, PlaybackFailed
from veilleur.evidence import clip as module
from veilleur.evidence.clip import Clip, ClipMaker
from veilleur.evidence.course import Course
from veilleur.geometry import ImageArray

WALL = (0, 330, 640, 360)
LOOKS = [look_at(n / 5) for n in range(21)]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return Recorded(footage_of(make_walk(tmp_path_factory.mktemp("walk") / "walk.mp4")))


def pictures(clip: Clip) -> list[tuple[float, ImageArray]]:
    """Time and luma of each picture."""
    with av.open(io.BytesIO(clip.content), "r") as container:
        return [
            (float(frame.time or 0.0), frame.to_ndarray()[: frame.height].astype(np.uint8))
            for frame in container.decode(video=0)
        ]


def made(recorded: Recorded, looks: list[object], since: float = 0.0, until: float = 4.0) -> Clip:
    maker = ClipMaker(CAME + since)
    maker.add(recorded, looks, CAME + until)  # type: ignore[arg-type]
    return maker.finish()


def test_a_walker_is_coarse_in_every_picture_and_the_wall_is_not(walk: Recorded) -> None:
    shown = pictures(made(walk, [*LOOKS]))
    assert len(shown) >= 4 * 12
    for time, luma in shown[1:]:
        assert detail(luma, walker_at(time)) < 12, f"at {time:.2f} s"
        assert detail(luma, WALL) > 60


def test_a_walker_whom_the_detector_never_saw_is_coarse_because_it_moves(walk: Recorded) -> None:
    blindly = [look_at(n / 5, seen=False) for n in range(21)]
    for time, luma in pictures(made(walk, [*blindly]))[1:]:
        assert detail(luma, walker_at(time)) < 25, f"at {time:.2f} s"


def test_where_nobody_looked_all_of_the_picture_is_coarse(walk: Recorded) -> None:
    early = [look for look in LOOKS if look.host_s <= CAME + 1.0]
    for time, luma in pictures(made(walk, [*early])):
        if time > 1.3:
            assert detail(luma, WALL) < 25, f"at {time:.2f} s"


def test_where_the_camera_was_blind_all_of_it_is_coarse(walk: Recorded) -> None:
    blind = [look_at(n / 5, blind="dark") for n in range(21)]
    assert all(detail(luma, WALL) < 25 for _, luma in pictures(made(walk, [*blind])))


def test_it_is_h264_in_mp4_with_its_index_first(walk: Recorded) -> None:
    clip = made(walk, [*LOOKS])
    assert clip.content[4:8] == b"ftyp"
    assert clip.content.index(b"moov") < clip.content.index(b"mdat")
    with av.open(io.BytesIO(clip.content), "r") as container:
        assert len(container.streams) == 1
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == WALK_SIZE
        assert container.duration == pytest.approx(4e6, abs=0.2e6)


def test_it_begins_before_the_second_it_is_wanted_from(walk: Recorded) -> None:
    clip = made(walk, [*LOOKS], since=1.5, until=3.0)
    assert CAME + 1.2 <= clip.began_s <= CAME + 1.5
    assert clip.ended_s == pytest.approx(CAME + 3.0, abs=0.05)
    assert clip.pictures == len(pictures(clip))


def test_piece_by_piece_it_becomes_the_same_clip(walk: Recorded) -> None:
    """While an incident goes on only its newest seconds are left to do."""
    maker = ClipMaker(CAME + 0.5)
    for until in (1.3, 2.1, 2.1, 3.5):
        so_far = replace(walk, footage=walk.footage.between(0.0, CAME + until))
        maker.add(so_far, LOOKS, CAME + until)
    pieces, whole = maker.finish(), made(walk, [*LOOKS], since=0.5, until=3.5)
    times = [time for time, _ in pictures(pieces)]
    assert times == [time for time, _ in pictures(whole)]
    assert (pieces.began_s, pieces.ended_s) == (whole.began_s, whole.ended_s)
    assert times == sorted(set(times))


def test_where_the_camera_was_away_time_goes_on(walk: Recorded) -> None:
    maker = ClipMaker(CAME)
    maker.add(replace(walk, footage=walk.footage.between(0, CAME + 0.9)), LOOKS, CAME + 0.9)
    later = replace(walk, footage=walk.footage.between(CAME + 3.0, CAME + 4.0))
    maker.add(later, LOOKS, CAME + 4.0)
    times = [time for time, _ in pictures(maker.finish())]
    assert times[-1] == pytest.approx(3.96, abs=0.05)
    assert max(np.diff(times)) > 2.0


def test_a_large_picture_becomes_a_clip_1280_wide(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "large.mp4", size=(1920, 1080), seconds=0.4)
    with av.open(io.BytesIO(made(Recorded(footage_of(path)), []).content)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (1280, 720)


def test_privacy_masks_are_in_it(walk: Recorded) -> None:
    masked = replace(walk, masks=(((0.0, 0.9), (1.0, 0.9), (1.0, 1.0), (0.0, 1.0)),))
    for _, luma in pictures(made(masked, [*LOOKS])):
        assert luma[332:].max() < 30


def test_no_picture_of_that_time_is_said_by_name(walk: Recorded) -> None:
    with pytest.raises(EvidenceFailed) as failed:
        made(walk, [*LOOKS], since=60.0, until=70.0)
    assert failed.value.cause == "empty"
    with pytest.raises(EvidenceFailed):
        made(Recorded(Footage(Coding("h264"))), [])


def test_damaged_packets_are_an_error_and_what_came_before_stays(walk: Recorded) -> None:
    maker = ClipMaker(CAME)
    maker.add(replace(walk, footage=walk.footage.between(0, CAME + 1)), LOOKS, CAME + 1)
    spoilt = tuple(replace(p, data=bytes(50), time=p.time + 9) for p in walk.footage.packets)
    with pytest.raises(PlaybackFailed):
        maker.add(Recorded(replace(walk.footage, packets=spoilt)), LOOKS, CAME + 13)
    assert len(pictures(maker.finish())) >= 10


def test_without_an_encoder_it_says_what_to_install(
    walk: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENCODERS", ("none_such",))
    with pytest.raises(EvidenceFailed) as failed:
        made(walk, [*LOOKS])
    assert failed.value.cause == "encoder"


# ---------------------------------------------------------------------- between two looks
def covered(course: Course, seconds: float) -> bool:
    """Is the walker within one of the boxes?"""
    hidden = course.hidden(CAME + seconds)
    at = np.array(walker_at(seconds)) / (*WALK_SIZE, *WALK_SIZE)
    people = hidden.people
    inside = (people[:, :2] <= at[:2] + 0.02).all(1) & (people[:, 2:] >= at[2:] - 0.02).all(1)
    return bool(inside.any()) or hidden.unknown


def test_the_way_from_one_look_to_the_next_is_covered() -> None:
    course = Course([look_at(n) for n in range(4)])
    assert all(covered(course, n / 20) for n in range(60))


def test_somebody_missed_in_one_look_stays_covered_where_they_were() -> None:
    course = Course([look_at(0.0), look_at(0.2, seen=False), look_at(0.4)])
    assert len(course.hidden(CAME + 0.2).people) > 0
    assert len(course.hidden(CAME + 0.1).people) > 0


@pytest.mark.parametrize("at", [-0.3, 1.3, 2.5])
def test_beyond_the_looks_and_in_a_long_gap_nothing_is_known(at: float) -> None:
    course = Course([look_at(0.0), look_at(1.0), look_at(6.0)])
    assert course.hidden(CAME + at).unknown
    assert Course([]).hidden(CAME).unknown
