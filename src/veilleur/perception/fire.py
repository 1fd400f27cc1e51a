"""What changes as fire does, followed over seconds and looked at by a verifier again and again.

Little runs where little changes: candidates come from one small picture (`glow`), a few times a
second, and only while something moves; each is shown to the network in turn, a few looks a step.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, View
from veilleur.perception.blaze import Blaze, Sort
from veilleur.perception.glow import Glimpse, Glow, Spot
from veilleur.perception.verifier import Verifier, VerifierModel

FIRE = VerifierModel(
    name="Fire verifier",
    file="fire.onnx",
    sha256="2979992cf430f528f73884dafdb365f06463a0cf9ad4033e3852b715c908c4e9",
    side=96,
    classes=(Sort.FLAME, Sort.SMOKE),
    margin=1.6,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FireSettings:
    """every_s: least time between two steps. looks: at most so many inferences a step. sees: score
    from which the verifier sees fire. recent_s: looks and places so old still count. lost_s: not
    seen for so long, a candidate is forgotten; one that the verifier saw burn, after held_s.
    start_s: what is first seen so soon after looking began was there before. near: how far from
    where it was a candidate may be found, in its own sizes. again_s: what the verifier saw nothing
    in (below dull) is shown to it again after so long.
    """

    every_s: float = 0.18
    looks: int = 3
    sees: float = 0.5
    recent_s: float = 2.0
    lost_s: float = 1.0
    held_s: float = 3.0
    start_s: float = 1.5
    near: float = 0.6
    again_s: float = 0.9
    dull: float = 0.25


@dataclass(frozen=True, slots=True)
class _Look:
    time: float
    score: float


@dataclass(frozen=True, slots=True)
class _Place:
    time: float
    box: Box
    area: float


@dataclass(slots=True)
class _Followed:
    """One candidate."""

    id: int
    sort: Sort
    since: float
    first_area: float
    places: deque[_Place] = field(default_factory=deque)
    looks: deque[_Look] = field(default_factory=deque)
    looked: float = -math.inf
    burns_since: float | None = None
    steps: int = 0
    present: int = 0

    @property
    def last(self) -> _Place:
        return self.places[-1]


class FireWatch:
    """One camera's."""

    def __init__(
        self, view: View, verifier: Verifier, settings: FireSettings | None = None
    ) -> None:
        self._set = settings or FireSettings()
        self._view, self._verifier = view, verifier
        self._glow = Glow(view)
        self._followed: list[_Followed] = []
        self._next = 1
        self._began: float | None = None
        self._stepped: float | None = None
        self._blazes: tuple[Blaze, ...] = ()

    def forget(self) -> None:
        """Nothing was seen for a time: everything begins anew."""
        self._glow.forget()
        self._followed.clear()
        self._began = self._stepped = None
        self._blazes = ()

    def step(self, picture: Picture, time: float, *, moved: bool) -> tuple[Blaze, ...]:
        """What may burn now. moved: whether anything changed since the picture before."""
        if self._stepped is not None and 0 <= time - self._stepped < self._set.every_s:
            return self._blazes
        if self._stepped is not None and time < self._stepped:
            self.forget()
        if self._began is None:
            self._began = time
        if not moved and not self._followed and self._stepped is not None:
            return ()
        self._stepped = time
        glimpse = self._glow.step(picture, time)
        self._follow(glimpse, time)
        self._verify(picture, time)
        self._blazes = tuple(
            self._blaze(one, time, swept=glimpse.swept)
            for one in self._followed
            if one.last.time == time or self._burns(one)
        )
        return self._blazes

    def _follow(self, glimpse: Glimpse, time: float) -> None:
        for sort, spots in ((Sort.FLAME, glimpse.flames), (Sort.SMOKE, glimpse.clouds)):
            known = [one for one in self._followed if one.sort is sort]
            for spot in spots:
                one = self._nearest(known, spot, time, swept=glimpse.swept)
                if one is None:
                    one = _Followed(self._next, sort, time, spot.area)
                    self._next += 1
                    self._followed.append(one)
                one.places.append(_Place(time, spot.box, spot.area))
                one.present += 1
        for one in self._followed:
            one.steps += 1
            _forget_before(one, time - self._set.recent_s)
        self._followed = [one for one in self._followed if self._kept(one, time)]

    def _nearest(
        self, known: Sequence[_Followed], spot: Spot, time: float, *, swept: bool
    ) -> _Followed | None:
        """The followed one, not yet found in this picture, that this is."""
        near = math.inf if swept else self._set.near
        free = [
            (gap(one.last.box, spot.box) + _unlike(one.last.area, spot.area), one.id, one)
            for one in known
            if one.last.time < time and gap(one.last.box, spot.box) <= near
        ]
        return min(free, default=(0, 0, None))[2]

    def _kept(self, one: _Followed, time: float) -> bool:
        patience_s = self._set.held_s if self._burns(one) else self._set.lost_s
        return time - one.last.time <= patience_s

    def _burns(self, one: _Followed) -> bool:
        seen = [look for look in one.looks if look.score >= self._set.sees]
        return bool(seen) and 2 * len(seen) >= len(one.looks)

    def _verify(self, picture: Picture, time: float) -> None:
        """Those that have waited longest; what burned when last seen comes first."""
        here = [one for one in self._followed if one.last.time == time and self._due(one, time)]
        here.sort(key=lambda one: (one.looked - (0.3 if self._burns(one) else 0.0), one.id))
        for one in here[: self._set.looks]:
            scores = self._verifier.scores(picture, self._view, one.last.box)
            one.looks.append(_Look(time, float(scores[list(Sort).index(one.sort)])))
            one.looked = time
            if not self._burns(one):
                one.burns_since = None
            elif one.burns_since is None:
                one.burns_since = time

    def _due(self, one: _Followed, time: float) -> bool:
        dull = bool(one.looks) and one.looks[-1].score < self._set.dull
        return not dull or time - one.looked >= self._set.again_s

    def _blaze(self, one: _Followed, time: float, *, swept: bool) -> Blaze:
        scores = [look.score for look in one.looks]
        areas = [place.area for place in one.places]
        first, last = one.places[0].box, one.last.box
        size = max(last.width, last.height, first.width, first.height, 1.0)
        return Blaze(
            id=one.id,
            sort=one.sort,
            box=last,
            since=one.since,
            burns_since=one.burns_since,
            sure=sum(s >= self._set.sees for s in scores) / max(len(scores), 1),
            looks=len(scores),
            score=sum(scores) / max(len(scores), 1),
            stirs=one.present / one.steps,
            grown=max(areas) / max(one.first_area, 1.0),
            moved=math.dist(first.centre, last.centre) / size,
            at_start=self._began is not None and one.since - self._began <= self._set.start_s,
            swept=swept,
        )


def _forget_before(one: _Followed, time: float) -> None:
    while len(one.places) > 1 and one.places[0].time < time:
        one.places.popleft()
    while one.looks and one.looks[0].time < time:
        one.looks.popleft()


def gap(one: Box, other: Box) -> float:
    """Distance between two boxes, in mean longer sides: 0 where they meet."""
    across = max(one.x1 - other.x2, other.x1 - one.x2, 0.0)
    down = max(one.y1 - other.y2, other.y1 - one.y2, 0.0)
    size = max(one.width, one.height) + max(other.width, other.height)
    return 2 * math.hypot(across, down) / max(size, 1.0)


def _unlike(one: float, other: float) -> float:
    """0 for areas as large as each other, 0.35 where one has twice the other."""
    return 0.5 * abs(math.log(max(one, 1.0) / max(other, 1.0)))
