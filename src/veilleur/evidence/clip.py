"""The clip of an incident: nobody recognisable, H.264 in MP4, made in memory.

Encoded a piece at a time, while the incident goes on: when its last seconds have come, only they
are left to do.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, cast

import av
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Interpolation
from av.video.stream import VideoStream

from veilleur.cameras.frame import Frame
from veilleur.cameras.masks import Polygon
from veilleur.cameras.picture import Picture
from veilleur.cameras.playback import play
from veilleur.cameras.ring import Footage
from veilleur.errors import EvidenceFailed
from veilleur.evidence.course import Course, Look
from veilleur.evidence.redaction import redacted

MEDIA_TYPE = "video/mp4"
WIDTH = 1280
MOST_HZ = 12.5
"""Pictures a second: motion is smooth enough, and fewer pictures tell less of a face."""
ENCODERS = ("libopenh264", "libx264")
"""Whichever FFmpeg brings, the first if both."""
_LEAD_S = 0.2  # the clip begins so much earlier than it must
_TICKS = 1000
_OPTIONS = {"preset": "veryfast", "crf": "27", "profile": "main"}
_KEY_EVERY = 25  # pictures
_HEAD_BYTES = 256 << 10
"""Room for the index before the pictures, so that a browser plays what it has: some minutes."""


class Recorded(Protocol):
    """Packets of one camera with its privacy masks."""

    @property
    def camera(self) -> str: ...
    @property
    def footage(self) -> Footage: ...
    @property
    def masks(self) -> tuple[Polygon, ...]: ...


@dataclass(frozen=True, slots=True)
class Clip:
    """began_s, ended_s: first and last picture, seconds of the host's clock (`Frame.arrived`)."""

    content: bytes
    began_s: float
    ended_s: float
    pictures: int


@dataclass(frozen=True, slots=True)
class _Mark:
    """A picture that was given: its packet's arrival, host seconds, and its time in the clip."""

    arrived: float
    shown_s: float


class ClipMaker:
    """One clip, piece by piece: `add` as often as new packets are there, then `finish`.

    since: host seconds from which on it is wanted. Not for two threads at once.
    """

    def __init__(self, since: float) -> None:
        self._since = since - _LEAD_S
        self._first: _Mark | None = None
        self._seen: _Mark | None = None
        self._encoder: _Encoder | None = None

    def add(self, recorded: Recorded, looks: Sequence[Look], until: float) -> None:
        """What came up to then, after what was added before. looks: of all that time, and from a
        second before it to a second after it, else the ends of it are coarse.

        Errors: PlaybackFailed (what came before it stays in the clip), EvidenceFailed.
        """
        begin = self._since if self._seen is None else self._seen.arrived
        footage = recorded.footage.between(begin, until)
        if not footage.packets:
            return
        course = Course(looks)
        frames = play(footage, masks=recorded.masks, activity=True, camera=recorded.camera)
        for frame, shown_s in self._new(frames, until):
            if self._encoder is None:
                self._encoder = _Encoder(frame.picture)
            if self._encoder.wants(shown_s):
                hidden = course.hidden(frame.arrived).shown_moving(frame.activity)
                self._encoder.add(redacted(self._encoder.fitted(frame.picture), hidden), shown_s)

    def finish(self) -> Clip:
        """The file. EvidenceFailed("empty") where no picture of that time was to be had."""
        if self._encoder is None or self._first is None or self._seen is None:
            raise EvidenceFailed(
                "there is no picture of that time",
                remedy="the camera was away, or its last seconds are kept too short",
                cause="empty",
            )
        content = self._encoder.finish()
        return Clip(content, self._first.arrived, self._seen.arrived, self._encoder.pictures)

    def _new(self, frames: Iterator[Frame], until: float) -> Iterator[tuple[Frame, float]]:
        """The pictures that were not given yet, with their time in the clip, seconds."""
        offset: float | None = None
        for frame in frames:
            if offset is None:
                offset = self._offset(frame)
                if offset is None or self._is_seen(frame):
                    continue
            if frame.arrived <= until:
                self._seen = _Mark(frame.arrived, frame.time + offset)
                self._first = self._first or self._seen
                yield frame, self._seen.shown_s

    def _offset(self, frame: Frame) -> float | None:
        """From the time of this playback to that of the clip; None: it is not reached yet."""
        if self._seen is None:
            return -frame.time if frame.arrived >= self._since else None
        if self._is_seen(frame):
            return self._seen.shown_s - frame.time
        if frame.sequence == 0 and frame.arrived > self._seen.arrived:
            # The camera was away: time goes on by as much as the host's clock has.
            return self._seen.shown_s + frame.arrived - self._seen.arrived - frame.time
        return None

    def _is_seen(self, frame: Frame) -> bool:
        return self._seen is not None and frame.arrived == self._seen.arrived


class _Encoder:
    """Pictures of one size to an MP4 file in memory."""

    def __init__(self, like: Picture) -> None:
        self.pictures = 0
        shrink = min(1.0, WIDTH / like.width)
        self._width, self._height = (
            max(16, int(n * shrink) // 2 * 2) for n in (like.width, like.height)
        )
        self._file = io.BytesIO()
        options = {"moov_size": str(_HEAD_BYTES)}
        self._container = av.open(self._file, "w", format="mp4", options=options)
        self._stream = self._opened()
        self._last_s: float | None = None

    def wants(self, shown_s: float) -> bool:
        """Is it time for another picture?"""
        return self._last_s is None or shown_s - self._last_s >= 0.9 / MOST_HZ

    def fitted(self, picture: Picture) -> Picture:
        """The picture at the clip's size and range."""
        frame = av.VideoFrame.from_numpy_buffer(picture.data, "yuv420p")
        made = frame.reformat(
            self._width,
            self._height,
            "yuv420p",
            interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND,
            src_color_range=ColorRange.JPEG if picture.full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        return Picture(np.asarray(made.to_ndarray(), np.uint8))

    def add(self, picture: Picture, shown_s: float) -> None:
        """A picture of the clip's size. Times only grow."""
        frame = av.VideoFrame.from_numpy_buffer(picture.data, "yuv420p")
        frame.pts, frame.time_base = round(shown_s * _TICKS), Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(frame))
        self._last_s = shown_s
        self.pictures += 1

    def finish(self) -> bytes:
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except av.error.FFmpegError as error:
            words = f"the clip can't be encoded: {error.strerror}"
            raise EvidenceFailed(words, remedy="report it", cause="encoder") from error
        return self._file.getvalue()

    def _opened(self) -> VideoStream:
        name = next((name for name in ENCODERS if name in av.codecs_available), None)
        if name is None:
            raise EvidenceFailed(
                "FFmpeg is here without an H.264 encoder",
                remedy="install PyAV from its wheel, or an FFmpeg with libopenh264",
                cause="encoder",
            )
        options = _OPTIONS if name == "libx264" else {}
        stream = cast(VideoStream, self._container.add_stream(name, rate=25, options=options))
        stream.width, stream.height = self._width, self._height
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.gop_size, context.thread_count = _KEY_EVERY, 1
        context.max_b_frames = 0
        context.color_range = ColorRange.MPEG
        return stream
