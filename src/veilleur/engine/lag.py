"""Does a stream keep up with the host's clock? It doesn't where its decoder gets no time."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_STEP_S = 5.0
"""A longer step, of either clock, is a gap and no lag."""


@dataclass(slots=True)
class Lag:
    """Told each frame of one camera. Seconds that only ever grow, from frame to frame.

    streamed_s: of the stream. passed_s: of the host, in the same time. A stream that arrives late
    by always the same, or now early, now late, lags by nothing in the sum.
    """

    streamed_s: float = 0.0
    passed_s: float = 0.0
    _last: tuple[float, float] | None = None

    def note(self, time: float, arrived: float) -> None:
        """A frame's time on the stream's clock, and its arrival on the host's."""
        last, self._last = self._last, (time, arrived)
        if last is None:
            return
        streamed, passed = time - last[0], arrived - last[1]
        if 0 < streamed <= LONGEST_STEP_S and 0 < passed <= LONGEST_STEP_S:
            self.streamed_s += streamed
            self.passed_s += passed

    def restart(self) -> None:
        """The next frame is the first of a connection, or after a rest."""
        self._last = None
