"""What `veilleur watch` shows: cameras, their troubles and the last signals, in 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from veilleur.catalogue import WORDING
from veilleur.engine.french import cause_word, condition_word, say
from veilleur.engine.report import CameraReport, Condition
from veilleur.engine.situations import Alert
from veilleur.events.wording import Language, sentence

WIDE = 120
"""Columns from which drops by cause and the last signal have columns of their own."""
LONGEST_NAME = 24
SHOWN_ALERTS = 8
FEWEST_ALERTS = 2
FRAME = 7
"""Lines around the cameras and the signals: titles, rules, empty lines, and the cursor's."""
LABORATORY = "LABORATORY"
STYLES = {
    Condition.RUNNING: "green",
    Condition.ENDED: "dim",
    Condition.CLOSED: "dim",
    Condition.CONNECTING: "yellow",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything on the screen. alerts: the last ones, oldest first; total: all since the start."""

    reports: Sequence[CameraReport]
    alerts: Sequence[Alert]
    total: int
    notes: Sequence[str]
    language: Language


def screen(shown: Shown, console: Console) -> Group:
    """One picture of it all, no higher than the terminal where that can be helped."""
    wide = console.width >= WIDE
    head: list[RenderableType] = []
    if any(report.laboratory for report in shown.reports):
        head.append(_banner(shown.reports, shown.language))
    head += [Text(say(note, shown.language), style="yellow") for note in shown.notes]
    fewest = _alerts(shown.alerts, FEWEST_ALERTS, shown.language)
    free = console.height - FRAME - sum(_height(part, console) for part in (*head, fewest))
    troubles = _troubles(shown, _lost(shown.reports, wide=wide, each=True))
    if _height(troubles, console) + len(shown.reports) > free:
        troubles = _troubles(shown, _lost(shown.reports, wide=wide, each=False))
    free -= _height(troubles, console)
    rows = _fitting(shown.reports, max(3, free))
    cameras = _cameras(rows, shown.language, wide=wide)
    left_out = len(shown.reports) - len(rows)
    if left_out:
        more = f"{left_out} more cameras: a higher terminal shows them"
        cameras.caption = say(more, shown.language)
    lines = _most_alerts(shown, free - len(rows) + _height(fewest, console), console)
    title = Rule(say(f"signals: {shown.total}", shown.language), align="left", style="dim")
    return Group(*head, cameras, troubles, title, lines)


def _most_alerts(shown: Shown, lines: int, console: Console) -> Table:
    """As many of the last alerts as fit, two in any case."""
    for most in range(min(SHOWN_ALERTS, len(shown.alerts)), FEWEST_ALERTS, -1):
        table = _alerts(shown.alerts, most, shown.language)
        if _height(table, console) <= lines:
            return table
    return _alerts(shown.alerts, FEWEST_ALERTS, shown.language)


def alert_line(alert: Alert, language: Language) -> Text:
    """A signal on one line: stream time, camera, event, rule, why."""
    line = Text(f"{clock(alert.noticed)}  ", style="dim")
    line.append(f"{alert.camera}  ", style="cyan")
    line.append_text(_words(alert, language))
    return line


def clock(seconds: float) -> str:
    """Seconds of the stream as h:mm:ss.s."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest / 10:04.1f}"


def causes(dropped: Mapping[str, int], language: Language) -> str:
    """Frames lost, by cause, the most frequent first."""
    counted = sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))
    named = (f"{cause_word(cause, language)} {number}" for cause, number in counted)
    return ", ".join(named) or say("none", language)


def trouble(report: CameraReport, language: Language) -> str:
    """Why a camera is in its condition, and when it is tried again; "" where all is well."""
    if report.retry_in_s is None or not report.cause:
        return say(report.cause, language)
    again = say(f"again in {report.retry_in_s:.0f} s", language)
    return f"{say(report.cause, language)}, {again}"


def _banner(reports: Sequence[CameraReport], language: Language) -> Text:
    real = sum(not report.laboratory for report in reports)
    words = "files and simulated cameras, nobody real is watched"
    if real:
        words = "the cameras marked LAB; the others run under an authorisation"
    mark, colon = say(LABORATORY, language), "\u00a0:" if language == "fr" else ":"
    return Text(f" {mark}{colon} {say(words, language)} ", style="black on yellow", no_wrap=True)


def _height(part: RenderableType, console: Console) -> int:
    return len(console.render_lines(part, pad=False))


def _fitting(reports: Sequence[CameraReport], most: int) -> Sequence[CameraReport]:
    """Those that fit, the ones in trouble in any case before those that run."""
    if len(reports) <= most:
        return reports
    ranked = sorted(reports, key=lambda report: not report.condition.trouble)[:most]
    return [report for report in reports if report in ranked]


def _cameras(reports: Sequence[CameraReport], language: Language, *, wide: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1))
    name, state = say("camera", language), say("state", language)
    table.add_column(name, no_wrap=True, max_width=LONGEST_NAME, overflow="ellipsis", ratio=2)
    table.add_column(state, no_wrap=True, min_width=15)
    for number in ("/s", "ms p50/95", "people", "vehicles"):
        table.add_column(say(number, language), justify="right", no_wrap=True)
    if wide:
        table.add_column(say("lost, by cause", language), ratio=3)
        last = say("last signal", language)
        table.add_column(last, no_wrap=True, overflow="ellipsis", ratio=2)
    else:
        table.add_column(say("lost", language), justify="right", no_wrap=True)
    for report in reports:
        table.add_row(*_row(report, language, wide=wide))
    return table


def _row(report: CameraReport, language: Language, *, wide: bool) -> list[Text]:
    name = Text(report.camera)
    if report.laboratory:
        name.append(" LAB", style="yellow")
    quiet = report.key_frames_only and report.condition is Condition.RUNNING
    state = condition_word(report.condition.value, language)
    state += f" ({say('quiet', language)})" if quiet else ""
    total = sum(report.dropped.values())
    row = [
        name,
        Text(state, style=STYLES.get(report.condition, "bold red")),
        Text(f"{report.analysed_hz:.1f}"),
        Text(_latency(report)),
        Text("–" if report.people is None else str(report.people)),
        Text("–" if report.vehicles is None else str(report.vehicles)),
    ]
    if not wide:
        return [*row, Text(str(total), style="yellow" if total else "dim")]
    last = report.last_alert
    lost = Text(causes(report.dropped, language), style="yellow" if total else "dim")
    return [*row, lost, Text(f"{clock(last.noticed)} {last.rule}" if last else "–")]


def _latency(report: CameraReport) -> str:
    if report.latency_p50_s is None or report.latency_p95_s is None:
        return "–"
    return f"{report.latency_p50_s * 1000:.0f}/{report.latency_p95_s * 1000:.0f}"


def _lost(
    reports: Sequence[CameraReport], *, wide: bool, each: bool
) -> Sequence[tuple[str, Mapping[str, int]]]:
    """What is said beneath the table of frames lost, where it has no column for the causes: of
    each camera, or, under no name, of all together."""
    lost = [(report.camera, report.dropped) for report in reports if report.dropped]
    if wide or each or len(lost) < 2:
        return [] if wide else lost
    together: Counter[str] = Counter()
    for _, dropped in lost:
        together.update(dropped)
    return [("", together)]


def _troubles(shown: Shown, lost: Sequence[tuple[str, Mapping[str, int]]]) -> Table:
    """A line for each camera in trouble, and what was lost by cause."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True, max_width=LONGEST_NAME, overflow="ellipsis")
    table.add_column(ratio=1)
    for report in shown.reports:
        if report.condition.trouble:
            table.add_row(report.camera, Text(trouble(report, shown.language), style="red"))
    for camera, dropped in lost:
        words = say(f"lost: {causes(dropped, shown.language)}", shown.language)
        table.add_row(camera if camera else say("all", shown.language), Text(words, style="yellow"))
    return table


def _alerts(alerts: Sequence[Alert], most: int, language: Language) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(style="cyan", no_wrap=True, max_width=LONGEST_NAME, overflow="ellipsis")
    table.add_column(ratio=1)
    for alert in alerts[-most:]:
        table.add_row(clock(alert.noticed), alert.camera, _words(alert, language))
    if not alerts:
        table.add_row(say("none yet", language), "", "")
    return table


def _words(alert: Alert, language: Language) -> Text:
    words = WORDING[alert.event]
    line = Text(
        f"{words.french if language == 'fr' else words.english} [{alert.rule}] ",
        style="bold yellow" if alert.level == "watch" else "bold red",
    )
    line.append(sentence(alert.checks, language), style="not bold default")
    if alert.laboratory:
        line.append(f" {say(LABORATORY, language)}", style="not bold yellow")
    return line
