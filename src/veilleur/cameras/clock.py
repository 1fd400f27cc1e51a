"""The stream's own clock: time stamps in, seconds since the first picture out.

Cameras step their clocks, restart them at zero, stamp two pictures alike or none at all. Whatever
comes in, time that goes out only grows, and never jumps further than a bound, unless the arrival
of the packets confirms that so much time has really passed.
"""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST_STEP_S = 0.001
_SMALL_STEP_BACK_S = 0.5
_PLAUSIBLE_RATE = (0.5, 240.0)
_USUAL_INTERVAL_S = 0.04
_DRIFT = 0.001  # clocks of camera and host drift apart by less than this share
_ARRIVAL_TOLERANCE_S = 0.5


@dataclass(frozen=True, slots=True)
class Mark:
    """What a packet carries to its picture: correction in force, arrival on the host's clock."""

    correction_s: float
    arrived: float
    key: bool


class StreamClock:
    """Told each packet (`note`) and then each picture (`time`), in the order they come.

    rate: pictures a second as the container says, None where it doesn't. bound_s: how far time may
    step at once without being confirmed by arrival. live: arrival times mean something.
    `jumps` counts the corrections, `doubled` the pictures that stepped back a little or not on.
    """

    def __init__(
        self, rate: float | None = None, *, bound_s: float = 2.0, live: bool = False
    ) -> None:
        known = rate is not None and _PLAUSIBLE_RATE[0] <= rate <= _PLAUSIBLE_RATE[1]
        self.interval_s = 1.0 / rate if known and rate else _USUAL_INTERVAL_S
        self.jumps = 0
        self.doubled = 0
        self._bound_s = max(bound_s, 4 * self.interval_s)
        self._live = live
        self._correction_s = 0.0
        self._stamp: float | None = None
        self._unstamped = 0
        self._base: float | None = None
        self._arrived = 0.0
        self._first: float | None = None
        self._last: float | None = None

    @property
    def last_s(self) -> float | None:
        """The last picture's time, None before the first."""
        return self._last

    @property
    def correction_s(self) -> float:
        """Correction in force, seconds added to stamps."""
        return self._correction_s

    def note(self, stamp_s: float | None, arrived: float) -> float:
        """A packet's (decoding) stamp in seconds: the correction for its picture, in seconds."""
        if stamp_s is None:
            self._unstamped += 1
        else:
            if self._stamp is not None:
                self._step(stamp_s, arrived)
            self._stamp, self._unstamped = stamp_s, 0
        self._follow_arrival(arrived)
        return self._correction_s

    def expect(self, stamp_s: float | None, correction_s: float) -> float | None:
        """The time a picture with this stamp will get, None where that can't be told yet."""
        if stamp_s is None or self._first is None:
            return None
        return stamp_s + correction_s - self._first

    def time(self, stamp_s: float | None, correction_s: float) -> float:
        """A picture's stamp and its packet's correction: seconds since the first picture."""
        follows = 0.0 if self._last is None else self._last + self.interval_s
        if self._first is None and stamp_s is not None:
            self._first = stamp_s + correction_s - follows
        if self._last is None:
            self._last = 0.0
            return 0.0
        seconds = self.expect(stamp_s, correction_s)
        if seconds is None or not self._plausible(seconds):
            seconds = follows
            if stamp_s is not None:
                self.jumps += 1
        if seconds < self._last + SMALLEST_STEP_S:
            self.doubled += 1
            seconds = self._last + SMALLEST_STEP_S
        self._last = seconds
        return seconds

    def _plausible(self, seconds: float) -> bool:
        """Reordering makes a picture a little late; it can't be far from its packet."""
        last = self._last or 0.0
        if seconds < last - _SMALL_STEP_BACK_S:
            return False
        newest = self.expect(self._stamp, self._correction_s)
        ceiling = max(last, newest if newest is not None else last) + self._bound_s
        return seconds <= ceiling

    def _step(self, stamp_s: float, arrived: float) -> None:
        """Correct a jump between the last packet's stamp and this one's."""
        assert self._stamp is not None
        expected = self.interval_s * (1 + self._unstamped)
        step = stamp_s - self._stamp
        if -_SMALL_STEP_BACK_S <= step <= self._bound_s:
            if step > 0 and not self._unstamped:
                self.interval_s += 0.05 * (min(step, 2 * self.interval_s) - self.interval_s)
            return
        waited = self._waited(arrived)
        if step > 0 and step <= waited + _ARRIVAL_TOLERANCE_S:
            return
        self.jumps += 1
        wanted = waited if waited > self._bound_s else expected
        self._correction_s += wanted - step

    def _waited(self, arrived: float) -> float:
        """Seconds by which the stream has fallen behind its arrival: 0 unless it is live."""
        if not self._live or self._base is None or self._stamp is None:
            return 0.0
        return max(0.0, arrived - (self._stamp + self._correction_s) - self._base)

    def _follow_arrival(self, arrived: float) -> None:
        """Keep the smallest delay seen, let go slowly: the clocks drift apart."""
        if self._stamp is None:
            return
        delay = arrived - (self._stamp + self._correction_s)
        if self._base is None:
            self._base = delay
        else:
            self._base = min(delay, self._base + _DRIFT * max(0.0, arrived - self._arrived))
        self._arrived = arrived
