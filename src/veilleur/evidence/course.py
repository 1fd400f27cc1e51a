"""What is hidden in the pictures between two that were analysed.

A camera is analysed a few times a second and shown more often. In between nobody knows, so a
picture is covered by what was seen before it and after it, and by the way from one to the other;
by the pictures next to those, since a detector misses now and then; and where too long passed
between two looks, all of it is made coarse.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np

from veilleur.evidence.redaction import Boxes, Hidden
from veilleur.geometry import FloatArray, View
from veilleur.perception.overlap import between

GAP_S = 3.0
"""Longest time between two looks that is bridged: a quiet scene is looked at by key frames."""
AROUND_S = 0.5
"""So far away looks count besides the two next to a picture."""
_EDGE_S = 0.25  # before the first look and after the last one
_PERSON, _VEHICLE = 1.5, 7.0
"""How far it goes in a second, in lengths of its longer side: a runner, fast traffic."""
_AT_LEAST = 0.5  # the same between any two looks: boxes waver
_EXACT_S = 1e-6


class Look(Protocol):
    """What one analysed picture showed. host_s: seconds on the clock of `Frame.arrived`."""

    @property
    def host_s(self) -> float: ...
    @property
    def view(self) -> View: ...
    @property
    def boxes(self) -> Boxes: ...


class Course:
    """The looks at one camera, in order, as a cover for each picture of it."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self._looks = sorted(looks, key=lambda look: look.host_s)
        self._times = [look.host_s for look in self._looks]
        self._known: dict[int, Hidden] = {}

    def hidden(self, host_s: float) -> Hidden:
        """What must not be recognised in a picture whose packet came at this time."""
        after = bisect_right(self._times, host_s - _EXACT_S)
        if not self._bridged(after, host_s):
            return Hidden(unknown=True)
        chosen = [n for n in range(after - 2, after + 2) if self._counts(n, after, host_s)]
        looks = [self._hidden(n) for n in chosen]
        ways = [self._way(one, other) for one, other in pairwise(chosen)]
        covers = [*looks, *ways]
        return Hidden(
            np.concatenate([cover.people for cover in covers]),
            np.concatenate([cover.doubtful for cover in covers]),
            np.concatenate([cover.vehicles for cover in covers]),
            shaken=any(look.shaken for look in looks),
            unknown=any(look.unknown for look in looks),
        )

    def _way(self, one: int, other: int) -> Hidden:
        """Around where each has been at the one look and at the other."""
        passed_s = self._times[other] - self._times[one]
        before, after = self._hidden(one), self._hidden(other)
        return Hidden(
            people=_way(before.people, after.people, _AT_LEAST + _PERSON * passed_s),
            vehicles=_way(before.vehicles, after.vehicles, _AT_LEAST + _VEHICLE * passed_s),
        )

    def _bridged(self, after: int, host_s: float) -> bool:
        """Was somebody looking around this time?"""
        if not self._times:
            return False
        if after == 0:
            return self._times[0] - host_s <= _EDGE_S
        if after == len(self._times):
            return host_s - self._times[-1] <= _EDGE_S
        return self._times[after] - self._times[after - 1] <= GAP_S

    def _counts(self, n: int, after: int, host_s: float) -> bool:
        if not 0 <= n < len(self._times):
            return False
        return n in (after - 1, after) or abs(self._times[n] - host_s) <= AROUND_S

    def _hidden(self, n: int) -> Hidden:
        if n not in self._known:
            self._known[n] = Hidden.of(self._looks[n].boxes, self._looks[n].view)
        return self._known[n]


def _way(before: FloatArray, after: FloatArray, reach: float) -> FloatArray:
    """(n, 4) around each box and where it went: the box afterwards that shares most with it, or
    else the nearest one. reach: so far it can have gone, in lengths of its longer side."""
    if not len(before) or not len(after):
        return before[:0]
    shared = between(before, after).iou
    middle, later = (before[:, :2] + before[:, 2:]) / 2, (after[:, :2] + after[:, 2:]) / 2
    longer = np.maximum((before[:, 2:] - before[:, :2]).max(axis=1), 1e-6)
    away = np.abs(middle[:, None] - later[None]).max(axis=2) / longer[:, None]
    rows = np.arange(len(before))
    best = np.argmax(shared - away, axis=1)
    found = (shared[rows, best] > 0) | (away[rows, best] <= reach)
    one, other = before[found], after[best[found]]
    return np.concatenate(
        [np.minimum(one[:, :2], other[:, :2]), np.maximum(one[:, 2:], other[:, 2:])], axis=1
    )
