"""What the people of a zone did together in the last seconds: counts and shares, of nobody.

Remembered are the instants of the last quarter of a minute, the stream of the last minute, and
what is usual (`usual`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from veilleur.events.movers import Movers, meeting
from veilleur.events.usual import MOVES_M_S, SECTORS, Usual, sectors, stream
from veilleur.geometry import Box, FloatArray

WINDOW_S = 0.8  # over which is counted
BEFORE_S = 2.0  # the last seconds say nothing about the calm before
CALM_S = 12.0  # so far back from there calm is looked for
PACE = 75.0  # per cent of the people are slower: a part that breaks away shows as well
USUAL_MARGIN = 1.2  # times the speed that is usual at this hour
STREAM_S = 60.0  # time constant of the memory of the stream
STREAM_PERSON_S = 40.0  # person-seconds from which there is a stream
LEAST_STREAM_S = 30.0  # seconds from which it has a way: longer than a green light, or a train
LEAST_POINTED = 3  # people from whom a common point can be told
EDGE = 1e-6  # seconds: times nearer than this are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Over a stretch of time, means of its instants.

    people: seen in the zone. hurried: of them. share: of those who move, who hurry. of_all: the
    same of all whose speed is known. pace: m/s, the speed that a quarter of them exceed. group_s:
    seconds in which a group was there.
    """

    people: float = 0.0
    hurried: float = 0.0
    share: float = 0.0
    of_all: float = 0.0
    pace: float = 0.0
    group_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hurry:
    """now: the last second; before: the calm before. away: 1 all hurry away from one point, -1 all
    to one, 0 neither. where: around those who hurry, pixels; None: nobody does."""

    now: Count
    before: Count
    away: float
    where: Box | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opposed:
    """people: who move, in the mean. against: of them who go against the stream. share, with_share:
    of the movers, who go against it and with it. one_way: share of the stream of the last minute,
    and of what is usual, that goes one way; 0 where there was no stream yet."""

    people: float
    against: float
    share: float
    with_share: float
    one_way: float
    where: Box | None


@dataclass(frozen=True, slots=True)
class _Moment:
    """passed_s: seconds that this instant stands for. speeds: (n,) m/s of those who are known;
    moving: (m, 2) m/s of those of them who move."""

    movers: Movers
    hurried: int
    passed_s: float
    speeds: FloatArray
    moving: FloatArray


class Throng:
    """One zone's people, together. Told the instants in rising order of time."""

    def __init__(self, min_people: int, hurry_m_s: float) -> None:
        """min_people: fewer are no group. hurry_m_s: speed from which somebody hurries."""
        self._min_people, self._hurry_m_s = min_people, hurry_m_s
        self._moments: deque[_Moment] = deque()
        self._stream: FloatArray = np.zeros(SECTORS)
        self._stream_s = 0.0
        self.usual = Usual()

    @property
    def last(self) -> float | None:
        """Second of the last instant; None: there is none."""
        return self._moments[-1].movers.time if self._moments else None

    def clear(self) -> None:
        """Nothing is known any more, but what is usual."""
        self._moments.clear()
        self._stream = np.zeros(SECTORS)
        self._stream_s = 0.0

    def limit_m_s(self, local: datetime | None) -> float:
        """Speed from which somebody hurries at this hour."""
        return max(self._hurry_m_s, USUAL_MARGIN * self.usual.fast_m_s(local))

    def take(self, movers: Movers, local: datetime | None, *, learn: bool) -> None:
        """One more instant. learn: it is nothing special, so it belongs to the stream and to what
        is usual, once it is a few seconds old."""
        passed_s = 0.0 if self.last is None else movers.time - self.last
        speeds = movers.speeds[movers.known]
        hurried = int((speeds >= self.limit_m_s(local)).sum())
        moving = movers.velocities[movers.known][speeds >= MOVES_M_S]
        self._moments.append(_Moment(movers, hurried, min(passed_s, WINDOW_S), speeds, moving))
        while self._moments[0].movers.time < movers.time - CALM_S - BEFORE_S:
            self._moments.popleft()
        settled_s = movers.time - BEFORE_S
        settled = next((m for m in reversed(self._moments) if m.movers.time <= settled_s), None)
        if learn and settled is not None:
            self._learn(settled.movers, passed_s, local)

    def _learn(self, movers: Movers, passed_s: float, local: datetime | None) -> None:
        share_s = min(passed_s, WINDOW_S)
        velocities = movers.velocities[movers.known]
        ways = sectors(velocities)
        self._stream = self._stream * np.exp(-passed_s / STREAM_S) + ways * share_s
        self._stream_s += share_s if ways.any() else 0.0
        self.usual.learn(velocities, share_s, local)

    def _count(self, since: float, until: float) -> Count:
        """Over the instants after `since`, up to `until`, seconds."""
        chosen = [m for m in self._moments if since < m.movers.time <= until + EDGE]
        if not chosen:
            return Count()
        speeds = np.concatenate([m.speeds for m in chosen])
        hurried = sum(m.hurried for m in chosen)
        return Count(
            people=sum(m.movers.people for m in chosen) / len(chosen),
            hurried=hurried / len(chosen),
            share=hurried / max(sum(len(m.moving) for m in chosen), 1),
            of_all=hurried / max(len(speeds), 1),
            pace=_exceeded_by_the_rest(PACE, speeds) if len(speeds) else 0.0,
            group_s=sum(m.passed_s for m in chosen if m.movers.people >= self._min_people),
        )

    def hurry(self, now: float, local: datetime | None) -> Hurry:
        """now: seconds; the last instant may be older (a quiet scene)."""
        chosen = [m.movers for m in self._recent(now) or [self._moments[-1]]]
        limit_m_s = self.limit_m_s(local)
        fast = [_plain(movers.speeds) >= limit_m_s for movers in chosen]
        places = np.concatenate([m.places[rows] for m, rows in zip(chosen, fast, strict=True)])
        ways = np.concatenate([m.velocities[rows] for m, rows in zip(chosen, fast, strict=True)])
        away = meeting(places, ways) if len(places) >= LEAST_POINTED * len(chosen) else 0.0
        return Hurry(
            now=self._count(now - WINDOW_S - EDGE, now),
            before=self._count(now - CALM_S - BEFORE_S, now - BEFORE_S),
            away=away,
            where=around(chosen[-1].boxes[fast[-1]]),
        )

    def _recent(self, now: float) -> list[_Moment]:
        """The instants of the last second, the newest last."""
        return [m for m in self._moments if m.movers.time > now - WINDOW_S - EDGE]

    def opposed(self, now: float, local: datetime | None) -> Opposed:
        """The last second against the stream."""
        heading, one_way = stream(self._stream)
        usual = self.usual.directions(local)
        if float(self._stream.sum()) < STREAM_PERSON_S or self._stream_s < LEAST_STREAM_S:
            one_way = 0.0
        if usual is not None:
            one_way = min(one_way, stream(usual)[1])
        chosen = self._recent(now)
        pooled = np.concatenate([np.zeros((0, 2)), *(m.moving for m in chosen)])
        cosines = pooled @ heading / np.hypot(*pooled.T)
        moving, against = len(cosines), int((cosines <= -0.5).sum())
        count = max(len(chosen), 1)
        where = None
        if chosen:
            last = chosen[-1].movers
            speeds = _plain(last.speeds)
            along = _plain(last.velocities) @ heading
            where = around(last.boxes[(speeds >= MOVES_M_S) & (along <= -0.5 * speeds)])
        return Opposed(
            people=moving / count,
            against=against / count,
            share=against / max(moving, 1),
            with_share=int((cosines >= 0.5).sum()) / max(moving, 1),
            one_way=one_way,
            where=where,
        )


def _plain(values: FloatArray) -> FloatArray:
    """0 where nothing is known."""
    return np.asarray(np.where(np.isnan(values), 0.0, values), np.float64)


def _exceeded_by_the_rest(percent: float, values: FloatArray) -> float:
    """numpy's percentile of (n,) values, none of them NaN: at n of some hundreds a tenth of the
    time."""
    at = percent / 100 * (len(values) - 1)
    low = int(at)
    parted = np.partition(values, (low, min(low + 1, len(values) - 1)))
    below, above = float(parted[low]), float(parted[min(low + 1, len(values) - 1)])
    return below + (above - below) * (at - low)


def around(boxes: FloatArray) -> Box | None:
    """The smallest box around (n, 4) boxes; None of none."""
    if not len(boxes):
        return None
    return Box(*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
