"""What screens say of the engine beside the signals, in French.

Sentences are made in English where they arise, with their values in them; here each is recognised
and said again. A test reads the sentences out of the code, so that none is forgotten.
"""

from __future__ import annotations

import re
from functools import cache

from veilleur.events.wording import Language

NEXT = re.compile(r"(?P<what>.*\S) \((?P<next>.*)\)", re.DOTALL)
"""A sentence, and what to do about it."""

_SCREEN = {
    "LABORATORY": "LABORATOIRE",
    "files and simulated cameras, nobody real is watched": (
        "fichiers et caméras simulées, personne de réel n’est surveillé"
    ),
    "the cameras marked LAB; the others run under an authorisation": (
        "les caméras marquées LAB ; les autres sous autorisation"
    ),
    "camera": "caméra",
    "state": "état",
    "/s": "/s",
    "ms p50/95": "ms p50/95",
    "people": "pers.",
    "vehicles": "véhic.",
    "lost": "pertes",
    "lost, by cause": "pertes, par cause",
    "last signal": "dernier signal",
    "none": "aucune",
    "none yet": "aucun pour l’instant",
    "all": "toutes",
    "quiet": "calme",
    "lost: {}": "pertes : {}",
    "signals: {}": "signaux : {}",
    "again in {} s": "nouvel essai dans {} s",
    "{} more cameras: a higher terminal shows them": (
        "{} autres caméras : un terminal plus haut les montre"
    ),
    "under": "sous",
    "LABORATORY (file)": "LABORATOIRE (fichier)",
    "LABORATORY (simulated camera)": "LABORATOIRE (caméra simulée)",
}
_CONDITIONS = {
    "connecting": "connexion",
    "running": "en marche",
    "blind": "aveugle",
    "other shape": "autre format",
    "stalled": "figée",
    "refused": "refusée",
    "lost": "perdue",
    "decoder crashed": "décodeur tombé",
    "no contact": "sans contact avec l’autorité",
    "shed": "délestée",
    "not authorised": "non autorisée",
    "failed": "en panne",
    "ended": "terminée",
    "closed": "fermée",
}
_DROPPED = {
    "displaced": "remplacées",
    "starting": "au démarrage",
    "shed": "délestées",
    "stopped": "à l’arrêt",
    "not authorised": "non autorisées",
    "failed": "en panne",
    "stale": "périmées",
    "no room": "sans place",
    "corrupt": "abîmées",
}
"""Pictures ("images") lost, by cause."""
_SENTENCES = {
    # how a camera is
    "not started yet": "pas encore démarrée",
    "waiting for the first picture": "en attente de la première image",
    "closed": "fermée",
    "the file is over": "le fichier est terminé",
    "the stream ended": "le flux a pris fin",
    "no picture for {} s": "pas d’image depuis {} s",
    "no decoding process can be started: {}": "aucun processus de décodage ne démarre : {}",
    "the decoding process spoke nonsense and was ended": (
        "le processus de décodage disait n’importe quoi, il a été arrêté"
    ),
    "the decoding process died of this stream": "ce flux a tué le processus de décodage",
    "the decoding process hangs in this stream": "ce flux a bloqué le processus de décodage",
    "the decoding process did not start in time": (
        "le processus de décodage n’a pas démarré à temps"
    ),
    "no key frame came for {} s": "aucune image clé depuis {} s",
    "{} is not known to the network": "{} n’est pas connu du réseau",
    "{} is where a cloud keeps its keys: no camera is looked for there": (
        "à {} un nuage garde ses clés : aucune caméra n’y est cherchée"
    ),
    "{} is a link-local address: no camera is looked for there": (
        "{} est une adresse de lien local : aucune caméra n’y est cherchée"
    ),
    "{} is an address of many, multicast: no camera is looked for there": (
        "{} est une adresse de groupe, multicast : aucune caméra n’y est cherchée"
    ),
    "{} is an address of nobody": "{} n’est l’adresse de personne",
    "{} is this machine itself: no camera is looked for here unasked": (
        "{} est cette machine même : aucune caméra n’y est cherchée sans qu’on le demande"
    ),
    "{} is not on this machine, where our simulator is": (
        "{} n’est pas sur cette machine, où est notre simulateur"
    ),
    "for a tunnel, write allow_loopback: true under this camera in the site file": (
        "pour un tunnel, écrivez allow_loopback: true sous cette caméra dans le fichier de site"
    ),
    "{} is damaged: it can be read no further": "{} est endommagé : la suite est illisible",
    "{} accepts the connection and says nothing": "{} accepte la connexion et ne dit rien",
    "{} has no video": "{} n’a pas de vidéo",
    "{} sends {}, which is not decoded here": "{} envoie du {}, qui n’est pas décodé ici",
    "its pictures are turned by {} degrees": "ses images sont tournées de {} degrés",
    "set the camera to 0, 90, 180 or 270 degrees, or convert the file": (
        "réglez la caméra sur 0, 90, 180 ou 270 degrés, ou convertissez le fichier"
    ),
    "{} refuses the user name or password": "{} refuse le nom d’utilisateur ou le mot de passe",
    "{} is not a video that can be read": "{} n’est pas une vidéo lisible",
    "{} has no such stream": "{} n’a pas ce flux",
    "{} refuses connections": "{} refuse la connexion",
    "{} sends no format known here": "{} n’envoie aucun format connu ici",
    "{} cannot be reached": "{} est injoignable",
    "{} sent no picture": "{} n’a envoyé aucune image",
    "nothing comes from the camera": "rien ne vient de la caméra",
    "what comes is not video": "ce qui vient n’est pas de la vidéo",
    "the camera ended the stream": "la caméra a mis fin au flux",
    "the connection to the camera broke": "la connexion à la caméra est rompue",
    "this machine can't carry all its cameras: the last ones are given up": (
        "cette machine ne suffit pas à toutes ses caméras : les dernières sont abandonnées"
    ),
    "a mistake in the engine: {}": "une erreur du moteur : {}",
    "rules suspended: the picture is {} now, its zones were drawn on {}": (
        "règles suspendues : l’image est à présent en {}, ses zones ont été tracées sur {}"
    ),
    "rules suspended, {}: {}": "règles suspendues, {} : {}",
    "frozen": "image figée",
    "dark": "obscurité",
    "blurred": "image floue",
    "covered": "objectif couvert",
    "moved": "caméra déplacée",
    "light": "lumière changée",
    "the same picture again and again": "toujours la même image",
    "no light": "pas de lumière",
    "out of focus, fogged or wet": "mise au point, buée ou eau",
    "something is before the lens": "quelque chose est devant l’objectif",
    "it looks elsewhere than it did": "elle regarde ailleurs qu’avant",
    "the light has just changed": "la lumière vient de changer",
    # what to do
    "it is connected again": "elle est reconnectée",
    "set the camera's key-frame interval to 1-4 s": (
        "réglez l’intervalle d’images clés de la caméra sur 1 à 4 s"
    ),
    "check the camera's address": "vérifiez l’adresse de la caméra",
    "play it elsewhere to see whether it is whole": "lisez-le ailleurs pour voir s’il est entier",
    "restart the camera; it is connected again by itself": (
        "redémarrez la caméra ; elle est reconnectée d’elle-même"
    ),
    "choose another stream": "choisissez un autre flux",
    "{} holds {}, which is not decoded here": "{} contient du {}, qui n’est pas décodé ici",
    "convert it to H.264 or H.265": "convertissez-le en H.264 ou H.265",
    "set the camera to H.264 or H.265": "réglez la caméra sur H.264 ou H.265",
    "type the password as it is, without percent-encoding": (
        "tapez le mot de passe tel quel, sans codage en %"
    ),
    "look up the stream's path in the camera's manual": (
        "cherchez le chemin du flux dans le manuel de la caméra"
    ),
    "check the port and RTSP setting": "vérifiez le port et le réglage RTSP",
    "check the host's name, the network and the cable": (
        "vérifiez le nom de l’hôte, le réseau et le câble"
    ),
    "check its power and network; it is connected again by itself": (
        "vérifiez son alimentation et son réseau ; elle est reconnectée d’elle-même"
    ),
    "it is started again by itself; if it dies again, update the camera's firmware or choose "
    "another stream": (
        "il redémarre de lui-même ; s’il retombe, mettez la caméra à jour ou choisissez un autre "
        "flux"
    ),
    "watch fewer, or take a larger machine": (
        "surveillez-en moins, ou prenez une machine plus grande"
    ),
    "the rest of it is not analysed": "le reste n’est pas analysé",
    "report it; it is tried again": "signalez-le ; un nouvel essai suit",
    "set the camera back to that shape, or draw the zones anew and restart": (
        "rendez ce format à la caméra, ou retracez les zones et redémarrez"
    ),
    "restart the camera": "redémarrez la caméra",
    "switch a lamp or the camera's infra-red on": (
        "allumez une lampe ou l’infrarouge de la caméra"
    ),
    "clean and focus the camera": "nettoyez la caméra et refaites la mise au point",
    "have a look at the camera": "allez voir la caméra",
    "turn it back, or draw its zones anew and restart": (
        "remettez-la en place, ou retracez ses zones et redémarrez"
    ),
    "wait some seconds": "attendez quelques secondes",
    # what the gate says
    "everything was stopped by {}": "tout a été arrêté par {}",
    "everything was stopped by {}: {}": "tout a été arrêté par {} : {}",
    "site {} was stopped by {}": "le site {} a été arrêté par {}",
    "site {} was stopped by {}: {}": "le site {} a été arrêté par {} : {}",
    "camera {} was stopped by {}": "la caméra {} a été arrêtée par {}",
    "camera {} was stopped by {}: {}": "la caméra {} a été arrêtée par {} : {}",
    "rule {} was stopped by {}": "la règle {} a été arrêtée par {}",
    "rule {} was stopped by {}: {}": "la règle {} a été arrêtée par {} : {}",
    "it goes on when the stop is lifted": "elle reprend quand l’arrêt est levé",
    "camera {} was withdrawn": "la caméra {} a été retirée",
    "only the authority can let it in again": "seule l’autorité peut l’admettre à nouveau",
    "{} was suspended by {}: {}": "{} a été suspendu par {} : {}",
    "only a new authorisation opens it again": "seule une nouvelle autorisation la rouvre",
    "no contact with the authority: its orders have not been read for more than {} s": (
        "sans contact avec l’autorité : ses ordres n’ont pas été lus depuis plus de {} s"
    ),
    "it goes on by itself when they can be read again: check the database": (
        "elle reprend d’elle-même quand ils peuvent être lus : vérifiez la base de données"
    ),
    "camera {} has no authorisation": "la caméra {} n’a pas d’autorisation",
    "an authorisation of the authority must name it, or analyse a file in laboratory mode": (
        "une autorisation de l’autorité doit la nommer, ou analysez un fichier en mode laboratoire"
    ),
    "camera {} has no rule: there is nothing it may be looked at for": (
        "la caméra {} n’a pas de règle : elle n’est analysée pour rien"
    ),
    "give it a rule for one of the eight events": (
        "donnez-lui une règle pour un des huit événements"
    ),
    "camera {} is not under the gate: it has no authorisation": (
        "la caméra {} ne passe pas par le contrôle légal : elle n’a pas d’autorisation"
    ),
    "give --authorisation FILE, or analyse a file in laboratory mode": (
        "donnez --authorisation FICHIER, ou analysez un fichier en mode laboratoire"
    ),
    "camera {} is a real camera: it can't run in laboratory mode": (
        "la caméra {} est réelle : elle ne fonctionne pas en mode laboratoire"
    ),
    "camera {} is a file or a simulated camera: it can't run in live mode": (
        "la caméra {} est un fichier ou une caméra simulée : elle ne fonctionne pas en mode réel"
    ),
    "laboratory and live mode are kept apart: run them as two": (
        "le laboratoire et le mode réel sont séparés : exécutez-les à part"
    ),
    "what answers for camera {} is no longer our simulator": (
        "ce qui répond pour la caméra {} n’est plus notre simulateur"
    ),
    "start the simulator again; a real camera needs --authorisation FILE": (
        "relancez le simulateur ; une caméra réelle demande --authorisation FICHIER"
    ),
    "{} is a laboratory's picture: the profile {} does not open it": (
        "{} est une image de laboratoire : le profil {} ne l’ouvre pas"
    ),
    "{} is a real camera: the profile {} does not open it": (
        "{} est une caméra réelle : le profil {} ne l’ouvre pas"
    ),
    "files and simulated cameras run in laboratory mode, real ones in live mode": (
        "les fichiers et caméras simulées fonctionnent en laboratoire, les vraies en mode réel"
    ),
    "{} is a laboratory's authorisation: it does not open {}": (
        "{} est une autorisation de laboratoire : elle n’ouvre pas {}"
    ),
    "{} is a real authorisation: it does not open {}": (
        "{} est une véritable autorisation : elle n’ouvre pas {}"
    ),
    "a real act is for real cameras, a laboratory's for files and our simulator": (
        "un véritable acte vaut pour les vraies caméras, celui d’un laboratoire pour les fichiers "
        "et notre simulateur"
    ),
    "the legal profile {} is not in force: it runs from {} to {}": (
        "le profil juridique {} n’est pas en vigueur : il court du {} au {}"
    ),
    "no analysis without a text: give the profile of the law in force": (
        "pas d’analyse sans un texte : donnez le profil de la loi en vigueur"
    ),
    "the legal profile {} is a template that nobody has verified": (
        "le profil juridique {} est un modèle que personne n’a vérifié"
    ),
    "let a jurist check it against the texts, then give it with --profile FILE as `status: "
    "verified`, with who and when": (
        "faites-le vérifier sur les textes par un juriste, puis donnez-le par --profile FICHIER, "
        "`status: verified`, avec qui et quand"
    ),
    "the legal profile {} does not allow {}": "le profil juridique {} n’autorise pas {}",
    "it allows: {}": "il autorise : {}",
    "{} does not name camera {}": "{} ne nomme pas la caméra {}",
    "it names: {}": "il nomme : {}",
    "{} does not cover {}": "{} ne couvre pas {}",
    "it covers: {}": "il couvre : {}",
    "{} is longer than {} days": "{} dure plus de {} jours",
    "ask for a renewal: it is a new act": "demandez un renouvellement : c’est un nouvel acte",
    "{} names a service that the law does not: {}": (
        "{} nomme un service que la loi ne nomme pas : {}"
    ),
    "services are {}": "les services sont {}",
    "{} is for a {} event": "{} est pour une manifestation de nature {}",
    "the legal profile allows {}": "le profil juridique autorise {}",
    "the legal profile allows {} days": "le profil juridique autorise {} jours",
    "it allows no clips": "il n’autorise aucune séquence",
    "{} keeps clips for {} days": "{} conserve des séquences pendant {} jours",
    "{} does not say: {}": "{} ne dit pas : {}",
    "add {}: {}": "ajoutez {} : {}",
    "{} names {}, which the legal profile does not allow": (
        "{} nomme {}, que le profil juridique n’autorise pas"
    ),
    "there is no condition to check: what is asked for nothing allows nothing": (
        "il n’y a pas de condition à vérifier : ce qui ne demande rien n’autorise rien"
    ),
    "use one of the regimes of veilleur.law.regime": (
        "utilisez un des régimes de veilleur.law.regime"
    ),
    # at the start
    "no rules given: anybody anywhere is signalled; draw zones in a --site file": (
        "aucune règle : toute personne est signalée, où qu’elle soit ; tracez des zones dans un "
        "fichier --site"
    ),
    "{}: rule {} ({}) is not analysed: {} does not cover it": (
        "{} : la règle {} ({}) n’est pas analysée : {} ne la couvre pas"
    ),
    "{}: {} is not in force until {}: no analysis before": (
        "{} : {} n’entre en vigueur qu’à {} : pas d’analyse avant"
    ),
    "{} is not in force: it ended at {}": "{} n’est plus en vigueur : il a pris fin à {}",
    "{} is not in force: it begins at {}": ("{} n’est pas encore en vigueur : il commence à {}"),
    "no analysis without a new act": "pas d’analyse sans un nouvel acte",
    "no analysis before": "pas d’analyse avant",
    "the machine's clock was set forward by {} s and is in doubt: {} does not cover both times": (
        "l’horloge de la machine a été avancée de {} s et est mise en doute : {} ne couvre pas "
        "les deux heures"
    ),
    "the machine's clock was set back by {} s and is in doubt: {} does not cover both times": (
        "l’horloge de la machine a été reculée de {} s et est mise en doute : {} ne couvre pas "
        "les deux heures"
    ),
    "compare the clock with another one; a supervisor who answers for it says so on the page of "
    "technical alarms, or it goes on by itself when a time server keeps the clock": (
        "comparez l’horloge avec une autre ; un superviseur qui en répond le dit sur la page des "
        "alarmes techniques, ou l’analyse reprend d’elle-même quand un serveur de temps la tient"
    ),
    "{}: {} has ended, at {}: no analysis without a new one": (
        "{} : {} a pris fin, à {} : pas d’analyse sans un nouvel acte"
    ),
    "the legal profile {} is a template nobody has verified (until {}): a jurist must read the "
    "texts before anything is done with what is shown": (
        "le profil juridique {} est un modèle que personne n’a vérifié (jusqu’au {}) : un juriste "
        "doit lire les textes avant toute suite donnée à ce qui est montré"
    ),
    "the clip was filmed at about 7 and plays at 10 pictures a second: speeds read 1.4 x high": (
        "le film a été tourné à environ 7 images par seconde et passe à 10 : les vitesses se "
        "lisent 1,4 fois trop haut"
    ),
    "a mistake in the engine, camera {}: {}": "une erreur du moteur, caméra {} : {}",
    "first start: measuring how this machine runs the detector best, some seconds, once": (
        "premier démarrage : on mesure comment cette machine exécute le mieux le détecteur, "
        "quelques secondes, une fois"
    ),
}


def say(words: str, language: Language) -> str:
    """The words of the screen in this language; what is not known here is said as it came."""
    return words if language == "en" else _said(words)


def condition_word(words: str, language: Language) -> str:
    """What a camera is doing."""
    return words if language == "en" else _CONDITIONS.get(words, words)


def cause_word(words: str, language: Language) -> str:
    """Why pictures were lost."""
    return words if language == "en" else _DROPPED.get(words, words)


_ALL = _SENTENCES | _SCREEN
_NESTED = "rules suspended, {}: {}"
"""A sentence with others in it; what stands in the rest are names and numbers."""


def _said(words: str) -> str:
    if words in _ALL:
        return _spaced(_ALL[words])
    if found := NEXT.fullmatch(words):
        what, following = _said(found["what"]), _said(found["next"])
        if following != found["next"]:
            return f"{what} ({following})"
    for template, pattern in _patterns():
        if found := pattern.fullmatch(words):
            parts = found.groups()
            inside = map(_said, parts) if template == _NESTED else parts
            return _spaced(_ALL[template]).format(*inside)
    return words


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Sentences with values in them, those with most words of their own first."""
    templates = sorted((t for t in _ALL if "{}" in t), key=lambda t: (-len(t), t))
    parts = [(t, map(re.escape, t.split("{}"))) for t in templates]
    return [(t, re.compile("(.+)".join(own), re.DOTALL)) for t, own in parts]


def _spaced(french: str) -> str:
    """No line may break before a double punctuation mark."""
    return french.replace(" :", "\u00a0:").replace(" ;", "\u00a0;")
