"""Why, or why not, in one sentence, from the checks alone.

What is said is decided by the rule: a sentence begins with "Signal" exactly when every check has
passed, else it names the first that has not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from veilleur.events.rule import Check

Language = Literal["fr", "en"]


@dataclass(frozen=True, slots=True)
class _Phrase:
    """passed, failed: templates with {measured} and {threshold}, units written out.

    French has {needed} too: the participle that agrees with the threshold. bare: said instead of
    passed where both are 0, so that the numbers say nothing; "" leaves the clause out.
    """

    passed: str
    failed: str
    bare: str | None = None


ENGLISH: dict[str, _Phrase] = {
    "in_force": _Phrase("the rule is in force", "the rule is not in force at this time"),
    "inside": _Phrase(
        "in the zone for {measured} (limit {threshold})",
        "in the zone for {measured}, {threshold} are needed",
        bare="in the zone",
    ),
    "crossed": _Phrase(
        "has crossed the line, {measured} beyond it (sure from {threshold})",
        "has not crossed the line the forbidden way",
    ),
    "across": _Phrase(
        "across for {measured} (limit {threshold})",
        "across for {measured}, {threshold} are needed",
        bare="",
    ),
    "width": _Phrase(
        "large enough ({measured} wide)", "too small to judge ({measured} wide of {threshold})"
    ),
    "against": _Phrase(
        "moving against the allowed way ({measured} from its opposite, limit {threshold})",
        "not moving against the allowed way ({measured} from its opposite, limit {threshold})",
    ),
    "moved": _Phrase(
        "moved by {measured} (its box's own unrest: {threshold})",
        "moved by {measured}, no more than its box's own unrest ({threshold})",
    ),
    "distance": _Phrase(
        "over {measured} (limit {threshold})", "over {measured}, {threshold} are needed", bare=""
    ),
    "persisted": _Phrase(
        "for {measured} (limit {threshold})", "for {measured}, {threshold} are needed", bare=""
    ),
    "people": _Phrase(
        "{measured} in the zone (limit {threshold})",
        "{measured} in the zone, the limit of {threshold} is not passed",
    ),
    "group": _Phrase(
        "{measured} in the zone (at least {threshold})",
        "{measured} in the zone, {threshold} are needed for a crowd",
    ),
    "hurried": _Phrase(
        "{measured} hurry (at least {threshold})", "{measured} hurry, {threshold} are needed"
    ),
    "hurried_share": _Phrase(
        "{measured} of the people hurry (limit {threshold})",
        "{measured} of the people hurry, {threshold} are needed",
    ),
    "scattering_share": _Phrase(
        "{measured} of the people hurry away from one point (limit {threshold})",
        "{measured} of the people hurry away from one point, {threshold} are needed",
    ),
    "rushing_share": _Phrase(
        "{measured} of the people hurry to one point (limit {threshold})",
        "{measured} of the people hurry to one point, {threshold} are needed",
    ),
    "group_before": _Phrase(
        "a group was there before for {measured} (limit {threshold})",
        "a group was there before for {measured} only, {threshold} are needed",
    ),
    "calm_before": _Phrase(
        "{measured} of the people hurried before (at most {threshold})",
        "{measured} of the people hurried before (at most {threshold}): nothing sudden",
    ),
    "faster": _Phrase(
        "a quarter of them faster than {measured} (limit {threshold}, by the calm before)",
        "a quarter of them faster than {measured}, against the calm before {threshold} are needed",
    ),
    "moving": _Phrase(
        "{measured} on the move (at least {threshold})",
        "{measured} on the move, {threshold} are needed for a crowd",
    ),
    "against_stream": _Phrase(
        "{measured} against the stream (at least {threshold})",
        "{measured} against the stream, {threshold} are needed",
    ),
    "against_share": _Phrase(
        "{measured} of those on the move (limit {threshold})",
        "{measured} of those on the move go against the stream, {threshold} are needed",
    ),
    "one_way": _Phrase(
        "{measured} went one way before (limit {threshold})",
        "{measured} went one way before, {threshold} are needed: no stream to go against",
    ),
    "goes_on": _Phrase(
        "the stream goes on with {measured} (limit {threshold})",
        "the stream goes on with {measured}, {threshold} are needed: it has turned",
    ),
}
FRENCH: dict[str, _Phrase] = {
    "in_force": _Phrase("la règle est en vigueur", "la règle n’est pas en vigueur à cette heure"),
    "inside": _Phrase(
        "dans la zone depuis {measured} (seuil\u00a0: {threshold})",
        "dans la zone depuis {measured}, {threshold} {needed}",
        bare="dans la zone",
    ),
    "crossed": _Phrase(
        "ligne franchie, {measured} au-delà (certain à partir de {threshold})",
        "ligne non franchie dans le sens interdit",
    ),
    "across": _Phrase(
        "au-delà depuis {measured} (seuil\u00a0: {threshold})",
        "au-delà depuis {measured}, {threshold} {needed}",
        bare="",
    ),
    "width": _Phrase(
        "assez grand ({measured} de large)",
        "trop petit pour en juger ({measured} de large sur {threshold})",
    ),
    "against": _Phrase(
        "à contresens ({measured} de l’opposé du sens permis, seuil\u00a0: {threshold})",
        "pas à contresens ({measured} de l’opposé du sens permis, seuil\u00a0: {threshold})",
    ),
    "moved": _Phrase(
        "déplacé de {measured} (agitation du cadre\u00a0: {threshold})",
        "déplacé de {measured}, pas plus que l’agitation du cadre ({threshold})",
    ),
    "distance": _Phrase(
        "sur {measured} (seuil\u00a0: {threshold})", "sur {measured}, {threshold} {needed}", bare=""
    ),
    "persisted": _Phrase(
        "pendant {measured} (seuil\u00a0: {threshold})",
        "pendant {measured}, {threshold} {needed}",
        bare="",
    ),
    "people": _Phrase(
        "{measured} dans la zone (seuil\u00a0: {threshold})",
        "{measured} dans la zone, le seuil de {threshold} n’est pas dépassé",
    ),
    "group": _Phrase(
        "{measured} dans la zone (au moins {threshold})",
        "{measured} dans la zone, {threshold} {needed} pour une foule",
    ),
    "hurried": _Phrase(
        "{measured} en hâte (au moins {threshold})", "{measured} en hâte, {threshold} {needed}"
    ),
    "hurried_share": _Phrase(
        "{measured} des personnes en hâte (seuil\u00a0: {threshold})",
        "{measured} des personnes en hâte, {threshold} {needed}",
    ),
    "scattering_share": _Phrase(
        "{measured} des personnes s’éloignent en hâte d’un même point (seuil\u00a0: {threshold})",
        "{measured} des personnes s’éloignent en hâte d’un même point, {threshold} {needed}",
    ),
    "rushing_share": _Phrase(
        "{measured} des personnes se hâtent vers un même point (seuil\u00a0: {threshold})",
        "{measured} des personnes se hâtent vers un même point, {threshold} {needed}",
    ),
    "group_before": _Phrase(
        "un groupe était là auparavant pendant {measured} (seuil\u00a0: {threshold})",
        "un groupe n’était là auparavant que pendant {measured}, {threshold} {needed}",
    ),
    "calm_before": _Phrase(
        "{measured} des personnes en hâte auparavant (au plus {threshold})",
        "{measured} des personnes en hâte auparavant (au plus {threshold})\u00a0: rien de soudain",
    ),
    "faster": _Phrase(
        "un quart d’entre elles à plus de {measured} (seuil selon le calme d’avant\u00a0:"
        " {threshold})",
        "un quart d’entre elles à plus de {measured}, {threshold} {needed} selon le calme d’avant",
    ),
    "moving": _Phrase(
        "{measured} en mouvement (au moins {threshold})",
        "{measured} en mouvement, {threshold} {needed} pour une foule",
    ),
    "against_stream": _Phrase(
        "{measured} à contre-courant (au moins {threshold})",
        "{measured} à contre-courant, {threshold} {needed}",
    ),
    "against_share": _Phrase(
        "{measured} de celles en mouvement (seuil\u00a0: {threshold})",
        "{measured} de celles en mouvement à contre-courant, {threshold} {needed}",
    ),
    "one_way": _Phrase(
        "auparavant, {measured} allaient dans un même sens (seuil\u00a0: {threshold})",
        "auparavant, {measured} allaient dans un même sens, {threshold} {needed}\u00a0: pas de"
        " courant",
    ),
    "goes_on": _Phrase(
        "le courant se poursuit avec {measured} (seuil\u00a0: {threshold})",
        "le courant se poursuit avec {measured}, {threshold} {needed}\u00a0: il s’est retourné",
    ),
}
UNITS: dict[Language, dict[str, str]] = {
    "en": {"s": "s", "m": "m", "heights": "heights of its box", "people": "people",
           "people/m2": "people/m²", "degrees": "°", "px": "px", "m/s": "m/s", "yes": "",
           "%": "%"},
    "fr": {"s": "s", "m": "m", "heights": "hauteurs du cadre", "people": "personnes",
           "people/m2": "personnes/m²", "degrees": "°", "px": "px", "m/s": "m/s", "yes": "",
           "%": "%"},
}  # fmt: skip
ONE: dict[Language, dict[str, str]] = {
    "en": {"people": "person", "heights": "height of its box"},
    "fr": {"people": "personne", "people/m2": "personne/m²", "heights": "hauteur du cadre"},
}
"""The singular: in English of exactly 1, in French of all below 2."""
FEMININE = {"s", "heights", "people", "people/m2"}
DIGITS = {"people": 0, "px": 0, "degrees": 0, "people/m2": 2, "heights": 2, "%": 0}


def sentence(checks: Sequence[Check], language: Language = "en") -> str:
    """One sentence. No check at all means that there was nothing to watch."""
    french = language == "fr"
    if not checks:
        return "Rien à surveiller." if french else "Nothing to watch."
    failed = next((check for check in checks if not check.passed), None)
    if failed is not None:
        begin = "Pas de signal\u00a0: " if french else "No signal: "
        return begin + _clause(failed, language) + "."
    begin = "Signal\u00a0: " if french else "Signal: "
    telling = [check for check in checks if not _silent(check)] or checks[:1]
    return begin + ", ".join(_clause(check, language) for check in telling) + "."


def _silent(check: Check) -> bool:
    return _empty(check) and ENGLISH[check.name].bare == ""


def _empty(check: Check) -> bool:
    """Passed with 0 of 0: a limit was not asked for."""
    return check.passed and check.measured == 0 and check.threshold == 0


def _clause(check: Check, language: Language) -> str:
    phrases = FRENCH if language == "fr" else ENGLISH
    phrase = phrases[check.name]
    if _empty(check) and phrase.bare:
        return phrase.bare
    template = phrase.passed if check.passed else phrase.failed
    measured = _quantity(check.measured, check.unit, language)
    if check.at_least:
        measured = ("au moins " if language == "fr" else "at least ") + measured
    return template.format(
        measured=measured,
        threshold=_quantity(check.threshold, check.unit, language),
        needed=_needed(check.threshold, check.unit),
    )


def _needed(value: float, unit: str) -> str:
    """French: agrees with the unit and the number."""
    if unit not in FEMININE:
        return "requis"
    one = float(f"{value:.{_digits(value, unit)}f}") < 2
    return "requise" if one else "requises"


def _digits(value: float, unit: str) -> int:
    if unit == "people" and not float(value).is_integer():
        return 1
    return DIGITS.get(unit, 1)


def _quantity(value: float, unit: str, language: Language) -> str:
    number = f"{value:.{_digits(value, unit)}f}"
    shown = float(number)
    name = UNITS[language][unit]
    if shown == 1 or (language == "fr" and shown < 2):
        name = ONE[language].get(unit, name)
    if language == "fr":
        number = number.replace(".", ",")
    return number + name if name == "°" else f"{number}\u00a0{name}".rstrip("\u00a0")
