"""The closed list: eight predetermined events, and nothing else, ever.

Source: décret n° 2023-828 du 28 août 2023, article 3. Wording in French and English.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """The eight events of article 3. A test counts them."""

    ABANDONED_OBJECT = "abandoned_object"
    WEAPON = "weapon"
    WRONG_WAY = "wrong_way"
    FORBIDDEN_ZONE = "forbidden_zone"
    PERSON_ON_GROUND = "person_on_ground"
    CROWD_MOVEMENT = "crowd_movement"
    DENSITY = "density"
    FIRE = "fire"


class Subject(StrEnum):
    """Whom a rule looks at. Vehicles appear only in wrong_way and forbidden_zone (article 3)."""

    PERSON = "person"
    VEHICLE = "vehicle"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Wording:
    """How an event is called on the screen."""

    french: str
    english: str


WORDING: dict[Event, Wording] = {
    Event.ABANDONED_OBJECT: Wording("Objet abandonné", "Abandoned object"),
    Event.WEAPON: Wording("Présence ou utilisation d’une arme", "Presence or use of a weapon"),
    Event.WRONG_WAY: Wording("Sens de circulation non respecté", "Wrong way"),
    Event.FORBIDDEN_ZONE: Wording(
        "Franchissement ou présence en zone interdite", "Forbidden zone: crossing or presence"
    ),
    Event.PERSON_ON_GROUND: Wording(
        "Personne au sol à la suite d’une chute", "Person on the ground after a fall"
    ),
    Event.CROWD_MOVEMENT: Wording("Mouvement de foule", "Crowd movement"),
    Event.DENSITY: Wording("Densité trop importante de personnes", "Excessive density of people"),
    Event.FIRE: Wording("Départ de feu", "Fire start"),
}


class Priority(StrEnum):
    """Three levels (EEMUA 191): about 5 % high, 15 % medium, 80 % low."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


PRIORITY: dict[Event, Priority] = {
    Event.ABANDONED_OBJECT: Priority.MEDIUM,
    Event.WEAPON: Priority.HIGH,
    Event.WRONG_WAY: Priority.LOW,
    Event.FORBIDDEN_ZONE: Priority.LOW,
    Event.PERSON_ON_GROUND: Priority.HIGH,
    Event.CROWD_MOVEMENT: Priority.MEDIUM,
    Event.DENSITY: Priority.MEDIUM,
    Event.FIRE: Priority.HIGH,
}
"""Where the rule says nothing else (`priority:` in the site file)."""
