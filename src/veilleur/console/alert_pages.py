"""The queue and the alert: what an operator has before them all day."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from veilleur.catalogue import Event, Priority
from veilleur.console.api import seen_incident
from veilleur.console.faults import Awaited
from veilleur.console.given import CurrentVisitor, TheAccounts, TheDesk, TheViewed
from veilleur.console.permission import Permission
from veilleur.console.rendered import Rendered
from veilleur.console.rendering import language_of, page, text
from veilleur.console.visitor import Visitor
from veilleur.console.watched import LASTING, Counting, Turn, headline, turn
from veilleur.console.watched import counting as countdowns
from veilleur.desk.desk import Desk
from veilleur.desk.footage import Seconds
from veilleur.errors import EvidenceFailed, NotFound
from veilleur.incidents.incident import Incident, State
from veilleur.incidents.reasons import CONFIRMING, OUTCOMES, dismissing
from veilleur.store import evidence, incidents, outbox
from veilleur.store.evidence import Condition, Piece, Sort

RECENT = timedelta(hours=24)
MOST_RECENT = 50
READY_WITHIN_S = 3.0
LOOK_EVERY_S = 0.05
COUNTED_EVERY_S = 2.0
DONE = (State.CONFIRMED, State.DISMISSED, State.FOLLOWED_UP)


@dataclass(frozen=True, slots=True)
class Shown:
    """One alert, with all its page says. why: one sentence with the measured values. seconds: the
    clear ones around it, and until when. turn: how it goes on, where it stands otherwise now."""

    incident: Incident
    why: str
    still: Piece | None
    clip: Piece | None
    seconds: Seconds
    turn: Turn | None
    similar: tuple[Incident, ...]
    colleagues: tuple[str, ...]

    @property
    def confirming(self) -> dict[str, object]:
        return dict(CONFIRMING)

    @property
    def dismissing(self) -> dict[str, object]:
        return dict(dismissing(self.incident.first.event))

    @property
    def lasting(self) -> bool:
        """Does it matter how it goes on?"""
        waits = not self.incident.state.decided
        return waits and self.incident.first.event in LASTING

    @property
    def outcomes(self) -> dict[str, object]:
        return dict(OUTCOMES)


class OneWaiting(BaseModel):
    id: UUID
    camera: str
    event: Event
    revision: int
    state: State
    priority: Priority
    escalated: bool


class Waiting(BaseModel):
    """last: number of the newest message of the outbox."""

    last: int
    incidents: list[OneWaiting]


@dataclass(frozen=True, slots=True)
class Queue:
    """waiting: the most urgent first. unseen: nobody came. done: of the last day, newest first."""

    waiting: list[Incident]
    unseen: list[Incident]
    done: list[Incident]


def home(
    request: Request, desk: TheDesk, visitor: CurrentVisitor, accounts: TheAccounts
) -> Response:
    """Where one begins: the queue, or what one's role is here for."""
    if visitor.may(Permission.SEE_ALERTS):
        return alerts(request, desk, visitor, accounts)
    for needs, path in (
        (Permission.SEE_CAMERAS, "/cameras"),
        (Permission.SEE_AUDIT, "/audit"),
        (Permission.USE_CONSOLE, "/authorisations"),
    ):
        if visitor.may(needs):
            return RedirectResponse(path, status_code=303)
    return RedirectResponse("/account", status_code=303)


def alerts(
    request: Request,
    desk: TheDesk,
    visitor: CurrentVisitor,
    accounts: TheAccounts,
    id: UUID | None = None,
) -> Response:
    """The whole page, with one alert selected, or the first that waits."""
    with desk.database.read() as r:
        last = outbox.last(r)
    queue = _queue(desk, visitor)
    chosen = seen_incident(desk, visitor, id) if id is not None else None
    shown = _shown(desk, visitor, accounts, chosen) if chosen is not None else None
    return page(
        request,
        "alerts.html",
        queue=queue,
        shown=shown,
        chosen=id,
        last=last,
        counting=_counting(desk, visitor),
        counts=_counts(desk, visitor),
    )


def queue(request: Request, desk: TheDesk, visitor: CurrentVisitor) -> Response:
    """The list alone, for a page that is open: the same for all who see the same cameras, so that
    a hundred screens ask the store once."""
    with desk.database.read() as r:
        last = outbox.last(r)
    rendered = request.app.state.rendered
    assert isinstance(rendered, Rendered)

    def make() -> str:
        return text(request, "parts/queue.html", queue=_queue(desk, visitor), chosen=None)

    return HTMLResponse(rendered.get((last, visitor.scope, visitor.language), make))


def counting(request: Request, desk: TheDesk, visitor: CurrentVisitor) -> Response:
    """The countdowns that run, alone, for a page that is open: looked for once in two seconds,
    however many screens ask."""
    rendered = request.app.state.rendered
    assert isinstance(rendered, Rendered)

    def make() -> str:
        return text(request, "parts/counting.html", counting=_counting(desk, visitor))

    moment = int(time.monotonic() / COUNTED_EVERY_S)
    key = ("counting", moment, visitor.scope, visitor.language)
    return HTMLResponse(rendered.get(key, make))


def _counting(desk: Desk, visitor: Visitor) -> list[Counting]:
    return countdowns(desk, [one.id for one in desk.site.cameras if visitor.sees(one.id)])


def _counts(desk: Desk, visitor: Visitor) -> bool:
    """Is there a rule that counts down, so that a page has to ask?"""
    cameras = [one for one in desk.site.cameras if visitor.sees(one.id)]
    return any(rule.event in LASTING for camera in cameras for rule in camera.rules)


def stops(request: Request) -> Response:
    """The stops in force alone, for a page that is open."""
    return page(request, "parts/stops.html")


def waiting(desk: TheDesk, visitor: CurrentVisitor) -> Waiting:
    """What a page must know before it listens: what sounds, and where the feed goes on."""
    with desk.database.read() as r:
        last = outbox.last(r)
        found = incidents.open_incidents(r, visitor.scope)
    return Waiting(
        last=last,
        incidents=[
            OneWaiting(
                id=one.id,
                camera=one.first.camera,
                event=one.first.event,
                revision=one.revision,
                state=one.state,
                priority=one.priority,
                escalated=one.escalated is not None,
            )
            for one in found
        ],
    )


def touch(desk: TheDesk, visitor: CurrentVisitor, id: UUID) -> None:
    """Whoever has it is at it: the claim is not idle."""
    desk.people.touch(id, visitor.account, visitor.scope)


def alert(
    request: Request, desk: TheDesk, visitor: CurrentVisitor, accounts: TheAccounts, id: UUID
) -> Response:
    """One alert alone, for a page that is open."""
    incident = seen_incident(desk, visitor, id)
    shown = _shown(desk, visitor, accounts, incident)
    return page(request, "parts/alert.html", shown=shown)


async def still(desk: TheDesk, visitor: CurrentVisitor, viewed: TheViewed, id: UUID) -> Response:
    """The redacted picture, with a line of the record; it is waited for where it is being made.
    Errors: EvidenceFailed."""
    incident = await run_in_threadpool(seen_incident, desk, visitor, id)
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        found = await run_in_threadpool(_content, desk, visitor, incident.id, Sort.STILL)
        piece, content = found
        if content is not None:
            await run_in_threadpool(viewed.note, visitor, piece)
            return Response(content.content, media_type=content.media_type)
        if piece.condition is not Condition.PENDING or time.monotonic() > deadline:
            break
        await asyncio.sleep(LOOK_EVERY_S)
    raise EvidenceFailed(
        f"there is no picture: {piece.cause or piece.condition.value}",
        remedy="the incident stands without it",
        cause=piece.condition.value,
    )


def clip(
    desk: TheDesk,
    visitor: CurrentVisitor,
    viewed: TheViewed,
    id: UUID,
) -> Response:
    """The redacted film, where the authorisation grants one, with a line of the record. Errors:
    Awaited while it is being made, EvidenceFailed where it never will be or is gone, NotFound."""
    incident = seen_incident(desk, visitor, id)
    piece, content = _content(desk, visitor, incident.id, Sort.CLIP)
    if content is None and piece.condition is Condition.PENDING:
        raise Awaited("clip", _left_s(desk.seconds(incident.id)))
    if content is None:
        raise EvidenceFailed(
            f"there is no clip: {piece.cause or piece.condition.value}",
            remedy="look at its picture",
            cause=piece.condition.value,
        )
    viewed.note(visitor, piece)
    return Response(content.content, media_type=content.media_type)


def _left_s(seconds: Seconds) -> int:
    """Whole seconds until the last of them has come; what then is left to do is a moment."""
    until = seconds.recorded_until
    left_s = (until - datetime.now(UTC)).total_seconds() if until is not None else 0.0
    return max(1, math.ceil(left_s))


def _content(
    desk: Desk, visitor: Visitor, incident: UUID, sort: Sort
) -> tuple[Piece, evidence.Content | None]:
    with desk.database.read() as r:
        found = [one for one in evidence.pieces(r, incident, visitor.scope) if one.sort is sort]
        if not found:
            raise NotFound(f"no {sort.value} belongs to this incident", remedy="none was granted")
        return found[-1], evidence.content(r, found[-1].id, visitor.scope)


def _queue(desk: Desk, visitor: Visitor) -> Queue:
    since = datetime.now(UTC) - RECENT
    with desk.database.read() as r:
        return Queue(
            waiting=incidents.open_incidents(r, visitor.scope),
            unseen=_since(since, incidents.recent(r, visitor.scope, states=[State.NOT_SEEN])),
            done=_since(since, incidents.recent(r, visitor.scope, states=DONE)),
        )


def _since(at: datetime, found: list[Incident]) -> list[Incident]:
    return [one for one in found if one.opened >= at][:MOST_RECENT]


def _shown(desk: Desk, visitor: Visitor, accounts: TheAccounts, incident: Incident) -> Shown:
    first = incident.first
    with desk.database.read() as r:
        pieces = evidence.pieces(r, incident.id, visitor.scope)
        others = incidents.open_incidents(r, visitor.scope, camera=first.camera)
    may_give = visitor.may(Permission.DECIDE) and incident.taker == visitor.account
    colleagues = accounts.who_may_decide(first.camera) if may_give else []
    return Shown(
        incident=incident,
        why=headline(first.event, first.checks, language_of(visitor)),
        still=_last(pieces, Sort.STILL),
        clip=_last(pieces, Sort.CLIP),
        seconds=desk.seconds(incident.id),
        turn=None if incident.state.decided else turn(desk, incident, language_of(visitor)),
        similar=tuple(one for one in others if one.id != incident.id),
        colleagues=tuple(name for name in colleagues if name != visitor.account),
    )


def _last(pieces: list[Piece], sort: Sort) -> Piece | None:
    return next((one for one in reversed(pieces) if one.sort is sort), None)
