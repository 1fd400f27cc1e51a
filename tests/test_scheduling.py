"""Inbox, shedding and quiet mode: what is dropped has a name, and cameras go whole."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from veilleur.cameras.frame import Frame
from veilleur.cameras.picture import Picture
from veilleur.engine import cores
from veilleur.engine.inbox import Inbox
from veilleur.engine.lag import Lag
from veilleur.engine.quiet import Quiet
from veilleur.engine.shedding import Load, Shedding, SheddingSettings

PICTURE = Picture(np.zeros((6, 4), np.uint8))


def frame(camera: str, sequence: int) -> Frame:
    return Frame(camera, sequence, sequence / 5, PICTURE)


def taken(inbox: Inbox[Frame]) -> tuple[str, int] | None:
    got = inbox.take(timeout_s=0)
    return None if got is None else (got.camera, got.sequence)


def test_the_newest_frame_wins_and_the_loss_is_counted() -> None:
    inbox: Inbox[Frame] = Inbox()
    inbox.put(frame("a", 1))
    inbox.put(frame("a", 2))
    assert taken(inbox) == ("a", 2)
    assert inbox.drops.of("a") == {"displaced": 1}


def test_a_camera_that_sends_faster_does_not_lose_its_turn_nor_take_anothers() -> None:
    inbox: Inbox[Frame] = Inbox()
    inbox.put(frame("a", 1))
    inbox.put(frame("b", 1))
    inbox.put(frame("a", 2))
    assert [taken(inbox), taken(inbox)] == [("a", 2), ("b", 1)]


def test_frames_of_one_camera_are_never_analysed_at_once() -> None:
    inbox: Inbox[Frame] = Inbox()
    inbox.put(frame("a", 1))
    assert taken(inbox) == ("a", 1)
    inbox.put(frame("a", 2))
    assert taken(inbox) is None
    inbox.done("a")
    assert taken(inbox) == ("a", 2)


def test_a_closed_inbox_hands_out_nothing() -> None:
    inbox: Inbox[Frame] = Inbox()
    inbox.put(frame("a", 1))
    inbox.close()
    assert taken(inbox) is None


class Machine:
    """Cameras of five frames a second each, and what a second of them looks like to the node."""

    def __init__(self, cameras: int, settings: SheddingSettings | None = None) -> None:
        self.order = [f"camera {n}" for n in range(1, cameras + 1)]
        self.shedding = Shedding(self.order, analysts=2, settings=settings)
        self.load, self.second = Load(), 0
        self.shedding.update(self.load, 0.0)

    @property
    def kept(self) -> int:
        return len(self.order) - len(self.shedding.shed)

    def second_of(
        self, *, lost: float = 0.0, late: float = 0.0, pace: float = 1.0, cores: float = 1.0
    ) -> None:
        """lost, late: shares of the frames. pace: the streams' time to the host's."""
        self.second += 1
        frames = 100 * self.kept
        self.load = Load(
            analysed=self.load.analysed + round(frames * (1 - lost)),
            late=self.load.late + round(frames * (1 - lost) * late),
            lost=self.load.lost + round(frames * lost),
            streamed_s=self.load.streamed_s + pace * self.kept,
            passed_s=self.load.passed_s + self.kept,
            busy_s=self.load.busy_s + 2 * cores,
            cores_s=self.load.cores_s + cores,
        )
        self.shedding.update(self.load, float(self.second))

    def carries(self, fit: int) -> None:
        """A second in which so many cameras fit: the streams of more are slower, and late."""
        pace = min(1.0, fit / self.kept)
        self.second_of(pace=pace, late=0.9 if pace < 1 else 0.0, cores=min(1.0, self.kept / fit))


def test_cameras_whose_frames_nobody_takes_are_given_up_from_the_end() -> None:
    machine = Machine(3)
    gone = []
    for _ in range(40):
        machine.second_of(lost=0.1, cores=0.5)
        gone.append(sorted(machine.shedding.shed))
    assert gone[5] == []
    assert gone[6] == ["camera 3"]
    assert gone[-1] == ["camera 2", "camera 3"], "the last camera is never given up"


@pytest.mark.parametrize("fit", [6, 12, 18, 25])
def test_streams_that_fall_behind_cost_the_last_cameras_within_a_minute(fit: int) -> None:
    """Starved decoders displace no frame; all come late and seldom."""
    machine = Machine(26)
    for _ in range(60):
        machine.carries(fit)
        assert machine.shedding.shed == set(machine.order[machine.kept :]), "the last go first"
    assert fit - 2 <= machine.kept <= fit


def test_late_answers_of_a_busy_machine_cost_a_camera() -> None:
    machine = Machine(8)
    for _ in range(7):
        machine.second_of(late=0.1)
    assert machine.shedding.shed == {"camera 8"}


@pytest.mark.parametrize("trouble", [{"late": 0.9}, {"pace": 0.5}])
def test_delay_while_the_cores_are_idle_is_not_the_machines(trouble: dict[str, float]) -> None:
    """A slow network: giving up cameras would not help."""
    machine = Machine(8)
    for _ in range(60):
        machine.second_of(cores=0.5, **trouble)
    assert not machine.shedding.shed


def test_a_burst_of_foreign_work_costs_no_camera() -> None:
    machine = Machine(8)
    for second in range(100):
        if second % 20 < 5:
            machine.second_of(late=0.9, pace=0.6, lost=0.3)
        else:
            machine.second_of(cores=0.5)
    assert not machine.shedding.shed


def test_a_little_loss_sheds_nothing() -> None:
    machine = Machine(2)
    for _ in range(60):
        machine.second_of(lost=0.03, late=0.03, pace=0.98)
    assert not machine.shedding.shed


def test_a_camera_comes_back_when_there_is_room_for_long_enough() -> None:
    machine = Machine(2)
    while not machine.shedding.shed:
        machine.second_of(lost=0.2)
    since = machine.second
    while machine.shedding.shed and machine.second < 500:
        machine.second_of(cores=0.3)
    calm_s = SheddingSettings().calm_s
    assert calm_s < machine.second - since <= calm_s + SheddingSettings().settle_s + 1


def test_no_camera_comes_back_to_cores_that_would_be_full_with_it() -> None:
    machine = Machine(4)
    while not machine.shedding.shed:
        machine.second_of(lost=0.2)
    for _ in range(500):
        machine.second_of(cores=0.7)
    assert machine.shedding.shed == {"camera 4"}


def test_each_return_that_does_not_last_makes_the_next_wait_twice_as_long() -> None:
    machine = Machine(2)
    away, gone = [], 0
    for _ in range(600):
        before = machine.kept
        machine.second_of(lost=0.2 if machine.kept == 2 else 0.0, cores=0.3)
        if machine.kept < before:
            gone = machine.second
        elif machine.kept > before:
            away.append(machine.second - gone)
    assert [round(seconds, -1) for seconds in away] == [60, 120, 240]


# ---------------------------------------------------------------------- lag
def test_a_stream_that_comes_slower_than_it_was_taken_lags_by_the_difference() -> None:
    lag = Lag()
    for n in range(101):
        lag.note(n * 0.2, n * 0.25)
    assert lag.streamed_s == pytest.approx(20)
    assert lag.passed_s == pytest.approx(25)


def test_gaps_clock_steps_and_new_connections_are_no_lag() -> None:
    lag = Lag()
    for time, arrived in ((0, 0), (1, 1), (3600, 2), (3601, 3), (3602, 40), (3603, 41), (0, 42)):
        lag.note(time, arrived)
    lag.restart()
    lag.note(0.5, 45)
    assert (lag.streamed_s, lag.passed_s) == (3, 3)


def test_the_cores_that_this_process_may_use_are_counted_and_only_their_work(
    tmp_path: Path,
) -> None:
    stat = tmp_path / "stat"
    stat.write_text(
        "cpu 9 9 9 9 9 9 9 9 9 9\n"
        "cpu0 100 0 100 5000 700 0 0 0 50 0\n"
        "cpu1 300 0 100 5000 700 0 0 0 0 0\n"
        "cpu11 900 0 100 5000 700 0 0 0 0 0\n"
        "intr 1 2 3\n"
    )
    two = frozenset({0, 1})
    assert cores.busy_s(stat, two, tmp_path) * os.sysconf("SC_CLK_TCK") == 300
    assert cores.busy_s() > 0


def test_a_container_that_has_taken_its_quota_is_busy_though_the_cores_are_idle(
    tmp_path: Path,
) -> None:
    stat, quota, used = (tmp_path / name for name in ("stat", "cpu.max", "cpu.stat"))
    stat.write_text("cpu0 0 0 0 5000 0 0 0 0 0 0\ncpu1 0 0 0 5000 0 0 0 0 0 0\n")
    two = frozenset({0, 1})
    quota.write_text("50000 100000\n")
    assert cores.busy_s(stat, two, tmp_path) == 0, "what was taken isn't said"
    taken = []
    for microseconds in (1_000_000, 1_500_000):
        used.write_text(f"usage_usec {microseconds}\nuser_usec 1\nnr_throttled 3\n")
        taken.append(cores.busy_s(stat, two, tmp_path))
    assert taken[1] - taken[0] == 1.0, "half a second of work is a second of half a core"
    for no_limit in ("200000 100000\n", "max 100000\n"):
        quota.write_text(no_limit)
        assert cores.busy_s(stat, two, tmp_path) == 0


# ---------------------------------------------------------------------- quiet scenes
def test_key_frames_suffice_once_nothing_moves_and_full_decoding_returns_with_motion() -> None:
    quiet = Quiet()
    modes = [quiet.update(t / 5, moving=t < 5, key_interval_s=2.0) for t in range(40)]
    assert modes.index(True) / 5 == 5.8, "five seconds after the last motion at 0.8 s"
    assert quiet.update(8.0, moving=True, key_interval_s=2.0) is False
    assert quiet.update(8.2, moving=False, key_interval_s=2.0) is False


def test_rare_or_unknown_key_frames_are_never_relied_on() -> None:
    for interval in (None, 10.0):
        quiet = Quiet()
        assert not any(
            quiet.update(t / 5, moving=False, key_interval_s=interval) for t in range(60)
        )
