"""Follows objects from picture to picture, in seconds, in memory, per camera.

ByteTrack's idea (Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection
Box", ECCV 2022): sure detections look for their tracks first, then tracks left alone look among the
doubtful ones, and only sure detections begin tracks. Everything that ByteTrack counts in frames is
counted in seconds here, so that 10, 5, 2.5 and 1 pictures a second mean the same. Overlap says who
is who; where it can't (the picture is late, or a fast object is new and its speed unknown) the
distance does, within what the track's own uncertainty allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veilleur.errors import ConfigurationError
from veilleur.geometry import BoolArray, FloatArray, IntArray, View
from veilleur.perception.association import best_pairs, neighbours, overlaps, paired_overlaps
from veilleur.perception.motion import PLACE, SPEED, Motion, centred, cornered
from veilleur.perception.objects import Detections, KindArray, Tracks

# By Kind: a person's speed changes by about 0.4 heights a second, a vehicle's (the longer side
# of its box) by more, and a new vehicle may already be fast. Chosen, with the numbers of motion.py
# and the settings, on a draft of the made walkers (tests/walkers.py) and on vtest, at 10, 5, 2.5
# and 1 pictures a second; for vehicles by eye and by counting impossible jumps on
# crossing_traffic, highway_curve and three motorway clips. The tests' made scenes were held back.
AGILITY = np.array([0.4, 0.6, 0.4])  # sizes a second, in a second
PATIENCE = np.array([1.0, 0.5, 1.0])  # of lost_s: a hidden vehicle is soon another's prey
FIRST_SPEED = np.array([0.8, 4.0, 0.8])  # sizes a second, standard deviation
NOISE = 0.06  # of a sure detection's place, in sizes; a doubtful one has twice that
WEIGHT = 0.5  # of a perfect distance, against an overlap of 1
GATE = 8.0  # squared standard deviations: beyond, no pair by distance
LIKE = 1.7  # ratio of sizes up to which two boxes may be one object by distance
QUIET_RESTS_S = 0.5  # speeds fall to 1/e in this time while a quiet scene isn't looked at
EDGE = 1e-6  # seconds: times nearer than this are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """What may be tuned. Scores 0..1, times in seconds, overlaps as intersection over union.

    sure: score from which a detection is trusted; doubtful: below it nothing is looked at;
    birth: score from which a detection may begin a track. overlap, doubtful_overlap: least overlap
    of a pair. confirm_s: a track is shown once it was seen twice, over at least this time.
    lost_s: an unseen track waits this long; shown_s: so long it is shown, predicted.
    new_lost_s: a track not yet confirmed waits this long. late_s: distance counts too when pictures
    are further apart than this; hidden_s: or for tracks that were unseen longer than this.
    twin: a detection that overlaps a track just seen by more begins no second one. leap_s: pictures
    further apart than this have nothing in common; beyond lost_s only overlap joins them.
    """

    sure: float = 0.5
    doubtful: float = 0.2
    birth: float = 0.55
    overlap: float = 0.15
    doubtful_overlap: float = 0.4
    confirm_s: float = 0.15
    lost_s: float = 2.0
    shown_s: float = 0.5
    new_lost_s: float = 0.45
    late_s: float = 0.15
    hidden_s: float = 0.6
    twin: float = 0.5
    leap_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0 <= self.doubtful <= self.sure <= 1 or not self.sure <= self.birth <= 1:
            raise ConfigurationError(
                f"tracker scores must rise: doubtful {self.doubtful}, sure {self.sure}, "
                f"birth {self.birth}",
                remedy="choose 0 <= doubtful <= sure <= birth <= 1",
                setting="tracker",
            )
        times = (self.confirm_s, self.new_lost_s, self.late_s, self.hidden_s, self.shown_s)
        if min(times) < 0 or not self.shown_s <= self.lost_s <= self.leap_s:
            raise ConfigurationError(
                "tracker times must not be negative, and shown_s, lost_s, leap_s must rise",
                remedy="choose 0 <= shown_s <= lost_s <= leap_s",
                setting="tracker",
            )


@dataclass(slots=True)
class _Book:
    """What is known of each track besides its motion. Row i is row i of the Motion."""

    ids: IntArray
    kinds: KindArray
    scores: FloatArray
    ages: FloatArray  # seconds since first seen
    unseen: FloatArray  # seconds since last seen, 0.0: now
    sightings: IntArray
    confirmed: BoolArray

    @classmethod
    def of(cls, ids: IntArray, kinds: KindArray, scores: FloatArray) -> _Book:
        n = len(ids)
        return cls(
            ids=ids,
            kinds=kinds,
            scores=scores.astype(np.float64),
            ages=np.zeros(n),
            unseen=np.zeros(n),
            sightings=np.ones(n, np.int64),
            confirmed=np.zeros(n, np.bool_),
        )

    def columns(self) -> tuple[FloatArray | IntArray | BoolArray | KindArray, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def kept(self, rows: BoolArray) -> _Book:
        return _Book(*(column[rows] for column in self.columns()))  # type: ignore[arg-type]

    def joined(self, other: _Book) -> _Book:
        both = zip(self.columns(), other.columns(), strict=True)
        return _Book(*(np.concatenate(pair) for pair in both))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """k pairs of a track (rows) and a detection (columns). affinity 0: overlap alone counts."""

    rows: IntArray
    columns: IntArray
    overlap: FloatArray
    affinity: FloatArray


class Tracker:
    """One camera's tracks. Ids are never used again within a run.

    view: the picture's size, if known: predicted boxes are cut at its border as the detector's are,
    and a track that walked out of it ends.
    """

    def __init__(self, settings: TrackerSettings | None = None, view: View | None = None) -> None:
        self._set = settings or TrackerSettings()
        self._view = view
        self._border = np.array((view.width, view.height) * 2 if view else (), np.float64)
        self._motion = Motion()
        self._book = _Book.of(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0))
        self._next_id = 1
        self._time: float | None = None
        self._interval_s = 0.0
        self._shown = Tracks.none()

    def step(self, detections: Detections, time: float) -> Tracks:
        """The tracks at `time` (seconds, the stream's own clock), told what was found then.

        Returns confirmed tracks: those seen now, and those unseen for at most `shown_s`, predicted.
        The same time twice changes nothing. After a step back of the clock the usual interval is
        taken to have passed; a leap forward beyond `leap_s` ends the tracks. Detections with a
        number that is not finite, or without area, are not looked at.
        """
        elapsed = self._pass(time)
        if elapsed is None:
            return self._shown
        found = _usable(detections, self._set.doubtful)
        book, motion = self._book, self._motion
        if len(motion):
            motion.predict(elapsed, AGILITY[book.kinds])
            book.ages += elapsed
            book.unseen += elapsed
            self._forget(elapsed)
        free = self._associate(found, elapsed)
        self._forget(0.0)
        self._begin(found, free)
        return self._show()

    def coast(self, time: float) -> Tracks:
        """The tracks at `time`, when the scene is quiet and nothing was looked at anew.

        Nothing moved, so those seen at the last look stand where they stood, grow older and are
        not lost; `seen` is False and their speed falls to rest. Those already unseen at the last
        look are not shown, and their waiting goes on.
        """
        elapsed = self._pass(time)
        if elapsed is None:
            return self._shown
        book, motion = self._book, self._motion
        if len(motion):
            places = motion.state[0].copy()
            motion.predict(elapsed, AGILITY[book.kinds])
            motion.state[0] = places
            motion.calm(elapsed, QUIET_RESTS_S)
            book.ages += elapsed
            book.unseen[book.unseen > 0] += elapsed
        self._forget(elapsed)
        self._shown = self._tracks(self._book.confirmed & (self._book.unseen == 0), quiet=True)
        return self._shown

    def expected(self, time: float) -> FloatArray:
        """(n, 4) where all live tracks, also unseen and new ones, should be at `time`. Pure."""
        elapsed = 0.0 if self._time is None else max(time - self._time, 0.0)
        return self._cut(cornered(self._motion.moved(min(elapsed, self._set.lost_s))))

    def _pass(self, time: float) -> float | None:
        """Seconds since the last call; None: no time passed."""
        if self._time is None:
            self._time = time
            return 0.0
        elapsed = time - self._time
        if abs(elapsed) < EDGE:
            return None
        self._time = time
        if elapsed < 0:
            return self._interval_s
        self._interval_s = min(elapsed, self._set.lost_s)
        return elapsed

    def _associate(self, found: Detections, elapsed_s: float) -> BoolArray:
        """Correct tracks by the detections that are theirs. Returns the sure ones left."""
        book = self._book
        free = found.scores >= self._set.sure
        if not len(book.ids) or not len(found):
            return free
        near = self._candidates(found, elapsed_s)
        sure, seen_before = free.copy(), book.unseen <= elapsed_s + EDGE
        alone = np.ones(len(book.ids), np.bool_)

        def settle(tracks: BoolArray, detections: BoolArray, weights: FloatArray) -> None:
            possible = tracks[near.rows] & detections[near.columns] & (weights > 0)
            k = np.flatnonzero(possible)
            if not len(k):
                return
            k = k[best_pairs(near.rows[k], near.columns[k], weights[k])]
            self._see(near.rows[k], near.columns[k], found, sure)
            alone[near.rows[k]] = False
            free[near.columns[k]] = False

        settle(book.confirmed, free, near.affinity)
        doubtful = np.where(near.overlap >= self._set.doubtful_overlap, near.overlap, 0)
        settle(book.confirmed & alone & seen_before, ~sure, doubtful)
        settle(~book.confirmed, free, near.affinity)
        twins = (near.overlap > self._set.twin) & ~alone[near.rows]
        free[near.columns[twins]] = False
        return free

    def _candidates(self, found: Detections, elapsed_s: float) -> _Candidates:
        """Tracks and detections of one kind that may belong together, and how well they fit."""
        book, motion = self._book, self._motion
        by_distance = np.full(len(book.ids), elapsed_s > self._set.late_s)
        by_distance |= (book.sightings == 1) | (book.unseen > self._set.hidden_s)
        by_distance &= book.unseen <= self._set.lost_s + EDGE
        spread = motion.spread(NOISE)
        boxes, found_boxes = self._cut(motion.boxes), found.boxes.astype(np.float64)
        reach = np.where(by_distance, np.sqrt(GATE * spread.max(axis=1)), 0)
        rows, columns = neighbours(boxes, found_boxes, reach)
        same = book.kinds[rows] == found.kinds[columns]
        rows, columns = rows[same], columns[same]
        overlap = paired_overlaps(boxes[rows], found_boxes[columns])
        places = centred(found_boxes)[columns]
        gaps = motion.state[PLACE][rows, :2] - places[:, :2]
        squares = (gaps * gaps / spread[rows]).sum(axis=1)
        ratio = motion.sizes[rows, 0] / places[:, 2:].max(axis=1)
        fits = by_distance[rows] & (squares < GATE) & (ratio < LIKE) & (ratio > 1 / LIKE)
        affinity = np.where(overlap >= self._set.overlap, overlap, 0)
        affinity[fits] += WEIGHT * np.exp(-squares[fits] / 4)
        return _Candidates(rows, columns, overlap, affinity)

    def _see(self, rows: IntArray, columns: IntArray, found: Detections, sure: BoolArray) -> None:
        if not len(rows):
            return
        book = self._book
        noise = np.where(sure[columns], NOISE, 2 * NOISE)
        self._motion.correct(rows, found.boxes[columns].astype(np.float64), noise)
        book.scores[rows] = found.scores[columns]
        book.unseen[rows] = 0.0
        book.sightings[rows] += 1
        book.confirmed[rows] |= book.ages[rows] >= self._set.confirm_s - EDGE

    def _forget(self, elapsed_s: float) -> None:
        """Drop who waited too long; seen in the last picture, `elapsed_s` ago, is never too long.

        So a parked car keeps its id where pictures are rarer than any patience, up to leap_s.
        """
        book = self._book
        patience = self._set.lost_s * PATIENCE[book.kinds]
        keep = book.unseen <= np.where(book.confirmed, patience, self._set.new_lost_s)
        keep |= book.unseen <= elapsed_s + EDGE
        keep &= elapsed_s <= self._set.leap_s
        if self._view is not None and len(book.ids):
            x, y = self._motion.state[0][:, 0], self._motion.state[0][:, 1]
            inside = (x > 0) & (y > 0) & (x < self._view.width) & (y < self._view.height)
            keep &= inside | (book.unseen == 0)
        if not keep.all():
            self._motion.keep(keep)
            self._book = book.kept(keep)

    def _begin(self, found: Detections, free: BoolArray) -> None:
        new = found[free & (found.scores >= self._set.birth)]
        if not len(new):
            return
        new = new[self._distinct(new)]
        ids = np.arange(self._next_id, self._next_id + len(new), dtype=np.int64)
        self._next_id += len(new)
        self._motion.add(new.boxes.astype(np.float64), NOISE, FIRST_SPEED[new.kinds])
        self._book = self._book.joined(_Book.of(ids, new.kinds, new.scores))

    def _distinct(self, new: Detections) -> BoolArray:
        """Which of them aren't the lesser twin of another."""
        twins = overlaps(new.boxes, new.boxes) > self._set.twin
        twins &= new.kinds[:, None] == new.kinds
        rank = np.lexsort((np.arange(len(new)), -new.scores)).argsort()
        lesser = (twins & (rank[:, None] < rank)).sum(axis=0)
        return lesser == 0  # type: ignore[no-any-return]

    def _show(self) -> Tracks:
        book = self._book
        self._shown = self._tracks(book.confirmed & (book.unseen <= self._set.shown_s))
        return self._shown

    def _tracks(self, rows: BoolArray, quiet: bool = False) -> Tracks:
        book, motion = self._book, self._motion
        return Tracks(
            ids=book.ids[rows],
            boxes=self._cut(motion.boxes[rows]).astype(np.float32),
            kinds=book.kinds[rows],
            scores=book.scores[rows].astype(np.float32),
            velocities=motion.state[SPEED][rows, :2].astype(np.float32),
            ages=book.ages[rows].astype(np.float32),
            seen=(book.unseen[rows] == 0) & (not quiet),
        )

    def _cut(self, boxes: FloatArray) -> FloatArray:
        """Boxes cut at the picture's border, where it is known."""
        if self._view is not None and len(boxes):
            np.minimum(np.maximum(boxes, 0, out=boxes), self._border, out=boxes)
        return boxes


def _usable(detections: Detections, doubtful: float) -> Detections:
    """Those to look at, in an order that doesn't depend on the detector's."""
    boxes, scores = detections.boxes, detections.scores
    good = (scores >= doubtful) & np.isfinite(boxes).all(axis=1)
    good &= (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    good &= (detections.kinds >= 0) & (detections.kinds < len(AGILITY))
    found = detections[good]
    return found[np.lexsort((found.scores, found.kinds, *found.boxes.T))]
