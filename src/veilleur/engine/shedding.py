"""Beyond capacity whole cameras are shed, in a stated order; never are all of them thinned.

Below five analysed frames a second tracks break, so a node that cannot keep up gives up cameras,
the last of the site file first, and says so. It takes one back when there is room again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SheddingSettings:
    """window_s: how long the node is watched before it decides. overload: share of frames
    displaced in the window from which on it gives up a camera. room: share of the analysts' time
    in use below which one is taken back. calm_s: how long there must have been room.
    """

    window_s: float = 5.0
    overload: float = 0.05
    room: float = 0.7
    calm_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What happened since the node was started: counts and seconds only ever grow."""

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
        self._shed: dict[str, float] = {}
        self._window: tuple[float, Load] | None = None
        self._calm_since: float | None = None

    @property
    def shed(self) -> Mapping[str, float]:
        """Cameras given up now, with the second it happened."""
        return self._shed

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
        elif self._shed and busy < self._settings.room:
            self._take_back(now)
        else:
            self._calm_since = None

    def _give_up(self, now: float) -> None:
        self._calm_since = None
        analysed = [camera for camera in self._order if camera not in self._shed]
        if len(analysed) > 1:
            self._shed[analysed[-1]] = now

    def _take_back(self, now: float) -> None:
        if self._calm_since is None:
            self._calm_since = now
        if now - self._calm_since >= self._settings.calm_s:
            first = next(camera for camera in self._order if camera in self._shed)
            del self._shed[first]
            self._calm_since = None
