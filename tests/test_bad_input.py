"""Whatever somebody hands over: a plain message that says what to do, and never a password."""

from __future__ import annotations

import doctest
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.watching import Made, laboratory, member, of, street, until
from veilleur import cli, yaml
from veilleur.cameras.source import Source
from veilleur.engine.lineup import Lineup, line_up
from veilleur.engine.node import Node
from veilleur.engine.report import Condition
from veilleur.errors import VeilleurError
from veilleur.law.authorisation import read_authorisation
from veilleur.simulation.faults import Fault, Kind
from veilleur.simulation.message import Credentials
from veilleur.simulation.simulator import SimulatedCamera, Simulator
from veilleur.site import load_site
from veilleur.yaml import Problems

CANARY = "c4n:ary@/?#%41 é"


def asked(*sources: str, site: Path | None = None, ours: bool = True) -> Lineup:
    return line_up(
        sources,
        load_site(site) if site else None,
        None,
        folder=site.parent if site else Path(),
        is_our_simulator=lambda host, port: ours,
        at=datetime(2026, 12, 1, 14, tzinfo=UTC),
    )


def said(work: Callable[[], object]) -> str:
    with pytest.raises(VeilleurError) as error:
        work()
    assert "c4n" not in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------------- the command line
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.mp4", "there is no file 'nowhere.mp4' (check the path"),
        (".", "'.' is not a file of video (name one video file)"),
        ("/dev/zero", "'/dev/zero' is not a file of video"),
        ("http://cam.lan/video", "an address must begin with rtsp:// or rtsps://"),
        (f"rstp://admin:{CANARY}@cam.lan/live", "an address must begin with rtsp://"),
        (f"gate=rstp://admin:{CANARY}@cam.lan", "an address must begin with rtsp://"),
        (f" rstp://admin:{CANARY}@cam.lan", "an address must begin with rtsp://"),
        (f"rtsp://admin:{CANARY}@", "write rtsp://user:password@host:554/path"),
        ("rtsp://", "write rtsp://user:password@host:554/path"),
        ("rtsp://cam.lan:99999/live", "write rtsp://user:password@host:554/path"),
        ("/dev/video97", "there is no camera /dev/video97 on this machine ("),
        ("door=/dev/video97", "there is no camera /dev/video97 on this machine ("),
    ],
)
def test_what_is_no_source_is_told_in_a_sentence(source: str, words: str) -> None:
    assert words in said(lambda: asked(source))


def test_nothing_to_watch_says_what_can_be() -> None:
    assert "nothing to watch (name a file, an rtsp:// address" in said(asked)


ZONE = "zone: [[0, 0], [1, 0], [1, 1], [0, 1]]"
GOOD = f"rules: [{{id: any, event: forbidden_zone, {ZONE}}}]"


def written(folder: Path, text: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("gat", "the site file has 2 cameras: which of them is 'gat'?"),
        ("gat", "write ID=ADDRESS with one of: gate, yard"),
        (f"rtsp://admin:{CANARY}@cam.lan", "which of them is that address?"),
        (f"roof=rtsp://admin:{CANARY}@cam.lan", "has no camera 'roof' (it has: gate, yard)"),
        ("gate", "camera 'gate' has no source (add `source:` to it, or give gate=ADDRESS)"),
        ("yard", "the password file cannot be read: No such file or directory"),
    ],
)
def test_what_a_site_file_does_not_know_is_told(tmp_path: Path, source: str, words: str) -> None:
    secret = "source: rtsp://cam.lan/live, password_file: none.txt"
    site = written(tmp_path, f"site: s\ncameras:\n  - {{id: gate}}\n  - {{id: yard, {secret}}}\n")
    assert words in said(lambda: asked(source, site=site))


@given(st.text(min_size=1, max_size=30), st.sampled_from(["password", "password_file", "typed"]))
def test_a_password_may_hold_any_character_wherever_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, password: str, where: str
) -> None:
    password = password.replace("\0", "0").replace("\r", "r").replace("\n", "n")
    if where == "typed":
        # What ends the credentials is the last @ before a host; an address with a number is sure.
        source = asked(f"rtsp://admin:{password.replace('@', 'a')}@10.0.0.5:554/live")
        password = password.replace("@", "a")
    else:
        folder = tmp_path_factory.mktemp("site", numbered=True)
        (folder / "password.txt").write_bytes(password.encode("utf-8", "surrogatepass") + b"\n")
        value = "password.txt" if where == "password_file" else _quoted(password)
        source = asked(
            site=written(
                folder,
                "site: s\ncameras:\n  - id: gate\n    source: rtsp://10.0.0.5/live\n"
                f"    user: admin\n    {where}: {value}\n",
            )
        )
    found: Source = source.members[0].settings.source
    assert found.password.reveal() == password
    assert found.address == f"rtsp://10.0.0.5{':554' if where == 'typed' else ''}/live"


def _quoted(text: str) -> str:
    """A YAML string in double quotes, everything beyond plain letters escaped."""
    return (
        '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in text) + '"'
    )


# ---------------------------------------------------------------------- site files
def rules(*lines: str) -> str:
    listed = "".join(f"      - {{id: r{n}, {line}}}\n" for n, line in enumerate(lines))
    return f"site: s\ncameras:\n  - id: gate\n    rules:\n{listed}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("site: s\ncameras: [\n", ["site.yaml:3:1: "]),
        ("just words\n", ["site.yaml:1:1: the file must hold settings"]),
        ("site: s\ncamera: []\n", ["2:1: camera: unknown setting (did you mean 'cameras'?)"]),
        ("site: s\ntime_zone: Paris\ncameras: [{id: a}]\n", ["2:1: ", "write it as Europe/Paris"]),
        (
            "site: s\ncameras:\n  - {id: a}\n  - {id: a}\n",
            ["4:6: ", "two entries have the id 'a': each camera needs its own"],
        ),
        (
            rules("event: forbidden_zone, zone: [[0, 0], [1, 1], [0.5, 0.5]]"),
            ["5:41: ", "the polygon has no area"],
        ),
        (
            rules("event: forbidden_zone, zone: [[0, 0], [1, 1], [1, 0], [0, 1]]"),
            ["5:41: ", "crosses itself"],
        ),
        (
            rules("event: forbidden_zone, zone: [[0, 0], [1.5, 0], [1, 1]]"),
            ["5:", "must be 1 at most", "relative to the picture"],
        ),
        (rules(f"event: forbiden_zone, {ZONE}"), ["5:18: ", "forbidden_zone"]),
        (rules("event: weapon, line: [[0, 0], [1, 1]]"), ["weapon needs a zone"]),
        (
            rules(f"event: forbidden_zone, {ZONE}, params: {{dwel_s: 1}}"),
            ["unknown params.dwel_s (did you mean dwell_s?)"],
        ),
        (
            rules(f"event: density, subject: vehicle, {ZONE}, params: {{max_people: 3}}"),
            ["density does not look at vehicles"],
        ),
        (
            rules(
                "event: forbidden_zone, zone: [[0, 0], [1, 1]]",
                f"event: forbidden_zone, {ZONE}, params: {{dwell_s: -1}}",
            ),
            ["5:41: ", "6:", "must be 0 at least"],
        ),
    ],
)
def test_every_mistake_of_a_site_file_has_its_line_and_column(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    message = said(lambda: load_site(written(tmp_path, text)))
    for words in expected:
        assert words in message


ONE_OF_EACH_KIND = """\
site: s
tme_zone: Europe/Paris
cameras:
  - id: gate
    rate_hz: 5 fps
    masks: [[[0, 0], [1, 1], [0.5, 0.5]]]
    ground: {image: [[0.1, 0.9], [0.9, 0.9], [0.7, 0.4]], metres: [[0, 0], [8, 0], [8, 12]]}
    rules:
      - {id: flat, event: forbidden_zone, zone: [[0, 0], [1, 0.5], [0, 0]],
         params: {dwell_ms: 500, gap_s: 2 min}}
      - {id: crossed, event: forbiden_zone, zone: [[0, 0], [1, 1], [1, 0], [0, 1]]}
      - {id: pixels, event: forbidden_zone, zone: [[0, 0], [640, 0], [0.5, 1]],
         params: {dwell_s: -1}}
      - {id: cars, event: density, subject: vehicle, zone: [[0, 0], [1, 0], [1, 1]],
         params: {max_people: 3, max_per_m2: 2}}
      - {id: lane, event: wrong_way, zon: [[0, 0], [1, 0], [1, 1]]}
      - {id: gun, event: forbidden_zone, line: [[0, 0], [0, 0]]}
      - {id: gun, event: wrong_way, zone: [[0, 0], [1, 0], [1, 1]], allowed_heading: [0, 0]}
  - id: gate
    rules:
      - {id: dense, event: density, zone: [[0, 0], [1, 0], [1, 1]], params: {max_per_m2: 2}}
"""


def test_all_mistakes_of_a_site_file_are_told_at_once_whatever_their_kind(tmp_path: Path) -> None:
    with pytest.raises(Problems) as refusal:
        load_site(written(tmp_path, ONE_OF_EACH_KIND))
    told = [(p.line, p.column, f"{p.message} ({p.remedy})") for p in refusal.value.problems]
    expected = [
        (2, 1, "unknown setting (did you mean 'time_zone'?)"),
        (5, 5, "'5 fps' is no number"),
        (6, 13, "mask: the polygon has no area"),
        (7, 5, "ground: 3 points in the picture"),
        (9, 43, "zone: the polygon has no area"),
        (10, 19, "unknown params.dwell_ms (did you mean dwell_s, in seconds?)"),
        (10, 34, "'2 min' is no number (write the number alone, in seconds)"),
        (11, 23, "did you mean 'forbidden_zone'?"),
        (11, 45, "crosses itself"),
        (12, 61, "points are relative to the picture"),
        (13, 19, "must be 0 at least"),
        (14, 36, "density does not look at vehicles"),
        (15, 19, "max_people or max_per_m2, not both"),
        (16, 38, "unknown setting (did you mean 'zone'?)"),
        (17, 42, "both ends are the same point"),
        (18, 10, "two entries have the id 'gun'"),
        (18, 69, "a heading of no length"),
        (19, 5, "two entries have the id 'gate'"),
        (21, 78, "max_per_m2 needs to know the ground"),
    ]
    assert [place[:2] for place in told] == [place[:2] for place in expected]
    for (*_, words), (*_, meant) in zip(told, expected, strict=True):
        assert meant in words


def test_units_are_known_by_the_ends_of_names() -> None:
    assert doctest.testmod(yaml).failed == 0


def test_what_follows_from_a_mistake_is_not_told_as_another(tmp_path: Path) -> None:
    text = """\
site: s
cameras:
  - id: gate
    ground: {image: here}
    rules: [{id: lane, event: wrong_way, zon: 1, headings: up, params: {gap_s: x}},
            {id: dense, event: density, zone: [[0, 0], [1, 0], [1, 1]], params: {max_per_m2: 2}}]
"""
    message = said(lambda: load_site(written(tmp_path, text)))
    assert len(message.splitlines()) == 4, message
    for words in ("4:14: ", "5:42: ", "5:50: ", "5:73: "):
        assert words in message


def test_a_folder_is_no_site_file_and_a_rule_s_second_id_has_its_line(tmp_path: Path) -> None:
    assert "is a folder (name the file in it)" in said(lambda: load_site(tmp_path))
    twice = rules(f"event: forbidden_zone, {ZONE}", f"event: forbidden_zone, {ZONE}")
    site = written(tmp_path, twice.replace("id: r1", "id: r0"))
    assert "site.yaml:6:10: two entries have the id 'r0'" in said(lambda: load_site(site))


def test_a_schedule_needs_a_clock_which_a_file_has_only_if_told(tmp_path: Path) -> None:
    street(tmp_path / "clip.mp4", 0.2)
    schedule = "params: {schedule: {weekly: {daily: ['22:00-06:00']}}}"
    camera = f"source: clip.mp4, rules: [{{id: r, event: forbidden_zone, {ZONE}, {schedule}}}]"
    site = written(tmp_path, f"site: s\ncameras:\n  - {{id: gate, {camera}}}\n")
    assert "give the clip a starts_at, or remove the schedule" in said(lambda: asked(site=site))
    told = f"starts_at: 2026-12-01T23:00:00, {camera}"
    site = written(tmp_path, f"site: s\ncameras:\n  - {{id: gate, {told}}}\n")
    assert asked(site=site).members[0].assembly.begins == datetime(2026, 12, 1, 23)  # noqa: DTZ001
    live = asked("gate=rtsp://cam.lan/live", site=site).members[0]
    assert (str(live.zone), live.assembly.begins) == ("Europe/Paris", None)


def test_the_same_name_twice_becomes_two_cameras(tmp_path: Path) -> None:
    clip = str(street(tmp_path / "clip.mp4", 0.2))
    lineup = asked(clip, f"clip-2={clip}", clip, "clip=rtsp://cam.lan/live")
    assert [member.id for member in lineup.members] == ["clip", "clip-2", "clip-3", "clip-4"]


# ---------------------------------------------------------------------- files
def empty(path: Path) -> None:
    path.write_bytes(b"")


def words(path: Path) -> None:
    path.write_text("no video\n" * 1000)


def noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(200_000))


def endless_nothing(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def without_index(path: Path) -> None:
    street(path, 4.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    "make",
    [empty, words, noise, endless_nothing, without_index, sound_only],
    ids=lambda m: m.__name__,
)
def test_a_file_that_is_no_video_is_refused_by_name(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "clip.mp4"
    make(path)
    files = [member("clip", path)]
    with Node(files, laboratory(files), Made()) as node:
        until(lambda: node.ended, node)
        report = of(node, "clip")
    assert report.condition is Condition.REFUSED, report
    assert "clip.mp4" in report.cause
    assert report.cause.endswith(")"), "what to do next"


def test_a_file_of_a_codec_that_is_not_decoded_is_to_be_converted(tmp_path: Path) -> None:
    """There is no camera that could be set."""
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((72, 64), np.uint8), "yuv420p")
        film.mux(stream.encode(picture))
        film.mux(stream.encode(None))
    files = [member("clip", path)]
    with Node(files, laboratory(files), Made()) as node:
        until(lambda: node.ended, node)
        cause = of(node, "clip").cause
    assert "holds ffv1, which is not decoded here (convert it to H.264 or H.265)" in cause


def test_what_can_be_read_of_a_spoilt_file_is_analysed(tmp_path: Path) -> None:
    """Cut off in the middle, and bytes turned over on the way: no crash, no false end."""
    whole = street(tmp_path / "whole.ts", 4.0)
    spoilt = bytearray(whole.read_bytes())
    cut = tmp_path / "cut.ts"
    cut.write_bytes(spoilt[: len(spoilt) // 2])
    dice = np.random.default_rng(3)
    for at in dice.integers(5000, len(spoilt), 60):
        spoilt[at] ^= 0xFF
    turned = tmp_path / "turned.ts"
    turned.write_bytes(spoilt)
    files = [member(path.stem, path).hurried() for path in (whole, cut, turned)]
    with Node(files, laboratory(files), Made()) as node:
        until(lambda: node.ended, node)
        reports = {report.camera: report for report in node.report()}
        assert node.surprises.empty()
    assert reports["whole"].analysed == 20
    assert 8 <= reports["cut"].analysed <= 11
    assert {r.condition for r in reports.values()} == {Condition.ENDED}
    assert 1 <= reports["turned"].analysed <= 20


# ---------------------------------------------------------------------- cameras
@pytest.mark.parametrize(
    ("fault", "condition", "cause"),
    [
        (Kind.WRONG_PASSWORD, Condition.REFUSED, "refuses the user name or password (type the"),
        (Kind.NOT_FOUND, Condition.REFUSED, "has no such stream (look up the stream's path"),
        (Kind.REFUSE, Condition.REFUSED, "refuses connections (check the port and RTSP setting)"),
        (Kind.SILENT, Condition.STALLED, "accepts the connection and says nothing"),
        (Kind.NO_KEY, Condition.CONNECTING, "waiting for the first picture"),
    ],
)
def test_a_camera_that_gives_no_pictures_says_why(
    tmp_path: Path, fault: Kind, condition: Condition, cause: str
) -> None:
    clip = street(tmp_path / "clip.mp4", 6.0)
    login = Credentials("admin", CANARY)
    with Simulator([SimulatedCamera(clip, credentials=login)]) as simulator:
        simulator.inject(0, Fault(fault))
        place = simulator.url(0).rpartition("@")[2]
        cameras = [member("gate", f"rtsp://admin:{CANARY}@{place}")]
        with Node(cameras, laboratory(cameras), Made()) as node:
            until(lambda: cause in of(node, "gate").cause, node)
            report = of(node, "gate")
            assert report.condition is condition
            assert "c4n" not in str(report)
            assert report.people is None
            simulator.clear(0, Fault(fault))
            until(lambda: of(node, "gate").condition is Condition.RUNNING, node)


def test_a_host_that_does_not_exist_is_named(tmp_path: Path) -> None:
    cameras = [member("gate", "rtsp://no-such-camera.invalid/live")]
    with Node(cameras, laboratory(cameras), Made()) as node:
        until(lambda: of(node, "gate").condition is Condition.REFUSED, node)
        assert "no-such-camera.invalid is not known to the network" in of(node, "gate").cause


# ---------------------------------------------------------------------- the command
@pytest.fixture
def veilleur(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command in this process: its exit code and everything it said."""

    def run(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["veilleur", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        code = end.value.code
        return (code if isinstance(code, int) else 0), out + err

    return run


def test_a_mistake_is_a_line_without_a_trace_and_exit_code_2(
    veilleur: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    site = written(tmp_path, "site: s\ncamera: []\n")
    for arguments in (("watch",), ("watch", "nowhere.mp4"), ("watch", "--site", site)):
        code, text = veilleur(*arguments)
        assert code == 2
        assert text.startswith("veilleur: ")
        assert "Traceback" not in text
    assert f"{site}:2:1: camera: unknown setting" in text


def test_an_authorisation_with_mistakes_has_lines_too(tmp_path: Path) -> None:
    path = tmp_path / "act.yaml"
    path.write_text("reference: r\nauthority: a\ncameras: []\nevents: [fires]\nperiod: {}\n")
    message = said(lambda: read_authorisation(path))
    for place in ("act.yaml:3:1: cameras", "act.yaml:4:10: events.0", "act.yaml:5:1: period.from"):
        assert place in message
