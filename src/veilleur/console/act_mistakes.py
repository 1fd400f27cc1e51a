"""What is wrong with a typed act, in the words of the visitor's language, by the mistake's code.

The names of settings stay as they are in the file: that is what somebody has to type.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from veilleur.errors import ConfigurationError
from veilleur.events.wording import Language
from veilleur.yaml import Problems

_TIME = "écrivez-la comme 2026-11-20T00:00:00+01:00"
_FRENCH: Mapping[str, tuple[str, str]] = {
    # the text
    "not_yaml": (
        "ce n’est pas du YAML",
        "vérifiez le retrait, les deux-points et les guillemets à cet endroit, et qu’aucune "
        "rubrique ne vient deux fois",
    ),
    "no_settings": ("l’acte doit contenir des rubriques", "une par ligne, comme reference: ..."),
    "no_date": (
        "une date ou un nombre n’en est pas un",
        "vérifiez les mois, les jours et les heures",
    ),
    # a setting
    "missing": ("manque", ""),
    "extra_forbidden": ("rubrique inconnue", "retirez-la, ou vérifiez son orthographe"),
    "enum": ("{input!r} n’est pas admis ici", "sont admis : {expected}"),
    "too_short": ("la liste est vide", "donnez-en au moins un élément"),
    "tuple_type": ("doit être une liste", "écrivez-la entre crochets, comme [a, b]"),
    "model_type": (
        "doit contenir des rubriques",
        "écrivez-les entre accolades : {{a: ..., b: ...}}",
    ),
    "string_type": ("doit être un texte", "mettez-le entre guillemets"),
    "string_too_short": ("ne peut pas être vide", ""),
    "string_unicode": ("contient un caractère qui n’en est pas un", "retapez le texte"),
    "bool_parsing": ("{input!r} n’est ni oui ni non", "écrivez true ou false"),
    "bool_type": ("doit être oui ou non", "écrivez true ou false"),
    "int_parsing": ("{input!r} n’est pas un nombre", "écrivez le nombre de jours seul"),
    "int_type": ("doit être un nombre", "écrivez le nombre de jours seul"),
    "int_from_float": ("{input} n’est pas un nombre entier", "écrivez un nombre entier de jours"),
    "greater_than_equal": ("doit être au moins {ge}", ""),
    # instants
    "timezone_aware": ("n’a pas de fuseau horaire", f"ajoutez-le : {_TIME}"),
    "datetime_parsing": ("{input!r} n’est pas une date avec son heure", _TIME),
    "datetime_from_date_parsing": ("{input!r} n’est pas une date avec son heure", _TIME),
    "datetime_type": ("{input!r} n’est pas une date avec son heure", _TIME),
    "value_error": ("une date est hors du calendrier", _TIME),
    # what belongs together
    "period_backwards": ("la période finit avant de commencer", "échangez from et until"),
    "period_too_long": (
        "la période dépasse {days} jours",
        "demandez plutôt un renouvellement, par un autre acte",
    ),
    "notice_unclear": (
        "l’information du public n’est pas claire",
        "donnez text et told_by, ou bien derogation avec les motifs de l’acte",
    ),
    "no_text": ("contient un caractère qui n’en est pas un", "retapez le texte"),
}
_EXPECTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """setting: the name in the file, "" for the whole. line: from 1, None where it has none. code:
    the mistake's kind. foreign: no words of the visitor's language are known for it."""

    setting: str
    message: str
    remedy: str
    line: int | None
    code: str
    foreign: bool = False


def mistakes_in(error: ConfigurationError, language: Language) -> tuple[Mistake, ...]:
    """Every mistake of an error, in the order of their lines."""
    problems = error.problems if isinstance(error, Problems) else (error,)
    return tuple(_mistake(one, language) for one in problems)


def _mistake(error: ConfigurationError, language: Language) -> Mistake:
    code, values = error.coded.cause, error.coded.values
    words = (error.message.removeprefix(f"{error.setting}: "), error.remedy)
    known = code in _FRENCH
    if language == "fr" and known:
        words = _in_french(code, values)
    return Mistake(
        setting=re.sub(r"\.\d+$", "", error.setting),
        message=words[0],
        remedy=words[1],
        line=error.line,
        code=code,
        foreign=language == "fr" and not known,
    )


def _in_french(code: str, values: Mapping[str, str]) -> tuple[str, str]:
    said: defaultdict[str, str] = defaultdict(str, values)
    if "expected" in values:
        said["expected"] = ", ".join(_EXPECTED.findall(values["expected"]))
    message, remedy = (_spaced(_quoted(one).format_map(said)) for one in _FRENCH[code])
    if meant := values.get("meant"):
        remedy = f"vouliez-vous dire «\u00a0{meant}\u00a0»\u00a0?"
    return message, remedy


def _quoted(template: str) -> str:
    """French quotes around what was typed."""
    return template.replace("{input!r}", "«\u00a0{input}\u00a0»")


def _spaced(words: str) -> str:
    return words.replace(" :", "\u00a0:").replace(" ;", "\u00a0;")
