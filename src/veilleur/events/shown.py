"""Weapons from boxes alone, where no pixel can be looked at: recordings and made scenes.

A box of a weapon belongs to the person whose box, somewhat widened, holds its middle; where several
do, to the one whose middle is nearest. Live, `perception.hands` looks instead.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from veilleur.events.scene import Scene
from veilleur.geometry import Box, FloatArray
from veilleur.perception.carrying import Carrying
from veilleur.perception.objects import Detections, Kind

WINDOW_S = 2.0  # pictures that count
ARM = 0.15  # heights of the box that a weapon may be held beside it
EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class _Look:
    time: float
    surety: float


@dataclass(slots=True)
class Shown:
    """The people of one camera."""

    _looks: dict[int, deque[_Look]] = field(default_factory=dict)
    _time: float | None = None

    def forget(self) -> None:
        """Nothing is known any more."""
        self._looks.clear()
        self._time = None

    def step(self, scene: Scene) -> tuple[Carrying, ...]:
        """Told every scene, in order; in one that was not looked at anew, all is as before."""
        if self._time is not None and scene.time < self._time:
            self.forget()
        self._time = scene.time
        persons = scene.tracks.of(Kind.PERSON)
        boxes = {int(key): persons.box(int(key)) for key in persons.ids}
        if scene.fresh:
            self._look(boxes, scene.detections.of(Kind.WEAPON), scene.time)
        return tuple(
            _carrying(key, box, self._looks.get(key, deque())) for key, box in boxes.items()
        )

    def _look(self, boxes: dict[int, Box], weapons: Detections, time: float) -> None:
        best = dict.fromkeys(boxes, 0.0)
        for place, score in zip(weapons.boxes, weapons.scores.tolist(), strict=True):
            owner = _owner(boxes, place)
            if owner is not None:
                best[owner] = max(best[owner], score)
        looks = {key: self._looks.get(key, deque()) for key in boxes}
        for key, surety in best.items():
            looks[key].append(_Look(time, surety))
            while time - looks[key][0].time > WINDOW_S + EDGE:
                looks[key].popleft()
        self._looks = looks


def _owner(boxes: dict[int, Box], place: FloatArray) -> int | None:
    """Who holds what is there."""
    x, y = float(place[0] + place[2]) / 2, float(place[1] + place[3]) / 2
    near = [
        (float(np.hypot(x - box.centre[0], y - box.centre[1])), key)
        for key, box in boxes.items()
        if box.x1 - ARM * box.height <= x <= box.x2 + ARM * box.height
        and box.y1 - ARM * box.height <= y <= box.y2
    ]
    return min(near)[1] if near else None


def _carrying(key: int, box: Box, looks: deque[_Look]) -> Carrying:
    sureties = [look.surety for look in looks]
    mean = sum(sureties) / max(len(sureties), 1)
    return Carrying(key=key, box=box, tall_px=box.height, looks=len(sureties), surety=mean)
