"""How much of a clip could be watched: where it ends, what was damaged, what its truths ask beyond.

A truth after the end counts as the format says, but never without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import av

from veilleur.cameras.decoding import Counts
from veilleur.engine.shape import OTHER_SHAPE
from veilleur.evaluation.clip import Clip
from veilleur.evaluation.counting import window

LONGEST_GAP_S = 10.0  # between pictures; what lies in a longer one was not watched
_USUAL_GAPS = 3.0  # of a clip whose pictures are all far apart
_FEW_PICTURES = 5
_CUT_S, _CUT_SHARE = 2.0, 0.02  # so much less than the file announces


@dataclass(frozen=True, slots=True)
class Watched:
    """When pictures were seen, seconds.

    seconds: from the first to the end of the last, which stands as long as the one before, without
    gaps. ends_s: the end of the last on the clip's clock. gaps_s: what lay in gaps. missing_s: how
    much longer than usual it was from one picture to the next, where it was several times as long.
    """

    pictures: int
    seconds: float
    ends_s: float
    gaps_s: float
    missing_s: float = 0.0

    @classmethod
    def of(cls, times: Sequence[float]) -> Watched:
        """times: of the pictures, rising.

        >>> Watched.of([0.0, 1.0, 2.0, 3600.0])
        Watched(pictures=4, seconds=3.0, ends_s=3601.0, gaps_s=3598.0, missing_s=3597.0)
        """
        if len(times) < 2:
            return cls(len(times), 0.0, max(times, default=0.0), 0.0)
        steps = [later - earlier for earlier, later in pairwise(times)]
        usual = median(steps)
        longest = max(LONGEST_GAP_S, _USUAL_GAPS * usual)
        gaps = sum(step for step in steps if step > longest)
        last = steps[-1] if steps[-1] <= longest else usual
        missing = sum(step - usual for step in steps if step > _USUAL_GAPS * usual)
        seconds = times[-1] - times[0] + last - gaps
        return cls(len(times), seconds, times[-1] + last, gaps, missing)


def suspended_s(times: Sequence[float], blind: Sequence[str | None]) -> dict[str, float]:
    """For how long rules were suspended, by what the pictures were blind by. times: of the
    pictures, rising; blind: of each (`Frame.blind`).

    >>> suspended_s([0.0, 0.5, 1.0, 1.5], [None, "dark", None, "dark"])
    {'dark': 1.0}
    """
    steps = [min(later - earlier, LONGEST_GAP_S) for earlier, later in pairwise(times)]
    found: dict[str, float] = {}
    for step, by in zip([*steps, *steps[-1:]], blind, strict=False):
        if by is not None:
            found[by] = found.get(by, 0.0) + step
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a file met with. announced_s: how long it says it is, None where it doesn't."""

    counts: Counts
    announced_s: float | None


def announced_s(file: Path) -> float | None:
    """The length of the video in seconds, as its container says."""
    try:
        with av.open(file) as container:
            stream = container.streams.video[0]
            if stream.duration and stream.time_base:
                return float(stream.duration * stream.time_base)
            if not container.duration:
                return None
            # Some containers count from zero whatever their first picture's stamp is.
            begins = max(container.start_time or 0, 0)
            return max(container.duration - begins, 0) / av.time_base
    except (av.FFmpegError, IndexError):
        return None


def nothing_read(clip: Clip, counts: Counts) -> str:
    """Why nothing of a clip was measured, where not one picture came out of it."""
    damaged = f": {counts.corrupt} could not be decoded" if counts.corrupt else ""
    what = "observation" if clip.is_scenes else "picture"
    return f"{clip.file} holds no {what} that can be read{damaged} (replace the file)"


def of_suspended(suspended: Mapping[str, float]) -> Iterator[str]:
    """What the live screen says of a blind camera. suspended: seconds by what it was blind by."""
    for by, seconds in suspended.items():
        what_next = " (its zones are those of its first pictures: cut the clip there)"
        yield f"rules suspended for {seconds:.1f} s: {by}" + what_next * (by == OTHER_SHAPE)


def remarks(clip: Clip, watched: Watched, reading: Reading) -> tuple[str, ...]:
    """What makes the numbers of a clip worth less, in words. `clip`: with the truths that count."""
    return (*_of_the_end(clip, watched, reading), *_of_time(watched, reading))


def _of_the_end(clip: Clip, watched: Watched, reading: Reading) -> Iterator[str]:
    own_s = watched.ends_s - clip.hold_last_s
    beyond = [
        f"truth[{i}]" for i, t in enumerate(clip.truth) if window(t)[0] > watched.ends_s
    ]  # fmt: skip
    parts = list(_of_damage(watched, reading))
    announced = 0.0 if reading.counts.jumps else reading.announced_s or 0.0
    if announced - own_s > max(_CUT_S, _CUT_SHARE * announced):
        parts.append(f"the file announces {announced:.1f} s: it is cut off or damaged")
    if beyond:
        lies = "lies" if len(beyond) == 1 else "lie"
        parts.append(f"{', '.join(beyond)} {lies} after the end and can't be found")
    if watched.pictures < _FEW_PICTURES:
        parts.append(f"only {watched.pictures} picture{'s' * (watched.pictures != 1)} in it")
    if parts:
        yield f"ends at {watched.ends_s:.1f} s: " + "; ".join(parts)


def _of_damage(watched: Watched, reading: Reading) -> Iterator[str]:
    """What is lost on the way to the decoder leaves only a hole."""
    if broken := reading.counts.corrupt:
        hole = f" and {watched.missing_s:.1f} s are missing" if watched.missing_s else ""
        yield f"{broken} picture{'s' * (broken != 1)} could not be decoded{hole}"


def _of_time(watched: Watched, reading: Reading) -> Iterator[str]:
    if jumps := reading.counts.jumps:
        yield (
            f"its clock jumps {jumps} time{'s' * (jumps != 1)}: times after a jump are counted on "
            "from the picture before"
        )
    if watched.gaps_s:
        yield f"{watched.gaps_s:.0f} s without pictures are not counted as watched"
