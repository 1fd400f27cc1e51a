"""A file as a camera would send it: coded pictures, ready to be sent for ever.

H.264 and H.265 are taken as they are, never coded again; anything else (and whatever a fault
needs: another size, a frozen or dark picture) is coded once at the start, as cameras code: no
B-frames, a key frame every two seconds. All payloads are made here, once, and shared between all
loops, cameras and viewers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import av.container
import av.video.frame
import av.video.stream
import numpy as np
from av.bitstream import BitStreamFilterContext

from veilleur.errors import ConfigurationError
from veilleur.simulation import rtp
from veilleur.simulation.rtp import Codec

KEY_INTERVAL_S = 2.0
VARIANT_S = 4.0
"""How much of a file is coded again for a fault that changes the picture; it then repeats."""

LARGEST_FILE = 1 << 30
"""Bytes. A file is held in memory while it is served."""

_ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265"}
_FILTERS = {Codec.H264: "h264_mp4toannexb", Codec.H265: "hevc_mp4toannexb"}
_CODECS = {"h264": Codec.H264, "hevc": Codec.H265}

Repaint = Callable[[av.video.frame.VideoFrame], av.video.frame.VideoFrame]


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture.

    captured_s, sent_s: seconds from the start of the loop at which a camera would have captured it
    and sends it; later where B-frames are sent out of order. parameters: payloads of the parameter
    sets, before a key picture. payloads: the picture's own, the last with the marker bit.
    """

    captured_s: float
    sent_s: float
    key: bool
    parameters: tuple[bytes, ...]
    payloads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Media:
    """What one camera sends, once around. `period_s` later it starts again with units[0], a key."""

    codec: Codec
    width: int
    height: int
    rate: float
    period_s: float
    parameter_sets: tuple[bytes, ...]
    units: tuple[AccessUnit, ...]


@dataclass(frozen=True, slots=True)
class _Coded:
    """A packet before it is cut: Annex B bytes and its times in seconds."""

    data: bytes
    key: bool
    pts_s: float
    dts_s: float


def load(path: Path, codec: Codec | None = None) -> Media:
    """The file, made ready. codec: None keeps H.264 and H.265, and makes H.264 of anything else.

    Raises ConfigurationError for a file that is absent, too large, without video or unreadable.
    """
    _check(path)
    try:
        with av.open(str(path)) as container:
            stream = _video(container, path)
            found = _CODECS.get(stream.codec_context.name)
            wanted = codec or found or Codec.H264
            if keeps := wanted is found:
                coded = list(_copied(container, stream, wanted))
            else:
                coded = list(_encode(container, stream, wanted, None, None))
            return _assemble(coded, wanted, stream, path, copied=keeps)
    except av.FFmpegError as error:
        raise _unreadable(path, error) from error


def smaller(path: Path, codec: Codec) -> Media:
    """The first seconds at half the width and height."""

    def halved(frame: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        return frame.reformat(width=frame.width // 4 * 2, height=frame.height // 4 * 2)

    media = _variant(path, codec, halved)
    return replace(media, width=media.width // 4 * 2, height=media.height // 4 * 2)


def dark(path: Path, codec: Codec) -> Media:
    """The first seconds as at night without a lamp: a twentieth of the contrast, no colour."""

    def dimmed(frame: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        pixels = frame.to_ndarray(format="yuv420p").astype(np.uint8)
        pixels[: frame.height] = 16 + (pixels[: frame.height].clip(16, 235) - 16) // 20
        pixels[frame.height :] = 128
        return av.VideoFrame.from_ndarray(pixels, format="yuv420p")

    return _variant(path, codec, dimmed)


def frozen(path: Path, codec: Codec) -> Media:
    """The first picture again and again, with time going on, as a hung camera does it."""
    first: list[av.video.frame.VideoFrame] = []

    def repeated(frame: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        first[:] = first or [frame]
        return av.VideoFrame.from_ndarray(
            first[0].to_ndarray(format="yuv420p").astype(np.uint8), format="yuv420p"
        )

    return _variant(path, codec, repeated)


def _variant(path: Path, codec: Codec, repaint: Repaint) -> Media:
    _check(path)
    try:
        with av.open(str(path)) as container:
            stream = _video(container, path)
            count = max(2, round(_rate(stream) * VARIANT_S))
            coded = list(_encode(container, stream, codec, repaint, count))
            return _assemble(coded, codec, stream, path, copied=False)
    except av.FFmpegError as error:
        raise _unreadable(path, error) from error


def _check(path: Path) -> None:
    if not path.is_file():
        raise ConfigurationError(f"no file {path}", remedy="give the path of a video file")
    if path.stat().st_size > LARGEST_FILE:
        raise ConfigurationError(
            f"{path} is larger than {LARGEST_FILE >> 20} MiB, and is held in memory while served",
            remedy="cut a shorter piece out of it",
        )


def _unreadable(path: Path, error: av.FFmpegError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be read as video: {error.strerror}", remedy="try it in a player"
    )


def _video(container: av.container.InputContainer, path: Path) -> av.video.stream.VideoStream:
    if not container.streams.video:
        raise ConfigurationError(f"{path} holds no video", remedy="give the path of a video file")
    return container.streams.video[0]


def _rate(stream: av.video.stream.VideoStream) -> float:
    return float(stream.average_rate or stream.guessed_rate or 25)


def _copied(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, codec: Codec
) -> Iterator[_Coded]:
    """Every packet as Annex B, its times made whole where the file has none."""
    annex_b = BitStreamFilterContext(_FILTERS[codec], stream)
    step_s, last_s = 1.0 / _rate(stream), 0.0
    for source in container.demux(stream):
        for packet in annex_b.filter(source if source.size else None):
            base = packet.time_base or stream.time_base or Fraction(1, rtp.CLOCK_HZ)
            dts = packet.dts if packet.dts is not None else packet.pts
            dts_s = float(dts * base) if dts is not None else last_s + step_s
            pts_s = float(packet.pts * base) if packet.pts is not None else dts_s
            last_s = dts_s
            yield _Coded(bytes(packet), packet.is_keyframe, pts_s, dts_s)


def _encode(
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    codec: Codec,
    repaint: Repaint | None,
    count: int | None,
) -> Iterator[_Coded]:
    """The first `count` pictures (None: all) coded as a camera would."""
    encoder: av.VideoCodecContext | None = None
    step_s, last_s = 1.0 / _rate(stream), -1.0
    for frame in islice(container.decode(stream), count):
        time_s = frame.time if frame.time is not None else last_s + step_s
        last_s = time_s = max(time_s, last_s + 1e-3)
        picture = repaint(_even(frame)) if repaint else _even(frame)
        if encoder is None:
            encoder = _encoder(codec, picture.width, picture.height, _rate(stream))
        picture.pict_type = av.video.frame.PictureType.NONE
        picture.time_base, picture.pts = Fraction(1, rtp.CLOCK_HZ), round(time_s * rtp.CLOCK_HZ)
        yield from _drained(encoder.encode(picture))
    if encoder is not None:
        yield from _drained(encoder.encode(None))


def _even(frame: av.VideoFrame) -> av.VideoFrame:
    """As 4:2:0, which has even sides only."""
    width, height = frame.width // 2 * 2, frame.height // 2 * 2
    return frame.reformat(width=width, height=height, format="yuv420p")


def _encoder(codec: Codec, width: int, height: int, rate: float) -> av.VideoCodecContext:
    encoder = av.CodecContext.create(_ENCODERS[codec], "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, rtp.CLOCK_HZ)
    encoder.framerate = Fraction(rate).limit_denominator(1001)
    keys = max(2, round(KEY_INTERVAL_S * rate))
    encoder.gop_size, encoder.max_b_frames = keys, 0
    settings = f"keyint={keys}:min-keyint={keys}:scenecut=0:bframes=0"
    if codec is Codec.H265:
        encoder.options = {
            "preset": "ultrafast",
            "crf": "26",
            "x265-params": f"{settings}:log-level=none:pools=none:frame-threads=1",
        }
    else:
        encoder.options = {"preset": "veryfast", "crf": "23", "x264-params": settings}
    return encoder


def _drained(packets: Iterable[av.Packet[av.VideoStream]]) -> Iterator[_Coded]:
    for packet in packets:
        pts_s = (packet.pts or 0) / rtp.CLOCK_HZ
        yield _Coded(bytes(packet), packet.is_keyframe, pts_s, pts_s)


def _assemble(
    coded: list[_Coded],
    codec: Codec,
    stream: av.video.stream.VideoStream,
    path: Path,
    *,
    copied: bool,
) -> Media:
    """Cut into payloads. Everything before the first key picture is left out: nobody can see it."""
    cut = _Cutter(codec)
    units = [(packet, unit) for packet in coded if (unit := cut.unit(packet)) is not None]
    if not units:
        raise ConfigurationError(
            f"{path} holds no key frame", remedy="convert it, for instance with --codec h264"
        )
    first_s = min(packet.pts_s for packet, _ in units)
    delay_s = max(0.0, max(packet.pts_s - packet.dts_s for packet, _ in units))
    step_s = 1.0 / _rate(stream)
    side = 1 if copied else 2
    last_s = max(packet.pts_s for packet, _ in units)
    return Media(
        codec=codec,
        width=stream.codec_context.width // side * side,
        height=stream.codec_context.height // side * side,
        rate=_rate(stream),
        period_s=last_s - first_s + step_s,
        parameter_sets=units[0][1].sets,
        units=tuple(
            AccessUnit(
                captured_s=packet.pts_s - first_s,
                sent_s=packet.dts_s + delay_s - first_s,
                key=unit.key,
                parameters=tuple(rtp.aggregate(codec, unit.sets)) if unit.key else (),
                payloads=unit.payloads,
            )
            for packet, unit in units
        ),
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    key: bool
    sets: tuple[bytes, ...]
    payloads: tuple[bytes, ...]


class _Cutter:
    """Cuts packets into payloads and remembers the parameter sets in force."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._sets: tuple[bytes, ...] = ()
        self._started = False

    def unit(self, packet: _Coded) -> _Cut | None:
        """The picture in this packet; None: there is none, or no key picture came before it."""
        nals = [n for n in rtp.nal_units(packet.data) if not self._codec.is_dispensable(n)]
        fresh = [nal for nal in nals if self._codec.is_parameter_set(nal)]
        rest = [nal for nal in nals if not self._codec.is_parameter_set(nal)]
        self._learn(fresh)
        key = packet.key or any(self._codec.is_random_access(nal) for nal in rest)
        self._started = self._started or key
        if not rest or not self._started:
            return None
        payloads = tuple(piece for nal in rest for piece in rtp.fragment(self._codec, nal))
        return _Cut(key, self._sets, payloads)

    def _learn(self, fresh: list[bytes]) -> None:
        """New parameter sets displace all older ones of their type."""
        kinds = {self._codec.nal_type(nal) for nal in fresh}
        kept = [nal for nal in self._sets if self._codec.nal_type(nal) not in kinds]
        self._sets = tuple(sorted(dict.fromkeys(kept + fresh), key=self._codec.nal_type))
