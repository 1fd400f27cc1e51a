"""The demo in a real browser: from its password to a verdict, on what the engine really sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.console_stand import chromium
from tests.test_serve import run

pytestmark = [pytest.mark.long, pytest.mark.tool("chromium")]
FIRST_ALERT_MS = 60_000


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def test_the_first_alert_is_looked_at_and_decided(browser: Browser, tmp_path: Path) -> None:
    with run("demo", "--port", "0", TMPDIR=str(tmp_path)) as demo:
        address = demo.find(r"the console is at (http://127\.0\.0\.1:\d+)")
        page = browser.new_page()
        page.goto(address)
        page.locator("[name=name]").fill("demo")
        page.locator("[name=password]").fill(demo.find(r"with the password (\S+)"))
        page.keyboard.press("Enter")
        row = page.locator("a[data-incident][data-state=open]").first
        expect(row).to_be_visible(timeout=FIRST_ALERT_MS)
        row.click()
        expect(page.locator("[data-still]")).to_have_js_property("naturalWidth", 768)
        page.keyboard.press("t")
        expect(page.locator("[data-opens=confirm]")).to_be_visible()
        page.keyboard.press("l")
        expect(page.locator("img[data-clear]")).to_be_visible()
        page.keyboard.press("s")
        expect(page.locator(".scrubber")).to_be_visible()
        expect(page.locator("[data-scrub]")).not_to_have_attribute("max", "0", timeout=20_000)
        page.keyboard.press("c")
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        expect(page.locator(".verdict.yes")).to_be_visible()
        page.goto(f"{address}/audit?deed=seconds_viewed")
        expect(page.locator("tbody tr")).to_have_count(1)
