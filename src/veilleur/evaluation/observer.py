"""What one clip's replay leaves behind: alerts, counts, tracks, and pictures for the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from veilleur.catalogue import Event
from veilleur.engine.pipeline import RuleVerdict, Step
from veilleur.engine.situations import Alert
from veilleur.evaluation.clip import Clip, Truth
from veilleur.evaluation.counting import CountSample, window
from veilleur.evaluation.sidecars import BoxTruth, HeadCount
from veilleur.evaluation.thumbnails import Thumbnail, draw
from veilleur.evaluation.tracking import FrameBoxes, TrackingScore, score_tracks
from veilleur.evaluation.wholeness import Reading, Watched, of_suspended, remarks, suspended_s
from veilleur.events.rule import Check
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import Box, View, Zone
from veilleur.ground import area_m2
from veilleur.perception.objects import Kind

NO_RULE_YET, REFUSED, UNREADABLE = "no rule yet", "refused", "unreadable"
MISTAKE, NO_HEADING = "mistake in the dataset", "no default heading"
_MOST_ALERT_PICTURES = 12  # of one clip
_SAME_INSTANT_S = 0.25  # a head count speaks of the analysed picture this near


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAlert:
    """An alert with the rule's own id. Seconds of the clip; `where` in pixels of the view."""

    rule: str
    event: Event
    t_s: float
    began_s: float
    where: Box
    level: str
    checks: tuple[Check, ...]
    laboratory: bool


@dataclass(frozen=True, slots=True)
class Withheld:
    """A rule that did not run on a clip, and why: its truths are told apart, never as misses."""

    rule: str
    event: Event
    kind: str  # NO_RULE_YET, REFUSED, UNREADABLE, MISTAKE or NO_HEADING
    reason: str


@dataclass(frozen=True, slots=True)
class RuleCounts:
    """What a density rule counted against the true number of heads."""

    rule: str
    samples: tuple[CountSample, ...]


@dataclass(frozen=True, slots=True)
class Nearest:
    """How near a rule came to a truth: the checks of its best candidate in the truth's window.

    checks is empty where the rule saw nothing to judge.
    """

    truth: int
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything measured on one clip.

    seconds: watched, the held last picture included, long gaps left out. ends_s: on its own clock.
    suspended_s: for how long rules were suspended, by what the pictures were blind by. remarks:
    what makes this worth less.
    """

    clip: str
    seconds: float = 0.0
    ends_s: float = 0.0
    width: int = 0
    height: int = 0
    alerts: tuple[SeenAlert, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    nearest: tuple[Nearest, ...] = ()
    counts: tuple[RuleCounts, ...] = ()
    tracking: TrackingScore | None = None
    thumbnails: tuple[Thumbnail, ...] = ()
    error: str | None = None
    suspended_s: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    cpu_s: float = 0.0


@dataclass(slots=True)
class Observer:
    """Is shown every step of one clip, in order. `rules`: those that run, with their own ids."""

    clip: Clip
    rules: Sequence[RuleSpecification]
    prefix: str = ""
    boxes: BoxTruth | None = None
    heads: Sequence[HeadCount] = ()
    pictures: bool = False
    _times: list[float] = field(default_factory=list)
    _blind: list[str | None] = field(default_factory=list)
    _view: View | None = None
    _alerts: list[SeenAlert] = field(default_factory=list)
    _thumbnails: list[Thumbnail] = field(default_factory=list)
    _counts: dict[str, list[CountSample]] = field(default_factory=dict)
    _true: list[FrameBoxes] = field(default_factory=list)
    _tracked: list[FrameBoxes] = field(default_factory=list)
    _pending: list[tuple[float, int]] = field(default_factory=list)
    _unfit: dict[str, tuple[str, int]] = field(default_factory=dict)
    _areas: dict[str, float] = field(default_factory=dict)
    _nearest: dict[int, tuple[Check, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pictures:
            moments = [(_moment(truth), i) for i, truth in enumerate(self.clip.truth)]
            self._pending = sorted(moments)

    def see(self, step: Step) -> None:
        """Take down what this step says about the clip's own rules."""
        self._times.append(step.time)
        self._blind.append(step.scene.blind)
        self._view = step.scene.view
        for alert in step.alerts:
            if alert.rule.startswith(self.prefix):
                self._take_alert(alert, step)
        self._take_truth_pictures(step)
        self._take_tracks(step)
        for verdict in step.verdicts:
            if verdict.rule.startswith(self.prefix):
                self._take_unfit(verdict)
                self._take_nearest(verdict, step.time)
                if verdict.event is Event.DENSITY:
                    self._take_count(verdict, step)

    def result(
        self, withheld: Sequence[Withheld], error: str | None, cpu_s: float, reading: Reading
    ) -> Observed:
        """Everything seen so far."""
        view = self._view or View(0, 0)
        watched, suspended = Watched.of(self._times), suspended_s(self._times, self._blind)
        said = *remarks(self.clip, watched, reading), *of_suspended(suspended)
        return Observed(
            clip=self.clip.id,
            seconds=watched.seconds,
            ends_s=watched.ends_s,
            width=view.width,
            height=view.height,
            alerts=tuple(self._alerts),
            withheld=(*withheld, *self._refused()),
            nearest=tuple(Nearest(i, checks) for i, checks in sorted(self._nearest.items())),
            counts=tuple(RuleCounts(r, tuple(s)) for r, s in sorted(self._counts.items())),
            tracking=score_tracks(self._true, self._tracked) if self._true else None,
            thumbnails=tuple(self._thumbnails),
            error=error,
            suspended_s=suspended,
            remarks=said if watched.pictures and not error else (),
            cpu_s=cpu_s,
        )

    def _refused(self) -> list[Withheld]:
        """Rules that found the camera unfit for them for most of the clip."""
        return [
            Withheld(name, self._rule(name).event, REFUSED, reason)
            for name, (reason, times) in sorted(self._unfit.items())
            if times > len(self._times) / 2
        ]

    def _rule(self, rule_id: str) -> RuleSpecification:
        return next(rule for rule in self.rules if rule.id == rule_id)

    def _take_alert(self, alert: Alert, step: Step) -> None:
        seen = SeenAlert(
            rule=alert.rule.removeprefix(self.prefix),
            event=alert.event,
            t_s=alert.noticed,
            began_s=alert.began,
            where=alert.where,
            level=alert.level,
            checks=alert.checks,
            laboratory=alert.laboratory,
        )
        self._alerts.append(seen)
        if self.pictures and step.frame and len(self._alerts) <= _MOST_ALERT_PICTURES:
            jpeg = draw(step.frame.picture, step.scene, self._rule(seen.rule), seen.where)
            self._thumbnails.append(Thumbnail(jpeg, step.time, alert=len(self._alerts) - 1))

    def _take_truth_pictures(self, step: Step) -> None:
        while self._pending and self._pending[0][0] <= step.time:
            _, index = self._pending.pop(0)
            rule = self.clip.truth[index].rule
            if step.frame is not None and any(r.id == rule for r in self.rules):
                jpeg = draw(step.frame.picture, step.scene, self._rule(rule), None)
                self._thumbnails.append(Thumbnail(jpeg, step.time, truth=index))

    def _take_nearest(self, verdict: RuleVerdict, time: float) -> None:
        rule = verdict.rule.removeprefix(self.prefix)
        for index, truth in enumerate(self.clip.truth):
            first, last = window(truth)
            if truth.rule == rule and first <= time <= last:
                known = self._nearest.setdefault(index, ())
                found = [candidate.checks for candidate in verdict.verdict.candidates]
                self._nearest[index] = max([known, *found], key=_passed)

    def _take_tracks(self, step: Step) -> None:
        truth = self.boxes.at(step.time) if self.boxes else None
        if truth is None or not step.scene.fresh:
            return
        people = step.scene.tracks.of(Kind.PERSON)
        people = people[people.seen]
        self._true.append(truth)
        self._tracked.append(FrameBoxes(people.ids, people.boxes.astype(np.float64)))

    def _take_unfit(self, verdict: RuleVerdict) -> None:
        if verdict.verdict.unfit is not None:
            name = verdict.rule.removeprefix(self.prefix)
            _, times = self._unfit.get(name, ("", 0))
            self._unfit[name] = (verdict.verdict.unfit, times + 1)

    def _take_count(self, verdict: RuleVerdict, step: Step) -> None:
        name = verdict.rule.removeprefix(self.prefix)
        true = self._heads(name, step)
        if verdict.verdict.unfit is None:
            said = self._people(name, verdict, step.scene.view)
        else:
            said = self._feet(name, step.scene)
        if true is not None and said is not None:
            self._counts.setdefault(name, []).append(CountSample(step.time, said, true))

    def _heads(self, rule: str, step: Step) -> float | None:
        near = [h for h in self.heads if h.rule == rule]
        if near:
            best = min(near, key=lambda h: abs(h.t_s - step.time))
            return best.count if abs(best.t_s - step.time) <= _SAME_INSTANT_S else None
        zone = self._rule(rule).zone
        if self.boxes is None or zone is None:
            return None
        drawn = Zone.drawn(zone, step.scene.view)
        return self.boxes.heads_in(drawn, step.scene.view, step.time)

    def _people(self, rule: str, verdict: RuleVerdict, view: View) -> float | None:
        """People counted by a density rule: its check, times the area where it is per m2."""
        checks = [c for candidate in verdict.verdict.candidates for c in candidate.checks]
        for check in checks:
            if check.unit == "people":
                return check.measured
            if check.unit == "people/m2":
                return check.measured * self._area_m2(rule, view)
        return None

    def _feet(self, rule: str, scene: Scene) -> float | None:
        """Feet in the zone, where the rule refuses to count: how wrong a count would be there."""
        zone = self._rule(rule).zone
        if zone is None or scene.blind is not None:
            return None
        headcount = scene.headcount
        people = scene.tracks.of(Kind.PERSON) if headcount is None else headcount.people
        edge = (scene.view.width, scene.view.height)
        feet = np.clip(np.asarray(people.feet, dtype=np.float64), 0.0, edge)
        return float(Zone.drawn(zone, scene.view).contains(feet).sum())

    def _area_m2(self, rule: str, view: View) -> float:
        if rule not in self._areas:
            zone = self._rule(rule).zone
            assert zone is not None
            assert view.ground is not None
            self._areas[rule] = area_m2(view.ground, Zone.drawn(zone, view))
        return self._areas[rule]


def _passed(checks: Sequence[Check]) -> tuple[int, float]:
    """Order of candidates: more checks passed, then longer held."""
    return sum(check.passed for check in checks), max((c.held_s for c in checks), default=-1.0)


def _moment(truth: Truth) -> float:
    """The instant that shows a situation best: its middle, once an alert is owed."""
    return min(max(truth.due_s, (truth.start_s + truth.end_s) / 2), truth.end_s)
