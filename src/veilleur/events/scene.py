"""What a rule sees: objects at one instant. Never a picture, a camera or a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from veilleur.geometry import View
from veilleur.perception.blaze import Blaze
from veilleur.perception.body import Body
from veilleur.perception.carrying import Carrying
from veilleur.perception.flow import Flow
from veilleur.perception.objects import Detections, Tracks
from veilleur.perception.shifts import Shifts
from veilleur.perception.still import Stillness
from veilleur.perception.tiles import Headcount


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One camera at one instant.

    time: seconds on the stream's own clock; rules count with it and with nothing else.
    local: the wall clock at that instant with its time zone, for schedules; None where unknown.
    tracks: confirmed objects. detections: everything found in this picture, for counting.
    blind: why the camera sees nothing (dark, moved, frozen ...), else None: rules stay silent.
    headcount: people counted in tiles, where they are too small or too many to be followed one by
    one; it may be seconds old (its own time says); None: count the tracks.
    shifts: answers how far what is in a box has moved; None: nobody can say (made scenes).
    still: what has newly come to rest; None: nobody looked for it.
    flow: how the pixels move, cell by cell; None: nobody looked.
    bodies: people who stood and no longer do; None: nobody looked (made scenes, recordings).
    blazes: what changes as fire does; None: nobody looked.
    carrying: what people large enough hold; None: nobody looked (made scenes, recordings).
    fresh: False where nothing was looked at anew (quiet scene): tracks are as they were.
    """

    camera: str
    time: float
    view: View
    tracks: Tracks = field(default_factory=Tracks.none)
    detections: Detections = field(default_factory=Detections.none)
    headcount: Headcount | None = None
    local: datetime | None = None
    blind: str | None = None
    fresh: bool = True
    shifts: Shifts | None = None
    flow: Flow | None = None
    still: Stillness | None = None
    bodies: tuple[Body, ...] | None = None
    blazes: tuple[Blaze, ...] | None = None
    carrying: tuple[Carrying, ...] | None = None
