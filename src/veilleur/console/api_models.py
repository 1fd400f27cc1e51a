"""What the JSON interface takes and gives: closed models, times in UTC, ids as text.

Law 28 and 29: what is given of a signal is a closed list, with nothing of a person in it. What is
taken has no field that the sender may not set: one more is an error (API3:2023).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from veilleur.catalogue import Event, Priority
from veilleur.console.acts import Entered
from veilleur.console.permission import Permission
from veilleur.desk.availability import Availability
from veilleur.desk.availability import Reason as Reason_
from veilleur.incidents.incident import Incident, State
from veilleur.law.orders import Act, Scope, Stop
from veilleur.store.chain import Line
from veilleur.store.tokens import Token

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Given(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class Taken(BaseModel):
    """A request: nothing but what is named here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# ---------------------------------------------------------------------- incidents
class CheckGiven(Given):
    """One condition of a rule: what was measured against which limit, held for how long."""

    name: str
    measured: float | None = Field(description="None: not a finite number")
    threshold: float | None
    unit: str
    held_s: float
    passed: bool


class VerdictGiven(Given):
    confirmed: bool
    who: str
    at: datetime
    reason: str
    note: str


class FollowUpGiven(Given):
    who: str
    at: datetime
    outcome: str
    note: str


class IncidentGiven(Given):
    """An incident as it is now. where: x1, y1, x2, y2 in shares of the picture."""

    id: UUID
    revision: int
    state: State
    priority: Priority
    camera: str
    rule: str
    event: Event
    level: str
    onset: datetime
    noticed: datetime
    opened: datetime
    last_signal: datetime
    signals: int
    ongoing: bool
    escalated: datetime | None
    taker: str | None
    where: tuple[float, float, float, float]
    checks: list[CheckGiven]
    reference: str = Field(description="of the authorisation")
    software: str
    laboratory: bool
    verdict: VerdictGiven | None
    follow_up: FollowUpGiven | None

    @classmethod
    def of(cls, incident: Incident) -> Self:
        first = incident.first
        box = first.where
        return cls(
            id=incident.id,
            revision=incident.revision,
            state=incident.state,
            priority=incident.priority,
            camera=first.camera,
            rule=first.rule,
            event=first.event,
            level=first.level,
            onset=first.onset,
            noticed=first.noticed,
            opened=incident.opened,
            last_signal=incident.last_signal,
            signals=incident.signals,
            ongoing=incident.ongoing,
            escalated=incident.escalated,
            taker=incident.taker,
            where=(box.x1, box.y1, box.x2, box.y2),
            checks=_checks(incident),
            reference=first.reference,
            software=first.software,
            laboratory=first.laboratory,
            verdict=_verdict(incident),
            follow_up=_follow_up(incident),
        )


def _checks(incident: Incident) -> list[CheckGiven]:
    return [
        CheckGiven(
            name=check.name,
            measured=_finite(check.measured),
            threshold=_finite(check.threshold),
            unit=check.unit,
            held_s=check.held_s,
            passed=check.passed,
        )
        for check in incident.first.checks
    ]


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if abs(value) < float("inf") else None


def _verdict(incident: Incident) -> VerdictGiven | None:
    said = incident.verdict
    if said is None:
        return None
    return VerdictGiven(
        confirmed=said.confirmed, who=said.who, at=said.at, reason=said.reason, note=said.note
    )


def _follow_up(incident: Incident) -> FollowUpGiven | None:
    done = incident.follow_up
    if done is None:
        return None
    return FollowUpGiven(who=done.who, at=done.at, outcome=done.outcome, note=done.note)


class HandOver(Taken):
    to: Name = Field(description="an account that may decide incidents of this camera")


class Decision(Taken):
    """reason: a code out of the event's closed list (GET /api/v1/reasons)."""

    confirmed: bool
    reason: Code
    note: Note = ""


class Outcome(Taken):
    """outcome: a code out of the closed list (GET /api/v1/reasons)."""

    outcome: Code
    note: Note = ""


class ReasonsGiven(Given):
    """Codes of the closed lists. dismissing: by event."""

    confirming: list[str]
    dismissing: dict[Event, list[str]]
    outcomes: list[str]


# ---------------------------------------------------------------------- cameras and stops
class CameraGiven(Given):
    """A camera and how it is. No address, no password, no count of people."""

    id: str
    condition: str
    analysing: bool
    trouble: bool
    cause: str
    analysed_hz: float
    latency_p95_s: float | None
    reference: str
    laboratory: bool
    rules: list[str]


class ReasonGiven(Given):
    """A condition in which a camera was not analysed. planned: by an order or by law."""

    condition: str
    planned: bool
    seconds: float
    times: int
    cause: str

    @classmethod
    def of(cls, reason: Reason_) -> Self:
        return cls.model_validate(reason, from_attributes=True)


class AvailabilityGiven(Given):
    """How much of the time from `since` to `until` a camera was analysed. share: 0 to 1 of the time
    in which it should have been; None: it never should. unknown_s: nobody counted."""

    camera: str
    since: datetime
    until: datetime
    share: float | None
    analysed_s: float
    planned_s: float
    unknown_s: float
    reasons: list[ReasonGiven]

    @classmethod
    def of(cls, one: Availability) -> Self:
        return cls(
            camera=one.camera,
            since=one.since,
            until=one.until,
            share=one.share,
            analysed_s=one.analysed_s,
            planned_s=one.planned_s,
            unknown_s=one.unknown_s,
            reasons=[ReasonGiven.of(reason) for reason in one.reasons],
        )


class StopGiven(Given):
    scope: Scope
    target: str
    who: str
    at: datetime
    reason: str

    @classmethod
    def of(cls, stop: Stop) -> Self:
        return cls(
            scope=stop.scope, target=stop.target, who=stop.who, at=stop.at, reason=stop.reason
        )


class StopWanted(Taken):
    """target: "" (everything, site), a camera's id, or "camera/rule"."""

    scope: Scope
    target: Annotated[str, StringConstraints(max_length=400)] = ""
    reason: Reason


class Because(Taken):
    """An order has its reason."""

    reason: Reason


# ---------------------------------------------------------------------- authorisations
class ActGiven(Given):
    """An authorisation. from, until: UTC, the end not included."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    reference: str
    authority: str
    cameras: list[str]
    events: list[Event]
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="until")
    suspended_by: str | None
    suspended_at: datetime | None
    suspended_for: str | None

    @classmethod
    def of(cls, act: Act) -> Self:
        paper, by = act.authorisation, act.suspended
        return cls(
            reference=paper.reference,
            authority=paper.authority,
            cameras=list(paper.cameras),
            events=list(paper.events),
            start=paper.period.start,
            end=paper.period.end,
            suspended_by=by.who if by else None,
            suspended_at=by.at if by else None,
            suspended_for=by.reason if by else None,
        )


class ActFault(Given):
    """What the law has against an act. code: a short word. article: the text that asks for it."""

    code: str
    article: str
    message: str
    remedy: str


class CoveredGiven(Given):
    """A rule of a camera that the act names. named: it names the rule's event as well."""

    camera: str
    rule: str
    event: Event
    named: bool


class ActEntered(Given):
    """What an act does here. cause: why it was not entered, "" where it was, or could be: "faults"
    or "known" (an act with its reference is here: a renewal has one of its own). strangers: cameras
    that it names and this site does not have."""

    reference: str
    entered: bool
    cause: Literal["", "faults", "known"]
    faults: list[ActFault]
    covered: list[CoveredGiven]
    strangers: list[str]

    @classmethod
    def of(cls, done: Entered) -> Self:
        seen = done.shown
        return cls(
            reference=seen.act.authorisation.reference,
            entered=done.added,
            cause="known" if done.known else "faults" if seen.faults else "",
            faults=[
                ActFault(
                    code=one.cause, article=one.article, message=one.message, remedy=one.remedy
                )
                for one in seen.faults
            ],
            covered=[
                CoveredGiven(
                    camera=one.camera, rule=one.rule, event=Event(one.event), named=one.named
                )
                for one in seen.covered
            ],
            strangers=list(seen.strangers),
        )


class ActOrder(Taken):
    reference: Name
    reason: Reason


# ---------------------------------------------------------------------- record and tokens
class LineGiven(Given):
    """One line of the record. details: canonical JSON of short texts."""

    number: int
    at: datetime
    who: str
    deed: str
    of: str
    reason: str
    details: str
    previous: str
    digest: str

    @classmethod
    def given(cls, line: Line) -> Self:
        return cls(
            number=line.number,
            at=line.at,
            who=line.who,
            deed=line.deed,
            of=line.of,
            reason=line.reason,
            details=line.details,
            previous=line.previous,
            digest=line.digest,
        )


class TokenWanted(Taken):
    """cameras: None: all that you see."""

    name: Name
    permissions: frozenset[Permission] = Field(min_length=1)
    expires: AwareDatetime
    cameras: frozenset[str] | None = None


class TokenGiven(Given):
    """A token without its secret."""

    id: UUID
    account: str
    name: str
    permissions: list[str]
    cameras: list[str] | None
    issued: datetime
    expires: datetime
    revoked: datetime | None

    @classmethod
    def of(cls, token: Token) -> Self:
        return cls(
            id=token.id,
            account=token.account,
            name=token.name,
            permissions=sorted(token.permissions),
            cameras=None if token.cameras is None else sorted(token.cameras),
            issued=token.issued,
            expires=token.expires,
            revoked=token.revoked,
        )


class TokenIssued(Given):
    """secret: told this once; send it as "Authorization: Bearer ..."."""

    token: TokenGiven
    secret: str
