"""Who was taken for what, source by source and kind by kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scripts.training.sources import UNKNOWN, Crop


def table(
    crops: Sequence[Crop], scores: np.ndarray, classes: Sequence[str], threshold: float = 0.5
) -> str:
    """A Markdown table: of each class, found of those there are, and said in vain of the others."""
    truth = np.array([crop.truth for crop in crops])
    heads = " | ".join(f"{name} found | {name} in vain" for name in classes)
    rows = [f"| source, kind | crops | {heads} |", "|---|---|" + "---|---|" * len(classes)]
    names = [(crop.source, crop.kind) for crop in crops]
    for name in [*sorted(set(names)), None]:
        mine = np.array([name is None or name == one for one in names])
        cells = []
        for column in range(len(classes)):
            said, true = scores[mine, column] >= threshold, truth[mine, column]
            cells += [_of(said[true == 1]), _of(said[(true != 1) & (true != UNKNOWN)])]
        label = "all" if name is None else f"{name[0]}, {name[1]}"
        rows.append(f"| {label} | {int(mine.sum())} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _of(said: np.ndarray) -> str:
    return f"{int(said.sum())} of {len(said)}" if len(said) else ""
