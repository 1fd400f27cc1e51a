"""Cameras that come, go and change while the others are analysed."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.watching import (
    ANYBODY,
    Blocks,
    Made,
    laboratory,
    member,
    of,
    street,
    until,
    until_it_runs,
)
from veilleur.engine.assembly import Assembly
from veilleur.engine.member import Member
from veilleur.engine.node import Node
from veilleur.engine.report import Condition
from veilleur.engine.shedding import Load, Shedding, SheddingSettings
from veilleur.engine.sighting import digest
from veilleur.errors import ConfigurationError, NotAuthorised, VeilleurError
from veilleur.events.specification import RuleSpecification

LEFT = ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0))
NOBODY_THERE = ((0.9, 0.0), (1.0, 0.0), (1.0, 0.1))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return street(tmp_path_factory.mktemp("street") / "street.mp4", 6.0)


def with_rules(one: Member, *rules: RuleSpecification) -> Member:
    return replace(one, assembly=Assembly(one.id, rules))


def process_of(node: Node, camera: str) -> Path:
    pid = node._seats[camera].camera.pid
    assert pid is not None
    return Path(f"/proc/{pid}")


def order(node: Node) -> list[str]:
    return [report.camera for report in node.report()]


# ---------------------------------------------------------------------- coming and going
def test_a_camera_comes_and_goes_and_the_others_lose_no_frame(clip: Path) -> None:
    """Files that wait for the analysis: every frame of theirs is accounted for, to the last."""
    gate = laboratory([member(name, clip) for name in ("one", "two", "new")])
    others = [member(name, clip).hurried() for name in ("one", "two")]
    pause = threading.Event()

    def work() -> None:
        pause.wait(0.15)

    with Node(others, gate, Made(Blocks(work))) as node:
        until_it_runs(node, "one", "two")
        for _ in range(3):
            node.add(member("new", clip, loop=True), before="two")
            assert order(node) == ["one", "new", "two"]
            until_it_runs(node, "new")
            process = process_of(node, "new")
            node.remove("new")
            assert order(node) == ["one", "two"]
            until(lambda: not process.exists(), node)  # noqa: B023
        assert max(report.analysed for report in node.report()) < 30, "it was while they ran"
        pause.set()
        until(lambda: node.ended, node)
        reports = node.report()
    assert [(r.analysed, dict(r.dropped)) for r in reports] == [(30, {})] * 2


def test_what_the_gate_does_not_know_is_not_taken_in(clip: Path) -> None:
    cameras = [member("gate", clip, loop=True)]
    with Node(cameras, laboratory(cameras), Made()) as node:
        with pytest.raises(NotAuthorised):
            node.add(member("stranger", clip))
        with pytest.raises(ConfigurationError, match="already"):
            node.add(member("gate", clip))
        for refused in (
            lambda: node.remove("nowhere"),
            lambda: node.replace(member("nowhere", clip)),
            lambda: node.packets("nowhere"),
        ):
            with pytest.raises(ConfigurationError, match="there are: gate"):
                refused()
        assert order(node) == ["gate"]
        until_it_runs(node, "gate")


def test_a_node_without_cameras_waits_for_the_first(clip: Path) -> None:
    gate = laboratory([member("gate", clip)])
    with Node([], gate, Made()) as node:
        node.add(member("gate", clip, loop=True))
        until_it_runs(node, "gate")


def test_a_node_that_is_closed_says_so(clip: Path) -> None:
    cameras = [member("gate", clip, loop=True)]
    node = Node(cameras, laboratory(cameras), Made())
    with node:
        until_it_runs(node, "gate")
    with pytest.raises(VeilleurError, match="stopped"):
        node.remove("gate")


def test_before_it_is_started_a_node_changes_at_once(clip: Path) -> None:
    one, two = member("one", clip, loop=True), member("two", clip, loop=True)
    node = Node([one], laboratory([one, two]), Made())
    node.add(two, before="one")
    node.remove("one")
    assert order(node) == ["two"]
    with node:
        until_it_runs(node, "two")


# ---------------------------------------------------------------------- other rules
def test_another_zone_acts_at_once_and_the_stream_goes_on(clip: Path) -> None:
    """Nobody ever is in the first zone; in the second one somebody walks. The alert comes under the
    new rule's digest; the decoding process is the same and its stream's time goes on."""
    empty = ANYBODY.model_copy(update={"id": "empty", "zone": NOBODY_THERE})
    left = ANYBODY.model_copy(update={"id": "left", "zone": LEFT})
    one = member("gate", clip, loop=True)
    with Node([with_rules(one, empty)], laboratory([one]), Made()) as node:
        until(lambda: of(node, "gate").stream_time > 1.0, node)
        process, since = process_of(node, "gate"), of(node, "gate")
        node.replace(with_rules(one, left))
        told = node.alerts.get(timeout=60)
        assert (told.alert.rule, told.parameters) == ("left", digest(left))
        assert process_of(node, "gate") == process
        assert of(node, "gate").stream_time > since.stream_time
        verdicts = node._seats["gate"].last
        assert verdicts is not None
        assert [said.rule for said in verdicts.verdicts] == ["left"]


def test_the_first_frame_after_a_change_is_judged_by_the_new_rules(clip: Path) -> None:
    long = ANYBODY.model_copy(update={"params": {"dwell_s": 900.0}})
    one = member("gate", clip, loop=True)
    seen: list[str] = []
    with Node([with_rules(one, long)], laboratory([one]), Made()) as node:
        until_it_runs(node, "gate")
        for number in range(5):
            name = f"rule {number}"
            node.replace(with_rules(one, long.model_copy(update={"id": name})))
            began = time.monotonic()
            seat = node._seats["gate"]
            until(lambda: (seat.seen and seat.seen.frame.arrived > began) is True, node)  # noqa: B023
            assert seat.last is not None
            seen += [said.rule for said in seat.last.verdicts if said.rule == name]
    assert seen == [f"rule {number}" for number in range(5)]


def test_rules_that_cannot_work_are_that_cameras_trouble_until_they_are_replaced(
    clip: Path,
) -> None:
    def broken(width: int, height: int) -> object:
        raise ConfigurationError("no such calibration file", remedy="check the path")

    one = member("gate", clip, loop=True)
    with Node([one], laboratory([one]), Made()) as node:
        until_it_runs(node, "gate")
        node.replace(replace(one, view=broken))  # type: ignore[arg-type]
        until(lambda: of(node, "gate").condition is Condition.FAILED, node)
        node.replace(one)
        until_it_runs(node, "gate")


def test_other_masks_connect_anew_in_the_same_place(clip: Path) -> None:
    """Nothing decoded before is shown afterwards without the new mask."""
    whole = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    cameras = [member(name, clip, loop=True) for name in ("one", "two", "three")]
    with Node(cameras, laboratory(cameras), Made()) as node:
        until_it_runs(node, "one", "two", "three")
        process = process_of(node, "two")
        masked = replace(cameras[1], settings=replace(cameras[1].settings, masks=(whole,)))
        node.replace(masked)
        assert order(node) == ["one", "two", "three"]
        shown = node.snapshot("two")
        assert shown is None or shown.picture.luma.max() < 60
        until(lambda: not process.exists(), node)
        until(lambda: node.snapshot("two") is not None, node)
        shown = node.snapshot("two")
        assert shown is not None
        assert shown.picture.luma.max() < 60


@pytest.mark.parametrize("masks", [(), (((0.0, 0.0), (0.1, 0.0), (0.1, 0.1)),)])
def test_a_frame_that_was_in_hand_is_not_told_of_a_camera_that_left(
    clip: Path, masks: tuple[object, ...]
) -> None:
    """Neither after it was removed nor as if it were its successor's."""
    in_hand, go_on = threading.Event(), threading.Event()

    def work() -> None:
        in_hand.set()
        go_on.wait(60)

    at_once = ANYBODY.model_copy(update={"params": {"dwell_s": 0.0}})
    one = with_rules(member("gate", clip, loop=True), at_once)
    with Node([one], laboratory([one]), Made(Blocks(work))) as node:
        assert in_hand.wait(60)
        if masks:
            node.replace(replace(one, settings=replace(one.settings, masks=masks)))  # type: ignore[arg-type]
        else:
            node.remove("gate")
        go_on.set()
        until(lambda: node._drops.of("gate")["stopped"] > 0, node)
        if masks:
            until_it_runs(node, "gate")
        else:
            assert node.snapshot("gate") is None


# ---------------------------------------------------------------------- order of importance
SECOND = SheddingSettings(look_s=1.0, looks=4, bad_looks=2, settle_s=0.0, room=2.0, calm_s=2.0)


def overloaded(order: list[str], *, gives_up: int) -> Shedding:
    """So many cameras are given up, one after the other."""
    shedding = Shedding(order, 2, SECOND)
    load, now = Load(), 0.0
    shedding.update(load, now)
    while len(shedding.shed) < gives_up:
        load = replace(load, analysed=load.analysed + 10, lost=load.lost + 1)
        now += 1.0
        shedding.update(load, now)
    return shedding


@pytest.mark.parametrize(
    ("after", "given_up"),
    [
        (["a", "b", "c", "d", "new"], {"c", "d", "new"}),  # the least important waits too
        (["new", "a", "b", "c", "d"], {"b", "c", "d"}),  # the most important takes a place
        (["a", "b", "d"], {"d"}),
        (["b", "c", "d"], {"c", "d"}),  # no place is given away before there is room
        (["c", "d"], {"d"}),  # one is analysed in any case
        (["d"], set()),
        (["d", "c", "b", "a"], {"b", "a"}),
        ([], set()),
    ],
)
def test_whoever_comes_or_goes_the_last_are_given_up(after: list[str], given_up: set[str]) -> None:
    shedding = overloaded(["a", "b", "c", "d"], gives_up=2)
    assert shedding.shed == {"c", "d"}
    shedding.arrange(after)
    assert shedding.shed == given_up


def test_where_nothing_is_given_up_a_new_camera_is_analysed() -> None:
    shedding = Shedding(["a"], 2, SECOND)
    shedding.arrange(["a", "b"])
    assert shedding.shed == set()


def test_counts_of_a_camera_that_left_are_no_sign_of_load() -> None:
    """The sums over all cameras fall when one leaves; they are looked at anew."""
    settings = replace(SECOND, looks=1, bad_looks=1)
    shedding = Shedding(["a", "b", "gone"], 2, settings)
    shedding.update(Load(analysed=100), 0.0)
    shedding.arrange(["a", "b"])
    shedding.update(Load(analysed=98, lost=4), 1.0)
    assert shedding.shed == set()
    shedding.update(Load(analysed=100, lost=6), 2.0)
    assert shedding.shed == {"b"}
