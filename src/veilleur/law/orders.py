"""What the authority and the people on duty have ordered, as it stands at one instant.

The desk reads it from the store and hands it to the gate (`Gate.obey`). What stands in it applies
at once, whatever its own time says: `at` is for the record, so that a clock which is set back opens
nothing. Source: loi n° 2023-380, article 10, VI 4° (interrupted at any moment), VIII (suspended or
ended by the prefect).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from veilleur.law.authorisation import Authorisation


class Scope(StrEnum):
    """How far a stop reaches. Its target: "" | the site's id | the camera's id | "camera/rule"."""

    EVERYTHING = "everything"
    SITE = "site"
    CAMERA = "camera"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """The authority suspends or ends an act. who: on whose order it was entered."""

    who: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An authorisation with what became of it."""

    authorisation: Authorisation
    suspended: Suspension | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Somebody on duty stops the analysis; anybody may. It holds until it is lifted."""

    scope: Scope
    target: str = ""
    who: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Everything in force or to come: acts that ended long ago, and lifted stops, are left out.

    withdrawn: ids of cameras that may not be analysed under any act.
    """

    acts: tuple[Act, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    stops: tuple[Stop, ...] = ()

    @classmethod
    def of(cls, *authorisations: Authorisation) -> Self:
        """Acts alone: nothing is suspended, withdrawn or stopped."""
        return cls(acts=tuple(Act(authorisation=one) for one in authorisations))


def rule_target(camera: str, rule: str) -> str:
    """The target of a stop of one rule. An id of a camera has no slash in it."""
    return f"{camera}/{rule}"
