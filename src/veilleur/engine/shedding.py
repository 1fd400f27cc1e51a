"""Beyond capacity whole cameras are shed, in a stated order; never are all of them thinned.

Below five analysed frames a second tracks break, so a node that cannot keep up gives up cameras,
the last of the line-up first, and says so. It takes one back when there is room for it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SheddingSettings:
    """window_s: how long the node is watched before it decides. overload: share of the frames
    displaced in a window from which on it gives up a camera. room: share of the analysts' time
    that may be in use once a camera is taken back. calm_s: for how long there must have been room;
    twice as long after each return that did not last, up to calm_most_s.
    """

    window_s: float = 5.0
    overload: float = 0.05
    room: float = 0.9
    calm_s: float = 60.0
    calm_most_s: float = 960.0


@dataclass(frozen=True, slots=True)
class Load:
    """What happened since the node was started: counts and seconds only ever grow.

    busy_s: seconds in which analysts had a frame in hand, of all analysts together.
    """

    analysed: int
    displaced: int
    busy_s: float


class Shedding:
    """Which cameras of a node are given up. `order`: the most important camera first."""

    def __init__(
        self, order: Sequence[str], analysts: int, settings: SheddingSettings | None = None
    ) -> None:
        self._order = tuple(order)
        self._analysts = analysts
        self._settings = settings or SheddingSettings()
        self._shed: set[str] = set()
        self._window: tuple[float, Load] | None = None
        self._calm_since: float | None = None
        self._returned: float | None = None
        self._calm_s = self._settings.calm_s

    @property
    def shed(self) -> frozenset[str]:
        """Cameras given up now."""
        return frozenset(self._shed)

    def update(self, load: Load, now: float) -> None:
        """Decide anew, once a window. now: host seconds that never go back."""
        if self._window is None:
            self._window = (now, load)
            return
        since, before = self._window
        if now - since < self._settings.window_s:
            return
        self._window = (now, load)
        displaced = load.displaced - before.displaced
        seen = load.analysed - before.analysed + displaced
        busy = (load.busy_s - before.busy_s) / ((now - since) * self._analysts)
        if seen and displaced / seen > self._settings.overload:
            self._give_up(now)
        elif self._shed and self._has_room(busy):
            self._take_back(now)
        else:
            self._calm_since = None

    def _has_room(self, busy: float) -> bool:
        """For one more camera that costs as much as those that are analysed."""
        analysed = len(self._order) - len(self._shed)
        return busy * (analysed + 1) / analysed < self._settings.room

    def _give_up(self, now: float) -> None:
        self._calm_since = None
        analysed = [camera for camera in self._order if camera not in self._shed]
        if len(analysed) == 1:
            return
        self._shed.add(analysed[-1])
        if self._returned is not None and now - self._returned < self._settings.calm_s:
            self._calm_s = min(2 * self._calm_s, self._settings.calm_most_s)
        else:
            self._calm_s = self._settings.calm_s
        self._returned = None

    def _take_back(self, now: float) -> None:
        if self._calm_since is None:
            self._calm_since = now
        if now - self._calm_since >= self._calm_s:
            first = next(camera for camera in self._order if camera in self._shed)
            self._shed.remove(first)
            self._calm_since, self._returned = None, now
