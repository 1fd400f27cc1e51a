"""The record of who did what: asked by deed, account and time, page by page, and checked whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from veilleur.console.given import CurrentVisitor, TheDesk, TheSettings
from veilleur.console.rendering import page
from veilleur.console.settings import Settings
from veilleur.console.visitor import Visitor
from veilleur.desk.desk import Desk
from veilleur.law.deed import Deed, Entry
from veilleur.store import chain
from veilleur.store.chain import ChainReport, Line, Question

LINES = 100
NUMBER_LIMIT = 2**62


class Asked(BaseModel):
    """What the visitor looks for, as it stands in the address; "" for all. since, until: days of
    the site. before: the page of lines before that number."""

    model_config = ConfigDict(frozen=True)

    deed: Deed | Literal[""] = ""
    who: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    since: date | Literal[""] = ""
    until: date | Literal[""] = ""
    before: Annotated[int, Field(ge=1, le=NUMBER_LIMIT)] | Literal[""] = ""

    def question(self, zone: ZoneInfo) -> Question:
        return Question(
            deeds=frozenset({self.deed} if self.deed else ()),
            who=self.who or None,
            since=_start(self.since, zone),
            until=_start(self.until + timedelta(days=1) if self.until else None, zone),
        )

    def link(self, before: int | None = None) -> str:
        """The same question, the page before this line; the newest without one."""
        fields = self.model_dump(mode="json", exclude={"before"}) | {"before": before or ""}
        said = {name: str(value) for name, value in fields.items() if value}
        return f"/audit?{urlencode(said)}" if said else "/audit"


@dataclass(frozen=True, slots=True)
class LineShown:
    line: Line
    details: tuple[tuple[str, str], ...]

    @property
    def incident(self) -> str:
        """The incident that the line is about, "" for none."""
        kind, _, id_ = self.line.of.partition(":")
        return id_ if kind == "incident" else ""


def audit(
    request: Request,
    desk: TheDesk,
    visitor: CurrentVisitor,
    settings: TheSettings,
    asked: Annotated[Asked, Query()],
) -> Response:
    """A page of lines, the newest first. Reading leaves a line itself."""
    question = asked.question(ZoneInfo(desk.site.time_zone))
    with desk.database.read() as r:
        before = asked.before or None
        found = chain.lines(r, question, before=before, limit=LINES + 1, newest=True)
    details = {"page": asked.link(before), "lines": str(min(len(found), LINES))}
    _note(desk, settings, visitor, details)
    lines = [LineShown(line, _details(line.details)) for line in found[:LINES]]
    older = asked.link(lines[-1].line.number) if len(found) > LINES else ""
    newest = asked.link() if asked.before else ""
    return page(
        request, "audit.html", lines=lines, asked=asked, older=older, newest=newest, report=None
    )


def verify(
    request: Request, desk: TheDesk, visitor: CurrentVisitor, settings: TheSettings
) -> Response:
    """Read the whole record and say whether it is whole."""
    with desk.database.read() as r:
        report: ChainReport = chain.verify(r)
    details = {"verified": str(report.rows), "findings": str(len(report.findings) + report.more)}
    _note(desk, settings, visitor, details)
    return page(
        request, "audit.html", lines=[], asked=Asked(), older="", newest="/audit", report=report
    )


def _note(desk: Desk, settings: Settings, visitor: Visitor, details: dict[str, str]) -> None:
    """Who read what is itself on the record."""
    entry = Entry(deed=Deed.AUDIT_READ, at=settings.now(), who=visitor.account, details=details)
    with desk.database.write() as w:
        w.record(entry)


def _details(text: str) -> tuple[tuple[str, str], ...]:
    """Where somebody put something else in their place: that, without a name."""
    try:
        details = json.loads(text)
    except ValueError:
        return (("", text),)
    if not isinstance(details, dict):
        return (("", text),)
    return tuple((name, str(value)) for name, value in details.items())


def _start(day: date | Literal[""] | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time(), zone) if day else None
