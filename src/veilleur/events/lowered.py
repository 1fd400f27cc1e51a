"""Bodies from boxes alone, where no pixel can be looked at again: recordings and made scenes.

A box that has become lower than `LOWEST` of its height when upright, and is wider than high, is
taken for somebody lying. Real detectors hardly ever give such a box: live, `perception.lying`
looks.
"""

from __future__ import annotations

from dataclasses import dataclass

from veilleur.events.scene import Scene
from veilleur.geometry import Box, View
from veilleur.perception.body import Body
from veilleur.perception.objects import Kind
from veilleur.perception.standing import Standing, Suspect

LOWEST = 0.45  # of the height upright
MOVED = 0.15  # of the height upright: a side of the box that shifts further has moved
LOOKS = 2


@dataclass(slots=True)
class _Low:
    suspect: Suspect
    box: Box
    rested: Box
    since: float
    lying_since: float | None = None


class Lowered:
    """One camera's."""

    def __init__(self, view: View) -> None:
        self._standing = Standing(view)
        self._low: dict[int, _Low] = {}

    def forget(self) -> None:
        """Nothing is known any more."""
        self._standing.forget()
        self._low.clear()

    def step(self, scene: Scene) -> tuple[Body, ...]:
        """Told every scene, in order; in one that was not looked at anew, all is as before."""
        if scene.fresh:
            self._standing.step(scene.tracks, scene.detections, scene.time)
            persons = scene.tracks.of(Kind.PERSON)
            suspects = {one.key: one for one in self._standing.suspects() if one.low}
            for key, one in suspects.items():
                known = self._low.setdefault(key, _Low(one, one.box, one.box, scene.time))
                _follow(known, one.box, scene.time)
            known_ids = set(persons.ids.tolist())
            self._low = {
                key: low
                for key, low in self._low.items()
                if not self._standing.stands(key) and (key in known_ids or low.lying_since)
            }
            for key, low in self._low.items():
                if key in known_ids and key not in suspects:
                    _follow(low, persons.box(key), scene.time)
        return tuple(_body(low) for low in self._low.values())


def _follow(low: _Low, box: Box, time: float) -> None:
    low.box = box
    reach = MOVED * low.suspect.stood_px
    sides = zip(
        (box.x1, box.y1, box.x2, box.y2),
        (low.rested.x1, low.rested.y1, low.rested.x2, low.rested.y2),
        strict=True,
    )
    if any(abs(now - before) > reach for now, before in sides):
        low.rested, low.since = box, time
    if low.lying_since is None and _lies(box, low.suspect.stood_px):
        low.lying_since = time


def _lies(box: Box, stood_px: float) -> bool:
    return box.height <= LOWEST * stood_px and box.width > box.height


def _body(low: _Low) -> Body:
    lies = _lies(low.box, low.suspect.stood_px)
    one = low.suspect
    return Body(
        key=one.key,
        box=low.box,
        stood_px=one.stood_px,
        upright_s=one.upright_s,
        upright_until=one.upright_until,
        down_since=one.down_since,
        still_since=low.since,
        lying=1.0 if lies else 0.0,
        looks=LOOKS,
        lying_since=low.lying_since if lies else None,
    )
