"""Is the still there with the alert, and the clip as soon as its last seconds have come?

    python -m benchmarks.evidence [--runs 20] [--cameras 1] [--size 360p25]

The real service, detector and database; an operator dismisses each alert once its clip is there,
so that clips of one place don't overlap, and the next alert is a new one. All times are those of
the record: the still is kept so long after its incident was opened, the clip so long after the last
second that it shows. A clip counts as playable where every picture of it can be decoded and it
begins five seconds before the onset or earlier.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av

from benchmarks import media
from benchmarks.desk import PARTS, Service, dismiss_all
from benchmarks.machine import Wanted, description, figure, use_cores
from veilleur.desk.desk import Desk
from veilleur.engine.report import Condition
from veilleur.evidence.kept import AFTER_S, BEFORE_S
from veilleur.incidents.incident import Incident
from veilleur.law.deed import Deed
from veilleur.perception.choice import decide
from veilleur.store import chain, evidence, incidents
from veilleur.store.chain import Question
from veilleur.store.evidence import Piece, Sort
from veilleur.store.transaction import Reading

WARM_S = BEFORE_S + 2.0
"""An onset sooner after the first picture has no five seconds before it."""
PATIENCE_S = 30.0
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """One incident. still_s: from its opening until its still was kept; clip_s: from the last
    second of its clip until that was kept; plays_s: seconds of video. None, and faults: what was
    not so."""

    incident: Incident
    still_s: float | None
    clip_s: float | None
    plays_s: float | None
    faults: tuple[str, ...]


def follow(desk: Desk, number: int) -> list[Run]:
    """The next so many incidents of a desk at work, once all its cameras have been analysed for a
    while. TimeoutError: they, or their evidence, don't come."""
    deadline = time.monotonic() + PATIENCE_S * (number + 1)
    while not all(one.condition is Condition.RUNNING and one.analysed for one in desk.cameras()):
        _wait(deadline, "pictures of every camera")
    since = datetime.now(UTC) + timedelta(seconds=WARM_S)
    while True:
        dismiss_all(desk, lambda r, one: not _awaited(r, one))
        with desk.database.read() as r:
            found = _since(r, since)[:number]
            if len(found) == number and not any(_awaited(r, one) for one in found):
                return [_run(r, one) for one in found]
        _wait(deadline, f"{number} incidents with all their evidence")


def _wait(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError(f"waited in vain for {what}")
    time.sleep(LOOK_EVERY_S)


def _since(r: Reading, since: datetime) -> list[Incident]:
    """The oldest first."""
    found = incidents.recent(r, None, limit=100_000)
    return [one for one in reversed(found) if one.first.onset >= since]


def _awaited(r: Reading, incident: Incident) -> bool:
    pieces = evidence.pieces(r, incident.id, None)
    return any(piece.condition is evidence.Condition.PENDING for piece in pieces)


def _run(r: Reading, incident: Incident) -> Run:
    kept = _kept(r, incident)
    pieces = {piece.sort: piece for piece in evidence.pieces(r, incident.id, None)}
    faults = [
        f"{sort.value}: {pieces[sort].cause if sort in pieces else 'never promised'}"
        for sort in Sort
        if sort not in kept
    ]
    plays_s = _plays_s(r, pieces[Sort.CLIP]) if Sort.CLIP in kept else None
    if plays_s is not None and plays_s < BEFORE_S + AFTER_S:
        faults.append(f"the clip has only {plays_s:.2f} s")
    ends = incident.first.onset + timedelta(seconds=AFTER_S)
    return Run(
        incident,
        _after_s(kept.get(Sort.STILL), incident.opened),
        _after_s(kept.get(Sort.CLIP), ends),
        plays_s,
        tuple(faults),
    )


def _after_s(at: datetime | None, since: datetime) -> float | None:
    return None if at is None else (at - since).total_seconds()


def _kept(r: Reading, incident: Incident) -> dict[Sort, datetime]:
    """When each piece was kept, by the record."""
    question = Question(deeds=frozenset({Deed.EVIDENCE_KEPT}), of=f"incident:{incident.id}")
    lines = chain.lines(r, question)
    return {
        sort: line.at for line in lines for sort in Sort if f'"sort":"{sort.value}"' in line.details
    }


def _plays_s(r: Reading, piece: Piece) -> float:
    """Every picture of it is decoded. From the first to the last; av.FFmpegError: it is broken."""
    content = evidence.content(r, piece.id, None)
    assert content is not None
    with av.open(io.BytesIO(content.content), "r") as container:
        shown = [frame.time for frame in container.decode(video=0) if frame.time is not None]
    return shown[-1] - shown[0]


def measured(cameras: int, size: media.Size, runs: int) -> Iterator[str]:
    clip = media.busy(size)
    parts = [media.begun_later(clip, n / PARTS) for n in range(min(cameras, PARTS))]
    sources = [parts[n * 7 % PARTS % len(parts)] for n in range(cameras)]
    with tempfile.TemporaryDirectory() as name, Service(Path(name), sources) as service:
        service.authorise(clips=3)
        done = follow(service.desk, runs)
    yield from said(f"{size.name} x {cameras}", done)


def said(what: str, done: Sequence[Run]) -> Iterator[str]:
    whole = [one for one in done if not one.faults]
    yield f"{what}: still and playable clip in {len(whole)} of {len(done)} runs"
    for one in done:
        if one.faults:
            yield f"{what}: {one.incident.id}: {'; '.join(one.faults)}"
    stills = sorted(one.still_s for one in done if one.still_s is not None)
    clips = sorted(one.clip_s for one in done if one.clip_s is not None)
    for name, values, most in (("still", stills, 0.5), ("clip after its end", clips, 2.0)):
        if values:
            yield figure(f"{what}, {name}", values, "s")
            worst = Wanted(most=most)
            yield figure(f"{what}, {name}, 95 %", [values[int(0.95 * len(values))]], "s", worst)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--cameras", type=int, default=1)
    parser.add_argument("--size", choices=media.SIZES, default="360p25")
    parser.add_argument("--cores", type=int, default=2)
    asked = parser.parse_args()
    use_cores(asked.cores)
    print("\n".join([*description(), f"detector: {decide().choice}"]), flush=True)
    for line in measured(asked.cameras, media.SIZES[asked.size], asked.runs):
        print(line, flush=True)


if __name__ == "__main__":
    main()
