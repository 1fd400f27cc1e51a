"""From steps to numbers: what counts, what is told apart, and what two runs have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.evaluating import SQUARE, ToldEngine, clip, write_dataset
from veilleur.catalogue import Event
from veilleur.errors import DatasetError
from veilleur.evaluation.counting import Score, suffered_below
from veilleur.evaluation.dataset import load
from veilleur.evaluation.results import Results, assess_all, summarise
from veilleur.evaluation.runner import run


def results_of(folder: Path, engine: ToldEngine, *clips: dict[str, Any], jobs: int = 1) -> Results:
    dataset = load(write_dataset(folder, *clips))
    assessed = assess_all(dataset, run(dataset, engine, jobs=jobs))
    return summarise(dataset, assessed, engine=engine.words, wall_s=1.0, processes=jobs)


def test_found_false_repeat_and_missed_are_counted_over_clips(tmp_path: Path) -> None:
    engine = ToldEngine({"a": {"tracks": [1.0, 3.2, 4.0]}})
    results = results_of(tmp_path, engine, clip("a"), clip("b"))
    zone = results.events["forbidden_zone"]
    assert (zone.truths, zone.found, zone.false_alarms, zone.repeats) == (2, 1, 1, 1)
    assert zone.recall == 0.5
    assert zone.precision == 0.5
    assert zone.hours == pytest.approx(40 / 3600, abs=1e-6)
    assert zone.false_per_hour == pytest.approx(90.0, abs=0.1)
    assert zone.time_to_detect_s.p50 == pytest.approx(0.2)
    assert [c.missed for c in results.clips] == [(), (0,)]
    assert [(a.t_s, a.truth, a.outcome.value) for a in results.clips[0].alerts] == [
        (1.0, None, "false"), (3.2, 0, "found"), (4.0, 0, "repeat"),
    ]  # fmt: skip
    assert all(a.laboratory for a in results.clips[0].alerts)
    assert results.together.suffered_per_hour == pytest.approx(180.0, abs=0.1)
    assert results.together.cameras_per_operator == pytest.approx(12 / 180, abs=1e-3)
    assert "0.4\N{NO-BREAK SPACE}s" in results.clips[1].why_not[0].why


def test_an_event_without_a_rule_has_no_recall_and_its_truths_are_apart(tmp_path: Path) -> None:
    fire = {"id": "f", "event": "fire", "zone": SQUARE}
    truth = [{"rule": "f", "start_s": 1, "due_s": 2, "end_s": 3}]
    results = results_of(tmp_path, ToldEngine(), clip("a", rules=[fire], truth=truth))
    fires = results.events["fire"]
    assert (fires.truths, fires.recall, fires.hours) == (0, None, 0.0)
    assert [(u.kind, u.truths) for u in fires.uncounted] == [("no rule yet", 1)]
    assert results.clips[0].missed == ()
    assert results.clips[0].seconds == 0.0


def test_a_refused_rule_takes_only_its_own_truths_away(tmp_path: Path) -> None:
    rules = [
        {"id": "tracks", "event": "forbidden_zone", "zone": SQUARE},
        {"id": "crowd", "event": "density", "zone": SQUARE, "params": {"max_people": 5}},
    ]
    truth = [
        {"rule": "tracks", "start_s": 2, "due_s": 3, "end_s": 5},
        {"rule": "crowd", "start_s": 2, "due_s": 3, "end_s": 5},
    ]
    engine = ToldEngine({"a": {"tracks": [3.0]}}, refused=("crowd",))
    results = results_of(tmp_path, engine, clip("a", rules=rules, truth=truth))
    assert results.events["forbidden_zone"].recall == 1.0
    density = results.events["density"]
    assert (density.truths, density.recall) == (0, None)
    assert [(u.kind, u.reason, u.truths) for u in density.uncounted] == [
        ("refused", "people are too small", 1)
    ]


def test_a_clip_that_breaks_off_measures_nothing_and_stops_no_other(tmp_path: Path) -> None:
    engine = ToldEngine({"a": {"tracks": [3.0]}, "b": {"tracks": [3.0]}}, broken=("a",))
    results = results_of(tmp_path, engine, clip("a"), clip("b"))
    zone = results.events["forbidden_zone"]
    assert (zone.truths, zone.found) == (1, 1)
    assert [u.kind for u in zone.uncounted] == ["unreadable"]
    assert "garbage" in str(results.clips[0].error)
    assert results.clips[1].error is None


def test_groups_and_tags_split_the_numbers(tmp_path: Path) -> None:
    day, night = {"light": "day"}, {"light": "night"}
    engine = ToldEngine({"a": {"tracks": [3.0]}})
    results = results_of(
        tmp_path, engine,
        clip("a", tags=day, group="gate"), clip("b", tags=night, group="gate"), clip("c", tags=day),
    )  # fmt: skip
    zone = results.events["forbidden_zone"]
    assert {n: (m.found, m.truths) for n, m in zone.by_tag.items()} == {
        "light=day": (1, 2), "light=night": (0, 1),
    }  # fmt: skip
    assert {n: m.truths for n, m in zone.by_group.items()} == {"gate": 2, "c": 1}


def test_silence_on_a_negative_clip_is_watched_time(tmp_path: Path) -> None:
    negative = clip("a", rules=[], truth=[], negative_for=["forbidden_zone"])
    quiet = results_of(tmp_path, ToldEngine(), negative).events["forbidden_zone"]
    assert (quiet.truths, quiet.false_alarms, quiet.recall) == (0, 0, None)
    assert quiet.hours > 0
    assert "only" in quiet.false_in_words
    loud = ToldEngine({"a": {"negative_for:forbidden_zone": [5.0]}})
    assert results_of(tmp_path, loud, negative).events["forbidden_zone"].false_alarms == 1


def test_entries_of_one_file_are_told_apart(tmp_path: Path) -> None:
    engine = ToldEngine({"a": {"tracks": [3.0]}})
    results = results_of(tmp_path, engine, clip("a"), clip("b", file="a.mp4"))
    assert [len(c.alerts) for c in results.clips] == [1, 0]
    assert [c.missed for c in results.clips] == [(), (0,)]


def test_an_entry_whose_id_begins_like_anothers_keeps_its_alerts(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    rules = [{"id": "b/tracks", "event": "forbidden_zone", "zone": SQUARE}]
    truth = [{"rule": "b/tracks", "start_s": 2.0, "due_s": 3.0, "end_s": 5.0}]
    engine = ToldEngine({"a": {"b/tracks": [3.0]}, "a%2Fb": {"tracks": [9.0]}})
    clips = [clip("a", rules=rules, truth=truth), clip("a/b", file="a.mp4")]
    results = results_of(tmp_path, engine, *clips)
    assert [[a.t_s for a in c.alerts] for c in results.clips] == [[3.0], [9.0]]


def test_heads_beside_a_clip_give_the_counting_error(tmp_path: Path) -> None:
    crowd = {"id": "crowd", "event": "density", "zone": SQUARE, "params": {"max_people": 5}}
    (tmp_path / "a.counts.csv").write_text("t_s,rule,count\n1.0,crowd,4\n2.0,crowd,2\n9.0,x,9\n")
    counted = clip("a", rules=[crowd], truth=[])
    line = results_of(tmp_path, ToldEngine(counts=3.0), counted).events["density"].counting[0]
    assert line.mean_absolute == 1.0
    assert line.bias == 0.0
    assert line.relative == pytest.approx(1 / 3, abs=0.02)
    (tmp_path / "a.counts.csv").write_text("t_s,rule,count\n1.0,crowd,many\n")
    broken = results_of(tmp_path, ToldEngine(), counted).clips[0]
    assert "a.counts.csv:2" in str(broken.error)


def test_processes_and_their_order_change_nothing(tmp_path: Path) -> None:
    engine = ToldEngine({"a": {"tracks": [1.0, 3.2]}, "c": {"tracks": [4.0]}}, seconds=8.0)
    clips = [clip("a"), clip("b"), clip("c"), clip("d")]
    one = results_of(tmp_path, engine, *clips)
    many = results_of(tmp_path, engine, *clips, jobs=2)
    assert one.identity == many.identity
    assert [c.id for c in many.clips] == ["a", "b", "c", "d"]


def test_observations_come_in_the_order_of_the_dataset(tmp_path: Path) -> None:
    dataset = load(write_dataset(tmp_path, clip("z"), clip("a"), clip("m", file="z.mp4")))
    assert [o.clip for o in run(dataset, ToldEngine(seconds=1.0), jobs=1)] == ["z", "a", "m"]


def test_results_are_read_back_and_times_are_not_their_identity(tmp_path: Path) -> None:
    results = results_of(tmp_path, ToldEngine({"a": {"tracks": [3.0]}}), clip("a"))
    results.write(tmp_path / "r.json")
    again = Results.read(tmp_path / "r.json")
    assert again == results
    slower = results.model_copy(
        update={"timing": results.timing.model_copy(update={"wall_s": 99.0})}
    )
    assert slower.identity == results.identity
    other = results_of(tmp_path, ToldEngine(), clip("a"))
    assert other.identity != results.identity
    assert other.settings == results.settings
    (tmp_path / "r.json").write_text("{}")
    with pytest.raises(DatasetError, match="no result of veilleur evaluate"):
        Results.read(tmp_path / "r.json")


def test_the_json_has_the_keys_of_the_format(tmp_path: Path) -> None:
    engine = ToldEngine({"a": {"tracks": [3.0]}})
    results = results_of(tmp_path, engine, clip("a", tags={"light": "day"}))
    zone = results.model_dump(mode="json")["events"]["forbidden_zone"]
    assert set(zone) >= {
        "truths", "found", "false_alarms", "repeats", "hours", "recall", "recall_95", "precision",
        "f1", "false_per_hour", "false_per_hour_95", "time_to_detect_s", "by_group", "by_tag",
    }  # fmt: skip
    assert set(zone["time_to_detect_s"]) == {"p50", "p95"}
    assert "light=day" in zone["by_tag"]
    line = results.model_dump(mode="json")["clips"][0]
    assert set(line) >= {"id", "seconds", "alerts", "missed"}
    assert line["alerts"][0]["rule"] == "tracks"
    assert Event(line["alerts"][0]["event"]) is Event.FORBIDDEN_ZONE
    assert results.mode == "LABORATORY"


def test_silence_proves_no_more_than_the_event_watched_least() -> None:
    long, short = Score(hours=10.0), Score(hours=0.1)
    assert suffered_below([long]) == pytest.approx(0.2996, abs=1e-3)
    assert suffered_below([long, short, Score()]) == pytest.approx(29.96, abs=0.01)
    assert suffered_below([long, Score(hours=1.0, repeats=1)]) is None
    assert suffered_below([Score()]) is None
