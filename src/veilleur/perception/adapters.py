"""What each family of detectors says, turned into boxes and class scores.

An adapter is a function: outputs by name in, Candidates out, with the boxes in pixels of the
model's input. It drops what scores below the threshold first and decodes only the rest.
Every adapter that can't find what it expects raises ModelUnusable and says what that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from veilleur.errors import ModelUnusable
from veilleur.geometry import FloatArray, IntArray
from veilleur.perception.models import ModelConfiguration
from veilleur.perception.objects import Detections
from veilleur.perception.suppression import survivors

Outputs = Mapping[str, FloatArray]
CORNER_SIGNS = np.array([-1, -1, 1, 1], np.float32)


@dataclass(frozen=True, slots=True)
class Request:
    """height, width: the model's input in pixels. classes: (k,) class numbers that are kept."""

    height: int
    width: int
    classes: IntArray
    threshold: float


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """boxes (n, 4) float32 x1 y1 x2 y2 in pixels of the input; scores (n, k) of the classes kept.

    final: the model itself has already kept one box per object.
    """

    boxes: FloatArray
    scores: FloatArray
    final: bool = False


class Adapter(Protocol):
    def __call__(self, outputs: Outputs, request: Request) -> Candidates: ...


def objects(candidates: Candidates, model: ModelConfiguration, threshold: float) -> Detections:
    """The best class of each kind counts; one box per object and kind; best scores first."""
    parts = []
    for kind, columns in model.kinds:
        scores = candidates.scores[:, columns].max(axis=1, initial=0)
        rows = np.flatnonzero(scores >= threshold)
        boxes, scores = candidates.boxes[rows], scores[rows]
        if candidates.final:
            kept = np.argsort(np.negative(scores), kind="stable")
        else:
            kept = survivors(boxes, scores, model.overlap)
        parts.append((boxes[kept], scores[kept], np.full(len(kept), kind, np.int8)))
    boxes, scores, kinds = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Detections(boxes.astype(np.float32), scores.astype(np.float32), kinds)


def unexpected(adapter: str, expected: str, outputs: Outputs) -> ModelUnusable:
    """The error that says what the adapter looked for and what is there."""
    found = ", ".join(f"{name} {tuple(array.shape)}" for name, array in outputs.items())
    return ModelUnusable(
        f"the {adapter} adapter expected {expected}; the model gives {found}",
        remedy="choose the adapter that fits the model, or export the model as that project does",
        model=adapter,
    )


def points(height: int, width: int, strides: Sequence[int], offset: float) -> FloatArray:
    """(n, 3) float32: x and y in pixels of each grid point, and its stride; row by row."""
    grids = []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns].astype(np.float32)
        size = np.full(rows * columns, stride, np.float32)
        grids.append(np.stack([(x.ravel() + offset) * stride, (y.ravel() + offset) * stride, size]))
    return np.concatenate(grids, axis=1).T


def from_centres(boxes: FloatArray) -> FloatArray:
    """(n, 4) centre x, centre y, width, height to corners."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def logistic(values: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(np.negative(np.clip(values, -60, 60)))))


def likely(scores: FloatArray, threshold: float) -> IntArray:
    """Rows in which some class reaches the threshold."""
    return np.flatnonzero(scores.max(axis=1, initial=0) >= threshold)


def class_columns(
    scores: FloatArray, request: Request, adapter: str, outputs: Outputs
) -> FloatArray:
    """(n, k): the kept classes of (n, all); an error if the model has fewer classes."""
    most = int(request.classes.max(initial=0)) + 1
    if scores.shape[1] < most:
        raise unexpected(adapter, f"at least {most} classes as configured", outputs)
    if scores.shape[1] == len(request.classes) and np.array_equal(request.classes, np.arange(most)):
        return scores
    return scores[:, request.classes]


def distribution_distances(values: FloatArray) -> FloatArray:
    """(n, 4 * bins) to (n, 4): expectation of each side's distance in strides.

    Li et al., Generalized Focal Loss, 2020, section 3.2: softmax over the bins, times 0, 1, 2...
    """
    bins = values.reshape(len(values), 4, values.shape[1] // 4)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    steps = np.arange(bins.shape[2], dtype=np.float32)
    return np.asarray((weights * steps).sum(axis=2) / weights.sum(axis=2))


def _nanodet(
    outputs: Outputs, request: Request, strides: Sequence[int], offset: float, bins: int
) -> Candidates:
    grid = points(request.height, request.width, strides, offset)
    least = int(request.classes.max(initial=0)) + 1 + 4 * bins
    expected = f"one output (1, {len(grid)}, classes + {4 * bins}), at least {least} columns"
    arrays = list(outputs.values())
    if len(arrays) != 1 or arrays[0].ndim != 3 or arrays[0].shape[:2] != (1, len(grid)):
        raise unexpected("nanodet", expected, outputs)
    table = arrays[0][0]
    if table.shape[1] < least:
        raise unexpected("nanodet", expected, outputs)
    scores = class_columns(table[:, : -4 * bins], request, "nanodet", outputs)
    rows = likely(scores, request.threshold)
    reach = distribution_distances(table[rows, -4 * bins :]) * grid[rows, 2:]
    boxes = grid[rows][:, [0, 1, 0, 1]] + reach * CORNER_SIGNS
    return Candidates(boxes, scores[rows])


def nanodet(outputs: Outputs, request: Request) -> Candidates:
    """NanoDet and NanoDet-g: strides 8, 16, 32, reg_max 10, grid points at cell centres."""
    return _nanodet(outputs, request, (8, 16, 32), 0.5, 11)


ADAPTERS: Mapping[str, Adapter] = {"nanodet": nanodet}
