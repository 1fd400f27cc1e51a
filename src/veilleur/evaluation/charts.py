"""Drawings of the report: pure functions from numbers to inline SVG.

Colours are classes, so that the page's style sheet decides them, in light and in dark. Outcomes
differ in shape as well as in colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from veilleur.evaluation.counting import Outcome

WIDE = 1000  # of a time line, in its own units
_LABEL = 150
_LANE = 26
_MARK = 5.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span on a lane. kind: "truth", "missed", "window" or "ignore"."""

    start_s: float
    end_s: float
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An alert on a lane."""

    t_s: float
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One rule of a clip."""

    name: str
    stretches: tuple[Stretch, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """A share with its interval, 0..1; value None: no data."""

    name: str
    value: float | None
    low: float
    high: float
    words: str


def timeline(seconds: float, lanes: Sequence[Lane]) -> str:
    """Truth against alerts, a lane a rule, seconds along."""
    height = len(lanes) * _LANE + 22
    scale = (WIDE - _LABEL - 12) / max(seconds, 0.1)

    def x(t: float) -> float:
        return _LABEL + min(max(t, 0.0), seconds) * scale

    parts = [_axis(seconds, x(0), scale, len(lanes) * _LANE)]
    for row, lane in enumerate(lanes):
        top = row * _LANE
        parts.append(_text(_LABEL - 10, top + 17, lane.name, "label end"))
        parts.append(_line("rail", (_LABEL, WIDE - 12), (top + 13, top + 13)))
        parts += [_stretch(s, x(s.start_s), x(s.end_s), top) for s in lane.stretches]
        parts += [_mark(m, x(m.t_s), top + 13.0) for m in lane.marks]
    return _svg(WIDE, height, "timeline", "".join(parts), "Time line: truth and alerts")


def _stretch(stretch: Stretch, left: float, right: float, top: float) -> str:
    inset = 8.0 if stretch.kind == "window" else 5.0
    across = (left, max(right, left + 2.0))
    return _rect(stretch.kind, across, (top + inset, top + _LANE - inset), stretch.words)


def _mark(mark: Mark, x: float, y: float) -> str:
    return (
        f'<g class="mark {mark.outcome.value}" transform="translate({x:.1f} {y:.1f})">'
        f"{_title(mark.words)}{shape(mark.outcome)}</g>"
    )


def swatch(kind: str) -> str:
    """A stretch of this kind, for the legend."""
    return f'<svg width="30" height="14">{_rect(kind, (1, 29), (1, 13))}</svg>'


def mark_swatch(outcome: Outcome) -> str:
    """The mark of an outcome, for the legend."""
    return f'<svg width="30" height="14">{_mark(Mark(0, outcome, ""), 15, 7)}</svg>'


def shape(outcome: Outcome) -> str:
    """The shape of an outcome around 0, 0: a disc, a diamond, a cross or a ring."""
    r = _MARK
    if outcome is Outcome.FOUND:
        return f'<circle r="{r}"/>'
    if outcome is Outcome.REPEAT:
        return f'<path d="M0 {-r - 1}L{r + 1} 0L0 {r + 1}L{-r - 1} 0Z"/>'
    if outcome is Outcome.FALSE:
        return f'<path class="cross" d="M{-r} {-r}L{r} {r}M{r} {-r}L{-r} {r}"/>'
    return f'<circle class="ring" r="{r - 1}"/>'


def _axis(seconds: float, left: float, scale: float, bottom: float) -> str:
    step = _step(seconds)
    parts = []
    for i in range(floor(seconds / step) + 1):
        x = left + i * step * scale
        parts.append(_line("grid", (x, x), (0, bottom)))
        parts.append(
            _text(x, bottom + 14, f"{i * step:g} s" if i == 0 else f"{i * step:g}", "tick")
        )
    return "".join(parts)


def _step(seconds: float) -> float:
    """A round number of seconds that cuts a line into five to twelve parts.

    >>> [_step(s) for s in (4, 30, 79, 600)]
    [0.5, 5.0, 10.0, 50.0]
    """
    raw = max(seconds, 1.0) / 10
    power = 10 ** floor(log10(raw))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.79))


def whisker(value: float | None, low: float, high: float) -> str:
    """A share and its interval on a line from 0 to 1, small enough for a table.

    >>> "95 % interval 30% to 70%" in whisker(0.5, 0.3, 0.7)
    True
    """
    if value is None:
        return ""
    wide, tall = 92, 14

    def x(share: float) -> float:
        return 2 + share * (wide - 4)

    parts = [
        _line("rail", (x(0), x(1)), (7, 7)),
        _line("range", (x(low), x(high)), (7, 7)),
        _disc("value", x(value), 7, 3.5),
    ]
    words = f"{value:.0%}, 95 % interval {low:.0%} to {high:.0%}"
    return (
        f'<svg class="whisker" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}" '
        f'role="img" aria-label="{words}">{"".join(parts)}</svg>'
    )


def dots(items: Sequence[Dot]) -> str:
    """Shares with intervals, one below the other, on a common axis from 0 to 100 %."""
    wide, label, lane = 460, 190, 19
    height = len(items) * lane + 20
    span = wide - label - 46
    parts = []
    for tenth in (0, 25, 50, 75, 100):
        x = label + span * tenth / 100
        parts.append(_line("grid", (x, x), (0, height - 18)))
        parts.append(_text(x, height - 5, f"{tenth} %" if tenth == 100 else str(tenth), "tick"))
    for row, item in enumerate(items):
        y = row * lane + 10
        parts.append(_text(label - 8, y + 4, item.name, "label end"))
        if item.value is None:
            parts.append(_text(label + 4, y + 4, "no data", "tick start"))
            continue
        x1, x2 = label + span * item.low, label + span * item.high
        parts.append(_line("range", (x1, x2), (y, y)))
        parts.append(_disc("value", label + span * item.value, y, 4, item.words))
        parts.append(_text(wide - 2, y + 4, item.words, "tick end"))
    return _svg(wide, height, "dots", "".join(parts), "Recall with its 95 % interval")


@dataclass(frozen=True, slots=True)
class Bar:
    """Values from low (included) to high (excluded)."""

    low: float
    high: float
    count: int


def binned(values: Sequence[float], width: float) -> list[Bar]:
    """Bars of equal width from the least to the greatest value, empty ones included.

    >>> binned([-0.2, 0.1, 0.4, 1.2], 0.5)
    [Bar(low=-0.5, high=0.0, count=1), Bar(low=0.0, high=0.5, count=2), Bar(low=0.5, high=1.0, count=0), Bar(low=1.0, high=1.5, count=1)]
    """  # noqa: E501 (one line of output)
    if not values:
        return []
    first, last = floor(min(values) / width), floor(max(values) / width)
    counts = dict.fromkeys(range(first, last + 1), 0)
    for value in values:
        counts[floor(value / width)] += 1
    return [Bar(i * width, (i + 1) * width, n) for i, n in counts.items()]


def histogram(values: Sequence[float]) -> str:
    """Times to detect, seconds. The dashed line stands where an alert is owed."""
    spread = max(values) - min(values)
    bars = binned(values, 0.5 if spread <= 8 else 1.0 if spread <= 16 else 5.0)
    wide, high, foot, left = 460, 128, 30, 26
    most = max(bar.count for bar in bars)
    each = (wide - left - 8) / len(bars)
    ground = high - foot
    parts = [
        _line("grid", (left, wide - 8), (10, 10)),
        _text(left - 6, 14, str(most), "tick end"),
        _text(left - 6, ground + 4, "0", "tick end"),
        _line("axis", (left, wide - 8), (ground, ground)),
    ]
    every = -(-len(bars) // 9)
    for i, bar in enumerate(bars):
        x, tall = left + i * each, (ground - 10) * bar.count / most
        words = f"{bar.count} found {bar.low:g} to {bar.high:g} s after an alert was due"
        if bar.count:
            across = (x + 1, x + max(each - 1, 2))
            parts.append(_rect("bar", across, (ground - tall, ground), words))
        if i % every == 0:
            parts.append(_text(x, ground + 13, f"{bar.low:g}", "tick"))
        if bar.low == 0:
            parts.append(_line("due", (x, x), (2, ground)))
    parts.append(_text((wide + left) / 2, high - 3, "seconds after the alert was due", "tick"))
    return _svg(wide, high, "histogram", "".join(parts), "Histogram of the time to detect")


def _line(kind: str, x: tuple[float, float], y: tuple[float, float]) -> str:
    """x, y: from and to."""
    ends = f'x1="{x[0]:.1f}" x2="{x[1]:.1f}" y1="{y[0]:.1f}" y2="{y[1]:.1f}"'
    return f'<line class="{kind}" {ends}/>'


def _rect(kind: str, x: tuple[float, float], y: tuple[float, float], words: str = "") -> str:
    """x, y: from and to."""
    place = f'x="{x[0]:.1f}" y="{y[0]:.1f}" width="{x[1] - x[0]:.1f}" height="{y[1] - y[0]:.1f}"'
    return f'<rect class="{kind}" {place} rx="1.5">{_title(words)}</rect>'


def _disc(kind: str, x: float, y: float, radius: float, words: str = "") -> str:
    place = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"'
    return f'<circle class="{kind}" {place}>{_title(words)}</circle>'


def _title(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def _svg(width: float, height: float, kind: str, body: str, words: str) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(words)}">{body}</svg>'
    )
