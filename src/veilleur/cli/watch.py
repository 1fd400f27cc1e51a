"""`veilleur watch`: cameras and files, signals as they happen."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.live import Live

from veilleur.cameras.simulated import is_our_simulator
from veilleur.cli.choosing import chosen, tell
from veilleur.cli.screen import SHOWN_ALERTS, Shown, alert_line, screen, trouble
from veilleur.engine.assembly import Detectors
from veilleur.engine.french import condition_word, say
from veilleur.engine.lineup import Lineup, line_up
from veilleur.engine.node import Node
from veilleur.engine.report import CameraReport, Condition
from veilleur.engine.situations import Alert
from veilleur.errors import CameraError
from veilleur.events.wording import Language, sentence
from veilleur.law.authorisation import read_authorisation
from veilleur.perception.backends import cores
from veilleur.perception.loader import Choice
from veilleur.site import load_site

REFRESH_S = 0.25
LINES_EVERY_S = 0.05
FEWEST_ANALYSTS = 2
"""While one frame is with the detector, another can be tracked and judged."""

T = TypeVar("T")


def watch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="files, rtsp:// addresses (the password typed as it is), /dev/video0, ids of the "
            "site file, or ID=ADDRESS; the most important first"
        ),
    ] = None,
    site: Annotated[Path | None, typer.Option(help="cameras, zones and rules")] = None,
    authorisation: Annotated[
        Path | None, typer.Option(help="the act under which real cameras are analysed")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one signal a line, no table")] = False,
    fast: Annotated[bool, typer.Option(help="play files as fast as they can be analysed")] = False,
    french: Annotated[bool, typer.Option(help="signals and screen in French")] = False,
) -> None:
    """Watch cameras and files; signal events as they happen. Ctrl-C stops."""
    with suppress(KeyboardInterrupt):
        plan = load_site(site, whole=not sources) if site else None
        folder = site.parent if site else Path()
        setting = plan.detector.choice(folder) if plan and plan.detector else None
        lineup = line_up(
            sources or [],
            plan,
            read_authorisation(authorisation) if authorisation else None,
            folder=folder,
            is_our_simulator=is_our_simulator,
            at=datetime.now(UTC),
        )
        if fast:
            lineup = replace(lineup, members=tuple(member.hurried() for member in lineup.members))
        run(lineup, as_json=as_json, language="fr" if french else "en", setting=setting)


def run(
    lineup: Lineup, *, as_json: bool, language: Language, setting: Choice | None = None
) -> None:
    """Watch until every file has ended or somebody stops it.

    setting: how the detector runs, where the site file says so.

    Errors: ModelUnusable where it can't; CameraError where a file could not be analysed to its end,
    NodeFailed. Exit code 1 where
    the engine made mistakes on the way; each is told on stderr when it happens.
    """
    choice = chosen(setting, language)
    stop = threading.Event()
    node = Node(
        lineup.members,
        lineup.gate,
        Detectors(choice),
        analysts=max(FEWEST_ANALYSTS, choice.streams or cores()),
    )
    watcher = Watcher(node, lineup, language, stop)
    with _stopped_by_ctrl_c(stop), node:
        if as_json:
            watcher.print_lines()
        else:
            watcher.show_table(Console())
        reports = node.report()
    if not stop.is_set():
        _refuse_unfinished(reports)
    if watcher.mistakes:
        raise typer.Exit(1)


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


class Watcher:
    """Empties a node's queues and shows what is in them, until all is over or somebody stops it."""

    def __init__(
        self, node: Node, lineup: Lineup, language: Language, stop: threading.Event
    ) -> None:
        self.mistakes = 0
        self._node, self._lineup, self._language, self._stop = node, lineup, language, stop
        self._total = 0
        self._conditions: dict[str, Condition] = {}

    def print_lines(self) -> None:
        """One signal a line as JSON on stdout; everything else is said on stderr."""
        self._introduce(tell)
        for alerts in self._rounds(LINES_EVERY_S):
            self._tell_changes(tell)
            for alert in alerts:
                record = as_record(alert, self._lineup.reference(alert.camera), self._language)
                if not _printed(json.dumps(record, ensure_ascii=False)):
                    return

    def show_table(self, console: Console) -> None:
        """The live table; lines where the output is no terminal, and the table at the end."""
        told: deque[Alert] = deque(maxlen=SHOWN_ALERTS)
        if not console.is_terminal:
            self._show_lines(console, told)
            return
        with Live(console=console, auto_refresh=False) as live:
            for alerts in self._rounds(REFRESH_S):
                told.extend(alerts)
                live.update(screen(self._shown(list(told)), console), refresh=True)

    def _show_lines(self, console: Console, told: deque[Alert]) -> None:
        def write(words: str) -> None:
            console.print(words, markup=False, highlight=False, soft_wrap=True)

        self._introduce(write)
        for alerts in self._rounds(REFRESH_S):
            self._tell_changes(write)
            told.extend(alerts)
            for alert in alerts:
                console.print(alert_line(alert, self._language), soft_wrap=True)
        console.print(screen(self._shown(list(told)), console))

    def _rounds(self, every_s: float) -> Iterator[list[Alert]]:
        """The new alerts, again and again. Errors: NodeFailed."""
        done = False
        while not done:
            done = self._node.ended or self._stop.is_set()
            for surprise in _waiting(self._node.surprises):
                self.mistakes += 1
                where = f"camera {surprise.camera or '-'}: {surprise.words}"
                tell(say(f"a mistake in the engine, {where}", self._language))
                print(surprise.trace, file=sys.stderr, flush=True)
            self._node.check()
            alerts = [sighting.alert for sighting in _waiting(self._node.alerts)]
            self._total += len(alerts)
            yield alerts
            if not done:
                self._stop.wait(every_s)

    def _shown(self, alerts: Sequence[Alert]) -> Shown:
        return Shown(
            reports=self._node.report(),
            alerts=alerts,
            total=self._total,
            notes=self._lineup.notes,
            language=self._language,
        )

    def _introduce(self, write: Callable[[str], None]) -> None:
        language = self._language
        for report in self._node.report():
            under = f"{say('under', language)} {say(report.reference, language)}"
            write(f"{report.camera} {under}")
        for note in self._lineup.notes:
            write(say(note, language))

    def _tell_changes(self, write: Callable[[str], None]) -> None:
        """Each camera's condition when it changes, for those who don't see the table."""
        for report in self._node.report():
            if self._conditions.get(report.camera) is not report.condition:
                told = [report.camera, condition_word(report.condition.value, self._language)]
                if report.condition.trouble and (words := trouble(report, self._language)):
                    told.append(words)
                write((" : " if self._language == "fr" else ": ").join(told))
            self._conditions[report.camera] = report.condition


def _waiting(source: queue.SimpleQueue[T]) -> Iterator[T]:
    """What waits in the queue now."""
    while True:
        try:
            yield source.get_nowait()
        except queue.Empty:
            return


def _printed(line: str) -> bool:
    """False: nobody reads any more (`| head`)."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # Python writes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _refuse_unfinished(reports: Sequence[CameraReport]) -> None:
    """Raises CameraError for files that were not analysed to their end; why was told already."""
    unfinished = [report for report in reports if report.condition.trouble]
    if unfinished:
        raise CameraError(
            f"not analysed to the end: {', '.join(report.camera for report in unfinished)}",
            remedy="why is told above",
            camera=unfinished[0].camera,
            cause=unfinished[0].condition,
        )


def as_record(alert: Alert, reference: str, language: Language = "en") -> dict[str, Any]:
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
        "why": sentence(alert.checks, language),
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "laboratory": alert.laboratory,
        "under": reference,
    }
