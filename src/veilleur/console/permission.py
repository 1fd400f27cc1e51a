"""Who may do what: a closed list of permissions, five roles, and one table. Nothing by default.

Law 30: everybody on duty may stop an analysis. Law 36: alerts, and pictures of people, are for
those whose habilitation and training are in date. Law 26: a verdict is a person's, so no token of
a machine ever carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """What a route can ask for. Each route asks for exactly one (`console.routing`)."""

    USE_CONSOLE = "use_console"  # the frame of the pages, one's own session, password and language
    SEE_ALERTS = "see_alerts"  # the queue, an alert, its still and clip, similar ones
    DECIDE = "decide"  # take, release, hand over, confirm, dismiss, follow up
    LOOK_CLEARLY = "look_clearly"  # the clear seconds around an onset, a camera live from an alert
    SEE_PICTURES = "see_pictures"  # the camera wall: pictures, redacted
    SEE_CAMERAS = "see_cameras"  # the list of cameras, their health, technical alarms: no picture
    CONFIGURE = "configure"  # zones, lines, headings, ground plane; a redacted picture to draw on
    SEE_STOPS = "see_stops"
    STOP = "stop"  # a rule, a camera, the site, everything
    LIFT_STOP = "lift_stop"
    SEE_AUTHORISATIONS = "see_authorisations"
    SUSPEND_AUTHORISATION = "suspend_authorisation"  # and withdraw a camera from one
    ADD_AUTHORISATION = "add_authorisation"  # enter a new act of the authority
    SEE_AUDIT = "see_audit"
    EXPORT_AUDIT = "export_audit"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_TOKENS = "manage_tokens"


class Role(StrEnum):
    """What somebody is here for. An account may have several."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    INTEGRATOR = "integrator"
    DPO = "dpo"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Open:
    """Instead of a permission: anybody may come here, and this is why."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("a route is open to everybody only with a reason")


_EVERYBODY = frozenset(
    {Permission.USE_CONSOLE, Permission.SEE_STOPS, Permission.SEE_AUTHORISATIONS}
)
_OPERATOR = _EVERYBODY | {
    Permission.SEE_ALERTS,
    Permission.DECIDE,
    Permission.LOOK_CLEARLY,
    Permission.SEE_PICTURES,
    Permission.SEE_CAMERAS,
    Permission.STOP,
}
TABLE: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.OPERATOR: _OPERATOR,
        Role.SUPERVISOR: _OPERATOR
        | {
            Permission.LIFT_STOP,
            Permission.SUSPEND_AUTHORISATION,
            Permission.ADD_AUTHORISATION,
            Permission.MANAGE_ACCOUNTS,
            Permission.MANAGE_TOKENS,
        },
        Role.INTEGRATOR: _EVERYBODY
        | {Permission.SEE_CAMERAS, Permission.CONFIGURE, Permission.STOP},
        Role.DPO: _EVERYBODY
        | {
            Permission.STOP,
            Permission.SUSPEND_AUTHORISATION,
            Permission.SEE_AUDIT,
            Permission.EXPORT_AUDIT,
        },
        Role.AUDITOR: _EVERYBODY | {Permission.SEE_AUDIT, Permission.EXPORT_AUDIT},
    }
)
"""The whole table. No role has everything: who draws zones sees no alert, who sees the record
changes nothing."""

QUALIFIED = frozenset(
    {
        Permission.SEE_ALERTS,
        Permission.DECIDE,
        Permission.LOOK_CLEARLY,
        Permission.SEE_PICTURES,
    }
)
"""Only with a habilitation and a training in date (law 36)."""

PERSONAL = frozenset(
    {
        Permission.USE_CONSOLE,
        Permission.DECIDE,
        Permission.LOOK_CLEARLY,
        Permission.LIFT_STOP,
        Permission.MANAGE_ACCOUNTS,
        Permission.MANAGE_TOKENS,
    }
)
"""Only for a person who signed in: no token carries these, whatever is asked for."""


def permissions_of(roles: Iterable[Role], *, qualified: bool) -> frozenset[Permission]:
    """What these roles may do together; without a qualification in date, less."""
    granted = frozenset[Permission]().union(*(TABLE[role] for role in roles))
    return granted if qualified else granted - QUALIFIED
