"""The ground plane, three ways."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilleur.errors import ConfigurationError
from veilleur.geometry import View, Zone
from veilleur.ground import (
    Plane,
    TsaiCamera,
    area_m2,
    ground_plane,
    person_height_px,
    pixels_per_metre,
)
from veilleur.simulation.crowds import Camera

HERE = Path()
CAMERA = Camera(width=800, height=600, focal=900.0, tilt=0.4, height_m=5.0)
SPOTS = [(-3.0, 8.0), (3.0, 8.0), (4.0, 16.0), (-4.0, 16.0), (0.5, 11.0), (2.0, 20.0)]


def seen(spots: list[tuple[float, float]], camera: Camera = CAMERA) -> list[list[float]]:
    at = camera.project(np.array([(x, y, 0.0) for x, y in spots]))
    shares: list[list[float]] = (at / (camera.width, camera.height)).tolist()
    return shares


def pairs(spots: list[tuple[float, float]], **more: Any) -> dict[str, object]:
    return {"image": seen(spots), "metres": [list(spot) for spot in spots], **more}


def plane(spec: dict[str, object]) -> Plane | TsaiCamera:
    return ground_plane(spec, 800, 600, HERE)


def test_four_pairs_give_the_plane_and_no_error_to_report() -> None:
    ground = plane(pairs(SPOTS[:4]))
    at = CAMERA.project(np.array([[1.0, 12.0, 0.0]]))
    assert ground.to_metres(at) == pytest.approx(np.array([[1.0, 12.0]]), abs=1e-6)
    assert ground.error_m is None


def test_points_held_back_tell_the_error_of_a_bad_pair() -> None:
    good = plane(pairs(SPOTS))
    wrong = pairs(SPOTS)
    wrong["metres"] = [[*spot] for spot in SPOTS[:5]] + [[2.0, 22.0]]
    bad = plane(wrong)
    assert good.error_m is not None
    assert good.error_m < 1e-6
    assert bad.error_m is not None
    assert bad.error_m > 0.5


@settings(deadline=None, max_examples=50)
@given(st.floats(-4, 4), st.floats(7, 40))
def test_metres_to_pixels_and_back_is_nothing(x: float, y: float) -> None:
    ground = plane(pairs(SPOTS))
    there = np.array([[x, y]])
    assert ground.to_metres(ground.to_pixels(there)) == pytest.approx(there, abs=1e-6)


def test_above_the_horizon_and_behind_the_camera_there_is_no_ground() -> None:
    ground = plane(pairs(SPOTS))
    horizon = 300 - 900 * math.tan(0.4)
    assert np.isnan(ground.to_metres(np.array([[400, horizon - 5]]))).all()
    assert np.isfinite(ground.to_metres(np.array([[400, horizon + 5]]))).all()
    assert np.isnan(ground.to_pixels(np.array([[0.0, -10.0]]))).all()


def test_a_person_is_as_high_as_the_camera_sees_them() -> None:
    ground = plane(pairs(SPOTS))
    ends = CAMERA.project(np.array([[1.0, 12.0, 0.0], [1.0, 12.0, 1.7]]))
    foot = (float(ends[0, 0]), float(ends[0, 1]))
    wanted = float(np.linalg.norm(ends[1] - ends[0]))
    assert person_height_px(ground, foot) == pytest.approx(wanted, rel=1e-3)
    across = CAMERA.project(np.array([[0.5, 12.0, 0.0], [1.5, 12.0, 0.0]]))
    assert pixels_per_metre(ground, foot) == pytest.approx(
        float(np.linalg.norm(across[1] - across[0])), rel=0.02
    )


def test_the_area_of_a_zone_is_that_on_the_ground() -> None:
    corners = [(-2.0, 8.0), (2.0, 8.0), (2.0, 14.0), (-2.0, 14.0)]
    view = View(800, 600)
    zone = Zone.drawn([(x, y) for x, y in seen(corners)], view)
    assert area_m2(plane(pairs(SPOTS)), zone) == pytest.approx(24.0, rel=1e-3)
    sky = Zone.drawn([(0, 0), (1, 0), (1, 1), (0, 1)], view)
    ground = ground_plane(pairs(SPOTS), 800, 600, HERE)
    horizon = Camera(width=800, height=600, focal=900.0, tilt=0.1, height_m=5.0)
    flat = {"image": seen([(-1, 20), (1, 20), (2, 40), (-2, 40)], horizon),
            "metres": [[-1, 20], [1, 20], [2, 40], [-2, 40]]}  # fmt: skip
    assert area_m2(ground, sky) > 0
    with pytest.raises(ConfigurationError, match="horizon"):
        area_m2(plane(flat), sky)


def mirrored(spots: list[tuple[float, float]]) -> dict[str, object]:
    return {"image": seen(spots), "metres": [[-x, y] for x, y in spots]}


def exchanged(spots: list[tuple[float, float]]) -> dict[str, object]:
    image = seen(spots)
    return {"image": [image[1], image[0], *image[2:]], "metres": [list(s) for s in spots]}


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        pytest.param(pairs(SPOTS[:3]), "3 points", id="three pairs"),
        pytest.param(pairs([(0, 8), (0, 10), (0, 12), (0, 15)]), "one line", id="collinear"),
        pytest.param(
            pairs([(0, 8), (0, 10), (0, 12), (3, 15)]), "one line", id="three of four on a line"
        ),
        pytest.param(pairs([*SPOTS[:4], SPOTS[0]]), "one and the same", id="a point twice"),
        pytest.param(mirrored(SPOTS[:4]), "mirrored", id="mirrored"),
        pytest.param(exchanged(SPOTS[:4]), "exchanged", id="two points exchanged"),
        pytest.param({"image": [[0.1, 0.2]]}, "1 points", id="no metres"),
        pytest.param({}, "exactly one", id="nothing given"),
        pytest.param({"image": [[0.1, 2.0]], "metres": [[0, 0]]}, "less than", id="outside"),
        pytest.param({"calibration": "absent.xml"}, "cannot be read", id="no such file"),
    ],
)
def test_a_ground_that_cannot_be_is_refused(spec: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        plane(spec)


def lengths(*ends: tuple[tuple[float, float], tuple[float, float]]) -> dict[str, object]:
    out = []
    for a, b in ends:
        ia, ib = seen([a, b])
        out.append({"a": ia, "b": ib, "metres": math.dist(a, b)})
    return {"lengths": out}


def test_three_known_lengths_give_a_level_camera() -> None:
    ground = plane(lengths(((-2, 8), (2, 8)), ((-2, 8), (-2, 15)), ((1, 12), (3, 18))))
    ends = ground.to_metres(np.array(seen([(-1, 10), (2, 16)])) * (800, 600))
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(
        math.dist((-1, 10), (2, 16)), rel=0.01
    )


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(lengths(((-2, 8), (2, 8)), ((-2, 8), (-2, 15))), id="two lengths"),
        pytest.param(
            lengths(((-2, 9), (2, 9)), ((-1, 9), (1, 9)), ((0, 9), (2, 9))), id="all on one line"
        ),
    ],
)
def test_lengths_that_do_not_fix_a_camera_are_refused(spec: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="lengths"):
        plane(spec)


def tsai_file(folder: Path, focal: str = "6.0", head: str = "") -> dict[str, object]:
    (folder / "camera.xml").write_text(
        f'{head}<Camera><Geometry width="800" height="600" dpx="0.006" dpy="0.006"/>'
        f'<Intrinsic focal="{focal}" kappa1="0.01" cx="400" cy="300" sx="1.0"/>'
        '<Extrinsic tx="0" ty="1000" tz="12000" rx="2.0" ry="0.1" rz="0.05"/></Camera>'
    )
    return {"calibration": "camera.xml"}


def test_a_calibrated_camera_maps_there_and_back_at_any_size(tmp_path: Path) -> None:
    spec = tsai_file(tmp_path)
    there = np.array([[0.0, 0.0], [2.0, 1.0], [-3.0, -2.0]])
    whole, half = ground_plane(spec, 800, 600, tmp_path), ground_plane(spec, 400, 300, tmp_path)
    assert whole.to_metres(whole.to_pixels(there)) == pytest.approx(there, abs=1e-6)
    assert half.to_pixels(there) == pytest.approx(whole.to_pixels(there) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("focal", "head"), [("six", ""), ("6.0", '<!DOCTYPE x [<!ENTITY a "b">]>'), ("6.0", "<")]
)
def test_a_calibration_that_cannot_be_read_says_so(tmp_path: Path, focal: str, head: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ground_plane(tsai_file(tmp_path, focal, head), 800, 600, tmp_path)
    assert "camera.xml" in caught.value.message


def test_pets_is_read_as_its_makers_meant_it(data: Path) -> None:
    """The people of PETS S2.L1 stand on the plane that four measured pairs give."""
    folder = data / "tracking" / "vtest"
    ground = ground_plane({"calibration": "View_001.xml"}, 768, 576, folder)
    foot = (268.0, 306.0)  # of the first person of the first picture
    height = person_height_px(ground, foot)
    assert height is not None
    assert 70 < height < 95
