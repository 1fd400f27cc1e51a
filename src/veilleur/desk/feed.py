"""What screens are told: messages from any thread to any number of listeners.

An incident's change has a number, its row in the outbox; whoever was cut off asks for what came
after the last number seen, and nothing is told twice or not at all. Everything else (pulse, health,
stops) is as it is now, and the next message replaces it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

LISTENER_HOLDS = 5000
"""Messages that wait for one slow screen. With more it is cut off, and asks for what it missed."""


class Topic(StrEnum):
    INCIDENT = "incident"
    CAMERAS = "cameras"  # health of all
    TECHNICAL = "technical"  # technical alarms
    STOPS = "stops"
    PULSE = "pulse"  # the desk is alive, and how every stage is


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """data: JSON, one line. number: of the outbox, None where only the newest counts. camera: whom
    it is about, so that it reaches only those who may see that camera; None: everybody."""

    topic: Topic
    data: str
    number: int | None = None
    camera: str | None = None


class Cut(Exception):
    """This listener was too slow, or the feed has ended."""


class Listener:
    """One screen's end of the feed. `async for` yields messages; raises Cut at the end."""

    def __init__(self, feed: Feed, loop: asyncio.AbstractEventLoop) -> None:
        self._feed, self._loop = feed, loop
        self._waiting: asyncio.Queue[Message | None] = asyncio.Queue(LISTENER_HOLDS)
        self._cut = False

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        return await self.next()

    async def next(self, timeout_s: float | None = None) -> Message:
        """Raises TimeoutError where nothing came, Cut where nothing will come."""
        async with asyncio.timeout(timeout_s):
            message = await self._waiting.get()
        if message is None:
            raise Cut
        return message

    async def some(self, timeout_s: float | None = None) -> list[Message]:
        """The next, with all that has come after it: one at least. Errors as of `next`."""
        messages = [await self.next(timeout_s)]
        while not self._waiting.empty():
            message = self._waiting.get_nowait()
            if message is None:
                self._waiting.put_nowait(None)
                break
            messages.append(message)
        return messages

    def close(self) -> None:
        self._feed.leave(self)

    def tell(self, *messages: Message | None) -> None:
        """From any thread. None: nothing will come any more."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._put, messages)

    def _put(self, messages: Sequence[Message | None]) -> None:
        for message in messages:
            if self._cut:
                return
            if message is None or self._waiting.full():
                self._cut = True
                while self._waiting.full():
                    self._waiting.get_nowait()
            self._waiting.put_nowait(None if self._cut else message)


class Feed:
    """Everybody who listens, and the newest of each passing topic, for whoever comes later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._newest: dict[tuple[Topic, str | None], Message] = {}
        self._ended = False

    def listen(self) -> Listener:
        """Within a running event loop. What passes is told from now on, the newest first."""
        listener = Listener(self, asyncio.get_running_loop())
        with self._lock:
            known = list(self._newest.values())
            self._listeners.add(listener)
            ended = self._ended
        listener.tell(*known, *([None] if ended else []))
        return listener

    def leave(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.discard(listener)

    def publish(self, *messages: Message) -> None:
        """From any thread; never waits for a screen."""
        with self._lock:
            for message in messages:
                if message.number is None:
                    self._newest[message.topic, message.camera] = message
            listeners = list(self._listeners)
        for listener in listeners:
            listener.tell(*messages)

    def end(self) -> None:
        """Every listener is cut off."""
        with self._lock:
            self._ended = True
            listeners, self._listeners = list(self._listeners), set()
        for listener in listeners:
            listener.tell(None)

    @property
    def listeners(self) -> int:
        return len(self._listeners)
