"""The life of an incident: who may do what when, and what time alone does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from veilleur.catalogue import PRIORITY, Event, Priority
from veilleur.errors import IncidentRefused
from veilleur.events.rule import Check
from veilleur.geometry import Box
from veilleur.incidents import life
from veilleur.incidents.identity import new_id
from veilleur.incidents.incident import FollowUp, Incident, State, Verdict
from veilleur.incidents.reasons import CONFIRMING, OUTCOMES, dismissing
from veilleur.incidents.signal import SignalRecord

T0 = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
LIMITS = life.Limits(idle_s=120, louder_s=60, not_seen_s=600, cool_down_s=30)
HERE, THERE = Box(0.1, 0.1, 0.2, 0.3), Box(0.7, 0.6, 0.8, 0.8)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def signal(seconds: float = 0.0, where: Box = HERE, event: Event = Event.FIRE) -> SignalRecord:
    return SignalRecord(
        id=new_id(at(seconds)),
        camera="gate",
        rule="tracks",
        event=event,
        level="alarm",
        onset=at(seconds - 1),
        noticed=at(seconds),
        where=where,
        checks=(Check(name="inside", measured=1, threshold=1, unit="s", held_s=1, passed=True),),
        reference="CAB-1",
        parameters="0" * 12,
        software="0",
        laboratory=False,
    )


def incident(
    seconds: float = 0.0, event: Event = Event.FIRE, where: Box = HERE, *, canary: bool = False
) -> Incident:
    first = replace(signal(seconds, where, event), canary=canary)
    return life.opened(new_id(at(seconds)), first, PRIORITY[event], at(seconds))


def verdict(
    who: str, seconds: float, reason: str = "as_signalled", *, confirmed: bool = True
) -> Verdict:
    return Verdict(confirmed=confirmed, who=who, at=at(seconds), reason=reason)


def test_the_whole_way_from_signal_to_follow_up() -> None:
    taken = life.take(incident(), "ana", at(5))
    decided = life.decide(taken, verdict("ana", 9))
    done = life.follow_up(decided, FollowUp(who="ana", at=at(60), outcome="rescue"))
    assert [i.state for i in (taken, decided, done)] == [
        State.TAKEN,
        State.CONFIRMED,
        State.FOLLOWED_UP,
    ]
    assert (done.revision, done.verdict) == (4, verdict("ana", 9))


@pytest.mark.parametrize(
    ("deed", "cause"),
    [
        pytest.param(lambda i: life.decide(i, verdict("ben", 9)), "taken", id="decide"),
        pytest.param(lambda i: life.take(i, "ben", at(9)), "taken", id="take"),
        pytest.param(lambda i: life.release(i, "ben", at(9)), "taken", id="release"),
        pytest.param(lambda i: life.hand_over(i, "ben", "ana", at(9)), "taken", id="hand over"),
    ],
)
def test_what_one_has_taken_another_cannot_touch(deed: Callable[..., Incident], cause: str) -> None:
    taken = life.take(incident(), "ana", at(5))
    with pytest.raises(IncidentRefused) as refusal:
        deed(taken)
    assert refusal.value.cause == cause


def test_nobody_decides_what_nobody_has_taken() -> None:
    with pytest.raises(IncidentRefused) as refusal:
        life.decide(incident(), verdict("ana", 9))
    assert refusal.value.cause == "not taken"


def test_a_verdict_is_final_and_its_reason_is_of_the_closed_list() -> None:
    taken = life.take(incident(), "ana", at(5))
    with pytest.raises(IncidentRefused) as refusal:
        life.decide(taken, verdict("ana", 9, "because"))
    assert refusal.value.cause == "reason"
    decided = life.decide(taken, verdict("ana", 9, "steam_or_dust", confirmed=False))
    with pytest.raises(IncidentRefused) as refusal:
        life.decide(decided, verdict("ana", 10))
    assert refusal.value.cause == "decided"


def test_handed_over_it_is_the_colleagues() -> None:
    given = life.hand_over(life.take(incident(), "ana", at(5)), "ana", "ben", at(6))
    assert life.decide(given, verdict("ben", 8)).state is State.CONFIRMED
    with pytest.raises(IncidentRefused):
        life.decide(given, verdict("ana", 8))


def test_an_idle_claim_goes_back_to_the_queue_and_its_wait_begins_anew() -> None:
    taken = life.touch(life.take(incident(), "ana", at(5)), "ana", at(300))
    assert life.elapse(taken, at(419), LIMITS) is None
    back = life.elapse(taken, at(420), LIMITS)
    assert back is not None
    assert (back.state, back.taker, back.queued) == (State.OPEN, None, at(420))
    assert life.elapse(back, at(479), LIMITS) is None


def test_untaken_it_goes_louder_and_then_counts_as_not_seen_never_as_decided() -> None:
    waiting = incident()
    assert life.elapse(waiting, at(59), LIMITS) is None
    louder = life.elapse(waiting, at(60), LIMITS)
    assert louder is not None
    assert (louder.state, louder.escalated) == (State.OPEN, at(60))
    assert life.elapse(louder, at(599), LIMITS) is None
    unseen = life.elapse(louder, at(600), LIMITS)
    assert unseen is not None
    assert (unseen.state, unseen.verdict) == (State.NOT_SEEN, None)
    assert life.elapse(unseen, at(10_000), LIMITS) is None
    assert life.take(unseen, "ana", at(700)).state is State.TAKEN


@pytest.mark.parametrize(
    ("seconds", "where", "event", "same"),
    [
        pytest.param(35, HERE, Event.FIRE, True, id="within the cool-down, same place"),
        pytest.param(41, HERE, Event.FIRE, False, id="after it"),
        pytest.param(35, THERE, Event.FIRE, False, id="another place is told"),
        pytest.param(35, THERE, Event.DENSITY, True, id="a density has one place, its zone"),
    ],
)
def test_after_a_verdict_only_the_same_situation_is_quiet(
    seconds: float, where: Box, event: Event, *, same: bool
) -> None:
    taken = life.take(incident(event=event), "ana", at(5))
    decided = life.decide(taken, verdict("ana", 10))
    assert life.belongs(signal(seconds, where, event), decided, LIMITS) is same


def test_a_cool_down_begins_with_the_verdict_and_is_never_prolonged() -> None:
    decided = life.decide(life.take(incident(), "ana", at(5)), verdict("ana", 10))
    for seconds in (20, 35):
        assert life.belongs(signal(seconds), decided, LIMITS)
        decided = life.signalled(decided, signal(seconds))
    assert not life.belongs(signal(45), decided, LIMITS)


def test_near_is_so_many_box_heights_to_the_side_as_ahead() -> None:
    """On 1600 x 900: a box 180 high reaches 270 pixels."""
    here = Box(0.1, 0.3, 0.2, 0.5)
    aside, ahead = 270 / 1600, 270 / 900
    for less, near in ((0.98, True), (1.02, False)):
        beside = Box(0.1 + aside * less, 0.3, 0.2 + aside * less, 0.5)
        before = Box(0.1, 0.3 + ahead * less, 0.2, 0.5 + ahead * less)
        assert (life.near(here, beside), life.near(here, before)) == (near, near)


def test_while_it_waits_a_signal_at_its_place_updates_it_and_none_elsewhere() -> None:
    again = signal(500)
    assert life.belongs(again, incident(), LIMITS)
    assert not life.belongs(replace(again, where=THERE), incident(), LIMITS)
    assert not life.belongs(replace(again, rule="door"), incident(), LIMITS)
    assert not life.belongs(replace(again, canary=True), incident(), LIMITS)
    assert life.signalled(incident(), again).signals == 2
    alive = incident(canary=True)
    assert life.belongs(replace(again, where=THERE, canary=True), alive, LIMITS)


def test_what_somebody_has_is_updated_while_it_goes_on_and_not_long_after_its_end() -> None:
    taken = life.take(incident(), "ana", at(5))
    assert life.belongs(signal(500), taken, LIMITS)
    over = life.went_on(taken, at(20), LIMITS, ongoing=False)
    assert over is not None
    assert life.belongs(signal(50), over, LIMITS)
    assert life.went_on(over, at(50), LIMITS, ongoing=True) is not None
    assert not life.belongs(signal(51), over, LIMITS)
    assert life.went_on(over, at(51), LIMITS, ongoing=True) is None


def test_a_crowd_joins_the_nearest_of_those_that_call_for_somebody() -> None:
    def place(n: float) -> Box:
        return Box(n / 10, 0.5, n / 10 + 0.02, 0.55)

    calling = [incident(where=place(n)) for n in range(LIMITS.most_open)]
    last = signal(9, place(6))
    assert life.situation_of(last, calling[:-1], LIMITS) is None
    assert life.situation_of(last, calling, LIMITS) is calling[-1]
    calling[0] = life.take(calling[0], "ana", at(1))
    assert life.situation_of(last, calling, LIMITS) is None
    assert life.situation_of(signal(9, place(2)), calling, LIMITS) is calling[2]


def test_each_event_has_its_reasons_in_both_languages() -> None:
    for event in Event:
        lists = (CONFIRMING, OUTCOMES, dismissing(event))
        assert all(w.french and w.english for words in lists for w in words.values())
        assert len(dismissing(event)) >= 7
    assert {PRIORITY[event] for event in Event} == set(Priority)


class Interleavings(RuleBasedStateMachine):
    """Two operators, the engine and the clock in any order: one verdict at most (F2, D04)."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.incident = incident()
        self.verdicts: list[Verdict] = []
        self.revisions = [1]

    def _try(self, deed: Callable[..., Incident], *arguments: object) -> None:
        try:
            self.incident = deed(self.incident, *arguments)
        except IncidentRefused:
            return
        self.revisions.append(self.incident.revision)

    @rule(who=st.sampled_from(["ana", "ben"]))
    def take(self, who: str) -> None:
        free = self.incident.state in (State.OPEN, State.NOT_SEEN)
        self._try(life.take, who, at(self.now))
        assert not free or self.incident.taker == who

    @rule(who=st.sampled_from(["ana", "ben"]))
    def release(self, who: str) -> None:
        self._try(life.release, who, at(self.now))

    @rule(who=st.sampled_from(["ana", "ben"]), to=st.sampled_from(["ana", "ben"]))
    def hand_over(self, who: str, to: str) -> None:
        self._try(life.hand_over, who, to, at(self.now))

    @rule(who=st.sampled_from(["ana", "ben"]), confirmed=st.booleans())
    def decide(self, who: str, confirmed: bool) -> None:
        allowed = self.incident.state is State.TAKEN and self.incident.taker == who
        said = verdict(who, self.now, "as_signalled" if confirmed else "light", confirmed=confirmed)
        self._try(life.decide, said)
        if allowed:
            self.verdicts.append(said)

    @rule()
    def signal(self) -> None:
        if life.belongs(signal(self.now), self.incident, LIMITS):
            state = self.incident.state
            self.incident = life.signalled(self.incident, signal(self.now))
            self.revisions.append(self.incident.revision)
            assert self.incident.state is state

    @precondition(lambda self: self.now < 5000)
    @rule(seconds=st.sampled_from([1.0, 45.0, 130.0, 700.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        later = life.elapse(self.incident, at(self.now), LIMITS)
        if later is not None:
            self.incident = later
            self.revisions.append(later.revision)

    @invariant()
    def one_verdict_by_its_taker(self) -> None:
        assert len(self.verdicts) <= 1
        assert self.incident.state.decided == bool(self.verdicts)
        assert self.incident.verdict == (self.verdicts[0] if self.verdicts else None)
        assert (self.incident.taker is None) == (
            self.incident.state in (State.OPEN, State.NOT_SEEN)
        )

    @invariant()
    def revisions_go_up_by_one(self) -> None:
        assert self.revisions == list(range(1, len(self.revisions) + 1))


Interleavings.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestInterleavings = Interleavings.TestCase
