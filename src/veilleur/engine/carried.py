"""The sense behind `weapon`: what the people who are large enough hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from veilleur.cameras.frame import Frame
from veilleur.catalogue import Event
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.events.weapon import Parameters
from veilleur.perception.carrying import Carrying
from veilleur.perception.hands import Hands


def least_height(rules: Iterable[RuleSpecification]) -> float:
    """Pixels: the smallest person that any of the rules that ask for this sense judges."""
    asking = [rule for rule in rules if rule.event is Event.WEAPON]
    return min(Parameters.model_validate(rule.params).least_px for rule in asking)


class CarriedSense:
    """One camera's. Where nothing was looked at anew nothing moved: all is as before."""

    event = Event.WEAPON

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._carrying: tuple[Carrying, ...] = ()

    def look(self, scene: Scene, frame: Frame) -> Scene:
        if scene.fresh:
            self._carrying = self._hands.step(frame.picture, scene.tracks, scene.time)
        return replace(scene, carrying=self._carrying)

    def pause(self, blind: str) -> None:
        """Seconds old motion says nothing of what is there afterwards."""
        self.forget()

    def forget(self) -> None:
        self._hands.forget()
        self._carrying = ()
