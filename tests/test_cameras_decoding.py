"""Only what is wanted is decoded, and what is broken is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.cameras_media import grey, make_clip
from veilleur.cameras import decoding
from veilleur.cameras.decoding import Decoded, Decoder, Mode
from veilleur.cameras.source import Feed, open_feed, parse_source
from veilleur.errors import StreamLost

B_FRAMES = {"bf": "2", "g": "50", "b-adapt": "0"}


@pytest.fixture
def clip(tmp_path: Path) -> Iterator[Feed]:
    """Four seconds, 25 pictures a second, key frames every second, two B-frames between others."""
    path = make_clip(tmp_path / "clip.mp4", seconds=4, options={**B_FRAMES, "g": "25"})
    feed = open_feed(parse_source(str(path)))
    yield feed
    feed.close()


def luma(decoded: Decoded) -> int:
    return round(float(decoded.picture.luma.mean())) - 40


def run(decoder: Decoder, feed: Feed) -> list[Decoded]:
    out = [d for packet in feed.packets() for d in decoder.step(packet)]
    return out + list(decoder.flush())


def test_pictures_nobody_needs_are_not_decoded(clip: Feed) -> None:
    decoder = Decoder(clip.stream, clip.facts, rate_hz=5)
    chosen = run(decoder, clip)
    assert [round(d.time, 2) for d in chosen] == [round(n / 5, 2) for n in range(20)]
    assert [luma(d) for d in chosen] == pytest.approx([5 * n for n in range(20)], abs=1)
    assert decoder.counts.packets == 100
    assert decoder.counts.decoded < 75
    assert decoder.counts.corrupt == 0


def test_at_the_full_rate_every_picture_is_chosen(clip: Feed) -> None:
    decoder = Decoder(clip.stream, clip.facts, rate_hz=25)
    assert [luma(d) for d in run(decoder, clip)] == pytest.approx(list(range(100)), abs=1)


def test_in_a_quiet_scene_only_key_frames_and_at_once(clip: Feed) -> None:
    decoder = Decoder(clip.stream, clip.facts)
    decoder.mode = Mode.KEYFRAMES
    seen = []
    for packet in clip.packets():
        out = list(decoder.step(packet))
        assert len(out) == packet.is_keyframe, "a key frame comes out with its own packet"
        seen += out
    assert [round(d.time, 2) for d in seen] == [0, 1, 2, 3]
    assert all(d.key for d in seen)
    assert decoder.counts.decoded == 4


def test_full_decoding_returns_at_the_next_key_frame(clip: Feed) -> None:
    decoder = Decoder(clip.stream, clip.facts, rate_hz=5)
    times = []
    for n, packet in enumerate(clip.packets()):
        decoder.mode = Mode.KEYFRAMES if n < 30 else Mode.FULL
        times += [round(d.time, 2) for d in decoder.step(packet)]
    times += [round(d.time, 2) for d in decoder.flush()]
    assert times == [0.0, 1.0, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6, 3.8]
    assert decoder.counts.skipped == 48, "all but two of the first fifty packets"


def test_while_nobody_looks_nothing_is_decoded_after_the_first_and_each_loss_is_counted(
    clip: Feed,
) -> None:
    """And full decoding returns at the next key frame, here at three seconds."""
    decoder = Decoder(clip.stream, clip.facts, rate_hz=5)
    times = []
    for n, packet in enumerate(clip.packets()):
        decoder.mode = Mode.NOTHING if n < 60 else Mode.FULL
        times += [round(d.time, 2) for d in decoder.step(packet)]
        if n == 59:
            assert decoder.counts.decoded == 1
            assert not decoder.wants(packet) or packet.is_keyframe
    times += [round(d.time, 2) for d in decoder.flush()]
    assert times == [0.0, 3.0, 3.2, 3.4, 3.6, 3.8]
    assert decoder.counts.unasked == 12, "0.2 to 2.4 s, which came early"


def test_a_film_that_nobody_looks_at_still_says_how_long_it_was(clip: Feed) -> None:
    """A loop begins again after it: also with the counts of the loop before."""
    decoder = Decoder(clip.stream, clip.facts, rate_hz=5)
    decoder.counts.decoded = 9
    decoder.mode = Mode.NOTHING
    for packet in clip.packets():
        list(decoder.step(packet))
    assert decoder.last_s is not None
    assert decoder.last_s > 3.8


def test_wide_pictures_are_scaled_down(clip: Feed) -> None:
    decoder = Decoder(clip.stream, clip.facts, longest=160)
    first = run(decoder, clip)[0].picture
    assert (first.width, first.height) == (160, 90)


def test_without_room_a_picture_is_counted_and_left(clip: Feed) -> None:
    decoder = Decoder(clip.stream, clip.facts, buffer=lambda width, height: None)
    assert run(decoder, clip) == []
    assert decoder.counts.unplaced == 20


def test_the_size_may_change_within_the_stream(tmp_path: Path) -> None:
    path = tmp_path / "clip.h264"
    with path.open("wb") as file:
        for size in ((320, 180), (160, 90)):
            encoder = av.CodecContext.create("libx264", "w")
            encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
            encoder.time_base = Fraction(1, 25)
            for n in range(25):
                frame = grey(100, size)
                frame.pts = n
                file.write(b"".join(bytes(p) for p in encoder.encode(frame)))
            file.write(b"".join(bytes(p) for p in encoder.encode(None)))
    feed = open_feed(parse_source(str(path)))
    pictures = [d.picture for d in run(Decoder(feed.stream, feed.facts), feed)]
    feed.close()
    assert [p.width for p in pictures] == sorted((p.width for p in pictures), reverse=True)
    assert {(p.width, p.height) for p in pictures} == {(320, 180), (160, 90)}
    assert all(abs(float(p.luma.mean()) - 100) < 2 for p in pictures)


def test_broken_packets_are_counted_and_the_rest_is_seen(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.ts", seconds=4, options={"g": "10", "bf": "0"})
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 3, len(content) // 2, 101):
        content[at] ^= 0xFF
    path.write_bytes(content)
    feed = open_feed(parse_source(str(path)))
    decoder = Decoder(feed.stream, feed.facts)
    chosen = run(decoder, feed)
    feed.close()
    assert decoder.counts.corrupt > 0
    assert chosen[0].time == 0.0
    assert abs(luma(chosen[-1]) - 95) <= 5, "the end of the clip is seen as it is"


def test_a_live_stream_without_key_frames_has_a_name(clip: Feed) -> None:
    decoder = Decoder(clip.stream, replace(clip.facts, live=True))
    packets = iter([p for p in clip.packets() if not p.is_keyframe])
    for second in range(int(decoding.NO_KEY_FRAME_S) + 1):
        assert list(decoder.step(next(packets), arrived=float(second))) == []
    with pytest.raises(StreamLost) as caught:
        list(decoder.step(next(packets), arrived=decoding.NO_KEY_FRAME_S + 1))
    assert caught.value.cause == "keyframe"
    assert decoder.counts.chosen == 0
