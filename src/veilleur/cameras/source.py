"""Where pictures come from: an address as somebody types it, and the open stream behind it.

Video only. Over RTSP the audio track is never asked for; in a file its packets are discarded by
the demuxer and no audio decoder is allowed. FFmpeg may use the one protocol the address needs and
the containers and decoders listed here, nothing else.
"""

from __future__ import annotations

import gc
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard
from av.video.stream import VideoStream

from veilleur.cameras.turn import UPRIGHT, Turn, turn_of
from veilleur.errors import CameraError, CameraRefused, ConfigurationError, StreamLost

DECODERS = (
    *("h264", "hevc", "mjpeg", "vp8", "vp9", "libdav1d", "av1", "gif", "rawvideo"),
    *("mpeg4", "mpeg1video", "mpeg2video", "msmpeg4v1", "msmpeg4v2", "msmpeg4", "h263"),
)
CONTAINERS = (
    *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "gif", "mpegts", "mpeg", "flv"),
    *("h264", "hevc", "mjpeg", "ogg", "asf"),
)
_RTSP = re.compile(r"(?i)^(rtsps?)://(.*)$", re.DOTALL)
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")
_LOCAL = re.compile(r"^/dev/video\d+$")
_HOST = re.compile(
    r"^(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>\d{1,5}))?(?P<rest>[/?].*)?$",
    re.DOTALL,
)
_TURN_AS_A_WHOLE = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
"""Containers that hold one matrix for all pictures."""
_PACKETS_LOOKED_AT = 300  # a stream that was cut anywhere: until its next key frame
_SILENCE = 0.9  # share of the time-out after which a failure is a silence
_USABLE_RATE = (0.01, 240.0)
_LONGEST_LOGIN = 127  # bytes, percent-encoded: FFmpeg's own limit
_SAFE_IN_LOGIN = "!$&'()*+,;="


class Kind(StrEnum):
    FILE = "file"
    RTSP = "rtsp"
    LOCAL = "local"


class Reach(StrEnum):
    """Where a camera may be; more is never allowed than `cameras.reachable` says."""

    NETWORK = "network"  # another machine
    EITHER = "either"  # this machine too: a tunnel or relay, by the site file's word
    HERE = "here"  # this machine alone: our simulator, which has proven to be here


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A text that shows itself to nobody who doesn't ask for it by name."""

    _text: str = field(default="", repr=False)

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(***)" if self._text else "Secret()"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Source:
    """One camera or file. address: without credentials, fit for every log and screen. reach: where
    a camera of the network may be."""

    kind: Kind
    address: str
    user: str = ""
    password: Secret = Secret()
    reach: Reach = Reach.NETWORK

    @property
    def live(self) -> bool:
        return self.kind is not Kind.FILE

    @property
    def host(self) -> str:
        """The camera's host name or address without brackets, "" where there is none."""
        found = self._place()
        return found["host"].strip("[]") if found else ""

    @property
    def port(self) -> int:
        """The camera's TCP port, 0 where there is none."""
        found = self._place()
        if not found:
            return 0
        return int(found["port"] or (322 if self.address.lower().startswith("rtsps") else 554))

    @property
    def suggested_id(self) -> str:
        """A short name made of the address: the file's, the host's or the device's."""
        name = f"{self.host}-{self.port}" if self.kind is Kind.RTSP else Path(self.address).stem
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "camera"

    def signed_in(self, user: str | None, password: str | None) -> Source:
        """The same source with other credentials; None leaves what the address said."""
        return replace(
            self,
            user=self.user if user is None else user,
            password=self.password if password is None else Secret(password),
        )

    def reaching(self, reach: Reach) -> Source:
        """The same source, to be looked for there."""
        return replace(self, reach=reach)

    def at(self, numeric_host: str) -> Source:
        """The same camera with its host's name replaced by an address."""
        found = self._place()
        if not found:
            return self
        scheme = self.address.partition("://")[0]
        host = f"[{numeric_host}]" if ":" in numeric_host else numeric_host
        address = f"{scheme}://{host}:{self.port}{found['rest'] or ''}"
        return replace(self, address=address)

    def _place(self) -> re.Match[str] | None:
        if self.kind is not Kind.RTSP:
            return None
        return _HOST.match(self.address.partition("://")[2])


def parse_source(text: str, *, folder: Path | None = None) -> Source:
    """A file, an RTSP address (the password typed as it is, never percent-encoded) or /dev/video0.

    The last @ that leaves a valid host ends the credentials, so a password may hold any character.
    folder: what a relative file name is relative to. ConfigurationError for anything else.
    """
    if rtsp := _RTSP.match(text):
        return _parse_rtsp(rtsp[1].lower(), rtsp[2])
    if _LOCAL.match(text):
        return Source(Kind.LOCAL, text)
    if (scheme := _SCHEME.match(text)) and not Path(text).exists():
        raise ConfigurationError(
            f"{scheme[1]}: is not a kind of source that can be watched",
            remedy="give a file, an address beginning with rtsp:// or rtsps://, or /dev/video0",
            setting="source",
        )
    return _parse_file(str(folder / text) if folder else text)


def _parse_file(text: str) -> Source:
    try:
        mode = Path(text).stat().st_mode
    except (OSError, ValueError):
        raise ConfigurationError(
            f"there is no file {text!r}",
            remedy="check the path, or begin a camera's address with rtsp://",
            setting="source",
        ) from None
    if not stat.S_ISREG(mode):
        raise ConfigurationError(
            f"{text!r} is not a file of video", remedy="name one video file", setting="source"
        )
    return Source(Kind.FILE, text)


def _parse_rtsp(scheme: str, rest: str) -> Source:
    login, place = _split_login(rest)
    found = _host(place)
    if found is None:
        raise ConfigurationError(
            f"no host can be found in the {scheme} address",
            remedy=f"write {scheme}://user:password@host:554/path",
            setting="source",
        )
    user, _, password = login.partition(":")
    return Source(Kind.RTSP, f"{scheme}://{place}", user, Secret(password))


def _split_login(rest: str) -> tuple[str, str]:
    """What stands before the deciding @, and what stands behind it.

    An @ in a path is no end of credentials: not where the address begins with a host's number, nor
    where it begins with a dotted name and only a word follows the @.
    """
    plain = _host(rest)
    cuts = [m.start() for m in re.finditer("@", rest) if _host(rest[m.start() + 1 :])]
    certain = [cut for cut in cuts if _is_certain(rest[cut + 1 :])]
    if plain and (_is_number(plain["host"]) or ("." in plain["host"] and not certain)):
        return "", rest
    if not cuts:
        return "", rest
    cut = (certain or cuts)[-1]
    return rest[:cut], rest[cut + 1 :]


def _is_number(host: str) -> bool:
    """An IPv4 or IPv6 address."""
    return host.startswith("[") or re.fullmatch(r"\d+(\.\d+){3}", host) is not None


def _host(place: str) -> re.Match[str] | None:
    """A host, its port and path, or None. Names made of digits only are no hosts."""
    found = _HOST.match(place)
    if found is None or found["host"].isdigit() or ".." in found["host"]:
        return None
    return found if 0 < int(found["port"] or 554) < 65536 else None


def _is_certain(place: str) -> bool:
    """An address, a dotted name, localhost or a port: not just a word behind an @ in a path."""
    found = _host(place)
    if found is None:
        return False
    host = found["host"]
    return bool("." in host or host.startswith("[") or host == "localhost" or found["port"])


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What the container says. rate: pictures a second, None where it says nothing believable.

    width, height: of a picture as it is shown, as far as that is known before it is decoded. turn:
    of all pictures alike; None: each picture says its own.
    """

    codec: str
    width: int
    height: int
    rate: float | None
    live: bool
    time_base_s: float
    turn: Turn | None = None


class Feed:
    """An open stream. `packets` yields video packets only; close it when done.

    first: how its first picture is turned, as far as that is known.
    """

    def __init__(
        self,
        source: Source,
        container: InputContainer,
        stream: VideoStream,
        first: Turn = UPRIGHT,
    ) -> None:
        self.source = source
        self.stream = stream
        self._container = container
        context = stream.codec_context
        rate = stream.average_rate or stream.guessed_rate
        usable = rate is not None and _USABLE_RATE[0] <= rate <= _USABLE_RATE[1]
        width, height = first.size(context.width, context.height)
        self.facts = StreamFacts(
            codec=context.name,
            width=width,
            height=height,
            rate=float(rate) if rate is not None and usable else None,
            live=source.live,
            time_base_s=float(stream.time_base or 1),
            turn=first if container.format.name in _TURN_AS_A_WHOLE else None,
        )

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets in decoding order. A file just ends; on a live source that is StreamLost."""
        try:
            for packet in self._container.demux(self.stream):
                if packet.size:
                    yield packet
        except av.error.FFmpegError as error:
            raise self._lost(error) from None
        except IndexError:
            # PyAV, where a broken stream brings up another one on the way.
            raise self._lost(None) from None
        if self.source.live:
            raise StreamLost(
                "the camera ended the stream", remedy="it is connected again", cause="ended"
            )

    def close(self) -> None:
        self._container.close()

    def _lost(self, error: av.error.FFmpegError | None) -> StreamLost:
        if self.source.live and error is not None:
            return _lost(error)
        return StreamLost(
            f"{self.source.address} is damaged: it can be read no further",
            remedy="play it elsewhere to see whether it is whole",
            cause="garbage",
        )


def open_feed(source: Source, *, timeout_s: float = 5.0) -> Feed:
    """Connect or open, and find the video. CameraRefused or StreamLost say why not.

    A file's first picture is decoded, to learn how it is turned: FFmpeg tells it of nothing else.
    """
    first = _first_turn(source, timeout_s) if source.kind is Kind.FILE else UPRIGHT
    container, stream = _opened(source, timeout_s)
    return Feed(source, container, stream, first)


def _first_turn(source: Source, timeout_s: float) -> Turn:
    """UPRIGHT where no picture is to be had: that is told when it is read."""
    container, stream = _opened(source, timeout_s)
    try:
        for packet in islice(container.demux(stream), _PACKETS_LOOKED_AT):
            turn = turn_in(stream, packet)
            if turn is not None:
                return turn
    except (av.error.FFmpegError, IndexError):  # see Feed.packets
        return UPRIGHT
    finally:
        container.close()
    return UPRIGHT


def turn_in(stream: VideoStream, packet: Packet[VideoStream] | None) -> Turn | None:
    """Of the first picture that this packet brings out of the decoder; None: it brings none."""
    try:
        frames = stream.codec_context.decode(packet)
    except av.error.FFmpegError:
        return None
    if not frames:
        return None
    turn = turn_of(frames.pop(0)) or UPRIGHT
    gc.collect()  # PyAV's side data and its picture hold each other: megabytes, each time
    return turn


def _opened(source: Source, timeout_s: float) -> tuple[InputContainer, VideoStream]:
    options = _options(source, timeout_s)
    began = time.monotonic()
    try:
        container = av.open(
            _location(source),
            mode="r",
            format={Kind.RTSP: "rtsp", Kind.LOCAL: "v4l2"}.get(source.kind),
            options=options,
            metadata_errors="replace",
        )
    except av.error.FFmpegError as error:
        if source.kind is Kind.RTSP and time.monotonic() - began >= _SILENCE * timeout_s:
            # FFmpeg calls it invalid data where a server says nothing at all.
            raise StreamLost(
                f"{source.address} accepts the connection and says nothing",
                remedy="restart the camera; it is connected again by itself",
                cause="stalled",
            ) from None
        raise _refused(source, error) from None
    if not container.streams.video:
        container.close()
        raise CameraRefused(
            f"{source.address} has no video", remedy="choose another stream", cause="codec"
        )
    return container, _video_only(source, container)


SCALED_DOWN_FROM = 1280
"""From this width on, pixels, only key frames go through the decoder's loop filter. It saves a
sixth of the decoding, and what it would smooth is gone once the picture is scaled to the detector:
at 1080p 46.7 dB against the filtered pictures at the end of two seconds between key frames, boxes
agree to F1 0.995. In pictures analysed at their own size it costs up to two points of HOTA."""


def _video_only(source: Source, container: InputContainer) -> VideoStream:
    """The first video stream, ready to decode on one thread; all others are discarded."""
    video = container.streams.video[0]
    for stream in container.streams:
        if stream is not video:
            stream.discard = Discard.all
    context = video.codec_context
    # A stream whose codec is unknown has no codec context in PyAV.
    if context is None or context.name not in DECODERS:
        name = "unknown" if context is None else context.name
        container.close()
        if source.kind is Kind.FILE:
            raise CameraRefused(
                f"{source.address} holds {name}, which is not decoded here",
                remedy="convert it to H.264 or H.265",
                cause="codec",
            )
        raise CameraRefused(
            f"{source.address} sends {name}, which is not decoded here",
            remedy="set the camera to H.264 or H.265",
            cause="codec",
        )
    context.thread_count = 1
    context.thread_type = "NONE"
    if context.width >= SCALED_DOWN_FROM:
        context.options = {"skip_loop_filter": "nokey"}
    return video


def _location(source: Source) -> str:
    """What FFmpeg is given. The only place where a password is put into an address."""
    if source.kind is Kind.FILE:
        return f"file:{source.address}"
    if not source.user and not source.password:
        return source.address
    user, password = (quote(t, _SAFE_IN_LOGIN) for t in (source.user, source.password.reveal()))
    if len(user) + len(password) + 1 > _LONGEST_LOGIN:
        raise ConfigurationError(
            f"user name and password for {source.address} are longer than can be sent",
            remedy=f"choose a password below {_LONGEST_LOGIN} bytes, percent-encoded",
            setting="source",
        )
    scheme, _, place = source.address.partition("://")
    return f"{scheme}://{user}:{password}@{place}"


def _options(source: Source, timeout_s: float) -> dict[str, str]:
    options = {"codec_whitelist": ",".join(DECODERS)}
    if source.kind is Kind.FILE:
        options |= {"protocol_whitelist": "file", "format_whitelist": ",".join(CONTAINERS)}
    elif source.kind is Kind.RTSP:
        options |= {
            "rtsp_transport": "tcp",
            "allowed_media_types": "video",
            "timeout": str(int(timeout_s * 1e6)),
            "protocol_whitelist": "rtp,tcp,tls,crypto",
            "probesize": "500000",
            "analyzeduration": "2000000",
            "fpsprobesize": "0",
        }
    return options


_PASSWORD = (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)
_PATH = (av.error.HTTPClientError, av.error.FileNotFoundError)
_NO_CODEC = (av.error.DecoderNotFoundError, av.error.DemuxerNotFoundError)
_UNREACHABLE = (101, 113, -5, 5)  # ENETUNREACH, EHOSTUNREACH, EIO: no such host for FFmpeg


def _refused(source: Source, error: av.error.FFmpegError) -> CameraError:
    """FFmpeg's reason as one of ours. Its own text may hold the password and is not repeated."""
    where = source.address
    if isinstance(error, _PASSWORD):
        return CameraRefused(
            f"{where} refuses the user name or password",
            remedy="type the password as it is, without percent-encoding",
            cause="password",
        )
    if source.kind is Kind.FILE:
        return CameraRefused(
            f"{where} is not a video that can be read",
            remedy="play it elsewhere to see whether it is whole",
            cause="codec",
        )
    if isinstance(error, _PATH):
        return CameraRefused(
            f"{where} has no such stream",
            remedy="look up the stream's path in the camera's manual",
            cause="path",
        )
    if isinstance(error, av.error.ConnectionRefusedError):
        return CameraRefused(
            f"{where} refuses connections",
            remedy="check the port and RTSP setting",
            cause="refused",
        )
    if isinstance(error, _NO_CODEC):
        return CameraRefused(
            f"{where} sends no format known here",
            cause="codec",
            remedy="set the camera to H.264 or H.265",
        )
    if error.errno in _UNREACHABLE:
        return CameraRefused(
            f"{where} cannot be reached",
            cause="address",
            remedy="check the host's name, the network and the cable",
        )
    return _lost(error)


def _lost(error: av.error.FFmpegError) -> StreamLost:
    again = "it is connected again"
    if isinstance(error, av.error.TimeoutError | av.error.BlockingIOError | av.error.ExitError):
        return StreamLost("nothing comes from the camera", remedy=again, cause="stalled")
    if isinstance(error, av.error.InvalidDataError):
        return StreamLost("what comes is not video", remedy=again, cause="garbage")
    if isinstance(error, av.error.EOFError):
        return StreamLost("the camera ended the stream", remedy=again, cause="ended")
    return StreamLost("the connection to the camera broke", remedy=again, cause="cut")
