r"""An incident: the signals of one situation, and what people did about it.

    open ----> taken ----> confirmed ----> followed up
     |  ^        |    \--> dismissed ----> followed up
     |  '--------'  (handed back, or idle for too long)
     '--> not seen ----> taken (somebody looks late)

Nothing confirms, dismisses or closes itself: only time that passes unused is noted (escalated, not
seen), and that is no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from veilleur.catalogue import Priority
from veilleur.incidents.signal import SignalRecord


class State(StrEnum):
    OPEN = "open"
    TAKEN = "taken"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    FOLLOWED_UP = "followed_up"
    NOT_SEEN = "not_seen"

    @property
    def decided(self) -> bool:
        return self in (State.CONFIRMED, State.DISMISSED, State.FOLLOWED_UP)

    @property
    def waiting(self) -> bool:
        """In the queue."""
        return self in (State.OPEN, State.TAKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a person decided. reason: out of the event's closed list (`incidents.reasons`)."""

    confirmed: bool
    who: str
    at: datetime
    reason: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """What came of it. outcome: out of the closed list (`incidents.reasons`)."""

    who: str
    at: datetime
    outcome: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """revision: 1 when it is opened, one more with each change that was committed.

    first: the signal that opened it. signals: how many, the first included. last_signal: when the
    last came or the situation was last seen to go on. ongoing: it still goes on. queued: since when
    it waits for somebody. escalated: when it went louder, to the supervisor. taker: who has it,
    taken: since when, active: when the taker last did something with it.
    """

    id: UUID
    first: SignalRecord
    state: State
    revision: int
    priority: Priority
    opened: datetime
    queued: datetime
    last_signal: datetime
    signals: int = 1
    ongoing: bool = True
    escalated: datetime | None = None
    taker: str | None = None
    taken: datetime | None = None
    active: datetime | None = None
    verdict: Verdict | None = None
    follow_up: FollowUp | None = None
