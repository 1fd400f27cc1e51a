"""How the detector runs here: measured at the first start, and the user told while it is."""

from __future__ import annotations

import sys

from veilleur.perception.choice import cache_folder, decide, machine_key, recall
from veilleur.perception.loader import Choice
from veilleur.perception.models import NANODET


def chosen(setting: Choice | None = None) -> Choice:
    """The choice for this machine; a setting of the site file wins. Errors: ModelUnusable."""
    if setting is not None:
        return decide(setting=setting).choice
    memory, _ = recall(cache_folder() / "choice.json", machine_key(NANODET))
    if memory is None:
        tell("first start: measuring how this machine runs the detector best, some seconds, once")
    decision = decide()
    if decision.notice:
        tell(decision.notice)
    return decision.choice


def tell(words: str) -> None:
    """A line beside the output: stdout belongs to signals."""
    print(f"veilleur: {words}", file=sys.stderr, flush=True)
