"""Why an incident is confirmed or dismissed, and what came of it: closed lists, neutral words.

Source: law 31 (outcome and reason codes), 34 (neutral wording), 38 (follow-up). The reasons feed
the share of relevant alerts, per use and context, that the 2025 evaluation asked for. None of them
describes a person.
"""

from __future__ import annotations

from veilleur.catalogue import Event, Wording

CONFIRMING: dict[str, Wording] = {
    "as_signalled": Wording("Événement avéré", "The event is real"),
    "minor": Wording("Avéré, sans gravité", "Real, of no consequence"),
}

_ANY: dict[str, Wording] = {
    "nothing_there": Wording("Rien à l’endroit signalé", "Nothing at the place"),
    "light": Wording("Lumière, ombre ou reflet", "Light, shadow or reflection"),
    "weather": Wording("Pluie, neige, brouillard ou vent", "Rain, snow, fog or wind"),
    "camera": Wording("Image dégradée ou caméra déplacée", "Poor picture or moved camera"),
    "badly_drawn": Wording("Zone ou règle mal réglée", "Zone or rule set wrongly"),
    "exercise": Wording("Essai ou exercice", "Test or exercise"),
}
_ENTITLED = {"entitled": Wording("Présence autorisée", "Entitled to be there")}
_ANIMAL = {"animal": Wording("Animal", "Animal")}
_OWN: dict[Event, dict[str, Wording]] = {
    Event.ABANDONED_OBJECT: {
        "furniture": Wording("Mobilier, poubelle ou panneau", "Furniture, bin or sign"),
        "attended": Wording("Objet surveillé", "Somebody attends to it"),
        "cleaning": Wording("Engin ou matériel de nettoyage", "Cleaning machine or equipment"),
    },
    Event.WEAPON: {
        "harmless_object": Wording("Objet inoffensif", "Harmless object"),
        "service_weapon": Wording("Arme de service", "Service weapon"),
    },
    Event.WRONG_WAY: {
        "stepped_aside": Wording("Écart ou manœuvre", "Stepped aside or manoeuvring"),
        **_ENTITLED,
    },
    Event.FORBIDDEN_ZONE: {**_ENTITLED, **_ANIMAL},
    Event.PERSON_ON_GROUND: {
        "no_fall": Wording("Pas de chute", "Nobody fell"),
        "got_up": Wording("S’est relevée", "Got up again"),
    },
    Event.CROWD_MOVEMENT: {"ordinary_flow": Wording("Flux ordinaire", "Ordinary flow")},
    Event.DENSITY: {
        "miscounted": Wording("Comptage inexact", "Counted wrongly"),
        "fluid": Wording("Affluence fluide", "Many people, moving freely"),
    },
    Event.FIRE: {
        "steam_or_dust": Wording("Vapeur, poussière ou fumigène", "Steam, dust or stage smoke"),
        "headlights": Wording("Phares ou soleil bas", "Headlights or low sun"),
    },
}
OUTCOMES: dict[str, Wording] = {
    "intervention": Wording("Intervention", "Intervention"),
    "rescue": Wording("Secours", "Rescue"),
    "passed_on": Wording("Transmis au service compétent", "Passed on to the service in charge"),
    "none": Wording("Sans suite", "No follow-up needed"),
}


def dismissing(event: Event) -> dict[str, Wording]:
    """The closed list of an event: its own reasons first."""
    return {**_OWN[event], **_ANY}


def reasons(event: Event, *, confirmed: bool) -> dict[str, Wording]:
    return CONFIRMING if confirmed else dismissing(event)
