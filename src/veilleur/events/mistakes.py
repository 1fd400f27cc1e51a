"""What is wrong with a rule in a file beyond the types of its settings: all of it, at once.

Types, names and choices of `RuleSpecification` are told by pydantic. The rest, shapes, the event's
own parameters, and what the event needs, is looked for here in whatever of the rule can be read,
so that nobody corrects a file one mistake at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from veilleur.catalogue import Event, Subject
from veilleur.errors import ConfigurationError
from veilleur.events.registry import NotInThisVersion, build_rule, parameter_mistakes
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import Line, View, Zone

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
DRAWN = frozenset({"zone", "line", "allowed_heading", "headings"})
"""Settings that may be absent only because their name is misspelt."""


@dataclass(frozen=True, slots=True)
class _Readable:
    """spec: what can be read, the rest by default. refused: names of what cannot."""

    spec: RuleSpecification
    refused: frozenset[str]

    def follows(self, setting: str) -> bool:
        """A mistake of this setting may come from another that is told already."""
        misspelt = bool(self.refused - set(RuleSpecification.model_fields))
        return setting in self.refused or (misspelt and setting in DRAWN)


def rule_mistakes(raw: Mapping[str, object], view: View) -> Iterator[ConfigurationError]:
    """Every mistake of a rule as it stands in a file that its types cannot see.

    `setting` of each is the dotted path inside the rule. What follows from a mistake of the types,
    or from another one of these, is not told again.
    """
    readable = _read(raw)
    spec = readable.spec
    if "event" in readable.refused:
        yield from _shapes(spec, view)
        return
    for error in parameter_mistakes(spec):
        yield error
        spec = _mended(spec, error.setting)
    for error in _one_by_one(spec, view):
        if not readable.follows(error.setting.partition(".")[0]):
            yield error


def _read(raw: Mapping[str, object]) -> _Readable:
    try:
        return _Readable(RuleSpecification.model_validate(dict(raw)), frozenset())
    except ValidationError as error:
        refused = frozenset(str(detail["loc"][0]) for detail in error.errors() if detail["loc"])
    kept = {key: value for key, value in raw.items() if key not in refused}
    stand_ins = {"id": "?", "event": Event.FORBIDDEN_ZONE}
    return _Readable(RuleSpecification.model_validate(stand_ins | kept), refused)


def _shapes(spec: RuleSpecification, view: View) -> Iterator[ConfigurationError]:
    """What is wrong with the drawings, whatever the event."""
    try:
        if spec.zone is not None:
            Zone.drawn(spec.zone, view)
    except ConfigurationError as error:
        yield error
    try:
        if spec.line is not None:
            Line.drawn(spec.line, view)
    except ConfigurationError as error:
        yield error


def _one_by_one(spec: RuleSpecification, view: View) -> Iterator[ConfigurationError]:
    """What keeps the rule from being built, each mended to see the next."""
    mended = set[str]()
    while True:
        try:
            build_rule(spec, view, local_time_known=True)
        except NotInThisVersion as error:
            yield error
            yield from _shapes(spec, view)
            return
        except ConfigurationError as error:
            yield error
            if error.setting in mended:
                return
            mended.add(error.setting)
            spec = _mended(spec, error.setting)
        else:
            return


def _mended(spec: RuleSpecification, setting: str) -> RuleSpecification:
    """The rule with something harmless where the mistake was, so that the next one shows."""
    first, _, rest = setting.partition(".")
    change: dict[str, object] = {}
    if first == "params":
        wrong = rest.partition(".")[0]
        change["params"] = {name: v for name, v in spec.params.items() if wrong not in (name, "")}
    elif first in ("zone", "line"):
        change = {"zone": WHOLE, "line": None}
    elif first in ("allowed_heading", "headings"):
        change = {"allowed_heading": (1.0, 0.0), "headings": ()}
    elif first == "subject":
        change["subject"] = Subject.PERSON
    return spec.model_copy(update=change)
