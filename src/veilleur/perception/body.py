"""Somebody who stood and is not standing any more: what is known of him, without a picture."""

from __future__ import annotations

from dataclasses import dataclass

from veilleur.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One person who was upright, and now is low or was looked for where he was lost.

    key: number of the track as it stood; no two bodies have the same. box: where he is, or was last
    seen, pixels of the view. stood_px: his height when upright, pixels. upright_s: how long he was
    seen upright. upright_until: when last; down_since: since when he is not; still_since: since
    when he has not moved (seconds of the stream; a time in which the camera was blind has made none
    of them older). lying: share of the last looks that found him lying, 0..1; looks: how many there
    were; lying_since: when the first of them did, None: none.
    hidden: somebody stands before him, so nothing can be said now.
    """

    key: int
    box: Box
    stood_px: float
    upright_s: float
    upright_until: float
    down_since: float
    still_since: float
    lying: float
    looks: int
    lying_since: float | None = None
    hidden: bool = False
