"""A detector of one's own finds weapons: from a line in the site file to the alert."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import typer
from av.video.stream import VideoStream
from typer.testing import CliRunner

from tests.evaluating import clip, write_dataset
from tests.made_models import SIZE, brightest, saying
from veilleur.cli.evaluate import evaluate
from veilleur.evaluation.results import Results

app = typer.Typer()
app.command()(evaluate)

SITE = """\
site: Yard
cameras: [{id: yard}]
detector:
  backend: openvino
  model: {name: Somebody, file: made.onnx, adapter: detr, person: [1]}
  weapon: {name: Mine, file: brightest.onnx, adapter: detr, height: SIZE, width: SIZE, weapon: [N]}
"""
WIDTH, HEIGHT, RATE, SECONDS, SHOWN_S = 640, 480, 5, 9, 3.0
WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
IN_HAND, FAR = (360, 250), (40, 40)


def street(path: Path, thing: tuple[int, int]) -> None:
    """All of it changes all the time, so all of it is looked at; from the third second on something
    bright is there, and trembles."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for n in range(RATE * SECONDS):
            planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            coarse = random.integers(70, 130, (HEIGHT // 20, WIDTH // 20))
            planes[:HEIGHT] = coarse.repeat(20, axis=0).repeat(20, axis=1)
            if n / RATE >= SHOWN_S:
                x, y = thing[0] + random.integers(-3, 4), thing[1] + random.integers(-3, 4)
                planes[y - 10 : y + 10, x - 10 : x + 10] = 235
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        container.mux(stream.encode())


def somebody_large(folder: Path) -> None:
    """Somebody from 96 to 416 of 480 pixels, whatever is seen."""
    logits = np.array([[(-20, np.log(9), -20)]], np.float32)
    saying(folder, {"logits": logits, "pred_boxes": np.array([[(0.5, 0.4, 0.15, 0.5)]])})


@pytest.mark.parametrize(
    ("thing", "classes", "kind", "told"),
    [
        pytest.param(IN_HAND, "2", 2, 1, id="a weapon in somebody's hand"),
        pytest.param(IN_HAND, "0, 2", 0, 1, id="of another class that is a weapon too"),
        pytest.param(IN_HAND, "2", 0, 0, id="a thing of a class that is no weapon"),
        pytest.param(FAR, "2", 2, 0, id="a weapon far from everybody"),
    ],
)
def test_a_site_files_own_detector_of_weapons_leads_to_an_alert(
    tmp_path: Path, thing: tuple[int, int], classes: str, kind: int, told: int
) -> None:
    somebody_large(tmp_path)
    brightest(tmp_path, kind)
    site = tmp_path / "site.yaml"
    site.write_text(SITE.replace("SIZE", str(SIZE)).replace("[N]", f"[{classes}]"))
    street(tmp_path / "a.mp4", thing)
    truth = {"rule": "gun", "start_s": SHOWN_S, "due_s": SHOWN_S + 1, "end_s": 9.0, "note": "shown"}
    entry = clip("a", rules=[{"id": "gun", "event": "weapon", "zone": WHOLE}], truth=[truth])
    folder, out = write_dataset(tmp_path, entry), tmp_path / "r.json"
    asked = [str(folder), "--jobs", "1", "--json", str(out), "--detector", str(site)]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    weapons = Results.read(out).events["weapon"]
    assert (weapons.found, weapons.false_alarms) == (told, 0)
    if told:
        assert weapons.time_to_detect_s.p50 == pytest.approx(1.2, abs=1.0)
