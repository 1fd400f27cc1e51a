"""Bounds are exact, and sentences claim no more than they prove."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson as poisson_law

from veilleur.evaluation.intervals import poisson, rate_in_words, wilson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (11, 12, 0.6461, 0.9851),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 1, 0.2065, 1.0),
    ],
)
def test_wilson_gives_the_published_bounds(hits: int, trials: int, low: float, high: float) -> None:
    bounds = wilson(hits, trials)
    assert bounds is not None
    assert (bounds.low, bounds.high) == pytest.approx((low, high), abs=5e-5)


def test_there_is_no_bound_without_a_trial_or_an_hour() -> None:
    assert wilson(0, 0) is None
    assert poisson(0, 0.0) is None
    assert rate_in_words(0, 0.0) == "not watched"
    with pytest.raises(ValueError, match="3 hits of 2"):
        wilson(3, 2)


@given(st.integers(1, 60), st.floats(0.01, 100))
def test_poisson_bounds_are_where_either_tail_holds_2_5_percent(count: int, hours: float) -> None:
    bounds = poisson(count, hours)
    assert bounds is not None
    assert poisson_law.sf(count - 1, bounds.low * hours) == pytest.approx(0.025)
    assert poisson_law.cdf(count, bounds.high * hours) == pytest.approx(0.025)


def test_zero_takes_all_five_percent_on_its_only_side() -> None:
    bounds = poisson(0, 3.0)
    assert bounds is not None
    assert bounds.low == 0.0
    assert bounds.high == pytest.approx(-math.log(0.05) / 3.0)
    assert bounds.high < 1.0


@pytest.mark.parametrize(
    ("count", "hours", "said"),
    [
        (0, 0.5, "none in 30 min proves only < 6.0 an hour"),
        (0, 2.9, "none in 2.9 h proves only < 1.0 an hour"),
        (0, 3.0, "none in 3.0 h proves < 1.00 an hour"),
        (1, 0.41, "1 in 25 min: between 0.06 and 14 an hour"),
    ],
)
def test_a_rate_is_told_with_what_it_proves(count: int, hours: float, said: str) -> None:
    assert rate_in_words(count, hours) == said
