"""What somebody wrote without a meaning for the measurement, taken out before the rest is read.

Fields that the format does not know (a licence, a comment), null where something is simply absent,
numbers where a name is expected. What may be a field misspelt stays, and is refused afterwards.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from veilleur.evaluation.clip import Clip, Ground, Span, Truth
from veilleur.events.registry import RULES
from veilleur.events.specification import HeadingAt, RuleSpecification

LEVELS: dict[str, type[BaseModel]] = {
    "clips": Clip, "ground": Ground, "rules": RuleSpecification, "headings": HeadingAt,
    "truth": Truth, "ignore": Span,
}  # fmt: skip
_DIRECTIONS = ("left_to_right", "right_to_left", "both")
_NAMES = frozenset({"id", "group", "note", "rule", "name"})
_ABSENT_LIKE, _LIKE_ANOTHER = 0.7, 0.85  # how like a known field, that is absent or there as well
EVERY_PARAMETER = frozenset(
    name for rule in RULES.values() for name in rule.parameters.model_fields
)
"""Of all events. One of them beside `params` is misplaced, and is not left out."""


def names_of(model: type[BaseModel]) -> list[str]:
    """The fields as they are written."""
    return [info.alias or name for name, info in model.model_fields.items()]


@dataclass(slots=True)
class Tidying:
    """Tidies documents and keeps count of what it left out."""

    _unused: Counter[tuple[str, str]] = field(default_factory=Counter)
    _no_tags: int = 0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was left out, each field once."""
        tags = (f"tags that are no object: not used ({_times(self._no_tags)})",) * bool(
            self._no_tags
        )
        return tags + tuple(
            f'the field "{name}" is not part of the format: not used '
            f"({place or 'dataset'}, {_times(times)})"
            for (place, name), times in sorted(self._unused.items())
        )

    def tidy(self, raw: object, model: type[BaseModel], place: str = "") -> object:
        """The same without what has no meaning. Lists keep their length."""
        if not isinstance(raw, dict):
            return raw
        required = {name for name, info in model.model_fields.items() if info.is_required()}
        out: dict[str, Any] = {}
        for name, value in raw.items():
            if self._is_unused(name, raw, model):
                self._unused[place, str(name)] += 1
            elif value is not None or name in required:
                out[name] = self._value(name, value, place)
        return out

    def _value(self, name: str, value: object, place: str) -> object:
        if name in LEVELS:
            model = LEVELS[name]
            if isinstance(value, list):
                return [self.tidy(entry, model, name) for entry in value]
            return self.tidy(value, model, name)
        if name == "tags":
            return self._tags(value)
        if name == "params" and isinstance(value, dict):
            return {key: entry for key, entry in value.items() if entry is not None}
        if name in _NAMES and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return value

    def _tags(self, value: object) -> dict[str, str]:
        """Tags only split the numbers: whatever they hold is text."""
        if not isinstance(value, dict):
            self._no_tags += 1
            return {}
        return {key: v if isinstance(v, str) else json.dumps(v) for key, v in value.items()}

    def _is_unused(self, name: str, raw: dict[str, Any], model: type[BaseModel]) -> bool:
        known = names_of(model)
        if name in known or (model is RuleSpecification and _may_be_meant(name, raw[name])):
            return False
        absent = [other for other in known if other not in raw]
        like = get_close_matches(name, absent, n=1, cutoff=_ABSENT_LIKE)
        return not like and not get_close_matches(name, known, n=1, cutoff=_LIKE_ANOTHER)


def _times(number: int) -> str:
    return f"{number} time{'s' * (number != 1)}"


def _may_be_meant(name: str, value: object) -> bool:
    """Of a rule only words and numbers are left out: a polygon under another name is meant."""
    return name in EVERY_PARAMETER or isinstance(value, list | dict) or value in _DIRECTIONS
