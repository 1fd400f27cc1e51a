"""Beyond capacity whole cameras are shed, in a stated order; never are all of them thinned.

Below five analysed frames a second tracks break, so a node that cannot keep up gives up cameras,
the last of the line-up first, and says so. It takes one back when there is room for it again.

A node is overloaded where frames are lost since nobody took them in time, and, while its cores are
busy, where answers come late or the streams themselves fall behind the host's clock. Busy cores are
asked for, since a slow network delays frames too, and giving up cameras would not help against it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SheddingSettings:
    """look_s: how often the node is looked at. looks, bad_looks: cameras are given up once so many
    of the last looks found it overloaded; a burst of another program's work is shorter. settle_s:
    after that nothing is judged for so long.
    overload: share of the frames that are lost or late, or of their time that streams lack, from
    which on a look is bad. many: share of late answers from which on an eighth of the cameras goes
    at once. busy: share of the cores' time from which on late frames are the machine's doing.
    room: share of the cores' and of the analysts' time that may be in use once a camera is taken
    back. calm_s: for how long there must have been room; twice as long after each return that did
    not last, up to calm_most_s.
    """

    look_s: float = 1.0
    looks: int = 10
    bad_looks: int = 7
    settle_s: float = 2.0
    overload: float = 0.05
    many: float = 0.5
    busy: float = 0.85
    room: float = 0.75
    calm_s: float = 60.0
    calm_most_s: float = 960.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What happened since the node was started, at cameras that don't wait for it: counts and
    seconds only ever grow.

    analysed: frames, late: those of them answered late. lost: frames nobody took in time.
    streamed_s: the streams' own time between one frame and the next, passed_s: the host's; both of
    all cameras together. busy_s: seconds in which analysts had a frame in hand, of all analysts
    together. cores_s: seconds in which the machine's cores worked for anybody, mean of the cores.
    """

    analysed: int = 0
    late: int = 0
    lost: int = 0
    streamed_s: float = 0.0
    passed_s: float = 0.0
    busy_s: float = 0.0
    cores_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Look:
    """Shares, of one look. lack: of the frames or of the streams' time; late: of the answers."""

    lack: float
    late: float
    bad: bool


class Shedding:
    """Which cameras of a node are given up. `order`: the most important camera first."""

    def __init__(
        self, order: Sequence[str], analysts: int, settings: SheddingSettings | None = None
    ) -> None:
        self._order = tuple(order)
        self._analysts = analysts
        self._settings = settings or SheddingSettings()
        self._shed: set[str] = set()
        self._before: tuple[float, Load] | None = None
        self._looks: deque[_Look] = deque(maxlen=self._settings.looks)
        self._settled_at = -math.inf
        self._calm_since: float | None = None
        self._returned: float | None = None
        self._calm_s = self._settings.calm_s

    @property
    def shed(self) -> frozenset[str]:
        """Cameras given up now."""
        return frozenset(self._shed)

    def arrange(self, order: Sequence[str]) -> None:
        """The cameras are others now, or stand in another order. Those given up are the last again,
        so many that no more are analysed than before; one is in any case."""
        ran = [camera for camera in self._order if camera not in self._shed]
        if self._shed:
            number = max(1, sum(camera in ran for camera in order))
            self._shed = set(order[number:])
        self._order = tuple(order)
        self._before = None
        self._looks.clear()

    def due(self, now: float) -> bool:
        """Is it time for the next `update`?"""
        return self._before is None or now - self._before[0] >= self._settings.look_s

    def update(self, load: Load, now: float) -> None:
        """Decide anew, where it is time. now: host seconds that never go back."""
        if not self.due(now):
            return
        before, self._before = self._before, (now, load)
        if before is None or now < self._settled_at:
            return
        seconds = now - before[0]
        cores = (load.cores_s - before[1].cores_s) / seconds
        analysts = (load.busy_s - before[1].busy_s) / (seconds * self._analysts)
        self._looks.append(self._seen(before[1], load, cores))
        if sum(look.bad for look in self._looks) >= self._settings.bad_looks:
            self._give_up(now)
        elif self._shed and self._has_room(max(cores, analysts)):
            self._take_back(now)
        else:
            self._calm_since = None

    def _seen(self, before: Load, load: Load, cores: float) -> _Look:
        lost, analysed = load.lost - before.lost, load.analysed - before.analysed
        late = _share(load.late - before.late, analysed)
        lack = _share(lost, analysed + lost)
        if cores >= self._settings.busy:
            passed_s = load.passed_s - before.passed_s
            lack = max(lack, _share(passed_s - (load.streamed_s - before.streamed_s), passed_s))
        else:
            late = 0.0
        return _Look(lack, late, max(lack, late) > self._settings.overload)

    def _has_room(self, busy: float) -> bool:
        """For one more camera that costs as much as those that are analysed."""
        analysed = len(self._order) - len(self._shed)
        return busy * (analysed + 1) / analysed < self._settings.room

    def _give_up(self, now: float) -> None:
        """As many as the lack is large, rounded down; one at least, a quarter at most."""
        settings = self._settings
        analysed = [camera for camera in self._order if camera not in self._shed]
        bad = [look for look in self._looks if look.bad]
        number = int(len(analysed) * sum(look.lack for look in bad) / len(bad))
        if sum(look.late for look in bad) / len(bad) > settings.many:
            number = max(number, len(analysed) // 8)
        number = min(max(1, min(number, len(analysed) // 4)), len(analysed) - 1)
        self._looks.clear()
        self._settled_at, self._calm_since = now + settings.settle_s, None
        if number == 0:
            return
        self._shed.update(analysed[-number:])
        if self._returned is not None and now - self._returned < settings.calm_s:
            self._calm_s = min(2 * self._calm_s, settings.calm_most_s)
        else:
            self._calm_s = settings.calm_s
        self._returned = None

    def _take_back(self, now: float) -> None:
        if self._calm_since is None:
            self._calm_since = now
        if now - self._calm_since >= self._calm_s:
            first = next(camera for camera in self._order if camera in self._shed)
            self._shed.remove(first)
            self._calm_since, self._returned = None, now


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
