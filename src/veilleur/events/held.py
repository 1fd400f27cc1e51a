"""For how long has each object fulfilled a condition? Counted in seconds of the stream's clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", int, str)

SILENCE_S = 30.0  # without any observation for longer, nothing is known: conditions start again


@dataclass(frozen=True, slots=True)
class Stay:
    """began: second at which it became true. due: `after_s` is reached now, for the first time."""

    began: float
    held_s: float
    due: bool
    told: bool


@dataclass(slots=True)
class _State:
    began: float
    last: float
    told: bool = False


class Held(Generic[Key]):
    """Which objects fulfil a condition for `after_s` seconds, with gaps of `gap_s` forgiven?

    A gap is time in which an object was looked at and did not fulfil the condition; a second
    without a picture is no gap. So the answer does not depend on the rate of the pictures.
    """

    def __init__(self, after_s: float, gap_s: float, told_gap_s: float | None = None) -> None:
        """told_gap_s: the gap forgiven once `after_s` was reached; None: the same."""
        self._after_s = after_s
        self._gap_s = gap_s
        self._told_gap_s = gap_s if told_gap_s is None else told_gap_s
        self._states: dict[Key, _State] = {}
        self._now: float | None = None

    def clear(self) -> None:
        """Nothing is known any more (a blind camera)."""
        self._states.clear()

    def told(self, key: Key) -> bool:
        """Was `after_s` reached, and has it not ended since?"""
        return key in self._states and self._states[key].told

    def restart(self, key: Key) -> None:
        """What this object had counts no more: it begins anew."""
        self._states.pop(key, None)

    def update(self, ids: Iterable[Key], now: float, unsure: Iterable[Key] = ()) -> dict[Key, Stay]:
        """Those that fulfil it now, each with its stay; `due` once each.

        unsure: objects not seen in this picture, but not known to be gone: what they had stays.
        """
        if self._now is not None and not 0.0 <= now - self._now <= SILENCE_S:
            self.clear()
        self._now = now
        now_true = set(ids)
        kept = now_true | set(unsure)
        for known in [key for key in self._states if key not in kept]:
            state = self._states[known]
            if now - state.last > (self._told_gap_s if state.told else self._gap_s) + 1e-9:
                del self._states[known]
        return {key: self._stay(key, now) for key in sorted(now_true)}

    def _stay(self, key: Key, now: float) -> Stay:
        state = self._states.setdefault(key, _State(now, now))
        state.last = now
        held_s = now - state.began
        due = not state.told and held_s >= self._after_s - 1e-9
        stay = Stay(state.began, held_s, due, state.told)
        state.told = state.told or due
        return stay
