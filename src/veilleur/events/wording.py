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
    "clearly_inside": _Phrase(
        "{measured} clearly inside (limit {threshold})",
        "{measured} clearly inside, others on the border; the limit of {threshold} is not passed",
    ),
    "at_rest": _Phrase(
        "at rest for {measured} (limit {threshold})",
        "at rest for {measured}, {threshold} are needed",
    ),
    "still_there": _Phrase("it is there", "it was taken away {measured} ago"),
    "no_trace": _Phrase("something new", "only the trace of something taken away"),
    "no_light": _Phrase("no shadow or light", "only a shadow or a light: the ground shows through"),
    "brought": _Phrase(
        "somebody was at it when it came", "nobody was at it when it came: nobody put it down"
    ),
    "examined": _Phrase("looked at closely", "not yet looked at closely"),
    "no_person": _Phrase(
        "a person is seen in it in {measured} of the looks (limit {threshold})",
        "it is a person: seen in {measured} of the looks (limit {threshold})",
        bare="",
    ),
    "no_vehicle": _Phrase(
        "a vehicle is seen in it in {measured} of the looks (limit {threshold})",
        "it is a vehicle: seen in {measured} of the looks (limit {threshold})",
        bare="",
    ),
    "whole": _Phrase("whole in the picture", "cut by the edge of the picture"),
    "large_enough": _Phrase(
        "{measured} large (at least {threshold})", "too small to judge ({measured} of {threshold})"
    ),
    "small_enough": _Phrase(
        "{measured} large (at most {threshold})",
        "too large for a thing left behind ({measured}, at most {threshold})",
    ),
    "small_in_picture": _Phrase(
        "{measured} of the picture’s height (at most {threshold})",
        "too large for a thing left behind ({measured} of the picture’s height, at most"
        " {threshold})",
    ),
    "recognised": _Phrase(
        "a bag in {measured} of the looks (limit {threshold})",
        "a bag in {measured} of the looks, {threshold} are needed where no change was seen",
    ),
    "alone": _Phrase(
        "nobody is with it (nearest person {measured} away, reach {threshold})",
        "somebody is with it (nearest person {measured} away, reach {threshold})",
    ),
    "unattended": _Phrase(
        "unattended for {measured} (limit {threshold})",
        "unattended for {measured}, {threshold} are needed",
    ),
    "in_view": _Phrase("in view", "hidden at the moment"),
    "uninterrupted": _Phrase(
        "the camera saw all of it",
        "the camera saw nothing for a time: the countdown begins anew, if the thing is still there",
    ),
    "group": _Phrase(
        "{measured} in the zone (at least {threshold})",
        "{measured} in the zone, {threshold} are needed for a crowd",
    ),
    "hurried": _Phrase(
        "{measured} hurry (at least {threshold})", "{measured} hurry, {threshold} are needed"
    ),
    "hurried_share": _Phrase(
        "{measured} of those who move hurry (limit {threshold})",
        "{measured} of those who move hurry, {threshold} are needed",
    ),
    "scattering_share": _Phrase(
        "{measured} of those who move hurry away from one point (limit {threshold})",
        "{measured} of those who move hurry away from one point, {threshold} are needed",
    ),
    "rushing_share": _Phrase(
        "{measured} of those who move hurry to one point (limit {threshold})",
        "{measured} of those who move hurry to one point, {threshold} are needed",
    ),
    "of_all": _Phrase(
        "{measured} of all people (limit {threshold})",
        "{measured} of all people hurry, {threshold} are needed",
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
    "stood": _Phrase(
        "was upright for {measured}", "was not seen upright ({measured} of {threshold})"
    ),
    "tall": _Phrase(
        "large enough ({measured} tall)", "too small to judge ({measured} tall of {threshold})"
    ),
    "passage": _Phrase(
        "on the ground {measured} later (at most {threshold})",
        "not on the ground within {threshold} of being upright ({measured})",
    ),
    "lying": _Phrase(
        "lying in {measured} of the looks (limit {threshold})",
        "not lying: in {measured} of the looks, {threshold} are needed",
    ),
    "in_sight": _Phrase("in sight", "somebody stands before at the moment"),
    "immobile": _Phrase(
        "immobile for {measured} (limit {threshold})",
        "immobile for {measured}, {threshold} are needed",
    ),
    "verified": _Phrase(
        "looked at closely, {measured} of late (at least {threshold})",
        "not yet looked at closely often enough ({measured} of {threshold})",
    ),
    "flame_seen": _Phrase(
        "a flame is seen in {measured} of the looks (limit {threshold})",
        "no flame: seen in {measured} of the looks, {threshold} are needed",
    ),
    "smoke_seen": _Phrase(
        "smoke is seen in {measured} of the looks (limit {threshold})",
        "no smoke: seen in {measured} of the looks, {threshold} are needed",
    ),
    "fire_size": _Phrase(
        "{measured} of the picture’s height (at least {threshold})",
        "too small for a fire: {measured} of the picture’s height, {threshold} are needed",
    ),
    "no_lighter": _Phrase(
        "{measured} of the height of the person before whom it is (at least {threshold})",
        "too small for a fire: {measured} of the height of the person before whom it is, as a"
        " lighter or a cigarette ({threshold} are needed)",
        bare="",
    ),
    "no_object": _Phrase(
        "{measured} of it where people and vehicles are (at most {threshold})",
        "{measured} of it is where people and vehicles are (at most {threshold}): it is these",
        bare="",
    ),
    "stirring": _Phrase(
        "{measured} of it flickers or drifts (limit {threshold})",
        "it neither flickers nor drifts: {measured} of it, {threshold} are needed",
    ),
    "stays": _Phrase(
        "it stays where it is (moved by {measured} of its size, at most {threshold})",
        "it travels, by {measured} of its size (at most {threshold}): a light, not a fire",
    ),
    "grown": _Phrase(
        "it has grown to {measured} of its first size (limit {threshold})",
        "it does not grow: {measured} of its first size, {threshold} are needed",
    ),
    "since_start": _Phrase(
        "present since analysis began, {measured} ago: nobody saw it begin",
        "present since analysis began, {measured} ago: nobody saw it begin",
        bare="present since analysis began: nobody saw it begin",
    ),
    "looked_at": _Phrase(
        "{measured} of late",
        "only {measured} of late, {threshold} are needed",
    ),
    "weapon_seen": _Phrase(
        "a weapon is seen (experimental), sure by {measured} (limit {threshold})",
        "no weapon: sure by {measured}, {threshold} are needed",
    ),
    "at_hand": _Phrase(
        "in a hand ({measured} from it, reach {threshold})",
        "not in a hand: {measured} from the nearest (reach {threshold})",
    ),
    "hand_unseen": _Phrase("no hand is seen to compare with", "no hand is seen to compare with"),
    "hand_unread": _Phrase(
        "where the hands are was not looked at yet", "where the hands are was not looked at yet"
    ),
    "carried_along": _Phrase(
        "it goes where the person goes (left behind by {measured}, at most {threshold})",
        "it stays where it is while the person moves by {measured} (at most {threshold}): it "
        "belongs to the place",
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
    "clearly_inside": _Phrase(
        "{measured} nettement à l’intérieur (seuil\u00a0: {threshold})",
        "{measured} nettement à l’intérieur, d’autres au bord\u00a0; le seuil de {threshold} "
        "n’est pas dépassé",
    ),
    "at_rest": _Phrase(
        "immobile depuis {measured} (seuil\u00a0: {threshold})",
        "immobile depuis {measured}, {threshold} {needed}",
    ),
    "still_there": _Phrase("il est là", "retiré il y a {measured}"),
    "no_trace": _Phrase("quelque chose de nouveau", "seulement la trace d’un objet retiré"),
    "no_light": _Phrase(
        "ni ombre ni lumière", "seulement une ombre ou une lumière\u00a0: le sol transparaît"
    ),
    "brought": _Phrase(
        "quelqu’un était auprès à son arrivée",
        "personne n’était auprès à son arrivée\u00a0: personne ne l’a déposé",
    ),
    "examined": _Phrase("regardé de près", "pas encore regardé de près"),
    "no_person": _Phrase(
        "une personne y est vue dans {measured} des regards (seuil\u00a0: {threshold})",
        "c’est une personne\u00a0: vue dans {measured} des regards (seuil\u00a0: {threshold})",
        bare="",
    ),
    "no_vehicle": _Phrase(
        "un véhicule y est vu dans {measured} des regards (seuil\u00a0: {threshold})",
        "c’est un véhicule\u00a0: vu dans {measured} des regards (seuil\u00a0: {threshold})",
        bare="",
    ),
    "whole": _Phrase("entier dans l’image", "coupé par le bord de l’image"),
    "large_enough": _Phrase(
        "taille {measured} (au moins {threshold})",
        "trop petit pour en juger ({measured} sur {threshold})",
    ),
    "small_enough": _Phrase(
        "taille {measured} (au plus {threshold})",
        "trop grand pour un objet abandonné ({measured}, au plus {threshold})",
    ),
    "small_in_picture": _Phrase(
        "{measured} de la hauteur de l’image (au plus {threshold})",
        "trop grand pour un objet abandonné ({measured} de la hauteur de l’image, au plus"
        " {threshold})",
    ),
    "recognised": _Phrase(
        "un bagage dans {measured} des regards (seuil\u00a0: {threshold})",
        "un bagage dans {measured} des regards, {threshold} {needed} sans changement observé",
    ),
    "alone": _Phrase(
        "personne auprès de lui (la plus proche à {measured}, portée {threshold})",
        "quelqu’un est auprès de lui (le plus proche à {measured}, portée {threshold})",
    ),
    "unattended": _Phrase(
        "sans surveillance depuis {measured} (seuil\u00a0: {threshold})",
        "sans surveillance depuis {measured}, {threshold} {needed}",
    ),
    "in_view": _Phrase("visible", "masqué en ce moment"),
    "uninterrupted": _Phrase(
        "vu sans interruption",
        "la caméra n’a rien vu pendant un temps\u00a0: le décompte recommence, si l’objet est"
        " encore là",
    ),
    "group": _Phrase(
        "{measured} dans la zone (au moins {threshold})",
        "{measured} dans la zone, {threshold} {needed} pour une foule",
    ),
    "hurried": _Phrase(
        "{measured} en hâte (au moins {threshold})", "{measured} en hâte, {threshold} {needed}"
    ),
    "hurried_share": _Phrase(
        "{measured} des personnes en mouvement se hâtent (seuil\u00a0: {threshold})",
        "{measured} des personnes en mouvement se hâtent, {threshold} {needed}",
    ),
    "scattering_share": _Phrase(
        "{measured} des personnes en mouvement fuient un même point (seuil\u00a0: {threshold})",
        "{measured} des personnes en mouvement fuient un même point, {threshold} {needed}",
    ),
    "rushing_share": _Phrase(
        "{measured} des personnes en mouvement se ruent vers un même point (seuil\u00a0:"
        " {threshold})",
        "{measured} des personnes en mouvement se ruent vers un même point, {threshold} {needed}",
    ),
    "of_all": _Phrase(
        "{measured} de toutes les personnes (seuil\u00a0: {threshold})",
        "{measured} de toutes les personnes en hâte, {threshold} {needed}",
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
    "stood": _Phrase("debout pendant {measured}", "pas vu debout ({measured} sur {threshold})"),
    "tall": _Phrase(
        "assez grand ({measured} de haut)",
        "trop petit pour en juger ({measured} de haut sur {threshold})",
    ),
    "passage": _Phrase(
        "au sol {measured} après (au plus {threshold})",
        "pas au sol dans les {threshold} après la station debout ({measured})",
    ),
    "lying": _Phrase(
        "allongé dans {measured} des regards (seuil\u00a0: {threshold})",
        "pas allongé\u00a0: dans {measured} des regards, {threshold} requis",
    ),
    "in_sight": _Phrase("en vue", "quelqu’un se tient devant en ce moment"),
    "immobile": _Phrase(
        "immobile depuis {measured} (seuil\u00a0: {threshold})",
        "immobile depuis {measured}, {threshold} {needed}",
    ),
    "verified": _Phrase(
        "regardé de près, {measured} récents (au moins {threshold})",
        "pas encore regardé de près assez souvent ({measured} sur {threshold})",
    ),
    "flame_seen": _Phrase(
        "une flamme est vue dans {measured} des regards (seuil\u00a0: {threshold})",
        "pas de flamme\u00a0: vue dans {measured} des regards, {threshold} {needed}",
    ),
    "smoke_seen": _Phrase(
        "de la fumée est vue dans {measured} des regards (seuil\u00a0: {threshold})",
        "pas de fumée\u00a0: vue dans {measured} des regards, {threshold} {needed}",
    ),
    "fire_size": _Phrase(
        "{measured} de la hauteur de l’image (au moins {threshold})",
        "trop petit pour un feu\u00a0: {measured} de la hauteur de l’image, {threshold} {needed}",
    ),
    "no_lighter": _Phrase(
        "{measured} de la hauteur de la personne devant laquelle il est (au moins {threshold})",
        "trop petit pour un feu\u00a0: {measured} de la hauteur de la personne devant laquelle il"
        " est, comme un briquet ou une cigarette ({threshold} {needed})",
        bare="",
    ),
    "no_object": _Phrase(
        "{measured} là où sont personnes et véhicules (au plus {threshold})",
        "{measured} là où sont personnes et véhicules (au plus {threshold})\u00a0: ce sont eux",
        bare="",
    ),
    "stirring": _Phrase(
        "il vacille ou dérive sur {measured} de sa surface (seuil\u00a0: {threshold})",
        "il ne vacille ni ne dérive\u00a0: {measured} de sa surface, {threshold} {needed}",
    ),
    "stays": _Phrase(
        "il reste sur place (déplacé de {measured} de sa taille, au plus {threshold})",
        "il se déplace, de {measured} de sa taille (au plus {threshold})\u00a0: une lumière, pas un"
        " feu",
    ),
    "grown": _Phrase(
        "il a atteint {measured} de sa première taille (seuil\u00a0: {threshold})",
        "il ne croît pas\u00a0: {measured} de sa première taille, {threshold} {needed}",
    ),
    "since_start": _Phrase(
        "présent depuis le début de l’analyse, il y a {measured}\u00a0: nul ne l’a vu commencer",
        "présent depuis le début de l’analyse, il y a {measured}\u00a0: nul ne l’a vu commencer",
        bare="présent depuis le début de l’analyse\u00a0: nul ne l’a vu commencer",
    ),
    "looked_at": _Phrase(
        "{measured} ces derniers temps",
        "seulement {measured} ces derniers temps, {threshold} {needed}",
    ),
    "weapon_seen": _Phrase(
        "une arme est vue (expérimental), certitude : {measured} (seuil : {threshold})",
        "pas d’arme : certitude de {measured}, {threshold} {needed}",
    ),
    "at_hand": _Phrase(
        "dans une main (à {measured}, portée : {threshold})",
        "pas dans une main : la plus proche est à {measured} (portée : {threshold})",
    ),
    "hand_unseen": _Phrase(
        "aucune main n’est visible pour comparer", "aucune main n’est visible pour comparer"
    ),
    "hand_unread": _Phrase(
        "la place des mains n’a pas encore été examinée",
        "la place des mains n’a pas encore été examinée",
    ),
    "carried_along": _Phrase(
        "elle suit la personne (écart : {measured}, au plus {threshold})",
        "elle reste en place quand la personne bouge de {measured} (au plus {threshold}) : elle "
        "appartient au lieu",
    ),
}
UNITS: dict[Language, dict[str, str]] = {
    "en": {"s": "s", "m": "m", "heights": "heights of its box", "people": "people",
           "people/m2": "people/m²", "degrees": "°", "px": "px", "m/s": "m/s", "yes": "",
           "%": "%", "person_heights": "person heights", "looks": "looks"},
    "fr": {"s": "s", "m": "m", "heights": "hauteurs du cadre", "people": "personnes",
           "people/m2": "personnes/m²", "degrees": "°", "px": "px", "m/s": "m/s", "yes": "",
           "%": "%", "person_heights": "tailles de personne", "looks": "examens"},
}  # fmt: skip
ONE: dict[Language, dict[str, str]] = {
    "en": {
        "people": "person",
        "heights": "height of its box",
        "person_heights": "person height",
        "looks": "look",
    },
    "fr": {
        "people": "personne",
        "people/m2": "personne/m²",
        "heights": "hauteur du cadre",
        "person_heights": "taille de personne",
        "looks": "examen",
    },
}
"""The singular: in English of exactly 1, in French of all below 2."""
FEMININE = {"s", "heights", "person_heights", "people", "people/m2"}
DIGITS = {"people": 0, "looks": 0, "px": 0, "degrees": 0, "people/m2": 2, "heights": 2, "%": 0,
          "person_heights": 2}  # fmt: skip


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
