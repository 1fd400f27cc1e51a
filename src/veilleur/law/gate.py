"""The gate before the detector: no frame passes it without a permit for its camera and event.

A permit is the laboratory's (files, and cameras that prove to be our own simulator) or an
authorisation's. The gate answers with the events that are open at that instant, or raises the
reason. It holds no other answer and remembers nothing: an expired authorisation closes with the
next frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from veilleur.catalogue import Event
from veilleur.errors import NotAuthorised
from veilleur.law.authorisation import ARTICLE, Authorisation

SINGLE_PURPOSE = "loi 2023-380, art. 10, I"


class Permit(Protocol):
    """Under what a camera is analysed. `laboratory` marks every output made under it."""

    @property
    def laboratory(self) -> bool: ...

    @property
    def reference(self) -> str: ...

    def open_events(self, camera: str, at: datetime) -> frozenset[Event]:
        """The events this camera may be analysed for now. Raises NotAuthorised: none."""
        ...


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Files and simulated cameras: nobody real is watched in real time. `why` says which."""

    why: str

    @property
    def laboratory(self) -> bool:
        return True

    @property
    def reference(self) -> str:
        return f"LABORATORY ({self.why})"

    def open_events(self, camera: str, at: datetime) -> frozenset[Event]:
        return frozenset(Event)


@dataclass(frozen=True, slots=True)
class Authorised:
    """A camera under an authorisation of the authority."""

    authorisation: Authorisation

    @property
    def laboratory(self) -> bool:
        return False

    @property
    def reference(self) -> str:
        return self.authorisation.reference

    def open_events(self, camera: str, at: datetime) -> frozenset[Event]:
        act = self.authorisation
        if camera not in act.cameras:
            raise NotAuthorised(
                f"{act.reference} does not name camera {camera!r}",
                remedy=f"it names: {', '.join(act.cameras)}",
                article=ARTICLE,
                camera=camera,
            )
        period = act.period
        if not period.covers(at):
            raise NotAuthorised(
                f"{act.reference} is not in force at {at.isoformat(timespec='seconds')}",
                remedy=f"it runs from {period.start.isoformat()} to {period.end.isoformat()}",
                article=ARTICLE,
                camera=camera,
            )
        return frozenset(act.events)


class Gate:
    """Every frame passes here before it may be looked at."""

    def __init__(self, permits: Mapping[str, Permit]) -> None:
        self._permits = dict(permits)

    def permit(self, camera: str) -> Permit:
        """The permit of a camera. Raises NotAuthorised for a camera without one."""
        try:
            return self._permits[camera]
        except KeyError:
            raise NotAuthorised(
                f"camera {camera!r} has no authorisation",
                remedy="give --authorisation FILE, or analyse a file in laboratory mode",
                article=ARTICLE,
                camera=camera,
            ) from None

    def admit(self, camera: str, wanted: frozenset[Event], at: datetime) -> frozenset[Event]:
        """Which of the wanted events this camera's frame may be analysed for now.

        at: an aware instant. Raises NotAuthorised when it is none of them: the frame then reaches
        no detector.
        """
        permitted = self.permit(camera).open_events(camera, at) & wanted
        if not permitted:
            raise NotAuthorised(
                f"no rule of camera {camera!r} is for an event that is authorised",
                remedy="check the events of the authorisation against the rules of the site",
                article=SINGLE_PURPOSE,
                camera=camera,
            )
        return permitted
