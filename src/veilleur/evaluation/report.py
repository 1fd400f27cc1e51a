"""The page of one run: self-contained HTML, no script, nothing fetched, LABORATORY on each page."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from itertools import chain, zip_longest
from pathlib import Path

from veilleur.catalogue import WORDING, Event
from veilleur.evaluation import charts
from veilleur.evaluation.charts import Dot, Lane, Mark, Stretch
from veilleur.evaluation.clip import NEGATIVE_PREFIX, Truth
from veilleur.evaluation.counting import ILIDS_ALPHA, Outcome, window
from veilleur.evaluation.results import (
    AlertLine,
    Assessed,
    ClipLine,
    EventMetrics,
    Metrics,
    Results,
    several,
)
from veilleur.evaluation.thumbnails import Thumbnail
from veilleur.events.wording import sentence

MOST_THUMBNAILS = 40
_MOST_GROUPS_DRAWN = 24
_REFUSED = '<span class="sub">refused</span>'
_LABORATORY = (
    '<div class="laboratory"><p>LABORATORY <span>recorded or made footage, analysed for '
    "measurement; no camera was watched</span></p></div>"
)


def write(file: Path, results: Results, assessed: Sequence[Assessed]) -> None:
    """Write the page of a run."""
    file.write_text(render(results, assessed), encoding="utf-8")


def render(results: Results, assessed: Sequence[Assessed]) -> str:
    """The whole page. `assessed`: in the order of the results' clips."""
    sections = [
        _headline(results),
        _legend(),
        _events(results),
        _plots(results, assessed),
        _tags(results),
        _counting(results),
        _tracking(results),
        _pictures(results, assessed),
        _timelines(results, assessed),
        _withheld(results),
        _remarks(results),
        _conditions(results),
    ]
    style = files("veilleur.evaluation").joinpath("report.css").read_text(encoding="utf-8")
    title = f"{escape(results.dataset)}: veilleur evaluate (LABORATORY)"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head>"
        f"<body>{_LABORATORY}<main>{''.join(sections)}</main></body></html>\n"
    )


def _headline(results: Results) -> str:
    events = results.events.values()
    found, truths = sum(e.found for e in events), sum(e.truths for e in events)
    false = sum(e.false_alarms for e in events)
    apart = sum(u.truths for e in events for u in e.uncounted)
    silence = results.together.silence_in_words
    facts = [
        (f"{found} of {truths}", "situations found" + (f"; {apart} not counted" * bool(apart))),
        (str(false), f"false alarms; {sum(e.repeats for e in events)} repeats"),
        (
            _number(results.together.suffered_per_hour, 1),
            "alerts in vain per camera-hour, all measured events together",
        ),
        (
            results.together.cameras_in_words,
            f"cameras one operator can hold, at {results.together.alerts_per_operator_hour:g} "
            "such alerts an hour" + (f"; {silence}" * bool(silence)),
        ),
    ]
    cells = "".join(f"<div><b>{escape(b)}</b><small>{escape(s)}</small></div>" for b, s in facts)
    seconds = results.timing.replayed_s
    return (
        f"<h1>{escape(results.dataset)}</h1>"
        f'<p class="soft">{several(len(results.clips), "clip")}, {seconds / 60:.1f} minutes '
        f"replayed. Veilleur {escape(results.version)}, {escape(results.engine)}.</p>"
        f'<div class="facts">{cells}</div>'
    )


def _legend() -> str:
    entries = [
        (charts.swatch("truth"), "<b>Truth</b>: what a person saw, from its beginning to its end"),
        (
            charts.swatch("window"),
            "<b>Window</b>: an alert in it finds the truth (from a fifth of the waiting time, at "
            "least 1 s, before it is due, to its end, at least 10 s after)",
        ),
        (charts.swatch("missed"), "<b>Miss</b>: a truth that no alert found"),
        (charts.swatch("ignore"), "<b>Ignored</b>: nothing counts here"),
        (charts.mark_swatch(Outcome.FOUND), "<b>Found</b>: the first alert to find a truth"),
        (charts.mark_swatch(Outcome.REPEAT), "<b>Repeat</b>: finds only what was already found"),
        (
            charts.mark_swatch(Outcome.FALSE),
            "<b>False alarm</b>: finds nothing, or comes before the time is up",
        ),
        (
            charts.mark_swatch(Outcome.IGNORED),
            "<b>Ignored alert</b>: in a span that does not count",
        ),
    ]
    items = "".join(f"<li>{drawing}<span>{words}</span></li>" for drawing, words in entries)
    return f'<h2>How to read it</h2><div class="card"><ul class="legend">{items}</ul></div>'


# Tables -----------------------------------------------------------------------------------------

_HEAD = (
    "Event",
    "Found",
    "Recall",
    "95 %",
    "Precision",
    "F1",
    "i\N{NON-BREAKING HYPHEN}LIDS F1",
    "False alarms",
    "Repeats",
    "Delay p50 / p95",
    "Watched",
)


def _events(results: Results) -> str:
    measured = [(Event(name), m) for name, m in results.events.items() if m.hours or m.truths]
    seen = {event for event, _ in measured}
    apart = [(e, m) for name, m in results.events.items() if (e := Event(name)) not in seen]
    rows = "".join(_event_row(event, m) for event, m in measured)
    rows += "".join(_apart_row(event, m) for event, m in apart)
    head = "".join(f"<th>{escape(h)}</th>" for h in _HEAD)
    return (
        f'<h2>By event</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        '<p class="note">Recall: share of the situations found, with its 95 % Wilson interval. '
        "Precision: share of the alerts that found something. False alarms: exact 95 % Poisson "
        "bounds; a rate below one an hour is claimed only from three hours on. Delay: seconds "
        f"from when an alert was due. i-LIDS F1: (α + 1)RP / (R + αP), α = {ILIDS_ALPHA:g}.</p>"
    )


def _apart_row(event: Event, m: EventMetrics) -> str:
    """An event of which nothing was measured: its truths are neither found nor missed."""
    why = escape(", ".join(sorted({u.kind for u in m.uncounted})) or "not watched")
    truths = sum(u.truths for u in m.uncounted)
    words = f"{why}: {several(truths, 'truth')} not counted" if truths else why
    return (
        f'<tr class="apart"><th>{escape(WORDING[event].english)}</th>'
        f'<td class="left" colspan="{len(_HEAD) - 1}">{words}</td></tr>'
    )


def _event_row(event: Event, m: EventMetrics) -> str:
    name = WORDING[event].english
    apart = sum(u.truths for u in m.uncounted)
    note = f'<span class="sub">{apart} not counted</span>' if apart else ""
    drawn = charts.whisker(m.recall, *(m.recall_95 or (0.0, 1.0)))
    false_class = ' class="bad"' if m.false_alarms else ""
    cells = [
        f"<td>{m.found} of {m.truths}{note}</td>" if m.truths else f"<td>no truths{note}</td>",
        f"<td>{_share(m.recall)}</td>",
        f"<td>{drawn}</td>",
        f"<td>{_share(m.precision)}</td>",
        f"<td>{_number(m.f1, 3)}</td>",
        f"<td>{_number(m.ilids.f1, 3)}</td>",
        f'<td class="wrap"><span{false_class}>{m.false_alarms}</span>'
        f'<span class="sub">{escape(m.false_in_words)}</span></td>',
        f"<td>{m.repeats}</td>",
        f"<td>{_delays(m)}</td>",
        f"<td>{_watched(m.hours)}</td>",
    ]
    return f"<tr><th>{escape(name)}</th>{''.join(cells)}</tr>"


def _delays(m: Metrics) -> str:
    delays = m.time_to_detect_s
    if delays.p50 is None or delays.p95 is None:
        return "–"
    return f"{delays.p50:.1f} / {delays.p95:.1f} s"


def _tags(results: Results) -> str:
    events = [(name, m) for name, m in results.events.items() if m.hours]
    every = sorted({tag for _, m in events for tag in m.by_tag})
    tags = [t for t in every if any(t in m.by_tag and m.by_tag[t].hours for _, m in events)]
    if not tags:
        return ""
    head = "".join(f"<th>{escape(WORDING[Event(name)].english)}</th>" for name, _ in events)
    rows = "".join(
        f"<tr><th>{_tag_name(tag)}</th>"
        + "".join(f"<td>{_cell(m.by_tag.get(tag))}</td>" for _, m in events)
        + "</tr>"
        for tag in tags
    )
    without = "; ".join(_tag_name(tag) for tag in every if tag not in tags)
    rest = f" No data for any of these events: {without}." if without else ""
    return (
        '<h2>By tag</h2><div class="scroll"><table><thead><tr><th>Tag</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="note">Found of truths; false alarms and repeats; time watched.{rest}</p>'
    )


def _tag_name(tag: str) -> str:
    return escape(tag.replace("=", ": ", 1))


def _cell(m: Metrics | None) -> str:
    if m is None or not m.hours:
        return '<span class="soft">no data</span>'
    found = f"{m.found} of {m.truths}" if m.truths else "no truths"
    false = f'<b class="bad">{m.false_alarms}</b>' if m.false_alarms else "0"
    return (
        f"{found}, {false} false, {m.repeats} rep."
        f'<span class="sub">{_watched(m.hours)} watched</span>'
    )


def _counting(results: Results) -> str:
    lines = [line for m in results.events.values() for line in m.counting]
    if not lines:
        return ""
    rows = "".join(
        f"<tr><th>{escape(c.clip)}</th><td class='left'>{escape(c.rule)}{_REFUSED * c.refused}</td>"
        f"<td>{c.samples}</td><td>{c.mean_absolute:.2f}</td><td>{_share(c.relative)}</td><td>{c.bias:+.2f}</td></tr>"
        for c in lines
    )
    return (
        '<h2>Counting error</h2><div class="scroll"><table><thead><tr><th>Clip</th>'
        '<th class="left">Zone of rule</th><th>Pictures</th><th>Mean absolute error, people</th>'
        f"<th>Relative error</th><th>Bias, people</th></tr></thead><tbody>{rows}</tbody></table>"
        '</div><p class="note">Where the true number of people in the zone is known. Relative: all '
        "errors over all heads. Bias: said minus true; negative means people go uncounted. "
        "Refused: the rule raises no alert there; counted are the feet in its zone.</p>"
    )


def _tracking(results: Results) -> str:
    first = {c.file: c for c in reversed(results.clips)}  # tracks do not depend on rules
    lines = [(c.id, c.tracking) for c in results.clips if c.tracking and first[c.file] is c]
    if not lines:
        return ""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{t.hota:.3f}</td><td>{t.detection:.3f}</td>"
        f"<td>{t.association:.3f}</td><td>{t.idf1:.3f}</td><td>{t.mota:.3f}</td>"
        f"<td>{t.switches}</td></tr>"
        for name, t in lines
    )
    return (
        '<h2>Tracking</h2><div class="scroll"><table><thead><tr><th>Clip</th><th>HOTA</th>'
        "<th>DetA</th><th>AssA</th><th>IDF1</th><th>MOTA</th><th>Switches</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
        '<p class="note">Against true boxes, on the analysed pictures, people only.</p>'
    )


# Plots ------------------------------------------------------------------------------------------


def _plots(results: Results, assessed: Sequence[Assessed]) -> str:
    cards = "".join(
        _recall_card(Event(name), m) + _delay_card(Event(name), m, assessed)
        for name, m in results.events.items()
        if m.truths
    )
    return f'<h2>Recall and delay</h2><div class="grid2">{cards}</div>' if cards else ""


def _recall_card(event: Event, m: EventMetrics) -> str:
    groups = [(name, g) for name, g in m.by_group.items() if g.hours]
    with_truth = [(name, g) for name, g in groups if g.truths]
    items = [_dot("all", m), *(_dot(name, g) for name, g in with_truth[:_MOST_GROUPS_DRAWN])]
    silent = len(groups) - len(with_truth)
    notes = []
    if silent:
        notes.append(f"{several(silent, 'more group')} without a truth")
    if len(with_truth) > _MOST_GROUPS_DRAWN:
        notes.append(f"{len(with_truth) - _MOST_GROUPS_DRAWN} groups not drawn")
    note = f'<p class="note">{escape("; ".join(notes))}.</p>' if notes else ""
    return (
        f'<div class="card"><h3>{escape(WORDING[event].english)}: recall by group, %</h3>'
        f"{charts.dots(items)}{note}</div>"
    )


def _dot(name: str, m: Metrics) -> Dot:
    low, high = m.recall_95 or (0.0, 1.0)
    short = name if len(name) <= 28 else name[:27] + "…"
    return Dot(short, m.recall, low, high, f"{m.found}/{m.truths}")


def _delay_card(event: Event, m: EventMetrics, assessed: Sequence[Assessed]) -> str:
    delays = list(chain.from_iterable(a.score_of(event).delays_s for a in assessed))
    drawn = charts.histogram(delays) if delays else '<p class="note">no data: nothing found</p>'
    return (
        f'<div class="card"><h3>{escape(WORDING[event].english)}: time to detect</h3>{drawn}'
        f'<p class="note">p50 / p95: {_delays(m)}; {len(delays)} situations.</p></div>'
    )


# Pictures ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shown:
    """A picture that the page embeds."""

    kind: str  # "false" or "missed"
    clip: str
    jpeg: bytes
    title: str
    words: str


def _pictures(results: Results, assessed: Sequence[Assessed]) -> str:
    per_clip = [list(_of(a, line)) for a, line in zip(assessed, results.clips, strict=True)]
    shown = [s for turn in zip_longest(*per_clip) for s in turn if s][:MOST_THUMBNAILS]
    wrong = sum(m.false_alarms + m.truths - m.found for m in results.events.values())
    if not wrong:
        return ""
    title = "<h2>Misses and false alarms</h2>"
    if not shown:
        return f'{title}<p class="note">{wrong}; no pictures of them (boxes only).</p>'
    figures = "".join(_figure(s) for s in shown)
    more = wrong - len(shown)
    rest = f" {more} more: see the time lines." if more > 0 else ""
    return (
        f'{title}<p class="note">Zone or line in yellow, the alert’s object in red; heads of '
        f"detected people are pixelated.{rest}</p>"
        f'<div class="thumbs">{figures}</div>'
    )


def _of(a: Assessed, line: ClipLine) -> Iterator[_Shown]:
    why_not = {w.truth: w.why for w in line.why_not}
    wrong = {j.index for j in a.judgement.alerts if j.outcome is Outcome.FALSE}
    for thumbnail in a.observed.thumbnails:
        if thumbnail.alert in wrong:
            assert thumbnail.alert is not None
            yield _false(a, thumbnail, thumbnail.alert)
        elif thumbnail.truth in why_not:
            assert thumbnail.truth is not None
            yield _missed(a, thumbnail, why_not[thumbnail.truth])


def _false(a: Assessed, thumbnail: Thumbnail, alert: int) -> _Shown:
    seen = a.observed.alerts[alert]
    title = f"False alarm, {_rule_name(seen.rule)} at {seen.t_s:.1f} s"
    return _Shown("false", a.clip.id, thumbnail.jpeg, title, sentence(seen.checks, "en"))


def _missed(a: Assessed, thumbnail: Thumbnail, why: str) -> _Shown:
    assert thumbnail.truth is not None
    truth = a.clip.truth[thumbnail.truth]
    title = f"Miss, {_rule_name(truth.rule)}, due at {truth.due_s:.1f} s"
    words = f"{truth.note + '. ' if truth.note else ''}Nearest: {why}"
    return _Shown("missed", a.clip.id, thumbnail.jpeg, title, words)


def _figure(shown: _Shown) -> str:
    data = base64.b64encode(shown.jpeg).decode("ascii")
    alt = escape(f"{shown.title}, clip {shown.clip}", quote=True)
    return (
        f'<figure class="{shown.kind}"><img src="data:image/jpeg;base64,{data}" alt="{alt}">'
        f"<figcaption><b>{escape(shown.title)}</b>{escape(shown.clip)}<br>{escape(shown.words)}"
        "</figcaption></figure>"
    )


# Time lines -------------------------------------------------------------------------------------


def _timelines(results: Results, assessed: Sequence[Assessed]) -> str:
    pairs = list(zip(assessed, results.clips, strict=True))
    told = [(a, c) for a, c in pairs if c.alerts or (a.clip.truth and a.ran) or _said(c)]
    shown = {a.clip.id for a, _ in told}
    silent = [a for a, _ in pairs if a.ran and a.clip.id not in shown]
    body = "".join(_clip(a, c) for a, c in told)
    if silent:
        minutes = sum(a.observed.seconds for a in silent) / 60
        names = ", ".join(escape(a.clip.id) for a in silent)
        body += (
            f'<div class="card"><h3>Silent, as they had to be: {several(len(silent), "clip")}, '
            f'{minutes:.1f} minutes</h3><p class="note">{names}</p></div>'
        )
    return f"<h2>Clip by clip</h2>{body}" if body else ""


def _said(line: ClipLine) -> list[str]:
    """What is wrong with a clip, the gravest first."""
    return [*([line.error] if line.error else []), *line.refused, *line.remarks]


def _clip(a: Assessed, line: ClipLine) -> str:
    tags = " · ".join(f"{k}: {v}" for k, v in line.tags.items())
    lanes = list(_lanes(a, line))
    drawn = charts.timeline(max(line.ends_s, line.seconds), lanes) if lanes and line.seconds else ""
    trouble = "".join(f'<p class="bad">{escape(words)}</p>' for words in _said(line))
    return (
        f'<section class="clip"><header><b>{escape(line.id)}</b>'
        f"<span>{line.seconds:.1f} s</span><span>{escape(line.file)}</span>"
        f'<span>{escape(tags)}</span></header>{trouble}<div class="scroll">{drawn}</div></section>'
    )


def _lanes(a: Assessed, line: ClipLine) -> Iterable[Lane]:
    """A lane for every rule that ran and has something to show."""
    for rule in a.clip.every_rule:
        if rule.id not in a.ran:
            continue
        marks = tuple(_mark(x) for x in line.alerts if x.rule == rule.id)
        stretches = (*_ignored(a, rule.id), *_truths(a, rule.id, set(line.missed)))
        if marks or stretches or not rule.id.startswith(NEGATIVE_PREFIX):
            yield Lane(_rule_name(rule.id), stretches, marks)


def _ignored(a: Assessed, rule: str) -> Iterator[Stretch]:
    for span in a.clip.ignore:
        if span.rule == rule:
            words = f"ignored {span.start_s:g} to {span.end_s:g} s: {span.note}"
            yield Stretch(span.start_s, span.end_s, "ignore", words)


def _truths(a: Assessed, rule: str, missed: set[int]) -> Iterator[Stretch]:
    mine = [(i, t) for i, t in enumerate(a.clip.truth) if t.rule == rule]
    for _, truth in mine:
        first, last = window(truth)
        yield Stretch(first, last, "window", f"window {first:.1f} to {last:.1f} s")
    for i, truth in mine:
        yield Stretch(
            truth.start_s, truth.end_s, "missed" if i in missed else "truth", _told(truth)
        )


def _told(truth: Truth) -> str:
    span = f"{truth.start_s:g} to {truth.end_s:g} s, due {truth.due_s:g} s"
    return f"{span}: {truth.note}" if truth.note else span


def _mark(alert: AlertLine) -> Mark:
    delay = f", {alert.delay_s:+.1f} s after due" if alert.delay_s is not None else ""
    return Mark(
        alert.t_s, alert.outcome, f"{alert.outcome} at {alert.t_s:.1f} s{delay}. {alert.why}"
    )


# The rest ---------------------------------------------------------------------------------------


def _withheld(results: Results) -> str:
    by_reason: dict[tuple[str, str], list[str]] = {}
    for name, m in results.events.items():
        for u in m.uncounted:
            reason = u.reason.replace(f"rule {u.rule}: ", "")
            key = (f"{WORDING[Event(name)].english}: {u.kind}", reason)
            clips = by_reason.setdefault(key, [])
            clips.append(f"{u.clip} ({u.truths})" if u.truths else u.clip)
    if not by_reason:
        return ""
    items = "".join(
        f"<details><summary><b>{escape(kind)}</b>, {several(len(clips), 'clip')}: "
        f'{escape(reason)}</summary><p class="note">{escape(", ".join(clips))}</p></details>'
        for (kind, reason), clips in by_reason.items()
    )
    return (
        f"<h2>Not counted</h2>{items}"
        '<p class="note">In brackets: truths, which count neither as found nor as missed.</p>'
    )


def _remarks(results: Results) -> str:
    items = "".join(f"<li>{escape(remark)}</li>" for remark in results.remarks)
    return f"<h2>About the dataset</h2><ul>{items}</ul>" if items else ""


def _conditions(results: Results) -> str:
    m, t = results.machine, results.timing
    packages = ", ".join(f"{name} {number}" for name, number in m.packages.items())
    speed = f", {t.replayed_s / t.wall_s:.1f} times as fast as it was filmed" if t.wall_s else ""
    return (
        "<h2>Conditions</h2><p>"
        f"{escape(m.processor)}, {m.cores} cores, {escape(m.system)}, Python {escape(m.python)}; "
        f"{escape(packages)}.</p><p>{t.replayed_s:.0f} s of video in {t.wall_s:.0f} s on "
        f"{t.processes} process{'es' * (t.processes != 1)}{speed}; {t.cpu_s:.0f} s of processor "
        "time.</p><p class='note'>Settings <code>"
        f"{results.settings[:16]}</code>, result <code>{results.identity[:16]}</code>: two runs "
        "with the same settings have the same result.</p>"
    )


def _rule_name(rule: str) -> str:
    if rule.startswith(NEGATIVE_PREFIX):
        return f"no {rule.removeprefix(NEGATIVE_PREFIX).replace('_', ' ')}"
    return rule if len(rule) <= 20 else rule[:19] + "…"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}".replace("%", " %")


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _watched(hours: float) -> str:
    return f"{hours * 60:.1f} min" if hours < 2 else f"{hours:.1f} h"
