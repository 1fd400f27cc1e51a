"""One labelled clip: a file, the rules to run on it, and what a human saw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from pydantic import BaseModel, ConfigDict, Field

from veilleur.catalogue import Event
from veilleur.events.specification import Coordinate, Point, RuleSpecification

SCENES_SUFFIX = ".scenes.jsonl"
WHOLE_PICTURE: tuple[Point, ...] = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
NEGATIVE_PREFIX = "negative_for:"

LONGEST_HOLD_S = 86_400.0


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Ground(_Part):
    """The ground of a clip: at least four point pairs, or the name of a calibration file."""

    image: tuple[tuple[Coordinate, Coordinate], ...] | None = None
    metres: tuple[tuple[float, float], ...] | None = None
    calibration: str | None = Field(default=None, min_length=1)


class Span(_Part):
    """From start_s to end_s (seconds from the first picture), for one rule."""

    rule: str
    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
    note: str = ""


class Truth(Span):
    """What a human saw. due_s: the first instant at which an alert is owed."""

    due_s: float = Field(ge=0)


class Clip(_Part):
    """One entry: a file, the rules to run on it, and what they should say.

    The same file may stand under several ids. `group`: clips of one source share it.
    """

    id: str = Field(min_length=1)
    file: str = Field(min_length=1)
    group: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    ground: Ground | None = None
    rules: tuple[RuleSpecification, ...] = ()
    truth: tuple[Truth, ...] = ()
    ignore: tuple[Span, ...] = ()
    negative_for: tuple[Event, ...] = ()
    hold_last_s: float = Field(default=0.0, ge=0, le=LONGEST_HOLD_S)
    starts_at: datetime | None = None

    @property
    def source(self) -> str:
        """The group, or the clip's own id where none is given."""
        return self.group or self.id

    @property
    def is_scenes(self) -> bool:
        """Boxes instead of pixels."""
        return self.file.endswith(SCENES_SUFFIX)

    @property
    def every_rule(self) -> tuple[RuleSpecification, ...]:
        """The rules as written, and one over the whole picture for each event of negative_for."""
        return tuple(
            rule
            if rule.zone is not None or rule.line
            else rule.model_copy(update={"zone": WHOLE_PICTURE})
            for rule in self.rules
        ) + tuple(
            RuleSpecification(id=f"{NEGATIVE_PREFIX}{event}", event=event, zone=WHOLE_PICTURE)
            for event in self.negative_for
        )

    @property
    def events(self) -> frozenset[Event]:
        return frozenset(rule.event for rule in self.every_rule)

    def event_of(self, rule_id: str) -> Event:
        return next(rule.event for rule in self.every_rule if rule.id == rule_id)

    def only(self, event: Event) -> Clip:
        """The same clip with the rules, truths and negatives of one event."""
        kept = {rule.id for rule in self.rules if rule.event is event}
        return self.model_copy(
            update={
                "rules": tuple(rule for rule in self.rules if rule.id in kept),
                "truth": tuple(truth for truth in self.truth if truth.rule in kept),
                "ignore": tuple(span for span in self.ignore if span.rule in kept),
                "negative_for": tuple(e for e in self.negative_for if e is event),
            }
        )


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and whose measurement it costs: one rule's, or with rule "" the clip's."""

    clip: str
    field: str
    text: str
    rule: str = ""

    @property
    def said(self) -> str:
        """Without the clip's name."""
        return f"{self.field}: {self.text}" if self.field else self.text

    def __str__(self) -> str:
        place = " ".join(
            part for part in (f"clip {self.clip}" * bool(self.clip), self.field) if part
        )
        return f"{place}: {self.text}" if place else self.text


def meant(word: str, known: Iterable[str]) -> str:
    """What somebody may have meant, as the end of a sentence.

    >>> meant("forbiden_zone", ["forbidden_zone", "fire"])
    ': did you mean "forbidden_zone"?'
    >>> meant("speed", ["fire", "weapon"])
    ': known are fire, weapon'
    """
    names = [str(name) for name in known]
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f': did you mean "{close[0]}"?'
    return ": known are " + ", ".join(names) if names else ": there is none"
