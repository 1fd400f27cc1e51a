"""Every condition under which a rule may look at a camera, each with the text that asks for it.

A condition says nothing or raises its reason. All of them must be silent; where there is none to
ask, nothing is allowed. The lists at the end say which are asked where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from veilleur.catalogue import Event
from veilleur.errors import NotAuthorised
from veilleur.law.authorisation import ARTICLE, Authorisation, instant
from veilleur.law.orders import Orders, Scope, Stop, Suspension, rule_target
from veilleur.law.profile import LegalProfile, Status

SINGLE_PURPOSE = "loi 2023-380, art. 10, I"
INFORMED = "loi 2023-380, art. 10, III"
INTERRUPTED = "loi 2023-380, art. 10, VI, 4°"
SUSPENDED = "loi 2023-380, art. 10, VIII"
NO_TEXT = "Conseil d'État, 30 janvier 2026, n° 506370"
"""What no text allows is forbidden."""
SEPARATE = "loi 2023-380, art. 10, II"
MINIMAL = "règlement (UE) 2016/679, art. 5, 1, c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What is asked: may this rule look at this camera now, under this act?

    at: an aware instant. laboratory: its pictures come from a file or from our own simulator. act:
    None where no act names the camera. suspended: the act was, or a copy of it with the same
    reference. site: the id of this site, "" where it has none.
    """

    camera: str
    rule: str
    event: Event
    at: datetime
    laboratory: bool
    profile: LegalProfile
    orders: Orders
    act: Authorisation | None
    suspended: Suspension | None = None
    site: str = ""

    @property
    def authorisation(self) -> Authorisation:
        """The act's. Raises NotAuthorised where there is none."""
        if self.act is None:
            raise NotAuthorised(
                f"camera {self.camera!r} has no authorisation",
                remedy="an authorisation of the authority must name it, or analyse a file in "
                "laboratory mode",
                article=ARTICLE,
                camera=self.camera,
                cause="no_act",
            )
        return self.act


class Condition(Protocol):
    """One demand of the law. Raises NotAuthorised where it isn't met."""

    def require(self, use: Use) -> None: ...


def authorise(use: Use, conditions: Sequence[Condition]) -> None:
    """Ask all of them. Raises NotAuthorised, the first reason."""
    if not conditions:
        raise NotAuthorised(
            "there is no condition to check: what is asked for nothing allows nothing",
            remedy="use one of the regimes of veilleur.law.regime",
            article=NO_TEXT,
            camera=use.camera,
            cause="no_condition",
        )
    for condition in conditions:
        condition.require(use)


def obstacles(use: Use, conditions: Sequence[Condition]) -> list[NotAuthorised]:
    """All reasons at once, for the one who has to mend them."""
    found = []
    for condition in conditions:
        try:
            condition.require(use)
        except NotAuthorised as refusal:
            found.append(refusal)
    return found


# ---------------------------------------------------------------------- orders of people
class NotStopped:
    """Nobody stopped this rule, this camera, this site or everything."""

    def require(self, use: Use) -> None:
        for stop in use.orders.stops:
            if _reaches(stop, use):
                what = f"{stop.scope.value} {stop.target}".strip()
                why = f": {stop.reason}" if stop.reason else ""
                raise NotAuthorised(
                    f"{what} was stopped by {stop.who}{why}",
                    remedy="it goes on when the stop is lifted",
                    article=INTERRUPTED,
                    camera=use.camera,
                    cause="stopped",
                )


def _reaches(stop: Stop, use: Use) -> bool:
    """Where it isn't known which site this is, a stop of any site is meant for it."""
    if stop.scope is Scope.EVERYTHING:
        return True
    if stop.scope is Scope.SITE:
        return "" in (stop.target, use.site) or stop.target == use.site
    if stop.scope is Scope.CAMERA:
        return stop.target == use.camera
    return stop.target == rule_target(use.camera, use.rule)


class NotWithdrawn:
    """The authority has not taken this camera out."""

    def require(self, use: Use) -> None:
        if use.camera in use.orders.withdrawn:
            raise NotAuthorised(
                f"camera {use.camera!r} was withdrawn",
                remedy="only the authority can let it in again",
                article=SUSPENDED,
                camera=use.camera,
                cause="withdrawn",
            )


# ---------------------------------------------------------------------- the law itself
class OneWorld:
    """Laboratory and reality don't mix: not the pictures, not the profile, not the act."""

    def require(self, use: Use) -> None:
        if use.profile.laboratory != use.laboratory:
            kind = "a laboratory's picture" if use.laboratory else "a real camera"
            raise NotAuthorised(
                f"{use.camera!r} is {kind}: the profile {use.profile.name} does not open it",
                remedy="files and simulated cameras run in laboratory mode, real ones in live mode",
                article=SEPARATE,
                camera=use.camera,
                cause="other_world",
            )
        if use.act is not None and use.authorisation.laboratory != use.laboratory:
            kind = "a laboratory's" if use.authorisation.laboratory else "a real"
            raise NotAuthorised(
                f"{use.authorisation.reference} is {kind} authorisation: it does not open "
                f"{use.camera!r}",
                remedy="a real act is for real cameras, a laboratory's for files and our simulator",
                article=SEPARATE,
                camera=use.camera,
                cause="other_world",
            )


class ProfileInForce:
    """The law allows it at all today."""

    def require(self, use: Use) -> None:
        profile = use.profile
        if profile.status is Status.EXPIRED or not profile.in_force(use.at):
            dates = f"from {profile.begins} to {profile.ends}"
            raise NotAuthorised(
                f"the legal profile {profile.name} is not in force: it runs {dates}",
                remedy="no analysis without a text: give the profile of the law in force",
                article=NO_TEXT,
                camera=use.camera,
                cause="no_profile",
            )


class ProfileVerified:
    """A jurist compared the profile with the texts."""

    def require(self, use: Use) -> None:
        if use.profile.status is Status.TEMPLATE:
            raise NotAuthorised(
                f"the legal profile {use.profile.name} is a template that nobody has verified",
                remedy="let a jurist check it against the texts, then give it with --profile FILE "
                "as `status: verified`, with who and when",
                article=NO_TEXT,
                camera=use.camera,
                cause="profile_not_verified",
            )


class EventAllowed:
    """The law's own list has the event."""

    def require(self, use: Use) -> None:
        if use.event not in use.profile.events:
            raise NotAuthorised(
                f"the legal profile {use.profile.name} does not allow {use.event.value}",
                remedy=f"it allows: {', '.join(use.profile.events)}",
                article=SINGLE_PURPOSE,
                camera=use.camera,
                cause="event_not_allowed",
            )


# ---------------------------------------------------------------------- the act
class NamesCamera:
    """There is an act, and it names the camera."""

    def require(self, use: Use) -> None:
        act = use.authorisation
        if use.camera not in act.cameras:
            raise NotAuthorised(
                f"{act.reference} does not name camera {use.camera!r}",
                remedy=f"it names: {', '.join(act.cameras)}",
                article=ARTICLE,
                camera=use.camera,
                cause="camera_not_named",
            )


class InForce:
    """Its period covers the instant. The refusal is the same sentence as long as it lasts."""

    def require(self, use: Use) -> None:
        act, period = use.authorisation, use.authorisation.period
        if period.covers(use.at):
            return
        words, remedy = f"it ended at {period.end.isoformat()}", "no analysis without a new act"
        if instant(use.at) < instant(period.start):
            words, remedy = f"it begins at {period.start.isoformat()}", "no analysis before"
        raise NotAuthorised(
            f"{act.reference} is not in force: {words}",
            remedy=remedy,
            article=ARTICLE,
            camera=use.camera,
            cause="not_in_force",
        )


class NotSuspended:
    """The authority has not suspended it."""

    def require(self, use: Use) -> None:
        if use.suspended is not None:
            raise NotAuthorised(
                f"{use.authorisation.reference} was suspended by {use.suspended.who}: "
                f"{use.suspended.reason}",
                remedy="only a new authorisation opens it again",
                article=SUSPENDED,
                camera=use.camera,
                cause="suspended",
            )


class NamesEvent:
    """The act is for this event."""

    def require(self, use: Use) -> None:
        act = use.authorisation
        if use.event not in act.events:
            raise NotAuthorised(
                f"{act.reference} does not cover {use.event.value}",
                remedy=f"it covers: {', '.join(act.events)}",
                article=SINGLE_PURPOSE,
                camera=use.camera,
                cause="event_not_named",
            )


class NotTooLong:
    """The act is no longer than the profile allows."""

    def require(self, use: Use) -> None:
        act, most = use.authorisation, use.profile.longest_days
        faces = act.period.end.replace(tzinfo=None) - act.period.start.replace(tzinfo=None)
        if faces.total_seconds() > most * 86400:
            raise NotAuthorised(
                f"{act.reference} is longer than {most} days",
                remedy="ask for a renewal: it is a new act",
                article=ARTICLE,
                camera=use.camera,
                cause="too_long",
                values={"days": str(most)},
            )


class SaysWho:
    """It names the controller and the services, out of the profile's list."""

    def require(self, use: Use) -> None:
        act = use.authorisation
        known = [service.id for service in use.profile.services]
        if act.controller is None:
            raise _missing(use, "controller", "who is answerable for the processing")
        if not act.services:
            raise _missing(use, "services", f"out of {', '.join(known)}")
        for service in act.services:
            if service not in known:
                raise NotAuthorised(
                    f"{act.reference} names a service that the law does not: {service!r}",
                    remedy=f"services are {', '.join(known)}",
                    article=ARTICLE,
                    camera=use.camera,
                    cause="services",
                    values={"service": service, "known": ", ".join(known)},
                )


class SaysWhere:
    """It names the perimeter."""

    def require(self, use: Use) -> None:
        if use.authorisation.perimeter is None:
            raise _missing(use, "perimeter", "the places, as the act gives them")


class SaysWhy:
    """It gives its reasons, and the kind of event, which the profile must know."""

    def require(self, use: Use) -> None:
        act = use.authorisation
        allowed = use.profile.gatherings
        if act.gathering is None:
            raise _missing(use, "gathering", f"one of {', '.join(allowed)}")
        if act.reasons is None:
            raise _missing(use, "reasons", "the event, and why it is exposed to a serious risk")
        if act.gathering not in allowed:
            raise NotAuthorised(
                f"{act.reference} is for a {act.gathering.value} event",
                remedy=f"the legal profile allows {', '.join(allowed)}",
                article=SINGLE_PURPOSE,
                camera=use.camera,
                cause="gathering",
                values={"gathering": act.gathering.value, "known": ", ".join(allowed)},
            )


class TellsThePublic:
    """It says how the public is told, or why it is not."""

    def require(self, use: Use) -> None:
        if use.authorisation.notice is None:
            words = "text and told_by, or derogation with the act's reasons"
            raise _missing(use, "notice", words, article=INFORMED)


class ClipsAllowed:
    """It grants no clips that the profile doesn't, nor for longer."""

    def require(self, use: Use) -> None:
        act, most = use.authorisation, use.profile.clip_days
        if act.clips is not None and act.clips > most:
            raise NotAuthorised(
                f"{act.reference} keeps clips for {act.clips} days",
                remedy=f"the legal profile allows {most} days" if most else "it allows no clips",
                article=MINIMAL,
                camera=use.camera,
                cause="clips",
                values={"days": str(act.clips), "most": str(most)},
            )


def _missing(use: Use, field: str, words: str, article: str = ARTICLE) -> NotAuthorised:
    return NotAuthorised(
        f"{use.authorisation.reference} does not say: {field}",
        remedy=f"add {field}: {words}",
        article=article,
        camera=use.camera,
        cause=field,
    )


# ---------------------------------------------------------------------- which are asked where
LABORATORY: tuple[Condition, ...] = (NotStopped(), OneWorld())
"""Commands on files and our simulator: no act, nobody real."""

COVERED: tuple[Condition, ...] = (
    NotStopped(),
    NotWithdrawn(),
    OneWorld(),
    ProfileInForce(),
    EventAllowed(),
    NamesCamera(),
    InForce(),
    NotSuspended(),
    NamesEvent(),
    NotTooLong(),
)
"""A command on a real camera: an act that covers it, under a law in force."""

COMPLETE: tuple[Condition, ...] = (
    ProfileVerified(),
    NotTooLong(),
    SaysWho(),
    SaysWhere(),
    SaysWhy(),
    TellsThePublic(),
    ClipsAllowed(),
)
"""What an act must say, whatever it is used for."""

DESK: tuple[Condition, ...] = COVERED + COMPLETE
"""Where operators work: everything."""


def faults(
    authorisation: Authorisation, profile: LegalProfile, at: datetime
) -> list[NotAuthorised]:
    """What keeps an act from ever opening anything under this profile, all of it at once.

    To be asked when an act is entered. That it has not begun yet is no fault.
    """
    asked = Use(
        camera=authorisation.cameras[0],
        rule="",
        event=authorisation.events[0],
        at=at,
        laboratory=authorisation.laboratory,
        profile=profile,
        orders=Orders(),
        act=authorisation,
    )
    found = obstacles(asked, (OneWorld(), ProfileInForce(), *COMPLETE))
    if authorisation.period.end <= at:
        found += obstacles(asked, (InForce(),))
    for event in authorisation.events:
        if event not in profile.events:
            found.append(_not_of_the_profile(authorisation, event, profile))
    return found


def _not_of_the_profile(
    authorisation: Authorisation, event: Event, profile: LegalProfile
) -> NotAuthorised:
    return NotAuthorised(
        f"{authorisation.reference} names {event.value}, which the legal profile does not allow",
        remedy=f"it allows: {', '.join(profile.events)}",
        article=SINGLE_PURPOSE,
        cause="event_not_allowed",
    )
