"""What the editor's pages are told: words in both languages, mistakes in place, the ground."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.console_house import House, house
from veilleur import geometry, ground, site_editing
from veilleur.console.ground_drawing import drawing
from veilleur.console.mistakes import mistakes_in, say
from veilleur.console.permission import Role
from veilleur.console.schedule_text import as_text, from_text
from veilleur.console.settings_words import FRENCH_HELP, NAMES, choices
from veilleur.desk import configuring
from veilleur.errors import ConfigurationError
from veilleur.events import heading, registry, schedule
from veilleur.events.registry import RULES
from veilleur.events.schedule import Schedule
from veilleur.ground import GroundSpecification, ground_plane
from veilleur.site_editing import SiteFile, SiteReadOnly

RULE_MODULES = [sys.modules[known.parameters.__module__] for known in RULES.values()]
CAMERA = "/api/v1/cameras/gate"
WHY = "the kerb was moved"
COURT: dict[str, Any] = {
    "image": [[0.1, 0.9], [0.9, 0.9], [0.7, 0.4], [0.3, 0.4], [0.3588, 0.6059], [0.5857, 0.7571]],
    "metres": [[0, 0], [8, 0], [8, 12], [0, 12], [2, 5], [5, 2]],
}


# ---------------------------------------------------------------------- words
def test_every_setting_of_every_event_has_words_in_both_languages() -> None:
    """To add some: NAMES and FRENCH_HELP in console/settings_words.py."""
    fields = [
        (name, field.description)
        for registered in RULES.values()
        for name, field in registered.parameters.model_fields.items()
    ]
    assert sorted({name for name, _ in fields} - set(NAMES)) == []
    assert sorted({str(text) for _, text in fields} - set(FRENCH_HELP)) == []
    for english, french in zip(choices("en"), choices("fr"), strict=True):
        assert english.words != french.words
        assert [one.default for one in english.parameters] == [
            one.default for one in french.parameters
        ]


def sentences(module: ModuleType) -> Iterator[str]:
    """Messages and remedies that a module's errors are made with; values as 7."""
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in ("ConfigurationError", "_refuse", "ValueError", "SiteMoved", "SiteReadOnly"):
            parts = [*node.args, *(word.value for word in node.keywords if word.arg == "remedy")]
            yield from filter(None, map(filled, parts))


def filled(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(filled(part) for part in node.values)
    return "7" if isinstance(node, ast.FormattedValue) else ""


@pytest.mark.parametrize(
    "module",
    [geometry, ground, heading, registry, schedule, configuring, *RULE_MODULES],
    ids=lambda module: module.__name__,
)
def test_what_goes_wrong_while_drawing_is_said_in_french(module: ModuleType) -> None:
    silent = []
    for sentence in sentences(module):
        words = re.sub(r"^(rule 7|7): ", "", sentence)
        if words not in KEPT and say(words, "fr") == words:
            silent.append(words)
    assert silent == []


KEPT = {
    "points are pairs of numbers",  # the page sends nothing else
    "write each as [x, y], 0..1",
    "coordinates are relative to the picture, 0..1, x to the right and y down",
    "7",
    "7: 7",
    "ground: 7",
    "see docs/events.md",
    "see docs/events.md, Ground",
    "camera 7 does not run",
}


def test_a_mistake_names_its_rule_and_setting_and_hides_nothing() -> None:
    error = ConfigurationError(
        "rule tracks: params.dwell_s: 'soon' is no number",
        remedy="write the number alone, in seconds",
        setting="cameras.3.rules.1.params.dwell_s",
    )
    (mistake,) = mistakes_in(error, "en")
    assert (mistake.rule, mistake.where) == (1, "Time inside")
    assert mistake.message == "'soon' is no number"
    (french,) = mistakes_in(error, "fr")
    assert french.message == "'soon' n’est pas un nombre"
    (strange,) = mistakes_in(ConfigurationError("nobody foresaw this", setting="x"), "fr")
    assert (strange.rule, strange.message) == (None, "nobody foresaw this")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_schedule_written_as_text_comes_back_the_same(language: Any) -> None:
    whole = {
        "weekly": {"mon-fri": ["22:00-06:00", "12:00-14:00"], "sat,sun": ["00:00-24:00"]},
        "holidays": {"country": "FR", "subdivision": "BL", "days": ["00:00-24:00"]},
        "time_zone": "Europe/Paris",
    }
    Schedule.model_validate(whole)
    assert from_text(as_text(whole, language)) == whole


def test_a_line_that_is_no_schedule_is_left_for_the_schedule_to_tell() -> None:
    with pytest.raises(ValueError, match="'someday' is no day"):
        Schedule.model_validate(from_text("someday 22:00-06:00"))
    assert from_text("  \n") == {}


# ---------------------------------------------------------------------- the ground
def test_the_grid_lies_on_the_ground_and_a_wrong_point_has_the_longest_error() -> None:
    spec = GroundSpecification.model_validate(COURT)
    right = drawing(spec, 1600, 900, Path())
    assert right.level == "good"
    assert all(point.error_m is not None and point.error_m < 0.05 for point in right.points)
    plane = ground_plane(spec, 1600, 900, Path())
    on = plane.to_metres(np.array(right.grid[0]) * (1600, 900))
    assert np.allclose(on[:, 0], on[0, 0], atol=0.05)
    assert on[0, 0] / right.step_m == pytest.approx(round(on[0, 0] / right.step_m), abs=0.05)
    metres = [*COURT["metres"][:5], [5, 5]]
    wrong = drawing(
        GroundSpecification.model_validate({**COURT, "metres": metres}), 1600, 900, Path()
    )
    errors = [point.error_m or 0.0 for point in wrong.points]
    assert wrong.error_m is not None
    assert wrong.error_m > 10 * (right.error_m or 0.0)
    assert errors[5] > 1.0
    assert wrong.level == "poor"


def test_four_points_are_drawn_and_called_unchecked() -> None:
    four = {name: points[:4] for name, points in COURT.items()}
    made = drawing(GroundSpecification.model_validate(four), 1600, 900, Path())
    assert (made.level, made.error_m, made.points) == ("unknown", None, ())
    assert made.grid


# ---------------------------------------------------------------------- the routes
@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        yield one


def given(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def wanted(made: House, **settings: Any) -> dict[str, Any]:
    told = given(made.browser("integrator").get(f"{CAMERA}/rules"))
    rules = [{**told["rules"][0], "settings": {**told["rules"][0]["settings"], **settings}}]
    return {"rules": rules, "reason": WHY, "state": told["state"]}


def adopt_nothing(made: House) -> None:
    """The desk of this house does not run: nothing is analysed, so no camera follows."""
    made.desk.watch.replace = lambda member: None  # type: ignore[method-assign]


def test_what_was_given_can_be_saved_and_runs(made: House) -> None:
    adopt_nothing(made)
    body = wanted(made, priority="high")
    done = given(made.browser("integrator").post(f"{CAMERA}/rules", json=body))
    assert done["saved"]
    assert "+" in done["patch"]
    assert "canary-of-the-camera" not in done["patch"]
    running = made.desk.site.camera("gate")
    assert running is not None
    assert running.rules[0].urgency.value == "high"
    again = made.browser("integrator").post(f"{CAMERA}/rules", json=body)
    assert (again.status_code, again.json()["cause"]) == (409, "moved")


def test_mistakes_are_422_and_each_is_told(made: House) -> None:
    body = wanted(made, zone=[[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]], params={"dwel_s": 1})
    answer = made.browser("integrator").post(f"{CAMERA}/rules", json=body)
    assert (answer.status_code, answer.json()["saved"]) == (422, False)
    assert [one["rule"] for one in answer.json()["mistakes"]] == [0, 0]
    check = {"rules": body["rules"]}
    told = given(made.browser("integrator").post(f"{CAMERA}/rules/check", json=check))
    assert told["mistakes"] == answer.json()["mistakes"]


def test_a_read_only_file_gives_the_patch(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(edit: site_editing.Edit) -> None:
        raise SiteReadOnly("read-only", remedy="apply it", file="", patch=edit.patch)

    monkeypatch.setattr(configuring, "save", refuse)
    body = wanted(made, priority="high")
    answer = made.browser("integrator").post(f"{CAMERA}/rules", json=body)
    assert (answer.status_code, answer.json()["cause"]) == (409, "read_only")
    assert "priority: high" in answer.json()["patch"]


def test_the_ground_is_checked_drawn_and_saved(made: House) -> None:
    adopt_nothing(made)
    browser = made.browser("integrator")
    seen = given(browser.post(f"{CAMERA}/ground/check", json={"ground": COURT}))
    assert (seen["level"], seen["mistakes"], len(seen["points"])) == ("good", [], 6)
    few = {name: points[:3] for name, points in COURT.items()}
    assert given(browser.post(f"{CAMERA}/ground/check", json={"ground": few}))["mistakes"]
    state = given(browser.get(f"{CAMERA}/ground"))["state"]
    body = {"ground": COURT, "reason": WHY, "state": state}
    assert given(browser.post(f"{CAMERA}/ground", json=body))["saved"]
    assert SiteFile.read(made.desk.settings.file).camera("gate")["ground"] == COURT


def test_who_does_not_see_a_camera_does_not_draw_on_it(made: House) -> None:
    made.residents.add("narrow", Role.INTEGRATOR, cameras=frozenset({"dock"}))
    browser = made.browser("narrow")
    for path in ("/cameras/gate/rules", "/cameras/gate/ground", "/cameras/gate/frame.jpg"):
        assert browser.get(path).status_code == 404
    assert browser.get(f"{CAMERA}/rules").status_code == 404
    body = wanted(made)
    assert browser.post(f"{CAMERA}/rules", json=body).status_code == 404
    assert browser.post(f"{CAMERA}/rules/check", json={"rules": []}).status_code == 404


def test_without_a_picture_the_frame_says_so(made: House) -> None:
    assert made.browser("integrator").get("/cameras/gate/frame.jpg").status_code == 410
