"""`veilleur doctor`: what this machine carries, and what is wrong, with the next step."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Annotated, TypeVar

import av
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from veilleur import __version__
from veilleur.cameras.sandbox import Ability, abilities
from veilleur.cli.findings import Finding, machine_findings
from veilleur.engine.budget import ANALYSED_HZ, RATE_HZ, RESERVE, Budget, measure_budget
from veilleur.errors import VeilleurError
from veilleur.perception.backends import BACKENDS, usable
from veilleur.perception.choice import Decision, Origin, Trial, decide, installed
from veilleur.site import load_site
from veilleur.yaml import Problems

Result = TypeVar("Result")
LIBRARIES = ("av", "openvino", "onnxruntime", "numpy", "opencv-python-headless")
ORIGINS = {
    Origin.SETTING: "as it was set",
    Origin.REMEMBERED: "measured at an earlier start and remembered",
    Origin.MEASURED: "measured just now",
}
ESSENTIAL = ("system calls",)
"""Layers of the decoders' sandbox without which something should be done."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found out. choice and budget are None where they could not be measured."""

    versions: Mapping[str, str]
    backends: Mapping[str, str]
    decision: Decision | None
    budget: Budget | None
    sandbox: tuple[Ability, ...]
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        return not any(finding.act for finding in self.findings)


def doctor(
    site: Annotated[Path | None, typer.Option(help="a site file to check as well")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, no tables")] = False,
) -> None:
    """What this machine carries, what works and what doesn't, and what to do about it.

    Takes some seconds: decoding and inference are measured. Exit code 1: there is something to do.
    """
    report = examine(site)
    if as_json:
        print(json.dumps(as_record(report), indent=2))
    else:
        show(report, Console())
    raise typer.Exit(0 if report.healthy else 1)


def examine(site: Path | None = None) -> Report:
    """Look at everything. What fails becomes a finding, not an error."""
    findings: list[Finding] = [*opencv_findings(opencv_packages()), *machine_findings()]
    decision = _attempt("model", decide, findings)
    budget = None
    if decision is not None:
        choice = decision.choice
        budget = _attempt("capacity", lambda: measure_budget(choice), findings)
        findings += decision_findings(decision)
    sandbox = abilities()
    findings += sandbox_findings(sandbox)
    if site is not None:
        findings += site_findings(site)
    return Report(versions(), backends(), decision, budget, sandbox, tuple(findings))


def _attempt(topic: str, work: Callable[[], Result], findings: list[Finding]) -> Result | None:
    try:
        return work()
    except VeilleurError as error:
        findings.append(Finding(topic, error.message, error.remedy))
        return None


# What is found out ------------------------------------------------------------------------------


def versions() -> dict[str, str]:
    """Ours, and those of the libraries that touch pictures or keep records."""
    return {
        "veilleur": __version__,
        **{name: installed(name) for name in LIBRARIES},
        "FFmpeg": av.ffmpeg_version_info,
        "SQLite": sqlite3.sqlite_version,
    }


def backends() -> dict[str, str]:
    """Each back end, and "" where it works or the reason why it doesn't."""
    reasons = usable().reasons
    return {backend.name: reasons.get(backend.name, "") for backend in BACKENDS}


def opencv_packages() -> list[str]:
    """Installed packages that bring a cv2."""
    names = {str(found.metadata["Name"]).lower() for found in distributions()}
    return sorted(name for name in names if name.startswith("opencv-"))


def opencv_findings(packages: list[str]) -> Iterator[Finding]:
    """There must be exactly one cv2: several overwrite each other's files."""
    others = [name for name in packages if name != "opencv-python-headless"]
    if others:
        yield Finding(
            "OpenCV",
            f"several packages bring a cv2 and overwrite each other: {', '.join(packages)}",
            f"pip uninstall {' '.join(packages)}, then pip install opencv-python-headless",
        )


def decision_findings(decision: Decision) -> Iterator[Finding]:
    """What the user should know about the choice of a back end."""
    if decision.notice:
        yield Finding("model", decision.notice, "see that the cache folder can be written")
    for trial in decision.trials:
        if trial.obstacle:
            where = f"{trial.backend} {trial.precision}"
            yield Finding("model", f"{where} can't be used: {trial.obstacle}", act=False)


def sandbox_findings(layers: tuple[Ability, ...]) -> Iterator[Finding]:
    """Layers around the decoders that don't work here."""
    for layer in layers:
        if not layer.works:
            essential = layer.name in ESSENTIAL
            remedy = "run on Linux with seccomp; in a container, allow it" if essential else ""
            yield Finding(
                "sandbox",
                f"decoders run without the layer {layer.name!r}: {layer.reason}",
                remedy or "a newer kernel has it; the other layers still hold",
                act=essential,
            )


def site_findings(site: Path) -> Iterator[Finding]:
    """Every mistake in a site file, with its line and column."""
    try:
        load_site(site)
    except Problems as problems:
        for problem in problems.problems:
            yield _placed(problem)
    except VeilleurError as error:
        yield _placed(error)


def _placed(error: VeilleurError) -> Finding:
    """The error's own words already say file, line and column."""
    text = str(error).removesuffix(f" ({error.remedy})") if error.remedy else str(error)
    return Finding("site file", text, error.remedy)


# How it is shown --------------------------------------------------------------------------------


def as_record(report: Report) -> dict[str, object]:
    """The report as plain values for JSON."""
    decision, budget = report.decision, report.budget
    return {
        "healthy": report.healthy,
        "versions": dict(report.versions),
        "backends": {name: why or "works" for name, why in report.backends.items()},
        "model": decision
        and {
            "name": decision.choice.model.name,
            "origin": decision.origin,
            "chosen": decision.chosen and decision.chosen.model_dump(mode="json"),
            "trials": [trial.model_dump(mode="json") for trial in decision.trials],
        },
        "capacity": budget
        and {
            "cores": budget.cores,
            "analysed_hz": ANALYSED_HZ,
            "reserve": RESERVE,
            "cameras": [{**asdict(cost), "cameras": budget.cameras(cost)} for cost in budget.costs],
        },
        "sandbox": [asdict(layer) for layer in report.sandbox],
        "findings": [asdict(finding) for finding in report.findings],
    }


def show(report: Report, console: Console) -> None:
    """Tables, then what to do."""
    tables = [_versions(report), _backends(report), _sandbox(report)]
    if report.decision is not None:
        tables.append(_trials(report.decision))
    if report.budget is not None:
        tables.append(_capacity(report.budget))
    for table in tables:
        console.print(table)
        console.print()
    for finding in report.findings:
        _tell(finding, console)
    if report.healthy:
        console.print(Text("Nothing to do.", style="green"))


def _grid(title: str, *, headed: bool = False) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        show_header=headed,
    )


def _versions(report: Report) -> Table:
    table = _grid("Versions")
    table.add_column()
    table.add_column()
    for name, version in report.versions.items():
        table.add_row(name, version)
    return table


def _backends(report: Report) -> Table:
    table = _grid("Model back ends")
    table.add_column()
    table.add_column(overflow="fold")
    for name, why in report.backends.items():
        table.add_row(name, Text("works", style="green") if not why else Text(why, style="dim"))
    return table


def _trials(decision: Decision) -> Table:
    how = f"{decision.choice.backend} {decision.choice.precision}"
    name = decision.choice.model.name
    table = _grid(f"How {name} runs here: {how}, {ORIGINS[decision.origin]}", headed=True)
    for heading in ("back end", "arithmetic", "at once x threads"):
        table.add_column(heading)
    for heading in ("CPU ms", "a second and core", "agreement", ""):
        table.add_column(heading, justify="right")
    for trial in decision.trials:
        table.add_row(*_trial(trial), _verdict(trial, decision))
    return table


def _trial(trial: Trial) -> tuple[str, ...]:
    place = (trial.backend, str(trial.precision), f"{trial.streams} x {trial.threads}")
    if trial.obstacle:
        return (*place, "", "", "")
    speed = 1000 / trial.cpu_ms if trial.cpu_ms else 0
    return (*place, f"{trial.cpu_ms:.1f}", f"{speed:.0f}", f"{trial.agreement:.3f}")


def _verdict(trial: Trial, decision: Decision) -> Text:
    if trial == decision.chosen:
        return Text("chosen", style="green")
    if trial.obstacle:
        return Text("unusable", style="dim")
    return Text("" if trial.agrees else "disagrees with fp32", style="yellow")


def _capacity(budget: Budget) -> Table:
    table = _grid(
        f"What this machine carries: {budget.cores:g} cores, {RESERVE:.0%} kept free, busy H.264 "
        f"cameras at {RATE_HZ} pictures a second, {ANALYSED_HZ} of them analysed",
        headed=True,
    )
    table.add_column("camera")
    for heading in ("decoded a second and core", "inferences", "CPU s a second", "cameras"):
        table.add_column(heading, justify="right")
    for cost in budget.costs:
        table.add_row(
            f"{cost.width} x {cost.height}",
            f"{1000 / cost.decode_ms:.0f}",
            f"{1000 / (cost.scale_ms + cost.inference_ms):.0f}",
            f"{cost.seconds_per_second:.3f}",
            Text(str(budget.cameras(cost)), style="bold"),
        )
    return table


def _sandbox(report: Report) -> Table:
    table = _grid("Sandbox of the decoders")
    table.add_column()
    table.add_column(overflow="fold")
    for layer in report.sandbox:
        works = Text("works", style="green") if layer.works else Text(layer.reason, style="yellow")
        table.add_row(layer.name, works)
    return table


def _tell(finding: Finding, console: Console) -> None:
    style = "bold red" if finding.act else "yellow"
    console.print(Text(f"{finding.topic}: ", style=style).append(finding.text, style="default"))
    if finding.remedy:
        console.print(Text(f"  next step: {finding.remedy}"))
