"""Cameras come and go while the others are analysed: asked for by any thread, done by the one that
reads them, between two of its rounds. So nobody reads a camera that is being taken away."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from veilleur.engine.seat import Seat
from veilleur.errors import ConfigurationError, VeilleurError

Seats = Mapping[str, Seat]
"""The cameras of a node by their ids, the most important first. Never changed: replaced."""
Change = Callable[[Seats], Seats]


def placed(seats: Seats, new: Seat, before: str | None) -> Seats:
    """With one camera more, more important than `before`; None: the least important. Errors:
    ConfigurationError."""
    if new.id in seats:
        raise ConfigurationError(
            f"there is a camera {new.id!r} already", remedy="give the new one another id"
        )
    if before is not None:
        known(seats, before)
    changed = {}
    for name, seat in seats.items():
        if name == before:
            changed[new.id] = new
        changed[name] = seat
    return {**changed, new.id: new}


def known(seats: Seats, camera: str) -> Seat:
    """Errors: ConfigurationError for a camera that isn't there."""
    seat = seats.get(camera)
    if seat is None:
        raise ConfigurationError(
            f"there is no camera {camera!r}", remedy=f"there are: {', '.join(seats) or 'none'}"
        )
    return seat


@dataclass(frozen=True, slots=True)
class _Asked:
    change: Change
    done: Future[None]


class Changes:
    """Changes that wait to be made."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[_Asked] = queue.SimpleQueue()

    def ask(self, change: Change) -> Future[None]:
        """Done, or refused with a VeilleurError, a moment later."""
        asked = _Asked(change, Future())
        self._asked.put(asked)
        return asked.done

    def make(self, apply: Callable[[Change], None]) -> None:
        """Make all that wait, in the order in which they were asked for."""
        while True:
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                return
            if not asked.done.set_running_or_notify_cancel():
                continue
            try:
                apply(asked.change)
            except VeilleurError as refusal:
                asked.done.set_exception(refusal)
            else:
                asked.done.set_result(None)
