"""What speaks against a camera, in the words of whoever sets it up: of a camera that runs here, not
of a command, and in French."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from veilleur.cameras.suitability import Fit
from veilleur.catalogue import Wording
from veilleur.engine import french
from veilleur.events.wording import Language

FITS: Mapping[Fit, Wording] = {
    Fit.YES: Wording("apte", "fit"),
    Fit.LIMITED: Wording("apte avec réserve", "fit within limits"),
    Fit.NOT_KNOWN: Wording("pas encore connu", "not known yet"),
    Fit.NO: Wording("inapte", "not fit"),
}
_DARK = (
    "too dark or without contrast (level {}, contrast {} of 255; 25 and 6 are needed, chosen by us)"
)
_SAID: Mapping[str, Wording] = {
    # by the sentence of `cameras.suitability`
    "no picture was looked at: light, people and angle are not known": Wording(
        "aucune image n’a été vue : lumière, personnes et angle sont inconnus",
        "no picture was seen: light, people and angle are not known",
    ),
    "give --authorisation FILE": Wording(
        "la caméra est jugée dès qu’une autorisation permet de l’analyser",
        "the camera is judged as soon as an authorisation lets it be analysed",
    ),
    "the rate is not known": Wording(
        "la cadence n’est pas encore connue", "the rate is not known yet"
    ),
    "read the stream for longer": Wording(
        "laissez cette page ouverte un moment", "leave this page open for a while"
    ),
    "{} pictures a second of {} (chosen by us)": Wording(
        "{} images par seconde analysées, {} nécessaires (fixé par nous)",
        "{} pictures a second are analysed, {} are needed (chosen by us)",
    ),
    "set the camera to at least {} pictures a second": Wording(
        "réglez la cadence de la caméra à {}/s au moins ; si elle l’est, la machine a trop "
        "de caméras",
        "set the camera to at least {} pictures a second; if it is, the machine has too many "
        "cameras",
    ),
    "nothing is seen in {} of the pictures: {}": Wording(
        "rien n’est visible dans {} des images : {}", "nothing is seen in {} of the pictures: {}"
    ),
    "clean, aim, focus or light the camera, then check again": Wording(
        "nettoyez, orientez, réglez la netteté ou éclairez",
        "clean, aim, focus or light the camera",
    ),
    _DARK: Wording(
        "trop sombre ou sans contraste (niveau {}, contraste {} sur 255 ; il faut 25 et 6, fixé "
        "par nous)",
        _DARK,
    ),
    "dim or flat (level {}, contrast {} of 255; 40 and 12 are good, chosen by us)": Wording(
        "sombre ou peu contrastée (niveau {}, contraste {} sur 255 ; 40 et 12 sont bons, fixé par "
        "nous)",
        "dim or flat (level {}, contrast {} of 255; 40 and 12 are good, chosen by us)",
    ),
    "add light or infra-red": Wording(
        "ajoutez de la lumière ou de l’infrarouge", "add light or infra-red"
    ),
    "add light": Wording("ajoutez de la lumière", "add light"),
    "experimental: on any camera it misses weapons and takes other things for them": Wording(
        "expérimental : quelle que soit la caméra, des armes échappent et d’autres objets "
        "sont pris pour des armes",
        "experimental: on any camera it misses weapons and takes other things for them",
    ),
    "weak on any camera: it finds open flames best, and hardly any smoke": Wording(
        "faible, quelle que soit la caméra : il trouve surtout des flammes nues, et presque jamais "
        "la fumée",
        "weak on any camera: it finds open flames best, and hardly any smoke",
    ),
    "its pictures are {} pixels high ({} are needed, chosen by us)": Wording(
        "ses images ont {} pixels de haut ({} sont nécessaires, fixé par nous)",
        "its pictures are {} pixels high ({} are needed, chosen by us)",
    ),
    "use a stream of higher resolution": Wording(
        "prenez un flux de plus haute résolution", "use a stream of higher resolution"
    ),
    "do not rely on it: see docs/events.md": Wording(
        "ne vous y fiez pas", "do not rely on it: see docs/events.md"
    ),
    "noisy ({} grey levels; up to 8, chosen by us)": Wording(
        "bruitée ({} niveaux de gris ; jusqu’à 8, fixé par nous)",
        "noisy ({} grey levels; up to 8, chosen by us)",
    ),
    "add light, or lengthen the exposure": Wording(
        "ajoutez de la lumière, ou allongez la pose", "add light, or lengthen the exposure"
    ),
    "nobody was seen: how tall they appear is not known": Wording(
        "personne n’a encore été vu : la taille des personnes à l’image est inconnue",
        "nobody was seen yet: how tall people appear is not known",
    ),
    "too few people were seen: how tall they appear is not known": Wording(
        "trop peu de personnes ont été vues : leur taille à l’image est incertaine",
        "too few people were seen yet: how tall they appear is not sure",
    ),
    "check again for longer (--seconds) while people walk by": Wording(
        "laissez cette page ouverte pendant que des personnes passent",
        "leave this page open while people walk by",
    ),
    "people are {} pixels tall ({} are needed, {} at least: our detector's limits)": Wording(
        "les personnes mesurent {} pixels à l’image ({} sont nécessaires, {} au moins : limites de "
        "notre détecteur)",
        "people are {} pixels tall ({} are needed, {} at least: our detector's limits)",
    ),
    "use the main stream, zoom in, or mount the camera nearer": Wording(
        "prenez le flux principal, zoomez, ou rapprochez la caméra",
        "use the main stream, zoom in, or mount the camera nearer",
    ),
    "{} pixels per metre of {} (IEC/EN 62676-4)": Wording(
        "{} pixels par mètre, {} nécessaires (IEC/EN 62676-4)",
        "{} pixels per metre, {} are needed (IEC/EN 62676-4)",
    ),
    "zoom in, mount the camera nearer, or use a stream of higher resolution": Wording(
        "zoomez, rapprochez la caméra, ou prenez un flux de plus haute résolution",
        "zoom in, mount the camera nearer, or use a stream of higher resolution",
    ),
    "people are seen from {}° above (up to {}°, chosen by us)": Wording(
        "les personnes sont vues de {}° au-dessus (jusqu’à {}°, fixé par nous)",
        "people are seen from {}° above (up to {}°, chosen by us)",
    ),
    "a flatter view finds people better": Wording(
        "une vue plus rasante trouve mieux les personnes", "a flatter view finds people better"
    ),
    # what was measured where nothing speaks against it
    "{} pictures a second": Wording("{} images par seconde", "{} pictures a second"),
    "{} pixels per metre of {}": Wording(
        "{} pixels par mètre, {} nécessaires", "{} pixels per metre, {} are needed"
    ),
    "people {} pixels tall": Wording("personnes de {} pixels à l’image", "people {} pixels tall"),
}


def say(words: str, language: Language) -> str:
    """A sentence of `cameras.suitability`, for this page. What is not known stays as it is.

    >>> say("add light", "fr")
    'ajoutez de la lumière'
    """
    for pattern, wording in _patterns():
        if found := pattern.fullmatch(words):
            said = wording.french if language == "fr" else wording.english
            values = [_value(value, language) for value in found.groups()]
            return _spaced(said.format(*values)) if language == "fr" else said.format(*values)
    return words


def measured(words: str, language: Language) -> str:
    """What was measured, part by part."""
    return ", ".join(say(part, language) for part in words.split(", ") if part)


def _value(value: str, language: Language) -> str:
    """A number with the language's decimal mark, or why nothing is seen."""
    if re.fullmatch(r"[\d.]+", value):
        return value.replace(".", ",") if language == "fr" else value
    if re.fullmatch(r"[\d.]+%", value):
        return value.replace("%", "\u00a0%") if language == "fr" else value
    return french.say(value, language)


def _spaced(words: str) -> str:
    return words.replace(" :", "\u00a0:").replace(" ;", "\u00a0;")


@cache
def _patterns() -> list[tuple[re.Pattern[str], Wording]]:
    longest_first = sorted(_SAID, key=lambda one: (-len(one), one))
    return [
        (re.compile("(.+?)".join(map(re.escape, one.split("{}")))), _SAID[one])
        for one in longest_first
    ]
