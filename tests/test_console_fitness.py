"""The visibility gate of a camera's set-up: for each event whether this camera can serve it, why
not, and that a rule it can't serve is kept only on the record."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browsing import violations
from tests.console_house import House, house
from tests.console_stand import EVERYTHING, Screens, chromium, stand
from tests.test_desk_technical import report
from veilleur.cameras.inspection import SceneStatistics
from veilleur.cameras.picture import Picture
from veilleur.cameras.suitability import Fit, findings, judge
from veilleur.catalogue import Event
from veilleur.console.fitness import Glances, _stream, agreed
from veilleur.console.fitness_words import measured, say
from veilleur.engine.report import CameraReport, Condition
from veilleur.engine.seen import Boxes, Snapshot
from veilleur.geometry import FloatArray, View
from veilleur.ground import GroundSpecification, ground_plane
from veilleur.law.deed import Deed

VIEW = View(640, 360)
CAMERA = "/api/v1/cameras/gate"
WHY = "a test of the gate"
ZONE = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 2.0
        return self.seconds


def people(tall: float, count: int = 3) -> FloatArray:
    """So many people, each found by two."""
    ones = [[60.0 * n, 300 - tall, 60.0 * n + tall / 3, 300] for n in range(count)]
    return np.array([box for box in ones for _ in range(2)], np.float32).reshape(-1, 4)


def glance(tall: float = 90.0, level: int = 110, camera: str = "gate") -> Snapshot:
    """A picture with some structure, and people of a height in it."""
    rng = np.random.default_rng(7)
    blocks = rng.integers(max(0, level - 40), level + 41, (36, 64)).repeat(10, 0).repeat(10, 1)
    data = np.full((540, 640), 128, np.uint8)
    data[:360] = blocks
    none = np.zeros((0, 4), np.float32)
    boxes = Boxes(people(tall), none, none)
    return Snapshot(camera, Picture(data, True), VIEW, boxes, datetime.now(UTC), 0.0)


def at_5_hz(camera: str = "gate") -> CameraReport:
    return replace(report(camera, Condition.RUNNING), analysed_hz=5.0, key_frames_only=False)


def seen(tall: float = 90.0, level: int = 110, times: int = 10) -> Glances:
    glances = Glances(Clock())
    for _ in range(times):
        glances.note(glance(tall, level), at_5_hz())
    return glances


# ---------------------------------------------------------------------- what is noted
def test_who_is_followed_and_detected_counts_once_and_who_is_only_guessed_does_not() -> None:
    followed, detected = [0.0, 0, 10, 20], [1.0, 0, 10, 20]
    guessed = [50.0, 50, 60, 60]
    assert agreed(np.array([guessed, followed, detected])).tolist() == [followed]
    assert agreed(np.zeros((0, 4))).shape == (0, 4)


def test_a_camera_is_looked_at_once_a_second_at_most() -> None:
    glances = Glances(lambda: 5.0)
    for _ in range(3):
        glances.note(glance(), at_5_hz())
    assert glances.fitness("gate", VIEW).pictures == 1


def test_what_a_quiet_scene_is_analysed_at_says_nothing_of_the_rate() -> None:
    glances = Glances(Clock())
    glances.note(glance(), replace(at_5_hz(), analysed_hz=0.3, key_frames_only=True))
    reasons = [one.reason for one in glances.fitness("gate", VIEW).of(Event.DENSITY).findings]
    assert "the rate is not known" in reasons


@pytest.mark.parametrize(
    ("tall", "level", "event", "fit"),
    [
        pytest.param(90, 110, Event.FORBIDDEN_ZONE, Fit.YES, id="tall people, light"),
        pytest.param(18, 110, Event.FORBIDDEN_ZONE, Fit.NO, id="10 pixels a metre"),
        pytest.param(9, 110, Event.WRONG_WAY, Fit.NO, id="tiny people"),
        pytest.param(90, 110, Event.WEAPON, Fit.NO, id="a weapon wants 250 pixels a metre"),
        pytest.param(90, 5, Event.DENSITY, Fit.NO, id="dark"),
        pytest.param(22, 110, Event.FIRE, Fit.LIMITED, id="fire is weak, people or not"),
    ],
)
def test_a_camera_is_judged_by_what_it_shows(
    tall: float, level: int, event: Event, fit: Fit
) -> None:
    found = seen(tall, level).fitness("gate", VIEW)
    assert found.pictures == 10
    assert found.people == 30
    assert found.of(event).fit is fit
    assert [one.event for one in found.events] == list(Event)


def test_a_camera_nobody_may_look_at_is_not_known() -> None:
    assert {one.fit for one in Glances().fitness("gate", VIEW).events} == {Fit.NOT_KNOWN}


# ---------------------------------------------------------------------- words
GROUND = GroundSpecification.model_validate(
    {
        "image": [[0.1, 0.9], [0.9, 0.9], [0.7, 0.4], [0.3, 0.4]],
        "metres": [[0, 0], [80, 0], [80, 120], [0, 120]],
    }
)


def scenes() -> Iterator[tuple[View, SceneStatistics | None, float]]:
    steep = View(640, 360, ground_plane(GROUND, 640, 360, Path()))
    boxes = [None, np.zeros((0, 4)), people(9, 1), people(20, 30), people(9, 30), people(90, 30)]
    yield VIEW, None, 5.0
    pictures = [(5, 1, 0.0), (30, 20, 0.0), (110, 1, 1.0), (110, 1, 0.0)]
    rates = itertools.cycle((0.0, 0.5, 3.0, 5.0, 5.0))
    for (level, noise, blind), seen_people, view in itertools.product(
        pictures, boxes, (VIEW, steep)
    ):
        rate = next(rates)
        scene = SceneStatistics(
            pictures=9,
            level=level,
            contrast=level / 5,
            noise=noise,
            blind=blind,
            blind_by="dark" if blind else None,
            people=seen_people,
        )
        yield view, scene, rate


def test_every_reason_and_remedy_has_its_words_in_both_languages() -> None:
    said = set[str]()
    for view, scene, rate in scenes():
        for event in Event:
            stream = _stream(view, rate)
            for one in findings(stream, scene, view, event):
                said |= {one.reason, one.remedy}
            verdict = judge(stream, scene, view, event)
            if verdict.fit is Fit.YES:
                said |= set(verdict.reason.split(", "))
    assert len(said) > 30
    for words in filter(None, said):
        french = say(words, "fr")
        assert french != words
        assert not re.search(r"\b(the|of|people|pictures|camera|seen)\b", french), french
        assert "--" not in say(words, "en"), "no option of a command helps here"
    assert measured("5 pictures a second, people 90 pixels tall", "fr") == (
        "5 images par seconde, personnes de 90 pixels à l’image"
    )


# ---------------------------------------------------------------------- the interface
@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        yield one


def drawn(event: str, name: str = "new", was: str = "") -> dict[str, Any]:
    return {"was": was, "settings": {"id": name, "event": event, "zone": ZONE}}


def known(browser: Any) -> list[dict[str, Any]]:
    return list(browser.get(f"{CAMERA}/rules").json()["rules"])


def save(browser: Any, rules: list[dict[str, Any]], **more: object) -> Any:
    state = browser.get(f"{CAMERA}/rules").json()["state"]
    return browser.post(
        f"{CAMERA}/rules", json={"rules": rules, "reason": WHY, "state": state, **more}
    )


def test_the_interface_says_it_of_all_eight_in_the_language_of_whoever_asks(
    made: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made.desk.watch, "snapshot", lambda camera: glance(18, camera=camera))
    ines = made.browser("integrator")
    csrf = ines.headers["X-CSRF-Token"]
    for language, words, why in (
        ("en", "fit within limits", "how tall they appear is not sure"),
        ("fr", "apte avec réserve", "leur taille à l’image est incertaine"),
    ):
        ines.post("/account/language", data={"language": language, "csrf": csrf})
        told = ines.get(f"{CAMERA}/fitness").json()
        assert [one["event"] for one in told["events"]] == [event.value for event in Event]
        zone = next(one for one in told["events"] if one["event"] == "forbidden_zone")
        assert zone["fit_words"] == words
        assert any(why in one["reason"].replace("how tall people", "how tall they")
                   for one in zone["findings"])  # fmt: skip
    assert told["pictures"] == 1
    assert made.browser("operator").get(f"{CAMERA}/fitness").status_code == 403


def test_a_rule_this_camera_cant_serve_is_refused_unless_somebody_says_so_on_the_record(
    made: House,
) -> None:
    made.app.state.glances = seen(9)
    ines = made.browser("integrator")
    wanted = [*known(ines), drawn("density")]
    checked = ines.post(f"{CAMERA}/rules/check", json={"rules": wanted}).json()
    assert checked["mistakes"] == []
    assert checked["unfit"] == [
        {"rule": 0, "event": "forbidden_zone", "refused": False},
        {"rule": 1, "event": "density", "refused": True},
    ]
    refused = save(ines, wanted)
    assert (refused.status_code, refused.json()["cause"]) == (409, "unfit")
    assert len(known(ines)) == 1
    assert save(ines, wanted, despite=True).json()["saved"]
    assert len(known(ines)) == 2
    assert made.residents.lines(Deed.CONFIGURED)[-1].reason == f"{WHY} [not fit for density]"


def test_a_rule_that_stands_may_be_moved_and_a_camera_that_can_is_no_obstacle(made: House) -> None:
    made.app.state.glances = seen(9)
    ines = made.browser("integrator")
    moved = known(ines)
    moved[0]["settings"]["zone"] = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6]]
    assert save(ines, moved).json()["saved"]
    assert made.residents.lines(Deed.CONFIGURED)[-1].reason == WHY
    made.app.state.glances = seen(90)
    assert save(ines, [*known(ines), drawn("wrong_way") | HEADED]).json()["saved"]


HEADED = {
    "settings": {"id": "lane", "event": "wrong_way", "zone": ZONE, "allowed_heading": [0, -1]}
}


# ---------------------------------------------------------------------- the page
@pytest.mark.tool("chromium")
def test_the_page_warns_beside_the_event_and_asks_before_it_is_kept(tmp_path: Path) -> None:
    with chromium() as browser, stand(tmp_path) as place:
        place.house.app.state.glances = seen(9)
        screens = Screens(browser, place)
        screen = screens.of(EVERYTHING)
        page = screen.open("/cameras/gate/rules")
        expect(page.locator("[data-counts]")).to_have_attribute("aria-label", re.compile("not fit"))
        expect(page.locator("[data-fitness]")).to_contain_text("people are 9 pixels tall")
        expect(page.locator("button.rule .unfit")).to_be_visible()
        expect(page.locator("[data-despite]")).to_be_hidden()
        page.locator("[data-serves] summary").click()
        expect(page.locator("[data-served] > li")).to_have_count(8)
        add(page)
        expect(page.locator("[data-despite]")).to_be_visible()
        assert violations(page) == []
        screen.saves("unfit")
        page.locator("[data-save] [name=reason]").fill(WHY)
        page.locator("[data-save] button").click()
        expect(page.locator("[data-said]")).to_contain_text("can’t serve the event of a new rule")
        page.locator("[name=despite]").check()
        page.locator("[data-save] button").click()
        expect(page.locator("[data-said]")).to_contain_text("in force since")
        screens.close()
    complaints = [
        words for words in screens.complaints() if "409" not in words and "410" not in words
    ]
    assert complaints == []


def add(page: Page) -> None:
    """A rule with a zone."""
    page.locator("[data-do=add]").click()
    box = page.locator("[data-plate] > svg").bounding_box()
    assert box is not None
    for x, y in ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.keyboard.press("Enter")
    expect(page.locator("[data-work]")).to_contain_text("No mistake")
