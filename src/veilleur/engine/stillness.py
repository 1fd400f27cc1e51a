"""The sense behind `abandoned_object`: what has newly come to rest, and what it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from veilleur.cameras.frame import Frame
from veilleur.cameras.health import Blind
from veilleur.catalogue import Event
from veilleur.events.abandoned_object import Parameters
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.events.things import shares
from veilleur.geometry import Box
from veilleur.perception.arrivals import Arrivals
from veilleur.perception.background import Background
from veilleur.perception.closeup import Closeup
from veilleur.perception.counting import passed
from veilleur.perception.objects import Kind
from veilleur.perception.overlap import box_iou
from veilleur.perception.still import Content, Nature, Stillness, StillObject

EVERY_S = 0.8  # things that rest for seconds need no more
FIRST_S = 2.0  # a thing is looked at closely at half the rule's countdown, so old at least
AGAIN_S = 30.0  # then at twice its age, so long after the last look at most
COVERED = 0.5  # share of a thing in a person's or vehicle's box: it needs no closer look
PAUSE_S = 60.0  # after longer blindness the place is taken anew
CHANGED = 0.6  # overlap (IoU) with what was looked at, from which it is no more the same


def countdown(rules: Iterable[RuleSpecification]) -> float:
    """Seconds: the shortest countdown of the rules that ask for this sense."""
    asking = [rule for rule in rules if rule.event is Event.ABANDONED_OBJECT]
    return min(Parameters.model_validate(rule.params).unattended_s for rule in asking)


@dataclass(frozen=True, slots=True)
class _Look:
    content: Content
    box: Box
    time: float


class StillnessSense:
    """One camera's. A detector run only where something new stands still, and seldom."""

    event = Event.ABANDONED_OBJECT

    def __init__(self, closeup: Closeup, countdown_s: float) -> None:
        """countdown_s: of the rule that asks; the shortest, if several do."""
        self._closeup = closeup
        self._first_s = max(FIRST_S, countdown_s / 2)
        self._background = Background()
        self._arrivals = Arrivals(closeup.view)
        self._looks: dict[int, _Look] = {}
        self._said: Stillness | None = None
        self._stepped: float | None = None
        self._paused = False

    def look(self, scene: Scene, frame: Frame) -> Scene:
        if self._paused or (self._stepped is not None and scene.time < self._stepped):
            self._resume(scene.time, frame)
        if self._due(scene.time):
            self._stepped = scene.time
            self._background.step(frame.picture, scene.time)
            if not self._background.waiting:
                self._said = self._heard(frame, scene)
        return replace(scene, still=self._said)

    def _heard(self, frame: Frame, scene: Scene) -> Stillness:
        """What is at rest after the background's step."""
        found = self._arrivals.step(self._background, scene.time)
        self._looks = {
            one.id: self._looks[one.id]
            for one in found
            if one.id in self._looks and box_iou(self._looks[one.id].box, one.box) >= CHANGED
        }
        self._look_closely(found, frame, scene)
        return Stillness(
            self._background.started or scene.time,
            tuple(map(self._known, found)),
            self._arrivals.movers(self._background),
        )

    def pause(self, blind: str) -> None:
        """A camera that looks elsewhere has another place before it."""
        if blind == Blind.MOVED:
            self.forget()
        self._paused = self._stepped is not None

    def _resume(self, time: float, frame: Frame) -> None:
        """If it is still the place that was known, what rested in it has not got older meanwhile:
        after blindness, and where the stream's clock was put back.

        Nothing is said before the next step: whoever listens keeps what was said before.
        """
        self._paused = False
        missed_s = time - (self._stepped if self._stepped is not None else time)
        if missed_s <= PAUSE_S and self._background.recognises(frame.picture):
            self._background.resume(missed_s)
            self._arrivals.resume(missed_s)
            self._looks = {
                id_: replace(look, time=look.time + missed_s) for id_, look in self._looks.items()
            }
            self._stepped = time - EVERY_S
        else:
            self.forget()

    def forget(self) -> None:
        self._paused = False
        self._background.forget()
        self._arrivals.forget()
        self._looks.clear()
        self._said = self._stepped = None

    def _due(self, time: float) -> bool:
        return passed(self._stepped, EVERY_S, time)

    def _look_closely(self, found: tuple[StillObject, ...], frame: Frame, scene: Scene) -> None:
        """At one of them at most: the one that has waited longest."""
        time = scene.time
        known = np.asarray(scene.tracks.of(Kind.PERSON, Kind.VEHICLE).boxes, np.float64)
        waiting = [
            (overdue_s, one.id, one)
            for one in found
            if not one.hidden
            and one.nature is not Nature.TRACE
            and (overdue_s := self._overdue_s(one, time)) >= 0
            and not (shares(known, one.box) >= COVERED).any()
        ]
        if waiting:
            _, id_, one = max(waiting)
            content = self._closeup.look(frame.picture, one.box)
            self._looks[id_] = _Look(content, one.box, time)

    def _overdue_s(self, one: StillObject, time: float) -> float:
        last = self._looks.get(one.id)
        if last is None:
            return time - one.since - self._first_s
        return time - last.time - min(AGAIN_S, last.time - one.since)

    def _known(self, found: StillObject) -> StillObject:
        look = self._looks.get(found.id)
        return replace(found, content=look.content) if look is not None else found
