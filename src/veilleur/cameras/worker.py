"""The decoding process of one camera: stream -> pictures -> shared memory. It has no rights.

The main thread listens to the host and says twice a second that it is alive; the other thread
opens, decodes and samples. Everything the stream can do to this process stays in it.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import mmap
import os
import pkgutil
import select
import socket
import threading
import time
from collections import deque

import av
import av.logging
import cv2
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream

from veilleur.cameras import messages, sandbox
from veilleur.cameras.activity import ActivityGate
from veilleur.cameras.decoding import Counts, Decoded, Decoder, Mode
from veilleur.cameras.frame import Frame
from veilleur.cameras.health import Health, HealthSettings
from veilleur.cameras.heap import Thrift
from veilleur.cameras.inspection import describe
from veilleur.cameras.masks import Masks
from veilleur.cameras.messages import (
    GIVE_BACK,
    MODE,
    RING,
    STOP,
    Alive,
    Described,
    Ended,
    Fault,
    Hello,
    Opened,
    Placed,
    RingWritten,
    Start,
)
from veilleur.cameras.picture import Picture
from veilleur.cameras.reachable import settled
from veilleur.cameras.ring import (
    Coding,
    Footage,
    PacketRing,
    StoredPacket,
    pack_footage,
    unpack_footage,
)
from veilleur.cameras.sampling import Sampler
from veilleur.cameras.slots import WorkerSlots
from veilleur.cameras.source import Feed, Kind, Source, open_feed
from veilleur.cameras.stored import StoredFeed
from veilleur.errors import CameraRefused, ConfigurationError, StreamLost
from veilleur.geometry import ImageArray

ALIVE_EVERY_S = 0.5
LEAVE_WITHIN_S = 0.25
BEHIND_S = 1.0
"""A file that is further behind than that goes on from where it is, later than it was recorded:
catching up would keep a machine overloaded that is."""
MODES = (Mode.FULL, Mode.KEYFRAMES, Mode.NOTHING, Mode.FULL)
CLOSELY = 3
ONLOOKERS_HZ = 2.0
"""While somebody looks at a camera live, so many pictures a second at least."""
_KEYS_REMEMBERED = 4


def rehearse() -> None:
    """Import what is else imported on the way: in the sandbox no module can be read any more."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name not in ("av.__main__", "av.datasets"):
            importlib.import_module(module.name)
    sampler = Sampler("", health=Health(HealthSettings()), activity=ActivityGate())
    for n in range(2):
        picture = Picture(np.full((90 * 3 // 2, 160), 40 * n, np.uint8))
        sampler.step(Decoded(picture, float(n), 0.0, False))


def run(channel: socket.socket, memory: int) -> None:
    """A worker's life, from the fork to its end. channel: SOCK_SEQPACKET to the host."""
    order, handles = _introduced(channel)
    if not order:
        return
    av.logging.set_level(None)
    cv2.setNumThreads(1)
    start = messages.unpack_start(order)
    stored = _read(handles[0]) if start.stored else None
    worker = Worker(channel, start, WorkerSlots(memory, start.slots), stored)
    os.close(memory)
    worker.serve()
    _leave(channel)


def _introduced(channel: socket.socket) -> tuple[bytes, list[int]]:
    """Say who we are, and hear what is to be done; b"" where the host is gone again."""
    handle = os.pidfd_open(os.getpid())
    try:
        socket.send_fds(channel, [messages.pack(Hello(os.getpid()))], [handle])
        order, handles, _, _ = socket.recv_fds(channel, messages.LARGEST, 1)
        return order, handles
    except OSError:
        return b"", []
    finally:
        os.close(handle)


def _leave(channel: socket.socket) -> None:
    """Hear out what was said last: a channel closed on unread words is reset, and the host would
    never read that the stream ended."""
    try:
        channel.shutdown(socket.SHUT_RD)
        while channel.recv(messages.LARGEST):
            pass
    except OSError:
        return  # the host was faster


class Worker:
    """One stream on its way to the host."""

    def __init__(
        self,
        channel: socket.socket,
        start: Start,
        slots: WorkerSlots,
        stored: Footage | None = None,
    ) -> None:
        self._channel = channel
        self._stored = stored
        self._start = start
        self._slots = slots
        self._slot = -1
        self._freed = threading.Event()
        self._stop = threading.Event()
        self._mode = Mode.FULL
        self._rate_hz = start.rate_hz
        self._counts = Counts()
        self._keys: deque[float] = deque(maxlen=_KEYS_REMEMBERED)
        self._ring = PacketRing(start.ring_seconds, start.ring_bytes)
        self._ring_lock = threading.Lock()
        self._coding: Coding | None = None
        settings = HealthSettings(frozen=start.source.live)
        self._sampler = Sampler(
            "",
            masks=Masks(start.masks),
            health=Health(settings) if start.health else None,
            activity=ActivityGate() if start.activity else None,
        )

    # ------------------------------------------------------------------ main thread
    def serve(self) -> None:
        """Enclose this process, let the other thread play, and listen until the end."""
        try:
            source = settled(self._start.source)  # while a name may still be looked up
        except CameraRefused as refusal:
            self._say(_fault("refused", refusal))
            return
        opened = None
        if source.kind is Kind.LOCAL:
            opened = self._opened(source)
            if opened is None:
                return
        enclosed = sandbox.enclose(_cage(source))
        held = sum(1 << n for n, ability in enumerate(enclosed) if ability.works)
        player = threading.Thread(target=self._play, args=(source, held, opened), daemon=True)
        player.start()
        self._listen(player)

    def _listen(self, player: threading.Thread) -> None:
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        next_word = time.monotonic()
        thrift = Thrift(next_word)
        while player.is_alive():
            now = time.monotonic()
            thrift.attend(now)
            if now >= next_word:
                next_word = now + ALIVE_EVERY_S
                self._say_alive()
            if poll.poll(max(0.0, next_word - now) * 1000) and not self._obey():
                self._stop.set()
                self._freed.set()
                player.join(LEAVE_WITHIN_S)
                return

    def _obey(self) -> bool:
        """Do what the host asks. False: leave."""
        try:
            asked, handles, _, _ = socket.recv_fds(self._channel, 16, 1)
        except OSError:
            return False
        if asked[:1] == GIVE_BACK:
            self._slots.give_back(asked[1])
            self._freed.set()
        elif asked[:1] == MODE:
            self._mode = MODES[asked[1]]
            onlookers_hz = ONLOOKERS_HZ if asked[1] == CLOSELY else 0.0
            self._rate_hz = max(self._start.rate_hz, onlookers_hz)
        elif asked[:1] == RING:
            self._write_ring(handles[0])
        return asked[:1] not in (b"", STOP)

    def _write_ring(self, memory: int) -> None:
        with self._ring_lock:
            footage = Footage(self._coding or Coding(""), self._ring.packets())
        packed = pack_footage(footage)
        view = _whole(memory)
        fits = len(packed) <= len(view)
        if fits:
            view[: len(packed)] = packed
        os.close(memory)
        self._say(RingWritten(len(packed) if fits else 0))

    def _say_alive(self) -> None:
        c = self._counts
        alive = Alive(
            c.packets,
            c.decoded,
            c.chosen,
            c.skipped,
            c.corrupt,
            c.unplaced,
            c.jumps,
            self._key_interval_s(),
            c.unasked,
        )
        try:
            self._channel.send(messages.pack(alive), socket.MSG_DONTWAIT)
        except OSError:
            return  # the host is slow or gone; it will be seen at the next poll

    def _key_interval_s(self) -> float | None:
        keys = tuple(self._keys)
        steps = [b - a for a, b in itertools.pairwise(keys)]
        return max(steps) if steps else None

    # ------------------------------------------------------------------ playing thread
    def _play(self, source: Source, enclosed: int, opened: Feed | None) -> None:
        try:
            self._play_through(source, enclosed, opened)
        except CameraRefused as refusal:
            self._say(_fault("refused", refusal))
        except StreamLost as loss:
            self._say(_fault("lost", loss))
        except ConfigurationError as error:
            self._say(Fault("wrong", "setting", str(error)))
        except MemoryError:
            self._say(Fault("lost", "memory", "the stream needs more memory than it may have"))
        else:
            if not self._stop.is_set():
                self._say_alive()
                self._say(Ended())

    def _play_through(self, source: Source, enclosed: int, opened: Feed | None) -> None:
        offset = 0.0
        while True:
            feed = self._feed(opened, source)
            opened = None
            try:
                if source.live and offset == 0.0:
                    sandbox.seal()
                if self._start.describe_s and isinstance(feed, Feed):
                    self._say(Described(describe(feed, seconds=self._start.describe_s)))
                    return
                facts = feed.facts
                self._coding = _coding(feed)
                self._say(Opened(facts.codec, facts.width, facts.height, facts.rate, enclosed))
                last = self._play_once(feed, offset)
            finally:
                feed.close()
            if self._stop.is_set():
                return
            if not self._start.loop or last is None:
                return
            offset = last + 1.0 / (facts.rate or self._start.rate_hz)

    def _feed(self, opened: Feed | None, source: Source) -> Feed | StoredFeed:
        if self._stored is not None:
            return StoredFeed(self._stored)
        return opened or open_feed(source)

    def _play_once(self, feed: Feed | StoredFeed, offset: float) -> float | None:
        """All of the stream. The time of its last picture, None where there was none."""
        rate = self._start.rate_hz
        decoder = Decoder(feed.stream, feed.facts, rate_hz=rate, buffer=self._place)
        decoder.counts = self._counts
        pace = _Pace(feed.facts.time_base_s, self._stop) if self._start.paced else None
        packet = None
        for packet in feed.packets():
            if pace and decoder.wants(packet):
                pace.wait(packet)
            if self._stop.is_set():
                break
            arrived = feed.arrived if isinstance(feed, StoredFeed) else time.monotonic()
            self._keep(packet, feed, arrived, offset)
            decoder.mode = self._mode
            decoder.choose_at(self._rate_hz)
            for decoded in decoder.step(packet, arrived):
                self._hand_over(decoded, offset)
        if pace and packet:
            pace.wait(packet)
        for decoded in decoder.flush():
            self._hand_over(decoded, offset)
        last = decoder.last_s
        return None if last is None else last + offset

    def _keep(
        self, packet: Packet[VideoStream], feed: Feed | StoredFeed, arrived: float, offset: float
    ) -> None:
        """Remember key frames' distance, and the packet for evidence."""
        base = feed.facts.time_base_s
        stamp = packet.dts if packet.dts is not None else packet.pts
        seconds = arrived if stamp is None else stamp * base
        if packet.is_keyframe:
            self._keys.append(seconds)
        if self._start.ring_bytes:
            stamps = (None if s is None else s * base + offset for s in (packet.pts, packet.dts))
            stored = StoredPacket(arrived, packet.is_keyframe, bytes(packet), *stamps)
            with self._ring_lock:
                self._ring.add(stored)

    def _place(self, width: int, height: int) -> ImageArray | None:
        """Room for a picture. None: the host still holds all of it (live), or none will come."""
        while True:
            self._freed.clear()
            if (taken := self._slots.take(width, height)) is not None:
                self._slot = taken[0]
                return taken[1]
            if self._start.drops or self._stop.is_set():
                return None
            self._freed.wait(ALIVE_EVERY_S)

    def _hand_over(self, decoded: Decoded, offset: float) -> None:
        moved = dataclasses.replace(decoded, time=decoded.time + offset)
        frame = self._sampler.step(moved)
        if not self._say(_placed(frame, self._slot)):
            self._slots.give_back(self._slot)

    def _say(self, message: messages.Message) -> bool:
        try:
            self._channel.send(messages.pack(message))
        except OSError:
            self._stop.set()
            return False
        return True

    def _opened(self, source: Source) -> Feed | None:
        """A local device is opened before the sandbox closes: it is written to."""
        try:
            return open_feed(source)
        except CameraRefused as refusal:
            self._say(_fault("refused", refusal))
        except StreamLost as loss:
            self._say(_fault("lost", loss))
        return None


class _Pace:
    """A file at its own speed, or slower where its pictures can't be decoded so fast."""

    def __init__(self, base_s: float, stop: threading.Event) -> None:
        self._base_s = base_s
        self._stop = stop
        self._began: float | None = None
        self._first_s = 0.0

    def wait(self, packet: Packet[VideoStream]) -> None:
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None:
            return
        seconds, now = stamp * self._base_s, time.monotonic()
        if self._began is None:
            self._began, self._first_s = now, seconds
        ahead = self._began + seconds - self._first_s - now
        if ahead > 0:
            self._stop.wait(ahead)
        elif ahead < -BEHIND_S:
            self._began -= ahead


def _read(memory: int) -> Footage:
    """The packets to be played, out of the host's memory."""
    with mmap.mmap(memory, os.fstat(memory).st_size, prot=mmap.PROT_READ) as view:
        footage = unpack_footage(bytes(view))
    os.close(memory)
    return footage


def _coding(feed: Feed | StoredFeed) -> Coding:
    context = feed.stream.codec_context
    return Coding(
        context.name,
        context.width,
        context.height,
        context.pix_fmt or "",
        context.extradata or b"",
        feed.facts.turn,
    )


def _whole(memory: int) -> memoryview:
    """The whole of a shared memory, to be written."""
    return memoryview(mmap.mmap(memory, os.fstat(memory).st_size))


def _placed(frame: Frame, slot: int) -> Placed:
    return Placed(
        slot=slot,
        sequence=frame.sequence,
        width=frame.picture.width,
        height=frame.picture.height,
        time=frame.time,
        arrived=frame.arrived,
        full_range=frame.picture.full_range,
        key=frame.key,
        blind=frame.blind,
        activity=frame.activity,
    )


def _fault(kind: str, error: CameraRefused | StreamLost) -> Fault:
    return Fault(kind, error.cause, str(error))


def _cage(source: Source) -> sandbox.Cage:
    reads = (source.address,) if source.kind is Kind.FILE and source.address else ()
    return sandbox.Cage(reads=reads, port=source.port)
