"""Under which law a process runs: its profile, what the gate asks, and whether it needs contact."""

from __future__ import annotations

from dataclasses import dataclass

from veilleur.law.conditions import COVERED, DESK, LABORATORY, Condition
from veilleur.law.profile import LegalProfile, Status, shipped

PRESUMED = "fr-jop2030"
"""The law under which a command runs that was given no profile. Its dates hold; it is a template,
and whoever starts the command is told so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """contact: the gate is open only while somebody keeps telling it the orders (`Gate.obey`)."""

    profile: LegalProfile
    conditions: tuple[Condition, ...]
    contact: bool = False

    @property
    def laboratory(self) -> bool:
        """Files and our own simulator only: every page, record and export says so."""
        return self.profile.laboratory


def laboratory() -> Regime:
    """Commands on files and our simulator: no act, and no real camera."""
    return Regime(profile=shipped("laboratory"), conditions=LABORATORY)


def covered(profile: LegalProfile | None = None) -> Regime:
    """Commands on real cameras: an act that covers them, under a law in force."""
    return Regime(profile=profile or shipped(PRESUMED), conditions=COVERED)


def desk(profile: LegalProfile) -> Regime:
    """Where operators work, in earnest or, with the laboratory's profile, in the laboratory:
    complete acts, verified law, and contact with the authority's orders."""
    return Regime(profile=profile, conditions=DESK, contact=True)


def unverified(regime: Regime) -> list[str]:
    """What is to be said at start of a profile that nobody has verified."""
    profile = regime.profile
    if profile.status is not Status.TEMPLATE:
        return []
    return [
        f"the legal profile {profile.name} is a template nobody has verified (until "
        f"{profile.ends}): a jurist must read the texts before anything is done with what is shown"
    ]
