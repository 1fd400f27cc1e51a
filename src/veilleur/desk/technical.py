"""Technical alarms: cameras that cannot be analysed, apart from events (demands D12).

A fault is shown after a grace time and notified after a longer one; what fails together is one
item; recovery closes it. Cameras that are off by an order or by law are silent. Each fault leaves a
gap: from, to, cause.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from veilleur.engine.report import CameraReport, Condition

PLANNED = (Condition.NOT_AUTHORISED, Condition.ENDED, Condition.CLOSED)
OUT_OF_REACH = (Condition.CONNECTING, Condition.STALLED, Condition.REFUSED, Condition.LOST)
"""What one dead switch looks like, from one attempt to the next: not alike for all behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicalLimits:
    """Seconds. together_s: cameras lost within that time of each other are one item, from
    together_least on."""

    shown_s: float = 10.0
    notified_s: float = 60.0
    connecting_s: float = 15.0
    together_s: float = 10.0
    together_least: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A camera was not analysed. until: None while it lasts."""

    camera: str
    condition: Condition
    cause: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicalAlarm:
    """One item of the technical queue: one camera, or several that failed together."""

    cameras: tuple[str, ...]
    condition: Condition
    cause: str
    since: datetime
    notified: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """Gaps that began or ended with this look."""

    began: tuple[Gap, ...] = ()
    ended: tuple[Gap, ...] = ()


@dataclass(slots=True)
class Technical:
    """Told every camera's report and the time, again and again, by one thread; read by any."""

    limits: TechnicalLimits = field(default_factory=TechnicalLimits)
    _gaps: dict[str, Gap] = field(default_factory=dict)
    _connecting: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def update(self, reports: Sequence[CameraReport], now: datetime) -> Changes:
        with self._lock:
            return self._update(reports, now)

    def _update(self, reports: Sequence[CameraReport], now: datetime) -> Changes:
        began, ended = [], []
        for report in reports:
            gap, faulty = self._gaps.get(report.camera), self._faulty(report, now)
            if gap is None and faulty:
                gap = Gap(
                    camera=report.camera,
                    condition=report.condition,
                    cause=report.cause,
                    since=self._connecting.get(report.camera, now),
                )
                self._gaps[report.camera] = gap
                began.append(gap)
            elif gap is not None and not faulty:
                ended.append(replace(self._gaps.pop(report.camera), until=now))
            elif gap is not None:
                self._gaps[report.camera] = replace(
                    gap, condition=report.condition, cause=report.cause
                )
        known = {report.camera for report in reports}
        for camera in [name for name in self._gaps if name not in known]:
            ended.append(replace(self._gaps.pop(camera), until=now))
        return Changes(tuple(began), tuple(ended))

    def alarms(self, now: datetime) -> tuple[TechnicalAlarm, ...]:
        """What is shown now, the oldest first."""
        shown_s = timedelta(seconds=self.limits.shown_s)
        with self._lock:
            shown = [gap for gap in self._gaps.values() if now - gap.since >= shown_s]
        shown.sort(key=lambda gap: (gap.since, gap.camera))
        return tuple(self._alarm(group, now) for group in self._together(shown))

    def clock_set(self, by: timedelta) -> None:
        """What has lasted for some seconds has lasted as long by the new clock."""
        for camera, gap in self._gaps.items():
            self._gaps[camera] = replace(gap, since=gap.since + by)
        for camera, since in self._connecting.items():
            self._connecting[camera] = since + by

    def gap(self, camera: str) -> Gap | None:
        return self._gaps.get(camera)

    def _faulty(self, report: CameraReport, now: datetime) -> bool:
        """Somebody should look after it. Connecting for long is a fault too."""
        if report.condition is not Condition.CONNECTING:
            self._connecting.pop(report.camera, None)
            return report.condition.trouble and report.condition not in PLANNED
        since = self._connecting.setdefault(report.camera, now)
        going_on = report.camera in self._gaps
        return going_on or now - since >= timedelta(seconds=self.limits.connecting_s)

    def _together(self, gaps: list[Gap]) -> list[list[Gap]]:
        """Neighbours in time with the same condition, or out of reach all of them; few of them stay
        apart."""
        groups: list[list[Gap]] = []
        for gap in gaps:
            group = next((g for g in groups if self._joins(g, gap)), None)
            if group is None:
                groups.append([gap])
            else:
                group.append(gap)
        apart = [
            [gap] for group in groups if len(group) < self.limits.together_least for gap in group
        ]
        together = [group for group in groups if len(group) >= self.limits.together_least]
        return sorted(apart + together, key=lambda group: group[0].since)

    def _joins(self, group: list[Gap], gap: Gap) -> bool:
        apart = gap.since - group[-1].since
        first, this = group[0].condition, gap.condition
        same = first is this or (first in OUT_OF_REACH and this in OUT_OF_REACH)
        return same and apart <= timedelta(seconds=self.limits.together_s)

    def _alarm(self, group: list[Gap], now: datetime) -> TechnicalAlarm:
        first = group[0]
        return TechnicalAlarm(
            cameras=tuple(gap.camera for gap in group),
            condition=first.condition,
            cause=first.cause,
            since=first.since,
            notified=now - first.since >= timedelta(seconds=self.limits.notified_s),
        )
