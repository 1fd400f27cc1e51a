"""The way of one camera's frame: gate, look, tracks, scene, rules, alerts.

The same object runs live, in `watch`, and in `evaluate`. It reads no clock: the frame brings the
stream's time, the caller the instant for the gate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from veilleur.cameras.frame import Frame
from veilleur.catalogue import Event
from veilleur.engine.senses import Sense
from veilleur.engine.situations import Alert, Followed, Situations, alert_of
from veilleur.errors import NotAuthorised
from veilleur.events.rule import Rule, Verdict
from veilleur.events.scene import Scene
from veilleur.geometry import FloatArray, View
from veilleur.law.gate import Gate
from veilleur.perception.looking import Look, Looker
from veilleur.perception.movement import Movement
from veilleur.perception.objects import Detections, Tracks
from veilleur.perception.shifts import PictureShifts
from veilleur.perception.tiles import Headcount

Made = TypeVar("Made")
HEADCOUNT_S = 3.0
"""A count in tiles is made about once a second, over several pictures; so old it may be."""


class Follower(Protocol):
    """The tracker as the pipeline uses it."""

    def step(self, detections: Detections, time: float) -> Tracks: ...
    def coast(self, time: float) -> Tracks: ...
    def expected(self, time: float) -> FloatArray: ...


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What one rule said of one scene."""

    rule: str
    event: Event
    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Everything one frame led to. going_on: by rule, who was told and still is seen."""

    scene: Scene
    alerts: tuple[Alert, ...] = ()
    verdicts: tuple[RuleVerdict, ...] = ()
    frame: Frame | None = None
    inferences: int = 0
    looked: str = "nothing"
    going_on: Mapping[str, tuple[Followed, ...]] = field(default_factory=dict)

    @property
    def time(self) -> float:
        return self.scene.time


@dataclass(slots=True)
class Pipeline:
    """One camera. `begins`: the local time of stream second 0, for schedules, if it is known.
    `movement`: speaks for moving vehicles; None where no rule is about vehicles.
    `senses`: what only some rules ask to be seen.

    Not safe for two threads at once: a camera's frames come one after another.
    """

    camera: str
    view: View
    rules: Sequence[Rule]
    looker: Looker
    follower: Follower
    gate: Gate
    movement: Movement | None = None
    begins: datetime | None = None
    senses: Sequence[Sense] = ()
    _wanted: dict[str, Event] = field(init=False)
    _made: dict[str, Rule] = field(init=False)
    _rules: dict[str, Rule] = field(init=False)
    _situations: dict[str, Situations] = field(init=False)
    _empty: tuple[Follower, Movement | None] = field(init=False)
    _watching: frozenset[str] = frozenset()
    _headcount: Headcount | None = None
    _shifts: PictureShifts | None = None

    def __post_init__(self) -> None:
        """Rules, tracker and movement are kept as they come, to begin anew with."""
        self._wanted = {rule.id: rule.event for rule in self.rules}
        self._made = {rule.id: self._copied(rule) for rule in self.rules}
        self._rules = {rule.id: rule for rule in self.rules}
        self._situations = {rule.id: Situations() for rule in self.rules}
        self._empty = self._copied((self.follower, self.movement))
        if Event.WRONG_WAY in self._wanted.values():
            self._shifts = PictureShifts()

    def step(self, frame: Frame, at: datetime) -> Step:
        """Analyse one frame. Raises NotAuthorised, before anything looked at it."""
        admitted = self._admitted(at)
        served = self._events(admitted)
        if frame.blind is not None:
            self._pause(frame.blind)
            scene = self._scene(frame.time, self.follower.coast(frame.time), None, frame.blind)
            return self._judge(scene, admitted, frame, None)
        look = self.looker.look(
            frame.picture,
            frame.activity,
            self.follower.expected(frame.time),
            frame.time,
            counted=Event.DENSITY in served,
        )
        if self.movement is not None:
            supported = self.movement.support(look.detections, frame.picture.luma)
            look = replace(look, detections=supported)
        if look.fresh:
            if self._shifts is not None and Event.WRONG_WAY in served:
                self._shifts.step(frame.picture.luma, frame.time, self.view.width)
            tracks = self.follower.step(look.detections, frame.time)
        else:
            tracks = self.follower.coast(frame.time)
        scene = self._scene(frame.time, tracks, look, None)
        for sense in self.senses:
            if sense.event in served:
                scene = sense.look(scene, frame)
        return self._judge(scene, admitted, frame, look)

    def observe(self, detections: Detections, time: float, at: datetime) -> Step:
        """The same from boxes instead of pixels: recorded or made observations."""
        admitted = self._admitted(at)
        tracks = self.follower.step(detections, time)
        scene = Scene(
            self.camera, time, self.view, tracks, detections, local=self._local(time), fresh=True
        )
        return self._judge(scene, admitted, None, None)

    def _admitted(self, at: datetime) -> frozenset[str]:
        """Ids of the rules that may look now. Whatever may not is forgotten: nothing goes on
        afterwards as if it had been watched in between."""
        try:
            admitted = self.gate.admit(self.camera, self._wanted, at)
        except NotAuthorised:
            self._forget()
            raise
        for rule in self._watching - admitted:
            self._begin(rule)
        self._drop_pictures(of=self._events(self._watching) - self._events(admitted))
        self._watching = admitted
        return admitted

    def _events(self, rules: frozenset[str]) -> frozenset[Event]:
        return frozenset(self._wanted[rule] for rule in rules)

    def _copied(self, made: Made) -> Made:
        """With a memory of its own; the view has none and is shared."""
        return deepcopy(made, {id(self.view): self.view})

    def _begin(self, rule: str) -> None:
        """The rule as it was made, with no situation open."""
        self._rules[rule] = self._copied(self._made[rule])
        self._situations[rule] = Situations()

    def _forget(self) -> None:
        """Nobody may look: tracks, pictures and everything the rules knew are dropped."""
        if not self._watching:
            return
        for rule in self._made:
            self._begin(rule)
        self.follower, self.movement = self._copied(self._empty)
        self._headcount, self._watching = None, frozenset()
        self._drop_pictures()

    def _pause(self, blind: str) -> None:
        """Nothing is compared with the picture before; senses know what may be found again."""
        if self._shifts is not None:
            self._shifts.forget()
        for sense in self.senses:
            sense.pause(blind)

    def _drop_pictures(self, of: Collection[Event] = tuple(Event)) -> None:
        """No comparison goes over a time in which nothing was seen, or nobody might look (for
        these events)."""
        if self._shifts is not None and Event.WRONG_WAY in of:
            self._shifts.forget()
        for sense in self.senses:
            if sense.event in of:
                sense.forget()

    def _scene(self, time: float, tracks: Tracks, look: Look | None, blind: str | None) -> Scene:
        return Scene(
            camera=self.camera,
            time=time,
            view=self.view,
            tracks=tracks,
            detections=look.detections if look else Detections.none(),
            headcount=self._counted(look, time),
            local=self._local(time),
            blind=blind,
            fresh=bool(look and look.fresh),
            shifts=self._shifts,
        )

    def _counted(self, look: Look | None, time: float) -> Headcount | None:
        """The last count in tiles, while it is young enough to be true."""
        if look is not None and look.count is not None:
            self._headcount = look.count
        count = self._headcount
        return count if count and 0 <= time - count.time <= HEADCOUNT_S else None

    def _local(self, time: float) -> datetime | None:
        if self.begins is None:
            return None
        if self.begins.tzinfo is None:
            return self.begins + timedelta(seconds=time)
        # by way of UTC: a stream goes on while the wall clock is put forward or back
        passed = self.begins.astimezone(UTC) + timedelta(seconds=time)
        return passed.astimezone(self.begins.tzinfo)

    def _judge(
        self, scene: Scene, admitted: frozenset[str], frame: Frame | None, look: Look | None
    ) -> Step:
        laboratory = self.gate.permit(self.camera).laboratory
        verdicts = tuple(
            RuleVerdict(rule.id, rule.event, rule.step(scene))
            for rule in self._rules.values()
            if rule.id in admitted
        )
        alerts = tuple(
            alert_of(signal, laboratory=laboratory)
            for said in verdicts
            for signal in self._situations[said.rule].update(said.verdict, scene.time)
        )
        return Step(
            scene=scene,
            alerts=alerts,
            verdicts=verdicts,
            frame=frame,
            inferences=look.inferences if look else 0,
            looked=look.what if look else "nothing",
            going_on={
                said.rule: self._situations[said.rule].going_on(scene.time) for said in verdicts
            },
        )
