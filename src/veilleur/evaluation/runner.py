"""Clips through the engine, several side by side; the same result whatever the order they end in.

Entries that look at the same pictures in the same way are analysed once: their rules run side by
side and are told apart by a prefix. Each process analyses whole clips, so nothing that one clip
does reaches another, and results are put back in the order of the dataset.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from veilleur.cameras.decoding import Counts
from veilleur.cameras.replay import unheard
from veilleur.catalogue import Event
from veilleur.engine.pipeline import Step
from veilleur.errors import VeilleurError
from veilleur.evaluation.clip import NEGATIVE_PREFIX, Clip
from veilleur.evaluation.dataset import Dataset
from veilleur.evaluation.observer import (
    MISTAKE,
    NO_HEADING,
    UNREADABLE,
    Observed,
    Observer,
    Withheld,
)
from veilleur.evaluation.sidecars import read_boxes, read_head_counts
from veilleur.evaluation.wholeness import Reading, announced_s, nothing_read
from veilleur.events.specification import RuleSpecification
from veilleur.perception.backends import cores

if TYPE_CHECKING:
    from multiprocessing.context import SpawnContext
    from multiprocessing.queues import SimpleQueue

_TELL_EVERY_S = 2.0  # of the clip's own time
_POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One analysis: a file, how to look at it, and the rules to run, told apart by their ids.

    told: is to be told what decoding a video met with, once it has ended.
    """

    camera: str
    path: Path
    root: Path
    clip: Clip
    rules: tuple[RuleSpecification, ...]
    told: Callable[[Counts], None] = unheard


class Engine(Protocol):
    """What is measured. Crosses to other processes, so it has to be picklable."""

    @property
    def words(self) -> str:
        """The model, its back end and how often it looks, in words."""
        ...

    def withheld(self, request: Request) -> tuple[Withheld, ...]:
        """The rules that cannot run on this clip, each with its reason. May raise VeilleurError."""
        ...

    def analyse(self, request: Request) -> Iterator[Step]:
        """Every analysed instant, in order. May raise VeilleurError."""
        ...


class Progress(Protocol):
    """Is told, in the calling process, how far things are."""

    def started(self, clips: int) -> None: ...
    def seen(self, clip: str, seconds: float) -> None: ...
    def finished(self, clip: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Silent:
    """Progress nobody looks at."""

    def started(self, clips: int) -> None: ...
    def seen(self, clip: str, seconds: float) -> None: ...
    def finished(self, clip: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Job:
    """Entries that are analysed together. `pictures`: keep thumbnails.

    withheld: for each entry the rules of which it is known beforehand that they cannot run.
    """

    clips: tuple[Clip, ...]
    withheld: tuple[tuple[Withheld, ...], ...]
    path: Path
    root: Path
    pictures: bool


def run(
    dataset: Dataset,
    engine: Engine,
    *,
    jobs: int = 0,
    pictures: bool = False,
    progress: Progress | None = None,
) -> tuple[Observed, ...]:
    """Analyse every clip, in the order of the dataset. jobs: processes, 0 for one a core.

    A clip that cannot be read, or is refused, is an `Observed` with an error: the others are still
    measured.
    """
    told = progress or Silent()
    work = _jobs(dataset, pictures)
    told.started(len(dataset.clips))
    observed = {o.clip: o for o in _refused(dataset, told)}
    many = min(jobs or cores(), len(work))
    done = _here(work, engine, told) if many <= 1 else _apart(work, engine, told, many)
    observed |= {o.clip: o for o in done}
    return tuple(observed[clip.id] for clip in dataset.clips)


def _refused(dataset: Dataset, told: Progress) -> Iterator[Observed]:
    """The clips that are not even opened."""
    for clip in dataset.clips:
        if (reason := dataset.refusal(clip)) is not None:
            told.finished(clip.id)
            yield _nothing(clip, MISTAKE, reason, _withheld(dataset, clip))


def _withheld(dataset: Dataset, clip: Clip) -> tuple[Withheld, ...]:
    """The rules of a clip that are refused, or ask for what no default can know."""
    refused = dataset.refused_rules(clip)
    known = [
        Withheld(r.id, r.event, MISTAKE, refused[r.id]) for r in clip.every_rule if r.id in refused
    ]
    if Event.WRONG_WAY in clip.negative_for:
        reason = "wrong_way has no default heading: write a rule with one"
        rule = f"{NEGATIVE_PREFIX}{Event.WRONG_WAY}"
        known.append(Withheld(rule, Event.WRONG_WAY, NO_HEADING, reason))
    return tuple(known)


def _jobs(dataset: Dataset, pictures: bool) -> list[_Job]:
    """Entries of one file that are looked at in the same way, together; the largest first."""
    together: dict[str, list[Clip]] = {}
    for clip in dataset.clips:
        if dataset.refusal(clip) is not None:
            continue
        ground = clip.ground.model_dump_json() if clip.ground else ""
        key = f"{clip.file}|{ground}|{clip.hold_last_s}|{clip.starts_at}"
        together.setdefault(key, []).append(clip)
    jobs = [
        _Job(
            clips=tuple(clips),
            withheld=tuple(_withheld(dataset, clip) for clip in clips),
            path=dataset.path(clips[0]),
            root=dataset.root,
            pictures=pictures,
        )
        for clips in together.values()
    ]
    return sorted(jobs, key=lambda job: (-job.path.stat().st_size, job.clips[0].id))


def _here(work: Sequence[_Job], engine: Engine, told: Progress) -> Iterator[Observed]:
    for job in work:
        yield from _analyse(job, engine, told.seen)
        for clip in job.clips:
            told.finished(clip.id)


def _apart(work: Sequence[_Job], engine: Engine, told: Progress, many: int) -> Iterator[Observed]:
    context = multiprocessing.get_context("spawn")
    news: SimpleQueue[tuple[str, float]] = context.SimpleQueue()
    with _pool(many, context, news) as pool:
        waiting = {pool.submit(_in_worker, job, engine): job for job in work}
        while waiting:
            finished = wait(waiting, timeout=_POLL_S, return_when=FIRST_COMPLETED).done
            while not news.empty():
                told.seen(*news.get())
            for future in finished:
                job = waiting.pop(future)
                yield from _outcome(future, job)
                for clip in job.clips:
                    told.finished(clip.id)


@contextmanager
def _pool(
    many: int, context: SpawnContext, news: SimpleQueue[tuple[str, float]]
) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes are gone afterwards; interrupted, it does not finish what waits."""
    pool = ProcessPoolExecutor(many, context, initializer=_adopt, initargs=(news,))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(future: Future[tuple[Observed, ...]], job: _Job) -> tuple[Observed, ...]:
    try:
        return future.result()
    except BrokenProcessPool:
        reason = "a process died while this was analysed or waiting: run it alone with --clip"
        return _unreadable(job, reason)


_news: SimpleQueue[tuple[str, float]] | None = None


def _adopt(news: SimpleQueue[tuple[str, float]]) -> None:
    global _news
    _news = news


def _in_worker(job: _Job, engine: Engine) -> tuple[Observed, ...]:
    def tell(clip: str, seconds: float) -> None:
        if _news is not None:
            _news.put((clip, seconds))

    return _analyse(job, engine, tell)


def _analyse(job: _Job, engine: Engine, tell: Callable[[str, float], None]) -> tuple[Observed, ...]:
    """One analysis for all entries of a job. Errors a user can act on become part of the result."""
    began = time.process_time()
    try:
        watched = [
            _watch(job, clip, known, engine)
            for clip, known in zip(job.clips, job.withheld, strict=True)
        ]
        boxes = read_boxes(job.path)
        heads = read_head_counts(job.path)
    except VeilleurError as error:
        return _unreadable(job, str(error))
    observers = [Observer(w.clip, w.rules, w.prefix, boxes, heads, job.pictures) for w in watched]
    trouble, counts = _replay(job, engine, watched, observers, tell)
    reading = Reading(counts, None if job.clips[0].is_scenes else announced_s(job.path))
    cpu_s = (time.process_time() - began) / len(watched)
    return tuple(
        observer.result([*w.withheld, *_lost(w, trouble)], trouble, cpu_s, reading)
        for observer, w in zip(observers, watched, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Watched:
    """An entry with the rules that run on it and those that don't."""

    clip: Clip
    rules: tuple[RuleSpecification, ...]
    withheld: tuple[Withheld, ...]
    prefix: str

    @property
    def prefixed(self) -> tuple[RuleSpecification, ...]:
        return tuple(r.model_copy(update={"id": self.prefix + r.id}) for r in self.rules)


def _watch(job: _Job, clip: Clip, known: tuple[Withheld, ...], engine: Engine) -> _Watched:
    asked = tuple(rule for rule in clip.every_rule if rule.id not in {w.rule for w in known})
    withheld = (*known, *engine.withheld(_request(job, clip, asked)))
    gone = {w.rule for w in withheld}
    rules = tuple(rule for rule in clip.every_rule if rule.id not in gone)
    return _Watched(clip, rules, withheld, _prefix(clip))


def _prefix(clip: Clip) -> str:
    """Ends at the first slash: no prefix is the beginning of another with its rule."""
    return clip.id.replace("%", "%25").replace("/", "%2F") + "/"


def _request(job: _Job, clip: Clip, rules: tuple[RuleSpecification, ...]) -> Request:
    return Request(camera=clip.id, path=job.path, root=job.root, clip=clip, rules=rules)


def _replay(
    job: _Job,
    engine: Engine,
    watched: Sequence[_Watched],
    observers: Sequence[Observer],
    tell: Callable[[str, float], None],
) -> tuple[str | None, Counts]:
    """Show every step to every observer. None, or why nothing was measured; what decoding met."""
    rules = tuple(rule for w in watched for rule in w.prefixed)
    if not rules:
        return None, Counts()
    heard: list[Counts] = []
    request = replace(_request(job, job.clips[0], rules), told=heard.append)
    told, seen = 0.0, False
    try:
        for step in engine.analyse(request):
            seen = True
            for observer in observers:
                observer.see(step)
            if step.time - told >= _TELL_EVERY_S:
                told = step.time
                tell(job.clips[0].id, told)
    except VeilleurError as error:
        return str(error), Counts()
    counts = heard[-1] if heard else Counts()
    return (None if seen else nothing_read(job.clips[0], counts)), counts


def _lost(watched: _Watched, error: str | None) -> list[Withheld]:
    """A clip that breaks off measures nothing: all its rules are withheld."""
    if error is None:
        return []
    return [Withheld(r.id, r.event, UNREADABLE, error) for r in watched.rules]


def _unreadable(job: _Job, reason: str) -> tuple[Observed, ...]:
    pairs = zip(job.clips, job.withheld, strict=True)
    return tuple(_nothing(clip, UNREADABLE, reason, known) for clip, known in pairs)


def _nothing(clip: Clip, kind: str, reason: str, known: Sequence[Withheld]) -> Observed:
    """Nothing was measured of this clip. known: rules that are withheld for a reason of theirs."""
    gone = {w.rule for w in known}
    rest = (Withheld(r.id, r.event, kind, reason) for r in clip.every_rule if r.id not in gone)
    return Observed(clip=clip.id, withheld=(*known, *rest), error=reason)
