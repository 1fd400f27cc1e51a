"""Proof of life: whichever stage stands still is named within seconds, and is well again after."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.made_desk import DeskAtWork, made_site
from tests.watching import Blocks
from veilleur.desk import pulse
from veilleur.desk.canary import Canary
from veilleur.desk.vitals import Beats, Stage
from veilleur.engine.member import Member
from veilleur.engine.report import Condition
from veilleur.errors import VeilleurError

RED_WITHIN_S = 15.0
"""Demands D02."""


class Brake:
    """Something that can be made to stand still."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    def pass_(self, *_: object) -> None:
        self._free.wait()

    def before(self, deed: Callable[..., object]) -> Callable[..., object]:
        def braked(*arguments: object) -> object:
            self._free.wait()
            return deed(*arguments)

        return braked


@pytest.fixture(scope="module")
def analysis() -> Brake:
    return Brake()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, analysis: Brake) -> Iterator[DeskAtWork]:
    folder = tmp_path_factory.mktemp("life")
    limits = {stage: 1.0 for stage in pulse.LIMITS} | {Stage.CANARY: 75.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulse, "LIMITS", limits)
        patch.setattr(pulse, "EVERY_S", 0.2)
        with DeskAtWork(made_site(folder, "one"), folder, Blocks(analysis.pass_)) as desk:
            yield desk


def ailing(work: DeskAtWork) -> set[Stage]:
    """The made detector does not know the canary."""
    stages = work.desk.vitals().stages
    return {vital.stage for vital in stages if not vital.well} - {Stage.CANARY}


STALLS: dict[Stage, Callable[[DeskAtWork], tuple[object, str]]] = {
    Stage.COLLECTING: lambda w: (w.desk.watch.node, "_shed"),
    Stage.STORING: lambda w: (w.desk.intake, "_store"),
    Stage.PICTURES: lambda w: (w.desk.pictures.failures, "say"),
    Stage.TELLING: lambda w: (w.desk.herald, "tell"),
    Stage.CLOCKWORK: lambda w: (w.desk.clockwork, "tick"),
    Stage.AUTHORITY: lambda w: (w.desk.authority, "renew"),
}


@pytest.mark.parametrize("stage", STALLS)
def test_a_stage_that_stands_still_is_named_and_well_again_when_it_goes_on(
    work: DeskAtWork, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    brake = Brake()
    part, deed = STALLS[stage](work)
    monkeypatch.setattr(part, deed, brake.before(getattr(part, deed)))
    work.until(lambda: not ailing(work), "all well")
    brake.hold()
    work.until(lambda: stage in ailing(work), f"{stage} named")
    brake.release()
    work.until(lambda: not ailing(work), "all well again")


def test_sightings_that_nobody_passes_on_are_storings_trouble(
    work: DeskAtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    brake = Brake()
    monkeypatch.setattr(work.desk.watch, "_pass_on", brake.before(work.desk.watch._pass_on))
    brake.hold()
    work.until(lambda: Stage.STORING in ailing(work), "storing named")
    brake.release()
    work.until(lambda: not ailing(work), "all well again")


def test_an_analysis_that_stands_still_is_named(work: DeskAtWork, analysis: Brake) -> None:
    analysis.hold()
    work.until(lambda: Stage.ANALYSIS in ailing(work), "analysis named")
    analysis.release()
    work.until(lambda: not ailing(work), "all well again")


def test_a_decoder_that_stands_still_is_its_cameras_trouble_with_its_cause(
    work: DeskAtWork,
) -> None:
    work.until(lambda: work.condition("one") is Condition.RUNNING, "it runs")
    process = work.desk.watch.node._seats["one"].camera.pid
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    work.until(lambda: not work.condition("one").analysing, "it says so")
    assert work.report("one").cause
    work.until(lambda: work.condition("one") is Condition.RUNNING, "another decoder took over")


def test_a_database_that_another_process_holds_is_told_by_name(work: DeskAtWork) -> None:
    """SQLite's own lock, from a connection that is not ours: nothing can be written."""
    with closing(sqlite3.connect(work.file, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        work.until(lambda: any("lock" in words for words in _words(work)), "it is said")
        stranger.execute("ROLLBACK")
    work.until(lambda: not ailing(work), "all well again")


def _words(work: DeskAtWork) -> list[str]:
    return [vital.words for vital in work.desk.vitals().stages]


# ---------------------------------------------------------------------- without a desk
def test_every_stage_but_the_canary_is_named_within_what_is_promised() -> None:
    silent = {stage: limit for stage, limit in pulse.LIMITS.items() if stage is not Stage.CANARY}
    assert set(pulse.LIMITS) == set(Stage)
    assert max(silent.values()) + pulse.EVERY_S <= RED_WITHIN_S


def test_a_stage_is_as_old_as_its_oldest_part_and_says_its_trouble() -> None:
    now = 0.0
    beats = Beats({Stage.STORING: 5.0}, lambda: now)
    for part in ("intake", "passing on"):
        beats.expect(Stage.STORING, part)
    now = 4.0
    beats.beat(Stage.STORING, part="intake")
    now = 6.0
    (storing,) = beats.vitals().stages
    assert (storing.age_s, storing.well) == (6.0, False)
    beats.beat(Stage.STORING, part="passing on")
    assert beats.vitals().well
    beats.ails(Stage.STORING, "the disk is full", "intake")
    beats.beat(Stage.STORING, part="passing on")
    assert [vital.words for vital in beats.vitals().stages] == ["the disk is full"]


class Aviary:
    """A canary whose cage may be stuck."""

    def __init__(self, *, stuck: bool = False, wanted: bool = True) -> None:
        self.stuck = stuck
        self.outcomes: list[str] = []
        self.ended = threading.Event()
        self.canary = Canary(
            self._play,
            lambda _: None,
            came=lambda: self._told("came"),
            missed=self._told,
            wanted=lambda: wanted,
            every_s=0.0,
            within_s=0.0,
        )

    def _play(self, camera: Member) -> None:
        if self.stuck:
            raise VeilleurError("the engine stands still")

    def _told(self, outcome: str) -> None:
        self.outcomes.append(outcome)
        self.ended.set()

    def once(self) -> str:
        self.canary.run(self.ended)
        return self.outcomes[0]


def test_a_canary_that_the_engine_does_not_take_has_not_come() -> None:
    assert Aviary(stuck=True).once() == "the engine stands still"
    assert Aviary().once() == "a known event was not told within 0 s"


def test_while_everything_is_stopped_no_proof_is_missing() -> None:
    assert Aviary(wanted=False).once() == "came"
