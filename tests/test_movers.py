"""How the people in a zone move at one instant: by their paths, else by the pixels under them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.made import VIEW, every, scene, tracks
from veilleur.events.movers import Movers, Paths, meeting
from veilleur.geometry import Box, FloatArray, View, Zone
from veilleur.ground import ground_plane
from veilleur.perception.flow import Flow
from veilleur.perception.objects import Detections, Kind, Tracks

ALL = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
GROUND = ground_plane(
    {"image": [[0, 1], [1, 1], [1, 0], [0, 0]], "metres": [[0, 0], [20, 0], [20, 20], [0, 20]]},
    1000, 1000, Path(),
)  # fmt: skip
STEEP = ground_plane(
    {
        "image": [[0, 1], [1, 1], [0.6, 0.4], [0.4, 0.4]],
        "metres": [[0, 0], [4, 0], [4, 40], [0, 40]],
    },
    1000, 1000, Path(),
)  # fmt: skip
HEIGHT = 85.0  # pixels: a metre is 50
Foot = tuple[float, float]


def paths(view: View = VIEW, zone: Any = ALL) -> Paths:
    return Paths(view, Zone.drawn(zone, view))


def person(*feet: Foot, **more: Any) -> Tracks:
    return tracks(dict(enumerate(feet, start=1)), **{"height": HEIGHT, **more})


def found(*boxes: tuple[Foot, Kind, float], height: float = HEIGHT) -> Detections:
    """Detections, 40 pixels wide: foot, kind and score of each."""
    rows = [(x - 20, y - height, x + 20, y) for (x, y), _, _ in boxes]
    return Detections(
        np.array(rows, np.float32).reshape(-1, 4),
        np.array([score for _, _, score in boxes], np.float32),
        np.array([kind for _, kind, _ in boxes], np.int8),
    )


def field(changed: float, velocity: Foot | None, *, shaken: bool = False) -> Flow:
    """Within a hundred pixels of the picture's middle the pixels move so; elsewhere not at all."""
    cells = np.zeros((20, 20), np.float32)
    cells[8:12, 8:12] = changed
    ways = np.full((20, 20, 2), np.nan, np.float32)
    if velocity is not None:
        ways[8:12, 8:12] = velocity
    return Flow(Box(0, 0, 1000, 1000), cells, ways, shaken, 0.2)


def at(known: Paths, time: float, *feet: Foot, **more: Any) -> Movers:
    return known.step(scene(time, person(*feet), **more))


def walk(known: Paths, times: list[float], pace: float = 50.0, **more: Any) -> FloatArray:
    """m/s of somebody who goes to the right so many pixels a second, from (400, 500)."""
    for time in times:
        told = at(known, time, (400 + pace * time, 500.0), **more)
    return np.asarray(told.velocities[0].round(3))


def test_who_has_a_path_goes_as_fast_as_it_leads() -> None:
    assert walk(paths(), every(0.2, 1.0)).tolist() == [1.0, 0.0]
    assert walk(paths(View(1000, 1000, GROUND)), every(0.2, 1.0)).tolist() == [1.0, 0.0]
    told = paths(View(1000, 1000, GROUND)).step(scene(0.0, person((500.0, 500.0))))
    assert told.places.round(6).tolist() == [[10.0, 10.0]]
    assert told.boxes.tolist() == [[480.0, 415.0, 520.0, 500.0]]
    assert (told.time, told.people) == (0.0, 1)


def test_a_path_shorter_than_a_third_of_a_second_says_nothing() -> None:
    assert np.isnan(walk(paths(), [0.0, 0.34])).all()
    assert walk(paths(), [0.0, 0.35]).tolist() == [1.0, 0.0]


def test_a_path_is_measured_over_six_tenths_of_a_second() -> None:
    """He stood, and walks since."""
    known = paths()
    for time in every(0.2, 1.4):
        told = at(known, time, (400 + 50 * max(time - 0.8, 0), 500.0))
    assert told.velocities[0].round(3).tolist() == [1.0, 0.0]
    told = at(known, 1.6, (440.0, 500.0))
    assert told.velocities[0].round(3).tolist() == [1.0, 0.0]


def test_at_least_two_sights_make_a_path_however_rare_pictures_are() -> None:
    assert walk(paths(), [0.0, 1.5]).tolist() == [1.0, 0.0]
    assert walk(paths(), [0.0, 1.6]).tolist() == [1.0, 0.0]
    assert np.isnan(walk(paths(), [0.0, 1.61])).all()  # a path begins anew


def test_of_rare_pictures_the_last_two_make_the_path() -> None:
    """He stood, and has walked since the picture before."""
    known = paths()
    for time, x in [(0.0, 400.0), (0.7, 400.0), (1.4, 435.0)]:
        told = at(known, time, (x, 500.0))
    assert told.velocities[0].round(3).tolist() == [1.0, 0.0]


def test_a_path_that_sways_is_no_way() -> None:
    """Net seven tenths of the whole way, and less."""
    for back, goes in [(10.5, True), (10.7, False)]:
        known = paths()
        for time, x in [(0.0, 400.0), (0.2, 430.0), (0.4, 430.0 - back), (0.6, 460.0 - back)]:
            told = at(known, time, (x, 500.0))
        assert told.velocities[0, 0] == pytest.approx((60 - back) / 50 / 0.6 if goes else 0.0)


def test_who_was_just_forgotten_has_no_path() -> None:
    known = paths()
    walk(known, every(0.2, 1.0))
    known.clear()
    assert np.isnan(walk(known, [1.2])).all()


def test_a_leap_faster_than_any_crowd_is_not_known() -> None:
    assert walk(paths(), [0.0, 0.4], pace=450.0).tolist() == [9.0, 0.0]
    assert np.isnan(walk(paths(), [0.0, 0.4], pace=451.0)).all()


def test_without_a_ground_a_metre_is_a_part_of_how_tall_people_are_there() -> None:
    """A box half hidden does not make somebody faster."""
    known, tall = paths(), found(*[((900.0, 500.0), Kind.PERSON, 0.5)] * 25, height=170)
    for time in every(0.2, 1.0):
        told = known.step(scene(time, person((400 + 50 * time, 500.0)), detections=tall))
    assert told.velocities[0].round(3).tolist() == [0.5, 0.0]


def test_only_people_seen_now_in_the_zone_and_whole_are_told() -> None:
    car = tracks({1: (500.0, 500.0)}, kind=Kind.VEHICLE)
    one = person((500.0, 500.0))
    predicted = Tracks(
        one.ids, one.boxes, one.kinds, one.scores, one.velocities, one.ages, ~one.seen
    )
    for nobody in (car, predicted, person((500.0, 998.0))):
        assert paths().step(scene(0.0, nobody)).people == 0
    assert paths().step(scene(0.0, person((500.0, 997.5)))).people == 1
    feet = ((400.0, 500.0), (600.0, 500.0))
    assert at(paths(zone=HALF), 0.0, *feet).places.tolist() == [[400.0, 500.0]]


@pytest.mark.parametrize(
    ("score", "kind", "people"),
    [(0.31, Kind.PERSON, 1), (0.29, Kind.PERSON, 0), (0.9, Kind.VEHICLE, 0)],
)
def test_who_has_no_track_counts_when_found_surely_enough(
    score: float, kind: Kind, people: int
) -> None:
    told = paths().step(scene(0.0, Tracks.none(), detections=found(((500.0, 500.0), kind, score))))
    assert told.people == people
    assert not told.known.any()


@pytest.mark.parametrize(("shift", "people"), [(28.0, 1), (29.0, 2)])
def test_a_box_that_shares_three_tenths_with_a_track_is_that_track(
    shift: float, people: int
) -> None:
    """Of 40 pixels, 12 are three tenths."""
    near = found(((500.0 + shift - 0.5, 500.0), Kind.PERSON, 0.9))
    assert at(paths(), 0.0, (500.0, 500.0), detections=near).people == people


@pytest.mark.parametrize(("shift", "people"), [(19.0, 0), (21.0, 1)])
@pytest.mark.parametrize("tracked", [True, False])
def test_who_shares_half_his_box_with_a_vehicle_rides(
    shift: float, people: int, tracked: bool
) -> None:
    car = (((500.0 + shift), 500.0), Kind.VEHICLE, 0.9)
    rider = ((500.0, 500.0), Kind.PERSON, 0.9)
    if tracked:
        assert at(paths(), 0.0, (500.0, 500.0), detections=found(car)).people == people
    else:
        seen = found(car, rider)
        assert paths().step(scene(0.0, Tracks.none(), detections=seen)).people == people


def test_of_several_found_only_those_who_are_tracked_already_are_left_out() -> None:
    both = found(((500.0, 500.0), Kind.PERSON, 0.9), ((700.0, 500.0), Kind.PERSON, 0.9))
    told = at(paths(), 0.0, (500.0, 500.0), detections=both)
    assert told.places.tolist() == [[500.0, 500.0], [700.0, 500.0]]


def test_a_doubtful_vehicle_carries_nobody() -> None:
    car = found(((500.0, 500.0), Kind.VEHICLE, 0.29))
    assert at(paths(), 0.0, (500.0, 500.0), detections=car).people == 1


def test_who_has_no_path_goes_as_the_pixels_under_him() -> None:
    flow = field(0.5, (100.0, 0.0))
    assert at(paths(), 0.0, (500.0, 540.0), flow=flow).velocities.tolist() == [[2.0, 0.0]]
    on_ground = paths(View(1000, 1000, GROUND))
    told = at(on_ground, 0.0, (500.0, 540.0), flow=flow)
    assert told.velocities[0].round(6).tolist() == [2.0, 0.0]
    steep = paths(View(1000, 1000, STEEP))
    told = at(steep, 0.0, (500.0, 540.0), flow=field(0.5, (0.0, -50.0)))
    ends = STEEP.to_metres(np.array([[500.0, 540.0], [500.0, 535.0]]))
    assert told.velocities[0] == pytest.approx(10 * (ends[1] - ends[0]))
    alone = found(((500.0, 540.0), Kind.PERSON, 0.9))
    told = paths().step(scene(0.0, Tracks.none(), detections=alone, flow=flow))
    assert told.velocities.tolist() == [[2.0, 0.0]]


def test_where_no_pixel_changed_nobody_moved_whatever_his_box_does() -> None:
    for changed, speed in [(0.039, 0.0), (0.041, 1.0)]:
        known = paths()
        flow = field(changed, (50.0, 0.0))
        for time in every(0.2, 1.0):
            told = at(known, time, (460 + 50 * time, 540.0), flow=flow)
        assert told.velocities[0, 0] == pytest.approx(speed)
        told = at(paths(), 0.0, (500.0, 540.0), flow=flow)
        assert told.velocities[0, 0] == pytest.approx(speed)


def test_where_pixels_changed_without_a_way_or_the_camera_shook_nobody_knows() -> None:
    assert np.isnan(at(paths(), 0.0, (500.0, 540.0), flow=field(0.5, None)).velocities).all()
    shaken = field(0.5, (100.0, 0.0), shaken=True)
    assert np.isnan(at(paths(), 0.0, (500.0, 540.0), flow=shaken).velocities).all()
    still = field(0.0, None, shaken=True)
    assert walk(paths(), every(0.2, 1.0), flow=still).tolist() == [1.0, 0.0]


def test_where_more_moves_around_him_it_is_something_larger() -> None:
    """A train behind somebody who stands: all around him moves, and more than he."""
    flow = field(0.9, (100.0, 0.0))
    flow.changed[10:12, 10] = 0.3
    alone = person((525.0, 585.0), width=50)
    told = paths().step(scene(0.0, alone, flow=flow))
    assert np.isnan(told.velocities).all()
    others = person((525.0, 585.0), (475.0, 585.0), (575.0, 585.0), (525.0, 500.0), width=50)
    told = paths().step(scene(0.0, others, flow=flow))
    assert told.velocities[0].tolist() == [2.0, 0.0]  # what moves there is somebody's own


def test_speeds_are_told_where_they_are_known() -> None:
    velocities = np.array([[3.0, 4.0], [np.nan, np.nan]])
    told = Movers(0.0, np.zeros((2, 2)), velocities, np.zeros((2, 4)))
    assert told.known.tolist() == [True, False]
    assert told.speeds[0] == 5.0
    assert np.isnan(told.speeds[1])


def ring(sign: float, n: int = 6, centre: Foot = (3.0, -2.0)) -> float:
    angles = np.arange(n) * 2 * np.pi / n + 0.1
    units = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return meeting(np.array(centre) + 5 * units, sign * 2.5 * units)


def test_all_away_from_a_point_are_one_and_all_to_it_minus_one() -> None:
    assert ring(1.0) == pytest.approx(1.0)
    assert ring(-1.0) == pytest.approx(-1.0)


def test_how_fast_somebody_is_does_not_weigh() -> None:
    places = np.array([[4.0, 0], [0.0, 4], [-4.0, 0], [0.0, -4]])
    speeds = np.array([[1.0], [9.0], [2.0], [0.1]])
    assert meeting(places, places * speeds) == pytest.approx(1.0)
    assert meeting(places, np.array([[1.0, 0], [0, 9], [2, 0], [0, -1]])) == pytest.approx(0.5)


def test_all_the_same_way_have_no_point_in_common() -> None:
    places = np.array([[0.0, 0], [0, 1], [0, 2]])
    for spread, common in [(0.3, False), (0.9, True)]:
        angles = np.array([-spread, 0, spread])
        ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        assert (meeting(places, ways) != 0.0) == common


def test_two_opposite_ways_have_no_point_in_common() -> None:
    places = np.array([[0.0, 0], [5.0, 0.1], [9.0, 0]])
    assert meeting(places, np.array([[1.0, 0], [-1.0, 0.01], [1.0, 0]])) == 0.0
    assert meeting(places, np.array([[1.0, 0.4], [-1.0, 0.4], [1.0, -0.4]])) != 0.0


def test_the_point_may_be_near_and_people_close_to_it() -> None:
    places = np.array([[0.4, 0], [-0.4, 0], [0.0, 0.4], [0.0, -0.4]])
    assert meeting(places, places) == pytest.approx(1.0)


def test_who_is_at_the_point_itself_goes_nowhere_from_it() -> None:
    places = np.array([[4.0, 0], [-4.0, 0], [0.0, 4.0], [0.0, -4.0], [0.0, 0.0]])
    ways = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1], [0, 1]])
    assert meeting(places, ways) == pytest.approx(0.8)
