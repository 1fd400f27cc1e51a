"""The canary: a film of three seconds that must become an alert, again and again (demands D02).

It is a camera like any other: decoded in a process of its own, looked at by the same detector,
judged by a rule, stored with a record and a message, and told to the screens. It is marked on the
way, in no queue, no statistics and no register. The film is cut from the embedded clip
(`scripts/make_canary.py`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

from veilleur.cameras.camera import CameraSettings
from veilleur.cameras.source import Kind, Source
from veilleur.catalogue import Event, Subject
from veilleur.engine.assembly import Assembly
from veilleur.engine.member import Member
from veilleur.errors import VeilleurError
from veilleur.events.specification import RuleSpecification

CAMERA = "veilleur.canary"
"""No camera of a site may be called so."""
RULE = RuleSpecification(
    id="alive",
    event=Event.FORBIDDEN_ZONE,
    subject=Subject.PERSON,
    zone=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)),
    params={"dwell_s": 0.5},
)
EVERY_S = 60.0
WITHIN_S = 15.0
"""From the film's start to the message on the feed."""


def member(film: Path) -> Member:
    settings = CameraSettings(
        id=CAMERA, source=Source(Kind.FILE, str(film)), health=False, activity=False
    )
    return Member(settings, Assembly(CAMERA, (RULE,)))


class Canary:
    """One thread that lets the film be watched every `every_s` seconds.

    play, withdraw: put the camera into the node and out of it; they may raise VeilleurError. came,
    missed: told of the outcome, the second with what is known of it. wanted: may it sing now? (Not
    while everything is stopped: nothing is to be proven then, and that counts as `came`.)
    """

    def __init__(
        self,
        play: Callable[[Member], None],
        withdraw: Callable[[str], None],
        *,
        came: Callable[[], None],
        missed: Callable[[str], None],
        wanted: Callable[[], bool],
        every_s: float = EVERY_S,
        within_s: float = WITHIN_S,
    ) -> None:
        self._play, self._withdraw = play, withdraw
        self._came, self._missed, self._wanted = came, missed, wanted
        self._every_s, self._within_s = every_s, within_s
        self._heard = threading.Event()

    def heard(self) -> None:
        """Its message was on the feed."""
        self._heard.set()

    def run(self, stop: threading.Event) -> None:
        with ExitStack() as stack:
            film = stack.enter_context(as_file(files("veilleur") / "desk" / "canary.mp4"))
            while not stop.is_set():
                began = time.monotonic()
                if self._wanted():
                    self._try(member(film), stop)
                else:
                    self._came()
                stop.wait(max(0.0, self._every_s - (time.monotonic() - began)))

    def _try(self, camera: Member, stop: threading.Event) -> None:
        try:
            self._sing(camera, stop)
        except VeilleurError as error:
            self._missed(error.message)

    def _sing(self, camera: Member, stop: threading.Event) -> None:
        """Raises VeilleurError where the engine doesn't take it, or doesn't let it go."""
        self._heard.clear()
        self._withdraw(camera.id)  # where it could not be taken out the last time
        self._play(camera)
        deadline = time.monotonic() + self._within_s
        while not stop.is_set() and not self._heard.is_set():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            self._heard.wait(min(left_s, 0.2))
        self._withdraw(camera.id)
        if self._heard.is_set():
            self._came()
        elif not stop.is_set():
            self._missed(f"a known event was not told within {self._within_s:.0f} s")
