"""Made crowds that move: truth by construction, and what the rule makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from veilleur.engine.situations import Situations
from veilleur.evaluation.clip import Clip
from veilleur.evaluation.counting import Judgement, Outcome, Sighting, judge
from veilleur.evaluation.dataset import load
from veilleur.events.registry import build_rule
from veilleur.events.scene import Scene
from veilleur.geometry import View
from veilleur.ground import GroundSpecification, ground_plane
from veilleur.perception.tracker import Tracker
from veilleur.simulation.movements import movements
from veilleur.simulation.scenes import Made, entry, observe, write_clips
from veilleur.simulation.social_force import RADIUS_M, Agent, Aim, simulate

CLIPS = {made.id: made for made in movements()}


def alerts(made: Made, clip: Clip) -> Iterator[Sighting]:
    recording = observe(made, 7)
    view = View(recording.width, recording.height)
    if clip.ground is not None:
        spec = GroundSpecification(image=clip.ground.image or (), metres=clip.ground.metres or ())
        view = View(view.width, view.height, ground_plane(spec, view.width, view.height, Path()))
    tracker, situations = Tracker(view=view), Situations()
    watched = build_rule(clip.every_rule[0], view, local_time_known=False)
    for seen in recording.observations:
        tracks = tracker.step(seen.detections, seen.time)
        verdict = watched.step(Scene(made.id, seen.time, view, tracks, seen.detections))
        for _ in situations.update(verdict, seen.time):
            yield Sighting(watched.id, seen.time)


def judged(made: Made) -> Judgement:
    clip = Clip.model_validate_json(json.dumps(entry(made)))
    return judge(list(alerts(made, clip)), clip.truth, clip.ignore)


@pytest.mark.parametrize("made", CLIPS.values(), ids=list(CLIPS))
def test_every_made_movement_is_found_and_nothing_else(made: Made) -> None:
    found = judged(made)
    assert found.missed == ()
    assert [alert.outcome for alert in found.alerts] == [Outcome.FOUND] * len(made.truth)


def test_half_of_the_clips_hold_no_movement() -> None:
    assert sum(not made.truth for made in CLIPS.values()) >= 12
    forms = {made.id.split("_")[0] for made in CLIPS.values() if made.truth}
    assert forms == {"acceleration", "dispersal", "surge", "counter"}


def test_the_same_seed_makes_the_same_people_and_another_one_others() -> None:
    one, same, other = (movements(seed)[0].walks[0].points for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_people_keep_off_each_other_and_reach_the_speed_they_want() -> None:
    towards = [
        Agent((-6.0, 0.0), (Aim(0.0, (20.0, 0.0), 1.4),)),
        Agent((6.0, 0.1), (Aim(0.0, (-20.0, 0.1), 1.4),)),
    ]
    one, other = simulate(towards, 12.0)
    apart = np.hypot(*(one.points - other.points).T)
    assert apart.min() > 1.5 * RADIUS_M
    speed = np.hypot(*(one.points[15] - one.points[10])) / (one.times[15] - one.times[10])
    assert speed == pytest.approx(1.4, abs=0.1)
    assert one.points[-1, 0] > 6.0


def test_who_has_arrived_stands() -> None:
    (walk,) = simulate([Agent((0.0, 0.0), (Aim(0.0, (3.0, 0.0), 1.3),))], 8.0)
    assert np.hypot(*(walk.points[-1] - walk.points[-6])) < 0.05


def test_a_made_data_set_is_read_like_any_other(tmp_path: Path) -> None:
    write_clips(tmp_path, "movement", movements()[:2], 7)
    assert [clip.id for clip in load(tmp_path).clips] == list(CLIPS)[:2]
