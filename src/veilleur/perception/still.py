"""What stands still and was not there before: the value between pixels and rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from veilleur.geometry import Box


class Nature(StrEnum):
    """What a change of the place that has come to rest is."""

    THING = "thing"  # it has edges of its own
    TRACE = "trace"  # of something taken away: the edges were there before, not now
    LIGHT = "light"  # shadow, lamp, reflection: the ground is seen as before, darker or brighter


class Content(StrEnum):
    """What the detector says of it, looked at closely."""

    UNSEEN = "unseen"  # not looked at yet
    UNKNOWN = "unknown"  # nothing it knows: a box, a sack, a sign
    BAG = "bag"
    PERSON = "person"
    VEHICLE = "vehicle"


@dataclass(frozen=True, slots=True)
class StillObject:
    """A change of the place that is at rest.

    id: for as long as it is followed by place. box: pixels of the view. since: second at which it
    came to rest. hidden: something passes before it.
    """

    id: int
    box: Box
    since: float
    hidden: bool = False
    nature: Nature = Nature.THING
    content: Content = Content.UNSEEN


@dataclass(frozen=True, slots=True)
class Stillness:
    """since: second from which on the place is known; what stood there then is not new.

    movers: boxes, pixels of the view, in which something moves, a person or not.
    """

    since: float
    objects: tuple[StillObject, ...] = ()
    movers: tuple[Box, ...] = ()
