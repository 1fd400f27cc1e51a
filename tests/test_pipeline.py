"""One camera's pipeline: the gate first, masks before the detector, one alert a situation."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from veilleur.cameras.frame import Frame
from veilleur.cameras.masks import Masks
from veilleur.cameras.picture import Picture
from veilleur.cameras.replay import replay
from veilleur.catalogue import Event, Subject
from veilleur.engine import assembly
from veilleur.engine.pipeline import Pipeline
from veilleur.errors import NotAuthorised
from veilleur.events.registry import build_rule
from veilleur.events.scene import Scene
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import ImageArray, View
from veilleur.law.authorisation import Authorisation, Period
from veilleur.law.gate import Gate, Laboratory, Live
from veilleur.law.orders import Orders, Scope, Stop
from veilleur.law.regime import covered
from veilleur.perception.detector import Detector
from veilleur.perception.loader import Choice
from veilleur.perception.looking import Looker, LookSettings
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.tracker import Tracker

VIEW = View(320, 240)
NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
ZONE = RuleSpecification(id="zone", event=Event.FORBIDDEN_ZONE, zone=WHOLE)


@dataclass(slots=True)
class Witness:
    """A detector that keeps what it was shown, and finds one standing person in it."""

    name: str = "witness"
    height: int = 240
    width: int = 320
    shown: list[ImageArray] = field(default_factory=list)

    def detect(self, image: ImageArray) -> Detections:
        self.shown.append(image.copy())
        box = np.array([[100, 80, 130, 170]], np.float32)
        return Detections(box, np.array([0.9], np.float32), np.array([Kind.PERSON], np.int8))


def pipeline(gate: Gate, detector: Witness, *rules: RuleSpecification) -> Pipeline:
    return Pipeline(
        camera="gate",
        view=VIEW,
        rules=[build_rule(rule, VIEW, local_time_known=False) for rule in rules],
        looker=Looker(detector, VIEW, LookSettings()),
        follower=Tracker(view=VIEW),
        gate=gate,
    )


def frame(time: float, blind: str | None = None) -> Frame:
    picture = Picture(np.full((360, 320), 128, np.uint8))
    return Frame("gate", int(time * 5), time, picture, blind=blind)


def frames(seconds: float) -> Iterator[Frame]:
    return (frame(n / 5) for n in range(int(seconds * 5)))


def act(minutes: float) -> Authorisation:
    period = Period.model_validate({"from": NOW, "until": NOW + timedelta(minutes=minutes)})
    return Authorisation(
        reference="Arrêté 1",
        authority="Préfet",
        cameras=("gate",),
        events=(Event.FORBIDDEN_ZONE,),
        period=period,
    )


def gate_of(authorisation: Authorisation) -> Gate:
    return Gate({"gate": Live()}, covered(), Orders.of(authorisation))


def test_a_frame_outside_the_authorisation_reaches_no_detector() -> None:
    witness = Witness()
    line = pipeline(gate_of(act(minutes=1)), witness, ZONE)
    line.step(frame(0.0), NOW)
    seen = len(witness.shown)
    with pytest.raises(NotAuthorised):
        line.step(frame(0.2), NOW + timedelta(minutes=1))
    assert seen == 1
    assert len(witness.shown) == seen


def test_a_rule_for_an_event_that_is_not_authorised_is_not_run() -> None:
    other = RuleSpecification(
        id="way", event=Event.WRONG_WAY, zone=WHOLE, allowed_heading=(1.0, 0.0)
    )
    line = pipeline(gate_of(act(minutes=1)), Witness(), ZONE, other)
    assert [said.rule for said in line.step(frame(0.0), NOW).verdicts] == ["zone"]


def stopped(*rules: str) -> Orders:
    stops = (Stop(scope=Scope.RULE, target=f"gate/{r}", who="amel", at=NOW) for r in rules)
    return Orders(acts=Orders.of(act(minutes=9)).acts, stops=tuple(stops))


@dataclass(slots=True)
class Onlooker:
    """A sense that keeps when it was shown a picture, and when it was told to forget."""

    event: Event = Event.WEAPON
    shown: list[float] = field(default_factory=list)
    forgot: int = 0
    paused: list[str] = field(default_factory=list)

    def look(self, scene: Scene, frame: Frame) -> Scene:
        self.shown.append(frame.time)
        return scene

    def pause(self, blind: str) -> None:
        self.paused.append(blind)

    def forget(self) -> None:
        self.forgot += 1


def test_a_sense_sees_no_picture_while_its_event_is_stopped_or_not_authorised() -> None:
    gate = gate_of(act(minutes=9))
    line = pipeline(gate, Witness(), ZONE, OTHER)
    served, foreign = Onlooker(Event.FORBIDDEN_ZONE), Onlooker(Event.WEAPON)
    line.senses = [served, foreign]
    for time, stops in (
        (0.0, stopped()),
        (0.2, stopped("zone")),
        (0.4, stopped("zone", "other")),
        (0.6, stopped("zone")),
    ):
        gate.obey(stops, fresh_until=math.inf)
        with contextlib.suppress(NotAuthorised):
            line.step(frame(time), NOW)
    assert served.shown == [0.0, 0.2, 0.6], "one rule of the event may be served: it looks"
    assert served.forgot == 1
    assert foreign.shown == []


def test_a_sense_is_told_that_the_camera_is_blind_and_why_and_need_not_forget() -> None:
    line = pipeline(Gate({"gate": Laboratory("test")}), Witness(), ZONE)
    sense = Onlooker(Event.FORBIDDEN_ZONE)
    line.senses = [sense]
    for time, blind in [(0.0, None), (0.2, "dark"), (0.4, "moved"), (0.6, None)]:
        line.step(frame(time, blind), NOW)
    assert (sense.shown, sense.paused, sense.forgot) == ([0.0, 0.6], ["dark", "moved"], 0)


OTHER = ZONE.model_copy(update={"id": "other"})


def test_a_stopped_rule_is_not_judged_and_begins_anew_when_the_stop_is_lifted() -> None:
    """Somebody stands there all the time. What was not watched is not counted, and once it is
    watched again it is signalled after its whole dwell."""
    gate = gate_of(act(minutes=9))
    line = pipeline(gate, Witness(), ZONE, OTHER)
    told: dict[str, list[float]] = {"zone": [], "other": []}
    for shot in frames(5):
        if shot.time == 0.6:
            gate.obey(stopped("zone"), fresh_until=math.inf)
        if shot.time == 2.0:
            gate.obey(stopped(), fresh_until=math.inf)
        step = line.step(shot, NOW)
        judged = [said.rule for said in step.verdicts]
        assert judged == (["other"] if 0.6 <= shot.time < 2.0 else ["zone", "other"])
        for alert in step.alerts:
            told[alert.rule].append(alert.noticed)
    assert told["other"] == pytest.approx([1.2]), "the tracker needs a fifth of a second"
    assert told["zone"] == pytest.approx([3.0]), "a second after the stop was lifted"


def test_a_stop_of_everything_forgets_all_that_was_seen() -> None:
    gate = gate_of(act(minutes=9))
    witness = Witness()
    line = pipeline(gate, witness, ZONE)
    for shot in frames(0.8):
        line.step(shot, NOW)
    assert len(line.follower.expected(0.8)) == 1
    gate.obey(stopped("zone"), fresh_until=math.inf)
    seen = len(witness.shown)
    with pytest.raises(NotAuthorised):
        line.step(frame(0.8), NOW)
    assert len(witness.shown) == seen
    assert len(line.follower.expected(0.8)) == 0
    gate.obey(stopped(), fresh_until=math.inf)
    alerts = [alert for n in range(5, 12) for alert in line.step(frame(n / 5), NOW).alerts]
    assert [alert.noticed for alert in alerts] == pytest.approx([2.2])
    assert alerts[0].began >= 1.0


@pytest.mark.parametrize("laboratory", [True, False])
def test_every_alert_says_whether_it_was_made_in_the_laboratory(laboratory: bool) -> None:
    gate = Gate({"gate": Laboratory("file")}) if laboratory else gate_of(act(minutes=9))
    line = pipeline(gate, Witness(), ZONE)
    alerts = [alert for shot in frames(3) for alert in line.step(shot, NOW).alerts]
    assert [alert.laboratory for alert in alerts] == [laboratory]


def test_a_blind_camera_is_not_looked_at_and_signals_nothing() -> None:
    witness = Witness()
    line = pipeline(Gate({"gate": Laboratory("file")}), witness, ZONE)
    steps = [line.step(frame(n / 5, blind="dark"), NOW) for n in range(20)]
    assert not witness.shown
    assert not any(step.alerts for step in steps)
    assert steps[-1].scene.blind == "dark"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A second of white pictures."""
    path = tmp_path / "white.mp4"
    with av.open(str(path), "w") as made:
        stream = made.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(5):
            white = np.full((240, 320, 3), 235, np.uint8)
            picture = av.VideoFrame.from_ndarray(white, format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, 5)
            made.mux(stream.encode(picture))
        made.mux(stream.encode(None))
    return path


def test_the_detector_sees_a_constant_where_a_privacy_mask_lies(clip: Path) -> None:
    witness = Witness()
    line = pipeline(Gate({"gate": Laboratory("file")}), witness, ZONE)
    mask = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
    Masks((mask,))
    for shot in replay(clip, camera="gate", masks=(mask,)):
        line.step(shot, NOW)
    assert witness.shown
    for image in witness.shown:
        hidden, open_ = image[:, 164:], image[:, :156]
        assert np.ptp(hidden.astype(int)) <= 2
        assert open_.min() > 200
        assert hidden.max() < 200


ONE_WAY = ZONE.model_copy(
    update={"id": "way", "event": Event.WRONG_WAY, "allowed_heading": (1.0, 0.0)}
)


def test_pictures_are_compared_for_wrong_way_alone_and_never_over_a_blind_time() -> None:
    way = pipeline(Gate({"gate": Laboratory("test")}), Witness(), ONE_WAY)
    since = []
    for time, blind in [(0.0, None), (0.2, None), (0.4, "covered"), (0.6, None)]:
        shifts = way.step(frame(time, blind), NOW).scene.shifts
        assert shifts is not None
        since.append(shifts.since)
    assert since == [None, 0.0, None, None]
    zone = pipeline(Gate({"gate": Laboratory("test")}), Witness(), ZONE)
    assert zone.step(frame(0.0), NOW).scene.shifts is None


@pytest.mark.parametrize(("subject", "closer"), [("person", True), ("vehicle", False)])
def test_small_people_who_fall_are_looked_for_where_no_vehicles_are_watched(
    subject: str, closer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look closer at what moves costs vehicles their whole: a false alarm on a real road."""
    asked: list[LookSettings] = []

    class Asked(Looker):
        def __init__(
            self, detector: Detector, view: View, settings: LookSettings, canvas: Detector | None
        ) -> None:
            asked.append(settings)
            super().__init__(detector, view, settings, canvas)

    monkeypatch.setattr(assembly, "Looker", Asked)
    zone = ZONE.model_copy(update={"subject": Subject(subject)})
    fall = RuleSpecification(id="fall", event=Event.PERSON_ON_GROUND, zone=WHOLE)
    rules, detectors = (zone, fall), assembly.Detectors(Choice(streams=1))
    assembly.Assembly("gate", rules).pipeline(VIEW, gate_of(act(minutes=9)), detectors)
    assert [settings.least_px is not None for settings in asked] == [closer]
