"""How much of a day or a week each camera was analysed, and why not (demands D12).

Seconds are counted by the host's own clock, so that setting the other one makes none. What nobody
counted is said to be unknown: the service did not run, or the clock was set over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from veilleur.desk.technical import PLANNED
from veilleur.engine.report import CameraReport, Condition
from veilleur.store import availability as kept
from veilleur.store.availability import Spent
from veilleur.store.signals import Scope
from veilleur.store.transaction import Reading

DAY, WEEK = timedelta(days=1), timedelta(days=7)
KEPT_FOR = timedelta(days=35)
LONGEST_S = 10.0
"""Between two looks. Who did not look for longer does not know what was meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A condition in which the camera was not analysed. seconds: in all; times: how often it came
    into it; cause: the latest, in the engine's words."""

    condition: Condition
    seconds: float
    times: int
    cause: str

    @property
    def planned(self) -> bool:
        """By an order, by law, or because its film is over: nobody wanted it analysed."""
        return self.condition in PLANNED


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """One camera from `since` to `until` (UTC): since the hour in which the day or week began, or
    since it was first known. analysed_s: seconds in which its rules could see. reasons: of the
    rest, the longest first."""

    camera: str
    since: datetime
    until: datetime
    analysed_s: float
    reasons: tuple[Reason, ...]

    @property
    def whole_s(self) -> float:
        counted_s = self.analysed_s + sum(reason.seconds for reason in self.reasons)
        return max(counted_s, (self.until - self.since).total_seconds())

    @property
    def planned_s(self) -> float:
        """Seconds in which it was off by an order or by law."""
        return sum(reason.seconds for reason in self.reasons if reason.planned)

    @property
    def unknown_s(self) -> float:
        """Seconds of which nothing is known: above all those in which the service did not run."""
        counted_s = self.analysed_s + sum(reason.seconds for reason in self.reasons)
        return self.whole_s - counted_s

    @property
    def share(self) -> float | None:
        """0 to 1: analysed, of the time in which it should have been. None: it never should."""
        wanted_s = self.whole_s - self.planned_s
        return self.analysed_s / wanted_s if wanted_s > 0 else None


class Tally:
    """Counts; one thread. left_out: cameras that are none."""

    def __init__(self, left_out: frozenset[str] = frozenset()) -> None:
        self._left_out = left_out
        self._looked: float | None = None
        self._last: dict[str, Condition] = {}
        self._spent: dict[tuple[str, datetime, Condition], Spent] = {}

    def note(self, reports: Sequence[CameraReport], now: datetime, host_s: float) -> None:
        """How it is now, and therefore was since the last look. host_s: seconds nobody sets."""
        passed_s = 0.0 if self._looked is None else host_s - self._looked
        self._looked = host_s
        if not 0 <= passed_s <= LONGEST_S:
            passed_s = 0.0
        told = [report for report in reports if report.camera not in self._left_out]
        for report in told:
            self._add(report, passed_s, now)
        self._last = {report.camera: report.condition for report in told}

    def _add(self, report: CameraReport, passed_s: float, now: datetime) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        key = report.camera, hour, report.condition
        came = int(self._last.get(report.camera) is not report.condition)
        known = self._spent.get(key) or Spent(
            camera=report.camera,
            hour=hour,
            condition=report.condition.value,
            seconds=0.0,
            times=0,
            cause="",
            began=max(hour, now - timedelta(seconds=passed_s)),
            ended=now,
        )
        self._spent[key] = replace(
            known,
            seconds=known.seconds + passed_s,
            times=known.times + came,
            cause=report.cause or known.cause,
            ended=now,
        )

    @property
    def spent(self) -> tuple[Spent, ...]:
        """What is not stored yet."""
        return tuple(self._spent.values())

    def stored(self) -> None:
        self._spent.clear()


def availability(
    r: Reading, cameras: Iterable[str], scope: Scope, of: timedelta, now: datetime
) -> list[Availability]:
    """Of each of these cameras that is in the scope and was ever counted, over the last `of`."""
    since = (now - of).replace(minute=0, second=0, microsecond=0)
    by_camera: dict[str, list[Spent]] = {}
    known = kept.spent(r, since, scope)
    for one in known:
        by_camera.setdefault(one.camera, []).append(one)
    before = kept.known_before(r, since)
    until = max((one.ended for one in known), default=now)
    return [
        _of_camera(camera, by_camera[camera], since if camera in before else None, until)
        for camera in cameras
        if camera in by_camera
    ]


def _of_camera(
    camera: str, spent: Sequence[Spent], since: datetime | None, until: datetime
) -> Availability:
    reasons: dict[Condition, Reason] = {}
    for one in spent:
        condition = Condition(one.condition)
        sum_ = reasons.get(condition) or Reason(condition=condition, seconds=0.0, times=0, cause="")
        reasons[condition] = replace(
            sum_,
            seconds=sum_.seconds + one.seconds,
            times=sum_.times + one.times,
            cause=one.cause or sum_.cause,
        )
    analysed = reasons.pop(Condition.RUNNING, None)
    return Availability(
        camera=camera,
        since=since or min(one.began for one in spent),
        until=until,
        analysed_s=analysed.seconds if analysed else 0.0,
        reasons=tuple(sorted(reasons.values(), key=lambda one: -one.seconds)),
    )
