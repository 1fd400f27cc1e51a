"""`veilleur evaluate` from the outside: options, exit codes, and the real engine on made scenes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import indent
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tests.evaluating import ToldEngine, clip, write_dataset
from tests.made_models import MADE, somebody_always
from tests.watching import street
from veilleur.cli.evaluate import evaluate, measure
from veilleur.errors import ConfigurationError, DatasetError, ModelUnusable, VeilleurError
from veilleur.evaluation.dataset import load
from veilleur.evaluation.laboratory import LaboratoryEngine
from veilleur.evaluation.results import Results
from veilleur.evaluation.runner import run
from veilleur.events.recording import Observation, Recording, write_recording
from veilleur.perception.objects import Detections

OPTIONS: dict[str, Any] = {"event": None, "html": None, "as_json": None, "jobs": 1, "clips": ()}
app = typer.Typer()
app.command()(evaluate)


def walk(file: Path, *, seconds: float = 10.0) -> None:
    """Somebody walks from the left edge to the right edge of 640x360, feet at y 300."""
    observations = []
    for number in range(int(seconds * 5)):
        x = 40 + 560 * number / (seconds * 5)
        box = np.array([[x - 18, 210, x + 18, 300]], np.float32)
        found = Detections(box, np.array([0.8], np.float32), np.zeros(1, np.int8))
        observations.append(Observation(number / 5, found))
    write_recording(file, Recording(640, 360, 5.0, tuple(observations)))


def walked(id_: str, *, truth: bool = True) -> dict[str, Any]:
    """In the zone from x = 0.4 to 0.7: 3.86 s to 7.28 s."""
    zone = [[0.4, 0.5], [0.7, 0.5], [0.7, 1.0], [0.4, 1.0]]
    rules = [{"id": "z", "event": "forbidden_zone", "zone": zone, "params": {"dwell_s": 1.0}}]
    truths = [{"rule": "z", "start_s": 3.9, "due_s": 4.9, "end_s": 7.2}] if truth else []
    return {"id": id_, "file": f"{id_}.scenes.jsonl", "rules": rules, "truth": truths}


def test_made_scenes_go_through_the_real_engine(tmp_path: Path) -> None:
    for name in ("a", "b"):
        walk(tmp_path / f"{name}.scenes.jsonl")
    folder = write_dataset(tmp_path, walked("a"), walked("b", truth=False))
    out = tmp_path / "r.json"
    measure(LaboratoryEngine, folder, **(OPTIONS | {"as_json": out}))
    results = Results.read(out)
    zone = results.events["forbidden_zone"]
    assert (zone.truths, zone.found, zone.false_alarms) == (1, 1, 1)
    assert zone.time_to_detect_s.p50 == pytest.approx(0.1, abs=0.3)
    assert all(a.laboratory for c in results.clips for a in c.alerts)
    assert {c.id: round(c.seconds) for c in results.clips} == {"a": 10, "b": 10}


def test_scenes_that_end_before_the_countdown_are_held(tmp_path: Path) -> None:
    """Cut off while he stands in the zone: five seconds more of it, watched as well."""
    walk(tmp_path / "a.scenes.jsonl")
    lines = (tmp_path / "a.scenes.jsonl").read_text().splitlines()
    (tmp_path / "a.scenes.jsonl").write_text("\n".join(lines[:22]))
    entry = walked("a") | {"hold_last_s": 5.0}
    results = measure(LaboratoryEngine, write_dataset(tmp_path, entry), **OPTIONS)
    assert results.clips[0].seconds == pytest.approx(9.2)
    assert results.events["forbidden_zone"].found == 1


def test_one_event_or_one_clip_can_be_asked_for(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, clip("a"), clip("b", negative_for=["density"]))
    one = measure(ToldEngine, folder, **(OPTIONS | {"clips": ["b"]}))
    assert [c.id for c in one.clips] == ["b"]
    dense = measure(ToldEngine, folder, **(OPTIONS | {"event": "density"}))
    assert list(dense.events) == ["density"]


def test_what_is_asked_for_has_to_exist(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, clip("a"))
    with pytest.raises(ConfigurationError, match='did you mean "density"'):
        measure(ToldEngine, folder, **(OPTIONS | {"event": "densty"}))
    with pytest.raises(DatasetError, match='no clip is called "x"'):
        measure(ToldEngine, folder, **(OPTIONS | {"clips": ["x"]}))
    with pytest.raises(ConfigurationError, match="cannot be written"):
        measure(ToldEngine, folder, **(OPTIONS | {"html": tmp_path / "no" / "r.html"}))


def test_another_detector_is_measured_if_a_file_names_it(tmp_path: Path) -> None:
    """A made model sees somebody in the middle of an empty street, where the embedded one doesn't:
    its mapping alone, and the site file that holds it, mean the same."""
    somebody_always(tmp_path)
    alone, site = tmp_path / "detector.yaml", tmp_path / "site.yaml"
    alone.write_text(MADE)
    site.write_text("site: s\ncameras: [{id: a}]\ndetector:\n" + indent(MADE, "  "))
    street(tmp_path / "a.mp4", 3.0, lambda seconds: None)
    folder = write_dataset(tmp_path, clip("a", truth=[]))
    out = tmp_path / "r.json"
    for file, alerts in ((alone, 1), (site, 1), (None, 0)):
        named = ["--detector", str(file)] if file else []
        result = CliRunner().invoke(app, [str(folder), "--jobs", "1", "--json", str(out), *named])
        assert result.exit_code == 0, result.output
        results = Results.read(out)
        assert sum(len(one.alerts) for one in results.clips) == alerts
        assert results.engine.startswith("Mine, openvino fp32") is bool(file)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("backend: openvno\n", ModelUnusable, "no back end is called 'openvno'"),
        ("backnd: openvino\n", ConfigurationError, "detector.yaml:1:1: backnd: unknown setting"),
        ("{name: M, file: none.onnx, adapter: yolox}", ModelUnusable, "no weights at"),
        ("{name: M, file: none.onnx, adapter: yollox}", ModelUnusable, "one of: nanodet"),
        ("{name: M, file: made.onnx, adapter: yolox}", ModelUnusable, "the yolox adapter expected"),
        ("site: s\ncameras: [{id: a}]\n", ConfigurationError, "this site file names no detector"),
    ],
)
def test_a_detector_that_cannot_work_is_told_before_anything_is_measured(
    tmp_path: Path, text: str, error: type[VeilleurError], words: str
) -> None:
    somebody_always(tmp_path)
    file = tmp_path / "detector.yaml"
    file.write_text(f"model: {text}\n" if text.startswith("{") else text)
    folder = write_dataset(tmp_path, clip("a"))
    result = CliRunner().invoke(app, [str(folder), "--detector", str(file)])
    assert isinstance(result.exception, error)
    assert words in str(result.exception)
    assert result.output == ""


def test_poor_quality_is_a_result_and_not_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_dataset(tmp_path, clip("a"))
    page = tmp_path / "r.html"
    results = measure(ToldEngine, folder, **(OPTIONS | {"html": page}))
    assert results.events["forbidden_zone"].recall == 0.0
    assert "LABORATORY" in page.read_text()
    told = capsys.readouterr().out
    assert "LABORATORY" in told
    assert "0/1" in told
    assert "…" not in told, "the table fits into 80 columns"


def test_a_mistake_in_one_clip_costs_only_that_and_is_told_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[evaluate.__module__], "_engine", lambda _: ToldEngine())
    typo = clip("b", rules=[{"id": "tracks", "event": "forbiden_zone"}])
    ways = ["wrong_way", "density"]
    flat = [{"id": "tracks", "event": "forbidden_zone", "zone": [[0, 0], [0.5, 0.5], [1, 1]]}]
    clips = [clip("a", note="x"), typo, clip("c", rules=flat, negative_for=ways), clip("d")]
    folder = write_dataset(tmp_path, *clips)
    (tmp_path / "d.mp4").unlink()
    out, page = tmp_path / "r.json", tmp_path / "r.html"
    asked = [str(folder), "--jobs", "1", "--json", str(out), "--html", str(page)]
    result = CliRunner().invoke(app, asked)
    assert isinstance(result.exception, DatasetError)
    told = str(result.exception)
    assert "1 of 4 clips could not be measured: d: file: d.mp4 is missing" in told
    assert "2 mistakes in rules, which were not measured: b rules[tracks].event" in told
    zone = json.loads(out.read_text())["events"]["forbidden_zone"]
    assert (zone["truths"], zone["truths_not_counted"]) == (1, 2)
    output = " ".join(result.output.split())
    assert "forbidden_zone: mistake in the dataset: 2 truths not counted" in output
    assert "wrong_way: no default heading: 1 rule not counted" in output
    assert 'the field "note" is not part of the format' in output
    for words in (output, page.read_text(), out.read_text()):
        for said in ("did you mean", "d.mp4 is missing", "has no area", "no default heading"):
            assert said in words


def test_no_default_heading_alone_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[evaluate.__module__], "_engine", lambda _: ToldEngine())
    folder = write_dataset(tmp_path, clip("a", negative_for=["wrong_way"]))
    assert CliRunner().invoke(app, [str(folder), "--jobs", "1"]).exit_code == 0


def test_a_file_that_is_no_video_is_told_after_the_others_were_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[evaluate.__module__], "_engine", lambda _: LaboratoryEngine())
    walk(tmp_path / "a.scenes.jsonl")
    out = tmp_path / "r.json"
    folder = write_dataset(tmp_path, walked("a"), clip("b"))
    result = CliRunner().invoke(app, [str(folder), "--jobs", "1", "--json", str(out)])
    assert isinstance(result.exception, DatasetError)
    assert "b.mp4" in str(result.exception)
    written = json.loads(out.read_text())
    assert written["events"]["forbidden_zone"]["found"] == 1


def test_two_runs_of_the_real_engine_are_the_same(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        walk(tmp_path / f"{name}.scenes.jsonl")
    dataset = load(write_dataset(tmp_path, walked("a"), walked("b"), walked("c", truth=False)))
    one = run(dataset, LaboratoryEngine(), jobs=1)
    other = run(dataset, LaboratoryEngine(), jobs=2)
    assert [(o.clip, o.alerts, o.seconds) for o in one] == [
        (o.clip, o.alerts, o.seconds) for o in other
    ]


def test_several_clips_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[evaluate.__module__], "_engine", lambda _: ToldEngine())
    folder = write_dataset(tmp_path, clip("a"), clip("b"), clip("c"))
    out = tmp_path / "r.json"
    asked = ["--clip", "c", "--clip", "a", "--jobs", "1", "--json", str(out)]
    result = CliRunner().invoke(app, [str(folder), *asked])
    assert result.exit_code == 0, result.output
    assert [c["id"] for c in json.loads(out.read_text())["clips"]] == ["a", "c"]


def test_a_broken_clip_alone_is_told_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[evaluate.__module__], "_engine", lambda _: LaboratoryEngine())
    (tmp_path / "b.mp4").write_bytes(b"no video at all " * 100)
    result = CliRunner().invoke(app, [str(write_dataset(tmp_path, clip("b"))), "--jobs", "1"])
    told = str(result.exception)
    assert "1 of 1 clip could not be measured: b: b.mp4 is no video, or is damaged" in told
    assert "Errno" not in told
    assert "the others" not in told


def test_a_short_silent_run_promises_no_number_of_cameras(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_dataset(tmp_path, clip("a", truth=[], negative_for=["fire"]))
    page = tmp_path / "r.html"
    measure(ToldEngine, folder, **(OPTIONS | {"html": page}))
    told = " ".join(capsys.readouterr().out.split())
    assert "too little watched to say (none in vain proves under 539 an hour)" in told
    assert "too little watched to say" in page.read_text()
    assert "none in 20 s proves" in page.read_text()
    assert "made, 1 clip " in told
    for text in (told, page.read_text()):
        assert "0 truths not counted" not in text


def test_a_crowd_is_counted_against_the_truth_also_where_the_rule_refuses(tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    crowds = Path(__file__).resolve().parents[1] / "datasets" / "crowds"
    measure(LaboratoryEngine, crowds, **(OPTIONS | {"as_json": out}))
    counting = Results.read(out).events["density"].counting
    assert len(counting) == 8
    assert {c.refused for c in counting} == {True, False}
    assert all(c.bias < 0 and c.samples > 50 for c in counting)
