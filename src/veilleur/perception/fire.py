"""What changes as fire does, followed over seconds and looked at by a verifier again and again.

Little runs where little changes: candidates come from one small picture (`glow`), a few times a
second, and only while something moves; each is shown to the network in turn, a few looks a step.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, FloatArray, View
from veilleur.perception.blaze import Blaze, Sort
from veilleur.perception.glow import Glow, Spot
from veilleur.perception.verifier import Verifier, VerifierModel

NONE: FloatArray = np.zeros((0, 4))
FIRE = VerifierModel(
    name="Fire verifier",
    file="fire.onnx",
    sha256="37b5c5c0071294922314f50592b550bb807ce95cfde8cd8bbc575da0f0c2631a",
    side=96,
    classes=(Sort.FLAME, Sort.SMOKE),
    margin=1.6,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FireSettings:
    """every_s, idle_s: least time between two steps while something burns, and else. looks: at
    most so many inferences a step; flames_s, clouds_s: and so many a second in the long run of each
    sort, three saved up, but for what burns. sees, sees_smoke: score from which the verifier sees
    it; dull: below it, it sees none. again_s: so long until it is shown that again, longer each
    time, unless it has become half as large again; sooner what is of the colour of fire and
    flickers (fiery: their product) and was not looked at `often` in vain. recent_s: looks and
    places so old still count. lost_s: not seen for so long, a candidate is forgotten; one that the
    verifier saw burn, after held_s. start_s: what is first seen so soon after looking began was
    there before. near: how far from where it was a candidate may be found, in its own sizes.
    """

    every_s: float = 0.18
    idle_s: float = 0.35
    looks: int = 3
    flames_s: float = 2.0
    clouds_s: float = 1.2
    sees: float = 0.5
    sees_smoke: float = 0.7
    dull: float = 0.25
    again_s: float = 0.9
    recent_s: float = 2.0
    lost_s: float = 1.0
    held_s: float = 3.0
    start_s: float = 1.5
    near: float = 0.6
    fiery: float = 0.4
    often: int = 4


MOST_SAVED = 3.0
KEEPS = 0.42  # mean score of the last looks


@dataclass(frozen=True, slots=True)
class _Look:
    time: float
    score: float


@dataclass(frozen=True, slots=True)
class _Place:
    time: float
    box: Box
    area: float
    stirred: float


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
    looked_area: float = 0.0
    dull: int = 0
    burns_since: float | None = None
    warm: float = 0.0
    steps: deque[float] = field(default_factory=deque)

    @property
    def last(self) -> _Place:
        return self.places[-1]

    @property
    def fiery(self) -> float:
        """How much it is of the colour of fire and flickers, 0..1."""
        return self.warm * self.last.stirred


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
        self._saved = dict.fromkeys(Sort, MOST_SAVED)
        self._blazes: tuple[Blaze, ...] = ()

    def forget(self) -> None:
        """Nothing was seen for a time: everything begins anew."""
        self._glow.forget()
        self._followed.clear()
        self._began = self._stepped = None
        self._blazes = ()

    def step(
        self, picture: Picture, time: float, *, moved: bool, others: FloatArray = NONE
    ) -> tuple[Blaze, ...]:
        """What may burn now.

        moved: whether anything changed since the picture before. others: (n, 4) boxes of people and
        vehicles, pixels of the view: what changes there is no smoke.
        """
        if self._stepped is not None and time < self._stepped:
            self.forget()
        if self._stepped is not None and time - self._stepped < self._pause_s:
            return self._blazes
        if self._began is None:
            self._began = time
        if not moved and not self._followed and self._stepped is not None:
            return ()
        passed = time - self._stepped if self._stepped is not None else 0.0
        self._save(passed)
        self._stepped = time
        glimpse = self._glow.step(picture, time, others)
        self._follow(Sort.FLAME, glimpse.flames, time, swept=glimpse.swept)
        self._follow(Sort.SMOKE, glimpse.clouds, time, swept=glimpse.swept)
        self._age(time)
        self._verify(picture, time)
        self._blazes = tuple(
            self._blaze(one, time, swept=glimpse.swept)
            for one in self._followed
            if any(look.score >= self._set.dull for look in one.looks)
        )
        return self._blazes

    def _save(self, passed_s: float) -> None:
        """Looks that may be made, for time that has passed."""
        rates = {Sort.FLAME: self._set.flames_s, Sort.SMOKE: self._set.clouds_s}
        for sort, rate in rates.items():
            self._saved[sort] = min(self._saved[sort] + passed_s * rate, MOST_SAVED)

    @property
    def _pause_s(self) -> float:
        """Until the next step."""
        burns = any(self._burns(one) for one in self._followed)
        return self._set.every_s if burns else self._set.idle_s

    def _suspicious(self, one: _Followed) -> bool:
        return one.fiery >= self._set.fiery and one.dull < self._set.often

    def _follow(self, sort: Sort, spots: Sequence[Spot], time: float, *, swept: bool) -> None:
        known = [one for one in self._followed if one.sort is sort]
        for spot in spots:
            one = self._nearest(known, spot, swept=swept)
            if one is None:
                one = _Followed(self._next, sort, time, spot.area)
                self._next += 1
                self._followed.append(one)
            else:
                known.remove(one)
            one.places.append(_Place(time, spot.box, spot.area, spot.stirred))
            one.warm = max(0.8 * one.warm, spot.warm)

    def _age(self, time: float) -> None:
        """What is old counts no more."""
        for one in self._followed:
            one.steps.append(time)
            _forget_before(one, time - self._set.recent_s)
        self._followed = [one for one in self._followed if self._kept(one, time)]

    def _nearest(self, known: Sequence[_Followed], spot: Spot, *, swept: bool) -> _Followed | None:
        """The one of them that this is."""
        best, least = None, math.inf
        for one in known:
            apart = gap(one.last.box, spot.box)
            cost = apart + _unlike(one.last.area, spot.area)
            if cost < least and (swept or apart <= self._set.near):
                best, least = one, cost
        return best

    def _kept(self, one: _Followed, time: float) -> bool:
        patience_s = self._set.held_s if self._burns(one) else self._set.lost_s
        return time - one.last.time <= patience_s

    def _burns(self, one: _Followed) -> bool:
        """It was seen to burn, and on the whole still is: smoke may hide it for a look."""
        scores = [look.score for look in one.looks]
        return (
            bool(scores) and max(scores) >= self._sees(one) and sum(scores) >= KEEPS * len(scores)
        )

    def _sees(self, one: _Followed) -> float:
        return self._set.sees if one.sort is Sort.FLAME else self._set.sees_smoke

    def _verify(self, picture: Picture, time: float) -> None:
        """Those that seem to burn, then the most suspicious, as far as looks are left."""
        here = [one for one in self._followed if one.last.time == time and self._due(one, time)]
        here.sort(key=lambda one: (not self._burns(one), -_urgency(one, time), one.id))
        left = self._set.looks
        for one in here:
            free = self._burns(one)
            if left > 0 and (free or self._saved[one.sort] >= 1.0):
                self._saved[one.sort] -= 0.0 if free else 1.0
                left -= 1
                self._look(one, picture, time)

    def _look(self, one: _Followed, picture: Picture, time: float) -> None:
        scores = self._verifier.scores(picture, self._view, one.last.box)
        score = float(scores[list(Sort).index(one.sort)])
        one.looks.append(_Look(time, score))
        one.looked, one.looked_area = time, one.last.area
        one.dull = one.dull + 1 if score < self._set.dull else 0
        if not self._burns(one):
            one.burns_since = None
        elif one.burns_since is None:
            one.burns_since = time

    def _due(self, one: _Followed, time: float) -> bool:
        waited_s = time - one.looked
        if not one.dull or one.last.area >= 1.5 * one.looked_area:
            return True
        if self._suspicious(one):
            return waited_s >= self._set.again_s / 3
        return waited_s >= self._set.again_s * (1.0, 2.0, 4.0)[min(one.dull - 1, 2)]

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
            until=one.last.time,
            burns_since=one.burns_since,
            sure=sum(s >= self._sees(one) for s in scores) / max(len(scores), 1),
            looks=len(scores),
            stirs=sum(place.stirred for place in one.places) / max(len(one.steps), 1),
            grown=max(areas) / max(one.first_area, 1.0),
            moved=math.dist(first.centre, last.centre) / size,
            at_start=self._began is not None and one.since - self._began <= self._set.start_s,
            swept=swept,
        )


def _forget_before(one: _Followed, time: float) -> None:
    while len(one.places) > 1 and one.places[0].time < time:
        one.places.popleft()
    while one.steps and one.steps[0] < time:
        one.steps.popleft()
    while one.looks and one.looks[0].time < time:
        one.looks.popleft()


def gap(one: Box, other: Box) -> float:
    """Distance between two boxes, in mean longer sides: 0 where they meet."""
    across = max(one.x1 - other.x2, other.x1 - one.x2, 0.0)
    down = max(one.y1 - other.y2, other.y1 - one.y2, 0.0)
    size = max(one.width, one.height) + max(other.width, other.height)
    return 2 * math.hypot(across, down) / max(size, 1.0)


def _urgency(one: _Followed, time: float) -> float:
    """How long it has waited, up to three seconds, times how much it is like a growing flame."""
    grown = min(one.last.area / max(one.looked_area or one.first_area, 1.0), 2.0)
    return min(time - one.looked, 3.0) * (0.1 + one.fiery) * grown


def _unlike(one: float, other: float) -> float:
    """0 for areas as large as each other, 0.35 where one has twice the other."""
    return 0.5 * abs(math.log(max(one, 1.0) / max(other, 1.0)))
