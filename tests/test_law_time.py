"""Periods on every day of the year, and orders in any order: nothing passes outside an act."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.acts import act, verified
from veilleur.cameras.frame import Frame
from veilleur.cameras.picture import Picture
from veilleur.catalogue import Event
from veilleur.engine.pipeline import Pipeline
from veilleur.errors import NotAuthorised
from veilleur.events.registry import build_rule
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import ImageArray, View
from veilleur.law.authorisation import Authorisation, Period
from veilleur.law.gate import CONTACT_S, Gate, Live
from veilleur.law.orders import Act, Orders, Scope, Stop, Suspension
from veilleur.law.profile import LegalProfile
from veilleur.law.regime import desk
from veilleur.perception.looking import Looker, LookSettings
from veilleur.perception.objects import Detections
from veilleur.perception.tracker import Tracker

ZONES = st.sampled_from(["Europe/Paris", "America/Martinique", "Pacific/Noumea", "UTC"]).map(
    ZoneInfo
)
CHANGES = [date(2026, 3, 29), date(2026, 10, 25), date(2027, 3, 28), date(2027, 10, 31)]
"""Days of 23 and of 25 hours in Paris."""
DAYS = st.one_of(st.sampled_from(CHANGES), st.dates(date(2026, 3, 22), date(2027, 11, 20)))
FACES = st.builds(
    lambda day, minute, fold: datetime.combine(day, time(minute // 60, minute % 60, fold=fold)),
    DAYS,
    st.integers(0, 24 * 60 - 1),
    st.integers(0, 1),
)
INSTANTS = st.builds(lambda face, zone: face.replace(tzinfo=zone), FACES, ZONES)


@settings(max_examples=400, deadline=None)
@given(
    start=INSTANTS,
    hours=st.floats(0.02, 3) | st.floats(3, 700),
    share=st.floats(-0.5, 1.5),
    seen_in=ZONES,
)
def test_a_period_is_kept_to_the_second_on_days_of_23_and_25_hours(
    start: datetime, hours: float, share: float, seen_in: ZoneInfo
) -> None:
    """The truth is told in seconds since 1970, which no clock face changes."""
    begins = start.timestamp()
    end = datetime.fromtimestamp(begins + hours * 3600, start.tzinfo)
    period = Period.model_validate({"from": start, "until": end})
    at = datetime.fromtimestamp(begins + share * hours * 3600, seen_in)
    assert period.covers(at) == (begins <= at.timestamp() < end.timestamp())
    assert period.covers(start)
    assert not period.covers(end)


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    """Two local times of one zone are compared by their clock faces, unless one knows better."""
    paris = ZoneInfo("Europe/Paris")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=paris)
    period = Period.model_validate(
        {"from": datetime(2026, 10, 25, 1, tzinfo=paris), "until": first}
    )
    assert period.covers(datetime(2026, 10, 25, 2, 15, tzinfo=paris))
    assert not period.covers(datetime(2026, 10, 25, 2, 15, tzinfo=paris, fold=1))


@settings(max_examples=200, deadline=None)
@given(start=INSTANTS, end=INSTANTS)
def test_what_is_no_period_is_none(start: datetime, end: datetime) -> None:
    passes = end.timestamp() - start.timestamp()
    try:
        Period.model_validate({"from": start, "until": end})
    except ValueError:
        assert passes <= 0 or passes > 30 * 86400
    else:
        assert 0 < passes <= 31 * 86400 + 3600


@settings(max_examples=200, deadline=None)
@given(day=st.dates(date(2026, 3, 1), date(2028, 2, 1)), minute=st.integers(0, 1439))
def test_a_law_ends_at_midnight_where_it_is_the_law(day: date, minute: int) -> None:
    paris = ZoneInfo("Europe/Paris")
    at = datetime.combine(day, time(minute // 60, minute % 60), paris).astimezone(UTC)
    expected = date(2026, 3, 21) <= at.astimezone(paris).date() <= date(2027, 12, 31)
    assert verified().in_force(at) == expected


# ---------------------------------------------------------------------- orders in any order
START = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
"""Half an hour before summer time ends."""
CAMERAS = ("gate", "yard")
RULES = {"zone": Event.FORBIDDEN_ZONE, "way": Event.WRONG_WAY}
VIEW = View(64, 48)
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
PROFILE: LegalProfile = verified()


@dataclass(slots=True)
class Witness:
    """A detector that counts how often it was reached."""

    name: str = "witness"
    height: int = 48
    width: int = 64
    reached: int = 0

    def detect(self, image: ImageArray) -> Detections:
        self.reached += 1
        return Detections.none()


@dataclass(slots=True)
class Written:
    """An order in the authority's book: since when, in seconds passed."""

    act: Authorisation
    suspended: float | None = None


@dataclass(slots=True)
class Book:
    """What the store holds, in plain terms."""

    acts: list[Written] = field(default_factory=list)
    withdrawn: dict[str, float] = field(default_factory=dict)
    stops: dict[tuple[Scope, str], float] = field(default_factory=dict)

    def orders(self, at: datetime) -> Orders:
        suspension = Suspension(who="prefect", at=at, reason="over")
        return Orders(
            acts=tuple(
                Act(authorisation=w.act, suspended=None if w.suspended is None else suspension)
                for w in self.acts
            ),
            withdrawn=frozenset(self.withdrawn),
            stops=tuple(Stop(scope=s, target=t, who="amel", at=at) for s, t in self.stops),
        )

    def allows(self, camera: str, rule: str, *instants: float, grace: float) -> bool:
        """May it look, if orders younger than `grace` (as a time passed) are not yet known?"""
        if any(s in (Scope.EVERYTHING, Scope.SITE) and t < grace for (s, _), t in self._stopped()):
            return False
        for target in (camera, f"{camera}/{rule}"):
            if any(name == target and t < grace for (_, name), t in self._stopped()):
                return False
        if self.withdrawn.get(camera, grace) < grace:
            return False
        return any(
            camera in w.act.cameras
            and RULES[rule] in w.act.events
            and (w.suspended is None or w.suspended >= grace)
            and all(
                w.act.period.start.timestamp() <= t < w.act.period.end.timestamp() for t in instants
            )
            for w in self.acts
        )

    def _stopped(self) -> list[tuple[tuple[Scope, str], float]]:
        return list(self.stops.items())


SCOPES = st.sampled_from(
    [
        (Scope.EVERYTHING, ""),
        (Scope.SITE, "square"),
        *((Scope.CAMERA, camera) for camera in CAMERAS),
        *((Scope.RULE, f"{camera}/{name}") for camera in CAMERAS for name in RULES),
    ]
)


class Interleaving(RuleBasedStateMachine):
    """Acts, suspensions, stops, lost contact, clock steps and frames, as they come.

    The gate is right when, for what it was last told, it opens exactly where the book says so; and
    safe when, whatever it was told, nothing was looked at against an order older than two seconds
    or outside an act's true hours.
    """

    @initialize()
    def begin(self) -> None:
        self.passed, self.offset = 0.0, 0.0
        self.book, self.told_at = Book(), float("-inf")
        self.told = Book()
        self.gate = Gate(
            {camera: Live() for camera in CAMERAS},
            desk(PROFILE),
            site="square",
            boot=lambda: self.passed,
        )
        self.gate.steady.settle(START)
        self.witness = {camera: Witness() for camera in CAMERAS}
        self.lines = {camera: self._line(camera) for camera in CAMERAS}
        self.the_prefect_decides(-0.5, 9.0, CAMERAS, tuple(RULES.values()))
        self.the_desk_reads_its_orders()

    def _line(self, camera: str) -> Pipeline:
        specifications = (
            RuleSpecification(id="zone", event=Event.FORBIDDEN_ZONE, zone=WHOLE),
            RuleSpecification(
                id="way", event=Event.WRONG_WAY, zone=WHOLE, allowed_heading=(1.0, 0.0)
            ),
        )
        return Pipeline(
            camera=camera,
            view=VIEW,
            rules=[build_rule(s, VIEW, local_time_known=False) for s in specifications],
            looker=Looker(self.witness[camera], VIEW, LookSettings()),
            follower=Tracker(view=VIEW),
            gate=self.gate,
        )

    # ------------------------------------------------------------------ what may happen
    @rule(seconds=st.sampled_from([0.2, 0.5, 1.9, 2.1]))
    def the_desk_hears_nothing_for(self, seconds: float) -> None:
        self.passed += seconds

    @rule(seconds=st.sampled_from([0.5, 60.0, 1800.0]))
    def time_passes(self, seconds: float) -> None:
        self.passed += seconds
        self.the_desk_reads_its_orders()

    @rule(seconds=st.sampled_from([-3600.0, -30.0, 3.0, 3600.0]))
    def somebody_sets_the_clock(self, seconds: float) -> None:
        self.offset += seconds

    @rule(
        from_h=st.sampled_from([-2.0, -0.5, 0.0, 0.5, 1.0]),
        hours=st.sampled_from([0.01, 0.5, 1.0, 2.0]),
        cameras=st.sampled_from([("gate",), ("yard",), CAMERAS]),
        events=st.sampled_from(
            [(Event.FORBIDDEN_ZONE,), (Event.WRONG_WAY,), tuple(RULES.values())]
        ),
    )
    def the_prefect_decides(
        self, from_h: float, hours: float, cameras: tuple[str, ...], events: tuple[Event, ...]
    ) -> None:
        paris = ZoneInfo("Europe/Paris")
        begins = START.timestamp() + self.passed + from_h * 3600
        period = {
            "from": datetime.fromtimestamp(begins, paris),
            "until": datetime.fromtimestamp(begins + hours * 3600, paris),
        }
        reference = f"Act {len(self.book.acts)}"
        decided = act(reference=reference, cameras=cameras, events=events, period=period)
        self.book.acts.append(Written(decided))

    @precondition(lambda self: self.book.acts)
    @rule(data=st.data())
    def the_prefect_suspends(self, data: st.DataObject) -> None:
        written = data.draw(st.sampled_from(self.book.acts), label="act")
        written.suspended = self.passed if written.suspended is None else written.suspended

    @rule(camera=st.sampled_from(CAMERAS))
    def a_camera_is_withdrawn(self, camera: str) -> None:
        self.book.withdrawn.setdefault(camera, self.passed)

    @precondition(lambda self: self.book.withdrawn)
    @rule(data=st.data())
    def a_camera_is_let_in_again(self, data: st.DataObject) -> None:
        del self.book.withdrawn[data.draw(st.sampled_from(sorted(self.book.withdrawn)))]

    @rule(stop=SCOPES)
    def somebody_stops(self, stop: tuple[Scope, str]) -> None:
        self.book.stops.setdefault(stop, self.passed)

    @precondition(lambda self: self.book.stops)
    @rule(data=st.data())
    def a_stop_is_lifted(self, data: st.DataObject) -> None:
        stop = data.draw(st.sampled_from(sorted(self.book.stops)), label="stop")
        del self.book.stops[stop]

    @rule()
    def the_desk_reads_its_orders(self) -> None:
        self.told = Book(
            [Written(w.act, w.suspended) for w in self.book.acts],
            dict(self.book.withdrawn),
            dict(self.book.stops),
        )
        self.told_at = self.passed
        self.gate.obey(self.book.orders(START), fresh_until=self.passed + CONTACT_S)

    # ------------------------------------------------------------------ what must hold
    @invariant()
    def a_frame_passes_where_the_book_says_so_and_nowhere_else(self) -> None:
        true = START.timestamp() + self.passed
        wall = true + self.offset
        for number, (camera, line) in enumerate(self.lines.items()):
            before = self.witness[camera].reached
            judged = self._step(line, number, datetime.fromtimestamp(wall, UTC))
            looked = self.witness[camera].reached - before
            in_contact = self.passed < self.told_at + CONTACT_S
            expected = {
                name
                for name in RULES
                if in_contact and self.told.allows(camera, name, true, wall, grace=float("inf"))
            }
            assert judged == expected
            assert looked == bool(expected)
            for name in judged:
                grace = self.passed - 2.0
                assert self.book.allows(camera, name, true, grace=grace), "I3"

    def _step(self, line: Pipeline, number: int, at: datetime) -> set[str]:
        picture = Picture(np.full((72, 64), 100 + number, np.uint8))
        try:
            step = line.step(Frame(line.camera, 0, self.passed, picture), at)
        except NotAuthorised:
            return set()
        return {said.rule for said in step.verdicts}


@pytest.mark.parametrize("trials", [pytest.param(60), pytest.param(2000, marks=pytest.mark.long)])
def test_no_interleaving_of_orders_lets_a_frame_pass_outside_an_act(trials: int) -> None:
    """I3 of the invariants, over any order of F2's acts."""
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Interleaving, settings=settings(max_examples=trials, stateful_step_count=50, deadline=None)
    )
