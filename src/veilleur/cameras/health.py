"""Can this camera see? Frozen, dark, blurred, covered, moved, or blinded by a change of light.

Every picture is compared, in cells of 8 x 8 pixels of its thumbnail, with a reference view: the
mean picture of a camera that has stood still. Normalised cross-correlation within a cell does not
care about brightness and contrast (lamp, sun, infra-red), and people and vehicles fill few cells.
Structure that is gone is a cover, structure that is elsewhere a moved camera, structure that has
lost its finest part a blur. Displacement is measured by phase correlation of the gradients in the
four quarters of the picture, which see a rotation or a zoom as different shifts.

Phase correlation: Kuglin and Hines, "The phase correlation image alignment method", 1975.
The thresholds were chosen on made edits of vtest, intel_one_by_one, pets2006_left_rucksack,
aboda_01, shop_cctv_b and warehouse_overhead_walkers, and checked on the other labelled clips.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from veilleur.cameras.middle import median
from veilleur.geometry import BoolArray, FloatArray, ImageArray

ComplexArray = NDArray[np.complex128]

_CELL = 8  # pixels
_BURNT = 230.0  # grey level from which a cell can hardly become lighter
_BLACK = 16.0  # black of limited-range video
_AGREE = 1.0  # pixels by which the shifts of the quarters may differ from one movement of the whole


class Blind(StrEnum):
    """Why nothing can be seen. A camera without pictures is another matter (lost)."""

    FROZEN = "frozen"  # the same pictures again and again
    DARK = "dark"  # no light, no structure
    BLURRED = "blurred"  # out of focus, fogged, wet
    COVERED = "covered"  # something before the lens: the known structure is gone
    MOVED = "moved"  # it looks elsewhere than it did
    LIGHT = "light"  # the light has just changed: lightning, lamp, infra-red cut, exposure


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """Seconds of the stream's clock, grey levels of luma (0..255), pixels of the thumbnail.

    hold_s: a trouble is named when it has lasted so long; clear_s: and cleared when it has been
    gone so long. learn_s: stillness that makes a reference view.
    still: share of the cells with structure that must look as in the reference for stillness.
    frozen: watch for repeated pictures; a caller that repeats pictures itself (a replay that holds
    the last picture) switches it off. frozen_s: repeated for so long is frozen, on a camera whose
    pictures otherwise differ; where a coder repeats quiet pictures itself (more than repeats of
    the pictures so far), frozen_quiet_s. loop: so many pictures back a repetition is looked for.
    dark: 95 % of the cells are darker, and their contrast is below dark_contrast.
    structure: contrast (standard deviation) from which a cell has structure; same: correlation
    from which it looks the same; gone: share of its contrast below which its structure is gone.
    covered: share of cells whose structure is gone. fine: share of the usual finest detail below
    which a picture is blurred. elsewhere: share of cells that look the same below which the camera
    looks elsewhere. shift: displacement in pixels, found with at least the response sure in most
    quarters of the picture and in agreement, that means moved.
    shock: change of the median level within about a second; all_over: share of cells that change
    with it; kept: share of cells that still look
    as a moment before, else it is something that passes; light_s: held after the last shock;
    light_most_s: after so long a changed light is the light.
    """

    hold_s: float = 1.2
    clear_s: float = 1.0
    learn_s: float = 10.0
    still: float = 0.7
    frozen: bool = True
    frozen_s: float = 1.6
    frozen_quiet_s: float = 60.0
    repeats: float = 0.02
    loop: int = 20
    dark: float = 40.0
    dark_contrast: float = 3.0
    structure: float = 5.0
    same: float = 0.5
    gone: float = 0.35
    covered: float = 0.5
    fine: float = 0.6
    elsewhere: float = 0.35
    shift: float = 1.5
    sure: float = 0.3
    shock: float = 20.0
    all_over: float = 0.75
    kept: float = 0.7
    light_s: float = 1.0
    light_most_s: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A picture in numbers. picture (h, w) float32; level, contrast, detail: one for each cell."""

    picture: FloatArray
    level: FloatArray
    contrast: FloatArray
    detail: FloatArray

    @classmethod
    def at(cls, picture: FloatArray) -> _Look:
        level = _cells(picture)
        contrast = np.sqrt(np.maximum(_cells(picture * picture) - level * level, 0.0))
        detail = _cells(np.abs(cv2.Laplacian(picture, cv2.CV_32F, ksize=1)))
        return cls(picture, level, contrast, detail)

    def likeness(self, other: _Look) -> FloatArray:
        """Normalised cross-correlation of each cell, -1..1."""
        together = _cells(self.picture * other.picture) - self.level * other.level
        return together / np.maximum(self.contrast * other.contrast, 1.0)

    @property
    def sharpness(self) -> FloatArray:
        """Finest detail of each cell in relation to its contrast."""
        return self.detail / np.maximum(self.contrast, 1.0)


def _cells(plane: FloatArray) -> FloatArray:
    """(h, w) to the mean of each cell."""
    height, width = plane.shape
    size = (max(1, width // _CELL), max(1, height // _CELL))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A picture against the reference, over the cells that have structure there.

    same, gone: shares of those cells. fine: median sharpness, 1 = as usual. moved: displaced.
    """

    same: float
    gone: float
    fine: float
    moved: bool


class Health:
    """The eyes of one camera. Told the picture and the time, answers what it can't see by."""

    def __init__(
        self, settings: HealthSettings | None = None, reference: ImageArray | None = None
    ) -> None:
        """reference: (h, w) uint8 thumbnail of the view as it should be; None: it is learned."""
        self._settings = settings or HealthSettings()
        self._reference = _Reference(self._settings, reference)
        self._repeats = _Repeats(self._settings)
        self._shock = _Shock(self._settings)
        self._named = _Named(self._settings)
        self._time = -math.inf

    @property
    def has_reference(self) -> bool:
        """Is a reference view known? Without one nothing is ever moved, blurred or covered."""
        return self._reference.known

    def accept(self) -> None:
        """The camera was turned on purpose: learn its view anew."""
        self._reference = _Reference(self._settings, None)

    def step(self, thumbnail: ImageArray, time: float) -> str | None:
        """The word for what blinds the camera now, None if it sees.

        thumbnail: (h, w) uint8 luma, about 160 wide; time: seconds, stream clock. A clock that
        steps back or far forward is a new connection: the reference stays, the rest begins anew.
        """
        passed = time - self._time
        self._time = time
        if not 0.0 <= passed <= 30.0:
            self._repeats = _Repeats(self._settings)
            self._shock = _Shock(self._settings)
            passed = 0.0
        look = _Look.at(thumbnail.astype(np.float32))
        frozen = self._repeats.step(thumbnail, passed)
        light = self._shock.step(look, time, passed)
        trouble = self._trouble(look, frozen)
        self._reference.learn(look, passed, seeing=trouble is None and not light)
        named = self._named.step(trouble, time)
        return named if named is not None or not light else Blind.LIGHT

    def _trouble(self, look: _Look, frozen: bool) -> Blind | None:
        """What is wrong with this picture, taken by itself."""
        found = self._dark(look) or self._against_reference(look)
        return found or (Blind.FROZEN if frozen else None)

    def _dark(self, look: _Look) -> Blind | None:
        level = look.level.ravel()
        bright = np.partition(level, (len(level) * 95) // 100)[(len(level) * 95) // 100]
        dark = bright < self._settings.dark and look.contrast.mean() < self._settings.dark_contrast
        return Blind.DARK if dark else None

    def _against_reference(self, look: _Look) -> Blind | None:
        seen = self._reference.compare(look)
        if seen is None:
            return None
        settings = self._settings
        if seen.gone >= settings.covered and seen.same < settings.elsewhere:
            return Blind.COVERED
        if seen.moved:
            return Blind.MOVED
        if seen.fine < settings.fine and seen.same >= settings.elsewhere / 2:
            return Blind.BLURRED
        if seen.gone >= settings.covered:
            return Blind.COVERED
        return Blind.MOVED if seen.same < settings.elsewhere else None


class _Reference:
    """The view as it should be: a mean picture, learned where nothing but people moves."""

    def __init__(self, settings: HealthSettings, given: ImageArray | None) -> None:
        self._settings = settings
        self._mean: _Look | None = None if given is None else _Look.at(given.astype(np.float32))
        self._still_s = settings.learn_s if self._mean is not None else 0.0
        self._astray_s = 0.0
        self._waited_s = 0.0

    @property
    def known(self) -> bool:
        return self._mean is not None and self._still_s >= self._settings.learn_s

    def compare(self, look: _Look) -> _Comparison | None:
        """None while there is no reference, or one without structure."""
        mean = self._mean
        if not self.known or mean is None or mean.picture.shape != look.picture.shape:
            return None
        structured = mean.contrast > self._settings.structure
        if np.count_nonzero(structured) < 4:
            return None
        like = look.likeness(mean)[structured] > self._settings.same
        kept = look.contrast[structured] > self._settings.gone * mean.contrast[structured]
        same = float(like.mean())
        return _Comparison(
            same=same,
            gone=float((~kept & ~like).mean()),
            fine=self._fineness(look, mean, structured),
            moved=same < self._settings.still + 0.1 and self._displaced(look, mean),
        )

    def learn(self, look: _Look, passed: float, *, seeing: bool) -> None:
        """Take this picture into the mean, if the camera sees and stands still."""
        if self._mean is None or self._mean.picture.shape != look.picture.shape:
            self._begin(look)
            return
        self._waited_s += passed
        if not seeing or (self.known and self._waited_s < 1.0):
            return
        like = look.likeness(self._mean)[self._mean.contrast > self._settings.structure]
        if len(like) and float((like > self._settings.same).mean()) < self._settings.still:
            self._stray(look, passed)
            return
        self._astray_s = 0.0
        self._still_s += passed
        self._blend(look)

    def _begin(self, look: _Look) -> None:
        self._mean, self._still_s, self._astray_s, self._waited_s = look, 0.0, 0.0, 0.0

    def _stray(self, look: _Look, passed: float) -> None:
        """It doesn't look the same: a candidate is given up after a second, a reference never."""
        self._astray_s += passed
        if not self.known and self._astray_s >= 1.0:
            self._begin(look)

    def _blend(self, look: _Look) -> None:
        assert self._mean is not None
        memory_s = 60.0 if self.known else min(10.0, self._still_s)
        share = np.float32(1.0 - math.exp(-self._waited_s / max(memory_s, 0.2)))
        mean = self._mean
        detail = mean.detail + (look.detail - mean.detail) * share
        picture = mean.picture + (look.picture - mean.picture) * share
        self._mean = replace(_Look.at(picture), detail=detail)
        self._waited_s = 0.0

    def _fineness(self, look: _Look, mean: _Look, structured: BoolArray) -> float:
        ratio = look.sharpness[structured] / np.maximum(mean.sharpness[structured], 1e-3)
        return median(ratio)

    def _displaced(self, look: _Look, mean: _Look) -> bool:
        """Do the quarters of the picture agree that the whole of it shifted, turned or zoomed?"""
        where, shift = _quarters(mean.picture, look.picture, self._settings.sure)
        if len(where) < 2:
            return False
        if len(where) == 2:
            agree = abs(shift[0] - shift[1]) <= _AGREE
            return bool(agree and np.abs(shift).min() >= 2 * self._settings.shift)
        rows = [list(rows) for rows in combinations(range(len(where)), 3)]
        return any(
            np.abs(shift[few]).mean() >= self._settings.shift
            and _misfit(where[few], shift[few]) <= _AGREE
            for few in rows
        )


def _quarters(
    there: FloatArray, here: FloatArray, sure: float
) -> tuple[ComplexArray, ComplexArray]:
    """Centres of the quarters whose shift is sure, and their shifts: (n,) x + iy, pixels each."""
    before, now = _gradient(there), _gradient(here)
    height, width = now.shape[0] // 2, now.shape[1] // 2
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    found = []
    for y in (0, height):
        for x in (0, width):
            part = (slice(y, y + height), slice(x, x + width))
            (dx, dy), response = cv2.phaseCorrelate(before[part], now[part], window)
            if response >= sure:
                found.append((complex(x + width / 2, y + height / 2), complex(dx, dy)))
    pairs = np.array(found, np.complex128).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _misfit(where: ComplexArray, shift: ComplexArray) -> float:
    """Root mean square distance in pixels from the best shift, turn and zoom (three places)."""
    centred = where - where.mean()
    turn = np.vdot(centred, shift) / np.vdot(centred, centred)
    left = shift - shift.mean() - turn * centred
    return float(np.sqrt((np.abs(left) ** 2).mean()))


def _gradient(picture: FloatArray) -> FloatArray:
    """(h, w) size of the gradient, without its mean."""
    smooth = cv2.GaussianBlur(picture, (5, 5), 1.0)
    size = cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    return np.asarray(size - size.mean(), np.float32)


class _Repeats:
    """Do the pictures repeat, bit by bit? A sensor's noise never does; some coders do."""

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._recent: deque[bytes] = deque(maxlen=settings.loop)
        self._repeated_s = 0.0
        self._repeated = 0
        self._usual = 1.0  # share of repeated pictures so far; 1: nothing known yet
        self._watched_s = 0.0

    def step(self, thumbnail: ImageArray, passed: float) -> bool:
        if not self._settings.frozen:
            return False
        picture = thumbnail.tobytes()
        known = picture in self._recent
        self._recent.append(picture)
        self._watched_s += passed
        if not known:
            self._remember(passed)
            return False
        self._repeated_s += passed
        self._repeated += 1
        lively = self._usual <= self._settings.repeats and self._watched_s >= 5.0
        limit = self._settings.frozen_s if lively else self._settings.frozen_quiet_s
        return self._repeated_s >= limit and self._repeated >= 2

    def _remember(self, passed: float) -> None:
        """A new picture: what came before it was this camera's habit."""
        share = 1.0 - math.exp(-(passed + self._repeated_s) / 30.0)
        now = self._repeated_s / max(passed + self._repeated_s, 1e-6)
        first = self._watched_s <= passed + self._repeated_s
        self._usual = now if first else self._usual + (now - self._usual) * share
        self._repeated_s, self._repeated = 0.0, 0


class _Shock:
    """Has the light just changed? The level jumps while the structure stays."""

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._level: FloatArray | None = None
        self._before: _Look | None = None
        self._began = -math.inf
        self._last = -math.inf

    def step(self, look: _Look, time: float, passed: float) -> bool:
        if self._level is None or self._before is None or self._level.shape != look.level.shape:
            self._level, self._before = look.level, look
            return False
        change = look.level - self._level
        self._level = self._level + change * np.float32(1.0 - math.exp(-passed))
        if self._all_over(look, change) and self._structure_kept(look):
            self._felt(look, time)
        self._before = look
        return time - self._last < self._settings.light_s

    def _all_over(self, look: _Look, change: FloatArray) -> bool:
        """Most cells became lighter, or most darker; those that are black or white can't."""
        middle = median(change)
        if abs(middle) < self._settings.shock:
            return False
        if middle > 0:
            free = look.level - change < _BURNT
        else:
            free = look.level - change > _BLACK + self._settings.shock
        along = change[free] * np.sign(middle) >= self._settings.shock / 2
        return bool(along.size) and float(along.mean()) >= self._settings.all_over

    def _felt(self, look: _Look, time: float) -> None:
        if time - self._last > self._settings.light_s:
            self._began = time
        if time - self._began > self._settings.light_most_s - self._settings.light_s:
            self._level = look.level
        else:
            self._last = time

    def _structure_kept(self, look: _Look) -> bool:
        """Also true of a picture that is burnt out: what passes is seldom white all over."""
        assert self._before is not None
        levels = np.maximum(look.level, self._before.level)
        if median(levels) > _BURNT:
            return True
        judged = (self._before.contrast > self._settings.structure) & (levels < _BURNT)
        if not judged.any():
            return False
        like = look.likeness(self._before)[judged] > self._settings.same
        return float(like.mean()) >= self._settings.kept


class _Named:
    """A trouble that lasts gets its name, and loses it when it has been gone for a while."""

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._name: Blind | None = None
        self._troubled_since: float | None = None
        self._clear_since: float | None = None

    def step(self, trouble: Blind | None, time: float) -> Blind | None:
        if self._troubled_since is not None and time < self._troubled_since:
            self._troubled_since = None
        if self._clear_since is not None and time < self._clear_since:
            self._clear_since = None
        if trouble is None:
            self._troubled_since = None
            self._clear_since = time if self._clear_since is None else self._clear_since
            if time - self._clear_since >= self._settings.clear_s:
                self._name = None
            return self._name
        self._clear_since = None
        self._troubled_since = time if self._troubled_since is None else self._troubled_since
        at_once = trouble is Blind.FROZEN
        if at_once or time - self._troubled_since >= self._settings.hold_s:
            self._name = trouble
        return self._name
