"""Which detection is which track: overlap, distance, and the best set of pairs."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from veilleur.geometry import FloatArray, IntArray


def overlaps(a: FloatArray, b: FloatArray) -> FloatArray:
    """(n, m) intersection over union of boxes a (n, 4) and b (m, 4), x1 y1 x2 y2.

    >>> overlaps(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3)
    array([[0.333, 0.   ]])
    """
    ax1, ay1, ax2, ay2 = a.T[:, :, None]
    bx1, by1, bx2, by2 = b.T[:, None, :]
    width = np.minimum(ax2, bx2) - np.maximum(ax1, bx1)
    height = np.minimum(ay2, by2) - np.maximum(ay1, by1)
    common = np.maximum(width, 0) * np.maximum(height, 0)
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - common
    return common / np.maximum(union, 1e-9)  # type: ignore[no-any-return]


def pairs(affinity: FloatArray) -> tuple[IntArray, IntArray]:
    """Rows and columns of the pairs with the largest sum of affinities (n, m); 0 is no pair.

    Most rows and columns have one candidate, and each other: they are settled at once, and only the
    rest is left to the assignment (Jonker-Volgenant by scipy).

    >>> pairs(np.array([[0.9, 0.8], [0.7, 0.0]]))
    (array([0, 1]), array([1, 0]))
    """
    possible = affinity > 0
    rows, columns = np.nonzero(possible)
    if not len(rows):
        return rows, columns
    lone = (possible.sum(axis=1)[rows] == 1) & (possible.sum(axis=0)[columns] == 1)
    if lone.all():
        return rows, columns
    some_rows, some_columns = np.unique(rows[~lone]), np.unique(columns[~lone])
    block = affinity[some_rows[:, None], some_columns]
    i, j = linear_sum_assignment(block, maximize=True)
    chosen = block[i, j] > 0
    i, j = some_rows[i[chosen]], some_columns[j[chosen]]
    return np.concatenate([rows[lone], i]), np.concatenate([columns[lone], j])
