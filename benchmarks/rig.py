"""Cameras for the benchmarks: files at their own pace, two rules each, one node.

Real cameras don't run in step. Here each is another part of the film, and the decoding processes
are started at moments that spread evenly over the time between two key frames and over that
between two analysed frames.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import media
from veilleur.cameras.camera import Camera, CameraSettings, Pace
from veilleur.cameras.source import parse_source
from veilleur.catalogue import Event
from veilleur.engine.assembly import Assembly, Detectors
from veilleur.engine.member import Member
from veilleur.engine.node import Node
from veilleur.engine.report import CameraReport
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View
from veilleur.law.gate import Gate, Laboratory

GOLDEN = 0.618034
PARTS = 10  # of the film, at which cameras begin
RULES = (
    RuleSpecification(
        id="zone", event=Event.FORBIDDEN_ZONE, zone=((0, 0.5), (0.6, 0.5), (0.6, 1), (0, 1))
    ),
    RuleSpecification(id="line", event=Event.FORBIDDEN_ZONE, line=((0.33, 0.3), (0.33, 0.6))),
)


def member(name: str, clip: Path, pace: Pace, *, loop: bool) -> Member:
    """One camera that plays a file."""
    settings = CameraSettings(id=name, source=parse_source(str(clip)), pace=pace, loop=loop)
    return Member(settings, Assembly(name, RULES))


def fleet(number: int, size: media.Size) -> list[Member]:
    """So many busy cameras, the most important first."""
    clip = media.busy(size)
    parts = [media.begun_later(clip, n / PARTS) for n in range(min(number, PARTS))]
    return [
        member(f"camera-{n + 1:02}", parts[n * 7 % PARTS % len(parts)], Pace.OWN, loop=True)
        for n in range(number)
    ]


def node(members: Sequence[Member], detectors: Detectors) -> Node:
    """A node of these. Files: laboratory mode."""
    return Node(members, Gate({m.id: Laboratory("file") for m in members}), detectors)


def warm(detectors: Detectors, size: media.Size) -> None:
    """Load the model: that is no camera's cost."""
    detectors.fitting(View(size.width, size.height))


@contextmanager
def staggered() -> Iterator[None]:
    """Cameras made in here start one after another, as if they had last been tried in vain."""
    made, plain = [], Camera.__init__

    @functools.wraps(plain)
    def late(self: Camera, *arguments: object, **named: object) -> None:
        plain(self, *arguments, **named)  # type: ignore[arg-type]
        self.retry_at = time.monotonic() + media.KEY_EVERY_S * (len(made) * GOLDEN % 1.0)
        made.append(self.id)

    Camera.__init__ = late  # type: ignore[method-assign]
    try:
        yield
    finally:
        Camera.__init__ = plain  # type: ignore[method-assign]


def until_all_analysed(running: Node, within_s: float = 60.0) -> None:
    """Wait until each camera has given a frame. SystemExit with its cause where one doesn't."""
    deadline = time.monotonic() + within_s
    while True:
        missing = [r for r in running.report() if not r.analysed and r.condition != "shed"]
        if not missing:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"{missing[0].camera}: {missing[0].condition}, {missing[0].cause}")
        time.sleep(0.1)


def dropped(reports: Sequence[CameraReport]) -> dict[str, int]:
    """Frames lost since the start, by cause, of all these cameras."""
    total: dict[str, int] = {}
    for report in reports:
        for cause, number in report.dropped.items():
            total[cause] = total.get(cause, 0) + number
    return total
