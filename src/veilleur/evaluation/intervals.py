"""How sure a count makes one: exact bounds and the sentences that go with them."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from scipy.stats import chi2

Z_95 = 1.959963984540054
LEAST_HOURS_FOR_RATES_BELOW_ONE = 3.0  # -ln(0.05) = 2.996: none in three hours proves < 1 an hour


@dataclass(frozen=True, slots=True)
class Interval:
    """From low to high, both included, at 95 %."""

    low: float
    high: float


def wilson(hits: int, trials: int) -> Interval | None:
    """The 95 % score interval of a share; None without a trial.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927) 209-212.

    >>> bounds = wilson(11, 12)
    >>> (round(bounds.low, 3), round(bounds.high, 3))
    (0.646, 0.985)
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} hits of {trials} trials")
    if trials == 0:
        return None
    share, z2 = hits / trials, Z_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == trials else min(1.0, centre + half)
    return Interval(low, high)


def poisson(count: int, hours: float) -> Interval | None:
    """Exact 95 % bounds of a rate an hour, from `count` in `hours`; None without an hour.

    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936) 437-442:
    2.5 % on either side. A count of zero has only one side, which takes all 5 %: the rate is then
    below -ln(0.05) / hours, 2.996 / hours.

    >>> bounds = poisson(1, 0.41)
    >>> (round(bounds.low, 2), round(bounds.high, 1))
    (0.06, 13.6)
    >>> round(poisson(0, 0.5).high, 2)
    5.99
    """
    if count < 0 or hours < 0:
        raise ValueError(f"{count} in {hours} hours")
    if hours == 0:
        return None
    if count == 0:
        return Interval(0.0, float(chi2.ppf(0.95, 2)) / 2 / hours)
    low = float(chi2.ppf(0.025, 2 * count)) / 2
    high = float(chi2.ppf(0.975, 2 * count + 2)) / 2
    return Interval(low / hours, high / hours)


def rate_in_words(count: int, hours: float) -> str:
    """What a count of false alarms proves, as a sentence that claims no more.

    >>> rate_in_words(0, 0.5)
    'none in 30 min proves only < 6.0 an hour'
    >>> rate_in_words(0, 0.005)
    'none in 18 s proves only < 599 an hour'
    >>> rate_in_words(0, 6.0)
    'none in 6.0 h proves < 0.50 an hour'
    >>> rate_in_words(2, 0.5)
    '2 in 30 min: between 0.48 and 14 an hour'
    """
    bounds = poisson(count, hours)
    if bounds is None:
        return "not watched"
    watched = _span(hours)
    if count == 0:
        only = " only" if hours < LEAST_HOURS_FOR_RATES_BELOW_ONE else ""
        return f"none in {watched} proves{only} < {_digits(bounds.high)} an hour"
    return f"{count} in {watched}: between {_digits(bounds.low)} and {_digits(bounds.high)} an hour"


def _span(hours: float) -> str:
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < 1.5 else f"{hours:.1f} h"


def _digits(rate: float) -> str:
    if rate >= 10:
        return f"{rate:.0f}"
    return f"{rate:.1f}" if rate >= 1 else f"{rate:.2f}"
