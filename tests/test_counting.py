"""Counting many small people in tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_looking import QUIET, SHAKING, WhiteBlobs, moving, picture
from veilleur.cameras.frame import Activity, no_boxes
from veilleur.cameras.replay import replay
from veilleur.geometry import View
from veilleur.perception.counting import CountSettings
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.looking import Detail, Looker, LookSettings
from veilleur.perception.models import input_size
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.tiles import (
    Headcount,
    affordable,
    counted,
    counting_fitness,
    tiled,
)

VIEW = View(640, 360)
CROWD = [(x, y, x + 10, y + 24) for x in range(10, 620, 30) for y in range(10, 330, 40)]


def persons(rows: list[tuple[float, float, float, float]], scores: list[float]) -> Detections:
    n = len(rows)
    return Detections(
        np.array(rows, np.float32).reshape(n, 4),
        np.array(scores, np.float32),
        np.full(n, Kind.PERSON, np.int8),
    )


def counting(detector: WhiteBlobs, settings: CountSettings | None = None) -> Looker:
    settings = settings or CountSettings()
    return Looker(detector, VIEW, LookSettings(detail=Detail.OFF, counting=settings))


def headcounts(
    looker: Looker, pictures: int, *people: tuple[int, int, int, int], step: int = 0
) -> list[Headcount]:
    """The counts in so many pictures, 0.2 s apart; everybody walks `step` pixels to the right."""
    out = []
    for i in range(pictures):
        walked = [(x1 + step * i, y1, x2 + step * i, y2) for x1, y1, x2, y2 in people]
        look = looker.look(picture(*walked), moving((0, 0, 1, 1)), no_boxes(), i * 0.2)
        if look.count is not None:
            out.append(look.count)
    return out


@given(st.integers(64, 2000), st.integers(64, 1200), st.floats(0.3, 3.0))
def test_tiles_cover_the_view_and_fit_the_input(width: int, height: int, scale: float) -> None:
    detector = WhiteBlobs()
    tiles = tiled(View(width, height), detector, scale)
    assert min(t.x1 for t in tiles) == min(t.y1 for t in tiles) == 0
    assert max(t.x2 for t in tiles) == pytest.approx(width)
    assert max(t.y2 for t in tiles) == pytest.approx(height)
    assert all(t.width * scale <= detector.width + 1e-6 for t in tiles)
    assert all(t.height * scale <= detector.height + 1e-6 for t in tiles)
    lefts = sorted({t.x1 for t in tiles})
    assert all(step <= (detector.width - 48) / scale + 1e-6 for step in np.diff(lefts))


@given(st.integers(64, 4000), st.integers(64, 2200), st.floats(0.3, 3.0), st.integers(1, 16))
def test_a_sweep_has_no_more_tiles_than_allowed(
    width: int, height: int, scale: float, most: int
) -> None:
    view, detector = View(width, height), WhiteBlobs()
    assert len(tiled(view, detector, affordable(view, detector, scale, most))) <= most


def test_everybody_in_a_crowd_is_counted_once_though_tiles_cut_some() -> None:
    found = headcounts(counting(WhiteBlobs(least=20)), 12, *CROWD)
    assert found
    assert {len(count) for count in found} == {len(CROWD)}


def test_who_walks_while_the_tiles_are_looked_at_is_counted_once() -> None:
    slow = CountSettings(at_once=1)
    found = headcounts(counting(WhiteBlobs(least=20), slow), 12, *CROWD[:160], step=3)
    assert found
    assert len(found[0]) == 160
    assert found[0].time == 0.0


def test_the_picture_is_kept_though_the_decoder_uses_its_place_again() -> None:
    looker = counting(WhiteBlobs(least=20), CountSettings(at_once=1))
    shown = picture(*CROWD)
    for i in range(10):
        look = looker.look(shown, moving((0, 0, 1, 1)), no_boxes(), i * 0.2)
        shown.luma[:] = 16
        if look.count is not None:
            assert len(look.count) == len(CROWD)
            return
    pytest.fail("nothing was counted")


def test_doubtful_people_are_counted_where_something_moves_and_nowhere_else() -> None:
    looker = counting(WhiteBlobs(least=20, score=0.3))
    left_half = moving((0, 0, 0.5, 1))
    counts = [looker.look(picture(*CROWD), left_half, no_boxes(), i * 0.2).count for i in range(4)]
    people = next(count.people for count in counts if count is not None)
    assert len(people) == sum(x1 + 5 < 320 for x1, *_ in CROWD)


def test_a_picture_has_no_more_tiles_than_allowed_at_once() -> None:
    looker = counting(WhiteBlobs(least=20), CountSettings(at_once=2))
    looks = [
        looker.look(picture(*CROWD), moving((0, 0, 1, 1)), no_boxes(), i * 0.2) for i in range(10)
    ]
    assert max(look.inferences for look in looks) == 3
    assert looks[0].what == "tiles"


def test_while_nobody_may_count_no_tile_is_looked_at_and_a_count_begun_is_dropped() -> None:
    """As many looks as without a rule that counts, and afterwards the count begins anew."""
    looker = counting(WhiteBlobs(), CountSettings(at_once=1))
    shown, activity = picture(*CROWD), moving((0, 0, 1, 1))
    began = looker.look(shown, activity, no_boxes(), 0.0)
    unserved = [looker.look(shown, activity, no_boxes(), n / 5, counted=False) for n in range(1, 6)]
    assert began.what == "tiles"
    assert {(look.inferences, look.what, look.count) for look in unserved} == {(1, "full", None)}
    assert looker.look(shown, QUIET, no_boxes(), 1.2).what == "nothing", "no count is under way"


def test_a_sweep_begun_is_finished_though_nothing_moves_any_more() -> None:
    looker = counting(WhiteBlobs(least=20), CountSettings(at_once=1))
    counts = [
        looker.look(picture(*CROWD), SHAKING if i == 0 else QUIET, no_boxes(), i * 0.2).count
        for i in range(10)
    ]
    assert any(count is not None and len(count) == len(CROWD) for count in counts)


def test_where_the_usual_look_finds_everybody_tiles_give_no_count_and_are_rare() -> None:
    detector = WhiteBlobs()
    looker = counting(detector, CountSettings(every_s=1.0, probe_s=4.0))
    people = [(x, 100, x + 30, 200) for x in range(20, 600, 60)]
    assert headcounts(looker, 20, *people) == []
    assert len(detector.shown) == 20 + 4  # four tiles, once in four seconds


def test_sweeps_in_vain_become_seldom_and_a_still_place_is_not_swept_at_all() -> None:
    """Five people whom the usual look finds: four tiles a sweep, one a look in between."""
    people = [(x, 100, x + 20, 164) for x in range(20, 600, 120)]
    shown, activity = picture(*people), moving((0, 0.2, 1, 0.6))
    detector = WhiteBlobs()
    looker = counting(detector, CountSettings(probe_s=4.0, at_once=4))
    tiles = [
        looker.look(shown, activity, no_boxes(), float(n)).inferences - 1 for n in range(0, 120)
    ]
    sweeps = [n for n, number in enumerate(tiles) if number == 4]
    assert sweeps == [0, 8, 24, 56], "the pause doubles"
    assert sum(tiles) <= 4 * len(sweeps) + 120 / 4
    before = len(detector.shown)
    for n in range(120, 200):
        looker.look(shown, QUIET, no_boxes(), float(n))
    still = [looker.look(shown, QUIET, no_boxes(), float(n)).inferences for n in range(200, 300)]
    assert max(still) <= 1
    assert len(detector.shown) > before, "the usual look goes on"


def test_a_crowd_that_comes_between_two_sweeps_is_counted_as_soon_as_one_tile_shows_it() -> None:
    looker = counting(WhiteBlobs(least=20), CountSettings(probe_s=4.0))
    activity = moving((0, 0, 1, 1))
    for n in range(100):  # the pause has grown to its longest
        looker.look(picture(), activity, no_boxes(), float(n))
    counts = [
        looker.look(picture(*CROWD), activity, no_boxes(), 100 + n / 5).count for n in range(40)
    ]
    known = [n / 5 for n, count in enumerate(counts) if count is not None]
    assert known, "it is counted"
    assert known[0] <= 4.0 + 1.0, "a probe's pause and the tiles themselves"


def test_without_a_rule_that_counts_there_are_no_tiles() -> None:
    looker = Looker(WhiteBlobs(least=20), VIEW, LookSettings())
    assert headcounts(looker, 12, *CROWD) == []


SURE = [(0.0 + 50 * i, 0.0, 20.0 + 50 * i, 60.0) for i in range(4)]


@pytest.mark.parametrize(
    ("box", "moves", "counts"),
    [
        pytest.param((300, 100, 320, 160), True, True, id="moves, as tall as the others"),
        pytest.param((300, 100, 320, 160), False, False, id="still: a post"),
        pytest.param((300, 100, 400, 220), True, False, id="much taller: a shop window"),
        pytest.param((300, 100, 310, 130), True, False, id="much smaller"),
        pytest.param((2, 5, 14, 50), True, False, id="a part of a sure person"),
    ],
)
def test_a_doubtful_person_counts_only_where_it_is_likely(
    box: tuple[float, float, float, float], moves: bool, counts: bool
) -> None:
    found = persons([*SURE, box], [0.9, 0.9, 0.9, 0.9, 0.3])
    people = counted(found, np.zeros(5, np.bool_), np.array([False] * 4 + [moves]))
    assert len(people) == 4 + counts


def count_of(rows: list[tuple[float, float, float, float]], sure: int, height: float) -> Headcount:
    return Headcount(0.0, persons(rows, [0.9] * len(rows)), sure, height)


APART = [(50.0 * i, 0.0, 50.0 * i + 20, 60.0) for i in range(10)]
BEHIND = [(0.0, 5.0 * i, 20.0, 5.0 * i + 60) for i in range(10)]


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        pytest.param(count_of(APART, 9, 60), None, id="clear"),
        pytest.param(count_of([], 0, float("nan")), None, id="nobody: nothing against it"),
        pytest.param(count_of(APART, 9, 20), "too small", id="too small"),
        pytest.param(count_of(BEHIND, 9, 60), "hide each other", id="packed"),
        pytest.param(count_of(APART, 2, 60), "2 of 10", id="hardly anybody seen clearly"),
    ],
)
def test_a_count_that_means_nothing_says_why(count: Headcount, reason: str | None) -> None:
    said = counting_fitness(count)
    assert said is None if reason is None else said is not None and reason in said


@pytest.mark.data
@pytest.mark.parametrize(
    ("clip", "least", "most"),
    [
        pytest.param("density/hall_from_above.mp4", 53, 101, id="hall: 76 to 78 by eye"),
        pytest.param("density/zebra_crossing_overhead.mp4", 28, 55, id="zebra: 41 to 53 by eye"),
    ],
)
def test_crowds_are_counted_to_thirty_percent(data: Path, clip: str, least: int, most: int) -> None:
    looker: Looker | None = None
    counts: list[int] = []
    for frame in replay(data / clip, camera="crowd", rate_hz=5.0):
        if looker is None:
            view = View(frame.picture.width, frame.picture.height)
            detector = load_detector(Choice(), *input_size(view.width, view.height))
            looker = Looker(detector, view, LookSettings(counting=CountSettings()))
        activity: Activity = frame.activity
        look = looker.look(frame.picture, activity, no_boxes(), frame.time)
        if look.count is not None:
            counts.append(len(look.count))
        if frame.time > 10.5:
            break
    assert counts
    assert least <= counts[-1] <= most
