"""The real engine, as `evaluate` runs it: files, laboratory mode, the same code as live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import av

from veilleur.cameras.source import open_feed, parse_source
from veilleur.engine.assembly import Detectors
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.engine.pipeline import Step
from veilleur.errors import CameraRefused, ConfigurationError
from veilleur.evaluation.observer import NO_RULE_YET, REFUSED, Withheld
from veilleur.evaluation.runner import Request
from veilleur.evaluation.sidecars import unreadable
from veilleur.events.recording import read_recording
from veilleur.events.registry import NotInThisVersion, build_rule
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View
from veilleur.ground import view_on
from veilleur.perception.loader import Choice


@cache
def _detectors(choice: Choice) -> Detectors:
    """One set a process."""
    return Detectors(choice)


@dataclass(frozen=True, slots=True)
class LaboratoryEngine:
    """`engine.laboratory.analyse`, asked first which rules it would refuse.

    One thread an inference whatever `choice` says: cores are filled with clips, and the sums are
    the same for any number of processes.
    """

    choice: Choice = field(default_factory=Choice)
    rate_hz: float = 5.0

    @property
    def words(self) -> str:
        return f"{self.choice}, {self.rate_hz:g} analysed pictures a second"

    def withheld(self, request: Request) -> tuple[Withheld, ...]:
        view = _view(request)
        known = request.clip.starts_at is not None
        asked = [_refusal(rule, view, local_time_known=known) for rule in request.rules]
        return tuple(refusal for refusal in asked if refusal is not None)

    def analyse(self, request: Request) -> Iterator[Step]:
        clip = request.clip
        return analyse(
            LaboratoryClip(
                id=request.camera,
                path=request.path,
                rules=request.rules,
                ground=clip.ground.model_dump(exclude_none=True) if clip.ground else None,
                folder=request.root,
                starts_at=clip.starts_at,
                hold_last_s=clip.hold_last_s,
                rate_hz=self.rate_hz,
                told=request.told,
            ),
            _detectors(replace(self.choice, streams=1, threads=1)),
        )


def _refusal(rule: RuleSpecification, view: View, *, local_time_known: bool) -> Withheld | None:
    try:
        build_rule(rule, view, local_time_known=local_time_known)
    except NotInThisVersion as error:
        return Withheld(rule.id, rule.event, NO_RULE_YET, error.message)
    except ConfigurationError as error:
        return Withheld(rule.id, rule.event, REFUSED, str(error))
    return None


def _view(request: Request) -> View:
    width, height = _size(request)
    ground = request.clip.ground
    spec = ground.model_dump(exclude_none=True) if ground else None
    return view_on(spec, width, height, request.root)


def _size(request: Request) -> tuple[int, int]:
    if request.clip.is_scenes:
        recording = read_recording(request.path)
        return recording.width, recording.height
    _require_video(request)
    feed = open_feed(parse_source(str(request.path)))
    feed.close()
    return feed.facts.width, feed.facts.height


def _require_video(request: Request) -> None:
    try:
        with av.open(request.path) as container:
            _ = container.streams.video[0]
    except (av.FFmpegError, IndexError) as error:
        raise CameraRefused(
            f"{request.path.name} {unreadable(error)}",
            remedy="replace the file, or take the clip out of the dataset",
            camera=request.camera,
            cause="unreadable",
        ) from error
