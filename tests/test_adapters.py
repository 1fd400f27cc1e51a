"""Every family's outputs become the same boxes; a model that doesn't fit is refused in words."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pydantic import ValidationError

from tests.conftest import ROOT
from tests.made_models import SIZE, saying
from veilleur.errors import ModelUnusable
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.models import NANODET, NANODET_CLASSES, ModelConfiguration, input_size
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.overlap import iou
from veilleur.perception.suppression import survivors

PICTURE = np.zeros((SIZE, SIZE, 3), np.uint8)
BOX = (20, 12, 44, 36)
CELL = 2 * 8 + 3
"""Row 2, column 3 of the grid with stride 8: its corner is (24, 16), its centre (28, 20)."""


def configuration(file: Path, adapter: str) -> ModelConfiguration:
    return ModelConfiguration(
        name="made", file=file, adapter=adapter, person=(0,), vehicle=(1,), bag=(3,)
    )


def found(file: Path, adapter: str, backend: str = "onnxruntime") -> Detections:
    choice = Choice(backend, model=configuration(file, adapter))
    return load_detector(choice, SIZE, SIZE).detect(PICTURE)


def distances(reaches: tuple[int, int, int, int], bins: int) -> NDArray[np.float32]:
    """Four distributions with all their weight on one bin each."""
    table = np.zeros((4, bins), np.float32)
    table[range(4), reaches] = 60
    return table.ravel()


def nanodet(bins: int, points: int, reaches: tuple[int, int, int, int]) -> dict[str, Any]:
    table = np.zeros((1, points, 4 + 4 * bins), np.float32)
    table[0, CELL, 1] = 0.8
    table[0, CELL, 4:] = distances(reaches, bins)
    table[0, CELL + 1, 2] = 0.9  # a class that isn't kept
    return {"output": table}


def yolox(box: tuple[float, float, float, float]) -> dict[str, Any]:
    table = np.zeros((1, 84, 9), np.float32)
    table[0, CELL, :5] = (*box, 0.8)
    table[0, CELL, 5 + 1] = 1.0
    return {"output": table}


def rtmdet_maps() -> dict[str, Any]:
    maps: dict[str, Any] = {}
    for size in (8, 4, 2):
        maps[f"cls_{size}"] = np.full((1, 4, size, size), -20, np.float32)
    for size in (8, 4, 2):
        maps[f"reg_{size}"] = np.zeros((1, 4, size, size), np.float32)
    maps["cls_8"][0, 1, 2, 3] = np.log(0.8 / 0.2)
    maps["reg_8"][0, :, 2, 3] = (4, 4, 20, 20)
    return maps


def columns(*values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array([values], np.float32)


CORNERS = columns(BOX, (0, 0, 9, 9))
LABELS = np.array([[1, 2]], np.float32)
SCORES = np.array([[0.8, 0.9]], np.float32)
LOGITS = columns((-20, np.log(4), -20, -20), (-20, -20, np.log(9), -20))
CENTRES = columns((0.5, 0.375, 0.375, 0.375), (0.1, 0.1, 0.1, 0.1))

FAMILIES = [
    pytest.param("nanodet", nanodet(11, 84, (1, 1, 2, 2)), id="NanoDet: from cell centres"),
    pytest.param("yolox", yolox((1, 1, np.log(3), np.log(3))), id="YOLOX: raw"),
    pytest.param("yolox-decoded", yolox((32, 24, 24, 24)), id="YOLOX: decoded"),
    pytest.param("detr", {"logits": LOGITS, "pred_boxes": CENTRES}, id="D-FINE: logits"),
    pytest.param(
        "detr", {"labels": LABELS, "boxes": CORNERS, "scores": SCORES}, id="RT-DETR: labels"
    ),
    pytest.param("rtmdet", rtmdet_maps(), id="RTMDet: maps"),
    pytest.param(
        "rtmdet",
        {"dets": np.concatenate([CORNERS, SCORES[..., np.newaxis]], axis=2), "labels": LABELS},
        id="RTMDet: dets",
    ),
]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
@pytest.mark.parametrize(("adapter", "outputs"), FAMILIES)
def test_each_family_says_the_same_vehicle(
    tmp_path: Path, adapter: str, outputs: dict[str, Any], backend: str
) -> None:
    objects = found(saying(tmp_path, outputs), adapter, backend)
    np.testing.assert_allclose(objects.boxes, [BOX], atol=0.1)
    np.testing.assert_allclose(objects.scores, [0.8], atol=1e-4)
    assert objects.kinds.tolist() == [Kind.VEHICLE]


def test_nanodet_plus_counts_from_the_corner_of_a_cell(tmp_path: Path) -> None:
    objects = found(saying(tmp_path, nanodet(8, 85, (1, 1, 2, 2))), "nanodet-plus")
    np.testing.assert_allclose(objects.boxes, [(16, 8, 40, 32)], atol=0.1)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_model_that_wants_the_pictures_size_is_told_it(tmp_path: Path, backend: str) -> None:
    outputs: dict[str, Any] = {"labels": LABELS, "boxes": CORNERS / SIZE, "scores": SCORES}
    file = saying(tmp_path, outputs, sized=True)
    np.testing.assert_allclose(found(file, "detr", backend).boxes, [BOX], atol=0.1)


@pytest.mark.parametrize(
    ("adapter", "expected"),
    [
        ("nanodet", r"one output \(1, 84, classes \+ 44\)"),
        ("nanodet-plus", r"one output \(1, 85, classes \+ 32\)"),
        ("yolox", r"one output \(1, 84, 5 \+ classes\)"),
        ("yolox-decoded", r"one output \(1, 84, 5 \+ classes\)"),
        ("detr", "labels, boxes and scores, or logits and pred_boxes"),
        ("rtmdet", "dets and labels, or three class maps"),
    ],
)
def test_a_model_of_another_family_is_refused_with_what_was_expected(
    tmp_path: Path, adapter: str, expected: str
) -> None:
    file = saying(tmp_path, {"something": np.zeros((1, 128))})
    with pytest.raises(ModelUnusable, match=expected) as error:
        found(file, adapter)
    assert "something (1, 128)" in error.value.message


@pytest.mark.parametrize(
    ("adapter", "outputs"),
    [
        pytest.param("nanodet", {"output": np.zeros((1, 84, 3 + 44))}, id="NanoDet"),
        pytest.param("yolox", {"output": np.zeros((1, 84, 5 + 3))}, id="YOLOX"),
        pytest.param("detr", {"logits": LOGITS[..., :3], "pred_boxes": CENTRES}, id="D-FINE"),
    ],
)
def test_a_model_with_fewer_classes_than_configured_is_refused(
    tmp_path: Path, adapter: str, outputs: dict[str, Any]
) -> None:
    with pytest.raises(ModelUnusable, match="at least"):
        found(saying(tmp_path, outputs), adapter)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_weights_that_are_no_model_are_refused(tmp_path: Path, backend: str) -> None:
    file = tmp_path / "made.onnx"
    file.write_bytes(b"not a model")
    with pytest.raises(ModelUnusable, match=r"can't load made\.onnx"):
        found(file, "nanodet", backend)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="no weights at"):
        found(tmp_path / "absent.onnx", "nanodet")


def test_weights_that_were_changed_are_refused(tmp_path: Path) -> None:
    file = saying(tmp_path, nanodet(11, 84, (1, 1, 2, 2)))
    model = configuration(file, "nanodet").model_copy(update={"sha256": "0" * 64})
    with pytest.raises(ModelUnusable, match="sha256 differs"):
        load_detector(Choice("onnxruntime", model=model), SIZE, SIZE)


def test_an_unknown_adapter_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"yolov5.*one of: nanodet, .*rtmdet"):
        found(saying(tmp_path, yolox((0, 0, 0, 0))), "yolov5")


@pytest.mark.parametrize(
    ("mistake", "word"),
    [
        ({"deviation": (1, 0, 1)}, "deviation must be above 0"),
        ({"height": 64}, "height and width go together"),
        ({"person": ()}, "no class is kept"),
        ({"persons": (0,)}, "persons"),
    ],
)
def test_an_impossible_configuration_is_refused(mistake: dict[str, Any], word: str) -> None:
    whole = {"name": "made", "file": Path("made.onnx"), "adapter": "yolox", **mistake}
    with pytest.raises(ValidationError, match=word):
        ModelConfiguration.model_validate(whole)


def test_the_vendored_weights_are_the_ones_the_card_describes() -> None:
    card = (NANODET.file.parent / "NANODET.md").read_text(encoding="utf-8")
    for file, sha256 in ((NANODET.file, NANODET.sha256), (NANODET.int8_file, NANODET.int8_sha256)):
        assert file is not None
        assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
        assert sha256 in card


def test_the_conversion_makes_the_vendored_bytes_again(tmp_path: Path) -> None:
    source = Path(os.environ.get("VEILLEUR_MODELS", ROOT.parent / "shared" / "models"))
    if not (source / "nanodet_416.onnx").is_file():
        pytest.skip(
            "direct conversion absent: VEILLEUR_MODELS names the folder of nanodet_416.onnx"
        )
    script = [sys.executable, str(ROOT / "scripts" / "convert_nanodet.py")]
    target = tmp_path / "again.onnx"
    subprocess.run([*script, str(source / "nanodet_416.onnx"), str(target)], check=True)
    assert target.read_bytes() == NANODET.file.read_bytes()


def test_the_embedded_model_knows_exactly_the_classes_it_keeps() -> None:
    assert NANODET.classes.tolist() == list(range(len(NANODET_CLASSES)))
    kinds = {NANODET_CLASSES[0], *NANODET_CLASSES[7:]}
    assert kinds == {"person", "backpack", "handbag", "suitcase"}
    assert NANODET.bag == (7, 8, 9)


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        ((1920, 1080), (256, 416)),
        ((640, 480), (320, 416)),
        ((768, 576), (320, 416)),
        ((1080, 1920), (416, 256)),
        ((500, 500), (416, 416)),
        ((4000, 100), (32, 416)),
    ],
)
def test_the_input_follows_the_cameras_shape(
    picture: tuple[int, int], size: tuple[int, int]
) -> None:
    assert input_size(*picture) == size


def boxes(count: int) -> st.SearchStrategy[NDArray[np.float32]]:
    numbers = st.floats(0, 100, width=32)
    return arrays(np.float32, (count, 4), elements=numbers).map(
        lambda a: np.concatenate([a[:, :2], a[:, :2] + a[:, 2:]], axis=1)
    )


@given(boxes(12), arrays(np.float32, 12, elements=st.floats(0, 1, width=32)))
def test_what_survives_doesnt_overlap_and_covers_what_fell(
    found: NDArray[np.float32], scores: NDArray[np.float32]
) -> None:
    kept = survivors(found, scores, 0.6, np.zeros(12, np.int8))
    mutual = iou(found[kept], found[kept])
    assert (mutual[~np.eye(len(kept), dtype=bool)] <= 0.6).all()
    fallen = np.setdiff1d(np.arange(12), kept)
    covered = iou(found[fallen], found[kept]) > 0.6
    better = scores[kept] >= scores[fallen][:, np.newaxis]
    assert (covered & better).any(axis=1).all()
    assert (np.diff(scores[kept]) <= 0).all()


def test_somebody_on_a_motorcycle_does_not_cover_it() -> None:
    found = np.array([BOX, BOX, BOX], np.float32)
    scores, kinds = np.array([0.5, 0.9, 0.8], np.float32), np.array([1, 1, 0], np.int8)
    assert survivors(found, scores, 0.6, kinds).tolist() == [2, 1]
