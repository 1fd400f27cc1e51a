"""What the detector looks at, and when it does not look at all."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from veilleur.cameras.frame import Activity, no_boxes
from veilleur.cameras.picture import Picture
from veilleur.geometry import FloatArray, ImageArray, View
from veilleur.perception.looking import Detail, Look, Looker, LookSettings
from veilleur.perception.objects import Detections, Kind

VIEW = View(640, 360)
QUIET = Activity(moved=0.0, boxes=no_boxes(), everywhere=False)
SHAKING = Activity(moved=0.9, boxes=no_boxes(), everywhere=True)


def moving(*boxes: tuple[float, float, float, float]) -> Activity:
    return Activity(moved=0.01, boxes=np.array(boxes, np.float32), everywhere=False)


@dataclass
class WhiteBlobs:
    """Finds white rectangles at least so tall, and remembers what it was shown."""

    height: int = 256
    width: int = 416
    name: str = "white blobs"
    least: int = 0
    score: float = 0.9
    shown: list[ImageArray] = field(default_factory=list)

    def detect(self, image: ImageArray) -> Detections:
        assert image.shape[0] <= self.height
        assert image.shape[1] <= self.width
        self.shown.append(image)
        bright = (image.min(axis=2) > 190).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(bright)
        x, y, w, h = (stats[1:, i].astype(np.float32) for i in range(4))
        boxes = np.stack([x, y, x + w, y + h], axis=1).reshape(-1, 4)[h >= self.least]
        n = len(boxes)
        return Detections(
            boxes, np.full(n, self.score, np.float32), np.full(n, Kind.PERSON, np.int8)
        )


def picture(*boxes: tuple[int, int, int, int], width: int = 640, height: int = 360) -> Picture:
    """Black with white rectangles; corners are even."""
    data = np.full((height * 3 // 2, width), 128, np.uint8)
    data[:height] = 16
    for x1, y1, x2, y2 in boxes:
        data[y1:y2, x1:x2] = 235
    return Picture(data)


def boxes(*rows: tuple[float, float, float, float]) -> FloatArray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_the_first_picture_is_always_looked_at() -> None:
    look = Looker(WhiteBlobs(), VIEW, LookSettings()).look(picture(), QUIET, no_boxes(), 7.0)
    assert (look.fresh, look.inferences, look.what) == (True, 1, "full")


@pytest.mark.parametrize(
    ("activity", "expected", "times", "looked"),
    [
        pytest.param(QUIET, boxes(), [0, 1, 3.9, 4, 7, 8], [0, 4, 8], id="nobody: seldom"),
        pytest.param(QUIET, boxes((0, 0, 9, 9)), [0, 0.9, 1, 2], [0, 1, 2], id="tracked: often"),
        pytest.param(moving((0, 0, 1, 1)), boxes(), [0, 0.2, 0.4], [0, 0.2, 0.4], id="motion"),
        pytest.param(SHAKING, boxes(), [0, 0.2, 0.4], [0, 0.2, 0.4], id="change everywhere"),
        pytest.param(QUIET, boxes(), [9, 0, 1], [9, 0], id="the clock steps back: look"),
    ],
)
def test_a_quiet_picture_is_looked_at_now_and_then(
    activity: Activity, expected: FloatArray, times: list[float], looked: list[float]
) -> None:
    looker = Looker(WhiteBlobs(), VIEW, LookSettings(refresh_s=1.0, idle_refresh_s=4.0))
    looks = [looker.look(picture(), activity, expected, t) for t in times]
    assert [t for t, look in zip(times, looks, strict=True) if look.fresh] == looked
    assert all(len(look.detections) == 0 for look in looks if not look.fresh)


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (320, 180), (640, 720)])
def test_boxes_come_in_pixels_of_the_view_whatever_the_picture_size(size: tuple[int, int]) -> None:
    sx, sy = size[0] / 640, size[1] / 360
    drawn = (int(100 * sx), int(60 * sy), int(200 * sx), int(260 * sy))
    look = Looker(WhiteBlobs(), VIEW, LookSettings()).look(
        picture(drawn, width=size[0], height=size[1]), QUIET, no_boxes(), 0.0
    )
    np.testing.assert_allclose(look.detections.boxes, [[100, 60, 200, 260]], atol=4)


LARGE = View(1280, 720)  # a third of its size on the detector's input
SMALL_ONE, SMALL_TWO = (300, 200, 324, 254), (900, 400, 924, 460)


def shown(*people: tuple[int, int, int, int]) -> Picture:
    return picture(*people, width=1280, height=720)


def relative(*people: tuple[int, int, int, int]) -> Activity:
    return moving(*((x1 / 1280, y1 / 720, x2 / 1280, y2 / 720) for x1, y1, x2, y2 in people))


def looks(looker: Looker, n: int, *people: tuple[int, int, int, int]) -> list[Look]:
    """What n pictures gave, 0.2 s apart; what was found is what the next one expects."""
    out: list[Look] = []
    expected = no_boxes()
    for i in range(n):
        out.append(looker.look(shown(*people), relative(*people), expected, i * 0.2))
        expected = out[-1].detections.boxes
    return out


def test_people_too_small_for_the_whole_are_found_where_something_moves() -> None:
    detector = WhiteBlobs(least=24)
    off = looks(Looker(detector, LARGE, LookSettings(detail=Detail.OFF)), 4, SMALL_ONE, SMALL_TWO)
    auto = looks(Looker(detector, LARGE, LookSettings()), 4, SMALL_ONE, SMALL_TWO)
    assert [len(look.detections) for look in off] == [0, 0, 0, 0]
    assert [look.what for look in auto] == ["regions"] * 4
    for look in auto:
        found = look.detections.boxes[np.argsort(look.detections.boxes[:, 0])]
        np.testing.assert_allclose(found, [SMALL_ONE, SMALL_TWO], atol=2)


def test_regions_cost_one_inference_and_the_whole_is_looked_at_now_and_then() -> None:
    looker = Looker(WhiteBlobs(), LARGE, LookSettings(detail=Detail.ON, whole_s=1.0))
    inferences = [look.inferences for look in looks(looker, 12, SMALL_ONE)]
    assert inferences == [2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 1]


def test_a_change_of_everything_is_answered_by_the_whole_picture() -> None:
    looker = Looker(WhiteBlobs(), LARGE, LookSettings(detail=Detail.ON))
    looks(looker, 3, SMALL_ONE)
    look = looker.look(shown(SMALL_ONE), SHAKING, boxes(SMALL_ONE), 0.6)
    assert (look.what, look.inferences) == ("full", 1)


def test_large_people_are_looked_at_on_the_whole_picture() -> None:
    large = (300, 200, 420, 500)
    assert {look.what for look in looks(Looker(WhiteBlobs(), LARGE, LookSettings()), 5, large)} == {
        "full"
    }


def test_the_smallest_are_looked_for_at_once_and_less_and_less_often_in_vain() -> None:
    """Something moves and nobody is found: leaves, or somebody too small for the whole."""
    detector = WhiteBlobs(least=200)
    looker = Looker(detector, LARGE, LookSettings(least_px=60.0))
    closely = [
        round(t / 5, 1)
        for t in range(60)
        if looker.look(shown(SMALL_ONE), relative(SMALL_ONE), no_boxes(), t / 5).inferences == 2
    ]
    assert closely == [0.0, 1.2, 3.6, 8.4]


def test_the_smallest_are_enlarged_before_anybody_was_seen() -> None:
    """Motion around somebody 54 pixels tall is more than three times as high as he."""
    wide = (250, 80, 450, 330)
    for least_px, found in ((60.0, True), (None, False)):
        detector = WhiteBlobs(least=50)
        looker = Looker(detector, LARGE, LookSettings(least_px=least_px))
        look = looker.look(shown(SMALL_ONE), relative(wide), no_boxes(), 0.0)
        assert (len(look.detections) > 0) is found


def test_heights_between_the_two_limits_change_nothing() -> None:
    between = (300, 200, 336, 296)  # 31 pixels on the input
    near = Looker(WhiteBlobs(), LARGE, LookSettings(refresh_s=0.0))
    assert {look.what for look in looks(near, 5, between)} == {"full"}
    far = Looker(WhiteBlobs(), LARGE, LookSettings())
    looks(far, 5, SMALL_ONE)
    assert far.look(shown(between), relative(between), no_boxes(), 40.0).what == "regions"
    assert far.look(shown(between), relative(between), no_boxes(), 40.2).what == "regions"


def test_a_small_canvas_is_used_as_long_as_everything_fits_on_it() -> None:
    whole, canvas = WhiteBlobs(), WhiteBlobs(height=96, width=160)
    looker = Looker(whole, LARGE, LookSettings(whole_s=10.0), canvas)
    few = looks(looker, 4, SMALL_ONE)
    assert [look.what for look in few] == ["full", "regions", "regions", "regions"]
    assert len(canvas.shown) == 3
    crowd = [(x, y, x + 24, y + 54) for x in range(40, 1200, 150) for y in range(40, 600, 150)]
    looker.look(shown(*crowd), relative(*crowd), boxes(*crowd), 1.0)
    assert len(canvas.shown) == 3
    assert len(whole.shown) == 2


def test_the_same_pictures_give_the_same_looks() -> None:
    first, second = (
        looks(Looker(WhiteBlobs(least=24), LARGE, LookSettings()), 6, SMALL_ONE, SMALL_TWO)
        for _ in range(2)
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.detections.boxes, b.detections.boxes)


def test_nothing_that_moves_waits_for_the_small_canvas() -> None:
    whole, canvas = WhiteBlobs(), WhiteBlobs(height=96, width=160)
    looker = Looker(whole, LARGE, LookSettings(whole_s=10.0), canvas)
    looks(looker, 2, SMALL_ONE)
    crowd = [(x, y, x + 24, y + 54) for x in range(40, 1200, 150) for y in range(40, 600, 150)]
    looker.look(shown(SMALL_ONE, *crowd), relative(*crowd), boxes(SMALL_ONE), 0.4)
    assert (len(canvas.shown), len(whole.shown)) == (1, 2)


def test_only_what_moves_or_is_followed_is_looked_at_closely() -> None:
    detector = WhiteBlobs()
    looker = Looker(detector, LARGE, LookSettings(detail=Detail.ON, whole_s=60.0))
    looks(looker, 2, SMALL_ONE)
    for n in range(2, 22):
        looker.look(shown(SMALL_ONE, SMALL_TWO), relative(SMALL_ONE), boxes(SMALL_ONE), n * 0.2)
        assert (detector.shown[-1] > 200).any()
        assert len(detector.detect(detector.shown[-1])) == 1
