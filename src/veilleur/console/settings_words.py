"""What can be set of a rule, in words: a short name and what it does, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from veilleur.catalogue import PRIORITY, WORDING, Event, Wording
from veilleur.events.registry import RULES, WITH_VEHICLES
from veilleur.events.wording import Language
from veilleur.yaml import unit_of

NAMES = {
    "dwell_s": Wording("Durée de présence", "Time inside"),
    "gap_s": Wording("Interruption tolérée", "Forgiven gap"),
    "margin_heights": Wording("Marge autour de la ligne", "Margin of the line"),
    "schedule": Wording("Horaires", "Schedule"),
    "distance_m": Wording("Distance à contresens", "Distance against"),
    "distance_heights": Wording("Distance, en tailles", "Distance, in heights"),
    "persist_s": Wording("Durée", "Duration"),
    "angle_deg": Wording("Angle", "Angle"),
    "min_speed_m_s": Wording("Vitesse minimale", "Least speed"),
    "min_width_px": Wording("Largeur minimale", "Least width"),
    "max_people": Wording("Nombre de personnes", "People"),
    "max_per_m2": Wording("Personnes par m²", "People per m²"),
    "watch_share": Wording("Seuil de vigilance", "Watch level"),
    "release_share": Wording("Seuil de retour", "Release level"),
    "end_s": Wording("Durée de retour", "Time to end"),
    "smooth_s": Wording("Lissage", "Smoothing"),
    "trusted_per_m2": Wording("Densité fiable", "Trusted density"),
    "trusted_hidden": Wording("Masquage fiable", "Trusted occlusion"),
    "unattended_s": Wording("Durée sans surveillance", "Time unattended"),
    "radius_m": Wording("Portée", "Reach"),
    "radius_heights": Wording("Portée, en tailles", "Reach, in heights"),
    "stay_s": Wording("Durée de retour auprès", "Time back with it"),
    "least_m": Wording("Taille minimale", "Least size"),
    "most_m": Wording("Taille maximale", "Largest size"),
    "immobile_s": Wording("Durée au sol", "Time on the ground"),
    "passage_s": Wording("Durée de la chute", "Time of the fall"),
    "least_px": Wording("Hauteur minimale", "Least height"),
    "surety": Wording("Certitude", "Surety"),
    "min_people": Wording("Personnes au moins", "People at least"),
    "min_hurried": Wording("Personnes pressées", "People who hurry"),
    "hurry_m_s": Wording("Vitesse de hâte", "Speed of a hurry"),
    "share": Wording("Part pressée", "Share that hurries"),
    "faster": Wording("Accélération", "Times as fast"),
    "calm_share": Wording("Part pressée avant", "Share before"),
    "against_share": Wording("Part à contre-courant", "Share against"),
    "against_s": Wording("Durée à contre-courant", "Time against"),
    "least_share": Wording("Taille minimale", "Least size"),
}
FRENCH_HELP = {
    "seconds that flame or smoke must last": "secondes que flamme ou fumée doivent durer",
    "of the picture's height: smaller is a cigarette, a lighter, a candle": (
        "part de la hauteur de l’image : plus petit est une cigarette, un briquet, une bougie"
    ),
    "seconds without flame and smoke that end a situation": (
        "secondes sans flamme ni fumée qui mettent fin à la situation"
    ),
    "seconds on the ground at rest until it is told": (
        "secondes au sol, immobile, avant le signalement"
    ),
    "longest time from upright to lying, seconds": (
        "temps le plus long de la station debout au sol, en secondes"
    ),
    "height upright, pixels: smaller is not judged": (
        "hauteur debout, en pixels : en dessous, rien n’est jugé"
    ),
    "seconds that a weapon must be seen in a hand": (
        "secondes pendant lesquelles une arme doit être vue dans une main"
    ),
    "height of the person, pixels: smaller is not judged": (
        "hauteur de la personne, en pixels : en dessous, rien n’est jugé"
    ),
    "how surely a weapon is seen, mean of the last looks": (
        "certitude avec laquelle une arme est vue, moyenne des derniers examens"
    ),
    "people in the zone: fewer are no crowd": (
        "personnes dans la zone : moins ne font pas une foule"
    ),
    "people who hurry, or go against": "personnes qui se hâtent, ou vont à contre-courant",
    "speed from which somebody hurries, m/s": "vitesse à partir de laquelle on se hâte, m/s",
    "of those who move, who must hurry, and half of it of all people (0.6 of both where they "
    "hurry from or to one point)": (
        "part de ceux qui bougent qui doivent se hâter, et la moitié de tous (0,6 des deux quand "
        "ils se hâtent vers un point ou en partent)"
    ),
    "times as fast as before, the group's median": ("fois plus vite qu’avant, médiane du groupe"),
    "of the people before, who may have hurried": (
        "part de ceux qui pouvaient déjà se hâter avant"
    ),
    "of the movers, who must go against the stream": (
        "part de ceux qui bougent qui doivent aller à contre-courant"
    ),
    "seconds that a hurry must last": "secondes que la hâte doit durer",
    "seconds that a counter-flow must last": "secondes que le contre-courant doit durer",
    "seconds without it that are forgiven": "secondes sans lui qui sont pardonnées",
    "seconds without it that end a situation": "secondes sans lui qui mettent fin à la situation",
    "seconds inside (default 1) or across the line (default 0)": (
        "secondes dans la zone (1 par défaut) ou au-delà de la ligne (0 par défaut)"
    ),
    "seconds outside that are forgiven": "secondes hors de la zone qui sont pardonnées",
    "distance from a line, in heights of the box, at which a side is sure": (
        "distance à la ligne, en hauteurs du cadre, à partir de laquelle le côté est sûr"
    ),
    "when in force; absent: always": "quand la règle s’applique ; vide : toujours",
    "metres against (default: person 2, vehicle 10)": (
        "mètres à contresens (par défaut : personne 2, véhicule 10)"
    ),
    "the same in heights of the box, where no ground is known": (
        "la même en hauteurs du cadre, où le sol n’est pas connu"
    ),
    "seconds against (default 1, or none beside a distance)": (
        "secondes à contresens (1 par défaut, aucune si une distance est donnée)"
    ),
    "widest angle from the opposite direction": "plus grand écart à la direction opposée",
    "seconds of other motion that are forgiven": "secondes d’un autre mouvement pardonnées",
    "below it somebody stands; in heights a second over 1.7": (
        "en dessous, on est immobile ; en tailles par seconde, divisé par 1,7"
    ),
    "narrower boxes are not judged (person 8, vehicle 20)": (
        "les cadres plus étroits ne sont pas jugés (personne 8, véhicule 20)"
    ),
    "more people than this count (default 50, without ground)": (
        "au-delà de ce nombre (50 par défaut, sans sol)"
    ),
    "more people per m2 than this count (default 4, on ground)": (
        "au-delà de ce nombre par m² (4 par défaut, avec sol)"
    ),
    "seconds over the limit": "secondes au-dessus du seuil",
    "of the limit: watch level": "part du seuil : vigilance",
    "of the limit: a level once reached ends below this": (
        "part du seuil : un niveau atteint prend fin en dessous"
    ),
    "seconds below it forgiven before an alarm": "secondes en dessous pardonnées avant l’alarme",
    "seconds below it that end an alarm": "secondes en dessous qui mettent fin à l’alarme",
    "seconds whose median is the count": "secondes dont la médiane fait le compte",
    "denser: the count is a lower bound (people/m2)": (
        "plus dense : le compte est un minimum (personnes par m²)"
    ),
    "boxes hide more of each other: the same": "les cadres se masquent davantage : de même",
    "seconds with nobody within reach until it is abandoned": (
        "secondes sans personne à portée avant qu’il soit abandonné"
    ),
    "reach in metres (default 3); without a ground over 1.7 m": (
        "portée en mètres (3 par défaut) ; sans sol, divisée par 1,7 m"
    ),
    "reach in person heights instead": "portée en tailles de personne, à la place",
    "who stays so long within reach of it is with it again": (
        "qui reste aussi longtemps à portée est de nouveau avec lui"
    ),
    "smaller is not judged (larger side; heights: over 1.7)": (
        "plus petit n’est pas jugé (plus grand côté ; en tailles : divisé par 1,7)"
    ),
    "larger is no bag: furniture, bins, pushchairs, vehicles": (
        "plus grand n’est pas un bagage : mobilier, poubelles, poussettes, véhicules"
    ),
}
FRENCH_UNITS = {
    "seconds": "secondes",
    "metres": "mètres",
    "metres a second": "mètres par seconde",
    "pixels": "pixels",
    "degrees": "degrés",
    "person heights": "tailles",
    "people per square metre": "personnes par m²",
    "parts of 1": "parts de 1",
}
SHAPES = {
    Event.FORBIDDEN_ZONE: ("zone", "line"),
    Event.WRONG_WAY: ("zone", "heading"),
    Event.DENSITY: ("zone",),
}
"""What is drawn for an event; a zone for those that are not named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One setting of an event, as a field of a form. default: "" where the event decides."""

    name: str
    label: str
    help: str
    unit: str
    default: str
    schedule: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An event that a rule can be about."""

    event: str
    words: str
    shapes: tuple[str, ...]
    vehicles: bool
    priority: str
    parameters: tuple[Parameter, ...]


def choices(language: Language) -> tuple[Choice, ...]:
    """The events that this version has rules for."""
    return tuple(
        Choice(
            event=event.value,
            words=_offered(event, language),
            shapes=SHAPES.get(event, ("zone",)),
            vehicles=event in WITH_VEHICLES,
            priority=PRIORITY[event].value,
            parameters=tuple(_parameters(event, language)),
        )
        for event in RULES
    )


def _offered(event: Event, language: Language) -> str:
    """How the event is called, and whether it is experimental: then nobody may miss it."""
    words = _said(WORDING[event], language)
    if not RULES[event].experimental:
        return words
    return words + (" (expérimental)" if language == "fr" else " (experimental)")


def _parameters(event: Event, language: Language) -> Iterator[Parameter]:
    for name, field in RULES[event].parameters.model_fields.items():
        unit, text = unit_of(name), field.description or ""
        yield Parameter(
            name=name,
            label=_said(name_of(name), language),
            help=FRENCH_HELP.get(text, text) if language == "fr" else text,
            unit=FRENCH_UNITS.get(unit, unit) if language == "fr" else unit,
            default=_default(field),
            schedule=name == "schedule",
        )


def name_of(parameter: str) -> Wording:
    """In words; its own name where nobody has found better ones (a test finds those)."""
    plain = parameter.replace("_", " ")
    return NAMES.get(parameter, Wording(plain, plain))


def _default(field: FieldInfo) -> str:
    known = isinstance(field.default, int | float)
    return f"{field.default:g}" if known else ""


def _said(wording: Wording, language: Language) -> str:
    return wording.french if language == "fr" else wording.english
