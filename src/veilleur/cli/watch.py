"""`veilleur watch`: cameras and files, signals as they happen."""

from __future__ import annotations

import json
import queue
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from veilleur.cameras.simulated import is_our_simulator
from veilleur.catalogue import WORDING
from veilleur.engine.assembly import Detectors
from veilleur.engine.lineup import Lineup, line_up
from veilleur.engine.node import CameraReport, Node
from veilleur.engine.situations import Alert
from veilleur.events.wording import Language, sentence
from veilleur.law.authorisation import read_authorisation
from veilleur.perception.loader import Choice
from veilleur.site import load_site

SHOWN_ALERTS = 8
REFRESH_S = 0.25
STATE_STYLES = {"running": "green", "ended": "dim", "connecting": "yellow"}


def watch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="files, rtsp:// addresses, /dev/video0, or ids of the site file"),
    ] = None,
    site: Annotated[Path | None, typer.Option(help="cameras, zones and rules")] = None,
    authorisation: Annotated[
        Path | None, typer.Option(help="the act under which real cameras are analysed")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one signal a line, no table")] = False,
    fast: Annotated[bool, typer.Option(help="play files as fast as they can be analysed")] = False,
    french: Annotated[bool, typer.Option(help="signals in French")] = False,
) -> None:
    """Watch cameras and files; signal events as they happen. Ctrl-C stops."""
    lineup = line_up(
        sources or [],
        load_site(site) if site else None,
        read_authorisation(authorisation) if authorisation else None,
        folder=site.parent if site else Path(),
        is_our_simulator=is_our_simulator,
    )
    if fast:
        lineup = replace(lineup, members=tuple(member.hurried() for member in lineup.members))
    run(lineup, as_json=as_json, language="fr" if french else "en")


def run(lineup: Lineup, *, as_json: bool, language: Language) -> None:
    """Watch until every file has ended or somebody stops it."""
    stop = threading.Event()
    with _stopped_by_ctrl_c(stop), Node(lineup.members, lineup.gate, Detectors(Choice())) as node:
        if as_json:
            _lines(node, stop, lineup)
        else:
            _table(node, stop, lineup, language)


@contextmanager
def _stopped_by_ctrl_c(stop: threading.Event) -> Iterator[None]:
    def ask(*_: object) -> None:
        stop.set()

    before = {which: signal.signal(which, ask) for which in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def _new_alerts(node: Node) -> Iterator[Alert]:
    while True:
        try:
            yield node.alerts.get_nowait()
        except queue.Empty:
            return


# ---------------------------------------------------------------------- one signal a line
def _lines(node: Node, stop: threading.Event, lineup: Lineup) -> None:
    while True:
        done = node.ended or stop.is_set()
        for alert in _new_alerts(node):
            record = as_record(alert, lineup.reference(alert.camera))
            print(json.dumps(record, ensure_ascii=False), flush=True)
        if done:
            return
        stop.wait(REFRESH_S / 5)


def as_record(alert: Alert, reference: str) -> dict[str, Any]:
    """A signal as JSON: the closed list of what may leave (law 28), and nothing else."""
    box = alert.where
    return {
        "event": alert.event.value,
        "rule": alert.rule,
        "camera": alert.camera,
        "level": alert.level,
        "began_s": round(alert.began, 3),
        "noticed_s": round(alert.noticed, 3),
        "where": [round(v, 1) for v in (box.x1, box.y1, box.x2, box.y2)],
        "why": sentence(alert.checks, "en"),
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "laboratory": alert.laboratory,
        "under": reference,
    }


# ---------------------------------------------------------------------- the live table
def _table(node: Node, stop: threading.Event, lineup: Lineup, language: Language) -> None:
    told: deque[Alert] = deque(maxlen=SHOWN_ALERTS)
    console = Console()
    total = 0
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            done = node.ended or stop.is_set()
            for alert in _new_alerts(node):
                total += 1
                told.append(alert)
                if not console.is_terminal:
                    console.print(_alert_line(alert, language))
            live.update(_screen(node.report(), told, total, lineup, language), refresh=True)
            if done:
                return
            stop.wait(REFRESH_S)


def _screen(
    reports: Sequence[CameraReport],
    told: deque[Alert],
    total: int,
    lineup: Lineup,
    language: Language,
) -> Group:
    parts: list[Any] = []
    if any(report.laboratory for report in reports):
        parts.append(
            Text(" LABORATORY: files and simulated cameras only ", style="black on yellow")
        )
    parts += [Text(note, style="yellow") for note in lineup.notes]
    parts.append(_cameras(reports))
    lines = [_alert_line(alert, language) for alert in told] or [Text("none yet", style="dim")]
    parts.append(Panel(Group(*lines), title=f"signals ({total})", title_align="left"))
    return Group(*parts)


def _cameras(reports: Sequence[CameraReport]) -> Table:
    table = Table(expand=True)
    for name in ("camera", "state"):
        table.add_column(name)
    for name in ("analysed/s", "latency p50/p95 ms", "people", "vehicles"):
        table.add_column(name, justify="right")
    table.add_column("dropped, by cause")
    table.add_column("last signal")
    for report in reports:
        table.add_row(*_row(report))
    return table


def _row(report: CameraReport) -> tuple[Text, ...]:
    state = Text(report.state, style=STATE_STYLES.get(report.state, "bold red"))
    if report.cause:
        state.append(f"\n{report.cause}", style="dim")
    latency = "–"
    if report.latency_p50_s is not None and report.latency_p95_s is not None:
        latency = f"{report.latency_p50_s * 1000:.0f} / {report.latency_p95_s * 1000:.0f}"
    dropped = ", ".join(f"{why} {n}" for why, n in sorted(report.dropped.items())) or "none"
    last = report.last_alert
    return (
        Text(report.camera),
        state,
        Text(f"{report.analysed_hz:.1f}"),
        Text(latency),
        Text(str(report.people)),
        Text(str(report.vehicles)),
        Text(dropped, style="dim" if dropped == "none" else "yellow"),
        Text(f"{last.rule} {_clock(last.noticed)}" if last else "–"),
    )


def _alert_line(alert: Alert, language: Language) -> Text:
    words = WORDING[alert.event]
    line = Text(f"{_clock(alert.noticed)}  ", style="dim")
    line.append(f"{alert.camera}  ", style="cyan")
    title = words.french if language == "fr" else words.english
    line.append(
        f"{title} [{alert.rule}]  ", style="bold yellow" if alert.level == "watch" else "bold red"
    )
    line.append(sentence(alert.checks, language))
    if alert.laboratory:
        line.append("  LABORATORY", style="yellow")
    return line


def _clock(seconds: float) -> str:
    """Seconds of the stream as h:mm:ss.s."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}"
