"""One box per object: non-maximum suppression within a kind, in a fixed order."""

from __future__ import annotations

import numpy as np

from veilleur.geometry import FloatArray, IntArray

MOST = 1000


def iou(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """(n,) intersection over union of one box (4,) with boxes (n, 4)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    both = np.prod(box[2:] - box[:2]) + areas - shared
    return np.asarray(shared / np.maximum(both, np.float32(1e-9)))


def survivors(boxes: FloatArray, scores: FloatArray, overlap: float) -> IntArray:
    """Rows to keep, best score first, ties in the order given; at most MOST are looked at."""
    waiting = np.argsort(-scores, kind="stable")[:MOST]
    kept: list[int] = []
    while len(waiting):
        best, rest = waiting[0], waiting[1:]
        kept.append(int(best))
        waiting = rest[iou(boxes[best], boxes[rest]) <= overlap]
    return np.array(kept, np.int64)
