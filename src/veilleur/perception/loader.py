"""Weights, back end and adapter put together: the detector everybody else sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from veilleur.errors import ModelUnusable
from veilleur.geometry import ImageArray
from veilleur.perception.adapters import ADAPTERS, Request, objects
from veilleur.perception.backends import (
    BACKENDS,
    Backend,
    Loading,
    Precision,
    Session,
    backend,
    cores,
)
from veilleur.perception.models import NANODET, ModelConfiguration
from veilleur.perception.objects import Detections
from veilleur.perception.preprocess import tensor

LOWEST_SCORE = 0.1


@dataclass(frozen=True, slots=True)
class Choice:
    """Which back end runs which model, and how.

    streams: inferences at once (0: one a core); threads: of each inference. weapon: a detector of
    the user's that finds weapons; None: the embedded verifier.
    """

    backend: str = "openvino"
    precision: Precision = Precision.FP32
    streams: int = 0
    threads: int = 1
    model: ModelConfiguration = NANODET
    weapon: ModelConfiguration | None = None

    def small(self, model: ModelConfiguration, side: int) -> Loading:
        """How a small network of square input, side pixels, is loaded beside the detector.

        Never in int8, and as many inferences at once on one thread each: it has too little to share
        out, and threads that wait for each other cost more than they save.
        """
        precision = Precision.FP32 if self.precision is Precision.INT8 else self.precision
        return Loading(model, precision, side, side, (self.streams or cores()) * self.threads)

    def __str__(self) -> str:
        return f"{self.model.name}, {self.backend} {self.precision}"


class LoadedDetector:
    """A detector of the contract: several threads may call `detect` at once.

    The same picture gives the same boxes, bit by bit, in every process with the same choice.
    """

    def __init__(
        self, choice: Choice, session: Session, height: int, width: int, threshold: float
    ) -> None:
        self.name = str(choice)
        self.height, self.width = height, width
        self._model = choice.model
        self._session = session
        self._adapter = ADAPTERS[choice.model.adapter]
        self._request = Request(height, width, choice.model.classes, threshold)

    def detect(self, image: ImageArray) -> Detections:
        rows, columns = image.shape[:2]
        outputs = self._session.run(tensor(image, self.height, self.width, self._model))
        found = objects(self._adapter(outputs, self._request), self._model, self._request.threshold)
        found.boxes[:, 0::2] = found.boxes[:, 0::2].clip(0, columns)
        found.boxes[:, 1::2] = found.boxes[:, 1::2].clip(0, rows)
        return found


def load_detector(
    choice: Choice,
    height: int,
    width: int,
    *,
    threshold: float = LOWEST_SCORE,
    backends: Sequence[Backend] = BACKENDS,
) -> LoadedDetector:
    """The detector for pictures of up to height x width pixels (see models.input_size).

    threshold: lowest score returned; the tracker uses the low ones, rules those of 0.5 and more.
    Raises ModelUnusable: file, back end or size.
    """
    cv2.setNumThreads(1)  # frames are analysed side by side: more threads only cost
    model = choice.model
    if model.adapter not in ADAPTERS:
        raise ModelUnusable(
            f"no adapter is called {model.adapter!r}",
            remedy=f"one of: {', '.join(ADAPTERS)}",
            model=model.name,
        )
    if model.height is not None and model.width is not None:
        if height > model.height or width > model.width:
            raise ModelUnusable(
                f"{model.name} takes {model.height}x{model.width}, asked for {height}x{width}",
                remedy="scale the picture to the model's size",
                model=model.name,
            )
        height, width = model.height, model.width
    loading = Loading(
        model, choice.precision, height, width, choice.streams or cores(), choice.threads
    )
    session = backend(choice.backend, backends).load(loading)
    return LoadedDetector(choice, session, height, width, threshold)
