"""`veilleur watch` as somebody types it: what comes out, under which permit, and how it stops."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from rich.console import Console

import veilleur
from tests.watching import PATIENCE_S
from veilleur.cameras.health import Blind
from veilleur.cameras.simulated import secret_file
from veilleur.catalogue import Event
from veilleur.cli.choosing import FIRST
from veilleur.cli.demo import FILMED
from veilleur.cli.screen import Shown, screen
from veilleur.engine.drops import Cause
from veilleur.engine.french import cause_word, condition_word, say
from veilleur.engine.report import CameraReport, Condition
from veilleur.engine.seat import _BLIND, _NEXT
from veilleur.engine.situations import Alert
from veilleur.events.rule import Check
from veilleur.events.wording import Language
from veilleur.geometry import Box
from veilleur.perception.backends import Precision, cores
from veilleur.perception.choice import LAYOUT, Memory, Trial, machine_key, memory_file, remember
from veilleur.perception.models import NANODET
from veilleur.simulation.message import Credentials
from veilleur.simulation.simulator import SimulatedCamera, Simulator

DEMO = Path(veilleur.__file__).parent / "demo" / "vtest.mp4"
CANARY = "c4n:ary@/?#%41 é"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first six seconds of the demo's clip: somebody is there at once."""
    path = tmp_path_factory.mktemp("clip") / "street.mp4"
    with av.open(str(DEMO)) as whole, av.open(str(path), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(whole.streams.video[0]):
            if packet.pts is not None and packet.pts * packet.time_base < 6.0:
                packet.stream = stream
                part.mux(packet)
    return path


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """With a choice already made for this machine, so that nothing is measured here."""
    folder = tmp_path_factory.mktemp("cache")
    trial = Trial(backend="onnxruntime", precision=Precision.FP32, streams=cores(), agreement=1.0)
    key = machine_key(NANODET)
    memory = Memory(layout=LAYOUT, key=key, chosen=trial, trials=(trial,))
    assert remember(memory_file(folder / "veilleur", key), memory) == ""
    return {**os.environ, "XDG_CACHE_HOME": str(folder), "COLUMNS": "80"}


class Watching:
    """A running `veilleur watch`, its two outputs written to files."""

    def __init__(self, folder: Path, arguments: Sequence[str | Path], env: dict[str, str]) -> None:
        self._out, self._err = folder / "out.txt", folder / "err.txt"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "from veilleur.cli import main; main()",
                    "watch",
                    *arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=env,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    @property
    def signals(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def until(self, words: str) -> None:
        """Wait until it has said this, on either output."""
        ends = time.monotonic() + PATIENCE_S
        while words not in self.out + self.err:
            assert time.monotonic() < ends, self.out + self.err
            assert self.process.poll() is None, self.out + self.err
            time.sleep(0.02)

    def ended(self) -> int:
        """Its exit code, when it ends by itself."""
        return self.process.wait(PATIENCE_S)

    def interrupted(self) -> int:
        """Ctrl-C: its exit code, once it and every process it started are gone."""
        family = descendants(self.process.pid)
        os.kill(self.process.pid, signal.SIGINT)
        code = self.process.wait(PATIENCE_S)
        ends = time.monotonic() + PATIENCE_S
        while any(Path(f"/proc/{pid}").exists() for pid in family):
            assert time.monotonic() < ends, family
            time.sleep(0.01)
        return code


def descendants(pid: int) -> set[int]:
    """All processes below this one."""
    found = {pid}
    while True:
        more = {child for child, parent in _parents().items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def _parents() -> dict[int, int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    return parents


@pytest.fixture
def watching(tmp_path: Path, environment: dict[str, str]) -> Iterator[Any]:
    """Starts a watch; what still runs at the end is killed."""
    started: list[Watching] = []

    def start(*arguments: str | Path, **more: str) -> Watching:
        folder = tmp_path / f"watch-{len(started)}"
        folder.mkdir()
        started.append(Watching(folder, arguments, {**environment, **more}))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


# ---------------------------------------------------------------------- files
def test_a_file_is_laboratory_mode_on_every_line_and_nothing_else_is_on_stdout(
    watching: Any, clip: Path
) -> None:
    watch = watching("--fast", "--json", clip, f"again={clip}")
    assert watch.ended() == 0
    assert {s["camera"] for s in watch.signals} == {"street", "again"}
    first = watch.signals[0]
    assert first["event"] == "forbidden_zone"
    assert first["laboratory"] is True
    assert first["under"] == "LABORATORY (file)"
    assert "again: ended" in watch.err
    assert "anybody anywhere" in watch.err


def test_the_table_says_laboratory_and_what_was_seen(watching: Any, clip: Path) -> None:
    watch = watching("--fast", clip, "--french")
    assert watch.ended() == 0
    assert "LABORATOIRE\u00a0: fichiers et caméras simulées" in watch.out
    assert "Franchissement ou présence en zone interdite [anywhere]" in watch.out
    assert "aucune règle\u00a0: toute personne est signalée" in watch.out
    assert "terminée" in watch.out
    assert not ENGLISH & set(re.findall(r"\w+", watch.out.lower()))
    assert watch.err == ""


def test_a_site_file_gives_cameras_by_id_by_address_and_all_of_them(
    watching: Any, clip: Path, tmp_path: Path
) -> None:
    """Paths of the site file are relative to it, whoever is asked for."""
    site = tmp_path / "site.yaml"
    os.link(clip, tmp_path / "near.mp4")
    zone = "zone: [[0, 0], [1, 0], [1, 1], [0, 1]]"
    rule = f"rules: [{{id: any, event: forbidden_zone, {zone}}}]"
    site.write_text(
        f"site: Square\ncameras:\n  - {{id: gate, source: near.mp4, {rule}}}\n"
        f"  - {{id: yard, {rule}}}\n"
    )
    watch = watching("--fast", "--json", "--site", site, "gate", f"yard={clip}")
    assert watch.ended() == 0
    assert {(s["camera"], s["rule"]) for s in watch.signals} == {("gate", "any"), ("yard", "any")}
    watch = watching("--fast", "--json", "--site", site)
    assert watch.ended() == 2
    assert "camera 'yard' has no source" in watch.err


# ---------------------------------------------------------------------- cameras and permits
@contextmanager
def real_camera(clip: Path, credentials: Credentials | None = None) -> Iterator[Simulator]:
    """A camera on the loopback that proves nothing, as a tunnel to a real one."""
    with Simulator([SimulatedCamera(clip, credentials=credentials)]) as simulator:
        secret_file(simulator.port(0)).unlink()
        yield simulator


def act(path: Path, *, events: str = "[forbidden_zone]", hours: float = 1.0) -> Path:
    begin = datetime.now(UTC) - timedelta(hours=1)
    end = datetime.now(UTC) + timedelta(hours=hours)
    path.write_text(
        f"reference: Act 7\nauthority: Prefect\ncameras: [gate]\nevents: {events}\n"
        f"period: {{from: {begin.isoformat()}, until: {end.isoformat()}}}\n"
    )
    return path


def test_our_simulator_is_laboratory_and_ctrl_c_leaves_nothing_behind(
    watching: Any, clip: Path
) -> None:
    with Simulator([SimulatedCamera(clip)] * 2) as simulator:
        watch = watching("--json", simulator.url(0), simulator.url(1))
        watch.until(f'"camera": "127.0.0.1-{simulator.port(1)}"')
        assert descendants(watch.process.pid)
        assert watch.interrupted() == 0
    assert {s["laboratory"] for s in watch.signals} == {True}
    assert {s["under"] for s in watch.signals} == {"LABORATORY (simulated camera)"}
    assert "Traceback" not in watch.err


def test_any_other_camera_is_refused_without_an_authorisation(watching: Any, clip: Path) -> None:
    with real_camera(clip) as camera:
        watch = watching("--json", camera.url(0))
        assert watch.ended() == 2
        assert camera.requests(0) == () or {r.method for r in camera.requests(0)} == {"OPTIONS"}
    assert "is analysed only under an authorisation" in watch.err
    assert "--authorisation FILE" in watch.err
    assert watch.out == ""


def test_an_authorised_camera_is_not_laboratory_and_other_events_are_left_out(
    watching: Any, clip: Path, tmp_path: Path
) -> None:
    zone = "zone: [[0, 0], [1, 0], [1, 1], [0, 1]]"
    site = tmp_path / "site.yaml"
    site.write_text(
        "site: Square\ncameras:\n  - id: gate\n    allow_loopback: true\n    rules:\n"
        f"      - {{id: any, event: forbidden_zone, {zone}}}\n"
        f"      - {{id: crowd, event: density, {zone}, params: {{max_people: 1}}}}\n"
    )
    with real_camera(clip) as camera:
        named = f"gate={camera.url(0)}"
        file = act(tmp_path / "act.yaml")
        watch = watching("--json", "--site", site, "--authorisation", file, named)
        other = watching("--authorisation", file, f"other={camera.url(0)}")
        fire = act(tmp_path / "fire.yaml", events="[fire]")
        uncovered = watching("--authorisation", fire, named)
        watch.until('"rule": "any"')
        assert watch.interrupted() == 0
        assert {s["laboratory"] for s in watch.signals} == {False}
        assert {s["under"] for s in watch.signals} == {"Act 7"}
        assert {s["rule"] for s in watch.signals} == {"any"}
        assert "rule crowd (density) is not analysed: Act 7 does not cover it" in watch.err
        assert other.ended() == uncovered.ended() == 2
        assert "Act 7 does not name camera 'other'" in other.err
        assert "Act 7 covers no rule of camera 'gate'" in uncovered.err


def test_an_act_that_is_over_lets_nothing_through(
    watching: Any, clip: Path, tmp_path: Path
) -> None:
    with real_camera(clip) as camera:
        file = act(tmp_path / "act.yaml", hours=-0.5)
        site = tmp_path / "site.yaml"
        site.write_text("site: Square\ncameras: [{id: gate, allow_loopback: true}]\n")
        named = f"gate={camera.url(0)}"
        watch = watching("--json", "--site", site, "--authorisation", file, named)
        watch.until("gate: not authorised: Act 7 is not in force")
        assert watch.interrupted() == 0
    assert watch.out == ""


# ---------------------------------------------------------------------- passwords
def test_no_password_is_in_any_output(watching: Any, clip: Path, tmp_path: Path) -> None:
    """Right and wrong, on the command line and in a site file."""
    site = tmp_path / "site.yaml"
    with Simulator([SimulatedCamera(clip, credentials=Credentials("admin", CANARY))]) as simulator:
        place = simulator.url(0).rpartition("@")[2]
        site.write_text(
            "site: Square\ncameras:\n"
            f"  - {{id: gate, source: rtsp://{place}, user: admin, password: '{CANARY}'}}\n"
            f"  - {{id: wrong, source: rtsp://{place}, user: admin, password: 'x{CANARY}'}}\n"
        )
        watch = watching("--json", "--site", site, "gate", "wrong")
        direct = watching("--json", f"rtsp://admin:{CANARY}@{place}")
        watch.until('"camera": "gate"')
        watch.until("wrong: refused: ")
        assert watch.interrupted() == 0
        assert "refuses the user name or password" in watch.err
        direct.until('"laboratory": true')
        assert direct.interrupted() == 0
    for one in (watch, direct):
        assert "c4n" not in one.out + one.err, one.err
        assert "Traceback" not in one.err, one.err


# ---------------------------------------------------------------------- stopping
def test_ctrl_c_while_it_starts_is_a_clean_end(watching: Any, clip: Path, tmp_path: Path) -> None:
    watch = watching(clip, XDG_CACHE_HOME=str(tmp_path / "empty"))
    watch.until("first start: measuring")
    assert watch.interrupted() == 0
    assert "Traceback" not in watch.err


@pytest.mark.parametrize("library", ["numpy", "cv2", "shapely"])
def test_ctrl_c_while_libraries_are_loaded_is_a_clean_end(
    watching: Any, clip: Path, library: str
) -> None:
    watch = watching(clip)
    maps = Path(f"/proc/{watch.process.pid}/maps")
    ends = time.monotonic() + PATIENCE_S
    while library not in maps.read_text():
        assert time.monotonic() < ends
    assert watch.interrupted() == 0
    assert watch.err == ""


def test_a_file_that_cannot_be_analysed_is_an_exit_code(watching: Any, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text("no video\n" * 100)
    watch = watching("--json", path)
    assert watch.ended() == 2
    assert watch.err.count("is not a video that can be read") == 1, "told once"
    assert "clip: refused: " in watch.err
    assert "not analysed to the end: clip" in watch.err
    assert watch.out == ""


# ---------------------------------------------------------------------- the screen
def report(camera: str, condition: Condition, cause: str = "", **more: Any) -> CameraReport:
    given: dict[str, Any] = {
        "camera": camera,
        "condition": condition,
        "cause": cause,
        "retry_in_s": None,
        "reference": "Act 7",
        "laboratory": True,
        "analysed": 5000,
        "analysed_hz": 5.0,
        "latency_p50_s": 0.057,
        "latency_p95_s": 0.143,
        "dropped": {},
        "people": 12,
        "vehicles": 3,
        "key_frames_only": False,
        "last_alert": None,
        "stream_time": 1000.0,
    }
    return CameraReport(**given | more)


ALERT = Alert(
    event=Event.FORBIDDEN_ZONE,
    rule="tracks",
    camera="platform-2-east-stairs-lower-end",
    began=3725.0,
    noticed=3726.3,
    where=Box(0, 0, 1, 1),
    checks=(Check(name="inside", measured=1.3, threshold=1.0, unit="s", held_s=1.3, passed=True),),
    level="alarm",
    laboratory=True,
)


def drawn(
    width: int, height: int, reports: Sequence[CameraReport], language: Language = "en"
) -> list[str]:
    console = Console(width=width, height=height, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        shown = Shown(reports, [ALERT] * 20, 20, ["a note"], language)
        console.print(screen(shown, console))
        return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 120, 160])
def test_the_screen_fits_its_terminal(width: int) -> None:
    """Every condition is readable in full, whatever the width; a camera takes one line."""
    reports = [report(f"camera-{n}", one, "why (next)") for n, one in enumerate(Condition)]
    reports.append(report("platform-2-east-stairs-lower-end", Condition.RUNNING))
    lines = drawn(width, 60, reports)
    assert max(map(len, lines)) <= width
    for n, one in enumerate(Condition):
        row = next(line for line in lines if f"camera-{n} LAB" in line)
        assert one.value in row
        assert "5.0" in row
        assert "57/143" in row
    assert any(line.startswith(" LABORATORY") for line in lines)


ENGLISH = frozenset(
    re.findall(
        r"\w+",
        "laboratory under files cameras camera nobody state people vehicles lost signals last none "
        "running ended closed quiet again the is and of to it with",
    )
)


def test_in_french_no_english_is_on_the_screen() -> None:
    causes = (
        "rules suspended, dark: no light (switch a lamp or the camera's infra-red on)",
        "10.0.0.5 refuses connections (check the port and RTSP setting)",
        "a mistake in the engine: KeyError in step, line 3 (report it; it is tried again)",
    )
    reports = [report(f"c-{n}", Condition.LOST, why, retry_in_s=7) for n, why in enumerate(causes)]
    reports += [report(f"d-{n}", one, dropped={"stale": 2}) for n, one in enumerate(Condition)]
    reports[-1] = report("e", Condition.RUNNING, key_frames_only=True, last_alert=ALERT)
    for width in (80, 160):
        text = " ".join(drawn(width, 60, reports, "fr")).replace("a note", "")
        words = set(re.findall(r"[a-zéèêàçû]+", text.lower()))
        assert not ENGLISH & (words - {"tracks", "step", "line"}), ENGLISH & words
        for told in ("10.0.0.5 refuse la connexion (vérifiez le port", "règles suspendues, obscur"):
            assert told in " ".join(text.split())
        assert "nouvel essai dans 7 s" in text
        assert "périmées 2" in text


def sentences(module: str) -> Iterator[str]:
    """The words of conditions and refusals in a module, with X for what is filled in."""
    tree = ast.parse((Path(veilleur.__file__).parent / module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in {"CameraRefused", "StreamLost", "NotAuthorised"}:
            yield from map(filled, node.args[:1])
            yield from (filled(k.value) for k in node.keywords if k.arg == "remedy")
        elif name in {"Trouble", "_fail", "_with_next"}:
            yield from map(filled, node.args[-1:])


def filled(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(filled(value) for value in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "X"


IN_PARTS = {
    "X was stopped by XX",
    "X is not in force: X",
    "the legal profile X is not in force: it runs X",
    "X is X: the profile X does not open it",
    "X is X authorisation: it does not open X",
    "camera X is X: it can't run in X mode",
    "the machine's clock was set X by X s and is in doubt: X does not cover both times",
}


@pytest.mark.parametrize("reason", ["", ": works: at night (until six)"])
@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("everything", "tout a été arrêté"),
        ("site Gare", "le site Gare a été arrêté"),
        ("camera gate", "la caméra gate a été arrêtée"),
        ("rule gate/zone", "la règle gate/zone a été arrêtée"),
    ],
)
def test_a_stop_is_told_in_french_with_the_words_of_who_stopped(
    scope: str, told: str, reason: str
) -> None:
    said = say(f"{scope} was stopped by ana{reason} (it goes on when the stop is lifted)", "fr")
    assert said.startswith(f"{told} par ana")
    assert said.endswith("(elle reprend quand l’arrêt est levé)")
    assert reason[reason.rfind(":") + 1 :] in said


@pytest.mark.parametrize(
    "module",
    ["cameras/source.py", "cameras/reachable.py", "cameras/decoding.py", "cameras/camera.py",
     "engine/seat.py", "law/conditions.py", "law/gate.py"],
)  # fmt: skip
def test_every_reason_a_camera_gives_has_its_french(module: str) -> None:
    """Those of the gate too, but for what is put together of two: they are told below."""
    told = {words for words in sentences(module) if " " in words.replace("X", "").strip()}
    assert told
    told -= IN_PARTS
    assert [words for words in told if say(words, "fr") == words] == []


def test_every_condition_and_every_cause_of_loss_has_its_french() -> None:
    assert all(condition_word(one.value, "fr") != one.value for one in Condition)
    causes = [*map(str, Cause), "stale", "no room", "corrupt"]
    assert all(cause_word(one, "fr") != one for one in causes)
    blind = [f"rules suspended, {why}: {_BLIND[why]}" for why in map(str, Blind)]
    for words in (*blind, *_NEXT.values(), FILMED, FIRST):
        assert not ENGLISH & set(re.findall(r"\w+", say(words, "fr")))


def test_a_name_that_is_also_a_word_stays_a_name() -> None:
    assert say("dark has no such stream", "fr") == "dark n’a pas ce flux"
    assert say("nothing known here (nor here)", "fr") == "nothing known here (nor here)"


def test_a_low_terminal_shows_cameras_in_trouble_first_and_says_how_many_are_left_out() -> None:
    reports = [report(f"camera-{n}", Condition.RUNNING) for n in range(30)]
    reports[25] = report("camera-25", Condition.LOST, "the cable (check it)", retry_in_s=7.4)
    lines = drawn(80, 24, reports)
    assert len(lines) <= 24
    text = "\n".join(lines)
    assert "camera-25 LAB" in text
    assert "the cable (check it), again in 7 s" in text
    assert "more cameras: a higher terminal shows them" in text
    assert "1:02:06.3" in text, "signals are shown in any case"


def test_what_a_camera_has_lost_is_shown_by_cause() -> None:
    lost = {"displaced": 3, "stale": 12}
    for width in (80, 160):
        text = "\n".join(drawn(width, 24, [report("gate", Condition.RUNNING, dropped=lost)]))
        assert "stale 12, displaced 3" in text
    many = [report(f"camera-{n}", Condition.RUNNING, dropped=lost) for n in range(12)]
    lines = drawn(80, 24, many)
    assert len(lines) <= 24
    assert "all  lost: stale 144, displaced 36" in map(str.rstrip, lines)
    assert any("camera-7 LAB" in line for line in lines), "cameras before details"
