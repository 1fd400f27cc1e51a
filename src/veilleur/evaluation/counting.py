"""Alerts against truth: found, repeat, false alarm, ignored, missed.

Pure functions. The window of a truth runs from due_s - max(1 s, a fifth of due_s - start_s) to
max(end_s, due_s + 10 s), both ends included. An alert at t finds every truth of its rule whose
window holds t. Truths are matched first, in the order of time; `ignore` then forgives the alerts
that found nothing new. A truth that no alert finds is a miss, inside an ignored span as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor
from typing import Protocol

from veilleur.evaluation.intervals import poisson

ILIDS_ALPHA = 0.65
RATES_PER_HOUR = (1.0, 6.0, 60.0)
OPERATOR_ALERTS_PER_HOUR = 12.0
_EARLY_LEAST_S = 1.0
_EARLY_SHARE = 0.2
_LATE_LEAST_S = 10.0
_ROUNDING_S = 1e-9  # 13.0 - 0.2 * 5 must hold 12.0


class TruthSpan(Protocol):
    """What counting needs of a truth (`dataset.Truth` has it)."""

    @property
    def rule(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def due_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...


class IgnoredSpan(Protocol):
    """What counting needs of an ignored span (`dataset.Span` has it)."""

    @property
    def rule(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...


class Outcome(StrEnum):
    """What an alert turned out to be. Exactly one of these."""

    FOUND = "found"  # the first to find at least one truth
    REPEAT = "repeat"  # finds only truths already found
    FALSE = "false"  # finds none
    IGNORED = "ignored"  # found nothing new, inside a span that does not count


@dataclass(frozen=True, slots=True)
class Sighting:
    """An alert as counting sees it: a rule spoke at t_s."""

    rule: str
    t_s: float


@dataclass(frozen=True, slots=True)
class Judged:
    """An alert and what it was. `index` is its place in what was handed in.

    truths: indices of those it finds (for a repeat: again). new: those found for the first time.
    """

    index: int
    sighting: Sighting
    outcome: Outcome
    truths: tuple[int, ...] = ()
    new: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A clip's alerts, judged, in the order of time; and the truths nobody found."""

    alerts: tuple[Judged, ...]
    missed: tuple[int, ...]
    delays_s: tuple[tuple[int, float], ...]  # (truth, time to detect) of every truth found

    def delay_s(self, truth: int) -> float | None:
        return dict(self.delays_s).get(truth)


def window(truth: TruthSpan) -> tuple[float, float]:
    """First and last instant at which an alert finds this truth, seconds.

    >>> from veilleur.evaluation.clip import Truth
    >>> window(Truth(rule="tracks", start_s=12.0, due_s=13.0, end_s=19.5))
    (12.0, 23.0)
    >>> window(Truth(rule="bag", start_s=0.0, due_s=30.0, end_s=60.0))
    (24.0, 60.0)
    """
    early = max(_EARLY_LEAST_S, _EARLY_SHARE * (truth.due_s - truth.start_s))
    return truth.due_s - early, max(truth.end_s, truth.due_s + _LATE_LEAST_S)


def judge(
    alerts: Sequence[Sighting], truths: Sequence[TruthSpan], ignore: Sequence[IgnoredSpan] = ()
) -> Judgement:
    """Match the alerts of one clip with its truths.

    >>> from veilleur.evaluation.clip import Truth
    >>> truth = Truth(rule="tracks", start_s=12.0, due_s=13.0, end_s=19.5)
    >>> seen = judge([Sighting("tracks", t) for t in (11.9, 13.2, 15.0)], [truth])
    >>> [alert.outcome.value for alert in seen.alerts]
    ['false', 'found', 'repeat']
    >>> round(seen.delay_s(0), 3)
    0.2
    """
    found: dict[int, float] = {}
    judged = []
    order = sorted(range(len(alerts)), key=lambda i: (alerts[i].t_s, alerts[i].rule, i))
    for index in order:
        alert = alerts[index]
        hit = tuple(i for i, truth in enumerate(truths) if _finds(alert, truth))
        new = tuple(i for i in hit if i not in found)
        found.update((i, alert.t_s - truths[i].due_s) for i in new)
        judged.append(Judged(index, alert, _outcome(alert, hit, new, ignore), hit, new))
    missed = tuple(i for i in range(len(truths)) if i not in found)
    return Judgement(tuple(judged), missed, tuple(sorted(found.items())))


def _finds(alert: Sighting, truth: TruthSpan) -> bool:
    first, last = window(truth)
    inside = first - _ROUNDING_S <= alert.t_s <= last + _ROUNDING_S
    return alert.rule == truth.rule and inside


def _outcome(
    alert: Sighting, hit: tuple[int, ...], new: tuple[int, ...], ignore: Iterable[IgnoredSpan]
) -> Outcome:
    if new:
        return Outcome.FOUND
    if any(span.rule == alert.rule and span.start_s <= alert.t_s <= span.end_s for span in ignore):
        return Outcome.IGNORED
    return Outcome.REPEAT if hit else Outcome.FALSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Counts only; ratios are asked for, so that clips add up. Ratios are None without a divisor.

    right: alerts that found something (one may find several truths). hours: camera-hours watched.

    >>> one = Score(truths=2, found=1, right=1, hours=0.5, delays_s=(0.3,))
    >>> both = one + Score(truths=1, found=1, right=1, false=3, hours=1.0, delays_s=(0.5,))
    >>> both.false_per_hour
    2.0
    >>> both.delay_s(50)
    0.4
    """

    truths: int = 0
    found: int = 0
    right: int = 0
    false: int = 0
    repeats: int = 0
    ignored: int = 0
    hours: float = 0.0
    delays_s: tuple[float, ...] = ()

    def __add__(self, other: Score) -> Score:
        return Score(
            truths=self.truths + other.truths,
            found=self.found + other.found,
            right=self.right + other.right,
            false=self.false + other.false,
            repeats=self.repeats + other.repeats,
            ignored=self.ignored + other.ignored,
            hours=self.hours + other.hours,
            delays_s=self.delays_s + other.delays_s,
        )

    @property
    def missed(self) -> int:
        return self.truths - self.found

    @property
    def recall(self) -> float | None:
        return self.found / self.truths if self.truths else None

    @property
    def precision(self) -> float | None:
        """The share of alerts that found something, repeats and ignored ones left out."""
        alerts = self.right + self.false
        return self.right / alerts if alerts else None

    @property
    def f1(self) -> float | None:
        return f_alpha(self.recall, self.precision, alpha=1.0)

    @property
    def ilids_f1(self) -> float | None:
        return f_alpha(self.recall, self.precision, alpha=ILIDS_ALPHA)

    @property
    def false_per_hour(self) -> float | None:
        return self.false / self.hours if self.hours else None

    @property
    def suffered_per_hour(self) -> float | None:
        """False alarms and repeats: what an operator looks at in vain."""
        return (self.false + self.repeats) / self.hours if self.hours else None

    def delay_s(self, percent: float) -> float | None:
        return percentile(self.delays_s, percent)


def total(scores: Iterable[Score]) -> Score:
    """The sum; all zeros for none."""
    return sum(scores, Score())


def score(judgement: Judgement, truths: Sequence[TruthSpan], rules: frozenset[str]) -> Score:
    """Count what concerns these rules. Hours are added by whoever knows them."""
    of = [alert for alert in judgement.alerts if alert.sighting.rule in rules]
    counted = {i for i, truth in enumerate(truths) if truth.rule in rules}
    delays = tuple(delay for i, delay in judgement.delays_s if i in counted)
    number = {outcome: sum(a.outcome is outcome for a in of) for outcome in Outcome}
    return Score(
        truths=len(counted),
        found=len(delays),
        right=number[Outcome.FOUND],
        false=number[Outcome.FALSE],
        repeats=number[Outcome.REPEAT],
        ignored=number[Outcome.IGNORED],
        delays_s=delays,
    )


def f_alpha(recall: float | None, precision: float | None, *, alpha: float) -> float | None:
    """F = (alpha + 1) R P / (R + alpha P); alpha 1 is the plain F1. None without both.

    The measure of the i-LIDS scenarios (UK Home Office): alpha is their recall bias. It weighs
    precision in the divisor, so a small alpha punishes false alarms more and a large one misses.

    >>> f_alpha(1.0, 0.5, alpha=1.0) == 2 / 3
    True
    >>> round(f_alpha(0.9, 0.6, alpha=0.65), 4)
    0.6907
    """
    if recall is None or precision is None:
        return None
    divisor = recall + alpha * precision
    return (alpha + 1) * recall * precision / divisor if divisor else 0.0


def miss_at_rate(score: Score, rate_per_hour: float) -> float | None:
    """P_miss at a rate of false alarms (NIST ActEV's measure): the share missed, where reached.

    Alerts carry no confidence, so a run is one point of the curve: its share of misses holds for
    every rate at or above its own, and says nothing (None) about a lower one.

    >>> miss_at_rate(Score(truths=4, found=3, right=3, false=1, hours=0.5), 6.0)
    0.25
    >>> miss_at_rate(Score(truths=4, found=3, right=3, false=1, hours=0.5), 1.0) is None
    True
    """
    recall, rate = score.recall, score.false_per_hour
    if recall is None or rate is None or rate > rate_per_hour:
        return None
    return 1.0 - recall


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Linear between the two nearest values, None without any.

    >>> percentile([0.0, 1.0, 2.0, 10.0], 50)
    1.5
    """
    if not values:
        return None
    ordered = sorted(values)
    place = percent / 100 * (len(ordered) - 1)
    low, high = ordered[floor(place)], ordered[ceil(place)]
    return low + (high - low) * (place - floor(place))


def cameras_held(scores: Iterable[Score]) -> float | None:
    """Cameras that one operator can hold: 12 alerts an hour over all events together.

    None without anything watched, and where nothing was suffered: `suffered_below` says then what
    that proves.

    >>> cameras_held([Score(false=1, hours=1.0), Score(repeats=1, hours=0.5)])
    4.0
    """
    rates = [rate for s in scores if (rate := s.suffered_per_hour) is not None]
    return OPERATOR_ALERTS_PER_HOUR / sum(rates) if sum(rates) > 0 else None


def suffered_below(scores: Iterable[Score]) -> float | None:
    """Alerts in vain an hour, all events together: below this at 95 %, where none was seen.

    None where one was, or nothing was watched. The rates add up, and each event may have been
    watched for another time: the largest sum that silence allows lies on the shortest of them.

    >>> round(suffered_below([Score(hours=6.0), Score(hours=3.0)]), 2)
    1.0
    """
    watched = [s for s in scores if s.hours]
    if not watched or any(s.suffered_per_hour for s in watched):
        return None
    bounds = poisson(0, min(s.hours for s in watched))
    return bounds.high if bounds else None


@dataclass(frozen=True, slots=True)
class CountSample:
    """A head count at one instant: what a rule said and what is true."""

    t_s: float
    said: float
    true: float


@dataclass(frozen=True, slots=True)
class CountError:
    """Counting error over samples. relative: sum of errors over sum of heads (None: no heads)."""

    samples: int
    mean_absolute: float
    relative: float | None
    bias: float


def count_error(samples: Sequence[CountSample]) -> CountError | None:
    """Mean absolute error, the same relative to the heads, and the bias (said - true).

    >>> count_error([CountSample(0.0, 8, 10), CountSample(1.0, 11, 10)])
    CountError(samples=2, mean_absolute=1.5, relative=0.15, bias=-0.5)
    """
    if not samples:
        return None
    wrong = sum(abs(s.said - s.true) for s in samples)
    heads = sum(s.true for s in samples)
    bias = sum(s.said - s.true for s in samples) / len(samples)
    return CountError(len(samples), wrong / len(samples), wrong / heads if heads else None, bias)
