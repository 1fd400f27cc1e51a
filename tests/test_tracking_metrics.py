"""The numbers that say how good tracks are: worked cases, parity with the package's evaluation."""

from __future__ import annotations

import doctest
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.tracker_reference import SCORES, Agreement, package_tracks
from veilleur.errors import DatasetError
from veilleur.evaluation import tracking
from veilleur.evaluation.tracking import FrameBoxes, TrackingScore, read_cvml, score_tracks
from veilleur.perception.objects import ShapeError


def frames(*pictures: Mapping[int, float]) -> list[FrameBoxes]:
    """Each picture: id to the left edge of a box of 10 x 20 pixels."""
    return [
        FrameBoxes(
            np.array(list(p), np.int64),
            np.array([[x, 0, x + 10, 20] for x in p.values()]).reshape(-1, 4),
        )
        for p in pictures
    ]


def agrees(score: TrackingScore, with_: Agreement) -> None:
    ours = Agreement(
        score.hota,
        score.detection,
        score.association,
        score.location,
        score.idf1,
        score.mota,
        score.switches,
    )
    assert ours == pytest.approx(with_, abs=1e-9)


def test_the_examples_in_the_documentation_are_true() -> None:
    assert doctest.testmod(tracking).failed == 0


def test_truth_against_itself_is_perfect() -> None:
    truth = frames({1: 0, 2: 50}, {1: 2, 2: 48}, {}, {2: 46})
    score = score_tracks(truth, truth)
    assert (score.hota, score.idf1, score.mota, score.switches) == (1, 1, 1, 0)


def test_names_do_not_matter() -> None:
    truth = frames({1: 0, 2: 50}, {1: 2, 2: 48})
    assert score_tracks(truth, frames({20: 0, 10: 50}, {20: 2, 10: 48})).hota == 1


def test_a_swap_costs_association_not_detection() -> None:
    truth = frames(*[{1: 0, 2: 50}] * 4)
    score = score_tracks(truth, frames(*[{1: 0, 2: 50}] * 2, *[{2: 0, 1: 50}] * 2))
    assert score.detection == 1
    assert score.association == pytest.approx(1 / 3)  # each pair: 2 of 6 sightings
    assert score.switches == 2
    assert score.idf1 == pytest.approx(0.5)
    assert score.mota == pytest.approx(6 / 8)


def test_misses_and_false_boxes_are_counted() -> None:
    score = score_tracks(frames({1: 0, 2: 50}, {1: 0}), frames({7: 0}, {7: 0, 8: 90}))
    assert (score.found, score.lost, score.extra) == (2, 1, 1)
    assert score.mota == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("truth", "found"), [([{}, {}], [{}, {}]), ([{1: 0.0}], [{}]), ([{}], [{1: 0.0}]), ([], [])]
)
def test_emptiness_is_no_error(
    truth: list[dict[int, float]], found: list[dict[int, float]]
) -> None:
    score = score_tracks(frames(*truth), frames(*found))
    assert (score.hota, score.idf1, score.found) == (0, 0, 0)


def test_clips_add_up_as_counts() -> None:
    good = score_tracks(frames(*[{1: 0}] * 9), frames(*[{1: 0}] * 9))
    bad = score_tracks(frames({1: 0}), frames({1: 90}))
    assert (good + bad).mota == pytest.approx(0.8)
    assert (good + bad).idf1 == pytest.approx(0.9)


def test_two_boxes_of_one_name_in_one_picture_are_refused() -> None:
    with pytest.raises(ShapeError):
        FrameBoxes(np.array([1, 1]), np.zeros((2, 4)))


def test_sequences_of_different_length_are_refused() -> None:
    with pytest.raises(DatasetError) as caught:
        score_tracks(frames({}), frames({}, {}))
    assert caught.value.remedy


def test_scores_equal_the_packages_on_a_real_sequence() -> None:
    """SORT's tracks on vtest, taking ByteTrack's for the truth: 795 pictures, many mistakes."""
    truth, found = package_tracks("bytetrack_10"), package_tracks("sort_10")
    agrees(score_tracks(truth, found), SCORES.sort_against_bytetrack)


def test_scores_equal_the_packages_against_the_official_truth(data: Path) -> None:
    found = package_tracks("bytetrack_10")
    truth = read_cvml(data / "tracking" / "vtest" / "PETS2009-S2L1.xml")[: len(found)]
    agrees(score_tracks(truth, found), SCORES.vtest[10])


CVML = """<dataset><frame number="2"><objectlist><object id="9">
<box h="20" w="10" xc="15" yc="30"/></object></objectlist></frame></dataset>"""


def test_cvml_boxes_stand_at_their_frame_number(tmp_path: Path) -> None:
    (tmp_path / "t.xml").write_text(CVML)
    read = read_cvml(tmp_path / "t.xml")
    assert [len(f.ids) for f in read] == [0, 0, 1]
    assert read[2].boxes.tolist() == [[10, 20, 20, 40]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("<dataset>", id="cut off"),
        pytest.param("<dataset/>", id="no frame"),
        pytest.param(CVML.replace('w="10"', ""), id="no width"),
        pytest.param(CVML.replace('"15"', '"left"'), id="no number"),
        pytest.param(CVML.replace('number="2"', 'number="-2"'), id="before the start"),
    ],
)
def test_a_broken_cvml_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.xml"
    path.write_text(text)
    with pytest.raises(DatasetError) as caught:
        read_cvml(path)
    assert caught.value.clip == str(path)
