"""One node: no loss without a name, one camera's trouble stays its own, cameras go whole."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.watching import (
    ANYBODY,
    NOW,
    Blocks,
    Idle,
    Made,
    across,
    enters_at,
    frame,
    judged,
    laboratory,
    member,
    of,
    street,
    until,
    until_it_runs,
)
from veilleur.cameras.frame import Activity, Frame
from veilleur.cameras.replay import replay
from veilleur.catalogue import Event
from veilleur.engine import history, whynot
from veilleur.engine.drops import Drops
from veilleur.engine.inbox import Inbox
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.engine.node import Node, NodeFailed
from veilleur.engine.pipeline import Step
from veilleur.engine.report import Condition
from veilleur.engine.seat import Seat
from veilleur.engine.shedding import SheddingSettings
from veilleur.engine.situations import Alert
from veilleur.engine.timeline import Timeline
from veilleur.errors import ConfigurationError, NotAuthorised
from veilleur.geometry import Box
from veilleur.law.authorisation import Authorisation, Period
from veilleur.law.gate import Gate, Live
from veilleur.law.orders import Orders
from veilleur.law.regime import covered
from veilleur.simulation.faults import Fault, Kind
from veilleur.simulation.simulator import SimulatedCamera, Simulator


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return street(tmp_path_factory.mktemp("street") / "street.mp4", 6.0)


# ---------------------------------------------------------------------- files
def test_a_file_played_fast_loses_no_frame_and_signals_as_its_replay(clip: Path) -> None:
    """The live node and the laboratory are the same code on the same frames."""
    files = [member(name, clip).hurried() for name in ("one", "two", "three")]
    with Node(files, laboratory(files), Made()) as node:
        until(lambda: node.ended, node)
        alerts = _all(node)
        reports = node.report()
    frames = len(list(replay(clip, camera="one")))
    assert [(r.analysed, dict(r.dropped), r.condition) for r in reports] == [
        (frames, {}, Condition.ENDED)
    ] * 3
    steps = analyse(LaboratoryClip(id="one", path=clip, rules=(ANYBODY,)), Made())
    expected = [alert.noticed for step in steps for alert in step.alerts]
    assert expected
    assert [alert.noticed for alert in alerts if alert.camera == "one"] == expected


def test_a_file_that_is_no_video_is_over_and_is_not_tried_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text("no video\n" * 100)
    files = [member("broken", path)]
    with Node(files, laboratory(files), Made()) as node:
        until(lambda: node.ended, node)
        report = of(node, "broken")
    assert report.condition is Condition.REFUSED
    assert "not a video" in report.cause
    assert report.retry_in_s is None


def test_every_frame_is_analysed_or_lost_under_a_name(tmp_path: Path) -> None:
    """Files at their own pace, and a detector that is too slow for them."""
    pause = threading.Event()
    path = street(tmp_path / "short.mp4", 3.0)
    files = [member(name, path) for name in ("one", "two", "three")]

    def work() -> None:
        pause.wait(0.3)

    slow = Blocks(work)
    with Node(files, laboratory(files), Made(slow)) as node:
        until(lambda: node.ended, node)
        reports = node.report()
    for report in reports:
        assert report.analysed + sum(report.dropped.values()) == 15, report
    assert sum(report.analysed for report in reports) < 45


# ---------------------------------------------------------------------- mistakes of the engine
class Moody:
    """Work that fails as long as it is told to."""

    def __init__(self) -> None:
        self.fails = True

    def __call__(self) -> None:
        if self.fails:
            raise ZeroDivisionError("s3cr3t")


def test_a_mistake_on_one_cameras_frame_is_its_trouble_and_is_told(clip: Path) -> None:
    """The others go on; it is tried again and comes back by itself."""
    mood = Moody()
    good, bad = Blocks(), Blocks(mood)
    cameras = [member("good", clip, loop=True), member("bad", clip, loop=True)]

    class Two(Made):
        def fitting(self, view: object) -> Blocks:
            return bad if threading.current_thread() in spoilt else good

    spoilt: set[threading.Thread] = set()
    original = Seat.analyse

    def analyse_as(seat: Seat, *args: object) -> object:
        if seat.id == "bad":
            spoilt.add(threading.current_thread())
        else:
            spoilt.discard(threading.current_thread())
        return original(seat, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch, Node(cameras, laboratory(cameras), Two()) as node:
        patch.setattr(Seat, "analyse", analyse_as)
        until(lambda: of(node, "bad").condition is Condition.FAILED, node)
        assert "a mistake in the engine: ZeroDivisionError" in of(node, "bad").cause
        assert "s3cr3t" not in of(node, "bad").cause
        surprise = node.surprises.get(timeout=30)
        assert surprise.camera == "bad"
        assert "Traceback" in surprise.trace
        until_it_runs(node, "good")
        until(lambda: of(node, "bad").dropped["failed"] >= 5, node)
        assert node.surprises.qsize() < 4, "it rests between two attempts"
        mood.fails = False
        until_it_runs(node, "bad")


def test_a_rule_that_cannot_be_made_is_named_as_the_cameras_trouble(clip: Path) -> None:
    files = [member("gate", clip).hurried()]

    def broken(width: int, height: int) -> object:
        raise ConfigurationError("no such calibration file", remedy="check the path")

    files = [replace(files[0], view=broken)]  # type: ignore[arg-type]
    with Node(files, laboratory(files), Made()) as node:
        until(lambda: node.ended, node)
        report = of(node, "gate")
    assert report.condition is Condition.FAILED
    assert report.cause == "no such calibration file (check the path)"
    assert report.analysed == 0
    assert report.dropped["failed"] > 0
    assert node.surprises.empty()


@pytest.mark.parametrize(("where", "method"), [(Seat, "collect"), (Inbox, "take")])
def test_a_broken_thread_ends_the_node_loudly(
    clip: Path, monkeypatch: pytest.MonkeyPatch, where: type, method: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(where, method, broken)
    cameras = [member("gate", clip, loop=True)]
    with Node(cameras, laboratory(cameras), Made()) as node:
        with pytest.raises(NodeFailed, match="KeyError in broken"):
            until(lambda: False, node)
        assert "nobody foresaw" in node.surprises.get_nowait().trace


# ---------------------------------------------------------------------- one camera's trouble
FAULTY = ("segv", "stop", "stall", "cut", "garbage", "dark")
EXPECTED = {
    "segv": {Condition.CRASHED},
    "stop": {Condition.CRASHED},
    "stall": {Condition.STALLED},
    "cut": {Condition.LOST},
    "dark": {Condition.BLIND},
}


def test_trouble_of_some_cameras_leaves_the_others_their_rate(clip: Path) -> None:
    """F13: decoders killed and stopped, streams stalled, cut, spoilt and dark, all at once. The
    others are counted against what the simulator has sent; the faulty say why and come back."""
    names = (*FAULTY, "healthy-1", "healthy-2")
    with Simulator([SimulatedCamera(clip)] * len(names)) as simulator:
        cameras = [member(name, simulator.url(n)) for n, name in enumerate(names)]
        with Node(cameras, laboratory(cameras), Made()) as node:
            until_it_runs(node, *names)
            began, before = time.monotonic(), analysed(node)
            misuse(node, simulator)
            seen: dict[str, set[Condition]] = defaultdict(set)
            words: dict[str, str] = {}

            def all_troubled() -> bool:
                for report in node.report():
                    seen[report.camera].add(report.condition)
                    if report.condition.trouble:
                        words[report.camera] = report.cause
                return all(seen[name] >= wanted for name, wanted in EXPECTED.items())

            until(all_troubled, node)
            for name in ("stall", "garbage", "dark"):
                simulator.clear(names.index(name), FAULTS[name])
            until_it_runs(node, *names)
            ended, after = time.monotonic(), analysed(node)
        for n, name in enumerate(names[-2:], start=len(FAULTY)):
            sent = sum(began <= frame.sent < ended for frame in simulator.frames_sent(n))
            assert after[name] - before[name] == pytest.approx(sent / 5, rel=0.1, abs=2), name
    assert all(words[name].endswith(")") for name in EXPECTED), words
    assert seen["healthy-1"] == seen["healthy-2"] == {Condition.RUNNING}


FAULTS = {
    "stall": Fault(Kind.STALL),
    "cut": Fault(Kind.CUT),
    "garbage": Fault(Kind.GARBAGE),
    "dark": Fault(Kind.DARK),
}


def analysed(node: Node) -> dict[str, int]:
    return {report.camera: report.analysed for report in node.report()}


def misuse(node: Node, simulator: Simulator) -> None:
    os.kill(pid_of(node, "segv"), signal.SIGSEGV)
    os.kill(pid_of(node, "stop"), signal.SIGSTOP)
    for name, fault in FAULTS.items():
        simulator.inject(FAULTY.index(name), fault)


def pid_of(node: Node, camera: str) -> int:
    pid = node._seats[camera].camera.pid
    assert pid is not None
    return pid


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_camera_whose_clock_steps_is_analysed_on(clip: Path, step_s: float) -> None:
    with Simulator([SimulatedCamera(clip)]) as simulator:
        cameras = [member("gate", simulator.url(0))]
        with Node(cameras, laboratory(cameras), Made()) as node:
            until_it_runs(node, "gate")
            simulator.inject(0, Fault(Kind.CLOCK_STEP, amount=step_s))
            since, pid = of(node, "gate"), pid_of(node, "gate")
            until(lambda: of(node, "gate").analysed >= since.analysed + 10, node)
            assert of(node, "gate").condition is Condition.RUNNING
            assert pid_of(node, "gate") == pid, "it was not given up meanwhile"
            assert of(node, "gate").stream_time < since.stream_time + 60


def test_closing_ends_every_decoding_process(clip: Path) -> None:
    cameras = [member(str(n), clip, loop=True) for n in range(3)]
    node = Node(cameras, laboratory(cameras), Made())
    with node:
        until_it_runs(node, "0", "1", "2")
        processes = [Path(f"/proc/{pid_of(node, str(n))}") for n in range(3)]
        os.kill(pid_of(node, "1"), signal.SIGSTOP)
    until(lambda: not any(process.exists() for process in processes), node)
    assert {report.condition for report in node.report()} == {Condition.CLOSED}
    node.close()


# ---------------------------------------------------------------------- beyond capacity
def test_beyond_capacity_the_last_cameras_go_whole_and_come_back(clip: Path) -> None:
    pause = threading.Event()
    slow = [0.3]

    def work() -> None:
        if slow[0]:
            pause.wait(slow[0])

    names = ["first", "second", "third"]
    cameras = [member(name, clip, loop=True) for name in names]
    settings = SheddingSettings(look_s=0.2, settle_s=0.2, room=2.0, calm_s=1.0)
    with Node(cameras, laboratory(cameras), Made(Blocks(work)), shedding=settings) as node:
        order: list[list[str]] = [[]]

        def shed() -> list[str]:
            now = [r.camera for r in node.report() if r.condition is Condition.SHED]
            if now != order[-1]:
                order.append(now)
            return now

        until(lambda: shed() == ["second", "third"], node)
        assert order == [[], ["third"], ["second", "third"]]
        third = of(node, "third")
        assert "can't carry" in third.cause
        assert third.people is None
        until(lambda: of(node, "third").dropped["shed"] > third.dropped["shed"], node)
        assert of(node, "third").analysed - third.analysed <= 1, "it is not thinned: it is given up"
        assert of(node, "first").condition is Condition.RUNNING
        slow[0] = 0.0
        until(lambda: shed() == [], node)
        assert order[3:] == [["third"], []], "the more important one comes back first"


# ---------------------------------------------------------------------- quiet scenes
def test_quiet_scenes_are_decoded_by_key_frames_and_lose_no_event(tmp_path: Path) -> None:
    """In one somebody walks in after 9 quiet seconds: full decoding is back within a key-frame
    interval. In the other somebody stands still from the start: a rule with a long dwell sees the
    key frames."""

    def stands(seconds: float) -> float:
        return min(0.4, 0.1 + 0.2 * seconds)

    long = ANYBODY.model_copy(update={"params": {"dwell_s": 10.0}})
    cameras = [
        member("enters", street(tmp_path / "enters.mp4", 13.0, enters_at(9.0))),
        member("stands", street(tmp_path / "stands.mp4", 14.0, stands), rules=(long,)),
    ]
    with Node(cameras, laboratory(cameras), Made()) as node:
        until(lambda: of(node, "enters").key_frames_only, node)
        since = of(node, "enters")
        assert since.stream_time >= 5.0
        assert since.people == 0
        until(lambda: not of(node, "enters").key_frames_only, node)
        back = of(node, "enters")
        until(lambda: of(node, "stands").key_frames_only, node)
        until(lambda: node.ended, node)
        alerts = {alert.camera: alert for alert in _all(node)}
    assert back.analysed - since.analysed <= 6, "one frame a second"
    assert 9.0 <= back.stream_time <= 10.2
    assert 9.0 <= alerts["enters"].began <= 10.2
    assert alerts["stands"].began < 1.5
    assert 10.0 <= alerts["stands"].noticed <= 12.5


def _all(node: Node) -> list[Alert]:
    return [node.alerts.get_nowait().alert for _ in range(node.alerts.qsize())]


# ---------------------------------------------------------------------- another picture
def joined(path: Path, *parts: Path) -> Path:
    """Raw H.264 streams one after the other: a camera whose resolution is changed as it runs."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def test_another_resolution_keeps_the_view_and_another_shape_suspends_rules(tmp_path: Path) -> None:
    def stands(_: float) -> float:
        return 0.5

    whole = street(tmp_path / "a.h264", 2.0, stands)
    half = street(tmp_path / "b.h264", 2.0, stands, size=(160, 90))
    other = street(tmp_path / "c.h264", 2.0, stands, size=(160, 160))
    seen: list[tuple[str | None, Box | None]] = []
    original = Seat.note

    def note(seat: Seat, step: Step, placed: Frame, now: float) -> None:
        tracks = step.scene.tracks
        seen.append((step.scene.blind, tracks.box(int(tracks.ids[0])) if len(tracks) else None))
        original(seat, step, placed, now)

    cameras = [member("gate", joined(tmp_path / "all.h264", whole, half, other)).hurried()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Seat, "note", note)
        with Node(cameras, laboratory(cameras), Made()) as node:
            until(lambda: node.ended, node)
            report = of(node, "gate")
    boxes = [box for blind, box in seen if blind is None and box is not None]
    assert len(boxes) > 12
    assert {round(box.x1 / 8) for box in boxes} == {20}, "160 of 320, at either resolution"
    assert [blind for blind, _ in seen[-8:]] == ["other shape"] * 8
    assert report.condition is Condition.OTHER_SHAPE
    assert "160x160" in report.cause
    assert "320x180" in report.cause


# ---------------------------------------------------------------------- the gate, the clock
def act(until_: datetime, *events: Event) -> Authorisation:
    return Authorisation(
        reference="Act 7",
        authority="Prefect",
        cameras=("gate",),
        events=events or (Event.FORBIDDEN_ZONE,),
        period=Period.model_validate({"from": NOW, "until": until_}),
    )


def test_the_gate_closes_with_the_next_frame_when_the_period_is_over(clip: Path) -> None:
    at = [NOW]
    detector = Blocks()
    cameras = [member("gate", clip, loop=True)]
    gate = Gate({"gate": Live()}, covered(), Orders.of(act(NOW + timedelta(hours=1))))
    with Node(cameras, gate, Made(detector), utc=lambda: at[0]) as node:
        until_it_runs(node, "gate")
        assert not of(node, "gate").laboratory
        at[0] = NOW + timedelta(hours=1)
        until(lambda: of(node, "gate").condition is Condition.NOT_AUTHORISED, node)
        looked, report = detector.seen, of(node, "gate")
        assert "set forward by 3600 s" in report.cause, "nobody waited that hour"
        assert "Act 7 does not cover both times" in report.cause
        assert report.people is None
        until(lambda: of(node, "gate").dropped["not authorised"] > 5, node)
        assert detector.seen == looked
        at[0] = NOW
        until_it_runs(node, "gate")


@pytest.fixture
def seat() -> Seat:
    one = member("gate", "rtsp://cam.lan/live")
    return Seat(one, Idle(one.settings))


def test_latency_is_from_the_packets_arrival_to_the_rules_answer(seat: Seat) -> None:
    for n in range(5):
        judged(seat, frame(n / 5, 100 + n / 5))
    report = seat.report(
        laboratory([seat.member]), Drops().of("gate"), 101.0, shed=False, since=100.0
    )
    assert report.latency_p50_s == pytest.approx(0.25)
    assert report.latency_p95_s == pytest.approx(0.25)
    assert report.analysed_hz == pytest.approx(5.0)


def test_a_live_camera_without_pictures_is_shown_as_stalled_within_five_seconds(seat: Seat) -> None:
    judged(seat, frame(0.0, 100.0))

    def condition(now: float) -> Condition:
        drops = Drops().of("gate")
        return seat.report(laboratory([seat.member]), drops, now, shed=False, since=0).condition

    assert condition(102.9) is Condition.RUNNING
    assert condition(104.0) is Condition.STALLED
    seat.key_frames_only = True
    assert condition(104.0) is Condition.RUNNING, "a quiet scene may wait for two key frames"


@pytest.mark.parametrize(("blind", "quiet"), [(None, True), ("frozen", False)])
def test_a_camera_that_cannot_see_is_not_taken_for_quiet(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, blind: str | None, quiet: bool
) -> None:
    """By key frames alone its health would be judged too seldom."""
    monkeypatch.setattr(Idle, "key_interval_s", 1.0)
    for n in range(40):
        still = replace(frame(n / 5, 100 + n / 5), activity=Activity(0.0, everywhere=False))
        judged(seat, replace(still, blind=blind))
    assert seat.key_frames_only is quiet


def test_a_new_connection_goes_on_in_time_and_begins_anew_in_all_else(seat: Seat) -> None:
    """Nobody knows what happened in between: a stay is not carried over the gap."""
    for n in range(3):
        judged(seat, frame(n / 5, 100 + n / 5))
    assert isinstance(seat.camera, Idle)
    seat.camera.connect()
    steps = [judged(seat, frame(n / 5, 110 + n / 5)) for n in range(6)]
    times = [step.scene.time for step in steps]
    assert times == pytest.approx([10.0 + n / 5 for n in range(6)])
    alerts = [alert for step in steps for alert in step.alerts]
    assert [alert.began for alert in alerts] == pytest.approx([10.0], abs=0.41)


def test_who_answers_is_proven_with_each_connection_before_a_frame_is_looked_at() -> None:
    real = [False]
    asked: list[bool] = []

    def prove() -> None:
        asked.append(real[0])
        if real[0]:
            raise NotAuthorised("no longer our simulator")

    one = replace(member("gate", "rtsp://localhost/live"), prove=prove)
    seat = Seat(one, Idle(one.settings))
    for n in range(3):
        judged(seat, frame(n / 5, 100 + n / 5))
    assert asked == [False]
    real[0] = True
    assert isinstance(seat.camera, Idle)
    seat.camera.connect()
    for n in range(3):
        with pytest.raises(NotAuthorised):
            judged(seat, frame(n / 5, 110 + n / 5))
    assert asked == [False, True], "asked once, and not with each frame"
    real[0] = False
    judged(seat, frame(6.0, 116.0))


@pytest.mark.parametrize("at", [NOW, datetime(2026, 10, 25, 1, 30, tzinfo=UTC)])
def test_a_live_cameras_local_time_is_the_hosts_clock_in_the_sites_zone(at: datetime) -> None:
    paris = ZoneInfo("Europe/Paris")
    schedule = {"weekly": {"daily": ["00:00-24:00"]}}
    rule = ANYBODY.model_copy(update={"params": {"schedule": schedule}})
    one = replace(member("gate", "rtsp://cam.lan/live", rules=(rule,)), zone=paris)
    seat = Seat(one, Idle(one.settings))
    for n in range(3):
        step = judged(seat, frame(1800.0 * n, 100.0 + n), at + timedelta(hours=n))
        local = step.scene.local
        assert local is not None
        wall = (at + timedelta(hours=n)).astimezone(paris)
        assert local.replace(tzinfo=None) == wall.replace(tzinfo=None), (
            "whatever the camera's clock says"
        )


def test_time_goes_on_over_connections_whatever_their_streams_say() -> None:
    line = Timeline()
    given = [line.placed(frame(5.0, 100.0)).time]
    line.connected()
    given.append(line.placed(frame(0.0, 100.0)).time)
    given.append(line.placed(frame(0.2, 100.2)).time)
    line.connected()
    given.append(line.placed(frame(7.0, 103.2)).time)
    assert given == pytest.approx([5.0, 5.001, 5.201, 8.201])


# ---------------------------------------------------------------------- memory
def test_nothing_grows_with_the_frames_that_were_analysed(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People come and go; after 1000 frames as many objects are alive as after 1600."""

    monkeypatch.setattr(history, "KEPT_S", 30.0)  # else it takes minutes until they are full
    monkeypatch.setattr(whynot, "KEPT_S", 30.0)

    def walk(n: int) -> float | None:
        return None if n % 50 < 10 else across(n / 5)

    def alive(frames: range) -> int:
        for n in frames:
            judged(seat, frame(n / 5, 100 + n / 5, walk(n)))
        gc.collect()
        return reachable(seat)

    before, after = alive(range(1000)), alive(range(1000, 1600))
    assert after <= before + 50


def reachable(root: object) -> int:
    """How many containers and arrays hang on this object, classes and modules left out."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or callable(one) or _is_module(one):
            continue
        seen.add(id(one))
        waiting += gc.get_referents(one)
    return len(seen)


def _is_module(one: object) -> bool:
    return type(one).__name__ == "module" or isinstance(one, np.random.Generator)
