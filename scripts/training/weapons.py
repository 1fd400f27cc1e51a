"""A verifier of weapons: how sure, for each part of the square, and how that is learnt."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from scripts.training.backbone import Backbone
from scripts.training.squares import SIDE
from torch import Tensor, nn
from torch.nn import functional

HIDDEN, GRID, CELL = 64, 6, 4  # parts of the square across; cells of stride 8 across a part
GAIN = 10.0  # the features are small
GREY = (0.114, 0.587, 0.299)  # of blue, green, red
HARDEST = 6  # cells without a weapon that count most
SEEN = 0.45  # share of a weapon in the square that makes it one
VAIN = 1.5  # what is said in vain weighs so much more than what is missed
OPSET, DIFFERS = 13, 0.01


class WeaponNet(nn.Module):
    """Takes (n, SIDE, SIDE) grey 0..255, gives (n, 24, 24) logits, one for each 8 x 8 pixels."""

    def __init__(self, source: Path) -> None:
        super().__init__()
        self.backbone = Backbone(source, mixed=True)
        self.near = nn.Conv2d(self.backbone.channels, HIDDEN, 3, padding=1)
        self.last = nn.Conv2d(HIDDEN, 1, 1)
        nn.init.constant_(self.last.bias, -3.0)

    def forward(self, grey: Tensor) -> Tensor:
        features = self.backbone(grey[..., None].expand(-1, -1, -1, 3)) * GAIN
        hidden = functional.leaky_relu(self.near(features), 0.1)
        return self.last(functional.dropout2d(hidden, 0.1, self.training))[:, 0]

    @torch.no_grad()
    def surety(self, images: np.ndarray) -> np.ndarray:
        """(n, GRID, GRID) 0..1 for (n, SIDE, SIDE) grey."""
        self.eval()
        parts = [
            functional.max_pool2d(
                torch.sigmoid(self(torch.from_numpy(part).float()))[:, None], CELL
            )
            for part in np.array_split(images, max(1, len(images) // 48))
        ]
        return torch.cat(parts)[:, 0].numpy()


def loss(logits: Tensor, boxes: list[np.ndarray]) -> Tensor:
    """Of each weapon the surest fifth of its cells counts, for a box holds more than the weapon;
    of the rest of a square all cells, and most the surest."""
    missed, weapons = torch.zeros(()), 0
    vain = torch.zeros(())
    for cells, found in zip(logits, boxes, strict=True):
        empty = torch.ones(cells.shape, dtype=torch.bool)
        for x1, y1, x2, y2, share in found:
            left, top = max(0, int(x1 // 8)), max(0, int(y1 // 8))
            right, bottom = math.ceil(x2 / 8), math.ceil(y2 / 8)
            empty[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = False
            mine = cells[top:bottom, left:right].reshape(-1)
            if share >= SEEN and len(mine):
                most = min(len(mine), max(2, min(30, len(mine) // 5)))
                missed = missed + functional.softplus(-mine.topk(most)[0]).mean()
                weapons += 1
        rest = cells[empty]
        if len(rest) > 20:
            hardest = functional.softplus(rest.topk(HARDEST)[0]).mean()
            vain = vain + hardest + 2 * functional.softplus(rest).mean()
    return missed / max(weapons, 1) + VAIN * vain / len(logits)


def export(network: WeaponNet, target: Path) -> None:
    """Writes the file. In: image (1, SIDE, SIDE, 3) uint8 BGR; out: scores (1, GRID * GRID).

    Weights are stored as float16; the scores differ by DIFFERS at most (asserted).
    """
    network.eval()
    constants = [
        numpy_helper.from_array(np.array(GREY, np.float32).reshape(1, 3, 1, 1), "grey"),
        numpy_helper.from_array(np.array([1, 3, 1, 1], np.int64), "thrice"),
        numpy_helper.from_array(np.array(GAIN, np.float32), "gain"),
        numpy_helper.from_array(np.array([1, GRID * GRID], np.int64), "row"),
    ]
    nodes = []
    for name, value in network.named_parameters():
        plain = name.removeprefix("backbone.")
        half = np.ascontiguousarray(value.detach().numpy().astype(np.float16))
        constants.append(numpy_helper.from_array(half, f"{plain}_half"))
        nodes.append(helper.make_node("Cast", [f"{plain}_half"], [plain], to=TensorProto.FLOAT))
    constants += [
        numpy_helper.from_array(value.numpy(), name)
        for name, value in network.backbone.fixed.items()
    ]
    graph = helper.make_graph(
        [*nodes, *_body(network)],
        "weapon",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, GRID * GRID])],
        constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="veilleur")
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, target)
    _compare(network, target)


def _body(network: WeaponNet) -> list[onnx.NodeProto]:
    """The backbone on a grey picture, the head, and the surest cell of each part."""
    backbone = []
    for node in network.backbone.nodes:
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        for index, name in enumerate(copied.input):
            if node.op_type == "Sub" and name == "image_planes":
                copied.input[index] = "image_grey"
        backbone.append(copied)
        if node.op_type == "Transpose":
            backbone += [
                helper.make_node("Conv", ["image_planes", "grey"], ["image_one"]),
                helper.make_node("Tile", ["image_one", "thrice"], ["image_grey"]),
            ]
    head = [
        helper.make_node("Mul", [network.backbone.last, "gain"], ["features"]),
        helper.make_node(
            "Conv", ["features", "near.weight", "near.bias"], ["near"], pads=[1, 1, 1, 1]
        ),
        helper.make_node("LeakyRelu", ["near"], ["hidden"], alpha=0.1),
        helper.make_node("Conv", ["hidden", "last.weight", "last.bias"], ["logits"]),
        helper.make_node(
            "MaxPool", ["logits"], ["parts"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]
        ),
        helper.make_node("Sigmoid", ["parts"], ["sure"]),
        helper.make_node("Reshape", ["sure", "row"], ["scores"]),
    ]
    return [*backbone, *head]


def _compare(network: WeaponNet, target: Path) -> None:
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    grey = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE), np.uint8)
    colour = np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=3))
    made = session.run(["scores"], {"image": colour})[0]
    wanted = network.surety(grey).reshape(1, -1)
    if not np.allclose(made, wanted, atol=DIFFERS):
        raise SystemExit(f"the file says {made}, the network {wanted}")
