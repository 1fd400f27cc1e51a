"""A small network that looks at one part of one picture, and says how sure it is of what is there.

A detector finds candidates cheaply and often in vain; a verifier is asked about each of them. It is
a backbone of the embedded detector, cut short, with a head of its own: the model card of each says
what it was trained on (`scripts/training`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.errors import ModelUnusable
from veilleur.geometry import Box, FloatArray, ImageArray, View
from veilleur.perception.backends import (
    BACKENDS,
    Backend,
    Session,
    backend,
)
from veilleur.perception.loader import Choice
from veilleur.perception.models import WEIGHTS, ModelConfiguration

LEAST_PX = 32  # of the picture: fewer pixels tell nothing


@dataclass(frozen=True, slots=True)
class VerifierModel:
    """Vendored weights of one verifier.

    file: name within `perception/weights`. side: pixels of its square input, BGR. classes: what its
    outputs are about, in order; each is a probability of its own, 0..1. margin: the square that is
    shown, in longer sides of the box.
    """

    name: str
    file: str
    sha256: str
    side: int
    classes: tuple[str, ...]
    margin: float

    @property
    def configuration(self) -> ModelConfiguration:
        """As a back end wants it: (1, side, side, 3) uint8 in, `scores` (1, classes) out."""
        return ModelConfiguration(
            name=self.name,
            file=WEIGHTS / self.file,
            sha256=self.sha256,
            adapter="scores",
            height=self.side,
            width=self.side,
            layout="picture",
        )


class Verifier:
    """A loaded verifier. Several threads may ask at once."""

    def __init__(self, session: Session, model: VerifierModel) -> None:
        self.model = model
        self._session = session

    def scores(self, picture: Picture, view: View, box: Box) -> FloatArray:
        """(classes,) how sure it is of each, 0..1, in the square around the box (view pixels)."""
        region = square(picture, view, box, self.model.margin)
        return self.of(picture.bgr(self.model.side, self.model.side, region))

    def of(self, image: ImageArray) -> FloatArray:
        """(classes,) the same for a (side, side, 3) BGR square."""
        outputs = self._session.run(np.ascontiguousarray(image[np.newaxis]))
        found = np.array(outputs["scores"], np.float64).reshape(-1)
        if len(found) != len(self.model.classes):
            raise ModelUnusable(
                f"{self.model.name} says {len(found)} scores, {len(self.model.classes)} are meant",
                remedy="install veilleur again",
                model=self.model.name,
            )
        return found


def square(picture: Picture, view: View, box: Box, margin: float) -> tuple[int, int, int, int]:
    """Corners of the square that is shown for a box: pixels of the picture, inside it.

    margin: its side in longer sides of the box. Near an edge it is moved inwards, never cut, so a
    network sees no border that it was not trained on.
    """
    across, down = picture.width / view.width, picture.height / view.height
    most = min(picture.width, picture.height)
    wanted = margin * max(box.width * across, box.height * down)
    side = max(2, int(min(max(wanted, LEAST_PX), most)) // 2 * 2)
    x, y = (
        int(min(max(0.0, at - side / 2), limit - side)) // 2 * 2
        for at, limit in (
            (box.centre[0] * across, picture.width),
            (box.centre[1] * down, picture.height),
        )
    )
    return x, y, x + side, y + side


def load_verifier(
    model: VerifierModel, choice: Choice, *, backends: Sequence[Backend] = BACKENDS
) -> Verifier:
    """With the back end that runs the detector, never in int8. Raises ModelUnusable."""
    loading = choice.small(model.configuration, model.side)
    verifier = Verifier(backend(choice.backend, backends).load(loading), model)
    verifier.of(np.zeros((model.side, model.side, 3), np.uint8))
    return verifier
