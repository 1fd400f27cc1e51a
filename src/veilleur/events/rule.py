"""The interface of a rule, and what it says: signals, and the checks behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from veilleur.catalogue import Event
from veilleur.events.scene import Scene
from veilleur.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition of a rule on one object (or on the zone), as measured now.

    name: what is measured ("inside", "against", "people"; `wording` knows them all); unit: "s",
    "m", "heights", "people", "people/m2", "degrees", "px", "yes" (1 or 0). held_s: for how many
    seconds it has been true. at_least: `measured` is only a lower bound. A signal is raised when
    every check of a candidate has passed; the first that has not is the "why not".
    """

    name: str
    measured: float
    threshold: float
    unit: str
    held_s: float
    passed: bool
    at_least: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One object (or the zone) that a rule is watching, with its checks in order."""

    where: Box
    checks: tuple[Check, ...]

    @property
    def failed(self) -> Check | None:
        """The first check that has not passed: the answer to "why not"."""
        return next((check for check in self.checks if not check.passed), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A rule says: look here. Not yet an incident, never a decision.

    began: when the situation began; noticed: when the rule was sure (both seconds, stream clock).
    where: pixels of the view. checks: why. level: "alarm", or "watch" in `Verdict.notices`.
    watched: since when this very object has been watched without being told; None: not known.
    """

    event: Event
    rule: str
    camera: str
    began: float
    noticed: float
    where: Box
    checks: tuple[Check, ...]
    level: str = "alarm"
    watched: float | None = None

    @property
    def at_least(self) -> bool:
        """A measured count behind it is only a lower bound."""
        return any(check.at_least for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule returns for one Scene.

    signals: raised now, once for each object. holding: boxes of the objects for which a signalled
    situation goes on. candidates: everything watched at this instant, with its checks. notices:
    the watch level was reached (density): worth a look, never an alert. unfit: why this camera
    cannot serve the rule, as far as its pictures have shown it; nothing is signalled then.
    """

    signals: tuple[Signal, ...] = ()
    notices: tuple[Signal, ...] = ()
    holding: tuple[Box, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    unfit: str | None = None


class Rule(Protocol):
    """A pure step over a Scene that is told the time. It never reads a clock, file or picture."""

    event: ClassVar[Event]
    id: str

    def step(self, scene: Scene) -> Verdict: ...
