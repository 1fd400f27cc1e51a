"""The camera wall, and technical alarms: how the cameras are, apart from what they see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from veilleur.console.given import CurrentVisitor, TheDesk
from veilleur.console.rendering import page
from veilleur.console.targets import existing_camera
from veilleur.console.visitor import Visitor
from veilleur.console.wall import Wall
from veilleur.desk.availability import DAY, WEEK
from veilleur.desk.desk import Desk
from veilleur.desk.technical import TechnicalAlarm
from veilleur.engine.report import CameraReport
from veilleur.engine.whynot import KEPT_S
from veilleur.errors import EvidenceFailed, NotAuthorised
from veilleur.events.specification import RuleSpecification


def _wall(request: Request) -> Wall:
    wall = request.app.state.wall
    assert isinstance(wall, Wall)
    return wall


TheWall = Annotated[Wall, Depends(_wall)]


@dataclass(frozen=True, slots=True)
class RuleShown:
    """refusal: why the law's gate keeps it from looking now, None: it may look."""

    rule: RuleSpecification
    refusal: NotAuthorised | None


@dataclass(frozen=True, slots=True)
class CameraShown:
    report: CameraReport
    rules: tuple[RuleShown, ...]
    withdrawn: bool


def cameras(request: Request, desk: TheDesk, visitor: CurrentVisitor) -> Response:
    """All that the visitor may know of: redacted pictures, health, rules."""
    return page(request, "cameras.html", cameras=_shown(desk, visitor))


def tiles(request: Request, desk: TheDesk, visitor: CurrentVisitor) -> Response:
    """The cameras alone, for a page that is open."""
    return page(request, "parts/tiles.html", cameras=_shown(desk, visitor))


def picture(desk: TheDesk, visitor: CurrentVisitor, wall: TheWall, id: str) -> Response:
    """The newest picture of a camera, redacted. X-Taken-At: when it was taken."""
    existing_camera(desk.site, visitor, id)
    shown = wall.picture(id)
    if shown is None:
        raise EvidenceFailed(
            "this camera has no picture now", remedy="see its condition", cause="no_picture"
        )
    headers = {"X-Taken-At": shown.taken.isoformat(timespec="milliseconds")}
    return Response(shown.jpeg, media_type="image/jpeg", headers=headers)


def why(request: Request, desk: TheDesk, visitor: CurrentVisitor, id: str) -> Response:
    """Whom the camera's rules watched in the last ten minutes, and what kept each from a signal;
    no picture, no identity."""
    camera = existing_camera(desk.site, visitor, id)
    end = datetime.now(UTC)
    found = desk.watch.node.why_not(id, end - timedelta(seconds=KEPT_S), end)
    return page(
        request,
        "why.html",
        camera=id,
        names={rule.id: rule.event for rule in camera.rules},
        reasons=sorted(found, key=lambda one: one.host_s, reverse=True),
    )


def technical(request: Request, desk: TheDesk, visitor: CurrentVisitor) -> Response:
    """What keeps cameras from being analysed, the stages of the service, and how much of a day and
    a week each camera was analysed."""
    return page(
        request,
        "technical.html",
        alarms=_alarms(desk, visitor),
        vitals=desk.vitals(),
        doubt_s=desk.authority.doubt_s,
        week=[one for one in desk.availability(visitor.scope, WEEK) if one.whole_s >= 1],
        day_of={one.camera: one for one in desk.availability(visitor.scope, DAY)},
    )


def technical_part(request: Request, desk: TheDesk, visitor: CurrentVisitor) -> Response:
    """The same alone, for a page that is open."""
    return page(
        request,
        "parts/technical.html",
        alarms=_alarms(desk, visitor),
        vitals=desk.vitals(),
        doubt_s=desk.authority.doubt_s,
    )


def _shown(desk: Desk, visitor: Visitor) -> list[CameraShown]:
    now = datetime.now(UTC)
    withdrawn = desk.authority.orders.withdrawn
    return [
        CameraShown(report, _rules(desk, report.camera, now), report.camera in withdrawn)
        for report in desk.cameras()
        if visitor.sees(report.camera)
    ]


def _rules(desk: Desk, camera: str, now: datetime) -> tuple[RuleShown, ...]:
    known = desk.camera(camera)
    return tuple(
        RuleShown(rule, desk.gate.refusal(camera, rule.id, rule.event, now))
        for rule in (known.rules if known is not None else ())
    )


def _alarms(desk: Desk, visitor: Visitor) -> list[TechnicalAlarm]:
    return [alarm for alarm in desk.technical() if any(map(visitor.sees, alarm.cameras))]
