"""What must not be recognised is made coarse: people, and of vehicles the plates and who is inside.

A block has one colour, the mean of what it hides. Its size follows the thing's own: a standing
person's head is about a seventh of their height, so with blocks of a tenth a head is one or two of
them; seen from nearer, head and shoulders fill the box and a face is half as wide as it, so a block
is at least a quarter of the shorter side. A plate's characters are a twenty-fifth of a car's width
and a driver's head a twelfth: blocks of a sixteenth swallow both. How people stand, lie or move and
where things are stays visible.

Doubtful boxes and whatever else moves are covered too, but not more coarsely than the people whom
a detector misses ask for: it misses small ones. Of many pictures a face could be put together again
("super-resolution") if the blocks moved over it: they lie on one grid for the whole picture, and
their grey levels are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from veilleur.cameras.frame import Activity, no_boxes
from veilleur.cameras.picture import Picture
from veilleur.geometry import BoolArray, FloatArray, ImageArray, View
from veilleur.perception.overlap import between

MARGIN = 0.15
"""Share of a person's box that is covered besides, on each side: the detector cuts heads."""
_VEHICLE_MARGIN = 0.05
_LONG, _SHORT = 10, 4  # blocks of a person, along the longer and the shorter side
_VEHICLE_BLOCKS = 16  # along the shorter side
_UPRIGHT = 1.1  # height of width: a vehicle seen so may be a bicycle with its rider
_COARSEST, _DOUBTFUL, _SHAKEN, _UNKNOWN = 10, 36, 48, 20  # blocks along the picture's height
_SIZES = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)  # of blocks, pixels
_LEVELS = 8  # grey levels that become one
_TWIN = 0.65
_EXPLAINED = 0.7


class Boxes(Protocol):
    """What an analysed picture shows, (n, 4) x1 y1 x2 y2 in pixels of the view each."""

    @property
    def people(self) -> FloatArray: ...
    @property
    def vehicles(self) -> FloatArray: ...
    @property
    def moving(self) -> FloatArray: ...
    @property
    def everywhere(self) -> bool: ...
    @property
    def blind(self) -> str | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """What of a picture must not be recognised.

    people, doubtful, vehicles: (n, 4) x1 y1 x2 y2 in shares of the picture's width and height.
    doubtful: people perhaps, and what moves for no known reason. shaken: all of the picture moves.
    unknown: nobody looked at it (or could), so people may be anywhere.
    """

    people: FloatArray = field(default_factory=no_boxes)
    doubtful: FloatArray = field(default_factory=no_boxes)
    vehicles: FloatArray = field(default_factory=no_boxes)
    shaken: bool = False
    unknown: bool = False

    @classmethod
    def of(cls, boxes: Boxes, view: View) -> Hidden:
        """From what the engine saw."""
        size = np.array((view.width, view.height) * 2, np.float64)
        people, sure = boxes.people / size, _followed(boxes.people)
        hidden = cls(
            people[sure],
            people[~sure],
            boxes.vehicles / size,
            shaken=boxes.everywhere,
            unknown=boxes.blind is not None,
        )
        return hidden if boxes.everywhere else hidden.with_moving(boxes.moving / size)

    def with_moving(self, moving: FloatArray) -> Hidden:
        """Besides these regions (shares), as far as they are not explained by what is known."""
        known = np.concatenate([self.people, self.doubtful, self.vehicles])
        unknown = moving[~_explained(moving, grown(known, MARGIN))]
        return replace(self, doubtful=np.concatenate([self.doubtful, unknown]))

    def shown_moving(self, activity: Activity) -> Hidden:
        """Besides what a picture's own activity says that moves in it."""
        if activity.everywhere:
            return replace(self, shaken=True)
        return self.with_moving(activity.boxes)


def redacted(picture: Picture, hidden: Hidden) -> Picture:
    """A copy of the picture in which nobody can be recognised."""
    coarse = Picture(picture.data.copy(), picture.full_range)
    sizes = _block_sizes(hidden, picture.width, picture.height)
    for size in np.unique(sizes[sizes > 0]):
        mask = (sizes == size).astype(np.uint8)
        _coarsen(coarse.luma, picture.luma, mask.repeat(2, 0).repeat(2, 1), int(size), _LEVELS)
        for target, plane in zip(coarse.chroma, picture.chroma, strict=True):
            _coarsen(target, plane, mask, int(size) // 2, 1)
    return coarse


def _block_sizes(hidden: Hidden, width: int, height: int) -> NDArray[np.uint8]:
    """(height / 2, width / 2) pixels of the block that covers this place, 0: none does."""
    size = np.array((width, height) * 2, np.float64)
    areas = [
        *_areas(hidden.people * size, MARGIN, _person_block, height / _COARSEST),
        *_areas(hidden.doubtful * size, MARGIN, _person_block, height / _DOUBTFUL),
        *_areas(hidden.vehicles * size, _VEHICLE_MARGIN, _vehicle_block, height / _DOUBTFUL),
    ]
    whole = np.array((0, 0, width, height), np.float64)
    if hidden.shaken or hidden.unknown:
        areas.append((_stepped(height / (_UNKNOWN if hidden.unknown else _SHAKEN)), whole))
    sizes = np.zeros((height // 2, width // 2), np.uint8)
    for block, box in sorted(areas, key=lambda area: area[0]):
        x1, y1 = (max(0, int(n / 2)) for n in box[:2])
        x2, y2 = (max(0, -int(-n // 2)) for n in box[2:])
        sizes[y1:y2, x1:x2] = block
    return sizes


def _areas(
    boxes: FloatArray, margin: float, block: Callable[[float, float], float], most: float
) -> Iterator[tuple[int, FloatArray]]:
    """A block's size and the place it covers, of each box; pixels."""
    for box, whole in zip(boxes, grown(boxes, margin), strict=True):
        yield _stepped(min(block(box[2] - box[0], box[3] - box[1]), most)), whole


def _person_block(width: float, height: float) -> float:
    return max(max(width, height) / _LONG, min(width, height) / _SHORT)


def _vehicle_block(width: float, height: float) -> float:
    if height > _UPRIGHT * width:
        return _person_block(width, height)
    return min(width, height) / _VEHICLE_BLOCKS


def _stepped(block: float) -> int:
    """The next size on the scale; all blocks of a size share one grid."""
    return next((size for size in _SIZES if size >= block), _SIZES[-1])


def _coarsen(
    target: ImageArray, plane: ImageArray, mask: ImageArray, block: int, levels: int
) -> None:
    """Where the mask says so, the target gets the plane in blocks. block: pixels of this plane."""
    rows, columns = plane.shape
    down, across = -rows % block, -columns % block
    padded = cv2.copyMakeBorder(plane, 0, down, 0, across, cv2.BORDER_REPLICATE)
    few = (padded.shape[1] // block, padded.shape[0] // block)
    blocks = cv2.resize(padded, few, interpolation=cv2.INTER_AREA)
    blocks = blocks // levels * levels + levels // 2
    whole = cv2.resize(blocks, padded.shape[::-1], interpolation=cv2.INTER_NEAREST)
    cv2.copyTo(whole[:rows, :columns], mask, target)


def grown(boxes: FloatArray, margin: float) -> FloatArray:
    """(n, 4) each box larger by this share of its width and height, on each side."""
    by = (boxes[:, 2:] - boxes[:, :2]) * margin
    return np.concatenate([boxes[:, :2] - by, boxes[:, 2:] + by], axis=1)


def _followed(boxes: FloatArray) -> BoolArray:
    """(n,) has a box a twin? A detector says nothing twice, so one is a track, one its detection.

    Boxes without one are doubtful detections, or tracks through a gap.
    """
    twins = between(boxes, boxes).iou
    np.fill_diagonal(twins, 0.0)
    return np.asarray((twins > _TWIN).any(axis=1))


def _explained(boxes: FloatArray, known: FloatArray) -> BoolArray:
    """(n,) is most of a box covered by the known ones? Counted on a grid of 16 x 16 points."""
    at = (np.arange(16) + 0.5) / 16
    x = boxes[:, 0, None] + at * (boxes[:, 2] - boxes[:, 0])[:, None]
    y = boxes[:, 1, None] + at * (boxes[:, 3] - boxes[:, 1])[:, None]
    across = (x[..., None] >= known[:, 0]) & (x[..., None] <= known[:, 2])
    down = (y[..., None] >= known[:, 1]) & (y[..., None] <= known[:, 3])
    covered = np.einsum("nik,njk->nij", across, down, dtype=np.int32) > 0
    return np.asarray(covered.mean(axis=(1, 2)) >= _EXPLAINED)
