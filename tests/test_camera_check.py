"""`camera check`: what a stream is, what it can serve; nothing is looked at without a permit."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from textwrap import indent
from typing import Any, cast

import av
import numpy as np
import pytest
from av.packet import Packet
from av.video.stream import VideoStream
from typer.testing import CliRunner

import veilleur
from tests.cameras_media import make_clip
from tests.made_models import MADE, somebody_always
from tests.watching import street
from veilleur.cameras.describing import describe_apart
from veilleur.cameras.inspection import (
    PacketMeter,
    SceneMeter,
    SceneStatistics,
    StreamDescription,
    describe,
    noise_of,
    sub_stream_of,
)
from veilleur.cameras.source import open_feed, parse_source
from veilleur.cameras.suitability import Finding, Fit, angle_of, judge, judge_all, scale_of
from veilleur.catalogue import Event
from veilleur.errors import CameraError, CameraRefused, ModelUnusable, NotAuthorised
from veilleur.geometry import FloatArray, View
from veilleur.ground import ground_plane

VIEW = View(1920, 1080)
STREAM = StreamDescription(
    address="rtsp://camera/main",
    live=True,
    codec="h264",
    profile="High",
    width=1920,
    height=1080,
    pixel_format="yuv420p",
    declared_hz=25.0,
    measured_hz=25.0,
    key_interval_s=2.0,
    key_seen=True,
    bit_rate=4e6,
    b_frames=False,
    steps=0,
    sub_stream=None,
    clock_offset_s=None,
    seconds=5.0,
)


def crowd(tall: float, n: int = 40) -> FloatArray:
    """(n, 4) boxes of people of one height in pixels, in a row."""
    x = np.linspace(100, 1800, n)
    return np.stack([x, np.full(n, 500.0), x + tall / 3, np.full(n, 500.0 + tall)], axis=1)


SCENE = SceneStatistics(pictures=40, level=110.0, contrast=40.0, noise=1.0, people=crowd(500.0))


def described(path: Path, seconds: float = 5.0) -> StreamDescription:
    feed = open_feed(parse_source(str(path)))
    try:
        return describe(feed, seconds=seconds)
    finally:
        feed.close()


# ---------------------------------------------------------------------- what it is
def test_a_stream_is_described_as_it_was_made(tmp_path: Path) -> None:
    options = {"g": "30", "bf": "0", "profile": "main", "sc_threshold": "0"}
    found = described(make_clip(tmp_path / "a.mp4", rate=20, seconds=6.0, options=options))
    assert (found.codec, found.profile, found.width, found.height) == ("h264", "Main", 320, 180)
    assert found.measured_hz == pytest.approx(20.0, rel=0.01)
    assert found.key_interval_s == pytest.approx(1.5, abs=0.01)
    assert not found.b_frames
    assert found.steps == 0
    assert found.seconds == pytest.approx(5.0, abs=0.1)
    assert found.clock_offset_s is None


def test_b_frames_are_found(tmp_path: Path) -> None:
    found = described(make_clip(tmp_path / "b.mp4", seconds=3.0, options={"bf": "2"}))
    assert found.b_frames


def test_one_key_frame_is_not_an_interval(tmp_path: Path) -> None:
    """The interval is then at least what was read, and the description says so."""
    options = {"g": "500", "sc_threshold": "0"}
    found = described(make_clip(tmp_path / "c.mp4", seconds=4.0, options=options), seconds=3.0)
    assert not found.key_seen
    assert found.key_interval_s == pytest.approx(3.0, abs=0.1)


def test_time_stamps_that_step_are_counted_and_left_out() -> None:
    """One jump of an hour and one step back, at 10 pictures a second."""
    meter = PacketMeter(base_s=0.001)
    stamps = [*range(0, 2000, 100), *range(3602000, 3604000, 100), *range(1000, 3000, 100)]
    for stamp in stamps:
        packet = cast("Packet[VideoStream]", Packet(b"x" * 100))
        packet.dts = packet.pts = stamp
        packet.time_base = Fraction(1, 1000)
        meter.note(packet)
    assert meter.steps == 2
    assert meter.rate_hz == pytest.approx(10.0)
    assert meter.seconds == pytest.approx(5.7)


@pytest.mark.parametrize(
    ("address", "guess"),
    [
        (
            "rtsp://u:p@10.0.0.5/Streaming/Channels/101",
            "rtsp://10.0.0.5/Streaming/Channels/102",
        ),
        (
            "rtsp://10.0.0.5/cam/realmonitor?channel=1&subtype=0",
            "rtsp://10.0.0.5/cam/realmonitor?channel=1&subtype=1",
        ),
        ("rtsp://10.0.0.5:554/anything", None),
    ],
)
def test_a_sub_stream_is_guessed_only_where_the_address_has_a_known_form(
    address: str, guess: str | None
) -> None:
    assert sub_stream_of(parse_source(address)) == guess


@pytest.mark.parametrize("sigma", [1.0, 4.0, 10.0])
def test_noise_is_measured_beside_texture(sigma: float) -> None:
    rng = np.random.default_rng(0)
    picture = np.full((360, 640), 120.0)
    picture[:, 320:] += np.kron(rng.integers(-50, 50, (90, 80)), np.ones((4, 4)))
    noisy = np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)
    assert noise_of(noisy) == pytest.approx(sigma, rel=0.25)


def test_a_scene_is_summed_up() -> None:
    meter = SceneMeter()
    assert meter.statistics() is None
    for n in range(4):
        meter.note(np.full((180, 320), 60, np.uint8), "dark" if n else None, crowd(50.0, 3))
    scene = meter.statistics()
    assert scene is not None
    assert (scene.pictures, scene.level, scene.contrast) == (4, 60.0, 0.0)
    assert (scene.blind, scene.blind_by) == (0.75, "dark")
    assert scene.people is not None
    assert len(scene.people) == 12


# ---------------------------------------------------------------------- what it can serve
WEAK = (Event.WEAPON, Event.FIRE)


def test_a_good_camera_is_fit_for_all_and_says_what_it_measured() -> None:
    everything = judge_all(STREAM, SCENE, VIEW)
    assert [v.event for v in everything] == list(Event)
    verdicts = [v for v in everything if v.event not in WEAK]
    assert {v.fit for v in verdicts} == {Fit.YES}
    assert all("25 pictures a second" in v.reason and not v.remedy for v in verdicts)


@pytest.mark.parametrize(
    ("event", "word"), [(Event.WEAPON, "experimental"), (Event.FIRE, "hardly any smoke")]
)
def test_of_a_weak_event_even_a_good_camera_is_told_not_to_rely_on_it(
    event: Event, word: str
) -> None:
    verdict = judge(STREAM, SCENE, VIEW, event)
    assert verdict.fit is Fit.LIMITED
    assert word in verdict.reason
    assert "do not rely on it" in verdict.remedy


def test_a_picture_too_small_for_anything_serves_no_event() -> None:
    verdicts = judge_all(STREAM, SCENE, View(64, 48))
    assert {v.fit for v in verdicts} == {Fit.NO}
    assert all("48 pixels high" in v.reason for v in verdicts)


ZONE, DENSITY, WEAPON = Event.FORBIDDEN_ZONE, Event.DENSITY, Event.WEAPON


@pytest.mark.parametrize(
    ("event", "stream", "scene", "fit", "words"),
    [
        pytest.param(ZONE, {"measured_hz": 3.0}, {}, Fit.LIMITED, "3 pictures", id="slow"),
        pytest.param(ZONE, {"measured_hz": 0.5}, {}, Fit.NO, "0.5 pictures", id="far too slow"),
        pytest.param(DENSITY, {"measured_hz": 1.0}, {}, Fit.YES, "1 pictures", id="slow counts"),
        pytest.param(
            ZONE, {"key_interval_s": 10.0}, {}, Fit.LIMITED, "key frame every 10 s", id="GOP"
        ),
        pytest.param(ZONE, {"live": False, "key_interval_s": 10.0}, {}, Fit.YES, "", id="a file"),
        pytest.param(ZONE, {}, {"level": 20.0}, Fit.NO, "too dark", id="dark"),
        pytest.param(ZONE, {}, {"contrast": 9.0}, Fit.LIMITED, "flat", id="flat"),
        pytest.param(ZONE, {}, {"noise": 12.0}, Fit.LIMITED, "noisy", id="noisy"),
        pytest.param(
            ZONE, {}, {"blind": 0.9, "blind_by": "blurred"}, Fit.NO, "blurred", id="blind"
        ),
        pytest.param(ZONE, {}, {"people": crowd(60.0)}, Fit.YES, "35 pixels per m", id="detect"),
        pytest.param(
            ZONE, {}, {"people": crowd(30.0)}, Fit.LIMITED, "18 pixels per metre of 25", id="far"
        ),
        pytest.param(ZONE, {}, {"people": crowd(15.0)}, Fit.NO, "9 pixels per metre", id="too far"),
        pytest.param(
            WEAPON, {}, {"people": crowd(60.0)}, Fit.NO, "of 250", id="weapons need identification"
        ),
        pytest.param(ZONE, {}, {"people": crowd(90.0, 3)}, Fit.LIMITED, "too few", id="few seen"),
        pytest.param(ZONE, {}, {"people": None}, Fit.LIMITED, "nobody", id="nobody seen"),
        pytest.param(Event.FIRE, {}, {"people": None}, Fit.LIMITED, "smoke", id="fire, nobody"),
    ],
)
def test_each_shortcoming_decides_with_its_reason(
    event: Event, stream: dict[str, Any], scene: dict[str, Any], fit: Fit, words: str
) -> None:
    verdict = judge(replace(STREAM, **stream), replace(SCENE, **scene), VIEW, event)
    assert verdict.fit is fit
    assert words in verdict.reason
    assert bool(verdict.remedy) == (fit is not Fit.YES)


def test_what_the_density_rule_objects_is_the_verdict_of_density_alone() -> None:
    told = Finding(Fit.NO, "only 3 of 40 people are seen clearly", "zoom in")
    verdicts = {v.event: v for v in judge_all(STREAM, SCENE, VIEW, told)}
    assert (verdicts[DENSITY].fit, verdicts[DENSITY].reason) == (Fit.NO, told.reason)
    assert all(v.fit is Fit.YES for e, v in verdicts.items() if e not in (DENSITY, *WEAK))


def test_without_pictures_only_what_the_stream_rules_out_is_known() -> None:
    slow = judge(replace(STREAM, measured_hz=0.5), None, VIEW, ZONE)
    assert (slow.fit, "0.5 pictures" in slow.reason) == (Fit.NO, True)
    verdicts = judge_all(STREAM, None, VIEW)
    assert {v.fit for v in verdicts} == {Fit.NOT_KNOWN}
    assert all("--authorisation" in v.remedy for v in verdicts)


def test_the_ground_gives_scale_and_angle() -> None:
    """A pinhole camera 6 m up, 30 degrees down; judged at the middle, three quarters down."""
    focal, height_m, tilt = 1500.0, 6.0, math.radians(30.0)
    ground = np.array([[x, y] for x in (-3.0, 3.0) for y in (6.0, 9.0, 14.0)])
    far = ground[:, 1] * math.cos(tilt) + height_m * math.sin(tilt)
    low = height_m * math.cos(tilt) - ground[:, 1] * math.sin(tilt)
    image = np.stack([960 + focal * ground[:, 0] / far, 540 + focal * low / far], axis=1)
    pairs = {"image": (image / (1920, 1080)).tolist(), "metres": ground.tolist()}
    view = View(1920, 1080, ground_plane(pairs, 1920, 1080, Path()))
    nobody = replace(SCENE, people=None)
    down = tilt + math.atan2(810 - 540, focal)
    distance = height_m / math.sin(down) * math.cos(down - tilt)
    assert scale_of(nobody, view) == pytest.approx(focal / distance, rel=0.02)
    assert angle_of(nobody, view).down_degrees == pytest.approx(math.degrees(down), abs=1.5)


def test_the_height_of_the_camera_is_estimated_from_people() -> None:
    """People all over a picture whose horizon is at y = 100, seen from 5.1 m."""
    rng = np.random.default_rng(1)
    foot = rng.uniform(300, 1000, 60)
    tall = (foot - 100) / 3.0 + rng.normal(0, 4, 60)
    people = np.stack([foot, foot - tall, foot + 20, foot], axis=1)
    height = angle_of(replace(SCENE, people=people), VIEW).height_m
    assert height == pytest.approx(5.1, rel=0.1)
    assert angle_of(SCENE, VIEW).height_m is None


# ---------------------------------------------------------------------- the command
command = import_module("veilleur.cli.camera")


def test_a_file_is_checked_in_laboratory_mode() -> None:
    """The embedded clip: people are found through the pipeline, all eight events are judged."""
    clip = Path(veilleur.__file__).parent / "demo" / "vtest.mp4"
    result = CliRunner().invoke(
        command.app, ["check", str(clip), "--json", "--seconds", "8"], catch_exceptions=False
    )
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["under"].startswith("LABORATORY")
    assert report["stream"]["codec"] == "h264"
    assert report["scene"]["people"] >= 20
    assert 60 < report["scene"]["person_px"] < 100
    fits = {v["event"]: v["fit"] for v in report["verdicts"]}
    assert len(fits) == 8
    assert fits["forbidden_zone"] == "yes"
    assert fits["weapon"] == "no"
    assert all(math.isfinite(v) for v in report["scene"].values() if isinstance(v, float))


def test_the_detector_of_a_site_file_looks(tmp_path: Path) -> None:
    """A made model that sees somebody in any picture, in pictures that show nobody."""
    somebody_always(tmp_path)
    street(tmp_path / "a.mp4", 3.0, lambda seconds: None)
    site = tmp_path / "site.yaml"
    plain = "site: s\ncameras: [{id: a, source: a.mp4}]\n"
    people = []
    for text in (plain, f"{plain}detector:\n{indent(MADE, '  ')}"):
        site.write_text(text)
        result = CliRunner().invoke(
            command.app, ["check", "a", "--site", str(site), "--json"], catch_exceptions=False
        )
        people.append(json.loads(result.stdout)["scene"]["people"])
    assert people[0] == 0 < people[1]

    site.write_text(plain + "detector: {backend: openvno}\n")
    with pytest.raises(ModelUnusable, match="no back end is called 'openvno'"):
        command.inspect("a", None, site, 3.0)


def test_density_is_judged_by_its_own_rule(data: Path) -> None:
    """A crowd from above, of which few are surely people: limited, with the rule's words."""
    clip = data / "density" / "zebra_crossing_overhead.mp4"
    arguments = ["check", str(clip), "--json", "--seconds", "8"]
    result = CliRunner().invoke(command.app, arguments, catch_exceptions=False)
    verdicts = {v["event"]: v for v in json.loads(result.stdout)["verdicts"]}
    assert verdicts["density"]["fit"] == "limited"
    assert "of the people found are sure" in verdicts["density"]["reason"]
    assert verdicts["forbidden_zone"]["fit"] == "yes"


def test_a_real_camera_without_authorisation_is_described_but_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise NotAuthorised("a real camera", remedy="give --authorisation FILE")

    def never(*args: object) -> None:
        pytest.fail("pictures were looked at")

    monkeypatch.setattr(command, "line_up", refuse)
    monkeypatch.setattr(command, "look_at", never)
    monkeypatch.setattr(command, "describe_apart", lambda source, seconds: STREAM)
    result = CliRunner().invoke(command.app, ["check", "rtsp://10.0.0.5/1"])
    assert result.exit_code == 0
    assert "none looked at" in result.stdout
    assert "not known" in result.stdout
    assert "--authorisation" in result.stdout


def test_the_command_opens_no_stream_in_its_own_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is hostile in it meets a process without rights."""

    def never(*args: object, **options: object) -> None:
        pytest.fail("a stream was opened here")

    street(tmp_path / "a.mp4", 3.0, lambda seconds: None)
    monkeypatch.setattr(av, "open", never)
    command.inspect(str(tmp_path / "a.mp4"), None, None, 1.0)


def test_a_stream_described_apart_is_the_same(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "main.mp4", rate=20, seconds=6.0, options={"bf": "0"})
    assert describe_apart(parse_source(str(path)), 5.0) == described(path)


def test_a_stream_that_can_not_be_read_is_refused_or_lost_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no film\n" * 100)
    (tmp_path / "empty.mp4").touch()
    for name in ("text.mp4", "empty.mp4"):
        with pytest.raises(CameraError, match=name):
            describe_apart(parse_source(str(tmp_path / name)), 1.0)
    with pytest.raises(CameraRefused) as caught:
        describe_apart(parse_source("rtsp://169.254.169.254/latest"), 1.0)
    assert caught.value.cause == "address"
