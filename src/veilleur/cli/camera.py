"""`veilleur camera check`: what a camera is, and which events it can serve."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from select import select
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from veilleur.cameras.camera import Camera, Pace, State
from veilleur.cameras.describing import describe_apart
from veilleur.cameras.frame import Frame
from veilleur.cameras.inspection import (
    SceneMeter,
    SceneStatistics,
    StreamDescription,
)
from veilleur.cameras.simulated import is_our_simulator
from veilleur.cameras.source import parse_source
from veilleur.cameras.suitability import Angle, Finding, Fit, Verdict, angle_of, judge_all, scale_of
from veilleur.catalogue import WORDING, Event
from veilleur.cli.choosing import chosen
from veilleur.engine.assembly import Detectors
from veilleur.engine.lineup import WHOLE, Lineup, line_up
from veilleur.engine.member import Member
from veilleur.engine.pipeline import Pipeline, Step
from veilleur.errors import CameraRefused, NotAuthorised, StreamLost
from veilleur.events.crowding import CrowdMeter, fitness
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import FloatArray, View
from veilleur.law.authorisation import read_authorisation
from veilleur.law.gate import Gate
from veilleur.perception.objects import Kind
from veilleur.site import load_site

app = typer.Typer(no_args_is_help=True, help="What a camera is, and what it can serve.")

STREAM_S = 5.0
RATE_HZ = 2.0
SURE = 0.5
PATIENCE_S = 20.0
MOSTLY, SOMETIMES = 0.5, 0.1
"""Shares of the pictures in which people can't be counted: then density is no, or limited."""
NEARER = "zoom in, mount the camera nearer, or use a stream of higher resolution"
COUNTING = RuleSpecification(id="camera-check", event=Event.DENSITY, zone=WHOLE)
"""The density rule itself says whether people can be counted here."""
STYLES = {Fit.YES: "green", Fit.LIMITED: "yellow", Fit.NOT_KNOWN: "yellow", Fit.NO: "bold red"}

People = Callable[[Frame], FloatArray]
"""Boxes (n, 4) of the people in a frame, pixels of the view. It asks the law's gate first."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything the check found out. under: the permit. note: why no picture was looked at."""

    stream: StreamDescription
    scene: SceneStatistics | None
    view: View
    verdicts: tuple[Verdict, ...]
    under: str
    note: str


@app.callback()
def camera() -> None:
    """What a camera is, and what it can serve."""


@app.command()
def check(
    source: Annotated[
        str, typer.Argument(help="file, rtsp:// address, /dev/video0, or an id of the site file")
    ],
    authorisation: Annotated[
        Path | None, typer.Option(help="the act under which a real camera's pictures are looked at")
    ] = None,
    site: Annotated[
        Path | None, typer.Option(help="for the camera's ground and masks, and the detector")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, no table")] = False,
    seconds: Annotated[float, typer.Option(min=1.0, help="seconds of pictures to look at")] = 20.0,
) -> None:
    """Read the stream and some pictures; say which events this camera can serve, and why."""
    report = inspect(source, authorisation, site, seconds)
    if as_json:
        print(json.dumps(as_record(report), indent=2))
    else:
        show(report, Console())


def inspect(source: str, authorisation: Path | None, site: Path | None, seconds: float) -> Report:
    """Without a permit only the stream is described, and no picture is looked at."""
    plan = load_site(site) if site else None
    folder = site.parent if site else Path()
    try:
        lineup = line_up(
            [source],
            plan,
            read_authorisation(authorisation) if authorisation else None,
            folder=folder,
            is_our_simulator=is_our_simulator,
            at=datetime.now(UTC),
        )
    except NotAuthorised as refusal:
        if site or authorisation:
            raise
        stream = describe_apart(parse_source(source), STREAM_S)
        view = View(stream.width, stream.height)
        return Report(stream, None, view, judge_all(stream, None, view), "nothing", str(refusal))
    setting = plan.detector.choice(folder) if plan and plan.detector else None
    return _with_pictures(lineup, seconds, Detectors(chosen(setting)))


def _with_pictures(lineup: Lineup, seconds: float, detectors: Detectors) -> Report:
    member = lineup.members[0]
    stream = describe_apart(member.settings.source, STREAM_S)
    view = member.view(stream.width, stream.height)
    under = lineup.reference(member.id)
    people = Onlooker(member, view, lineup.gate, detectors)
    try:
        scene = look_at(member, seconds, people)
    except NotAuthorised as refusal:
        return Report(stream, None, view, judge_all(stream, None, view), under, str(refusal))
    verdicts = judge_all(stream, scene, view, people.objection)
    return Report(stream, scene, view, verdicts, under, "")


class Onlooker:
    """People by the engine's own pipeline, which asks the gate before each frame.

    Where density is permitted its rule is asked as well whether people can be counted here.
    """

    def __init__(self, member: Member, view: View, gate: Gate, detectors: Detectors) -> None:
        self._member, self._view, self._gate, self._detectors = member, view, gate, detectors
        self._pipeline: Pipeline | None = None
        self._said: list[str | None] = []
        self._meter = CrowdMeter()

    def __call__(self, frame: Frame) -> FloatArray:
        now = datetime.now(UTC)
        if self._pipeline is None:
            self._pipeline = self._assembled(now)
        step = self._pipeline.step(frame, now)
        self._note(step)
        found = step.scene.detections.of(Kind.PERSON)
        return np.asarray(found.boxes[found.scores >= SURE], np.float64)

    def _assembled(self, now: datetime) -> Pipeline:
        id_, assembly = self._member.id, self._member.assembly
        if self._gate.refusal(id_, COUNTING.id, Event.DENSITY, now) is None:
            assembly = replace(assembly, rules=(*assembly.rules, COUNTING))
        return assembly.pipeline(self._view, self._gate, self._detectors)

    def _note(self, step: Step) -> None:
        """Only pictures that were looked at anew say anything."""
        if step.scene.blind is not None or not step.scene.fresh:
            return
        self._meter.update(step.scene)
        self._said += [said.verdict.unfit for said in step.verdicts if said.rule == COUNTING.id]

    @property
    def objection(self) -> Finding | None:
        """Why people can't be counted, or not as exactly; None: nothing speaks against it."""
        objections = [said for said in self._said if said is not None]
        share = len(objections) / max(1, len(self._said))
        if share >= SOMETIMES:
            return Finding(Fit.NO if share >= MOSTLY else Fit.LIMITED, objections[-1], NEARER)
        usual = fitness(self._meter.statistics)
        if usual is None:
            return None
        return Finding(Fit.LIMITED, f"{usual}: counted in parts of the picture, too few", NEARER)


def look_at(member: Member, seconds: float, people: People) -> SceneStatistics | None:
    """Statistics of some seconds of pictures, decoded in the camera's own process."""
    pace = Pace.FAST if not member.settings.source.live else Pace.OWN
    eye = Camera(replace(member.settings, rate_hz=RATE_HZ, pace=pace))
    meter = SceneMeter()
    try:
        for frame in _frames(eye, seconds):
            meter.note(frame.picture.luma, frame.blind, people(frame))
    finally:
        eye.close()
    return meter.statistics()


def _frames(eye: Camera, seconds: float) -> Iterator[Frame]:
    """Frames for `seconds` of the stream's time; CameraRefused or StreamLost where none come."""
    began = time.monotonic()
    while not eye.ended:
        frame = eye.read(time.monotonic())
        if frame is not None:
            began = time.monotonic()
            yield frame
            if frame.time >= seconds:
                return
        elif eye.state is State.REFUSED:
            raise CameraRefused(eye.cause, camera=eye.id, cause="refused")
        elif time.monotonic() - began > PATIENCE_S:
            raise StreamLost(
                eye.cause or "no picture comes",
                remedy="check the network, then try again",
                camera=eye.id,
                cause="stalled",
            )
        else:
            _wait(eye)


def _wait(eye: Camera) -> None:
    number = eye.fileno()
    select([number] if number is not None else [], [], [], 0.05)


# ---------------------------------------------------------------------- the outputs
def as_record(report: Report) -> dict[str, Any]:
    """The report as JSON; people are counts and sizes, never boxes."""
    scene = report.scene
    return {
        "stream": asdict(report.stream),
        "scene": _scene_record(scene, report.view) if scene else None,
        "verdicts": [asdict(verdict) for verdict in report.verdicts],
        "under": report.under,
        "note": report.note,
    }


def _scene_record(scene: SceneStatistics, view: View) -> dict[str, Any]:
    angle = angle_of(scene, view)
    return {
        "pictures": scene.pictures,
        "level": round(scene.level, 1),
        "contrast": round(scene.contrast, 1),
        "noise": round(scene.noise, 2),
        "blind": round(scene.blind, 3),
        "blind_by": scene.blind_by,
        "people": None if scene.people is None else len(scene.people),
        "person_px": _tall(scene),
        "pixels_per_metre": _rounded(scale_of(scene, view)),
        "down_degrees": _rounded(angle.down_degrees),
        "camera_height_m": _rounded(angle.height_m),
    }


def _tall(scene: SceneStatistics) -> float | None:
    """Median height of people in pixels."""
    if scene.people is None or not len(scene.people):
        return None
    return _rounded(float(np.median(scene.people[:, 3] - scene.people[:, 1])))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def show(report: Report, console: Console) -> None:
    """The report as two tables."""
    facts = Table(title=report.stream.address, show_header=False, title_justify="left")
    facts.add_column(style="cyan")
    facts.add_column()
    rows = [*_stream_rows(report.stream), *_scene_rows(report), ("under", report.under)]
    for name, value in rows:
        facts.add_row(name, Text(value))
    console.print(facts)
    if report.note:
        console.print(Text(report.note, style="yellow"))
    console.print(_verdict_table(report.verdicts))


def _verdict_table(verdicts: tuple[Verdict, ...]) -> Table:
    table = Table(title="What it can serve", title_justify="left")
    for name in ("event", "fit", "why", "next step"):
        table.add_column(name)
    for verdict in verdicts:
        table.add_row(
            Text(WORDING[verdict.event].english),
            Text(verdict.fit.value, style=STYLES[verdict.fit]),
            Text(verdict.reason),
            Text(verdict.remedy),
        )
    return table


def _known(value: float | None, text: str) -> str:
    return "not known" if value is None else text.format(value)


def _stream_rows(stream: StreamDescription) -> list[tuple[str, str]]:
    profile = f" {stream.profile}" if stream.profile else ""
    key = _known(stream.key_interval_s, "every {:.1f} s")
    if stream.key_interval_s is not None and not stream.key_seen:
        key = f"fewer than one in {stream.key_interval_s:.1f} s"
    size = f"{stream.width} x {stream.height}, {stream.pixel_format or 'pixels not known'}"
    rate = _known(stream.measured_hz, "{:.1f}/s measured")
    return [
        ("codec", f"{stream.codec}{profile}{', B-frames' if stream.b_frames else ''}"),
        ("picture", size),
        ("rate", f"{rate}, {_known(stream.declared_hz, '{:.4g}/s')} declared"),
        ("key frames", key),
        ("bit rate", _known(stream.bit_rate and stream.bit_rate / 1000, "{:.0f} kbit/s")),
        ("time stamps", f"step {stream.steps} times" if stream.steps else "steady"),
        ("sub-stream", f"try {stream.sub_stream}" if stream.sub_stream else "not known"),
        ("clock", _known(stream.clock_offset_s, "{:+.2f} s against this machine")),
    ]


def _scene_rows(report: Report) -> list[tuple[str, str]]:
    scene = report.scene
    if scene is None:
        return [("pictures", "none looked at")]
    angle: Angle = angle_of(scene, report.view)
    light = f"level {scene.level:.0f}, contrast {scene.contrast:.0f}, noise {scene.noise:.1f}"
    calibrated = "" if report.view.ground else " (from people of 1.7 m)"
    scale = _known(scale_of(scene, report.view), "{:.0f}")
    people = "not looked for" if scene.people is None else f"{len(scene.people)} seen"
    seen = "always" if not scene.blind else f"not in {scene.blind:.0%}: {scene.blind_by}"
    return [
        ("pictures", f"{scene.pictures} looked at; sees: {seen}"),
        ("light", f"{light} (of 255)"),
        ("people", f"{people}, {_known(_tall(scene), 'half of them above {:.0f} pixels')}"),
        ("pixels per metre", f"{scale}{calibrated if scale != 'not known' else ''}"),
        ("angle", _known(angle.down_degrees, "{:.0f}° down")),
        ("camera height", _known(angle.height_m, "about {:.0f} m, estimated from people")),
    ]
