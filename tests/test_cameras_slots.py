"""Shared memory of pictures: what a rush needed does not stay."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from veilleur.cameras.slots import IDLE_PICTURES, LARGEST_SLOT, WorkerSlots, make_memory

WIDTH, HEIGHT = 1920, 1080
PICTURE = WIDTH * HEIGHT * 3 // 2


@pytest.fixture
def memory() -> Iterator[int]:
    made = make_memory(4 * LARGEST_SLOT)
    yield made
    os.close(made)


def held(memory: int) -> int:
    """Bytes that the memory really takes."""
    return os.fstat(memory).st_blocks * 512


def put(slots: WorkerSlots, grey: int) -> int:
    """One more picture; its slot."""
    taken = slots.take(WIDTH, HEIGHT)
    assert taken is not None
    taken[1][:] = grey
    return taken[0]


def test_a_rush_takes_all_slots_and_later_their_memory_is_given_back(memory: int) -> None:
    slots = WorkerSlots(memory, 4)
    for slot in [put(slots, grey) for grey in range(1, 5)]:
        slots.give_back(slot)
    assert held(memory) >= 4 * PICTURE
    for grey in range(IDLE_PICTURES + 1):
        slots.give_back(put(slots, grey % 255))
    assert PICTURE <= held(memory) < 1.1 * PICTURE


def test_a_picture_that_the_host_holds_for_long_stays_as_it_is(memory: int) -> None:
    slots = WorkerSlots(memory, 4)
    looked_at = slots.take(WIDTH, HEIGHT)
    assert looked_at is not None
    looked_at[1][:] = 77
    for _ in range(2 * IDLE_PICTURES):
        slots.give_back(put(slots, 5))
    assert (looked_at[1] == 77).all()


def test_a_slot_whose_memory_was_given_back_takes_pictures_again(memory: int) -> None:
    slots = WorkerSlots(memory, 2)
    first, second = put(slots, 1), put(slots, 2)
    slots.give_back(first)
    slots.give_back(second)
    for _ in range(IDLE_PICTURES + 1):
        slots.give_back(put(slots, 3))
    put(slots, 4)
    again = slots.take(WIDTH, HEIGHT)
    assert again is not None
    assert not again[1].any()
    again[1][:] = 9
    assert (again[1] == 9).all()
