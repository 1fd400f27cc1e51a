"""A thing left behind: put down, still, and nobody with it for a time.

Definition: décret n° 2023-828, article 3, « la présence d'objets abandonnés ». Since when a thing
counts as abandoned is taken from the two public definitions: unattended when nobody is within 3 m
(PETS 2006: its owner), for 60 s (i-LIDS abandoned baggage, UK Home Office). Who put it down is not
part of it: anybody within reach attends it, and nobody is traced, described or found again.

Method. Two sources that must agree or explain each other. Pixels: what has newly come to rest
(`scene.still`), which may be anything, and is dropped where it is light, the trace of something
taken away, a person or a vehicle. Detector: bags, wherever they stand still; they may have stood
there since the first picture, and then must be recognised again and again. A thing is one place in
the picture, whatever its sources call it. States: placed -> unattended -> abandoned -> attended
again or removed; each change comes as a notice with its checks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event
from veilleur.errors import ConfigurationError
from veilleur.events.attendance import Attendance, Lately, People, Reach
from veilleur.events.held import SILENCE_S
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.events.things import SAME, SETTLE_S, Thing, Things, shares
from veilleur.events.yardstick import Yardstick
from veilleur.geometry import Box, View, Zone
from veilleur.ground import PERSON_M
from veilleur.perception.objects import Kind
from veilleur.perception.overlap import box_iou
from veilleur.perception.still import Content, Nature

RADIUS_M = 3.0
MOST_OF_PICTURE = 0.3  # where nobody was seen yet: larger is no bag
EXPLAINED = 20.0  # per cent of the looks in which a person or a vehicle is seen in it
LEAST_LOOKS = 5
IS_VEHICLE = 0.3  # overlap (IoU) with a vehicle's box
IS_PERSON = 0.5  # share of the thing inside a person's box
RECOGNISED = 60.0  # per cent of the looks in which the detector alone must find a bag
BESIDE_HEIGHTS = 0.3  # nearer to a thing already told, in person heights, it is a part of it
CARRIED_S = 4.0  # so long before it came to rest somebody must have been near
CHANGED = 0.5  # overlap (IoU): less, and what was taken for one thing was a person and a thing
GONE_S = 10.0  # so long it is told that something was taken away
PAUSE_S = 60.0  # blind for longer, and nobody knows what became of the place
MOVED = "moved"  # the word for a camera that looks elsewhere
UNSEEN_S = 60.0  # and that the camera saw nothing for a time
FAR = 3.0  # reaches: it is not told more exactly how far away the nearest person is
PLACED, UNATTENDED, ABANDONED = "placed", "unattended", "alarm"
ATTENDED, REMOVED = "attended", "removed"
COUNTING = ("unattended", "in_view")
EDGE = 1e-9
EDGE_SHARE = 0.004  # of the picture's width and height: so near, a thing is cut by its edge


class Parameters(BaseModel):
    """What can be set. Absent: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unattended_s: float = Field(
        default=60.0, gt=0, description="seconds with nobody within reach until it is abandoned"
    )
    radius_m: float | None = Field(
        default=None, gt=0, description="reach in metres (default 3); without a ground over 1.7 m"
    )
    radius_heights: float | None = Field(
        default=None, gt=0, description="reach in person heights instead"
    )
    stay_s: float = Field(
        default=4.0, ge=0, description="who stays so long within reach of it is with it again"
    )
    least_m: float = Field(
        default=0.2, ge=0, description="smaller is not judged (larger side; heights: over 1.7)"
    )
    most_m: float = Field(
        default=1.1, gt=0, description="larger is no bag: furniture, bins, pushchairs, vehicles"
    )


@dataclass(slots=True)
class _Watch:
    """What the rule knows of one thing."""

    thing: Thing
    attendance: Attendance
    box: Box  # of which the attendance speaks
    state: str = PLACED
    looks: int = 0  # while nobody attends it
    with_person: int = 0
    with_vehicle: int = 0
    gone: float | None = None
    known: bool = False  # told before the camera went blind


class AbandonedObject:
    """See the module. One instance per rule and camera."""

    event: ClassVar[Event] = Event.ABANDONED_OBJECT

    def __init__(self, spec: RuleSpecification, view: View, p: Parameters) -> None:
        """Raises ConfigurationError: no zone, or the reach given twice."""
        if spec.zone is None or spec.line is not None:
            raise ConfigurationError(
                f"rule {spec.id}: abandoned_object needs a zone",
                remedy="draw the ground on which things are watched",
                setting="zone",
            )
        if p.radius_m is not None and p.radius_heights is not None:
            raise ConfigurationError(
                f"rule {spec.id}: the reach is given twice",
                remedy="give radius_m or radius_heights, not both",
                setting="params.radius_heights",
            )
        self.id = spec.id
        self._p, self._view = p, view
        self._zone = Zone.drawn(spec.zone, view)
        self._in_metres = view.ground is not None and p.radius_heights is None
        metres = RADIUS_M if p.radius_m is None else p.radius_m
        far = metres if self._in_metres else p.radius_heights or metres / PERSON_M
        self._yardstick = Yardstick(view)
        self._reach = Reach(far, self._in_metres, self._yardstick)
        self._things, self._lately = Things(), Lately()
        self._watches: list[_Watch] = []
        self._unseen: list[tuple[Box, bool]] = []  # watched when the camera went blind; told?
        self._returned: float | None = None
        self._time: float | None = None
        self._blind = False

    @classmethod
    def build(cls, spec: RuleSpecification, view: View, p: Parameters, *, clock: bool) -> Self:  # noqa: ARG003 (no schedule here)
        return cls(spec, view, p)

    def step(self, scene: Scene) -> Verdict:
        if scene.blind is not None:
            self._pause(scene.blind)
            return Verdict()
        self._resume(scene.time)
        if self._returned is None:
            self._returned = scene.time
        self._time = scene.time
        people = People.of(scene)
        self._yardstick.learn(scene)
        self._lately.see(people)
        there, gone = self._things.update(scene)
        said = self._keep(there, gone, scene)
        for watch in self._watches:
            said += self._judge(watch, scene, people)
        return Verdict(
            signals=tuple(s for s in said if s.level == ABANDONED),
            notices=tuple(s for s in said if s.level != ABANDONED),
            holding=tuple(w.thing.box for w in self._watches if w.state == ABANDONED),
            candidates=(
                *(
                    Candidate(where=w.thing.box, checks=self._checks(w, scene.time))
                    for w in self._watches
                ),
                *self._interrupted(scene.time),
            ),
        )

    # ------------------------------------------------------------------ which things

    def _pause(self, blind: str) -> None:
        self._blind = True
        if blind == MOVED:
            self._interrupt()

    def _resume(self, time: float) -> None:
        """After blindness the countdown goes on where it stopped; not where the clock was set, or
        nothing was seen for long."""
        missed_s = 0.0 if self._time is None else time - self._time
        if not 0 <= missed_s <= (PAUSE_S if self._blind else SILENCE_S):
            self._interrupt()
        elif self._blind:
            for watch in self._watches:
                watch.attendance.resume(missed_s)
                watch.gone = watch.gone + missed_s if watch.gone is not None else None
            self._things.resume(missed_s)
            self._lately.resume(missed_s)
        self._blind = False

    def _interrupt(self) -> None:
        """Nothing is counted over a time in which nothing was seen, and that is said."""
        counted = [w for w in self._watches if w.state in (UNATTENDED, ABANDONED)]
        self._unseen += [(w.thing.box, w.state == ABANDONED or w.known) for w in counted]
        self._watches.clear()
        self._things.clear()
        self._lately.clear()
        self._returned = None

    def _keep(self, there: Sequence[Thing], gone: Sequence[Thing], scene: Scene) -> list[Signal]:
        """A watch for each thing at rest in the zone; what is gone is told for a moment more."""
        said = []
        for watch in self._watches:
            if any(watch.thing is thing for thing in gone):
                watch.gone = scene.time
                if watch.state in (UNATTENDED, ABANDONED):
                    said.append(self._signal(watch, scene, REMOVED))
                watch.state = REMOVED
        self._watches = [w for w in self._watches if self._goes_on(w, scene.time)]
        watched = {id(w.thing) for w in self._watches}
        for thing in there:
            if id(thing) not in watched and thing.at_rest and self._inside(thing.box):
                self._watches.append(self._watch(thing))
        return said

    def _goes_on(self, watch: _Watch, time: float) -> bool:
        if watch.gone is not None:
            return time - watch.gone <= GONE_S
        return self._inside(watch.thing.box)

    def _inside(self, box: Box) -> bool:
        foot = np.clip([box.foot], 0.0, [self._view.width, self._view.height])
        return bool(self._zone.contains(foot)[0])

    def _watch(self, thing: Thing) -> _Watch:
        watch = _Watch(thing, self._attended_since(thing), thing.box)
        known = [u for u in self._unseen if box_iou(u[0], thing.box) >= SAME]
        self._unseen = [u for u in self._unseen if u not in known]
        watch.known = any(told for _, told in known)
        watch.attendance.known |= bool(known)
        return watch

    def _attended_since(self, thing: Thing) -> Attendance:
        """With what is known of the seconds before it was known that it is at rest."""
        placed = max(thing.placed, -math.inf if self._returned is None else self._returned)
        attendance = Attendance(self._reach, self._p.stay_s, placed)
        for people in self._lately.since(thing.placed - CARRIED_S):
            attendance.update(people, thing.box)
        return attendance

    # ------------------------------------------------------------------ what becomes of one

    def _judge(self, watch: _Watch, scene: Scene, people: People) -> list[Signal]:
        if watch.gone is not None:
            return []
        if watch.state == PLACED and box_iou(watch.box, watch.thing.box) < CHANGED:
            watch.attendance, watch.box = self._attended_since(watch.thing), watch.thing.box
        watch.attendance.update(people, watch.thing.box)
        self._look(watch, scene, people)
        failed = next((c.name for c in self._checks(watch, scene.time) if not c.passed), None)
        before, watch.state = watch.state, self._next(watch.state, failed)
        if watch.state == before:
            return []
        if watch.state == PLACED:
            watch.known = False
            return [self._signal(watch, scene, ATTENDED)] if failed == "alone" else []
        if watch.state == ABANDONED and (watch.known or self._beside_a_told(watch)):
            return []
        return [self._signal(watch, scene, watch.state)]

    @staticmethod
    def _next(state: str, failed: str | None) -> str:
        """failed: the first check that has not passed."""
        if failed is None or (state == ABANDONED and failed in COUNTING):
            return ABANDONED
        return UNATTENDED if failed in COUNTING else PLACED

    def _look(self, watch: _Watch, scene: Scene, people: People) -> None:
        """How often, while nobody attends it, a person or a vehicle is seen in it."""
        if watch.attendance.alone_since is None:
            watch.looks = watch.with_person = watch.with_vehicle = 0
        elif scene.fresh:
            box = watch.thing.box
            vehicles = [Box(*row) for row in scene.tracks.of(Kind.VEHICLE).boxes.tolist()]
            covered = bool((shares(people.boxes[people.sure], box) >= IS_PERSON).any())
            watch.looks += 1
            watch.with_person += covered and not watch.thing.hidden
            watch.with_vehicle += any(box_iou(v, box) >= IS_VEHICLE for v in vehicles)

    def _beside_a_told(self, watch: _Watch) -> bool:
        """A part of something that an operator has been told of already."""
        box = watch.thing.box
        person = self._yardstick.person_px(box.foot) or 2 * max(box.width, box.height)
        others = [w.thing.box for w in self._watches if w.state == ABANDONED and w is not watch]
        return any(_gap(box, other) <= BESIDE_HEIGHTS * person for other in others)

    def _signal(self, watch: _Watch, scene: Scene, level: str) -> Signal:
        alone = watch.attendance.alone_since
        return Signal(
            event=self.event,
            rule=self.id,
            camera=scene.camera,
            began=scene.time if alone is None else alone,
            noticed=scene.time,
            where=watch.thing.box,
            checks=self._checks(watch, scene.time),
            level=level,
            watched=watch.thing.placed,
        )

    # ------------------------------------------------------------------ why, or why not

    def _checks(self, watch: _Watch, time: float) -> tuple[Check, ...]:
        thing = watch.thing
        age_s = time - thing.placed
        if watch.gone is not None:
            return (_check("still_there", time - watch.gone, 0.0, "s", age_s, False),)
        is_bag = thing.is_bag
        checks = [
            replace(_check("at_rest", age_s, SETTLE_S, "s", age_s, True), at_least=thing.older),
            _yes("no_trace", thing.nature is not Nature.TRACE or is_bag, age_s),
            _yes("no_light", thing.nature is not Nature.LIGHT or is_bag, age_s),
            _yes("brought", watch.attendance.brought or thing.older, age_s),
            *self._explanations(watch, age_s),
            _yes("whole", not self._cut(thing.box), age_s),
            *self._sizes(thing.box, age_s),
        ]
        if thing.pixels is None:
            seen = 100 * thing.recognised
            checks.append(_check("recognised", seen, RECOGNISED, "%", age_s, seen >= RECOGNISED))
        return (*checks, *self._attended(watch, time))

    def _explanations(self, watch: _Watch, age_s: float) -> list[Check]:
        """A person or a vehicle, seen in it now and then or on a closer look."""
        content, looks = watch.thing.content, max(watch.looks, LEAST_LOOKS)
        person = 100.0 if content is Content.PERSON else 100 * watch.with_person / looks
        vehicle = 100.0 if content is Content.VEHICLE else 100 * watch.with_vehicle / looks
        examined = content is not Content.UNSEEN or watch.thing.pixels is None
        return [
            _yes("examined", examined, age_s),
            _check("no_person", person, EXPLAINED, "%", age_s, person <= EXPLAINED),
            _check("no_vehicle", vehicle, EXPLAINED, "%", age_s, vehicle <= EXPLAINED),
        ]

    def _cut(self, box: Box) -> bool:
        """By the edge of the picture: nobody knows what it is a part of."""
        x, y = EDGE_SHARE * self._view.width, EDGE_SHARE * self._view.height
        inside = box.x1 > x and box.y1 > y
        return not (inside and box.x2 < self._view.width - x and box.y2 < self._view.height - y)

    def _sizes(self, box: Box, age_s: float) -> list[Check]:
        heights = self._yardstick.heights(box)
        if heights is None:
            share = 100 * max(box.width, box.height) / self._view.height
            most = 100 * MOST_OF_PICTURE
            return [_check("small_in_picture", share, most, "%", age_s, share <= most)]
        in_metres = self._view.ground is not None
        unit, per = ("m", PERSON_M) if in_metres else ("person_heights", 1.0)
        scale = 1.0 if in_metres else 1 / PERSON_M
        size, least, most = heights * per, self._p.least_m * scale, self._p.most_m * scale
        return [
            _check("large_enough", size, least, unit, age_s, size >= least),
            _check("small_enough", size, most, unit, age_s, size <= most),
        ]

    def _attended(self, watch: _Watch, time: float) -> list[Check]:
        attendance = watch.attendance
        alone = attendance.alone_since
        held_s = 0.0 if alone is None else time - alone
        limit_s = self._p.unattended_s + (self._p.stay_s if attendance.near else 0.0)
        nearest = min(attendance.nearest, FAR * self._reach.far)
        unit = "m" if self._in_metres else "person_heights"
        nobody = _check("alone", nearest, self._reach.far, unit, held_s, alone is not None)
        visible = not watch.thing.hidden or watch.state == ABANDONED
        return [
            replace(nobody, at_least=attendance.nearest > nearest),
            _check(
                "unattended", held_s, self._p.unattended_s, "s", held_s, held_s >= limit_s - EDGE
            ),
            _yes("in_view", visible, held_s),
        ]

    def _interrupted(self, time: float) -> list[Candidate]:
        """Watched when the camera went blind, and not found again yet: said for a minute."""
        since_s = time - (time if self._returned is None else self._returned)
        if since_s > UNSEEN_S:
            self._unseen.clear()
        check = _check("uninterrupted", since_s, UNSEEN_S, "s", 0.0, False)
        return [Candidate(where=box, checks=(check,)) for box, _ in self._unseen]


def _check(
    name: str, measured: float, threshold: float, unit: str, held_s: float, passed: bool
) -> Check:
    return Check(
        name=name,
        measured=measured,
        threshold=threshold,
        unit=unit,
        held_s=held_s,
        passed=passed,
    )


def _yes(name: str, passed: bool, held_s: float) -> Check:
    return _check(name, float(passed), 1.0, "yes", held_s, passed)


def _gap(one: Box, other: Box) -> float:
    """Pixels between two boxes."""
    across = max(one.x1, other.x1) - min(one.x2, other.x2)
    down = max(one.y1, other.y1) - min(one.y2, other.y2)
    return math.hypot(max(across, 0.0), max(down, 0.0))
