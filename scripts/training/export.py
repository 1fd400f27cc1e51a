"""From a trained verifier to the ONNX file that is shipped, without torch's own exporter.

Weights are stored as float16 and computed with in float32: half the size, and the scores differ in
the third digit at most (asserted). The same weights give the same bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from scripts.training.network import Verifier

OPSET = 13
DIFFERS = 0.01


def export(network: Verifier, side: int, classes: int, target: Path) -> str:
    """Writes the file; gives its sha256. In: image (1, side, side, 3) uint8 BGR; out: scores."""
    network.eval()
    weights = {
        name.rpartition(".")[2] if name.startswith("backbone.") else name: p.detach().numpy()
        for name, p in network.named_parameters()
    }
    constants, nodes = [], []
    for name, value in weights.items():
        stored = value.T if name == "last.weight" else value
        half = numpy_helper.from_array(
            np.ascontiguousarray(stored.astype(np.float16)), f"{name}_half"
        )
        constants.append(half)
        nodes.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    constants += [
        numpy_helper.from_array(value.numpy(), name)
        for name, value in network.backbone.fixed.items()
    ]
    graph = helper.make_graph(
        [*nodes, *network.backbone.nodes, *_head(network.backbone.last)],
        "verifier",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, side, side, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, classes])],
        constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="veilleur")
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, target)
    _compare(network, side, target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _head(features: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Conv", [features, "mix.weight", "mix.bias"], ["mixed_raw"]),
        helper.make_node("Relu", ["mixed_raw"], ["mixed"]),
        helper.make_node("GlobalAveragePool", ["mixed"], ["pooled_mean"]),
        helper.make_node("GlobalMaxPool", ["mixed"], ["pooled_most"]),
        helper.make_node("Concat", ["pooled_mean", "pooled_most"], ["pooled"], axis=1),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "last.weight", "last.bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
    ]


def _compare(network: Verifier, side: int, target: Path) -> None:
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8)
    image = np.ascontiguousarray(image)
    with torch.no_grad():
        wanted = torch.sigmoid(network(torch.from_numpy(image).float())).numpy()
    made = session.run(["scores"], {"image": image})[0]
    if not np.allclose(made, wanted, atol=DIFFERS):
        raise SystemExit(f"the file says {made}, the network {wanted}")
