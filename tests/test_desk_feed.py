"""The feed: many listeners, none of which can hold up the desk."""

from __future__ import annotations

import asyncio
import threading

import pytest

from veilleur.desk.feed import LISTENER_HOLDS, Cut, Feed, Listener, Message, Topic


def incident(number: int) -> Message:
    return Message(topic=Topic.INCIDENT, data="{}", number=number)


def pulse(words: str) -> Message:
    return Message(topic=Topic.PULSE, data=words)


def speak(feed: Feed, count: int) -> None:
    for number in range(count):
        feed.publish(incident(number))


async def heard_until_cut(listener: Listener) -> None:
    while True:
        await listener.next(5)


async def numbers(feed: Feed, count: int) -> list[int | None]:
    listener = feed.listen()
    return [(await listener.next(5)).number for _ in range(count)]


def test_a_hundred_screens_all_hear_what_another_thread_says_in_order() -> None:
    async def screens() -> list[list[int | None]]:
        feed = Feed()
        waiting = [asyncio.ensure_future(numbers(feed, 50)) for _ in range(100)]
        await asyncio.sleep(0)
        speaker = threading.Thread(target=speak, args=(feed, 50))
        speaker.start()
        heard = await asyncio.gather(*waiting)
        speaker.join()
        return list(heard)

    assert asyncio.run(screens()) == [list(range(50))] * 100


def test_who_comes_late_hears_the_newest_pulse_and_no_old_incident() -> None:
    async def late() -> Message:
        feed = Feed()
        feed.publish(pulse("old"))
        feed.publish(pulse("new"))
        feed.publish(incident(1))
        return await feed.listen().next(5)

    assert asyncio.run(late()).data == "new"


def test_a_screen_that_does_not_read_is_cut_off_instead_of_filling_the_memory() -> None:
    async def sleeping() -> None:
        feed = Feed()
        listener = feed.listen()
        speak(feed, LISTENER_HOLDS + 10)
        await asyncio.sleep(0)
        with pytest.raises(Cut):
            await heard_until_cut(listener)

    asyncio.run(sleeping())


def test_the_end_of_the_feed_is_told() -> None:
    async def ended() -> None:
        feed = Feed()
        before = feed.listen()
        feed.end()
        for listener in (before, feed.listen()):
            with pytest.raises(Cut):
                await listener.next(5)

    asyncio.run(ended())
