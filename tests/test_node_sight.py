"""What a node shows of a camera: alerts with their picture, the newest picture, what goes on."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.watching import (
    ANYBODY,
    NOW,
    Idle,
    Made,
    enters_at,
    frame,
    judged,
    laboratory,
    member,
    of,
    street,
    until,
    until_it_runs,
)
from veilleur.cameras.frame import Activity
from veilleur.catalogue import Event
from veilleur.engine.node import Node
from veilleur.engine.seat import Seat
from veilleur.engine.seen import Sight
from veilleur.engine.sighting import MOST_PICTURES, Sighting, digest, going_on
from veilleur.errors import NotAuthorised
from veilleur.geometry import FloatArray, ImageArray
from veilleur.incidents import life
from veilleur.law.authorisation import Authorisation, Period
from veilleur.law.gate import Gate, Live
from veilleur.law.orders import Orders
from veilleur.law.regime import covered
from veilleur.perception.objects import Detections, Kind


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return street(tmp_path_factory.mktemp("street") / "street.mp4", 6.0)


@pytest.fixture
def seat() -> Seat:
    one = member("gate", "rtsp://cam.lan/live")
    return Seat(one, Idle(one.settings))


def sightings(node: Node) -> list[Sighting]:
    return [node.alerts.get_nowait() for _ in range(node.alerts.qsize())]


# ---------------------------------------------------------------------- alerts
def test_an_alert_brings_the_picture_in_which_it_was_noticed(tmp_path: Path) -> None:
    """Somebody bright walks in after two seconds: they stand in the alert's box, in a picture that
    outlives the node and its memory."""
    files = [member("gate", street(tmp_path / "a.mp4", 5.0, enters_at(2.0))).hurried()]
    with Node(files, laboratory(files), Made(), utc=lambda: NOW) as node:
        until(lambda: node.ended, node)
        (told,) = sightings(node)
    alert = told.alert
    assert told.picture is not None
    assert told.picture.data.base is None, "its memory is its own"
    bright = np.argwhere(told.picture.luma > 200)
    box = alert.where
    assert len(bright) > 100
    assert (bright >= (box.y1 - 6, box.x1 - 6)).all()
    assert (bright <= (box.y2 + 6, box.x2 + 6)).all()
    assert np.abs(told.people - (box.x1, box.y1, box.x2, box.y2)).max() < 6, "and nobody else"
    assert (told.view.width, told.view.height) == (320, 180)
    assert len(told.vehicles) == 0
    assert told.reference == "LABORATORY (test)"


def test_an_alert_says_when_in_utc(seat: Seat) -> None:
    """A frame is as old as its way was long; the situation began before it."""
    host = [1000.0]
    node = Node([seat.member], laboratory([seat.member]), Made(), now=lambda: host[0])
    node._utc = lambda: NOW
    node._seats = {"gate": seat}
    for n in range(5):
        assert isinstance(seat.camera, Idle)
        host[0] = 1000.0 + n / 5
        seat.camera.frames.append(frame(n / 5, host[0]))
        placed = seat.collect(host[0], shed=False)
        assert placed is not None
        host[0] += 0.125
        node._analyse(seat, placed)
    (told,) = sightings(node)
    stayed_s = told.alert.noticed - told.alert.began
    assert told.at == NOW - timedelta(seconds=0.125)
    assert told.began_at == told.at - timedelta(seconds=stayed_s)
    host[0] += 5.0
    assert node.utc_of(told.host_s) == NOW - timedelta(seconds=5.125 + host[0] - 1005.925)


def test_the_digest_changes_with_anything_in_the_rule_and_with_nothing_else() -> None:
    copy = ANYBODY.model_copy(update={"params": {"dwell_s": 0.6}})
    moved = ANYBODY.model_copy(update={"zone": ((0.0, 0.0), (1.0, 0.0), (1.0, 0.9))})
    longer = ANYBODY.model_copy(update={"params": {"dwell_s": 0.7}})
    assert digest(copy) == digest(ANYBODY)
    assert len({digest(rule) for rule in (ANYBODY, moved, longer)}) == 3


def test_when_nobody_takes_sightings_they_wait_without_pictures_and_none_is_lost(
    seat: Seat,
) -> None:
    """A burst at a desk that is stuck must not fill the memory."""
    node = Node([seat.member], laboratory([seat.member]), Made())
    step = judged(seat, frame(0.0, 100.0))
    for n in range(1, 5):
        step = judged(seat, frame(n / 5, 100.0 + n / 5))
        if step.alerts:
            break
    placed = step.frame
    assert placed is not None
    for _ in range(MOST_PICTURES + 3):
        node._tell(seat, step, placed)
    told = sightings(node)
    assert [one.picture is not None for one in told] == [True] * MOST_PICTURES + [False] * 3


# ---------------------------------------------------------------------- the newest picture
def test_the_newest_picture_is_shown_with_everybody_in_it(clip: Path) -> None:
    cameras = [member("gate", clip, loop=True)]
    with Node(cameras, laboratory(cameras), Made()) as node:
        assert node.snapshot("gate") is None, "nothing was analysed yet"
        assert node.snapshot("nowhere") is None
        until_it_runs(node, "gate")
        one = node.snapshot("gate")
        assert one is not None
        until(lambda: (node.snapshot("gate") or one).taken > one.taken, node)
    assert 0.0 <= one.age_s < 5.0
    assert one.picture.data.base is None
    bright = np.argwhere(one.picture.luma > 200)
    assert any(
        (bright >= (y1 - 6, x1 - 6)).all() and (bright <= (y2 + 6, x2 + 6)).all()
        for x1, y1, x2, y2 in one.boxes.people
    )


def test_whoever_looks_all_the_time_takes_no_frame_from_the_analysis(clip: Path) -> None:
    """A camera has four slots: pictures that are kept must not stay in them."""
    cameras = [member("gate", clip, loop=True)]
    with Node(cameras, laboratory(cameras), Made()) as node:
        until_it_runs(node, "gate")
        kept: list[object] = []
        since = of(node, "gate")
        while of(node, "gate").analysed < since.analysed + 15:
            node.check()
            kept = [*kept, node.snapshot("gate")][-100:]
        # A machine that is busy elsewhere may lose one; pictures that stayed would take them all.
        assert of(node, "gate").dropped["no room"] <= since.dropped["no room"] + 3
    assert len(kept) == 100


def test_nothing_is_shown_once_the_gate_is_closed(clip: Path) -> None:
    at = [NOW]
    act = Authorisation(
        reference="Act 7",
        authority="Prefect",
        cameras=("gate",),
        events=(Event.FORBIDDEN_ZONE,),
        period=Period.model_validate({"from": NOW, "until": NOW + timedelta(hours=1)}),
    )
    cameras = [member("gate", clip, loop=True)]
    gate = Gate({"gate": Live()}, covered(), Orders.of(act))
    with Node(cameras, gate, Made(), utc=lambda: at[0]) as node:
        until_it_runs(node, "gate")
        assert node.snapshot("gate") is not None
        at[0] = NOW + timedelta(hours=1)
        until(lambda: of(node, "gate").dropped["not authorised"] > 0, node)
        assert node.snapshot("gate") is None
        assert node.ongoing() == {}


def test_a_refused_frame_gives_its_slot_back_at_once() -> None:
    """A camera has four: those refused must be there again when the gate opens. A refusal that
    is kept with its trace keeps the frame too, until somebody collects the garbage."""
    act = Authorisation(
        reference="Act 7",
        authority="Prefect",
        cameras=("gate",),
        events=(Event.FORBIDDEN_ZONE,),
        period=Period.model_validate({"from": NOW, "until": NOW + timedelta(hours=1)}),
    )
    dense = ANYBODY.model_copy(update={"id": "dense", "event": Event.DENSITY, "params": {}})
    one = member("gate", "rtsp://cam.lan/live", rules=(ANYBODY, dense))
    seat = Seat(one, Idle(one.settings))
    at = [NOW]
    gate = Gate({"gate": Live()}, covered(), Orders.of(act))
    node = Node([one], gate, Made(), utc=lambda: at[0])
    node._seats = {"gate": seat}
    gc.disable()
    try:
        for n, hours in enumerate((0, 0, 2, 2, 0, 0)):
            at[0] = NOW + timedelta(hours=hours)
            held = weakref.ref(shown(node, seat, n))
            shown(node, seat, n + 0.5)
            assert held() is None, f"frame {n}"
    finally:
        gc.enable()


def test_nor_does_one_keep_its_slot_whose_camera_proves_to_be_another() -> None:
    one = replace(member("gate", "rtsp://cam.lan/live"), prove=no_proof)
    node = Node([one], laboratory([one]), Made())
    gc.disable()
    try:
        for n in range(3):
            held = weakref.ref(shown(node, node._seats["gate"], n))
            assert held() is None, f"frame {n}"
    finally:
        gc.enable()


def no_proof() -> None:
    raise NotAuthorised("no longer our simulator")


def shown(node: Node, seat: Seat, seconds: float) -> ImageArray:
    given = frame(seconds, 100.0 + seconds)
    node._analyse(seat, given)
    return given.picture.data


# ---------------------------------------------------------------------- what must be redacted
def found(boxes: list[tuple[float, float, float, float]], score: float = 0.15) -> Detections:
    n = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(n, 4),
        np.full(n, score, np.float32),
        np.full(n, Kind.PERSON, np.int8),
    )


class Doubtful:
    """A detector that half believes in somebody who stands at the left."""

    name = "doubtful"
    height, width = 180, 320

    def detect(self, image: object) -> Detections:
        return found([(10, 20, 30, 80)])


def test_a_doubtful_person_stays_covered_while_nobody_looks_again(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Made, "fitting", lambda self, view: Doubtful())
    still = Activity(0.0, everywhere=False)
    looked = judged(seat, frame(0.0, 100.0))
    quiet = judged(seat, replace(frame(0.2, 100.2), activity=still))
    assert looked.scene.fresh
    assert not quiet.scene.fresh
    assert len(quiet.scene.tracks) == 0
    assert seat.seen is not None
    assert seat.seen.boxes.people.tolist() == [[10, 20, 30, 80]]


def test_beside_a_look_at_regions_the_doubtful_of_the_whole_stay_for_a_while(seat: Seat) -> None:
    sight = Sight()
    step = judged(seat, frame(0.0, 100.0, None))

    def people(seconds: float, looked: str, *boxes: tuple[float, float, float, float]) -> object:
        scene = replace(step.scene, time=seconds, detections=found(list(boxes)), fresh=bool(looked))
        seen = sight.see(replace(step, scene=scene, looked=looked), frame(seconds, 100.0 + seconds))
        return seen.boxes.people[:, 0].tolist()

    assert people(0.0, "full", (10, 0, 20, 50)) == [10]
    assert people(0.2, "regions", (40, 0, 50, 50)) == [40, 10]
    assert people(0.4, "") == [40, 10]
    assert people(7.0, "regions", (60, 0, 70, 50)) == [60]
    assert people(7.2, "full", (80, 0, 90, 50)) == [80]


def test_what_moves_is_told_whatever_it_is(seat: Seat) -> None:
    where: FloatArray = np.array([(0.5, 0.5, 0.75, 1.0)], np.float32)
    judged(seat, replace(frame(0.0, 100.0), activity=Activity(0.1, where, everywhere=False)))
    assert seat.seen is not None
    assert seat.seen.boxes.moving.tolist() == [[160, 90, 240, 180]]
    assert not seat.seen.boxes.everywhere


# ---------------------------------------------------------------------- what goes on
def test_a_situation_goes_on_while_somebody_is_there_and_no_longer(seat: Seat) -> None:
    going = []
    for n in range(20):
        left = 0.5 if n < 10 else None
        judged(seat, frame(n / 5, 100 + n / 5, left))
        going.append(bool(seat.ongoing(100 + n / 5)))
    assert going.index(True) in (3, 4), "from the alert on"
    assert all(going[4:10])
    assert not any(going[16:])


def test_nothing_goes_on_at_a_camera_that_shows_nothing(seat: Seat) -> None:
    for n in range(6):
        judged(seat, frame(n / 5, 100 + n / 5))
    assert seat.ongoing(101.0) == {"anybody"}
    assert seat.last is not None
    (going,) = going_on(seat.last, "anybody")
    assert life.near(going.first, going.where)
    assert seat.ongoing(110.0) == frozenset()
    seat.refuse(NotAuthorised("over"))
    assert seat.ongoing(101.0) == frozenset()
