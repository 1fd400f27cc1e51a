"""Tiny ONNX models whose outputs are known, made for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIZE = 64
MADE = """\
backend: openvino
model: {name: Mine, file: made.onnx, adapter: detr, person: [1]}
"""
"""What stands under `detector:` for the model of `somebody_always`."""


def somebody_always(folder: Path) -> Path:
    """A model as D-FINE is exported, that sees one person in the middle of any picture."""
    logits = np.array([[(-20, np.log(9), -20)]], np.float32)
    return saying(folder, {"logits": logits, "pred_boxes": np.array([[(0.5, 0.6, 0.1, 0.4)]])})


def saying(folder: Path, outputs: Mapping[str, NDArray[Any]], *, sized: bool = False) -> Path:
    """A model that takes (1, 3, 64, 64) float32 and says `outputs` whatever it sees.

    sized: it also takes the picture's size, as exports of D-FINE and RT-DETR do.
    """
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
    inputs = [image]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    if sized:
        size = helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [1, 2])
        inputs.append(size)
        nodes += [
            helper.make_node("Cast", ["orig_target_sizes"], ["sizes"], to=TensorProto.FLOAT),
            helper.make_node("Slice", ["sizes", "start", "end", "axis"], ["width"]),
        ]
    constants: dict[str, NDArray[Any]] = {
        "zero": np.zeros((), np.float32),
        "start": np.array([0], np.int64),
        "end": np.array([1], np.int64),
        "axis": np.array([1], np.int64),
    }
    made = []
    for name, array in outputs.items():
        constants[f"{name}_value"] = array.astype(np.float32)
        scaled = sized and name == "boxes"
        if scaled:
            nodes.append(helper.make_node("Mul", [f"{name}_value", "width"], ["scaled"]))
        told = ["scaled" if scaled else f"{name}_value", "nothing"]
        nodes.append(helper.make_node("Add", told, [name]))
        made.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))
    stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "made", inputs, made, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    file = folder / "made.onnx"
    onnx.save(model, file)
    return file


def brightest(folder: Path, kind: int) -> Path:
    """A detector of three classes, as D-FINE is exported, that looks: a thing of class `kind` is
    where the picture is brightest, for sure above grey level 200, and not at all below 160."""
    values = {
        "row": np.array([1, SIZE * SIZE], np.int64),
        "across": np.array([SIZE], np.int64),
        "half": np.array(0.5, np.float32),
        "side": np.array(SIZE, np.float32),
        "size": np.full((1, 2), 0.1, np.float32),
        "box": np.array([1, 1, 4], np.int64),
        "least": np.array(180.0, np.float32),
        "steep": np.array(4.0, np.float32),
        "one": np.array([1, 1, 1], np.int64),
        "which": np.eye(3, dtype=np.float32)[kind].reshape(1, 1, 3),
        "never": (-20 * (1 - np.eye(3, dtype=np.float32)[kind])).reshape(1, 1, 3),
    }
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["grey"], axes=[1]),
        helper.make_node("Reshape", ["grey", "row"], ["flat"]),
        helper.make_node("ArgMax", ["flat"], ["at"], axis=1),
        helper.make_node("Mod", ["at", "across"], ["column"]),
        helper.make_node("Div", ["at", "across"], ["line"]),
        helper.make_node("Concat", ["column", "line"], ["whole"], axis=1),
        helper.make_node("Cast", ["whole"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["float", "half"], ["middle"]),
        helper.make_node("Div", ["middle", "side"], ["place"]),
        helper.make_node("Concat", ["place", "size"], ["corners"], axis=1),
        helper.make_node("Reshape", ["corners", "box"], ["pred_boxes"]),
        helper.make_node("ReduceMax", ["flat"], ["most"], axes=[1]),
        helper.make_node("Sub", ["most", "least"], ["above"]),
        helper.make_node("Div", ["above", "steep"], ["sure"]),
        helper.make_node("Reshape", ["sure", "one"], ["surety"]),
        helper.make_node("Mul", ["surety", "which"], ["said"]),
        helper.make_node("Add", ["said", "never"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightest",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1, 3]),
            helper.make_tensor_value_info("pred_boxes", TensorProto.FLOAT, [1, 1, 4]),
        ],
        [numpy_helper.from_array(array, name) for name, array in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    file = folder / "brightest.onnx"
    onnx.save(model, file)
    return file
