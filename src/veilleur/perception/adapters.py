"""What each family of detectors says, turned into boxes and class scores.

An adapter is a function: outputs by name in, Candidates out, with the boxes in pixels of the
model's input. It drops what scores below the threshold first and decodes only the rest.
Every adapter that can't find what it expects raises ModelUnusable and says what that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from veilleur.errors import ModelUnusable
from veilleur.geometry import FloatArray, IntArray
from veilleur.perception.models import ModelConfiguration
from veilleur.perception.objects import Detections
from veilleur.perception.suppression import best_first, survivors

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
    first = [columns.start for _, columns in model.kinds]
    best = np.maximum.reduceat(candidates.scores, first, axis=1)
    rows, columns = np.nonzero(best >= threshold)
    boxes, scores = candidates.boxes[rows], best[rows, columns]
    kinds = np.array([kind for kind, _ in model.kinds], np.int8)[columns]
    if candidates.final:
        kept = best_first(scores, kinds)
    else:
        kept = survivors(boxes, scores, model.overlap, kinds)
    found = boxes[kept].astype(np.float32), scores[kept].astype(np.float32)
    return Detections(*found, kinds[kept])


def unexpected(adapter: str, expected: str, outputs: Outputs) -> ModelUnusable:
    """The error that says what the adapter looked for and what is there."""
    found = ", ".join(f"{name} {tuple(array.shape)}" for name, array in outputs.items())
    return ModelUnusable(
        f"the {adapter} adapter expected {expected}; the model gives {found}",
        remedy="choose the adapter that fits the model, or export the model as that project does",
        model=adapter,
    )


@lru_cache(maxsize=32)
def points(height: int, width: int, strides: tuple[int, ...], offset: float) -> FloatArray:
    """(n, 3) float32, read-only: x and y in pixels of each grid point, and its stride; by row."""
    grids = []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns].astype(np.float32)
        size = np.full(rows * columns, stride, np.float32)
        grids.append(np.stack([(x.ravel() + offset) * stride, (y.ravel() + offset) * stride, size]))
    table = np.ascontiguousarray(np.concatenate(grids, axis=1).T)
    table.setflags(write=False)
    return table


def from_centres(boxes: FloatArray) -> FloatArray:
    """(n, 4) centre x, centre y, width, height to corners."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def logistic(values: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(np.negative(np.clip(values, -60, 60)))))


def likely(scores: FloatArray, threshold: float) -> IntArray:
    """Rows in which some class reaches the threshold."""
    reached = np.greater_equal(scores.T, threshold, order="C")  # a class a row: a third of it
    return np.flatnonzero(reached.any(axis=0))


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
    sides = values.reshape(len(values), 4, values.shape[1] // 4)
    bins = np.ascontiguousarray(sides.transpose(2, 0, 1))  # a bin a row: sums take a third
    weights = np.exp(bins - bins.max(axis=0))
    steps = np.arange(len(bins), dtype=np.float32)[:, np.newaxis, np.newaxis]
    return np.asarray((weights * steps).sum(axis=0) / weights.sum(axis=0))


def _nanodet(
    outputs: Outputs, request: Request, strides: tuple[int, ...], offset: float, bins: int
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


def nanodet_plus(outputs: Outputs, request: Request) -> Candidates:
    """NanoDet-Plus: strides 8 to 64, reg_max 7, grid points at cell corners."""
    return _nanodet(outputs, request, (8, 16, 32, 64), 0.0, 8)


def _yolox(outputs: Outputs, request: Request, *, decoded: bool) -> Candidates:
    grid = points(request.height, request.width, (8, 16, 32), 0.0)
    most = int(request.classes.max(initial=0)) + 1
    arrays = list(outputs.values())
    if len(arrays) != 1 or arrays[0].ndim != 3 or arrays[0].shape[:2] != (1, len(grid)):
        raise unexpected("yolox", f"one output (1, {len(grid)}, 5 + classes)", outputs)
    table = arrays[0][0]
    if table.shape[1] < 5 + most:
        raise unexpected("yolox", f"at least {5 + most} columns: box, objectness, classes", outputs)
    scores = table[:, 5:][:, request.classes] * table[:, 4:5]
    rows = likely(scores, request.threshold)
    boxes, cells = table[rows, :4], grid[rows]
    if not decoded:
        centres = boxes[:, :2] * cells[:, 2:] + cells[:, :2]
        boxes = np.concatenate([centres, np.exp(boxes[:, 2:]) * cells[:, 2:]], axis=1)
    return Candidates(from_centres(boxes), scores[rows])


def yolox(outputs: Outputs, request: Request) -> Candidates:
    """YOLOX as its own export leaves it: offsets from the grid, sizes as logarithms."""
    return _yolox(outputs, request, decoded=False)


def yolox_decoded(outputs: Outputs, request: Request) -> Candidates:
    """YOLOX exported with decode_in_inference: centres and sizes in pixels."""
    return _yolox(outputs, request, decoded=True)


def detr(outputs: Outputs, request: Request) -> Candidates:
    """D-FINE and RT-DETR, either export; no suppression needed, one query is one object.

    With post-processing: labels (1, q), boxes (1, q, 4) corners in pixels, scores (1, q).
    Without: logits (1, q, classes) and pred_boxes (1, q, 4), centres and sizes from 0 to 1.
    """
    if {"labels", "boxes", "scores"} <= outputs.keys():
        return _labelled(outputs, request)
    if {"logits", "pred_boxes"} <= outputs.keys():
        return _queries(outputs, request)
    raise unexpected("detr", "labels, boxes and scores, or logits and pred_boxes", outputs)


def _labelled(outputs: Outputs, request: Request) -> Candidates:
    labels, boxes, scores = (outputs[name] for name in ("labels", "boxes", "scores"))
    queries = scores.shape[-1]
    if scores.shape != (1, queries) or labels.shape != scores.shape:
        raise unexpected("detr", "labels and scores (1, queries)", outputs)
    if boxes.shape != (1, queries, 4):
        raise unexpected("detr", f"boxes (1, {queries}, 4)", outputs)
    return _by_label(boxes[0], scores[0], labels[0], request)


def _by_label(
    boxes: FloatArray, scores: FloatArray, labels: FloatArray, request: Request
) -> Candidates:
    """Each row has one label and one score: the score goes to that class's column."""
    columns = (labels[:, np.newaxis] == request.classes) * scores[:, np.newaxis]
    rows = likely(columns, request.threshold)
    return Candidates(boxes[rows], columns[rows], final=True)


def _queries(outputs: Outputs, request: Request) -> Candidates:
    logits, boxes = outputs["logits"], outputs["pred_boxes"]
    if logits.ndim != 3 or logits.shape[0] != 1 or boxes.shape != (*logits.shape[:2], 4):
        raise unexpected(
            "detr", "logits (1, queries, classes) and pred_boxes (1, queries, 4)", outputs
        )
    scores = logistic(class_columns(logits[0], request, "detr", outputs))
    rows = likely(scores, request.threshold)
    size = np.array([request.width, request.height] * 2, np.float32)
    return Candidates(from_centres(boxes[0][rows]) * size, scores[rows], final=True)


def rtmdet(outputs: Outputs, request: Request) -> Candidates:
    """RTMDet, either export.

    With post-processing: dets (1, n, 5), corners in pixels and score, and labels (1, n).
    Without: per stride 8, 16, 32 a map of class logits (1, classes, h, w) and one of distances to
    the sides in pixels (1, 4, h, w), all class maps first; grid points at cell corners.
    """
    if {"dets", "labels"} <= outputs.keys():
        dets, labels = outputs["dets"], outputs["labels"]
        if dets.ndim != 3 or dets.shape[::2] != (1, 5) or labels.shape != dets.shape[:2]:
            raise unexpected("rtmdet", "dets (1, n, 5) and labels (1, n)", outputs)
        return _by_label(dets[0, :, :4], dets[0, :, 4], labels[0], request)
    return _maps(outputs, request)


def _maps(outputs: Outputs, request: Request) -> Candidates:
    expected = "dets and labels, or three class maps and then three distance maps of 4 planes"
    strides = (8, 16, 32)
    sizes = [(-(-request.height // s), -(-request.width // s)) for s in strides]
    arrays = list(outputs.values())
    if [a.shape[2:] for a in arrays] != sizes * 2 or any(a.shape[1] != 4 for a in arrays[3:]):
        raise unexpected("rtmdet", expected, outputs)
    flat = [a[0].reshape(a.shape[1], a.shape[2] * a.shape[3]).T for a in arrays]
    logits, distances = np.concatenate(flat[:3]), np.concatenate(flat[3:])
    scores = logistic(class_columns(logits, request, "rtmdet", outputs))
    rows = likely(scores, request.threshold)
    grid = points(request.height, request.width, strides, 0.0)[rows]
    return Candidates(grid[:, [0, 1, 0, 1]] + distances[rows] * CORNER_SIGNS, scores[rows])


ADAPTERS: Mapping[str, Adapter] = {
    "nanodet": nanodet,
    "nanodet-plus": nanodet_plus,
    "yolox": yolox,
    "yolox-decoded": yolox_decoded,
    "detr": detr,
    "rtmdet": rtmdet,
}
"""By the name used in a configuration. "detr" reads D-FINE and RT-DETR."""
