"""What boxes share."""

from __future__ import annotations

import doctest

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from veilleur.perception import overlap
from veilleur.perception.overlap import areas, between, iou, paired, paired_iou

HALF = np.array([[0.0, 0.0, 2.0, 4.0]])
OTHERS = np.array([[1.0, 0.0, 3.0, 2.0], [2.0, 0.0, 4.0, 4.0], [9.0, 9.0, 10.0, 10.0]])


def boxes(most: int) -> st.SearchStrategy[NDArray[np.float64]]:
    """Whole numbers: what is compared is exact."""
    return st.integers(0, most).flatmap(
        lambda n: arrays(np.int64, (n, 4), elements=st.integers(0, 9)).map(
            lambda a: np.concatenate([a[:, :2], a[:, :2] + a[:, 2:]], axis=1).astype(np.float64)
        )
    )


def cells(box: NDArray[np.float64]) -> set[tuple[int, int]]:
    """The unit squares of a box with whole corners."""
    x1, y1, x2, y2 = box.astype(int).tolist()
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


def test_the_documented_example_holds() -> None:
    assert doctest.testmod(overlap).failed == 0


def test_areas_shared_covered_and_smaller_are_told_of_each_with_each() -> None:
    found = between(HALF, OTHERS)
    assert found.shared.tolist() == [[2.0, 0.0, 0.0]]
    assert found.areas.tolist() == [[8.0]]
    assert found.other_areas.tolist() == [[4.0, 8.0, 1.0]]
    assert found.union.tolist() == [[10.0, 16.0, 9.0]]
    assert found.smaller.tolist() == [[4.0, 8.0, 1.0]]
    assert found.iou.tolist() == [[0.2, 0.0, 0.0]]


@given(boxes(4), boxes(4))
def test_shared_areas_are_those_of_counted_squares(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> None:
    found = between(one, other)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            assert found.shared[i, j] == len(cells(a) & cells(b))
            assert found.union[i, j] == len(cells(a) | cells(b))
    assert found.shared.shape == found.union.shape == (len(one), len(other))


@given(boxes(5), boxes(5))
def test_the_order_of_the_two_sides_does_not_matter(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> None:
    assert np.array_equal(iou(one, other), iou(other, one).T)


@given(boxes(5))
def test_a_box_with_an_area_is_itself_wholly_and_one_without_is_nothing(
    some: NDArray[np.float64],
) -> None:
    assert np.array_equal(paired_iou(some, some), np.where(areas(some) > 0, 1.0, 0.0))


def test_pairs_are_compared_one_by_one() -> None:
    found = paired(np.repeat(HALF, 3, axis=0), OTHERS)
    assert found.shared.tolist() == [2.0, 0.0, 0.0]
    assert np.array_equal(found.iou, iou(HALF, OTHERS)[0])


def test_the_float_type_is_kept() -> None:
    assert iou(HALF, OTHERS).dtype == np.float64
    assert iou(HALF.astype(np.float32), OTHERS.astype(np.float32)).dtype == np.float32


def test_asking_twice_changes_nothing() -> None:
    found = between(HALF, OTHERS)
    first = found.iou
    assert np.array_equal(found.iou, first)
    assert found.shared.tolist() == [[2.0, 0.0, 0.0]]


def test_no_boxes_share_nothing() -> None:
    assert iou(np.zeros((0, 4)), OTHERS).shape == (0, 3)
    assert iou(HALF, np.zeros((0, 4))).shape == (1, 0)
