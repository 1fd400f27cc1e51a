"""Mistakes in what somebody drew or typed, in the words of their language and beside their rule.

They arise in English, with values in them (`veilleur.errors`); here each is recognised and said
again. What is not recognised stays as it is: a mistake is never hidden.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from veilleur.catalogue import Wording
from veilleur.console.settings_words import NAMES
from veilleur.errors import ConfigurationError
from veilleur.events.wording import Language
from veilleur.yaml import Problems

_PREFIX = re.compile(r"(?:rule [^:]*|ground|cameras\.[\w.]*|[a-z_]+(?:\.[\w]+)*): ")
_RULE = re.compile(r"cameras\.\d+\.rules\.(\d+)\.?(.*)")
_PLACES = {
    "id": Wording("Nom", "Name"),
    "event": Wording("Événement", "Event"),
    "zone": Wording("Zone", "Zone"),
    "line": Wording("Ligne", "Line"),
    "subject": Wording("Sujet", "Subject"),
    "priority": Wording("Priorité", "Priority"),
    "allowed_heading": Wording("Sens autorisé", "Allowed direction"),
    "headings": Wording("Sens autorisé", "Allowed direction"),
    "ground": Wording("Sol", "Ground"),
    "image": Wording("Points de l’image", "Points of the picture"),
    "metres": Wording("Mètres", "Metres"),
    "lengths": Wording("Longueurs", "Lengths"),
    "rules": Wording("Règles", "Rules"),
}
_FRENCH = {
    # shapes
    "{} points make no polygon": "{} points ne font pas un polygone",
    "give three or more": "donnez-en trois ou plus",
    "the polygon has no area": "le polygone n’a pas de surface",
    "its points lie on one line or on one spot: draw it again": (
        "ses points sont alignés ou confondus : redessinez-le"
    ),
    "the polygon crosses itself": "le polygone se croise lui-même",
    "give its corners in the order in which one walks around it": (
        "donnez ses sommets dans l’ordre où l’on en fait le tour"
    ),
    "both ends are the same point": "les deux bouts sont le même point",
    "draw the line from one point to another": "tracez la ligne d’un point à un autre",
    "a line has two ends, not {}": "une ligne a deux bouts, non {}",
    "the point ({}, {}) lies outside the picture": "le point ({}, {}) est hors de l’image",
    "points are relative to the picture, 0 to 1": (
        "les points sont en parts de l’image, de 0 à 100 %"
    ),
    # what an event needs
    "person_on_ground needs a zone": "une personne au sol demande une zone",
    "draw the ground on which people are watched, without benches and beds": (
        "dessinez le sol où l’on veille, sans bancs ni lits"
    ),
    "weapon needs a zone": "une arme demande une zone",
    "draw the ground on which people are watched": "dessinez le sol où l’on veille",
    "crowd_movement needs a zone": "un mouvement de foule demande une zone",
    "fire needs a zone": "un départ de feu demande une zone",
    "draw where nothing may burn, without chimneys, grills and screens": (
        "dessinez où rien ne doit brûler, sans cheminées, grils ni écrans"
    ),
    "draw the ground on which people move": "dessinez le sol où les gens se déplacent",
    "crowd_movement looks at people, not vehicles": (
        "un mouvement de foule concerne des personnes, non des véhicules"
    ),
    "forbidden_zone needs a zone or a line, exactly one of them": (
        "il faut une zone ou une ligne, l’une des deux"
    ),
    "remove one, or draw one": "retirez-en une, ou dessinez-en une",
    "wrong_way needs a zone": "il faut une zone",
    "density needs a zone": "il faut une zone",
    "draw the lane or corridor in which one way is allowed": (
        "dessinez la voie ou le couloir à sens unique"
    ),
    "draw the ground on which people are counted": "dessinez le sol sur lequel on compte",
    "density counts people, not vehicles": "la densité compte des personnes, non des véhicules",
    "remove subject": "choisissez les personnes",
    "remove subject; vehicles: {}": "choisissez les personnes",
    "abandoned_object needs a zone": "il faut une zone",
    "draw the ground on which things are watched": "dessinez le sol où les objets sont surveillés",
    "the reach is given twice": "la portée est donnée deux fois",
    "give radius_m or radius_heights, not both": "en mètres ou en tailles, non les deux",
    "{} is none of the eight events": "{} n’est aucun des huit événements",
    "{} is not in this version": "cet événement n’est pas dans cette version",
    "this version has {}": "cette version connaît {}",
    "unknown {}": "réglage inconnu : {}",
    "wrong_way needs allowed_heading or headings, exactly one of them": (
        "il faut un sens autorisé, ou plusieurs flèches"
    ),
    "say which way travel is allowed, like allowed_heading: [0, -1] for upwards": (
        "donnez le sens de circulation autorisé"
    ),
    "a heading of no length says nothing": "une flèche sans longueur ne dit rien",
    "give two numbers, to the right and down": "donnez deux nombres, vers la droite et le bas",
    "a heading above the horizon has no ground under it": (
        "une flèche au-dessus de l’horizon n’a pas de sol"
    ),
    "it reaches above the horizon, where there is no ground": (
        "elle dépasse l’horizon, où il n’y a pas de sol"
    ),
    "draw the zone on the ground": "dessinez la zone sur le sol",
    "density takes max_people or max_per_m2, not both": (
        "un nombre de personnes ou une densité, non les deux"
    ),
    "give max_per_m2 where the ground is known, else max_people": (
        "une densité si le sol est connu, sinon un nombre"
    ),
    "max_per_m2 needs to know the ground": "une densité par m² demande un sol connu",
    "describe the camera's ground, or give max_people": (
        "décrivez le sol de la caméra, ou donnez un nombre de personnes"
    ),
    "{} does not look at vehicles (decree, article 3)": (
        "cet événement ne porte pas sur les véhicules (décret, article 3)"
    ),
    "it has a schedule, but the local time is not known": (
        "elle a des horaires, mais l’heure locale n’est pas connue"
    ),
    "give the clip a starts_at, or remove the schedule": (
        "donnez au film son heure de début (starts_at), ou retirez les horaires"
    ),
    # numbers and names
    "{} is no number": "{} n’est pas un nombre",
    "write the number alone, in {}": "écrivez le nombre seul",
    "must be {} at least": "doit être au moins {}",
    "must be {} at most": "doit être au plus {}",
    "must be {} at least, not {}": "il en faut {} au moins, non {}",
    "must be more than {}": "doit être supérieur à {}",
    "must be less than {}": "doit être inférieur à {}",
    "must not be empty": "ne peut pas être vide",
    "must be a number": "doit être un nombre",
    "must be a whole number": "doit être un nombre entier",
    "must be a finite number": "doit être un nombre fini",
    "must hold settings (key: value)": "doit contenir des réglages",
    "there is {}": "réglages connus : {}",
    "is missing": "manque",
    "see docs/events.md": "voir docs/events.md",
    "two entries have the id {}: each {} needs its own": "deux règles portent le nom {}",
    "give this one another id": "donnez un autre nom à celle-ci",
    "a camera without a rule signals anybody anywhere": (
        "une caméra sans règle signale tout le monde, partout"
    ),
    "leave one rule, or stop the camera": "gardez une règle, ou arrêtez la caméra",
    "rule {} is stopped": "la règle {} est arrêtée",
    "have the stop lifted before the rule is renamed or removed": (
        "faites lever l’arrêt avant de la renommer ou de la retirer"
    ),
    # schedules
    "{} is no span of time: write it like 22:00-06:00": (
        "{} n’est pas une plage : écrivez 22:00-06:00"
    ),
    "{} is no span of time: hours go from 00:00 to 24:00": (
        "{} n’est pas une plage : les heures vont de 00:00 à 24:00"
    ),
    "{} has no length: for a whole day write 00:00-24:00": (
        "{} est vide : pour un jour entier écrivez 00:00-24:00"
    ),
    "{} is no day: use {}, a range, or daily": (
        "{} n’est pas un jour : lun, mar, mer, jeu, ven, sam, dim, lun-ven ou tous"
    ),
    "no time zone {}: write it as Europe/Paris": (
        "{} n’est pas un fuseau horaire : écrivez Europe/Paris"
    ),
    "no public holidays are known for {}": "aucun jour férié n’est connu pour {}",
    "a schedule without a span is never in force: give one, or leave it": (
        "des horaires sans plage ne s’appliquent jamais : donnez-en une, ou laissez vide"
    ),
    # the ground
    "{} points in the picture and {} in metres": "{} points dans l’image et {} en mètres",
    "give four or more pairs": "donnez quatre paires ou plus",
    "metres must be finite numbers": "les mètres doivent être des nombres",
    "measure the point again": "mesurez de nouveau le point",
    "give exactly one of image and metres, calibration, lengths": (
        "des points, des longueurs ou un fichier : un seul des trois"
    ),
    "{} is no calibration file": "{} n’est pas un fichier de calibrage",
    "{} cannot be read: {}": "{} est illisible : {}",
    "{} cannot be understood: {}": "{} est incompréhensible : {}",
    "check its name": "vérifiez son nom",
    "see docs/events.md, Ground": "voir docs/events.md, Ground",
    "the points do not fix a plane (three or more of four lie on one line)": (
        "les points ne fixent pas un plan (trois sur quatre sont alignés)"
    ),
    "choose points spread over the ground, no three on one line": (
        "choisissez des points répartis sur le sol, jamais trois alignés"
    ),
    "the pairs contradict each other: two points are exchanged, or one is above the horizon": (
        "les paires se contredisent : deux points sont échangés, ou l’un est au-dessus de l’horizon"
    ),
    "check that image and metres list the same points in the same order": (
        "vérifiez que chaque point a bien ses propres mètres"
    ),
    "the metres are mirrored against the picture": "les mètres sont en miroir de l’image",
    "x to the right and y away from the camera, seen from above; for a plan with y down, change "
    "the sign of y; if x and y were exchanged, change them back": (
        "x vers la droite et y en s’éloignant de la caméra, vu de dessus ; changez le signe de y, "
        "ou échangez x et y"
    ),
    "points {} and {} are one and the same": "les points {} et {} n’en font qu’un",
    "give each point once": "donnez chaque point une fois",
    "{} known lengths": "{} longueurs connues",
    "a known length has no extent in the picture": "une longueur est nulle dans l’image",
    "draw it longer": "tracez-la plus longue",
    "the known lengths do not fix the camera": "ces longueurs ne suffisent pas",
    "add segments in other directions and at other distances, all on the ground": (
        "ajoutez des segments dans d’autres directions et à d’autres distances, tous au sol"
    ),
    # the file
    "elsewhere in the site file, line {}: {}": "ailleurs dans le fichier du site, ligne {} : {}",
    "have it put right by hand; nothing can be saved before": (
        "faites-le corriger à la main ; rien ne peut être enregistré avant"
    ),
    "the site file can't be written: {}": "le fichier du site ne peut pas être écrit : {}",
    "have this patch applied by whoever may, then load the site again": (
        "faites appliquer cette modification par qui le peut, puis rechargez le site"
    ),
    "somebody else has changed this camera meanwhile": (
        "quelqu’un d’autre a modifié cette caméra entre-temps"
    ),
    "somebody else has changed the site file meanwhile": (
        "quelqu’un d’autre a modifié le fichier du site entre-temps"
    ),
    "the rules in the file are not those that were changed": (
        "les règles du fichier ne sont plus celles qui ont été modifiées"
    ),
    "load the page again": "rechargez la page",
    "this part of the site file can't be changed from here": (
        "cette partie du fichier ne peut pas être modifiée ici"
    ),
    "it is shared by & and *, or written in an unusual way: change it by hand": (
        "elle est partagée par & et *, ou écrite autrement : modifiez-la à la main"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """rule: which one of those that were sent, None for the camera or another part of the file.
    where: what of it, in words; "" for the whole."""

    rule: int | None
    where: str
    message: str
    remedy: str


def mistakes_in(error: ConfigurationError, language: Language) -> list[Mistake]:
    """Every mistake of an error, in a language."""
    problems: Sequence[ConfigurationError] = (
        error.problems if isinstance(error, Problems) else [error]
    )
    return [_mistake(one, language) for one in problems]


def say(words: str, language: Language) -> str:
    """A sentence of an error in the language.

    >>> say("the polygon crosses itself", "fr")
    'le polygone se croise lui-même'
    """
    if language == "en":
        return words
    for french, pattern in _patterns():
        if found := pattern.fullmatch(words):
            return french.format(*found.groups())
    return words


def _mistake(error: ConfigurationError, language: Language) -> Mistake:
    found = _RULE.fullmatch(error.setting)
    rest = found[2] if found else error.setting
    message = error.message
    while prefix := _PREFIX.match(message):
        message = message[prefix.end() :]
    return Mistake(
        rule=int(found[1]) if found else None,
        where=_place(rest, language),
        message=say(message, language),
        remedy=say(error.remedy, language),
    )


def _place(setting: str, language: Language) -> str:
    """The name of the innermost setting that has one."""
    words = _PLACES | NAMES
    for part in reversed(setting.split(".")):
        if part in words:
            return words[part].french if language == "fr" else words[part].english
    return ""


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    made = []
    for template in sorted(_FRENCH, key=lambda one: (-len(one), one)):
        french = _FRENCH[template]
        parts = map(re.escape, template.split("{}"))
        spaced = french.replace(" :", "\u00a0:").replace(" ;", "\u00a0;").replace(" %", "\u00a0%")
        made.append((spaced, re.compile("(.+?)".join(parts), re.DOTALL)))
    return made
