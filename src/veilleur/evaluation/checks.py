"""What can be wrong with a clip that its shape does not tell: what belongs together, and files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from shapely.geometry import Polygon
from shapely.validation import explain_validity

from veilleur.catalogue import Event, Subject
from veilleur.errors import ConfigurationError
from veilleur.evaluation.clip import Clip, Ground, Mistake, Span, Truth, meant
from veilleur.events.registry import RULES, build_rule
from veilleur.events.specification import Point, RuleSpecification
from veilleur.geometry import GroundPlane, View
from veilleur.ground import ground_plane

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


def rule_mistakes(clip: Clip, root: Path, skipped: Collection[str]) -> Iterator[Mistake]:
    """What is wrong with the ground and the rules: what any rule shares, then what each event
    asks for. skipped: ids of rules that are known to be wrong."""
    ground: GroundPlane | None = None
    if clip.ground is not None:
        if (fault := _ground_fault(clip.ground)) is not None:
            yield Mistake(clip.id, "ground", fault)
            return
        if clip.ground.calibration and not (root / clip.ground.calibration).is_file():
            return
        try:
            spec = clip.ground.model_dump(exclude_none=True)
            ground = ground_plane(spec, *_COMMON_SIZE, root)
        except ConfigurationError as error:
            yield Mistake(clip.id, "ground", str(error))
            return
    for rule in clip.every_rule[: len(clip.rules)]:
        if rule.id in skipped:
            continue
        faults = list(_rule_faults(rule))
        if not faults and (objection := _build_fault(rule, clip, ground)):
            faults = [objection]
        for field, text in faults:
            yield Mistake(clip.id, f"rules[{rule.id}].{field}", text, rule.id)


def span_mistakes(clip: Clip, unread: Collection[str]) -> Iterator[Mistake]:
    """What is wrong with truths and ignored spans: it costs the rule they name, or the clip where
    there is no such rule. unread: ids of rules that stand there and could not be read."""
    ids = list(dict.fromkeys([*(rule.id for rule in clip.every_rule), *unread]))
    for field, spans in (("truth", clip.truth), ("ignore", clip.ignore)):
        for index, span in enumerate(spans):
            rule = span.rule if span.rule in ids else ""
            for text in _span_faults(span, ids):
                yield Mistake(clip.id, f"{field}[{index}]", text, rule)


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
    if not zone:
        return "is empty: leave it out to watch the whole picture"
    if len(set(zone)) < 3:
        return f"has {len(set(zone))} corners: three are needed"
    polygon = Polygon(zone)
    if polygon.is_valid:
        return None if polygon.area >= _SMALLEST_AREA else "has no area"
    reason = explain_validity(polygon)
    if polygon.convex_hull.area < _SMALLEST_AREA:
        return "has no area"
    return "crosses itself near " + reason.partition("[")[2].rstrip("]").replace(" ", ", ")


def file_mistakes(clip: Clip, root: Path) -> Iterator[Mistake]:
    """Files that are not there."""
    if not (root / clip.file).is_file():
        yield Mistake(clip.id, "file", f"{clip.file} is missing in {root}")
    calibration = clip.ground.calibration if clip.ground else None
    if calibration and not (root / calibration).is_file():
        yield Mistake(clip.id, "ground.calibration", f"{calibration} is missing in {root}")
