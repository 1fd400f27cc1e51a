"""What may happen to an incident, and what becomes of it: one pure function a deed, told the time.

Each returns the incident as it is afterwards, with the next revision, or raises IncidentRefused.
Source: demands D04 (take, lock, hand over, escalate); law 13, 26, 31, 32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from veilleur.catalogue import Event, Priority
from veilleur.errors import IncidentRefused
from veilleur.geometry import Box
from veilleur.incidents.going import Going
from veilleur.incidents.incident import FollowUp, Incident, State, Verdict
from veilleur.incidents.reasons import OUTCOMES, reasons
from veilleur.incidents.signal import SignalRecord

_WHOLE_ZONE = {Event.DENSITY, Event.CROWD_MOVEMENT}
NEAR_HEIGHTS = 1.5
ASPECT = 16 / 9
"""Of the widest usual picture: in a narrower one, what is beside is told rather too often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times of the control room, seconds.

    idle_s: a claim with which nothing is done goes back to the queue. louder_s: untaken so long, it
    goes louder and to the supervisor. not_seen_s: untaken so long, it is noted as not seen.
    cool_down_s: what comes so soon after a verdict, or after the situation of an incident that
    somebody has was seen to end, is still that situation, at the same place. most_open: incidents
    of one rule that nobody has taken; a crowd opens no more.
    """

    idle_s: float = 120.0
    louder_s: float = 60.0
    not_seen_s: float = 600.0
    cool_down_s: float = 30.0
    most_open: int = 5


# ---------------------------------------------------------------------- signals
def opened(id_: UUID, signal: SignalRecord, priority: Priority, now: datetime) -> Incident:
    return Incident(
        id=id_,
        first=signal,
        state=State.OPEN,
        revision=1,
        priority=priority,
        opened=now,
        queued=now,
        last_signal=signal.noticed,
    )


def situation_of(
    signal: SignalRecord, known: Iterable[Incident], limits: Limits, others: Sequence[Going] = ()
) -> Incident | None:
    """The incident whose situation a signal tells more of; None: it is another one, and is told.

    known: of its camera and rule, those that wait or had their verdict lately. others: of its rule,
    whose situations went on when it was raised, its own not among them. Where as many as may be
    open call for somebody already, it joins the nearest of them: a crowd is not fifty incidents.
    """
    ours = sorted(
        (one for one in known if _of_rule(signal, one)),
        key=lambda one: (one.opened, one.id),
        reverse=True,
    )

    def apart(one: Incident) -> float:
        return _apart(one.first.where, signal.where)

    same = [one for one in ours if belongs(signal, one, limits, others)]
    if same:
        return min(same, key=lambda one: (not one.state.waiting, apart(one)))
    calling = [one for one in ours if one.state is State.OPEN]
    return min(calling, key=apart) if len(calling) >= limits.most_open else None


def belongs(
    signal: SignalRecord, incident: Incident, limits: Limits, others: Sequence[Going] = ()
) -> bool:
    """Is this signal of the incident's situation?

    Another place may be another person, of whom the incident's picture shows nothing: that is told.
    At the same place a signal is of an incident that nobody has taken, or whose situation goes on,
    or ended within the cool-down; but where who was signalled then is still seen, and elsewhere by
    now, somebody else has come. So it is within the cool-down after the verdict. That begins with
    the verdict and is never prolonged. So is what comes long before the verdict by the clock: that
    was set back since.
    """
    if not _of_rule(signal, incident):
        return False
    if signal.canary:
        return incident.state.waiting
    if signal.event not in _WHOLE_ZONE and not near(incident.first.where, signal.where):
        return False
    cool_down = _s(limits.cool_down_s)
    if incident.state is State.OPEN:
        return True
    if incident.state is State.TAKEN:
        now_at = [one.where for one in others if near(incident.first.where, one.first)]
        if now_at and signal.event not in _WHOLE_ZONE:
            return any(near(where, signal.where) for where in now_at)
        return incident.ongoing or abs(signal.noticed - incident.last_signal) <= cool_down
    verdict = incident.verdict
    return verdict is not None and abs(signal.noticed - verdict.at) <= cool_down


def _of_rule(signal: SignalRecord, incident: Incident) -> bool:
    first = incident.first
    return (first.camera, first.rule, first.canary) == (signal.camera, signal.rule, signal.canary)


def near(one: Box, other: Box) -> bool:
    """Feet within one and a half box heights of each other. In shares of the picture a step to the
    side counts less than one ahead, by its aspect ratio."""
    return _apart(one, other) <= NEAR_HEIGHTS * max(one.height, other.height)


def _apart(one: Box, other: Box) -> float:
    """From foot to foot, in heights of the picture."""
    (x1, y1), (x2, y2) = one.foot, other.foot
    return math.hypot((x1 - x2) * ASPECT, y1 - y2)


def goes_on(incident: Incident, going: Sequence[Going]) -> bool:
    """Is somebody of its situation still seen? going: of its camera and rule, which holds something
    now. A density or a movement is of the whole zone."""
    return incident.first.event in _WHOLE_ZONE or any(
        near(incident.first.where, one.first) for one in going
    )


def signalled(incident: Incident, signal: SignalRecord) -> Incident:
    """One more signal of the same situation. Its state stays: a verdict is not undone by it."""
    latest = max(incident.last_signal, signal.noticed)
    return _next(incident, last_signal=latest, signals=incident.signals + 1, ongoing=True)


def went_on(incident: Incident, now: datetime, limits: Limits, *, ongoing: bool) -> Incident | None:
    """The situation is seen to go on, or no longer. None: that is known already, or it ended before
    the cool-down: what begins then is told by a signal of its own."""
    over = abs(now - incident.last_signal) > _s(limits.cool_down_s)
    if incident.ongoing == ongoing or (ongoing and over):
        return None
    return _next(incident, ongoing=ongoing, last_signal=max(incident.last_signal, now))


# ---------------------------------------------------------------------- people
def take(incident: Incident, who: str, now: datetime) -> Incident:
    """Who takes it has it alone until it is decided, handed over or left idle."""
    if incident.state is State.TAKEN and incident.taker == who:
        return touch(incident, who, now)
    _refuse_others(incident, who)
    _refuse_decided(incident)
    return _next(incident, state=State.TAKEN, taker=who, taken=now, active=now)


def touch(incident: Incident, who: str, now: datetime) -> Incident:
    """The taker does something with it: the claim is not idle."""
    _refuse_unheld(incident, who)
    return _next(incident, active=now)


def release(incident: Incident, who: str, now: datetime) -> Incident:
    """Back to the queue."""
    _refuse_unheld(incident, who)
    return _free(incident, now)


def hand_over(incident: Incident, who: str, to: str, now: datetime) -> Incident:
    """To a colleague, who has it from now on."""
    _refuse_unheld(incident, who)
    return _next(incident, taker=to, taken=now, active=now)


def decide(incident: Incident, verdict: Verdict) -> Incident:
    """Confirmed or dismissed by the one who has it, for a reason of the closed list."""
    _refuse_unheld(incident, verdict.who)
    known = reasons(incident.first.event, confirmed=verdict.confirmed)
    if verdict.reason not in known:
        raise _refused(
            incident, "reason", f"there is no reason {verdict.reason!r}", ", ".join(known)
        )
    state = State.CONFIRMED if verdict.confirmed else State.DISMISSED
    return _next(incident, state=state, verdict=verdict)


def follow_up(incident: Incident, done: FollowUp) -> Incident:
    """What came of it, noted once, after the verdict."""
    if incident.state is State.FOLLOWED_UP:
        raise _refused(incident, "followed up", "its follow-up has been noted", "")
    if not incident.state.decided:
        raise _refused(
            incident, "undecided", "it has no verdict yet", "confirm or dismiss it first"
        )
    if done.outcome not in OUTCOMES:
        known = ", ".join(OUTCOMES)
        raise _refused(incident, "reason", f"there is no outcome {done.outcome!r}", known)
    return _next(incident, state=State.FOLLOWED_UP, follow_up=done)


# ---------------------------------------------------------------------- time
def elapse(incident: Incident, now: datetime, limits: Limits) -> Incident | None:
    """What time alone does to it, one thing at a time; None: nothing."""
    if incident.state is State.TAKEN:
        active = incident.active or incident.opened
        return _free(incident, now) if now - active >= _s(limits.idle_s) else None
    if incident.state is not State.OPEN:
        return None
    waits = now - incident.queued
    if waits >= _s(limits.not_seen_s):
        return _next(incident, state=State.NOT_SEEN)
    if incident.escalated is None and waits >= _s(limits.louder_s):
        return _next(incident, escalated=now)
    return None


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The machine's clock was set forward (back: negative) by so much. since, now: by the new
    clock; an instant from in between is read on that one, every other on the old."""

    by: timedelta
    since: datetime
    now: datetime

    def moved(self, at: datetime) -> datetime:
        return at if self.since <= at <= self.now else at + self.by


def clock_set(incident: Incident, change: ClockSet) -> Incident:
    """So long as it has waited, it has waited by the new clock too."""
    active = change.moved(incident.active) if incident.active else None
    return _next(incident, queued=change.moved(incident.queued), active=active)


def _free(incident: Incident, now: datetime) -> Incident:
    return _next(incident, state=State.OPEN, queued=now, taker=None, taken=None, active=None)


def _next(incident: Incident, **changes: object) -> Incident:
    return replace(incident, revision=incident.revision + 1, **changes)  # type: ignore[arg-type]


def _refuse_others(incident: Incident, who: str) -> None:
    if incident.state is State.TAKEN and incident.taker != who:
        raise _refused(
            incident, "taken", f"{incident.taker} has it", "ask for it to be handed over"
        )


def _refuse_decided(incident: Incident) -> None:
    if incident.state.decided:
        raise _refused(incident, "decided", "it has its verdict", "note what came of it")


def _refuse_unheld(incident: Incident, who: str) -> None:
    _refuse_decided(incident)
    _refuse_others(incident, who)
    if incident.state is not State.TAKEN:
        raise _refused(incident, "not taken", "nobody has taken it", "take it first")


def _refused(incident: Incident, cause: str, message: str, remedy: str) -> IncidentRefused:
    return IncidentRefused(message, remedy=remedy, cause=cause, incident=str(incident.id))


def _s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
