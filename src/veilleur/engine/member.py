"""One camera of a node, as the line-up hands it over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from veilleur.cameras.camera import CameraSettings, Pace
from veilleur.engine.assembly import Assembly
from veilleur.geometry import View


def _nothing_to_prove() -> None:
    """Most cameras need no proof: their permit says who they are."""


@dataclass(frozen=True, slots=True)
class Member:
    """One camera of a node.

    view: makes its view once the picture's size is known. zone: the time zone in which the rules
    of a live camera read the host's clock; None: their local time is not known. prove: asked with
    each new connection, before a frame of it is looked at; raises NotAuthorised where what answers
    at that address is no longer what the permit was given for.
    """

    settings: CameraSettings
    assembly: Assembly
    view: Callable[[int, int], View] = View
    zone: ZoneInfo | None = None
    prove: Callable[[], None] = _nothing_to_prove

    @property
    def id(self) -> str:
        return self.settings.id

    @property
    def waits(self) -> bool:
        """A file played as fast as it can be analysed: it waits for the analysts."""
        return not self.settings.drops

    @property
    def once(self) -> bool:
        """A file played once: what goes wrong with it is final, since trying again would tell
        everything twice."""
        return not self.settings.never_ends and not self.settings.loop

    def remembering(self, seconds: float, size: int) -> Member:
        """The same camera; so many seconds and bytes of its packets are kept in memory."""
        settings = replace(self.settings, ring_seconds=seconds, ring_bytes=size)
        return replace(self, settings=settings)

    def hurried(self) -> Member:
        """The same camera; a file is played as fast as it can be analysed."""
        return replace(self, settings=replace(self.settings, pace=Pace.FAST))
