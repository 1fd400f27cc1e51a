"""`veilleur evaluate`: labelled video through the engine, and how good it is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from veilleur.catalogue import Event
from veilleur.cli.choosing import chosen
from veilleur.engine.shape import OTHER_SHAPE
from veilleur.errors import ConfigurationError, DatasetError
from veilleur.evaluation import report
from veilleur.evaluation.clip import meant
from veilleur.evaluation.dataset import load
from veilleur.evaluation.laboratory import LaboratoryEngine
from veilleur.evaluation.observer import MISTAKE, NO_HEADING
from veilleur.evaluation.results import EventMetrics, Results, assess_all, several, summarise
from veilleur.evaluation.runner import Engine, run
from veilleur.perception.backends import cores
from veilleur.site import load_choice

_COLUMNS = ("found", "recall (95 %)", "prec.", "F1", "false (95 %)", "rep.", "p50/p95 s")
_MOST_LISTED = 20
_ALWAYS_TOLD = (MISTAKE, NO_HEADING)
LABORATORY = " LABORATORY: recorded or made footage, analysed for measurement "


def evaluate(
    dataset: Annotated[Path, typer.Argument(help="folder with dataset.json, or that file")],
    event: Annotated[str | None, typer.Option(help="only this event")] = None,
    html: Annotated[Path | None, typer.Option(help="write a report to look at")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="write the numbers")] = None,
    jobs: Annotated[int, typer.Option(help="processes; 0: one a core", min=0)] = 0,
    clip: Annotated[
        list[str] | None, typer.Option(help="only the clip with this id; may be repeated")
    ] = None,
    detector: Annotated[
        Path | None, typer.Option(help="another detector: a site file, or its `detector:` alone")
    ] = None,
) -> None:
    """Measure how good the signals are on labelled video. Laboratory mode."""
    results = measure(
        partial(_engine, detector),
        dataset,
        event=event,
        html=html,
        as_json=as_json,
        jobs=jobs,
        clips=clip or (),
    )
    _require_all_measured(results)


def _require_all_measured(results: Results) -> None:
    """DatasetError that names what was not measured, for a mistake, damage or another shape."""
    broken = [f"{c.id}: {c.error}" for c in results.clips if c.error]
    refused = [f"{c.id} {said}" for c in results.clips for said in c.refused]
    other = [c.id for c in results.clips if OTHER_SHAPE in c.suspended_s]
    parts = []
    if other:
        number = several(len(other), "clip")
        parts.append(f"rules were suspended in {number} of another shape: {_listed(other)}")
    if broken:
        number = several(len(results.clips), "clip")
        parts.append(f"{len(broken)} of {number} could not be measured: {_listed(broken)}")
    if refused:
        number = several(len(refused), "mistake")
        parts.append(f"{number} in rules, which were not measured: {_listed(refused)}")
    if parts:
        some = (broken or refused) and len(broken) < len(results.clips)
        raise DatasetError("; ".join(parts), remedy="the others were" if some else "")


def _listed(entries: Sequence[str]) -> str:
    more = len(entries) - _MOST_LISTED
    return "; ".join(entries[:_MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")


def _engine(detector: Path | None) -> Engine:
    """The back end this machine works with, live as well, or the file's; one for all processes."""
    return LaboratoryEngine(chosen(load_choice(detector) if detector else None))


def measure(
    engine_for: Callable[[], Engine],
    dataset: Path,
    *,
    event: str | None,
    html: Path | None,
    as_json: Path | None,
    jobs: int,
    clips: Sequence[str],
) -> Results:
    """Run, tell, write. Before anything runs: DatasetError, ConfigurationError for options."""
    for file in (html, as_json):
        _writable(file)
    asked = load(dataset).only(event=_event(event), clip_ids=clips)
    console = Console()
    engine = engine_for()
    console.print(Text(LABORATORY, style="black on yellow"))
    began = time.monotonic()
    with _bar(console) as bar:
        observed = run(asked, engine, jobs=jobs, pictures=html is not None, progress=bar)
    assessed = assess_all(asked, observed)
    results = summarise(
        asked,
        assessed,
        engine=engine.words,
        wall_s=time.monotonic() - began,
        processes=jobs or cores(),
    )
    _tell(console, results)
    if as_json:
        results.write(as_json)
    if html:
        report.write(html, results, assessed)
        console.print(f"report: {html}", markup=False, highlight=False, soft_wrap=True)
    return results


def _event(word: str | None) -> Event | None:
    if word is None:
        return None
    try:
        return Event(word)
    except ValueError:
        raise ConfigurationError(
            f'--event "{word}"{meant(word, list(Event))}', setting="event"
        ) from None


def _writable(file: Path | None) -> None:
    """A run may take minutes: whether its result can be written is asked first."""
    if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise ConfigurationError(
            f"{file} cannot be written", remedy="name a file in a folder that exists"
        )


class _Bar:
    """Clips done, and how far the one that was heard of last is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)

    def started(self, clips: int) -> None:
        self._progress.update(self._task, total=clips)

    def seen(self, clip: str, seconds: float) -> None:
        self._progress.update(self._task, description=f"{clip}, {seconds:.0f} s")

    def finished(self, clip: str) -> None:
        self._progress.update(self._task, advance=1, description=clip)


@contextmanager
def _bar(console: Console) -> Iterator[_Bar]:
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress)


def _tell(console: Console, results: Results) -> None:
    title = f"{results.dataset}, {several(len(results.clips), 'clip')}"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("event", no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for name, event in results.events.items():
        if event.hours or event.truths:
            table.add_row(name, *_row(event))
    console.print(table)
    for name, event in results.events.items():
        if words := _apart(event):
            console.print(f"{name}: {words}", markup=False, highlight=False, style="dim")
    for event in results.events.values():
        for line in event.counting:
            console.print(
                f"counts, {line.clip}/{line.rule}: off by {line.mean_absolute:.2f} people "
                f"on average ({_percent(line.relative)})"
                + ("; refused, feet in the zone counted" * line.refused),
                markup=False, highlight=False,
            )  # fmt: skip
    _tell_together(console, results)
    _tell_remarks(console, results)


def _tell_remarks(console: Console, results: Results) -> None:
    """What was refused, what is damaged and what was not used: the numbers are worth so much."""
    lines = [f"not measured: {c.id}: {c.error}" for c in results.clips if c.error]
    lines += [f"not measured: {c.id} {said}" for c in results.clips for said in c.refused]
    lines += [f"{c.id}: {remark}" for c in results.clips for remark in c.remarks]
    for line in [*lines, *results.remarks]:
        console.print(line, markup=False, highlight=False)


def _tell_together(console: Console, results: Results) -> None:
    together = results.together
    if (tracks := together.tracking) is not None:
        console.print(
            f"tracking: HOTA {tracks.hota:.3f}, IDF1 {tracks.idf1:.3f}, MOTA {tracks.mota:.3f}",
            highlight=False,
        )
    if together.suffered_per_hour is not None:
        silence = together.silence_in_words
        console.print(
            f"in vain: {together.suffered_per_hour:.1f} alerts a camera-hour; cameras one operator "
            f"holds, at {together.alerts_per_operator_hour:g} an hour: {together.cameras_in_words}"
            + (f" ({silence})" * bool(silence)),
            highlight=False,
        )


def _apart(m: EventMetrics) -> str:
    """Why truths were not counted, and how many; "" where all were."""
    truths, rules = Counter[str](), Counter[str]()
    for line in m.uncounted:
        truths[line.kind] += line.truths
        rules[line.kind] += 1
    return ", ".join(
        f"{kind}: {several(n, 'truth') if (n := truths[kind]) else several(of, 'rule')} not counted"
        for kind, of in sorted(rules.items())
        if truths[kind] or kind in _ALWAYS_TOLD
    )


def _row(m: EventMetrics) -> tuple[str, ...]:
    low, high = m.recall_95 or (0.0, 1.0)
    recall = f"{_percent(m.recall)} ({low * 100:.0f}-{high:.0%})" if m.truths else "–"
    delays = m.time_to_detect_s
    delay = "–" if delays.p50 is None else f"{delays.p50:.1f} / {delays.p95:.1f}"
    return (
        f"{m.found}/{m.truths}",
        recall,
        _percent(m.precision),
        "–" if m.f1 is None else f"{m.f1:.2f}",
        _false(m),
        str(m.repeats),
        delay,
    )


def _false(m: EventMetrics) -> str:
    """The number, and between which rates an hour it leaves the truth."""
    low, high = m.false_per_hour_95 or (0.0, 0.0)
    bounds = f"< {high:.3g}" if not m.false_alarms else f"{low:.2g}-{high:.3g}"
    return f"{m.false_alarms} ({bounds}/h)"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
