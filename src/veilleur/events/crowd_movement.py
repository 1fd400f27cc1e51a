"""A crowd that suddenly runs, scatters, rushes to one point, or meets a stream against its own.

Definition: décret n° 2023-828, article 3, « un mouvement de foule ». The text says no more, so the
four forms below are defined here, after the literature on crowd safety, and every threshold is a
parameter that a site can set and must be able to explain:

- *acceleration*: calm people begin to hurry together. Free walking speed is 1.34 m/s with a
  deviation of 0.26 (Weidmann, "Transporttechnik der Fussgänger", ETH Zürich 1993), people begin to
  run at about 2.0 m/s (Hreljac, "Preferred and energetically optimal gait transition speeds in
  human locomotion", 1993). Sudden changes of the crowd's speed are what detection has been built on
  since Mehran, Oyama, Shah, "Abnormal crowd behavior detection using social force model", CVPR
  2009.
- *dispersal*: they hurry away from one point (flight; Helbing, Farkas, Vicsek, "Simulating
  dynamical features of escape panic", Nature 407, 2000).
- *surge*: they hurry towards one point ("craze", a rush to something, beside flight: Fruin, "The
  causes and prevention of crowd disasters", 1993; Still, "Introduction to Crowd Science", 2014).
- *counter-flow*: a part of them goes against a stream that was one-way, while it goes on
  (bidirectional streams: Zhang, Klingsch, Schadschneider, Seyfried, J. Stat. Mech. P02002, 2012;
  counter-flow among the conditions of disasters: Helbing, Johansson, Al-Abideen, "Dynamics of
  crowd disasters", Phys. Rev. E 75, 046109, 2007).

Method. Velocities come from `movers`: of the people in the zone, on foot, by their path or by the
optical flow, and of nobody longer than a second. Counted are (`throng`), over the last second, the
people, those who hurry (`hurry_m_s`, but no less than what is usual at this hour), and how these
point away from, or towards, the place that their ways have in common. Before it the same zone must
have held a group that was calm: joggers who run into an empty place are none, nor is a train that
empties itself at a walk. One situation has one alert, whatever its form turns into.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event, Subject
from veilleur.errors import ConfigurationError
from veilleur.events.held import SILENCE_S, Held, Stay
from veilleur.events.movers import Paths
from veilleur.events.rule import Candidate, Check, Signal, Verdict
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.events.throng import Hurry, Opposed, Throng
from veilleur.events.usual import Usual
from veilleur.geometry import Box, View, Zone

LEAST_CALM_S = 3.0  # so long a group must have been seen before
POINTED = 0.6  # mean cosine from which all hurry away from, or to, one point
OF_ALL = 0.5  # of the least share: so many of all people, with those who stand
ONCE_BEGUN = 0.5  # of all limits, while it goes on: who runs is soon lost, or out of the picture
POINTED_SHARE = 0.6  # of the least share: then fewer are enough
ONE_WAY = 0.8  # share of the stream within 60 degrees of its heading: it was one-way
GOES_ON = 0.2  # share of the movers who still go with it
HURRY, OPPOSED = "hurry", "opposed"


class Parameters(BaseModel):
    """What can be set. Absent: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_people: int = Field(default=5, ge=2, description="people in the zone: fewer are no crowd")
    min_hurried: int = Field(default=4, ge=2, description="people who hurry, or go against")
    hurry_m_s: float = Field(
        default=1.8, gt=0, description="speed from which somebody hurries, m/s"
    )
    share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="of those who move, who must hurry, and half of it of all people (0.6 of both"
        " where they hurry from or to one point)",
    )
    faster: float = Field(
        default=1.5, ge=1, description="times as fast as before, the group's median"
    )
    calm_share: float = Field(
        default=0.25, ge=0, le=1, description="of the people before, who may have hurried"
    )
    against_share: float = Field(
        default=0.25, gt=0, le=1, description="of the movers, who must go against the stream"
    )
    persist_s: float = Field(default=1.0, ge=0, description="seconds that a hurry must last")
    against_s: float = Field(default=2.0, ge=0, description="seconds that a counter-flow must last")
    gap_s: float = Field(default=0.5, ge=0, description="seconds without it that are forgiven")
    end_s: float = Field(default=5.0, ge=0, description="seconds without it that end a situation")


class CrowdMovement:
    """See the module. One instance per rule and camera."""

    event: ClassVar[Event] = Event.CROWD_MOVEMENT

    def __init__(self, spec: RuleSpecification, view: View, p: Parameters) -> None:
        """Raises ConfigurationError: no zone, a bad one, or a subject that is no person."""
        if spec.zone is None or spec.line is not None:
            raise ConfigurationError(
                f"rule {spec.id}: crowd_movement needs a zone",
                remedy="draw the ground on which people move",
                setting="zone",
            )
        if spec.subject is not Subject.PERSON:
            raise ConfigurationError(
                f"rule {spec.id}: crowd_movement looks at people, not vehicles",
                remedy="remove subject",
                setting="subject",
            )
        self.id = spec.id
        self._p = p
        self._zone = Zone.drawn(spec.zone, view)
        self._paths = Paths(view, self._zone)
        self._throng = Throng(p.min_people, p.hurry_m_s)
        self._persist_s = {HURRY: p.persist_s, OPPOSED: p.against_s}
        self._held = {form: Held[str](s, p.gap_s, p.end_s) for form, s in self._persist_s.items()}
        self._last: dict[str, float] = {}  # when each was last true
        self._where = self._zone.box
        self._now: float | None = None
        self._judged: float | None = None

    @classmethod
    def build(cls, spec: RuleSpecification, view: View, p: Parameters, *, clock: bool) -> Self:  # noqa: ARG003 (no schedule here)
        return cls(spec, view, p)

    @property
    def usual(self) -> Usual:
        """What was learnt of this camera's hours, for whoever has a place to keep it."""
        return self._throng.usual

    def step(self, scene: Scene) -> Verdict:
        if scene.blind is not None:
            self._clear()
            return Verdict()
        passed_s = 0.0 if self._now is None else scene.time - self._now
        same, self._now = self._now == scene.time, scene.time
        if not 0.0 <= passed_s <= SILENCE_S:
            self._clear()
        if same or (scene.flow is not None and scene.flow.shaken):
            return Verdict(holding=self._holding())
        if scene.fresh:
            movers = self._paths.step(scene)
            self._throng.take(movers, scene.local, learn=not self._told)
        if self._throng.last is None:
            return Verdict()
        return self._judge(scene)

    def _clear(self) -> None:
        """Nothing is known any more, but what is usual."""
        self._paths.clear()
        self._throng.clear()
        self._last.clear()
        for held in self._held.values():
            held.clear()

    @property
    def _told(self) -> bool:
        return any(held.told(form) for form, held in self._held.items())

    def _holding(self) -> tuple[Box, ...]:
        return (self._where,) if self._told else ()

    def _going_on(self, form: str, now: float) -> bool:
        """Whether it has begun: what was before is not asked again. A second without a picture is
        no gap."""
        if form not in self._last:
            return False
        forgiven_s = self._p.end_s if self._held[form].told(form) else self._p.gap_s
        return self._last[form] == self._judged or now - self._last[form] <= forgiven_s

    def _judge(self, scene: Scene) -> Verdict:
        now, told = scene.time, self._told
        hurry = self._throng.hurry(now, scene.local)
        opposed = self._throng.opposed(now, scene.local)
        candidates = [
            self._followed(HURRY, self._hurry_checks(hurry, now), hurry.where, now),
            self._followed(OPPOSED, self._opposed_checks(opposed, now), opposed.where, now),
        ]
        signals = []
        for form, (candidate, stay) in zip((HURRY, OPPOSED), candidates, strict=True):
            if stay is not None and stay.due and not told:
                told, self._where = True, candidate.where
                signals.append(self._signal(scene, stay, candidate))
            elif stay is not None and stay.told and self._held[form].told(form):
                self._where = candidate.where
        self._judged = now
        return Verdict(
            signals=tuple(signals),
            holding=self._holding(),
            candidates=tuple(candidate for candidate, _ in candidates),
        )

    def _followed(
        self, form: str, checks: tuple[Check, ...], where: Box | None, now: float
    ) -> tuple[Candidate, Stay | None]:
        """The candidate with its persistence, and its stay while all checks hold."""
        true = all(check.passed for check in checks)
        if true:
            self._last[form] = now
        stay = self._held[form].update([form] if true else [], now).get(form)
        held_s = stay.held_s if stay is not None else 0.0
        persisted = Check(
            name="persisted",
            measured=held_s,
            threshold=self._persist_s[form],
            unit="s",
            held_s=held_s,
            passed=stay is not None and (stay.due or stay.told),
        )
        return Candidate(where=where or self._zone.box, checks=(*checks, persisted)), stay

    def _hurry_checks(self, hurry: Hurry, now: float) -> tuple[Check, ...]:
        p, count, before = self._p, hurry.now, hurry.before
        begun = self._going_on(HURRY, now)
        kept = ONCE_BEGUN if begun else 1.0
        pointed = abs(hurry.away) >= POINTED
        share = p.share * (POINTED_SHARE if pointed else 1.0) * kept
        form = "hurried_share"
        if pointed:
            form = "scattering_share" if hurry.away > 0 else "rushing_share"
        checks = (
            _at_least("group", max(count.people, before.people), p.min_people, "people"),
            _at_least("hurried", count.hurried, p.min_hurried * kept, "people"),
            _at_least(form, 100 * count.share, 100 * share, "%"),
            _at_least("of_all", 100 * count.of_all, 100 * share * OF_ALL, "%"),
        )
        if begun:
            return checks
        return (
            *checks,
            _at_least("group_before", before.group_s, LEAST_CALM_S, "s"),
            _at_most("calm_before", 100 * before.of_all, 100 * p.calm_share, "%"),
            _at_least("faster", count.pace, p.faster * before.pace, "m/s"),
        )

    def _opposed_checks(self, opposed: Opposed, now: float) -> tuple[Check, ...]:
        p = self._p
        checks = (
            _at_least("moving", opposed.people, p.min_people, "people"),
            _at_least("against_stream", opposed.against, p.min_hurried, "people"),
            _at_least("against_share", 100 * opposed.share, 100 * p.against_share, "%"),
        )
        if self._going_on(OPPOSED, now):
            return checks
        return (
            *checks,
            _at_least("one_way", 100 * opposed.one_way, 100 * ONE_WAY, "%"),
            _at_least("goes_on", 100 * opposed.with_share, 100 * GOES_ON, "%"),
        )

    def _signal(self, scene: Scene, stay: Stay, candidate: Candidate) -> Signal:
        return Signal(
            event=self.event,
            rule=self.id,
            camera=scene.camera,
            began=stay.began,
            noticed=scene.time,
            where=candidate.where,
            checks=candidate.checks,
        )


def _at_least(name: str, measured: float, threshold: float, unit: str) -> Check:
    return Check(
        name=name,
        measured=measured,
        threshold=threshold,
        unit=unit,
        held_s=0.0,
        passed=measured >= threshold - 1e-9,
    )


def _at_most(name: str, measured: float, threshold: float, unit: str) -> Check:
    return Check(
        name=name,
        measured=measured,
        threshold=threshold,
        unit=unit,
        held_s=0.0,
        passed=measured <= threshold + 1e-9,
    )
