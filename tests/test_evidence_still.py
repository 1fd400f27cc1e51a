"""Nobody can be recognised in a still, and the scene can still be understood."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilleur.cameras.frame import no_boxes
from veilleur.cameras.picture import Picture
from veilleur.evidence.redaction import Hidden, redacted
from veilleur.evidence.still import Drawn, still
from veilleur.geometry import Box, FloatArray, ImageArray, View

WIDTH, HEIGHT = 1280, 720


def noisy(width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """Every pixel tells something, and so does every block of any size."""
    random = np.random.default_rng(3)
    rows = height * 3 // 2
    data = np.zeros((rows, width), np.int64) + 128
    for size in (1, 4, 8, 16, 32, 64):
        cells = random.integers(-18, 19, (rows // size + 1, width // size + 1))
        data += cells.repeat(size, 0).repeat(size, 1)[:rows, :width]
    return Picture(data.clip(16, 235).astype(np.uint8))


def shares(*boxes: tuple[float, float, float, float]) -> FloatArray:
    return np.array(boxes, np.float64).reshape(-1, 4) / (WIDTH, HEIGHT, WIDTH, HEIGHT)


def part(plane: ImageArray, box: tuple[int, int, int, int]) -> ImageArray:
    return plane[box[1] : box[3], box[0] : box[2]]


def colours(plane: ImageArray) -> int:
    """Runs of one colour along the middle row: blocks across."""
    row = plane[len(plane) // 2].astype(int)
    return 1 + int(np.count_nonzero(np.diff(row)))


STANDING = (600, 200, 720, 500)
HEAD = (640, 200, 680, 243)


def test_a_standing_persons_head_is_one_or_two_blocks() -> None:
    coarse = redacted(noisy(), Hidden(people=shares(STANDING)))
    assert colours(part(coarse.luma, HEAD)) <= 3, "two blocks, however they lie on the grid"
    assert colours(part(coarse.luma, STANDING)) >= 3
    assert colours(part(coarse.luma, STANDING).T) >= 6, "a posture is still there"


def test_a_face_that_fills_the_box_is_few_blocks() -> None:
    near = (400, 200, 700, 560)
    face = (475, 210, 625, 410)
    coarse = redacted(noisy(), Hidden(people=shares(near)))
    assert colours(part(coarse.luma, face)) <= 4


def test_colour_is_as_coarse_as_brightness() -> None:
    coarse = redacted(noisy(), Hidden(people=shares(STANDING)))
    half = (HEAD[0] // 2, HEAD[1] // 2, HEAD[2] // 2, HEAD[3] // 2)
    assert all(colours(part(plane, half)) <= 3 for plane in coarse.chroma)


def test_what_the_detector_cuts_off_beside_a_box_is_covered_too() -> None:
    picture = noisy()
    coarse = redacted(picture, Hidden(people=shares(STANDING)))
    beside = (584, 157, 736, 543)  # 15 % of the box on each side, less a pixel or two
    assert (part(coarse.luma, beside) != part(picture.luma, beside)).mean() > 0.9
    far = (0, 0, 560, HEIGHT)
    assert np.array_equal(part(coarse.luma, far), part(picture.luma, far))


def test_a_plate_can_not_be_read_and_a_car_can_be_seen() -> None:
    car = (200, 300, 600, 580)
    plate = (342, 520, 458, 546)  # 0.52 m of 1.8
    character = 116 / 7.5
    coarse = redacted(noisy(), Hidden(vehicles=shares(car)))
    runs = colours(part(coarse.luma, plate))
    assert 116 / runs > character, "a block is wider than a character"
    assert colours(part(coarse.luma, car)) >= 12


def test_a_rider_is_hidden_like_a_person() -> None:
    bicycle = (600, 200, 720, 500)
    as_vehicle = redacted(noisy(), Hidden(vehicles=shares(bicycle)))
    assert colours(part(as_vehicle.luma, HEAD)) <= 3


def test_the_picture_that_was_handed_in_stays_clear() -> None:
    picture = noisy()
    before = picture.data.copy()
    redacted(picture, Hidden(people=shares(STANDING)))
    assert np.array_equal(picture.data, before)


def test_where_nobody_looked_all_is_coarse() -> None:
    coarse = redacted(noisy(), Hidden(unknown=True))
    assert colours(coarse.luma) <= WIDTH / (HEIGHT / 20)
    assert colours(redacted(noisy(), Hidden(shaken=True)).luma) <= WIDTH / (HEIGHT / 48)


class Seen:
    """What an engine saw, made by hand."""

    def __init__(self, people: FloatArray, moving: FloatArray, *, everywhere: bool = False) -> None:
        self.people, self.moving, self.everywhere = people, moving, everywhere
        self.vehicles = no_boxes()
        self.blind: str | None = None


def of(
    *people: tuple[int, int, int, int],
    moving: tuple[tuple[int, int, int, int], ...] = (),
    everywhere: bool = False,
) -> Hidden:
    def boxes(rows: tuple[tuple[int, int, int, int], ...]) -> FloatArray:
        return np.array(rows, np.float32).reshape(-1, 4)

    seen = Seen(boxes(people), boxes(moving), everywhere=everywhere)
    return Hidden.of(seen, View(WIDTH, HEIGHT))


def test_what_moves_and_is_nobody_known_is_covered() -> None:
    stranger = (100, 100, 200, 200)
    hidden = of(moving=(stranger,))
    picture = noisy()
    coarse = redacted(picture, hidden)
    assert colours(part(coarse.luma, stranger)) <= 10


def test_movement_of_somebody_known_covers_no_more_than_them() -> None:
    hidden = of(STANDING, STANDING, moving=((590, 190, 730, 510),))
    assert (len(hidden.people), len(hidden.doubtful)) == (2, 0)


def test_a_doubtful_box_over_half_the_picture_leaves_it_readable() -> None:
    """A detector half believes in giants; a giant whom it sees well is followed."""
    giant = (100, 0, 900, 700)
    doubtful = redacted(noisy(), of(giant))
    assert colours(part(doubtful.luma, giant)) >= 22
    followed = redacted(noisy(), of(giant, giant))
    assert colours(part(followed.luma, giant)) <= 10


def test_a_shaken_picture_is_coarse_and_its_people_coarser() -> None:
    coarse = redacted(noisy(), of(STANDING, STANDING, everywhere=True))
    assert 40 <= colours(coarse.luma[400:]) <= 90
    assert colours(part(coarse.luma, HEAD)) <= 3


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-2, 3)] * 4), max_size=4),
    st.sampled_from([(16, 16), (64, 36), (130, 74), (1918, 1080)]),
)
def test_no_box_breaks_it(rows: list[tuple[float, ...]], size: tuple[int, int]) -> None:
    boxes = np.array(rows, np.float64).reshape(-1, 4)
    picture = noisy(*size)
    hidden = Hidden(people=boxes, doubtful=boxes, vehicles=boxes)
    assert redacted(picture, hidden).data.shape == picture.data.shape


# ---------------------------------------------------------------------- the file
def decoded(jpeg: bytes) -> ImageArray:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.mark.parametrize(("size", "made"), [((1920, 1080), (720, 1280)), ((640, 480), (480, 640))])
def test_a_still_is_a_jpeg_of_at_most_1280_pixels(
    size: tuple[int, int], made: tuple[int, int]
) -> None:
    jpeg = still(noisy(*size), Hidden())
    assert decoded(jpeg).shape[:2] == made
    assert b"Exif" not in jpeg[:200]


def test_zone_and_box_are_drawn_where_they_are() -> None:
    grey = Picture(np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8))
    zone = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    image = decoded(still(grey, Hidden(), drawn=Drawn((zone,), Box(0.4, 0.4, 0.6, 0.6))))
    blue, _, red = (int(n) for n in image[180, 640])
    assert red - blue > 100, "the zone is amber"
    assert image[288, 640].min() > 200, "the box is white"
    assert abs(int(image[360, 640].mean()) - 130) < 8, "nothing within"


def test_lines_are_drawn_on_top_of_what_is_hidden() -> None:
    dark = Picture(np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8))
    box = Box(*shares(STANDING)[0])
    image = decoded(still(dark, Hidden(people=shares(STANDING)), drawn=Drawn(box=box)))
    assert image[200, 660].min() > 200


def test_a_laboratorys_still_says_so_wherever_it_is_taken() -> None:
    plain = decoded(still(noisy(), Hidden()))
    marked = decoded(still(noisy(), Hidden(), drawn=Drawn(mark="LABORATORY")))
    height = plain.shape[0]
    changed = np.abs(plain.astype(int) - marked.astype(int)).max(axis=2) > 60
    assert changed[height * 9 // 10 :].any()
    assert not changed[: height * 8 // 10].any()
