"""One camera's time over all its connections.

Each connection's stream begins at zero. Rules, tracks and situations want time that goes on: where
a live camera comes back, its time has moved by as much as the host's clock has.
"""

from __future__ import annotations

from dataclasses import replace

from veilleur.cameras.frame import Frame


class Timeline:
    """Told of each new connection, then its frames."""

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._last: tuple[float, float] | None = None  # time and arrival of the last frame
        self._new = False

    def connected(self) -> None:
        """The next frame is the first of a new connection."""
        self._new = True

    def placed(self, frame: Frame) -> Frame:
        """The frame with its time on this line."""
        if self._new and self._last is not None:
            time, arrived = self._last
            self._offset_s = time + max(frame.arrived - arrived, 0.001) - frame.time
        self._new = False
        placed = replace(frame, time=frame.time + self._offset_s)
        self._last = placed.time, placed.arrived
        return placed
