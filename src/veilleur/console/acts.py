"""An authorisation as it stands here: what it says, what it covers of this site, what the law has
against it; and its entry, by a page or by a program, with the same checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from veilleur.console.refusal import NotAllowed
from veilleur.console.rendering import language_of
from veilleur.console.visitor import Visitor
from veilleur.desk.desk import Desk
from veilleur.errors import AlreadyStored, Coded, ConfigurationError, NotAuthorised
from veilleur.law.act import Line, summary
from veilleur.law.authorisation import Authorisation
from veilleur.law.conditions import faults
from veilleur.law.deed import Deed, Entry
from veilleur.law.orders import Act

SOON = timedelta(days=3)


class Standing(StrEnum):
    """How an act stands now."""

    IN_FORCE = "in_force"
    ENDS_SOON = "ends_soon"
    TO_COME = "to_come"
    SUSPENDED = "suspended"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Covered:
    """One rule of one camera of this site, and whether the act names it."""

    camera: str
    rule: str
    event: str
    named: bool


@dataclass(frozen=True, slots=True)
class ActShown:
    """strangers: cameras that the act names and the site does not have. faults: what keeps it from
    opening anything."""

    act: Act
    standing: Standing
    lines: tuple[Line, ...]
    covered: tuple[Covered, ...]
    strangers: tuple[str, ...]
    faults: tuple[NotAuthorised, ...]


@dataclass(frozen=True, slots=True)
class Entered:
    """known: an act with its reference is here. added: it is in force, from now on or from its
    first day on."""

    shown: ActShown
    known: bool = False
    added: bool = False

    @property
    def refused(self) -> bool:
        return self.known or bool(self.shown.faults)


def enter(desk: Desk, visitor: Visitor, paper: Authorisation, *, add: bool) -> Entered:
    """What an act says and opens here; add: put it in force where nothing speaks against it.
    Errors: NotAllowed (it names a camera that the visitor does not see to, which is a line of the
    record), ConfigurationError (its text can't be kept), StoreError."""
    _require_reach(desk, visitor, paper)
    require_text(paper)
    new = shown(desk, visitor, Act(authorisation=paper))
    known = any(one.authorisation.reference == paper.reference for one in desk.authority.acts())
    if not add or known or new.faults:
        return Entered(new, known)
    try:
        desk.authority.add(paper, visitor.account, token=visitor.token)
    except AlreadyStored:  # meanwhile
        return Entered(new, known=True)
    return Entered(new, added=True)


def _require_reach(desk: Desk, visitor: Visitor, paper: Authorisation) -> None:
    if all(visitor.sees(camera) for camera in paper.cameras):
        return
    details = {"cause": "reach", "permission": str(visitor.asked or ""), **visitor.by_token}
    entry = Entry(deed=Deed.DENIED, at=datetime.now(UTC), who=visitor.account, details=details)
    with desk.database.write() as w:
        w.record(entry)
    raise NotAllowed(
        "An authorisation is entered by whoever sees to all cameras that it names.",
        "Une autorisation est saisie par qui a toutes les caméras qu’elle nomme.",
        cause="reach",
    )


def require_text(paper: Authorisation) -> None:
    """No store keeps every character, and none of these belongs into an act. Errors:
    ConfigurationError."""
    text = paper.model_dump_json()
    if "\\u0000" in text:
        raise ConfigurationError(
            "a text of the act holds a character that is none",
            remedy="type it anew",
            coded=Coded("no_text"),
        )


def shown(desk: Desk, visitor: Visitor, act: Act) -> ActShown:
    """An act, and how it stands here now."""
    paper, now = act.authorisation, datetime.now(UTC)
    known = {camera.id for camera in desk.site.cameras}
    covered = tuple(
        Covered(camera.id, rule.id, rule.event, rule.event in paper.events)
        for camera in desk.site.cameras
        if camera.id in paper.cameras and visitor.sees(camera.id)
        for rule in camera.rules
    )
    against = [] if paper.period.end <= now else faults(paper, desk.settings.profile, now)
    return ActShown(
        act=act,
        standing=_standing(act, now),
        lines=summary(paper, language_of(visitor)),
        covered=covered,
        strangers=tuple(one for one in paper.cameras if one not in known),
        faults=tuple(against),
    )


def _standing(act: Act, now: datetime) -> Standing:
    period = act.authorisation.period
    if act.suspended is not None:
        return Standing.SUSPENDED
    if period.end <= now:
        return Standing.OVER
    if period.start > now:
        return Standing.TO_COME
    return Standing.ENDS_SOON if period.end - now < SOON else Standing.IN_FORCE
