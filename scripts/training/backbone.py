"""The first layers of the embedded detector, as something torch can train further."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

STAGES = {8: "concat4", 16: "concat7", 32: "concat11"}
"""Name of the last tensor of each stage in nanodet.onnx, by its stride."""
MIXED = "add1"
CHANNELS = {8: 128, 16: 256, 32: 512}


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a graph that is needed for one of its tensors."""

    nodes: tuple[onnx.NodeProto, ...]
    constants: dict[str, np.ndarray]


def cut(source: Path, last: str) -> Cut:
    """Everything of a model that `last` depends on; constants in float32, casts of them gone."""
    graph = onnx.load(source).graph
    stored = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    needed, nodes = {last}, []
    for node in reversed(graph.node):
        if needed.isdisjoint(node.output):
            continue
        needed.update(node.input)
        if node.op_type == "Cast" and node.input[0] in stored:
            stored[node.output[0]] = stored[node.input[0]].astype(np.float32)
        else:
            nodes.insert(0, node)
    used = {name for node in nodes for name in node.input}
    return Cut(tuple(nodes), {name: stored[name] for name in used if name in stored})


class Backbone(nn.Module):
    """Runs the nodes of the cut one after another; weights of convolutions are parameters.

    Takes (n, h, w, 3) float, BGR, 0..255; gives (n, channels, h / stride, w / stride).
    mixed: of stride 8, with what the coarser stages saw around it added.
    """

    def __init__(self, source: Path, stride: int = 16, *, mixed: bool = False) -> None:
        super().__init__()
        self.last, self.stride, self.channels = STAGES[stride], stride, CHANNELS[stride]
        if mixed:
            self.last, self.stride, self.channels = MIXED, 8, 128
        part = cut(source, self.last)
        self.nodes = part.nodes
        self.fixed: dict[str, Tensor] = {}
        weights = {name for node in part.nodes if node.op_type == "Conv" for name in node.input[1:]}
        for name, value in part.constants.items():
            tensor = torch.from_numpy(np.array(value))
            if name in weights:
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                self.fixed[name] = tensor

    def forward(self, images: Tensor) -> Tensor:
        known: dict[str, Tensor] = {**self.fixed, **dict(self.named_parameters())}
        known["image"] = images
        for node in self.nodes:
            known[node.output[0]] = _run(node, [known[name] for name in node.input if name])
        return known[self.last]


def _run(node: onnx.NodeProto, given: list[Tensor]) -> Tensor:
    said = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    match node.op_type:
        case "Cast":
            return given[0].float()
        case "Transpose":
            return given[0].permute(*said["perm"])
        case "Sub":
            return given[0] - given[1]
        case "Conv":
            top, left, bottom, right = said.get("pads", [0, 0, 0, 0])
            padded = functional.pad(given[0], (left, right, top, bottom))
            return functional.conv2d(padded, given[1], given[2], stride=said["strides"])
        case "LeakyRelu":
            return functional.leaky_relu(given[0], said["alpha"])
        case "MaxPool":
            return _pooled(given[0], said)
        case "Concat":
            return torch.cat(given, said["axis"])
        case "Add":
            return given[0] + given[1]
        case "Resize":
            scale = float(given[-1][-1])
            return functional.interpolate(given[0], scale_factor=scale, mode="bilinear")
    raise ValueError(f"{node.op_type} is not known here")


def _pooled(given: Tensor, said: dict[str, list[int]]) -> Tensor:
    top, left, bottom, right = said.get("pads", [0, 0, 0, 0])
    padded = functional.pad(given, (left, right, top, bottom), value=-1e9)
    return functional.max_pool2d(padded, said["kernel_shape"], said["strides"])
