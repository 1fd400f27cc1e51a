"""The counting: windows, found, repeat, false, ignored, missed; and what adds up from it."""

from __future__ import annotations

import doctest
import random
from collections import Counter
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilleur.evaluation import charts, counting, dataset, intervals
from veilleur.evaluation.counting import (
    Outcome,
    Score,
    Sighting,
    cameras_held,
    f_alpha,
    judge,
    miss_at_rate,
    percentile,
    score,
    total,
    union_s,
    window,
)
from veilleur.evaluation.dataset import Span, Truth

STEP = Truth(rule="tracks", start_s=12.0, due_s=13.0, end_s=19.5)


def truth(start_s: float, due_s: float, end_s: float, rule: str = "tracks") -> Truth:
    return Truth(rule=rule, start_s=start_s, due_s=due_s, end_s=end_s)


def outcomes(
    times: list[float], truths: list[Truth], ignore: list[Span] | None = None
) -> list[str]:
    judged = judge([Sighting("tracks", t) for t in times], truths, ignore or [])
    return [alert.outcome.value for alert in judged.alerts]


@pytest.mark.parametrize(
    ("one", "first", "last"),
    [
        pytest.param(truth(12, 13, 19.5), 12.0, 23.0, id="short: a second early, ten late"),
        pytest.param(truth(0, 30, 60), 24.0, 60.0, id="long: a fifth early, until its end"),
        pytest.param(truth(5, 5, 6), 4.0, 15.0, id="no dwell"),
        pytest.param(truth(0, 5, 5), 4.0, 15.0, id="a fifth of five seconds is one"),
        pytest.param(truth(0, 10, 12), 8.0, 20.0, id="a fifth of ten is two"),
    ],
)
def test_a_window_has_its_slack(one: Truth, first: float, last: float) -> None:
    assert window(one) == pytest.approx((first, last))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param([12.0], ["found"], id="the window's first instant is in"),
        pytest.param([11.99], ["false"], id="before the dwell is over: a false alarm"),
        pytest.param([23.0], ["found"], id="the window's last instant is in"),
        pytest.param([23.01], ["false"], id="after the window"),
        pytest.param([13.2, 15.0], ["found", "repeat"], id="the second finds nothing new"),
        pytest.param([11.0, 13.0, 14.0, 30.0], ["false", "found", "repeat", "false"], id="all"),
    ],
)
def test_an_alert_is_found_repeat_or_false(times: list[float], expected: list[str]) -> None:
    assert outcomes(times, [STEP]) == expected


def test_one_alert_finds_every_truth_whose_window_holds_it() -> None:
    truths = [truth(10, 11, 15), truth(12, 13, 20), truth(40, 41, 50)]
    judged = judge([Sighting("tracks", 13.5)], truths)
    assert judged.alerts[0].new == (0, 1)
    assert judged.missed == (2,)
    assert dict(judged.delays_s) == pytest.approx({0: 2.5, 1: 0.5})


def test_an_alert_that_finds_one_known_and_one_new_truth_is_no_repeat() -> None:
    truths = [truth(10, 11, 15), truth(14, 15, 20)]
    judged = judge([Sighting("tracks", 11.5), Sighting("tracks", 15.5)], truths)
    assert [(a.outcome, a.truths, a.new) for a in judged.alerts] == [
        (Outcome.FOUND, (0,), (0,)),
        (Outcome.FOUND, (0, 1), (1,)),
    ]


def test_another_rules_alert_finds_nothing() -> None:
    judged = judge([Sighting("gate", 13.0)], [STEP])
    assert [a.outcome for a in judged.alerts] == [Outcome.FALSE]
    assert judged.missed == (0,)


def test_truths_are_matched_first_and_ignore_forgives_what_is_left() -> None:
    doubt = [Span(rule="tracks", start_s=10.0, end_s=30.0)]
    assert outcomes([11.0, 13.0, 14.0, 30.0, 30.5], [STEP], doubt) == [
        "ignored", "found", "ignored", "ignored", "false",
    ]  # fmt: skip
    elsewhere = [Span(rule="gate", start_s=0.0, end_s=99.0)]
    assert outcomes([30.0], [STEP], elsewhere) == ["false"]


def test_a_miss_stays_a_miss_inside_an_ignored_span() -> None:
    assert judge([], [STEP], [Span(rule="tracks", start_s=0.0, end_s=99.0)]).missed == (0,)


TIMES = st.integers(0, 120).map(lambda n: n / 4)
RULES = st.sampled_from(["a", "b"])
SIGHTINGS = st.lists(st.builds(Sighting, rule=RULES, t_s=TIMES), max_size=12)


@st.composite
def some_truth(draw: st.DrawFn) -> Truth:
    start, dwell, after = draw(TIMES), draw(TIMES), draw(TIMES)
    return truth(start, start + dwell, start + dwell + after, draw(RULES))


@st.composite
def some_span(draw: st.DrawFn) -> Span:
    start = draw(TIMES)
    return Span(rule=draw(RULES), start_s=start, end_s=start + draw(TIMES))


TRUTHS, SPANS = st.lists(some_truth(), max_size=6), st.lists(some_span(), max_size=3)


@given(SIGHTINGS, TRUTHS, SPANS)
def test_each_alert_is_exactly_one_thing_and_each_truth_found_or_missed(
    alerts: list[Sighting], truths: list[Truth], ignore: list[Span]
) -> None:
    judged = judge(alerts, truths, ignore)
    assert sorted(a.index for a in judged.alerts) == list(range(len(alerts)))
    assert all(bool(a.new) == (a.outcome is Outcome.FOUND) for a in judged.alerts)
    found = [i for a in judged.alerts for i in a.new]
    assert sorted([*found, *judged.missed]) == list(range(len(truths)))
    counted = score(judged, truths, frozenset("ab"))
    assert counted.right + counted.false + counted.repeats + counted.ignored == len(alerts)
    assert counted.found + counted.missed == len(truths)


@given(SIGHTINGS, TRUTHS, SPANS, st.randoms(use_true_random=False))
def test_the_order_of_alerts_does_not_matter(
    alerts: list[Sighting], truths: list[Truth], ignore: list[Span], chance: random.Random
) -> None:
    mixed = list(alerts)
    chance.shuffle(mixed)
    one, other = judge(alerts, truths, ignore), judge(mixed, truths, ignore)
    tally = [Counter((a.sighting, a.outcome, a.new) for a in j.alerts) for j in (one, other)]
    assert tally[0] == tally[1]
    assert (one.missed, one.delays_s) == (other.missed, other.delays_s)


@given(SIGHTINGS, TRUTHS, SPANS)
def test_ignoring_never_changes_what_is_found(
    alerts: list[Sighting], truths: list[Truth], ignore: list[Span]
) -> None:
    with_, without = judge(alerts, truths, ignore), judge(alerts, truths)
    assert (with_.missed, with_.delays_s) == (without.missed, without.delays_s)


def test_a_day_counted_by_hand() -> None:
    """Five truths, four found by three alerts, two false, one repeat, half an hour."""
    truths = [
        truth(10, 11, 15), truth(12, 13, 20), truth(100, 101, 110), truth(200, 230, 300),
        truth(500, 501, 505),
    ]  # fmt: skip
    times = [13.5, 14.0, 60.0, 101.3, 223.0, 224.0]  # 223 is before a fifth of thirty seconds
    judged = judge([Sighting("tracks", t) for t in times], truths)
    counted = score(judged, truths, frozenset({"tracks"})) + Score(hours=0.5)
    assert [a.outcome.value for a in judged.alerts] == [
        "found", "repeat", "false", "found", "false", "found",
    ]  # fmt: skip
    assert (counted.truths, counted.found, counted.right) == (5, 4, 3)
    assert (counted.false, counted.repeats) == (2, 1)
    assert counted.recall == 0.8
    assert counted.precision == 0.6
    assert counted.f1 == pytest.approx(2 * 0.8 * 0.6 / 1.4)
    assert counted.ilids_f1 == pytest.approx(1.65 * 0.8 * 0.6 / (0.8 + 0.65 * 0.6))
    assert counted.false_per_hour == 4.0
    assert counted.suffered_per_hour == 6.0
    assert counted.delay_s(50) == pytest.approx(0.4)
    assert sorted(counted.delays_s) == pytest.approx([-6.0, 0.3, 0.5, 2.5])
    assert miss_at_rate(counted, 4.0) == pytest.approx(0.2)
    assert miss_at_rate(counted, 3.9) is None


def test_there_is_no_ratio_where_nothing_divides() -> None:
    nothing = Score()
    assert nothing.recall is None
    assert nothing.precision is None
    assert nothing.f1 is None
    assert nothing.false_per_hour is None
    assert nothing.delay_s(50) is None
    assert miss_at_rate(nothing, 1.0) is None
    assert f_alpha(0.0, 0.0, alpha=1.0) == 0.0


def test_a_silent_run_over_truths_has_recall_zero_and_no_precision() -> None:
    silent = Score(truths=3, hours=1.0)
    assert silent.recall == 0.0
    assert silent.precision is None


@given(st.lists(st.builds(Score, truths=st.integers(0, 9), hours=st.just(0.25)), max_size=5))
def test_scores_add_up(scores: list[Score]) -> None:
    assert total(scores).truths == sum(s.truths for s in scores)
    assert total(scores).hours == len(scores) * 0.25


def test_one_operator_holds_twelve_alerts_an_hour_over_all_events() -> None:
    busy = [Score(false=1, repeats=1, hours=1.0), Score(false=2, hours=1.0), Score(truths=1)]
    assert cameras_held(busy) == 3.0
    assert cameras_held([Score(hours=5.0)]) is None
    assert cameras_held([]) is None


def test_percentiles_are_linear_between_neighbours() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([0.0, 10.0], 95) == pytest.approx(9.5)
    assert percentile([], 95) is None


def test_overlapping_spans_are_covered_once() -> None:
    assert union_s([]) == 0.0
    assert union_s([(0, 10), (2, 3), (9, 12), (20, 21)]) == 13.0


@pytest.mark.parametrize("module", [charts, counting, dataset, intervals])
def test_the_worked_examples_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
