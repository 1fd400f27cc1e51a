"""Makes src/veilleur/perception/weights/nanodet.int8.onnx from nanodet.onnx and the demo clip.

    python scripts/quantise_nanodet.py [OUTPUT]

Static quantisation (QDQ) by ONNX Runtime, of the convolutions alone: weights int8 per channel,
activations uint8, ranges (99.999th percentile) from pictures of the demo clip. The three last
convolutions stay in float32. Quantising the other operations too, or ranges by minimum and maximum,
cost more agreement (the model card has figures). Used only behind the gate of perception.choice.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from veilleur.perception.models import NANODET, WEIGHTS
from veilleur.perception.preprocess import padded
from veilleur.perception.reference import fitted, pictures

TARGET = WEIGHTS / "nanodet.int8.onnx"
SIZE = (320, 416)


def unfolded(source: Path) -> onnx.ModelProto:
    """The model with its float16 constants turned into float32 ones."""
    model = onnx.load(source)
    half = {i.name: i for i in model.graph.initializer}
    for node in list(model.graph.node):
        if node.op_type == "Cast" and node.input[0] in half:
            values = numpy_helper.to_array(half[node.input[0]]).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
            model.graph.initializer.remove(half[node.input[0]])
            model.graph.node.remove(node)
    return model


class Calibration(CalibrationDataReader):  # type: ignore[misc] # onnxruntime has no types
    """Pictures of the demo clip, each five times: whole, its middle and a mirrored quarter twice
    as large, darkened, brightened."""

    def __init__(self) -> None:
        self._tensors = self._make()

    def _make(self) -> Iterator[NDArray[np.uint8]]:
        for number, picture in enumerate(pictures(first=0, every=24, count=24)):
            for view in self._views(picture, number % 4):
                image = fitted(np.ascontiguousarray(view), *SIZE)
                yield padded(image, *SIZE, NANODET.padding)

    @staticmethod
    def _views(picture: NDArray[np.uint8], quarter: int) -> Iterator[NDArray[np.uint8]]:
        rows, columns = picture.shape[0] // 2, picture.shape[1] // 2
        top, left = quarter // 2 * rows, quarter % 2 * columns
        yield picture
        yield picture[rows // 2 : rows * 3 // 2, columns // 2 : columns * 3 // 2]
        yield picture[top : top + rows, left : left + columns][:, ::-1]
        yield (picture * 0.35).astype(np.uint8)
        yield np.clip(picture * 1.4 + 20, 0, 255).astype(np.uint8)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        tensor = next(self._tensors, None)
        return None if tensor is None else {"image": tensor}


def quantise(target: Path) -> None:
    """Write the int8 twin of the embedded weights."""
    model = unfolded(NANODET.file)
    last = [node.input[0] for node in model.graph.node if node.op_type == "Reshape"]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "float.onnx"
        onnx.save(model, source)
        quantize_static(
            source,
            target,
            Calibration(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=last,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": 99.999},
        )


if __name__ == "__main__":
    quantise(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
