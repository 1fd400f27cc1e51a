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
