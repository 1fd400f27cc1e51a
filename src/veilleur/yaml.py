"""YAML files at the door: a value of the right type comes out, or an error with line and column."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.reader import ReaderError

from veilleur.errors import Coded, ConfigurationError

Model = TypeVar("Model", bound=BaseModel)
POINTS = frozenset({"zone", "line", "masks", "at", "image", "a", "b"})
"""Settings that hold points of the picture."""
MOST_NODES = 200_000
"""Keys and values of one file: a site of a thousand cameras has fewer."""
NO_NUMBER = ("float_parsing", "int_parsing")
"""Pydantic's words for a text where a number should stand, as in `2 min`."""
WORDS = {
    "float_parsing": "{input!r} is no number",
    "int_parsing": "{input!r} is no number",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "finite_number": "must be a finite number",
    "less_than_equal": "must be {le:g} at most",
    "greater_than_equal": "must be {ge:g} at least",
    "less_than": "must be less than {lt:g}",
    "greater_than": "must be more than {gt:g}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a text (in quotes, where it looks like a number)",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "{input!r} has characters that are not allowed here ({pattern})",
    "path_type": "must be the name of a file",
    "enum": "{input!r} is none of {expected}",
    "literal_error": "{input!r} is none of {expected}",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_short": "must be {min_length} at least, not {actual_length}",
    "too_long": "must be {max_length} at most, not {actual_length}",
    "extra_forbidden": "unknown setting",
    "missing": "is missing",
    "model_type": "must hold settings (key: value)",
    "dict_type": "must hold settings (key: value)",
    "timezone_aware": "has no time zone",
    "datetime_parsing": "{input!r} is no date with its time",
    "datetime_from_date_parsing": "{input!r} is no date with its time",
    "datetime_type": "{input!r} is no date with its time",
}
"""Pydantic's kinds of mistakes in our words; its own where a validator of ours gave them."""
UNITS = {
    "_per_m2": "people per square metre",
    "_m_s": "metres a second",
    "_s": "seconds",
    "_m": "metres",
    "_px": "pixels",
    "_deg": "degrees",
    "_hz": "times a second",
    "_heights": "person heights",
    "_share": "parts of 1",
}
"""Ends of settings' names, the longer ones first, and the units that they speak in."""
Path_ = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A mistake. at: the path from the top of the file from which the error's `setting` goes on."""

    at: tuple[str | int, ...]
    error: ConfigurationError

    @property
    def location(self) -> tuple[str | int, ...]:
        inside = (part for part in self.error.setting.split(".") if part)
        return (*self.at, *(int(part) if part.isdigit() else part for part in inside))


class Problems(ConfigurationError):
    """Several mistakes in one file, all of them: `problems` in the order of their lines."""

    def __init__(self, problems: Sequence[ConfigurationError]) -> None:
        first = problems[0]
        super().__init__(
            first.message,
            remedy=first.remedy,
            setting=first.setting,
            file=first.file,
            line=first.line,
            column=first.column,
            coded=first.coded,
        )
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def read_tree(path: Path) -> CommentedMap:
    """The mapping in a YAML file, with the place of every key. Errors: ConfigurationError."""
    try:
        written = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError("no such file", remedy="check the path", file=str(path)) from None
    except IsADirectoryError:
        raise ConfigurationError(
            "is a folder", remedy="name the file in it", file=str(path)
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"cannot be read: {error.strerror}",
            remedy="it must be a text file in UTF-8",
            file=str(path),
        ) from error
    return parse_tree(_decoded(written, path), path)


def _decoded(written: bytes, path: Path) -> str:
    """Raises ConfigurationError, with its place, for what is not UTF-8."""
    try:
        return written.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        whole = written.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        line, column = (1, 1) if whole else _line_and_column(written[: error.start].decode())
        raise ConfigurationError(
            "the file is UTF-16, not UTF-8" if whole else "this character is not UTF-8",
            remedy="save the file as UTF-8",
            file=str(path),
            line=line,
            column=column,
            coded=Coded("not_yaml"),
        ) from None


def _line_and_column(before: str) -> tuple[int, int]:
    """From 1, of what follows this text."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def parse_tree(text: str, path: Path) -> CommentedMap:
    """The same, of a text that is or will be in the file at `path`. Errors: ConfigurationError."""
    try:
        if "*" in text and (node := YAML(typ="rt").compose(text)) is not None:
            _Unfolding(path).size(node)
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        raise ConfigurationError(
            error.problem or "not YAML",
            remedy="check indentation, colons and quotes around here",
            file=str(path),
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
            coded=Coded("not_yaml"),
        ) from None
    except ReaderError as error:
        line, column = _line_and_column(text[: error.position])
        raise ConfigurationError(
            f"the character U+{ord(text[error.position]):04X} cannot stand in it",
            remedy="remove it; the file must be text in UTF-8",
            file=str(path),
            line=line,
            column=column,
            coded=Coded("not_yaml"),
        ) from None
    except YAMLError as error:
        raise ConfigurationError(
            f"not YAML: {error}", file=str(path), coded=Coded("not_yaml")
        ) from None
    except ValueError as error:  # 2026-13-01 looks like a date, and is none
        raise ConfigurationError(
            f"a date or a number is none: {error}",
            remedy="check its months, days and hours",
            file=str(path),
            coded=Coded("no_date"),
        ) from None
    except RecursionError:
        raise ConfigurationError(
            "it is nested too deeply", file=str(path), coded=Coded("not_yaml")
        ) from None
    if not isinstance(tree, CommentedMap):
        raise ConfigurationError(
            "the file must hold settings (key: value)",
            file=str(path),
            line=1,
            column=1,
            coded=Coded("no_settings"),
        )
    return tree


class _Unfolding:
    """How large a file becomes when each alias is replaced by what it stands for: a few lines can
    stand for millions. Asked before anything is unfolded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sizes: dict[int, int] = {}
        self._inside: set[int] = set()

    def size(self, node: Node) -> int:
        """Nodes in it. Raises ConfigurationError for too many, or one that holds itself."""
        known = self._sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in self._inside:
            raise self._refusal(node, "what this anchor names holds itself")
        self._inside.add(id(node))
        size = 1 + sum(map(self.size, _parts(node)))
        if size > MOST_NODES:
            words = f"with its aliases unfolded it has more than {MOST_NODES} entries"
            raise self._refusal(node, words)
        self._inside.remove(id(node))
        self._sizes[id(node)] = size
        return size

    def _refusal(self, node: Node, words: str) -> ConfigurationError:
        mark = node.start_mark
        return ConfigurationError(
            words,
            remedy="use fewer aliases (*name), or write it out",
            file=str(self._path),
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
            coded=Coded("not_yaml"),
        )


def _parts(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, SequenceNode):
        yield from node.value


def read_model(
    path: Path, model: type[Model], further: Callable[[Any], Iterator[Misplaced]] | None = None
) -> Model:
    """A file as one value. Every mistake is reported, each with its line and column.

    further: finds what the types cannot see, in the plain tree, whether they are content or not.
    Errors: Problems, or ConfigurationError where the file holds no settings at all.
    """
    return as_model(read_tree(path), path, model, further)


def as_model(
    tree: CommentedMap,
    path: Path,
    model: type[Model],
    further: Callable[[Any], Iterator[Misplaced]] | None = None,
) -> Model:
    """The same, of a tree that was read already."""
    raw = plain(tree)
    found = [placed(wrong, tree, path) for wrong in further(raw)] if further else []
    value = None
    try:
        value = model.model_validate(raw)
    except ValidationError as error:
        found += explain(error, tree, model, path)
    if value is None or found:
        raise Problems(sorted(found, key=lambda one: (one.line or 0, one.column or 0)))
    return value


def placed(wrong: Misplaced, tree: CommentedMap, path: Path) -> ConfigurationError:
    """The same mistake with its line and column."""
    line, column = place(tree, wrong.location)
    return ConfigurationError(
        wrong.error.message,
        remedy=wrong.error.remedy,
        setting=".".join(str(part) for part in wrong.location),
        file=str(path),
        line=line,
        column=column,
        coded=wrong.error.coded,
    )


def unit_of(name: str) -> str:
    """The unit in which a setting of this name is written; "" where its name has none.

    >>> unit_of("dwell_s"), unit_of("max_per_m2"), unit_of("margin")
    ('seconds', 'people per square metre', '')
    """
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def plain(node: Any) -> Any:
    """The tree without its places: dicts, lists and scalars."""
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value) for value in node]
    return node


def explain(
    error: ValidationError, tree: CommentedMap, model: type[BaseModel], path: Path
) -> list[ConfigurationError]:
    """Pydantic's findings as our errors: where it stands, what is wrong, what was meant.

    Their cause is pydantic's word for the mistake ("missing", "extra_forbidden", "enum" ...), or
    the one a validator gave with PydanticCustomError; "value_error": a sentence of ours alone.
    values: pydantic's context, and "input", what stands there, where that is a scalar; "meant",
    what else may have been.
    """
    found = []
    details = error.errors()
    for detail in details:
        if _follows(detail["type"], detail["loc"], [other["loc"] for other in details]):
            continue
        location = [part for part in detail["loc"] if not _is_tag(part)]
        line, column = place(tree, location)
        setting = ".".join(str(part) for part in location)
        found.append(
            ConfigurationError(
                f"{setting or 'file'}: {plain_words(detail)}",
                remedy=_remedy(detail, str(location[-1] if location else ""), model),
                setting=setting,
                file=str(path),
                line=line,
                column=column,
                coded=_coded(detail, str(location[-1] if location else ""), model),
            )
        )
    return found


def _coded(detail: ErrorDetails, name: str, model: type[BaseModel]) -> Coded:
    values = {key: str(value) for key, value in detail.get("ctx", {}).items() if key != "error"}
    given = detail["input"]
    if isinstance(given, str | int | float):
        values["input"] = str(given)
    if meant := _near(detail, name, model):
        values["meant"] = meant
    return Coded(detail["type"], values)


def place(tree: CommentedMap | CommentedSeq, location: Path_) -> tuple[int, int]:
    """Line and column (from 1) of the deepest part of `location` that stands in the file."""
    line, column = tree.lc.line, tree.lc.col
    node: Any = tree
    for part in location:
        if isinstance(node, CommentedMap) and part in node:
            line, column = node.lc.key(part)
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line, column = node.lc.item(part)
        else:
            break
        node = node[part]
    return line + 1, column + 1


def _follows(kind: str, location: Path_, all_locations: Sequence[Path_]) -> bool:
    """A list counts as too short where its entries are wrong: that is no mistake of its own."""
    inside = [other for other in all_locations if len(other) > len(location)]
    return kind == "too_short" and any(
        tuple(other[: len(location)]) == tuple(location) for other in inside
    )


def _is_tag(part: str | int) -> bool:
    """Names that pydantic puts into a location for the member of a union it tried."""
    return isinstance(part, str) and ("[" in part or part.startswith("function-"))


def plain_words(detail: ErrorDetails) -> str:
    """What is wrong with a setting, in our words: one of pydantic's mistakes."""
    if words := WORDS.get(detail["type"]):
        return words.format_map({**detail.get("ctx", {}), "input": detail["input"]})
    return detail["msg"].removeprefix("Value error, ")


def _remedy(detail: ErrorDetails, name: str, model: type[BaseModel]) -> str:
    if near := _near(detail, name, model):
        return f"did you mean {near!r}?"
    if detail["type"] == "timezone_aware":
        return "add the time zone, as in 2026-11-20T00:00:00+01:00"
    if detail["type"] in NO_NUMBER and (unit := unit_of(name)):
        return f"write the number alone, in {unit}"
    outside = detail["type"] in ("less_than_equal", "greater_than_equal")
    if outside and POINTS.intersection(detail["loc"]):
        return "points are relative to the picture, 0 to 1"
    return "remove it, or check its spelling" if detail["type"] == "extra_forbidden" else ""


def _near(detail: ErrorDetails, name: str, model: type[BaseModel]) -> str:
    """What was probably meant, "" where nothing is near."""
    word, known = name, sorted(_names(model, set()))
    if detail["type"] in ("enum", "literal_error"):
        word = str(detail["input"])
        known = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
    elif detail["type"] != "extra_forbidden":
        return ""
    return next(iter(get_close_matches(word, known, n=1)), "")


def _names(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[str]:
    """Every setting's name in the model and the models inside it."""
    seen.add(model)
    names = {field.alias or name for name, field in model.model_fields.items()}
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            if inner not in seen:
                names |= _names(inner, seen)
    return names


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a field's type speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in models_in(part)]
