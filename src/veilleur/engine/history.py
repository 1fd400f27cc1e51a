"""Where people and vehicles were in the last minutes: what a clip is redacted by.

Bounded by time, by pictures and by boxes, whichever is met first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from veilleur.engine.seen import Boxes
from veilleur.geometry import View

KEPT_S = 180.0
MOST_PICTURES = 2000
MOST_BOXES = 200_000
"""Of one camera: 16 bytes each."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxesAt:
    """The boxes of one analysed picture. at: UTC, as the clock is set now; host_s: the same instant
    on the host's clock that never goes back, the time of the picture's packet. view: in whose
    pixels they are."""

    at: datetime
    host_s: float
    view: View
    boxes: Boxes


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    host_s: float
    view: View
    boxes: Boxes

    @property
    def number(self) -> int:
        boxes = self.boxes
        return len(boxes.people) + len(boxes.vehicles) + len(boxes.moving)


class BoxHistory:
    """The boxes of one camera's last pictures. One thread at a time adds, any reads."""

    def __init__(self) -> None:
        self._kept: deque[Kept] = deque()
        self._boxes = 0

    def add(self, host_s: float, view: View, boxes: Boxes) -> None:
        new = Kept(host_s, view, boxes)
        self._kept.append(new)
        self._boxes += new.number
        while self._too_much(host_s):
            self._boxes -= self._kept.popleft().number

    def between(self, since: float, until: float) -> list[Kept]:
        """Host seconds, both included."""
        return [kept for kept in tuple(self._kept) if since <= kept.host_s <= until]

    def _too_much(self, now: float) -> bool:
        if len(self._kept) == 1:
            return False
        old = now - self._kept[0].host_s > KEPT_S
        return old or len(self._kept) > MOST_PICTURES or self._boxes > MOST_BOXES
