"""From what an integrator wrote to a rule that runs: the only place that knows all rules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from veilleur.catalogue import Event, Subject
from veilleur.errors import ConfigurationError
from veilleur.events import (
    abandoned_object,
    crowd_movement,
    density,
    fire,
    forbidden_zone,
    person_on_ground,
    weapon,
    wrong_way,
)
from veilleur.events.rule import Rule
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View
from veilleur.yaml import NO_NUMBER, models_in, plain_words, unit_of

P = TypeVar("P", bound=BaseModel)
WITH_VEHICLES = (Event.FORBIDDEN_ZONE, Event.WRONG_WAY)


class NotInThisVersion(ConfigurationError):
    """The event is one of the eight, but no rule exists for it yet. `event` names it."""

    def __init__(self, event: Event, rule: str) -> None:
        ready = ", ".join(known.value for known in RULES)
        super().__init__(
            f"rule {rule}: {event.value} is not in this version",
            remedy=f"this version has {ready}",
            setting="event",
        )
        self.event = event


class _Build(Protocol):
    def __call__(self, spec: RuleSpecification, view: View, *, clock: bool) -> Rule: ...


@dataclass(frozen=True, slots=True)
class Registered:
    """parameters: the event's own model. build: makes the rule from a checked specification.
    experimental: too weak to rely on, and said so wherever it is offered."""

    parameters: type[BaseModel]
    build: _Build
    experimental: bool = False


def _abandoned_object(spec: RuleSpecification, view: View, *, clock: bool) -> Rule:
    p = _checked(spec, abandoned_object.Parameters)
    return abandoned_object.AbandonedObject.build(spec, view, p, clock=clock)


def _crowd_movement(spec: RuleSpecification, view: View, *, clock: bool) -> Rule:
    p = _checked(spec, crowd_movement.Parameters)
    return crowd_movement.CrowdMovement.build(spec, view, p, clock=clock)


def _density(spec: RuleSpecification, view: View, *, clock: bool) -> Rule:
    return density.Density.build(spec, view, _checked(spec, density.Parameters), clock=clock)


def _fire(spec: RuleSpecification, view: View, *, clock: bool) -> Rule:
    return fire.FireStart.build(spec, view, _checked(spec, fire.Parameters), clock=clock)


def _forbidden_zone(spec: RuleSpecification, view: View, *, clock: bool) -> Rule:
    p = _checked(spec, forbidden_zone.Parameters)
    return forbidden_zone.ForbiddenZone.build(spec, view, p, clock=clock)


def _person_on_ground(spec: RuleSpecification, view: View, *, clock: bool) -> Rule:
    p = _checked(spec, person_on_ground.Parameters)
    return person_on_ground.PersonOnGround.build(spec, view, p, clock=clock)


def _weapon(spec: RuleSpecification, view: View, *, clock: bool) -> Rule:
    return weapon.Weapon.build(spec, view, _checked(spec, weapon.Parameters), clock=clock)


def _wrong_way(spec: RuleSpecification, view: View, *, clock: bool) -> Rule:
    return wrong_way.WrongWay.build(spec, view, _checked(spec, wrong_way.Parameters), clock=clock)


RULES: dict[Event, Registered] = {
    Event.FORBIDDEN_ZONE: Registered(forbidden_zone.Parameters, _forbidden_zone),
    Event.WRONG_WAY: Registered(wrong_way.Parameters, _wrong_way),
    Event.DENSITY: Registered(density.Parameters, _density),
    Event.PERSON_ON_GROUND: Registered(person_on_ground.Parameters, _person_on_ground),
    Event.CROWD_MOVEMENT: Registered(crowd_movement.Parameters, _crowd_movement),
    Event.ABANDONED_OBJECT: Registered(abandoned_object.Parameters, _abandoned_object),
    Event.FIRE: Registered(fire.Parameters, _fire),
    Event.WEAPON: Registered(weapon.Parameters, _weapon, experimental=True),
}


def build_rule(spec: RuleSpecification, view: View, *, local_time_known: bool) -> Rule:
    """The rule, ready to be told scenes of this view.

    Raises NotInThisVersion for an event without a rule, ConfigurationError for everything else;
    `setting` is the dotted path inside the specification.
    """
    if spec.event not in RULES:
        raise NotInThisVersion(spec.event, spec.id)
    if spec.subject is not Subject.PERSON and spec.event not in WITH_VEHICLES:
        raise ConfigurationError(
            f"rule {spec.id}: {spec.event.value} does not look at vehicles (decree, article 3)",
            remedy="remove subject; vehicles: " + ", ".join(e.value for e in WITH_VEHICLES),
            setting="subject",
        )
    return RULES[spec.event].build(spec, view, clock=local_time_known)


def parse_specification(raw: Mapping[str, object]) -> RuleSpecification:
    """A rule as it stands in a file. Raises ConfigurationError that says what was meant."""
    name = str(raw.get("id", "?"))
    try:
        return RuleSpecification.model_validate(dict(raw))
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise _understood(detail, name, RuleSpecification, setting="") from error


def meant(word: str, known: Iterable[str]) -> str:
    """ "did you mean ...?" or the list of what there is, "" for nothing."""
    choices = sorted(known)
    if not choices:
        return ""
    near = get_close_matches(word, choices, n=1)
    return f"did you mean {near[0]}?" if near else "there is " + ", ".join(choices)


def _known_as(word: str, known: Sequence[str]) -> str:
    """The setting that was meant; with its unit, where another unit was."""
    stem = word.rpartition("_")[0]
    for name in known:
        if stem and stem == name.rpartition("_")[0] and (unit := unit_of(name)):
            return f"did you mean {name}, in {unit}?"
    return meant(word, known)


def parameter_mistakes(spec: RuleSpecification) -> list[ConfigurationError]:
    """Everything that is wrong with the parameters alone; none for an event without a rule."""
    if spec.event not in RULES:
        return []
    endless = _endless(spec)
    told = {error.setting for error in endless}
    try:
        RULES[spec.event].parameters.model_validate(spec.params)
    except ValidationError as error:
        more = _all_understood(error, spec.id, RULES[spec.event].parameters)
        return [*endless, *(one for one in more if one.setting not in told)]
    return endless


def _checked(spec: RuleSpecification, model: type[P]) -> P:
    if endless := _endless(spec):
        raise endless[0]
    try:
        return model.model_validate(spec.params)
    except ValidationError as error:
        raise _all_understood(error, spec.id, model)[0] from error


def _all_understood(
    error: ValidationError, rule: str, model: type[BaseModel]
) -> list[ConfigurationError]:
    details = error.errors(include_url=False)
    return [_understood(detail, rule, model, setting="params") for detail in details]


def _understood(
    detail: ErrorDetails, rule: str, model: type[BaseModel], *, setting: str
) -> ConfigurationError:
    """One mistake of pydantic's list, in our words."""
    place = [str(part) for part in detail["loc"]]
    path = ".".join(([setting] if setting else []) + place)
    if detail["type"] == "extra_forbidden":
        return ConfigurationError(
            f"rule {rule}: unknown {path}",
            remedy=_known_as(place[-1], _names_at(model, place[:-1])) or "remove it",
            setting=path,
        )
    if place == ["event"]:
        word = str(detail["input"])
        return ConfigurationError(
            f"rule {rule}: {word!r} is none of the eight events",
            remedy=meant(word, [event.value for event in Event]),
            setting=path,
        )
    if detail["type"] in NO_NUMBER and (unit := unit_of(place[-1])):
        return ConfigurationError(
            f"rule {rule}: {path}: {detail['input']!r} is no number",
            remedy=f"write the number alone, in {unit}",
            setting=path,
        )
    remedy = "see docs/events.md"
    if detail["type"] in ("model_type", "dict_type") and (names := _names_at(model, place)):
        remedy = "there is " + ", ".join(sorted(names))
    return ConfigurationError(
        f"rule {rule}: {path}: {plain_words(detail)}", remedy=remedy, setting=path
    )


def _names_at(model: type[BaseModel], place: Sequence[str]) -> list[str]:
    """Names of the settings that stand there; none where names are free."""
    for part in place:
        field = model.model_fields.get(part)
        inner = models_in(field.annotation) if field is not None else []
        if not inner:
            return []
        model = inner[0]
    return list(model.model_fields)


def _endless(spec: RuleSpecification) -> list[ConfigurationError]:
    """Numbers without an end: a rule that waits for ever never signals."""
    return [
        ConfigurationError(
            f"rule {spec.id}: params.{name}: {value!r} is no number",
            remedy=f"write the number alone, in {unit_of(name) or 'figures'}",
            setting=f"params.{name}",
        )
        for name, value in spec.params.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]
