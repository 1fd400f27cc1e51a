"""The pose model on real people of the demo clip, upright and with the picture turned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import pytest

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, ImageArray, View
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.objects import Kind
from veilleur.perception.pose import ALL_TURNS, BODY, Point, Poses, load_poses
from veilleur.perception.reference import pictures

CHOICE = Choice(streams=1)
SHOULDERS = (Point.LEFT_SHOULDER, Point.RIGHT_SHOULDER)
HIPS = (Point.LEFT_HIP, Point.RIGHT_HIP)
ANKLES = (Point.LEFT_ANKLE, Point.RIGHT_ANKLE)


@cache
def poses() -> Poses:
    return load_poses(CHOICE)


def picture_of(image: ImageArray) -> Picture:
    return Picture(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8))


@cache
def walkers() -> list[tuple[ImageArray, Box]]:
    """The surest, tallest walker of some pictures, well inside."""
    found = []
    for image in pictures(first=60, every=120, count=4):
        detector = load_detector(CHOICE, 320, 416)
        small = cv2.resize(image, (416, 416 * image.shape[0] // image.shape[1]))
        people = detector.detect(np.asarray(small, np.uint8)).of(Kind.PERSON)
        boxes = people.boxes[people.scores > 0.6] * (image.shape[1] / 416)
        tallest = max(boxes.tolist(), key=lambda box: box[3] - box[1])
        found.append((image, Box(*tallest)))
    return found


@pytest.mark.parametrize("number", range(4))
def test_a_walker_has_shoulders_above_hips_above_ankles(number: int) -> None:
    image, box = walkers()[number]
    picture = picture_of(image)
    pose = poses().of(picture, View(picture.width, picture.height), box)
    assert pose is not None
    assert pose.surety(*BODY) > 0.4
    heights = [pose.middle(*part)[1] for part in (SHOULDERS, HIPS, ANKLES)]
    assert heights == sorted(heights)
    assert box.y1 - 5 < heights[0] < heights[2] < box.y2 + 5


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_whoever_is_turned_is_read_best_turned_back_and_his_points_lie_where_he_is(
    turn: int,
) -> None:
    image, box = walkers()[0]
    picture = picture_of(image)
    upright = poses().of(picture, View(picture.width, picture.height), box)
    lying = np.ascontiguousarray(np.rot90(image, turn))
    there = picture_of(lying)
    x, y = _turned(box.centre, turn, image.shape[1], image.shape[0])
    half = max(box.width, box.height) / 2
    seen = poses().of(
        there,
        View(there.width, there.height),
        Box(x - half, y - half, x + half, y + half),
        ALL_TURNS,
    )
    assert upright is not None
    assert seen is not None
    assert seen.turn == 4 - turn
    for part in (SHOULDERS, HIPS, ANKLES):
        wanted = _turned(upright.middle(*part).tolist(), turn, image.shape[1], image.shape[0])
        assert np.hypot(*(seen.middle(*part) - wanted)) < 0.1 * box.height


def _turned(point: Sequence[float], turn: int, width: int, height: int) -> list[float]:
    x, y = point
    return [[x, y], [y, width - x], [width - x, height - y], [height - y, x]][turn]


def test_a_box_outside_the_picture_has_no_pose() -> None:
    picture = picture_of(walkers()[0][0])
    view = View(picture.width, picture.height)
    assert poses().of(picture, view, Box(-400, -400, -300, -300)) is None


def test_a_box_cut_by_the_edge_is_shown_with_black_around_it() -> None:
    picture = picture_of(walkers()[0][0])
    view = View(picture.width, picture.height)
    pose = poses().of(picture, view, Box(-40, picture.height - 90, 60, picture.height + 30))
    assert pose is not None
    assert np.isfinite(pose.points).all()
