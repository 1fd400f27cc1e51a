"""Which weights, and how to speak to them: one configuration a model, the embedded one included."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, Field, model_validator

from veilleur.errors import ModelUnusable
from veilleur.geometry import IntArray
from veilleur.perception.objects import Kind

WEIGHTS = Path(__file__).parent / "weights"
STRIDE = 32
LONGEST = 416


class ModelConfiguration(BaseModel, frozen=True, extra="forbid"):
    """An ONNX detector: where it is, what it takes and what it says.

    `person`, `vehicle`, `bag` and `weapon` hold the model's class numbers for each kind; any other
    class is dropped before anything else sees it.
    """

    name: str = Field(description="shown to the user")
    file: Path = Field(description="ONNX file, float32 arithmetic")
    adapter: str = Field(description="how the outputs are read: see perception.adapters")
    int8_file: Path | None = Field(default=None, description="quantised twin of `file`, if any")
    sha256: str | None = Field(default=None, description="of `file`; checked at load")
    int8_sha256: str | None = Field(default=None, description="of `int8_file`; checked at load")
    height: int | None = Field(default=None, ge=32, description="pixels, where it is fixed")
    width: int | None = Field(default=None, ge=32, description="pixels, where it is fixed")
    layout: Literal["picture", "planes"] = Field(
        default="planes", description="picture: (1, h, w, 3) uint8; planes: (1, 3, h, w) float32"
    )
    colours: Literal["bgr", "rgb"] = "bgr"
    mean: tuple[float, float, float] = Field(default=(0, 0, 0), description="in order of colours")
    deviation: tuple[float, float, float] = Field(default=(1, 1, 1), description="divisor, > 0")
    padding: int = Field(default=114, ge=0, le=255, description="grey beside the picture")
    person: tuple[int, ...] = (0,)
    vehicle: tuple[int, ...] = ()
    bag: tuple[int, ...] = ()
    weapon: tuple[int, ...] = Field(default=(), description="for `detector.weapon` alone")
    overlap: float = Field(default=0.6, gt=0, lt=1, description="IoU at which two boxes are one")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if min(self.deviation) <= 0:
            raise ValueError("deviation must be above 0: the picture is divided by it")
        if (self.height is None) != (self.width is None):
            raise ValueError("height and width go together: give both, or neither")
        if not len(self.classes):
            raise ValueError("no class is kept: give person, vehicle, bag or weapon")
        return self

    @property
    def classes(self) -> IntArray:
        """(k,) class numbers that are kept, in the order person, vehicle, bag, weapon."""
        return np.array([*self.person, *self.vehicle, *self.bag, *self.weapon], np.int64)

    @property
    def kinds(self) -> tuple[tuple[Kind, slice], ...]:
        """Which of the kept classes belong to which kind."""
        counts = (len(self.person), len(self.vehicle), len(self.bag), len(self.weapon))
        ends = np.cumsum(counts).tolist()
        parts = [
            (kind, slice(end - count, end))
            for kind, count, end in zip(Kind, counts, ends, strict=True)
        ]
        return tuple((kind, part) for kind, part in parts if part.stop > part.start)


# A train is a vehicle: trams share streets, and long lorries and buses are at times named "train".
# The vendored file knows these ten classes, in this order; a test holds the two together.
NANODET_CLASSES = (
    "person",
    *("bicycle", "car", "motorcycle", "bus", "train", "truck"),
    *("backpack", "handbag", "suitcase"),
)
NANODET = ModelConfiguration(
    name="NanoDet",
    file=WEIGHTS / "nanodet.onnx",
    sha256="d8367ce963c6d1c3a995524ab713318463caa9bab0f843c768d85aca44346c46",
    int8_file=WEIGHTS / "nanodet.int8.onnx",
    int8_sha256="fa8bd8d04224fc928a69397348eeb62faa92ae0624a23c4b47bdf8ec48ced7ff",
    adapter="nanodet",
    layout="picture",
    person=(0,),
    vehicle=(1, 2, 3, 4, 5, 6),
    bag=(7, 8, 9),
)


def input_size(width: int, height: int, longest: int = LONGEST) -> tuple[int, int]:
    """(height, width) of the detector's input for a camera's picture, multiples of 32.

    >>> input_size(1920, 1080), input_size(640, 480), input_size(1080, 1920)
    ((256, 416), (320, 416), (416, 256))
    """
    scale = longest / max(width, height)
    rows, columns = (max(1, -(-round(side * scale) // STRIDE)) for side in (height, width))
    return rows * STRIDE, columns * STRIDE


def verified(file: Path, sha256: str | None) -> Path:
    """`file`, if it is there and is the one that was meant. Raises ModelUnusable."""
    if not file.is_file():
        raise ModelUnusable(
            f"no weights at {file}", remedy="check the path in the configuration", model=file.name
        )
    if sha256 is not None and hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise ModelUnusable(
            f"{file} is not the file it should be (sha256 differs)",
            remedy="install veilleur again, or correct sha256 in the configuration",
            model=file.name,
        )
    return file
