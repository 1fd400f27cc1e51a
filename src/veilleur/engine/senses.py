"""What only some rules ask to be seen: each looks at the picture, and adds its part to the Scene.

A camera without such a rule has no such sense and pays nothing for it. A rule still sees the Scene
alone, so it can be tested with made-up parts.
"""

from __future__ import annotations

from typing import Protocol

from veilleur.cameras.frame import Frame
from veilleur.catalogue import Event
from veilleur.events.scene import Scene


class Sense(Protocol):
    """Told every frame that is not blind, in order, after detector and tracker, while a rule of
    its event may be served: without authorisation for that event it sees no picture.
    """

    @property
    def event(self) -> Event:
        """What it looks for."""
        ...

    def look(self, scene: Scene, frame: Frame) -> Scene:
        """The scene with what this sense found. The frame's picture is not kept."""
        ...

    def pause(self, blind: str) -> None:
        """The camera sees nothing, for this reason (`cameras.health.Blind`). What is known of the
        place and of who is in it may be found again afterwards, but no second of it counts."""
        ...

    def forget(self) -> None:
        """Nothing was seen for a time, or nobody might look: nothing is compared over it."""
        ...
