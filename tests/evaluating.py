"""What the tests of evaluation share: datasets written to a folder, and an engine that is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from veilleur.cameras.frame import Frame
from veilleur.cameras.picture import Picture
from veilleur.catalogue import Event
from veilleur.engine.pipeline import RuleVerdict, Step
from veilleur.engine.situations import Alert
from veilleur.errors import StreamLost
from veilleur.evaluation.observer import NO_RULE_YET, REFUSED, Withheld
from veilleur.evaluation.runner import Request
from veilleur.events.rule import Candidate, Check, Verdict
from veilleur.events.scene import Scene
from veilleur.geometry import Box, View
from veilleur.perception.objects import Detections

SQUARE = [[0.2, 0.5], [0.8, 0.5], [0.8, 0.9], [0.2, 0.9]]
VIEW = View(320, 180)
PERSON = Box(100.0, 40.0, 140.0, 140.0)


def clip(id_: str, **changes: Any) -> dict[str, Any]:
    """A clip with one forbidden zone and one truth, due at 3 s."""
    rules = [{"id": "tracks", "event": "forbidden_zone", "zone": SQUARE}]
    truth = [{"rule": "tracks", "start_s": 2.0, "due_s": 3.0, "end_s": 5.0, "note": "steps down"}]
    made = {"id": id_, "file": f"{id_}.mp4", "rules": rules, "truth": truth}
    return made | changes


def write_dataset(folder: Path, *clips: dict[str, Any], name: str = "made") -> Path:
    """Write dataset.json; files that do not exist yet are made, empty."""
    for one in clips:
        (folder / one["file"]).touch()
    text = json.dumps({"schema": 1, "name": name, "clips": clips})
    (folder / "dataset.json").write_text(text)
    return folder


@dataclass(frozen=True)
class ToldEngine:
    """Says what it is told: per camera and rule the instants of alerts, 5 steps a second.

    withheld_events: events without a rule. refused: rules refused. broken: clips that break off.
    """

    alerts: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    withheld_events: tuple[Event, ...] = (Event.FIRE, Event.WEAPON)
    refused: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    counts: float = 3.0
    seconds: float = 20.0
    words: str = "told, 5 analysed pictures a second"

    def withheld(self, request: Request) -> tuple[Withheld, ...]:
        gone = []
        for rule in request.rules:
            if rule.event in self.withheld_events:
                gone.append(Withheld(rule.id, rule.event, NO_RULE_YET, "not in this version"))
            elif rule.id in self.refused:
                gone.append(Withheld(rule.id, rule.event, REFUSED, "people are too small"))
        return tuple(gone)

    def analyse(self, request: Request) -> Iterator[Step]:
        for number in range(int(self.seconds * 5)):
            now = number / 5
            if request.camera in self.broken and now > 4:
                raise StreamLost(f"{request.camera} ends in garbage", camera=request.camera)
            yield Step(
                scene=Scene(request.camera, now, VIEW, detections=_person()),
                alerts=tuple(self._alerts(request, now)),
                verdicts=tuple(
                    RuleVerdict(rule.id, rule.event, self._verdict(rule.event))
                    for rule in request.rules
                ),
                frame=Frame(request.camera, number, now, _grey()),
            )

    def _alerts(self, request: Request, now: float) -> Iterator[Alert]:
        for rule in request.rules:
            clip_id, _, name = rule.id.partition("/")
            times = self.alerts.get(clip_id, {}).get(name, [])
            if any(abs(t - now) < 0.01 for t in times):
                yield Alert(
                    event=rule.event,
                    rule=rule.id,
                    camera=request.camera,
                    began=now - 1.0,
                    noticed=now,
                    where=PERSON,
                    checks=(_check("inside", 1.2, 1.0, "s", passed=True),),
                    level="alarm",
                    laboratory=True,
                )

    def _verdict(self, event: Event) -> Verdict:
        if event is Event.DENSITY:
            check = _check("people", self.counts, 5.0, "people", passed=False)
        else:
            check = _check("inside", 0.4, 1.0, "s", passed=False)
        return Verdict(candidates=(Candidate(where=PERSON, checks=(check,)),))


def _check(name: str, measured: float, threshold: float, unit: str, *, passed: bool) -> Check:
    return Check(
        name=name, measured=measured, threshold=threshold, unit=unit, held_s=measured, passed=passed
    )


def _person() -> Detections:
    box = np.array([[PERSON.x1, PERSON.y1, PERSON.x2, PERSON.y2]], np.float32)
    return Detections(box, np.array([0.9], np.float32), np.zeros(1, np.int8))


def _grey() -> Picture:
    return Picture(np.full((VIEW.height * 3 // 2, VIEW.width), 128, np.uint8))
