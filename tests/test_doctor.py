"""The doctor measures, says what is wrong in words with the next step, and means its exit code."""

from __future__ import annotations

import io
import json
import math
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from veilleur.cameras.sandbox import Ability
from veilleur.cli.doctor import (
    Report,
    as_record,
    doctor,
    examine,
    opencv_findings,
    opencv_packages,
    sandbox_findings,
    show,
    site_findings,
)
from veilleur.cli.findings import (
    Finding,
    clock_findings,
    machine_findings,
    sqlite_findings,
    swap_findings,
)
from veilleur.desk.timekeeping import Kernel
from veilleur.engine.budget import Budget, CameraCost, available_cores
from veilleur.errors import VeilleurError
from veilleur.perception.backends import cores
from veilleur.perception.choice import Origin

MODULE = sys.modules["veilleur.cli.doctor"]  # the package shows the function by that name
GOOD_SITE = """
site: Station square
time_zone: Europe/Paris
cameras:
  - id: gate
    source: gate.mp4
    rules:
      - id: tracks
        event: forbidden_zone
        subject: person
        zone: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(doctor)
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout


def test_a_sound_machine_is_measured_and_shown(tmp_path: Path) -> None:
    report = examine()
    assert report.decision is not None
    assert report.budget is not None
    large, small = report.budget.costs
    assert large.decode_ms > small.decode_ms > 0
    assert report.budget.cameras(small) > report.budget.cameras(large)
    assert report.decision.chosen in report.decision.trials

    written = io.StringIO()
    show(report, Console(file=written, width=140))
    text = written.getvalue()
    for word in ("1920 x 1080", "640 x 360", "chosen", "CUDAExecutionProvider", "SQLite"):
        assert word in text

    code, out = run("--json")
    record = json.loads(out)
    assert record["model"]["origin"] == Origin.REMEMBERED
    assert code == (0 if record["healthy"] else 1)
    assert set(record["versions"]) >= {"av", "FFmpeg", "openvino", "onnxruntime", "SQLite"}


def test_every_mistake_in_a_site_file_has_its_place_and_next_step(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        GOOD_SITE.replace("forbidden_zone", "forbiden_zone").replace("zone: Eur", "z: Eur")
    )
    findings = list(site_findings(site))
    assert [f.act for f in findings] == [True] * len(findings)
    words = "\n".join(f"{f.text} {f.remedy}" for f in findings)
    assert "site.yaml:3:1" in words
    assert "site.yaml:8" in words or "site.yaml:9" in words
    assert "forbidden_zone" in words


def test_a_misspelt_setting_does_not_hide_a_zone_without_area(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    flat = "cameras: [{id: a, rules: [{id: r, event: density, zone: [[0, 0], [1, 1], [0, 0]]}]}]"
    site.write_text(f"site: s\ntme_zone: Europe/Paris\n{flat}\n")
    unknown, no_area = site_findings(site)
    assert "site.yaml:2:1: " in unknown.text
    assert "site.yaml:3:51: zone: the polygon has no area" in no_area.text
    assert no_area.remedy.endswith("draw it again")


def test_a_sound_site_file_is_not_spoken_of(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(GOOD_SITE)
    assert list(site_findings(site)) == []


def test_an_absent_site_file_is_a_finding(tmp_path: Path) -> None:
    (finding,) = site_findings(tmp_path / "absent.yaml")
    assert "no such file" in finding.text


def report(*findings: Finding) -> Report:
    return Report({}, {}, None, None, (), findings)


def test_what_has_to_be_done_decides_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    done = Finding("sandbox", "no landlock", act=False)
    due = Finding("model", "weights absent", "install veilleur again")
    for findings, code in (((), 0), ((done,), 0), ((done, due), 1)):
        monkeypatch.setattr(MODULE, "examine", lambda _, f=findings: report(*f))
        said, out = run()
        assert said == code
        assert ("Nothing to do." in out) == (code == 0)
        assert ("next step: install veilleur again" in out) == (due in findings)


def test_what_cant_be_measured_is_a_finding_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise VeilleurError("nothing works", remedy="buy a computer")

    monkeypatch.setattr(MODULE, "decide", broken)
    found = examine()
    assert (found.decision, found.budget) == (None, None)
    assert Finding("model", "nothing works", "buy a computer") in found.findings
    assert as_record(found)["capacity"] is None


def test_a_second_opencv_is_found() -> None:
    assert list(opencv_findings(["opencv-python-headless"])) == []
    (finding,) = opencv_findings(["opencv-python", "opencv-python-headless"])
    assert finding.act
    assert finding.remedy.startswith("pip uninstall opencv-python opencv-python-headless")


def test_here_there_is_only_one_opencv() -> None:
    assert opencv_packages() == ["opencv-python-headless"]


def test_a_missing_layer_of_the_sandbox_is_told_and_the_essential_one_has_to_be_mended() -> None:
    layers = (
        Ability("landlock", False, "the kernel is older than 5.13"),
        Ability("system calls", False, "no seccomp"),
        Ability("limits", True),
    )
    landlock, calls = sandbox_findings(layers)
    assert (landlock.act, calls.act) == (False, True)
    assert "older than 5.13" in landlock.text
    assert calls.remedy


@pytest.mark.parametrize(
    ("cores", "decode_ms", "inference_ms", "cameras"),
    [
        pytest.param(2.0, 4.0, 20.0, 6, id="1.25 x (100 + 100) ms: 6.4 fit into 1.6 cores"),
        pytest.param(2.0, 0.0, 40.0, 6, id="inference alone"),
        pytest.param(0.25, 4.0, 20.0, 0, id="a small share carries none"),
    ],
)
def test_the_sum_of_cameras(
    cores: float, decode_ms: float, inference_ms: float, cameras: int
) -> None:
    cost = CameraCost(1920, 1080, decode_ms, 0.0, inference_ms)
    assert Budget(cores, (cost,)).cameras(cost) == cameras


def test_a_containers_share_counts(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    unlimited = available_cores(tmp_path)
    assert unlimited == cores(tmp_path) >= 1
    for none in ("max 100000\n", "nonsense\n", "800000000 100000\n"):
        quota.write_text(none)
        assert available_cores(tmp_path) == cores(tmp_path) == unlimited
    quota.write_text("50000 100000\n")
    assert available_cores(tmp_path) == 0.5
    assert cores(tmp_path) == 1, "half a core is one thread's"


@pytest.mark.parametrize(
    ("version", "told"), [((3, 40, 1), True), ((3, 44, 6), False), ((3, 51, 3), False)]
)
def test_an_sqlite_that_can_damage_a_database_is_told_of(
    version: tuple[int, int, int], *, told: bool
) -> None:
    found = list(sqlite_findings(version))
    assert bool(found) is told
    assert all("no other program" in one.text and one.remedy and not one.act for one in found)


def test_this_machine_is_looked_at_with_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    monkeypatch.setattr(MODULE, "decide", lambda: None)
    assert any(one.topic == "SQLite" for one in machine_findings())
    assert any(one.topic == "SQLite" for one in examine().findings)


def test_a_clock_that_no_time_server_keeps_is_told_of() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    assert list(clock_findings(None, now)) == []
    assert list(clock_findings(Kernel(now, True, 0.1), now)) == []
    (finding,) = clock_findings(Kernel(now, False, 16.0), now)
    assert "time service" in finding.remedy


def test_swap_on_a_disk_is_told_of_and_no_other(tmp_path: Path) -> None:
    """Compressed memory is none, nor is a device whose every word is encrypted."""
    swaps = tmp_path / "swaps"
    for name, uuid in (("dm-0", "CRYPT-PLAIN-swap\n"), ("dm-1", "LVM-abc\n")):
        (tmp_path / name / "dm").mkdir(parents=True)
        (tmp_path / name / "dm" / "uuid").write_text(uuid)
    head = "Filename Type Size Used Priority\n"
    quiet = "/dev/zram0 partition 1 0 100\n/nowhere/dm-0 partition 1 0 -2\n"
    swaps.write_text(head + quiet)
    assert list(swap_findings(swaps, tmp_path, math.inf)) == []
    swaps.write_text(
        head + quiet + "/nowhere/dm-1 partition 1 0 -3\n/nowhere/swapfile file 1 0 -4\n"
    )
    (finding,) = swap_findings(swaps, tmp_path, math.inf)
    assert "/nowhere/dm-1, /nowhere/swapfile" in finding.text
    assert "zram" not in finding.text
    assert list(swap_findings(tmp_path / "none", tmp_path, 0)) == []
    _, limit = swap_findings(swaps, tmp_path, 8 << 20)
    assert "8 MiB may be locked" in limit.text
    assert "LimitMEMLOCK" in limit.remedy
