"""A half-believed vehicle gains by moving; nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from veilleur.geometry import ImageArray, View
from veilleur.perception.movement import Movement
from veilleur.perception.objects import Detections, Kind

VIEW = View(640, 360)
SIZE = (60, 40)


def picture(*objects: tuple[int, int]) -> ImageArray:
    """A road with grain, and a bright object at each place (left, top)."""
    luma = np.random.default_rng(3).integers(90, 100, (360, 640), np.uint8)
    for left, top in objects:
        luma[top : top + SIZE[1], left : left + SIZE[0]] = 200
    return luma


def half_believed(*places: tuple[int, int], kind: Kind = Kind.VEHICLE) -> Detections:
    boxes = np.array([(x, y, x + SIZE[0], y + SIZE[1]) for x, y in places], np.float32)
    n = len(places)
    return Detections(boxes, np.full(n, 0.2, np.float32), np.full(n, kind, np.int8))


def scores(movement: Movement, found: Detections, luma: ImageArray) -> list[float]:
    return [round(float(score), 2) for score in movement.support(found, luma).scores]


@pytest.mark.parametrize(
    ("kind", "gained"), [(Kind.VEHICLE, 0.55), (Kind.PERSON, 0.2), (Kind.BAG, 0.2)]
)
def test_only_a_vehicle_gains_by_moving(kind: Kind, gained: float) -> None:
    movement = Movement(VIEW)
    movement.support(Detections.none(), picture((100, 100)))
    movement.support(Detections.none(), picture((200, 100)))
    assert scores(movement, half_believed((300, 100), kind=kind), picture((300, 100))) == [gained]


def test_street_furniture_gains_nothing() -> None:
    movement = Movement(VIEW)
    for _ in range(2):
        movement.support(Detections.none(), picture((300, 100)))
    assert scores(movement, half_believed((300, 100)), picture((300, 100))) == [0.2]


def test_the_place_just_left_is_not_taken_for_a_vehicle() -> None:
    movement = Movement(VIEW)
    movement.support(Detections.none(), picture((100, 100)))
    movement.support(Detections.none(), picture((200, 100)))
    found = half_believed((300, 100), (200, 100))
    assert scores(movement, found, picture((300, 100))) == [0.55, 0.2]


def test_a_light_that_changes_everything_speaks_for_nobody() -> None:
    movement = Movement(VIEW)
    dark = picture((300, 100))
    movement.support(Detections.none(), dark)
    movement.support(Detections.none(), dark)
    assert scores(movement, half_believed((300, 100)), dark + 50) == [0.2]


def test_two_boxes_on_one_vehicle_give_one() -> None:
    movement = Movement(VIEW)
    movement.support(Detections.none(), picture((100, 100)))
    movement.support(Detections.none(), picture((200, 100)))
    found = half_believed((300, 100), (306, 102))
    assert sorted(scores(movement, found, picture((300, 100)))) == [0.2, 0.55]


def test_a_new_picture_size_starts_again() -> None:
    movement = Movement(VIEW)
    movement.support(Detections.none(), picture((100, 100)))
    other = np.zeros((480, 640), np.uint8)
    assert scores(movement, half_believed((300, 100)), other) == [0.2]
