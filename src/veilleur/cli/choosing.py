"""How the detector runs here: measured at the first start, and the user told while it is."""

from __future__ import annotations

import sys

from veilleur.engine.assembly import Detectors
from veilleur.engine.french import say
from veilleur.events.wording import Language
from veilleur.geometry import View
from veilleur.perception.choice import cache_folder, decide, machine_key, memory_file, recall
from veilleur.perception.loader import Choice
from veilleur.perception.models import NANODET

USUAL = View(1920, 1080)
FIRST = "first start: measuring how this machine runs the detector best, some seconds, once"


def chosen(setting: Choice | None = None, language: Language = "en") -> Choice:
    """The choice for this machine; a setting of a file wins, and is tried before anything runs.

    Errors: ModelUnusable.
    """
    if setting is not None:
        Detectors(setting).fitting(USUAL)
        return decide(setting=setting).choice
    key = machine_key(NANODET)
    memory, _ = recall(memory_file(cache_folder(), key), key)
    if memory is None:
        tell(say(FIRST, language))
    decision = decide()
    if decision.notice:
        tell(decision.notice)
    return decision.choice


def tell(words: str) -> None:
    """A line beside the output: stdout belongs to signals."""
    print(f"veilleur: {words}", file=sys.stderr, flush=True)
