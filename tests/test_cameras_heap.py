"""What the C library keeps is asked back, once in a while."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from veilleur.cameras.heap import EVERY_S, Thrift


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_it_is_asked_for_at_most_once_a_minute_and_never_forgotten(steps: list[float]) -> None:
    thrift, now, asked = Thrift(100.0), 100.0, [100.0]
    for step in steps:
        now += step
        if thrift.attend(now):
            asked.append(now)
    assert all(later - sooner >= EVERY_S for sooner, later in pairwise(asked))
    assert now - asked[-1] < EVERY_S + 30
