"""Whose situation goes on, and where: an incident is known by the place where it began."""

from __future__ import annotations

from dataclasses import dataclass

from veilleur.geometry import Box


@dataclass(frozen=True, slots=True)
class Going:
    """Somebody who was signalled and is still followed. first: the box with which the situation was
    signalled; where: the newest one. Shares of the picture, 0..1."""

    first: Box
    where: Box
