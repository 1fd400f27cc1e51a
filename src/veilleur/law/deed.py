"""What is put on the record, a closed list (law 71, 72; CSI R. 253-5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Deed(StrEnum):
    """Everything that enters the audit chain has one of these names."""

    SIGNAL = "signal"
    INCIDENT_OPENED = "incident_opened"
    INCIDENT_UPDATED = "incident_updated"
    INCIDENT_TAKEN = "incident_taken"
    INCIDENT_RELEASED = "incident_released"
    INCIDENT_HANDED_OVER = "incident_handed_over"
    INCIDENT_ESCALATED = "incident_escalated"
    INCIDENT_NOT_SEEN = "incident_not_seen"
    INCIDENT_CONFIRMED = "incident_confirmed"
    INCIDENT_DISMISSED = "incident_dismissed"
    INCIDENT_FOLLOWED_UP = "incident_followed_up"
    EVIDENCE_KEPT = "evidence_kept"
    EVIDENCE_FAILED = "evidence_failed"
    EVIDENCE_ERASED = "evidence_erased"
    EVIDENCE_VIEWED = "evidence_viewed"
    SECONDS_VIEWED = "seconds_viewed"  # the clear seconds around an onset, out of memory
    LIVE_VIEWED = "live_viewed"  # the camera live, in clear
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    LOCKED_OUT = "locked_out"
    DENIED = "denied"  # somebody asked for what their role does not allow
    ACCOUNT_CHANGED = "account_changed"
    TOKEN_ISSUED = "token_issued"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    AUTHORISATION_ADDED = "authorisation_added"
    AUTHORISATION_SUSPENDED = "authorisation_suspended"
    CAMERA_WITHDRAWN = "camera_withdrawn"
    STOPPED = "stopped"
    RESUMED = "resumed"
    CONFIGURED = "configured"  # zones, rules, ground plane
    GAP = "gap"  # a camera was not analysed: from, to, cause
    STARTED = "started"
    ENDED = "ended"
    CLOCK_STEPPED = "clock_stepped"
    EXPORTED = "exported"
    AUDIT_READ = "audit_read"


SYSTEM, COMMAND_LINE = "system", "command line"
"""Who it was where it was no account: the product itself, or whoever may use its commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line for the record, before it has its place in the chain.

    who: an account, SYSTEM or COMMAND_LINE. of: what it is about, as "incident:<id>",
    "camera:<id>" ...; "" for the whole. reason: why, where the law asks for one. details: short
    texts.
    """

    deed: Deed
    at: datetime
    who: str
    of: str = ""
    reason: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
