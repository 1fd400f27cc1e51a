"""Where in a square a weapon is, by the vendored verifier or by a detector of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.made_models import SIZE, saying
from veilleur.errors import ConfigurationError
from veilleur.geometry import FloatArray, ImageArray
from veilleur.perception.backends import Session
from veilleur.perception.objects import Kind
from veilleur.perception.spotting import (
    GRID,
    SQUARE,
    WEAPON,
    DetectorSpotter,
    PartSpotter,
    load_spotter,
)
from veilleur.perception.verifier import Verifier
from veilleur.site import load_choice

OWN = """\
backend: openvino
weapon: {name: Mine, file: made.onnx, adapter: detr, weapon: [2, 0]}
"""


@dataclass
class Saying(Session):
    """Scores of the parts, whatever is shown."""

    parts: FloatArray

    def run(self, tensor: ImageArray | FloatArray) -> dict[str, FloatArray]:
        assert tensor.shape == (1, WEAPON.side, WEAPON.side, 3)
        return {"scores": self.parts}


def test_the_surest_part_of_the_square_says_how_sure_and_where() -> None:
    parts = np.full(GRID * GRID, 0.1)
    parts[1 * GRID + 4] = 0.7
    spotter = PartSpotter(Verifier(Saying(parts), WEAPON))
    spot = spotter.spot(np.zeros((spotter.side, spotter.side, 3), np.uint8))
    assert spot.surety == 0.7
    assert (spot.x, spot.y) == pytest.approx((4.5 / GRID, 1.5 / GRID))


def own_model(folder: Path, score: float, kind: int) -> None:
    """A detector of three classes that finds one thing of class `kind` at (0.25, 0.6), and less
    surely another elsewhere."""
    logits = np.full((1, 2, 3), -20.0)
    logits[0, :, kind] = np.log(score / (1 - score)), np.log(score / (1 - score)) - 1
    boxes = np.array([[(0.25, 0.6, 0.1, 0.2), (0.7, 0.2, 0.1, 0.2)]])
    saying(folder, {"logits": logits, "pred_boxes": boxes})


@pytest.mark.parametrize(
    ("kind", "surety"), [(2, 0.8), (0, 0.8), pytest.param(1, 0.0, id="no class of a weapon")]
)
def test_a_detector_of_ones_own_finds_weapons_by_its_classes(
    tmp_path: Path, kind: int, surety: float
) -> None:
    own_model(tmp_path, 0.8, kind)
    site = f"{OWN.replace('weapon: [2, 0]', f'weapon: [2, 0], height: {SIZE}, width: {SIZE}')}"
    (tmp_path / "own.yaml").write_text(site)
    spotter = load_spotter(load_choice(tmp_path / "own.yaml"))
    assert isinstance(spotter, DetectorSpotter)
    spot = spotter.spot(np.zeros((spotter.side, spotter.side, 3), np.uint8))
    assert spot.surety == pytest.approx(surety, abs=0.01)
    if surety:
        assert (spot.x, spot.y) == pytest.approx((0.25, 0.6), abs=0.02)


def test_the_persons_of_such_a_model_are_never_looked_at(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN.replace("weapon: [2, 0]", "person: [1], weapon: [2]"))
    weapon = load_choice(tmp_path / "own.yaml").weapon
    assert weapon is not None
    assert weapon.file == tmp_path / "made.onnx"
    assert [kind for kind, _ in weapon.kinds] == [Kind.WEAPON]
    assert SQUARE % 32 == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN.replace("weapon: [2, 0]", "person: [1]"), "name its classes"),
        (
            "model: {name: Mine, file: made.onnx, adapter: detr, weapon: [1]}",
            "weapons have a detector of their own",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        load_choice(tmp_path / "own.yaml")
