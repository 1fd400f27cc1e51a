"""Looking at what people hold: whom, how often, how near, and how far from a hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.made import every, rule, scene, tracks
from veilleur.cameras.frame import Frame
from veilleur.cameras.picture import Picture
from veilleur.engine.carried import CarriedSense
from veilleur.events.rule import Rule
from veilleur.geometry import Box, ImageArray, View
from veilleur.perception.hands import EVERY_S, LOOKS, RATE, SAVED, Hands
from veilleur.perception.objects import Tracks
from veilleur.perception.pose import Point, Pose
from veilleur.perception.spotting import Spot

VIEW = View(1000, 1000)
GREY = 128
LIGHT = 220


def picture(*bright: Box) -> Picture:
    """Grey, with bright places: what the stand-in takes for a weapon."""
    data = np.full((1500, 1000), GREY, np.uint8)
    for box in bright:
        data[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)] = LIGHT
    return Picture(data)


@dataclass
class BrightIsAWeapon:
    """Sure of what is bright, and says where its middle is. looked: widths it was shown."""

    surety: float = 0.9
    side: int = 96
    looked: int = 0
    then: float | None = None  # every second time instead
    shares: list[float] = field(default_factory=list)  # of each square that was bright

    def spot(self, square: ImageArray) -> Spot:
        self.looked += 1
        assert square.shape == (self.side, self.side, 3)
        bright = np.argwhere(square[:, :, 1] > (GREY + LIGHT) // 2)
        if not len(bright):
            return Spot(0.0)
        self.shares.append(len(bright) / self.side**2)
        y, x = bright.mean(axis=0) / self.side
        nearer = self.then is not None and self.looked % 2 == 0
        return Spot(self.then if nearer and self.then else self.surety, float(x), float(y))


@dataclass
class OneHand:
    """A pose with its right forearm from elbow to wrist, as sure as told."""

    elbow: tuple[float, float]
    wrist: tuple[float, float]
    score: float = 0.8
    asked: list[Box] = field(default_factory=list)

    def of(self, picture: Picture, view: View, box: Box) -> Pose | None:
        self.asked.append(box)
        points, scores = np.zeros((17, 2)), np.zeros(17)
        points[Point.RIGHT_ELBOW], points[Point.RIGHT_WRIST] = self.elbow, self.wrist
        scores[[Point.RIGHT_ELBOW, Point.RIGHT_WRIST]] = self.score
        return Pose(points, scores, 0)


PERSON = tracks({1: (500.0, 900.0)}, height=400.0, width=160.0)
WEAPON = Box(570, 690, 590, 700)  # 0.52 of the height down
AT_HAND = OneHand((560.0, 600.0), (575.0, 680.0))


def hands(
    spotter: BrightIsAWeapon | None = None,
    joints: OneHand | None = None,
    least_px: float = 120.0,
) -> Hands:
    return Hands(VIEW, spotter or BrightIsAWeapon(), joints or AT_HAND, least_px)


def test_what_is_in_a_hand_is_seen_sure_and_near_to_it() -> None:
    watched = hands()
    for time in every(0.2, 2):
        (one,) = watched.step(picture(WEAPON), PERSON, time)
    assert (one.key, one.looks) == (1, 6)
    assert one.surety == pytest.approx(0.9)
    assert one.hand is not None
    assert one.hand < 0.05


def test_the_second_look_is_nearer_and_counts_as_much() -> None:
    """The geometric mean: 0.9 from head to knees and 0.4 nearer are 0.6; 320 pixels, then 180."""
    spotter = BrightIsAWeapon(then=0.4)
    (one,) = hands(spotter).step(picture(WEAPON), PERSON, 0.0)
    assert one.surety == pytest.approx(0.6)
    whole, nearer = spotter.shares
    assert nearer / whole == pytest.approx((320 / 180) ** 2, rel=0.35)


def test_what_lies_far_from_the_hands_is_measured_to_be_far() -> None:
    watched = hands(joints=OneHand((450.0, 500.0), (440.0, 560.0)))
    (one,) = watched.step(picture(WEAPON), PERSON, 0.0)
    assert one.hand is not None
    assert one.hand > 0.3


def test_a_hand_that_is_hardly_seen_is_none() -> None:
    watched = hands(joints=OneHand((560.0, 600.0), (575.0, 680.0), score=0.1))
    (one,) = watched.step(picture(WEAPON), PERSON, 0.0)
    assert (one.hand, one.looks) == (None, 1)


def test_who_gives_no_cause_is_looked_at_once_a_second_and_never_for_a_pose() -> None:
    spotter, joints = BrightIsAWeapon(), OneHand((0, 0), (0, 0))
    watched = hands(spotter, joints)
    for time in every(0.2, 5):
        watched.step(picture(), PERSON, time)
    assert spotter.looked == 5 / EVERY_S + 1
    assert joints.asked == []


def test_nothing_is_looked_at_where_nobody_is_tall_enough_or_seen() -> None:
    spotter = BrightIsAWeapon()
    watched = hands(spotter)
    small = tracks({1: (500.0, 900.0)}, height=119.0)
    unseen = Tracks(
        PERSON.ids,
        PERSON.boxes,
        PERSON.kinds,
        PERSON.scores,
        PERSON.velocities,
        PERSON.ages,
        np.zeros(1, np.bool_),
    )
    for time in every(0.2, 3):
        watched.step(picture(WEAPON), Tracks.none(), time)
        watched.step(picture(WEAPON), small, time)
        watched.step(picture(WEAPON), unseen, time)
    assert spotter.looked == 0


def test_a_crowd_is_looked_at_in_turn_and_no_more_than_is_affordable() -> None:
    spotter = BrightIsAWeapon()
    watched = hands(spotter)
    crowd = tracks({n: (50.0 * n, 900.0) for n in range(1, 19)}, height=200.0)
    for time in every(0.2, 60):
        found = watched.step(picture(), crowd, time)
        spent = spotter.looked
    assert 100 <= spent <= SAVED + RATE * 60
    assert len(found) == 18


def test_in_the_long_run_three_looks_a_second_are_made_however_many_give_cause() -> None:
    spotter = BrightIsAWeapon()
    watched = hands(spotter)
    crowd = tracks({n: (170.0 * n, 900.0) for n in range(1, 6)}, height=200.0, width=40.0)
    armed = [Box(170.0 * n - 10, 800, 170.0 * n + 10, 810) for n in range(1, 6)]
    for time in every(0.2, 60):
        watched.step(picture(*armed), crowd, time)
    assert spotter.looked <= SAVED + 3 * 60


def test_whoever_gave_cause_is_looked_at_before_others() -> None:
    watched = hands()
    crowd = tracks({n: (170.0 * n, 900.0) for n in range(1, 6)}, height=200.0, width=40.0)
    armed = Box(840, 800, 860, 810)  # the last one
    for time in every(0.2, 3):
        found = watched.step(picture(armed), crowd, time)
    looks = [one.looks for one in found]
    assert looks[4] >= 4
    assert max(looks[:4]) <= 3


@pytest.mark.parametrize(
    ("later", "looks", "surety", "read"),
    [(5.0, 2, 0.45, True), (5.05, 1, 0.0, False)],
    ids=["five seconds", "more"],
)
def test_after_five_seconds_nothing_is_left_of_what_was_seen(
    later: float, looks: int, surety: float, read: bool
) -> None:
    watched = hands()
    watched.step(picture(WEAPON), PERSON, 0.0)
    (one,) = watched.step(picture(), PERSON, later)
    assert (one.looks, one.hand_read, one.hand is not None) == (looks, read, read)
    assert one.surety == pytest.approx(surety)


def test_the_last_six_looks_count() -> None:
    watched = hands()
    for time in every(0.4, 4):
        (one,) = watched.step(picture(WEAPON), PERSON, time)
    assert one.looks == LOOKS == 6
    for time in every(1.0, 9, since=5):
        (one,) = watched.step(picture(), PERSON, time)
    assert one.looks == 5


@pytest.mark.parametrize(
    ("surety", "looked", "asked"),
    [
        pytest.param(0.19, 5, 0, id="nothing: once a second, and no nearer"),
        pytest.param(0.21, 10, 0, id="something: nearer, but no oftener"),
        pytest.param(0.39, 10, 0, id="still too little"),
        pytest.param(0.41, 20, 4, id="cause: oftener, and for the hands"),
    ],
)
def test_the_surer_the_closer_and_the_oftener(surety: float, looked: int, asked: int) -> None:
    spotter, joints = BrightIsAWeapon(surety), OneHand((560.0, 600.0), (575.0, 680.0))
    watched = hands(spotter, joints)
    for time in every(0.2, 4):
        watched.step(picture(WEAPON), PERSON, time)
    assert (spotter.looked == looked) or (asked and spotter.looked >= looked - 4)
    assert bool(joints.asked) == bool(asked)


def test_however_many_give_cause_one_after_the_other_is_judged_to_the_end() -> None:
    """Else looks would be shared by all, too few to judge anybody, and no hand ever be read."""
    watched = hands()
    crowd = tracks({n: (170.0 * n, 900.0) for n in range(1, 6)}, height=200.0, width=40.0)
    armed = [Box(170.0 * n - 10, 800, 170.0 * n + 10, 810) for n in range(1, 6)]
    judged: set[int] = set()
    for time in every(0.2, 30):
        found = watched.step(picture(*armed), crowd, time)
        judged |= {one.key for one in found if one.looks >= 4 and one.hand_read}
    assert judged == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("y", "asked"), [(625, 1), (645, 2)], ids=["about there", "elsewhere on the person"]
)
def test_a_hand_that_was_read_for_one_place_says_nothing_of_another(y: float, asked: int) -> None:
    """A quarter of the height, 100 pixels: read again at once."""
    joints = OneHand((560.0, 600.0), (575.0, 680.0))
    watched = hands(joints=joints)
    watched.step(picture(Box(570, 535, 590, 545)), PERSON, 0.0)
    (one,) = watched.step(picture(Box(570, y - 5, 590, y + 5)), PERSON, 0.4)
    assert len(joints.asked) == asked
    assert one.hand_read


def test_if_it_cannot_be_read_again_it_is_not_known() -> None:
    watched = hands()
    for time in every(0.4, 1.6):
        (one,) = watched.step(picture(WEAPON), PERSON, time)
    assert (one.looks, one.hand_read) == (5, True)
    elsewhere = picture(Box(420, 590, 440, 600))
    for time in every(0.4, 4.0, since=2.0):
        (one,) = watched.step(elsewhere if time > 3.0 else picture(WEAPON), PERSON, time)
        if not one.hand_read:
            break
    assert (one.hand_read, one.hand) == (False, None)


# ------------------------------------------------- what belongs to the place
def moved_to(x: float, width: float = 160.0) -> Tracks:
    return tracks({1: (x, 900.0)}, height=400.0, width=width)


@pytest.mark.parametrize(
    ("later", "left"),
    [
        pytest.param((moved_to(560.0), WEAPON), 0.15, id="behind"),
        pytest.param((moved_to(560.0), Box(630, 690, 650, 700)), 0.0, id="carried along"),
        pytest.param((moved_to(500.0), WEAPON), 0.0, id="both stay"),
        pytest.param((moved_to(500.0, 280.0), WEAPON), 0.0, id="an arm on each side stretched out"),
        pytest.param((moved_to(530.0, 220.0), WEAPON), 0.0, id="an arm stretched out"),
        pytest.param((moved_to(540.0, 200.0), WEAPON), 0.05, id="a step, and an arm"),
        pytest.param((moved_to(560.0), Box(570, 732, 590, 742)), 0.15, id="about the same place"),
        pytest.param((moved_to(560.0), Box(570, 738, 590, 748)), 0.0, id="another place"),
        pytest.param(
            (tracks({1: (500.0, 930.0)}, height=400.0, width=160.0), WEAPON), 0.075, id="nearer"
        ),
    ],
)
def test_what_stays_where_it_is_when_the_person_moves_is_left_behind(
    later: tuple[Tracks, Box], left: float
) -> None:
    """Person heights that both sides of the box went the same way, while it stayed within 0.11."""
    watched = hands()
    watched.step(picture(WEAPON), PERSON, 0.0)
    people, weapon = later
    (one,) = watched.step(picture(weapon), people, 0.4)
    assert one.left == pytest.approx(left, abs=1e-3)


@pytest.mark.parametrize(("later", "left"), [(10.0, 0.15), (10.1, 0.0)])
def test_for_ten_seconds_it_is_known_where_it_was(later: float, left: float) -> None:
    watched = hands()
    watched.step(picture(WEAPON), PERSON, 0.0)
    for time in every(1.0, 5, since=5):
        watched.step(picture(Box(450, 600, 470, 610)), PERSON, time)
    (one,) = watched.step(picture(WEAPON), moved_to(560.0), later + 1e-7)
    if later > 10.0:
        (one,) = watched.step(picture(WEAPON), moved_to(560.0), later + 1.0)
    assert one.left == pytest.approx(left, abs=1e-3)


@pytest.mark.parametrize(("later", "left"), [(2.0, 0.15), (2.1, 0.0)])
def test_what_was_left_behind_counts_for_two_seconds(later: float, left: float) -> None:
    watched = hands()
    watched.step(picture(WEAPON), PERSON, 0.0)
    watched.step(picture(WEAPON), moved_to(560.0), 1.0)
    (one,) = watched.step(picture(Box(690, 690, 710, 700)), moved_to(620.0), 1.0 + later)
    assert one.left == pytest.approx(left, abs=1e-3)


@pytest.mark.parametrize("rate", [2, 3, 5, 8, 12.5, 25])
def test_whatever_the_rate_looks_are_as_many_as_they_must_be(rate: float) -> None:
    """Four looks of a weapon that is there, and the hand, within two seconds."""
    watched = hands()
    for n in range(int(2 * rate) + 1):
        (one,) = watched.step(picture(WEAPON), PERSON, n / rate)
    assert one.looks >= 4
    assert one.surety == pytest.approx(0.9)
    assert one.hand_read


def test_a_picture_that_comes_twice_is_looked_at_once() -> None:
    spotter = BrightIsAWeapon()
    watched = hands(spotter)
    for _ in range(3):
        watched.step(picture(WEAPON), PERSON, 7.0)
    assert spotter.looked == 2


@pytest.mark.parametrize("back", [0.0, 3.0])
def test_who_leaves_and_what_was_before_a_clock_stepped_back_is_forgotten(back: float) -> None:
    watched = hands()
    watched.step(picture(WEAPON), PERSON, 5.0)
    if back:
        (one,) = watched.step(picture(), PERSON, 5.0 - back)
        assert one.surety == 0.0
    else:
        assert watched.step(picture(WEAPON), Tracks.none(), 5.2) == ()
        watched.step(picture(WEAPON), PERSON, 5.4)
        watched.forget()
        assert watched.carrying == ()


def test_a_weapon_at_the_edge_of_the_picture_is_found_where_it_is() -> None:
    watched = hands(joints=OneHand((40.0, 660.0), (20.0, 690.0)))
    edge = tracks({1: (40.0, 900.0)}, height=400.0, width=80.0)
    (one,) = watched.step(picture(Box(4, 690, 24, 705)), edge, 0.0)
    assert one.surety == pytest.approx(0.9)
    assert one.hand is not None
    assert one.hand < 0.1


# ------------------------------------------------- with the rule: what cameras do
NOTHING, ARMED = picture(), picture(WEAPON)
WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]


@dataclass
class Watched:
    """The sense and the rule of one camera. told: when it began, and when it was told."""

    sense: CarriedSense = field(default_factory=lambda: CarriedSense(hands()))
    rule: Rule = field(default_factory=lambda: rule("weapon", zone=WHOLE))
    told: list[tuple[float, float]] = field(default_factory=list)

    def see(self, shown: Picture, *times: float, blind: str | None = None) -> None:
        for time in times:
            seen = scene(time, PERSON, blind=blind)
            if blind is None:
                seen = self.sense.look(seen, Frame("camera", 0, time, shown))
            else:
                self.sense.pause(blind)
            self.told += [(one.began, one.noticed) for one in self.rule.step(seen).signals]


@pytest.mark.parametrize("rate", [2.0, 2.5, 3.0, 4.0, 5.0, 6.25, 8.0, 10.0, 12.5, 15.0, 20.0, 25.0])
def test_a_weapon_drawn_is_told_once_in_time_at_any_rate(rate: float) -> None:
    """Four of the last six looks must show it, the first of them comes within a second, and then
    for another second: less than five in all, however few pictures there are."""
    watched = Watched()
    watched.see(NOTHING, *(n / rate for n in range(int(5 * rate))))
    watched.see(ARMED, *(n / rate for n in range(int(5 * rate), int(15 * rate))))
    ((_, noticed),) = watched.told
    assert 6.0 <= noticed <= 10.0


@pytest.mark.parametrize("lost", [0.2, 0.4])
@pytest.mark.parametrize("rate", [5.0, 10.0])
def test_neither_lost_nor_doubled_pictures_tell_anything_twice(rate: float, lost: float) -> None:
    random = np.random.default_rng(3)
    watched = Watched()
    for n in range(int(12 * rate)):
        if random.random() >= lost:
            for _ in range(1 + int(random.integers(2))):
                watched.see(ARMED, n / rate)
    assert len(watched.told) == 1
    assert watched.told[0][1] <= 4.0


def test_doubled_pictures_of_somebody_with_nothing_tell_nothing() -> None:
    watched = Watched()
    for time in every(0.2, 10):
        watched.see(NOTHING, time, time, time)
    assert watched.told == []


@pytest.mark.parametrize("step_s", [-40.0, -0.5, 31.0, 3600.0])
def test_a_clock_that_steps_starts_it_anew_and_it_is_told_all_the_same(step_s: float) -> None:
    """What went on before the step is forgotten: nothing is told early, nothing is lost."""
    watched = Watched()
    watched.see(ARMED, *every(0.2, 1.6, since=100.0))
    assert watched.told == []
    then = 101.8 + step_s
    watched.see(ARMED, *every(0.2, then + 4, since=then))
    ((began, noticed),) = watched.told
    assert began >= then
    assert noticed - then >= 2.0


def test_what_was_seen_before_the_camera_was_blind_does_not_count() -> None:
    watched = Watched()
    watched.see(ARMED, *every(0.2, 1.6))
    watched.see(ARMED, *every(0.2, 3.0, since=1.8), blind="dark")
    watched.see(NOTHING, *every(0.2, 8.0, since=3.2))
    assert watched.told == []


def test_after_it_was_blind_a_weapon_is_told_as_if_seen_for_the_first_time() -> None:
    watched = Watched()
    watched.see(ARMED, *every(0.2, 4.0))
    watched.see(ARMED, *every(0.2, 5.0, since=4.2), blind="covered")
    watched.see(ARMED, *every(0.2, 12.0, since=5.2))
    assert [round(noticed - 5.2, 3) >= 2.0 for _, noticed in watched.told] == [False, True]
