"""Labelled video and recorded scenes through the engine: the same pipeline as live, no clock.

Files are laboratory mode: nobody real is watched in real time, and every alert says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from veilleur.cameras.activity import ActivityGate
from veilleur.cameras.decoding import Counts
from veilleur.cameras.frame import Frame
from veilleur.cameras.health import Health, HealthSettings
from veilleur.cameras.masks import Masks
from veilleur.cameras.replay import sampled, unheard
from veilleur.cameras.sampling import Sampler
from veilleur.engine.assembly import Assembly, Detectors
from veilleur.engine.pipeline import Pipeline, Step
from veilleur.engine.shape import fitted
from veilleur.events.recording import read_recording
from veilleur.events.specification import Point, RuleSpecification
from veilleur.geometry import View
from veilleur.ground import view_on
from veilleur.law.gate import Gate, Laboratory

SCENES = ".scenes.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaboratoryClip:
    """One clip to analyse. ground: as in a dataset (point pairs, lengths or calibration file,
    relative to `folder`). starts_at: local time of the first picture. hold_last_s: the last
    picture is repeated so long. told: what decoding a video met with, once it has ended.
    """

    id: str
    path: Path
    rules: tuple[RuleSpecification, ...]
    ground: dict[str, Any] | None = None
    folder: Path = Path()
    starts_at: datetime | None = None
    hold_last_s: float = 0.0
    rate_hz: float = 5.0
    masks: tuple[tuple[Point, ...], ...] = ()
    told: Callable[[Counts], None] = unheard


def analyse(clip: LaboratoryClip, detectors: Detectors) -> Iterator[Step]:
    """Every analysed instant of a clip, in order; bit-identical from run to run.

    Errors: ConfigurationError (rules, ground), CameraError (a file that cannot be read).
    """
    if clip.path.name.endswith(SCENES):
        yield from _from_boxes(clip, detectors)
    else:
        yield from _from_pixels(clip, detectors)


def _from_pixels(clip: LaboratoryClip, detectors: Detectors) -> Iterator[Step]:
    pipeline: Pipeline | None = None
    for frame in frames_of(clip):
        if pipeline is None:
            view = _view(clip, frame.picture.width, frame.picture.height)
            pipeline = _pipeline(clip, view, detectors)
        yield pipeline.step(fitted(frame, pipeline.view)[0], _instant(clip))


def frames_of(clip: LaboratoryClip) -> Iterator[Frame]:
    """The clip's pictures as live analysis would get them: masked, with health and activity."""
    sampler = Sampler(
        clip.id,
        masks=Masks(clip.masks),
        health=Health(HealthSettings(frozen=False)),
        activity=ActivityGate(),
    )
    return sampled(
        clip.path,
        sampler,
        rate_hz=clip.rate_hz,
        hold_last_s=clip.hold_last_s,
        told=clip.told,
    )


def _from_boxes(clip: LaboratoryClip, detectors: Detectors) -> Iterator[Step]:
    recording = read_recording(clip.path)
    pipeline = _pipeline(clip, _view(clip, recording.width, recording.height), detectors)
    for observation in recording.held(clip.hold_last_s):
        yield pipeline.observe(observation.detections, observation.time, _instant(clip))


def _view(clip: LaboratoryClip, width: int, height: int) -> View:
    return view_on(clip.ground, width, height, clip.folder)


def _pipeline(clip: LaboratoryClip, view: View, detectors: Detectors) -> Pipeline:
    gate = Gate({clip.id: Laboratory("file")})
    return Assembly(clip.id, clip.rules, clip.starts_at).pipeline(view, gate, detectors)


def _instant(clip: LaboratoryClip) -> datetime:
    """For the gate, which in the laboratory asks no date of anybody."""
    starts_at = clip.starts_at or datetime(2000, 1, 1, tzinfo=UTC)
    return starts_at if starts_at.tzinfo is not None else starts_at.replace(tzinfo=UTC)
