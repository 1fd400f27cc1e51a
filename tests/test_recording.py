"""Boxes instead of pixels: what is read is what was written, and what is wrong is told by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veilleur.errors import DatasetError
from veilleur.events.recording import Observation, Recording, read_recording, write_recording
from veilleur.perception.objects import Detections, Kind

HEAD = {"schema": 1, "width": 640, "height": 360, "rate": 5.0}
ONE = ["person", 0.81, 100.0, 200.5, 140.0, 310.0]


def written(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "clip.scenes.jsonl"
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(text), encoding="utf-8")
    return path


def refused(path: Path, line: int | None, *words: str) -> None:
    with pytest.raises(DatasetError) as told:
        read_recording(path)
    assert told.value.clip == path.name
    assert told.value.remedy
    assert str(path) in told.value.message
    assert line is None or f"{path}:{line}: " in told.value.message
    for word in words:
        assert word in told.value.message


def found() -> Detections:
    boxes = np.array([[1.04, 2.26, 30.0, 40.0], [5, 6, 70, 80]], np.float32)
    kinds = np.array([Kind.PERSON, Kind.VEHICLE], np.int8)
    return Detections(boxes, np.array([0.814, 0.5], np.float32), kinds)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "clip.scenes.jsonl"
    seen = (Observation(0.12345, found()), Observation(0.5, Detections.none()))
    write_recording(path, Recording(640, 360, 12.5, seen))
    again = read_recording(path)
    assert (again.width, again.height, again.rate) == (640, 360, 12.5)
    assert [one.time for one in again.observations] == [0.123, 0.5]
    first, second = (one.detections for one in again.observations)
    assert first.boxes == pytest.approx(np.array([[1.0, 2.3, 30, 40], [5, 6, 70, 80]]))
    assert first.scores == pytest.approx([0.81, 0.5])
    assert first.kinds.tolist() == [Kind.PERSON, Kind.VEHICLE]
    columns = first.boxes, first.scores, first.kinds
    assert [column.dtype.name for column in columns] == ["float32", "float32", "int8"]
    assert len(second) == 0


def test_the_file_is_as_it_is_described(tmp_path: Path) -> None:
    path = tmp_path / "clip.scenes.jsonl"
    write_recording(path, Recording(640, 360, 5.0, (Observation(0.1, found()),)))
    assert path.read_text(encoding="utf-8") == (
        '{"schema": 1, "width": 640, "height": 360, "rate": 5.0}\n'
        '{"t":0.1,"objects":[["person",0.81,1.0,2.3,30.0,40.0],'
        '["vehicle",0.5,5.0,6.0,70.0,80.0]]}\n'
    )


def test_blank_lines_and_a_byte_order_mark_mean_nothing(tmp_path: Path) -> None:
    lines = ["\ufeff", json.dumps(HEAD), "", "  ", json.dumps({"t": 1, "objects": [ONE]}), ""]
    path = tmp_path / "clip.scenes.jsonl"
    path.write_text("\n".join(lines).replace("\ufeff\n", "\ufeff"), encoding="utf-8")
    (seen,) = read_recording(path).observations
    assert (seen.time, len(seen.detections)) == (1.0, 1)


def test_a_head_alone_is_a_recording_without_pictures(tmp_path: Path) -> None:
    assert read_recording(written(tmp_path, HEAD)).observations == ()


@pytest.mark.parametrize(
    ("head", "word"),
    [
        ("{", "no JSON"),
        ([1], "expected exactly height, rate, schema, width"),
        ({**HEAD, "more": 1}, "expected exactly height, rate, schema, width"),
        ({"schema": 1}, "expected exactly"),
        ({**HEAD, "schema": 2}, "schema 2, this version reads 1"),
        ({**HEAD, "width": "wide"}, "width must be a number"),
        ({**HEAD, "height": True}, "height must be a number"),
        ({**HEAD, "rate": None}, "rate must be a number"),
        ({**HEAD, "width": 0}, "must be positive"),
        ({**HEAD, "height": 0}, "must be positive"),
        ({**HEAD, "width": 640.5}, "must be positive"),
        ({**HEAD, "height": 360.5}, "must be positive"),
        ({**HEAD, "rate": 0}, "must be positive"),
        ({**HEAD, "rate": -5}, "must be positive"),
    ],
)
def test_a_head_that_is_wrong_is_told_with_its_line(
    tmp_path: Path, head: object, word: str
) -> None:
    refused(written(tmp_path, "", head), 2, word)


@pytest.mark.parametrize("head", [{**HEAD, "width": 1, "height": 1}, {**HEAD, "rate": 0.01}])
def test_the_smallest_and_the_slowest_are_read(tmp_path: Path, head: dict[str, Any]) -> None:
    assert read_recording(written(tmp_path, head)).rate == head["rate"]


def seen(*objects: object, t: object = 2.0) -> dict[str, object]:
    return {"t": t, "objects": list(objects)}


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("nonsense", "no JSON"),
        ({"t": 2.0}, "expected exactly objects, t"),
        (seen(t="late"), "t must be a number"),
        ('{"t": NaN, "objects": []}', "t must be a number"),
        ({"t": 2.0, "objects": {}}, "objects must be a list"),
        (seen("person"), "an object is"),
        (seen(ONE[:-1]), "an object is"),
        (seen([*ONE, 1]), "an object is"),
        (seen(["dog", *ONE[1:]]), "unknown kind 'dog': there is person"),
        (seen(["person", "sure", 1, 2, 3, 4]), "score must be a number"),
        (seen(["person", 0.5, None, 2, 3, 4]), "x1 must be a number"),
        (seen(["person", 0.5, 1, None, 3, 4]), "y1 must be a number"),
        (seen(["person", 0.5, 1, 2, None, 4]), "x2 must be a number"),
        (seen(["person", 0.5, 1, 2, 3, None]), "y2 must be a number"),
        (seen(["person", 1.01, 1, 2, 3, 4]), "score 1.01 is not within 0..1"),
        (seen(["person", -0.01, 1, 2, 3, 4]), "score -0.01 is not within 0..1"),
        (seen(["person", 0.5, 3, 2, 3, 4]), "x1 < x2 and y1 < y2"),
        (seen(["person", 0.5, 1, 4, 3, 4]), "x1 < x2 and y1 < y2"),
        (seen(["person", 0.5, 4, 2, 3, 4]), "x1 < x2 and y1 < y2"),
        (seen(["person", 0.5, 1, 5, 3, 4]), "x1 < x2 and y1 < y2"),
        (seen(t=1.0), "times must rise"),
        (seen(t=0.5), "times must rise"),
    ],
)
def test_a_picture_that_is_wrong_is_told_with_its_line(
    tmp_path: Path, line: object, word: str
) -> None:
    refused(written(tmp_path, HEAD, seen(ONE, t=1.0), line), 3, word)


@pytest.mark.parametrize("score", [0, 1])
def test_a_score_may_be_nothing_or_all(tmp_path: Path, score: float) -> None:
    path = written(tmp_path, HEAD, seen(["person", score, 1, 2, 3, 4]))
    assert read_recording(path).observations[0].detections.scores.tolist() == [score]


def test_an_empty_file_one_that_is_no_text_and_one_that_is_not_there_are_told(
    tmp_path: Path,
) -> None:
    refused(written(tmp_path, "", " "), 1, "the file is empty")
    binary = tmp_path / "binary.scenes.jsonl"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    refused(binary, 1, "no text")
    refused(tmp_path / "absent.scenes.jsonl", None, "cannot be read: No such file")


def test_the_last_picture_is_held_at_the_nominal_rate() -> None:
    last = Observation(2.0, found())
    clip = Recording(640, 360, 5.0, (Observation(1.0, Detections.none()), last))
    held = list(clip.held(0.6))
    assert [one.time for one in held] == pytest.approx([1.0, 2.0, 2.2, 2.4, 2.6])
    assert all(one.detections is last.detections for one in held[1:])
    assert list(clip.held(0.19)) == list(clip.observations)
    assert list(Recording(640, 360, 5.0, ()).held(3.0)) == []
