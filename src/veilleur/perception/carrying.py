"""What somebody carries, as far as anybody looked: without a picture."""

from __future__ import annotations

from dataclasses import dataclass

from veilleur.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """One person who was looked at for a gun or a large knife in the hand.

    key: number of the track. box: the person, pixels of the view. tall_px: height of the box.
    looks: how many of late count; surety: their mean, 0..1, how surely a weapon is seen.
    hand_read: False where nobody looked for the hands yet. hand: person heights from the weapon to
    the nearest hand that is seen; None: no hand is seen, or nothing to measure to. left: person
    heights that this person has moved while what is taken for a weapon stayed where it is.
    """

    key: int
    box: Box
    tall_px: float
    looks: int = 0
    surety: float = 0.0
    hand_read: bool = True
    hand: float | None = None
    left: float = 0.0
