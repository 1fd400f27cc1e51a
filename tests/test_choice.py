"""The fastest way that agrees with float32 is chosen, remembered, and measured again when due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from veilleur.errors import ModelUnusable
from veilleur.geometry import FloatArray, ImageArray
from veilleur.perception.adapters import Outputs
from veilleur.perception.backends import BACKENDS, Backend, Loading, Precision
from veilleur.perception.choice import Origin, Trial, best, decide, machine_key, memory_file
from veilleur.perception.loader import Choice
from veilleur.perception.models import NANODET
from veilleur.perception.objects import Detections
from veilleur.perception.reference import agreement, reference_pictures

ALL = (Precision.FP32, Precision.BF16, Precision.INT8)


@dataclass
class Made:
    """A back end that finds one object at `where` per precision, and works `work` rounds for it."""

    where: dict[Precision, int]
    work: dict[Precision, int]
    loads: int = 0
    streams: list[int] = field(default_factory=list)

    def load(self, loading: Loading) -> Session:
        self.loads += 1
        precision = loading.precision
        if self.where[precision] < 0:
            raise ModelUnusable(f"{precision} is broken here", remedy="none")
        return Session(loading, self.where[precision], self.work[precision])

    def backend(self, obstacle: Callable[[], str | None] = lambda: None) -> Backend:
        return Backend("made", "made", lambda: tuple(self.where), obstacle, self.load)


@dataclass
class Session:
    loading: Loading
    where: int
    work: int

    def run(self, tensor: ImageArray | FloatArray) -> Outputs:
        points = sum((self.loading.height // s) * (self.loading.width // s) for s in (8, 16, 32))
        table = np.zeros((1, points, 54), np.float32)
        table[0, self.where, 0] = 0.9
        for _ in range(self.work):
            np.sort(np.arange(20_000)[::-1])
        return {"objects": table}


def made(where: tuple[int, int, int], work: tuple[int, int, int]) -> Made:
    return Made(dict(zip(ALL, where, strict=True)), dict(zip(ALL, work, strict=True)))


@pytest.mark.parametrize(
    ("where", "work", "chosen"),
    [
        pytest.param((5, 5, 5), (30, 12, 1), Precision.INT8, id="all agree: the fastest"),
        pytest.param((5, 5, 99), (30, 8, 1), Precision.BF16, id="the fastest disagrees: the next"),
        pytest.param((5, 99, 99), (30, 8, 1), Precision.FP32, id="none agrees: float32"),
        pytest.param((5, -1, 99), (30, 8, 1), Precision.FP32, id="one can't be loaded"),
    ],
)
def test_the_fastest_that_agrees_is_chosen(
    tmp_path: Path,
    where: tuple[int, int, int],
    work: tuple[int, int, int],
    chosen: Precision,
) -> None:
    decision = decide(cache=tmp_path, backends=[made(where, work).backend()])
    assert decision.origin is Origin.MEASURED
    assert decision.choice.precision is chosen
    assert {t.precision for t in decision.trials} == set(ALL)


def test_noise_doesnt_decide_between_equals() -> None:
    times = {Precision.FP32: 10.0, Precision.BF16: 9.9, Precision.INT8: 9.6}
    trials = [Trial(backend="made", precision=p, cpu_ms=t) for p, t in times.items()]
    assert best(trials) == trials[0]
    assert best([*trials, trials[2].model_copy(update={"cpu_ms": 9.0})]) != trials[0]
    assert best([]) is None


def test_a_choice_is_remembered(tmp_path: Path) -> None:
    maker = made((5, 5, 5), (9, 4, 1))
    first = decide(cache=tmp_path, backends=[maker.backend()])
    loads = maker.loads
    second = decide(cache=tmp_path, backends=[maker.backend()])
    assert (second.origin, maker.loads) == (Origin.REMEMBERED, loads)
    assert (second.choice, second.trials) == (first.choice, first.trials)


def test_other_weights_are_measured_again(tmp_path: Path) -> None:
    maker = made((5, 5, 5), (9, 4, 1))
    model = decide(cache=tmp_path, backends=[maker.backend()]).choice.model
    other = tmp_path / "other.onnx"
    other.write_bytes(b"other")
    changed = model.model_copy(update={"file": other})
    assert decide(changed, cache=tmp_path, backends=[maker.backend()]).origin is Origin.MEASURED
    for again in (model, changed):
        kept = decide(again, cache=tmp_path, backends=[maker.backend()])
        assert kept.origin is Origin.REMEMBERED, "neither has put the other out"


@pytest.mark.parametrize("content", ["", "{", '{"layout": 1}', "\x00\xff"])
def test_a_broken_memory_is_measured_again_and_that_is_said(tmp_path: Path, content: str) -> None:
    backends = [made((5, 5, 5), (9, 4, 1)).backend()]
    file = memory_file(tmp_path, machine_key(NANODET, backends))
    file.write_text(content, encoding="latin-1")
    broken = decide(cache=tmp_path, backends=backends)
    assert broken.origin is Origin.MEASURED
    assert "measured again" in broken.notice
    healed = decide(cache=tmp_path, backends=backends)
    assert (healed.origin, healed.notice) == (Origin.REMEMBERED, "")


def test_a_cache_that_cant_be_written_is_said_and_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    decision = decide(cache=tmp_path / "file", backends=[made((5, 5, 5), (9, 4, 1)).backend()])
    assert decision.origin is Origin.MEASURED
    assert decision.notice


def test_a_setting_wins_and_measures_nothing(tmp_path: Path) -> None:
    maker = made((5, 5, 5), (9, 4, 1))
    wanted = Choice("made", Precision.INT8)
    decision = decide(setting=wanted, cache=tmp_path, backends=[maker.backend()])
    assert (decision.choice, decision.origin, maker.loads) == (wanted, Origin.SETTING, 0)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_works_the_reasons_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="fp32 is broken here"):
        decide(cache=tmp_path, backends=[made((-1, -1, -1), (0, 0, 0)).backend()])
    blocked = made((5, 5, 5), (0, 0, 0)).backend(lambda: "no library")
    with pytest.raises(ModelUnusable, match="no library"):
        decide(cache=tmp_path, backends=[blocked])


def test_on_this_machine_what_is_chosen_agrees_with_float32(tmp_path: Path) -> None:
    decision = decide(cache=tmp_path, backends=BACKENDS)
    assert decision.chosen is not None
    assert decision.chosen.agreement >= 0.98
    exact = [t for t in decision.trials if t.precision is Precision.FP32 and not t.obstacle]
    assert {t.agreement for t in exact if t.backend == "openvino"} == {1.0}
    assert all(t.agreement > 0.99 for t in exact)


def detections(*boxes: tuple[float, float, float, float, float]) -> Detections:
    table = np.array(boxes, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4], np.zeros(len(table), np.int8))


def test_agreement_counts_boxes_that_count() -> None:
    one = [detections((0, 0, 10, 10, 0.9), (20, 0, 30, 10, 0.8)), detections()]
    assert agreement(one, one) == 1.0
    shifted = [detections((0, 1, 10, 11, 0.9), (20, 0, 30, 10, 0.4)), detections()]
    assert agreement(one, shifted) == pytest.approx(2 / 3)
    doubled = [detections((0, 0, 10, 10, 0.9), (0, 0, 10, 10, 0.9)), detections()]
    assert agreement(one, doubled) == pytest.approx(1 / 2)
    assert agreement(doubled, one) == pytest.approx(1 / 2)
    assert agreement([detections()], [detections()]) == 1.0


def test_reference_pictures_show_the_scene_whole_small_dark_and_grainy() -> None:
    whole, small, dusk, grain = reference_pictures(256, 416, count=4)
    assert small.shape[0] == whole.shape[0] * 3 // 4
    assert dusk.mean() < whole.mean() / 3
    assert np.abs(np.diff(grain.astype(int), axis=0)).mean() > 10
