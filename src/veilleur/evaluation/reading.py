"""An entry of `clips` as it stands in the file, to a Clip and what is wrong with it.

What one rule or one truth has wrong costs only that rule: its entry is replaced by an empty one, so
that the others keep their places. What cannot be laid to a rule costs the clip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from veilleur.catalogue import Event, Subject
from veilleur.evaluation.clip import NEGATIVE_PREFIX, Clip, Mistake, Span, Truth, meant
from veilleur.evaluation.tidying import EVERY_PARAMETER, LEVELS, names_of
from veilleur.events.specification import RuleSpecification

_LISTS = ("rules", "truth", "ignore", "negative_for")
_DOCUMENT = ("schema", "name", "root", "clips")
S = TypeVar("S", bound=Span)
Loc = tuple[int | str, ...]


class EntryReader:
    """Reads one entry. `document`: the whole file, to tell places by ids. Mistakes add up."""

    def __init__(self, document: Mapping[str, Any], number: int) -> None:
        self.mistakes: list[Mistake] = []
        self._document = document
        self._number = number
        self._raw = document["clips"][number]
        self._name, _ = place(("clips", number), document)

    def read(self) -> Clip:
        """The clip, as far as it could be understood."""
        if not isinstance(self._raw, dict):
            self._wrong("", "is no object with id, file, rules and truth")
            return Clip(id=self._name, file="?")
        clip = self._frame()
        rules = self._rules()
        negatives = self._negatives()
        defaults = {f"{NEGATIVE_PREFIX}{event}" for event in negatives}
        for rule in rules:
            if rule.id in defaults:
                self._wrong(f"rules[{rule.id}]", "this id stands twice in the clip", rule.id)
        known = self._written_ids() | defaults
        return clip.model_copy(
            update={
                "rules": rules,
                "truth": self._spans("truth", Truth, known),
                "ignore": self._spans("ignore", Span, known),
                "negative_for": negatives,
            }
        )

    def _wrong(self, field: str, text: str, rule: str = "") -> None:
        self.mistakes.append(Mistake(self._name, field, text, rule))

    def _explained(self, error: ValidationError, at: Loc = (), rule: str = "") -> None:
        for detail in error.errors(include_url=False):
            loc: Loc = ("clips", self._number, *at, *detail["loc"])
            _, field = place(loc, self._document)
            self._wrong(field, explain(detail, loc), rule)

    def _frame(self) -> Clip:
        """Everything but the lists."""
        plain = {name: value for name, value in self._raw.items() if name not in _LISTS}
        try:
            return Clip.model_validate_json(json.dumps(plain))
        except ValidationError as error:
            self._explained(error)
        file = plain.get("file")
        return Clip(id=self._name, file=file if isinstance(file, str) and file else "?")

    def _list(self, name: str) -> list[Any]:
        value = self._raw.get(name, [])
        if isinstance(value, list):
            return value
        self._wrong(name, "is no list")
        return []

    def _written_ids(self) -> set[str]:
        return {self._rule_id(raw, index) for index, raw in enumerate(self._list("rules"))}

    @staticmethod
    def _rule_id(raw: object, index: int) -> str:
        name = raw.get("id") if isinstance(raw, dict) else None
        return name if isinstance(name, str) and name else f"number {index}"

    def _rules(self) -> tuple[RuleSpecification, ...]:
        read: list[RuleSpecification] = []
        for index, raw in enumerate(self._list("rules")):
            rule = self._rule(raw, index)
            if rule is None:
                continue
            if any(other.id == rule.id for other in read):
                self._wrong(f"rules[{rule.id}]", "this id stands twice in the clip", rule.id)
            else:
                read.append(rule)
        return tuple(read)

    def _rule(self, raw: object, index: int) -> RuleSpecification | None:
        """None where not even the event is known."""
        name = self._rule_id(raw, index)
        try:
            return RuleSpecification.model_validate_json(json.dumps(raw))
        except ValidationError as error:
            self._explained(error, ("rules", index), name)
        event = raw.get("event") if isinstance(raw, dict) else None
        return RuleSpecification(id=name, event=Event(event)) if event in list(Event) else None

    def _spans(self, name: str, model: type[S], known: set[str]) -> tuple[S, ...]:
        return tuple(
            self._span(raw, (name, index), model, known)
            for index, raw in enumerate(self._list(name))
        )

    def _span(self, raw: object, at: Loc, model: type[S], known: set[str]) -> S:
        """One that cannot be read costs its rule's measurement, or the clip's where it names none.

        The empty one in its place keeps the others' numbers.
        """
        try:
            return model.model_validate_json(json.dumps(raw))
        except ValidationError as error:
            rule = raw.get("rule") if isinstance(raw, dict) else None
            named = rule if isinstance(rule, str) and rule in known else ""
            self._explained(error, at, named)
        return model.model_validate({"rule": named, "start_s": 0.0, "end_s": 0.0} | _due(model))

    def _negatives(self) -> tuple[Event, ...]:
        read: dict[Event, None] = {}
        for index, word in enumerate(self._list("negative_for")):
            if word in list(Event):
                read[Event(word)] = None
            else:
                text = f'unknown event "{word}"' + meant(str(word), list(Event))
                self._wrong(f"negative_for[{index}]", text, f"{NEGATIVE_PREFIX}{word}")
        return tuple(read)


def _due(model: type[Span]) -> dict[str, float]:
    return {"due_s": 0.0} if issubclass(model, Truth) else {}


# What a pydantic error means, in words of the format ------------------------------------------


def explain(detail: ErrorDetails, loc: Sequence[int | str]) -> str:
    """One mistake in our words. loc: its place in the document."""
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_field(str(loc[-1]), loc)
    if kind == "missing":
        return "is missing"
    if kind == "enum":
        value = str(detail["input"])
        if "event" in loc:
            return f'unknown event "{value}"' + meant(value, list(Event))
        return f'unknown value "{value}"' + meant(value, list(Subject))
    if kind in ("greater_than_equal", "less_than_equal") and _is_coordinate(loc):
        return f"{detail['input']} lies outside the picture (coordinates are 0 to 1)"
    if kind == "too_short" and tuple(loc) == ("clips",):
        return "holds no clip: list at least one"
    if kind in ("too_short", "too_long"):
        return f"{_length(detail['input'])} entries: {_wanted(detail)}"
    text = detail["msg"].replace("Input should be", "must be").replace("a valid array", "a list")
    text = text.replace("a valid string", "text").replace("a valid datetime", "a date and time")
    return f"{detail['input']!r}: {text}" if kind == "literal_error" else text


def _length(value: object) -> int:
    return len(value) if isinstance(value, list | tuple | str | dict) else 0


def _wanted(detail: ErrorDetails) -> str:
    limits = detail.get("ctx", {})
    if detail["type"] == "too_short":
        return f"at least {limits.get('min_length')} are needed"
    return f"at most {limits.get('max_length')} are allowed"


def _unknown_field(name: str, loc: Sequence[int | str]) -> str:
    owners = [part for part in loc[:-1] if isinstance(part, str)]
    if owners and owners[-1] == "rules" and name in EVERY_PARAMETER:
        return 'belongs into "params"'
    model: type[BaseModel] | None = LEVELS.get(owners[-1]) if owners else None
    return "unknown field" + meant(name, names_of(model) if model else _DOCUMENT)


def _is_coordinate(loc: Sequence[int | str]) -> bool:
    return bool({"zone", "line", "image", "at"} & set(loc))


def place(loc: Sequence[int | str], raw: object) -> tuple[str, str]:
    """The clip's id and the field's path, with ids in the place of indices where there are any."""
    if len(loc) < 2 or loc[0] != "clips":
        return "", ".".join(str(part) for part in loc)
    node: Any = raw
    path: list[str] = []
    clip = ""
    for depth, part in enumerate(loc):
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            node = None
        name = node.get("id") if isinstance(node, dict) else None
        if depth == 1:
            clip = str(name) if isinstance(name, str) and name else f"number {part}"
        elif depth > 1:
            path.append(f"[{name or part}]" if isinstance(part, int) else f".{part}")
    return clip, "".join(path).lstrip(".")
