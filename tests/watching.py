"""Made street, made detector, and patience: what tests of the live engine need.

The street is a fixed texture; whoever walks in it is a bright upright block, and the detector finds
bright blocks. So a whole node runs on real decoding processes with exact truth, without a model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from veilleur.cameras.camera import Camera, CameraSettings, State
from veilleur.cameras.frame import Activity, Frame
from veilleur.cameras.messages import Opened
from veilleur.cameras.picture import Picture
from veilleur.cameras.source import Reach, parse_source
from veilleur.catalogue import Event
from veilleur.engine.assembly import Assembly, Detectors
from veilleur.engine.member import Member
from veilleur.engine.node import Node
from veilleur.engine.pipeline import Step
from veilleur.engine.report import CameraReport, Condition
from veilleur.engine.seat import Seat
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import ImageArray, View
from veilleur.law.gate import Gate, Laboratory
from veilleur.perception.detector import Detector
from veilleur.perception.loader import Choice
from veilleur.perception.objects import Detections, Kind

NOW = datetime(2026, 12, 1, 14, tzinfo=UTC)
RATE = 25
SIZE = (320, 180)
TALL, SLIM = 60, 24
PATIENCE_S = 60.0
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
ANYBODY = RuleSpecification(
    id="anybody", event=Event.FORBIDDEN_ZONE, zone=WHOLE, params={"dwell_s": 0.6}
)

Walk = Callable[[float], float | None]
"""Seconds to the left edge of the block, as a share of the width; None: nobody is there."""


def across(seconds: float) -> float:
    """Always somebody, always moving, never twice at one place: pictures that repeat themselves
    within some seconds are a frozen camera's."""
    return 0.05 + 0.14 * (seconds % 6.0)


def enters_at(begin: float) -> Walk:
    """Nobody until `begin`, then somebody walks in from the left."""
    return lambda seconds: None if seconds < begin else min(0.8, 0.1 * (seconds - begin))


@cache
def _nobody(size: tuple[int, int]) -> ImageArray:
    width, height = size
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    texture = np.random.default_rng(1).integers(60, 140, (height // 4 + 1, width // 4 + 1))
    planes[:height] = np.kron(texture, np.ones((4, 4)))[:height, :width]
    return planes


def picture(left: float | None, size: tuple[int, int] = SIZE) -> ImageArray:
    """(h * 3 / 2, w) uint8, I420: the street, and the block where it stands."""
    width, height = size
    planes: ImageArray = _nobody(size).copy()
    if left is not None:
        x, foot = round(left * width), round(0.8 * height)
        tall, slim = round(TALL * height / SIZE[1]), round(SLIM * width / SIZE[0])
        planes[foot - tall : foot, x : x + slim] = 235
    return planes


def street(path: Path, seconds: float, walk: Walk = across, size: tuple[int, int] = SIZE) -> Path:
    """An H.264 file with a key frame a second, as cameras code it."""
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "g": str(RATE), "bf": "0", "crf": "18"}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for n in range(round(seconds * RATE)):
            frame = av.VideoFrame.from_ndarray(picture(walk(n / RATE), size), "yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class Blocks:
    """Finds the bright block. `work` is done before each picture; it may wait or raise."""

    name = "made detector"
    height, width = 180, 320

    def __init__(self, work: Callable[[], None] = lambda: None) -> None:
        self._work = work
        self.seen = 0

    def detect(self, image: ImageArray) -> Detections:
        self._work()
        self.seen += 1
        rows, columns = np.nonzero(image.min(axis=2) > 200)
        if len(rows) < 100:
            return Detections.none()
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        return Detections(
            np.array([box], np.float32),
            np.array([0.9], np.float32),
            np.array([Kind.PERSON], np.int8),
        )


class Made(Detectors):
    """Detectors of one process: always the given one."""

    def __init__(self, detector: Detector | None = None) -> None:
        super().__init__(Choice())
        self._detector = detector or Blocks()

    def fitting(self, view: View) -> Detector:
        return self._detector

    def canvas(self, view: View) -> Detector:
        return self.fitting(view)


def member(id_: str, address: str | Path, **settings: object) -> Member:
    """A camera with one rule: anybody, anywhere."""
    source = parse_source(str(address)).reaching(Reach.EITHER)  # simulators are on this machine
    rules = settings.pop("rules", (ANYBODY,))
    whole = CameraSettings(id=id_, source=source, **settings)  # type: ignore[arg-type]
    return Member(whole, Assembly(id_, rules))  # type: ignore[arg-type]


def laboratory(members: Sequence[Member]) -> Gate:
    return Gate({one.id: Laboratory("test") for one in members})


def of(node: Node, camera: str) -> CameraReport:
    return next(report for report in node.report() if report.camera == camera)


def until(condition: Callable[[], bool], node: Node) -> None:
    """Wait for something, with much patience; the time it takes is nobody's business."""
    ends = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends, node.report()
        node.check()
        time.sleep(0.01)


def until_it_runs(node: Node, *cameras: str) -> None:
    def runs() -> bool:
        reports = {report.camera: report for report in node.report()}
        return all(
            reports[name].condition is Condition.RUNNING and reports[name].analysed
            for name in cameras
        )

    until(runs, node)


class Idle(Camera):
    """A camera that a test plays: no process, frames as the test gives them."""

    def __init__(self, gate: object) -> None:
        super().__init__(gate)  # type: ignore[arg-type]
        self.frames: list[Frame] = []
        self.state = State.RUNNING
        self.connect()

    def connect(self) -> None:
        self.facts = Opened("h264", 320, 180, 25.0, 0)

    def read(self, now: float) -> Frame | None:
        return self.frames.pop(0) if self.frames else None

    def tick(self, now: float) -> None:
        return None


def frame(seconds: float, arrived: float, left: float | None = 0.5) -> Frame:
    return Frame(
        "gate", 0, seconds, Picture(picture(left)), arrived, activity=Activity(everywhere=True)
    )


def judged(seat: Seat, one: Frame, at: datetime = NOW) -> Step:
    """One frame through the seat, as the node does it."""
    assert isinstance(seat.camera, Idle)
    seat.camera.frames.append(one)
    placed = seat.collect(one.arrived, shed=False)
    assert placed is not None
    step = seat.analyse(placed, laboratory([seat.member]), Made(), at)
    seat.note(step, placed, one.arrived + 0.25)
    return step
