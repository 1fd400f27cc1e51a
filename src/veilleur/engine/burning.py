"""The sense behind `fire`: what changes as fire does, and what a verifier says of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from veilleur.cameras.frame import Frame
from veilleur.catalogue import Event
from veilleur.events.scene import Scene
from veilleur.perception.fire import FireWatch
from veilleur.perception.objects import Kind


class BurningSense:
    """One camera's. Nothing runs while nothing moves and nothing burns."""

    event = Event.FIRE

    def __init__(self, watch: FireWatch) -> None:
        self._watch = watch

    def look(self, scene: Scene, frame: Frame) -> Scene:
        others = np.asarray(scene.tracks.of(Kind.PERSON, Kind.VEHICLE).boxes, np.float64)
        moved = frame.activity.moved > 0
        blazes = self._watch.step(frame.picture, scene.time, moved=moved, others=others)
        return replace(scene, blazes=blazes)

    def pause(self, blind: str) -> None:
        """Seconds old motion says nothing of what is there afterwards."""
        self.forget()

    def forget(self) -> None:
        self._watch.forget()
