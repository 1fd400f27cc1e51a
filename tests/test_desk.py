"""The whole desk on the embedded clip: from the picture to the verdict, with its proofs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

import veilleur
from veilleur.desk.desk import Desk, DeskSettings
from veilleur.desk.viewing import View
from veilleur.desk.vitals import Stage
from veilleur.engine.report import Condition
from veilleur.errors import EvidenceFailed, IncidentRefused, NotFound
from veilleur.evidence.kept import AFTER_S, KEPT_S, State
from veilleur.incidents.incident import Incident
from veilleur.law.authorisation import Authorisation
from veilleur.law.deed import Deed
from veilleur.law.orders import Scope
from veilleur.law.profile import shipped
from veilleur.perception.backends import Precision
from veilleur.perception.loader import Choice
from veilleur.perception.models import NANODET
from veilleur.site import load_site
from veilleur.store import chain, evidence, incidents
from veilleur.store.chain import Line
from veilleur.store.evidence import Condition as Made

SITE = Path(veilleur.__file__).parent / "demo" / "site.yaml"
PATIENCE_S = 60.0
"""A time limit, for a machine that is busy with much else; it usually takes a tenth of that."""


def act(**changes: object) -> Authorisation:
    now = datetime.now(UTC)
    fields: dict[str, object] = {
        "reference": "LAB-1",
        "authority": "A test",
        "laboratory": True,
        "controller": "A test",
        "perimeter": "A courtyard",
        "cameras": ("courtyard",),
        "events": ("forbidden_zone", "wrong_way", "density"),
        "period": {"from": now - timedelta(hours=1), "until": now + timedelta(days=1)},
        "services": ("municipal_police",),
        "reasons": "A test",
        "gathering": "cultural",
        "notice": {"text": "A test", "told_by": ("a poster",)},
        "clips": 2,
    }
    return Authorisation.model_validate(fields | changes)


class House:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait on a condition, not on the clock."""
        pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, f"in vain: {what}"
            pause.wait(0.05)

    def waiting(self) -> list[Incident]:
        with self.desk.database.read() as r:
            return incidents.open_incidents(r, None)

    def canaries(self) -> list[Incident]:
        with self.desk.database.read() as r:
            return incidents.open_incidents(r, None, canary=True)

    def first(self) -> Incident:
        self.until(lambda: bool(self.waiting()), "an incident")
        return self.waiting()[0]

    def lines(self, *deeds: Deed) -> list[Line]:
        with self.desk.database.read() as r:
            assert chain.verify(r).intact
            return [line for line in chain.lines(r, limit=10_000) if line.deed in deeds]

    def pieces(self, incident: Incident) -> dict[str, Made]:
        with self.desk.database.read() as r:
            return {p.sort.value: p.condition for p in evidence.pieces(r, incident.id, None)}

    def condition(self) -> Condition:
        return self.desk.cameras()[0].condition


def ended(desk: Desk, incident: Incident) -> bool:
    """Does a live view that was opened before give no picture any more?"""
    try:
        desk.viewings.live(incident.id, "s3")
    except (IncidentRefused, NotFound):
        return True
    return False


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("desk")
    settings = DeskSettings(
        site=load_site(SITE),
        file=SITE,
        database=f"sqlite:///{folder / 'veilleur.db'}",
        profile=shipped("laboratory"),
        choice=Choice(backend="onnxruntime", precision=Precision.FP32, model=NANODET),
        loop=True,
        canary_every_s=5.0,
    )
    with Desk.open(settings) as desk:
        made = House(desk)
        made.until(lambda: made.condition() is Condition.NOT_AUTHORISED, "the closed gate")
        assert desk.cameras()[0].analysed == 0
        desk.authority.add(act(), "dpo")
        yield made


def test_nothing_was_analysed_before_the_act_and_an_incident_comes_after_it(house: House) -> None:
    incident = house.first()
    assert incident.first.camera == "courtyard"
    assert incident.first.laboratory
    assert incident.first.reference
    added, signal = house.lines(Deed.AUTHORISATION_ADDED)[0], house.lines(Deed.SIGNAL)
    assert all(line.number > added.number for line in signal if "courtyard" in line.details)


def test_the_still_and_the_granted_clip_are_kept_with_it(house: House) -> None:
    incident = house.first()
    house.until(lambda: house.pieces(incident).get("still") is Made.READY, "the still")
    house.until(lambda: house.pieces(incident).get("clip") is Made.READY, "the clip")
    with house.desk.database.read() as r:
        kinds = {
            piece.sort.value: evidence.content(r, piece.id, None)
            for piece in evidence.pieces(r, incident.id, None)
        }
    still, clip = kinds["still"], kinds["clip"]
    assert still is not None
    assert still.content.startswith(b"\xff\xd8")
    assert clip is not None
    assert clip.content[4:8] == b"ftyp"


def test_until_when_its_seconds_are_recorded_and_held_is_said(house: House) -> None:
    incident = house.first()
    before = house.desk.seconds(incident.id)
    if before.recorded_until is not None:
        assert abs(before.recorded_until - incident.first.onset) < timedelta(seconds=AFTER_S + 1)
    house.until(lambda: house.desk.seconds(incident.id).recorded_until is None, "its last second")
    after = house.desk.seconds(incident.id)
    assert after.state is State.HELD
    assert after.held_until is not None
    left = after.held_until - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(seconds=KEPT_S)
    nobodys = house.desk.seconds(uuid4())
    assert (nobodys.state, nobodys.recorded_until, nobodys.held_until) == (State.NONE, None, None)


def test_clear_views_are_for_whoever_opened_them_and_each_is_on_the_record(house: House) -> None:
    incident = house.first()
    views = house.desk.viewings
    with pytest.raises(NotFound):
        views.live(incident.id, "s1")
    with pytest.raises(NotFound):
        views.second(incident.id, "s1", 0)
    views.open(View.SECONDS, incident.id, "ana", "s1", None)
    views.open(View.LIVE, incident.id, "ana", "s1", None)
    shown = [views.second(incident.id, "s1", n) for n in range(4)]
    assert all(shot is not None and shot.jpeg.startswith(b"\xff\xd8") for shot in shown)
    assert views.live(incident.id, "s1").jpeg.startswith(b"\xff\xd8")
    with pytest.raises(NotFound):
        views.live(incident.id, "s2")
    lines = house.lines(Deed.LIVE_VIEWED, Deed.SECONDS_VIEWED)
    assert [(line.who, line.reason) for line in lines] == [("ana", f"incident:{incident.id}")] * 2
    views.close(incident.id, "s1")
    with pytest.raises(NotFound):
        views.live(incident.id, "s1")


def test_the_canary_goes_the_whole_way_and_is_in_no_queue(house: House) -> None:
    house.until(lambda: bool(house.canaries()), "it")
    house.until(
        lambda: all(v.well for v in house.desk.vitals().stages if v.stage is Stage.CANARY),
        "its proof",
    )
    assert all(not incident.first.canary for incident in house.waiting())
    assert [report.camera for report in house.desk.cameras()] == ["courtyard"]
    assert all("veilleur.canary" not in line.details for line in house.lines(Deed.SIGNAL))


def test_every_stage_shows_life(house: House) -> None:
    house.until(lambda: house.desk.vitals().well, "all stages well")
    assert {vital.stage for vital in house.desk.vitals().stages} == set(Stage)


def test_after_the_verdict_there_is_no_doubt_left_to_remove(house: House) -> None:
    incident = house.first()
    house.desk.viewings.open(View.LIVE, incident.id, "ana", "s3", None)
    house.desk.people.take(incident.id, "ana", None)
    house.desk.people.decide(incident.id, "ana", None, confirmed=True, reason="as_signalled")
    with pytest.raises(IncidentRefused):
        house.desk.viewings.open(View.LIVE, incident.id, "ana", "s1", None)
    house.until(lambda: ended(house.desk, incident), "the end of the view that was open")
    assert incident.id not in {one.id for one in house.waiting()}


def test_a_stop_of_everything_closes_the_camera_and_takes_its_picture_away(house: House) -> None:
    house.desk.authority.stop(Scope.EVERYTHING, "", "ana", "a test")
    analysed = house.desk.cameras()[0].analysed
    house.until(lambda: house.condition() is Condition.NOT_AUTHORISED, "the stop")
    assert house.desk.cameras()[0].analysed - analysed <= 2
    house.until(lambda: house.desk.watch.snapshot("courtyard") is None, "no picture any more")
    house.desk.authority.lift(Scope.EVERYTHING, "", "ana", "over")
    house.until(lambda: house.condition() is Condition.RUNNING, "it goes on")


def test_seconds_of_an_incident_that_never_was_are_told_by_name(house: House) -> None:
    with pytest.raises((NotFound, EvidenceFailed)):
        house.desk.viewings.open(View.SECONDS, house.first().first.id, "ana", "s1", None)
