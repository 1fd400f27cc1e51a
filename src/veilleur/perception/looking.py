"""What the detector looks at: the whole picture, parts of it closely, or nothing.

A detector run is the dearest step, so a quiet picture costs none: tracks coast between two looks.
Where people are too small for the whole picture at the detector's size, the run goes to regions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

import numpy as np

from veilleur.cameras.frame import Activity
from veilleur.cameras.picture import Picture
from veilleur.geometry import BoolArray, FloatArray, View
from veilleur.perception.attention import TARGET_PX, Asked, Attention
from veilleur.perception.counting import Counting, CountSettings, passed
from veilleur.perception.detector import Detector
from veilleur.perception.objects import Detections
from veilleur.perception.regions import Layout, joined, once, through, to_view
from veilleur.perception.stature import Stature
from veilleur.perception.tiles import Headcount

LOWEST_SCORE = 0.1
SURE = 0.5
SMALL_PX, LARGE_PX = 28.0, 34.0
"""Heights of people on the detector's input: below the first regions are used, above the second
no longer."""
FINER = 4 / 3
"""Where the smallest are to be found: they are enlarged, and the whole given up for regions, by so
much more. People 80 pixels tall in 1280 x 720 are found there with scores of 0.5 to 0.8, without it
with 0.3 to 0.6."""
WONDERS_S = 0.6
"""First pause between two vain looks at what moves; it doubles each time, up to whole_s."""

What = Literal["full", "regions", "tiles", "nothing"]


class Detail(StrEnum):
    """When to look at regions closely instead of at the whole picture."""

    AUTO = "auto"  # when people are too small for the whole
    OFF = "off"
    ON = "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSettings:
    """How often, and how closely.

    refresh_s: seconds between two looks at a quiet picture while somebody is followed.
    idle_refresh_s: the same while nobody is. detail: see Detail. whole_s: seconds between two looks
    at the whole picture while regions are used. counting: how people are counted in tiles, None:
    no rule asks for it. least_px: people so small, pixels of the view, are to be found and followed
    wherever something moves, at a finer scale; None: nobody is looked for in particular.
    """

    refresh_s: float = 1.0
    idle_refresh_s: float = 4.0
    detail: Detail = Detail.AUTO
    whole_s: float = 5.0
    counting: CountSettings | None = None
    least_px: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one picture gave.

    detections: pixels of the view, scores 0.1 or more. fresh: False where nothing was looked at
    anew (detections are empty then). inferences: detector runs. what: how it was looked at.
    count: the people counted in tiles, in the picture that completes a count, if the usual looks
    find far fewer; else None.
    """

    detections: Detections
    fresh: bool
    inferences: int
    what: What
    count: Headcount | None = None

    @classmethod
    def nothing(cls) -> Look:
        return cls(Detections.none(), fresh=False, inferences=0, what="nothing")


class Looker:
    """Decides for one camera, picture by picture, what the detector looks at.

    detector looks at the whole picture. canvas, if given, is the same with a smaller input, on
    which regions are packed: then they are used wherever they fit, for they cost less.
    """

    def __init__(
        self,
        detector: Detector,
        view: View,
        settings: LookSettings,
        canvas: Detector | None = None,
    ) -> None:
        self._detector, self._view, self._settings = detector, view, settings
        self._canvas = canvas
        self._scale = min(detector.width / view.width, detector.height / view.height)
        self._fine = FINER if settings.least_px else 1.0
        self._stature = Stature()
        self._attention = Attention(view, self._scale, TARGET_PX * self._fine, settings.least_px)
        self._close = settings.detail == Detail.ON
        self._looked: float | None = None
        self._looked_whole: float | None = None
        self._wondered: float | None = None
        self._wonder_s = self._first_wonder_s
        counting = settings.counting
        self._counting = Counting(detector, view, counting) if counting else None

    def look(
        self,
        picture: Picture,
        activity: Activity,
        expected: FloatArray,
        time: float,
        *,
        counted: bool = True,
    ) -> Look:
        """Look at one picture.

        expected: (n, 4) predicted boxes of live tracks, pixels of the view. time: seconds on the
        stream's own clock. counted: people may be counted in tiles; else a count that was under way
        is dropped with its picture.
        """
        if self._counting is not None and not counted:
            self._counting.drop()
        if not self._due(activity, tracked=len(expected) > 0, time=time):
            return Look.nothing()
        self._looked = time
        asked = self._asked(picture, activity, expected, time)
        look = self._closely(asked) if not activity.everywhere else None
        if look is None:
            self._looked_whole = time
            look = Look(whole(self._detector, picture, self._view), True, 1, "full")
            look = self._looked_again(look, asked) if self._wonders(look, asked) else look
        self._learn(look.detections, time)
        if self._counting is None or not counted:
            return look
        count, tiles = self._counting.step(picture, activity, look.detections, time)
        what: What = "tiles" if tiles else look.what
        return replace(look, count=count, inferences=look.inferences + tiles, what=what)

    def _asked(
        self, picture: Picture, activity: Activity, expected: FloatArray, time: float
    ) -> Asked:
        size = np.array((self._view.width, self._view.height) * 2)
        return Asked(picture, expected, activity.boxes * size, self._stature, time)

    def _due(self, activity: Activity, *, tracked: bool, time: float) -> bool:
        if activity.everywhere or len(activity.boxes):
            return True
        if self._counting is not None and self._counting.under_way():
            return True
        pause = self._settings.refresh_s if tracked else self._settings.idle_refresh_s
        return passed(self._looked, pause, time)

    def _closely(self, asked: Asked) -> Look | None:
        """Regions, and the whole now and then; None: look at the whole alone."""
        pause = self._settings.whole_s if self._close else self._settings.refresh_s
        whole_due = passed(self._looked_whole, pause, asked.time)
        if self._settings.detail == Detail.OFF or (whole_due and not self._close):
            return None
        chosen = self._layout(asked)
        if chosen is None:
            return None
        detector, layout = chosen
        found, cut = through(detector, asked.picture, layout)
        self._attention.looked(layout, asked.picture, asked.time)
        parts = [to_view(found, asked.picture, self._view)]
        if whole_due:
            self._looked_whole = asked.time
            parts.append(whole(self._detector, asked.picture, self._view))
            cut = np.concatenate([cut, np.zeros(len(parts[1]), np.bool_)])
        return self._several(parts, cut, "regions")

    def _layout(self, asked: Asked) -> tuple[Detector, Layout] | None:
        """Regions on the small canvas if everything fits there, else on a large one if needed."""
        if self._canvas is not None:
            size = self._canvas.width, self._canvas.height
            layout = self._attention.layout(asked, size, all_of_it=True)
            if layout is not None:
                return self._canvas, layout
        if not self._close:
            return None
        size = self._detector.width, self._detector.height
        layout = self._attention.layout(asked, size, all_of_it=False)
        return (self._detector, layout) if layout is not None else None

    def _wonders(self, look: Look, asked: Asked) -> bool:
        """Whether something moves, nobody was found, and nobody knows how small people are here."""
        return (
            self._settings.detail == Detail.AUTO
            and len(look.detections[look.detections.scores >= SURE]) == 0
            and len(asked.moving) > 0
            and self._stature.typical() is None
            and passed(self._wondered, self._wonder_s, asked.time)
        )

    def _looked_again(self, look: Look, asked: Asked) -> Look:
        """The whole, and closely at what moved: people may be too small for the whole."""
        self._wondered = asked.time
        self._wonder_s = min(2 * self._wonder_s, self._settings.whole_s)
        size = self._detector.width, self._detector.height
        layout = self._attention.layout(asked, size, all_of_it=False)
        if layout is None:
            return look
        found, cut = through(self._detector, asked.picture, layout)
        parts = [look.detections, to_view(found, asked.picture, self._view)]
        cut = np.concatenate([np.zeros(len(look.detections), np.bool_), cut])
        return self._several(parts, cut, "regions")

    @property
    def _first_wonder_s(self) -> float:
        return WONDERS_S if self._settings.least_px else self._settings.whole_s

    def _several(self, parts: list[Detections], cut: BoolArray, what: What) -> Look:
        """One look out of several detector runs."""
        found = once(joined(parts), cut)
        return Look(found[found.scores >= LOWEST_SCORE], True, len(parts), what)

    def _learn(self, found: Detections, time: float) -> None:
        self._stature.see(found, time)
        typical = self._stature.typical()
        if typical is not None:
            self._wonder_s = self._first_wonder_s
        if self._settings.detail == Detail.AUTO and typical is not None:
            limit = (LARGE_PX if self._close else SMALL_PX) * self._fine
            self._close = typical * self._scale < limit


def whole(detector: Detector, picture: Picture, view: View) -> Detections:
    """The whole picture in one detector run, in the shape of the view (square pixels)."""
    scale = min(detector.width / view.width, detector.height / view.height)
    width = min(detector.width, max(1, round(view.width * scale)))
    height = min(detector.height, max(1, round(view.height * scale)))
    found = detector.detect(picture.bgr(width, height))
    back = np.array((view.width / width, view.height / height) * 2, np.float32)
    boxes = np.asarray(found.boxes, np.float32) * back
    return Detections(boxes, found.scores, found.kinds)[found.scores >= LOWEST_SCORE]
