"""The sense behind `abandoned_object`: what has newly come to rest, and what it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from veilleur.cameras.frame import Frame
from veilleur.events.scene import Scene
from veilleur.events.things import overlap
from veilleur.geometry import Box
from veilleur.perception.arrivals import Arrivals
from veilleur.perception.background import Background
from veilleur.perception.closeup import Closeup
from veilleur.perception.still import Content, Nature, Stillness, StillObject

EVERY_S = 0.5  # things that rest for seconds need no more
FIRST_S = 4.0  # a thing is looked at closely at this age
AGAIN_S = 30.0  # then at twice its age, so long after the last look at most
CHANGED = 0.6  # overlap (IoU) with what was looked at, from which it is no more the same
EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class _Look:
    content: Content
    box: Box
    time: float


class StillnessSense:
    """One camera's. A detector run only where something new stands still, and seldom."""

    def __init__(self, closeup: Closeup) -> None:
        self._closeup = closeup
        self._background = Background()
        self._arrivals = Arrivals(closeup.view)
        self._looks: dict[int, _Look] = {}
        self._said: Stillness | None = None
        self._stepped: float | None = None

    def look(self, scene: Scene, frame: Frame) -> Scene:
        if self._due(scene.time):
            self._stepped = scene.time
            self._background.step(frame.picture, scene.time)
            found = self._arrivals.step(self._background, scene.time)
            self._looks = {
                one.id: self._looks[one.id]
                for one in found
                if one.id in self._looks and overlap(self._looks[one.id].box, one.box) >= CHANGED
            }
            self._look_closely(found, frame, scene.time)
            self._said = Stillness(
                self._background.started or scene.time,
                tuple(map(self._known, found)),
                self._arrivals.movers(self._background),
            )
        return replace(scene, still=self._said)

    def forget(self) -> None:
        self._background.forget()
        self._arrivals.forget()
        self._looks.clear()
        self._said = self._stepped = None

    def _due(self, time: float) -> bool:
        return self._stepped is None or not 0 <= time - self._stepped < EVERY_S - EDGE

    def _look_closely(self, found: tuple[StillObject, ...], frame: Frame, time: float) -> None:
        """At one of them at most: the one that has waited longest."""
        waiting = [
            (overdue_s, one.id, one)
            for one in found
            if not one.hidden
            and one.nature is not Nature.TRACE
            and (overdue_s := self._overdue_s(one, time)) >= 0
        ]
        if waiting:
            _, id_, one = max(waiting)
            content = self._closeup.look(frame.picture, one.box)
            self._looks[id_] = _Look(content, one.box, time)

    def _overdue_s(self, one: StillObject, time: float) -> float:
        last = self._looks.get(one.id)
        if last is None:
            return time - one.since - FIRST_S
        return time - last.time - min(AGAIN_S, last.time - one.since)

    def _known(self, found: StillObject) -> StillObject:
        look = self._looks.get(found.id)
        return replace(found, content=look.content) if look is not None else found
