"""Truth that lies beside a clip: head counts and boxes.

`<stem>.counts.csv` with the columns t_s,rule,count: exact head counts in a rule's zone.
A CVML file (`<frame number><object id><box xc yc w h>`), `<stem>.xml` or the only one in a folder
with one video: boxes of people; frame n of the file is frame n of the boxes. Head counts in a zone
follow from the feet of the boxes.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from veilleur.errors import DatasetError
from veilleur.evaluation.tracking import FrameBoxes, read_cvml
from veilleur.geometry import View, Zone

_VIDEO = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".ts", ".gif", ".h264", ".h265"})
_COLUMNS = ["t_s", "rule", "count"]
_HEAD_BYTES = 2000


@dataclass(frozen=True, slots=True)
class HeadCount:
    """True number of people in a rule's zone at t_s."""

    t_s: float
    rule: str
    count: float


@dataclass(frozen=True, slots=True, eq=False)
class BoxTruth:
    """True boxes of people: element n belongs to t = n / rate_hz."""

    frames: Sequence[FrameBoxes]
    rate_hz: float

    def at(self, time: float) -> FrameBoxes | None:
        """The boxes of the picture at `time` (seconds), None beyond the last."""
        number = round(time * self.rate_hz)
        return self.frames[number] if 0 <= number < len(self.frames) else None

    def heads_in(self, zone: Zone, view: View, time: float) -> int | None:
        """How many stand in the zone: feet, held inside the picture."""
        boxes = self.at(time)
        if boxes is None:
            return None
        feet = np.stack([boxes.boxes[:, [0, 2]].mean(axis=1), boxes.boxes[:, 3]], axis=1)
        feet = np.clip(feet, 0, (view.width - 1, view.height - 1))
        return int(zone.contains(feet).sum())


def stem(clip: Path) -> str:
    """The file's name without its endings: a.scenes.jsonl is a."""
    return clip.name.removesuffix(".scenes.jsonl") if "scenes" in clip.name else clip.stem


def read_head_counts(clip: Path) -> list[HeadCount]:
    """The counts beside a clip, none where there is no such file. Raises DatasetError."""
    file = clip.with_name(f"{stem(clip)}.counts.csv")
    if not file.is_file():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        if rows.fieldnames != _COLUMNS:
            raise DatasetError(
                f"{file}:1: columns {rows.fieldnames}", remedy=f"they are {','.join(_COLUMNS)}"
            )
        return [_head_count(row, file, number) for number, row in enumerate(rows, start=2)]


def _head_count(row: dict[str, str], file: Path, line: int) -> HeadCount:
    try:
        return HeadCount(float(row["t_s"]), row["rule"], float(row["count"]))
    except (TypeError, ValueError):
        raise DatasetError(
            f"{file}:{line}: {','.join(str(v) for v in row.values())}",
            remedy="t_s and count are numbers",
        ) from None


def find_boxes(clip: Path) -> Path | None:
    """The CVML file that belongs to a clip, None where there is none or no telling which."""
    own = clip.with_suffix(".xml")
    if own.is_file() and _is_cvml(own):
        return own
    if sum(file.suffix.lower() in _VIDEO for file in clip.parent.iterdir()) != 1:
        return None
    found = sorted(f for f in clip.parent.glob("*.xml") if _is_cvml(f))
    if not found:
        return None
    shortest = min(found, key=lambda f: len(f.stem))  # its variants are called <stem>-<variant>
    return shortest if all(f.stem.startswith(shortest.stem) for f in found) else None


def _is_cvml(file: Path) -> bool:
    with file.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    return b"<dataset" in head and b"<frame" in head


def read_boxes(clip: Path) -> BoxTruth | None:
    """True boxes beside a video, None where there are none. Raises DatasetError."""
    if clip.suffix.lower() not in _VIDEO:
        return None
    file = find_boxes(clip)
    return BoxTruth(read_cvml(file), _rate_hz(clip)) if file else None


def unreadable(error: Exception) -> str:
    """What FFmpeg means, in words that end a sentence about a file.

    >>> unreadable(IndexError("tuple index out of range"))
    'holds no video'
    """
    if isinstance(error, IndexError):
        return "holds no video"
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        return "is no video, or is damaged"
    reason = error.strerror if isinstance(error, av.FFmpegError) else None
    return f"cannot be read as video: {reason or 'FFmpeg does not say why'}"


def _rate_hz(clip: Path) -> float:
    try:
        with av.open(clip) as container:
            rate = container.streams.video[0].average_rate
    except (av.FFmpegError, IndexError) as error:
        raise DatasetError(f"{clip} {unreadable(error)}", remedy="check the file") from error
    if not rate:
        raise DatasetError(f"{clip} states no frame rate", remedy="frame n needs a time")
    return float(rate)
