"""Many screens on one feed, in a process of their own: python -m benchmarks.screens URL COOKIE ...

Each is a connection of its own that reads server-sent events and knows nothing of the others. What
they heard goes to standard output at the end: number, camera, noticed, and when the first and the
last screen had it, seconds of CLOCK_BOOTTIME; and how many heard it how often.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


def boot_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Heard:
    """One message. times: of each screen that heard it, again where it heard it again."""

    number: int
    said: dict[str, Any]
    times: list[float] = field(default_factory=list)
    screens: Counter[int] = field(default_factory=Counter)


class Room:
    """All screens. cut: how often a screen was cut off and came back."""

    def __init__(self, address: str, cookie: str) -> None:
        place = urlsplit(address)
        assert place.hostname
        assert place.port
        self._host, self._port, self._cookie = place.hostname, place.port, cookie
        self.heard: dict[int, Heard] = {}
        self.open = 0
        self.cut = 0
        self._last: dict[int, int] = {}

    async def screen(self, which: int, start: int) -> None:
        self._last[which] = start
        while True:
            try:
                await self._listen(which)
                self.cut += 1
            except ConnectionRefusedError:  # the service is about to listen
                await asyncio.sleep(0.1)

    async def _listen(self, which: int) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
        writer.write(
            f"GET /feed HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Cookie: veilleur={self._cookie}\r\n"
            f"Last-Event-ID: {self._last[which]}\r\n\r\n".encode()
        )
        self.open += 1
        number = 0
        while line := await reader.readline():
            if line.startswith(b"id: "):
                number = int(line[4:])
            elif line.startswith(b"data: ") and number:
                self._hear(which, number, line[6:])
                number = 0
        self.open -= 1
        writer.close()

    def _hear(self, which: int, number: int, data: bytes) -> None:
        now = boot_s()
        if number not in self.heard:
            self.heard[number] = Heard(number, json.loads(data))
        self.heard[number].times.append(now)
        self.heard[number].screens[which] += 1
        self._last[which] = number

    async def until_heard(self, number: int, within_s: float = 60.0) -> None:
        """By every screen; or not, and then that is told."""
        deadline = boot_s() + within_s
        while min(self._last.values()) < number and boot_s() < deadline:
            await asyncio.sleep(0.05)

    def lines(self) -> Iterator[str]:
        yield json.dumps({"cut": self.cut})
        for one in sorted(self.heard.values(), key=lambda one: one.number):
            yield json.dumps(
                {
                    "number": one.number,
                    "kind": one.said["kind"],
                    "camera": one.said["camera"],
                    "rule": one.said["rule"],
                    "canary": one.said["canary"],
                    "noticed": one.said["noticed"],
                    "first": min(one.times),
                    "last": max(one.times),
                    "screens": len(one.screens),
                    "most": max(one.screens.values()),
                }
            )


async def listen(asked: argparse.Namespace) -> None:
    room = Room(asked.address, asked.cookie)
    screens = [asyncio.create_task(room.screen(n, asked.after)) for n in range(asked.screens)]
    while room.open < asked.screens:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    newest = int(await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline))
    await room.until_heard(newest)
    for line in room.lines():
        print(line)
    for one in screens:
        one.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("cookie")
    parser.add_argument("--screens", type=int, default=100)
    parser.add_argument("--after", type=int, default=0)
    asyncio.run(listen(parser.parse_args()))


if __name__ == "__main__":
    main()
