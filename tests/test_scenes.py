"""Made scenes: exact truth, the same bytes from the same seed, and what the rules make of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from veilleur.engine.situations import Situations
from veilleur.errors import DatasetError
from veilleur.evaluation.clip import Clip
from veilleur.evaluation.counting import Judgement, Outcome, Sighting, judge
from veilleur.evaluation.dataset import load
from veilleur.evaluation.sidecars import read_head_counts
from veilleur.events.crowding import CrowdMeter, fitness
from veilleur.events.recording import Recording, read_recording, write_recording
from veilleur.events.registry import build_rule
from veilleur.events.rule import Candidate
from veilleur.events.scene import Scene
from veilleur.geometry import View, Zone
from veilleur.ground import GroundSpecification, ground_plane
from veilleur.perception.tracker import Tracker
from veilleur.simulation.crowds import Camera, Walk, World, crowd
from veilleur.simulation.scenes import GROUPS, heads, main, write

DATASETS = Path(__file__).resolve().parents[1] / "datasets"
MADE, CROWDS = load(DATASETS / "made"), load(DATASETS / "crowds")
LARGEST_BYTES = 3_000_000


def view_of(clip: Clip, recording: Recording) -> View:
    width, height = recording.width, recording.height
    if clip.ground is None:
        return View(width, height)
    spec = GroundSpecification(
        image=clip.ground.image or (), metres=clip.ground.metres or (), lengths=()
    )
    return View(width, height, ground_plane(spec, width, height, DATASETS))


def replay(clip: Clip, folder: Path) -> tuple[list[Sighting], dict[str, Candidate]]:
    """Alerts of the clip's rules, and the last candidate of each."""
    recording = read_recording(folder / clip.file)
    view, tracker = view_of(clip, recording), Tracker()
    known = clip.starts_at is not None
    rules = [build_rule(spec, view, local_time_known=known) for spec in clip.every_rule]
    situations = [Situations() for _ in rules]
    alerts: list[Sighting] = []
    last: dict[str, Candidate] = {}
    for seen in recording.observations:
        tracks = tracker.step(seen.detections, seen.time)
        local = clip.starts_at + timedelta(seconds=seen.time) if clip.starts_at else None
        scene = Scene(clip.id, seen.time, view, tracks, seen.detections, local=local)
        for rule, situation in zip(rules, situations, strict=True):
            verdict = rule.step(scene)
            if verdict.candidates:
                last[rule.id] = verdict.candidates[-1]
            for _ in situation.update(verdict, seen.time):
                alerts.append(Sighting(rule.id, seen.time))
    return alerts, last


def judged(clip: Clip) -> Judgement:
    alerts, _ = replay(clip, DATASETS / "made")
    return judge(alerts, clip.truth, clip.ignore)


@pytest.mark.parametrize("clip", MADE.clips, ids=lambda clip: clip.id)
def test_every_made_truth_is_found_in_two_seconds_and_nothing_else(clip: Clip) -> None:
    """Half of the clips are hard negatives: there, nothing at all may be said."""
    found = judged(clip)
    assert found.missed == ()
    assert [alert.outcome for alert in found.alerts] == [Outcome.FOUND] * len(clip.truth)
    assert all(delay <= 2.0 for _, delay in found.delays_s)


@pytest.mark.parametrize("clip", CROWDS.clips, ids=lambda clip: clip.id)
def test_a_crowd_is_never_overcounted_and_says_at_least(clip: Clip) -> None:
    """Boxes hide each other: from two people per square metre on, the count is a lower bound."""
    _, last = replay(clip, DATASETS / "crowds")
    check = last["count"].checks[0]
    people = int(clip.tags["people"])
    density = int(clip.id.split("_")[1])
    share = check.measured / check.threshold * 0.75
    assert share <= 1.05
    assert share > 0.8 or check.at_least or density == 1, (people, share)


def test_there_are_twenty_clips_and_half_of_them_are_negative() -> None:
    assert len(MADE.clips) >= 20
    assert sum(not clip.truth for clip in MADE.clips) >= 12
    size = sum(file.stat().st_size for file in DATASETS.rglob("*") if file.is_file())
    assert size < LARGEST_BYTES


@pytest.mark.parametrize("name", list(GROUPS))
def test_the_data_set_in_the_repository_is_what_the_seed_makes(name: str, tmp_path: Path) -> None:
    write(tmp_path, name)
    made = sorted(file.name for file in tmp_path.iterdir())
    assert made == sorted(f.name for f in (DATASETS / name).iterdir())
    for file in made:
        assert (tmp_path / file).read_bytes() == (DATASETS / name / file).read_bytes(), file


@pytest.mark.parametrize("density", [1, 2, 4, 6])
def test_a_made_crowd_has_exactly_its_density(density: int) -> None:
    people = crowd(density, (-2.0, 10.0, 2.0, 15.0), 5.0, seed=1)
    assert len(people) == density * 20
    for walk in people:
        assert (walk.points >= (-2.0, 10.0)).all()
        assert (walk.points <= (2.0, 15.0)).all()


def test_the_made_camera_sees_what_the_ground_plane_says() -> None:
    """Two ways to the same pixels, written apart."""
    camera = Camera()
    spots = [(-3.0, 9.0), (3.0, 9.0), (4.0, 18.0), (-4.0, 18.0)]
    image = camera.project(np.array([(x, y, 0.0) for x, y in spots]))
    spec = {
        "image": (image / (camera.width, camera.height)).tolist(),
        "metres": [list(spot) for spot in spots],
    }
    ground = ground_plane(spec, camera.width, camera.height, Path())
    at = camera.project(np.array([(1.0, 13.0, 0.0)]))
    assert ground.to_metres(at) == pytest.approx(np.array([[1.0, 13.0]]), abs=1e-6)


def test_somebody_behind_somebody_else_is_not_found() -> None:
    before, behind = Walk.along((0, 0, 10), (9, 0, 10)), Walk.along((0, 0, 10.5), (9, 0, 10.5))
    alone = World(Camera(tilt=0.3, height_m=3.0), [behind], 1)
    both = World(Camera(tilt=0.3, height_m=3.0), [before, behind], 1)
    assert sum(len(alone.look(t, 0.2)) for t in range(9)) >= 7
    assert sum(len(both.look(t, 0.2)) for t in range(9)) <= 10


def test_a_packed_camera_is_refused_for_density() -> None:
    """One person per square metre, seen at 26 degrees: behind each there is another."""
    world, meter = World(Camera(), crowd(1, (-2.0, 10.0, 2.0, 15.0), 20.0, seed=1), 3), CrowdMeter()
    for t in range(20):
        meter.update(Scene("made", float(t), View(1280, 720), detections=world.look(t, 1.0)))
    reason = fitness(meter.statistics)
    assert reason is not None
    assert "hide" in reason


# ------------------------------------------------------------------ the file format

HEAD = '{"schema": 1, "width": 100, "height": 50, "rate": 5.0}'
GOOD = '{"t": 0.0, "objects": [["person", 0.8, 1, 2, 3, 4]]}'


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    original = read_recording(DATASETS / "made" / "zone_enters_and_stays.scenes.jsonl")
    write_recording(tmp_path / "again.scenes.jsonl", original)
    again = read_recording(tmp_path / "again.scenes.jsonl")
    assert (again.width, again.height, again.rate) == (1280, 720, 5.0)
    for one, other in zip(original.observations, again.observations, strict=True):
        assert one.time == other.time
        assert np.array_equal(one.detections.boxes, other.detections.boxes)
        assert np.array_equal(one.detections.kinds, other.detections.kinds)


@pytest.mark.parametrize(
    ("lines", "place", "word"),
    [
        pytest.param([], ":1:", "empty", id="empty"),
        pytest.param(["{"], ":1:", "no JSON", id="no JSON"),
        pytest.param(['{"schema": 1}'], ":1:", "expected exactly", id="half a head"),
        pytest.param([HEAD.replace("1,", "2,", 1)], ":1:", "schema 2", id="schema"),
        pytest.param([HEAD.replace("100", "0")], ":1:", "positive", id="no width"),
        pytest.param([HEAD, GOOD, GOOD], ":3:", "rise", id="time stands still"),
        pytest.param([HEAD, GOOD.replace("person", "face")], ":2:", "'face'", id="kind"),
        pytest.param([HEAD, GOOD.replace("0.8", "1.8")], ":2:", "0..1", id="score"),
        pytest.param([HEAD, GOOD.replace("3, 4", "0, 4")], ":2:", "x1 < x2", id="box"),
        pytest.param([HEAD, GOOD.replace("0.8", "NaN")], ":2:", "score must be", id="NaN"),
        pytest.param([HEAD, GOOD.replace(", 4]", "]")], ":2:", "an object is", id="short"),
        pytest.param([HEAD, GOOD.replace('"t"', '"time"')], ":2:", "expected exactly", id="keys"),
    ],
)
def test_a_broken_recording_says_its_line(
    lines: list[str], place: str, word: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.scenes.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DatasetError, match=word) as caught:
        read_recording(path)
    assert place in caught.value.message


def test_a_byte_order_mark_and_blank_lines_mean_nothing_and_lines_keep_their_numbers(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.scenes.jsonl"
    path.write_text("\ufeff" + "\n".join([HEAD, "", GOOD, "  "]), encoding="utf-8")
    assert len(read_recording(path).observations) == 1
    path.write_text("\n".join([HEAD, "", GOOD, "", GOOD]), encoding="utf-8")
    with pytest.raises(DatasetError, match=r":5: times must rise.*docs/dataset\.md"):
        read_recording(path)


def test_the_last_observation_is_held_at_the_nominal_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.scenes.jsonl"
    path.write_text("\n".join([HEAD, GOOD]), encoding="utf-8")
    held = list(read_recording(path).held(0.6))
    assert [o.time for o in held] == pytest.approx([0.0, 0.2, 0.4, 0.6])
    assert all(o.detections is held[0].detections for o in held)
    path.write_text(HEAD, encoding="utf-8")
    assert list(read_recording(path).held(5.0)) == []


def test_a_recording_that_is_absent_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_recording(tmp_path / "absent.scenes.jsonl")
    (tmp_path / "noise.scenes.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="no text"):
        read_recording(tmp_path / "noise.scenes.jsonl")


def test_schedules_in_the_made_clips_begin_at_a_local_time() -> None:
    starts = [clip.starts_at for clip in MADE.clips if clip.starts_at is not None]
    assert datetime.fromisoformat("2026-07-14T12:00:00") in starts
    assert Zone.drawn(((0, 0), (1, 0), (1, 1)), View(10, 10)).area == 50


@pytest.mark.parametrize("clip", CROWDS.clips, ids=lambda clip: clip.id)
def test_a_crowd_lies_with_its_exact_head_counts_an_instant_each(clip: Clip) -> None:
    path = CROWDS.path(clip)
    counts = read_head_counts(path)
    assert [c.t_s for c in counts] == [o.time for o in read_recording(path).observations]
    assert {(c.rule, c.count) for c in counts} == {("count", int(clip.tags["people"]))}


def test_heads_are_counted_only_while_and_where_they_stand() -> None:
    square = ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0))
    passing, outside = Walk.along((0, -1, 1), (4, 3, 1)), Walk.along((0, 5, 5), (9, 5, 5))
    assert [heads([passing, outside], square, t) for t in (0.0, 2.0, 4.0, 8.0, 20.0)] == [
        0, 1, 0, 0, 0,
    ]  # fmt: skip


def test_asking_for_help_makes_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    assert "usage" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
