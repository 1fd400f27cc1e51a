"""Scenes made by hand, for the tests of rules: where somebody stands at each second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import numpy as np

from veilleur.events.registry import build_rule, parse_specification
from veilleur.events.rule import Rule, Signal
from veilleur.events.scene import Scene
from veilleur.geometry import GroundPlane, View
from veilleur.perception.objects import Kind, Tracks

VIEW = View(1000, 1000)
Foot = tuple[float, float]


def tracks(
    feet: dict[int, Foot], *, height: float = 100.0, width: float = 40.0, kind: Kind = Kind.PERSON
) -> Tracks:
    """Somebody with each id, whose foot is there, seen now."""
    n = len(feet)
    boxes = [(x - width / 2, y - height, x + width / 2, y) for x, y in feet.values()]
    return Tracks(
        np.array(list(feet), np.int64),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(n, kind, np.int8),
        np.full(n, 0.9, np.float32),
        np.zeros((n, 2), np.float32),
        np.ones(n, np.float32),
        np.ones(n, np.bool_),
    )


def scene(time: float, people: Tracks, **more: Any) -> Scene:
    return Scene("camera", time, VIEW, people, **more)


def rule(
    event: str, *, ground: GroundPlane | None = None, clock: bool = False, **more: Any
) -> Rule:
    raw = {"id": "rule", "event": event, **more}
    view = View(VIEW.width, VIEW.height, ground)
    return build_rule(parse_specification(raw), view, local_time_known=clock)


def walk(
    watched: Rule,
    where: Callable[[float], Foot | None],
    times: Iterable[float],
    **more: Any,
) -> list[Signal]:
    """Signals about one object that is at `where(time)`, None: not there."""
    return [s for _, signals in steps(watched, where, times, **more) for s in signals]


def steps(
    watched: Rule,
    where: Callable[[float], Foot | None],
    times: Iterable[float],
    local: Callable[[float], datetime] | None = None,
    **more: Any,
) -> Iterator[tuple[float, tuple[Signal, ...]]]:
    for time in times:
        at = where(time)
        people = tracks({} if at is None else {1: at}, **more)
        now = None if local is None else local(time)
        yield time, watched.step(scene(time, people, local=now)).signals


def every(step: float, until: float, since: float = 0.0) -> list[float]:
    """Seconds from `since` to `until`, both included."""
    return [round(since + n * step, 6) for n in range(round((until - since) / step) + 1)]
