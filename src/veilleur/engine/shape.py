"""Is the picture still the one its zones were drawn on? Asked of each, live and of files."""

from __future__ import annotations

from dataclasses import replace

from veilleur.cameras.frame import Frame
from veilleur.geometry import View

OTHER_SHAPE = "other shape"
"""What such a frame is blind by."""
SAME_SHAPE = 0.02
"""Aspect ratios that differ by less are the same: cameras round to whole macroblocks."""


def fitted(frame: Frame, view: View) -> tuple[Frame, str | None]:
    """The frame as the rules may have it: blind, and why, where it has another aspect ratio than
    the view. Another resolution is no other shape."""
    picture = frame.picture
    ratio = picture.width * view.height / (picture.height * view.width)
    if abs(ratio - 1.0) <= SAME_SHAPE:
        return frame, None
    words = (
        f"rules suspended: the picture is {picture.width}x{picture.height} now, its zones were "
        f"drawn on {view.width}x{view.height} (set the camera back to that shape, or draw the "
        "zones anew and restart)"
    )
    return replace(frame, blind=OTHER_SHAPE), words
