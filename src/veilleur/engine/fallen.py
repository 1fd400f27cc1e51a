"""The sense behind `person_on_ground`: who stood and now lies."""

from __future__ import annotations

from dataclasses import replace

from veilleur.cameras.frame import Frame
from veilleur.cameras.health import Blind
from veilleur.catalogue import Event
from veilleur.events.scene import Scene
from veilleur.perception.body import Body
from veilleur.perception.lying import Lying


class FallenSense:
    """One camera's. Where nothing was looked at anew nothing moved: bodies are as before."""

    event = Event.PERSON_ON_GROUND

    def __init__(self, lying: Lying) -> None:
        self._lying = lying
        self._bodies: tuple[Body, ...] = ()
        self._looked: float | None = None
        self._paused = False

    def look(self, scene: Scene, frame: Frame) -> Scene:
        if self._paused:
            self._paused = False
            self._lying.resume(scene.time - (scene.time if self._looked is None else self._looked))
        self._looked = scene.time
        if scene.fresh:
            self._bodies = self._lying.step(
                frame.picture, scene.tracks, scene.detections, scene.time
            )
        return replace(scene, bodies=self._bodies)

    def pause(self, blind: str) -> None:
        """Who lies may be found there again; not by a camera that looks elsewhere."""
        if blind == Blind.MOVED:
            self.forget()
        self._paused = True

    def forget(self) -> None:
        self._lying.forget()
        self._looked = None
        self._bodies = ()
