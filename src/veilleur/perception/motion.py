"""How boxes move: one Kalman filter over all tracks at once.

A box is centre, width and height. Each of the four moves by itself (a constant speed, disturbed by
white noise, and noise that grows with the box), so the covariance of a track falls into four 2 x 2
blocks, and predicting or correcting all tracks is a handful of operations on (n, 4) arrays: exact,
without one matrix inverse. Model: ByteTrack's filter (Zhang et al., ECCV 2022), with its noise a
second instead of a frame. Sizes return to rest (Singer 1970) so that a hidden box doesn't swell.
"""

from __future__ import annotations

import numpy as np

from veilleur.geometry import BoolArray, FloatArray, IntArray

SIZE_RESTS_S = 0.7  # seconds after which a box's growth has fallen to 1/e
SPEED_RESTS_S = 20.0  # the same for the speed of its centre
SIZE_NOISE = 0.2  # change of growth, box sizes a second, in a second
SMALLEST = 1.0  # pixels: a predicted box never has less

PLACE, SPEED, VAR_PLACE, COVARIANCE, VAR_SPEED = range(5)


def centred(boxes: FloatArray) -> FloatArray:
    """(n, 4) x1 y1 x2 y2 to (n, 4) centre x, centre y, width, height."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return np.concatenate([boxes[:, :2] + sizes / 2, sizes], axis=1)


def cornered(places: FloatArray) -> FloatArray:
    """(n, 4) centre x, centre y, width, height to (n, 4) x1 y1 x2 y2."""
    half = places[:, 2:] / 2
    return np.concatenate([places[:, :2] - half, places[:, :2] + half], axis=1)


class Motion:
    """Places, speeds and their uncertainty for n tracks. Row i is track i, always.

    `state` is (5, n, 4): place, speed, and the three numbers of each 2 x 2 covariance, for centre
    x, centre y, width, height; pixels and seconds.
    """

    def __init__(self) -> None:
        self.state: FloatArray = np.zeros((5, 0, 4))

    def __len__(self) -> int:
        return int(self.state.shape[1])

    @property
    def sizes(self) -> FloatArray:
        """(n, 1) the longer side of each box, pixels: the yardstick of all noise."""
        return self.state[PLACE][:, 2:].max(axis=1, keepdims=True)  # type: ignore[no-any-return]

    @property
    def boxes(self) -> FloatArray:
        """(n, 4) x1 y1 x2 y2 where the tracks are believed to be."""
        return cornered(self.state[PLACE])

    def add(self, boxes: FloatArray, noise: float, speed_noise: FloatArray) -> None:
        """New tracks at `boxes` (m, 4), at rest, unsure of it by `speed_noise` (m,) sizes a second.

        noise: standard deviation of a box's place and size, in box sizes.
        """
        new = np.zeros((5, len(boxes), 4))
        new[PLACE] = centred(boxes)
        size = new[PLACE][:, 2:].max(axis=1, keepdims=True)
        new[VAR_PLACE] = (noise * size) ** 2
        new[VAR_SPEED][:, :2] = (speed_noise[:, None] * size) ** 2
        new[VAR_SPEED][:, 2:] = (SIZE_NOISE * size) ** 2
        self.state = np.concatenate([self.state, new], axis=1)

    def keep(self, rows: BoolArray) -> None:
        """Forget all other tracks."""
        self.state = self.state[:, rows]

    def moved(self, elapsed_s: float) -> FloatArray:
        """(n, 4) places (centre, size) after `elapsed_s`, without changing anything."""
        places: FloatArray = self.state[PLACE] + _reach(elapsed_s) * self.state[SPEED]
        np.maximum(places[:, 2:], SMALLEST, out=places[:, 2:])
        return places

    def predict(self, elapsed_s: float, agility: FloatArray) -> None:
        """Let `elapsed_s` pass. agility (n,): change of speed, sizes a second, in a second."""
        size = self.sizes
        reach, decay = _reach(elapsed_s), np.exp(-elapsed_s / _RESTS)
        q = np.empty((len(self), 4))
        q[:, :2] = (agility[:, None] * size) ** 2
        q[:, 2:] = (SIZE_NOISE * size) ** 2
        place, speed, vp, cov, vs = self.state
        place[:] = self.moved(elapsed_s)
        speed *= decay
        vp += reach * (2 * cov + reach * vs) + q * (elapsed_s**3 / 3)
        cov[:] = decay * (cov + reach * vs) + q * (elapsed_s**2 / 2)
        vs[:] = decay**2 * vs + q * elapsed_s

    def correct(self, rows: IntArray, boxes: FloatArray, noise: FloatArray) -> None:
        """Tracks `rows` (m,) were seen at `boxes` (m, 4). noise (m,): as in `add`."""
        place, speed, vp, cov, vs = self.state[:, rows]
        variance = (noise[:, None] * place[:, 2:].max(axis=1, keepdims=True)) ** 2
        weight, pull = vp / (vp + variance), cov / (vp + variance)
        error = centred(boxes) - place
        self.state[:, rows] = (
            place + weight * error,
            speed + pull * error,
            vp * (1 - weight),
            cov * (1 - weight),
            vs - pull * cov,
        )

    def spread(self, noise: float) -> FloatArray:
        """(n, 2) variance of where the centre of a detection is expected, pixels squared."""
        variance: FloatArray = self.state[VAR_PLACE][:, :2] + (noise * self.sizes) ** 2
        return variance

    def calm(self, elapsed_s: float, rests_s: float) -> None:
        """Nothing moved for `elapsed_s`: speeds fall to 1/e each `rests_s`."""
        self.state[SPEED] *= np.exp(-elapsed_s / rests_s)


_RESTS = np.array([SPEED_RESTS_S, SPEED_RESTS_S, SIZE_RESTS_S, SIZE_RESTS_S])


def _reach(elapsed_s: float) -> FloatArray:
    """(4,) seconds of present speed covered in `elapsed_s` while it decays."""
    return _RESTS * -np.expm1(-elapsed_s / _RESTS)
