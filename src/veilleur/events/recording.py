"""Boxes instead of pixels: a clip as `*.scenes.jsonl`, made by the simulation or recorded.

The first line says what follows, each further line is one picture, in rising order of time:

    {"schema": 1, "width": 1280, "height": 720, "rate": 5.0}
    {"t": 0.0, "objects": [["person", 0.81, 100.0, 200.5, 140.0, 310.0]]}

Objects are detections (kind, score, x1, y1, x2, y2 in pixels), not tracks: the tracker runs when
they are replayed, as it does live. Blank lines and a byte order mark mean nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veilleur.errors import DatasetError
from veilleur.perception.objects import Detections, Kind

SUFFIX = ".scenes.jsonl"
SCHEMA = 1
KINDS = {kind.name.lower(): kind for kind in Kind}


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What was found in one picture, at `time` seconds."""

    time: float
    detections: Detections


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """width, height: of the view in pixels. rate: pictures a second, nominal."""

    width: int
    height: int
    rate: float
    observations: tuple[Observation, ...]

    def held(self, hold_last_s: float) -> Iterator[Observation]:
        """Every observation, then the last one again at the nominal rate for so many seconds."""
        yield from self.observations
        if not self.observations:
            return
        last = self.observations[-1]
        for count in range(1, math.floor(hold_last_s * self.rate + 1e-9) + 1):
            yield Observation(last.time + count / self.rate, last.detections)


def read_recording(path: Path) -> Recording:
    """Raises DatasetError with the number of the line that cannot be understood."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror}", remedy="check its name", clip=path.name
        ) from error
    except UnicodeDecodeError as error:
        raise _wrong(path, 1, "it is no text") from error
    written = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not written:
        raise _wrong(path, 1, "the file is empty")
    return Recording(*_head(path, *written[0]), _observations(path, written[1:]))


def _head(path: Path, number: int, line: str) -> tuple[int, int, float]:
    """Width, height and rate."""
    head = _parsed(path, number, line, {"schema", "width", "height", "rate"})
    if head["schema"] != SCHEMA:
        raise _wrong(path, number, f"schema {head['schema']!r}, this version reads {SCHEMA}")
    width, height = (_number(path, number, head[name], name) for name in ("width", "height"))
    rate = _number(path, number, head["rate"], "rate")
    if min(width, height) < 1 or not (width.is_integer() and height.is_integer()) or rate <= 0:
        raise _wrong(path, number, "width, height and rate must be positive")
    return int(width), int(height), rate


def _observations(path: Path, lines: Iterable[tuple[int, str]]) -> tuple[Observation, ...]:
    observations: list[Observation] = []
    for number, line in lines:
        observation = _observation(path, number, line)
        if observations and observation.time <= observations[-1].time:
            raise _wrong(path, number, "times must rise")
        observations.append(observation)
    return tuple(observations)


def write_recording(path: Path, recording: Recording) -> None:
    """Times to the millisecond, boxes to a tenth of a pixel, scores to a hundredth."""
    head = {
        "schema": SCHEMA,
        "width": recording.width,
        "height": recording.height,
        "rate": recording.rate,
    }
    lines = [json.dumps(head), *map(_line, recording.observations)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(observation: Observation) -> str:
    found = observation.detections
    objects = [
        [Kind(int(kind)).name.lower(), round(float(score), 2), *(round(v, 1) for v in box)]
        for kind, score, box in zip(
            found.kinds, found.scores, np.asarray(found.boxes).tolist(), strict=True
        )
    ]
    return json.dumps({"t": round(observation.time, 3), "objects": objects}, separators=(",", ":"))


def _observation(path: Path, number: int, line: str) -> Observation:
    raw = _parsed(path, number, line, {"t", "objects"})
    time = _number(path, number, raw["t"], "t")
    if not isinstance(raw["objects"], list):
        raise _wrong(path, number, "objects must be a list")
    rows = [_object(path, number, entry) for entry in raw["objects"]]
    return Observation(time, _detections(rows))


def _detections(rows: Iterable[tuple[Kind, tuple[float, ...]]]) -> Detections:
    rows = list(rows)
    if not rows:
        return Detections.none()
    values = np.array([numbers for _, numbers in rows], dtype=np.float32)
    kinds = np.array([kind for kind, _ in rows], dtype=np.int8)
    return Detections(values[:, 1:], values[:, 0], kinds)


def _object(path: Path, number: int, entry: object) -> tuple[Kind, tuple[float, ...]]:
    if not isinstance(entry, list) or len(entry) != 6:
        raise _wrong(path, number, "an object is [kind, score, x1, y1, x2, y2]")
    if entry[0] not in KINDS:
        raise _wrong(path, number, f"unknown kind {entry[0]!r}: there is {', '.join(KINDS)}")
    names = ("score", "x1", "y1", "x2", "y2")
    numbers = tuple(
        _number(path, number, value, name) for value, name in zip(entry[1:], names, strict=True)
    )
    score, x1, y1, x2, y2 = numbers
    if not 0 <= score <= 1:
        raise _wrong(path, number, f"score {score:g} is not within 0..1")
    if x2 <= x1 or y2 <= y1:
        raise _wrong(path, number, "a box needs x1 < x2 and y1 < y2")
    return KINDS[entry[0]], numbers


def _parsed(path: Path, number: int, line: str, keys: set[str]) -> dict[str, object]:
    try:
        raw = json.loads(line)
    except json.JSONDecodeError as error:
        raise _wrong(path, number, f"no JSON: {error.msg}") from error
    if not isinstance(raw, dict) or set(raw) != keys:
        raise _wrong(path, number, f"expected exactly {', '.join(sorted(keys))}")
    return raw


def _number(path: Path, number: int, value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(path, number, f"{name} must be a number")
    return float(value)


def _wrong(path: Path, number: int, message: str) -> DatasetError:
    return DatasetError(
        f"{path}:{number}: {message}",
        remedy="the format is described in docs/dataset.md",
        clip=path.name,
    )
