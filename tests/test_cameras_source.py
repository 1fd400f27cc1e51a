"""Addresses as people type them, and what is opened behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream
from hypothesis import given
from hypothesis import strategies as st

from tests.cameras_media import grey, make_clip
from veilleur.cameras.source import (
    Feed,
    Kind,
    Secret,
    _location,
    open_feed,
    parse_source,
)
from veilleur.errors import CameraRefused, ConfigurationError


@contextmanager
def opened(path: Path) -> Iterator[Feed]:
    feed = open_feed(parse_source(str(path)))
    try:
        yield feed
    finally:
        feed.close()


@pytest.mark.parametrize(
    ("text", "address", "user", "password"),
    [
        ("rtsp://10.0.0.5/live", "rtsp://10.0.0.5/live", "", ""),
        ("rtsp://u:p@10.0.0.5:554/live", "rtsp://10.0.0.5:554/live", "u", "p"),
        ("rtsps://u:p@cam.lan/live?ch=1", "rtsps://cam.lan/live?ch=1", "u", "p"),
        ("RTSP://u:@cam:554", "rtsp://cam:554", "u", ""),
        (
            "rtsp://user:p@ss:/?#%&^! é@10.0.0.5:554/live",
            "rtsp://10.0.0.5:554/live",
            "user",
            "p@ss:/?#%&^! é",
        ),
        ("rtsp://u:%41@cam.lan/a", "rtsp://cam.lan/a", "u", "%41"),
        ("rtsp://u:p@10.0.0.5/stream@main", "rtsp://10.0.0.5/stream@main", "u", "p"),
        ("rtsp://u:1/2@cam/live", "rtsp://cam/live", "u", "1/2"),
        ("rtsp://cam.lan/stream@main", "rtsp://cam.lan/stream@main", "", ""),
        ("rtsp://10.0.0.5:8554/stream@main", "rtsp://10.0.0.5:8554/stream@main", "", ""),
        ("rtsp://u:p@[fe80::1]:554/x", "rtsp://[fe80::1]:554/x", "u", "p"),
    ],
)
def test_an_address_is_taken_apart(text: str, address: str, user: str, password: str) -> None:
    source = parse_source(text)
    assert source.kind is Kind.RTSP
    assert (source.address, source.user, source.password.reveal()) == (address, user, password)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_password_may_hold_any_character(password: str) -> None:
    source = parse_source(f"rtsp://admin:{password}@10.0.0.5:554/live")
    assert source.password.reveal() == password
    assert source.address == "rtsp://10.0.0.5:554/live"


@given(st.text().map(lambda text: f"§{text}"))
def test_a_password_is_never_shown(password: str) -> None:
    source = parse_source("rtsp://cam.lan/live").signed_in("admin", password)
    for shown in (repr(source), str(source), repr(source.password), f"{source.password}"):
        assert "§" not in shown


def test_ffmpeg_gets_the_credentials_percent_encoded() -> None:
    source = parse_source("rtsp://u:p@ss:/?#é@10.0.0.5/live")
    assert _location(source) == "rtsp://u:p%40ss%3A%2F%3F%23%C3%A9@10.0.0.5/live"
    with pytest.raises(ConfigurationError, match="longer"):
        _location(source.signed_in(None, "é" * 30))


@pytest.mark.parametrize(
    "text",
    [
        "http://cam/video.mp4",
        "concat:a.mp4|b.mp4",
        "rtmp://cam/live",
        "rtsp://",
        "rtsp://:554/live",
        "rtsp://u:p@:554/live",
        "rtsp://cam:99999/live",
        "/no/such/file.mp4",
        "/dev/zero",
        "",
        "a\0b",
    ],
)
def test_anything_else_is_a_mistake_that_says_what_to_do(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_source(text)
    assert caught.value.remedy
    assert caught.value.setting == "source"


def test_a_local_camera_and_a_file(tmp_path: Path) -> None:
    assert parse_source("/dev/video0").kind is Kind.LOCAL
    (tmp_path / "gate 1.mp4").write_bytes(b"x")
    source = parse_source("gate 1.mp4", folder=tmp_path)
    assert source.kind is Kind.FILE
    assert not source.live
    assert source.suggested_id == "gate-1"
    assert (parse_source("rtsp://cam.lan/x").port, parse_source("rtsps://cam.lan").port) == (
        554,
        322,
    )
    assert parse_source("rtsp://cam.lan/x").at("10.0.0.9").address == "rtsp://10.0.0.9:554/x"


def clip_with_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        audio = container.add_stream("aac", rate=8000)
        assert isinstance(video, VideoStream)
        assert isinstance(audio, AudioStream)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for n in range(10):
            frame = grey(100, (64, 48))
            frame.pts, frame.time_base = n, Fraction(1, 10)
            container.mux(video.encode(frame))
            sound = av.AudioFrame.from_ndarray(
                np.full((1, 800), 0.1, np.float32), format="fltp", layout="mono"
            )
            sound.sample_rate, sound.pts, sound.time_base = 8000, n * 800, Fraction(1, 8000)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def test_no_sound_is_ever_read(tmp_path: Path) -> None:
    with opened(clip_with_sound(tmp_path / "clip.mp4")) as feed:
        container = feed.stream.container
        kinds = [s.type for s in container.streams if s.discard != Discard.all]
        assert kinds == ["video"]
        assert [s.codec_context.is_open for s in container.streams.audio] == [False]
        assert isinstance(container, InputContainer)
        packets = [p.stream.type for p in container.demux() if p.size]
        assert packets.count("video") == 10
        # Finding the streams looks at one; all others never leave the demuxer.
        assert packets.count("audio") <= 1


def test_only_video_comes_out_of_a_feed(tmp_path: Path) -> None:
    with opened(clip_with_sound(tmp_path / "clip.mp4")) as feed:
        assert {p.stream.type for p in feed.packets()} == {"video"}


@pytest.mark.parametrize(
    "content", [b"", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", b"ffconcat version 1.0\nfile x\n"]
)
def test_only_containers_of_video_are_opened(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(CameraRefused) as caught, opened(tmp_path / "clip.mp4"):
        pass
    assert caught.value.cause == "codec"


def test_a_file_cannot_name_other_files(tmp_path: Path) -> None:
    make_clip(tmp_path / "neighbour.mp4")
    (tmp_path / "clip.mp4").write_text("ffconcat version 1.0\nfile neighbour.mp4\n")
    with pytest.raises(CameraRefused) as caught, opened(tmp_path / "clip.mp4"):
        pass
    assert caught.value.cause == "codec"


def test_a_codec_that_is_not_decoded_here_is_refused(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", codec="ffv1")
    with pytest.raises(CameraRefused) as caught, opened(clip):
        pass
    assert caught.value.cause == "codec"


def test_a_secret_is_true_when_it_holds_something() -> None:
    assert not Secret("")
    assert Secret("x")
