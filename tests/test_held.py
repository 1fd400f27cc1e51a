"""For how long a condition has been fulfilled, with gaps forgiven."""

from __future__ import annotations

from veilleur.events.held import SILENCE_S, Held, Stay


def held(after_s: float = 2.0, gap_s: float = 0.5, told_gap_s: float | None = None) -> Held[int]:
    return Held(after_s, gap_s, told_gap_s)


def follow(state: Held[int], *times: float) -> list[Stay]:
    return [state.update([1], time)[1] for time in times]


def test_a_stay_says_since_when_for_how_long_and_is_due_once() -> None:
    stays = follow(held(), 1.0, 2.0, 3.0, 4.0)
    assert stays == [
        Stay(1.0, 0.0, due=False, told=False),
        Stay(1.0, 1.0, due=False, told=False),
        Stay(1.0, 2.0, due=True, told=False),
        Stay(1.0, 3.0, due=False, told=True),
    ]


def test_a_time_that_falls_short_by_rounding_only_is_reached() -> None:
    (_, stay) = follow(held(after_s=0.3), 0.1, 0.4 - 1e-12)
    assert stay.due
    (_, stay) = follow(held(after_s=0.3), 0.1, 0.4 - 1e-6)
    assert not stay.due


def test_a_gap_of_just_so_long_is_forgiven_and_a_longer_one_is_not() -> None:
    for gap, began in [(0.5, 0.0), (0.51, 1.51)]:
        state = held()
        follow(state, 0.0, 1.0)
        state.update([], 1.0 + gap)
        (stay,) = follow(state, 1.0 + gap)
        assert stay.began == began


def test_a_second_without_a_picture_is_no_gap() -> None:
    assert follow(held(), 0.0, 20.0)[-1].began == 0.0


def test_another_gap_may_hold_once_it_was_told() -> None:
    for told_gap_s, began in [(None, 4.0), (0.2, 4.0), (1.0, 0.0)]:
        state = held(told_gap_s=told_gap_s)
        follow(state, 0.0, 2.0, 3.0)
        assert state.told(1)
        state.update([], 4.0)
        (stay,) = follow(state, 4.0)
        assert stay.began == began
        assert state.told(1) == (began == 0.0)
    state = held(told_gap_s=2.0)
    follow(state, 0.0, 1.0)  # not told yet: the shorter gap
    state.update([], 2.0)
    assert follow(state, 2.0)[0].began == 2.0


def test_who_was_not_seen_but_is_not_known_to_be_gone_keeps_what_he_had() -> None:
    state = held()
    follow(state, 0.0)
    assert state.update([], 1.5, unsure=[1]) == {}
    (stay,) = follow(state, 2.0)
    assert (stay.began, stay.due) == (0.0, True)


def test_each_has_a_stay_of_his_own() -> None:
    state = held()
    state.update([1], 0.0)
    both = state.update([2, 1], 2.0)
    assert list(both) == [1, 2]
    assert (both[1].due, both[2].due) == (True, False)
    assert not state.told(2)
    assert not state.told(3)


def test_beginning_anew_takes_what_he_had_and_nothing_of_the_others() -> None:
    state = held()
    state.update([1, 2], 0.0)
    state.restart(1)
    state.restart(7)
    both = state.update([1, 2], 2.0)
    assert (both[1].began, both[2].began) == (2.0, 0.0)
    state.clear()
    assert state.update([2], 3.0)[2].began == 3.0


def test_a_clock_set_back_and_a_long_silence_end_everything() -> None:
    for jump, began in [(SILENCE_S, 1.0), (SILENCE_S + 0.5, SILENCE_S + 1.5), (-0.5, 0.5)]:
        stays = follow(held(), 1.0, 1.0 + jump)
        assert stays[-1].began == began
    assert follow(held(), 1.0, 1.0)[-1].began == 1.0  # the same picture again
