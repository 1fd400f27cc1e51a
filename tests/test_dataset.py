"""A dataset is read strictly, and what is wrong with it is said by clip and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from veilleur.catalogue import Event
from veilleur.errors import DatasetError
from veilleur.evaluation.clip import WHOLE_PICTURE
from veilleur.evaluation.dataset import Dataset, load

SQUARE = [[0.2, 0.5], [0.8, 0.5], [0.8, 0.9], [0.2, 0.9]]


def rule(**changes: Any) -> dict[str, Any]:
    return {"id": "tracks", "event": "forbidden_zone", "zone": SQUARE} | changes


def clip(**changes: Any) -> dict[str, Any]:
    truth = [{"rule": "tracks", "start_s": 12.0, "due_s": 13.0, "end_s": 19.5}]
    return {"id": "morning", "file": "a.mp4", "rules": [rule()], "truth": truth} | changes


def write(folder: Path, *clips: dict[str, Any], **document: Any) -> Path:
    (folder / "a.mp4").touch()
    content = {"schema": 1, "name": "square", "clips": list(clips)} | document
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def refusal(folder: Path, *clips: dict[str, Any], **document: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        load(write(folder, *clips, **document))
    return str(caught.value)


def test_the_folder_and_its_file_name_the_same_dataset(tmp_path: Path) -> None:
    folder = write(tmp_path, clip())
    assert load(folder) == load(folder / "dataset.json")
    assert load(folder).path(load(folder).clips[0]) == tmp_path / "a.mp4"


def test_the_example_of_the_format_is_read(tmp_path: Path) -> None:
    rules = [
        rule(subject="person", params={"dwell_s": 1.0}),
        {
            "id": "gate", "event": "forbidden_zone", "subject": "vehicle",
            "line": [[0.1, 0.6], [0.9, 0.6]], "forbidden": "left_to_right",
        },
        rule(id="one-way", event="wrong_way", subject="vehicle", allowed_heading=[0.0, 1.0]),
    ]  # fmt: skip
    pairs = {
        "image": [[0.1, 0.9], [0.9, 0.9], [0.7, 0.4], [0.3, 0.4]],
        "metres": [[0, 0], [12, 0], [12, 25], [0, 25]],
    }
    read = load(
        write(
            tmp_path,
            clip(
                rules=rules,
                ground=pairs,
                tags={"place": "outdoor"},
                ignore=[{"rule": "one-way", "start_s": 40.0, "end_s": 44.0, "note": "parks"}],
                negative_for=["fire", "weapon"],
                starts_at="2026-07-14T22:00:00",
                hold_last_s=6,
            ),
        )
    ).clips[0]
    assert [r.id for r in read.every_rule] == [
        "tracks", "gate", "one-way", "negative_for:fire", "negative_for:weapon",
    ]  # fmt: skip
    assert read.every_rule[-1].zone == WHOLE_PICTURE
    assert read.event_of("gate") is Event.FORBIDDEN_ZONE
    assert read.starts_at is not None
    assert read.starts_at.hour == 22
    assert read.hold_last_s == 6.0


def test_file_names_are_relative_to_root(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "b.mp4").touch()
    read = load(write(tmp_path, clip(file="b.mp4"), root="clips"))
    assert read.path(read.clips[0]) == tmp_path / "clips" / "b.mp4"


def test_a_rule_without_a_zone_watches_the_whole_picture(tmp_path: Path) -> None:
    fire = {"id": "f", "event": "fire"}
    read = load(write(tmp_path, clip(rules=[fire], truth=[])))
    assert read.clips[0].every_rule[0].zone == WHOLE_PICTURE


BAD: list[Any] = [
    pytest.param(
        clip(rules=[rule(event="forbiden_zone")]),
        'clip morning rules[tracks].event: unknown event "forbiden_zone"'
        ': did you mean "forbidden_zone"?',
        id="unknown event",
    ),
    pytest.param(
        clip(rules=[], truth=[], negative_for=["wepon"]),
        'clip morning negative_for[0]: unknown event "wepon": did you mean "weapon"?',
        id="unknown event in negative_for",
    ),
    pytest.param(
        clip(rules=[rule(zone=[])]),
        "clip morning rules[tracks].zone: is empty: leave it out to watch the whole picture",
        id="an empty zone",
    ),
    pytest.param(
        clip(rules=[rule(dwell_s=2.0)]),
        'clip morning rules[tracks].dwell_s: belongs into "params"',
        id="a parameter beside params",
    ),
    pytest.param(
        clip(rules=[{"id": "f", "event": "fire", "polygon": SQUARE}], truth=[]),
        "clip morning rules[f].polygon: unknown field",
        id="a zone under another name",
    ),
    pytest.param(
        clip(rules=[rule(direction="left_to_right")]),
        "clip morning rules[tracks].direction: unknown field",
        id="a direction under another name",
    ),
    pytest.param(
        clip(negativ_for=["fire"]),
        'clip morning negativ_for: unknown field: did you mean "negative_for"?',
        id="a field misspelt",
    ),
    pytest.param(
        clip(hold_last_s=1e9),
        "clip morning hold_last_s: must be less than or equal to 86400",
        id="held for years",
    ),
    pytest.param(
        clip(rules={"id": "tracks"}), "clip morning rules: is no list", id="rules that are no list"
    ),
    pytest.param("a.mp4", "clip number 0: is no object", id="a clip that is a word"),
    pytest.param(
        clip(rules=[rule(line=[[0, 0], [1, 1], [1, 0]], zone=None)]),
        "rules[tracks].line: 3 entries: at most 2 are allowed",
        id="a line of three points",
    ),
    pytest.param(
        clip(rules=[rule(params={"dwel_s": 1})]),
        'clip morning rules[tracks].params: forbidden_zone has no parameter "dwel_s"'
        ': did you mean "dwell_s"?',
        id="unknown parameter",
    ),
    pytest.param(
        clip(rules=[rule(params={"dwell_s": "1"})]),
        "clip morning rules[tracks].params.dwell_s: '1' is not a number",
        id="a parameter that is no number",
    ),
    pytest.param(
        clip(rules=[rule(params={"dwell_s": -1})]),
        "rules[tracks].params.dwell_s: -1 is too small",
        id="a negative dwell",
    ),
    pytest.param(
        clip(rules=[rule(zon=SQUARE)]),
        'clip morning rules[tracks].zon: unknown field: did you mean "zone"?',
        id="unknown field",
    ),
    pytest.param(
        clip(rules=[rule(zone=[[0, 0], [1, 1], [1, 0], [0, 1]])]),
        "clip morning rules[tracks].zone: crosses itself near 0.5, 0.5",
        id="a zone that crosses itself",
    ),
    pytest.param(
        clip(rules=[rule(zone=[[0, 0], [0.5, 0.5], [1, 1]])]),
        "rules[tracks].zone: has no area",
        id="a zone without area",
    ),
    pytest.param(
        clip(rules=[rule(zone=[[0, 0], [1, 1]])]),
        "rules[tracks].zone: has 2 corners: three are needed",
        id="a zone of two corners",
    ),
    pytest.param(
        clip(rules=[rule(zone=[[0, 0], [1.2, 0], [1, 1]])]),
        "1.2 lies outside the picture",
        id="a zone outside the picture",
    ),
    pytest.param(
        clip(rules=[rule(line=[[0, 0], [1, 1]])]),
        "rules[tracks].zone: forbidden_zone needs either a zone or a line",
        id="zone and line",
    ),
    pytest.param(
        clip(rules=[rule(event="wrong_way")]),
        "rules[tracks].allowed_heading: is missing",
        id="wrong way without a heading",
    ),
    pytest.param(
        clip(rules=[rule(event="wrong_way", allowed_heading=[0, 0])]),
        "rules[tracks].allowed_heading: [0, 0] points nowhere",
        id="a heading without direction",
    ),
    pytest.param(
        clip(rules=[rule(event="density", subject="vehicle")]),
        "rules[tracks].subject: density looks at no vehicle",
        id="a vehicle where the law knows none",
    ),
    pytest.param(
        clip(rules=[rule(), rule()]),
        "clip morning rules[tracks]: this id stands twice",
        id="doubled rule",
    ),
    pytest.param(
        clip(truth=[{"rule": "track", "start_s": 1, "due_s": 2, "end_s": 3}]),
        'clip morning truth[0]: no rule "track" in this clip: did you mean "tracks"?',
        id="truth of an unknown rule",
    ),
    pytest.param(
        clip(truth=[{"rule": "tracks", "start_s": 5, "due_s": 4, "end_s": 6}]),
        "clip morning truth[0]: is due (4.0 s) before it starts (5.0 s)",
        id="due before the start",
    ),
    pytest.param(
        clip(truth=[{"rule": "tracks", "start_s": 5, "due_s": 6}]),
        "clip morning truth[0].end_s: is missing",
        id="truth without an end",
    ),
    pytest.param(
        clip(ignore=[{"rule": "tracks", "start_s": 5, "end_s": 4}]),
        "clip morning ignore[0]: ends (4.0 s) before it starts (5.0 s)",
        id="ignore that ends before it starts",
    ),
    pytest.param(
        clip(ground={"image": [[0, 0]] * 3, "metres": [[0, 0]] * 3}),
        "clip morning ground: 3 point pairs: four are needed",
        id="three point pairs",
    ),
    pytest.param(
        clip(ground={"calibration": "none.xml"}),
        "clip morning ground.calibration: none.xml is missing",
        id="missing calibration",
    ),
    pytest.param(
        clip(rules=[rule(event="density", params={"max_per_m2": 4})]),
        "clip morning rules[tracks].params.max_per_m2: max_per_m2 needs to know the ground",
        id="square metres without a ground",
    ),
    pytest.param(
        clip(rules=[rule(params={"schedule": {"weekly": []}})]),
        "clip morning rules[tracks].params.schedule",
        id="a schedule that is none",
    ),
    pytest.param(
        clip(
            ground={
                "image": [[0, 0], [0.5, 0.5], [1, 1], [0.2, 0.2]],
                "metres": [[0, 0], [5, 5], [9, 9], [2, 2]],
            }
        ),
        "clip morning ground:",
        id="point pairs on one line",
    ),
    pytest.param(clip(file="b.mp4"), "clip morning file: b.mp4 is missing in", id="missing file"),
    pytest.param(clip(id=""), "clip number 0 id", id="a clip without a name"),
]


@pytest.mark.parametrize(("bad", "said"), BAD)
def test_a_mistake_is_named_by_clip_and_field(
    tmp_path: Path, bad: dict[str, Any], said: str
) -> None:
    assert said in refusal(tmp_path, bad)


def test_all_mistakes_are_said_at_once_and_the_first_clip_is_an_attribute(tmp_path: Path) -> None:
    bad = rule(params={"dwel_s": 1})
    folder = write(tmp_path, clip(id="noon", rules=[bad]), clip(id="noon", file="b.mp4"))
    with pytest.raises(DatasetError) as caught:
        load(folder)
    text = str(caught.value)
    assert "dwel_s" in text
    assert "clip noon (2) id: stands twice" in text
    assert "b.mp4 is missing" in text
    assert caught.value.clip == "noon"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": 1,\n "name": }', "dataset.json:2:10: not JSON"),
        ('{"schema": 1, "schema": 1}', 'the key "schema" stands twice'),
        ('{"schema": NaN}', "NaN is not a number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": 2, "name": "x", "clips": []}', "schema"),
        ("[]", "dataset.json"),
        ("", "dataset.json:1:1"),
    ],
)
def test_a_broken_document_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DatasetError, match=r"dataset\.json") as caught:
        load(tmp_path)
    assert said in str(caught.value)


def test_bytes_that_are_not_text_and_a_folder_without_a_dataset_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        load(tmp_path)
    (tmp_path / "dataset.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="not UTF-8"):
        load(tmp_path)


def test_one_event_keeps_its_rules_truths_and_negatives(tmp_path: Path) -> None:
    fire = {"id": "f", "event": "fire", "zone": SQUARE}
    both = clip(rules=[rule(), fire], negative_for=["weapon"])
    read = load(write(tmp_path, both, clip(id="noon", negative_for=["density"])))
    fires = read.only(event=Event.FIRE)
    assert [c.id for c in fires.clips] == ["morning"]
    assert [r.id for r in fires.clips[0].every_rule] == ["f"]
    assert fires.clips[0].truth == ()
    assert [c.id for c in read.only(event=Event.DENSITY).clips] == ["noon"]
    with pytest.raises(DatasetError, match="no clip"):
        read.only(event=Event.CROWD_MOVEMENT)
    with pytest.raises(DatasetError, match='did you mean "noon"'):
        read.only(clip_ids=["non"])


def test_the_development_dataset_is_read(data: Path) -> None:
    read: Dataset = load(data)
    assert len(read.clips) >= 69
    assert all(read.path(c).is_file() for c in read.clips)


def test_a_dataset_without_clips_says_so(tmp_path: Path) -> None:
    assert "clips: holds no clip: list at least one" in refusal(tmp_path)


def test_a_mistake_costs_its_rule_or_its_clip_and_no_other(tmp_path: Path) -> None:
    gate = rule(id="gate", params={"dwel_s": 1})
    truth = [
        {"rule": "tracks", "start_s": 1, "due_s": 2, "end_s": 3},
        {"rule": "gate", "start_s": 1, "due_s": 2},
        {"rule": "tracks", "start_s": 5, "due_s": 6, "end_s": 7},
    ]
    read = load(
        write(
            tmp_path,
            clip(rules=[rule(), gate, rule(id="x", event="forbiden_zone")], truth=truth),
            clip(id="noon", file="b.mp4"),
            clip(id="noon"),
            clip(id="late", truth=[{"rule": "trak", "start_s": 5, "due_s": 6, "end_s": 7}]),
            clip(id="dusk", ground={"calibration": "none.xml"}),
        )
    )
    morning, *others = read.clips
    assert [c.id for c in others] == ["noon", "noon (2)", "late", "dusk"]
    assert read.refusal(morning) is None
    assert set(read.refused_rules(morning)) == {"gate", "x"}
    assert [t.rule for t in morning.truth] == ["tracks", "gate", "tracks"]
    said = [str(read.refusal(c)) for c in others]
    for words, what in zip(said, ("missing in", "twice", "no rule", "none.xml"), strict=True):
        assert what in words


def test_of_one_event_the_mistakes_that_may_concern_it_stay(tmp_path: Path) -> None:
    odd = rule(id="x", event="densty")
    folder = write(
        tmp_path,
        clip(negative_for=["density"], rules=[rule(zone=[]), odd]),
        clip(id="noon", file="b.mp4"),
    )
    read = load(folder).only(event=Event.DENSITY)
    assert [c.id for c in read.clips] == ["morning"]
    assert [m.rule for m in read.mistakes] == ["x"]
    assert len(load(folder).mistakes) == 3


def test_what_cannot_change_a_result_stops_nothing(tmp_path: Path) -> None:
    odd = clip(
        license="CC0",
        rules=[rule(comment="by the stairs", params=None, line=None)],
        tags={"night": True, "lux": 3, "place": "yard"},
        ground=None, ignore=None, negative_for=None, group=7, title="a yard",
    )  # fmt: skip
    odd["truth"][0] |= {"author": "me", "note": None}
    read = load(write(tmp_path, odd, clip(id=2, license="CC0"), license="CC0"))
    assert read.mistakes == ()
    assert read.clips[0].tags == {"night": "true", "lux": "3", "place": "yard"}
    assert (read.clips[0].group, read.clips[1].id) == ("7", "2")
    assert read.clips[0].rules == read.clips[1].rules
    told = "\n".join(read.remarks)
    assert told.count("license") == 2
    assert '"license" is not part of the format: not used (clips, 2 times)' in told
    assert load(write(tmp_path, clip(tags=["night"]))).remarks == (
        "tags that are no object: not used (1 time)",
    )
    for name in ("comment", "author", "title"):
        assert f'"{name}"' in told


def test_wrong_way_in_negative_for_is_no_mistake(tmp_path: Path) -> None:
    every = [event.value for event in Event]
    assert load(write(tmp_path, clip(negative_for=[*every, "fire"]))).mistakes == ()


def test_a_forbidden_zone_without_zone_and_line_is_the_whole_picture_and_told(
    tmp_path: Path,
) -> None:
    read = load(write(tmp_path, clip(rules=[rule(zone=None)])))
    assert read.clips[0].every_rule[0].zone == WHOLE_PICTURE
    assert read.remarks == (
        "clip morning rules[tracks]: neither zone nor line: the whole picture is forbidden",
    )
