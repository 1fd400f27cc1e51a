"""What may burn in the picture, and what is known of it: the value between pixels and rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from veilleur.geometry import Box


class Sort(StrEnum):
    """What of a fire it would be."""

    FLAME = "flame"
    SMOKE = "smoke"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blaze:
    """A place that changes as fire does, followed by where it is.

    id: for as long as it is followed. box: pixels of the view, as last seen. since, until: seconds
    at which it was first and last seen; burns_since: second of the first look, of a row of them, in
    which the verifier saw fire; None: it sees none. sure: share of the looks of the last seconds in
    which it did, 0..1; looks: how many these were. stirs: share of its pixels that changed just
    before, mean of the last pictures, 0..1. grown: its area now, in areas when it was first seen.
    moved: how far its middle has come in the last seconds, in its own longer sides. at_start: it
    was there when looking began, so nobody saw it begin. swept: the camera itself moves, so `moved`
    tells nothing.
    """

    id: int
    sort: Sort
    box: Box
    since: float
    until: float
    burns_since: float | None
    sure: float
    looks: int
    stirs: float
    grown: float
    moved: float
    at_start: bool = False
    swept: bool = False
