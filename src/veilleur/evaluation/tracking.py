"""How good are tracks? HOTA, IDF1 and MOTA, as pure functions over arrays.

HOTA: Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021:
of how many of the true objects' sightings are found (detection) and how pure and whole the tracks
through them are (association), the geometric mean, over overlaps from 0.05 to 0.95. IDF1: Ristani
et al. 2016. MOTA: Bernardin and Stiefelhagen 2008. Conventions are those of TrackEval, so that the
numbers compare with published ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from scipy.optimize import linear_sum_assignment

from veilleur.errors import DatasetError
from veilleur.geometry import FloatArray, IntArray
from veilleur.perception.association import overlaps
from veilleur.perception.objects import ShapeError

ALPHAS: FloatArray = np.arange(0.05, 0.99, 0.05)  # the 19 overlaps of HOTA
SAME = 0.5  # overlap from which IDF1 and MOTA take two boxes for one object
EPS = np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True, eq=False)
class FrameBoxes:
    """What stands in one picture. ids (n,) int64, each once; boxes (n, 4), x1 y1 x2 y2 pixels."""

    ids: IntArray
    boxes: FloatArray

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.ids), 4):
            raise ShapeError(f"boxes {self.boxes.shape} for {len(self.ids)} ids")
        if len(np.unique(self.ids)) != len(self.ids):
            raise ShapeError("an id stands twice in one picture")

    @classmethod
    def none(cls) -> FrameBoxes:
        return cls(np.zeros(0, np.int64), np.zeros((0, 4)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackingScore:
    """Counts only; ratios are asked for, 0..1 (MOTA may be negative), so that clips add up.

    Arrays are (19,), one number per overlap in ALPHAS: hits, missed and false of HOTA's own
    matching, linked (the sum over hits of how well their tracks agree), near (the sum of the hits'
    overlaps). The rest is at an overlap of 0.5: id_hits, id_missed, id_false of IDF1; found, lost,
    extra and switches (a true object's track got another id) of MOTA.

    >>> whole = score_tracks([FrameBoxes(np.array([7]), np.array([[0.0, 0, 4, 8]]))] * 4,
    ...                      [FrameBoxes(np.array([1]), np.array([[0.0, 0, 4, 8]]))] * 4)
    >>> (whole + whole).found, (whole + whole).hota
    (8, 1.0)
    """

    hits: FloatArray
    missed: FloatArray
    false: FloatArray
    linked: FloatArray
    near: FloatArray
    id_hits: int
    id_missed: int
    id_false: int
    found: int
    lost: int
    extra: int
    switches: int

    def __add__(self, other: TrackingScore) -> TrackingScore:
        sums = {name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        return TrackingScore(**sums)

    @property
    def hota(self) -> float:
        return float(np.sqrt(self._detection * self._association).mean())

    @property
    def detection(self) -> float:
        """DetA."""
        return float(self._detection.mean())

    @property
    def association(self) -> float:
        """AssA."""
        return float(self._association.mean())

    @property
    def location(self) -> float:
        """LocA: mean overlap of the hits."""
        ratio = np.maximum(self.near, 1e-10) / np.maximum(self.hits, 1e-10)
        return float(ratio.mean())

    @property
    def idf1(self) -> float:
        halves = self.id_hits + 0.5 * (self.id_missed + self.id_false)
        return self.id_hits / max(1.0, halves)

    @property
    def mota(self) -> float:
        truths = self.found + self.lost
        return (self.found - self.extra - self.switches) / max(1, truths)

    @property
    def _detection(self) -> FloatArray:
        return self.hits / np.maximum(1, self.hits + self.missed + self.false)

    @property
    def _association(self) -> FloatArray:
        return self.linked / np.maximum(1, self.hits)


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    """One picture, ids replaced by their rows. truth (n,), found (m,), overlap (n, m)."""

    truth: IntArray
    found: IntArray
    overlap: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Sequence:
    """A clip. truths (a,) and founds (b,): in how many pictures each object and track stands."""

    pictures: list[_Picture]
    truths: IntArray
    founds: IntArray


def score_tracks(truth: Sequence[FrameBoxes], found: Sequence[FrameBoxes]) -> TrackingScore:
    """Compare `found` with `truth`, picture by picture (both of one length).

    Two people in three pictures; the second's track gets another id on the way:

    >>> boxes = np.array([[0.0, 0, 10, 20], [50, 0, 60, 20]])
    >>> truth = [FrameBoxes(np.array([1, 2]), boxes)] * 3
    >>> found = [FrameBoxes(np.array(ids), boxes) for ids in ([5, 6], [5, 7], [5, 7])]
    >>> score = score_tracks(truth, found)
    >>> score.switches, round(score.mota, 3), round(score.idf1, 3), round(score.hota, 3)
    (1, 0.833, 0.833, 0.882)
    """
    if len(truth) != len(found):
        raise DatasetError(
            f"{len(truth)} pictures of truth, {len(found)} of tracks",
            remedy="give one FrameBoxes a picture, empty where nothing stands",
        )
    sequence = _prepare(truth, found)
    hits, missed, false, linked, near = _higher_order(sequence)
    id_hits = _identity_hits(sequence)
    n_found, switches = _clear(sequence)
    truths, founds = int(sequence.truths.sum()), int(sequence.founds.sum())
    return TrackingScore(
        hits=hits,
        missed=missed,
        false=false,
        linked=linked,
        near=near,
        id_hits=id_hits,
        id_missed=truths - id_hits,
        id_false=founds - id_hits,
        found=n_found,
        lost=truths - n_found,
        extra=founds - n_found,
        switches=switches,
    )


def _prepare(truth: Sequence[FrameBoxes], found: Sequence[FrameBoxes]) -> _Sequence:
    def rows(frames: Sequence[FrameBoxes]) -> tuple[list[IntArray], IntArray]:
        ids = np.concatenate([np.zeros(0, np.int64), *(frame.ids for frame in frames)])
        names, counts = np.unique(ids, return_counts=True)
        return [np.searchsorted(names, frame.ids) for frame in frames], counts

    truth_rows, truths = rows(truth)
    found_rows, founds = rows(found)
    pictures = [
        _Picture(t, f, overlaps(a.boxes.astype(np.float64), b.boxes.astype(np.float64)))
        for t, f, a, b in zip(truth_rows, found_rows, truth, found, strict=True)
    ]
    return _Sequence(pictures, truths, founds)


def _alignment(sequence: _Sequence) -> FloatArray:
    """(a, b) how well each object and each track go together over the whole clip (equation 10)."""
    common = np.zeros((len(sequence.truths), len(sequence.founds)))
    for p in sequence.pictures:
        rivals = p.overlap.sum(axis=0) + p.overlap.sum(axis=1)[:, None] - p.overlap
        share = np.divide(p.overlap, rivals, out=np.zeros_like(p.overlap), where=rivals > EPS)
        common[p.truth[:, None], p.found] += share
    return common / (sequence.truths[:, None] + sequence.founds - common)


def _higher_order(
    sequence: _Sequence,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """hits, missed, false, linked, near: (19,) each."""
    alignment = _alignment(sequence)
    together = np.zeros((len(ALPHAS), *alignment.shape))
    near = np.zeros(len(ALPHAS))
    for p in sequence.pictures:
        i, j = linear_sum_assignment(
            alignment[p.truth[:, None], p.found] * p.overlap, maximize=True
        )
        overlap = p.overlap[i, j]
        enough = overlap >= ALPHAS[:, None] - EPS
        together[:, p.truth[i], p.found[j]] += enough
        near += (overlap * enough).sum(axis=1)
    hits: FloatArray = together.sum(axis=(1, 2))
    union = sequence.truths[:, None] + sequence.founds - together
    linked: FloatArray = (together * together / np.maximum(1, union)).sum(axis=(1, 2))
    return hits, sequence.truths.sum() - hits, sequence.founds.sum() - hits, linked, near


def _identity_hits(sequence: _Sequence) -> int:
    """Sightings explained when each object gets one track, for the clip as a whole."""
    common = np.zeros((len(sequence.truths), len(sequence.founds)))
    for p in sequence.pictures:
        common[p.truth[:, None], p.found] += p.overlap >= SAME
    i, j = linear_sum_assignment(common, maximize=True)
    return int(common[i, j].sum())


def _clear(sequence: _Sequence) -> tuple[int, int]:
    """Found sightings and switches: pairs of the picture before go on if they can."""
    last = np.full(len(sequence.truths), -1)  # the track each object ever had last
    before = last.copy()  # and in the picture before
    found = switches = 0
    for p in sequence.pictures:
        if not len(p.truth) or not len(p.found):
            continue
        score = np.where(p.overlap >= SAME - EPS, p.overlap, 0)
        score += 1000 * ((before[p.truth][:, None] == p.found) & (score > 0))
        i, j = linear_sum_assignment(score, maximize=True)
        paired = score[i, j] > EPS
        objects, tracks = p.truth[i[paired]], p.found[j[paired]]
        switches += int(np.sum((last[objects] >= 0) & (last[objects] != tracks)))
        found += len(objects)
        before[:] = -1
        last[objects] = before[objects] = tracks
    return found, switches


def read_cvml(path: Path) -> list[FrameBoxes]:
    """True boxes from a CVML file (as PETS2009's): element n is frame n, empty where not given.

    Raises DatasetError with the place where the file can't be read.
    """
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 (a local file that the user names)
        frames = {int(f.attrib["number"]): _cvml_frame(f) for f in root.iter("frame")}
    except (OSError, ElementTree.ParseError, ValueError, KeyError) as error:
        raise DatasetError(
            f"{path}: no CVML file: {error!r}",
            remedy="a CVML file has <frame number> with <object id> and <box xc yc w h> in it",
            clip=str(path),
        ) from error
    if not frames or min(frames) < 0:
        raise DatasetError(f"{path}: holds no frame", remedy="check the file", clip=str(path))
    return [frames.get(n, FrameBoxes.none()) for n in range(max(frames) + 1)]


def _cvml_frame(frame: ElementTree.Element) -> FrameBoxes:
    objects = list(frame.iter("object"))
    boxes = [box.attrib for item in objects for box in item.iter("box")]
    places = np.array([[float(b[k]) for k in ("xc", "yc", "w", "h")] for b in boxes]).reshape(-1, 4)
    half = places[:, 2:] / 2
    ids = np.array([int(item.attrib["id"]) for item in objects], np.int64)
    return FrameBoxes(ids, np.concatenate([places[:, :2] - half, places[:, :2] + half], axis=1))
