"""The stream of a screen: what was missed, whom it concerns, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from veilleur.console import streaming
from veilleur.console.doorkeeper import Doorkeeper
from veilleur.console.permission import Permission
from veilleur.console.visitor import Visitor
from veilleur.desk.desk import Desk
from veilleur.desk.feed import Feed, Message, Topic

EVERYTHING = frozenset(Permission)
ANA = Visitor(account="ana", permissions=EVERYTHING, scope=frozenset({"gate"}))


class House:
    """A feed and a doorkeeper; nothing was missed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, newest: int = 0) -> None:
        self.feed = Feed()
        self.now: Visitor | None = ANA
        again = SimpleNamespace(again=lambda visitor: self.now)
        doorkeeper = cast(Doorkeeper, SimpleNamespace(identities=again))
        still_valid = partial(Doorkeeper.still_valid, doorkeeper)
        self.doorkeeper = cast(Doorkeeper, SimpleNamespace(still_valid=still_valid))
        monkeypatch.setattr(streaming, "_newest", lambda desk: newest)
        monkeypatch.setattr(streaming, "_missed", lambda desk, visitor, after: ())
        monkeypatch.setattr(streaming, "ASK_EVERY_S", 0.05)

    def events(self, start: int | None = None) -> AsyncIterator[str]:
        desk = cast(Desk, SimpleNamespace(feed=self.feed))
        return streaming._events(desk, ANA, self.doorkeeper, start)

    def tell(self, topic: Topic, said: Any, camera: str | None = None) -> None:
        self.feed.publish(Message(topic=topic, data=json.dumps(said), camera=camera))


def parsed(event: str) -> tuple[str, Any]:
    lines = dict(line.split(": ", 1) for line in event.strip().split("\n"))
    return lines["event"], json.loads(lines["data"])


async def collected(events: AsyncIterator[str], count: int) -> list[tuple[str, Any]]:
    """What has come together is told together."""
    assert (await anext(events)).startswith("retry: ")
    found: list[tuple[str, Any]] = []
    while len(found) < count:
        found += [parsed(event) for event in (await anext(events)).strip().split("\n\n")]
    return found


def test_lists_hold_what_is_within_the_visitors_cameras_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House(monkeypatch)
    alarm = {"cameras": ["gate", "dock"], "condition": "lost", "cause": "no answer"}
    everything = {"scope": "everything", "target": ""}
    own, other = {"scope": "rule", "target": "gate/a"}, {"scope": "camera", "target": "dock"}
    house.tell(Topic.TECHNICAL, [alarm, {**alarm, "cameras": ["dock"]}])
    house.tell(Topic.STOPS, [everything, own, other])
    house.tell(Topic.CAMERAS, {"id": "dock"}, camera="dock")
    house.tell(Topic.CAMERAS, {"id": "gate"}, camera="gate")
    heard = dict(asyncio.run(collected(house.events(), 3)))
    assert heard == {
        "technical": [{**alarm, "cameras": ["gate"]}],
        "stops": [everything, own],
        "cameras": {"id": "gate"},
    }


def test_words_of_a_stage_are_for_those_who_see_to_cameras(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(globals(), "ANA", replace(ANA, permissions=frozenset()))
    house = House(monkeypatch)
    house.tell(Topic.PULSE, {"stages": [{"stage": "storing", "words": "/secret/place is full"}]})
    ((_, pulse),) = asyncio.run(collected(house.events(), 1))
    assert pulse == {"stages": [{"stage": "storing", "words": ""}]}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(None, id="signed out or disabled"),
        pytest.param(replace(ANA, permissions=EVERYTHING - {Permission.SEE_ALERTS}), id="training"),
        pytest.param(replace(ANA, scope=frozenset({"dock"})), id="other cameras"),
    ],
)
def test_it_ends_with_a_word_when_the_visitors_rights_are_others(
    monkeypatch: pytest.MonkeyPatch, changed: Visitor | None
) -> None:
    house = House(monkeypatch)

    async def until_the_end() -> list[str]:
        events = house.events()
        assert (await anext(events)).startswith("retry: ")
        house.now = changed
        return [event async for event in events]

    (last,) = asyncio.run(until_the_end())
    assert parsed(last) == ("over", {"cause": "rights"})


def test_a_number_that_this_database_has_not_reached_sends_the_page_back_to_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House(monkeypatch, newest=7)

    async def all_of_it() -> list[str]:
        return [event async for event in house.events(start=900)]

    assert parsed(asyncio.run(all_of_it())[1]) == ("over", {"cause": "other_database"})


def test_proofs_of_life_are_heard_by_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(monkeypatch)
    said = json.dumps({"canary": True}, separators=(",", ":"))
    house.feed.publish(Message(topic=Topic.PULSE, data='{"stages":[]}'))

    async def both() -> list[tuple[str, Any]]:
        events = house.events()
        heard = await collected(events, 1)
        canary = Message(topic=Topic.INCIDENT, data=said, number=1, camera="veilleur.canary")
        house.feed.publish(canary)
        return [*heard, parsed((await anext(events)).partition("\n")[2])]

    assert [kind for kind, _ in asyncio.run(both())] == ["pulse", "canary"]
