"""The site file: what an integrator writes is what is watched. Its mistakes: test_bad_input."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.watching import street
from veilleur.catalogue import Event, Subject
from veilleur.engine.lineup import ANYWHERE, Lineup, line_up
from veilleur.errors import ConfigurationError, ModelUnusable, NotAuthorised
from veilleur.law.authorisation import Authorisation, Period
from veilleur.law.gate import Gate
from veilleur.law.orders import Orders
from veilleur.law.regime import covered
from veilleur.perception.loader import load_detector
from veilleur.perception.models import NANODET
from veilleur.site import load_site

NOW = datetime(2026, 12, 1, 14, tzinfo=UTC)
ACT = Authorisation(
    reference="Act 7",
    authority="Prefect",
    cameras=("gate", "yard"),
    events=(Event.FORBIDDEN_ZONE,),
    period=Period.model_validate(
        {"from": NOW - timedelta(days=1), "until": NOW + timedelta(days=1)}
    ),
)
TEXT = """\
site: Station square
time_zone: America/Martinique
cameras:
  - id: gate
    source: rtsp://10.0.0.5/main
    sub_stream: rtsp://10.0.0.5/sub
    user: viewer
    password: "p@ss:/?#%&"
    rate_hz: 4
    masks: [[[0.0, 0.0], [0.3, 0.0], [0.3, 0.2], [0.0, 0.2]]]
    ground: {image: [[0.1, 0.9], [0.9, 0.9], [0.7, 0.4], [0.3, 0.4], [0.5, 0.6]],
             metres: [[0, 0], [8, 0], [8, 12], [0, 12], [4, 5]]}
    rules:
      - {id: tracks, event: forbidden_zone, subject: both,
         zone: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]], params: {dwell_s: 2}}
  - id: yard
    source: yard.mp4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(TEXT, encoding="utf-8")
    street(tmp_path / "yard.mp4", 0.2)
    return tmp_path


def lined_up(folder: Path, *asked: str, ours: bool = False, at: datetime = NOW) -> Lineup:
    site = load_site(folder / "site.yaml")
    return line_up(asked, site, ACT, folder=folder, is_our_simulator=lambda *_: ours, at=at)


def test_a_camera_is_watched_as_the_file_says(folder: Path) -> None:
    lineup = lined_up(folder, ours=True)
    gate, yard = lineup.members
    source = gate.settings.source
    assert source.address == "rtsp://10.0.0.5/sub", "the sub-stream first"
    assert (source.user, source.password.reveal()) == ("viewer", "p@ss:/?#%&")
    assert gate.settings.rate_hz == 4
    assert len(gate.settings.masks) == 1
    assert str(gate.zone) == "America/Martinique"
    rule = gate.assembly.rules[0]
    assert (rule.id, rule.subject) == ("tracks", Subject.BOTH)
    assert gate.view(640, 360).ground is not None
    assert yard.assembly.rules == (ANYWHERE,)
    assert lineup.notes == (
        "no rules given: anybody anywhere is signalled; draw zones in a --site file",
    )


def test_permits_follow_the_source_and_not_the_name(folder: Path) -> None:
    assert lined_up(folder, "gate").reference("gate") == "Act 7"
    assert lined_up(folder, "yard").reference("yard") == "LABORATORY (file)"
    clip = folder / "yard.mp4"
    assert lined_up(folder, f"gate={clip}").reference("gate") == "LABORATORY (file)"
    ours = lined_up(folder, "gate", ours=True)
    assert ours.reference("gate") == "LABORATORY (simulated camera)"


def test_files_and_real_cameras_are_never_analysed_in_one_run(folder: Path) -> None:
    with pytest.raises(NotAuthorised, match="it can't run in live mode"):
        lined_up(folder, "gate", "yard")


def test_a_desk_lines_up_cameras_that_nothing_covers_yet(folder: Path) -> None:
    """It starts without an act, and its gate stays shut until one is told."""
    gate = Gate({}, covered())
    site = load_site(folder / "site.yaml")
    lineup = line_up(
        ["gate"], site, None, folder=folder, is_our_simulator=lambda *_: False, at=NOW, gate=gate
    )
    assert lineup.gate is gate
    wanted = {"tracks": Event.FORBIDDEN_ZONE}
    with pytest.raises(NotAuthorised) as refusal:
        gate.admit("gate", wanted, NOW)
    assert refusal.value.cause == "no_act"
    gate.obey(Orders.of(ACT), fresh_until=math.inf)
    assert gate.admit("gate", wanted, NOW) == {"tracks"}


def test_an_act_is_in_force_at_the_instant_told_and_at_no_other(folder: Path) -> None:
    late = lined_up(folder, "gate", at=NOW + timedelta(days=2))
    ended = "gate: Act 7 has ended, at 2026-12-02T14:00+00:00: no analysis without a new one"
    in_force = lined_up(folder, "gate").notes
    assert late.notes == (ended, *in_force)
    assert ["a template nobody has verified" in note for note in in_force] == [True]


def test_the_order_of_the_arguments_is_that_of_importance(folder: Path) -> None:
    lineup = lined_up(folder, "yard", "gate", ours=True)
    assert [m.id for m in lineup.members] == ["yard", "gate"]


def test_a_password_stands_in_one_place(folder: Path) -> None:
    path = folder / "site.yaml"
    path.write_text(TEXT.replace("rate_hz: 4", "password_file: secret.txt"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="give password or password_file, not both"):
        load_site(path)
    assert "p@ss" not in repr(lined_up_text(folder))


def lined_up_text(folder: Path) -> str:
    (folder / "site.yaml").write_text(TEXT, encoding="utf-8")
    return repr(load_site(folder / "site.yaml")) + repr(lined_up(folder, ours=True))


def test_a_site_file_may_name_any_detector(tmp_path: Path) -> None:
    """Its weights lie beside the site file; what is not an adapter is refused when it is loaded."""
    path = tmp_path / "site.yaml"
    path.write_text(
        "site: Yard\ncameras: [{id: yard}]\n"
        "detector:\n  backend: onnxruntime\n  precision: fp32\n"
        "  model: {name: Mine, file: mine.onnx, adapter: yolox, height: 416, width: 416}\n"
    )
    setting = load_site(path).detector
    assert setting is not None
    choice = setting.choice(tmp_path)
    assert (choice.backend, choice.model.file) == ("onnxruntime", tmp_path / "mine.onnx")
    with pytest.raises(ModelUnusable, match="no weights"):
        load_detector(choice, 416, 416)


def test_a_detector_setting_without_a_model_runs_the_embedded_one(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("site: Yard\ncameras: [{id: yard}]\ndetector: {backend: onnxruntime}\n")
    setting = load_site(path).detector
    assert setting is not None
    assert setting.choice(tmp_path).model == NANODET


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rate_hz: 4", "rate_hz: 0", "must be more than 0"),
        ("rate_hz: 4", "rate_hz: 31", "must be 30 at most"),
        ("subject: both", "subject: dog", "'dog' is none of 'person', 'vehicle' or 'both'"),
        ("id: gate", "id: 12", "must be a text"),
        ("id: gate", "id: ../x", "has characters that are not allowed here"),
        ("site: Station square", "site: ''", "must not be empty"),
        ("dwell_s: 2", "dwell_s: .inf", "params.dwell_s: inf is no number"),
        ("dwell_s: 2", "dwell_s: -1", "params.dwell_s: must be 0 at least"),
        ("dwell_s: 2", "schedule: daily", "there is holidays, time_zone, weekly"),
        ("dwell_s: 2", "schedule: {week: {}}", "did you mean weekly?"),
        ("dwell_s: 2", "schedule: {sundays: {}}", "there is holidays, time_zone, weekly"),
    ],
)
def test_a_mistake_is_told_in_our_own_words(folder: Path, old: str, new: str, words: str) -> None:
    path = folder / "site.yaml"
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_site(path)
    assert words in str(caught.value)
    assert not re.search(r"[Ii]nput should|should have|instance of|[Tt]uple", str(caught.value))


def test_a_camera_without_a_source_is_a_mistake_with_its_place_where_nobody_else_gives_one(
    tmp_path: Path,
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("site: s\ncameras:\n  - {id: gate, sub_stream: a.mp4}\n  - {id: yard}\n")
    assert [camera.id for camera in load_site(site).cameras] == ["gate", "yard"]
    with pytest.raises(ConfigurationError) as mistake:
        load_site(site, whole=True)
    assert (mistake.value.line, mistake.value.message) == (4, "camera 'yard' has no source")
