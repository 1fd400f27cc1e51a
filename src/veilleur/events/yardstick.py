"""How large a thing is, measured in people: metres where the ground is known, else their heights.

People are remembered as heights at lines of the picture, nothing else of them.
"""

from __future__ import annotations

import numpy as np

from veilleur.events.scene import Scene
from veilleur.geometry import Box, FloatArray, IntArray, View
from veilleur.ground import person_height_px
from veilleur.perception.objects import Kind

MOST, NEAREST = 400, 25
LEAST_SCORE = 0.5
EVERY_S = 0.5
BANDS, TABLED_S = 48, 5.0  # lines of the picture are taken together, and medians kept so long
FOCAL = 1.0  # in widths of the picture, where nothing is calibrated
NEAR_FEET = 0.5  # heights: whose feet are so near in the picture, and who covers a thing, is at it


class Yardstick:
    """One camera's people as a measure."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._seen: FloatArray = np.zeros((0, 2))  # foot y, height; the oldest first
        self._learned: float | None = None
        self._table: FloatArray | None = None  # (BANDS,) median heights, by line of the picture
        self._tabled: float | None = None

    def learn(self, scene: Scene) -> None:
        """From people seen now, whole in the picture."""
        if self._learned is not None and 0 <= scene.time - self._learned < EVERY_S:
            return
        people = scene.tracks.of(Kind.PERSON)
        people = people[people.seen & (people.scores >= LEAST_SCORE)]
        boxes = np.asarray(people.boxes, np.float64)
        whole = (boxes[:, 1] > 1) & (boxes[:, 3] < self._view.height - 1)
        if not whole.any():
            return
        self._learned = scene.time
        boxes = boxes[whole]
        rows = np.stack([boxes[:, 3], boxes[:, 3] - boxes[:, 1]], axis=1)
        self._seen = np.concatenate([self._seen, rows])[-MOST:]
        if self._tabled is None or not 0 <= scene.time - self._tabled < TABLED_S:
            self._table, self._tabled = self._medians(), scene.time

    def _medians(self) -> FloatArray:
        middles = (np.arange(BANDS, dtype=np.float64) + 0.5) * (self._view.height / BANDS)
        off = np.abs(self._seen[:, 0] - middles[:, np.newaxis])
        near = np.argsort(off, axis=1, kind="stable")[:, :NEAREST]
        return np.asarray(np.median(self._seen[near, 1], axis=1))

    def _bands(self, lines: FloatArray) -> IntArray:
        bands = np.floor(np.asarray(lines, np.float64) * (BANDS / self._view.height))
        return np.asarray(np.clip(bands, 0, BANDS - 1), np.int64)

    def person_px(self, foot: tuple[float, float]) -> float | None:
        """Pixels that a standing person takes at this point; None: nobody was seen yet."""
        if self._view.ground is not None:
            known = person_height_px(self._view.ground, foot)
            if known is not None:
                return known
        if self._table is None:
            return None
        return float(self._table[self._bands(np.array([foot[1]]))[0]])

    def heights(self, box: Box) -> float | None:
        """The larger side of a box in heights of a person who would stand there."""
        person = self.person_px(box.foot)
        return max(box.width, box.height) / person if person else None

    def apart(self, boxes: FloatArray, box: Box, *, in_metres: bool) -> FloatArray:
        """(n,) from the feet of n people (n, 4) to the foot of a thing: metres, or heights of their
        boxes. Metres need the ground.

        In heights: across, and down the picture or in depth, whichever is more. People look smaller
        the further away they stand; how far apart two heights are in depth follows from the angle
        of view, taken as 53 degrees.
        """
        x1, y1, x2, y2 = boxes.T
        feet = np.stack([(x1 + x2) / 2, y2], axis=1)
        nearest = np.stack([np.clip(feet[:, 0], box.x1, box.x2), np.full(len(feet), box.y2)], 1)
        if in_metres and self._view.ground is not None:
            ground = self._view.ground
            metres = np.linalg.norm(ground.to_metres(feet) - ground.to_metres(nearest), axis=1)
            return np.asarray(np.nan_to_num(metres, nan=np.inf))
        across, down = np.abs(feet - nearest).T / np.maximum(y2 - y1, 1.0)
        covering = (x1 < box.x2) & (x2 > box.x1) & (y1 < box.y2) & (y2 > box.y1)
        far = np.hypot(across, np.maximum(down, self._depths(feet, box)))
        return np.asarray(np.where(covering & (down < NEAR_FEET), 0.0, far))

    def _depths(self, feet: FloatArray, box: Box) -> FloatArray:
        """(n,) person heights by which feet lie nearer to the camera or further away than a thing;
        0 where it is not known."""
        if self._table is None:
            return np.zeros(len(feet))
        there = self._table[self._bands(np.array([box.y2]))]
        nearer = 1 / self._table[self._bands(feet[:, 1])] - 1 / there
        return np.asarray(np.abs(FOCAL * self._view.width * nearer))
