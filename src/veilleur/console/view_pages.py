"""Clear views over HTTP: opened once, with a line on the record, then asked for picture by picture.

Only whoever opened a view gets its pictures: it hangs on the session, and ends with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path
from starlette.responses import Response

from veilleur.console.given import CurrentVisitor, TheDesk
from veilleur.desk.viewing import MOST_PICTURES, Shot, View

Number = Annotated[int, Path(ge=0, lt=MOST_PICTURES)]


def open_live(desk: TheDesk, visitor: CurrentVisitor, id: UUID) -> None:
    """Look at the alert's camera live, people clear. A line of the record."""
    desk.viewings.open(View.LIVE, id, visitor.account, visitor.session, visitor.scope)


def open_seconds(desk: TheDesk, visitor: CurrentVisitor, id: UUID) -> None:
    """Look at the seconds around the onset, people clear. A line of the record."""
    desk.viewings.open(View.SECONDS, id, visitor.account, visitor.session, visitor.scope)


def live_picture(desk: TheDesk, visitor: CurrentVisitor, id: UUID) -> Response:
    """The newest picture of a live view that is open; X-Taken-At: when it was taken."""
    return _answer(desk.viewings.live(id, visitor.session))


def second(desk: TheDesk, visitor: CurrentVisitor, id: UUID, number: Number) -> Response:
    """Picture `number` of the seconds; 204 where there are no more."""
    shot = desk.viewings.second(id, visitor.session, number)
    return Response(status_code=204) if shot is None else _answer(shot)


def _answer(shot: Shot) -> Response:
    headers = {"X-Taken-At": _iso(shot.taken)}
    return Response(shot.jpeg, media_type="image/jpeg", headers=headers)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
