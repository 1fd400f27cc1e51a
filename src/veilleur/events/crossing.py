"""Who crossed a line? Told once somebody is clearly across, so that a wobbling box says nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veilleur.geometry import FloatArray, Line

FORGET_S = 5.0  # seconds after which an object that is no longer seen is forgotten
LEAST_PX = 2.0  # the border of a box is never surer than this
LEAP_HEIGHTS = 0.5  # a foot may always be found so far from where it was
TOP_FOLLOWS = 0.2  # share of the foot's movement that the upper edge must make as well


@dataclass(frozen=True, slots=True)
class Passage:
    """The state of one object at a line.

    side: 1 right, -1 left, 0 not yet clear. beyond: distance from the line, in box heights.
    direction: 1 left to right, -1 right to left, 0 not crossed; crossed: second at which the foot
    passed the line. fresh: it became clear now.
    """

    side: int
    beyond: float
    direction: int
    crossed: float
    fresh: bool


@dataclass(slots=True)
class _State:
    foot: FloatArray
    top: FloatArray
    last: float
    firm: int = 0
    firm_foot: float = 0.0
    firm_top: float = 0.0
    through: tuple[float, int] | None = None
    passed: tuple[float, int] = (0.0, 0)


class Crossings:
    """Follows feet over a line.

    An object is firmly on a side when its foot is `margin_heights` of its box height away from the
    line. It has crossed when it is firmly on the other side, its path went through the segment
    (not around its end), and the upper edge of its box moved along: a box that only grows
    downwards, because legs come out from behind something, does not cross.
    """

    def __init__(self, line: Line, margin_heights: float) -> None:
        self._line = line
        self._margin = margin_heights
        self._states: dict[int, _State] = {}

    def clear(self) -> None:
        """Nothing is known any more."""
        self._states.clear()

    def update(
        self, id_: int, foot: FloatArray, top: FloatArray, now: float, fastest: float
    ) -> Passage:
        """foot, top: (2,) pixels, middles of the lower and the upper edge of a box seen now.

        fastest: box heights a second; who was found farther away is taken for somebody else.
        """
        height = max(float(foot[1] - top[1]), 1.0)
        state = self._states.get(id_)
        if state is None or not self._same(state, foot, now, fastest * height):
            state = self._states[id_] = _State(foot, top, now)
        self._follow(state, foot, now)
        off, top_off = self._line.signed_distance(np.array([foot, top], dtype=np.float64)).tolist()
        side = 0 if abs(off) < max(self._margin * height, LEAST_PX) else (1 if off > 0 else -1)
        fresh = self._settle(state, side, off, top_off)
        state.foot, state.top, state.last = foot, top, now
        return Passage(side, abs(off) / height, state.passed[1], state.passed[0], fresh)

    @staticmethod
    def _same(state: _State, foot: FloatArray, now: float, fastest_px: float) -> bool:
        elapsed = now - state.last
        reach = fastest_px * elapsed + LEAP_HEIGHTS * (state.foot[1] - state.top[1])
        return 0 <= elapsed <= FORGET_S and float(np.hypot(*(foot - state.foot))) <= reach

    def knows(self, id_: int) -> bool:
        """Was it seen lately?"""
        return id_ in self._states

    def forget(self, now: float) -> None:
        """Drop what has not been seen for a while."""
        self._states = {k: s for k, s in self._states.items() if now - s.last <= FORGET_S}

    def _follow(self, state: _State, foot: FloatArray, now: float) -> None:
        """Remember where the path last changed sides: through the segment, or around it."""
        before, after = self._line.signed_distance(
            np.array([state.foot, foot], dtype=np.float64)
        ).tolist()
        if (before >= 0) == (after >= 0):
            return
        way = int(self._line.crossings(state.foot[None], foot[None])[0])
        share = abs(before) / max(abs(before - after), 1e-9)
        state.through = (state.last + share * (now - state.last), way)

    def _settle(self, state: _State, side: int, off: float, top_off: float) -> bool:
        """Take note of a firm side; True when it completes a crossing."""
        if side == 0:
            return False
        crossed = state.firm == -side and state.through is not None and state.through[1] == side
        foot_moved, top_moved = off - state.firm_foot, top_off - state.firm_top
        if crossed and top_moved * side < TOP_FOLLOWS * foot_moved * side:
            return False  # the box changed its shape: wait for a movement
        if crossed and state.through is not None:
            state.passed = state.through
        elif state.firm == -side:
            state.passed = (0.0, 0)  # went around the end of the line
        state.firm, state.firm_foot, state.firm_top = side, off, top_off
        return crossed
