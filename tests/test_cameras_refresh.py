"""What comes before a picture with which all begins anew is left out; nothing that is needed is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cameras_media import make_clip
from veilleur.cameras.decoding import Counts, Decoder, Mode
from veilleur.cameras.refresh import begins_anew
from veilleur.cameras.source import open_feed, parse_source

X264 = {"bf": "0", "g": "20", "sc_threshold": "0"}
X265 = {"x265-params": "bframes=0:keyint=20:scenecut=0:open-gop=0:log-level=none"}


def analysed(path: Path) -> tuple[list[int], Counts]:
    """Grey levels of the pictures at 5 a second, which count up by 5 where all is well."""
    feed = open_feed(parse_source(str(path)))
    decoder = Decoder(feed.stream, feed.facts, rate_hz=5)
    chosen = [d for packet in feed.packets() for d in decoder.step(packet)]
    chosen += decoder.flush()
    feed.close()
    return [round(float(d.picture.luma.mean())) - 40 for d in chosen], decoder.counts


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        pytest.param("clip.mp4", "libx264", X264, id="H.264, lengths"),
        pytest.param("clip.ts", "libx264", X264, id="H.264, start codes"),
        pytest.param("clip.mp4", "libx265", X265, id="H.265, lengths"),
        pytest.param("clip.ts", "libx265", X265, id="H.265, start codes"),
    ],
)
def test_the_end_of_a_group_is_not_decoded(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    path = make_clip(tmp_path / name, codec=codec, seconds=4, options=options)
    seen, counts = analysed(path)
    assert seen == pytest.approx(list(range(0, 100, 5)), abs=1)
    assert counts.skipped == 16, "four pictures before each of four key frames"
    assert counts.decoded == 84


def test_of_pictures_that_stand_alone_only_the_wanted_are_decoded(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.avi", codec="mjpeg", layout="yuvj420p", seconds=4)
    seen, counts = analysed(path)
    assert len(seen) == 20
    assert seen == sorted(seen)
    assert counts.decoded <= 25


def test_where_a_key_frame_promises_nothing_all_is_decoded(tmp_path: Path) -> None:
    """Intra refresh: a recovery point is no new beginning."""
    options = {**X264, "x264-params": "intra-refresh=1"}
    seen, counts = analysed(make_clip(tmp_path / "clip.ts", seconds=4, options=options))
    assert seen == pytest.approx(list(range(0, 100, 5)), abs=1)
    assert counts.decoded == 100


@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_a_packet_that_is_not_wanted_may_come_early(tmp_path: Path, b_frames: str) -> None:
    """Nothing is decoded with it, in either mode."""
    path = make_clip(tmp_path / "clip.mp4", seconds=4, options={**X264, "bf": b_frames})
    feed = open_feed(parse_source(str(path)))
    decoder = Decoder(feed.stream, feed.facts, rate_hz=5)
    wanted = 0
    for n, packet in enumerate(feed.packets()):
        decoder.mode = Mode.KEYFRAMES if 30 <= n < 60 else Mode.FULL
        before, wants = decoder.counts.decoded, decoder.wants(packet)
        seen = list(decoder.step(packet))
        wanted += wants
        if not wants:
            assert (seen, decoder.counts.decoded) == ([], before)
    feed.close()
    assert 2 <= wanted <= (20 if b_frames == "0" else 100)


def test_where_a_wanted_picture_comes_out_late_nothing_waits(tmp_path: Path) -> None:
    """B-frames: each packet is decoded as it comes."""
    path = make_clip(tmp_path / "clip.mp4", seconds=4, options={**X264, "bf": "2"})
    feed = open_feed(parse_source(str(path)))
    decoder = Decoder(feed.stream, feed.facts, rate_hz=5)
    fed = [(d.time, packet.dts) for packet in feed.packets() for d in decoder.step(packet)]
    behind = [float(dts or 0) * feed.facts.time_base_s - time for time, dts in fed]
    feed.close()
    assert max(behind) < 0.15


@pytest.mark.parametrize(
    "packet", [b"", b"\0\0", b"\0\0\1", b"\0\0\0\0", b"\0\0\1\x67", b"\xff" * 9]
)
@pytest.mark.parametrize("extradata", [None, b"", b"\1", b"\1\x64\0\x1f\xff", b"\0\0\0\1\x67"])
@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9"])
def test_what_cannot_be_told_promises_nothing(
    codec: str, extradata: bytes | None, packet: bytes
) -> None:
    assert not begins_anew(codec, extradata, packet)
