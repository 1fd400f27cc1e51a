"""A signal as it is kept: what a rule said, when, of where, and why. Nothing about a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from veilleur.catalogue import Event
from veilleur.events.rule import Check
from veilleur.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord:
    """One signal of one rule (law 28: the closed list of what is kept and may leave).

    id: made once, where the signal was raised; it is what makes a second delivery harmless.
    onset, noticed: UTC, when the situation began and when the rule was sure. where: the box in
    shares of the picture, 0..1. reference: the authorisation it was raised under. parameters: a
    short digest of the rule as it was configured. laboratory: nobody real was watched. canary: a
    proof of life, in no statistics and no register.
    """

    id: UUID
    camera: str
    rule: str
    event: Event
    level: str
    onset: datetime
    noticed: datetime
    where: Box
    checks: tuple[Check, ...]
    reference: str
    parameters: str
    software: str
    laboratory: bool
    canary: bool = False
