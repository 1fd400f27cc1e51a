"""Does something that came to rest stay as it is? Compared with itself, in a small patch."""

from __future__ import annotations

import math

import cv2
import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, ImageArray, View

SIDE = 48
STIRRED = 16  # grey levels
MOVED = 0.3  # share of the patch that differs: it has moved
RESTLESS_S = 0.7  # so much motion in sum is more than a twitch
CALMS_S = 3.0  # time constant by which it is forgotten
ELSEWHERE = 0.25  # of the longer side
LEAST_PX = 4


class Rest:
    """One body at one place. `since`: the second since when it has been at rest.

    Motion there and back, again and again (exercise), adds up; a single twitch does not.
    """

    def __init__(self, box: Box, time: float) -> None:
        self.box, self.since = box, time
        self._patch: ImageArray | None = None
        self._time, self._moving_s = time, 0.0
        self.moved = 0.0

    def at(self, box: Box, time: float) -> Rest:
        """The same body, now known to fill this box; elsewhere it has moved."""
        shift = math.dist(box.centre, self.box.centre)
        elsewhere = shift > ELSEWHERE * max(self.box.width, self.box.height)
        there = Rest(box, time)
        if not elsewhere and self.moved <= MOVED:
            there.since, there._moving_s = self.since, self._moving_s
        return there

    def look(self, picture: Picture, view: View, time: float) -> None:
        """Compare. time: seconds of the stream."""
        patch = _patch(picture, view, self.box)
        passed = max(time - self._time, 0.0)
        self._time = time
        if patch is None:
            return
        if self._patch is None:
            self._patch = patch
            return
        difference = patch.astype(np.int16) - self._patch
        difference -= np.int16(np.median(difference))
        self.moved = float((np.abs(difference) > STIRRED).mean())
        self._moving_s *= math.exp(-passed / CALMS_S)
        if self.moved > MOVED:
            self._moving_s += passed
        if self._moving_s > RESTLESS_S:
            self._patch, self.since, self._moving_s = patch, time, 0.0

    def resume(self, missed_s: float) -> None:
        """So long nothing was seen: it counts for nothing."""
        self.since += missed_s
        self._time += missed_s

    def wait(self, time: float) -> None:
        """Nothing can be seen of it now."""
        self._time = time


def _patch(picture: Picture, view: View, box: Box) -> ImageArray | None:
    """(48, 48) luma of the box; None: too little of it is in the picture."""
    across, down = picture.width / view.width, picture.height / view.height
    x1, y1 = int(max(box.x1, 0) * across), int(max(box.y1, 0) * down)
    x2, y2 = int(min(box.x2, view.width) * across), int(min(box.y2, view.height) * down)
    if x2 - x1 < LEAST_PX or y2 - y1 < LEAST_PX:
        return None
    part = picture.luma[y1:y2, x1:x2]
    return np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
