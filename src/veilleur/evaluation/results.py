"""The numbers of one run: what `--json` writes, read back as the same values.

One model for both directions. Numbers are None (null) where there is nothing to divide by. Two runs
of the same code on the same dataset have the same `identity`: times and the machine are left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from veilleur import __version__
from veilleur.catalogue import Event
from veilleur.errors import DatasetError
from veilleur.evaluation.clip import Clip
from veilleur.evaluation.counting import (
    ILIDS_ALPHA,
    OPERATOR_ALERTS_PER_HOUR,
    RATES_PER_HOUR,
    CountSample,
    Judged,
    Judgement,
    Outcome,
    Score,
    Sighting,
    cameras_held,
    count_error,
    judge,
    miss_at_rate,
    score,
    suffered_below,
    total,
)
from veilleur.evaluation.dataset import Dataset
from veilleur.evaluation.intervals import Interval, poisson, rate_in_words, wilson
from veilleur.evaluation.observer import REFUSED, Observed, Withheld
from veilleur.evaluation.tracking import TrackingScore
from veilleur.events.wording import sentence
from veilleur.geometry import Box

_DIGITS = 6
_PACKAGES = ("av", "numpy", "onnxruntime", "openvino", "opencv-python-headless")
Bounds = tuple[float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Delays(_Part):
    """Time to detect, seconds after an alert was owed."""

    p50: float | None
    p95: float | None


class Ilids(_Part):
    """F = (alpha + 1) R P / (R + alpha P)."""

    alpha: float
    f1: float | None


class MissAt(_Part):
    """Share of misses at a rate of false alarms an hour; None: the run makes more than that."""

    false_per_hour: float
    p_miss: float | None


class Metrics(_Part):
    """One event, on all clips or on those of a group or a tag."""

    truths: int
    found: int
    alerts_right: int
    false_alarms: int
    repeats: int
    ignored: int
    hours: float
    recall: float | None
    recall_95: Bounds | None
    precision: float | None
    f1: float | None
    ilids: Ilids
    miss_at: tuple[MissAt, ...]
    false_per_hour: float | None
    false_per_hour_95: Bounds | None
    false_in_words: str
    time_to_detect_s: Delays


class UncountedTruths(_Part):
    """A rule that did not run on a clip, why, and how many of its truths are therefore apart."""

    clip: str
    rule: str
    kind: str
    reason: str
    truths: int


class Counting(_Part):
    """Counting error where heads are known. relative: sum of errors over sum of heads.

    refused: the rule found the camera unfit to count, so these are the feet in its zone.
    """

    clip: str
    rule: str
    samples: int
    mean_absolute: float
    relative: float | None
    bias: float
    refused: bool = False


class EventMetrics(Metrics):
    """All clips, then by group and by tag (`light=day`); truths that were not counted, apart.

    truths_not_counted: how many those are. `truths` does not hold them.
    """

    by_group: dict[str, Metrics]
    by_tag: dict[str, Metrics]
    truths_not_counted: int = 0
    uncounted: tuple[UncountedTruths, ...]
    counting: tuple[Counting, ...]


class AlertLine(_Part):
    """An alert. truth: the first truth it finds. why: the measured values as a sentence."""

    rule: str
    event: Event
    t_s: float
    truth: int | None
    outcome: Outcome
    also: tuple[int, ...] = ()  # further truths it finds for the first time
    began_s: float
    delay_s: float | None
    why: str
    box: tuple[float, float, float, float]  # relative to the picture, 0..1
    laboratory: bool


class Tracking(_Part):
    """Tracks against true boxes: HOTA, IDF1, MOTA, 0..1 (MOTA may be negative)."""

    hota: float
    detection: float
    association: float
    idf1: float
    mota: float
    switches: int


class WhyNot(_Part):
    """A miss, and how near the rule came to it, as a sentence."""

    truth: int
    why: str


class ClipLine(_Part):
    """One clip. missed: indices of truths of rules that ran and that no alert found.

    error: why nothing of it was measured. refused: rules that were not, for a mistake in the
    dataset. remarks: what makes its numbers worth less. seconds: watched, long gaps left out.
    ends_s: the end on the clip's own clock. suspended_s: for how long rules were suspended, by what
    the pictures were blind by.
    """

    id: str
    seconds: float
    alerts: tuple[AlertLine, ...]
    missed: tuple[int, ...]
    why_not: tuple[WhyNot, ...]
    file: str
    group: str
    tags: dict[str, str]
    tracking: Tracking | None = None
    error: str | None = None
    refused: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    ends_s: float = 0.0
    suspended_s: dict[str, float] = {}


class Together(_Part):
    """All events that were measured, as one operator would live with them."""

    suffered_per_hour: float | None
    cameras_per_operator: float | None
    alerts_per_operator_hour: float
    tracking: Tracking | None
    suffered_below: float | None = None  # an hour, at 95 %, where nothing was suffered

    @property
    def cameras_in_words(self) -> str:
        """Cameras one operator can hold, no more than was shown: "3.2", "at least 2.1"."""
        if self.cameras_per_operator is not None:
            return f"{self.cameras_per_operator:.1f}"
        if self.suffered_below is None:
            return "nothing watched"
        least = self.alerts_per_operator_hour / self.suffered_below
        return f"at least {least:.1f}" if least >= 1 else "too little watched to say"

    @property
    def silence_in_words(self) -> str:
        """What it proves that nothing was suffered; "" where something was."""
        if self.suffered_below is None:
            return ""
        return f"none in vain proves under {_rate(self.suffered_below)} an hour"


class Machine(_Part):
    """Where it ran. Not part of the identity."""

    system: str
    processor: str
    cores: int
    python: str
    packages: dict[str, str]


class Timing(_Part):
    """How long it took. Not part of the identity."""

    wall_s: float
    cpu_s: float
    replayed_s: float
    processes: int


class Results(_Part):
    """A whole run. remarks: what of the dataset was not used, or understood in one of two ways."""

    dataset: str
    version: str
    mode: Literal["LABORATORY"]
    events: dict[str, EventMetrics]
    clips: tuple[ClipLine, ...]
    together: Together
    remarks: tuple[str, ...] = ()
    engine: str
    settings: str  # SHA-256 of the dataset's content, the engine's words and the version
    machine: Machine
    timing: Timing

    @property
    def identity(self) -> str:
        """SHA-256 of all that has to be the same from run to run."""
        same = self.model_dump(mode="json", exclude={"machine", "timing"})
        return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()

    def write(self, file: Path) -> None:
        file.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Self:
        """What `write` wrote. Raises DatasetError."""
        try:
            return cls.model_validate_json(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise DatasetError(f"{file} cannot be read: {error.strerror}") from None
        except (ValidationError, UnicodeDecodeError) as error:
            raise DatasetError(
                f"{file} is no result of veilleur evaluate: {str(error).splitlines()[0]}",
                remedy="write it anew with --json",
            ) from None


@dataclass(frozen=True, slots=True)
class Assessed:
    """A clip with what was observed and how it was judged. `ran`: ids of the rules that ran."""

    clip: Clip
    observed: Observed
    judgement: Judgement
    ran: frozenset[str]

    def score_of(self, event: Event) -> Score:
        """Counts of one event; hours only where at least one of its rules ran."""
        rules = frozenset(r for r in self.ran if self.clip.event_of(r) is event)
        if not rules:
            return Score()
        counted = score(self.judgement, self.clip.truth, rules)
        return counted + Score(hours=self.observed.seconds / 3600)

    @property
    def missed(self) -> tuple[int, ...]:
        """Truths nobody found, of rules that ran."""
        return tuple(i for i in self.judgement.missed if self.clip.truth[i].rule in self.ran)


def assess(clip: Clip, observed: Observed) -> Assessed:
    """Judge a clip's alerts. Of a rule that was withheld nothing counts."""
    gone = {w.rule for w in observed.withheld}
    ran = frozenset(rule.id for rule in clip.every_rule if rule.id not in gone)
    sightings = [Sighting(alert.rule, alert.t_s) for alert in observed.alerts]
    return Assessed(clip, observed, judge(sightings, clip.truth, clip.ignore), ran)


def assess_all(dataset: Dataset, observed: Iterable[Observed]) -> tuple[Assessed, ...]:
    """All clips, in the order of the dataset."""
    by_id = {o.clip: o for o in observed}
    return tuple(assess(clip, by_id[clip.id]) for clip in dataset.clips)


def summarise(
    dataset: Dataset, assessed: Sequence[Assessed], *, engine: str, wall_s: float, processes: int
) -> Results:
    """All numbers of a run."""
    events = [event for event in Event if any(event in a.clip.events for a in assessed)]
    scores = {event: total(a.score_of(event) for a in assessed) for event in events}
    tracks = [a.observed.tracking for a in once_a_file(assessed) if a.observed.tracking]
    suffered = [r for s in scores.values() if (r := s.suffered_per_hour) is not None]
    return Results(
        dataset=dataset.name,
        version=__version__,
        mode="LABORATORY",
        events={event.value: _event(event, assessed) for event in events},
        clips=tuple(_clip_line(a, dataset) for a in assessed),
        remarks=dataset.remarks,
        together=Together(
            suffered_per_hour=_rounded(sum(suffered)) if suffered else None,
            cameras_per_operator=_rounded(cameras_held(scores.values())),
            alerts_per_operator_hour=OPERATOR_ALERTS_PER_HOUR,
            tracking=_tracking(sum(tracks[1:], tracks[0])) if tracks else None,
            suffered_below=_rounded(suffered_below(scores.values())),
        ),
        engine=engine,
        settings=_settings(dataset, engine),
        machine=_machine(),
        timing=Timing(
            wall_s=round(wall_s, 2),
            cpu_s=round(sum(a.observed.cpu_s for a in assessed), 2),
            replayed_s=round(sum(a.observed.seconds for a in assessed), 2),
            processes=processes,
        ),
    )


def once_a_file(assessed: Sequence[Assessed]) -> list[Assessed]:
    """Tracks do not depend on rules: a file that stands under several ids counts once."""
    return list({a.clip.file: a for a in reversed(assessed)}.values())[::-1]


def _event(event: Event, assessed: Sequence[Assessed]) -> EventMetrics:
    involved = [a for a in assessed if event in a.clip.events]
    groups = _split(involved, lambda a: [a.clip.source])
    tags = _split(involved, lambda a: [f"{k}={v}" for k, v in sorted(a.clip.tags.items())])
    apart = [_uncounted(a, w) for a in involved for w in a.observed.withheld if w.event is event]
    return EventMetrics(
        **metrics(total(a.score_of(event) for a in involved)).model_dump(),
        by_group={n: metrics(total(a.score_of(event) for a in g)) for n, g in groups.items()},
        by_tag={n: metrics(total(a.score_of(event) for a in g)) for n, g in tags.items()},
        truths_not_counted=sum(line.truths for line in apart),
        uncounted=tuple(apart),
        counting=tuple(_counting(event, involved)),
    )


def _split(
    assessed: Sequence[Assessed], names: Callable[[Assessed], list[str]]
) -> Mapping[str, list[Assessed]]:
    parts: dict[str, list[Assessed]] = {}
    for a in assessed:
        for name in names(a):
            parts.setdefault(name, []).append(a)
    return dict(sorted(parts.items()))


def metrics(counted: Score) -> Metrics:
    """Counts, ratios and their bounds."""
    return Metrics(
        truths=counted.truths,
        found=counted.found,
        alerts_right=counted.right,
        false_alarms=counted.false,
        repeats=counted.repeats,
        ignored=counted.ignored,
        hours=round(counted.hours, _DIGITS),
        recall=_rounded(counted.recall),
        recall_95=_bounds(wilson(counted.found, counted.truths)),
        precision=_rounded(counted.precision),
        f1=_rounded(counted.f1),
        ilids=Ilids(alpha=ILIDS_ALPHA, f1=_rounded(counted.ilids_f1)),
        miss_at=tuple(
            MissAt(false_per_hour=rate, p_miss=_rounded(miss_at_rate(counted, rate)))
            for rate in RATES_PER_HOUR
        ),
        false_per_hour=_rounded(counted.false_per_hour),
        false_per_hour_95=_bounds(poisson(counted.false, counted.hours)),
        false_in_words=rate_in_words(counted.false, counted.hours),
        time_to_detect_s=Delays(
            p50=_rounded(counted.delay_s(50)), p95=_rounded(counted.delay_s(95))
        ),
    )


def _uncounted(a: Assessed, withheld: Withheld) -> UncountedTruths:
    truths = sum(truth.rule == withheld.rule for truth in a.clip.truth)
    return UncountedTruths(
        clip=a.clip.id,
        rule=withheld.rule,
        kind=withheld.kind,
        reason=withheld.reason,
        truths=truths,
    )


def _counting(event: Event, assessed: Sequence[Assessed]) -> Iterable[Counting]:
    if event is not Event.DENSITY:
        return
    for a in assessed:
        for counts in a.observed.counts:
            refused = any(w.rule == counts.rule and w.kind == REFUSED for w in a.observed.withheld)
            yield _count_line(a.clip.id, counts.rule, counts.samples, refused=refused)


def _count_line(clip: str, rule: str, samples: Sequence[CountSample], *, refused: bool) -> Counting:
    error = count_error(samples)
    assert error is not None
    return Counting(
        clip=clip,
        rule=rule,
        samples=error.samples,
        mean_absolute=round(error.mean_absolute, _DIGITS),
        relative=_rounded(error.relative),
        bias=round(error.bias, _DIGITS),
        refused=refused,
    )


def _clip_line(a: Assessed, dataset: Dataset) -> ClipLine:
    tracking = a.observed.tracking
    return ClipLine(
        id=a.clip.id,
        seconds=round(a.observed.seconds, 3),
        alerts=alert_lines(a),
        missed=a.missed,
        why_not=tuple(WhyNot(truth=i, why=_why_not(a, i)) for i in a.missed),
        file=a.clip.file,
        group=a.clip.source,
        tags=a.clip.tags,
        tracking=_tracking(tracking) if tracking else None,
        error=a.observed.error,
        ends_s=round(a.observed.ends_s, 3),
        remarks=a.observed.remarks,
        suspended_s={by: round(s, 3) for by, s in a.observed.suspended_s.items()},
        refused=() if a.observed.error else _refused(a.clip, dataset),
    )


def _refused(clip: Clip, dataset: Dataset) -> tuple[str, ...]:
    return tuple(m.said for m in dataset.mistakes if m.clip == clip.id and m.rule)


def _why_not(a: Assessed, truth: int) -> str:
    near = {nearest.truth: nearest.checks for nearest in a.observed.nearest}
    if truth not in near:
        return "not replayed that far"
    checks = near[truth]
    if not checks:
        return "the rule saw nothing to judge"
    if all(check.passed for check in checks):
        return f"belonged to a situation already told, or told too early. {sentence(checks, 'en')}"
    return sentence(checks, "en")


def alert_lines(a: Assessed) -> tuple[AlertLine, ...]:
    """A clip's alerts, in the order of time."""
    return tuple(_alert_line(a, judged) for judged in a.judgement.alerts)


def _alert_line(a: Assessed, judged: Judged) -> AlertLine:
    seen = a.observed.alerts[judged.index]
    first = next(iter(judged.new or judged.truths), None)
    delay = a.judgement.delay_s(judged.new[0]) if judged.new else None
    return AlertLine(
        rule=seen.rule,
        event=seen.event,
        t_s=round(seen.t_s, 3),
        truth=first,
        outcome=judged.outcome,
        also=judged.new[1:],
        began_s=round(seen.began_s, 3),
        delay_s=_rounded(delay),
        why=sentence(seen.checks, "en"),
        box=_relative(seen.where, a.observed),
        laboratory=seen.laboratory,
    )


def _relative(box: Box, observed: Observed) -> tuple[float, float, float, float]:
    wide, high = max(observed.width, 1), max(observed.height, 1)
    x1, y1, x2, y2 = box.x1 / wide, box.y1 / high, box.x2 / wide, box.y2 / high
    return round(x1, 4), round(y1, 4), round(x2, 4), round(y2, 4)


def _tracking(tracks: TrackingScore) -> Tracking:
    return Tracking(
        hota=round(tracks.hota, _DIGITS),
        detection=round(tracks.detection, _DIGITS),
        association=round(tracks.association, _DIGITS),
        idf1=round(tracks.idf1, _DIGITS),
        mota=round(tracks.mota, _DIGITS),
        switches=tracks.switches,
    )


def _settings(dataset: Dataset, engine: str) -> str:
    content = [clip.model_dump_json() for clip in dataset.clips]
    return hashlib.sha256("\n".join([__version__, engine, *content]).encode()).hexdigest()


def _machine() -> Machine:
    return Machine(
        system=platform.system(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        packages=_packages(),
    )


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            continue
    return found


def several(number: int, noun: str) -> str:
    """A number with its noun.

    >>> several(1, "clip"), several(2, "clip")
    ('1 clip', '2 clips')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _bounds(interval: Interval | None) -> Bounds | None:
    if interval is None:
        return None
    return round(interval.low, _DIGITS), round(interval.high, _DIGITS)
