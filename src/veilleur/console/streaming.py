"""The feed as server-sent events: what was missed first, then whatever comes.

The id of an incident's event is its number in the outbox; a screen that was cut off comes back with
the last one it saw (`Last-Event-ID`), and hears every later change once. The visitor's right is
asked for again every second: a stream ends with the session.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from veilleur.console.doorkeeper import Doorkeeper
from veilleur.console.given import CurrentVisitor, TheDesk, TheDoorkeeper
from veilleur.console.permission import Permission
from veilleur.console.visitor import Visitor
from veilleur.desk.desk import Desk
from veilleur.desk.feed import Cut, Listener, Message, Topic
from veilleur.desk.herald import MOST_AT_ONCE, messages_after
from veilleur.desk.said import line
from veilleur.law.orders import Scope
from veilleur.store import outbox

ASK_EVERY_S = 1.0
NEEDS = {
    Topic.INCIDENT: Permission.SEE_ALERTS,
    Topic.CAMERAS: Permission.SEE_CAMERAS,
    Topic.TECHNICAL: Permission.SEE_CAMERAS,
    Topic.STOPS: Permission.SEE_STOPS,
}
"""The pulse is for everybody who is signed in."""
RETRY_MS = 1000
OVER = 'event: over\ndata: {{"cause":"{}"}}\n\n'
"""The last event: the page has to be loaded anew."""


async def feed(
    desk: TheDesk,
    visitor: CurrentVisitor,
    doorkeeper: TheDoorkeeper,
    after: Annotated[int | None, Query(ge=0)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """after: the number of the outbox that the page was made with; the header goes before it."""
    seen = _number(last_event_id)
    start = seen if seen is not None else after
    events = _events(desk, visitor, doorkeeper, start)
    return StreamingResponse(events, media_type="text/event-stream")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


async def _events(
    desk: Desk, visitor: Visitor, doorkeeper: Doorkeeper, start: int | None
) -> AsyncIterator[str]:
    """Listens before it reads what was missed, so that nothing falls between the two."""
    listener = desk.feed.listen()
    try:
        yield f"retry: {RETRY_MS}\n\n"
        last = start
        if last is None:
            last = await run_in_threadpool(_newest, desk)
        elif last > await run_in_threadpool(_newest, desk):
            yield OVER.format("other_database")
            return
        while missed := await run_in_threadpool(_missed, desk, visitor, last):
            yield "".join(map(_event, missed))
            last = missed[-1].number or last
        async for messages in _passing(listener, visitor, doorkeeper):
            new = [one for one in messages if one.number is None or one.number > last]
            if new:
                yield "".join(map(_event, new))
        yield OVER.format("rights")
    except Cut:
        return
    finally:
        listener.close()


async def _passing(
    listener: Listener, visitor: Visitor, doorkeeper: Doorkeeper
) -> AsyncIterator[list[Message]]:
    """What comes, together what has come together, as far as the visitor may hear it, until the
    visitor's rights are others: a screen that hears less without knowing would look calm. Raises
    Cut."""
    clock = asyncio.get_running_loop().time
    asked = clock()
    while True:
        if clock() - asked >= ASK_EVERY_S:
            asked = clock()
            if not await run_in_threadpool(doorkeeper.still_valid, visitor):
                return
        try:
            messages = await listener.some(max(0.05, ASK_EVERY_S - (clock() - asked)))
        except TimeoutError:
            continue
        yield [_seen_by(visitor, one) for one in messages if _for(visitor, one)]


def _seen_by(visitor: Visitor, message: Message) -> Message:
    """Lists without what is out of the visitor's scope; a stage's trouble in words, which may name
    a file or a machine, for those alone who see to cameras."""
    if message.topic is Topic.TECHNICAL and visitor.scope is not None:
        return replace(message, data=line(_within(visitor, json.loads(message.data))))
    if message.topic is Topic.STOPS and visitor.scope is not None:
        shown = [stop for stop in json.loads(message.data) if _concerns(visitor, stop)]
        return replace(message, data=line(shown))
    if message.topic is Topic.PULSE and not visitor.may(Permission.SEE_CAMERAS):
        pulse = json.loads(message.data)
        for stage in pulse["stages"]:
            stage["words"] = ""
        return replace(message, data=line(pulse))
    return message


def _within(visitor: Visitor, alarms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    shown = []
    for alarm in alarms:
        cameras = [camera for camera in alarm["cameras"] if visitor.sees(camera)]
        if cameras:
            shown.append(alarm | {"cameras": cameras})
    return shown


def _concerns(visitor: Visitor, stop: dict[str, Any]) -> bool:
    wide = stop["scope"] in (Scope.EVERYTHING.value, Scope.SITE.value)
    return wide or visitor.sees(stop["target"].partition("/")[0])


def _for(visitor: Visitor, message: Message) -> bool:
    """Proofs of life are for everybody; all else for whom it concerns."""
    needs = NEEDS.get(message.topic)
    if needs is not None and not visitor.may(needs):
        return _canary(message)
    return message.camera is None or _canary(message) or visitor.sees(message.camera)


def _newest(desk: Desk) -> int:
    with desk.database.read() as r:
        return outbox.last(r)


def _missed(desk: Desk, visitor: Visitor, after: int) -> Sequence[Message]:
    if not visitor.may(Permission.SEE_ALERTS):
        return ()
    with desk.database.read() as r:
        return messages_after(r, after, visitor.scope, MOST_AT_ONCE)


def _event(message: Message) -> str:
    number = f"id: {message.number}\n" if message.number is not None else ""
    kind = "canary" if _canary(message) else message.topic.value
    return f"{number}event: {kind}\ndata: {message.data}\n\n"


def _canary(message: Message) -> bool:
    return message.topic is Topic.INCIDENT and '"canary":true' in message.data
