"""From a decoded picture to a Frame: masks first, then the small picture, health and activity."""

from __future__ import annotations

from typing import Protocol

from veilleur.cameras.decoding import Decoded
from veilleur.cameras.frame import Activity, Frame
from veilleur.cameras.masks import Masks
from veilleur.geometry import ImageArray


class Health(Protocol):
    """Can anything be seen? Told each small picture."""

    def step(self, thumbnail: ImageArray, time: float) -> str | None:
        """thumbnail: (h, w) uint8 luma; time in seconds. None, or the word for why not."""
        ...


class ActivityMeter(Protocol):
    """What moved? Told each small picture."""

    def step(self, thumbnail: ImageArray, time: float) -> Activity:
        """thumbnail: (h, w) uint8 luma; time in seconds."""
        ...


class Sampler:
    """Makes the Frames of one camera, numbered from 0. Health and activity: None, not measured."""

    def __init__(
        self,
        camera: str,
        *,
        masks: Masks | None = None,
        health: Health | None = None,
        activity: ActivityMeter | None = None,
    ) -> None:
        self._camera = camera
        self._masks = masks or Masks()
        self._health = health
        self._activity = activity
        self._sequence = 0

    def step(self, decoded: Decoded) -> Frame:
        """The picture is masked in place, before anything else reads it."""
        self._masks.burn(decoded.picture)
        activity, blind = Activity(), None
        if self._health or self._activity:
            thumbnail = decoded.picture.thumbnail()
            if self._health:
                blind = self._health.step(thumbnail, decoded.time)
            if self._activity:
                activity = self._activity.step(thumbnail, decoded.time)
        return self._frame(decoded, activity, blind)

    def hold(self, frame: Frame, time: float) -> Frame:
        """The same picture once more at a later time: nothing moved, and it sees as it saw."""
        still = Activity(moved=0.0, everywhere=False)
        again = Decoded(frame.picture, time, frame.arrived, False)
        return self._frame(again, still, frame.blind)

    def _frame(self, decoded: Decoded, activity: Activity, blind: str | None) -> Frame:
        frame = Frame(
            camera=self._camera,
            sequence=self._sequence,
            time=decoded.time,
            picture=decoded.picture,
            arrived=decoded.arrived,
            key=decoded.key,
            activity=activity,
            blind=blind,
        )
        self._sequence += 1
        return frame
