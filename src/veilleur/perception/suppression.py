"""One box per object: non-maximum suppression within a kind, in a fixed order."""

from __future__ import annotations

import numpy as np

from veilleur.geometry import FloatArray, IntArray
from veilleur.perception.objects import KindArray
from veilleur.perception.overlap import iou

MOST = 1000


def best_first(scores: FloatArray, kinds: KindArray) -> IntArray:
    """Rows by kind, within a kind the best score first, ties in the order given."""
    return np.asarray(np.lexsort((np.negative(scores), kinds)))


def survivors(boxes: FloatArray, scores: FloatArray, overlap: float, kinds: KindArray) -> IntArray:
    """Rows to keep, in the order of `best_first`; of all, the MOST best are looked at."""
    most = np.argsort(np.negative(scores), kind="stable")[:MOST]
    order = most[best_first(scores[most], kinds[most])]
    if len(order) < 2:
        return order
    ranked, kind = boxes[order], kinds[order]
    covers = iou(ranked, ranked) > overlap
    covers &= kind == kind[:, np.newaxis]
    covers &= np.tri(len(order), k=-1, dtype=np.bool_).T
    alive = np.ones(len(order), np.bool_)
    for row in np.flatnonzero(covers.any(axis=1)).tolist():
        if alive[row]:
            alive &= ~covers[row]
    return order[alive]
