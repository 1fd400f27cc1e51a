"""Optical flow: what moves is measured, and light, noise and the camera's own motion are not."""

from __future__ import annotations

from copy import deepcopy

import cv2
import numpy as np
import pytest

from veilleur.geometry import Box, FloatArray, ImageArray, View
from veilleur.perception.flow import Flow, FlowMeter

VIEW = View(640, 360)
WHOLE = Box(0, 0, 640, 360)
NOBODY: FloatArray = np.zeros((0, 4), np.float32)
STEP_S = 0.2


def texture(height: int, width: int, seed: int, contrast: float = 40.0) -> FloatArray:
    """Blurred noise: as rich in detail as clothes, or a street."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4.0)
    return np.asarray(120 + contrast * smooth / smooth.std(), np.float32)


GROUND = texture(460, 740, 1, 25.0)
PERSON = texture(120, 60, 2, 45.0)


def shot(*people: tuple[float, float], shift: float = 0.0, light: float = 1.0) -> ImageArray:
    """The street, moved by `shift` pixels, with people whose left upper corner is there."""
    begin = 50 + round(shift)
    picture = GROUND[50:410, begin : begin + 640].copy()
    for x, y in people:
        x1, y1 = round(x), round(y)
        picture[y1 : y1 + 120, x1 : x1 + 60] = PERSON
    return np.asarray(np.clip(picture * light, 0, 255), np.uint8)


def noisy(picture: ImageArray, seed: int) -> ImageArray:
    noise = np.random.default_rng(seed).normal(0, 2.0, picture.shape)
    return np.asarray(np.clip(picture + noise, 0, 255), np.uint8)


def measured(before: ImageArray, now: ImageArray, people: FloatArray = NOBODY) -> Flow:
    meter = FlowMeter(VIEW, WHOLE)
    meter.keep(before, 1.0)
    flow = meter.measure(now, 1.0 + STEP_S, people)
    assert flow is not None
    return flow


@pytest.mark.parametrize("step", [(8.0, 0.0), (-16.0, 0.0), (0.0, 10.0), (12.0, -8.0)])
def test_a_person_who_moves_has_that_velocity_and_the_street_has_none(
    step: tuple[float, float],
) -> None:
    before = noisy(shot((200, 100), (450, 150)), 1)
    now = noisy(shot((200 + step[0], 100 + step[1]), (450, 150)), 2)
    flow = measured(before, now)
    changed, velocity = flow.under(Box(200, 100, 260, 220))
    assert changed > 0.3
    assert velocity is not None
    assert velocity * STEP_S == pytest.approx(np.array(step), abs=3.5)
    assert flow.under(Box(450, 150, 510, 270)) == (0.0, None)
    assert not flow.shaken


def test_what_passes_behind_somebody_is_told_from_his_own_motion() -> None:
    """A wall of a train behind one who stands; one who walks; one of a crowd that walks by."""
    stands, wagon = Box(200, 100, 260, 220), texture(200, 700, 7, 45.0)

    def platform(gone: int) -> ImageArray:
        picture = shot((200, 100)).astype(np.float32)
        behind = picture.copy()
        behind[60:260] = wagon[:, 30 - gone : 670 - gone]
        behind[100:220, 208:252] = picture[100:220, 208:252]
        return np.asarray(behind, np.uint8)

    boxes = np.array([[200, 100, 260, 220]], np.float32)
    flow = measured(platform(0), platform(14), boxes)
    assert flow.passes(stands, flow.outside(boxes))
    walks = measured(shot((188, 100)), shot((200, 100)), boxes)
    assert not walks.passes(stands, walks.outside(boxes))
    crowd = [(x, 100.0) for x in range(20, 600, 60)]
    people = np.array([(x, y, x + 60, y + 120) for x, y in crowd], np.float32)
    among = measured(shot(*[(x - 12.0, y) for x, y in crowd]), shot(*crowd), people)
    assert not among.passes(stands, among.outside(people))
    assert not among.outside(people)[20:30].any()


def test_a_street_where_nothing_moves_has_no_motion() -> None:
    flow = measured(noisy(shot(), 1), noisy(shot(), 2))
    assert flow.changed.max() < 0.1
    assert not np.isfinite(flow.velocities[flow.changed > 0.1]).any()


def test_a_cloud_is_no_motion() -> None:
    flow = measured(noisy(shot((200, 100)), 1), noisy(shot((200, 100), light=0.85), 2))
    assert flow.under(Box(200, 100, 260, 220))[0] < 0.2
    assert float(flow.changed.mean()) < 0.1


def test_rain_has_no_direction() -> None:
    """Streaks that are somewhere else in each picture: changed, but nobody can say whither."""

    def rained(seed: int) -> ImageArray:
        picture = shot().astype(np.float32)
        random = np.random.default_rng(seed)
        for x, y in random.uniform((0, 0), (638, 330), (400, 2)).astype(int):
            picture[y : y + 24, x : x + 2] += 60
        return np.asarray(np.clip(picture, 0, 255), np.uint8)

    flow = measured(rained(3), rained(4))
    known = np.isfinite(flow.velocities[..., 0]) & (flow.changed > 0.1)
    assert known.mean() < 0.1


@pytest.mark.parametrize("shift", [4, 6, 8, 14])
def test_a_camera_that_turns_says_so_however_far_it_went(shift: int) -> None:
    assert measured(shot((200, 100)), shot((200 - shift, 100), shift=shift)).shaken


def test_a_camera_that_zooms_says_so_and_a_crowd_that_moves_is_no_camera() -> None:
    zoomed = cv2.resize(shot((200, 100)), None, fx=1.04, fy=1.04)[7 : 7 + 360, 12 : 12 + 640]
    assert measured(shot((200, 100)), np.asarray(zoomed, np.uint8)).shaken
    people = [(x, y) for x in range(20, 600, 90) for y in (40, 190)]
    boxes = np.array([(x, y, x + 60, y + 120) for x, y in people], np.float32)
    moved = [(x + 10.0, y + 0.0) for x, y in people]
    assert not measured(shot(*people), shot(*moved), boxes).shaken


def test_only_pictures_near_in_time_are_compared() -> None:
    meter = FlowMeter(VIEW, WHOLE)
    first, second = shot((200, 100)), shot((210, 100))
    assert meter.measure(first, 1.0, NOBODY) is None
    assert meter.measure(second, 3.0, NOBODY) is None
    assert meter.measure(second, 3.0, NOBODY) is None
    assert meter.measure(first, 3.2, NOBODY) is not None
    assert meter.measure(second, 2.0, NOBODY) is None
    meter.forget()
    assert meter.measure(first, 2.2, NOBODY) is None


def test_only_the_region_is_looked_at_in_its_own_pixels() -> None:
    meter = FlowMeter(VIEW, Box(320, 0, 640, 360))
    meter.keep(shot((200, 100), (450, 150)), 1.0)
    flow = meter.measure(shot((212, 100), (462, 150)), 1.2, NOBODY)
    assert flow is not None
    assert flow.under(Box(200, 100, 260, 220)) == (0.0, None)
    _, velocity = flow.under(Box(450, 150, 510, 270))
    assert velocity is not None
    assert velocity[0] * STEP_S == pytest.approx(12.0, abs=2.5)


def test_a_copy_remembers_nothing() -> None:
    meter = FlowMeter(VIEW, WHOLE)
    meter.keep(shot(), 1.0)
    assert deepcopy(meter).measure(shot(), 1.2, NOBODY) is None
