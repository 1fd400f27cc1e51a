"""A zone is drawn anew while everything runs: the file, the record and that camera follow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from tests.made_desk import DeskAtWork, made_site
from tests.watching import Blocks
from veilleur.desk import configuring
from veilleur.engine.report import Condition
from veilleur.errors import ConfigurationError, StoreError
from veilleur.law.deed import Deed
from veilleur.law.orders import Scope
from veilleur.site import load_site
from veilleur.site_editing import DraftRule, SiteFile, SiteMoved, SiteReadOnly
from veilleur.store import chain, incidents
from veilleur.store.chain import Line
from veilleur.yaml import Problems

SKY = [[0.0, 0.0], [0.2, 0.0], [0.2, 0.1], [0.0, 0.1]]
WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]
WHY = "the kerb was moved"


class Place:
    """A desk at work with two cameras, near and far."""

    def __init__(self, at_work: DeskAtWork, file: Path) -> None:
        self.at_work, self.desk, self.file = at_work, at_work.desk, file
        self.original = file.read_text()

    def draft(self, **settings: Any) -> DraftRule:
        rule = SiteFile.read(self.file).camera("near")["rules"][0]
        return DraftRule(rule["id"], {**rule, **settings})

    def configure(self, *drafts: DraftRule) -> configuring.Configured:
        return self.desk.configuring.configure_rules(
            "near", drafts, who="ines", reason=WHY, state=self.state()
        )

    def state(self) -> str:
        return SiteFile.read(self.file).state("near")

    def lines(self) -> list[Line]:
        with self.desk.database.read() as r:
            assert chain.verify(r).intact
            return [one for one in chain.lines(r, limit=10_000) if one.deed == Deed.CONFIGURED]

    def rules_signalled(self) -> set[str]:
        with self.desk.database.read() as r:
            found = incidents.recent(r, None, camera="near")
        return {one.first.rule for one in found}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("desk")
    file = made_site(folder, "near", "far")
    with DeskAtWork(file, folder, Blocks()) as at_work:
        for name in ("near", "far"):
            at_work.until(lambda name=name: at_work.report(name).analysed > 0, "pictures")  # type: ignore[misc]
        yield Place(at_work, file)


@pytest.fixture
def place(running: Place) -> Iterator[Place]:
    """As it was before, afterwards."""
    yield running
    running.file.write_text(running.original)
    if running.desk.site != load_site(running.file):
        running.configure(running.draft(priority="low"))
        running.file.write_text(running.original)
        running.configure(running.draft())


def test_a_new_rule_signals_and_no_other_camera_loses_a_frame(place: Place) -> None:
    far, wait = place.at_work.report("far"), place.at_work.until
    before = len(place.lines())
    new = DraftRule("", {"id": "drawn", "event": "forbidden_zone", "zone": WHOLE})
    done = place.configure(place.draft(zone=SKY), new)
    assert [rule.id for rule in place.desk.site.cameras[0].rules] == ["anybody", "drawn"]
    assert load_site(place.file) == place.desk.site
    wait(lambda: "drawn" in place.rules_signalled(), "a signal of the new rule")
    assert place.at_work.condition("near") is Condition.RUNNING
    now = place.at_work.report("far")
    assert now.dropped == far.dropped
    assert now.analysed > far.analysed
    line = place.lines()[before]
    assert (line.who, line.of, line.reason) == ("ines", "camera:near", WHY)
    assert json.loads(line.details)["diff"] == done.patch
    assert "drawn" in done.patch


def test_a_change_that_changes_nothing_leaves_no_line(place: Place) -> None:
    before = len(place.lines())
    assert place.configure(place.draft()).patch == ""
    assert len(place.lines()) == before


def test_mistakes_are_told_and_nothing_happens(place: Place) -> None:
    crossing = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]
    site, before = place.desk.site, len(place.lines())
    with pytest.raises(Problems, match="crosses itself"):
        place.configure(place.draft(zone=crossing))
    assert place.file.read_text() == place.original
    assert (place.desk.site, len(place.lines())) == (site, before)


def test_a_schedule_on_a_film_without_a_time_is_told_with_its_place(place: Place) -> None:
    schedule = {"weekly": {"daily": ["22:00-06:00"]}}
    with pytest.raises(Problems) as caught:
        place.configure(place.draft(params={"schedule": schedule}))
    assert caught.value.problems[0].setting == "cameras.0.rules.0.params.schedule"


def test_who_drew_on_an_older_state_is_told_so(place: Place) -> None:
    old = place.state()
    place.configure(place.draft(priority="high"))
    with pytest.raises(SiteMoved):
        place.desk.configuring.configure_rules(
            "near", [place.draft()], who="ines", reason=WHY, state=old
        )


def test_other_changes_of_the_file_wait_for_the_next_start(place: Place) -> None:
    place.file.write_text(place.original.replace("- id: far", "- id: far\n    rate_hz: 2"))
    place.configure(place.draft(priority="high"))
    assert place.desk.site.cameras[1].rate_hz == 5.0
    assert load_site(place.file).cameras[1].rate_hz == 2.0


def test_a_mistake_elsewhere_in_the_file_is_told_as_such(place: Place) -> None:
    broken = place.original.replace("- id: far", "- id: far\n    rate_hz: -2")
    place.file.write_text(broken)
    place.desk.configuring.check_rules("near", [place.draft(priority="high")])
    with pytest.raises(Problems, match="elsewhere in the site file, line"):
        place.configure(place.draft(priority="high"))
    assert place.file.read_text() == broken


def test_the_ground_is_changed_and_the_picture_stays_connected(place: Place) -> None:
    ground = {
        "image": [[0.1, 0.9], [0.9, 0.9], [0.7, 0.4], [0.3, 0.4]],
        "metres": [[0, 0], [8, 0], [8, 12], [0, 12]],
    }
    place.desk.configuring.configure_ground(
        "near", ground, who="ines", reason=WHY, state=place.state()
    )
    analysed = place.at_work.report("near").analysed
    place.at_work.until(lambda: place.at_work.report("near").analysed > analysed, "a picture")
    snapshot = place.desk.watch.snapshot("near")
    assert snapshot is not None
    assert snapshot.view.ground is not None


def test_a_stopped_rule_does_not_go_on_under_another_name(place: Place) -> None:
    place.desk.authority.stop(Scope.RULE, "near/anybody", "ana", "works")
    try:
        with pytest.raises(ConfigurationError, match="stopped"):
            place.configure(place.draft(id="everybody"))
        place.configure(place.draft(priority="high"))
    finally:
        place.desk.authority.lift(Scope.RULE, "near/anybody", "ana", "over")


def test_without_a_record_the_file_is_as_it_was(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def refuse(*_: object) -> Iterator[Mock]:
        yield Mock()
        assert "[0.2, 0.1]" in place.file.read_text()
        raise StoreError("no room", cause="full")

    site = place.desk.site
    monkeypatch.setattr(place.desk.database, "write", refuse)
    with pytest.raises(StoreError):
        place.configure(place.draft(zone=SKY))
    assert place.file.read_text() == place.original
    assert place.desk.site is site


def test_a_file_that_cannot_be_written_leaves_no_line(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise SiteReadOnly("read-only", remedy="apply the patch", file="", patch="+")

    before = len(place.lines())
    monkeypatch.setattr(configuring, "save", refuse)
    with pytest.raises(SiteReadOnly):
        place.configure(place.draft(zone=SKY))
    assert len(place.lines()) == before
