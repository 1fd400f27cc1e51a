"""Colour at the size asked for, small pictures and stills."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from veilleur.cameras.picture import Picture, _scalers
from veilleur.geometry import ImageArray

# BT.601, limited range: luma, U, V of clear red, green, blue (OpenCV agrees).
RED, GREEN, BLUE = (81, 90, 240), (145, 54, 34), (41, 240, 110)


def plain(yuv: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> ImageArray:
    width, height = size
    data = np.empty((height * 3 // 2, width), np.uint8)
    picture = Picture(data)
    picture.luma[:] = yuv[0]
    picture.chroma[0], picture.chroma[1] = yuv[1], yuv[2]
    return data


def noise(width: int, height: int) -> Picture:
    """Smooth shapes with fine noise, as pictures of cameras have."""
    rng = np.random.default_rng(1)
    picture = Picture(np.empty((height * 3 // 2, width), np.uint8))
    for plane, low, high in zip(
        (picture.luma, *picture.chroma), (40, 100, 100), (210, 156, 156), strict=True
    ):
        small = rng.integers(low, high, (9, 16)).astype(np.float32)
        large = cv2.resize(small, plane.shape[::-1], interpolation=cv2.INTER_LINEAR)
        plane[:] = large + rng.integers(-8, 9, plane.shape)
    return picture


@pytest.mark.parametrize(("yuv", "channel"), [(RED, 2), (GREEN, 1), (BLUE, 0)])
@pytest.mark.parametrize("size", [(64, 48), (32, 24), (128, 96)])
def test_colours_are_right_at_any_size(
    yuv: tuple[int, int, int], channel: int, size: tuple[int, int]
) -> None:
    bgr = Picture(plain(yuv)).bgr(*size)
    assert bgr.shape == (size[1], size[0], 3)
    middle = bgr[size[1] // 2, size[0] // 2].astype(int)
    wanted = np.zeros(3, int)
    wanted[channel] = 255
    assert np.abs(middle - wanted).max() <= 6


@pytest.mark.parametrize(
    ("full_range", "luma", "wanted"),
    [(False, 16, 0), (False, 235, 255), (True, 0, 0), (True, 16, 16), (True, 235, 235)],
)
def test_the_range_of_luma_is_respected(full_range: bool, luma: int, wanted: int) -> None:
    picture = Picture(plain((luma, 128, 128)), full_range)
    assert abs(float(picture.bgr(32, 24).mean()) - wanted) <= 2
    still = cv2.imdecode(np.frombuffer(picture.jpeg(32), np.uint8), cv2.IMREAD_COLOR)
    assert still is not None
    assert abs(float(still.mean()) - wanted) <= 3
    assert abs(float(picture.thumbnail().mean()) - luma) <= 1


@pytest.mark.parametrize("size", [(960, 540), (1920, 1080), (2554, 1438)])
def test_shrinking_is_close_to_the_mean_of_the_full_picture(size: tuple[int, int]) -> None:
    picture = noise(*size)
    full = cv2.cvtColor(picture.data, cv2.COLOR_YUV2BGR_I420)
    wanted = cv2.resize(full, (416, 234), interpolation=cv2.INTER_AREA)
    assert np.abs(picture.bgr(416, 234).astype(int) - wanted).mean() < 3.0


def test_a_region_is_what_the_whole_shows_there() -> None:
    picture = noise(640, 360)
    whole = picture.bgr(640, 360)[60:160, 100:300]
    region = picture.bgr(200, 100, (100, 60, 300, 160))
    assert np.array_equal(region[2:-2, 2:-2], whole[2:-2, 2:-2])
    odd = picture.bgr(100, 50, (101, 61, 199, 109))
    assert np.array_equal(odd, picture.bgr(100, 50, (100, 60, 200, 110)))


def test_a_region_can_be_enlarged_and_is_cut_to_the_picture() -> None:
    picture = noise(640, 360)
    enlarged = picture.bgr(400, 200, (540, 260, 740, 360))
    assert (
        np.abs(enlarged.astype(int) - picture.bgr(400, 200, (540, 260, 640, 360)).astype(int)).max()
        == 0
    )
    with pytest.raises(ValueError, match="outside"):
        picture.bgr(10, 10, (700, 0, 800, 50))


@pytest.mark.parametrize("height", [360, 720])
def test_the_thumbnail_is_the_mean_of_the_luma(height: int) -> None:
    picture = noise(height * 16 // 9, height)
    small = picture.thumbnail()
    assert small.shape == (90, 160)
    wanted = cv2.resize(picture.luma, (160, 90), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - wanted).mean() < 3.0


def test_a_still_is_a_jpeg_of_that_width() -> None:
    still = cv2.imdecode(np.frombuffer(Picture(plain(RED)).jpeg(32), np.uint8), cv2.IMREAD_COLOR)
    assert still is not None
    assert still.shape == (24, 32, 3)
    assert np.abs(still[12, 16].astype(int) - (0, 0, 255)).max() <= 8


def test_a_picture_that_may_not_be_written_can_be_read() -> None:
    data = plain(GREEN)
    data.flags.writeable = False
    assert Picture(data).bgr(32, 24)[12, 16, 1] > 245


def test_two_threads_never_scale_with_the_same_context() -> None:
    """A libswscale context used by two threads at once ends the process."""
    picture = Picture(np.full((72, 64), 90, np.uint8))
    kept: list[object] = []

    def scale() -> None:
        picture.bgr(32, 24)
        kept.extend(_scalers.kept.values())

    scale()
    thread = threading.Thread(target=scale)
    thread.start()
    thread.join()
    scale()
    first, other, *_ = kept
    assert first is not other
    assert first in _scalers.kept.values()
