"""Looking again for whoever stood and lies: what is new, what rests, and real falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from tests.made import every
from veilleur.cameras.picture import Picture
from veilleur.engine.assembly import Detectors
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.engine.situations import Alert
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import Box, ImageArray, View
from veilleur.perception.loader import Choice
from veilleur.perception.lying import Lying
from veilleur.perception.novelty import Novelty, Usual
from veilleur.perception.objects import Detections, Kind, Tracks
from veilleur.perception.pose import Pose, Poses
from veilleur.perception.posture import posture
from veilleur.perception.rest import Rest

VIEW = View(640, 480)
BODY = Box(200, 300, 360, 360)
NOBODY = np.zeros((0, 4))


def picture(*boxes: Box, light: int = 0) -> Picture:
    """A textured floor with dark things on it."""
    grain = np.random.default_rng(1).integers(110, 150, (60, 80), np.uint8)
    floor = cv2.resize(grain, (640, 480), interpolation=cv2.INTER_NEAREST)
    for box in boxes:
        floor[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)] = 30
    lit: ImageArray = np.clip(floor.astype(np.int16) + light, 0, 255).astype(np.uint8)
    data = np.full((720, 640), 128, np.uint8)
    data[:480] = lit
    return Picture(data)


def usual(*pictures: Picture) -> Usual:
    made = Usual()
    for number, one in enumerate(pictures):
        made.remember(one, 2.0 * number)
    return made


def test_what_was_not_there_is_new_also_in_another_light() -> None:
    before = usual(picture(), picture(), picture()).now()
    for light in (0, 25):
        new = Novelty.since(before, picture(BODY, light=light), VIEW, NOBODY)
        assert new.share(BODY) > 0.9
        assert new.share(Box(0, 0, 150, 200)) < 0.1
        found = new.largest(Box(100, 200, 500, 480), 1000.0)
        assert found is not None
        assert np.abs(np.subtract(found.centre, BODY.centre)).max() < 6
        assert new.largest(Box(100, 200, 500, 480), 60_000.0) is None
        assert new.largest(Box(0, 0, 150, 200), 100.0) is None


def test_of_something_larger_than_a_body_the_part_with_most_is_taken() -> None:
    """A chair was pushed away as well, and its legs and the body are one thing that is new."""
    chair, pole = Box(360, 330, 470, 340), Box(460, 230, 470, 340)
    before = usual(picture(), picture(), picture()).now()
    new = Novelty.since(before, picture(BODY, chair, pole), VIEW, NOBODY)
    whole = new.largest(Box(100, 200, 600, 480), 1000.0)
    assert whole is not None
    assert whole.width > 250
    found = new.largest(Box(100, 200, 600, 480), 1000.0, body=170.0)
    assert found is not None
    assert np.abs(np.subtract(found.centre, BODY.centre)).max() < 12


def test_what_is_in_somebody_elses_box_is_not_new() -> None:
    others = np.array([[190.0, 290.0, 370.0, 370.0]])
    new = Novelty.since(usual(picture()).now(), picture(BODY), VIEW, others)
    assert new.share(BODY) == 0


def test_who_passed_by_once_does_not_become_the_usual() -> None:
    before = usual(picture(), picture(BODY), picture()).now()
    assert Novelty.since(before, picture(), VIEW, NOBODY).share(BODY) < 0.1


def test_with_nothing_to_compare_with_everything_may_be_new() -> None:
    assert Novelty.since(Usual().now(), picture(), VIEW, NOBODY).share(BODY) == 1.0


def test_what_stays_as_it_is_rests_since_it_came() -> None:
    rest = Rest(BODY, 1.0)
    for time in every(0.2, 9, since=1):
        rest.look(picture(BODY, light=int(time)), VIEW, time)
    assert (rest.since, rest.moved) == (1.0, 0.0)


def test_a_twitch_is_forgiven_and_motion_that_goes_on_is_not() -> None:
    arm = Box(200, 300, 290, 345)
    rest = Rest(BODY, 0.0)
    for time in every(0.2, 10):
        rest.look(picture(BODY) if not 4 <= time < 4.4 else picture(arm), VIEW, time)
    assert rest.since == 0.0
    for time in every(0.2, 12, since=10.2):
        rest.look(picture(arm), VIEW, time)
    assert 10.5 < rest.since < 11.5


def test_motion_there_and_back_adds_up() -> None:
    """Press-ups: half of each second up."""
    arm = Box(200, 300, 290, 345)
    rest = Rest(BODY, 0.0)
    for time in every(0.1, 20):
        rest.look(picture(BODY) if time % 1 < 0.5 else picture(arm), VIEW, time)
    assert 20 - rest.since < 4


def test_a_body_found_elsewhere_begins_to_rest_there() -> None:
    rest = Rest(BODY, 1.0)
    assert rest.at(Box(205, 300, 365, 362), 5.0).since == 1.0
    assert rest.at(Box(300, 300, 460, 360), 5.0).since == 5.0


def pose(
    shoulder: tuple[float, float],
    hip: tuple[float, float],
    knee: tuple[float, float],
    ankle: tuple[float, float],
    *,
    legs: float = 0.6,
) -> Pose:
    points = np.array([shoulder] * 11 + [hip] * 2 + [knee] * 2 + [ankle] * 2, np.float64)
    points[::2, 0] += 4.0
    return Pose(points, np.array([0.6] * 13 + [legs] * 4), 0)


@pytest.mark.parametrize(
    ("seen", "lies"),
    [
        pytest.param(pose((200, 340), (260, 345), (310, 342), (360, 345)), True, id="lies"),
        pytest.param(pose((300, 420), (300, 350), (300, 390), (300, 300)), True, id="head down"),
        pytest.param(pose((300, 200), (300, 270), (300, 330), (300, 390)), False, id="stands"),
        pytest.param(pose((300, 270), (300, 340), (350, 345), (350, 400)), False, id="sits"),
        pytest.param(pose((230, 260), (300, 265), (302, 330), (300, 395)), False, id="bends"),
        pytest.param(pose((300, 285), (300, 350), (320, 395), (270, 395)), False, id="kneels"),
        pytest.param(
            pose((260, 330), (270, 370), (330, 350), (340, 380)), True, id="lies along the view"
        ),
        pytest.param(
            pose((220, 330), (262, 375), (300, 420), (300, 460), legs=0.1),
            False,
            id="cut off by the lower edge: no legs",
        ),
    ],
)
def test_postures_are_told_apart_by_joints(seen: Pose, lies: bool) -> None:
    assert posture(seen, 200.0, VIEW).lying == lies


LIES = pose((560, 340), (590, 343), (612, 342), (630, 345))


class OnlyFromClose:
    """A pose model that reads a body only where it fills what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[Box, Sequence[int]]] = []

    def of(
        self,
        picture: Picture,
        view: View,
        box: Box,
        turns: Sequence[int] = (0,),
        enough: float | None = None,
    ) -> Pose:
        self.shown.append((box, turns))
        share = 80 / max(box.width, box.height)
        return replace(LIES, scores=LIES.scores * min(0.6 * share, 1.0), looks=len(turns))


def test_somebody_small_in_what_is_new_is_looked_at_again_from_nearer_to() -> None:
    stood, cluttered = Box(520, 260, 560, 360), Box(420, 320, 640, 360)
    poses, floor = OnlyFromClose(), picture()
    lying = Lying(VIEW, cast("Poses", poses))
    found = [
        body
        for time in every(0.2, 9)
        for body in lying.step(
            floor if time < 3 else picture(cluttered), *seen(stood, time, until=3.0), time
        )
    ]
    assert found[-1].lying == 1.0
    assert any(turns == (0,) for _, turns in poses.shown)
    assert {len(turns) for _, turns in poses.shown} == {1, 4}


FELL = Box(540, 335, 645, 352)


class LiesThere:
    """A pose model that reads a body that lies where the picture is dark."""

    def of(
        self,
        picture: Picture,
        view: View,
        box: Box,
        turns: Sequence[int] = (0,),
        enough: float | None = None,
    ) -> Pose:
        there = float(picture.luma[340:350, 560:630].mean()) < 60
        return replace(LIES, scores=LIES.scores * float(there))


class NobodyThere:
    """A pose model that finds nobody."""

    looks = 0

    def of(self, *_: object) -> Pose:
        self.looks += 1
        return replace(LIES, scores=LIES.scores * 0.1)


def test_where_nobody_was_found_is_looked_at_again_only_when_it_has_changed() -> None:
    stood, poses = Box(520, 260, 560, 360), NobodyThere()
    lying = Lying(VIEW, cast("Poses", poses))
    for time in every(0.2, 6):
        shows = picture() if time < 3 else picture(FELL)
        lying.step(shows, *seen(stood, time, until=3.0), time)
    assert poses.looks == 1
    lying, poses.looks = Lying(VIEW, cast("Poses", poses)), 0
    for time in every(0.2, 8):
        half = Box(*(540 + 55 * (time > 5), 335, 645, 352))
        shows = picture() if time < 3 else picture(half)
        lying.step(shows, *seen(stood, time, until=3.0), time)
    assert poses.looks == 2


@pytest.mark.parametrize(
    ("blind_s", "lit", "found"),
    [
        pytest.param(4.0, 0, True, id="blind for seconds"),
        pytest.param(20.0, 25, True, id="for longer, and in another light"),
        pytest.param(40.0, 0, False, id="for so long that nobody is known any more"),
    ],
)
def test_who_lay_before_the_camera_was_blind_is_found_again_and_got_no_older(
    blind_s: float, lit: int, found: bool
) -> None:
    """A second before anybody says so, something is before the camera."""
    lying = Lying(VIEW, cast("Poses", LiesThere()))
    stood, hand = Box(520, 260, 560, 360), picture(Box(0, 0, 640, 480))
    for time in every(0.2, 9):
        shows = picture() if time < 3 else picture(FELL)
        before = lying.step(shows, *seen(stood, time, until=3.0), time)
    assert before[0].lying == 1.0
    for time in every(0.2, 10.2, since=9.2):
        lying.step(hand, Tracks.none(), Detections.none(), time)
    lying.resume(blind_s)
    for time in every(0.2, 15 + blind_s, since=10.2 + blind_s):
        after = lying.step(picture(FELL, light=lit), Tracks.none(), Detections.none(), time)
    assert bool(after) is found
    if found:
        assert after[0].lying == 1.0
        assert after[0].still_since - before[0].still_since == pytest.approx(blind_s, abs=0.1)


@pytest.mark.parametrize("step", [0.04, 0.1, 0.2, 0.5])
def test_neither_the_rate_nor_lost_and_doubled_pictures_matter(step: float) -> None:
    lying, random = Lying(VIEW, cast("Poses", LiesThere())), np.random.default_rng(3)
    stood = Box(520, 260, 560, 360)
    times = [time for time in every(step, 9) if random.uniform() < 0.8]
    for time in sorted([*times, *times[::5]]):
        shows = picture() if time < 3 else picture(FELL)
        found = lying.step(shows, *seen(stood, time, until=3.0), time)
    (body,) = found
    assert body.lying == 1.0
    assert body.looks >= 2
    assert 3.0 <= body.still_since <= 5.0


def test_a_clock_that_is_put_back_makes_everybody_unknown() -> None:
    lying = Lying(VIEW, cast("Poses", LiesThere()))
    for time in every(0.2, 9):
        shows = picture() if time < 3 else picture(FELL)
        lying.step(shows, *seen(Box(520, 260, 560, 360), time, until=3.0), time)
    assert lying.step(picture(FELL), Tracks.none(), Detections.none(), 2.0) == ()


def test_who_was_only_suspected_before_a_long_blindness_is_nobody() -> None:
    lying = Lying(VIEW, cast("Poses", LiesThere()))
    stood = Box(520, 260, 560, 360)
    for time in every(0.2, 3.4):
        lying.step(picture(), *seen(stood, time, until=3.0), time)
    assert len(lying.bodies) == 1
    lying.resume(9.0)
    for time in every(0.2, 20, since=12.4):
        found = lying.step(picture(FELL), Tracks.none(), Detections.none(), time)
    assert found == ()


def seen(box: Box, time: float, *, until: float) -> tuple[Tracks, Detections]:
    """Somebody who stands there until then, and is not found afterwards."""
    if time >= until:
        return Tracks.none(), Detections.none()
    row = np.array([(box.x1, box.y1, box.x2, box.y2)], np.float32)
    kinds, scores = np.array([Kind.PERSON], np.int8), np.array([0.9], np.float32)
    tracks = Tracks(
        ids=np.array([1]),
        boxes=row,
        kinds=kinds,
        scores=scores,
        velocities=np.zeros((1, 2), np.float32),
        ages=np.array([time], np.float32),
        seen=np.array([True]),
    )
    return tracks, Detections(row, scores, kinds)


# ---------------------------------------------------------------- real falls


@cache
def detectors() -> Detectors:
    return Detectors(Choice(streams=1))


def alerts(data: Path, file: str, hold_last_s: float) -> list[Alert]:
    rule = RuleSpecification(
        id="fall",
        event="person_on_ground",
        zone=((0, 0), (1, 0), (1, 1), (0, 1)),
        params={"immobile_s": 2.0},
    )
    clip = LaboratoryClip(id="clip", path=data / file, rules=(rule,), hold_last_s=hold_last_s)
    return [alert for step in analyse(clip, detectors()) for alert in step.alerts]


@pytest.mark.parametrize(
    ("file", "due_s"),
    [
        pytest.param("fall/gmdcsa24/Subject1_Fall_13.mp4", 3.4, id="towards the camera"),
        pytest.param("fall/gmdcsa24/Subject1_Fall_15.mp4", 5.0, id="from a chair, sideways"),
    ],
)
def test_a_real_fall_is_told_once(data: Path, file: str, due_s: float) -> None:
    (alert,) = alerts(data, file, 6.0)
    assert due_s - 1.0 <= alert.noticed <= due_s + 3.0


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("negative/gmdcsa24/Subject1_ADL_16.mp4", id="bends down on a chair"),
        pytest.param("negative/gmdcsa24/Subject2_ADL_23.mp4", id="sits on a bed"),
    ],
)
def test_daily_life_is_not_told(data: Path, file: str) -> None:
    assert alerts(data, file, 4.0) == []
