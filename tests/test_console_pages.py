"""Pages as the server makes them: which template with what in it, in both languages, for whom."""

from __future__ import annotations

import importlib.util
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest
from babel.messages.pofile import read_po
from fastapi.testclient import TestClient

from tests.acts import act
from tests.conftest import ROOT
from tests.console_house import House, house
from tests.desk import VIEW, picture
from veilleur.catalogue import Event
from veilleur.console.rendered import HOLDS, Rendered
from veilleur.console.rendering import TEMPLATES, environment
from veilleur.console.wall import FRESH_S, Wall
from veilleur.desk.vitals import Stage
from veilleur.engine.report import Condition
from veilleur.engine.seen import Boxes, Snapshot
from veilleur.engine.whynot import WhyNot
from veilleur.errors import NotAuthorised
from veilleur.events.rule import Candidate, Check
from veilleur.events.wording import Language
from veilleur.geometry import Box
from veilleur.incidents.incident import State
from veilleur.law.act import summary
from veilleur.law.authorisation import Authorisation
from veilleur.law.deed import Deed
from veilleur.law.orders import Scope
from veilleur.store import evidence
from veilleur.store.evidence import Content, Sort

STATIC = TEMPLATES.parent / "static"
XSS = "<img src=x onerror=alert(1)>\"'&{{ 77711*97777 }}</script><script>alert(1)</script>"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        yield one


def shown(answer: Any) -> Any:
    """What a page was made with."""
    return answer.context


def macros(language: Language, name: str) -> Any:
    """The macros of a template, to be called."""
    return environment(language).get_template(name).module


def lab_act(*cameras: str) -> Authorisation:
    """In force now, for this site's cameras."""
    now = datetime.now(UTC)
    period = {"from": now - timedelta(hours=1), "until": now + timedelta(days=1)}
    return act(
        reference="LAB-1",
        laboratory=True,
        cameras=cameras,
        period=period,
        services=("municipal_police",),
    )


def words_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("words", ROOT / "scripts" / "console_words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---------------------------------------------------------------------- words
def test_every_text_has_its_french_and_no_other_stands_in_the_catalogue() -> None:
    script = words_script()
    with script.CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="fr")
    known = {one.id if isinstance(one.id, str) else one.id[0]: one for one in catalogue if one.id}
    used = {text if isinstance(text, str) else text[0] for _, text in script.texts()}
    assert len(used) > 300
    assert used - set(known) == set(), "python scripts/console_words.py adds them"
    assert set(known) - used == set(), "python scripts/console_words.py drops them"
    for one in known.values():
        strings = [one.string] if isinstance(one.string, str) else list(one.string or ())
        assert strings, one.id
        assert all(strings), f"no French for {one.id!r}"
        assert not one.fuzzy, one.id
        assert list(one.check(catalogue)) == [], one.id
        for braces in re.findall(r"\{\w+\}", str(one.id)):
            assert braces in str(one.string), one.id


VALUES = re.compile(
    r"\{% block layout %\}\w*\{% endblock %\}|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL
)
SPOKEN = re.compile(r"(?:aria-label|title|alt|placeholder)=\"([^\"]*)\"")
NAMES = {
    "Veilleur",
    "J",
    "K",
    "N",
    "s",
    "Esc",
    "C",
    "T",
    "D",
    "H",
    "R",
    "F",
    "S",
    "L",
    "X",
    "M",
    "Y",
    "Z",
    "Ctrl",
}


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: str(p.relative_to(TEMPLATES))
)
def test_no_word_stands_in_a_template_without_its_translation(path: Path) -> None:
    if path.parent.name == "plain":
        return  # those pages say both languages where they stand, and have their own test
    text = VALUES.sub(" ", path.read_text(encoding="utf-8"))
    spoken = " ".join(SPOKEN.findall(text))
    between = re.sub(r"<[^>]*>", " ", text)
    found = set(re.findall(r"[A-Za-zÀ-ÿ]+", f"{between} {spoken}"))
    assert found - NAMES == set()


def test_what_scripts_say_stands_in_the_page() -> None:
    texts = environment("en").get_template("parts/texts.html").render()
    keys = set(re.findall(r'data-key="([^"]+)"', texts))
    assert all(f"stage-{stage.value}" in keys for stage in Stage)
    assert all(f"event-{event.value}" in keys for event in Event)
    ours = ("alerts", "ask", "clock", "console", "dialogs", "feed", "signals", "sound", "views")
    for name in ours:
        script = (STATIC / f"{name}.js").read_text(encoding="utf-8")
        said = set(re.findall(r'say\(\s*"([^"$]+)"', script))
        assert said - keys == set(), name
        assert re.findall(r'textContent = [`"][^`"$]*[A-Za-z]{3}', script) == [], name


def test_text_becomes_elements_in_one_place_alone_and_nothing_becomes_script() -> None:
    """S7: the only Trusted Types policy is that of `swap.js`, for what our own server rendered."""
    sinks = re.compile(
        r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|createPolicy|\beval\(|"
        r"new Function|createContextualFragment|parseFromString|setHTML|javascript:"
    )
    found = {path.name: sinks.findall(path.read_text()) for path in STATIC.glob("*.js")}
    used = {name: sinks_ for name, sinks_ in found.items() if sinks_}
    assert used == {"swap.js": ["createPolicy", "innerHTML"]}
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape false|Markup\(", text), path
        assert not re.search(
            r"<script(?! type=\"module\" src=\"/static/)| on[a-z]+=| style=", text
        ), path


def test_every_deed_condition_field_and_refusal_has_its_words() -> None:
    languages: tuple[Language, ...] = ("en", "fr")
    for language in languages:
        deeds, law = macros(language, "parts/deeds.html"), macros(language, "parts/law.html")
        assert all(str(deeds.deed(deed.value)) for deed in Deed)
        assert [deed for deed in Deed if "_" in str(deeds.deed(deed.value))] == []
        assert all(str(law.field(line.field)) for line in summary(act(), language))
        stages = macros(language, "parts/stages.html")
        assert all(
            str(stages.stage(stage.value)) != stage.value or stage is Stage.ANALYSIS
            for stage in Stage
        )
    unknown = NotAuthorised("x", cause="something new")
    assert "not complete" in macros("en", "parts/law.html").refusal(unknown)
    french = environment("fr").filters["condition"]
    assert [one for one in Condition if french(one) == one.value] == []


# ---------------------------------------------------------------------- alerts
def test_the_queue_has_what_waits_and_one_is_before_the_operator(made: House) -> None:
    first, other = made.incident("gate"), made.incident("dock")
    page = made.browser("operator").get(f"/incidents/{first}")
    context = shown(page)
    assert cast(Any, page).template == "alerts.html"
    assert {one.id for one in context["queue"].waiting} == {first, other}
    assert context["shown"].incident.id == first
    assert "in the zone for 2.0\xa0s" in context["shown"].why
    assert 'data-do="take"' in page.text


def test_who_sees_one_camera_has_no_other_in_queue_or_alert(made: House) -> None:
    mine, other = made.incident("dock"), made.incident("gate")
    docker = made.browser("docker")
    assert [one.id for one in shown(docker.get("/"))["queue"].waiting] == [mine]
    for path in ("", "/part", "/still.jpg", "/clip.mp4"):
        assert docker.get(f"/incidents/{other}{path}").status_code == 404
    assert [one["id"] for one in docker.get("/waiting").json()["incidents"]] == [str(mine)]
    assert "gate" not in docker.get("/cameras").text
    assert docker.get("/cameras/gate/picture.jpg").status_code == 404


def test_only_the_taker_can_decide_and_others_read_who_it_is(made: House) -> None:
    one = made.incident()
    operator = made.browser("operator")
    operator.post(f"/api/v1/incidents/{one}/take")
    mine, theirs = operator.get(f"/incidents/{one}/part").text, made.browser("supervisor")
    assert 'data-opens="confirm"' in mine
    seen = theirs.get(f"/incidents/{one}/part").text
    assert 'data-opens="confirm"' not in seen
    assert "operator has it and decides." in seen


def test_whoever_is_at_it_keeps_the_claim(made: House) -> None:
    one = made.incident()
    operator = made.browser("operator")
    operator.post(f"/api/v1/incidents/{one}/take")
    before = operator.get(f"/api/v1/incidents/{one}").json()["revision"]
    assert operator.post(f"/incidents/{one}/touch").status_code == 204
    assert operator.get(f"/api/v1/incidents/{one}").json()["revision"] >= before
    assert made.browser("supervisor").post(f"/incidents/{one}/touch").status_code == 409


def test_what_somebody_typed_is_text_and_nothing_else(made: House) -> None:
    one = made.incident()
    operator = made.browser("operator")
    operator.post(f"/api/v1/incidents/{one}/take")
    verdict = {"confirmed": True, "reason": "as_signalled", "note": XSS}
    operator.post(f"/api/v1/incidents/{one}/decide", json=verdict)
    made.desk.authority.stop(Scope.EVERYTHING, "", "operator", XSS)
    for path in (f"/incidents/{one}", f"/incidents/{one}/part", "/stops", "/"):
        text = operator.get(path).text
        assert "<img src=x" not in text
        assert "<script>alert" not in text
        assert str(77711 * 97777) not in text
    assert "&lt;img src=x onerror" in operator.get(f"/incidents/{one}/part").text
    audit = made.browser("auditor").get("/audit").text
    assert "<img src=x" not in audit
    assert "&lt;img" in audit


def test_the_alert_is_whole_in_french(made: House) -> None:
    one = made.incident()
    operator = made.browser("operator")
    operator.post(
        "/account/language", data={"language": "fr", "csrf": operator.headers["X-CSRF-Token"]}
    )
    text = operator.get(f"/incidents/{one}").text
    assert '<html lang="fr">' in text
    for words in ("En attente", "Franchissement ou présence en zone interdite", "Prendre", "Haute",
                  "dans la zone depuis 2,0\xa0s", "Laboratoire"):  # fmt: skip
        assert words in text
    for english in ("Waiting", "Take it", "Forbidden", "Laboratory", "High<"):
        assert english not in text


def promised(made: House, incident: UUID) -> UUID:
    now = datetime.now(UTC)
    with made.desk.database.write() as w:
        expires = now + timedelta(days=1)
        return evidence.promise(w, incident, Sort.STILL, taken_at=now, expires_at=expires)


def test_the_still_is_given_and_its_absence_is_a_state(made: House) -> None:
    one, operator = made.incident(), made.browser("operator")
    piece = promised(made, one)
    with made.desk.database.write() as w:
        evidence.keep(w, piece, Content(b"\xff\xd8jpeg", "image/jpeg"))
    answer = operator.get(f"/incidents/{one}/still.jpg")
    assert answer.content == b"\xff\xd8jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    broken = made.incident("dock")
    failed = promised(made, broken)
    with made.desk.database.write() as w:
        evidence.fail(w, failed, "disk full")
    assert operator.get(f"/incidents/{broken}/still.jpg").status_code == 410
    text = operator.get(f"/incidents/{broken}/part").text
    assert "No picture was kept: disk full" in text
    assert "data-still" not in text


# ---------------------------------------------------------------------- who begins where
@pytest.mark.parametrize(
    ("who", "where"),
    [("integrator", "/cameras"), ("auditor", "/audit"), ("dpo", "/audit"), ("expired", "/cameras")],
)
def test_everybody_begins_where_their_role_is_at_work(made: House, who: str, where: str) -> None:
    browser = made.browser(who)
    answer = browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, where)
    page = browser.get(where)
    assert page.status_code == 200
    assert ("has expired" in page.text) == (who == "expired")


PAGES = {
    "operator": ("/", "/cameras", "/technical", "/authorisations", "/statement"),
    "integrator": ("/cameras", "/technical", "/authorisations", "/statement"),
    "dpo": ("/audit", "/authorisations"),
}


@pytest.mark.parametrize("who", PAGES)
def test_each_page_is_marked_as_laboratory_and_has_only_the_links_one_may_follow(
    made: House, who: str
) -> None:
    browser = made.browser(who)
    for path in PAGES[who]:
        page = browser.get(path)
        assert page.status_code == 200, path
        assert "in-laboratory" in page.text
        assert "nobody real is watched" in page.text
        for link in set(re.findall(r'<a href="(/[a-z]*)"', page.text)):
            assert browser.get(link).status_code in (200, 303), f"{path} has a link to {link}"


def test_the_statement_is_open_to_everybody_and_tells_nothing_of_the_site(made: House) -> None:
    page = made.browser().get("/statement")
    assert page.status_code == 200
    assert "square" not in page.text
    assert "data-stop" not in re.sub(r"data-stops", "", page.text)


# ---------------------------------------------------------------------- cameras
def test_a_camera_s_tile_says_why_a_rule_may_not_look(made: House) -> None:
    made.desk.authority.add(lab_act("gate", "dock"), "boss")
    made.desk.authority.stop(Scope.RULE, "gate/tracks", "operator", "works")
    text = made.browser("operator").get("/cameras/tiles").text
    assert "stopped by somebody on duty" in text
    assert text.count('data-stop data-rule="ramp"') == 1
    assert 'data-rule="tracks"' not in text
    assert "Zones and rules" not in text
    assert "/cameras/gate/rules" in made.browser("integrator").get("/cameras").text


def test_why_a_rule_was_silent_is_said_in_one_sentence_each(
    made: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Check(name="inside", measured=0.4, threshold=2, unit="s", held_s=0.4, passed=False)
    seen = Candidate(where=Box(0, 0, 10, 20), checks=(failed,))
    now = datetime.now(UTC)
    silent = WhyNot(at=now, host_s=1.0, rule="tracks", candidate=seen, unfit=None)
    unfit = WhyNot(at=now, host_s=2.0, rule="tracks", candidate=seen, unfit="too oblique")
    monkeypatch.setattr(made.desk.watch.node, "why_not", lambda *_: (silent, unfit))
    page = made.browser("integrator").get("/cameras/gate/why")
    assert "No signal: in the zone for 0.4\xa0s, 2.0\xa0s are needed." in page.text
    assert "too oblique" in page.text
    assert [one.host_s for one in shown(page)["reasons"]] == [2.0, 1.0], "the newest first"
    assert made.browser("docker").get("/cameras/gate/why").status_code == 404


def test_who_may_see_no_picture_is_shown_none(made: House) -> None:
    integrator = made.browser("integrator")
    assert "data-live-picture" not in integrator.get("/cameras").text
    assert integrator.get("/cameras/gate/picture.jpg").status_code == 403


class Camera:
    """A camera that counts how often its picture is asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 0.0

    def snapshot(self, camera: str) -> Snapshot | None:
        self.asked += 1
        taken = datetime(2026, 12, 1, tzinfo=UTC) + timedelta(seconds=self.now)
        person = np.array([[10, 10, 60, 160]], np.float32)
        boxes = Boxes(person, np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32))
        return Snapshot(camera, picture(), VIEW, boxes, taken, 0.0)


def test_however_many_look_a_picture_is_made_once_a_second() -> None:
    camera = Camera()
    wall = Wall(camera.snapshot, now=lambda: camera.now)
    first = wall.picture("gate")
    assert first is not None
    assert all(wall.picture("gate") is first for _ in range(100))
    assert camera.asked == 1
    camera.now += FRESH_S
    assert wall.picture("gate") is not first
    assert camera.asked == 2


def test_a_wall_picture_says_when_it_was_taken(made: House) -> None:
    made.app.state.wall = Wall(Camera().snapshot)
    answer = made.browser("operator").get("/cameras/gate/picture.jpg")
    assert answer.headers["X-Taken-At"] == "2026-12-01T00:00:00.000+00:00"
    assert answer.content[:2] == b"\xff\xd8"


def test_without_a_picture_that_is_said(made: House) -> None:
    answer = made.browser("operator").get("/cameras/gate/picture.jpg")
    assert answer.status_code == 410


def test_a_piece_is_made_once_for_all_who_see_the_same_and_anew_after_a_change() -> None:
    made: list[int] = []

    def make() -> str:
        made.append(1)
        return f"<p>{len(made)}</p>"

    rendered = Rendered()
    assert {rendered.get((1, None, "fr"), make) for _ in range(100)} == {"<p>1</p>"}
    assert rendered.get((2, None, "fr"), make) == "<p>2</p>"
    assert rendered.get((1, frozenset({"gate"}), "fr"), make) == "<p>3</p>"
    for number in range(HOLDS):
        rendered.get(number, make)
    assert rendered.get((1, None, "fr"), make) != "<p>1</p>", "what is not asked for is let go"


def test_the_queue_of_one_camera_is_not_given_to_who_sees_another(made: House) -> None:
    mine, other = made.incident("dock"), made.incident("gate")
    everything = made.browser("operator").get("/queue").text
    assert str(mine) in everything
    assert str(other) in everything
    assert str(other) not in made.browser("docker").get("/queue").text


# ---------------------------------------------------------------------- stops
def test_a_stop_stands_on_every_page_and_may_be_lifted_by_few(made: House) -> None:
    made.desk.authority.stop(Scope.CAMERA, "gate", "operator", "works")
    assert "Camera gate is stopped" in made.browser("operator").get("/cameras").text
    assert 'data-order="/api/v1/stops/lift"' not in made.browser("operator").get("/stops").text
    assert 'data-order="/api/v1/stops/lift"' in made.browser("supervisor").get("/stops").text
    assert "gate" not in made.browser("docker").get("/stops").text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_clock_in_doubt_is_told_and_a_supervisor_answers_for_it(
    made: House, language: str
) -> None:
    boss, operator = made.browser("supervisor"), made.browser("operator")
    for browser in (boss, operator):
        token = browser.headers["X-CSRF-Token"]
        browser.post("/account/language", data={"language": language, "csrf": token})
    path, words = "/api/v1/clock/right", {"en": "is in doubt", "fr": "mise en doute"}[language]
    assert words not in boss.get("/technical").text
    steady = made.desk.gate.steady
    steady.settle(datetime.now(UTC) - timedelta(hours=1))
    for page in ("/technical", "/technical/part"):
        assert words in operator.get(page).text
        assert f'data-order="{path}"' not in operator.get(page).text
        assert f'data-order="{path}"' in boss.get(page).text
    said = {"reason": "compared with the clock of the station"}
    assert operator.post(path, json=said).status_code == 403
    assert made.desk.authority.doubt_s > 3590
    assert boss.post(path, json=said).status_code == 204
    assert made.desk.authority.doubt_s == 0
    (line,) = made.residents.lines(Deed.CLOCK_STEPPED)
    assert (line.who, line.reason) == ("supervisor", said["reason"])
    assert words not in boss.get("/technical").text


# ---------------------------------------------------------------------- authorisations
NEW = """
reference: LAB-2
authority: nobody
laboratory: true
cameras: [gate, elsewhere]
events: [forbidden_zone]
period: {from: %s, until: %s}
controller: x
perimeter: y
services: [municipal_police]
gathering: cultural
reasons: a test
notice: {text: t, told_by: [p]}
"""


def new_act() -> str:
    now = datetime.now(UTC)
    return NEW % (now.isoformat(), (now + timedelta(days=9)).isoformat())


def post(browser: TestClient, text: str, **more: str) -> Any:
    fields = {"text": text, "csrf": browser.headers["X-CSRF-Token"], **more}
    return browser.post("/authorisations", data=fields)


def test_an_act_is_read_first_and_then_put_in_force(made: House) -> None:
    boss = made.browser("supervisor")
    read = post(boss, new_act())
    assert read.status_code == 200
    assert "The act was read. This is what it says:" in read.text
    assert "cameras that this site does not have: elsewhere" in read.text
    assert made.desk.authority.acts() == []
    assert post(boss, new_act(), add="true").status_code == 303
    assert [one.authorisation.reference for one in made.desk.authority.acts()] == ["LAB-2"]
    again = post(boss, new_act(), add="true")
    assert again.status_code == 422
    assert "reference is here already" in again.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (new_act().replace("perimeter: y\n", ""), "the act is not complete"),
        ("reference: [", "line"),
        ("", "can't be read"),
        (new_act().replace("cultural", "political"), "line 11"),
        (f"reference: '{XSS}'", "can't be read"),
    ],
)
def test_what_is_wrong_with_an_act_is_said_and_nothing_is_kept(
    made: House, text: str, said: str
) -> None:
    answer = post(made.browser("supervisor"), text, add="true")
    assert answer.status_code == 422
    assert said in answer.text
    assert "<img src=x" not in answer.text
    assert made.desk.authority.acts() == []


def test_an_act_stands_with_its_state_and_who_suspended_it(made: House) -> None:
    made.desk.authority.add(lab_act("gate"), "boss")
    made.desk.authority.suspend("LAB-1", "dpo", "ordered by the prefect")
    text = made.browser("supervisor").get("/authorisations").text
    assert "Suspended by dpo" in text
    assert "ordered by the prefect" in text
    assert "municipal_police" not in text, "services have names"
    assert "authorisations/suspend" not in text, "once is enough"


# ---------------------------------------------------------------------- record
def test_the_record_is_asked_by_deed_account_and_day(made: House) -> None:
    made.desk.authority.stop(Scope.CAMERA, "gate", "operator", "works")
    made.desk.authority.stop(Scope.CAMERA, "dock", "supervisor", "works")
    auditor = made.browser("auditor")
    lines = shown(auditor.get("/audit?deed=stopped&who=operator"))["lines"]
    assert [one.line.of for one in lines] == ["camera:gate"]
    assert shown(auditor.get("/audit?until=2020-01-01"))["lines"] == []
    assert auditor.get("/audit?deed=nonsense").status_code == 422
    assert [line.who for line in made.residents.lines(Deed.AUDIT_READ)] == ["auditor", "auditor"]


def test_the_record_is_leafed_through_without_losing_a_line(made: House) -> None:
    for number in range(130):
        made.desk.authority.stop(Scope.RULE, f"gate/{number}", "operator", "works")
    auditor, path, found = made.browser("auditor"), "/audit?deed=stopped", []
    while path:
        context = shown(auditor.get(path))
        found += [one.line.of for one in context["lines"]]
        path = str(context["older"])
    assert found == [f"rule:gate/{number}" for number in reversed(range(130))]


def test_the_record_is_checked_and_a_change_is_named(made: House) -> None:
    auditor = made.browser("auditor")
    token = {"csrf": auditor.headers["X-CSRF-Token"]}
    whole = auditor.post("/audit/verify", data=token)
    assert shown(whole)["report"].intact
    assert "The record is whole" in whole.text
    meddle(made.residents.folder / "veilleur.db")
    broken = auditor.post("/audit/verify", data=token)
    assert "The record was tampered with." in broken.text
    assert re.search(r"Line 2:\s+changed", broken.text)


def meddle(file: Path) -> None:
    """As somebody who has the file would."""
    with closing(sqlite3.connect(file)) as db, db:
        for (name,) in db.execute(
            "select name from sqlite_master where type = 'trigger'"
        ).fetchall():
            db.execute(f"drop trigger {name}")
        db.execute("update audit set who = 'nobody' where number = 2")


def test_an_incident_that_is_decided_leaves_the_queue(made: House) -> None:
    one, operator = made.incident(), made.browser("operator")
    operator.post(f"/api/v1/incidents/{one}/take")
    verdict = {"confirmed": False, "reason": "light", "note": ""}
    operator.post(f"/api/v1/incidents/{one}/decide", json=verdict)
    queue = shown(operator.get("/"))["queue"]
    assert "Dismissed" in operator.get("/queue").text
    assert queue.waiting == []
    assert [(done.id, done.state) for done in queue.done] == [(one, State.DISMISSED)]
    assert "What came of it?" in operator.get(f"/incidents/{one}/part").text
