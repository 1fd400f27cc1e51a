"""A verifier looks at a square around a box, and its weights are checked before they are run."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from veilleur.cameras.picture import Picture
from veilleur.errors import ModelUnusable
from veilleur.geometry import Box, ImageArray, View
from veilleur.perception import verifier as verifying
from veilleur.perception.loader import Choice
from veilleur.perception.verifier import VerifierModel, load_verifier, square

CHOICE = Choice(streams=1)
SIDE = 64


def picture_of(image: ImageArray) -> Picture:
    return Picture(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8))


def mean_colour(folder: Path) -> VerifierModel:
    """A "network" whose three scores are the mean blue, green and red of what it is shown."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, SIDE, SIDE, 3])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["real"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Div", ["mean", "most"], ["scores"]),
    ]
    most: NDArray[np.float32] = np.array(255, np.float32)
    graph = helper.make_graph(
        nodes, "mean", [image], [scores], [numpy_helper.from_array(most, "most")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, folder / "mean.onnx")
    return VerifierModel("Mean", "mean.onnx", "", SIDE, ("blue", "green", "red"), 2.0)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VerifierModel:
    monkeypatch.setattr(verifying, "WEIGHTS", tmp_path)
    model = mean_colour(tmp_path)
    return replace(model, sha256=sha256((tmp_path / model.file).read_bytes()).hexdigest())


def test_it_is_shown_the_square_around_the_box_and_nothing_else(made: VerifierModel) -> None:
    """Red where the box is, twice as large as it; blue elsewhere; the view twice the picture."""
    image = np.zeros((240, 320, 3), np.uint8)
    image[..., 0] = 255
    image[60:140, 100:180] = (0, 0, 255)
    scores = load_verifier(made, CHOICE).scores(
        picture_of(image), View(640, 480), Box(240, 160, 320, 240)
    )
    assert scores[2] > 0.95
    assert scores[0] < 0.05


def test_a_square_keeps_its_size_at_the_edge_and_never_leaves_the_picture() -> None:
    picture, view = picture_of(np.zeros((240, 320, 3), np.uint8)), View(320, 240)
    assert square(picture, view, Box(100, 100, 140, 120), 2.0) == (80, 70, 160, 150)
    assert square(picture, view, Box(-20, 220, 20, 240), 2.0) == (0, 160, 80, 240)
    assert square(picture, view, Box(0, 0, 320, 240), 2.0) == (40, 0, 280, 240)
    assert square(picture, view, Box(100, 100, 102, 102), 1.0) == (84, 84, 116, 116)


def test_weights_that_are_not_those_that_were_meant_are_refused(made: VerifierModel) -> None:
    with pytest.raises(ModelUnusable, match="sha256"):
        load_verifier(replace(made, sha256="0" * 64), CHOICE)


def test_a_network_with_other_outputs_than_it_should_have_is_refused(made: VerifierModel) -> None:
    with pytest.raises(ModelUnusable, match="3 scores, 1"):
        load_verifier(replace(made, classes=("red",)), CHOICE)
