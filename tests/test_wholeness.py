"""A clip that is cut, damaged or ends before its truths is measured as far as it goes, in words."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tests.evaluating import VIEW, ToldEngine, clip, write_dataset
from tests.watching import street
from veilleur.cameras.decoding import Counts
from veilleur.cameras.replay import sampled
from veilleur.cameras.sampling import Sampler
from veilleur.cli.evaluate import evaluate
from veilleur.engine.pipeline import Step
from veilleur.errors import DatasetError
from veilleur.evaluation.clip import Clip
from veilleur.evaluation.dataset import load
from veilleur.evaluation.laboratory import LaboratoryEngine
from veilleur.evaluation.observer import Observed
from veilleur.evaluation.results import assess_all, summarise
from veilleur.evaluation.runner import Request, run
from veilleur.evaluation.wholeness import Reading, Watched, announced_s, remarks
from veilleur.events.scene import Scene

HEAD = '{"schema": 1, "width": 640, "height": 360, "rate": 5.0}\n'
app = typer.Typer()
app.command()(evaluate)


class Watching(ToldEngine):
    """Really decodes the video, and looks at nothing."""

    def analyse(self, request: Request) -> Iterator[Step]:
        for frame in sampled(request.path, Sampler(request.camera), told=request.told):
            yield Step(scene=Scene(request.camera, frame.time, VIEW), frame=frame)


def observed(folder: Path, *clips: dict[str, Any]) -> tuple[Observed, ...]:
    return run(load(write_dataset(folder, *clips)), Watching(), jobs=1)


def empty(seconds: float) -> str:
    lines = [json.dumps({"t": n / 5, "objects": []}) for n in range(round(seconds * 5))]
    return HEAD + "\n".join(lines)


def test_a_cut_video_says_where_it_ends_and_which_truths_lie_behind(tmp_path: Path) -> None:
    street(tmp_path / "whole.mkv", 12.0)
    whole = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 3])
    truth = [
        {"rule": "tracks", "start_s": 0.5, "due_s": 1.5, "end_s": 2.0},
        {"rule": "tracks", "start_s": 9.5, "due_s": 10.5, "end_s": 11.0},
    ]
    clips = (clip(n, file=f"{n}.mkv", truth=truth) for n in ("whole", "cut"))
    fine, cut = observed(tmp_path, *clips)
    assert fine.remarks == ()
    (said, *_) = cut.remarks
    assert said.startswith(f"ends at {cut.ends_s:.1f} s: the file announces 12.0 s")
    assert "truth[1] lies after the end" in said
    assert cut.ends_s < 6.0
    assert cut.error is None


def test_pictures_that_cannot_be_decoded_are_counted(tmp_path: Path) -> None:
    """Packets in the middle overwritten, as by a failing disk."""
    street(tmp_path / "a.mkv", 6.0)
    content = bytearray((tmp_path / "a.mkv").read_bytes())
    third = len(content) // 3
    content[third : third + third // 2] = np.random.default_rng(4).bytes(third // 2)
    (tmp_path / "a.mkv").write_bytes(content)
    (one,) = observed(tmp_path, clip("a", file="a.mkv"))
    (said,) = one.remarks
    assert re.fullmatch(
        r"ends at 6\.0 s: \d+ pictures? could not be decoded and \d\.\d s are missing", said
    )


def test_a_video_of_which_nothing_can_be_decoded_is_unreadable(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).bytes(400)
    (tmp_path / "a.h264").write_bytes(b"\x00\x00\x00\x01\x67" + noise)
    (one,) = observed(tmp_path, clip("a", file="a.h264"))
    assert one.error
    assert [w.kind for w in one.withheld] == ["unreadable"]


def test_scenes_without_an_observation_are_unreadable_and_the_exit_code_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[evaluate.__module__], "_engine", lambda _: LaboratoryEngine())
    (tmp_path / "a.scenes.jsonl").write_text(HEAD)
    (tmp_path / "b.scenes.jsonl").write_text(empty(20.0))
    truth = clip("b")["truth"] + [{"rule": "tracks", "start_s": 50, "due_s": 51, "end_s": 52}]
    folder = write_dataset(
        tmp_path,
        clip("a", file="a.scenes.jsonl"),
        clip("b", file="b.scenes.jsonl", truth=truth),
    )
    out, page = tmp_path / "r.json", tmp_path / "r.html"
    asked = [str(folder), "--jobs", "1", "--json", str(out), "--html", str(page)]
    result = CliRunner().invoke(app, asked)
    assert isinstance(result.exception, DatasetError)
    assert "a.scenes.jsonl holds no observation that can be read" in str(result.exception)
    zone = json.loads(out.read_text())["events"]["forbidden_zone"]
    assert (zone["truths"], zone["truths_not_counted"]) == (2, 1)
    for words in (" ".join(result.output.split()), out.read_text(), page.read_text()):
        assert "ends at 20.0 s: truth[1] lies after the end" in words
        assert "holds no observation" in words


@pytest.mark.parametrize("last", [1e9, 3600.0])
def test_a_gap_is_not_watched(tmp_path: Path, last: float) -> None:
    lines = [*empty(20.0).splitlines(), json.dumps({"t": last, "objects": []})]
    (tmp_path / "a.scenes.jsonl").write_text("\n".join(lines))
    dataset = load(write_dataset(tmp_path, clip("a", file="a.scenes.jsonl")))
    assessed = assess_all(dataset, run(dataset, LaboratoryEngine(), jobs=1))
    results = summarise(dataset, assessed, engine="", wall_s=1.0, processes=1)
    assert results.clips[0].seconds == pytest.approx(20.0)
    assert results.clips[0].ends_s == pytest.approx(last + 0.2)
    assert "s without pictures are not counted as watched" in results.clips[0].remarks[0]


def test_time_watched_is_the_span_and_the_last_picture_stands_as_long_as_the_one_before() -> None:
    assert Watched.of([]) == Watched(0, 0.0, 0.0, 0.0)
    assert Watched.of([3.0]) == Watched(1, 0.0, 3.0, 0.0)
    assert Watched.of([1.0, 1.5, 2.0]) == Watched(3, 1.5, 2.5, 0.0)
    slow = Watched.of([0.0, 20.0, 40.0])
    assert (slow.seconds, slow.gaps_s) == (60.0, 0.0)


def test_hardly_any_pictures_and_a_clock_that_jumps_are_said() -> None:
    one = Clip(id="a", file="a.mp4")
    few = Watched(2, 0.4, 0.4, 0.0)
    assert remarks(one, few, Reading(Counts(), None)) == ("ends at 0.4 s: only 2 pictures in it",)
    fine = replace(few, pictures=50, ends_s=10.0)
    jumpy = Reading(Counts(jumps=1, corrupt=3), 90.0)
    assert remarks(one, fine, jumpy) == (
        "ends at 10.0 s: 3 pictures could not be decoded",
        "its clock jumps 1 time: times after a jump are counted on from the picture before",
    )
    held = Clip(id="a", file="a.mp4", hold_last_s=6.0)
    assert remarks(held, fine, Reading(Counts(), 4.0)) == ()
    assert remarks(held, fine, Reading(Counts(), 9.0))


def test_a_truth_in_a_clip_of_one_picture_is_a_miss_that_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[evaluate.__module__], "_engine", lambda _: LaboratoryEngine())
    (tmp_path / "a.scenes.jsonl").write_text(empty(0.2))
    folder = write_dataset(tmp_path, clip("a", file="a.scenes.jsonl"))
    page = tmp_path / "r.html"
    result = CliRunner().invoke(app, [str(folder), "--jobs", "1", "--html", str(page)])
    assert result.exit_code == 0
    assert "0/1" in result.output
    assert "only 1 picture in it" in " ".join(result.output.split())
    assert "0 of 1" in page.read_text()


def test_the_length_a_file_announces_is_its_videos(tmp_path: Path) -> None:
    assert announced_s(street(tmp_path / "a.mp4", 2.0)) == pytest.approx(2.0, abs=0.1)
    (tmp_path / "b.mp4").write_bytes(b"nothing")
    assert announced_s(tmp_path / "b.mp4") is None
