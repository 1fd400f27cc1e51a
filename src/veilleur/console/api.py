"""The JSON interface: thin handlers over the desk and the store. Routes stand in `console.app`.

Scope is in every question to the store: what is none of the asker's business is "not found".
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import AwareDatetime

from veilleur.catalogue import Event
from veilleur.console import api_models as given
from veilleur.console.acts import enter
from veilleur.console.faults import Fault
from veilleur.console.given import CurrentVisitor, TheAccounts, TheDesk, TheSettings, TheTokens
from veilleur.console.routing import FAULTS
from veilleur.console.targets import existing_camera, existing_target
from veilleur.console.visitor import Visitor
from veilleur.desk.availability import DAY, WEEK
from veilleur.desk.desk import Desk
from veilleur.engine.report import CameraReport
from veilleur.errors import NotFound
from veilleur.incidents.incident import Incident, State
from veilleur.incidents.reasons import CONFIRMING, OUTCOMES, dismissing
from veilleur.law.authorisation import Authorisation
from veilleur.law.deed import Deed, Entry
from veilleur.law.orders import Scope
from veilleur.store import chain, incidents

Limit = Annotated[int, Query(ge=1, le=500)]
ID = r"^[A-Za-z0-9_.-]+$"
NUMBER_LIMIT = 2**62
NOT_ENTERED: dict[int | str, dict[str, Any]] = {
    **FAULTS,
    409: {"model": given.ActEntered | Fault},
    422: {"model": given.ActEntered | Fault},
}
"""What the entry of an act answers where it was not entered."""
_WIDE = (Scope.EVERYTHING, Scope.SITE)


# ---------------------------------------------------------------------- incidents
def list_incidents(
    desk: TheDesk,
    visitor: CurrentVisitor,
    state: Annotated[list[State] | None, Query()] = None,
    camera: Annotated[str | None, Query(max_length=200, pattern=ID)] = None,
    before: Annotated[AwareDatetime | None, Query(description="opened before it")] = None,
    older_than: Annotated[
        UUID | None, Query(description="id of the last one of the page before this one")
    ] = None,
    limit: Limit = 100,
) -> list[given.IncidentGiven]:
    """The newest first. All of them are read page by page, with `older_than`: many may have been
    opened at the same instant."""
    with desk.database.read() as r:
        found = incidents.recent(
            r,
            visitor.scope,
            states=state or (),
            camera=camera,
            before=incidents.found(r, older_than, visitor.scope) if older_than else before,
            limit=limit,
        )
    return [given.IncidentGiven.of(one) for one in found]


def get_incident(desk: TheDesk, visitor: CurrentVisitor, id: UUID) -> given.IncidentGiven:
    """One incident as it is now."""
    return given.IncidentGiven.of(seen_incident(desk, visitor, id))


def take_incident(desk: TheDesk, visitor: CurrentVisitor, id: UUID) -> given.IncidentGiven:
    """Have it alone, until it is decided, handed over, released or left idle."""
    return given.IncidentGiven.of(desk.people.take(id, visitor.account, visitor.scope))


def release_incident(desk: TheDesk, visitor: CurrentVisitor, id: UUID) -> given.IncidentGiven:
    """Back to the queue."""
    return given.IncidentGiven.of(desk.people.release(id, visitor.account, visitor.scope))


def hand_over_incident(
    desk: TheDesk,
    visitor: CurrentVisitor,
    accounts: TheAccounts,
    id: UUID,
    wanted: given.HandOver,
) -> given.IncidentGiven:
    """To a colleague who may decide it."""
    incident = seen_incident(desk, visitor, id)
    if wanted.to not in accounts.who_may_decide(incident.first.camera):
        raise NotFound(
            "there is no such colleague who may decide this", remedy="choose another one"
        )
    after = desk.people.hand_over(id, visitor.account, wanted.to, visitor.scope)
    return given.IncidentGiven.of(after)


def decide_incident(
    desk: TheDesk, visitor: CurrentVisitor, id: UUID, wanted: given.Decision
) -> given.IncidentGiven:
    """Confirm or dismiss what one has taken. Only a person does this: no token can."""
    after = desk.people.decide(
        id,
        visitor.account,
        visitor.scope,
        confirmed=wanted.confirmed,
        reason=wanted.reason,
        note=wanted.note,
    )
    return given.IncidentGiven.of(after)


def follow_up_incident(
    desk: TheDesk, visitor: CurrentVisitor, id: UUID, wanted: given.Outcome
) -> given.IncidentGiven:
    """Note what came of it, once, after the verdict."""
    after = desk.people.follow_up(
        id, visitor.account, visitor.scope, outcome=wanted.outcome, note=wanted.note
    )
    return given.IncidentGiven.of(after)


def list_reasons() -> given.ReasonsGiven:
    """The closed lists of codes."""
    return given.ReasonsGiven(
        confirming=list(CONFIRMING),
        dismissing={event: list(dismissing(event)) for event in Event},
        outcomes=list(OUTCOMES),
    )


def seen_incident(desk: Desk, visitor: Visitor, id_: UUID) -> Incident:
    """Errors: NotFound, also where it is none of the visitor's business."""
    with desk.database.read() as r:
        return incidents.found(r, id_, visitor.scope)


# ---------------------------------------------------------------------- cameras and stops
def list_cameras(desk: TheDesk, visitor: CurrentVisitor) -> list[given.CameraGiven]:
    """Each with its health, in the order of the site."""
    return [_camera(desk, one) for one in desk.cameras() if visitor.sees(one.camera)]


def _camera(desk: Desk, report: CameraReport) -> given.CameraGiven:
    camera = desk.camera(report.camera)
    return given.CameraGiven(
        id=report.camera,
        condition=report.condition.value,
        analysing=report.condition.analysing,
        trouble=report.condition.trouble,
        cause=report.cause,
        analysed_hz=report.analysed_hz,
        latency_p95_s=report.latency_p95_s,
        reference=report.reference,
        laboratory=report.laboratory,
        rules=[rule.id for rule in camera.rules] if camera is not None else [],
    )


def list_availability(
    desk: TheDesk,
    visitor: CurrentVisitor,
    of: Annotated[
        Literal["day", "week"], Query(description="the last 24 hours, or 7 days")
    ] = "week",
) -> list[given.AvailabilityGiven]:
    """How much of a day or a week each camera was analysed, and why not."""
    counted = desk.availability(visitor.scope, DAY if of == "day" else WEEK)
    return [given.AvailabilityGiven.of(one) for one in counted]


def withdraw_camera(desk: TheDesk, visitor: CurrentVisitor, id: str, wanted: given.Because) -> None:
    """The camera may be analysed under no authorisation, at once."""
    existing_camera(desk.site, visitor, id)
    desk.authority.withdraw(id, visitor.account, wanted.reason, token=visitor.token)


def list_stops(desk: TheDesk, visitor: CurrentVisitor) -> list[given.StopGiven]:
    """Those in force, the oldest first."""
    return [
        given.StopGiven.of(stop)
        for stop in desk.authority.orders.stops
        if stop.scope in _WIDE or visitor.sees(stop.target.partition("/")[0])
    ]


def make_stop(desk: TheDesk, visitor: CurrentVisitor, wanted: given.StopWanted) -> given.StopGiven:
    """Stop the analysis of a rule, a camera, the site or everything; in force within 2 s."""
    target = existing_target(desk.site, visitor, wanted.scope, wanted.target)
    done = desk.authority.stop(
        wanted.scope, target, visitor.account, wanted.reason, token=visitor.token
    )
    return given.StopGiven.of(done)


def lift_stop(desk: TheDesk, visitor: CurrentVisitor, wanted: given.StopWanted) -> None:
    """The analysis goes on, as far as authorisations and other stops let it."""
    target = existing_target(desk.site, visitor, wanted.scope, wanted.target)
    desk.authority.lift(wanted.scope, target, visitor.account, wanted.reason)


def clock_is_right(desk: TheDesk, visitor: CurrentVisitor, wanted: given.Because) -> None:
    """The machine's clock was set, somebody has compared it with another one and answers for it:
    what its doubt has closed may go on. Without a doubt nothing is done."""
    desk.authority.clock_is_right(visitor.account, wanted.reason)


# ---------------------------------------------------------------------- authorisations
def list_acts(desk: TheDesk) -> list[given.ActGiven]:
    """All of them, the latest end first."""
    return [given.ActGiven.of(act) for act in desk.authority.acts()]


def enter_act(
    desk: TheDesk, visitor: CurrentVisitor, wanted: Authorisation, response: Response
) -> given.ActEntered:
    """Put an act of the authority in force, as its file has it; or say what speaks against it."""
    done = enter(desk, visitor, wanted, add=True)
    if done.refused:
        response.status_code = (
            HTTPStatus.CONFLICT if done.known else HTTPStatus.UNPROCESSABLE_ENTITY
        )
    return given.ActEntered.of(done)


def check_act(desk: TheDesk, visitor: CurrentVisitor, wanted: Authorisation) -> given.ActEntered:
    """What an act would open here, and what speaks against it; nothing is changed."""
    return given.ActEntered.of(enter(desk, visitor, wanted, add=False))


def suspend_act(desk: TheDesk, visitor: CurrentVisitor, wanted: given.ActOrder) -> None:
    """On the authority's order: nothing is analysed under it, within 2 s."""
    desk.authority.suspend(wanted.reference, visitor.account, wanted.reason, token=visitor.token)


# ---------------------------------------------------------------------- the record
def list_audit(
    desk: TheDesk,
    visitor: CurrentVisitor,
    settings: TheSettings,
    after: Annotated[int, Query(ge=0, le=NUMBER_LIMIT)] = 0,
    limit: Limit = 100,
) -> list[given.LineGiven]:
    """Lines of the record in their order, from the one after `after`. Reading leaves a line."""
    with desk.database.read() as r:
        found = [given.LineGiven.given(line) for line in chain.lines(r, after=after, limit=limit)]
    details = {"after": str(after), "lines": str(len(found)), **visitor.by_token}
    entry = Entry(deed=Deed.AUDIT_READ, at=settings.now(), who=visitor.account, details=details)
    with desk.database.write() as w:
        w.record(entry)
    return found


# ---------------------------------------------------------------------- tokens
def list_tokens(tokens: TheTokens) -> list[given.TokenGiven]:
    """All of them, the newest first."""
    return [given.TokenGiven.of(token) for token in tokens.all()]


def issue_token(
    tokens: TheTokens, visitor: CurrentVisitor, wanted: given.TokenWanted
) -> given.TokenIssued:
    """A token for a program: some of your own permissions, until a day."""
    token, secret = tokens.issue(
        visitor, wanted.name, wanted.permissions, wanted.expires, wanted.cameras
    )
    return given.TokenIssued(token=given.TokenGiven.of(token), secret=secret)


def revoke_token(tokens: TheTokens, visitor: CurrentVisitor, id: UUID) -> None:
    """At once."""
    tokens.revoke(id, visitor.account)
