"""A site file is changed where it was asked to be, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from veilleur.errors import ConfigurationError
from veilleur.site import load_site
from veilleur.site_editing import (
    DraftRule,
    Edit,
    SiteFile,
    SiteMoved,
    SiteReadOnly,
    save,
    undo,
    with_ground,
    with_rules,
)
from veilleur.yaml import Problems, plain, read_tree

SITE = """\
# Who looks after this: the works department.
site: Quai nord   # as on the sign
cameras:
  - id: gate
    source: gate.mp4
    user: viewer
    password: "p@ss: #1"
    # measured with a tape in May
    ground:
      image: [[0.1, 0.9], [0.9, 0.9], [0.7, 0.4], [0.3, 0.4]]  # corners of the court
      metres: [[0, 0], [8, 0], [8, 12], [0, 12]]
    rules:
      # nobody on the tracks
      - id: tracks
        event: forbidden_zone
        zone: [[0.1234567, 0.5], [0.5, 0.5], [0.5, 0.9]]   # along the kerb
        params: {dwell_s: 1.0}

      # the lane is one way
      - id: lane
        event: wrong_way
        zone: [[0.2, 0.5], [0.8, 0.5], [0.8, 0.9]]
        allowed_heading: [0, -1]
  - {id: dock, source: dock.mp4, rules: [{id: ramp, event: forbidden_zone, line: [[0, 0], [1, 1]]}]}
  - id: yard   # nothing is drawn yet
    source: yard.mp4
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "site.yaml"
    file.write_text(SITE)
    return file


def drafts(path: Path, camera: int = 0) -> list[DraftRule]:
    """As they stand in the file."""
    rules = plain(read_tree(path))["cameras"][camera].get("rules", [])
    return [DraftRule(rule["id"], rule) for rule in rules]


def other(draft: DraftRule, **settings: Any) -> DraftRule:
    return DraftRule(draft.was, {**draft.settings, **settings})


def touched(edit: Edit) -> list[str]:
    return [line.strip("+- ") for line in edit.patch.splitlines()[2:] if line[0] in "+-"]


def test_what_is_as_it_was_leaves_the_file_as_it_was(path: Path) -> None:
    edit = with_rules(SiteFile.read(path), "gate", drafts(path))
    assert not edit.changes
    assert edit.patch == ""


def test_a_moved_point_changes_its_line_alone_and_keeps_the_comment_beside_it(path: Path) -> None:
    tracks, lane = drafts(path)
    moved = other(tracks, zone=[[0.1234567, 0.5], [0.5, 0.5], [0.51238, 0.9]])
    edit = with_rules(SiteFile.read(path), "gate", [moved, lane])
    assert touched(edit) == [
        "zone: [[0.1234567, 0.5], [0.5, 0.5], [0.5, 0.9]]   # along the kerb",
        "zone: [[0.1235, 0.5], [0.5, 0.5], [0.5124, 0.9]]   # along the kerb",
    ]


def test_a_new_rule_comes_last_and_is_read_back_as_it_was_meant(path: Path) -> None:
    zone = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]
    schedule = {"weekly": {"sat,sun": ["22:00-06:00"]}, "time_zone": "Europe/Paris"}
    new = {
        "id": "on: #1",
        "event": "forbidden_zone",
        "zone": zone,
        "params": {"schedule": schedule},
    }
    edit = with_rules(SiteFile.read(path), "gate", [*drafts(path), DraftRule("", new)])
    gate = edit.site.cameras[0]
    assert [rule.id for rule in gate.rules] == ["tracks", "lane", "on: #1"]
    assert gate.rules[2].params["schedule"] == schedule
    assert "nobody on the tracks" in edit.text


def test_a_rule_that_goes_takes_its_own_comment_with_it_and_no_other(path: Path) -> None:
    edit = with_rules(SiteFile.read(path), "gate", drafts(path)[:1])
    assert [rule.id for rule in edit.site.cameras[0].rules] == ["tracks"]
    assert "the lane is one way" not in edit.text
    assert "nobody on the tracks" in edit.text
    assert "nothing is drawn yet" in edit.text


def test_settings_come_and_go(path: Path) -> None:
    tracks, lane = drafts(path)
    line = {name: value for name, value in tracks.settings.items() if name != "zone"}
    as_line = DraftRule("tracks", {**line, "id": "kerb", "line": [[0.1, 0.5], [0.5, 0.5]]})
    edit = with_rules(SiteFile.read(path), "gate", [as_line, other(lane, subject="both")])
    kerb, lane_now = edit.site.cameras[0].rules
    assert (kerb.id, kerb.zone, kerb.line) == ("kerb", None, ((0.1, 0.5), (0.5, 0.5)))
    assert lane_now.subject.value == "both"


@pytest.mark.parametrize("camera", ["dock", "yard"])
def test_rules_in_braces_and_no_rules_at_all_are_changed_too(path: Path, camera: str) -> None:
    number = ["gate", "dock", "yard"].index(camera)
    zone = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]
    new = DraftRule("", {"id": "apron", "event": "density", "zone": zone})
    edit = with_rules(SiteFile.read(path), camera, [*drafts(path, number), new])
    assert edit.site.cameras[number].rules[-1].id == "apron"
    assert edit.site.cameras[0] == load_site(path).cameras[0]
    assert "nothing is drawn yet" in edit.text


def test_a_file_without_an_end_of_its_last_line_and_one_from_windows(path: Path) -> None:
    for text in (SITE.rstrip("\n"), SITE.replace("\n", "\r\n")):
        path.write_bytes(text.encode())
        new = DraftRule("", {"id": "whole", "event": "density", "zone": [[0, 0], [1, 0], [1, 1]]})
        edit = with_rules(SiteFile.read(path), "yard", [new])
        assert edit.site.cameras[2].rules[0].id == "whole"
        assert edit.text.startswith(text)
        assert edit.text.replace("\r\n", "").count("\n") in (0, edit.text.count("\n"))


def test_the_ground_changes_goes_and_comes(path: Path) -> None:
    file = SiteFile.read(path)
    ground = plain(read_tree(path))["cameras"][0]["ground"]
    ground["metres"][2] = [8.5, 12.25]
    edit = with_ground(file, "gate", ground)
    assert touched(edit)[1] == "metres: [[0, 0], [8, 0], [8.5, 12.25], [0, 12]]"
    assert with_ground(file, "gate", None).site.cameras[0].ground is None
    again = with_ground(file, "yard", ground).site.cameras[2].ground
    assert again == edit.site.cameras[0].ground


def test_every_mistake_is_told_and_nothing_can_be_written(path: Path) -> None:
    tracks, lane = drafts(path)
    crossing = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]
    wrong = [
        other(tracks, zone=crossing, params={"dwel_s": 1}),
        other(lane, allowed_heading=[0, 0]),
    ]
    with pytest.raises(Problems) as caught:
        with_rules(SiteFile.read(path), "gate", wrong)
    assert [problem.setting for problem in caught.value.problems] == [
        "cameras.0.rules.0.zone",
        "cameras.0.rules.0.params.dwel_s",
        "cameras.0.rules.1.allowed_heading",
    ]
    assert path.read_text() == SITE


def test_a_mirrored_ground_is_refused(path: Path) -> None:
    ground = plain(read_tree(path))["cameras"][0]["ground"]
    ground["metres"] = [[8, 0], [0, 0], [0, 12], [8, 12]]
    with pytest.raises(Problems, match="mirrored"):
        with_ground(SiteFile.read(path), "gate", ground)


def test_the_last_rule_cannot_go(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="anybody anywhere"):
        with_rules(SiteFile.read(path), "gate", [])


def test_what_is_shared_by_an_anchor_is_left_to_a_person(path: Path) -> None:
    shared = """\
site: s
cameras:
  - id: gate
    source: a.mp4
    rules: &rules
      - {id: tracks, event: density, zone: [[0, 0], [1, 0], [1, 1]]}
  - id: dock
    source: b.mp4
    rules: *rules
"""
    path.write_text(shared)
    changed = other(drafts(path)[0], id="other")
    with pytest.raises(ConfigurationError, match="can't be changed from here"):
        with_rules(SiteFile.read(path), "gate", [changed])


def test_saving_is_whole_and_keeps_the_previous_text(path: Path) -> None:
    path.chmod(0o640)
    edit = with_rules(SiteFile.read(path), "gate", drafts(path)[:1])
    save(edit)
    assert path.read_text() == edit.text
    assert path.stat().st_mode & 0o777 == 0o640
    assert (path.parent / "site.yaml.bak").read_text() == SITE
    assert sorted(os.listdir(path.parent)) == ["site.yaml", "site.yaml.bak"]
    undo(edit)
    assert path.read_text() == SITE


def test_somebody_elses_change_is_not_overwritten(path: Path) -> None:
    edit = with_rules(SiteFile.read(path), "gate", drafts(path)[:1])
    path.write_text(SITE + "# a word of mine\n")
    with pytest.raises(SiteMoved):
        save(edit)
    assert path.read_text().endswith("# a word of mine\n")


def test_a_file_that_cannot_be_written_gives_the_patch_and_no_password(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    edit = with_rules(SiteFile.read(path), "gate", drafts(path)[:1])
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(SiteReadOnly) as caught:
        save(edit)
    assert "-      - id: lane" in caught.value.patch
    assert "p@ss" not in caught.value.patch
    assert path.read_text() == SITE
    assert not list(path.parent.glob(".site*"))
