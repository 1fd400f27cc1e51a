"""What the place looks like, and what has newly come to rest in it, pixel by pixel.

Two rates, as in Porikli, Ivanov, Haga, "Robust abandoned object detection using dual foregrounds"
(EURASIP 2008): a slow layer, the place as it is known, and a quick one, what has lately been seen
instead of it. A pixel whose quick layer has held for `settle_s` is at rest. Unlike there the quick
layer waits while something else passes before it, so that an object may be hidden for minutes; a
third layer says whether what hides it is itself at rest.

Everything is small (`PIXELS` at most) and made from the planes of the picture: luma at full working
size, chroma at half. The picture's light is divided out first (median ratio); where it changes in
large parts at once, the slow layer is taken anew and what is at rest is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from veilleur.cameras.picture import Picture, area_mean
from veilleur.geometry import BoolArray, FloatArray

PIXELS = 76_800  # of the working size, 320 x 240: a bag of a person 80 pixels tall has over ten
LUMA, CHROMA = 12.0, 9.0  # grey levels: smaller differences are noise
NOISY = 4.0  # mean deviations of a pixel: smaller differences are its own unrest
NOISIEST = 24.0
KNOWN_S, QUICK_S = 30.0, 3.0  # time constants of the two layers
FIRST_S = 10.0  # at the beginning the slow layer learns faster
DARKEST = 8.0  # grey levels: no ratio is taken of less
FLOODED = 0.4  # share of the picture that differs at once: the light has changed
LEAST_GAIN = 0.015
WAITS_S = 2.5  # after so long it is the light that has changed, and the place is taken anew
SWITCHED = 0.12  # logarithm of the factor between two pictures: no exposure follows so fast
BLACK = 16.0  # of luma where the picture's range is limited: no light
LIGHT_REACH = 0.15  # of the picture's width: so far around, the light is the same
NEVER = np.inf
CELL = 8  # pixels of the working size
CONTRAST = 4.0  # grey levels (standard deviation) from which a cell has texture
SWAYS = 0.015  # of the picture's width: so far a mast sways; farther, the camera has been turned
LEAST_SWAY, BETTER = 0.15, 0.97  # pixels; and the error that is left, of that before
SLACK, CALMS = 0.4, 0.9  # pixels of an edge that are forgiven then; share of the sway remembered
ALIKE, KNOWN_AGAIN = 0.5, 0.6  # correlation of such a cell; share of them: it is the same place


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """settle_s: so long the same is at rest. What moves may pass before it without end; what itself
    is at rest before it takes its place when it has rested as long, hidden_s at most. back_s: so
    long the known place must be seen again before what was at rest there is gone.
    """

    settle_s: float = 3.0
    hidden_s: float = 60.0
    back_s: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """Small planes of a picture, float32: luma (h, w), 0 for black, chroma (2, h / 2, w / 2)."""

    luma: FloatArray
    chroma: FloatArray

    @classmethod
    def of(cls, picture: Picture) -> Planes:
        width, height = working_size(picture.width, picture.height)
        luma = picture.thumbnail(width)
        if luma.shape != (height, width):
            luma = np.asarray(cv2.resize(luma, (width, height)), np.uint8)
        half = width // 2, height // 2
        chroma = [area_mean(plane, half) for plane in picture.chroma]
        black = 0.0 if picture.full_range else BLACK
        lit = np.maximum(luma.astype(np.float32) - black, 0)
        return cls(lit, np.stack(chroma).astype(np.float32))

    def differs(self, other: Planes, luma: FloatArray | float, chroma: float) -> BoolArray:
        """(h, w): by more than so many grey levels in luma, or in one of the chroma planes."""
        apart = [cv2.absdiff(*planes) for planes in zip(self.chroma, other.chroma, strict=True)]
        colour = np.asarray(cv2.max(*apart) > chroma)
        height, width = self.luma.shape
        wide = cv2.resize(colour.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        strange = np.asarray(cv2.absdiff(self.luma, other.luma) > luma)
        return np.asarray(np.logical_or(strange, wide, out=strange))

    def blend(self, other: Planes, where: BoolArray, share: float) -> None:
        """Go so far towards the other, where it is asked for."""
        half = np.ascontiguousarray(where[::2, ::2])
        if share >= 1.0:
            np.copyto(self.luma, other.luma, where=where)
            np.copyto(self.chroma, other.chroma, where=half[np.newaxis])
            return
        _towards(self.luma, other.luma, where, share)
        for mine, theirs in zip(self.chroma, other.chroma, strict=True):
            _towards(mine, theirs, half, share)

    def shifted(self, right: float, down: float) -> Planes:
        """Moved by so many pixels of luma; what comes in at the edges is the nearest that was."""
        return Planes(
            _moved(self.luma, right, down),
            np.asarray([_moved(p, right / 2, down / 2) for p in self.chroma], np.float32),
        )

    def scale(self, gain: FloatArray | float) -> None:
        """Another light: luma times so much."""
        np.multiply(self.luma, gain, out=self.luma)

    def copy(self) -> Planes:
        return Planes(self.luma.copy(), self.chroma.copy())


def _towards(mine: FloatArray, theirs: FloatArray, where: BoolArray, share: float) -> None:
    cv2.accumulateWeighted(theirs, mine, share, where.view(np.uint8))


def working_size(width: int, height: int) -> tuple[int, int]:
    """(width, height), even, at most PIXELS and never more than the picture's own."""
    scale = min(1.0, (PIXELS / (width * height)) ** 0.5)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _moved(plane: FloatArray, right: float, down: float) -> FloatArray:
    height, width = plane.shape
    way = np.array([[1, 0, right], [0, 1, down]], np.float32)
    back = cv2.warpAffine(plane, way, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(back, np.float32)


def _steadied(now: Planes, known: Planes, window: FloatArray) -> tuple[Planes, float]:
    """The picture as it would be had the camera not swayed, and by how many pixels it did: phase
    correlation (Kuglin and Hines 1975) with the place, taken only where that explains the picture
    better."""
    (right, down), _ = cv2.phaseCorrelate(known.luma * window, now.luma * window)  # kept as it is
    sway = float(np.hypot(right, down))
    if not LEAST_SWAY <= sway <= SWAYS * now.luma.shape[1]:
        return now, 0.0
    steady = now.shifted(-right, -down)
    better = _apart(steady, known) < BETTER * _apart(now, known)
    return (steady, sway) if better else (now, 0.0)


def _apart(one: Planes, other: Planes) -> float:
    """Mean difference of two lumas, grey levels, without the largest tenth: what moves there."""
    off = np.sort(np.abs(one.luma[::3, ::3] - other.luma[::3, ::3]), axis=None)
    return float(off[: (len(off) * 9) // 10].mean())


def _likeness(known: FloatArray, now: FloatArray) -> FloatArray:
    """(n,) correlation, -1..1, of the cells of two lumas in which the first has texture."""
    rows, columns = known.shape[0] // CELL, known.shape[1] // CELL
    cells = [
        luma[: rows * CELL, : columns * CELL]
        .reshape(rows, CELL, columns, CELL)
        .transpose(0, 2, 1, 3)
        .reshape(rows * columns, CELL * CELL)
        for luma in (known, now)
    ]
    one, other = (cell - cell.mean(axis=1, keepdims=True) for cell in cells)
    textured = one.std(axis=1) >= CONTRAST
    one, other = one[textured], other[textured]
    scale = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return np.asarray((one * other).sum(axis=1) / np.maximum(scale, 1.0))


class Background:
    """The two layers of one camera. `known` and `now` are the slow layer and the picture.

    `lately`: the quick layer; `began`, `seen`: (h, w) seconds at which its value was first and last
    seen (began is infinite where there is none).
    """

    def __init__(self, rates: Rates | None = None) -> None:
        self._rates = rates or Rates()
        self.forget()

    def forget(self) -> None:
        """Nothing is known any more."""
        self.time: float | None = None
        self.started: float | None = None
        self._flooded: float | None = None
        self._sway = 0.0
        self.known = self.lately = self.now = Planes(
            np.zeros((0, 0), np.float32), np.zeros((2, 0, 0), np.float32)
        )
        self._front = self.known
        self.began = self.seen = self._front_began = self._unrest = np.zeros((0, 0), np.float32)
        self._strange = np.zeros((0, 0), np.bool_)
        self._known_s = self._window = np.zeros((0, 0), np.float32)
        self._resting: BoolArray | None = None

    @property
    def ready(self) -> bool:
        return self.started is not None

    @property
    def waiting(self) -> bool:
        """Everything has just changed, and nothing was taken from the last picture."""
        return self._flooded is not None

    @property
    def at_rest(self) -> BoolArray:
        """(h, w): something new is at rest here, seen now or hidden."""
        if self._resting is None:
            self._resting = np.asarray(self.seen - self.began >= self._rates.settle_s)
        return self._resting

    @property
    def moving(self) -> BoolArray:
        """(h, w): not as the place is known, and not at rest."""
        return np.asarray(self._strange & ~self.at_rest)

    @property
    def hidden(self) -> BoolArray:
        """(h, w): of what is at rest, what is not seen now."""
        return np.asarray(self.at_rest & (self.seen < (self.time or 0.0)))

    def recognises(self, picture: Picture) -> bool:
        """Whether this is the place as it was known, in whatever light: its texture is there."""
        now = Planes.of(picture)
        if self.started is None or now.luma.shape != self.known.luma.shape:
            return False
        likeness = _likeness(self.known.luma, now.luma)
        return bool(len(likeness)) and float((likeness >= ALIKE).mean()) >= KNOWN_AGAIN

    def resume(self, missed_s: float) -> None:
        """So long nothing was seen: it makes nothing older, and no change that was waited for has
        lasted through it."""
        for times in (self.began, self.seen, self._front_began):
            times += missed_s
        self._flooded = None
        self.time = self.time + missed_s if self.time is not None else None
        self.started = self.started + missed_s if self.started is not None else None

    def step(self, picture: Picture, time: float) -> None:
        """Take the next picture, at least a tenth of a second after the last. time: seconds."""
        now = Planes.of(picture)
        if self.time is None or self.started is None or now.luma.shape != self.known.luma.shape:
            self._begin(now, time)
            return
        now, sway = _steadied(now, self.known, self._window)
        self._sway = max(sway, CALMS * self._sway)
        elapsed_s = min(max(time - self.time, 0.0), QUICK_S)
        gain = self._follow_light(now)
        tolerance = np.clip(NOISY * self._unrest, LUMA, NOISIEST) + self._slack()
        strange = now.differs(self.known, tolerance, CHROMA)
        if abs(np.log(gain)) > SWITCHED or self._is_flooded(strange):
            if self._waits(time):
                self._scale(1 / gain)
                return
            self._relight(now, time)
            strange = now.differs(self.known, tolerance, CHROMA)
        self._flooded = None
        self._learn(now, ~strange, elapsed_s, time)
        self._rest(now, strange, tolerance, elapsed_s, time)
        self.now, self.time, self._strange = now, time, strange

    def _is_flooded(self, strange: BoolArray) -> bool:
        """Whether much differs of what is not at rest."""
        free = ~self.at_rest
        return bool(np.count_nonzero(strange & free) > FLOODED * np.count_nonzero(free))

    def absorb(self, where: BoolArray) -> None:
        """From now on, what is at rest here is the place itself."""
        if not where.any():
            return
        self.known.blend(self.lately, where, 1.0)
        self._known_s[where] = np.maximum(self._known_s, self.seen - self.began)[where]
        self._clear(where)

    def _begin(self, now: Planes, time: float) -> None:
        shape = now.luma.shape
        self.known, self.lately, self._front, self.now = now.copy(), now.copy(), now.copy(), now
        self.began = np.full(shape, NEVER, np.float64)
        self.seen = np.full(shape, -NEVER, np.float64)
        self._front_began = np.full(shape, NEVER, np.float64)
        self._unrest = np.full(shape, 2.0, np.float32)
        self._strange = np.zeros(shape, np.bool_)
        self._known_s = np.zeros(shape, np.float32)
        self._resting = None
        self._window = np.asarray(cv2.createHanningWindow(shape[::-1], cv2.CV_32F), np.float32)
        self.time = self.started = time

    def _follow_light(self, now: Planes) -> float:
        """Exposure and slow light: one factor for the whole picture, which is returned."""
        known = self.known.luma[::4, ::4]
        lit = known > DARKEST
        if not lit.any():
            return 1.0
        gain = float(np.median(now.luma[::4, ::4][lit] / known[lit]))
        if gain <= 0 or abs(gain - 1) <= LEAST_GAIN:
            return 1.0
        self._scale(gain)
        return gain

    def _slack(self) -> FloatArray | float:
        """Grey levels by which a pixel at an edge may differ on a camera that sways: it is steadied
        to a part of a pixel."""
        share = SLACK * min(self._sway, 1.0)
        if share < LEAST_SWAY * SLACK:
            return 0.0
        square = np.ones((3, 3), np.uint8)
        steps = cv2.morphologyEx(self.known.luma, cv2.MORPH_GRADIENT, square)
        return np.asarray(share * steps, np.float32)

    def _scale(self, gain: float) -> None:
        for layer in (self.known, self.lately, self._front):
            layer.scale(gain)

    def _waits(self, time: float) -> bool:
        """Everything has just changed: the light, or something is before the camera, which health
        then says. Nothing is learnt before that is sure."""
        if self._flooded is None or time < self._flooded:
            self._flooded = time
        return time - self._flooded < WAITS_S

    def _relight(self, now: Planes, time: float) -> None:
        """The light has changed in parts: the place is as it looks now, under what is at rest as it
        looked, in the new light around; what is at rest and was in view is as it looks now."""
        resting = self.at_rest
        gain = self._local_gain(now, ~resting)
        self.known.scale(gain)
        self.known.blend(now, ~resting, 1.0)
        self._known_s[~resting] = self._rates.settle_s
        in_view = resting & (self.seen >= (self.time or time))
        self.lately.scale(gain)
        self.lately.blend(now, in_view, 1.0)
        self.seen[in_view] = time
        self._resting = None
        self._clear(~resting)

    def _local_gain(self, now: Planes, where: BoolArray) -> FloatArray:
        side = int(LIGHT_REACH * now.luma.shape[1]) | 1
        weight = where.astype(np.float32)
        seen = cv2.blur(now.luma * weight, (side, side))
        known = cv2.blur(self.known.luma * weight, (side, side))
        return np.asarray(seen / np.maximum(known, 1e-3), np.float32).clip(0.2, 5.0)

    def _learn(self, now: Planes, same: BoolArray, elapsed_s: float, time: float) -> None:
        young = time - (self.started or time) < FIRST_S
        slow_s = KNOWN_S / 5 if young else KNOWN_S
        share = 1 - float(np.exp(-elapsed_s / slow_s))
        off = np.asarray(cv2.absdiff(now.luma, self.known.luma), np.float32)
        _towards(self._unrest, off, same, share)
        self._known_s += same * np.float32(elapsed_s)
        self.known.blend(now, same, share)

    def _rest(
        self,
        now: Planes,
        strange: BoolArray,
        tolerance: FloatArray,
        elapsed_s: float,
        time: float,
    ) -> None:
        """The quick layer: what is seen instead of the place, and how long the same.

        What comes to rest where the place was hardly ever seen (somebody passed there in the first
        picture) is the place.
        """
        known = np.isfinite(self.began)
        if not strange.any() and not known.any():
            return
        quick = 1 - float(np.exp(-elapsed_s / QUICK_S))
        resting = self.at_rest
        as_lately = strange & known
        as_lately &= ~now.differs(self.lately, tolerance, CHROMA)
        self.lately.blend(now, as_lately, quick)
        np.copyto(self.seen, time, where=as_lately)
        hiding = strange & ~as_lately
        taken = hiding & (~resting | self._outlasts(now, hiding & resting, tolerance, quick, time))
        self.lately.blend(now, taken, 1.0)
        np.copyto(self.began, self._front_began, where=taken & resting)
        np.copyto(self.began, time, where=taken & ~resting)
        np.copyto(self.seen, time, where=taken)
        unseen_s = time - self.seen
        back = (unseen_s > self._rates.back_s) | ((unseen_s > 0.0) & ~resting)
        self._clear(back & known & ~strange)
        self.absorb(self.at_rest & (self._known_s < self._rates.settle_s))

    def _outlasts(
        self, now: Planes, hides: BoolArray, tolerance: FloatArray, quick: float, time: float
    ) -> BoolArray:
        """(h, w): what stands before something at rest is itself at rest, as long as that was."""
        if not hides.any():
            self._front_began.fill(NEVER)
            return hides
        same = hides & ~now.differs(self._front, tolerance, CHROMA)
        same &= np.isfinite(self._front_began)
        self._front.blend(now, same, quick)
        fresh = hides & ~same
        self._front.blend(now, fresh, 1.0)
        self._front_began[fresh] = time
        self._front_began[~hides] = NEVER
        rates = self._rates
        rested_s = np.clip(self.seen - self.began, rates.settle_s, rates.hidden_s)
        return np.asarray(hides & (time - self._front_began >= rested_s))

    def _clear(self, where: BoolArray) -> None:
        np.copyto(self.began, NEVER, where=where)
        np.copyto(self.seen, -NEVER, where=where)
        self._resting = None
