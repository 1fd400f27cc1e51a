"""The sense of abandoned_object: how often it looks, and what it adds to a scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.made import every
from tests.resting import BAG, VIEW, between, picture, place
from veilleur.cameras.frame import Frame
from veilleur.engine.stillness import StillnessSense
from veilleur.events.scene import Scene
from veilleur.geometry import FloatArray, ImageArray, View
from veilleur.perception.closeup import Closeup
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.still import Content, Stillness


@dataclass
class Detector:
    """Finds a bag in the middle of whatever it is shown."""

    name: str = "made"
    height: int = 64
    width: int = 64
    runs: int = 0

    def detect(self, image: ImageArray) -> Detections:
        self.runs += 1
        box = np.array([[21, 21, 43, 43]], np.float32)
        return Detections(box, np.array([0.8], np.float32), np.array([Kind.BAG], np.int8))


@dataclass
class Watched:
    detector: Detector = field(default_factory=Detector)
    view: View = VIEW

    def __post_init__(self) -> None:
        self.sense = StillnessSense(Closeup(self.detector, self.view), countdown_s=8.0)

    def see(
        self,
        time: float,
        bag_from: float = 10.0,
        bag_until: float = np.inf,
        edit: Callable[[FloatArray], FloatArray] = np.asarray,
    ) -> Stillness | None:
        image = place()
        between(BAG, bag_from, bag_until)(image, time)
        frame = Frame("camera", 0, time, picture(edit(image), time))
        return self.sense.look(Scene("camera", time, self.view), frame).still


def test_a_thing_is_looked_at_closely_once_it_has_rested_and_then_ever_more_seldom() -> None:
    watched = Watched()
    runs = {}
    for time in every(0.5, 75):
        said = watched.see(time)
        runs[time] = watched.detector.runs
    assert said is not None
    (bag,) = said.objects
    assert bag.content is Content.BAG
    assert runs[13.5] == 0
    assert runs[15] == 4
    assert runs[75] <= 5 * 4


def test_pictures_in_between_cost_nothing_and_say_the_same() -> None:
    watched = Watched()
    first = watched.see(0.0)
    again = watched.see(0.4)
    assert again is first
    assert watched.see(0.8) is not first


def test_nothing_is_looked_at_closely_where_nothing_rests() -> None:
    watched = Watched()
    for time in every(0.5, 20):
        watched.see(time, bag_from=np.inf)
    assert watched.detector.runs == 0


def test_after_forgetting_the_place_is_known_from_then_on() -> None:
    watched = Watched()
    for time in every(0.5, 20):
        watched.see(time)
    watched.sense.forget()
    said = watched.see(30.0)
    assert said is not None
    assert said.since == 30.0
    assert said.objects == ()


@pytest.mark.parametrize("step", [0.04, 0.1, 0.2, 0.5])
def test_neither_the_rate_nor_lost_and_doubled_pictures_matter(step: float) -> None:
    watched, random = Watched(), np.random.default_rng(3)
    times = [time for time in every(step, 18) if random.uniform() < 0.8]
    for time in sorted([*times, *times[::5]]):
        said = watched.see(time)
    assert said is not None
    (bag,) = said.objects
    assert bag.since == pytest.approx(10.0, abs=1.6)
    assert bag.content is Content.BAG


def test_what_rests_is_the_same_when_the_clock_is_put_back() -> None:
    watched = Watched()
    for time in every(0.5, 20):
        before = watched.see(time)
    for time in every(0.5, 15, since=5):
        after = watched.see(time, bag_from=-np.inf)
    assert before is not None
    assert after is not None
    (one,), (other,) = before.objects, after.objects
    assert one.id == other.id
    assert other.since == pytest.approx(one.since - 15, abs=1.0)


def covered(image: FloatArray) -> FloatArray:
    return np.full_like(image, 90.0)


def seen_again(blind: str, until: float, **more: Any) -> tuple[Stillness, Stillness]:
    """Before the camera was blind, after twenty seconds, and five seconds after it was; its eye was
    covered a second before anybody noticed."""
    watched = Watched()
    for time in every(0.2, 20):
        before = watched.see(time)
    for time in every(0.2, 21.2, since=20.2):
        watched.see(time, edit=covered)
    for _ in range(3):
        watched.sense.pause(blind)
    for time in every(0.2, until + 5, since=until):
        after = watched.see(time, **more)
    assert before is not None
    assert after is not None
    return before, after


def test_what_rested_before_the_camera_was_blind_rests_on_and_got_no_older() -> None:
    before, after = seen_again("covered", 30.0)
    (one,), (other,) = before.objects, after.objects
    assert (one.id, one.box) == (other.id, other.box)
    assert 8.0 < other.since - one.since < 10.5
    assert not other.hidden


def test_what_was_taken_while_the_camera_was_blind_is_gone_and_leaves_no_thing() -> None:
    _, after = seen_again("dark", 30.0, bag_until=25.0)
    assert after.objects == ()


@pytest.mark.parametrize(
    ("blind", "until", "more"),
    [
        pytest.param("moved", 30.0, {}, id="the camera was turned"),
        pytest.param("dark", 95.0, {}, id="blind for longer than a minute"),
        pytest.param("covered", 30.0, {"edit": np.flipud}, id="another place before it"),
    ],
)
def test_elsewhere_or_much_later_the_place_is_taken_anew(
    blind: str, until: float, more: dict[str, Any]
) -> None:
    _, after = seen_again(blind, until, **more)
    assert after.since == until
    assert after.objects == ()


def test_boxes_are_in_pixels_of_the_view() -> None:
    watched = Watched(view=View(640, 480))
    for time in every(0.5, 20):
        said = watched.see(time)
    assert said is not None
    (bag,) = said.objects
    assert abs(bag.box.x1 - 300) < 6
    assert abs(bag.box.y2 - 336) < 6
