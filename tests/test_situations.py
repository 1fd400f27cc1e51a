"""One situation owes one alert, however many people are in it and however often a track breaks."""

from __future__ import annotations

import pytest

from veilleur.catalogue import Event
from veilleur.engine.situations import Situations
from veilleur.events.rule import Signal, Verdict
from veilleur.geometry import Box

NEAR, STEP, FAR = Box(100, 100, 140, 200), Box(150, 100, 190, 200), Box(700, 100, 740, 200)


def signal(where: Box, time: float, dwell_s: float = 0.0, watched: float | None = None) -> Signal:
    return Signal(
        event=Event.FORBIDDEN_ZONE,
        rule="zone",
        camera="gate",
        began=time - dwell_s,
        noticed=time,
        where=where,
        checks=(),
        watched=watched,
    )


def play(moments: list[tuple[float, list[Box], list[Box]]]) -> list[float]:
    """moments: time, boxes signalled, boxes held. Returns when an alert was raised."""
    situations = Situations()
    raised = []
    for time, signalled, held in moments:
        verdict = Verdict(
            signals=tuple(signal(box, time) for box in signalled), holding=tuple(held)
        )
        raised += [time for _ in situations.update(verdict, time)]
    return raised


@pytest.mark.parametrize(
    ("moments", "raised"),
    [
        pytest.param([(0, [NEAR], [NEAR])], [0], id="one person: one alert"),
        pytest.param([(0, [NEAR, FAR], [NEAR, FAR])], [0], id="two at once: one alert"),
        pytest.param(
            [(0, [NEAR], [NEAR]), (1.6, [FAR], [NEAR, FAR])], [0], id="a second at its heels"
        ),
        pytest.param(
            [(0, [NEAR], [NEAR]), (2.0, [FAR], [NEAR, FAR])], [0, 2.0], id="another one later"
        ),
        pytest.param(
            [(0, [NEAR], [NEAR]), (2, [], [NEAR]), (2.6, [STEP], [STEP])],
            [0],
            id="the track broke, and goes on a step further",
        ),
        pytest.param(
            [(0, [NEAR], [NEAR]), (2, [], [NEAR]), (4, [], [NEAR]), (4.6, [STEP], [STEP])],
            [0],
            id="a long stay is remembered as long as it lasts",
        ),
        pytest.param(
            [(0, [NEAR], [NEAR]), (9, [NEAR], [NEAR])], [0, 9], id="somebody new after a pause"
        ),
        pytest.param(
            [(0, [NEAR], [NEAR]), (2.0, [STEP], [NEAR, STEP])],
            [0, 2.0],
            id="another one beside somebody who is followed",
        ),
        pytest.param(
            [(0, [NEAR], []), (2.0, [NEAR], [])], [0, 2.0], id="two crossings at one place"
        ),
    ],
)
def test_a_situation_is_told_once(
    moments: list[tuple[float, list[Box], list[Box]]], raised: list[float]
) -> None:
    assert play(moments) == raised


def test_a_sequel_is_known_by_when_it_began_however_long_its_dwell() -> None:
    situations = Situations()
    situations.update(Verdict(signals=(signal(NEAR, 0.0),), holding=(NEAR,)), 0.0)
    situations.update(Verdict(holding=(NEAR,)), 2.0)
    again = Verdict(signals=(signal(STEP, 6.0, dwell_s=3.5),), holding=(STEP,))
    assert situations.update(again, 6.0) == []
    somebody_else = Verdict(signals=(signal(NEAR, 9.5, dwell_s=1.0),))
    assert situations.update(somebody_else, 9.5) != []


@pytest.mark.parametrize(("watched", "told"), [(0.5, 1), (1.9, 0), (None, 0)])
def test_who_was_watched_beside_a_told_object_is_no_sequel_of_it(
    watched: float | None, told: int
) -> None:
    """One is told and lost at 2 s; another, a step away, begins at 2.4 s. Nobody is in two places:
    seen since 0.5 s it is somebody else, seen since just before the loss it may be the same."""
    situations = Situations()
    situations.update(Verdict(signals=(signal(NEAR, 0.0),), holding=(NEAR,)), 0.0)
    situations.update(Verdict(holding=(NEAR,)), 2.0)
    other = Verdict(signals=(signal(STEP, 3.0, dwell_s=0.6, watched=watched),), holding=(STEP,))
    assert len(situations.update(other, 3.0)) == told


def test_the_end_of_together_is_no_matter_of_rounding() -> None:
    """65.0 - 63.2 is a little less than 1.8."""
    situations = Situations()
    situations.update(Verdict(signals=(signal(NEAR, 63.2),), holding=(NEAR,)), 63.2)
    later = Verdict(signals=(signal(FAR, 65.0),), holding=(NEAR, FAR))
    assert len(situations.update(later, 65.0)) == 1


def test_who_goes_on_is_told_with_the_place_of_their_own_signal_wherever_they_are_by_now() -> None:
    """A desk knows an incident by that place."""
    situations = Situations()
    firsts = []
    walk = [Box(100 + 20 * n, 100, 140 + 20 * n, 200) for n in range(8)]
    for n, box in enumerate(walk):
        new = {0: [box], 4: [FAR]}.get(n, [])
        holding = (box,) if n < 4 else (box, FAR)
        verdict = Verdict(signals=tuple(signal(one, n) for one in new), holding=holding)
        situations.update(verdict, float(n))
        firsts.append([(one.first, one.where) for one in situations.going_on(float(n))])
    assert firsts[3] == [(NEAR, walk[3])]
    assert sorted(firsts[7], key=lambda pair: pair[0].x1) == [(NEAR, walk[7]), (FAR, FAR)]
    situations.update(Verdict(signals=(), holding=(FAR,)), 9.0)
    assert [one.first for one in situations.going_on(9.0)] == [FAR]


def test_who_comes_along_with_somebody_goes_on_as_part_of_that_situation() -> None:
    situations = Situations()
    together = Verdict(signals=(signal(NEAR, 0), signal(FAR, 0)), holding=(NEAR, FAR))
    situations.update(together, 0.0)
    situations.update(Verdict(signals=(), holding=(FAR,)), 2.0)
    assert [(one.first, one.where) for one in situations.going_on(2.0)] == [(NEAR, FAR)]
