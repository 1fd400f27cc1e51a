"""One simulated camera: which picture is due, who gets it, and what the faults make of it.

It is told the time and knows no socket; `rtsp` gives it viewers. A camera films for ever from its
first viewer on, watched or not, so everybody sees the same moment and a viewer who comes back has
missed something. It can't make a key frame on demand as a real one can: who joins waits for the
next one where it is at most `PATIENCE_S` away, and else is sent the pictures since the last one.
"""

from __future__ import annotations

import math
import random
import secrets
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from veilleur.simulation import rtp
from veilleur.simulation.faults import PAINTED, Fault, Kind, spoil
from veilleur.simulation.media import AccessUnit, Media

PATIENCE_S = 2.0
REPORT_S = 1.0
"""Seconds between sender reports."""

IDLE_S = 0.25
LATE_S = 2.0
"""A host that slept so long skips what it missed instead of sending it all at once."""

SLOW_STEP_S = 0.05
CROWDED = 4 << 20
"""Bytes. A viewer who has so much unread loses pictures until the next key frame; on a slow
network, a second's worth."""

REMEMBERED = 100_000
"""Sent frames kept for `Simulator.frames_sent`: over an hour at 25 a second."""

_MUTE = frozenset({Kind.STALL, Kind.SILENT, Kind.END})


@dataclass(frozen=True, slots=True)
class SentFrame:
    """Ground truth of one picture.

    index: which of the file's coded pictures, from 0, and loop: how often the file had ended
    before. captured: Unix seconds at which it was taken, the true time, whatever the camera's
    clock claims. sent: seconds on the host's monotonic clock. timestamp: RTP time, as sent.
    """

    index: int
    loop: int
    captured: float
    sent: float
    timestamp: int
    key: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a viewer begins. timestamp: RTP time of its first picture."""

    position: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class TrueClock:
    """Unix time that no clock step of the host disturbs: one offset for the whole run."""

    unix_s: float
    monotonic_s: float

    def at(self, monotonic_s: float) -> float:
        """Unix seconds at this monotonic second."""
        return self.unix_s + monotonic_s - self.monotonic_s


class Carrier(Protocol):
    """The way to one viewer."""

    def send(self, packet: bytes) -> None:
        """An RTP packet."""

    def report(self, packet: bytes) -> None:
        """An RTCP packet."""

    def flush(self) -> None:
        """A picture is complete."""

    @property
    def unread(self) -> int:
        """Bytes that wait for the viewer."""


class Viewer:
    """One session that plays."""

    def __init__(self, carrier: Carrier) -> None:
        self.ssrc = secrets.randbits(32)
        self.waits_for_key = True
        self.lost = 0
        self._carrier = carrier
        self._sequence = secrets.randbits(16)
        self._packets = self._octets = 0
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._allowance = 0.0

    def picture(
        self, pieces: Sequence[tuple[int, bytes]], count: int, timestamp: int, *, slow: bool
    ) -> None:
        """Sends `pieces`, (place, payload), of a picture of `count` packets."""
        for place, payload in pieces:
            timing = rtp.Timing(self.ssrc, self._sequence + place, timestamp)
            packet = rtp.packet(payload, timing, marker=place == count - 1)
            self._packets += 1
            self._octets += len(payload)
            if slow:
                self._held.append(packet)
                self._held_bytes += len(packet)
            else:
                self._carrier.send(packet)
        self._sequence += count
        self._carrier.flush()

    def takes(self, *, key: bool, slow_bytes: float) -> bool:
        """Can a picture be sent? Not before a key frame, and not to one who is far behind."""
        limit = CROWDED if slow_bytes == 0.0 else slow_bytes
        if self._carrier.unread + self._held_bytes > limit:
            self.waits_for_key = True
        elif key:
            self.waits_for_key = False
        self.lost += self.waits_for_key
        return not self.waits_for_key

    def pump(self, allowance: float) -> None:
        """Sends what `allowance` more bytes allow of what is held back."""
        self._allowance += allowance
        while self._held and self._allowance >= len(self._held[0]):
            packet = self._held.popleft()
            self._allowance -= len(packet)
            self._held_bytes -= len(packet)
            self._carrier.send(packet)
        if not self._held:
            self._allowance = 0.0
        self._carrier.flush()

    def report(self, time_s: float, *, last: bool = False) -> None:
        """A sender report; last: with BYE."""
        make = rtp.goodbye if last else rtp.sender_report
        self._carrier.report(make(self.ssrc, time_s, self._packets, self._octets))


class PlayHead:
    """Where a camera stands in its endlessly repeated media. Positions count through all loops."""

    def __init__(self, media: Media, start_s: float) -> None:
        self.media = media
        self.position = 0
        self._origin_s = start_s - media.units[0].sent_s
        self._sent_s = [unit.sent_s for unit in media.units]

    def unit(self, position: int) -> AccessUnit:
        """The picture at this position."""
        return self.media.units[position % len(self._sent_s)]

    def sent_s(self, position: int) -> float:
        """The second at which it is due."""
        return self._loop_s(position) + self.unit(position).sent_s

    def captured_s(self, position: int) -> float:
        """The second at which it was taken."""
        return self._loop_s(position) + self.unit(position).captured_s

    def seek(self, now_s: float) -> None:
        """On to the first picture that is due now or later."""
        ahead = now_s - self._origin_s
        loop = max(0, int((ahead - self._sent_s[0]) // self.media.period_s))
        within = bisect_left(self._sent_s, ahead - loop * self.media.period_s)
        self.position = max(self.position, loop * len(self._sent_s) + within)

    def key_from(self, position: int) -> int:
        """The first key frame at or after this position."""
        while not self.unit(position).key:
            position += 1
        return position

    def key_before(self, position: int) -> int:
        """The last key frame before this position, or the first of all."""
        position = max(position - 1, 0)
        while not self.unit(position).key:
            position -= 1
        return position

    def _loop_s(self, position: int) -> float:
        return self._origin_s + position // len(self._sent_s) * self.media.period_s


class Camera:
    """Films, and sends to its viewers. Belongs to one thread."""

    def __init__(self, media: Media, clock: TrueClock, seed: int = 0) -> None:
        self.viewers: list[Viewer] = []
        self.frames: deque[SentFrame] = deque(maxlen=REMEMBERED)
        self.sent = 0
        self._media, self._clock = media, clock
        self._head: PlayHead | None = None
        self._painted: PlayHead | None = None
        self._returning = False
        self._faults: list[Fault] = []
        self._dice = random.Random(seed)  # noqa: S311 - repeatable faults, no secret
        self._recorded_s = self._reported_s = self._pumped_s = -math.inf

    @property
    def media(self) -> Media:
        """What it films now: the file, or what a fault made of it."""
        return self._painted.media if self._painted else self._media

    def has(self, *kinds: Kind) -> bool:
        """Is one of these faults at work?"""
        return any(fault.kind in kinds for fault in self._faults)

    def begin(self, fault: Fault, now_s: float, media: Media | None = None) -> None:
        """The fault sets in. media: what is filmed instead, where it changes the picture."""
        self._faults.append(fault)
        if media is not None:
            self._painted, self._returning = PlayHead(media, now_s), False
        if fault.kind is Kind.END:
            for viewer in self.viewers:
                viewer.report(self._claimed(now_s), last=True)
        self._reported_s = -math.inf

    def end(self, fault: Fault, now_s: float) -> None:
        """The fault is over. The file's own picture comes back with its next key frame."""
        self._faults = [other for other in self._faults if other != fault]
        self._reported_s = -math.inf
        if self._painted is None or self.has(*PAINTED):
            return
        if self._head is None:
            self._painted = None
            return
        self._head.seek(now_s)
        self._head.position = self._head.key_from(self._head.position)
        self._returning = True

    def entry(self, now_s: float) -> Entry:
        """Where somebody who plays now would begin."""
        self._head = self._head or PlayHead(self._media, now_s)
        head = self._showing(now_s)
        if not self.viewers:
            head.seek(now_s)
        first = head.key_from(head.position)
        if self.has(Kind.NO_KEY):
            first = head.position
        elif head.sent_s(first) - now_s > PATIENCE_S:
            first = head.key_before(head.position)
        return Entry(first, self._timestamp(head.captured_s(first)))

    def join(self, viewer: Viewer, entry: Entry, now_s: float) -> None:
        """The viewer begins there: what lies behind is sent at once."""
        head = self._showing(now_s)
        self.viewers.append(viewer)
        viewer.waits_for_key = not self.has(Kind.NO_KEY)
        if not self.has(*_MUTE):
            viewer.report(self._claimed(now_s))
        for position in range(entry.position, head.position):
            self._send(head, position, now_s, [viewer])

    def leave(self, viewer: Viewer) -> None:
        """A viewer is gone; one that is gone already does no harm."""
        if viewer in self.viewers:
            self.viewers.remove(viewer)

    def step(self, now_s: float) -> float:
        """Sends what is due. Returns in how many seconds it wants to be called again."""
        if not self.viewers:
            return IDLE_S
        head = self._showing(now_s)
        if now_s - head.sent_s(head.position) > LATE_S:
            head.seek(now_s)
        while head.sent_s(head.position) <= now_s:
            self._send(head, head.position, now_s, self.viewers)
            head.position += 1
        self._report(now_s)
        wait_s = max(0.0, head.sent_s(head.position) - now_s)
        return min(wait_s, self._pump(now_s))

    def _showing(self, now_s: float) -> PlayHead:
        """The play head in force: a fault's, or the file's."""
        assert self._head is not None, "nobody has joined yet"
        if self._returning and self._head.sent_s(self._head.position) <= now_s:
            self._painted, self._returning = None, False
        return self._painted or self._head

    def _send(self, head: PlayHead, position: int, now_s: float, viewers: Sequence[Viewer]) -> None:
        unit = head.unit(position)
        if self.has(*_MUTE) or (unit.key and self.has(Kind.NO_KEY)):
            return
        kilobytes = self._size(Kind.SLOW)
        takers = [v for v in viewers if v.takes(key=unit.key, slow_bytes=kilobytes * 1000)]
        if not takers:
            return
        bare = self.has(Kind.NO_PARAMETERS)
        payloads = unit.payloads if bare else unit.parameters + unit.payloads
        pieces = list(spoil(payloads, self._faults, self._dice))
        timestamp = self._timestamp(head.captured_s(position))
        for viewer in takers:
            viewer.picture(pieces, len(payloads), timestamp, slow=kilobytes > 0.0)
        if head.sent_s(position) > self._recorded_s:
            self._recorded_s = head.sent_s(position)
            self._record(head, position, now_s, timestamp)

    def _record(self, head: PlayHead, position: int, now_s: float, timestamp: int) -> None:
        loop, index = divmod(position, len(head.media.units))
        self.sent += 1
        self.frames.append(
            SentFrame(
                index=index,
                loop=loop,
                captured=self._clock.at(head.captured_s(position)),
                sent=now_s,
                timestamp=timestamp,
                key=head.unit(position).key,
            )
        )

    def _report(self, now_s: float) -> None:
        if now_s - self._reported_s < REPORT_S or self.has(*_MUTE):
            return
        self._reported_s = now_s
        for viewer in self.viewers:
            viewer.report(self._claimed(now_s))

    def _pump(self, now_s: float) -> float:
        """Lets a slow network move on. Returns in how many seconds it moves again."""
        kilobytes, passed_s = self._size(Kind.SLOW), now_s - self._pumped_s
        self._pumped_s = now_s
        if self.has(*_MUTE):
            return math.inf
        for viewer in self.viewers:
            viewer.pump(kilobytes * 1000 * min(passed_s, 1.0) if kilobytes else math.inf)
        return SLOW_STEP_S if kilobytes else math.inf

    def _size(self, kind: Kind) -> float:
        return sum(fault.size for fault in self._faults if fault.kind is kind)

    def _claimed(self, now_s: float) -> float:
        """Unix seconds by the camera's own clock, which a fault may have moved."""
        return self._clock.at(now_s) + self._size(Kind.CLOCK_STEP)

    def _timestamp(self, captured_s: float) -> int:
        return rtp.timestamp(self._claimed(captured_s))
