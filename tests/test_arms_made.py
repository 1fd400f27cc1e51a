"""The made weapons: written again byte by byte, all told, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from veilleur.engine.assembly import Detectors
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.events.specification import RuleSpecification
from veilleur.perception.loader import Choice
from veilleur.simulation.arms import Scene, clips, main

STORED = Path(__file__).parents[1] / "datasets" / "weapons"
DETECTORS = Detectors(Choice(streams=1))


def test_the_stored_clips_are_those_that_are_made(tmp_path: Path) -> None:
    main([str(tmp_path)])
    made = sorted((tmp_path / "weapons").iterdir())
    assert [file.name for file in made] == sorted(file.name for file in STORED.iterdir())
    for file in made:
        assert file.read_bytes() == (STORED / file.name).read_bytes(), file.name


@pytest.mark.parametrize("played", clips(), ids=lambda played: played.made.id)
def test_each_weapon_is_told_once_in_time_and_nothing_else(played: Scene) -> None:
    made = played.made
    rules = tuple(RuleSpecification.model_validate(rule) for rule in made.rules)
    clip = LaboratoryClip(id=made.id, path=STORED / f"{made.id}.scenes.jsonl", rules=rules)
    told = [alert.noticed for step in analyse(clip, DETECTORS) for alert in step.alerts]
    assert len(told) == len(made.truth)
    for at, truth in zip(told, made.truth, strict=True):
        assert truth.start_s + 0.6 <= at <= truth.due_s + 2
    assert made.id.startswith("weapon") == bool(made.truth)
