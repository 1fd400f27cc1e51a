"""How far, and for how long, has an object gone against the allowed way?"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from itertools import islice, pairwise

import numpy as np

from veilleur.events.heading import Headings
from veilleur.geometry import Box, FloatArray
from veilleur.perception.objects import Kind

WINDOW_S = 0.6  # over which a velocity is measured
LEAST_SPAN_S = 0.25  # below it, a slope says nothing
LEAST_SIGHTS = 3  # positions behind a velocity
STEADY = 0.15  # of the box's size: a track that strays more jumps between two vehicles
TOP_FOLLOWS = 0.2  # share of the foot's movement that the upper edge must make as well
WITH = 0.05  # metres or heights in one step, with the traffic: more than a box's unrest
WIDER = 15.0  # degrees beyond the limit before a motion that has begun ends: hysteresis
TURN_S = 1.0  # no vehicle in traffic turns round faster: before, its track has changed vehicles
STILL_WIDE = 0.8  # of the least width: an object once large enough may shrink so far


@dataclass(frozen=True, slots=True)
class Sample:
    """An object, seen. time: s. box, height, width: px. place: (2,) m or px. foot, top: (2,) px.

    foot_cut, top_cut: that edge lies at the edge of the picture, the true one beyond it. step: (2,)
    m or px that the pixels in the box have gone since the sample before; None: not known.
    """

    time: float
    box: Box
    place: FloatArray
    foot: FloatArray
    top: FloatArray
    height: float
    width: float
    foot_cut: bool = False
    top_cut: bool = False
    step: FloatArray | None = None


@dataclass(slots=True)
class Course:
    """One object in the zone.

    began: second at which its motion against began, None: it does not go against. gone: distance
    made against since then, metres or heights of the box. angle: degrees between its motion and
    the opposite of the allowed heading, 180 where it is no motion. watched: second since which it
    has been seen without anybody having been told of it.
    """

    samples: deque[Sample] = field(default_factory=deque)
    began: float | None = None
    last_against: float = 0.0
    gone: float = 0.0
    angle: float = 180.0
    with_traffic: float = -math.inf
    told: bool = False
    watched: float = 0.0

    @property
    def measured(self) -> bool:
        """Whether pixels say how it moved, all through the window."""
        return len(self.samples) > 1 and all(
            s.step is not None for s in islice(self.samples, 1, None)
        )

    @property
    def share(self) -> float:
        """Of the least width: what is judged already may shrink a little."""
        return STILL_WIDE if len(self.samples) > 1 else 1.0


class Motion:
    """Follows courses against a field of headings.

    metric: places are metres on the ground, else pixels. angle_deg, gap_s, min_speed_m_s: see the
    parameters of wrong_way.
    """

    def __init__(
        self,
        headings: Headings,
        *,
        metric: bool,
        angle_deg: float,
        gap_s: float,
        min_speed_m_s: float,
    ) -> None:
        self._headings = headings
        self._metric = metric
        self._angle_deg = angle_deg
        self._gap_s = gap_s
        self._min_speed_m_s = min_speed_m_s

    def may_be_against(self, before: Sample, now: Sample) -> bool:
        """Whether the box does not clearly go with the traffic: only then need pixels be asked."""
        way = self._headings.at(now.foot)
        return float((now.place - before.place) @ way) < WITH * self.unit(now)

    def limit_deg(self, course: Course) -> float:
        """The widest angle that counts: wider once the motion has begun."""
        return self._angle_deg + (0.0 if course.began is None else WIDER)

    def follow(self, course: Course, sample: Sample, kind: Kind, least_px: float) -> None:
        """Take one more position; begin, go on with or end the motion against.

        least_px: an object narrower than this is not judged.
        """
        samples = course.samples
        if sample.width < course.share * least_px:
            samples.clear()
        if samples and sample.time <= samples[-1].time:
            return
        samples.append(sample)
        while len(samples) > 3 and samples[0].time < sample.time - WINDOW_S:
            samples.popleft()
        if len(samples) < LEAST_SIGHTS or sample.time - samples[0].time < LEAST_SPAN_S:
            return
        opposite = -self._headings.at(sample.foot)
        path = self._path(course)
        angle = self._angle(course, path, opposite)
        course.angle = 180.0 if angle is None else angle
        with_traffic = angle is not None and angle > 180.0 - WIDER - self._angle_deg
        if kind is Kind.VEHICLE and with_traffic:
            course.with_traffic = sample.time
        made = (path[-1] - path) @ opposite / self.unit(sample)
        self._count(course, sample.time, float(made[-2]), float(made[0]))

    def _path(self, course: Course) -> FloatArray:
        """(n, 2) places, metres or pixels, by the steps that pixels made, else by those of the box:
        of its foot, or of its upper edge where the picture cuts off the foot."""
        cut = not self._metric and any(s.foot_cut for s in course.samples)
        path = [s.top if cut else s.place for s in course.samples]
        measured = (sample.step for sample in islice(course.samples, 1, None))
        steps = [
            after - before if step is None else step
            for (before, after), step in zip(pairwise(path), measured, strict=True)
        ]
        return np.cumsum([path[0], *steps], axis=0)

    def _count(self, course: Course, now: float, step: float, first: float) -> None:
        """Begin, go on with or end the motion against. step, first: distances made against since
        the position before, and since the first one of the window."""
        turned = now - course.with_traffic < TURN_S
        if course.angle <= self.limit_deg(course) and not turned:
            if course.began is None:
                course.began, course.gone = course.samples[0].time, first - step
            course.last_against = now
        course.gone += step
        if turned or now - course.last_against > self._gap_s:
            if course.told:
                course.watched = now
            course.began, course.gone, course.told = None, 0.0, False

    def unit(self, sample: Sample) -> float:
        """What distances are measured in: metres, or heights of the box in pixels."""
        return 1.0 if self._metric else sample.height

    def _angle(self, course: Course, path: FloatArray, opposite: FloatArray) -> float | None:
        """Degrees between the motion and the opposite heading; None where it is no motion."""
        samples = course.samples
        times = np.array([s.time for s in samples])
        velocity = _slope(times, path)
        speed = math.hypot(*velocity.tolist())
        least = self._min_speed_m_s * (1.0 if self._metric else 1 / 1.7)
        if not math.isfinite(speed) or speed <= least * self.unit(samples[-1]):
            return None
        if course.measured:
            return _degrees(velocity, opposite)
        feet = np.array([s.foot for s in samples])
        foot, top = _slope(times, feet), _slope(times, np.array([s.top for s in samples]))
        size = math.sqrt(samples[-1].height * samples[-1].width)
        if _strays(times, feet, foot) > STEADY * size:
            return None  # no steady motion: a track that jumps from one object to another
        whole = not any(s.foot_cut or s.top_cut for s in samples)
        if whole and float(top @ foot) < TOP_FOLLOWS * float(foot @ foot):
            return None  # the box grows, it does not travel
        return _degrees(velocity, opposite)


def _degrees(velocity: FloatArray, heading: FloatArray) -> float:
    cosine = float(velocity @ heading) / math.hypot(*velocity.tolist())
    return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))


def _slope(times: FloatArray, path: FloatArray) -> FloatArray:
    """A line fitted to (n, 2) over (n,) seconds: (2,) slope a second."""
    since = times - times.sum() / len(times)
    return np.asarray(since @ path / float(since @ since))


def _strays(times: FloatArray, path: FloatArray, slope: FloatArray) -> float:
    """How far (n, 2) are from that line: the root of their mean square distance."""
    along = np.outer(times - times.mean(), slope)
    strays = path - path.mean(axis=0) - along
    return float(np.sqrt((strays**2).sum(axis=1).mean()))
