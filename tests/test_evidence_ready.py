"""D15: every alert has its still and, where an act grants clips, a clip that plays, from five
seconds before the onset to ten after it. How soon: `python -m benchmarks.evidence`."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmarks.evidence import follow

from tests.killing import CAMERAS, filmed
from tests.made_desk import made_act, made_settings
from tests.watching import Blocks, Made
from veilleur.desk import footage
from veilleur.desk.desk import Desk
from veilleur.engine.recorded import Recorded
from veilleur.errors import ConfigurationError
from veilleur.evidence.clip import ClipMaker
from veilleur.incidents.life import Limits

CI, LONG = 8, 100


@pytest.mark.parametrize("number", [CI, pytest.param(LONG, marks=pytest.mark.long)])
def test_each_alert_has_its_still_and_a_clip_that_plays_from_before_its_onset(
    tmp_path: Path, number: int
) -> None:
    with filmed(tmp_path):
        at_once = Limits(cool_down_s=0.0)
        settings = made_settings(tmp_path / "site.yaml", tmp_path, limits=at_once)
        with Desk.open(settings, Made(Blocks())) as desk:
            desk.authority.add(made_act(*CAMERAS, clips=3), "dpo")
            done = follow(desk, number)
    assert [one.faults for one in done] == [()] * number


def test_packets_that_lay_about_are_not_taken_for_the_last_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They were asked for eight seconds after the onset and are looked at four later: a clip that
    ended with them had no last seconds."""
    monkeypatch.setattr("veilleur.desk.footage.time.monotonic", lambda: 12.0)
    asked: list[str] = []

    def packets(camera: str) -> Future[Recorded]:
        asked.append(camera)
        return Future()

    watch = SimpleNamespace(node=SimpleNamespace(packets=packets))
    footages = footage.Footages(None, watch, None)  # type: ignore[arg-type]
    come: Future[Recorded] = Future()
    come.set_exception(ConfigurationError("made"))
    stored = SimpleNamespace(signal=SimpleNamespace(camera="gate"))
    under = footage._Under(stored, 0.0, None, ClipMaker(-5.0), come, 8.0, 6.0)  # type: ignore[arg-type]
    assert not footages._over(under), "its last seconds are still to come"
    assert asked == ["gate"]
    assert under.piece_s == pytest.approx(8.0 - footage.AFTERWARDS_S)
