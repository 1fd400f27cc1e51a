"""F3: the service, or one of its processes, is killed at a random moment under load, many times.

    python -m tests.killing --trials 200 [--seed 0] [--real] [--keep FOLDER]

Four simulated RTSP cameras that film somebody who comes again and again, an operator who takes and
decides everything, a screen on the feed. What is killed: the service (engine, store, feed and
console are threads of it) at any moment, just as it writes to its database, or in its start; or a
decoding process. Then it is started again, and `tests.history` judges it all.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import veilleur
from tests.history import Acknowledged, Blind, Decided, Fed, Happens, Pen, Received, Shown, read
from tests.made_desk import made_film, write_site
from tests.nest import Nest
from tests.side_by_side import again
from tests.struck import VICTIM, Screen, Service, judged
from veilleur.law.gate import boot_s
from veilleur.simulation.simulator import SimulatedCamera, Simulator

CAMERAS = ("one", "two", "three", "four")
WORKING, WRITING, STARTING, DECODER = "at work", "as it writes", "while starting", "a decoder"
KINDS = (WORKING,) * 3 + (WRITING,) * 3 + (STARTING,) * 2 + (DECODER,) * 2
WRITES_WITHIN_S = 2.0
PROVEN = (Fed, Acknowledged, Decided, Received, Shown)


@dataclass(slots=True)
class Trials:
    """wrong: what the judge has against it. back_s: seconds from the start of a new process, or the
    death of a decoder, until all cameras are analysed again, by kind. events: how many of each kind
    the history holds. seconds: after that no more are begun."""

    number: int
    seed: int
    seconds: float = math.inf
    wrong: list[str] = field(default_factory=list)
    back_s: dict[str, list[float]] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        said = [
            f"{kind}: {len(times)} times, back after {statistics.median(times):.1f} s "
            f"(longest {max(times):.1f})"
            for kind, times in sorted(self.back_s.items())
        ]
        counted = ", ".join(f"{number} {kind.lower()}" for kind, number in self.events.items())
        kills = sum(len(times) for times in self.back_s.values())
        return "; ".join([f"{kills} kills", *said, counted, f"{len(self.wrong)} breaches"])


def courtyard(folder: Path) -> None:
    """Four cameras on the packaged demo clip, for the product's own detector."""
    demo = Path(veilleur.__file__).parent / "demo"
    shutil.copy(demo / "vtest.mp4", folder / "vtest.mp4")
    head, _, camera = (demo / "site.yaml").read_text().partition("  - id: courtyard\n")
    cameras = "".join(f"  - id: {name}\n{camera}" for name in CAMERAS)
    (folder / "site.yaml").write_text(head + cameras)


@contextmanager
def filmed(folder: Path) -> Iterator[None]:
    """As long as this lasts there are four RTSP cameras, which the site file in `folder` names."""
    film = made_film(folder)
    with Simulator([SimulatedCamera(film) for _ in CAMERAS]) as simulator:
        sources = {name: simulator.url(number) for number, name in enumerate(CAMERAS)}
        write_site(folder, sources)
        yield


def trials(folder: Path, wanted: Trials, options: Sequence[str] = ()) -> Trials:
    """In `folder`, where site.yaml is. The history stays there."""
    with Nest(VICTIM) as nest:
        return _trials(folder, wanted, nest, options)


def _trials(folder: Path, done: Trials, nest: Nest, options: Sequence[str]) -> Trials:
    die, pause = Random(done.seed), threading.Event()
    service, pen = Service(folder, *options, nest=nest), Pen(folder / "history")
    if "--real" not in options:
        for camera in CAMERAS:
            pen.write(Happens(camera, "anybody"))
    service.start()
    with service, Screen(service, CAMERAS) as screen:
        screen.until_all_analysed()
        ends = boot_s() + done.seconds
        for _ in range(done.number):
            if boot_s() > ends:
                break
            kind = die.choice(KINDS)
            pause.wait(die.uniform(0.0, 1.5))
            before_s = service.starved_s() if kind == DECODER else 0.0
            since, until = _strike(kind, service, die, pause)
            for camera in CAMERAS:
                screen.until_shown(camera, analysing=True, since=until)
            done.back_s.setdefault(kind, []).append(boot_s() - until)
            starved_s = max(0.0, service.starved_s() - before_s)
            for camera in CAMERAS:
                pen.write(Blind(camera, since, until, starved_s))
        service.end()
        hear_the_rest(screen, folder, nest)
    pen.close()
    done.wrong = judged(folder)
    done.events = Counter(type(event).__name__ for event in read(folder / "history"))
    done.wrong += [
        f"no {kind.__name__} at all: nothing was put to the test"
        for kind in PROVEN
        if not done.events[kind.__name__]
    ]
    return done


def _strike(
    kind: str, service: Service, die: Random, pause: threading.Event
) -> tuple[float, float]:
    """Returns when the fault began, and when it was over."""
    if kind == WRITING:
        _until_it_writes(service.folder / "data" / "veilleur.db-wal")
        pause.wait(die.uniform(0.0, 0.004))
    since = boot_s()
    if kind == DECODER:
        with suppress(ProcessLookupError):
            os.kill(die.choice(sorted(service.family())), signal.SIGKILL)
        return since, boot_s()
    service.kill()
    if kind == STARTING:
        service.start()
        pause.wait(die.uniform(0.0, 2.0))
        service.kill()
    over = boot_s()
    service.start()
    return since, over


def _until_it_writes(log: Path) -> None:
    """Or for WRITES_WITHIN_S, where nothing happens."""
    before, deadline = _changed(log), boot_s() + WRITES_WITHIN_S
    while _changed(log) == before and boot_s() < deadline:
        os.sched_yield()


def _changed(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def hear_the_rest(screen: Screen, folder: Path, nest: Nest | None = None) -> None:
    """What was stored in the last moments is heard by whoever comes back."""
    with Service(folder, "--stopped", nest=nest) as service:
        service.start()
        service.until_open()
        screen.follow(service)
        screen.until_heard_everything()
        service.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=math.inf, help="as many as fit into these")
    parser.add_argument("--real", action="store_true", help="the product's own detector and clip")
    parser.add_argument("--keep", type=Path, help="an empty folder for everything")
    asked = parser.parse_args()
    wanted = Trials(asked.trials, asked.seed, asked.seconds)
    folder = asked.keep or Path(tempfile.mkdtemp())
    with again("tests.killing", *sys.argv[1:]):
        if asked.real:
            courtyard(folder)
            done = trials(folder, wanted, ["--real"])
        else:
            with filmed(folder):
                done = trials(folder, wanted)
    if done.wrong:
        print(*done.wrong[:20], f"the history is in {folder}", sep="\n")
        print("again: python -m tests.killing", *sys.argv[1:])
    print(done)
    if done.wrong:
        sys.exit(1)
    if asked.keep is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
