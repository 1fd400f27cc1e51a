"""A schedule as lines of text, and back: what a rule's page shows of `events.schedule`.

    mon-fri 22:00-06:00, 12:00-14:00
    sat,sun 00:00-24:00
    holidays FR 00:00-24:00
    zone Europe/Paris

Days and the two words are read in both languages and written in the visitor's. What cannot be
read is handed on as it is, for the schedule's own check to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from veilleur.events.schedule import DAYS
from veilleur.events.wording import Language

FRENCH = dict(zip(DAYS, ("lun", "mar", "mer", "jeu", "ven", "sam", "dim"), strict=True)) | {
    "daily": "tous"
}
_ENGLISH = {french: english for english, french in FRENCH.items()}
_HOLIDAYS = {"en": "holidays", "fr": "fériés"}
_ZONE = {"en": "zone", "fr": "fuseau"}


def as_text(schedule: object, language: Language) -> str:
    """Of what stands in the file, right or wrong; "" for nothing.

    >>> as_text({"weekly": {"mon-fri": ["22:00-06:00"]}, "time_zone": "Europe/Paris"}, "fr")
    'lun-ven 22:00-06:00\\nfuseau Europe/Paris'
    """
    return "\n".join(_lines(schedule, language)) if isinstance(schedule, Mapping) else ""


def _lines(schedule: Mapping[str, Any], language: Language) -> Iterator[str]:
    for days, spans in dict(schedule.get("weekly") or {}).items():
        shown = _translated(str(days), FRENCH) if language == "fr" else days
        yield f"{shown} {', '.join(map(str, spans))}"
    if isinstance(of := schedule.get("holidays"), Mapping):
        place = " ".join(str(of[part]) for part in ("country", "subdivision") if of.get(part))
        yield f"{_HOLIDAYS[language]} {place} {', '.join(of.get('days', ()))}".rstrip()
    if schedule.get("time_zone"):
        yield f"{_ZONE[language]} {schedule['time_zone']}"


def from_text(text: str) -> dict[str, Any]:
    """What the file is to hold; {} for nothing.

    >>> from_text("lun-ven 22:00-06:00")
    {'weekly': {'mon-fri': ['22:00-06:00']}}
    """
    schedule: dict[str, Any] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        head, _, rest = line.partition(" ")
        if head.lower() in _HOLIDAYS.values():
            schedule["holidays"] = _holidays(rest)
        elif head.lower() in _ZONE.values():
            schedule["time_zone"] = rest.strip()
        else:
            days = _translated(head.lower(), _ENGLISH)
            schedule.setdefault("weekly", {})[days] = _spans(rest)
    return schedule


def _holidays(text: str) -> dict[str, Any]:
    country, _, rest = text.strip().partition(" ")
    found: dict[str, Any] = {"country": country}
    place, _, spans = rest.partition(" ")
    if place and ":" not in place:
        found["subdivision"] = place
        rest = spans
    if rest.strip():
        found["days"] = _spans(rest)
    return found


def _spans(text: str) -> list[str]:
    return [span for part in text.split(",") if (span := part.strip())]


def _translated(days: str, words: Mapping[str, str]) -> str:
    parts = days.replace("-", " - ").replace(",", " , ").split()
    return "".join(words.get(part, part) for part in parts)
