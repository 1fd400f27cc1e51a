"""A clip replayed: every wanted picture, in its time, the same each time."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from tests.cameras_media import make_clip, picture_number
from veilleur.cameras.replay import replay
from veilleur.errors import CameraError, CameraRefused, ConfigurationError


def test_five_pictures_a_second_are_chosen_of_twenty_five(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=2.0)
    frames = list(replay(clip, camera="gate"))
    assert [round(f.time, 3) for f in frames] == [round(n / 5, 3) for n in range(10)]
    assert [f.sequence for f in frames] == list(range(10))
    assert all(abs(picture_number(f) - 5 * f.sequence) <= 1 for f in frames)


@pytest.mark.parametrize(
    ("name", "codec", "layout", "rate"),
    [
        ("clip.mp4", "libx265", "yuv420p", 25),
        ("clip.avi", "mpeg4", "yuv420p", 25),
        ("clip.avi", "mjpeg", "yuvj420p", 25),
        ("clip.mkv", "libx264", "yuv444p", 25),
        ("clip.mp4", "libx264", "yuv420p10le", 25),
        ("clip.gif", "gif", "rgb8", 10),
    ],
)
def test_other_codecs_and_pixel_layouts_show_the_same(
    tmp_path: Path, name: str, codec: str, layout: str, rate: int
) -> None:
    options = {"x265-params": "log-level=none"} if codec == "libx265" else None
    clip = make_clip(tmp_path / name, codec=codec, layout=layout, rate=rate, options=options)
    frames = list(replay(clip, camera="gate"))
    assert len(frames) == 10
    brightness = [float(f.picture.bgr(64, 36).mean()) for f in frames]
    assert brightness == sorted(brightness)
    wanted = (40 + 9 * rate / 5 - 16) * 255 / 219
    assert abs(brightness[-1] - wanted) < (20 if codec == "gif" else 4)


def test_a_clip_slower_than_the_rate_gives_every_picture(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", rate=1, seconds=8)
    assert [f.time for f in replay(clip, camera="gate")] == [float(n) for n in range(8)]


def test_time_counts_from_the_first_picture(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.ts", start=43)
    assert next(iter(replay(clip, camera="gate"))).time == 0.0


def test_odd_sizes_become_even(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.gif", codec="gif", layout="rgb8", rate=10, size=(63, 45))
    frame = next(iter(replay(clip, camera="gate")))
    assert (frame.picture.width, frame.picture.height) == (62, 44)


def test_the_last_picture_is_held(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=1.0)
    frames = list(replay(clip, camera="gate", hold_last_s=1.0))
    assert [round(f.time, 3) for f in frames] == [round(n / 5, 3) for n in range(10)]
    assert all(f.picture is frames[4].picture and f.activity.moved == 0.0 for f in frames[5:])


def test_two_runs_are_identical(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    one, two = (list(replay(clip, camera="gate", rate_hz=7)) for _ in range(2))
    assert [f.time for f in one] == [f.time for f in two]
    assert all(
        np.array_equal(a.picture.data, b.picture.data) for a, b in zip(one, two, strict=True)
    )


def test_masks_are_burnt_into_every_plane(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    left_half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    for frame in replay(clip, camera="gate", masks=[left_half]):
        assert (frame.picture.luma[:, :160] == 16).all()
        assert (frame.picture.luma[:, 164:] > 30).all()


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "clip.mp4"
    text.write_text("this is a letter\n" * 100)
    with pytest.raises(CameraRefused) as caught:
        list(replay(text, camera="gate"))
    assert caught.value.cause == "codec"
    with pytest.raises(ConfigurationError):
        list(replay(tmp_path / "absent.mp4", camera="gate"))


def test_a_truncated_clip_gives_what_is_left(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.ts", seconds=4.0, options={"g": "10"})
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    frames = list(replay(clip, camera="gate"))
    assert 5 <= len(frames) <= 15


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_clip_gives_pictures_or_a_named_error(tmp_path: Path, seed: int) -> None:
    dice = Random(seed)
    name, codec = dice.choice([("a.mp4", "libx264"), ("a.ts", "libx264"), ("a.avi", "mpeg4")])
    clip = make_clip(tmp_path / name, codec=codec, seconds=1, size=(96, 64))
    content = bytearray(clip.read_bytes())
    if dice.random() < 0.3:
        del content[dice.randrange(len(content)) :]
    for _ in range(dice.randrange(1, 60)):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    clip.write_bytes(content)
    times: list[float] = []
    cause = ""
    try:
        times += [frame.time for frame in replay(clip, camera="gate")]
    except CameraError as error:
        cause = error.cause
    assert cause in ("", "codec", "garbage")
    assert times == sorted(set(times))


def test_clips_whose_stamps_step_back_keep_their_rate(data: Path) -> None:
    for name in (
        "wrong_way/bgs_oneway_toward.avi",
        "forbidden_zone/warehouse_overhead_walkers.mp4",
    ):
        times = [f.time for f in replay(data / name, camera="road")]
        steps = np.diff(times)
        assert steps.min() > 0.1
        assert steps.max() < 0.3
