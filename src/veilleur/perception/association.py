"""Which detection is which track: who is near whom, and the best set of pairs.

Only pairs that are near each other are ever looked at: of two hundred tracks and detections, forty
thousand pairs, a few hundred are.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from veilleur.geometry import FloatArray, IntArray
from veilleur.perception.overlap import iou as overlaps
from veilleur.perception.overlap import paired_iou as paired_overlaps

__all__ = ["best_pairs", "neighbours", "overlaps", "paired_overlaps"]


def neighbours(a: FloatArray, b: FloatArray, reach: FloatArray) -> tuple[IntArray, IntArray]:
    """Rows of a and of b whose boxes touch, those of a (n, 4) widened by `reach` (n,) pixels.

    >>> neighbours(np.array([[0.0, 0, 2, 2]]), np.array([[3.0, 0, 4, 2], [9, 0, 10, 2]]),
    ...            reach=np.array([1.0]))
    (array([0]), array([0]))
    """
    order = np.argsort(b[:, 0])
    left = b[order, 0]
    first = np.searchsorted(left, a[:, 0] - reach - (b[:, 2] - b[:, 0]).max(), "left")
    count = np.searchsorted(left, a[:, 2] + reach, "right") - first
    rows = np.repeat(np.arange(len(a)), count)
    columns = order[np.arange(len(rows)) + np.repeat(first - np.cumsum(count) + count, count)]
    wide, one, other = reach[rows], a[rows], b[columns]
    touch = (other[:, 2] >= one[:, 0] - wide) & (other[:, 3] >= one[:, 1] - wide)
    touch &= other[:, 1] <= one[:, 3] + wide
    return rows[touch], columns[touch]


def best_pairs(rows: IntArray, columns: IntArray, weights: FloatArray) -> IntArray:
    """Which of the possible pairs (k,) have the largest sum of weights (> 0), nobody in two.

    Most have one candidate, and each other: they are settled at once, and only the rest is left to
    the assignment (Jonker-Volgenant by scipy).

    >>> best_pairs(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.8, 0.7]))
    array([1, 2])
    """
    lone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    settled = np.flatnonzero(lone)
    if len(settled) == len(rows):
        return settled
    rest = np.flatnonzero(~lone)
    names_i, i = np.unique(rows[rest], return_inverse=True)
    names_j, j = np.unique(columns[rest], return_inverse=True)
    table = np.zeros((len(names_i), len(names_j)))
    table[i, j] = weights[rest]
    chosen = np.full(table.shape[0], -1)
    a, b = linear_sum_assignment(table, maximize=True)
    chosen[a] = b
    won = (chosen[i] == j) & (weights[rest] > 0)
    return np.concatenate([settled, rest[won]])
