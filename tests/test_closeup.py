"""A thing looked at alone, upright and turned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, ImageArray, View
from veilleur.perception.closeup import Closeup
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.still import Content

VIEW = View(640, 480)
THING = Box(400, 200, 460, 220)


def picture() -> Picture:
    """Dark, with a white thing twice as large as the view: 1280 x 960 pixels."""
    data = np.full((960 * 3 // 2, 1280), 128, np.uint8)
    data[:960] = 40
    data[400:440, 800:920] = 230
    return Picture(data)


@dataclass
class Finds:
    """Says what the white thing is, where it lies as `seen` wants it: width over height."""

    kind: Kind
    score: float
    seen: Callable[[float], bool] = lambda _: True
    grown: float = 0.0
    name: str = "made"
    height: int = 256
    width: int = 416
    shapes: list[float] = field(default_factory=list)

    def detect(self, image: ImageArray) -> Detections:
        assert image.shape[0] <= self.height
        assert image.shape[1] <= self.width
        rows, columns = np.nonzero(image.mean(axis=2) > 150)
        if not len(rows):
            return Detections.none()
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
        shape = float((box[2] - box[0]) / (box[3] - box[1]))
        self.shapes.append(shape)
        if not self.seen(shape):
            return Detections.none()
        size = self.grown * np.array([box[2] - box[0], box[3] - box[1]])
        box += np.array([-size[0], -size[1], size[0], size[1]], np.float32)
        return Detections(
            box[np.newaxis], np.array([self.score], np.float32), np.array([self.kind], np.int8)
        )


@pytest.mark.parametrize(
    ("finds", "content"),
    [
        pytest.param(Finds(Kind.PERSON, 0.6), Content.PERSON, id="a person"),
        pytest.param(
            Finds(Kind.PERSON, 0.6, lambda shape: shape < 1), Content.PERSON,
            id="a person only found when turned upright",
        ),
        pytest.param(Finds(Kind.PERSON, 0.2), Content.UNKNOWN, id="a doubtful person"),
        pytest.param(
            Finds(Kind.PERSON, 0.9, grown=1.0), Content.UNKNOWN,
            id="a thing before somebody much larger",
        ),
        pytest.param(Finds(Kind.VEHICLE, 0.7), Content.VEHICLE, id="a bicycle"),
        pytest.param(Finds(Kind.BAG, 0.5), Content.BAG, id="a bag"),
        pytest.param(Finds(Kind.BAG, 0.1), Content.UNKNOWN, id="something"),
    ],
)  # fmt: skip
def test_a_close_look_says_what_a_thing_is(finds: Finds, content: Content) -> None:
    assert Closeup(finds, VIEW).look(picture(), THING) is content


def test_it_is_looked_at_upright_and_turned() -> None:
    finds = Finds(Kind.BAG, 0.1)
    Closeup(finds, VIEW).look(picture(), THING)
    assert finds.shapes == pytest.approx([3, 3, 1 / 3, 1 / 3], rel=0.2)


@pytest.mark.parametrize("way", ["clockwise", "counterclockwise"])
def test_somebody_lying_either_way_is_found_where_the_thing_is_and_not_elsewhere(way: str) -> None:
    """Found in one turned copy alone; a person elsewhere in it explains nothing."""
    calls = {"clockwise": 2, "counterclockwise": 3}

    @dataclass
    class Once(Finds):
        calls: int = 0

        def detect(self, image: ImageArray) -> Detections:
            found = super().detect(image)
            self.calls += 1
            return found if self.calls == calls[way] + 1 else Detections.none()

    assert Closeup(Once(Kind.PERSON, 0.6), VIEW).look(picture(), THING) is Content.PERSON
    elsewhere = Box(400, 280, 460, 300)
    assert Closeup(Once(Kind.PERSON, 0.6), VIEW).look(picture(), elsewhere) is Content.UNKNOWN


def test_a_thing_at_the_edge_of_the_picture_can_be_looked_at() -> None:
    assert Closeup(Finds(Kind.BAG, 0.5), VIEW).look(picture(), Box(630, 470, 640, 480)) is (
        Content.UNKNOWN
    )
