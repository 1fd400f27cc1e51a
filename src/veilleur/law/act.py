"""An act in words, for the one who enters it: what it opens, and what is new against another."""

from __future__ import annotations

from dataclasses import dataclass

from veilleur.catalogue import WORDING, Event
from veilleur.events.wording import Language
from veilleur.law.authorisation import Authorisation, Gathering

NO_CLIPS: dict[Language, str] = {"fr": "aucune séquence conservée", "en": "no clip is kept"}
DAYS: dict[Language, str] = {"fr": "jours", "en": "days"}
KINDS: dict[Language, dict[Gathering, str]] = {
    "fr": {
        Gathering.SPORTING: "manifestation sportive",
        Gathering.RECREATIONAL: "manifestation récréative",
        Gathering.CULTURAL: "manifestation culturelle",
    },
    "en": {
        Gathering.SPORTING: "sporting event",
        Gathering.RECREATIONAL: "recreational event",
        Gathering.CULTURAL: "cultural event",
    },
}


@dataclass(frozen=True, slots=True)
class Line:
    """field: as in the act's file. words: "" where the act doesn't say it."""

    field: str
    words: str


def summary(act: Authorisation, language: Language) -> tuple[Line, ...]:
    """The act, field by field, in the order of its file."""
    start, end = (
        at.isoformat(sep=" ", timespec="minutes") for at in (act.period.start, act.period.end)
    )
    return (
        Line("reference", act.reference),
        Line("authority", act.authority),
        Line("cameras", ", ".join(act.cameras)),
        Line("events", ", ".join(_event(event, language) for event in act.events)),
        Line("period", f"{start} – {end}"),
        Line("controller", act.controller or ""),
        Line("perimeter", act.perimeter or ""),
        Line("services", ", ".join(act.services)),
        Line("gathering", KINDS[language][act.gathering] if act.gathering else ""),
        Line("reasons", act.reasons or ""),
        Line("notice", _notice(act)),
        Line("clips", f"{act.clips} {DAYS[language]}" if act.clips else NO_CLIPS[language]),
    )


def differences(old: Authorisation, new: Authorisation, language: Language) -> tuple[Line, ...]:
    """What the new act says otherwise than the old one (a renewal), in the new one's words."""
    before = set(summary(old, language))
    return tuple(line for line in summary(new, language) if line not in before)


def _event(event: Event, language: Language) -> str:
    words = WORDING[event]
    return words.french if language == "fr" else words.english


def _notice(act: Authorisation) -> str:
    if act.notice is None:
        return ""
    if act.notice.derogation is not None:
        return act.notice.derogation
    return f"{act.notice.text} ({', '.join(act.notice.told_by)})"
