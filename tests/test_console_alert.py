"""What an alert says of each event: why in a sentence one can read in a hurry, every condition in a
table, how it goes on, until when its seconds can be opened; and which countdowns run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browsing import violations
from tests.console_stand import EVERYTHING, Screens, Stand, chromium, stand
from tests.desk import VIEW, picture
from tests.test_desk_technical import report
from veilleur.catalogue import Event
from veilleur.console.watched import DECISIVE, clause, counting, headline
from veilleur.desk.footage import Seconds
from veilleur.engine.report import Condition
from veilleur.engine.seen import Boxes, Snapshot
from veilleur.engine.whynot import WhyNot
from veilleur.events.rule import Candidate, Check
from veilleur.events.wording import ENGLISH, Language, sentence
from veilleur.evidence.kept import State
from veilleur.geometry import Box


def check(name: str, measured: float = 1.0, threshold: float = 1.0, unit: str = "yes") -> Check:
    """One that has passed."""
    return Check(
        name=name, measured=measured, threshold=threshold, unit=unit, held_s=60.0, passed=True
    )


BAG = (
    check("at_rest", 64.2, 4, "s"),
    check("no_trace"),
    check("no_light"),
    check("brought"),
    check("examined"),
    check("no_person", 0, 30, "%"),
    check("no_vehicle", 0, 30, "%"),
    check("whole"),
    check("large_enough", 0.52, 0.2, "m"),
    check("small_enough", 0.52, 1.1, "m"),
    replace(check("alone", 9, 3, "m"), at_least=True),
    check("unattended", 60.1, 60, "s"),
    check("in_view"),
)
FALL = (
    check("stood", 4.2, 1, "s"),
    check("tall", 132, 60, "px"),
    check("lying", 92, 50, "%"),
    check("passage", 1.6, 8, "s"),
    check("in_sight"),
    check("immobile", 10.2, 10, "s"),
)
CROWD = (
    check("group", 24, 8, "people"),
    check("hurried", 17, 5, "people"),
    check("scattering_share", 81, 50, "%"),
    check("of_all", 71, 40, "%"),
    check("group_before", 12, 4, "s"),
    check("calm_before", 3, 20, "%"),
    check("persisted", 1.6, 1.5, "s"),
)
FIRE = (
    check("verified", 6, 3, "looks"),
    check("flame_seen", 91, 60, "%"),
    check("fire_size", 7, 3, "%"),
    check("no_lighter", 0, 0, "%"),
    check("stirring", 84, 40, "%"),
    check("stays", 12, 60, "%"),
    check("grown", 240, 130, "%"),
    check("no_object", 0, 0, "%"),
    check("persisted", 5.2, 4, "s"),
)
WEAPON = (
    check("tall", 210, 120, "px"),
    check("looked_at", 9, 4, "looks"),
    check("weapon_seen", 83, 70, "%"),
    check("at_hand", 0.08, 0.2, "person_heights"),
    check("persisted", 1.2, 1, "s"),
)
FIVE = {
    Event.ABANDONED_OBJECT: BAG,
    Event.PERSON_ON_GROUND: FALL,
    Event.CROWD_MOVEMENT: CROWD,
    Event.FIRE: FIRE,
    Event.WEAPON: WEAPON,
}


# ---------------------------------------------------------------------- words
@pytest.mark.parametrize("event", FIVE)
def test_the_sentence_of_a_signal_is_short_and_has_what_decides(event: Event) -> None:
    languages: tuple[Language, ...] = ("en", "fr")
    for language in languages:
        words = headline(event, FIVE[event], language)
        assert words.startswith("Signal")
        assert len(words) < 260
    assert headline(event, FIVE[event], "en") != headline(event, FIVE[event], "fr")


def test_what_decides_is_among_the_conditions_that_have_words() -> None:
    assert {name for names in DECISIVE.values() for name in names} <= set(ENGLISH)


def test_what_did_not_pass_is_never_left_out() -> None:
    failed = replace(BAG[3], passed=False)
    checks = (*BAG[:3], failed, *BAG[4:])
    assert headline(Event.ABANDONED_OBJECT, checks, "en") == sentence(checks, "en")
    assert headline(Event.FORBIDDEN_ZONE, BAG, "en") == sentence(BAG, "en")


def test_each_condition_has_its_clause_and_one_that_was_not_asked_for_none() -> None:
    assert clause(BAG[-2], "en") == "unattended for 60.1\u00a0s (limit 60.0\u00a0s)"
    assert (
        clause(BAG[-2], "fr") == "sans surveillance depuis 60,1\u00a0s (seuil\u00a0: 60,0\u00a0s)"
    )
    assert clause(check("across", 0, 0, "s"), "en") == ""


# ---------------------------------------------------------------------- countdowns and turns
HERE, THERE = Box(64, 36, 128, 180), Box(400, 100, 460, 160)


def entry(ago_s: float, failed: Check | None, where: Box = HERE, rule: str = "tracks") -> WhyNot:
    checks = (check("at_rest", 5, 4, "s"), *(() if failed is None else (failed,)))
    return WhyNot(
        at=datetime.now(UTC) - timedelta(seconds=ago_s),
        host_s=1000.0 - ago_s,
        rule=rule,
        candidate=Candidate(where=where, checks=checks),
        unfit=None,
    )


def waits(measured: float = 0.0) -> Check:
    return replace(check("unattended", measured, 60, "s"), passed=False)


NEAR = replace(check("alone", 0.5, 3, "m"), passed=False)
GONE = replace(check("still_there", 0, 0, "s"), passed=False)


class Watched:
    """A desk whose engine watched this."""

    def __init__(self, *entries: WhyNot, condition: Condition = Condition.RUNNING) -> None:
        rule = SimpleNamespace(id="tracks", event=Event.ABANDONED_OBJECT)
        self.watch = SimpleNamespace(node=SimpleNamespace(why_not=lambda *_: entries))
        self.cameras = lambda: [report("gate", condition)]
        self.camera = lambda _: SimpleNamespace(rules=[rule])

    def counts(self) -> list[tuple[float, float]]:
        """Seconds left, and the share that is over, of each countdown."""
        now = datetime.now(UTC)
        found = counting(cast(Any, self), ["gate"])
        return [(round((one.due - now).total_seconds()), round(one.share, 1)) for one in found]


@pytest.mark.parametrize(
    ("seen", "counts"),
    [
        pytest.param([], [], id="nothing is watched"),
        pytest.param([(24, waits())], [(36, 0.4)], id="unattended for 24 s of 60"),
        pytest.param([(10, waits(20))], [(30, 0.5)], id="it was so for longer"),
        pytest.param([(24, waits()), (4, NEAR)], [], id="somebody came back"),
        pytest.param([(24, waits()), (4, GONE)], [], id="it was taken away"),
        pytest.param([(70, waits()), (10, None)], [], id="it was signalled"),
        pytest.param([(90, waits())], [], id="it led to nothing"),
        pytest.param(
            [(24, waits()), (50, waits(), THERE)], [(10, 0.8), (36, 0.4)], id="two things"
        ),
        pytest.param([(24, waits(), HERE, "gone")], [], id="a rule that is there no more"),
    ],
)
def test_a_countdown_runs_while_only_time_is_missing(
    seen: list[tuple[Any, ...]], counts: list[tuple[float, float]]
) -> None:
    assert Watched(*(entry(*one) for one in seen)).counts() == counts


def test_no_countdown_runs_at_a_camera_that_sees_nothing() -> None:
    assert Watched(entry(24, waits()), condition=Condition.BLIND).counts() == []


# ---------------------------------------------------------------------- the page
@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("stand")) as one:
        yield one


@pytest.fixture
def screens(place: Stand) -> Iterator[Screens]:
    with chromium() as browser:
        made = Screens(browser, place)
        yield made
        made.close()
        assert made.complaints() == []


def snapshot(camera: str) -> Snapshot:
    none = np.zeros((0, 4), np.float32)
    return Snapshot(camera, picture(), VIEW, Boxes(none, none, none), datetime.now(UTC), 0.0)


@pytest.fixture
def watched(place: Stand, monkeypatch: pytest.MonkeyPatch) -> list[WhyNot]:
    """What the engine of the stand watched; a test fills it."""
    entries: list[WhyNot] = []
    desk = place.house.desk
    monkeypatch.setattr(desk.watch.node, "why_not", lambda *_: tuple(entries))
    monkeypatch.setattr(desk.watch, "snapshot", snapshot)
    monkeypatch.setattr(desk, "cameras", lambda: [report("gate", Condition.RUNNING)])
    return entries


def inside(share: Box) -> Box:
    """Where the stand's signals are, in pixels of the view."""
    return Box(
        share.x1 * VIEW.width, share.y1 * VIEW.height, share.x2 * VIEW.width, share.y2 * VIEW.height
    )


@pytest.mark.tool("chromium")
@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_of_the_five_events_is_told_and_axe_finds_nothing(
    screens: Screens, place: Stand, language: Language
) -> None:
    screen = screens.of(EVERYTHING, language=language, wide=language == "fr")
    for event, checks in FIVE.items():
        one = place.alert(event=event, rule=f"{event.value}-{language}", checks=checks)
        page = screen.open(f"/incidents/{one}")
        expect(page.locator(".why")).to_have_text(headline(event, checks, language))
        page.locator(".measured summary").click()
        rows = page.locator(".measured tbody tr")
        expect(rows).to_have_count(sum(bool(clause(c, "en")) for c in checks))
        assert not re.search(r"\b[a-z]+_[a-z]+\b", page.locator(".measured table").inner_text())
        assert violations(page) == []
        screen.saves(f"event-{event.value}-{language}")


@pytest.mark.tool("chromium")
def test_a_countdown_is_seen_running_and_goes_when_somebody_comes(
    screens: Screens, place: Stand, watched: list[WhyNot]
) -> None:
    place.house.desk.site.cameras[0].rules[0].__dict__["event"] = Event.ABANDONED_OBJECT
    watched.append(entry(24, waits()))
    screen = screens.of("operator")
    page = screen.open()
    left = page.locator("[data-left]")
    expect(left).to_have_text(re.compile(r"0:3\d"))
    first = left.inner_text()
    expect(left).not_to_have_text(first)
    screen.saves("countdown")
    assert violations(page) == []
    watched.append(entry(0, NEAR))
    expect(page.locator("[data-counting] li")).to_have_count(0)
    place.house.desk.site.cameras[0].rules[0].__dict__["event"] = Event.FORBIDDEN_ZONE


@pytest.mark.tool("chromium")
def test_an_abandoned_thing_that_is_attended_or_taken_away_says_so_while_it_waits(
    screens: Screens, place: Stand, watched: list[WhyNot]
) -> None:
    one = place.alert(event=Event.ABANDONED_OBJECT, checks=BAG, rule="things")
    where = inside(place.incident(one).first.where)
    screen = screens.of("operator")
    page = screen.open(f"/incidents/{one}")
    expect(page.locator(".turn p")).to_have_count(0)
    watched.append(entry(-1, NEAR, where, "things"))
    expect(page.locator(".turn")).to_contain_text("attended again")
    unsure = replace(check("recognised", 26, 60, "%"), passed=False)
    watched.append(entry(-2, GONE, where, "things"))
    watched.append(entry(-3, unsure, where, "things"))
    expect(page.locator(".turn")).to_contain_text("taken away")
    screen.saves("taken-away")
    assert violations(page) == []


@pytest.mark.tool("chromium")
def test_until_when_the_seconds_can_be_opened_is_said_and_that_they_are_gone(
    screens: Screens, place: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    told = [Seconds(State.NONE, recorded_until=now + timedelta(seconds=4))]

    def seconds(_: UUID) -> Seconds:
        return told[0]

    monkeypatch.setattr(place.house.desk, "seconds", seconds)
    one = place.alert(rule="seconds")
    screen = screens.of("operator")
    page = screen.open(f"/incidents/{one}")
    until = page.locator("[data-part=until]")
    expect(until).to_contain_text(re.compile(r"Being recorded until \d\d:\d\d:\d\d"))
    told[0] = Seconds(State.HELD, held_until=now + timedelta(seconds=7))
    expect(until).to_contain_text(re.compile(r"can be opened until \d\d:\d\d:\d\d"), timeout=9000)
    told[0] = Seconds(State.OVER)
    expect(until).to_contain_text("gone from memory", timeout=9000)
