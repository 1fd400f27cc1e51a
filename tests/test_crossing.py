"""Who crossed a line: the whole box moved, through the segment, and it is one and the same."""

from __future__ import annotations

import numpy as np
import pytest

from veilleur.events.crossing import FORGET_S, LEAST_PX, Crossings, Passage
from veilleur.geometry import Line

ACROSS = Line((200.0, 100.0), (200.0, 300.0))  # drawn downwards
HEIGHT, MARGIN, FASTEST = 80.0, 0.1, 5.0


class Walker:
    """Moves a box over the line, five times a second."""

    def __init__(self) -> None:
        self.crossings = Crossings(ACROSS, MARGIN)
        self.now = 10.0

    def at(
        self, x: float, *, top_x: float | None = None, y: float = 200.0, passed_s: float = 0.2
    ) -> Passage:
        """top_x: where the middle of the box's upper edge is, else above the foot."""
        self.now += passed_s
        foot, top = np.array([x, y]), np.array([x if top_x is None else top_x, y - HEIGHT])
        return self.crossings.update(1, foot, top, self.now, FASTEST)


def test_a_walk_across_is_told_once_with_the_instant_its_foot_passed() -> None:
    walker = Walker()
    seen = [walker.at(x) for x in (160.0, 180.0, 195.0, 215.0, 240.0)]
    assert [one.fresh for one in seen] == [False, False, False, True, False]
    assert seen[0].side == -seen[3].side != 0
    assert seen[3].direction == seen[3].side
    assert seen[3].crossed == pytest.approx(10.6 + 0.2 * 5 / 20)
    assert seen[3].beyond == pytest.approx(15 / HEIGHT)
    assert seen[4].direction == seen[3].direction, "it stays known"


def test_back_again_is_the_other_direction() -> None:
    walker = Walker()
    seen = [walker.at(x) for x in (180.0, 220.0, 180.0)]
    assert [one.fresh for one in seen] == [False, True, True]
    assert seen[1].direction == -seen[2].direction


def test_a_box_that_only_leans_over_waits_for_its_upper_edge_to_follow() -> None:
    walker = Walker()
    leaning = [walker.at(180.0), walker.at(212.0, top_x=181.0), walker.at(212.0, top_x=184.0)]
    assert not any(one.fresh for one in leaning)
    assert leaning[-1].direction == 0
    followed = walker.at(212.0, top_x=187.0)  # 7 of 32 pixels: more than a fifth
    assert followed.fresh
    assert followed.direction == followed.side


def test_the_upper_edge_must_move_the_same_way_from_either_side() -> None:
    walker = Walker()
    walker.at(220.0)
    assert not walker.at(188.0, top_x=250.0).fresh
    assert walker.at(188.0, top_x=210.0).fresh


def test_around_the_end_of_the_line_is_no_crossing_and_the_way_back_neither() -> None:
    walker = Walker()
    walker.at(180.0, y=320.0)
    around = walker.at(220.0, y=320.0)
    assert (around.fresh, around.direction, around.crossed) == (False, 0, 0.0)
    assert not walker.at(180.0, y=320.0).fresh
    assert walker.at(220.0, y=200.0, passed_s=0.6).fresh, "and through it is one"


@pytest.mark.parametrize(
    ("beside_px", "firm"),
    [(MARGIN * HEIGHT - 0.1, False), (MARGIN * HEIGHT + 0.1, True)],
)
def test_clear_is_who_stands_a_tenth_of_a_height_beside_it(beside_px: float, firm: bool) -> None:
    walker = Walker()
    walker.at(180.0)
    assert walker.at(200.0 + beside_px).fresh is firm


def test_a_tiny_box_is_never_surer_than_its_border() -> None:
    crossings = Crossings(ACROSS, MARGIN)
    for now, x, side in ((1.0, 197.0, True), (1.2, 200 + LEAST_PX - 0.1, False)):
        foot, top = np.array([x, 200.0]), np.array([x, 196.0])
        assert bool(crossings.update(1, foot, top, now, 100.0).side) is side


@pytest.mark.parametrize(
    ("away_s", "same"), [(FORGET_S - 0.1, True), (FORGET_S + 0.1, False), (-0.1, False)]
)
def test_who_comes_back_too_late_or_before_the_time_is_somebody_else(
    away_s: float, same: bool
) -> None:
    walker = Walker()
    walker.at(180.0)
    assert walker.at(220.0, passed_s=away_s).fresh is same


@pytest.mark.parametrize(("leap_heights", "same"), [(1.4, True), (1.6, False)])
def test_who_is_found_too_far_away_is_somebody_else(leap_heights: float, same: bool) -> None:
    """Half a height is a box that wobbles, and one height can be walked at five a second in 0.2."""
    walker = Walker()
    walker.at(190.0)
    assert walker.at(190.0 + leap_heights * HEIGHT).fresh is same


def test_who_is_not_seen_any_more_is_forgotten() -> None:
    walker = Walker()
    walker.at(180.0)
    walker.crossings.forget(walker.now + FORGET_S)
    assert walker.crossings.knows(1)
    walker.crossings.forget(walker.now + FORGET_S + 0.1)
    assert not walker.crossings.knows(1)


def test_a_side_is_clear_from_a_tenth_of_the_height_and_never_within_two_pixels() -> None:
    walker = Walker()
    sides = [walker.at(200.0 + off).side for off in (7.9, 8.0, -7.9, -8.0)]
    assert sides[0] == sides[2] == 0
    assert sides[1] == -sides[3] != 0
    no_margin = Crossings(ACROSS, 0.0)
    for n, (off, clear) in enumerate([(1.9, False), (2.0, True), (0.0, False), (-2.0, True)]):
        foot = np.array([200.0 + off, 200.0])
        passage = no_margin.update(1, foot, foot - [0, HEIGHT], 1.0 + n, FASTEST)
        assert (passage.side != 0) == clear


def test_a_box_without_height_is_a_pixel_high() -> None:
    foot = np.array([206.0, 200.0])
    assert Crossings(ACROSS, MARGIN).update(1, foot, foot, 1.0, FASTEST).beyond == 6.0


def test_two_feet_in_one_picture_are_one_path() -> None:
    """A doubled picture: the same instant, found a little elsewhere."""
    walker = Walker()
    walker.at(180.0)
    assert walker.at(210.0, passed_s=0.0).fresh


def test_who_was_lost_for_just_so_long_is_still_known() -> None:
    walker = Walker()
    walker.at(180.0)
    assert walker.at(220.0, passed_s=FORGET_S).fresh
    walker.at(180.0)
    assert not walker.at(220.0, passed_s=FORGET_S + 0.1).fresh


def test_the_instant_of_a_step_shorter_than_a_pixel_is_shared_by_its_parts() -> None:
    walker = Walker()
    for x in (180.0, 199.9, 200.1, 220.0):
        seen = walker.at(x)
    assert seen.crossed == pytest.approx(10.5)
