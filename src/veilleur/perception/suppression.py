"""One box per object: non-maximum suppression within a kind, in a fixed order."""

from __future__ import annotations

import numpy as np

from veilleur.geometry import FloatArray, IntArray

MOST = 1000


def iou(one: FloatArray, other: FloatArray) -> FloatArray:
    """(n, m) intersection over union of boxes (n, 4) with boxes (m, 4)."""
    left, top, right, bottom = one.T[:, :, np.newaxis]
    width = np.minimum(right, other[:, 2]) - np.maximum(left, other[:, 0])
    height = np.minimum(bottom, other[:, 3]) - np.maximum(top, other[:, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (other[:, 2] - other[:, 0]) * (other[:, 3] - other[:, 1])
    both = (right - left) * (bottom - top) + areas - shared
    return np.asarray(shared / np.maximum(both, np.float32(1e-9)))


def survivors(boxes: FloatArray, scores: FloatArray, overlap: float) -> IntArray:
    """Rows to keep, best score first, ties in the order given; at most MOST are looked at."""
    order = np.argsort(np.negative(scores), kind="stable")[:MOST]
    if len(order) < 2:
        return order
    best_first = boxes[order]
    covers = np.triu(iou(best_first, best_first) > overlap, 1)
    alive = np.ones(len(order), np.bool_)
    for row in np.flatnonzero(covers.any(axis=1)).tolist():
        if alive[row]:
            alive &= ~covers[row]
    return order[alive]
