"""Time goes on, whatever a camera's clock does."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilleur.cameras.clock import StreamClock

STEP = 0.04


def times(
    stamps: list[float | None], *, live: bool = False, arrivals: list[float] | None = None
) -> tuple[list[float], StreamClock]:
    """Packets and pictures in one order, 25 a second by the container."""
    clock = StreamClock(25, live=live)
    out = []
    for n, stamp in enumerate(stamps):
        arrived = arrivals[n] if arrivals else n * STEP
        out.append(clock.time(stamp, clock.note(stamp, arrived)))
    return out, clock


@pytest.mark.parametrize(
    ("stamps", "expected", "jumps"),
    [
        pytest.param([1.72, 1.76, 1.80], [0, 0.04, 0.08], 0, id="from the first picture"),
        pytest.param([0, 0.04, 3600.0, 3600.04], [0, 0.04, 0.08, 0.12], 1, id="an hour forward"),
        pytest.param([7200, 7200.04, 12.0, 12.04], [0, 0.04, 0.08, 0.12], 1, id="hours back"),
        pytest.param([0, 0.04, 0.04, 0.12], [0, 0.04, 0.041, 0.12], 0, id="stamped twice"),
        pytest.param([0, 0.3, 0.17, 0.4], [0, 0.3, 0.301, 0.4], 0, id="a little back"),
        pytest.param([0, None, 0.08, 0.12], [0, 0.04, 0.08, 0.12], 0, id="one without a stamp"),
        pytest.param([None, None, None], [0, 0.04, 0.08], 0, id="no stamps at all"),
        pytest.param([None, 5e4, 5e4 + STEP], [0, 0.04, 0.08], 0, id="first without a stamp"),
        pytest.param([0, 0.04, 1.54, 1.58], [0, 0.04, 1.54, 1.58], 0, id="a short gap is kept"),
    ],
)
def test_stamps_become_seconds(
    stamps: list[float | None], expected: list[float], jumps: int
) -> None:
    out, clock = times(stamps)
    assert out == pytest.approx(expected, abs=1e-4)
    assert clock.jumps == jumps


def test_a_stall_of_the_network_is_kept_as_a_gap() -> None:
    stamps: list[float | None] = [0, 0.04, 0.08, 8.08, 8.12]
    out, clock = times(stamps, live=True, arrivals=[9.0, 9.04, 9.08, 17.08, 17.12])
    assert out == pytest.approx(stamps)
    assert clock.jumps == 0


def test_a_stall_is_a_gap_although_the_camera_restarted_its_clock() -> None:
    out, clock = times([50, 50.04, 0, 0.04], live=True, arrivals=[9.0, 9.04, 17.04, 17.08])
    assert out == pytest.approx([0, 0.04, 8.0, 8.04], abs=0.1)
    assert clock.jumps == 1


def test_a_live_clock_step_without_waiting_is_no_gap() -> None:
    out, clock = times([0, 0.04, 8.04, 8.08], live=True, arrivals=[9.0, 9.04, 9.08, 9.12])
    assert out == pytest.approx([0, 0.04, 0.08, 0.12])
    assert clock.jumps == 1


def test_pictures_that_were_not_decoded_leave_their_time() -> None:
    """In a quiet scene only key frames, seconds apart, become pictures; their packets are told."""
    clock = StreamClock(25)
    out = []
    for n in range(101):
        correction = clock.note(n * STEP, 0.0)
        if n % 50 == 0:
            out.append(clock.time(n * STEP, correction))
    assert out == pytest.approx([0, 2.0, 4.0])


stamp = st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(0, 200).map(lambda n: n * STEP))


@given(st.lists(stamp, min_size=2, max_size=40), st.booleans())
def test_time_grows_and_never_jumps_unconfirmed(stamps: list[float | None], live: bool) -> None:
    out, _ = times(stamps, live=live)
    steps = [b - a for a, b in pairwise(out)]
    assert out[0] == 0
    assert all(0 < step <= 2.1 + STEP for step in steps)


@given(
    st.lists(stamp, min_size=2, max_size=40), st.lists(st.floats(0, 30), min_size=40, max_size=40)
)
def test_live_time_never_gets_ahead_of_what_has_passed(
    stamps: list[float | None], waits: list[float]
) -> None:
    arrivals = [sum(waits[: n + 1]) for n in range(len(stamps))]
    out, _ = times(stamps, live=True, arrivals=arrivals)
    for n in range(1, len(out)):
        assert out[n] > out[n - 1]
        assert out[n] - out[n - 1] <= max(2.1, arrivals[n] - arrivals[0] + 2.1)
