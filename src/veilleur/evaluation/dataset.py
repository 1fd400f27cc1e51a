"""Labelled video: what an integrator would configure, and what a human saw.

A dataset is a folder with `dataset.json` beside its clips. Everything that can be wrong with it is
said before anything runs, naming the clip and the field, and all of it at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from shapely.geometry import Polygon
from shapely.validation import explain_validity

from veilleur.catalogue import Event, Subject
from veilleur.errors import ConfigurationError, DatasetError
from veilleur.events.registry import RULES, build_rule
from veilleur.events.specification import Coordinate, HeadingAt, Point, RuleSpecification
from veilleur.geometry import GroundPlane, View
from veilleur.ground import ground_plane

FILE_NAME = "dataset.json"
SCENES_SUFFIX = ".scenes.jsonl"
WHOLE_PICTURE: tuple[Point, ...] = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
NEGATIVE_PREFIX = "negative_for:"

# What every implementation of an event accepts, for events that have no rule yet. An event with a
# rule says itself what it accepts: its rule is built once, in a view of common size, to ask it.
PARAMETERS: dict[Event, frozenset[str]] = {
    Event.ABANDONED_OBJECT: frozenset({"unattended_s", "radius_m", "radius_heights"}),
    Event.WEAPON: frozenset(),
    Event.WRONG_WAY: frozenset({"distance_m", "persist_s"}),
    Event.FORBIDDEN_ZONE: frozenset({"dwell_s", "schedule"}),
    Event.PERSON_ON_GROUND: frozenset({"immobile_s"}),
    Event.CROWD_MOVEMENT: frozenset(),
    Event.DENSITY: frozenset({"max_per_m2", "max_people", "persist_s"}),
    Event.FIRE: frozenset({"persist_s"}),
}
_MAY_BE_ZERO = frozenset({"dwell_s", "persist_s", "distance_m", "immobile_s", "unattended_s"})
_VEHICLES_ALLOWED = frozenset({Event.WRONG_WAY, Event.FORBIDDEN_ZONE})
_COMMON_SIZE = (1600, 900)
_SMALLEST_AREA = 1e-5  # of the picture: about twenty pixels at 1080p
_MOST_PROBLEMS_SHOWN = 20


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
    hold_last_s: float = Field(default=0.0, ge=0)
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
            rule if rule.zone or rule.line else rule.model_copy(update={"zone": WHOLE_PICTURE})
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


class _Document(_Part):
    schema_: Literal[1] = Field(alias="schema")
    name: str = Field(min_length=1)
    root: str | None = None
    clips: tuple[Clip, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that has been checked. `root`: the folder that file names are relative to."""

    name: str
    root: Path
    clips: tuple[Clip, ...]

    def path(self, clip: Clip) -> Path:
        return self.root / clip.file

    def only(self, *, event: Event | None = None, clip_ids: Sequence[str] = ()) -> Dataset:
        """What concerns one event, some clips or both; no ids: all clips.

        DatasetError when nothing is left.
        """
        clips = self.clips
        for clip_id in clip_ids:
            _known(clip_id, [clip.id for clip in self.clips], "clip")
        if clip_ids:
            clips = tuple(clip for clip in clips if clip.id in clip_ids)
        if event is not None:
            clips = tuple(clip.only(event) for clip in clips if event in clip.events)
        if not clips:
            raise DatasetError(
                f"no clip of {self.name} has a rule for {event}",
                remedy="leave --event out, or name another event",
            )
        return Dataset(self.name, self.root, clips)


def load(where: Path) -> Dataset:
    """Read a dataset: `where` is its folder or its `dataset.json`.

    Raises DatasetError with everything that is wrong: JSON mistakes with line and column, the
    others with clip and field, files that are missing.
    """
    file = where / FILE_NAME if where.is_dir() else where
    document = _parse(file)
    root = file.parent / document.root if document.root else file.parent
    problems = [*_missing_files(root, document.clips), *_problems(document.clips, root)]
    if problems:
        _refuse(file, problems)
    return Dataset(document.name, root, document.clips)


@dataclass(frozen=True, slots=True)
class _Problem:
    clip: str
    field: str
    text: str

    def __str__(self) -> str:
        place = " ".join(
            part for part in (f"clip {self.clip}" * bool(self.clip), self.field) if part
        )
        return f"{place}: {self.text}" if place else self.text


def _refuse(file: Path, problems: Sequence[_Problem]) -> NoReturn:
    shown = [str(problem) for problem in problems[:_MOST_PROBLEMS_SHOWN]]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    message = f"{file}: " + "\n".join(shown)
    raise DatasetError(message, remedy="nothing was run", clip=problems[0].clip)


def _parse(file: Path) -> _Document:
    raw = _read_json(file)
    try:
        return _Document.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        details = error.errors(include_url=False)
        found = [_explain(detail, raw) for detail in details if not _follows(detail, details)]
        _refuse(file, found)


def _read_json(file: Path) -> object:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(
            f"{file} does not exist", remedy=f"name a folder that holds {FILE_NAME}, or that file"
        ) from None
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{file} is not UTF-8 text: byte {error.start}", remedy="save it as UTF-8"
        ) from None
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror}") from None
    try:
        return json.loads(text, object_pairs_hook=_no_doubled_key, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{file}:{error.lineno}:{error.colno}: not JSON: {error.msg}",
            remedy="correct it at that line and column",
        ) from None
    except _NotPlainJsonError as error:
        raise DatasetError(f"{file}: {error}") from None
    except RecursionError:
        raise DatasetError(f"{file}: nested too deeply for a dataset") from None


class _NotPlainJsonError(ValueError):
    """JSON that Python reads and nobody means."""


def _no_doubled_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    doubled = sorted({key for key in keys if keys.count(key) > 1})
    if doubled:
        raise _NotPlainJsonError(f'the key "{doubled[0]}" stands twice in one object')
    return dict(pairs)


def _no_constant(word: str) -> NoReturn:
    raise _NotPlainJsonError(f"{word} is not a number")


# What a pydantic error means, in words of the format ------------------------------------------


def _follows(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """A list counts as too short where its entries are wrong: that is no mistake of its own."""
    place = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in details
    )


def _explain(detail: ErrorDetails, raw: object) -> _Problem:
    clip, field = _place(detail["loc"], raw)
    kind = detail["type"]
    text = detail["msg"][0].lower() + detail["msg"][1:]
    if kind == "extra_forbidden":
        text = "unknown field" + meant(str(detail["loc"][-1]), _fields_at(detail["loc"]))
    elif kind == "missing":
        text = "is missing"
    elif kind == "enum":
        value = str(detail["input"])
        if "event" in field or "negative_for" in field:
            text = f'unknown event "{value}"' + meant(value, list(Event))
        else:
            text = f'unknown value "{value}"' + meant(value, list(Subject))
    elif kind in ("greater_than_equal", "less_than_equal") and _is_coordinate(detail["loc"]):
        text = f"{detail['input']} lies outside the picture (coordinates are 0 to 1)"
    elif kind == "literal_error":
        text = f"{detail['input']!r}: {text}"
    return _Problem(clip, field, text)


def _place(loc: Sequence[int | str], raw: object) -> tuple[str, str]:
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


def _fields_at(loc: Sequence[int | str]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "ground": Ground, "truth": Truth, "ignore": Span, "rules": RuleSpecification,
        "headings": HeadingAt, "clips": Clip,
    }  # fmt: skip
    owners = [part for part in loc[:-1] if isinstance(part, str)]
    model = models.get(owners[-1], _Document) if owners else _Document
    return [field.alias or name for name, field in model.model_fields.items()]


def _is_coordinate(loc: Sequence[int | str]) -> bool:
    return bool({"zone", "line", "image", "at"} & set(loc))


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


def _known(name: str, names: Sequence[str], what: str) -> None:
    if name not in names:
        close = get_close_matches(name, names, n=1, cutoff=0.6)
        hint = f'did you mean "{close[0]}"?' if close else f"there are {len(names)} of them"
        raise DatasetError(f'no {what} is called "{name}"', remedy=hint, clip=name)


# What the shape of the document cannot say ----------------------------------------------------


def _problems(clips: Sequence[Clip], root: Path) -> Iterator[_Problem]:
    seen: set[str] = set()
    for clip in clips:
        if clip.id in seen:
            yield _Problem(clip.id, "id", "stands twice: ids are unique")
        seen.add(clip.id)
        yield from _clip_problems(clip)
        yield from _rule_problems(clip, root)


def _rule_problems(clip: Clip, root: Path) -> Iterator[_Problem]:
    """What is wrong with the rules: first what any rule shares, then what each event asks for."""
    ground: GroundPlane | None = None
    if clip.ground is not None and _ground_fault(clip.ground) is None:
        if clip.ground.calibration and not (root / clip.ground.calibration).is_file():
            return
        try:
            spec = clip.ground.model_dump(exclude_none=True)
            ground = ground_plane(spec, *_COMMON_SIZE, root)
        except ConfigurationError as error:
            yield _Problem(clip.id, "ground", str(error))
            return
    for rule in clip.every_rule[: len(clip.rules)]:
        faults = list(_rule_faults(rule))
        if not faults and (fault := _build_fault(rule, clip, ground)):
            faults = [fault]
        for field, text in faults:
            yield _Problem(clip.id, f"rules[{rule.id}].{field}", text)


def _clip_problems(clip: Clip) -> Iterator[_Problem]:
    ids = [rule.id for rule in clip.every_rule]
    for doubled in sorted({i for i in ids if ids.count(i) > 1}):
        yield _Problem(clip.id, f"rules[{doubled}]", "this id stands twice in the clip")
    if Event.WRONG_WAY in clip.negative_for:
        yield _Problem(
            clip.id, "negative_for", "wrong_way has no default heading: write a rule with one"
        )
    for field, spans in (("truth", clip.truth), ("ignore", clip.ignore)):
        for index, span in enumerate(spans):
            for text in _span_faults(span, ids):
                yield _Problem(clip.id, f"{field}[{index}]", text)
    if clip.ground is not None and (fault := _ground_fault(clip.ground)):
        yield _Problem(clip.id, "ground", fault)


def _span_faults(span: Span, rules: Sequence[str]) -> Iterator[str]:
    if span.rule not in rules:
        yield f'no rule "{span.rule}" in this clip' + meant(span.rule, rules)
    if span.end_s < span.start_s:
        yield f"ends ({span.end_s} s) before it starts ({span.start_s} s)"
    if isinstance(span, Truth) and span.due_s < span.start_s:
        yield f"is due ({span.due_s} s) before it starts ({span.start_s} s)"


def _ground_fault(ground: Ground) -> str | None:
    pairs = ground.image is not None or ground.metres is not None
    if pairs == (ground.calibration is not None):
        return "needs either image and metres, or calibration"
    if not pairs:
        return None
    if ground.image is None or ground.metres is None:
        return "image and metres belong together"
    if len(ground.image) != len(ground.metres):
        return f"{len(ground.image)} image points, but {len(ground.metres)} in metres"
    return None if len(ground.image) >= 4 else f"{len(ground.image)} point pairs: four are needed"


Fault = tuple[str, str]


def _rule_faults(rule: RuleSpecification) -> Iterator[Fault]:
    """(field, what is wrong) of one rule."""
    yield from _shape_faults(rule)
    yield from _heading_faults(rule)
    if rule.subject is not Subject.PERSON and rule.event not in _VEHICLES_ALLOWED:
        yield "subject", f"{rule.event} looks at no vehicle (article 3 names them only elsewhere)"
    known = _parameters(rule.event)
    for name, value in rule.params.items():
        if name not in known:
            yield "params", f'{rule.event} has no parameter "{name}"' + meant(name, known)
        elif name != "schedule" and (fault := _number_fault(name, value)):
            yield f"params.{name}", fault


def _parameters(event: Event) -> list[str]:
    accepted = set(PARAMETERS[event])
    if event in RULES:
        accepted |= set(RULES[event].parameters.model_fields)
    return sorted(accepted)


def _build_fault(rule: RuleSpecification, clip: Clip, ground: GroundPlane | None) -> Fault | None:
    """What the rule itself objects to; None where it has no objection or does not exist yet."""
    if rule.event not in RULES:
        return None
    try:
        view = View(*_COMMON_SIZE, ground)
        build_rule(rule, view, local_time_known=clip.starts_at is not None)
    except ConfigurationError as error:
        return error.setting or "params", error.message.removeprefix(f"rule {rule.id}: ")
    return None


def _number_fault(name: str, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{value!r} is not a number"
    least = value >= 0 if name in _MAY_BE_ZERO else value > 0
    return None if least else f"{value} is too small"


def _shape_faults(rule: RuleSpecification) -> Iterator[Fault]:
    if rule.event is Event.FORBIDDEN_ZONE:
        if (rule.zone is None) == (rule.line is None):
            yield "zone", "forbidden_zone needs either a zone or a line"
    elif rule.line is not None:
        yield "line", f"only forbidden_zone has a line, {rule.event} needs a zone"
    if rule.zone is not None and (fault := zone_fault(rule.zone)):
        yield "zone", fault
    if rule.line is not None and rule.line[0] == rule.line[1]:
        yield "line", "both ends are the same point"


def _heading_faults(rule: RuleSpecification) -> Iterator[Fault]:
    if rule.event is Event.WRONG_WAY:
        if rule.allowed_heading is None and not rule.headings:
            yield "allowed_heading", "is missing: wrong_way needs the direction that is permitted"
    elif rule.allowed_heading is not None or rule.headings:
        yield "allowed_heading", f"belongs to wrong_way, not to {rule.event}"
    arrows = [rule.allowed_heading] if rule.allowed_heading else []
    if any(heading == (0.0, 0.0) for heading in [*arrows, *(h.heading for h in rule.headings)]):
        yield "allowed_heading", "[0, 0] points nowhere"


def zone_fault(zone: Sequence[Point]) -> str | None:
    """What is wrong with a polygon (relative points), None when it can be used.

    >>> zone_fault([(0, 0), (1, 1), (1, 0), (0, 1)])
    'crosses itself near 0.5, 0.5'
    """
    if len(set(zone)) < 3:
        return f"has {len(set(zone))} corners: three are needed"
    polygon = Polygon(zone)
    if polygon.is_valid:
        return None if polygon.area >= _SMALLEST_AREA else "has no area"
    reason = explain_validity(polygon)
    if polygon.convex_hull.area < _SMALLEST_AREA:
        return "has no area"
    return "crosses itself near " + reason.partition("[")[2].rstrip("]").replace(" ", ", ")


def _missing_files(root: Path, clips: Sequence[Clip]) -> Iterator[_Problem]:
    if not root.is_dir():
        yield _Problem("", "root", f"{root} is not a folder")
        return
    for clip in clips:
        if not (root / clip.file).is_file():
            yield _Problem(clip.id, "file", f"{clip.file} is missing in {root}")
        calibration = clip.ground.calibration if clip.ground else None
        if calibration and not (root / calibration).is_file():
            yield _Problem(clip.id, "ground.calibration", f"{calibration} is missing in {root}")
