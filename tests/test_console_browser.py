"""The console in a real browser: all of an alert by keyboard, what a page says when it is cut off,
nothing that axe finds, nothing that runs where text should stand."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.console_stand import EVERYTHING, Screen, Screens, Stand, chromium, stand, until
from tests.desk import VIEW, picture
from tests.test_console_pages import lab_act
from veilleur.console.wall import Wall
from veilleur.desk.feed import Topic
from veilleur.desk.vitals import Stage
from veilleur.engine.seen import Boxes, Snapshot
from veilleur.incidents.incident import State
from veilleur.law.orders import Scope

pytestmark = pytest.mark.tool("chromium")
REFUSED = re.compile("Failed to load resource: .*(401|404|409|410|ERR_)")
"""Chromium says this of answers that a test wants."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("stand")) as one:
        one.house.desk.authority.add(lab_act("gate", "dock"), "boss")
        yield one


@pytest.fixture
def screens(browser: Browser, place: Stand) -> Iterator[Screens]:
    made = Screens(browser, place)
    yield made
    made.close()
    place.quiet, place.ill = False, {}
    for stop in place.house.desk.authority.orders.stops:
        place.house.desk.authority.lift(stop.scope, stop.target, "boss", "the test is over")
    assert [words for words in made.complaints() if not REFUSED.search(words)] == []


@pytest.fixture(autouse=True)
def emptied(place: Stand) -> Iterator[None]:
    """Whatever a test leaves open is decided after it: there is one open incident a rule."""
    yield
    people = place.house.desk.people
    for one in place.waiting():
        taker = one.taker or people.take(one.id, "operator", None).taker
        people.decide(one.id, str(taker), None, confirmed=False, reason="light")


# ---------------------------------------------------------------------- the alert cycle
WORDS = {
    "en": ("New alert: Forbidden zone", "Confirmed"),
    "fr": ("Nouvelle alerte : Franchissement", "Confirmée"),
}


@pytest.mark.parametrize("language", WORDS)
def test_an_alert_is_lived_through_by_keyboard_alone(
    screens: Screens, place: Stand, language: str
) -> None:
    said, confirmed = WORDS[language]
    screen = screens.of("operator", language=language)
    page = screen.open()
    one = place.alert()
    row = page.locator(f'a[data-incident="{one}"]')
    expect(row).to_be_visible()
    expect(page.locator("[data-live]")).to_contain_text(said.replace(" :", "\u00a0:"))
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", "/static/icon-high.svg")
    screen.press("j", "Enter")
    expect(page.locator(f'article[data-shown="{one}"]')).to_be_visible()
    expect(page.locator("[data-still]")).to_have_js_property("complete", True)
    screen.press("t")
    expect(page.locator("[data-opens=confirm]")).to_be_focused()
    screen.saves(f"taken-{language}")
    screen.press("c", "1", "n")
    page.keyboard.type("two of them, T C D 1 typed")
    screen.press("Enter")
    expect(page.locator(".verdict.yes")).to_contain_text(confirmed)
    screen.press("f", "2", "Enter")
    expect(page.locator("article")).to_have_attribute("data-state", "followed_up")
    done = place.incident(one)
    assert done.verdict is not None
    assert done.follow_up is not None
    assert (done.verdict.who, done.verdict.reason) == ("operator", "as_signalled")
    assert done.verdict.note == "two of them, T C D 1 typed"
    assert done.follow_up.outcome == "rescue"
    expect(page).to_have_title(re.compile(r"^\w"))
    screen.saves(f"decided-{language}")


def test_a_signal_is_dismissed_and_the_next_alert_is_at_hand(
    screens: Screens, place: Stand
) -> None:
    screen = screens.of("operator")
    one, other = place.alert("gate"), place.alert("dock")
    page = screen.open(f"/incidents/{one}")
    screen.press("t")
    expect(page.locator("[data-opens=dismiss]")).to_be_visible()
    screen.press("d", "3", "Enter")
    expect(page.locator(f'a[data-incident="{other}"]')).to_be_focused()
    assert place.incident(one).state is State.DISMISSED
    screen.press("Enter")
    expect(page.locator(f'article[data-shown="{other}"]')).to_be_visible()


def test_nothing_is_decided_without_a_reason_or_by_a_stray_key(
    screens: Screens, place: Stand
) -> None:
    screen, one = screens.of("operator"), place.alert()
    page = screen.open(f"/incidents/{one}")
    screen.press("c", "d", "1", "Enter", "r", "h")
    screen.press("t")
    expect(page.locator("[data-opens=confirm]")).to_be_focused()
    screen.press("c", "Enter", "9", "Enter", "Escape")
    expect(page.locator("[data-form=confirm]")).to_be_hidden()
    assert place.incident(one).state is State.TAKEN
    screen.press("r")
    expect(page.locator("[data-do=take]")).to_be_visible()
    assert place.incident(one).state is State.OPEN


def test_the_second_screen_reads_who_has_it_and_can_not_decide(
    screens: Screens, place: Stand
) -> None:
    one = place.alert()
    first, second = screens.of("operator"), screens.of("supervisor")
    first.open(f"/incidents/{one}")
    theirs = second.open(f"/incidents/{one}")
    expect(theirs.locator("[data-do=take]")).to_be_visible()
    first.press("t")
    expect(theirs.locator(".locked")).to_have_text("operator has it and decides.")
    expect(theirs.locator(f'a[data-incident="{one}"] .state')).to_contain_text("operator")
    expect(theirs.locator("[data-do=take], [data-opens=confirm]")).to_have_count(0)


def test_what_somebody_types_stays_and_is_locked_when_the_alert_is_not_theirs_any_more(
    screens: Screens, place: Stand
) -> None:
    screen, one, people = screens.of("operator"), place.alert(), place.house.desk.people
    page = screen.open(f"/incidents/{one}")
    screen.press("t")
    expect(page.locator("[data-opens=confirm]")).to_be_focused()
    screen.press("c", "1", "n")
    page.keyboard.type("half a sen")
    place.alert("dock")
    expect(page.locator("a[data-incident][data-state=open]")).to_have_count(1)
    page.keyboard.type("tence")
    note = page.locator("[data-form=confirm] [name=note]")
    expect(note).to_be_focused()
    people.release(one, "operator", None)
    people.take(one, "supervisor", None)
    expect(note).to_be_disabled()
    expect(note).to_have_value("half a sentence")
    expect(page.locator("[data-refusal]")).to_have_text("supervisor has it and decides.")
    screen.saves("locked")


def test_ones_own_verdict_is_not_shown_as_somebody_elses_where_the_answer_is_slow(
    screens: Screens, place: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream tells of it before the order is answered; what is pressed then would be lost."""
    people, answered = place.house.desk.people, threading.Event()
    decide = people.decide

    def slow(*args: Any, **more: Any) -> Any:
        done = decide(*args, **more)
        assert answered.wait(20)
        return done

    screen, one = screens.of("operator"), place.alert()
    page = screen.open(f"/incidents/{one}")
    screen.press("t")
    expect(page.locator("[data-opens=confirm]")).to_be_focused()
    monkeypatch.setattr(people, "decide", slow)
    screen.press("c", "1", "Enter")
    expect(page.locator(f'a[data-incident="{one}"][data-state=confirmed]')).to_be_visible()
    page.wait_for_timeout(500)  # for whatever else the page asks because of it
    expect(page.locator("[data-refusal]")).to_be_hidden()
    answered.set()
    expect(page.locator(".verdict.yes")).to_be_visible()
    expect(page.locator("[data-refusal]")).to_be_hidden()
    screen.press("f", "2", "Enter")
    expect(page.locator("article")).to_have_attribute("data-state", "followed_up")


def test_an_alert_is_handed_to_a_colleague(screens: Screens, place: Stand) -> None:
    screen, one = screens.of("operator"), place.alert()
    page = screen.open(f"/incidents/{one}")
    screen.press("t")
    expect(page.locator("[data-opens=hand-over]")).to_be_enabled()
    screen.press("h")
    name = page.locator("[data-form=hand-over] input").first.input_value()
    screen.press("1", "Enter")
    expect(page.locator(".locked")).to_contain_text(name)
    assert place.incident(one).taker == name


# ---------------------------------------------------------------------- pictures
def snapshot(camera: str) -> Snapshot:
    none = np.zeros((0, 4), np.float32)
    return Snapshot(camera, picture(), VIEW, Boxes(none, none, none), datetime.now(UTC), 0.0)


def test_the_camera_is_seen_live_on_the_record_and_seconds_that_are_gone_say_so(
    screens: Screens, place: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.house.desk.watch, "snapshot", snapshot)
    screen, one = screens.of("operator"), place.alert()
    page = screen.open(f"/incidents/{one}")
    screen.press("l")
    live = page.locator("img[data-clear]")
    expect(live).to_be_visible()
    first = live.get_attribute("src")
    expect(live).not_to_have_attribute("src", str(first))
    expect(page.locator("[data-view=live]")).to_have_attribute("aria-pressed", "true")
    screen.press("l")
    expect(page.locator("[data-still]")).to_be_visible()
    screen.press("s")
    expect(page.locator("[data-refusal]")).to_be_visible()
    expect(page.locator("[data-still]")).to_be_visible()
    line = place.house.residents.lines()
    assert [str(one) in entry.reason for entry in line if entry.deed == "live_viewed"] == [True]


def test_the_wall_shows_pictures_with_their_age_and_an_old_one_is_grey(
    screens: Screens, place: Stand
) -> None:
    def old(camera: str) -> Snapshot:
        shown = snapshot(camera)
        late = timedelta(seconds=40 if camera == "dock" else 0)
        return Snapshot(camera, shown.picture, VIEW, shown.boxes, shown.taken - late, 0.0)

    place.house.app.state.wall = Wall(old)
    screen = screens.of("operator")
    page = screen.open("/cameras")
    tiles = page.locator("[data-live-picture]")
    expect(tiles).to_have_count(2)
    for number in (0, 1):
        expect(tiles.nth(number)).to_be_visible()
    expect(page.locator('[data-camera="dock"] [data-taken-age]')).to_contain_text("40 s ago")
    expect(page.locator('[data-camera="dock"]')).to_have_class(re.compile("old"))
    expect(page.locator('[data-camera="gate"]')).not_to_have_class(re.compile("old"))
    screen.saves("wall")


# ---------------------------------------------------------------------- the state of things
def test_a_silent_service_is_told_of_and_greyed_and_comes_back(
    screens: Screens, place: Stand
) -> None:
    one = place.alert()
    page = screens.of("operator").open(f"/incidents/{one}")
    place.quiet = True
    banner = page.locator("[data-banner=stale]")
    expect(banner).to_contain_text(re.compile(r"Not up to date since \d\d:\d\d:\d\d"), timeout=6000)
    assert "grayscale" in page.locator("[data-still]").evaluate("e => getComputedStyle(e).filter")
    with page.expect_request("**/feed*"):
        pass
    expect(banner).to_be_visible()
    expect(page).to_have_title(re.compile("^⚠"))
    place.quiet = False
    expect(banner).to_have_count(0)
    expect(page.locator("body")).not_to_have_class(re.compile("stale"))


def test_what_came_while_the_server_was_away_is_there_when_it_is_back(
    screens: Screens, place: Stand
) -> None:
    screen = screens.of("operator")
    page = screen.open()
    expect(page.locator("a[data-incident][data-state=open]")).to_have_count(0)
    place.down()
    expect(page.locator("[data-banner=stale]")).to_be_visible(timeout=6000)
    screen.saves("stale")
    missed = place.alert()
    place.up()
    expect(page.locator(f'a[data-incident="{missed}"]')).to_have_count(1)
    expect(page.locator("[data-banner=stale]")).to_have_count(0)
    expect(page.locator("[data-waiting]")).to_have_text("1")


def test_one_answer_that_was_slow_does_not_hold_up_the_next_alert(
    screens: Screens, place: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that hung in a cut looks like a slow service; the pause after it is short."""
    rendered, hung = place.house.app.state.rendered, [4.0]
    get = rendered.get

    def slow(key: Any, make: Any) -> str:
        threading.Event().wait(hung.pop() if hung else 0)
        return str(get(key, make))

    page = screens.of("operator").open()
    monkeypatch.setattr(rendered, "get", slow)
    first = place.alert("gate")
    expect(page.locator(f'a[data-incident="{first}"]')).to_be_visible(timeout=15000)
    second = place.alert("dock")
    expect(page.locator(f'a[data-incident="{second}"]')).to_be_visible(timeout=6500)


def test_a_stage_that_is_not_well_is_named_in_red(screens: Screens, place: Stand) -> None:
    screen = screens.of("operator")
    page = screen.open("/technical")
    place.ill = {Stage.STORING: "the disk is full"}
    banner = page.locator("[data-banner=ailing]")
    expect(banner).to_have_text("Not everything works: database")
    expect(page.locator(".life")).to_have_attribute("data-state", "ailing")
    screen.saves("ailing")
    place.ill = {}
    expect(banner).to_have_count(0)


def test_all_is_not_called_well_while_cameras_are_not_analysed(
    screens: Screens, place: Stand
) -> None:
    page = screens.of("operator").open("/")
    life = page.locator(".life")
    expect(life).to_have_text("All well")
    alarm = {"condition": "lost", "cause": "", "since": datetime.now(UTC).isoformat()}
    place.tell(Topic.TECHNICAL, [{**alarm, "cameras": ["gate", "dock"], "notified": False}])
    expect(life).to_have_text("Cameras not analysed: 2")
    expect(life).to_have_attribute("data-state", "missing")
    place.tell(Topic.TECHNICAL, [])
    expect(life).to_have_text("All well")


def test_who_is_signed_out_elsewhere_reads_it(screens: Screens, place: Stand) -> None:
    screen = screens.of("operator")
    page = screen.open()
    out = page.context.new_page()
    out.goto(place.address + "/statement")
    out.locator(".menu summary").click()
    out.locator(".menu button").click()
    expect(page.locator("[data-banner=over]")).to_contain_text("not signed in")
    expect(page.locator("[data-banner=over] a")).to_have_attribute("href", "/sign-in?next=%2F")


def test_a_screen_that_nobody_touches_says_when_it_is_signed_out_and_a_key_keeps_it(
    screens: Screens, place: Stand
) -> None:
    screen = screens.of("operator")
    page = screen.open()
    banner = page.locator("[data-banner=idle]")
    expect(banner).to_have_count(0)
    page.evaluate("localStorage.setItem('veilleur.active', String(Date.now() - 14 * 60000))")
    expect(banner).to_contain_text(re.compile(r"signed out at \d\d:\d\d:\d\d"))
    with page.expect_response("**/stay") as stayed:
        screen.press("k")
    assert stayed.value.status == 204
    expect(banner).to_have_count(0)


def test_one_signs_in_by_keyboard_and_a_wrong_password_says_so(
    screens: Screens, place: Stand
) -> None:
    screen = screens.of()
    page = screen.page
    page.goto(place.address + "/")
    expect(page.locator("[name=name]")).to_be_focused()
    page.keyboard.type("operator")
    screen.press("Tab")
    page.keyboard.type("wrong password")
    screen.press("Enter")
    expect(page.locator("[role=alert]")).to_be_visible()
    page.locator("[name=password]").focus()
    page.keyboard.type("correct horse battery")
    screen.press("Enter")
    expect(page.locator(".life[data-state=well]")).to_be_visible()


# ---------------------------------------------------------------------- stop and sound
def test_one_key_stops_the_rule_in_view_and_every_screen_says_so(
    screens: Screens, place: Stand
) -> None:
    screen, other, one = screens.of("operator"), screens.of("supervisor"), place.alert()
    page, theirs = screen.open(f"/incidents/{one}"), other.open("/cameras")
    screen.press("x")
    expect(page.locator("#stop input[value=rule]")).to_be_checked()
    screen.saves("stop")
    screen.press("Enter")
    until(lambda: place.house.desk.authority.orders.stops)
    (stop,) = place.house.desk.authority.orders.stops
    assert (stop.scope, stop.target, stop.who) == (Scope.RULE, "gate/tracks", "operator")
    expect(page.locator(".stops")).to_contain_text("Rule gate/tracks is stopped")
    expect(page.locator(".stops button")).to_have_count(0)
    theirs.locator(".stops button").click()
    expect(theirs.locator("#order")).to_be_visible()
    other.press("Enter")
    expect(page.locator(".stops")).to_have_count(0)
    expect(theirs.locator(".stops")).to_have_count(0)


def test_everything_is_stopped_where_no_camera_is_in_view(screens: Screens, place: Stand) -> None:
    screen = screens.of("operator")
    page = screen.open("/technical")
    screen.press("x")
    expect(page.locator("#stop input[value=everything]")).to_be_focused()
    screen.press("Enter")
    expect(page.locator(".stops")).to_contain_text("Everything is stopped")


@pytest.mark.parametrize("role", ["operator", "dpo"])
def test_all_is_stopped_from_the_account_pages_too(
    screens: Screens, place: Stand, role: str
) -> None:
    screen = screens.of(role)
    page = screen.page
    page.goto(place.address + "/account")
    page.locator("[data-halt]").click()
    expect(page.locator("#stop input[value=everything]")).to_be_focused()
    screen.press("Enter")
    expect(page.locator(".stops")).to_contain_text("Everything is stopped")
    page.reload()
    expect(page.locator("#stop")).not_to_be_visible()


def test_a_blocked_sound_says_so_and_a_new_alert_sounds_after_a_key(
    screens: Screens, place: Stand
) -> None:
    screen = screens.of("operator")
    page = screen.open()
    expect(page.locator("[data-banner=sound]")).to_contain_text("blocks the sound")
    expect(page.locator("[data-sound]")).to_have_attribute("data-state", "blocked")
    screen.saves("sound-blocked")
    screen.press("k")
    expect(page.locator("[data-sound]")).to_have_attribute("data-state", "on")
    expect(page.locator("html")).not_to_have_attribute("data-sounded", re.compile("."))
    one = place.alert()
    expect(page.locator("html")).to_have_attribute("data-sounded", re.compile(r"\d"))
    place.house.desk.people.take(one, "supervisor", None)
    screen.press("m")
    expect(page.locator("#sound input[name=minutes]").first).to_be_focused()
    screen.press("Enter")
    expect(page.locator("[data-sound]")).to_contain_text(re.compile(r"Muted until \d\d:\d\d"))


def test_single_keys_can_be_switched_off(screens: Screens, place: Stand) -> None:
    screen, one = screens.of("operator"), place.alert()
    page = screen.open(f"/incidents/{one}")
    screen.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.locator("[data-single-keys]").focus()
    screen.press("Space", "Escape", "t", "x")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert place.incident(one).state is State.OPEN
    page.locator("[data-do=take]").focus()
    screen.press("Enter")
    expect(page.locator("[data-opens=confirm]")).to_be_visible()


# ---------------------------------------------------------------------- text is text
TAGS = (
    *("img src=x", "svg", "body", "video src=x", "details open", "iframe src=x"),
    *("input autofocus", "a href=javascript:R", "math", "marquee"),
)
WAYS = (
    *("<{t} onerror=R>", "<{t} onload=R>", '"><{t} ontoggle=R>', "'><{t} onfocus=R>"),
    *("</template><{t} onstart=R>", "</script><script>R</script><{t}>", "<{t}/onerror=R//"),
    *("{{{{R}}}}<{t} onclick=R>", "<{t} style=x:expression(R)>", "javascript:R//<{t}>"),
)
STRINGS = [way.format(t=tag).replace("R", "window.hit=1") for way in WAYS for tag in TAGS]


def test_a_hundred_strings_that_would_run_are_read_as_text(screens: Screens, place: Stand) -> None:
    assert len(set(STRINGS)) == 100
    authority, people = place.house.desk.authority, place.house.desk.people
    screen, one = screens.of(EVERYTHING), place.alert()
    page = screen.open(f"/incidents/{one}")
    for number, text in enumerate(STRINGS):
        authority.stop(Scope.RULE, f"gate/{number}", "operator", text)
    expect(page.locator(".stops li")).to_have_count(100)
    people.take(one, EVERYTHING, None)
    note = " ".join(STRINGS)[:2000]
    people.decide(one, EVERYTHING, None, confirmed=True, reason="minor", note=note)
    expect(page.locator(".verdict q")).to_have_text(note)
    for path in ("/audit", "/authorisations", "/cameras"):
        page.goto(place.address + path)
        expect(page.locator(".stops li")).to_have_count(100)
        assert page.evaluate("window.hit") is None
    for number in range(100):
        authority.lift(Scope.RULE, f"gate/{number}", "operator", "the test is over")


# ---------------------------------------------------------------------- WCAG 2.2 AA
TAGGED = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": TAGGED, "resultTypes": ["violations"], "rules": {"region": {"enabled": True}}}


def violations(page: Page) -> list[str]:
    found: dict[str, Any] = Axe().run(page, options=OPTIONS).response
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def spills(page: Page) -> list[str]:
    """What is wider than the window, or stands outside it."""
    return list(
        page.evaluate(
            """() => [...document.querySelectorAll(".top > *, .tile, .card, .row, button")]
              .filter((e) => e.checkVisibility())
              .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
              .map((e) => e.outerHTML.slice(0, 100))"""
        )
    )


def test_enlarged_four_times_nothing_has_to_be_scrolled_sideways(
    screens: Screens, place: Stand
) -> None:
    """WCAG 2.2, 1.4.10: 1280 pixels at 400 % are 320."""
    screen, one = screens.of(EVERYTHING), place.alert()
    screen.page.set_viewport_size({"width": 320, "height": 256})
    for path in ("/", f"/incidents/{one}", "/cameras", "/technical", "/authorisations", "/audit"):
        page = screen.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def check(screen: Screen, name: str) -> None:
    assert violations(screen.page) == [], name
    assert spills(screen.page) == [], name
    screen.saves(f"axe-{name}")


def test_axe_finds_nothing_in_any_state_of_an_alert(screens: Screens, place: Stand) -> None:
    screen = screens.of(EVERYTHING)
    page = screen.open()
    check(screen, "empty")
    one = place.alert()
    expect(page.locator(f'a[data-incident="{one}"]')).to_be_visible()
    screen.press("j", "Enter")
    expect(page.locator("article")).to_be_visible()
    check(screen, "open")
    screen.press("t")
    expect(page.locator("[data-opens=confirm]")).to_be_focused()
    for key, kind in (("c", "confirm"), ("d", "dismiss"), ("h", "hand-over")):
        screen.press(key)
        expect(page.locator(f"[data-form={kind}]")).to_be_visible()
        if kind != "confirm":
            check(screen, kind)
    page.locator("summary").first.click()
    screen.press("Escape", "Escape", "c", "1", "Enter")
    expect(page.locator(".verdict")).to_be_visible()
    screen.press("f")
    check(screen, "decided")


def test_axe_finds_nothing_in_dialogs_and_banners(screens: Screens, place: Stand) -> None:
    screen = screens.of(EVERYTHING)
    page = screen.open()
    for key in ("x", "m", "?"):
        screen.press(key)
        expect(page.locator("dialog[open]")).to_be_visible()
        check(screen, f"dialog-{'keys' if key == '?' else key}")
        screen.press("Escape")
    place.house.desk.authority.stop(Scope.CAMERA, "gate", "operator", "works")
    place.ill = {Stage.CANARY: "it did not come"}
    expect(page.locator("[data-banner=ailing]")).to_be_visible()
    page.locator(".stops button").click()
    check(screen, "order")
    screen.press("Escape")
    place.quiet = True
    expect(page.locator("[data-banner=stale]")).to_be_visible(timeout=6000)
    check(screen, "stale")


PAGES = ("/cameras", "/cameras/gate/why", "/technical", "/authorisations", "/audit", "/statement",
         "/account", "/accounts", "/tokens")  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_nothing_on_any_page(screens: Screens, place: Stand, language: str) -> None:
    screen = screens.of(EVERYTHING, language=language, wide=language == "en")
    place.house.app.state.wall = Wall(snapshot)
    place.tell(Topic.TECHNICAL, [])
    for path in PAGES:
        screen.page.goto(place.address + path)
        check(screen, f"{path.strip('/')}-{language}")
    nobody = screens.of(language=language)
    nobody.page.goto(place.address + "/")
    check(nobody, f"sign-in-{language}")
