"""The sense behind `crowd_movement`: how the pixels move, where a crowd may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from veilleur.cameras.frame import Frame
from veilleur.catalogue import Event
from veilleur.events.crowd_movement import Parameters
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import Box, View
from veilleur.perception.flow import Flow, FlowMeter
from veilleur.perception.objects import Kind

LEAST_SCORE = 0.3  # of somebody who makes a crowd
OLD_S = 0.4  # a younger track has no path yet
LOST = 1  # people without a track: so many, and the pixels are asked
QUICK, SEVERAL = 0.8, 3  # heights a second, about 1.4 m/s; so many such tracks
EVERY_S, EDGE = 0.35, 1e-6  # a measured field is good for so long: people change their way slowly
AROUSED_S = 3.0  # so long after a crowd was seen, or something moved, motion is measured


class CurrentsSense:
    """One camera's. Two small pictures are compared only while there are people enough for a crowd,
    something moves, and it may tell more than the tracks: somebody has none, or several
    tracks are quick, and the pixels have to bear them out. Else the newest is kept, and no more."""

    event = Event.CROWD_MOVEMENT

    def __init__(self, meter: FlowMeter, crowd: int) -> None:
        """crowd: fewer people in the picture make none."""
        self._meter, self._crowd = meter, crowd
        self._seen: float | None = None
        self._flow: Flow | None = None
        self._measured = 0.0

    @classmethod
    def of(cls, rules: Sequence[RuleSpecification], view: View) -> Self:
        """Over the zones of all rules about crowds, for the smallest crowd any of them watches.

        rules: of one camera, built already, so nothing of them is refused; at least one is such.
        """
        crowds = [rule for rule in rules if rule.event is Event.CROWD_MOVEMENT]
        corners = np.concatenate([view.pixels(list(rule.zone or ())) for rule in crowds])
        region = Box(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
        least = min(Parameters.model_validate(rule.params).min_people for rule in crowds)
        return cls(FlowMeter(view, region), least)

    def look(self, scene: Scene, frame: Frame) -> Scene:
        found = scene.detections.of(Kind.PERSON)
        people = found[found.scores >= LEAST_SCORE]
        if len(people) >= self._crowd:
            self._seen = scene.time
        luma = frame.picture.luma
        if self._seen is None or not 0 <= scene.time - self._seen <= AROUSED_S:
            self._meter.forget()
            self._flow = None
            return scene
        if not frame.activity.moved or not _asked(scene, len(people)):
            self._flow = None
            self._meter.keep(luma, scene.time)
            return scene
        if self._flow is not None and 0 < scene.time - self._measured < EVERY_S - EDGE:
            self._meter.keep(luma, scene.time)
            return replace(scene, flow=self._flow)
        self._flow = self._meter.measure(luma, scene.time, people.boxes)
        self._measured = scene.time
        return replace(scene, flow=self._flow)

    def pause(self, blind: str) -> None:
        """Seconds old motion says nothing of what is there afterwards."""
        self.forget()

    def forget(self) -> None:
        self._meter.forget()
        self._seen = self._flow = None


def _asked(scene: Scene, people: int) -> bool:
    """Whether the tracks alone do not tell how these people move."""
    tracks = scene.tracks.of(Kind.PERSON)
    followed = tracks[tracks.seen & (tracks.ages >= OLD_S)]
    heights = np.maximum(followed.heights, 1.0)
    quick = np.hypot(*followed.velocities.T) >= QUICK * heights
    return people - len(followed) >= LOST or int(quick.sum()) >= SEVERAL
