"""The desk's pulse: every second, how every stage is, and every camera; to the feed."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from veilleur.desk import canary, said
from veilleur.desk.feed import Feed, Message, Topic
from veilleur.desk.vitals import Beats, Stage, Vitals
from veilleur.desk.watch import Watch
from veilleur.engine.report import Surprise
from veilleur.errors import NotAuthorised, StoreError
from veilleur.law.gate import Gate

EVERY_S = 1.0
LIMITS = {
    Stage.COLLECTING: 5.0,
    Stage.ANALYSIS: 5.0,
    Stage.STORING: 5.0,
    Stage.PICTURES: 10.0,
    Stage.TELLING: 5.0,
    Stage.CLOCKWORK: 5.0,
    Stage.AUTHORITY: 2.0,
    Stage.CANARY: canary.EVERY_S + canary.WITHIN_S,
}


PASSING_ON = "passing on"
"""From the engine's queue to the intake's."""
Alive = Callable[[StoreError | None], None]


class Pulse:
    def __init__(self, feed: Feed, watch: Watch, gate: Gate) -> None:
        self._feed, self._watch, self._gate = feed, watch, gate
        self.beats = Beats(LIMITS, time.monotonic)
        self.beats.expect(Stage.STORING, PASSING_ON)

    def of(self, stage: Stage, part: str = "") -> Alive:
        """What a stage, or a part of one, calls with each round: None, or why it failed."""
        if part:
            self.beats.expect(stage, part)

        def told(error: StoreError | None) -> None:
            if error is None:
                self.beats.beat(stage, part=part)
            else:
                self.beats.ails(stage, str(error), part)

        return told

    def vitals(self) -> Vitals:
        return self.beats.vitals()

    def surprised(self, duty: str, surprise: Surprise) -> None:
        """A mistake of ours: whoever runs the service reads it in its log."""
        print(f"veilleur: a mistake in {duty}: {surprise.words}", file=sys.stderr)
        print(surprise.trace, file=sys.stderr, flush=True)

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(EVERY_S):
            self._ask_the_engine()
            self._publish()

    def _ask_the_engine(self) -> None:
        now, ages = time.monotonic(), self._watch.node.pulse()
        self.beats.beat(Stage.COLLECTING, now - ages.collector_s)
        self.beats.beat(Stage.ANALYSIS, now - max(ages.analysts_s, default=0.0))
        self.beats.beat(Stage.STORING, self._watch.passed_on, part=PASSING_ON)

    def _publish(self) -> None:
        vitals = said.vitals(self.vitals())
        self._feed.publish(Message(topic=Topic.PULSE, data=said.line(vitals)))
        now = datetime.now(UTC)
        wanted = {member.id: member.assembly.rules for member in self._watch.members}
        for report in self._watch.report():
            if report.camera == canary.CAMERA:
                continue
            refused: dict[str, str] = {}
            for rule in wanted.get(report.camera, ()):
                why: NotAuthorised | None = self._gate.refusal(
                    report.camera, rule.id, rule.event, now
                )
                if why is not None:
                    refused[rule.id] = why.cause
            data = said.line(said.camera(report, refused))
            self._feed.publish(Message(topic=Topic.CAMERAS, data=data, camera=report.camera))
