"""An RTSP server for one camera: RFC 2326, H.264 and H.265 over TCP (interleaved) or UDP.

aio-rtsp-toolkit 0.1.4 (Apache-2.0) was looked at first. It serves files as H.264 and H.265, but
knows no authentication, stamps sender reports with the time of sending instead of capturing,
reads and cuts the file anew for each viewer, has no UDP, and no place where a fault could be put
in; what would be left of it is the parsing of a few headers.

Each camera has a port of its own, as each real one has an address of its own: so one can be
switched off, or be silent, and the others don't notice.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from veilleur.cameras.simulated import NONCE_HEADER, PROOF_HEADER
from veilleur.simulation import rtp
from veilleur.simulation.camera import Camera, Entry, Viewer
from veilleur.simulation.faults import Kind
from veilleur.simulation.media import Media
from veilleur.simulation.message import Answer, BadRequest, Credentials, Digest, Request, parse
from veilleur.simulation.proof import Proof
from veilleur.simulation.rtp import Codec

HOST = "127.0.0.1"
PATH = "/stream"
VIDEO, AUDIO = "video", "audio"
"""The names of the two tracks in the session description."""

SESSION_TIMEOUT_S = 60
_LONGEST_REQUEST = 1 << 16
_METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER")
_OPEN_TO_ALL = ("OPTIONS",)
_CHANNELS = re.compile(r"interleaved=(\d+)-(\d+)")
_PORTS = re.compile(r"client_port=(\d+)-(\d+)")


def session_description(media: Media, *, parameters: bool, audio: bool) -> str:
    """SDP (RFC 8866) of the media. parameters: with SPS and PPS. audio: offers a silent track."""
    lines = [
        "v=0",
        f"o=- 1 1 IN IP4 {HOST}",
        "s=veilleur simulate",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {rtp.PAYLOAD_TYPE}",
        f"a=rtpmap:{rtp.PAYLOAD_TYPE} {media.codec.name}/{rtp.CLOCK_HZ}",
        f"a=framerate:{media.rate:.3f}",
        f"a=control:{VIDEO}",
    ]
    described = _described_parameters(media) if parameters else []
    if media.codec is Codec.H264:
        described.insert(0, "packetization-mode=1")
    if described:
        lines.insert(-2, f"a=fmtp:{rtp.PAYLOAD_TYPE} {';'.join(described)}")
    if audio:
        lines += ["m=audio 0 RTP/AVP 0", f"a=control:{AUDIO}"]
    return "\r\n".join(lines) + "\r\n"


def _described_parameters(media: Media) -> list[str]:
    """The fmtp parameters that carry parameter sets (RFC 6184, 8.1; RFC 7798, 7.1)."""

    def encoded(*kinds: int) -> str:
        sets = (nal for nal in media.parameter_sets if media.codec.nal_type(nal) in kinds)
        return ",".join(base64.b64encode(nal).decode() for nal in sets)

    if media.codec is Codec.H265:
        return [f"sprop-vps={encoded(32)}", f"sprop-sps={encoded(33)}", f"sprop-pps={encoded(34)}"]
    sps = next((nal for nal in media.parameter_sets if media.codec.nal_type(nal) == 7), b"\0" * 4)
    return [f"profile-level-id={sps[1:4].hex()}", f"sprop-parameter-sets={encoded(7, 8)}"]


class Interleaved:
    """RTP inside the RTSP connection."""

    def __init__(self, transport: asyncio.WriteTransport, rtp_channel: int, channel: int) -> None:
        self._transport = transport
        self._channels = rtp_channel, channel
        self._picture: list[bytes] = []

    def send(self, packet: bytes) -> None:
        """An RTP packet; it leaves with `flush`."""
        self._picture.append(rtp.interleaved(self._channels[0], packet))

    def report(self, packet: bytes) -> None:
        """An RTCP packet, at once."""
        if not self._transport.is_closing():
            self._transport.write(rtp.interleaved(self._channels[1], packet))

    def flush(self) -> None:
        """All packets of a picture in one write."""
        if self._picture and not self._transport.is_closing():
            self._transport.write(b"".join(self._picture))
        self._picture.clear()

    @property
    def unread(self) -> int:
        """Bytes that the viewer's system has not taken."""
        return self._transport.get_write_buffer_size()

    def close(self) -> None:
        """The connection belongs to the session, which closes it."""


class Datagrams:
    """RTP over UDP, to the viewer's two ports."""

    def __init__(self, rtp_port: int, rtcp_port: int) -> None:
        self._peers = (HOST, rtp_port), (HOST, rtcp_port)
        self._sockets = _port_pair()

    @property
    def ports(self) -> tuple[int, int]:
        """Ours, for RTP and RTCP."""
        first, second = (int(one.getsockname()[1]) for one in self._sockets)
        return first, second

    def send(self, packet: bytes) -> None:
        """An RTP packet. One that the system has no room for is lost, as on any network."""
        self._emit(0, packet)

    def report(self, packet: bytes) -> None:
        """An RTCP packet."""
        self._emit(1, packet)

    def flush(self) -> None:
        """Datagrams leave at once."""

    @property
    def unread(self) -> int:
        """Nothing waits."""
        return 0

    def close(self) -> None:
        """Gives the ports back."""
        for one in self._sockets:
            one.close()

    def _emit(self, which: int, packet: bytes) -> None:
        try:
            self._sockets[which].sendto(packet, self._peers[which])
        except (BlockingIOError, ConnectionRefusedError):
            return


def _port_pair() -> tuple[socket.socket, socket.socket]:
    """An even port and the odd one above it (RFC 3550, 11)."""
    while True:
        first, second = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        first.setblocking(False)
        second.setblocking(False)
        try:
            first.bind((HOST, 0))
            port = first.getsockname()[1]
            second.bind((HOST, port + 1 if port % 2 == 0 else port - 1))
        except OSError:
            first.close()
            second.close()
            continue
        return (first, second) if port % 2 == 0 else (second, first)


@dataclass(frozen=True, slots=True)
class Access:
    """What a camera asks of viewers and tells them. credentials: None lets everybody in."""

    credentials: Credentials | None = None
    audio: bool = False


class CameraServer:
    """One camera's port. `clock` is the monotonic time; `changed` is called after each event."""

    def __init__(
        self,
        camera: Camera,
        access: Access,
        clock: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self.camera, self.access, self.clock, self.changed = camera, access, clock, changed
        self.port = 0
        self.proof: Proof | None = None
        self.requests: list[Request] = []
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def uri(self) -> str:
        """Without user and password."""
        return f"rtsp://{HOST}:{self.port}{PATH}"

    async def open(self, port: int = 0) -> None:
        """Listens. port: 0 takes a free one; once it had one, it keeps it. Raises OSError."""
        if self._listener is not None:
            return
        self._listener = await asyncio.start_server(
            self._serve, HOST, self.port or port, limit=_LONGEST_REQUEST
        )
        self.port = int(self._listener.sockets[0].getsockname()[1])

    def refuse(self) -> None:
        """No longer listens."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def drop(self, *, reset: bool) -> None:
        """Ends all connections: closed in order, or reset."""
        for writer in list(self._connections.values()):
            if reset:
                peer = writer.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def close(self) -> None:
        """Ends everything."""
        self.refuse()
        if self._timer is not None:
            self._timer.cancel()
        self.drop(reset=False)
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def tick(self) -> None:
        """Lets the camera send what is due, and comes back when more is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.camera.viewers:
            sent = self.camera.sent
            wait_s = self.camera.step(self.clock())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self.tick)
            if self.camera.sent != sent:
                self.changed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        session = Session(self, writer)
        try:
            await session.serve(reader)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            if self._listener is not None:
                raise
        finally:
            del self._connections[task]
            session.end()
            writer.close()
            self.changed()


class Session:
    """One connection and what it has set up."""

    def __init__(self, server: CameraServer, writer: asyncio.StreamWriter) -> None:
        self._server, self._writer = server, writer
        self._digest = Digest(c) if (c := server.access.credentials) else None
        self._stranger = Digest(Credentials("nobody", secrets.token_hex(16)))
        self._id = secrets.token_hex(8)
        self._carrier: Interleaved | Datagrams | None = None
        self._viewer: Viewer | None = None
        self._entry: Entry | None = None
        self._over = False

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Answers until the connection ends."""
        while not self._over:
            first = await reader.readexactly(1)
            if first == b"$":
                _, length = struct.unpack(">BH", await reader.readexactly(3))
                await reader.readexactly(length)
                continue
            head = first + await reader.readuntil(b"\r\n\r\n")
            if self._is_mute():
                continue
            await self._respond(head.lstrip(b"\r\n"), reader)

    def end(self) -> None:
        """Gives back what the session held."""
        if self._viewer is not None:
            self._server.camera.leave(self._viewer)
            self._viewer = None
        if self._carrier is not None:
            self._carrier.close()
            self._carrier = None

    def _is_mute(self) -> bool:
        camera = self._server.camera
        stalled = self._viewer is not None and camera.has(Kind.STALL)
        return stalled or camera.has(Kind.SILENT)

    async def _respond(self, head: bytes, reader: asyncio.StreamReader) -> None:
        try:
            request = parse(head)
        except BadRequest:
            self._writer.write(Answer(400).encode("0"))
            return
        await reader.readexactly(request.body_length)
        answer = self._answer(request)
        self._writer.write(answer.encode(request.headers.get("cseq", "0")))
        self._server.requests.append(request)
        self._begin()
        self._server.changed()
        await self._writer.drain()

    def _answer(self, request: Request) -> Answer:
        if request.method not in _METHODS:
            return Answer(501)
        if request.method not in _OPEN_TO_ALL and (refusal := self._refusal(request)):
            return refusal
        return {
            "OPTIONS": self._options,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "TEARDOWN": self._teardown,
        }.get(request.method, self._keep_alive)(request)

    def _refusal(self, request: Request) -> Answer | None:
        camera = self._server.camera
        digest = self._stranger if camera.has(Kind.WRONG_PASSWORD) else self._digest
        if digest is not None and not digest.allows(request):
            return Answer(401, [("WWW-Authenticate", digest.challenge)])
        path = unquote(re.sub(r"^rtsp://[^/]*", "", request.uri))
        if camera.has(Kind.NOT_FOUND) or path.split("/")[1:2] != [PATH[1:]]:
            return Answer(404)
        return None

    def _options(self, request: Request) -> Answer:
        headers = [("Public", ", ".join(_METHODS))]
        nonce, proof = request.headers.get(NONCE_HEADER.lower()), self._server.proof
        if nonce and proof is not None:
            headers.append((PROOF_HEADER, proof.answer(nonce)))
        return Answer(headers=headers)

    def _describe(self, request: Request) -> Answer:
        camera = self._server.camera
        body = session_description(
            camera.media,
            parameters=not camera.has(Kind.NO_PARAMETERS),
            audio=self._server.access.audio,
        )
        base = self._server.uri + "/"
        return Answer(
            headers=[("Content-Type", "application/sdp"), ("Content-Base", base)], body=body
        )

    def _setup(self, request: Request) -> Answer:
        transport = request.headers.get("transport", "")
        if (found := _CHANNELS.search(transport)) and "TCP" in transport.upper():
            accepted = f"RTP/AVP/TCP;unicast;{found[0]}"
        elif found := _PORTS.search(transport):
            accepted = f"RTP/AVP;unicast;{found[0]}"
        else:
            return Answer(461)
        if request.uri.endswith(VIDEO):
            accepted += self._carry(int(found[1]), int(found[2]), tcp="TCP" in accepted)
        session = f"{self._id};timeout={SESSION_TIMEOUT_S}"
        return Answer(headers=[("Transport", accepted), ("Session", session)])

    def _carry(self, first: int, second: int, *, tcp: bool) -> str:
        """Takes up the way to the viewer. Returns what the answer says of it."""
        self.end()
        if tcp:
            self._carrier = Interleaved(self._writer.transport, first, second)
            return ""
        self._carrier = Datagrams(first, second)
        return ";server_port={}-{}".format(*self._carrier.ports)

    def _play(self, request: Request) -> Answer:
        if self._carrier is None:
            return Answer(455)
        headers = [("Session", self._id), ("Range", "npt=now-")]
        if self._viewer is None:
            self._entry = self._server.camera.entry(self._server.clock())
            track = f"url={self._server.uri}/{VIDEO};rtptime={self._entry.timestamp}"
            headers.append(("RTP-Info", track))
        return Answer(headers=headers)

    def _begin(self) -> None:
        """After the answer to PLAY, which must come first: pictures."""
        if self._entry is None or self._carrier is None:
            return
        self._viewer = Viewer(self._carrier)
        self._server.camera.join(self._viewer, self._entry, self._server.clock())
        self._entry = None
        self._server.tick()

    def _teardown(self, request: Request) -> Answer:
        self._over = True
        self.end()
        return Answer(headers=[("Session", self._id)])

    def _keep_alive(self, request: Request) -> Answer:
        return Answer(headers=[("Session", self._id)])
