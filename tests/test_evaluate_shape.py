"""A file whose pictures change or are turned is measured as it would be watched live."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.cameras_media import make_turned
from tests.evaluating import clip, write_dataset
from tests.watching import ANYBODY, Made, street
from veilleur.cli.evaluate import evaluate
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.errors import DatasetError
from veilleur.evaluation import laboratory
from veilleur.evaluation.dataset import load
from veilleur.evaluation.laboratory import LaboratoryEngine
from veilleur.evaluation.runner import run

PHONE = (0.0, 1.0, -1.0, 0.0)
app = typer.Typer()
app.command()(evaluate)


def stands(_: float) -> float:
    return 0.5


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector that finds the bright block of a made clip."""
    monkeypatch.setattr(laboratory, "_detectors", lambda choice: Made())
    monkeypatch.setattr(sys.modules[evaluate.__module__], "_engine", lambda _: LaboratoryEngine())


@pytest.fixture
def changing(tmp_path: Path) -> Path:
    """Two seconds of 320 x 180, of 160 x 90 and of 160 x 160."""
    parts = [
        street(tmp_path / f"{n}.part.h264", 2.0, stands, size=size)
        for n, size in enumerate(((320, 180), (160, 90), (160, 160)))
    ]
    joined = tmp_path / "a.h264"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    return joined


def test_another_resolution_is_measured_and_another_shape_suspends_rules(changing: Path) -> None:
    shown = LaboratoryClip(id="a", path=changing, rules=(ANYBODY,), hold_last_s=1.0)
    steps = list(analyse(shown, Made()))
    blind = [step.scene.blind for step in steps]
    first = blind.index("other shape")
    assert [step.frame.picture.width for step in steps if step.frame][first - 1] == 160
    assert blind[:first] == [None] * first
    assert set(blind[first:]) == {"other shape"}
    assert steps[-1].time - steps[first].time > 2.5


@pytest.mark.usefixtures("made")
def test_the_report_tells_for_how_long_and_the_exit_code_that_it_was(
    tmp_path: Path, changing: Path
) -> None:
    folder = write_dataset(tmp_path, clip("a", file=changing.name))
    out, page = tmp_path / "r.json", tmp_path / "r.html"
    asked = [str(folder), "--jobs", "1", "--json", str(out), "--html", str(page)]
    result = CliRunner().invoke(app, asked)
    assert isinstance(result.exception, DatasetError)
    assert str(result.exception) == "rules were suspended in 1 clip of another shape: a"
    (line,) = json.loads(out.read_text())["clips"]
    assert line["error"] is None
    assert line["suspended_s"]["other shape"] == pytest.approx(2.0, abs=0.3)
    for words in (" ".join(result.output.split()), page.read_text()):
        assert f"rules suspended for {line['suspended_s']['other shape']:.1f} s: other" in words


@pytest.mark.usefixtures("made")
def test_a_turned_clip_is_measured_upright(tmp_path: Path) -> None:
    make_turned(tmp_path / "a.mp4", PHONE)
    (one,) = run(load(write_dataset(tmp_path, clip("a", file="a.mp4"))), LaboratoryEngine(), jobs=1)
    assert (one.width, one.height) == (180, 320)
    assert one.suspended_s == {}


@pytest.mark.usefixtures("made")
def test_a_clip_turned_by_an_odd_angle_is_not_measured(tmp_path: Path) -> None:
    make_turned(tmp_path / "a.mp4", (0.8, 0.6, -0.6, 0.8))
    (one,) = run(load(write_dataset(tmp_path, clip("a", file="a.mp4"))), LaboratoryEngine(), jobs=1)
    assert one.error is not None
    assert "turned by 37 degrees" in one.error
