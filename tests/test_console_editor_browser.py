"""Zones and the ground, drawn in a real browser: by mouse, by keyboard alone, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browsing import CHROMIUM, Console, console, violations
from tests.made_desk import DeskAtWork, made_site
from tests.watching import Blocks
from veilleur.console.permission import Role
from veilleur.law.deed import Deed
from veilleur.site import SiteCamera, load_site
from veilleur.store import chain, incidents

RULES, GROUND = "/cameras/near/rules", "/cameras/near/ground"
WHY = "the kerb was moved"


class House:
    def __init__(self, at_work: DeskAtWork, console_: Console, file: Path) -> None:
        self.at_work, self.console, self.file = at_work, console_, file
        self.desk, self.page = at_work.desk, console_.page

    def camera(self) -> SiteCamera:
        return load_site(self.file).cameras[0]

    def signalled(self) -> set[str]:
        with self.desk.database.read() as r:
            return {one.first.rule for one in incidents.recent(r, None, camera="near")}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    if not CHROMIUM.exists():
        pytest.skip("chromium is absent")
    folder = tmp_path_factory.mktemp("desk")
    file = made_site(folder, "near")
    people = {"ines": (Role.INTEGRATOR, "en"), "luc": (Role.INTEGRATOR, "fr")}
    with DeskAtWork(file, folder, Blocks()) as at_work:
        at_work.until(lambda: at_work.report("near").analysed > 0, "pictures")
        with console(at_work.desk, **people) as made:
            yield House(at_work, made, file)


@pytest.fixture
def complaints(house: House) -> Iterator[None]:
    """No script failed, and nothing was against the content security policy."""
    house.console.complaints.clear()
    yield
    assert house.console.complaints == []


pytestmark = [pytest.mark.usefixtures("complaints"), pytest.mark.tool("chromium")]


def shown(page: Page) -> Page:
    """Once the page has what it shows."""
    expect(page.locator("[data-picture]")).to_be_visible()
    return page


def near(found: object, places: object) -> bool:
    """To a few pixels."""
    return bool(np.allclose(np.asarray(found), np.asarray(places), atol=0.01))


def click_at(page: Page, *places: tuple[float, float]) -> None:
    box = page.locator("[data-plate] > svg").bounding_box()
    assert box is not None
    for x, y in places:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def save(page: Page, button: str = "Save the rules") -> None:
    page.locator("[data-save] [name=reason]").fill(WHY)
    page.get_by_role("button", name=button).click()
    expect(page.locator("[data-said]")).to_contain_text("in force since")


def test_a_zone_drawn_with_the_mouse_is_saved_and_signals(house: House) -> None:
    with house.page("ines", RULES) as page:
        shown(page)
        page.get_by_role("button", name="Add a rule").click()
        click_at(page, (0.0, 0.0), (0.999, 0.001), (0.999, 0.999), (0.001, 0.999))
        page.keyboard.press("Enter")
        expect(page.locator("[data-said]")).to_contain_text("Drawn: 4 points")
        page.get_by_label("Name").fill("by-mouse")
        expect(page.locator("[data-work]")).to_contain_text("No mistake")
        save(page)
    rule = house.camera().rules[-1]
    assert (rule.id, len(rule.zone or ())) == ("by-mouse", 4)
    assert rule.zone is not None
    assert rule.zone[2] == pytest.approx((0.999, 0.999), abs=0.01)
    house.at_work.until(lambda: "by-mouse" in house.signalled(), "a signal of the drawn zone")
    with house.desk.database.read() as r:
        line = [one for one in chain.lines(r, limit=10_000) if one.deed == Deed.CONFIGURED][-1]
    assert (line.who, line.reason) == ("ines", WHY)


def test_a_zone_is_drawn_changed_and_saved_by_keyboard_alone(house: House) -> None:
    with house.page("ines", RULES) as page:
        shown(page)
        press = page.keyboard.press
        tab_to(page, "Add a rule")
        press("Enter")
        press("Space")
        for _ in range(3):
            press("Shift+ArrowRight")
        press("Space")
        for _ in range(4):
            press("Shift+ArrowDown")
        press("Space")
        press("Enter")
        expect(page.locator("[data-said]")).to_contain_text("Drawn: 3 points")
        press("Tab")
        expect(page.locator(".handle:focus")).to_have_attribute(
            "aria-label", starts("Point 1 of 3")
        )
        press("ArrowLeft")
        press("Insert")
        expect(page.locator(".handle:focus")).to_have_attribute(
            "aria-label", starts("Point 2 of 4")
        )
        press("Delete")
        expect(page.locator(".handle")).to_have_count(6)
        press("Control+z")
        press("Control+z")
        expect(page.locator("[data-said]")).to_contain_text("Undone: point added")
        tab_to(page, "Name", "INPUT")
        press("Control+a")
        page.keyboard.type("by-keys")
        tab_to(page, "Why (for the record)", "INPUT")
        page.keyboard.type(WHY)
        press("Enter")
        expect(page.locator("[data-said]")).to_contain_text("in force since")
    rule = house.camera().rules[-1]
    assert rule.id == "by-keys"
    assert rule.zone is not None
    assert rule.zone[0] == pytest.approx((0.495, 0.5), abs=1e-3)
    assert rule.zone[1] == pytest.approx((0.65, 0.5), abs=1e-3)


def starts(text: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(text))


def tab_to(page: Page, name: str, tag: str = "BUTTON") -> None:
    """With the Tab key, as somebody without a mouse."""
    for _ in range(80):
        page.keyboard.press("Tab")
        there = page.evaluate(
            "() => [document.activeElement.tagName,"
            " (document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()]"
        )
        if there == [tag, name]:
            return
    raise AssertionError(f"no way to {name} with the Tab key")


def test_points_are_dragged_typed_undone_and_done_again(house: House) -> None:
    with house.page("ines", RULES) as page:
        shown(page)
        first = page.get_by_label("Point 1, % to the right")
        before = first.input_value()
        box = page.locator(".handle").first.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 60, y + 40, steps=4)
        page.mouse.up()
        expect(first).not_to_have_value(before)
        page.get_by_role("button", name="Undo").click()
        expect(first).to_have_value(before)
        page.get_by_role("button", name="Redo").click()
        expect(first).not_to_have_value(before)
        first.fill("12,5")
        first.press("Tab")
        expect(page.locator(".handle").first).to_have_attribute(
            "aria-label", starts("Point 1 of 4, 12.5 %")
        )
        page.get_by_role("button", name="Draw anew").click()
        click_at(page, (0.3, 0.3), (0.5, 0.4))
        page.keyboard.press("Escape")
        expect(page.locator("[data-said]")).to_contain_text("cancelled")
        expect(first).to_have_value("12.5")


def test_a_crossing_polygon_is_told_in_words_and_nothing_is_saved(house: House) -> None:
    before = house.file.read_text()
    with house.page("ines", RULES) as page:
        shown(page)
        page.get_by_role("button", name="Draw anew").click()
        click_at(page, (0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8))
        page.keyboard.press("Enter")
        told = page.locator("[data-mistakes]")
        expect(told).to_contain_text("Zone: the polygon crosses itself")
        expect(page.locator("polygon.chosen.bad")).to_be_attached()
        page.get_by_label("Time inside").fill("soon")
        expect(told).to_contain_text("'soon' is no number")
        page.locator("[data-save] [name=reason]").fill(WHY)
        page.get_by_role("button", name="Save the rules").click()
        expect(page.locator("[data-said]")).to_contain_text("Not saved: 2 mistakes")
        assert violations(page) == []
        house.console.complaints.clear()  # the browser tells of the refusal itself
    assert house.file.read_text() == before


def test_a_line_and_an_allowed_direction_are_drawn(house: House) -> None:
    with house.page("ines", RULES) as page:
        shown(page)
        page.get_by_role("button", name="Add a rule").click()
        page.keyboard.press("Escape")
        page.get_by_label("Line: nobody may cross it").check()
        click_at(page, (0.3, 0.4), (0.3, 0.9))
        page.get_by_role("button", name="Other side").click()
        page.get_by_label("Name").fill("kerb")
        page.get_by_role("button", name="Add a rule").click()
        click_at(page, (0.1, 0.5), (0.9, 0.5), (0.9, 0.9), (0.1, 0.9))
        page.keyboard.press("Enter")
        page.get_by_label("Name").fill("one-way")
        page.locator("select[name=event]").select_option("wrong_way")
        expect(page.locator("[data-mistakes]")).to_contain_text("Allowed direction")
        page.get_by_role("button", name="Add an arrow").click()
        page.get_by_label("Arrow 1, degrees").fill("90")
        page.get_by_label("Arrow 1, degrees").press("Tab")
        expect(page.locator("[data-work]")).to_contain_text("No mistake")
        assert violations(page) == []
        save(page)
    kerb, one_way = house.camera().rules[-2:]
    assert near(kerb.line, ((0.3, 0.4), (0.3, 0.9)))
    assert kerb.forbidden == "left_to_right"
    assert one_way.allowed_heading == (1.0, 0.0)


def test_the_ground_is_calibrated_by_clicking_and_its_error_is_told(house: House) -> None:
    places = ((0.1, 0.9), (0.9, 0.9), (0.7, 0.4), (0.3, 0.4), (0.359, 0.606), (0.586, 0.757))
    metres = (("0", "0"), ("8", "0"), ("8", "12"), ("0", "12"), ("2", "5"), ("5", "2"))
    with house.page("ines", GROUND) as page:
        shown(page)
        page.get_by_label("Measured points").check()
        page.get_by_role("button", name="Mark on the picture").click()
        click_at(page, *places)
        page.keyboard.press("Escape")
        for number, (right, away) in enumerate(metres, 1):
            page.get_by_label(f"Point {number}, metres to the right").fill(right)
            page.get_by_label(f"Point {number}, metres away").fill(away)
        expect(page.locator("[data-verdict]")).to_contain_text("m beside the truth on average")
        expect(page.locator("[data-points] .error").first).to_contain_text(" m")
        expect(page.locator("polyline.grid").first).to_be_attached()
        expect(page.locator("line.error").first).to_be_attached()
        assert violations(page) == []
        page.get_by_label("Point 3, metres away").fill("-12")
        expect(page.locator("[data-mistakes]")).to_contain_text("contradict each other")
        page.get_by_label("Point 3, metres away").fill("12")
        expect(page.locator("[data-mistakes]")).to_be_hidden()
        save(page, "Save the ground")
    ground = house.camera().ground
    assert ground is not None
    assert ground.metres == ((0, 0), (8, 0), (8, 12), (0, 12), (2, 5), (5, 2))
    assert near(ground.image, places)


def test_both_pages_speak_french_and_nothing_is_against_them(house: House) -> None:
    with house.page("luc", RULES) as page:
        shown(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("Zones et règles")
        page.get_by_role("button", name="Dessiner").click()
        expect(page.locator("[data-said]")).to_contain_text("Dessin")
        assert violations(page) == []
        click_at(page, (0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8))
        page.keyboard.press("Enter")
        expect(page.locator("[data-mistakes]")).to_contain_text("le polygone se croise lui-même")
        expect(page.get_by_label("Durée de présence")).to_be_visible()
    with house.page("luc", GROUND, width=1920, height=1080) as page:
        shown(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("Sol")
        assert violations(page) == []
